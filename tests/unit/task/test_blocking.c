/* Calls that block run on a thread of their pool while their task waits; a full queue takes none; what is canceled before
 * a thread has taken it is not called, and behind that it is waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "task/blocking.h"
#include "task/homes.h"
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdlib.h>

enum { STACKS = 16, STRIDE = 65536 };

/* A shard in small: tasks, a mailbox, and a loop that is only a clock. */
static struct {
    struct region region;
    struct stack_pool stacks;
    struct loop loop;
    struct tasks tasks;
    struct timer_wheels wheels;
    struct mailbox mailbox;
    struct mail_place mails[MAILBOX_CAPACITY];
    int home;
    struct leat_blocking pool;
    pthread_t threads[2];
    sem_t entered, gate;
} w;

static int open_world(void **state)
{
    (void)state;
    size_t size = leat__stack_pool_footprint(STRIDE, STACKS) + leat__tasks_footprint(STACKS);
    assert_int_equal(leat__region_create(&w.region, align_up(size, PAGE_SIZE_BYTES), REGION_RESERVE), 0);
    assert_int_equal(leat__stack_pool_init(&w.stacks, &w.region, STRIDE, STACKS), 0);
    void *memory = leat__region_take(&w.region, leat__tasks_footprint(STACKS), CACHE_LINE);
    assert_int_equal(leat__mailbox_open(&w.mailbox, w.mails), 0);
    w.home = leat__home_open(&w.mailbox);
    assert_true(w.home >= 0);
    w.loop = (struct loop){.now_ms = 1000};
    leat__tasks_open(&w.tasks, memory, &w.wheels, &w.stacks, &w.loop, (uint32_t)w.home);
    w.pool = (struct leat_blocking){.name = "a name that is far too long",
                                    .thread_count = 2,
                                    .queue_max = 1,
                                    .stack = 262144,
                                    .threads = w.threads};
    leat__blocking_init(&w.pool);
    assert_int_equal(leat__blocking_start(&w.pool), 0);
    sem_init(&w.entered, 0, 0);
    sem_init(&w.gate, 0, 0);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    leat__blocking_stop(&w.pool);
    leat__blocking_finish(&w.pool);
    leat__tasks_close(&w.tasks);
    leat__home_close(w.home);
    leat__mailbox_close(&w.mailbox);
    leat__region_destroy(&w.region);
    return 0;
}

static void turn(void)
{
    struct mail mail;
    leat__mailbox_drain_wake(&w.mailbox);
    while (leat__mailbox_take(&w.mailbox, &mail)) {
        assert_int_equal(mail.kind, MAIL_DONE);
        leat__blocking_on_done(mail.value);
    }
    leat__tasks_turn(&w.tasks);
}

static void run_until_live(uint32_t live)
{
    while (w.tasks.live > live) {
        struct pollfd wake = {.fd = w.mailbox.wake_fd, .events = POLLIN};
        poll(&wake, 1, 10);
        turn();
    }
}

struct job {
    int result;
    bool was_called;
    bool passes; /* does not wait at the gate */
    pthread_t by;
};

static void on_thread(void *argument)
{
    struct job *job = argument;
    job->was_called = true;
    job->by = pthread_self();
    sem_post(&w.entered);
    if (!job->passes)
        sem_wait(&w.gate);
}

static void call(void *argument)
{
    struct job *job = argument;
    job->result = leat_blocking_call(&w.pool, on_thread, job);
}

static struct task *begin(struct job *job)
{
    *job = (struct job){.result = 1};
    struct task *task = leat__task_spawn(&w.tasks, call, job);
    assert_non_null(task);
    turn();
    return task;
}

static void a_call_runs_on_another_thread_while_its_task_waits(void **state)
{
    (void)state;
    struct job job;
    begin(&job);
    sem_wait(&w.entered);
    turn();
    assert_int_equal(job.result, 1);
    sem_post(&w.gate);
    run_until_live(0);
    assert_int_equal(job.result, 0);
    assert_false(pthread_equal(job.by, pthread_self()));
}

