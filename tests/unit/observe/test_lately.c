/* test_lately.c: the window of the last minute moves on, and holds what came in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "observe/lately.h"

/* In every interval i comes one value of 10 * i, and before each end the window is looked at. */
static void the_window_is_a_minute_long(void **state)
{
    (void)state;
    static struct lately lately;
    static struct histogram all, seen;
    for (unsigned i = 0; i < 3 * LATELY_STATES; i++) {
        histogram_record(&all, 10 * i);
        memcpy(&seen, &all, sizeof seen);
        leat__lately_see(&lately, &seen);
        unsigned first = i < LATELY_STATES ? 0 : i - LATELY_STATES + 1;
        uint64_t sum = 0;
        for (unsigned k = first; k <= i; k++)
            sum += 10 * k;
        assert_int_equal(leat__histogram_count(&seen), i - first + 1);
        assert_int_equal(seen.sum, sum);
        assert_int_equal(leat__histogram_up_to(&seen, 10 * first), 1);
        assert_true(first == 0 || leat__histogram_up_to(&seen, 10 * first - 10) == 0);
        leat__lately_keep(&lately, &all);
    }
}

static void what_was_long_ago_is_forgotten(void **state)
{
    (void)state;
    static struct lately lately;
    static struct histogram all, seen;
    histogram_record(&all, 1000);
    for (unsigned i = 0; i <= LATELY_STATES; i++)
        leat__lately_keep(&lately, &all);
    memcpy(&seen, &all, sizeof seen);
    leat__lately_see(&lately, &seen);
    assert_int_equal(leat__histogram_count(&seen), 0);
    assert_int_equal(seen.sum, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_window_is_a_minute_long),
        cmocka_unit_test(what_was_long_ago_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
