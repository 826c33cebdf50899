/* Addresses as people write them, for the verbs that ask a server. */
#include "address/address.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct address_manner manner = {
    .port = "9464", .no_tls = "it speaks HTTP without TLS", .write = "write http://127.0.0.1:9464"};
static char error[512];

static void addresses_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *url, *node, *service, *host, *target;
    } rows[] = {
        {"http://127.0.0.1:9464/leat/", "127.0.0.1", "9464", "127.0.0.1:9464", "/leat/"},
        {"HTTP://localhost:81", "localhost", "81", "localhost:81", ""},
        {"localhost:9465", "localhost", "9465", "localhost:9465", ""},
        {"localhost", "localhost", "9464", "localhost", ""},
        {":9465", "127.0.0.1", "9465", "127.0.0.1:9465", ""},
        {":9465/a?b=/c#d", "127.0.0.1", "9465", "127.0.0.1:9465", "/a?b=/c"},
        {"http://[::1]:9464", "::1", "9464", "[::1]:9464", ""},
        {"[::1]", "::1", "9464", "[::1]", ""},
        {"http://example.org", "example.org", "80", "example.org", ""},
        {"http://example.org?a=http://b", "example.org", "80", "example.org", "/?a=http://b"},
        {"unix:/run/leat/admin.sock", "/run/leat/admin.sock", "", "localhost", ""},
        {"unix:relative:/a/b?c", "relative", "", "localhost", "/a/b?c"},
    };
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct address a;
        assert_true(leat__address_parse(&a, rows[i].url, &manner, error, sizeof error));
        assert_string_equal(a.node, rows[i].node);
        assert_string_equal(a.service, rows[i].service);
        assert_string_equal(a.host, rows[i].host);
        assert_string_equal(a.target, rows[i].target);
    }
}

static void what_is_no_address(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",         "http://",       "https://a",    "a:b",       "a:",       "http://a/b\r\nc: d",
        "a:123456", "a b",           "[::1",         "[::1]x:1",  "a:1:2",    "http://a/\x80",
        "unix:",    "http://a\r\nb", "http://u@h:1", "ftp://a/b", "unix::/a", "http://a/b c",
    };
    char host[2 * ADDRESS_NAME_SIZE], target[2 * ADDRESS_TARGET_SIZE] = "http://a/";
    struct address a;
    for (unsigned i = 0; i < COUNT_OF(texts); i++) {
        error[0] = '\0';
        assert_false(leat__address_parse(&a, texts[i], &manner, error, sizeof error));
        assert_non_null(strstr(error, "write http://127.0.0.1:9464"));
    }
    assert_false(leat__address_parse(&a, "https://a", &manner, error, sizeof error));
    assert_non_null(strstr(error, "without TLS"));
    memset(host, 'a', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    assert_false(leat__address_parse(&a, host, &manner, error, sizeof error));
    memset(target + strlen(target), 'a', sizeof target - strlen(target) - 1);
    target[sizeof target - 1] = '\0';
    assert_false(leat__address_parse(&a, target, &manner, error, sizeof error));
}

static void they_are_found(void **state)
{
    (void)state;
    struct address a;
    assert_true(leat__address_parse(&a, "http://[::1]:81", &manner, error, sizeof error));
    assert_true(leat__address_find(&a, error, sizeof error));
    assert_int_equal(a.count, 1);
    assert_int_equal(a.found[0].ss_family, AF_INET6);
    assert_true(leat__address_parse(&a, "unix:/there:/a", &manner, error, sizeof error));
    assert_true(leat__address_find(&a, error, sizeof error));
    assert_int_equal(a.found[0].ss_family, AF_UNIX);
    assert_true(leat__address_parse(&a, "name.invalid", &manner, error, sizeof error));
    assert_false(leat__address_find(&a, error, sizeof error));
    assert_non_null(strstr(error, "name.invalid"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_as_people_write_them),
        cmocka_unit_test(what_is_no_address),
        cmocka_unit_test(they_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
