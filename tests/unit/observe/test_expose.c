/* test_expose.c: figures as text: heads in both formats, escaping, numbers, ladders that add up, and memory that ends. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "observe/expose.h"

enum { SIZE = 8192 };

static char text[SIZE];
static struct histogram histogram;

static const struct expose_step steps[] = {{0.5, "0.5"}, {1.0, "1.0"}, {4.0, "4.0"}, {0, NULL}};

static struct expose begin(bool is_open)
{
    struct expose e;
    leat__expose_begin(&e, text, SIZE, is_open);
    return e;
}

static const char *end(struct expose *e)
{
    size_t size = leat__expose_end(e);
    assert_in_range(size, 1, SIZE - 1);
    text[size] = '\0';
    return text;
}

static void the_older_format_has_whole_names(void **state)
{
    (void)state;
    struct expose e = begin(false);
    leat__expose_family(&e, "a_bytes_total", EXPOSE_counter, "Octets.");
    leat__expose_value(&e, NULL, 12);
    leat__expose_family(&e, "b_seconds", EXPOSE_gauge, "Say \"when\"\\\nnow.");
    leat__expose_value(&e, NULL, 0.25);
    leat__expose_family(&e, "c_info", EXPOSE_info, "What.");
    leat__expose_value(&e, (const struct expose_label[]){{"v", "1"}, {"w", ""}, {NULL, NULL}}, 1);
    assert_string_equal(end(&e), "# TYPE a_bytes_total counter\n"
                                 "# HELP a_bytes_total Octets.\n"
                                 "a_bytes_total 12\n"
                                 "# TYPE b_seconds gauge\n"
                                 "# HELP b_seconds Say \"when\"\\\\\\nnow.\n"
                                 "b_seconds 0.25\n"
                                 "# TYPE c_info gauge\n"
                                 "# HELP c_info What.\n"
                                 "c_info{v=\"1\",w=\"\"} 1\n");
}

static void the_newer_format_has_families_units_and_an_end(void **state)
{
    (void)state;
    struct expose e = begin(true);
    leat__expose_family(&e, "a_bytes_total", EXPOSE_counter, "Octets.");
    leat__expose_value(&e, NULL, 12);
    leat__expose_family(&e, "b_seconds", EXPOSE_gauge, "Say \"when\"\\\nnow.");
    leat__expose_value(&e, NULL, 0.25);
    leat__expose_family(&e, "c_info", EXPOSE_info, "What.");
    leat__expose_value(&e, (const struct expose_label[]){{"v", "1"}, {NULL, NULL}}, 1);
    assert_string_equal(end(&e), "# TYPE a_bytes counter\n"
                                 "# UNIT a_bytes bytes\n"
                                 "# HELP a_bytes Octets.\n"
                                 "a_bytes_total 12\n"
                                 "# TYPE b_seconds gauge\n"
                                 "# UNIT b_seconds seconds\n"
                                 "# HELP b_seconds Say \\\"when\\\"\\\\\\nnow.\n"
                                 "b_seconds 0.25\n"
                                 "# TYPE c info\n"
                                 "# HELP c What.\n"
                                 "c_info{v=\"1\"} 1\n"
                                 "# EOF\n");
}

/* A label's value as it is told. */
static const char *told(const char *value)
{
    static char label[256];
    struct expose e = begin(false);
    leat__expose_family(&e, "x", EXPOSE_gauge, "X.");
    leat__expose_value(&e, (const struct expose_label[]){{"l", value}, {NULL, NULL}}, 0);
    const char *from = strstr(end(&e), "x{l=\"") + 5, *to = strstr(from, "\"} 0\n");
    memcpy(label, from, (size_t)(to - from));
    label[to - from] = '\0';
    return label;
}

static void labels_are_escaped(void **state)
{
    (void)state;
    assert_string_equal(told("/a/:b{c}=,d"), "/a/:b{c}=,d");
    assert_string_equal(told("\"\\\n\""), "\\\"\\\\\\n\\\"");
    assert_string_equal(told("\t\x01"), "\t\x01");
    assert_string_equal(told("é€𝄞\xc2\x80\xf4\x8f\xbf\xbf"), "é€𝄞\xc2\x80\xf4\x8f\xbf\xbf");
    assert_string_equal(told("a\xff\xc3"), "a??");
    assert_string_equal(told("\xc0\xaf\xe0\x80\x80\xed\xa0\x80"), "????????"); /* overlong; half of a pair */
    assert_string_equal(told("\xf4\x90\x80\x80\xf0\x80\x80\x80\x80"), "?????????");
    assert_string_equal(told("\xe2\x82"), "??"); /* cut */
    assert_true(leat__expose_can_tell("é€𝄞 and \n"));
    assert_true(leat__expose_can_tell(""));
    assert_false(leat__expose_can_tell("a\xffz"));
}

static void numbers_are_told_as_they_are(void **state)
{
    (void)state;
    static const struct {
        double number;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1, "1"},
        {9007199254740991, "9007199254740991"},
        {1e18, "1e+18"},
        {-3.25, "-3.25"},
        {1e-05, "1e-05"},
        {0.1, "0.1"},
        {-7, "-7"},
        {INFINITY, "+Inf"},
        {-INFINITY, "-Inf"},
        {(double)NAN, "NaN"},
        {1795282141.5, "1795282141.5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct expose e = begin(false);
        leat__expose_family(&e, "x", EXPOSE_gauge, "X.");
        leat__expose_value(&e, NULL, cases[i].number);
        const char *line = strstr(end(&e), "\nx ") + 3;
        assert_int_equal(strcspn(line, "\n"), strlen(cases[i].text));
        assert_memory_equal(line, cases[i].text, strlen(cases[i].text));
    }
}

