/* The door: accepting fails for want of descriptors or memory, a seat can't be had, the queue is longer than the seats.
 * Whoever comes is served as soon as it goes, or is told 503. */
#include "fault/support/scripted.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char hello[] = "GET /hello?t=1 HTTP/1.1\r\nHost: sim.test\r\n\r\n";

static void expect_hello(const struct talker *t)
{
    assert_int_equal(scripted_reply(t, 0, NULL, NULL), 200);
    assert_true(scripted_heard(t, "Hello, 1\n"));
}

static void test_accepting_goes_on_after_every_error(void **state)
{
    (void)state;
    static const int errors[] = {-EMFILE, -ENFILE, -ENOMEM, -ENOBUFS};
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        struct scripted w;
        scripted_open(&w, &(struct scripted_options){0});
        leat__sim_fail_accepts(w.sim, 3, errors[i]);
        struct talker *t = scripted_connect(&w);
        scripted_say_text(&w, t, hello);
        scripted_pass_ms(&w, CONN_ACCEPT_PAUSE_MS / 2);
        assert_int_equal(t->heard_size, 0);
        assert_int_equal(scripted_counters(&w)->accept_failures, 1);
        scripted_pass_ms(&w, 3 * CONN_ACCEPT_PAUSE_MS);
        assert_int_equal(scripted_counters(&w)->accept_failures, 3);
        expect_hello(t);
        scripted_close(&w);
    }
}

/* Pausing must not become a loop that eats the processor. */
static void test_a_lasting_want_of_descriptors_costs_no_turns(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){0});
    leat__sim_fail_accepts(w.sim, 1000000, -EMFILE);
    struct talker *t = scripted_connect(&w);
    scripted_say_text(&w, t, hello);
    scripted_pass_ms(&w, 10000);
    assert_in_range(scripted_counters(&w)->accept_failures, 50, 10000 / CONN_ACCEPT_PAUSE_MS + 1);
    assert_true(w.shard.conns.loop.turns < 1000);
    leat__sim_fail_accepts(w.sim, 0, 0);
    scripted_pass_ms(&w, 1000);
    expect_hello(t);
    scripted_close(&w);
}

static void test_those_inside_are_served_while_the_door_is_shut(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){0});
    struct talker *inside = scripted_connect(&w);
    scripted_pass_ms(&w, 10);
    leat__sim_fail_accepts(w.sim, 1000000, -EMFILE);
    struct talker *outside = scripted_connect(&w);
    scripted_say_text(&w, outside, hello);
    scripted_say_text(&w, inside, hello);
    scripted_pass_ms(&w, 1000);
    expect_hello(inside);
    assert_int_equal(outside->heard_size, 0);
    leat__sim_fail_accepts(w.sim, 0, 0);
    scripted_close(&w);
}

static void test_who_cannot_be_adopted_is_told(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){.faults = {.adopt_failure = 1000}});
    struct talker *t = scripted_connect(&w);
    scripted_pass_ms(&w, 100);
    assert_true(scripted_was_refused(t) && t->ended);
    assert_int_equal(scripted_memory(&w)->slots.in_use, 0);
    leat__sim_faults(w.sim)->adopt_failure = 0;
    struct talker *later = scripted_connect(&w);
    scripted_say_text(&w, later, hello);
    scripted_pass_ms(&w, 100);
    expect_hello(later);
    scripted_close(&w);
}

/* One more than there are seats: 503, closed, and nobody else notices. */
static void test_a_full_house_refuses(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){.connections = 1});
    uint32_t seats = w.shard.conns.seats;
    w.shard.conns.seats = 4; /* the plan rounds up to whole pages of them */
    assert_true(seats >= 4);
    struct talker *inside[4];
    for (int i = 0; i < 4; i++)
        inside[i] = scripted_connect(&w);
    scripted_pass_ms(&w, 10);
    struct talker *outside = scripted_connect(&w);
    scripted_say_text(&w, outside, hello);
    scripted_pass_ms(&w, 100);
    assert_true(scripted_was_refused(outside) && outside->ended);
    assert_int_equal(scripted_counters(&w)->refused_slot, 1);
    for (int i = 0; i < 4; i++) {
        scripted_say_text(&w, inside[i], hello);
        scripted_pass_ms(&w, 100);
        expect_hello(inside[i]);
    }
    scripted_hang_up(&w, inside[2]);
    scripted_pass_ms(&w, 100);
    struct talker *next = scripted_connect(&w);
    scripted_say_text(&w, next, hello);
    scripted_pass_ms(&w, 100);
    expect_hello(next);
    scripted_close(&w);
}

/* More requests under way than exchanges: 503 for those beyond, and for nobody else. */
static void test_more_active_than_exchanges(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){.exchanges = 1});
    uint32_t rooms = w.plan.rooms;
    struct talker *slow[TALKERS_MAX];
    for (uint32_t i = 0; i < rooms; i++) {
        slow[i] = scripted_connect(&w);
        scripted_say(&w, slow[i], hello, 10);
    }
    scripted_pass_ms(&w, 100);
    struct talker *beyond = scripted_connect(&w);
    scripted_say_text(&w, beyond, hello);
    scripted_pass_ms(&w, 100);
    assert_true(scripted_was_refused(beyond));
    assert_int_equal(scripted_counters(&w)->refused_exchange, 1);
    for (uint32_t i = 0; i < rooms; i++) {
        scripted_say_text(&w, slow[i], hello + 10);
        scripted_pass_ms(&w, 10);
        expect_hello(slow[i]);
    }
    struct talker *later = scripted_connect(&w);
    scripted_say_text(&w, later, hello);
    scripted_pass_ms(&w, 100);
    expect_hello(later);
    scripted_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepting_goes_on_after_every_error),
        cmocka_unit_test(test_a_lasting_want_of_descriptors_costs_no_turns),
        cmocka_unit_test(test_those_inside_are_served_while_the_door_is_shut),
        cmocka_unit_test(test_who_cannot_be_adopted_is_told),
        cmocka_unit_test(test_a_full_house_refuses),
        cmocka_unit_test(test_more_active_than_exchanges),
    };
    return cmocka_run_group_tests_name("fault.accept", tests, NULL, NULL);
}
