/* test_site_rules.c: which rules are rules, what a redirect fits and where it leads, and that no client chooses the host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "handler/site_rules.h"

static char error[512];

/* Where the rule leads path?query to; NULL: it does not fit. */
static const char *led(const char *rule, const char *path, const char *query)
{
    static char location[512];
    struct site_redirect r;
    size_t rest_at, size = 0;
    if (!leat__site_redirect_read(&r, rule, error, sizeof error))
        fail_msg("%s", error);
    bool fits = leat__site_redirect_fits(&r, path, strlen(path), &rest_at);
    if (fits) {
        size = leat__site_redirect_write(location, &r, path + rest_at, strlen(path) - rest_at,
                                         query, strlen(query));
        assert_int_equal(size, leat__site_redirect_write(NULL, &r, path + rest_at,
                                                         strlen(path) - rest_at, query, strlen(query)));
    }
    location[size] = '\0';
    leat__site_redirect_free(&r);
    return fits ? location : NULL;
}

static void redirects_lead_where_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *path, *query, *location; /* NULL: it does not fit */
    } cases[] = {
        {"/a /b", "/a", "", "/b"},
        {"/a /b", "/a/", "", NULL},
        {"/a /b", "/ab", "", NULL},
        {"/a /b", "/", "", NULL},
        {"/a /b", "/A", "", NULL},
        {"/a /b", "/%61", "", "/b"},
        {"/%61 /b", "/a", "", "/b"},
        {"/a%20b /b", "/a%20b", "", "/b"},
        {"/a /b", "/a", "x=1&y", "/b?x=1&y"},
        {"/a /b?z=0", "/a", "x=1", "/b?z=0&x=1"},
        {"/a /b?z=0", "/a", "", "/b?z=0"},
        {"/a /b#part", "/a", "x=1", "/b?x=1#part"},
        {"/old/* /new/*", "/old/x/y%20z", "", "/new/x/y%20z"},
        {"/old/* /new/*", "/old/", "q", "/new/?q"},
        {"/old/* /new/*", "/old", "", NULL},
        {"/old/* /new/*", "/%6fld/x%2Fy", "", "/new/x%2Fy"},
        {"/old* /new*", "/older", "", "/newer"},
        {"/old/* /new/", "/old/x", "", "/new/"},
        {"/old/* /new/*.html", "/old/x", "", "/new/x.html"},
        {"/old/* /find?what=all", "/old/x", "", "/find?what=all"},
        {"/* https://www.example.org/*", "/x/y", "q=1", "https://www.example.org/x/y?q=1"},
        {"/* https://www.example.org/*", "/", "", "https://www.example.org/"},
        {"/* https://www.example.org/a*", "//evil.example", "", "https://www.example.org/a/evil.example"},
        {"  /a \t /b  ", "/a", "", "/b"},
        {"/a%2Fb /c", "/a%2Fb", "", "/c"},
        {"/a%2Fb /c", "/a/b", "", NULL},
        {"/a%zz /c", "/a", "", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *location = led(cases[i].rule, cases[i].path, cases[i].query);
        if (cases[i].location == NULL)
            assert_null(location);
        else if (location == NULL)
            fail_msg("\"%s\" does not fit %s", cases[i].rule, cases[i].path);
        else
            assert_string_equal(location, cases[i].location);
    }
}

/* "//host" and "/\host" are hosts to a browser. */
static void no_client_chooses_the_host(void **state)
{
    (void)state;
    assert_string_equal(led("/go/* /*", "/go//evil.example", ""), "/evil.example");
    assert_string_equal(led("/go/* /*", "/go////evil.example", ""), "/evil.example");
    assert_string_equal(led("/go/* /*", "/go/\\/evil.example", ""), "/evil.example");
    assert_string_equal(led("/go* /*", "/go//evil.example", ""), "/evil.example");
    assert_string_equal(led("/go* /*/evil.example", "/go", ""), "/evil.example");
    assert_string_equal(led("/* https://good.example/*", "//evil.example/", ""),
                        "https://good.example/evil.example/");
}

