/* test_counters.c: every row of the table is added and told, and a text that does not fit is cut within its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "observe/counters.h"

enum {
    COUNTERS = 0
#define COUNTER(name, help) +1
#include "observe/counters.def"
#undef COUNTER
};

_Static_assert(sizeof(struct counters) == COUNTERS * sizeof(uint64_t),
               "counters are plain numbers");

/* Each its own: first, first + 1, … */
static struct counters numbered(uint64_t first)
{
    struct counters c;
#define COUNTER(name, help) c.name = first++;
#include "observe/counters.def"
#undef COUNTER
    return c;
}

static void every_counter_is_added(void **state)
{
    (void)state;
    struct counters a = numbered(100), b = numbered(1);
    b.connections = UINT64_C(1) << 40;
    leat__counters_add(&a, &b);
    assert_int_equal(a.connections, (UINT64_C(1) << 40) + 100);
    uint64_t expected = 101;
    unsigned rows = 0;
#define COUNTER(name, help)                                                                        \
    if (rows++ > 0)                                                                                \
        assert_int_equal(a.name, expected);                                                        \
    expected += 2;
#include "observe/counters.def"
#undef COUNTER
    assert_int_equal(rows, COUNTERS);
}

static void what_is_not_zero_is_told_in_the_tables_order(void **state)
{
    (void)state;
    char text[256];
    struct counters c = {.requests = 10, .connections = 2, .accept_failures = UINT64_MAX};
    leat__counters_describe(&c, text, sizeof text);
    assert_string_equal(text, "connections 2, requests 10, accept_failures 18446744073709551615");
    c = (struct counters){.timeouts = 1};
    leat__counters_describe(&c, text, sizeof text);
    assert_string_equal(text, "timeouts 1");
    c = (struct counters){0};
    leat__counters_describe(&c, text, sizeof text);
    assert_string_equal(text, "");
}

static void every_counter_is_told(void **state)
{
    (void)state;
    char text[1024];
    struct counters c = numbered(1000);
    leat__counters_describe(&c, text, sizeof text);
    unsigned commas = 0;
    for (const char *at = text; *at != '\0'; at++)
        commas += *at == ',';
    assert_int_equal(commas, COUNTERS - 1);
#define COUNTER(name, help) assert_non_null(strstr(text, #name " 10"));
#include "observe/counters.def"
#undef COUNTER
}

static void a_text_that_does_not_fit_is_cut(void **state)
{
    (void)state;
    char whole[1024], text[1024];
    struct counters c = numbered(1);
    leat__counters_describe(&c, whole, sizeof whole);
    size_t length = strlen(whole);
    for (size_t size = 0; size <= length + 2; size++) {
        memset(text, '#', sizeof text);
        leat__counters_describe(&c, text, size);
        if (size > 0) {
            size_t told = size - 1 < length ? size - 1 : length;
            assert_int_equal(strlen(text), told);
            assert_memory_equal(text, whole, told);
        }
        for (size_t i = size; i < sizeof text; i++)
            assert_int_equal(text[i], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_counter_is_added),
        cmocka_unit_test(what_is_not_zero_is_told_in_the_tables_order),
        cmocka_unit_test(every_counter_is_told),
        cmocka_unit_test(a_text_that_does_not_fit_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
