/* test_multipart.c: the grammar of multipart/form-data: boundaries that may be, delimiters found however the octets are
 * cut, heads of parts with all that browsers write, and those that are none. */
#include "http/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static bool make(struct http_delimiter *d, const char *parameters)
{
    return leat__http_delimiter_make(d, (struct http_text){parameters, strlen(parameters)});
}

static void boundaries_are_held_to_the_rfc(void **state)
{
    (void)state;
    struct http_delimiter d;
    char longest[128];
    assert_true(make(&d, "; boundary=----WebKitFormBoundaryX"));
    assert_int_equal(d.size, 4 + 23);
    assert_memory_equal(d.octets, "\r\n------WebKitFormBoundaryX", d.size);
    assert_true(make(&d, ";charset=utf-8; Boundary=\"a b:c\""));
    assert_int_equal(d.size, 4 + 5);
    snprintf(longest, sizeof longest, ";boundary=%070d", 1);
    assert_true(make(&d, longest));
    snprintf(longest, sizeof longest, ";boundary=%071d", 1);
    assert_false(make(&d, longest));
    static const char *const bad[] = {"",
                                      ";boundary",
                                      ";boundary=",
                                      ";boundary=\"\"",
                                      ";boundary=\"a \"",
                                      ";boundary=\"a\x01\"",
                                      ";boundary=a;boundary=b",
                                      ";boundary=a b",
                                      ";boundary=\"a;b\"",
                                      ";bound=a",
                                      ";boundary=\"a",
                                      ";boundary=a#",
                                      ";boundary=a; x"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(make(&d, bad[i]));
}

static void delimiters_are_found_and_their_beginnings_kept(void **state)
{
    (void)state;
    struct http_delimiter d;
    bool found;
    assert_true(make(&d, ";boundary=ab"));
    static const char content[] = "x\r\r\n\r\n-\r\n--a\r\n--abc"; /* the delimiter stands at 12 */
    for (size_t size = 0; size < sizeof content; size++) {
        size_t n = leat__http_delimiter_find(&d, content, size, &found);
        assert_true(n <= size && n <= 12);
        assert_int_equal(found, size >= 18);
        if (found)
            assert_int_equal(n, 12);
        else
            assert_true(size - n < d.size && memcmp(content + n, d.octets, size - n) == 0);
    }
}

static void behind_a_delimiter_comes_a_part_or_the_end(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        enum http_multipart_result result;
        size_t used;
    } table[] = {
        {"\r\nX", MULTIPART_PART, 2}, {" \t \r\nX", MULTIPART_PART, 5},
        {"--", MULTIPART_LAST, 2},    {"--\r\n", MULTIPART_LAST, 2},
        {"--x", MULTIPART_LAST, 2},   {"", MULTIPART_MORE, 0},
        {"-", MULTIPART_MORE, 0},     {"\r", MULTIPART_MORE, 0},
        {"  ", MULTIPART_MORE, 0},    {" \r", MULTIPART_MORE, 0},
        {"-x", MULTIPART_BAD, 0},     {"\n", MULTIPART_BAD, 0},
        {"\rx", MULTIPART_BAD, 0},    {" -- ", MULTIPART_BAD, 0},
        {"c\r\n", MULTIPART_BAD, 0},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        size_t used = 0;
        assert_int_equal(leat__http_delimiter_end(table[i].bytes, strlen(table[i].bytes), &used),
                         table[i].result);
        if (table[i].result == MULTIPART_PART || table[i].result == MULTIPART_LAST)
            assert_int_equal(used, table[i].used);
    }
    char padding[MULTIPART_PADDING_MAX + 2];
    size_t used;
    memset(padding, ' ', sizeof padding);
    assert_int_equal(leat__http_delimiter_end(padding, sizeof padding, &used), MULTIPART_BAD);
}

static const char *text_of(const struct http_parameter *p)
{
    static char out[2][256];
    static unsigned which;
    char *text = out[which++ % 2];
    text[leat__http_part_text(text, p)] = '\0';
    return text;
}

static void heads_are_read_as_browsers_write_them(void **state)
{
    (void)state;
    struct http_part part;
    static const char head[] =
        "content-disposition: Form-Data; name=\"a \\\"b\\\"\"; filename=\"C:\\Dir\\f.txt\"\r\n"
        "Content-Type:\timage/png \r\nX-Other: 1\r\n\r\ncontent";
    size_t size = strlen(head) - 7;
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(leat__http_part_parse(&part, head, cut), MULTIPART_MORE);
    assert_int_equal(leat__http_part_parse(&part, head, size + 7), MULTIPART_PART);
    assert_int_equal(part.size, size);
    assert_string_equal(text_of(&part.name), "a \"b\"");
    assert_true(part.has_filename);
    assert_string_equal(text_of(&part.filename), "C:\\Dir\\f.txt");
    assert_int_equal(part.media_type.size, 9);
    static const char plain[] =
        "Content-Disposition: form-data; name=x; filename*=utf-8''y\r\n\r\n";
    assert_int_equal(leat__http_part_parse(&part, plain, strlen(plain)), MULTIPART_PART);
    assert_false(part.has_filename);
    assert_int_equal(part.media_type.size, 0);
    static const char utf8[] =
        "Content-Disposition: form-data; name=\"\xc3\xa9\"; filename=\"\"\r\n\r\n";
    assert_int_equal(leat__http_part_parse(&part, utf8, strlen(utf8)), MULTIPART_PART);
    assert_string_equal(text_of(&part.name), "\xc3\xa9");
    assert_true(part.has_filename);
}

static void what_is_no_head_is_refused(void **state)
{
    (void)state;
#define DISPOSITION "Content-Disposition: form-data; name=\"x\""
    static const char *const bad[] = {
        "\r\n",
        "Content-Type: text/plain\r\n\r\n",
        DISPOSITION "\n\n",
        "\n",
        "X\r\n",
        ": x\r\n",
        "X : x\r\n",
        "X: a\x01\r\n",
        "X: a\rb\r\n",
        " folded: x\r\n",
        DISPOSITION "\r\n folded\r\n\r\n",
        DISPOSITION "\r\n" DISPOSITION "\r\n\r\n",
        "Content-Disposition: attachment; name=\"x\"\r\n\r\n",
        "Content-Disposition: form-data\r\n\r\n",
        "Content-Disposition: form-data; filename=\"x\"\r\n\r\n",
        "Content-Disposition: form-data; name=\"x\r\n\r\n",
        DISPOSITION "; name=\"y\"\r\n\r\n",
        DISPOSITION "; filename=a; filename=b\r\n\r\n",
        DISPOSITION " y\r\n\r\n",
    };
    struct http_part part;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(leat__http_part_parse(&part, bad[i], strlen(bad[i])), MULTIPART_BAD);
    static const char nul[] = "Content-Disposition: form-data; name=\"x\0y\"\r\n\r\n";
    assert_int_equal(leat__http_part_parse(&part, nul, sizeof nul - 1), MULTIPART_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boundaries_are_held_to_the_rfc),
        cmocka_unit_test(delimiters_are_found_and_their_beginnings_kept),
        cmocka_unit_test(behind_a_delimiter_comes_a_part_or_the_end),
        cmocka_unit_test(heads_are_read_as_browsers_write_them),
        cmocka_unit_test(what_is_no_head_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