static void wrong_redirects_say_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *words;
    } cases[] = {
        {"", "FROM TO [STATUS]"},
        {"/a", "FROM TO [STATUS]"},
        {"/a /b 301 x", "FROM TO [STATUS]"},
        {"/a /b 301 x y", "FROM TO [STATUS]"},
        {"a /b", "FROM begins with a slash"},
        {"/a*b /c", "at its end only"},
        {"/a** /c", "at its end only"},
        {"/a?x=1 /c", "FROM is a path"},
        {"/a b", "TO is a path like"},
        {"/a //evil.example/", "TO is a path like"},
        {"/a ftp://example.org/", "TO is a path like"},
        {"/a javascript://example.org/", "TO is a path like"},
        {"/a /b\"c", "percent-encoded"},
        {"/a /\xc3\xa4", "percent-encoded"},
        {"/a /\\evil.example", "percent-encoded"},
        {"/a /b*", "FROM has none to take it from"},
        {"/a* /b*c*", "one * at most"},
        {"/a* /b?x=*", "before ? and #"},
        {"/a https://", "no host"},
        {"/a https:///x", "no host"},
        {"/* https://*", "no host"},
        {"/* https://example.org*", "part of the host"},
        {"/* https://example.org*/x", "part of the host"},
        {"/a /b 200", "301, 302, 303, 307 or 308"},
        {"/a /b 304", "301, 302, 303, 307 or 308"},
        {"/a /b 0301", "301, 302, 303, 307 or 308"},
        {"/a /b soon", "301, 302, 303, 307 or 308"},
        {"/a /a", "for ever"},
        {"/* /new/*", "for ever"},
        {"/* /closed.html 302", "for ever"},
        {"/old/* /old/index.html", "for ever"},
        {"/a /%61", "for ever"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct site_redirect r;
        if (leat__site_redirect_read(&r, cases[i].rule, error, sizeof error))
            fail_msg("\"%s\" is taken", cases[i].rule);
        leat__site_redirect_free(&r);
        if (strstr(error, cases[i].words) == NULL || strncmp(error, "redirect \"", 10) != 0)
            fail_msg("\"%s\": %s", cases[i].rule, error);
    }
}

static void fields_are_names_and_values(void **state)
{
    (void)state;
    struct site_field f;
    assert_true(leat__site_field_read(&f, "X-Frame-Options:  DENY \t", error, sizeof error));
    assert_string_equal(f.name, "X-Frame-Options");
    assert_string_equal(f.value, "DENY");
    leat__site_field_free(&f);
    assert_true(leat__site_field_read(&f, "Content-Security-Policy: img-src https://a.example:8080",
                                      error, sizeof error));
    assert_string_equal(f.value, "img-src https://a.example:8080");
    leat__site_field_free(&f);
}

static void wrong_fields_say_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *words;
    } cases[] = {
        {"X-Frame-Options", "no colon"},
        {": DENY", "no field name"},
        {"X Frame: DENY", "no field name"},
        {"X-Frame : DENY", "no field name"},
        {"X-A: one\r\nX-B: two", "no field may have"},
        {"X-A: \x01", "no field may have"},
        {"content-length: 5", "frames the message"},
        {"Transfer-Encoding: chunked", "frames the message"},
        {"Connection: close", "frames the message"},
        {"Date: now", "frames the message"},
        {"ETag: \"x\"", "depends on the file"},
        {"Content-Type: text/html", "depends on the file"},
        {"Cache-Control: no-store", "say it with cache-control"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct site_field f;
        if (leat__site_field_read(&f, cases[i].rule, error, sizeof error))
            fail_msg("\"%s\" is taken", cases[i].rule);
        leat__site_field_free(&f);
        if (strstr(error, cases[i].words) == NULL || strncmp(error, "field \"", 7) != 0)
            fail_msg("\"%s\": %s", cases[i].rule, error);
    }
}

static void error_pages_are_statuses_and_paths(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",       "404",         "404 x.html", "404 /",         "200 /x.html", "399 /x",
        "600 /x", "4o4 /x.html", "404 /x /y",  "/404.html 404", "0404 /x"};
    struct site_page p;
    assert_true(leat__site_page_read(&p, "404 /errors/404.html", error, sizeof error));
    assert_int_equal(p.status, 404);
    assert_string_equal(p.path, "errors/404.html");
    leat__site_page_free(&p);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        if (leat__site_page_read(&p, wrong[i], error, sizeof error))
            fail_msg("\"%s\" is taken", wrong[i]);
        leat__site_page_free(&p);
        assert_non_null(strstr(error, "404 /404.html"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redirects_lead_where_they_say),
        cmocka_unit_test(no_client_chooses_the_host),
        cmocka_unit_test(wrong_redirects_say_what_is_wrong),
        cmocka_unit_test(fields_are_names_and_values),
        cmocka_unit_test(wrong_fields_say_what_is_wrong),
        cmocka_unit_test(error_pages_are_statuses_and_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