static void a_histogram_is_told_by_its_ladder(void **state)
{
    (void)state;
    struct expose e = begin(false);
    memset(&histogram, 0, sizeof histogram);
    for (unsigned i = 1; i <= 10; i++)
        histogram_record(&histogram, i); /* of which two make one: 0.5 to 5 */
    leat__expose_family(&e, "h", EXPOSE_histogram, "H.");
    leat__expose_histogram(&e, (const struct expose_label[]){{"l", "v"}, {NULL, NULL}}, &histogram,
                           steps, 2);
    assert_string_equal(strchr(strchr(end(&e), '\n') + 1, '\n') + 1,
                        "h_bucket{l=\"v\",le=\"0.5\"} 1\n"
                        "h_bucket{l=\"v\",le=\"1.0\"} 2\n"
                        "h_bucket{l=\"v\",le=\"4.0\"} 8\n"
                        "h_bucket{l=\"v\",le=\"+Inf\"} 10\n"
                        "h_sum{l=\"v\"} 27.5\n"
                        "h_count{l=\"v\"} 10\n");
}

static void a_summary_tells_of_late_and_of_all(void **state)
{
    (void)state;
    static struct histogram late;
    struct expose e = begin(true);
    memset(&histogram, 0, sizeof histogram);
    memset(&late, 0, sizeof late);
    for (unsigned i = 0; i < 4; i++)
        histogram_record(&histogram, 30);
    histogram_record(&late, 10);
    leat__expose_family(&e, "s", EXPOSE_summary, "S.");
    leat__expose_summary(&e, &late, &histogram, 10);
    assert_non_null(strstr(end(&e),
                           "s{quantile=\"0.5\"} 1\ns{quantile=\"0.9\"} 1\ns{quantile=\"0.99\"} 1\n"
                           "s{quantile=\"0.999\"} 1\ns_sum 12\ns_count 4\n# EOF\n"));
    memset(&late, 0, sizeof late);
    e = begin(true);
    leat__expose_family(&e, "s", EXPOSE_summary, "S.");
    leat__expose_summary(&e, &late, &histogram, 10);
    assert_non_null(strstr(end(&e), "s{quantile=\"0.5\"} NaN\n"));
}

static void check_ladder(const struct expose_step *ladder)
{
    unsigned n = 0;
    for (; ladder[n].text != NULL; n++) {
        assert_true(strtod(ladder[n].text, NULL) == ladder[n].limit);
        assert_true(n == 0 || ladder[n].limit > ladder[n - 1].limit);
        /* As OpenMetrics has it: with a point or an exponent. */
        assert_true(strpbrk(ladder[n].text, ".e") != NULL);
    }
    assert_in_range(n, 10, 24);
    assert_true(ladder[n].limit == 0);
}

static void ladders_rise_and_say_what_they_are(void **state)
{
    (void)state;
    check_ladder(leat__expose_times);
    check_ladder(leat__expose_short_times);
    check_ladder(leat__expose_few_times);
    check_ladder(leat__expose_sizes);
    check_ladder(leat__expose_numbers);
}

/* Many values, all ladders: what is told rises, and in one go it is as one by one. */
static void counts_of_a_ladder_add_up(void **state)
{
    (void)state;
    static const uint64_t limits[] = {
        0, 1, 31, 32, 63, 64, 100, 1000, 54321, 1u << 20, 123456789, UINT64_C(1) << 40, UINT64_MAX};
    enum { N = sizeof limits / sizeof limits[0] };
    uint64_t counts[N], seed = 42;
    memset(&histogram, 0, sizeof histogram);
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        histogram_record(&histogram, (seed >> 16) >> (seed % 48));
        if (i % 1000 != 0)
            continue;
        uint64_t all = leat__histogram_up_to_each(&histogram, limits, counts, N);
        assert_int_equal(all, i + 1);
        for (unsigned k = 0; k < N; k++) {
            assert_int_equal(counts[k], leat__histogram_up_to(&histogram, limits[k]));
            assert_true(counts[k] <= all && (k == 0 || counts[k] >= counts[k - 1]));
        }
        assert_int_equal(counts[N - 1], all);
    }
}

/* Whatever the room: what is written stays within, and only what is whole is told. */
static void memory_ends(void **state)
{
    (void)state;
    static char room[1024];
    size_t whole = 0;
    memset(&histogram, 0, sizeof histogram);
    for (size_t size = sizeof room; size-- > 0;) {
        struct expose e;
        memset(room, '#', sizeof room);
        leat__expose_begin(&e, room, size, true);
        leat__expose_family(&e, "h_seconds", EXPOSE_histogram, "A \"histogram\".");
        leat__expose_histogram(&e, (const struct expose_label[]){{"l", "\\"}, {NULL, NULL}},
                               &histogram, steps, 1);
        size_t told_size = leat__expose_end(&e);
        whole = whole == 0 ? told_size : whole;
        assert_int_equal(told_size, size >= whole ? whole : 0);
        for (size_t i = size; i < sizeof room; i++)
            assert_int_equal(room[i], '#');
    }
    assert_true(whole > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_older_format_has_whole_names),
        cmocka_unit_test(the_newer_format_has_families_units_and_an_end),
        cmocka_unit_test(labels_are_escaped),
        cmocka_unit_test(numbers_are_told_as_they_are),
        cmocka_unit_test(a_histogram_is_told_by_its_ladder),
        cmocka_unit_test(a_summary_tells_of_late_and_of_all),
        cmocka_unit_test(ladders_rise_and_say_what_they_are),
        cmocka_unit_test(counts_of_a_ladder_add_up),
        cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
