/* test_chain.c: middleware stands around its routes in the order of registration, from the outermost app inwards; and
 * leat_next runs what is behind exactly once, whoever asks again. */
#include "fixture.h"

static struct bench bench;
static char trace[256];

static void note(const char *text)
{
    strncat(trace, text, sizeof trace - strlen(trace) - 1);
}

/* "a(" … ")a": its letter is its data, before and after. */
static void around(leat_exchange *x)
{
    const char *letter = leat_data(x);
    note(letter);
    note("(");
    leat_next(x);
    assert_ptr_equal(leat_data(x), letter);
    note(")");
    note(letter);
}

static void handle(leat_exchange *x)
{
    note(leat_data(x) ? leat_data(x) : "-");
    leat_text(x, 200, "ok");
}

/* Middleware that is data-less and never goes on. */
static void stop(leat_exchange *x)
{
    assert_null(leat_data(x));
    note("stop");
    leat_text(x, 403, "no further");
}

static char a[] = "a", b[] = "b", c[] = "c", d[] = "d", e[] = "e", h[] = "h", k[] = "k";

static const char *ask(const char *request)
{
    trace[0] = '\0';
    return answer(&bench, request);
}

static void middleware_runs_from_the_outermost_app_inwards(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_get_with(app, "/", handle, h);
    leat_use_with(app, around, a);
    leat_app *outer = leat_group(app, "/outer");
    leat_app *inner = leat_group(outer, "/inner");
    leat_app *other = leat_group(app, "/other");
    leat_use_with(inner, around, d);
    leat_get_with(inner, "/x", handle, h);
    leat_get_with(outer, "/x", handle, k);
    leat_get(other, "/x", handle);
    leat_use_with(outer, around, c);
    leat_use_with(app, around, b); /* after the routes, and for them all the same */
    leat_use_with(inner, around, e);
    open_bench(&bench, app);
    ask(GET("/"));
    assert_string_equal(trace, "a(b(h)b)a");
    ask(GET("/outer/x"));
    assert_string_equal(trace, "a(b(c(k)c)b)a");
    ask(GET("/outer/inner/x"));
    assert_string_equal(trace, "a(b(c(d(e(h)e)d)c)b)a");
    ask(GET("/other/x"));
    assert_string_equal(trace, "a(b(-)b)a");
    close_bench(&bench);
}

