/* blocking.h: pools of threads for calls that block: a library that knows nothing of waiting, a slow computation.
 *
 * A pool is the process's: the tasks of every shard queue up for the same few threads. A call is a struct on its task's
 * stack; the queue links them, so it has a bound and no memory. Who may touch a call is told by its state, which changes
 * under the pool's lock only:
 *
 *     QUEUED ──────────────► RUNNING ──────────────► its task is told by a mail (MAIL_DONE) to the shard
 *       │     a thread takes it    the function has returned
 *       └──► left: canceled, or past its deadline: out of the queue, nothing was called
 *
 * From RUNNING to the mail the task waits deaf: the function may use what lies on that stack. */
#ifndef LEAT_BLOCKING_H
#define LEAT_BLOCKING_H

#include "leat/leat.h"
#include "task/task.h"
#include <pthread.h>

enum {
    BLOCKING_THREADS_MAX = 256,
    BLOCKING_QUEUE_MAX = 1 << 20,
    BLOCKING_STACK_MIN = 32768, /* what the C library wants of a thread's stack, and room for a call */
};

enum blocking_state { BLOCKING_QUEUED, BLOCKING_RUNNING };

struct blocking_call {
    void (*function)(void *argument);
    void *argument;
    struct task *task;
    uint32_t home;
    enum blocking_state state;
    bool is_back; /* the shard's thread has read the mail */
    struct blocking_call *before, *behind;
};

struct leat_blocking {
    const char *name, *stack_name;
    uint32_t thread_count, queue_max;
    uint64_t stack;
    pthread_t *threads; /* thread_count; the first `running` run */
    /* under the lock */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct blocking_call *first, *last;
    uint32_t queued, busy;
    uint32_t running; /* threads; 0: calls are made at once, by the caller (a simulated world has no threads) */
    bool stopping;
};

/* What is set before is kept: name, thread_count, queue_max, stack, and threads, an array. */
void leat__blocking_init(struct leat_blocking *pool);
void leat__blocking_finish(struct leat_blocking *pool);

/* Starts the threads, signals blocked. 0 or -errno, with nothing left running. */
int leat__blocking_start(struct leat_blocking *pool);
/* Ends them. No call may be left: its tasks have ended. */
void leat__blocking_stop(struct leat_blocking *pool);

/* On the shard's thread: the mail's value. */
void leat__blocking_on_done(uint64_t value);

#endif
