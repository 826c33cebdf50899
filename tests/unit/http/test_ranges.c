/* test_ranges.c: which octets a Range field asks for (RFC 9110 14.1, 14.2): the grammar to the letter, numbers of any size,
 * joining, and what is not worth its parts. */
#include "http/conditions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ASKED_MAX = 20 };

static const struct http_validators strong = {
    .etag = {"\"abc\"", 5}, .modified_s = 784111777, .now_s = 784112777, .exists = true};

static int ranges_of(const char *field, uint64_t size, struct http_range *out)
{
    struct http_conditions c = {0};
    leat__http_conditions_read(&c, "Range", 5, field, strlen(field));
    return leat__http_ranges(&c, &strong, size, out);
}

/* "0+5 9+1", "whole" or "416": what the field asks of a representation. */
static const char *told(const char *field, uint64_t size)
{
    static char text[1024];
    struct http_range out[RANGES_MAX];
    int count = ranges_of(field, size, out);
    if (count <= 0)
        return count == 0 ? "whole" : count == -416 ? "416" : "?";
    size_t at = 0;
    for (int i = 0; i < count; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%llu+%llu", i > 0 ? " " : "",
                               (unsigned long long)out[i].first, (unsigned long long)out[i].size);
    return text;
}

struct row {
    const char *field;
    uint64_t size;
    const char *told;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(told(rows[i].field, rows[i].size), rows[i].told) != 0)
            fail_msg("%s of %llu: %s, not %s", rows[i].field, (unsigned long long)rows[i].size,
                     told(rows[i].field, rows[i].size), rows[i].told);
}

static void one_range(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=0-0", 1000, "0+1"},         {"bytes=0-499", 1000, "0+500"},
        {"bytes=500-999", 1000, "500+500"}, {"bytes=999-999", 1000, "999+1"},
        {"bytes=0-999", 1000, "0+1000"},    {"bytes=0-1000", 1000, "0+1000"},
        {"bytes=990-5000", 1000, "990+10"}, {"bytes=0-", 1000, "0+1000"},
        {"bytes=1-", 1000, "1+999"},        {"bytes=999-", 1000, "999+1"},
        {"bytes=-1", 1000, "999+1"},        {"bytes=-1000", 1000, "0+1000"},
        {"bytes=-1001", 1000, "0+1000"},    {"bytes=0-", 1, "0+1"},
        {"BYTES=0-0", 1000, "0+1"},         {"Bytes=0-0", 1000, "0+1"},
        {" \tbytes=0-0 ", 1000, "0+1"},     {"bytes=000-0009", 1000, "0+10"},
        {"bytes=-0005", 1000, "995+5"},
    };
    check(rows, COUNT_OF(rows));
}

static void none_to_be_had(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=1000-", 1000, "416"},
        {"bytes=1000-1000", 1000, "416"},
        {"bytes=1000-, 2000-3000", 1000, "416"},
        {"bytes=-0", 1000, "416"},
        {"bytes=-0, 1000-", 1000, "416"},
        {"bytes=0-", 0, "416"},
        {"bytes=0-0", 0, "416"},
        {"bytes=-0", 0, "416"},
        /* the last five octets of nothing are nothing, which only the whole can say */
        {"bytes=-5", 0, "whole"},
        {"bytes=0-, -5", 0, "whole"},
        {"bytes=1000-, 0-0", 1000, "0+1"},
        {"bytes=-0, -1", 1000, "999+1"},
    };
    check(rows, COUNT_OF(rows));
}

static void malformed_is_ignored(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes= , ,",
        "bytes= 0-0",
        "bytes=\t0-0",
        "bytes =0-0",
        "bytes:0-0",
        "bytes 0-0",
        "byte=0-0",
        "bytess=0-0",
        "items=0-0",
        "none=0-0",
        "=0-0",
        "0-0",
        "bytes=0",
        "bytes=-",
        "bytes=--",
        "bytes=--1",
        "bytes=-1-",
        "bytes=0--1",
        "bytes=0-1-2",
        "bytes=5-4",
        "bytes=0-0, 5-4",
        "bytes=5-4, 0-0",
        "bytes=2000-1000",
        "bytes=0 - 1",
        "bytes=0- 1",
        "bytes=0 -1",
        "bytes=- 1",
        "bytes=+0-1",
        "bytes=0-+1",
        "bytes=0x0-0x1",
        "bytes=a-b",
        "bytes=0-a",
        "bytes=a-0",
        "bytes=0-1;2-3",
        "bytes=0-1 2-3",
        "bytes=0-1, x",
        "bytes=x, 0-1",
        "bytes=0-1, bytes=2-3",
        "bytes=0.5-1",
        "bytes=*",
        "bytes=0-*",
        "bytes=\"0-1\"",
        "bytes=0-1\r",
    };
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (strcmp(told(fields[i], 1000), "whole") != 0)
            fail_msg("%s: %s", fields[i], told(fields[i], 1000));
}

