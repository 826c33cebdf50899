/* test_routes.c: hosts and matchers: who answers for which host, in which order, and what a matcher's captures become. */
#include "fixture.h"

static struct bench bench;

static void name_it(leat_exchange *x)
{
    leat_text(x, 200, "%s", (const char *)leat_data(x));
}

static void count_it(leat_exchange *x)
{
    leat_field_add(x, "Passed", leat_data(x));
    leat_next(x);
}

static char one[] = "one", two[] = "two", three[] = "three", others[] = "others";

/* The content that host gets for the path. */
static const char *at_host(const char *host, const char *path)
{
    static char request[1024];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host);
    return answer(&bench, request);
}

static void each_host_has_routes_of_its_own(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_app *first = leat_host(app, "one.example"), *again = leat_host(app, "ONE.example");
    leat_app *star = leat_host(app, "*.example");
    leat_use_with(app, count_it, others);
    leat_use_with(first, count_it, one);
    leat_get_with(first, "/", name_it, one);
    leat_get_with(again, "/more", name_it, one);
    leat_get_with(leat_group(star, "/a"), "/b", name_it, two);
    leat_get_with(app, "/", name_it, others);
    leat_get_with(app, "/others", name_it, others);
    open_bench(&bench, app);
    const char *sent = at_host("one.example:8080", "/");
    assert_string_equal(content_of(sent), "one");
    assert_int_equal(count_line(sent, "Passed: others"), 1);
    assert_int_equal(count_line(sent, "Passed: one"), 1);
    sent = at_host("One.Example", "/more");
    assert_string_equal(content_of(sent), "one");
    assert_int_equal(count_line(sent, "Passed: one"), 0);
    assert_string_equal(content_of(at_host("x.example", "/a/b")), "two");
    assert_int_equal(status_of(at_host("x.example", "/")), 404);
    assert_int_equal(status_of(at_host("one.example", "/others")), 404); /* the app has it, the host has not */
    assert_string_equal(content_of(at_host("elsewhere", "/")), "others");
    assert_string_equal(
        content_of(answer(&bench, "GET http://one.example/ HTTP/1.1\r\nHost: x\r\n\r\n")), "one");
    assert_string_equal(content_of(answer(&bench, "GET / HTTP/1.0\r\n\r\n")), "others");
    close_bench(&bench);
}

static void where_only_hosts_have_routes_the_rest_is_misdirected(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_get_with(leat_host(app, "one.example"), "/", name_it, one);
    open_bench(&bench, app);
    assert_int_equal(status_of(at_host("one.example", "/")), 200);
    assert_int_equal(status_of(at_host("one.example", "/x")), 404);
    assert_int_equal(status_of(at_host("two.example", "/")), 421);
    close_bench(&bench);
}

static void what_is_wrong_with_a_host_is_told_at_start(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_app *host = leat_host(app, "one.example");
    leat_get_with(host, "/x/:a", name_it, one);
    leat_get_with(app, "/x/:a", name_it, one); /* of all others: another route */
    leat_get_with(leat_host(app, "ONE.example"), "/x/:b", name_it, one);
    leat_host(host, "two.example");
    leat_host(host, "one.example"); /* the same: a group of it */
    leat_host(app, "not a host");
    leat_host(app, NULL);
    leat_host(app, "a:0");
    assert_int_equal(leat__app_measure(app), -EINVAL);
    static const char *const wanted[] = {
        "GET /x/:a and GET /x/:b are the same route; host one.example\n",
        "host \"two.example\": a group that answers for another host can't have it\n",
        "host \"not a host\": a host is ",
        "host \"(null)\"",
        "host \"a:0\": a port is 1 to 65535\n",
    };
    const char *errors = leat__app_errors(app);
    unsigned lines = 0;
    for (const char *at = errors; *at != '\0'; at++)
        lines += *at == '\n';
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        if (strstr(errors, wanted[i]) == NULL)
            fail_msg("nothing of %s in:\n%s", wanted[i], errors);
    assert_int_equal(lines, COUNT_OF(wanted));
    leat_app_destroy(app);
}

