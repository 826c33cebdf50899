/* wait.h: handlers and tasks that wait.
 *
 * A handler is straight code on a stack of its own. When it waits (for its content, for time, for a descriptor, for
 * another task) it is left where it is, the shard serves others, and it goes on when what it waited for has come:
 *
 *     static void slow(leat_exchange *x)
 *     {
 *         if (leat_sleep_ms(250) < 0)      // the client has gone: nobody reads an answer
 *             return;
 *         leat_text(x, 200, "At last\n");
 *     }
 *
 * Rules
 *   - Waiting functions suspend the task they are called on, take no exchange, and work in handlers and in tasks of the
 *     program's own (leat_spawn) alike. Anywhere else they answer -EPERM.
 *   - When the client goes, its handler is canceled: every wait answers -ECANCELED at once, from then on, and the handler
 *     comes to its end by its own code. Behind a deadline (leat_timeout) the same with -ETIMEDOUT.
 *   - A task stays on its shard, whose other tasks and handlers run while it waits, and only then: between two waits
 *     nothing else of the shard happens. Hold no lock across a wait.
 *   - A stack is bounded (--stack, 64 KiB): large arrays belong in the arena. What overruns it ends the process
 *     (SIGSEGV), behind a line that names the route when leat_main runs it; with less than 4 KiB left waits answer
 *     -EOVERFLOW, and what answers a request answers it 500.
 *   - A task that changes the floating point environment puts it back before it waits. */
#ifndef LEAT_WAIT_H
#define LEAT_WAIT_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t leat_task; /* a handle, which goes stale when the task ends; 0: nobody's */

/* 0 when that time has passed, never early; -ECANCELED, -ETIMEDOUT. */
LEAT_API int leat_sleep_ms(uint64_t ms);
/* Lets everything else go first that is ready. 0; -ECANCELED, -ETIMEDOUT. */
LEAT_API int leat_yield(void);

/* Until one of events (POLLIN, POLLOUT … of poll(2)) is there on a descriptor of the program's own, which is best
 * non-blocking. The events that are there; -ETIME: timeout_ms has passed (-1: never does); -EBUSY: another task waits for
 * it; -EBADF …; -ECANCELED, -ETIMEDOUT. */
LEAT_API int leat_wait_fd(int fd, int events, int64_t timeout_ms);

/* Begins function(argument) as a task of its own on this shard, in the next turn. What argument points to must outlive it: a
 * handler's stack and arena do not, for a handler whose client goes ends also while it waits in leat_join. 0: no stack is
 * free (--tasks), the shard is stopping, or this is not a shard's thread. It is canceled when the server stops. */
LEAT_API leat_task leat_spawn(void (*function)(void *argument), void *argument);
LEAT_API leat_task leat_task_self(void); /* 0: no task runs here */
/* Until a task of this shard has ended. 0; -ETIME; -EDEADLK: it is this one; -EXDEV: another shard's; -ECANCELED,
 * -ETIMEDOUT. */
LEAT_API int leat_join(leat_task task, int64_t timeout_ms);
/* Of a task of this shard: its waits answer -ECANCELED from now on. 0, -ESRCH: it has ended. */
LEAT_API int leat_cancel(leat_task task);
/* Whether a wait would answer -ECANCELED or -ETIMEDOUT: for loops that compute and never wait. */
LEAT_API bool leat_is_canceled(void);

/* Until somebody calls leat_unpark for this task, or has since its last leat_park. 0 (now and then without a reason: look
 * again at what you wait for); -ETIME; -ECANCELED, -ETIMEDOUT. */
LEAT_API int leat_park(int64_t timeout_ms);
/* From any thread. 0; -ESRCH: its server has stopped; -EAGAIN: its shard has too much mail, try again. */
LEAT_API int leat_unpark(leat_task task);

/* function(argument) every interval_ms, as a task on one of the shards, for as long as the server runs; the next interval
 * begins when the function has returned. Before the start. */
LEAT_API void leat_every_ms(leat_app *app, uint64_t interval_ms, void (*function)(void *argument),
                            void *argument);

/* State of each shard: open(argument) is called on every shard's thread before it serves, as a task (it may wait), and
 * close(state) when it has ended its work. NULL from open: the server does not start. An app has one; a group may have its
 * own. Before the start. */
LEAT_API void leat_on_shard(leat_app *app, void *(*open)(void *argument),
                            void (*close)(void *state), void *argument);
/* Of the innermost group around the route that has one; NULL: none. */
LEAT_API void *leat_shard_data(leat_exchange *x);

/* ── Calls that block ── */

typedef struct leat_blocking leat_blocking; /* a bounded pool of threads, for all shards */

typedef struct leat_blocking_options {
    uint32_t threads; /* default 4 */
    uint32_t queue;   /* calls that may wait for a thread; default 64 */
    uint64_t stack;   /* bytes of a thread's stack; default 256 KiB */
} leat_blocking_options;

/* Before the start. name is for the plan and for messages. Goes with app. */
LEAT_API leat_blocking *leat_blocking_create_sized(leat_app *app, const char *name,
                                                   const leat_blocking_options *options,
                                                   size_t options_size);
static inline leat_blocking *leat_blocking_create(leat_app *app, const char *name,
                                                  const leat_blocking_options *options)
{
    return leat_blocking_create_sized(app, name, options, sizeof(leat_blocking_options));
}
/* Calls function(argument) on one of the pool's threads and waits until it has returned; argument may lie on this stack,
 * and no cancellation comes before that. 0; -EAGAIN: the queue is full, nothing was called (answer 503); -ECANCELED,
 * -ETIMEDOUT: canceled before a thread took it, nothing was called. */
LEAT_API int leat_blocking_call(leat_blocking *pool, void (*function)(void *argument), void *argument);

#ifdef __cplusplus
}
#endif

#endif
