/* test_hooks.c: errors pass the hooks, once each and in order; a hook may answer anew; fields that are defaults give way;
 * notes last as long as their request. */
#include "fixture.h"

static struct bench bench;
static char trace[256];
static char a[] = "a", b[] = "b";

static void note_error(leat_exchange *x, int status, void *argument)
{
    size_t at = strlen(trace);
    assert_non_null(x);
    snprintf(trace + at, sizeof trace - at, "%s%d ", (const char *)argument, status);
}

static void answer_anew(leat_exchange *x, int status, void *argument)
{
    (void)argument;
    assert_null(leat_data(x));
    assert_null(leat_shard_data(x));
    if (status == 404) {
        leat_field_set(x, "X-Hook", "yes");
        leat_text(x, 404, "mine: %.*s", (int)leat_path(x).size, leat_path(x).data);
    }
}

static void fail_with(leat_exchange *x)
{
    leat_fail(x, -(int)leat_query_int(x, "errno", 0));
}

static void say_404(leat_exchange *x)
{
    leat_text(x, 404, "by hand");
}

static void say_nothing(leat_exchange *x)
{
    (void)x;
}

static void twice(leat_exchange *x)
{
    leat_problem(x, 500, "never seen");
    leat_problem(x, 409, "seen");
}

static void mend(leat_exchange *x)
{
    leat_problem(x, 500, "never seen");
    leat_text(x, 200, "well");
}

static void open_hooked(void)
{
    leat_app *app = leat_app_create();
    leat_on_error(app, note_error, a);
    leat_on_error(leat_group(app, "/g"), note_error, b);
    leat_get(app, "/fail", fail_with);
    leat_get(app, "/hand", say_404);
    leat_get(app, "/nothing", say_nothing);
    leat_get(app, "/twice", twice);
    leat_get(app, "/mend", mend);
    open_bench(&bench, app);
}

static const char *ask(const char *request)
{
    trace[0] = '\0';
    return answer(&bench, request);
}

static void errors_pass_the_hooks_once(void **state)
{
    (void)state;
    open_hooked();
    ask(GET("/not-there"));
    assert_string_equal(trace, "a404 b404 ");
    ask("PUT /fail HTTP/1.1\r\nHost: leat\r\n\r\n");
    assert_string_equal(trace, "a405 b405 ");
    ask(GET("/nothing"));
    assert_string_equal(trace, "a500 b500 ");
    const char *sent = ask(GET("/twice"));
    assert_string_equal(trace, "a409 b409 ");
    assert_non_null(strstr(content_of(sent), "seen"));
    ask(GET("/mend"));
    assert_string_equal(trace, "");
    sent = ask(GET("/hand"));
    assert_string_equal(trace, "");
    assert_string_equal(content_of(sent), "by hand");
    close_bench(&bench);
}

static void a_failure_has_its_status(void **state)
{
    (void)state;
    static const struct {
        int error, status;
    } cases[] = {{ENOENT, 404},    {EACCES, 403}, {EPERM, 403},   {EEXIST, 409}, {ENOMEM, 503},
                 {EAGAIN, 503},    {EBUSY, 503},  {EINVAL, 400},  {EIO, 500},    {ETIMEDOUT, 504},
                 {ECANCELED, 503}, {0, 500},      {EMSGSIZE, 413}};
    open_hooked();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char request[128];
        snprintf(request, sizeof request, GET("/fail?errno=%d"), cases[i].error);
        assert_int_equal(status_of(ask(request)), cases[i].status);
    }
    close_bench(&bench);
}

static void a_hook_answers_anew(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_get(app, "/fail", fail_with);
    leat_on_error(app, answer_anew, NULL);
    leat_on_error(app, note_error, a);
    open_bench(&bench, app);
    const char *sent = ask("GET /gone HTTP/1.1\r\nHost: leat\r\nAccept: text/html\r\n\r\n");
    assert_int_equal(status_of(sent), 404);
    assert_string_equal(content_of(sent), "mine: /gone");
    assert_int_equal(count_line(sent, "X-Hook: yes"), 1);
    assert_int_equal(count_field(sent, "Content-Type"), 1);
    assert_string_equal(trace, "a404 ");
    sent = ask("GET /fail HTTP/1.1\r\nHost: leat\r\nAccept: text/html\r\n\r\n");
    assert_int_equal(status_of(sent), 500);
    assert_int_equal(count_line(sent, "Content-Type: text/html; charset=utf-8"), 1);
    close_bench(&bench);
}

static void answer_in_json(leat_exchange *x, int status, void *argument)
{
    leat_slice problem;
    (void)argument;
    assert_true(leat_response_content(x, &problem));
    leat_json *j = leat_json_begin(x, status);
    leat_json_raw(j, "error", problem.data, problem.size - 1);
    leat_json_array(j, "more");
    leat_json_end(j);
}

static void break_json(leat_exchange *x, int status, void *argument)
{
    (void)argument;
    leat_json_int(leat_json_begin(x, status), NULL, 1); /* a value without a name */
}

static void a_hook_answers_in_json(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_on_error(app, answer_in_json, NULL);
    leat_on_error(app, note_error, a);
    open_bench(&bench, app);
    const char *sent = ask(GET("/gone"));
    assert_int_equal(status_of(sent), 404);
    assert_string_equal(content_of(sent),
                        "{\"error\":{\"title\":\"Not Found\",\"status\":404},\"more\":[]}\n");
    assert_int_equal(count_line(sent, "Content-Type: application/json"), 1);
    close_bench(&bench);
    app = leat_app_create();
    leat_on_error(app, break_json, NULL);
    open_bench(&bench, app);
    assert_int_equal(status_of(ask(GET("/gone"))), 500);
    close_bench(&bench);
}

