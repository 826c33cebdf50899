/* test_percent.c: percent-decoding, apart and in place; and the grammar of what a program may
 * set. */
#include "replay.h"

static void check(const char *in, size_t size, bool plus, bool keep_slash, const char *expected)
{
    char out[64], same[64];
    memcpy(same, in, size);
    ptrdiff_t made = leat__http1_percent_decode(out, in, size, plus, keep_slash);
    ptrdiff_t in_place = leat__http1_percent_decode(same, same, size, plus, keep_slash);
    assert_int_equal(made, in_place);
    if (expected == NULL) {
        assert_int_equal(made, -1);
        return;
    }
    assert_int_equal(made, strlen(expected));
    assert_memory_equal(out, expected, strlen(expected));
    assert_memory_equal(same, expected, strlen(expected));
}

static void decoding(void **state)
{
    static const struct {
        const char *in;
        bool plus, keep_slash;
        const char *expected;
    } cases[] = {
        {"", false, false, ""},
        {"plain", false, false, "plain"},
        {"%41%62%7e%7E", false, false, "Ab~~"},
        {"a%20b", false, false, "a b"},
        {"a+b", false, false, "a+b"},
        {"a+b%2B", true, false, "a b+"},
        {"%2F%2f/", false, false, "///"},
        {"a%2Fb%2fc%41", false, true, "a%2Fb%2fcA"},
        {"%25%32%35", false, false, "%25"},
        {"a%252Fb%41", false, true, "a%252FbA"},
        {"%c3%A9\xff", false, false, "\xc3\xa9\xff"},
        {"%0d%0a", false, false, "\r\n"},
        {"%00", false, false, NULL},
        {"a%0", false, false, NULL},
        {"a%", false, false, NULL},
        {"%zz", false, false, NULL},
        {"%4g", false, false, NULL},
        {"%g4", false, false, NULL},
        {"% 4", false, false, NULL},
        {"%+4", true, false, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check(cases[i].in, strlen(cases[i].in), cases[i].plus, cases[i].keep_slash, cases[i].expected);
}

static void every_octet(void **state)
{
    (void)state;
    for (unsigned octet = 1; octet < 256; octet++) {
        char in[8], expected[2] = {(char)octet, 0};
        snprintf(in, sizeof in, octet % 2 ? "%%%02x" : "%%%02X", octet);
        check(in, 3, false, false, expected);
    }
}

static void what_is_cut_off_is_not_read(void **state)
{
    (void)state;
    char out[8];
    assert_int_equal(leat__http1_percent_decode(out, "%4142", 2, false, false), -1);
    assert_int_equal(leat__http1_percent_decode(out, "a%41", 2, false, false), -1);
    assert_int_equal(leat__http1_percent_decode(out, "a%41", 1, false, false), 1);
}

static void tokens_and_values(void **state)
{
    (void)state;
    assert_true(leat__http1_is_token("X-Field_1!#$%&'*+.^`|~", 22));
    assert_false(leat__http1_is_token("", 0));
    assert_false(leat__http1_is_token("a b", 3));
    assert_false(leat__http1_is_token("a:", 2));
    assert_false(leat__http1_is_token("\xc3\xa9", 2));
    assert_true(leat__http1_is_field_value("", 0));
    assert_true(leat__http1_is_field_value("a \t\"\xff", 5));
    assert_false(leat__http1_is_field_value("a\rb", 3));
    assert_false(leat__http1_is_field_value("a\nb", 3));
    assert_false(leat__http1_is_field_value("a\0b", 3));
    assert_false(leat__http1_is_field_value("\x7f", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding),
        cmocka_unit_test(every_octet),
        cmocka_unit_test(what_is_cut_off_is_not_read),
        cmocka_unit_test(tokens_and_values),
    };
    return cmocka_run_group_tests_name("percent", tests, NULL, NULL);
}
