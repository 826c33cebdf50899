/* JSON of a load: figures that are known, and valid whatever is told. */
#define _GNU_SOURCE
#include "fake.h"
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct load_options o;
static struct load_result r;
static struct load_by_request by_request[2];

static int begin(void **state)
{
    (void)state;
    fake_load(&o, &r, by_request);
    return 0;
}

static int end(void **state)
{
    (void)state;
    leat__load_options_free(&o);
    return 0;
}

static json_t *told(void)
{
    char *text = fake_text(leat__load_json, &o, &r);
    json_error_t error;
    json_t *all = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (all == NULL)
        fail_msg("%s in:\n%s", error.text, text);
    free(text);
    return all;
}

static const json_t *at(const json_t *all, const char *path)
{
    char names[128];
    snprintf(names, sizeof names, "%s", path);
    for (char *rest = names, *name; all != NULL && (name = strsep(&rest, ".")) != NULL;)
        all = json_is_array(all) ? json_array_get(all, strtoul(name, NULL, 10))
                                 : json_object_get(all, name);
    if (all == NULL)
        fail_msg("%s is not there", path);
    return all;
}

static void is_about(const json_t *all, const char *path, double value)
{
    double found = json_number_value(at(all, path));
    if (found < value * 0.983 || found > value * 1.017)
        fail_msg("%s is %g, not %g", path, found, value);
}

static void json_has_the_figures(void **state)
{
    (void)state;
    json_t *all = told();
    is_about(all, "active.latency.p50_s", 0.001);
    is_about(all, "active.latency.p99_s", 0.001);
    is_about(all, "active.latency.p999_s", 0.01);
    is_about(all, "active.latency.max_s", 0.04);
    is_about(all, "active.latency.mean_s", 0.00112);
    is_about(all, "active.answers_per_second", 500);
    is_about(all, "requests.0.latency.p50_s", 0.001);
    assert_int_equal(json_array_size(at(all, "active.latency.buckets")), 3);
    assert_int_equal(json_integer_value(at(all, "active.latency.buckets.0.1")), 990);
    assert_string_equal(json_string_value(at(all, "options.url")), "http://127.0.0.1:8080/");
    assert_string_equal(json_string_value(at(all, "options.arrivals")), "closed");
    assert_true(json_is_null(at(all, "server")) && json_is_null(at(all, "first_error")));
    assert_true(json_is_null(at(all, "idle.latency.p50_s")));
    assert_int_equal(json_array_size(at(all, "idle.latency.buckets")), 0);
    assert_int_equal(json_array_size(at(all, "warnings")), 0);
    json_decref(all);
}

static void json_is_json_whatever_is_told(void **state)
{
    (void)state;
    strcpy(r.first_error, "\"\\\x01\x80 \xf0\x9f\x98\x80\n");
    strcpy(o.requests[0].name, "GET /\"\xff");
    r.seconds = 0;
    o.rate = 1.0 / 0.0;
    o.pid = 7;
    CPU_SET(3, &o.active_cores);
    r.server = (struct load_server){.valid = true, .cpu_s = 0.0 / 0.0};
    r.active.answers = 0;
    r.by_request = NULL;
    json_t *all = told();
    assert_true(json_is_null(at(all, "options.rate")) && json_is_null(at(all, "server.cpu_s")));
    assert_true(json_is_null(at(all, "server.cpu_per_answer_s")));
    assert_int_equal(json_integer_value(at(all, "options.cores.0")), 3);
    assert_int_equal(json_array_size(at(all, "requests")), 0);
    assert_string_equal(json_string_value(at(all, "first_error")),
                        "\"\\\x01\xef\xbf\xbd \xf0\x9f\x98\x80\n");
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(json_has_the_figures, begin, end),
        cmocka_unit_test_setup_teardown(json_is_json_whatever_is_told, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
