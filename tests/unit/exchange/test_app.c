/* test_app.c: what is wrong with an app is remembered at registration, line by line, and told together at the start. */
#include "fixture.h"

static void handle(leat_exchange *x)
{
    leat_text(x, 200, "%s", leat_data(x) ? (const char *)leat_data(x) : "-");
}

/* The app must be refused with so many lines, each of wanted in one of them. */
static void assert_refused(leat_app *app, unsigned lines, const char *const wanted[], size_t wanted_count)
{
    assert_int_equal(leat__app_measure(app), -EINVAL);
    const char *errors = leat__app_errors(app);
    unsigned found = 0;
    for (const char *at = errors; *at != '\0'; at++)
        found += *at == '\n';
    if (found != lines)
        fail_msg("%u lines, not %u:\n%s", found, lines, errors);
    assert_int_equal(errors[strlen(errors) - 1], '\n');
    for (size_t i = 0; i < wanted_count; i++)
        if (strstr(errors, wanted[i]) == NULL)
            fail_msg("nothing of %s in:\n%s", wanted[i], errors);
    leat_app_destroy(app);
}

#define REFUSED(app, lines, ...)                                                                   \
    assert_refused(app, lines, (const char *const[]){__VA_ARGS__},                                 \
                   COUNT_OF(((const char *const[]){__VA_ARGS__})))

static void two_routes_that_mean_the_same_are_both_named(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_get(app, "/users/:id", handle);
    leat_get(leat_group(app, "/users"), "/:name", handle);
    leat_post(app, "/users/:other", handle); /* another method is another route */
    REFUSED(app, 1, "GET /users/:id", "GET /users/:name");
}

static void all_that_is_wrong_is_told_together(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_get(app, "/good", handle);
    leat_get(app, "bad", handle);
    leat_get(app, "/a/:", handle);
    leat_get(app, "/good", handle);
    leat_get(app, "/better/*x", handle);
    leat_get(app, "/better/*y", handle);
    leat_get(app, "/*rest/more", handle);
    leat_route(app, "BREW", "/tea", handle);
    leat_get(app, "/nobody", NULL);
    leat_use(app, NULL);
    leat_group(app, "slash");
    leat_app_error(app, "100% a library's");
    REFUSED(app, 10, "100% a library's", "\"bad\"", "\"/a/:\"", "GET /good", "/better/*x",
            "/better/*y", "\"/*rest/more\"", "BREW", "\"/nobody\"", "leat_use", "\"slash\"");
}

static void a_prefix_begins_with_a_slash_and_does_not_end_with_one(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_group(app, "api");
    leat_group(app, "/api/");
    leat_group(app, "/");
    leat_group(app, NULL);
    leat_group(app, ""); /* middleware of its own, and the outer app's paths */
    REFUSED(app, 4, "\"api\"", "\"/api/\"", "\"/\"", "(null)");
}

static void a_pattern_in_a_group_begins_with_a_slash_too(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_app *group = leat_group(app, "/api");
    leat_get(group, "items", handle); /* it would have been /apiitems */
    leat_get(group, ":id", handle);
    REFUSED(app, 2, "\"items\"", "\":id\"");
}

static void methods_must_be_known_and_nothing_may_be_missing(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_route(app, "get", "/", handle); /* methods are case-sensitive */
    leat_route(app, NULL, "/", handle);
    leat_route(app, "GET", NULL, handle);
    leat_route(app, "GET", "/", NULL);
    leat_use_with(app, NULL, app);
    REFUSED(app, 5, "\"get\"", "\"(null)\"", "needs a pattern and a handler", "the middleware is NULL");
}

static void there_are_so_many_pools_and_no_more(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    for (int i = 0; i < PLAN_USER_POOLS_MAX; i++)
        assert_non_null(leat_pool_create(app, "good", 16, 1));
    assert_int_equal(app->pool_count, PLAN_USER_POOLS_MAX);
    assert_string_equal(leat__app_errors(app), "");
    assert_non_null(leat_pool_create(app, "too many", 16, 1));
    REFUSED(app, 1, "\"too many\"");
    app = leat_app_create();
    leat_pool_create(app, "no size", 0, 1);
    leat_pool_create(app, "no count", 16, 0);
    REFUSED(app, 2, "\"no size\"", "\"no count\"");
}

static void an_error_in_a_group_is_the_apps(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_app *group = leat_group(leat_group(app, "/a"), "/b");
    leat_get(group, "/:x/:x", handle);
    leat_pool_create(group, "odd", 0, 1);
    REFUSED(app, 2, "\"/a/b/:x/:x\"", "\"odd\"");
}

