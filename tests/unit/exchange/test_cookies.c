/* test_cookies.c: cookies that come, in all shapes; cookies that go, with safe defaults and what their names promise; and
 * signed ones, which nobody can change, move to another name, or keep beyond their end. */
#include "fixture.h"

static struct bench bench;
static leat_cookie_keys *keys, *new_keys, *other_keys;
static char signed_value[256]; /* what a client would send back */

static int open_it(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    static const char *const one[] = {"an old key of 26 octets ...", NULL};
    static const char *const two[] = {"a new key of 26 octets ....", "an old key of 26 octets ...", NULL};
    static const char *const foreign[] = {"a key of somebody else's ..", NULL};
    leat_get(app, "/*rest", perform);
    keys = leat_cookie_keys_create(app, one);
    new_keys = leat_cookie_keys_create(app, two);
    other_keys = leat_cookie_keys_create(app, foreign);
    assert_true(keys != NULL && new_keys != NULL && other_keys != NULL);
    open_bench(&bench, app);
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    close_bench(&bench);
    return 0;
}

#define COOKIE(fields) "GET / HTTP/1.1\r\nHost: leat\r\n" fields "\r\n"

/* ── Coming ── */

static void read_cookies(leat_exchange *x)
{
    static const char *const all[][2] = {{"SID", "31d4d96e407aad42"},
                                         {"lang", "en-US"},
                                         {"q", "\"x y\""},
                                         {"", "alone"},
                                         {"e", ""},
                                         {"eq", "a=b"},
                                         {"lang", "de"}};
    const char *name, *value;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        assert_true(leat_cookie_at(x, i, &name, &value));
        assert_string_equal(name, all[i][0]);
        assert_string_equal(value, all[i][1]);
    }
    assert_false(leat_cookie_at(x, COUNT_OF(all), &name, &value));
    assert_string_equal(leat_cookie(x, "lang"), "en-US");
    assert_string_equal(leat_cookie(x, "eq"), "a=b");
    assert_string_equal(leat_cookie(x, ""), "alone");
    assert_null(leat_cookie(x, "sid")); /* names have a case */
    assert_null(leat_cookie(x, "lan"));
    leat_text(x, 200, "ok");
}

static void cookies_come_in_order(void **state)
{
    (void)state;
    assert_int_equal(
        status_of(act(
            &bench, read_cookies,
            COOKIE("Cookie: SID=31d4d96e407aad42; lang=en-US;q=\"x y\" ;; alone ;e= ; eq=a=b\r\n"
                   "X: y\r\ncookie: lang=de\r\n"))),
        200);
}

static void want_a_cookie(leat_exchange *x)
{
    leat_text(x, 200, "%s", leat_cookie(x, "last") ? "found" : "none");
}

static void cookies_by_the_thousand_are_431(void **state)
{
    (void)state;
    static char request[32768];
    for (int count = 199; count <= 1000; count += count == 199 ? 1 : 800) {
        size_t at = (size_t)snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: leat\r\nCookie: ");
        for (int i = 0; i < count; i++)
            at += (size_t)snprintf(request + at, sizeof request - at, "c%d=v; ", i);
        snprintf(request + at, sizeof request - at, "last=1\r\n\r\n");
        const char *sent = act(&bench, want_a_cookie, request);
        assert_int_equal(status_of(sent), count < 200 ? 200 : 431);
        if (count < 200)
            assert_string_equal(content_of(sent), "found");
    }
}

/* ── Going ── */

static void set_cookies(leat_exchange *x)
{
    assert_int_equal(leat_cookie_set(x, "a", "1", NULL), 0);
    leat_cookie_options all = {.max_age_s = 60,
                               .path = "/x",
                               .domain = "example.com",
                               .same_site = LEAT_SAME_SITE_NONE,
                               .secure = true,
                               .for_scripts = true,
                               .partitioned = true};
    assert_int_equal(leat_cookie_set(x, "b", "\"2\"", &all), 0);
    assert_int_equal(
        leat_cookie_set(x, "c", "", &(leat_cookie_options){.same_site = LEAT_SAME_SITE_STRICT}), 0);
    assert_int_equal(leat_cookie_delete(x, "d", &(leat_cookie_options){.path = "/y"}), 0);
    assert_int_equal(leat_cookie_set(x, "__Host-e", "5", &(leat_cookie_options){.secure = true}), 0);
    leat_status(x, 204);
}

static void cookies_go_with_safe_defaults(void **state)
{
    (void)state;
    const char *sent = act(&bench, set_cookies, GET("/"));
    assert_int_equal(count_line(sent, "Set-Cookie: a=1; Path=/; SameSite=Lax; HttpOnly"), 1);
    assert_int_equal(
        count_line(sent,
                   "Set-Cookie: b=\"2\"; Path=/x; Domain=example.com; Max-Age=60; SameSite=None; "
                   "Secure; Partitioned"),
        1);
    assert_int_equal(count_line(sent, "Set-Cookie: c=; Path=/; SameSite=Strict; HttpOnly"), 1);
    assert_int_equal(
        count_line(sent,
                   "Set-Cookie: d=; Path=/y; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; "
                   "SameSite=Lax; HttpOnly"),
        1);
    assert_int_equal(
        count_line(sent, "Set-Cookie: __Host-e=5; Path=/; SameSite=Lax; Secure; HttpOnly"), 1);
    assert_int_equal(count_field(sent, "Set-Cookie"), 5);
}

