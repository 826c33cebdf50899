/* test_json_text.c: strings and numbers as JSON has them: every octet, every way of not being UTF-8, every place in a word
 * where something special may stand, and numbers that read back. */
#include "fixture.h"
#include "base/json_text.h"
#include <locale.h>
#include <math.h>

/* What text becomes, given so much room at a time. */
static const char *escaped_by(const char *text, size_t size, size_t room)
{
    static char out[65536];
    const char *at = text, *end = text + size;
    size_t n = 0;
    while (at < end) {
        size_t now = leat__json_escape(out + n, room, &at, end);
        assert_true(now > 0 && now <= room);
        n += now;
    }
    out[n] = '\0';
    return out;
}

static void assert_escaped(const char *text, size_t size, const char *wanted)
{
    assert_string_equal(escaped_by(text, size, 32768), wanted);
    for (size_t room = JSON_UNIT_MAX; room < 20; room++)
        assert_string_equal(escaped_by(text, size, room), wanted);
}

#define ESCAPED(text, wanted) assert_escaped(text, sizeof(text) - 1, wanted)

static void what_must_be_escaped_is(void **state)
{
    (void)state;
    ESCAPED("", "");
    ESCAPED("plain text, longer than a word or two", "plain text, longer than a word or two");
    ESCAPED("\"\\/", "\\\"\\\\/");
    ESCAPED("\b\f\n\r\t", "\\b\\f\\n\\r\\t");
    ESCAPED("\0\x01\x1f\x20\x7f", "\\u0000\\u0001\\u001f \x7f");
    ESCAPED("K\xc3\xa4se \xe2\x82\xac \xf0\x9f\x92\xa7",
            "K\xc3\xa4se \xe2\x82\xac \xf0\x9f\x92\xa7");
}

static void every_octet_at_every_place_of_a_word(void **state)
{
    (void)state;
    for (unsigned octet = 0; octet < 0x80; octet++)
        for (size_t place = 0; place < 17; place++) {
            char text[17], wanted[32], unit[8];
            bool letter = octet >= 0x20 && octet != '"' && octet != '\\';
            memset(text, 'x', sizeof text);
            text[place] = (char)octet;
            const char *one = strchr("\bb\ff\nn\rr\tt\"\"\\\\", (int)octet);
            if (letter)
                snprintf(unit, sizeof unit, "%c", (char)octet);
            else if (octet != 0 && one != NULL)
                snprintf(unit, sizeof unit, "\\%c",
                         octet == '"' || octet == '\\' ? (char)octet : one[1]);
            else
                snprintf(unit, sizeof unit, "\\u%04x", octet);
            snprintf(wanted, sizeof wanted, "%.*s%s%.*s", (int)place, "xxxxxxxxxxxxxxxxx", unit,
                     16 - (int)place, "xxxxxxxxxxxxxxxxx");
            assert_escaped(text, sizeof text, wanted);
        }
}

#define R "\xef\xbf\xbd"

/* The examples of Unicode 3.9, and what RFC 3629 forbids. */
static void what_is_not_utf8_is_replaced(void **state)
{
    (void)state;
    ESCAPED("\x80", R);
    ESCAPED("a\xff"
            "b",
            "a" R "b");
    ESCAPED("\xc0\xaf", R R);
    ESCAPED("\xe0\x80\xaf", R R R);
    ESCAPED("\xf0\x80\x80\xaf", R R R R);
    ESCAPED("\xed\xa0\x80", R R R);
    ESCAPED("\xf4\x90\x80\x80", R R R R);
    ESCAPED("\xf5\x80", R R);
    ESCAPED("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", R R R R "A");
    ESCAPED("cut \xe2\x82", "cut " R);
    ESCAPED("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf");
}

static const char *integer(int64_t value)
{
    static char out[JSON_NUMBER_MAX + 1];
    out[leat__json_int(out, value)] = '\0';
    return out;
}

static void integers_have_all_their_digits(void **state)
{
    (void)state;
    char out[JSON_NUMBER_MAX];
    assert_string_equal(integer(0), "0");
    assert_string_equal(integer(-1), "-1");
    assert_string_equal(integer(INT64_MAX), "9223372036854775807");
    assert_string_equal(integer(INT64_MIN), "-9223372036854775808");
    assert_int_equal(leat__json_uint(out, UINT64_MAX), 20);
    assert_memory_equal(out, "18446744073709551615", 20);
}

static const char *number(double value)
{
    static char out[JSON_NUMBER_MAX + 1];
    out[leat__json_double(out, value)] = '\0';
    return out;
}

static void doubles_are_short(void **state)
{
    (void)state;
    assert_string_equal(number(0), "0");
    assert_string_equal(number(-0.0), "-0.0");
    assert_string_equal(number(1), "1");
    assert_string_equal(number(-12.5), "-12.5");
    assert_string_equal(number(0.1), "0.1");
    assert_string_equal(number(0.1 + 0.2), "0.30000000000000004");
    assert_string_equal(number(19.99), "19.99");
    assert_string_equal(number(123456789.123), "123456789.123");
    assert_string_equal(number(1e21), "1e21");
    assert_string_equal(number(1e20), "100000000000000000000");
    assert_string_equal(number(1.5e300), "1.5e300");
    assert_string_equal(number(0.000001), "0.000001");
    assert_string_equal(number(1e-7), "1e-7");
    assert_string_equal(number(5e-324), "5e-324");
    assert_string_equal(number(1.7976931348623157e308), "1.7976931348623157e308");
    assert_string_equal(number(9007199254740993.0), "9007199254740992");
    assert_string_equal(number(NAN), "");
    assert_string_equal(number(-INFINITY), "");
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    return *seed ^= *seed << 17;
}

static void doubles_read_back(void **state)
{
    (void)state;
    uint64_t seed = 0x1ea7;
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = next_random(&seed);
        double value = i % 2 ? (double)(int64_t)(bits >> 20) / (double)(1 + bits % 4096) : 0;
        if (i % 2 == 0)
            memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        const char *text = number(value);
        if (strtod(text, NULL) != value)
            fail_msg("%s is not %.17g", text, value);
        assert_true(strspn(text, "-+.e0123456789") == strlen(text));
    }
}

static void no_locale_changes_a_number(void **state)
{
    (void)state;
    const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE"};
    for (size_t i = 0; i < COUNT_OF(commas) && setlocale(LC_NUMERIC, commas[i]) == NULL; i++) {
    }
    assert_string_equal(number(0.1 + 0.2), "0.30000000000000004");
    assert_string_equal(number(2.5), "2.5");
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_must_be_escaped_is),
        cmocka_unit_test(every_octet_at_every_place_of_a_word),
        cmocka_unit_test(what_is_not_utf8_is_replaced),
        cmocka_unit_test(integers_have_all_their_digits),
        cmocka_unit_test(doubles_are_short),
        cmocka_unit_test(doubles_read_back),
        cmocka_unit_test(no_locale_changes_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
