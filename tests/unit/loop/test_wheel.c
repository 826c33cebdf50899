/* The wheel beside a naive list of deadlines, under random orders from fixed seeds: every deadline is met, none early,
 * none more than a tick late, and none twice; whatever is closed, moved or added while others are being visited. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "loop/wheel.h"

enum { SLOTS = 300, STEPS = 4000 };

struct model {
    struct wheel wheel;
    struct slot slots[SLOTS];
    int64_t due_ms[SLOTS];     /* -1: none */
    int64_t now_ms, before_ms; /* of this advance and of the one before */
    uint64_t random;
    unsigned met;
    bool meddle; /* the callback moves and closes others */
};

static uint32_t draw(struct model *m, uint32_t below)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (uint32_t)((m->random >> 16) % below);
}

static uint32_t draw_ms(struct model *m)
{
    switch (draw(m, 6)) {
    case 0:
        return 0;
    case 1:
        return draw(m, 300);
    case 2:
        return draw(m, 400000); /* beyond the horizon too */
    case 3:
        return WHEEL_TICK_MS * draw(m, 10);
    default:
        return draw(m, 60000);
    }
}

static void set(struct model *m, uint32_t i, uint32_t ms)
{
    wheel_set(&m->wheel, m->slots, &m->slots[i], m->now_ms, ms);
    m->due_ms[i] = ms == UINT32_MAX ? -1 : m->now_ms + ms;
}

static void close_slot(struct model *m, uint32_t i)
{
    if (m->slots[i].bucket != 0)
        leat__wheel_unlink(&m->wheel, m->slots, &m->slots[i]);
    m->slots[i].deadline = 0;
    m->due_ms[i] = -1;
}

static void due(void *context, struct slot *slot)
{
    struct model *m = context;
    uint32_t i = (uint32_t)(slot - m->slots);
    assert_true(m->due_ms[i] >= 0);
    assert_true(m->due_ms[i] <= m->now_ms);
    assert_int_equal(slot->deadline, 0);
    assert_int_equal(slot->bucket, 0);
    m->due_ms[i] = -1;
    m->met++;
    if (!m->meddle)
        return;
    if (draw(m, 3) == 0)
        set(m, i, 1 + draw_ms(m));
    if (draw(m, 3) == 0)
        close_slot(m, draw(m, SLOTS));
    if (draw(m, 3) == 0)
        set(m, draw(m, SLOTS), 1 + draw_ms(m));
}

/* After an advance nothing is left that was due a tick ago. */
static void check_nothing_overdue(const struct model *m)
{
    for (uint32_t i = 0; i < SLOTS; i++)
        assert_true(m->due_ms[i] < 0 || m->due_ms[i] + WHEEL_TICK_MS > m->now_ms);
}

/* The wait ends at the first bucket that holds anybody, and so before anybody's deadline is a tick past. */
static void check_next(const struct model *m)
{
    int64_t next_ms = leat__wheel_next_ms(&m->wheel, m->now_ms), first_ms = -1;
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (m->due_ms[i] >= 0)
            assert_true(next_ms >= 0 && m->now_ms + next_ms <= m->due_ms[i] + WHEEL_TICK_MS);
        if (m->slots[i].bucket == 0)
            continue;
        int64_t at_ms = (int64_t)wheel_visit_tick(&m->wheel, m->slots[i].bucket - 1u) * WHEEL_TICK_MS;
        if (first_ms < 0 || at_ms < first_ms)
            first_ms = at_ms;
    }
    assert_int_equal(next_ms, first_ms < 0 ? -1 : first_ms > m->now_ms ? first_ms - m->now_ms : 0);
}

static void run_seed(uint64_t seed, bool meddle)
{
    static struct model m;
    memset(&m, 0, sizeof m);
    m.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    m.meddle = meddle;
    m.now_ms = (int64_t)draw(&m, 1u << 30) * 3;
    for (uint32_t i = 0; i < SLOTS; i++)
        m.due_ms[i] = -1;
    leat__wheel_init(&m.wheel, m.now_ms);
    for (unsigned step = 0; step < STEPS; step++) {
        for (uint32_t n = draw(&m, 8); n > 0; n--)
            set(&m, draw(&m, SLOTS), draw(&m, 12) == 0 ? UINT32_MAX : draw_ms(&m));
        if (draw(&m, 4) == 0)
            close_slot(&m, draw(&m, SLOTS));
        leat__wheel_check(&m.wheel, m.slots, SLOTS);
        check_next(&m);
        m.now_ms += draw(&m, 40) == 0 ? draw(&m, 600000) : draw(&m, 300);
        leat__wheel_advance(&m.wheel, m.slots, m.now_ms, due, &m);
        leat__wheel_check(&m.wheel, m.slots, SLOTS);
        check_nothing_overdue(&m);
    }
    assert_true(m.met > STEPS / 10);
}

static void meets_what_a_list_would_meet(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++)
        run_seed(seed, false);
}

static void callbacks_may_move_and_close_any_slot(void **state)
{
    (void)state;
    for (uint64_t seed = 101; seed <= 108; seed++)
        run_seed(seed, true);
}

static void count_due(void *context, struct slot *slot)
{
    (void)slot;
    ++*(unsigned *)context;
}

static void moving_later_costs_one_early_visit(void **state)
{
    (void)state;
    static struct wheel w;
    struct slot slots[1] = {0};
    unsigned met = 0;
    leat__wheel_init(&w, 1000000);
    for (int64_t now_ms = 1000000; now_ms < 1050000; now_ms += 10) {
        wheel_set(&w, slots, &slots[0], now_ms, 10000);
        leat__wheel_advance(&w, slots, now_ms, count_due, &met);
    }
    assert_int_equal(met, 0);
    /* 5,000 postponements; the slot was looked at once per 10 s that it lay ahead. */
    assert_in_range(w.early_visits, 4, 5);
    leat__wheel_advance(&w, slots, 1060200, count_due, &met);
    assert_int_equal(met, 1);
}

static void beyond_the_horizon_is_met_at_its_time(void **state)
{
    (void)state;
    static struct wheel w;
    struct slot slots[1] = {0};
    unsigned met = 0;
    leat__wheel_init(&w, 0);
    wheel_set(&w, slots, &slots[0], 0, 3600000);
    for (int64_t now_ms = 0; now_ms < 3600000; now_ms += 100)
        leat__wheel_advance(&w, slots, now_ms, count_due, &met);
    assert_int_equal(met, 0);
    assert_in_range(w.early_visits, 27, 28);
    leat__wheel_advance(&w, slots, 3600000 + WHEEL_TICK_MS, count_due, &met);
    assert_int_equal(met, 1);
}

static void an_empty_wheel_never_wakes(void **state)
{
    (void)state;
    static struct wheel w;
    struct slot slots[1] = {0};
    leat__wheel_init(&w, 77777);
    assert_int_equal(leat__wheel_next_ms(&w, 77777), -1);
    wheel_set(&w, slots, &slots[0], 77777, 5);
    assert_in_range(leat__wheel_next_ms(&w, 77777), 5, 5 + WHEEL_TICK_MS);
    leat__wheel_unlink(&w, slots, &slots[0]);
    assert_int_equal(leat__wheel_next_ms(&w, 77777), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meets_what_a_list_would_meet),
        cmocka_unit_test(callbacks_may_move_and_close_any_slot),
        cmocka_unit_test(moving_later_costs_one_early_visit),
        cmocka_unit_test(beyond_the_horizon_is_met_at_its_time),
        cmocka_unit_test(an_empty_wheel_never_wakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
