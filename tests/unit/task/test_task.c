/* Tasks through the real change of stacks: beginning, sleeping, taking turns, cancelling, deadlines, handlers; stacks are
 * used again, and in the end everything is back. */
#include "fixture.h"

/* ── Spawning and sleeping ── */

static void test_a_task_begins_in_the_next_turn(void **state)
{
    (void)state;
    assert_int_not_equal(leat_spawn(note_it, number(1)), 0);
    assert_int_not_equal(leat_spawn(note_it, number(2)), 0);
    assert_int_equal(w.logged, 0);
    assert_int_equal(w.tasks.live, 2);
    turn();
    ASSERT_LOGGED(1, 2);
}

static void test_sleepers_wake_in_the_order_of_their_times(void **state)
{
    (void)state;
    static const int times[] = {50, 3, 700, 1, 64, 65, 0, 128};
    for (size_t i = 0; i < COUNT_OF(times); i++)
        leat_spawn(sleep_and_note, number(times[i]));
    pass_ms(1000);
    ASSERT_LOGGED(0, 1, 3, 50, 64, 65, 128, 700);
}

static void test_outside_of_a_task_nothing_waits(void **state)
{
    (void)state;
    char unused = 0;
    assert_int_equal(leat_sleep_ms(1), -EPERM);
    assert_int_equal(leat_yield(), -EPERM);
    assert_int_equal(leat_park(0), -EPERM);
    assert_int_equal(leat_join(1, 0), -EPERM);
    assert_int_equal(leat_wait_fd(0, POLLIN, 0), -EPERM);
    assert_int_equal(leat_task_self(), 0);
    assert_false(leat_is_canceled());
    assert_int_equal(leat__task_wait(NULL, 0), -EPERM);
    assert_int_equal(leat__task_wait_deaf(&w.tasks, 0), -EPERM);
    leat__tasks_here = NULL; /* another thread */
    assert_int_equal(leat_sleep_ms(1), -EPERM);
    assert_int_equal(leat_spawn(note_it, &unused), 0);
    assert_int_equal(leat_cancel(1), -ESRCH);
    leat__tasks_here = &w.tasks;
}

static void parent(void *argument)
{
    int depth = (int)(intptr_t)argument;
    note(depth);
    if (depth < 5)
        assert_int_not_equal(leat_spawn(parent, number(depth + 1)), 0);
    leat_yield();
    note(10 + depth);
}

static void test_tasks_have_children(void **state)
{
    (void)state;
    leat_spawn(parent, number(1));
    for (int i = 0; i < 10; i++)
        turn();
    ASSERT_LOGGED(1, 2, 11, 3, 12, 4, 13, 5, 14, 15);
}

static void test_stacks_run_out_and_come_back(void **state)
{
    (void)state;
    for (int i = 0; i < STACKS; i++)
        assert_int_not_equal(leat_spawn(note_it, number(i)), 0);
    assert_int_equal(leat_spawn(note_it, number(99)), 0);
    assert_int_equal(w.stacks.refused, 1);
    turn();
    assert_int_equal(w.logged, STACKS);
    w.logged = 0;
    /* The last one's stack is kept warm: it can be had too. */
    for (int i = 0; i < STACKS; i++)
        assert_int_not_equal(leat_spawn(note_it, number(i)), 0);
    turn();
    assert_int_equal(w.logged, STACKS);
    assert_int_equal(w.stacks.touched, STACKS);
    assert_int_equal(w.stacks.refused, 1);
}

static void test_one_after_the_other_runs_on_one_stack(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        leat_spawn(note_it, number(1));
        turn();
        w.logged = 0;
    }
    assert_int_equal(w.stacks.touched, 1);
}

static void test_a_shard_that_closes_begins_nothing(void **state)
{
    (void)state;
    w.tasks.closing = true;
    assert_int_equal(leat_spawn(note_it, number(1)), 0);
}

/* ── Taking turns ── */

static void take_turns(void *argument)
{
    for (int i = 0; i < 3; i++) {
        note((int)(intptr_t)argument);
        assert_int_equal(leat_yield(), 0);
    }
}