/* ── Matchers ── */

/* "/letters-digits": the letters by name, the digits by number. */
static bool match_pair(void *data, const char *path, size_t size, leat_captures *captures)
{
    const char *dash = memchr(path, '-', size);
    *(unsigned *)data += 1;
    if (dash == NULL || path[0] != '/')
        return false;
    assert_int_equal(leat_capture(captures, "letters", path + 1, (size_t)(dash - path) - 1), 0);
    assert_int_equal(leat_capture(captures, NULL, dash + 1, (size_t)(path + size - dash) - 1), 0);
    return true;
}

static void show_pair(leat_exchange *x)
{
    leat_text(x, 200, "%s|%s|%s|%s|%s|%s", leat_param(x, "letters"), leat_param(x, "1"),
              leat_param(x, "2"), leat_param(x, "3"), leat_param(x, "0"), leat_param(x, ""));
}

static void a_matcher_is_asked_when_no_pattern_is_found(void **state)
{
    (void)state;
    static unsigned asked;
    leat_app *app = leat_app_create();
    leat_route_match(app, "GET", "pair", match_pair, &asked, show_pair, NULL);
    leat_get_with(app, "/a-1", name_it, one);
    leat_post(app, "/b-2", show_pair);
    leat_get_with(leat_host(app, "one.example"), "/", name_it, one);
    open_bench(&bench, app);
    asked = 0;
    assert_string_equal(content_of(answer(&bench, GET("/a-1"))), "one");
    assert_int_equal(asked, 0);
    assert_string_equal(content_of(answer(&bench, GET("/abc-123"))), "abc|abc|123|||");
    assert_string_equal(content_of(answer(&bench, GET("/b-2"))), "b|b|2|||"); /* a pattern, of another method */
    assert_string_equal(content_of(answer(&bench, GET("/%61%2Fb-%2531"))), "a/b|a/b|%31|||");
    assert_int_equal(status_of(answer(&bench, HEAD("/abc-123"))), 200);
    assert_int_equal(status_of(answer(&bench, GET("/abc"))), 404);
    assert_int_equal(status_of(at_host("one.example", "/abc-123")), 404);
    const char *sent = answer(&bench, "PUT /b-2 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(status_of(sent), 405);
    assert_int_equal(count_line(sent, "Allow: GET, HEAD, POST, OPTIONS"), 1);
    sent = answer(&bench, "OPTIONS /x-2 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(status_of(sent), 204);
    assert_int_equal(count_line(sent, "Allow: GET, HEAD, OPTIONS"), 1);
    close_bench(&bench);
}

static bool match_all(void *data, const char *path, size_t size, leat_captures *captures)
{
    return leat_capture(captures, "all", path, size) == 0 && (data == NULL || size == strlen(data));
}

static void show_all(leat_exchange *x)
{
    leat_text(x, 200, "%s %s", (const char *)leat_data(x), leat_param(x, "all"));
}

static void the_first_that_fits_wins_and_a_group_gives_it_the_rest_of_the_path(void **state)
{
    (void)state;
    static char four[] = "four";
    leat_app *app = leat_app_create();
    leat_app *group = leat_group(app, "/api");
    leat_use_with(group, count_it, one);
    leat_route_match(group, "GET", "fours", match_all, four, show_all, one);
    leat_route_match(group, "GET", "rest", match_all, NULL, show_all, two);
    leat_route_match(app, "GET", "everything", match_all, NULL, show_all, three);
    open_bench(&bench, app);
    const char *sent = answer(&bench, GET("/api/abc"));
    assert_string_equal(content_of(sent), "one /abc");
    assert_int_equal(count_line(sent, "Passed: one"), 1);
    assert_string_equal(content_of(answer(&bench, GET("/api/abcd"))), "two /abcd");
    assert_string_equal(content_of(answer(&bench, GET("/api"))), "two ");
    assert_string_equal(content_of(answer(&bench, GET("/apis"))), "three /apis");
    assert_int_equal(status_of(answer(&bench, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")), 204);
    close_bench(&bench);
}

/* Captures that can't be, and what its data says of the answer. */
static bool match_wrongly(void *data, const char *path, size_t size, leat_captures *captures)
{
    assert_int_equal(leat_capture(captures, "x", path - 1, 1), -ERANGE);
    assert_int_equal(leat_capture(captures, "x", path + 1, size), -ERANGE);
    assert_int_equal(leat_capture(captures, "x", path + size + 1, 0), -ERANGE);
    assert_int_equal(leat_capture(captures, "none", NULL, 99), 0);
    for (int i = 1; i < ROUTER_PARAMS_MAX; i++)
        assert_int_equal(leat_capture(captures, NULL, path, size), 0);
    assert_int_equal(leat_capture(captures, "x", path, size), -E2BIG);
    if (data != NULL)
        leat_capture_refuse(captures, *(int *)data);
    return true;
}

static void captures_stay_within_the_path_and_are_so_many(void **state)
{
    (void)state;
    static int status;
    leat_app *app = leat_app_create();
    leat_route_match(app, "GET", "wrong", match_wrongly, NULL, show_all, one);
    leat_route_match(app, "POST", "refusing", match_wrongly, &status, show_all, one);
    open_bench(&bench, app);
    assert_string_equal(content_of(answer(&bench, GET("/a"))), "one ");
    assert_int_equal(bench.x->match.param_count, ROUTER_PARAMS_MAX);
    close_bench(&bench);
}

static void a_matcher_may_refuse(void **state)
{
    (void)state;
    static int status;
    leat_app *app = leat_app_create();
    leat_route_match(app, "GET", "refusing", match_wrongly, &status, show_all, one);
    open_bench(&bench, app);
    status = 503;
    assert_int_equal(status_of(answer(&bench, GET("/a"))), 503);
    status = 200; /* no refusal: a defect of the matcher's */
    assert_int_equal(status_of(answer(&bench, GET("/a"))), 500);
    close_bench(&bench);
}

static void what_is_wrong_with_a_matcher_is_told_at_start(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_route_match(app, "GET", "a", NULL, NULL, show_all, one);
    leat_route_match(app, "BREW", "b", match_all, NULL, show_all, one);
    leat_route_match(app, "GET", "c", match_all, NULL, NULL, one);
    leat_route_match(leat_group(app, "/:user"), "GET", "d", match_all, NULL, show_all, one);
    assert_int_equal(leat__app_measure(app), -EINVAL);
    const char *errors = leat__app_errors(app);
    assert_non_null(strstr(errors, "route GET \"a\": the matcher is NULL\n"));
    assert_non_null(strstr(errors, "route \"b\": \"BREW\" is not a method"));
    assert_non_null(strstr(errors, "route GET \"c\": needs a pattern and a handler\n"));
    assert_non_null(strstr(errors, "route GET \"d\": the group \"/:user\" has parameters"));
    leat_app_destroy(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_host_has_routes_of_its_own),
        cmocka_unit_test(where_only_hosts_have_routes_the_rest_is_misdirected),
        cmocka_unit_test(what_is_wrong_with_a_host_is_told_at_start),
        cmocka_unit_test(a_matcher_is_asked_when_no_pattern_is_found),
        cmocka_unit_test(the_first_that_fits_wins_and_a_group_gives_it_the_rest_of_the_path),
        cmocka_unit_test(captures_stay_within_the_path_and_are_so_many),
        cmocka_unit_test(a_matcher_may_refuse),
        cmocka_unit_test(what_is_wrong_with_a_matcher_is_told_at_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