static void the_roots_middleware_runs_around_what_has_no_route(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_app *group = leat_group(app, "/group");
    leat_use_with(app, around, a);
    leat_use_with(group, around, b);
    leat_get_with(group, "/x", handle, h);
    leat_delete_with(group, "/x", handle, h);
    open_bench(&bench, app);
    assert_int_equal(status_of(ask(GET("/group/none"))), 404);
    assert_string_equal(trace, "a()a");
    assert_string_equal(content_of(bench.sent), "{\"title\":\"Not Found\",\"status\":404}\n");
    assert_int_equal(status_of(ask("PUT /group/x HTTP/1.1\r\nHost: a\r\n\r\n")), 405);
    assert_string_equal(trace, "a()a");
    assert_int_equal(count_line(bench.sent, "Allow: GET, HEAD, DELETE, OPTIONS"), 1);
    assert_int_equal(status_of(ask("OPTIONS /group/x HTTP/1.1\r\nHost: a\r\n\r\n")), 204);
    assert_string_equal(trace, "a()a");
    assert_int_equal(count_line(bench.sent, "Allow: GET, HEAD, DELETE, OPTIONS"), 1);
    assert_int_equal(status_of(ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")), 204);
    assert_int_equal(status_of(ask("OPTIONS /none HTTP/1.1\r\nHost: a\r\n\r\n")), 404);
    assert_int_equal(status_of(ask("BREW /group/x HTTP/1.1\r\nHost: a\r\n\r\n")), 501);
    assert_string_equal(trace, "a()a");
    ask(GET("/group/x"));
    assert_string_equal(trace, "a(b(h)b)a");
    close_bench(&bench);
}

static void who_does_not_go_on_ends_the_chain(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_use_with(app, around, a);
    leat_use(app, stop);
    leat_use_with(app, around, b);
    leat_get_with(app, "/", handle, h);
    open_bench(&bench, app);
    assert_int_equal(status_of(ask(GET("/"))), 403);
    assert_string_equal(trace, "a(stop)a");
    assert_int_equal(status_of(ask(GET("/none"))), 403);
    close_bench(&bench);
}

static void next_twice(leat_exchange *x)
{
    note("2(");
    leat_next(x);
    leat_next(x);
    note(")");
    leat_next(x);
    note("2");
}

static void handle_and_go_on(leat_exchange *x)
{
    leat_next(x);
    handle(x);
    leat_next(x);
}

static void leat_next_runs_what_is_behind_once(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_use(app, next_twice);
    leat_use_with(app, around, a);
    leat_use(app, next_twice);
    leat_get_with(app, "/", handle_and_go_on, h);
    leat_get_with(app, "/next", handle, k); /* its chain lies behind the other's */
    open_bench(&bench, app);
    for (int i = 0; i < 2; i++) { /* the next request has a run of its own */
        ask(GET("/"));
        assert_string_equal(trace, "2(a(2(h)2)a)2");
        assert_string_equal(content_of(bench.sent), "ok");
    }
    ask(GET("/none"));
    assert_string_equal(trace, "2(a(2()2)a)2");
    close_bench(&bench);
}

static void stop_without_a_word(leat_exchange *x)
{
    (void)x;
    note("silent");
}

/* Its own second leat_next comes when an inner middleware has ended the run already. */
static void after_a_short_circuit_there_is_no_second_run(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_use(app, next_twice);
    leat_use(app, stop_without_a_word);
    leat_get_with(app, "/", handle, h);
    open_bench(&bench, app);
    assert_int_equal(status_of(ask(GET("/"))), 500);
    assert_string_equal(content_of(bench.sent),
                        "{\"title\":\"Internal Server Error\",\"status\":500,"
                        "\"detail\":\"The handler has not answered\"}\n");
    assert_string_equal(trace, "2(silent)2");
    close_bench(&bench);
}

static void look_at_status(leat_exchange *x)
{
    assert_int_equal(leat_response_status(x), 0);
    leat_next(x);
    int status = leat_response_status(x);
    leat_field_setf(x, "X-Status", "%d", status);
    if (status == 404)
        leat_text(x, 410, "replaced");
}

static void middleware_sees_and_changes_the_answer(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_use(app, look_at_status);
    leat_get_with(app, "/", handle, h);
    open_bench(&bench, app);
    assert_int_equal(status_of(ask(GET("/"))), 200);
    assert_int_equal(count_line(bench.sent, "X-Status: 200"), 1);
    assert_int_equal(status_of(ask(GET("/none"))), 410);
    assert_int_equal(count_line(bench.sent, "X-Status: 404"), 1);
    assert_string_equal(content_of(bench.sent), "replaced");
    close_bench(&bench);
}

static void need_json(leat_exchange *x)
{
    leat_content_need(x, "application/json");
    leat_text(x, 200, "all the same");
}

static void middleware_sees_a_refusal(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_use(app, look_at_status);
    leat_get(app, "/", need_json);
    open_bench(&bench, app);
    assert_int_equal(status_of(ask(GET("/"))), 415);
    assert_int_equal(count_line(bench.sent, "X-Status: 415"), 1);
    close_bench(&bench);
}

static void an_app_without_routes_still_answers(void **state)
{
    (void)state;
    open_bench(&bench, leat_app_create());
    assert_int_equal(status_of(ask(GET("/"))), 404);
    close_bench(&bench);
}

static void a_path_is_matched_however_it_was_encoded(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_get_with(app, "/a b/c", handle, h);
    open_bench(&bench, app);
    assert_int_equal(status_of(ask(GET("/a%20b/c"))), 200);
    assert_int_equal(status_of(ask(GET("/%61%20b/%63"))), 200);
    assert_int_equal(status_of(ask(GET("/a%20b%2Fc"))), 404);
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(middleware_runs_from_the_outermost_app_inwards),
        cmocka_unit_test(the_roots_middleware_runs_around_what_has_no_route),
        cmocka_unit_test(who_does_not_go_on_ends_the_chain),
        cmocka_unit_test(leat_next_runs_what_is_behind_once),
        cmocka_unit_test(after_a_short_circuit_there_is_no_second_run),
        cmocka_unit_test(middleware_sees_and_changes_the_answer),
        cmocka_unit_test(middleware_sees_a_refusal),
        cmocka_unit_test(an_app_without_routes_still_answers),
        cmocka_unit_test(a_path_is_matched_however_it_was_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