static void a_long_error_is_cut_and_stays_a_line(void **state)
{
    (void)state;
    static char prefix[2000];
    memset(prefix, 'p', sizeof prefix - 1);
    leat_app *app = leat_app_create();
    leat_group(app, prefix);
    leat_group(app, "short");
    REFUSED(app, 2, "\"short\"", "group \"ppp");
}

/* ── What is right ── */

static struct bench bench;

static void every_method_has_its_function(void **state)
{
    (void)state;
    static char get[] = "get", post[] = "post", put[] = "put", patch[] = "patch",
                delete[] = "delete", route[] = "route";
    leat_app *app = leat_app_create();
    leat_get_with(app, "/", handle, get);
    leat_post_with(app, "/", handle, post);
    leat_put_with(app, "/", handle, put);
    leat_patch_with(app, "/", handle, patch);
    leat_delete_with(app, "/", handle, delete);
    leat_route_with(app, "TRACE", "/", handle, route);
    leat_get(app, "/bare", handle);
    leat_post(app, "/bare", handle);
    leat_put(app, "/bare", handle);
    leat_patch(app, "/bare", handle);
    leat_delete(app, "/bare", handle);
    leat_route(app, "TRACE", "/bare", handle);
    open_bench(&bench, app);
    static const char *const methods[][2] = {{"GET", get},       {"POST", post},
                                             {"PUT", put},       {"PATCH", patch},
                                             {"DELETE", delete}, {"TRACE", route}};
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        char request[64];
        snprintf(request, sizeof request, "%s / HTTP/1.1\r\nHost: a\r\n\r\n", methods[i][0]);
        assert_string_equal(content_of(answer(&bench, request)), methods[i][1]);
        snprintf(request, sizeof request, "%s /bare HTTP/1.1\r\nHost: a\r\n\r\n", methods[i][0]);
        assert_string_equal(content_of(answer(&bench, request)), "-");
    }
    close_bench(&bench);
}

static void a_groups_own_path_is_a_route_without_a_pattern(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_app *group = leat_group(app, "/api");
    leat_get(group, "", handle);
    open_bench(&bench, app);
    assert_int_equal(status_of(answer(&bench, GET("/api"))), 200);
    assert_int_equal(status_of(answer(&bench, GET("/api/"))), 404);
    close_bench(&bench);
}

static void patterns_are_copied(void **state)
{
    (void)state;
    char prefix[] = "/group", pattern[] = "/route", method[] = "GET";
    leat_app *app = leat_app_create();
    leat_route(leat_group(app, prefix), method, pattern, handle);
    memset(prefix, 'x', sizeof prefix - 1);
    memset(pattern, 'x', sizeof pattern - 1);
    memset(method, 'x', sizeof method - 1);
    open_bench(&bench, app);
    assert_int_equal(status_of(answer(&bench, GET("/group/route"))), 200);
    close_bench(&bench);
}

static unsigned destroyed;

static void destroy(void *thing)
{
    assert_int_equal(*(unsigned *)thing, destroyed); /* the youngest first */
    destroyed++;
}

static void guests_go_with_the_app_youngest_first(void **state)
{
    (void)state;
    static unsigned order[] = {2, 1, 0};
    leat_app *app = leat_app_create();
    leat_app *group = leat_group(app, "/a");
    leat__app_keep(app, &order[0], destroy);
    leat_app_keep(group, &order[1], destroy);
    leat__app_keep(app, &order[2], destroy);
    destroyed = 0;
    leat_app_destroy(app);
    assert_int_equal(destroyed, 3);
    leat_app_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_routes_that_mean_the_same_are_both_named),
        cmocka_unit_test(all_that_is_wrong_is_told_together),
        cmocka_unit_test(a_prefix_begins_with_a_slash_and_does_not_end_with_one),
        cmocka_unit_test(a_pattern_in_a_group_begins_with_a_slash_too),
        cmocka_unit_test(methods_must_be_known_and_nothing_may_be_missing),
        cmocka_unit_test(there_are_so_many_pools_and_no_more),
        cmocka_unit_test(an_error_in_a_group_is_the_apps),
        cmocka_unit_test(a_long_error_is_cut_and_stays_a_line),
        cmocka_unit_test(every_method_has_its_function),
        cmocka_unit_test(a_groups_own_path_is_a_route_without_a_pattern),
        cmocka_unit_test(patterns_are_copied),
        cmocka_unit_test(guests_go_with_the_app_youngest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