static void set_again(leat_exchange *x)
{
    leat_cookie_set(x, "a", "1", NULL);
    leat_cookie_set(x, "ab", "1", NULL);
    leat_cookie_set(x, "a", "2", &(leat_cookie_options){.path = "/x"});
    leat_cookie_set(x, "a", "3", &(leat_cookie_options){.domain = "example.com"});
    leat_cookie_set(x, "a", "4", NULL);
    leat_field_add(x, "X-Last", "1");
    leat_status(x, 204);
}

static void the_same_cookie_again_replaces_the_first(void **state)
{
    (void)state;
    const char *sent = act(&bench, set_again, GET("/"));
    assert_int_equal(count_field(sent, "Set-Cookie"), 4);
    assert_int_equal(count_line(sent, "Set-Cookie: a=1; Path=/; SameSite=Lax; HttpOnly"), 0);
    assert_int_equal(count_line(sent, "Set-Cookie: a=4; Path=/; SameSite=Lax; HttpOnly"), 1);
    assert_int_equal(count_line(sent, "X-Last: 1"), 1);
}

static void set_bad_cookies(leat_exchange *x)
{
    static const char *const names[] = {"", "a b", "a=b", "a;b", "a\r\n", "\xc3\xa9"};
    static const char *const values[] = {"a b", "a;b", "a,b",      "a\\b",      "a\"b",
                                         "\"",  "\"a", "\xc3\xa9", "a\r\nX: y", "\x7f"};
    static const leat_cookie_options bad[] = {{.path = "x"},
                                              {.path = "/;x"},
                                              {.path = ""},
                                              {.path = "/\n"},
                                              {.domain = ""},
                                              {.domain = "a b"},
                                              {.domain = "a;b"},
                                              {.domain = "a:80"},
                                              {.same_site = LEAT_SAME_SITE_NONE},
                                              {.partitioned = true},
                                              {.same_site = (leat_same_site)9},
                                              {.max_age_s = -1}};
    char large[4097] = "";
    memset(large, 'x', sizeof large - 1);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(leat_cookie_set(x, names[i], "1", NULL), -EINVAL);
    for (size_t i = 0; i < COUNT_OF(values); i++)
        assert_int_equal(leat_cookie_set(x, "a", values[i], NULL), -EINVAL);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(leat_cookie_set(x, "a", "1", &bad[i]), -EINVAL);
    assert_int_equal(leat_cookie_set(x, "a", large, NULL), -EINVAL);
    assert_int_equal(leat_cookie_set(x, "a", large + 1, NULL), 0);
    assert_int_equal(leat_cookie_set(x, NULL, "1", NULL), -EINVAL);
    assert_int_equal(leat_cookie_set(x, "a", NULL, NULL), -EINVAL);
    assert_int_equal(leat_cookie_set(x, "__Secure-a", "1", NULL), -EINVAL);
    assert_int_equal(leat_cookie_set(x, "__secure-a", "1", NULL), -EINVAL);
    assert_int_equal(leat_cookie_set(x, "__Host-a", "1", NULL), -EINVAL);
    assert_int_equal(
        leat_cookie_set(x, "__HOST-a", "1", &(leat_cookie_options){.secure = true, .path = "/x"}),
        -EINVAL);
    assert_int_equal(
        leat_cookie_set(x, "__Host-a", "1", &(leat_cookie_options){.secure = true, .domain = "b"}),
        -EINVAL);
    assert_int_equal(leat_cookie_set_signed(x, keys, "a", "b;c", NULL), -EINVAL);
    assert_int_equal(leat_cookie_set_signed(x, NULL, "a", "b", NULL), -EINVAL);
    leat_status(x, 204);
}

static void what_browsers_would_throw_away_is_refused(void **state)
{
    (void)state;
    assert_int_equal(count_field(act(&bench, set_bad_cookies, GET("/")), "Set-Cookie"), 1);
}

/* ── Signed ── */

static void set_signed(leat_exchange *x)
{
    assert_int_equal(
        leat_cookie_set_signed(x, keys, "user", "ann.1", &(leat_cookie_options){.max_age_s = 100}), 0);
    leat_status(x, 204);
}

static void read_signed(leat_exchange *x)
{
    const char *value = leat_cookie_signed(x, keys, "user"),
               *rotated = leat_cookie_signed(x, new_keys, "user");
    assert_int_equal(value == NULL, rotated == NULL);
    assert_null(leat_cookie_signed(x, other_keys, "user"));
    assert_null(leat_cookie_signed(x, NULL, "user"));
    leat_text(x, 200, "%s", value ? value : "none");
}

