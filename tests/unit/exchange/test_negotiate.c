/* test_negotiate.c: the best of what is offered, with Vary; the content's media type, and 415 for another. The grammar is
 * tests/unit/http/test_accept.c's affair. */
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

static void choose_type(leat_exchange *x)
{
    static const char *const types[] = {"application/json", "text/html", "text/csv"};
    leat_text(x, 200, "%d", leat_accepts(x, types, COUNT_OF(types)));
}

static void choose_all(leat_exchange *x)
{
    static const char *const types[] = {"text/html"}, *const tags[] = {"en", "de"},
                             *const codings[] = {"br", "gzip", "identity"};
    int type = leat_accepts(x, types, 1), tag = leat_accepts_language(x, tags, 2);
    int coding = leat_accepts_encoding(x, codings, 3);
    leat_text(x, 200, "%d %d %d", type, tag, coding);
}

static const char *content_for(leat_handler *handler, const char *fields)
{
    char request[1024];
    snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: leat\r\n%s\r\n", fields);
    return content_of(act(&bench, handler, request));
}

static void the_best_offer_is_chosen(void **state)
{
    (void)state;
    assert_string_equal(content_for(choose_type, ""), "0");
    assert_string_equal(content_for(choose_type, "Accept: text/*, application/json;q=0.9\r\n"), "1");
    assert_string_equal(content_for(choose_type, "Accept: text/csv\r\nAccept: text/html;q=0.5\r\n"), "2");
    assert_string_equal(content_for(choose_type, "Accept: image/png\r\n"), "-1");
    assert_string_equal(content_for(choose_type, "Accept: */*\r\n"), "0");
    assert_string_equal(
        content_for(choose_all, "Accept-Language: de-AT, en;q=0.3\r\nAccept-Encoding: gzip\r\n"), "0 1 1");
    assert_string_equal(
        content_for(choose_all, "Accept-Language: fr\r\nAccept-Encoding: *;q=0\r\n"), "0 -1 -1");
    assert_string_equal(content_for(choose_all, ""), "0 0 2");
}

static void vary_tells_what_was_looked_at(void **state)
{
    (void)state;
    assert_int_equal(count_line(act(&bench, choose_type, GET("/")), "Vary: Accept"), 1);
    assert_int_equal(count_line(act(&bench, choose_all, GET("/")),
                                "Vary: Accept, Accept-Language, Accept-Encoding"),
                     1);
}

static void vary_often(leat_exchange *x)
{
    leat_field_set(x, "vary", "Origin");
    assert_int_equal(leat_vary(x, "Cookie"), 0);
    assert_int_equal(leat_vary(x, "ORIGIN"), 0);
    assert_int_equal(leat_vary(x, "Bad name\r\n"), -EINVAL);
    assert_int_equal(leat_vary(x, NULL), -EINVAL);
    leat_status(x, 204);
}

static void vary_everything(leat_exchange *x)
{
    leat_field_set(x, "Vary", "*");
    assert_int_equal(leat_vary(x, "Cookie"), 0);
    leat_status(x, 204);
}

static void vary_names_each_once(void **state)
{
    (void)state;
    assert_int_equal(count_line(act(&bench, vary_often, GET("/")), "Vary: Origin, Cookie"), 1);
    assert_int_equal(count_line(act(&bench, vary_everything, GET("/")), "Vary: *"), 1);
}

static void need_json(leat_exchange *x)
{
    int error = leat_content_need(x, "application/json");
    assert_true(error == 0 || error == -EMEDIUMTYPE);
    assert_int_equal(error == 0, leat_content_is(x, "Application/JSON"));
    leat_text(x, 200, "ok");
}

static void another_media_type_is_415(void **state)
{
    (void)state;
#define POST(type) "POST / HTTP/1.1\r\nHost: leat\r\n" type "\r\n{}"
    assert_int_equal(status_of(act(&bench, need_json, POST("Content-Type: application/json\r\n"))), 200);
    assert_int_equal(
        status_of(act(&bench, need_json, POST("Content-Type: application/JSON;charset=utf-8\r\n"))), 200);
    const char *sent = act(&bench, need_json, POST("Content-Type: text/plain\r\n"));
    assert_int_equal(status_of(sent), 415);
    assert_int_equal(count_line(sent, "Accept: application/json"), 1);
    assert_int_equal(status_of(act(&bench, need_json, POST(""))), 415);
    assert_int_equal(status_of(act(&bench, need_json, POST("Content-Type: json\r\n"))), 415);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_offer_is_chosen),
        cmocka_unit_test(vary_tells_what_was_looked_at),
        cmocka_unit_test(vary_names_each_once),
        cmocka_unit_test(another_media_type_is_415),
    };
    return cmocka_run_group_tests(tests, open_it, close_it);
}
