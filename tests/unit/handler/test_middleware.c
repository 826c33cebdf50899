/* test_middleware.c: what is wrong with the options of ready-made middleware is told at start, each mistake by a line of its
 * own; what is right makes no error, and a limiter's table is counted. */
#include "unit/exchange/fixture.h"

#include "handler/middleware.h"

static leat_app *app;

static int open_app(void **state)
{
    (void)state;
    app = leat_app_create();
    return 0;
}

static int close_app(void **state)
{
    (void)state;
    leat_app_destroy(app);
    return 0;
}

/* The last mistake is told, and the thing not made. */
static void assert_refused(const void *made, const char *word)
{
    assert_null(made);
    if (strstr(leat__app_errors(app), word) == NULL)
        fail_msg("\"%s\" is not in: %s", word, leat__app_errors(app));
}

static bool allow(leat_exchange *x, leat_slice origin, void *argument)
{
    (void)x;
    return origin.data != argument;
}

static void what_is_right_makes_no_error(void **state)
{
    (void)state;
    static const char *const origins[] = {"https://a.example:8443", "null", NULL};
    static const char *const users[] = {"a:b", ":", NULL};
    assert_non_null(leat_request_ids_create(app, NULL));
    assert_non_null(leat_security_create(app, NULL));
    assert_non_null(leat_timeout_create(app, NULL));
    assert_non_null(leat_etag_create(app, NULL));
    assert_non_null(leat_cors_create(app, &(leat_cors_options){.origins = origins, .credentials = true}));
    assert_non_null(leat_cors_create(app, &(leat_cors_options){.allow = allow}));
    assert_non_null(leat_basic_auth_create(app, &(leat_basic_auth_options){.users = users}));
    assert_non_null(leat_limiter_create(app, NULL));
    assert_int_equal(app->table_bytes, 65536 * 8);
    assert_true(app->knows_peers);
    assert_non_null(leat_limiter_create(
        app, &(leat_limiter_options){.per_second = 0.0001, .burst = 2, .clients = 1}));
    assert_int_equal(app->table_bytes, 65536 * 8 + 64);
    assert_string_equal(leat__app_errors(app), "");
}

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    static const char *const with_path[] = {"https://a.example/", NULL}, *const bare[] = {
                                                                             "a.example", NULL};
    static const char *const any[] = {"*", NULL}, *const broken[] = {"X\r\nY", NULL};
    static const char *const users[] = {"secret", NULL};
    assert_refused(leat_request_ids_create(app, &(leat_request_ids_options){.field = "a b"}),
                   "\"a b\"");
    assert_refused(leat_timeout_create(app, &(leat_timeout_options){.status = 404}), "404");
    assert_refused(leat_cors_create(app, NULL), "needs origins");
    assert_refused(leat_cors_create(app, &(leat_cors_options){.origins = with_path}),
                   "https://a.example/");
    assert_refused(leat_cors_create(app, &(leat_cors_options){.origins = bare}), "\"a.example\"");
    assert_refused(leat_cors_create(app, &(leat_cors_options){.origins = any, .credentials = true}),
                   "credentials");
    assert_refused(leat_cors_create(app, &(leat_cors_options){.origins = any, .expose = broken}),
                   "X\r\nY");
    assert_refused(leat_basic_auth_create(app, NULL), "needs users");
    assert_refused(leat_basic_auth_create(app, &(leat_basic_auth_options){.users = users}),
                   "number 0");
    assert_null(strstr(leat__app_errors(app), "secret"));
    assert_refused(leat_bearer_auth_create(app, NULL), "checks tokens");
    assert_refused(leat_limiter_create(app, &(leat_limiter_options){.per_second = -1}),
                   "per_second");
    assert_refused(leat_limiter_create(app, &(leat_limiter_options){.per_second = 1, .burst = 30000}),
                   "8 hours");
    assert_refused(leat_limiter_create(app, &(leat_limiter_options){.field = "a:b"}), "\"a:b\"");
    leat_security_create(app, &(leat_security_options){.referrer_policy = "a\nb"});
    assert_non_null(strstr(leat__app_errors(app), "leat_security"));
}

static void options_of_an_older_version_are_taken(void **state)
{
    (void)state;
    leat_limiter_options options = {.per_second = 2, .burst = 5, .clients = 8, .field = "\n"};
    assert_non_null(leat_limiter_create_sized(app, &options, offsetof(leat_limiter_options, field)));
    assert_string_equal(leat__app_errors(app), "");
}

static void secrets_are_compared_whole(void **state)
{
    (void)state;
    assert_true(leat_is_same_secret("abc", 3, "abc", 3));
    assert_true(leat_is_same_secret("", 0, "", 0));
    assert_false(leat_is_same_secret("abc", 3, "abd", 3));
    assert_false(leat_is_same_secret("abc", 3, "xbc", 3));
    assert_false(leat_is_same_secret("abc", 3, "abc", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_right_makes_no_error, open_app, close_app),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_told, open_app, close_app),
        cmocka_unit_test_setup_teardown(options_of_an_older_version_are_taken, open_app, close_app),
        cmocka_unit_test(secrets_are_compared_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
