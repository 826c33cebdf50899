/* test_tables.c: methods, statuses and media types: that the tables say what they shall, and the
 * system's is read. */
#include "http/http.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void methods(void **state)
{
    (void)state;
    for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++) {
        const char *name = leat__http_method_name((enum http_method)m);
        assert_int_equal(leat__http_method_find(name, strlen(name)), m);
        assert_int_equal(leat__http_method_find(name, strlen(name) - 1), HTTP_METHOD_UNKNOWN);
    }
    assert_string_equal(leat__http_method_name(HTTP_GET), "GET");
    assert_int_equal(leat__http_method_find("get", 3), HTTP_METHOD_UNKNOWN);
    assert_int_equal(leat__http_method_find("", 0), HTTP_METHOD_UNKNOWN);
}

static void statuses(void **state)
{
    size_t size;
    (void)state;
    assert_string_equal(leat__http_reason(200), "OK");
    assert_string_equal(leat__http_reason(413), "Content Too Large");
    assert_string_equal(leat__http_reason(418), "Unknown");
    assert_string_equal(leat__http_reason(0), "Unknown");
    assert_string_equal(leat__http_reason(600), "Unknown");
    assert_string_equal(leat__http_reason(UINT32_MAX), "Unknown");
    assert_null(leat__http_status_line(299, &size));
    assert_null(leat__http_status_line(99, &size));
    unsigned known = 0;
    for (unsigned status = 0; status < 1000; status++) {
        const char *line = leat__http_status_line(status, &size);
        if (line == NULL)
            continue;
        char expected[128];
        snprintf(expected, sizeof expected, "HTTP/1.1 %u %s\r\n", status, leat__http_reason(status));
        assert_string_equal(line, expected);
        assert_int_equal(size, strlen(expected));
        known++;
    }
    assert_int_equal(known, 62);
}

static const char *type_of(const char *name)
{
    return leat__http_type_of(name, strlen(name));
}

static void own_types(void **state)
{
    static const struct {
        const char *name, *type;
    } cases[] = {
        {"index.html", "text/html; charset=utf-8"},
        {"INDEX.HTML", "text/html; charset=utf-8"},
        {"/a.b/c.js", "text/javascript; charset=utf-8"},
        {"data.json", "application/json"},
        {"a.tar.gz", "application/gzip"},
        {"x.svg", "image/svg+xml"},
        {"font.woff2", "font/woff2"},
        {"archive", "application/octet-stream"},
        {"", "application/octet-stream"},
        {".", "application/octet-stream"},
        {"a.", "application/octet-stream"},
        {".html", "application/octet-stream"},
        {"/a/.html", "application/octet-stream"},
        {"/a.html/b", "application/octet-stream"},
        {"a.no-such-extension", "application/octet-stream"},
        {"a.much-longer-than-any-extension-html", "application/octet-stream"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(type_of(cases[i].name), cases[i].type);
    assert_string_equal(leat__http_type_of("a.html.gz", 6), "text/html; charset=utf-8");
}

static void the_systems_types(void **state)
{
    (void)state;
    char path[] = "/tmp/leat-types-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static const char text[] = "# a comment\n\n"
                               "text/x-leat\tleat  channel # more of a comment mill\n"
                               "application/x-leat leat sluice\r\n"
                               "application/x-wrong html\n"
                               "application/x-none\n"
                               "no-type weir\n"
                               "application/x-bad\x01 ford\n"
                               "application/x-upper LOCK\n"
                               "application/x-long an-extension-that-is-far-too-long pond\n"
                               "application/x-last brook";
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    assert_string_equal(type_of("a.leat"), "application/octet-stream");
    assert_int_equal(leat__http_types_load("/no/such/file"), -ENOENT);
    assert_int_equal(leat__http_types_load(path), 0);
    unlink(path);
    own_types(state);
    assert_string_equal(type_of("a.leat"), "text/x-leat; charset=utf-8");
    assert_string_equal(type_of("a.channel"), "text/x-leat; charset=utf-8");
    assert_string_equal(type_of("a.mill"), "application/octet-stream");
    assert_string_equal(type_of("a.sluice"), "application/x-leat");
    assert_string_equal(type_of("a.weir"), "application/octet-stream");
    assert_string_equal(type_of("a.ford"), "application/octet-stream");
    assert_string_equal(type_of("a.lock"), "application/x-upper");
    assert_string_equal(type_of("a.pond"), "application/x-long");
    assert_string_equal(type_of("a.brook"), "application/x-last");
    /* what is loaded stays */
    assert_int_equal(leat__http_types_load("/no/such/file"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods),
        cmocka_unit_test(statuses),
        cmocka_unit_test(own_types),
        cmocka_unit_test(the_systems_types),
    };
    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
