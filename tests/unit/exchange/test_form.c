/* test_form.c: the pairs of queries and forms: all of them in order, all values of a name, decoded; and forms that are of
 * another media type, not well encoded, or endless, which are answered whatever the handler says. */
#include "fixture.h"

static struct bench bench;

static int open_it(void **state)
{
    (void)state;
    open_stage(&bench);
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    close_bench(&bench);
    return 0;
}

static void go_over_query(leat_exchange *x)
{
    static const char *const pairs[][2] = {
        {"a", "1"}, {"b c", "\xc3\xa9 "}, {"a", "2"}, {"", "x"}, {"e", ""}, {"f", "="}};
    const char *name, *value;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        assert_true(leat_query_at(x, i, &name, &value));
        assert_string_equal(name, pairs[i][0]);
        assert_string_equal(value, pairs[i][1]);
    }
    assert_false(leat_query_at(x, COUNT_OF(pairs), &name, &value));
    assert_true(leat_query_at(x, 1, &name, &value)); /* back again */
    assert_string_equal(name, "b c");
    assert_string_equal(leat_query_nth(x, "a", 0), "1");
    assert_string_equal(leat_query_nth(x, "a", 1), "2");
    assert_null(leat_query_nth(x, "a", 2));
    assert_string_equal(leat_query(x, "b c"), "\xc3\xa9 ");
    leat_text(x, 200, "ok");
}

static void a_query_is_gone_over_in_order(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) /* what the first request has left behind is not taken for the second's */
        assert_int_equal(
            status_of(act(&bench, go_over_query, GET("/?a=1&b+c=%C3%A9+&&%61=2&=x&e&f=="))), 200);
}

static void go_over_nothing(leat_exchange *x)
{
    const char *name, *value;
    assert_false(leat_query_at(x, 0, &name, &value));
    assert_false(leat_form_at(x, 0, &name, &value));
    assert_null(leat_form(x, "a"));
    assert_int_equal(leat_form_check(x), 0);
    leat_text(x, 200, "ok");
}

static void where_there_is_nothing_nothing_is_found(void **state)
{
    (void)state;
    assert_int_equal(status_of(act(&bench, go_over_nothing, GET("/"))), 200);
    assert_int_equal(status_of(act(&bench, go_over_nothing, GET("/?"))), 200);
}

static void go_over_bad_query(leat_exchange *x)
{
    const char *name, *value;
    assert_true(leat_query_at(x, 0, &name, &value));
    assert_false(leat_query_at(x, 1, &name, &value));
    leat_text(x, 200, "ok");
}

static void a_query_that_is_not_well_encoded_is_400(void **state)
{
    (void)state;
    assert_int_equal(status_of(act(&bench, go_over_bad_query, GET("/?a=1&b=%2"))), 400);
    assert_int_equal(status_of(act(&bench, go_over_bad_query, GET("/?a=1&%zz=2"))), 400);
    assert_int_equal(status_of(act(&bench, go_over_bad_query, GET("/?a=1&b=%00"))), 400);
}

#define FORM(content)                                                                              \
    "POST / HTTP/1.1\r\nHost: leat\r\nContent-Type: "                                              \
    "application/x-www-form-urlencoded\r\n\r\n" content

static void read_form(leat_exchange *x)
{
    const char *name, *value;
    assert_int_equal(leat_form_check(x), 0);
    assert_string_equal(leat_form(x, "what"), "tea & cake");
    assert_int_equal(leat_form_int(x, "count", 1), -12);
    assert_int_equal(leat_form_int(x, "none", 7), 7);
    assert_int_equal(leat_form_int(x, "what", 7), 7);
    assert_string_equal(leat_form_nth(x, "tag", 1), "b");
    assert_null(leat_form_nth(x, "tag", 2));
    assert_true(leat_form_at(x, 2, &name, &value));
    assert_string_equal(name, "tag");
    assert_string_equal(value, "a");
    assert_true(leat_query_at(x, 0, &name, &value)); /* one cursor serves both */
    assert_true(leat_form_at(x, 3, &name, &value));
    assert_string_equal(value, "b");
    assert_false(leat_form_at(x, 4, &name, &value));
    assert_slice(leat_content(x), "what=tea+%26+cake&count=-12&tag=a&t%61g=b"); /* as it came */
    leat_text(x, 200, "ok");
}

