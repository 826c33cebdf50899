/* Schedules: even, whoever makes them; as many as the rate says; the same for the same seed; passed over exactly. */
#include "load/schedule.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SECOND = 1000000000 };

static struct schedule schedule(bool poisson, double rate, uint32_t thread, uint32_t threads)
{
    struct schedule s = {
        .poisson = poisson, .begin_ns = 5 * (int64_t)SECOND, .chance = leat__chance_seed(7, thread)};
    leat__schedule_init(&s, rate, thread, threads);
    return s;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* All that threads of them have before end_ns, in order. */
static size_t collect(int64_t *due, size_t room, bool poisson, double rate, uint32_t threads, int64_t end_ns)
{
    size_t n = 0;
    for (uint32_t i = 0; i < threads; i++) {
        struct schedule s = schedule(poisson, rate, i, threads);
        for (; s.due_ns < end_ns; leat__schedule_next(&s)) {
            assert_true(n < room);
            due[n++] = s.due_ns;
        }
    }
    qsort(due, n, sizeof *due, by_time);
    return n;
}

static void constant_ones_are_even(void **state)
{
    (void)state;
    static int64_t due[30000];
    for (uint32_t threads = 1; threads <= 7; threads++) {
        size_t n = collect(due, COUNT_OF(due), false, 3000, threads, (5 + 7) * (int64_t)SECOND);
        assert_int_equal(n, 21000);
        assert_int_equal(due[0], 5 * (int64_t)SECOND);
        for (size_t i = 1; i < n; i++)
            assert_in_range(due[i] - due[i - 1], 333331, 333336);
    }
}

/* Counts of equal stretches have the mean of the rate, and as much variance; gaps are longer than the mean with a
 * probability of 1/e. */
static void poisson_ones_are_random(void **state)
{
    (void)state;
    enum { STRETCHES = 500, RATE = 100 };
    static int64_t due[STRETCHES * RATE * 2];
    for (uint32_t threads = 1; threads <= 4; threads += 3) {
        size_t n = collect(due, COUNT_OF(due), true, RATE, threads, (5 + STRETCHES) * (int64_t)SECOND);
        double counts[STRETCHES] = {0}, variance = 0, mean = (double)n / STRETCHES;
        size_t longer = 0;
        for (size_t i = 0; i < n; i++) {
            counts[due[i] / SECOND - 5]++;
            longer += i > 0 && due[i] - due[i - 1] > SECOND / RATE;
        }
        for (unsigned i = 0; i < STRETCHES; i++)
            variance += (counts[i] - mean) * (counts[i] - mean) / STRETCHES;
        assert_true(fabs(mean - RATE) < 3);
        assert_true(variance > 75 && variance < 130);
        assert_true(fabs((double)longer / (double)n - exp(-1)) < 0.02);
    }
}

static void the_same_seed_is_the_same_schedule(void **state)
{
    (void)state;
    struct schedule a = schedule(true, 1000, 1, 2), b = schedule(true, 1000, 1, 2),
                    c = schedule(true, 1000, 0, 2);
    unsigned same = 0;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(a.due_ns, b.due_ns);
        same += a.due_ns == c.due_ns;
        leat__schedule_next(&a);
        leat__schedule_next(&b);
        leat__schedule_next(&c);
    }
    assert_true(same < 3);
}

static void what_is_passed_is_counted(void **state)
{
    (void)state;
    struct schedule s = schedule(false, 1000, 0, 1);
    for (unsigned i = 0; i < 100; i++)
        leat__schedule_next(&s);
    assert_int_equal(leat__schedule_pass(&s, 6 * (int64_t)SECOND), 900);
    assert_int_equal(s.due_ns, 6 * (int64_t)SECOND);
    assert_int_equal(leat__schedule_pass(&s, 6 * (int64_t)SECOND), 0);
    assert_int_equal(leat__schedule_pass(&s, 6 * (int64_t)SECOND + 1), 1);
}

/* Rounding does not add up: after a day it still is where it belongs. */
static void rounding_does_not_add_up(void **state)
{
    (void)state;
    struct schedule s = schedule(false, 3, 0, 1);
    for (unsigned i = 0; i < 3 * 86400; i++)
        leat__schedule_next(&s);
    assert_in_range(s.due_ns, (5 + 86400) * (int64_t)SECOND - 1, (5 + 86400) * (int64_t)SECOND + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_ones_are_even),
        cmocka_unit_test(poisson_ones_are_random),
        cmocka_unit_test(the_same_seed_is_the_same_schedule),
        cmocka_unit_test(what_is_passed_is_counted),
        cmocka_unit_test(rounding_does_not_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