/* Before there is a route, as conn/ does with a head that it can't read. */
static void a_refusal_without_a_route_passes_too(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_on_error(app, answer_anew, NULL);
    leat_on_error(app, note_error, a);
    open_bench(&bench, app);
    trace[0] = '\0';
    leat__exchange_end(bench.x);
    memset(&bench.x->match, 0xff, sizeof bench.x->match);
    bench.x->chain = (const struct chain *)(const void *)bench.input;
    leat__exchange_begin(bench.x);
    leat_problem(bench.x, 400, "no head");
    assert_int_equal(status_of(send_out(&bench)), 400);
    assert_string_equal(trace, "a400 ");
    close_bench(&bench);
}

static void too_many_hooks_are_an_error_at_start(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    for (int i = 0; i < APP_HOOKS_MAX; i++)
        leat_on_error(app, note_error, a);
    assert_string_equal(leat__app_errors(app), "");
    leat_on_error(app, note_error, a);
    assert_non_null(strstr(leat__app_errors(app), "leat_on_error"));
    leat_on_connect(app, NULL, NULL);
    leat_on_deadline(app, NULL, NULL);
    assert_non_null(strstr(leat__app_errors(app), "leat_on_connect"));
    assert_non_null(strstr(leat__app_errors(app), "leat_on_deadline"));
    leat_app_destroy(app);
}

/* ── Defaults ── */

static void defaults(leat_exchange *x)
{
    assert_int_equal(leat_field_default(x, "X-One", "outer"), 0);
    assert_int_equal(leat_field_default(x, "X-Two", "outer"), 0);
    assert_int_equal(leat_field_default(x, "X-Two", "later"), 0);
    assert_int_equal(leat_field_default(x, "Content-Type", "text/never"), 0);
    assert_int_equal(leat_field_default(x, "Content-Length", "1"), -EINVAL);
    assert_int_equal(leat_field_default(x, "X-Bad", "a\nb"), -EINVAL);
    assert_int_equal(leat__field_default(x, "X-Page", "yes", FIELD_DEFAULT_OF_HTML), 0);
    leat_next(x);
    leat_slice page = leat_response_field(x, "X-Page");
    leat_field_set(x, "X-Seen", page.data != NULL ? "page" : "none");
}

static void set_one(leat_exchange *x)
{
    leat_field_add(x, "x-one", "handler");
    leat_text(x, 200, "plain");
}

static void html(leat_exchange *x)
{
    leat_bytes(x, 200, "Text/HTML", "<p>", 3);
}

static void html_by_field(leat_exchange *x)
{
    leat_text(x, 200, "<p>");
    leat_field_set(x, "Content-Type", "text/html; charset=utf-8");
}

static void a_default_gives_way(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_use(app, defaults);
    leat_get(app, "/set", set_one);
    leat_get(app, "/html", html);
    leat_get(app, "/field", html_by_field);
    open_bench(&bench, app);
    const char *sent = answer(&bench, GET("/set"));
    assert_int_equal(count_line(sent, "x-one: handler"), 1);
    assert_int_equal(count_field(sent, "X-One"), 0);
    assert_int_equal(count_line(sent, "X-Two: later"), 1);
    assert_int_equal(count_field(sent, "X-Two"), 1);
    assert_int_equal(count_field(sent, "Content-Type"), 1);
    assert_int_equal(count_field(sent, "X-Page"), 0);
    assert_int_equal(count_line(sent, "X-Seen: none"), 1);
    sent = answer(&bench, GET("/html"));
    assert_int_equal(count_line(sent, "X-One: outer"), 1);
    assert_int_equal(count_line(sent, "X-Page: yes"), 1);
    assert_int_equal(count_line(sent, "X-Seen: page"), 1);
    sent = answer(&bench, GET("/field"));
    assert_int_equal(count_line(sent, "X-Page: yes"), 1);
    assert_int_equal(count_field(sent, "Content-Type"), 1);
    close_bench(&bench);
}

/* ── Notes ── */

static void who(leat_exchange *x)
{
    assert_null(leat_principal(x));
    assert_string_equal(leat_request_id(x), "");
    char name[] = "ada";
    assert_int_equal(leat_set_principal(x, name), 0);
    name[0] = 'x';
    leat_text(x, 200, "%s", leat_principal(x));
}

static void a_principal_lasts_as_long_as_its_request(void **state)
{
    (void)state;
    open_stage(&bench);
    assert_string_equal(content_of(act(&bench, who, GET("/"))), "ada");
    assert_string_equal(content_of(act(&bench, who, GET("/"))), "ada");
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_pass_the_hooks_once),
        cmocka_unit_test(a_failure_has_its_status),
        cmocka_unit_test(a_hook_answers_anew),
        cmocka_unit_test(a_hook_answers_in_json),
        cmocka_unit_test(a_refusal_without_a_route_passes_too),
        cmocka_unit_test(too_many_hooks_are_an_error_at_start),
        cmocka_unit_test(a_default_gives_way),
        cmocka_unit_test(a_principal_lasts_as_long_as_its_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