static void test_who_yields_lets_the_others_go_first(void **state)
{
    (void)state;
    leat_spawn(take_turns, number(1));
    leat_spawn(take_turns, number(2));
    leat_spawn(take_turns, number(3));
    for (int i = 0; i < 4; i++)
        turn();
    ASSERT_LOGGED(1, 2, 3, 1, 2, 3, 1, 2, 3);
}

static void yield_until_canceled(void *argument)
{
    int *yields = argument;
    while (leat_yield() == 0)
        ++*yields;
}

/* Those that became ready within a turn wait for the next: the network is served in between. */
static void test_a_turn_ends_even_if_somebody_always_yields(void **state)
{
    (void)state;
    int yields = 0;
    leat_task task = leat_spawn(yield_until_canceled, &yields);
    for (int i = 0; i < 5; i++)
        turn();
    assert_int_equal(yields, 4);
    assert_int_equal(leat_cancel(task), 0);
    turn();
    turn();
    assert_int_equal(w.tasks.live, 0);
}

/* ── Cancelling, and deadlines ── */

static void expect_canceled(void *argument)
{
    (void)argument;
    note(leat_is_canceled());
    note(leat_sleep_ms(1000000));
    note(leat_is_canceled());
    note(leat_sleep_ms(1));
    note(leat_yield());
    note(leat_park(-1));
    note(leat_wait_fd(7, POLLIN, -1));
}

static void test_a_canceled_task_waits_no_more(void **state)
{
    (void)state;
    leat_task task = leat_spawn(expect_canceled, NULL);
    pass_ms(5);
    ASSERT_LOGGED(0);
    assert_int_equal(leat_cancel(task), 0);
    assert_int_equal(w.logged, 0); /* not before its turn */
    turn();
    ASSERT_LOGGED(-ECANCELED, 1, -ECANCELED, -ECANCELED, -ECANCELED, -ECANCELED);
    assert_int_equal(leat_cancel(task), -ESRCH);
    assert_int_equal(polled.fd, -1); /* cancelled as it was armed */
}

static void test_one_can_be_canceled_before_it_begins(void **state)
{
    (void)state;
    assert_int_equal(leat_cancel(leat_spawn(expect_canceled, NULL)), 0);
    turn();
    ASSERT_LOGGED(1, -ECANCELED, 1, -ECANCELED, -ECANCELED, -ECANCELED, -ECANCELED);
}

static void expect_deadline(void *argument)
{
    (void)argument;
    int64_t at_ms = leat__tasks_in_ms(&w.tasks, 20);
    assert_int_equal(leat__task_set_deadline(w.tasks.current, at_ms), INT64_MAX);
    note(leat_sleep_ms(5));
    note(leat_sleep_ms(1000));
    assert_int_equal(w.loop.now_ms, at_ms);
    note(leat_is_canceled());
    note(leat_yield());
    note(leat_sleep_ms(1));
    assert_int_equal(leat__task_set_deadline(w.tasks.current, INT64_MAX), at_ms);
    note(leat_sleep_ms(1));
    leat__task_set_deadline(w.tasks.current, at_ms); /* which must not be the next one's */
}

static void test_a_deadline_cuts_through(void **state)
{
    (void)state;
    leat_spawn(expect_deadline, NULL);
    pass_ms(100);
    ASSERT_LOGGED(0, -ETIMEDOUT, 1, -ETIMEDOUT, -ETIMEDOUT, 0);
    leat_spawn(sleep_and_note, number(5));
    pass_ms(10);
    ASSERT_LOGGED(5);
}

static void wait_deaf(void *argument)
{
    (void)argument;
    note(leat__task_wait_deaf(&w.tasks, INT64_MAX));
    note(leat_sleep_ms(1));
}

static void test_who_is_deaf_is_canceled_behind_its_wait(void **state)
{
    (void)state;
    leat_task task = leat_spawn(wait_deaf, NULL);
    turn();
    leat_cancel(task);
    pass_ms(5);
    assert_int_equal(w.logged, 0);
    leat__task_wake(leat__task_find(&w.tasks, task), 42);
    turn();
    ASSERT_LOGGED(42, -ECANCELED);
}

