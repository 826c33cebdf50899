/* test_check.c: leat__conn_check accepts every state as it should be, and no slot that breaks an invariant. */
#include "fixture.h"
#include "unit/memory/memory_test.h"

static struct slot of(enum conn_state state, bool exchange)
{
    return (struct slot){.fd = state == CONN_FREE ? -1 : 5,
                         .generation = state == CONN_FREE ? 0 : 1,
                         .state = (uint8_t)state,
                         .exchange = exchange ? bench.slot->exchange : 0};
}

static void check(void *argument)
{
    *bench.slot = *(const struct slot *)argument;
    leat__conn_check(&bench.c, bench.slot);
}

static void assert_good(struct slot s)
{
    check(&s);
}

static void assert_broken(struct slot s)
{
    assert_true(dies(check, &s, true));
}

static bool holds_exchange(enum conn_state state)
{
    return state == CONN_HEAD || state == CONN_CONTENT || state == CONN_RUNNING ||
           state == CONN_WAITING || state == CONN_WRITING;
}

static void an_exchange_is_there_in_its_states_and_in_no_other(void **state)
{
    (void)state;
    struct slot with[CONN_STATE_COUNT], without[CONN_STATE_COUNT];
    for (unsigned i = 0; i < CONN_STATE_COUNT; i++) {
        with[i] = of((enum conn_state)i, true);
        without[i] = of((enum conn_state)i, false);
    }
    struct slot whole = *bench.slot;
    for (unsigned i = 0; i < CONN_STATE_COUNT; i++) {
        bool both = i == CONN_CLOSED; /* until the loop has let go of it */
        if (both || holds_exchange((enum conn_state)i))
            assert_good(with[i]);
        else
            assert_broken(with[i]);
        if (both || !holds_exchange((enum conn_state)i))
            assert_good(without[i]);
        else
            assert_broken(without[i]);
    }
    *bench.slot = whole;
}

static void a_free_slot_has_no_generation_and_a_seated_one_has(void **state)
{
    (void)state;
    struct slot whole = *bench.slot;
    struct slot s = of(CONN_FREE, false);
    s.generation = 3;
    assert_broken(s);
    s = of(CONN_IDLE, false);
    s.generation = 0;
    assert_broken(s);
    s = of(CONN_STATE_COUNT, false);
    assert_broken(s);
    *bench.slot = whole;
}

static void a_send_is_armed_only_while_writing(void **state)
{
    (void)state;
    struct slot whole = *bench.slot;
    struct slot s = of(CONN_WRITING, true);
    s.loop_flags = SLOT_SEND_ARMED;
    assert_good(s);
    s.state = CONN_HEAD;
    assert_broken(s);
    s.state = CONN_CLOSED;
    assert_good(s);
    *bench.slot = whole;
}

static void an_exchange_knows_its_slot_and_its_queue(void **state)
{
    (void)state;
    struct slot whole = *bench.slot, other = whole;
    bench.x->slot = &other;
    assert_broken(whole);
    bench.x->slot = bench.slot;
    assert_good(whole);
    struct buffer b = {0};
    bench.x->input_last = &b;
    assert_broken(whole);
    bench.x->input_last = NULL;
    assert_good(whole);
}

static void every_state_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(leat__conn_state_name(CONN_FREE), "FREE");
    assert_string_equal(leat__conn_state_name(CONN_LINGERING), "LINGERING");
    assert_string_equal(leat__conn_state_name(CONN_STATE_COUNT), "?");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_exchange_is_there_in_its_states_and_in_no_other),
        TEST(a_free_slot_has_no_generation_and_a_seated_one_has),
        TEST(a_send_is_armed_only_while_writing),
        TEST(an_exchange_knows_its_slot_and_its_queue),
        cmocka_unit_test(every_state_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