static void a_full_queue_takes_no_call(void **state)
{
    (void)state;
    struct job jobs[4];
    for (int i = 0; i < 4; i++)
        begin(&jobs[i]);
    assert_int_equal(jobs[3].result, -EAGAIN);
    assert_false(jobs[3].was_called);
    for (int i = 0; i < 3; i++)
        sem_post(&w.gate);
    run_until_live(0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(jobs[i].result, 0);
}

static void a_queued_call_is_canceled_and_not_called(void **state)
{
    (void)state;
    struct job running[2], queued, next;
    begin(&running[0]);
    begin(&running[1]);
    sem_wait(&w.entered);
    sem_wait(&w.entered);
    struct task *task = begin(&queued);
    leat__task_cancel(task);
    turn();
    assert_int_equal(queued.result, -ECANCELED);
    begin(&next); /* its place is free */
    assert_int_equal(next.result, 1);
    for (int i = 0; i < 3; i++)
        sem_post(&w.gate);
    run_until_live(0);
    assert_false(queued.was_called);
    assert_true(next.was_called);
}

static void a_deadline_takes_a_queued_call_out(void **state)
{
    (void)state;
    struct job running[2], queued = {0};
    begin(&running[0]);
    begin(&running[1]);
    sem_wait(&w.entered);
    sem_wait(&w.entered);
    queued = (struct job){.result = 1};
    struct task *task = leat__task_spawn(&w.tasks, call, &queued);
    leat__task_set_deadline(task, 1010);
    turn();
    w.loop.now_ms = 1020;
    turn();
    assert_int_equal(queued.result, -ETIMEDOUT);
    sem_post(&w.gate);
    sem_post(&w.gate);
    run_until_live(0);
    assert_false(queued.was_called);
}

static void a_running_call_is_waited_for_whatever_comes(void **state)
{
    (void)state;
    struct job job;
    struct task *task = begin(&job);
    sem_wait(&w.entered);
    leat__task_cancel(task);
    turn();
    turn();
    assert_int_equal(job.result, 1);
    sem_post(&w.gate);
    run_until_live(0);
    assert_int_equal(job.result, 0);
}

static void a_canceled_task_calls_nothing(void **state)
{
    (void)state;
    struct job job = {.result = 1};
    struct task *task = leat__task_spawn(&w.tasks, call, &job);
    leat__task_cancel(task);
    turn();
    assert_int_equal(job.result, -ECANCELED);
    assert_false(job.was_called);
}

static void outside_a_task_nothing_is_called(void **state)
{
    (void)state;
    struct job job = {0};
    assert_int_equal(leat_blocking_call(&w.pool, on_thread, &job), -EPERM);
    assert_false(job.was_called);
}

static void without_threads_the_caller_calls(void **state)
{
    (void)state;
    struct leat_blocking none = {.name = ""};
    struct job job = {.passes = true};
    assert_int_equal(leat_blocking_call(&none, on_thread, &job), 0);
    assert_true(job.was_called && pthread_equal(job.by, pthread_self()));
    sem_wait(&w.entered);
}

static void many_calls_all_come_back(void **state)
{
    (void)state;
    enum { ROUNDS = 300 };
    for (int round = 0; round < ROUNDS; round++) {
        struct job jobs[3];
        for (int i = 0; i < 3; i++) {
            jobs[i] = (struct job){.result = 1, .passes = true};
            struct task *task = leat__task_spawn(&w.tasks, call, &jobs[i]);
            assert_non_null(task);
            if (i == round % 3) { /* at whatever point that finds it */
                leat__tasks_turn(&w.tasks);
                leat__task_cancel(task);
            }
        }
        run_until_live(0);
        for (int i = 0; i < 3; i++) {
            assert_true(jobs[i].result == 0 || jobs[i].result == -ECANCELED);
            assert_int_equal(jobs[i].result == 0, jobs[i].was_called);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_runs_on_another_thread_while_its_task_waits),
        TEST(a_full_queue_takes_no_call),
        TEST(a_queued_call_is_canceled_and_not_called),
        TEST(a_deadline_takes_a_queued_call_out),
        TEST(a_running_call_is_waited_for_whatever_comes),
        TEST(a_canceled_task_calls_nothing),
        TEST(outside_a_task_nothing_is_called),
        TEST(without_threads_the_caller_calls),
        TEST(many_calls_all_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