static void numbers_of_any_size(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=0-18446744073709551615", 1000, "0+1000"},
        {"bytes=0-18446744073709551616", 1000, "0+1000"},
        {"bytes=0-99999999999999999999999999999999999999", 1000, "0+1000"},
        {"bytes=-18446744073709551616", 1000, "0+1000"},
        {"bytes=-99999999999999999999999999999999999999", 1000, "0+1000"},
        {"bytes=18446744073709551615-", 1000, "416"},
        {"bytes=18446744073709551616-", 1000, "416"}, /* not 0- */
        {"bytes=18446744073709551617-18446744073709551618", 1000, "416"},
        {"bytes=99999999999999999999999999999999999999-", 1000, "416"},
        {"bytes=00000000000000000000000000000000000001-1", 1000, "1+1"},
        {"bytes=18446744073709551614-", UINT64_MAX, "18446744073709551614+1"},
        {"bytes=-1", UINT64_MAX, "18446744073709551614+1"},
        {"bytes=0-", UINT64_MAX, "0+18446744073709551615"},
        {"bytes=0-18446744073709551615", UINT64_MAX, "0+18446744073709551615"},
        {"bytes=0-0,-1", UINT64_MAX, "0+1 18446744073709551614+1"},
        {"bytes=0-18446744073709551000,-1", UINT64_MAX, "0+18446744073709551001 18446744073709551614+1"},
        {"bytes=0-,-1", UINT64_MAX, "0+18446744073709551615"},
    };
    check(rows, COUNT_OF(rows));
}

static void several(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=0-0,-1", 1000, "0+1 999+1"},        {"bytes=0-0, 2-2", 1000, "0+1 2+1"},
        {"bytes=2-2, 0-0", 1000, "2+1 0+1"}, /* in the order they were asked for */
        {"bytes=0-0,\t,, 5-6 ,", 1000, "0+1 5+2"},  {"bytes=,0-0", 1000, "0+1"},
        {"bytes=0-0, 2000-, 5-5", 1000, "0+1 5+1"},
    };
    check(rows, COUNT_OF(rows));
}

static void overlapping_and_touching_are_joined(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=0-9, 5-14", 1000, "0+15"},
        {"bytes=5-14, 0-9", 1000, "0+15"},
        {"bytes=0-9, 10-19", 1000, "0+20"},
        {"bytes=10-19, 0-9", 1000, "0+20"},
        {"bytes=0-9, 11-19", 1000, "0+10 11+9"},
        {"bytes=0-9, 0-9", 1000, "0+10"},
        {"bytes=0-99, 10-19", 1000, "0+100"},
        {"bytes=10-19, 0-99", 1000, "0+100"},
        {"bytes=0-499, 500-999", 1000, "0+1000"},
        {"bytes=0-, 0-", 1000, "0+1000"},
        {"bytes=0-, -1", 1000, "0+1000"},
        /* the third joins the first two, in the first's place */
        {"bytes=50-59, 0-9, 20-29, 10-19", 1000, "50+10 0+30"},
        {"bytes=20-29, 50-59, 0-9, 10-19", 1000, "0+30 50+10"},
        {"bytes=0-0, 2-2, 4-4, 6-6, 1-5", 1000, "0+7"},
        {"bytes=6-6, 4-4, 100-100, 2-2, 0-0, 1-5", 1000, "0+7 100+1"},
    };
    check(rows, COUNT_OF(rows));
}

static void parts_that_cost_more_than_the_whole(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=0-0,-1", 2 + 2 * RANGE_PART_COST, "whole"},
        {"bytes=0-0,-1", 3 + 2 * RANGE_PART_COST, "0+1 162+1"},
        {"bytes=0-498,500-", 1000, "whole"},
        {"bytes=0-0", 1, "0+1"}, /* one has no part */
        {"bytes=0-0,0-0", 1, "0+1"},
    };
    check(rows, COUNT_OF(rows));
}

