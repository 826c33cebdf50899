/* Tasks on real stacks, with a loop that is only a clock: waiting, waking, cancelling, deadlines, joining, parking, taking
 * turns; what others hold goes stale, stacks are used again, and in the end everything is back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "leat/leat.h"
#include "task/task.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

enum { STACKS = 16, STRIDE = 65536, HOME = 5, LOG = 64 };

static struct {
    struct region region;
    struct stack_pool stacks;
    struct loop loop;
    struct tasks tasks;
    int log[LOG];
    unsigned logged;
} w;

/* Descriptors for leat_wait_fd: who waits for which, by the loop's books. */
static struct {
    int fd;
    uint32_t index, serial;
    unsigned armed, cancelled;
} polled;

static int arm_poll(struct loop *loop, int fd, unsigned events, uint32_t index, uint32_t serial)
{
    (void)loop, (void)events;
    if (fd == 99)
        return -EPERM; /* a file */
    if (fd == 98)
        return -EBADF;
    if (polled.fd == fd)
        return -EBUSY;
    polled.fd = fd;
    polled.index = index;
    polled.serial = serial;
    polled.armed++;
    return 0;
}

static void cancel_poll(struct loop *loop, int fd, uint32_t index, uint32_t serial)
{
    (void)loop;
    assert_int_equal(fd, polled.fd);
    assert_int_equal(index, polled.index);
    assert_int_equal(serial, polled.serial);
    polled.fd = -1;
    polled.cancelled++;
}

static int open_world(void **state)
{
    (void)state;
    size_t size = leat__stack_pool_footprint(STRIDE, STACKS) + leat__tasks_footprint(STACKS);
    memset(&w, 0, sizeof w);
    assert_int_equal(leat__region_create(&w.region, align_up(size, PAGE_SIZE_BYTES), REGION_RESERVE), 0);
    assert_int_equal(leat__stack_pool_init(&w.stacks, &w.region, STRIDE, STACKS), 0);
    void *memory = leat__region_take(&w.region, leat__tasks_footprint(STACKS), CACHE_LINE);
    /* The simulated loop's clock is the only one that tasks take at its word. */
    w.loop = (struct loop){.now_ms = 1000, .due_ms = INT64_MAX, .backend = &leat__loop_sim};
    leat__tasks_open(&w.tasks, memory, &w.stacks, &w.loop, HOME);
    polled.fd = -1;
    polled.armed = polled.cancelled = 0;
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    assert_int_equal(w.tasks.live, 0);
    assert_true(w.stacks.in_use <= 1);
    leat__tasks_close(&w.tasks);
    assert_int_equal(w.stacks.in_use, 0);
    leat__stack_pool_check(&w.stacks);
    leat__region_destroy(&w.region);
    return 0;
}

static void note(int number)
{
    assert_true(w.logged < LOG);
    w.log[w.logged++] = number;
}

static void assert_logged(const int *numbers, unsigned count)
{
    assert_int_equal(w.logged, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(w.log[i], numbers[i]);
    w.logged = 0;
}

#define ASSERT_LOGGED(...)                                                                         \
    assert_logged((int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int))

/* As the loop does. */
static void turn(void)
{
    if (w.loop.now_ms >= w.loop.due_ms) {
        w.loop.due_ms = INT64_MAX;
        leat__tasks_turn(&w.tasks);
    }
}

static void pass_ms(int64_t ms)
{
    for (int64_t until = w.loop.now_ms + ms; w.loop.now_ms < until; w.loop.now_ms++)
        turn();
    turn();
}

/* A small number for a function's argument. */
static void *number(intptr_t n)
{
    return (void *)n;
}

/* ── Spawning and sleeping ── */

static void note_it(void *argument)
{
    note((int)(intptr_t)argument);
}

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

static void sleep_and_note(void *argument)
{
    int ms = (int)(intptr_t)argument;
    int64_t before_ms = w.loop.now_ms;
    assert_int_equal(leat_sleep_ms((uint64_t)ms), 0);
    assert_true(w.loop.now_ms - before_ms >= ms && w.loop.now_ms - before_ms <= ms + 2);
    note(ms);
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

static void run_handler(void (*function)(struct leat_exchange *x), bool waits)
{
    struct leat_exchange *x = (struct leat_exchange *)(void *)&w; /* nobody looks into it */
    assert_true(leat__tasks_warm_up(&w.tasks));
    assert_int_equal(task_run_handler(&w.tasks, function, x), !waits);
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

static struct loop_backend sim_with_polls;

static int open_world_with_polls(void **state)
{
    open_world(state);
    sim_with_polls = leat__loop_sim;
    sim_with_polls.arm_poll = arm_poll;
    sim_with_polls.cancel_poll = cancel_poll;
    w.loop.backend = &sim_with_polls;
    w.loop.now_ms = leat__tasks_in_ms(&w.tasks, 0); /* by the machine's clock now */
    return 0;
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
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
#define WITH_POLLS(test) cmocka_unit_test_setup_teardown(test, open_world_with_polls, close_world)
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
        IN_A_WORLD(test_all_who_wait_for_an_end_are_told),
        IN_A_WORLD(test_who_can_not_be_waited_for),
        IN_A_WORLD(test_an_end_and_a_timeout_at_once),
        IN_A_WORLD(test_parked_until_called),
        IN_A_WORLD(test_a_call_before_is_remembered_once),
        IN_A_WORLD(test_a_call_with_the_timeout_is_not_lost),
        WITH_POLLS(test_descriptors),
        WITH_POLLS(test_a_poll_that_comes_late_is_not_canceled),
        IN_A_WORLD(test_stacks_keep_what_they_hold),
        IN_A_WORLD(test_who_is_too_deep_is_refused),
        IN_A_WORLD(test_anything_at_once_ends),
    };
    return cmocka_run_group_tests_name("task.task", tests, NULL, NULL);
}
