/* What tasks wait for beside time: each other's end, a call, a descriptor; and what happens when two of these come at once. */
#include "fixture.h"

/* ── Joining ── */

struct joining {
    leat_task task;
    int64_t timeout_ms;
    int number;
};

static void join(void *argument)
{
    struct joining *j = argument;
    note(leat_join(j->task, j->timeout_ms));
    note(j->number);
}

static void test_all_who_wait_for_an_end_are_told(void **state)
{
    (void)state;
    leat_task task = leat_spawn(sleep_and_note, number(30));
    struct joining joins[] = {{task, -1, 1}, {task, 10, 2}, {task, -1, 3}, {task, 1000, 4}};
    leat_task tasks[4];
    for (size_t i = 0; i < COUNT_OF(joins); i++)
        tasks[i] = leat_spawn(join, &joins[i]);
    pass_ms(20);
    ASSERT_LOGGED(-ETIME, 2);
    leat_cancel(tasks[2]); /* from the middle of those who wait */
    turn();
    ASSERT_LOGGED(-ECANCELED, 3);
    pass_ms(50);
    ASSERT_LOGGED(30, 0, 4, 0, 1);
}

static void join_itself(void *argument)
{
    (void)argument;
    note(leat_join(leat_task_self(), -1));
    note(leat_join(leat_task_self() + (UINT64_C(1) << 54), -1)); /* another shard's */
    note(leat_join(0, -1));
}

static void test_who_can_not_be_waited_for(void **state)
{
    (void)state;
    leat_spawn(join_itself, NULL);
    turn();
    ASSERT_LOGGED(-EDEADLK, -EXDEV, 0);
    struct joining ended = {leat_spawn(note_it, number(1)), -1, 2};
    turn();
    leat_spawn(note_it, number(3)); /* on its stack */
    leat_spawn(join, &ended);
    turn();
    ASSERT_LOGGED(1, 3, 0, 2);
}

static void just_sleep(void *argument)
{
    leat_sleep_ms((uint64_t)(intptr_t)argument);
    note(1);
}

/* Its time comes in the same turn in which the other ends. */
static void test_an_end_and_a_timeout_at_once(void **state)
{
    (void)state;
    for (int64_t timeout_ms = 8; timeout_ms < 13; timeout_ms++) {
        struct joining both = {leat_spawn(just_sleep, number(10)), timeout_ms, 2};
        leat_spawn(join, &both);
        w.loop.now_ms += 1;
        turn();
        w.loop.now_ms += 50;
        turn();
        turn();
        assert_int_equal(w.tasks.live, 0);
        assert_int_equal(w.logged, 3);
        w.logged = 0;
    }
}

/* ── Parking ── */

static void park(void *argument)
{
    note(leat_park((intptr_t)argument));
}

static void park_twice(void *argument)
{
    (void)argument;
    leat_sleep_ms(10);
    note(leat_park(5));
    note(leat_park(5));
}

static void test_parked_until_called(void **state)
{
    (void)state;
    leat_task task = leat_spawn(park, number(-1));
    pass_ms(50);
    assert_int_equal(w.logged, 0);
    assert_int_equal(leat_unpark(task), 0);
    assert_int_equal(leat_unpark(task), 0);
    turn();
    ASSERT_LOGGED(0);
    assert_int_equal(leat_unpark(task), 0); /* it has ended: nothing */
    leat_spawn(park, number(20));
    pass_ms(50);
    ASSERT_LOGGED(-ETIME);
}

static void test_a_call_before_is_remembered_once(void **state)
{
    (void)state;
    leat_task task = leat_spawn(park_twice, NULL);
    turn();
    leat_unpark(task);
    leat_unpark(task);
    assert_int_equal(w.logged, 0); /* it sleeps: that is no parking */
    pass_ms(50);
    ASSERT_LOGGED(0, -ETIME);
}

static void unpark_it(void *argument)
{
    leat_unpark(*(leat_task *)argument);
    note(1);
}

/* The call comes when its time has come, and before it has run: it is not lost. */
static void test_a_call_with_the_timeout_is_not_lost(void **state)
{
    (void)state;
    leat_task task = leat_spawn(park, number(5));
    turn();
    w.loop.now_ms += 10;
    leat_spawn(unpark_it, &task); /* stands in the queue before the one whose time has come */
    turn();
    ASSERT_LOGGED(1, 0);
}

/* ── Descriptors ── */

static void wait_for_five(void *argument)
{
    note(leat_wait_fd(5, POLLIN, (intptr_t)argument));
}

static void wait_for_some(void *argument)
{
    (void)argument;
    note(leat_wait_fd(99, POLLIN, -1));
    note(leat_wait_fd(98, POLLIN, -1));
    note(leat_wait_fd(5, POLLIN, -1));
}

static void test_descriptors(void **state)
{
    (void)state;
    leat_spawn(wait_for_five, number(-1));
    turn();
    assert_int_equal(polled.fd, 5);
    leat_spawn(wait_for_some, NULL);
    turn();
    ASSERT_LOGGED(POLLIN, -EBADF, -EBUSY);
    polled.fd = -1;
    leat__tasks_on_poll(&w.tasks, polled.index, polled.serial + 1, POLLIN); /* an old one's */
    turn();
    assert_int_equal(w.logged, 0);
    leat__tasks_on_poll(&w.tasks, polled.index, polled.serial, POLLHUP);
    turn();
    ASSERT_LOGGED(POLLHUP);
    leat_spawn(wait_for_five, number(20));
    pass_ms(40);
    ASSERT_LOGGED(-ETIME);
    assert_int_equal(polled.cancelled, 1);
}

/* It is ready when its task has been canceled already: there is nothing left to cancel, which might be another's. */
static void test_a_poll_that_comes_late_is_not_canceled(void **state)
{
    (void)state;
    leat_task task = leat_spawn(wait_for_five, number(-1));
    turn();
    leat_cancel(task);
    polled.fd = -1;
    leat__tasks_on_poll(&w.tasks, polled.index, polled.serial, POLLIN);
    turn();
    ASSERT_LOGGED(-ECANCELED);
    assert_int_equal(polled.cancelled, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(test_all_who_wait_for_an_end_are_told),
        IN_A_WORLD(test_who_can_not_be_waited_for),
        IN_A_WORLD(test_an_end_and_a_timeout_at_once),
        IN_A_WORLD(test_parked_until_called),
        IN_A_WORLD(test_a_call_before_is_remembered_once),
        IN_A_WORLD(test_a_call_with_the_timeout_is_not_lost),
        WITH_POLLS(test_descriptors),
        WITH_POLLS(test_a_poll_that_comes_late_is_not_canceled),
    };
    return cmocka_run_group_tests_name("task.wait", tests, NULL, NULL);
}