static void no_more_than_there_is_room_for(void **state)
{
    (void)state;
    char field[1024] = "bytes=";
    struct http_range out[RANGES_MAX];
    for (int i = 1; i <= ASKED_MAX; i++) {
        char spec[32];
        snprintf(spec, sizeof spec, "%s%d-%d", i > 1 ? "," : "", i * 10, i * 10);
        strcat(field, spec);
        assert_int_equal(ranges_of(field, 1 << 20, out), i <= RANGES_MAX ? i : 0);
    }
    /* joining makes them few, but not the asking */
    strcpy(field, "bytes=");
    for (int i = 1; i <= ASKED_MAX; i++) {
        strcat(field, i > 1 ? ",0-9" : "0-9");
        assert_int_equal(ranges_of(field, 1 << 20, out), i <= RANGES_MAX ? 1 : 0);
    }
}

static int with(const char *name, const char *value, const char *second, const char *if_range)
{
    struct http_conditions c = {0};
    struct http_range out[RANGES_MAX];
    leat__http_conditions_read(&c, name, strlen(name), value, strlen(value));
    if (second != NULL)
        leat__http_conditions_read(&c, name, strlen(name), second, strlen(second));
    if (if_range != NULL)
        leat__http_conditions_read(&c, "If-Range", 8, if_range, strlen(if_range));
    return leat__http_ranges(&c, &strong, 1000, out);
}

static void only_when_the_whole_stands_still(void **state)
{
    (void)state;
    assert_int_equal(with("Range", "bytes=0-0", NULL, "\"abc\""), 1);
    assert_int_equal(with("Range", "bytes=0-0", NULL, "\"abd\""), 0);
    assert_int_equal(with("Range", "bytes=0-0", NULL, "W/\"abc\""), 0);
    assert_int_equal(with("Range", "bytes=0-0", NULL, "Sun, 06 Nov 1994 08:49:37 GMT"), 1);
    assert_int_equal(with("Range", "bytes=0-0", NULL, "Sun, 06 Nov 1994 08:49:38 GMT"), 0);
    assert_int_equal(with("Range", "bytes=1000-", NULL, "\"abc\""), -416);
    assert_int_equal(with("Range", "bytes=1000-", NULL, "\"abd\""), 0); /* 14.2: not asked, then */
}

static void not_on_two_lines(void **state)
{
    (void)state;
    assert_int_equal(with("Range", "bytes=0-0", "bytes=2-2", NULL), 0);
    assert_int_equal(with("Range", "bytes=0-0", "2-2", NULL), 0);
}

static void without_a_range(void **state)
{
    (void)state;
    assert_int_equal(with("If-Match", "*", NULL, NULL), 0);
    assert_int_equal(with("If-Match", "*", NULL, "\"abc\""), 0);
}

/* Every octet of the answer was asked for, and every octet asked for is in the answer. */
static void as_a_map_of_octets_says(void **state)
{
    (void)state;
    enum { SIZE = 4000, ROUNDS = 20000 };
    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        char field[1024] = "bytes=";
        bool asked[SIZE] = {false}, got[SIZE] = {false};
        int count = 1 + rand() % RANGES_MAX;
        for (int i = 0; i < count; i++) {
            int first = rand() % SIZE, last = first + rand() % 200;
            char spec[32];
            snprintf(spec, sizeof spec, "%s%d-%d", i > 0 ? "," : "", first, last);
            strcat(field, spec);
            for (int at = first; at <= last && at < SIZE; at++)
                asked[at] = true;
        }
        struct http_range out[RANGES_MAX];
        int made = ranges_of(field, SIZE, out);
        assert_true(made >= 0 && made <= count);
        for (int i = 0; i < made; i++)
            for (uint64_t at = 0; at < out[i].size; at++) {
                assert_false(got[out[i].first + at]);
                got[out[i].first + at] = true;
            }
        if (made > 0)
            assert_memory_equal(asked, got, sizeof asked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_range),
        cmocka_unit_test(none_to_be_had),
        cmocka_unit_test(malformed_is_ignored),
        cmocka_unit_test(numbers_of_any_size),
        cmocka_unit_test(several),
        cmocka_unit_test(overlapping_and_touching_are_joined),
        cmocka_unit_test(parts_that_cost_more_than_the_whole),
        cmocka_unit_test(no_more_than_there_is_room_for),
        cmocka_unit_test(only_when_the_whole_stands_still),
        cmocka_unit_test(not_on_two_lines),
        cmocka_unit_test(without_a_range),
        cmocka_unit_test(as_a_map_of_octets_says),
    };
    return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
