/* Timers against a model that looks at every one of them: whatever is set and cleared, in any order and at any distance,
 * each comes when its time has come, none before, and none that was cleared. */
#include "task/timers.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

enum { COUNT = 300, ROUNDS = 20000 };

static struct timers timers;
static struct timer_wheels wheels;
static struct timer all[COUNT];
static int64_t due_ms[COUNT]; /* INT64_MAX: not set */
static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 11) % below;
}

/* Mostly near, now and then years away. */
static int64_t some_distance(void)
{
    return (int64_t)draw(UINT64_C(1) << draw(draw(4) == 0 ? 41 : 14));
}

static int64_t first_due(void)
{
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < COUNT; i++)
        first = due_ms[i] < first ? due_ms[i] : first;
    return first;
}

static void set(size_t i, int64_t at_ms)
{
    leat__timers_set(&timers, &all[i], at_ms);
    assert_true(timer_is_set(&all[i]));
    due_ms[i] = at_ms > timers.now_ms ? at_ms : timers.now_ms + 1;
}

static void clear(size_t i)
{
    leat__timers_clear(&timers, &all[i]);
    assert_false(timer_is_set(&all[i]));
    due_ms[i] = INT64_MAX;
}

/* Takes all that are due at now_ms; answers how many. */
static unsigned take_all(int64_t now_ms)
{
    unsigned taken = 0;
    struct timer *timer;
    int64_t last_ms = 0;
    while ((timer = leat__timers_take(&timers, now_ms)) != NULL) {
        size_t i = (size_t)(timer - all);
        assert_true(due_ms[i] <= now_ms);
        assert_true(due_ms[i] >= last_ms); /* in the order of their times */
        assert_false(timer_is_set(timer));
        last_ms = due_ms[i];
        due_ms[i] = INT64_MAX;
        taken++;
        if (draw(8) == 0) /* as one that sleeps again does */
            set(i, now_ms + 1 + some_distance());
        if (draw(8) == 0)
            clear(draw(COUNT));
    }
    assert_true(first_due() > now_ms);
    return taken;
}

static void begin(int64_t now_ms, uint64_t with)
{
    seed = with;
    memset(all, 0, sizeof all);
    leat__timers_init(&timers, &wheels, now_ms);
    for (size_t i = 0; i < COUNT; i++)
        due_ms[i] = INT64_MAX;
    assert_int_equal(leat__timers_next_ms(&timers), INT64_MAX);
}

static void act_at_random(int64_t now_ms)
{
    for (unsigned n = (unsigned)draw(10); n > 0; n--) {
        size_t i = draw(COUNT);
        if (due_ms[i] == INT64_MAX)
            set(i, now_ms + some_distance() - (int64_t)draw(3));
        else if (draw(3) == 0)
            clear(i);
    }
}

static void play(int64_t start_ms, uint64_t with)
{
    int64_t now_ms = start_ms;
    unsigned taken = 0;
    begin(start_ms, with);
    for (unsigned round = 0; round < ROUNDS && now_ms < start_ms + (INT64_C(1) << 40); round++) {
        act_at_random(now_ms);
        int64_t next_ms = leat__timers_next_ms(&timers);
        assert_true(next_ms <= first_due());
        if (draw(2) == 0 && next_ms != INT64_MAX) /* as a loop sleeps */
            now_ms = next_ms > now_ms ? next_ms : now_ms;
        else
            now_ms += (int64_t)draw(UINT64_C(1) << draw(16));
        taken += take_all(now_ms);
    }
    assert_true(taken > COUNT);
}

static void test_any_timers_come_in_time(void **state)
{
    (void)state;
    play(0, 1);
    play(1, 2);
    play(63, 3);
    play(4095, 4);
    play((INT64_C(1) << 36) - 5, 5);
    play(INT64_C(123456789), 6);
    play(INT64_C(1) << 39, 7);
}

/* Sleeping until what next_ms says, and no longer, meets every timer to the millisecond, in few steps. */
static void test_each_is_met_to_the_millisecond(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 40; shift++) {
        int64_t now_ms = 1000000 + shift * 77, at_ms = now_ms + (INT64_C(1) << shift);
        begin(now_ms, 1);
        set(0, at_ms);
        for (unsigned steps = 0;; steps++) {
            assert_true(steps <= TIMERS_LEVELS);
            now_ms = leat__timers_next_ms(&timers);
            assert_true(now_ms <= at_ms);
            if (leat__timers_take(&timers, now_ms) != NULL)
                break;
        }
        assert_int_equal(now_ms, at_ms);
    }
}

static void test_a_time_that_has_passed_is_the_next_millisecond(void **state)
{
    (void)state;
    begin(5000, 1);
    set(0, 4000);
    set(1, 5000);
    assert_null(leat__timers_take(&timers, 5000));
    assert_non_null(leat__timers_take(&timers, 5001));
    assert_non_null(leat__timers_take(&timers, 5001));
    assert_null(leat__timers_take(&timers, 5001));
}

static void test_the_furthest_is_bounded(void **state)
{
    (void)state;
    begin(INT64_C(1) << 30, 1);
    leat__timers_set(&timers, &all[0], INT64_MAX - 1);
    assert_true(leat__timers_next_ms(&timers) > INT64_C(1) << 39);
    assert_null(leat__timers_take(&timers, INT64_C(1) << 40));
    leat__timers_clear(&timers, &all[0]);
    leat__timers_clear(&timers, &all[0]); /* also one that is not set */
    assert_int_equal(leat__timers_next_ms(&timers), INT64_MAX);
}

/* Those that are due already, and not taken yet, can still be cleared. */
static void test_one_that_is_due_can_be_cleared(void **state)
{
    (void)state;
    begin(0, 1);
    for (size_t i = 0; i < 10; i++)
        set(i, 100);
    struct timer *first = leat__timers_take(&timers, 100);
    assert_non_null(first);
    for (size_t i = 0; i < 10; i++)
        clear(i);
    assert_null(leat__timers_take(&timers, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_timers_come_in_time),
        cmocka_unit_test(test_each_is_met_to_the_millisecond),
        cmocka_unit_test(test_a_time_that_has_passed_is_the_next_millisecond),
        cmocka_unit_test(test_the_furthest_is_bounded),
        cmocka_unit_test(test_one_that_is_due_can_be_cleared),
    };
    return cmocka_run_group_tests_name("task.timers", tests, NULL, NULL);
}
