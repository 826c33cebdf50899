/* test_option_values.c: sizes and times as people write them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/option_values.h"

static void assert_bytes(const char *text, int64_t expected)
{
    int64_t value = 0;
    assert_int_equal(leat__option_read_bytes(text, &value), 0);
    assert_int_equal(value, expected);
}

static void sizes_are_powers_of_1024(void **state)
{
    (void)state;
    assert_bytes("0", 0);
    assert_bytes("65472", 65472);
    assert_bytes("100b", 100);
    assert_bytes("8k", 8192);
    assert_bytes("8K", 8192);
    assert_bytes("8KiB", 8192);
    assert_bytes("8kib", 8192);
    assert_bytes("16m", 16 << 20);
    assert_bytes("16MiB", 16 << 20);
    assert_bytes("3g", 3ll << 30);
    assert_bytes("3GiB", 3ll << 30);
}

static void what_is_not_a_size_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     " ",   "k",    "8 k", " 8k", "8k ", "-8k",
                                      "8.5k", "8kb", "0x10", "8kk", "+8",  "8t",  "never"};
    int64_t value;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(leat__option_read_bytes(bad[i], &value), -EINVAL);
    assert_int_equal(leat__option_read_bytes("99999999999999999999", &value), -ERANGE);
    assert_int_equal(leat__option_read_bytes("9223372036854775807k", &value), -ERANGE);
}

static void times_are_milliseconds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"500ms", 500}, {"2s", 2000},  {"1m", 60000}, {"24h", 86400000},
                {"never", -1},  {"Never", -1}, {"2S", 2000}};
    static const char *const bad[] = {"",   "5",    "5x",  "s",        "1m30s",
                                      "-1", "1.5s", "2 s", "neverever"};
    int64_t ms = 0;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_int_equal(leat__option_read_duration(good[i].text, &ms), 0);
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(leat__option_read_duration(bad[i], &ms), -EINVAL);
    assert_int_equal(leat__option_read_duration("9999999999999999h", &ms), -ERANGE);
}

static void counts_are_digits(void **state)
{
    (void)state;
    int64_t value = 0;
    assert_int_equal(leat__option_read_count("007", &value), 0);
    assert_int_equal(value, 7);
    assert_int_equal(leat__option_read_count("7k", &value), -EINVAL);
    assert_int_equal(leat__option_read_count("two", &value), -EINVAL);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    static const int64_t bytes[] = {0,    1,     1023,    1024,      8192,
                                    8193, 65472, 1 << 20, 5ll << 30, INT64_MAX};
    static const int64_t times[] = {-1, 0, 1, 999, 1000, 60000, 90000, 3600000, 86400000};
    char text[OPTION_VALUE_SIZE];
    int64_t value = 0;
    for (size_t i = 0; i < COUNT_OF(bytes); i++) {
        leat__option_write_bytes(text, bytes[i]);
        assert_int_equal(leat__option_read_bytes(text, &value), 0);
        assert_int_equal(value, bytes[i]);
    }
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        leat__option_write_duration(text, times[i]);
        assert_int_equal(leat__option_read_duration(text, &value), 0);
        assert_int_equal(value, times[i]);
    }
}

static void the_largest_unit_without_a_rest_is_written(void **state)
{
    (void)state;
    char text[OPTION_VALUE_SIZE];
    leat__option_write_bytes(text, 8192);
    assert_string_equal(text, "8k");
    leat__option_write_bytes(text, 8193);
    assert_string_equal(text, "8193");
    leat__option_write_bytes(text, 3ll << 30);
    assert_string_equal(text, "3g");
    leat__option_write_duration(text, 90000);
    assert_string_equal(text, "90s");
    leat__option_write_duration(text, 120000);
    assert_string_equal(text, "2m");
}

static void the_nearest_word_is_found(void **state)
{
    (void)state;
    static const char *const words[] = {"serve", NULL, "plan", "connections", "content-max"};
    assert_int_equal(leat__option_nearest("sevre", words, 5), 0);
    assert_int_equal(leat__option_nearest("plam", words, 5), 2);
    assert_int_equal(leat__option_nearest("conections", words, 5), 3);
    assert_int_equal(leat__option_nearest("content-maximum", words, 5), 4);
    assert_int_equal(leat__option_nearest("ser", words, 5), 0);
    assert_int_equal(leat__option_nearest("xyzzy", words, 5), -1);
    assert_int_equal(leat__option_nearest("", words, 5), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_powers_of_1024),
        cmocka_unit_test(what_is_not_a_size_is_refused),
        cmocka_unit_test(times_are_milliseconds),
        cmocka_unit_test(counts_are_digits),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(the_largest_unit_without_a_rest_is_written),
        cmocka_unit_test(the_nearest_word_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