/* ── Handlers: begun without the queue, on the warm stack ── */

static void go(struct task *task)
{
    leat__task_go_on(task);
}

static leat_task handlers_own;

static void handler(struct leat_exchange *x)
{
    (void)x;
    handlers_own = leat_task_self();
    note(leat_sleep_ms(10));
}

static void quick_handler(struct leat_exchange *x)
{
    (void)x;
    handlers_own = leat_task_self();
    note(1);
}

/* As exchange.c's. */
static void (*function_of_x)(struct leat_exchange *x);

static void run_it(struct leat_exchange *x, struct tasks *tasks)
{
    function_of_x(x);
    if (tasks->current->marked && tasks->current == tasks->warm)
        leat__task_clean(tasks->current);
    task_leaves(tasks);
}

static void run_handler(void (*function)(struct leat_exchange *x), bool waits)
{
    function_of_x = function;
    struct leat_exchange *x = (struct leat_exchange *)(void *)&w; /* nobody looks into it */
    assert_true(leat__tasks_warm_up(&w.tasks));
    assert_int_equal(task_run_handler(&w.tasks, run_it, x), !waits);
    if (waits)
        assert_non_null(leat__tasks_keep_warm_one(&w.tasks, go));
}

static void test_a_handler_that_waits_becomes_a_task(void **state)
{
    (void)state;
    run_handler(handler, true);
    run_handler(quick_handler, false);
    assert_int_equal(w.stacks.in_use, 2);
    pass_ms(20);
    ASSERT_LOGGED(1, 0);
}

static void test_a_handlers_handle_goes_stale_with_it(void **state)
{
    (void)state;
    run_handler(quick_handler, false);
    leat_task first = handlers_own;
    assert_int_not_equal(first, 0);
    assert_int_equal(leat_cancel(first), -ESRCH);
    run_handler(quick_handler, false); /* on the same stack */
    assert_int_not_equal(handlers_own, first);
    run_handler(handler, true);
    assert_int_equal(leat_cancel(first), -ESRCH);
    assert_int_equal(leat_cancel(handlers_own), 0);
    turn();
    ASSERT_LOGGED(1, 1, -ECANCELED);
}

static void test_cancelling_all_leaves_the_next_handler_alone(void **state)
{
    (void)state;
    leat_spawn(expect_canceled, NULL);
    turn();
    leat_spawn(note_it, number(7)); /* ends, and its stack is the warm one */
    turn();
    leat__tasks_cancel_all(&w.tasks);
    turn();
    w.logged = 0;
    run_handler(handler, true);
    leat__tasks_cancel_all(&w.tasks); /* a handler's task is its connection's to cancel */
    pass_ms(20);
    ASSERT_LOGGED(0);
}

static void spawning_handler(struct leat_exchange *x)
{
    (void)x;
    assert_int_not_equal(leat_spawn(note_it, number(2)), 0);
    note(1);
}

static void test_a_handlers_child_does_not_get_its_stack(void **state)
{
    (void)state;
    run_handler(spawning_handler, false);
    turn();
    ASSERT_LOGGED(1, 2);
}

/* ── Stacks ── */

/* What lies on a stack, and in registers, is there behind every wait. */
static void remember(void *argument)
{
    uint64_t seed = (uint64_t)(uintptr_t)argument * 7919 + 1, words[500];
    double fraction = (double)seed / 3;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        words[i] = seed = seed * UINT64_C(6364136223846793005) + 1;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(i % 3 == 0 ? leat_yield() : leat_sleep_ms(seed % 7), 0);
        for (size_t k = 0; k < COUNT_OF(words); k++)
            assert_int_equal(words[k] * UINT64_C(6364136223846793005) + 1,
                             k + 1 < COUNT_OF(words) ? words[k + 1]
                                                     : seed * UINT64_C(6364136223846793005) + 1);
    }
    assert_true(fraction * 3 > 0);
    note(1);
}

static void test_stacks_keep_what_they_hold(void **state)
{
    (void)state;
    for (intptr_t i = 0; i < STACKS; i++)
        leat_spawn(remember, number(i));
    pass_ms(1000);
    assert_int_equal(w.logged, STACKS);
}

