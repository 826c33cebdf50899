/* fixture.h: tasks of a shard on real stacks, with a loop that is only a clock, which a test turns. */
#ifndef LEAT_TEST_TASK_FIXTURE_H
#define LEAT_TEST_TASK_FIXTURE_H

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
    struct timer_wheels wheels;
    int log[LOG];
    unsigned logged;
} w;

/* Descriptors for leat_wait_fd: who waits for which, by the loop's books. */
static struct {
    int fd;
    uint32_t index, serial;
    unsigned armed, cancelled;
} polled;

static inline int arm_poll(struct loop *loop, int fd, unsigned events, uint32_t index, uint32_t serial)
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

static inline void cancel_poll(struct loop *loop, int fd, uint32_t index, uint32_t serial)
{
    (void)loop;
    assert_int_equal(fd, polled.fd);
    assert_int_equal(index, polled.index);
    assert_int_equal(serial, polled.serial);
    polled.fd = -1;
    polled.cancelled++;
}

static inline int open_world(void **state)
{
    (void)state;
    size_t size = leat__stack_pool_footprint(STRIDE, STACKS) + leat__tasks_footprint(STACKS);
    memset(&w, 0, sizeof w);
    assert_int_equal(leat__region_create(&w.region, align_up(size, PAGE_SIZE_BYTES), REGION_RESERVE), 0);
    assert_int_equal(leat__stack_pool_init(&w.stacks, &w.region, STRIDE, STACKS), 0);
    void *memory = leat__region_take(&w.region, leat__tasks_footprint(STACKS), CACHE_LINE);
    /* The simulated loop's clock is the only one that tasks take at its word. */
    w.loop = (struct loop){.now_ms = 1000, .due_ms = INT64_MAX, .backend = &leat__loop_sim};
    leat__tasks_open(&w.tasks, memory, &w.wheels, &w.stacks, &w.loop, HOME);
    polled.fd = -1;
    polled.armed = polled.cancelled = 0;
    return 0;
}

static inline int close_world(void **state)
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

static inline void note(int number)
{
    assert_true(w.logged < LOG);
    w.log[w.logged++] = number;
}

static inline void assert_logged(const int *numbers, unsigned count)
{
    assert_int_equal(w.logged, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(w.log[i], numbers[i]);
    w.logged = 0;
}

#define ASSERT_LOGGED(...)                                                                         \
    assert_logged((int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int))

/* As the loop does. */
static inline void turn(void)
{
    if (w.loop.now_ms >= w.loop.due_ms) {
        w.loop.due_ms = INT64_MAX;
        leat__tasks_turn(&w.tasks);
    }
}

static inline void pass_ms(int64_t ms)
{
    for (int64_t until = w.loop.now_ms + ms; w.loop.now_ms < until; w.loop.now_ms++)
        turn();
    turn();
}

/* A small number for a function's argument. */
static inline void *number(intptr_t n)
{
    return (void *)n;
}

static struct loop_backend sim_with_polls;

static inline int open_world_with_polls(void **state)
{
    open_world(state);
    sim_with_polls = leat__loop_sim;
    sim_with_polls.arm_poll = arm_poll;
    sim_with_polls.cancel_poll = cancel_poll;
    w.loop.backend = &sim_with_polls;
    w.loop.now_ms = leat__tasks_in_ms(&w.tasks, 0); /* by the machine's clock now */
    return 0;
}

static inline void note_it(void *argument)
{
    note((int)(intptr_t)argument);
}

static inline void sleep_and_note(void *argument)
{
    int ms = (int)(intptr_t)argument;
    int64_t before_ms = w.loop.now_ms;
    assert_int_equal(leat_sleep_ms((uint64_t)ms), 0);
    assert_true(w.loop.now_ms - before_ms >= ms && w.loop.now_ms - before_ms <= ms + 2);
    note(ms);
}

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
#define WITH_POLLS(test) cmocka_unit_test_setup_teardown(test, open_world_with_polls, close_world)

#endif
