/* The turn, on both backends: deadlines, alarms and mail come, in their order, and none too early. */
#include "fixture.h"
#include <pthread.h>

static void deadlines_come_and_never_early(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 20, NEVER = 3 };
    int peers[COUNT];
    struct slot *slots[COUNT];
    uint32_t ms[COUNT];
    leat__loop_turn(&f->loop, 0);
    int64_t set_ms = f->loop.now_ms;
    for (uint32_t i = 0; i < COUNT; i++) {
        slots[i] = connect_pair(f, &peers[i]);
        loop_set_deadline(&f->loop, slots[i], ms[i] = i * 23);
    }
    loop_set_deadline(&f->loop, slots[NEVER], UINT32_MAX);
    loop_set_deadline(&f->loop, slots[4], ms[4] = 700); /* later */
    loop_set_deadline(&f->loop, slots[19], ms[19] = 1); /* earlier */
    for (uint32_t i = 0; i < COUNT; i++)
        if (i != NEVER)
            TURN_UNTIL(f, witness_of(f, slots[i])->deadlines == 1);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(witness_of(f, slots[i])->deadlines, i != NEVER);
        if (i != NEVER)
            assert_true(witness_of(f, slots[i])->deadline_ms >= set_ms + ms[i]);
        close(peers[i]);
    }
}

static void an_alarm_comes_once_and_after_its_time(void **state)
{
    struct fixture *f = *state;
    leat__loop_turn(&f->loop, 0);
    int64_t at_ms = f->loop.now_ms + 50;
    f->loop.alarm_ms = at_ms;
    for (unsigned turns = 0; f->alarms == 0; turns++) {
        assert_true(turns < TURNS_MAX);
        leat__loop_turn(&f->loop, -1); /* the alarm alone ends the wait */
    }
    assert_true(f->loop.now_ms >= at_ms);
    assert_true(f->loop.alarm_ms == INT64_MAX);
    turn_some(f);
    assert_int_equal(f->alarms, 1);
}

/* A wait without a bound ends at the deadline. */
static void a_deadline_ends_the_wait(void **state)
{
    struct fixture *f = *state;
    int peer;
    struct slot *slot = connect_pair(f, &peer);
    leat__loop_turn(&f->loop, 0);
    loop_set_deadline(&f->loop, slot, 100);
    int64_t at_ms = f->loop.now_ms + 100;
    for (unsigned turns = 0; witness_of(f, slot)->deadlines == 0; turns++) {
        assert_true(turns < 10);
        leat__loop_turn(&f->loop, -1);
    }
    assert_true(witness_of(f, slot)->deadline_ms >= at_ms);
    close(peer);
}

enum { WRITERS = 3, MAILS = 3000 };

static void *post_many(void *context)
{
    struct mailbox *mailbox = context;
    for (uint64_t i = 1; i <= MAILS; i++) {
        struct mail mail = {.kind = MAIL_WAKE, .value = i};
        while (leat__loop_post(mailbox, &mail) == -EAGAIN)
            sched_yield();
    }
    return NULL;
}

static void mail_from_other_threads_wakes_the_loop(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &f->mailbox), 0);
    while (f->mails < WRITERS * MAILS)
        leat__loop_turn(&f->loop, -1); /* a lost wake-up would stop the test here */
    for (unsigned i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    turn_some(f);
    assert_int_equal(f->mails, WRITERS * MAILS);
    assert_int_equal(f->last_mail, MAILS);
}

static void the_clock_is_read_once_per_turn(void **state)
{
    struct fixture *f = *state;
    assert_true(f->loop.now_ms > 0 && f->loop.realtime_s > 1600000000);
    leat__loop_turn(&f->loop, 20);
    int64_t now_ms = f->loop.now_ms;
    leat__loop_turn(&f->loop, 20);
    assert_true(f->loop.now_ms >= now_ms + 20);
    assert_int_equal(f->loop.turns, 2);
    assert_int_equal(f->loop.waits, 2);
    leat__loop_turn(&f->loop, 0);
    assert_int_equal(f->loop.waits, 2);
}

/* What was closed outside of a turn is buried by the next one, which does not sleep over it. */
static void a_grave_does_not_wait(void **state)
{
    struct fixture *f = *state;
    int peer;
    struct slot *slot = connect_pair(f, &peer);
    leat__loop_close(&f->loop, slot);
    leat__loop_turn(&f->loop, -1);
    assert_int_equal(witness_of(f, slot)->closes, 1);
    close(peer);
}

int main(void)
{
#define TESTS(ON)                                                                                  \
    ON(deadlines_come_and_never_early), ON(an_alarm_comes_once_and_after_its_time),                \
        ON(a_deadline_ends_the_wait), ON(mail_from_other_threads_wakes_the_loop),                  \
        ON(the_clock_is_read_once_per_turn), ON(a_grave_does_not_wait)
    const struct CMUnitTest on_epoll[] = {TESTS(ON_EPOLL)};
    const struct CMUnitTest on_uring[] = {TESTS(ON_URING)};
    return RUN_ON_BOTH(on_epoll, on_uring);
}