static __attribute__((noinline)) int go_deep(size_t left)
{
    volatile char frame[1024];
    frame[0] = 1;
    int result = task_stack_left(&w.tasks) > left ? go_deep(left) : leat_sleep_ms(1);
    return result + (frame[0] - 1);
}

static void be_deep(void *argument)
{
    (void)argument;
    assert_true(task_stack_left(&w.tasks) > STRIDE / 2 && task_stack_left(&w.tasks) < STRIDE);
    note(go_deep(12000));
    note(go_deep(TASK_STACK_LEFT));
}

static void test_who_is_too_deep_is_refused(void **state)
{
    (void)state;
    assert_int_equal(task_stack_left(&w.tasks), SIZE_MAX);
    leat_spawn(be_deep, NULL);
    pass_ms(5);
    ASSERT_LOGGED(0, -EOVERFLOW);
}

/* ── All at once ── */

static uint64_t seed = 88172645463325252u;
static leat_task known[8];

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 20) % below;
}

static void do_anything(void *argument)
{
    unsigned begun = 0;
    int result = 0;
    known[draw(8)] = leat_task_self();
    for (unsigned i = 0; i < 30 && result != -ECANCELED; i++) {
        leat_task other = known[draw(8)];
        switch (draw(8)) {
        case 0:
            result = leat_yield();
            break;
        case 1:
            result = leat_join(other, (int64_t)draw(20));
            break;
        case 2:
            result = leat_park((int64_t)draw(20));
            break;
        case 3:
            leat_unpark(other);
            break;
        case 4:
            if (draw(20) == 0)
                leat_cancel(other);
            break;
        case 5:
            if ((uintptr_t)argument < 4 && begun++ < 3)
                leat_spawn(do_anything, number((intptr_t)argument + 1));
            break;
        default:
            result = leat_sleep_ms(draw(100));
        }
        assert_true(result == 0 || result == -ETIME || result == -ECANCELED || result == -EDEADLK);
    }
    w.logged = 1;
}

static void test_anything_at_once_ends(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        leat_spawn(do_anything, number(0));
        pass_ms((int64_t)draw(60));
        leat__stack_pool_check(&w.stacks);
    }
    pass_ms(20000);
    assert_int_equal(w.tasks.live, 0);
    assert_int_equal(leat__timers_next_ms(&w.tasks.timers), INT64_MAX);
    assert_true(w.stacks.high == STACKS); /* it got crowded */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(test_a_task_begins_in_the_next_turn),
        IN_A_WORLD(test_sleepers_wake_in_the_order_of_their_times),
        IN_A_WORLD(test_outside_of_a_task_nothing_waits),
        IN_A_WORLD(test_tasks_have_children),
        IN_A_WORLD(test_stacks_run_out_and_come_back),
        IN_A_WORLD(test_one_after_the_other_runs_on_one_stack),
        IN_A_WORLD(test_a_shard_that_closes_begins_nothing),
        IN_A_WORLD(test_who_yields_lets_the_others_go_first),
        IN_A_WORLD(test_a_turn_ends_even_if_somebody_always_yields),
        WITH_POLLS(test_a_canceled_task_waits_no_more),
        WITH_POLLS(test_one_can_be_canceled_before_it_begins),
        IN_A_WORLD(test_a_deadline_cuts_through),
        IN_A_WORLD(test_who_is_deaf_is_canceled_behind_its_wait),
        IN_A_WORLD(test_a_handler_that_waits_becomes_a_task),
        IN_A_WORLD(test_a_handlers_handle_goes_stale_with_it),
        IN_A_WORLD(test_cancelling_all_leaves_the_next_handler_alone),
        IN_A_WORLD(test_a_handlers_child_does_not_get_its_stack),
        IN_A_WORLD(test_stacks_keep_what_they_hold),
        IN_A_WORLD(test_who_is_too_deep_is_refused),
        IN_A_WORLD(test_anything_at_once_ends),
    };
    return cmocka_run_group_tests_name("task.task", tests, NULL, NULL);
}