static const char *value_of(const char *cookies)
{
    char request[1024];
    snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: leat\r\nCookie: %s\r\n\r\n", cookies);
    return content_of(act(&bench, read_signed, request));
}

static void sign_one(void)
{
    const char *sent = act(&bench, set_signed, GET("/")),
               *at = strstr(sent, "Set-Cookie: user=ann.1.");
    assert_non_null(at);
    at += strlen("Set-Cookie: ");
    snprintf(signed_value, sizeof signed_value, "%.*s", (int)(strchr(at, ';') - at), at);
    assert_int_equal(strlen(signed_value), strlen("user=ann.1.784111877.") + 22);
}

static void a_signed_cookie_comes_back(void **state)
{
    (void)state;
    sign_one();
    assert_string_equal(value_of(signed_value), "ann.1");
    char beside[512];
    snprintf(beside, sizeof beside, "user=planted.0.AAAAAAAAAAAAAAAAAAAAAA; user; user=x; %s",
             signed_value);
    assert_string_equal(value_of(beside), "ann.1"); /* somebody else's beside it does no harm */
}

static void no_octet_of_it_may_change(void **state)
{
    (void)state;
    sign_one();
    size_t size = strlen(signed_value);
    for (size_t i = 5; i < size; i++) {
        char changed[256];
        memcpy(changed, signed_value, size + 1);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_string_equal(value_of(changed), "none");
        snprintf(changed, sizeof changed, "%.*s", (int)i, signed_value);
        assert_string_equal(value_of(changed), "none");
    }
    char other_name[300];
    snprintf(other_name, sizeof other_name, "admin=%s", signed_value + 5);
    assert_string_equal(value_of(other_name), "none");
}

static void it_ends_with_its_time(void **state)
{
    (void)state;
    sign_one();
    bench.now_s += 99;
    assert_string_equal(value_of(signed_value), "ann.1");
    bench.now_s += 1;
    assert_string_equal(value_of(signed_value), "none");
    bench.now_s -= 100;
}

static void move_name(leat_exchange *x)
{
    leat_text(x, 200, "%s", leat_cookie_signed(x, keys, "admin") ? "forged" : "none");
}

static void it_is_good_for_no_other_name(void **state)
{
    (void)state;
    char request[512];
    sign_one();
    snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: leat\r\nCookie: admin=%s\r\n\r\n",
             signed_value + 5);
    assert_string_equal(content_of(act(&bench, move_name, request)), "none");
}

static void sign_with_the_new(leat_exchange *x)
{
    leat_cookie_set_signed(x, new_keys, "user", "bob", NULL);
    leat_status(x, 204);
}

static void read_with_the_old(leat_exchange *x)
{
    leat_text(x, 200, "%d %d", leat_cookie_signed(x, keys, "user") != NULL,
              leat_cookie_signed(x, new_keys, "user") != NULL);
}

static void the_first_key_signs(void **state)
{
    (void)state;
    char request[512];
    const char *sent = act(&bench, sign_with_the_new, GET("/")),
               *at = strstr(sent, "Set-Cookie: user=bob.0.");
    assert_non_null(at);
    at += strlen("Set-Cookie: ");
    snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: leat\r\nCookie: %.*s\r\n\r\n",
             (int)(strchr(at, ';') - at), at);
    assert_string_equal(content_of(act(&bench, read_with_the_old, request)), "0 1");
}

static void keys_that_are_not_fit_are_told_at_start(void **state)
{
    (void)state;
    static const char *const none[] = {NULL}, *const brief[] = {"a key that is fit for it",
                                                                "123456789012345", NULL};
    char large[66] = "";
    memset(large, 'x', 65);
    const char *const endless[] = {large, NULL};
    leat_app *app = leat_app_create();
    assert_null(leat_cookie_keys_create(app, none));
    assert_null(leat_cookie_keys_create(app, NULL));
    assert_null(leat_cookie_keys_create(app, brief));
    assert_null(leat_cookie_keys_create(app, endless));
    assert_non_null(strstr(leat__app_errors(app), "key 2 has 15 octets"));
    leat_app_destroy(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookies_come_in_order),
        cmocka_unit_test(cookies_by_the_thousand_are_431),
        cmocka_unit_test(cookies_go_with_safe_defaults),
        cmocka_unit_test(the_same_cookie_again_replaces_the_first),
        cmocka_unit_test(what_browsers_would_throw_away_is_refused),
        cmocka_unit_test(a_signed_cookie_comes_back),
        cmocka_unit_test(no_octet_of_it_may_change),
        cmocka_unit_test(it_ends_with_its_time),
        cmocka_unit_test(it_is_good_for_no_other_name),
        cmocka_unit_test(the_first_key_signs),
        cmocka_unit_test(keys_that_are_not_fit_are_told_at_start),
    };
    return cmocka_run_group_tests(tests, open_it, close_it);
}
