/* test_credentials.c: what an Authorization field says is read strictly: schemes, tokens, base64, names and passwords. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "handler/credentials.h"

static struct http_text text(const char *string)
{
    return (struct http_text){string, strlen(string)};
}

static void a_scheme_is_found_without_regard_to_case(void **state)
{
    (void)state;
    struct http_text rest;
    assert_true(leat__credentials_have(text("bASIC  abc "), "Basic", &rest));
    assert_int_equal(rest.size, 3);
    assert_memory_equal(rest.data, "abc", 3);
    assert_true(leat__credentials_have(text("Basic"), "Basic", &rest));
    assert_int_equal(rest.size, 0);
    assert_false(leat__credentials_have(text("Basics abc"), "Basic", &rest));
    assert_false(leat__credentials_have(text("Basi"), "Basic", &rest));
    assert_false(leat__credentials_have(text(""), "Basic", &rest));
    assert_false(leat__credentials_have(text("Bearer abc"), "Basic", &rest));
}

static void a_token_has_its_letters(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "A-._~+/9", "abc=", "abc==="};
    static const char *const bad[] = {"", "=", "a b", "a=b", "a\"", "\xc3\xa9", "a,b"};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_true(leat__credentials_is_token(text(good[i])));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(leat__credentials_is_token(text(bad[i])));
    assert_false(leat__credentials_is_token((struct http_text){"a\0b", 3}));
}

static void base64_is_decoded_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out; /* NULL: bad */
    } cases[] = {{"", ""},
                 {"Zg==", "f"},
                 {"Zm8=", "fo"},
                 {"Zm9v", "foo"},
                 {"Zm9vYg==", "foob"},
                 {"Zm9vYmE=", "fooba"},
                 {"Zm9vYmFy", "foobar"},
                 {"++//", "\xfb\xef\xff"},
                 {"Zg=", NULL},
                 {"Zg", NULL},
                 {"Z===", NULL},
                 {"====", NULL},
                 {"Zh==", NULL},
                 {"Zm9=", NULL},
                 {"Zg==Zg==", NULL},
                 {"Zm 9v", NULL},
                 {"Zm9_", NULL},
                 {"Zm9\n", NULL},
                 {"=m9v", NULL}};
    char out[64];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ptrdiff_t size = leat__base64_decode(out, sizeof out, text(cases[i].in));
        assert_int_equal(size, cases[i].out != NULL ? (ptrdiff_t)strlen(cases[i].out) : -1);
        if (cases[i].out != NULL)
            assert_memory_equal(out, cases[i].out, strlen(cases[i].out));
    }
    assert_int_equal(leat__base64_decode(out, 2, text("Zm9v")), -1);
    assert_int_equal(leat__base64_decode(out, 2, text("Zm8=")), 2);
}

static void a_name_ends_at_the_first_colon(void **state)
{
    (void)state;
    struct credentials c;
    assert_true(leat__credentials_read(&c, text("QWxhZGRpbjpvcGVuIHNlc2FtZQ=="))); /* RFC 7617 2 */
    assert_string_equal(c.name, "Aladdin");
    assert_string_equal(c.password, "open sesame");
    assert_true(leat__credentials_read(&c, text("dGVzdDoxMjPCow=="))); /* 2.1: test:123£ */
    assert_string_equal(c.password, "123\xc2\xa3");
    assert_true(leat__credentials_read(&c, text("Og==")));
    assert_string_equal(c.name, "");
    assert_string_equal(c.password, "");
    assert_true(leat__credentials_read(&c, text("YTpiOmM=")));
    assert_string_equal(c.password, "b:c");
}

static void what_is_no_name_and_password_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "YWJj" /* no colon */,
                                      "YTpiAA==" /* NUL */,
                                      "YToK" /* LF */,
                                      "YTp/" /* DEL */,
                                      "YTr/" /* not UTF-8 */,
                                      "YTrAgA==" /* overlong */,
                                      "YTrtoIA=" /* a surrogate */,
                                      "YTrD" /* cut */,
                                      "!!!!"};
    struct credentials c;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(leat__credentials_read(&c, text(bad[i])));
    char *most = malloc(CREDENTIALS_MAX * 2);
    assert_non_null(most);
    memset(most, 'A', CREDENTIALS_MAX * 2);
    assert_false(leat__credentials_read(&c, (struct http_text){most, CREDENTIALS_MAX * 2}));
    free(most);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scheme_is_found_without_regard_to_case),
        cmocka_unit_test(a_token_has_its_letters),
        cmocka_unit_test(base64_is_decoded_strictly),
        cmocka_unit_test(a_name_ends_at_the_first_colon),
        cmocka_unit_test(what_is_no_name_and_password_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
