/* blocking.c: see blocking.h. The lock is taken by tasks too, for a few instructions at a time. */
#define _GNU_SOURCE 1 /* pthread_setname_np */
#include "task/blocking.h"
#include "observe/probes.h"
#include "task/homes.h"
#include <errno.h>
#include <signal.h>
#include <time.h>

enum { THREAD_NAME = 16 }; /* with its NUL: what the kernel keeps */

void leat__blocking_init(struct leat_blocking *pool)
{
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
}

void leat__blocking_finish(struct leat_blocking *pool)
{
    ASSERT(pool->running == 0 && pool->queued == 0);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
}

/* ── The queue; under the lock ── */

static void enqueue(struct leat_blocking *pool, struct blocking_call *call)
{
    call->before = pool->last;
    call->behind = NULL;
    if (pool->last != NULL)
        pool->last->behind = call;
    else
        pool->first = call;
    pool->last = call;
    pool->queued++;
}

static void take_out(struct leat_blocking *pool, struct blocking_call *call)
{
    if (call->before != NULL)
        call->before->behind = call->behind;
    else
        pool->first = call->behind;
    if (call->behind != NULL)
        call->behind->before = call->before;
    else
        pool->last = call->before;
    pool->queued--;
}

/* ── Threads ── */

/* A mailbox is full for a moment only. The task is there still: it waits for this mail. */
static void send_back(uint32_t home, const struct blocking_call *call)
{
    static const struct timespec moment = {.tv_nsec = 1000000};
    struct mail mail = {.kind = MAIL_DONE, .value = (uint64_t)(uintptr_t)call};
    while (leat__home_post(home, &mail) == -EAGAIN)
        nanosleep(&moment, NULL);
}

static void *thread_main(void *argument)
{
    struct leat_blocking *pool = argument;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->first == NULL && !pool->stopping)
            pthread_cond_wait(&pool->wake, &pool->lock);
        struct blocking_call *call = pool->first;
        if (call == NULL)
            break;
        take_out(pool, call);
        call->state = BLOCKING_RUNNING;
        pool->busy++;
        pthread_mutex_unlock(&pool->lock);
        call->function(call->argument);
        pthread_mutex_lock(&pool->lock);
        pool->busy--;
        pthread_mutex_unlock(&pool->lock);
        send_back(call->home, call); /* from here on it is not ours to touch */
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static int start_threads(struct leat_blocking *pool)
{
    pthread_attr_t attributes;
    sigset_t all, old;
    char name[THREAD_NAME];
    size_t name_size = size_min(strlen(pool->name), sizeof name - 1);
    memcpy(name, pool->name, name_size);
    name[name_size] = '\0';
    pthread_attr_init(&attributes);
    int error = -pthread_attr_setstacksize(&attributes, pool->stack);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (pool->running < pool->thread_count && error == 0) {
        error = -pthread_create(&pool->threads[pool->running], &attributes, thread_main, pool);
        if (error == 0)
            pthread_setname_np(pool->threads[pool->running++], name);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

int leat__blocking_start(struct leat_blocking *pool)
{
    pool->stopping = false;
    int error = start_threads(pool);
    if (error < 0)
        leat__blocking_stop(pool);
    return error;
}

void leat__blocking_stop(struct leat_blocking *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->running; i++)
        pthread_join(pool->threads[i], NULL);
    pool->running = 0;
}

/* ── Tasks ── */

void leat__blocking_on_done(uint64_t value)
{
    struct blocking_call *call = (struct blocking_call *)(uintptr_t)value;
    call->is_back = true;
    leat__task_wake(call->task, 0);
}

/* false: every thread has something to do, and the queue is full. */
static bool submit(struct leat_blocking *pool, struct blocking_call *call)
{
    pthread_mutex_lock(&pool->lock);
    bool has_room = pool->queued + pool->busy < pool->thread_count + pool->queue_max;
    if (has_room) {
        enqueue(pool, call);
        pthread_cond_signal(&pool->wake);
    }
    pthread_mutex_unlock(&pool->lock);
    return has_room;
}

/* true: no thread has taken it, and none will. */
static bool withdraw(struct leat_blocking *pool, struct blocking_call *call)
{
    pthread_mutex_lock(&pool->lock);
    bool is_queued = call->state == BLOCKING_QUEUED;
    if (is_queued)
        take_out(pool, call);
    pthread_mutex_unlock(&pool->lock);
    return is_queued;
}

int leat_blocking_call(leat_blocking *pool, void (*function)(void *argument), void *argument)
{
    struct tasks *t = leat__tasks_here;
    struct task *task = t != NULL ? t->current : NULL;
    if (pool->running == 0) {
        function(argument);
        return 0;
    }
    if (task == NULL)
        return -EPERM;
    if (leat_is_canceled())
        return task->canceled ? -ECANCELED : -ETIMEDOUT;
    struct blocking_call call = {.function = function, .argument = argument, .task = task, .home = t->home};
    if (!submit(pool, &call))
        return -EAGAIN;
    PROBE(wait_begin, task, task->exchange, probe_text("thread"));
    int result = leat__task_wait(t, INT64_MAX);
    if (result < 0 && !call.is_back && withdraw(pool, &call))
        return result;
    while (!call.is_back) {
        PROBE(wait_begin, task, task->exchange, probe_text("thread"));
        leat__task_wait_deaf(t, INT64_MAX);
    }
    return 0;
}