static void a_form_is_decoded(void **state)
{
    (void)state;
    assert_int_equal(status_of(act(&bench, read_form,
                                   "POST /?q=1 HTTP/1.1\r\nHost: leat\r\nContent-Type: "
                                   "Application/X-WWW-Form-Urlencoded; charset=utf-8\r\n\r\n"
                                   "what=tea+%26+cake&count=-12&tag=a&t%61g=b")),
                     200);
}

static int expected_error;

static void read_bad_form(leat_exchange *x)
{
    const char *name, *value;
    assert_null(leat_form(x, "a"));
    assert_null(leat_form(x, "b"));
    assert_false(leat_form_at(x, 0, &name, &value));
    assert_int_equal(leat_form_check(x), expected_error);
    leat_text(x, 200, "Never mind\n");
}

static void a_form_of_another_media_type_is_415(void **state)
{
    (void)state;
    expected_error = -EMEDIUMTYPE;
    const char *sent = act(
        &bench, read_bad_form, "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\r\na=1");
    assert_int_equal(status_of(sent), 415);
    assert_int_equal(count_line(sent, "Accept: application/x-www-form-urlencoded"), 1);
    assert_int_equal(status_of(act(&bench, read_bad_form, "POST / HTTP/1.1\r\nHost: a\r\n\r\na=1")), 415);
}

static void a_form_that_is_not_well_encoded_is_400(void **state)
{
    (void)state;
    static const char *const bad[] = {"a=1&b=%", "a=%4",      "a=%4g",
                                      "%=1",     "a=1&b=%00", "a=1&c=%\xff\xff"};
    expected_error = -EBADMSG;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char request[256];
        snprintf(request, sizeof request, FORM("%s"), bad[i]);
        const char *sent = act(&bench, read_bad_form, request);
        assert_int_equal(status_of(sent), 400);
        assert_int_equal(count_field(sent, "Connection"), 0); /* the next request may come */
    }
}

static void count_form(leat_exchange *x)
{
    const char *name, *value;
    size_t count = 0;
    while (leat_form_at(x, count, &name, &value))
        count++;
    leat_text(x, 200, "%zu", count);
}

static void a_form_has_a_thousand_pairs_and_no_more(void **state)
{
    (void)state;
    static char request[8192] = FORM("");
    size_t at = strlen(request);
    for (int i = 0; i < 1000; i++)
        at += (size_t)snprintf(request + at, sizeof request - at, "a=%d&", i);
    const char *sent = act(&bench, count_form, request);
    assert_int_equal(status_of(sent), 200);
    assert_string_equal(content_of(sent), "1000");
    snprintf(request + at, sizeof request - at, "a");
    assert_int_equal(status_of(act(&bench, count_form, request)), 413);
    expected_error = -E2BIG;
    assert_int_equal(status_of(act(&bench, read_bad_form, request)), 413);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_is_gone_over_in_order),
        cmocka_unit_test(where_there_is_nothing_nothing_is_found),
        cmocka_unit_test(a_query_that_is_not_well_encoded_is_400),
        cmocka_unit_test(a_form_is_decoded),
        cmocka_unit_test(a_form_of_another_media_type_is_415),
        cmocka_unit_test(a_form_that_is_not_well_encoded_is_400),
        cmocka_unit_test(a_form_has_a_thousand_pairs_and_no_more),
    };
    return cmocka_run_group_tests(tests, open_it, close_it);
}
