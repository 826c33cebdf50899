/* task.h: straight code that waits: a function on a stack of its own, which can be left in the middle and gone on with.
 *
 * A task belongs to a shard from its first instruction to its last, and its scheduler is the shard's loop: what a task
 * waits for wakes it (leat__task_wake puts it into the queue of ready ones), and once in a turn, after all events have
 * been delivered, the queue is run (leat__tasks_turn). So nothing of a task runs inside somebody's dispatch.
 *
 *                   leat__task_wait
 *      RUNNING ─────────────────────► WAITING
 *       ▲  │                             │ leat__task_wake: what it waited for, its time, its deadline,
 *       │  └─► ended                     ▼ or leat__task_cancel
 *       └──────────────────────────── READY
 *         go(task), on the loop's stack
 *
 * A handler is begun at once, without the queue, on the warmest stack (task_run_handler), and mostly ends there: then
 * nothing of the above has happened. Only if it waits it becomes a task that others know.
 *
 * What must always be true
 *   - tasks->current is the task whose stack we are on; NULL on the loop's.
 *   - A task has a stack from its acquisition to its end; tasks->warm has one too and is nobody's.
 *   - A task that was canceled, or is past its deadline, waits no more: every wait answers at once. */
#ifndef LEAT_TASK_H
#define LEAT_TASK_H

#include "loop/loop.h"
#include "memory/stack.h"
#include "task/fiber.h"
#include "task/switch.h"
#include "task/timers.h"

enum task_state { TASK_FREE, TASK_NEW, TASK_RUNNING, TASK_WAITING, TASK_READY };

enum {
    TASK_STACK_LEFT = 4096, /* below that, what Leat offers refuses to run */
    TASK_TURN_MAX = 4096,   /* tasks run in one turn, before it is the network's turn again */
};

struct task {
    void *sp; /* where it goes on */
    struct tasks *home;
    char *stack_low, *stack_top;
    char *look_below; /* an entry point of Leat's looks closer when the stack pointer is below it */
    char *painted; /* the run under way is measured: where the paint begins (depth.h); NULL: it is not */
    struct leat_exchange *exchange;   /* whose chain it runs; NULL: a task of its own */
    void (*go)(struct task *task);    /* runs it on, once it is ready; on the loop's stack */
    void (*function)(void *argument); /* of its own */
    void *argument;
    int64_t deadline_ms; /* INT64_MAX: none */
    struct timer timer;
    int result;                 /* of the wait */
    uint32_t index, generation; /* a handle: goes stale at the task's end */
    uint32_t next_ready;        /* index + 1 */
    uint32_t waiters,
        next_waiter; /* index + 1: who waits for its end, and the next who waits for the same task's */
    uint32_t serial; /* of what is armed at the loop for it */
    uint8_t state;   /* enum task_state */
    bool queued;     /* lies in the queue */
    bool canceled;
    bool deaf;   /* waits for what must not be left: a cancellation comes behind it */
    bool parked; /* waits in leat_park */
    bool called; /* leat_unpark came before leat_park */
    bool marked; /* others know of it, or it has a deadline: to be cleaned even if it never waits */
    struct fiber fiber;
};

struct tasks {
    void *loop_sp;
    struct task *current, *warm;
    char *look_below; /* of the current one, or of the one that is next */
    struct task *all; /* one for each stack */
    struct stack_pool *stacks;
    struct loop *loop;
    uint32_t ready_first, ready_last; /* index + 1 */
    uint32_t live;                    /* begun or queued, and not ended */
    uint32_t home;                    /* its number in the process (homes.h), a part of handles */
    bool closing;                     /* nothing is begun any more */
    struct timers timers;
    struct fiber loop_fiber;
};

_Static_assert(offsetof(struct tasks, loop_sp) == 0, "as leat__stack_call_handler takes it");

/* The tasks of the shard whose thread this is; NULL on other threads. */
extern _Thread_local struct tasks *leat__tasks_here;

size_t leat__tasks_footprint(size_t count); /* bytes of region for as many; pure */

/* On the shard's thread. memory: leat__tasks_footprint(stacks->count) zeroed bytes. wheels: room for the timers. home: its
 * number (homes.h). */
void leat__tasks_open(struct tasks *t, void *memory, struct timer_wheels *wheels,
                      struct stack_pool *stacks, struct loop *loop, uint32_t home);
void leat__tasks_close(struct tasks *t);

/* ── For who runs tasks ── */

/* Makes t->warm. false: every stack is in use, counted by the pool. */
bool leat__tasks_warm_up(struct tasks *t);

#if TASK_MARKED
bool leat__task_run_marked(struct tasks *t, struct task *task,
                           void (*run)(struct leat_exchange *, struct tasks *),
                           struct leat_exchange *x);
#endif

void leat__task_clean(struct task *task);

/* Runs run(x, t) on the warm stack, which is there. true: it has returned. false: it waits; leat__tasks_keep_warm_one must
 * be called then. Its last act is task_leaves, and leat__task_clean if its task is marked: here nothing is left to
 * be done, so that the call is the last thing that the caller does, and costs no frame. */
static inline bool task_run_handler(struct tasks *t, void (*run)(struct leat_exchange *, struct tasks *),
                                    struct leat_exchange *x)
{
    struct task *task = t->warm;
    t->current = task;
    task->exchange = x;
#if TASK_MARKED
    return leat__task_run_marked(t, task, run, x);
#else
    return leat__stack_call_handler(x, t, run, task->stack_top);
#endif
}

/* What runs on a task's stack is over: the next is the loop. */
static inline void task_leaves(struct tasks *t)
{
    t->current = NULL;
}

/* The warm task has waited: it is somebody's now. */
struct task *leat__tasks_keep_warm_one(struct tasks *t, void (*go)(struct task *task));

/* Of a READY task: runs it on. true: it has ended (and its stack is back). */
bool leat__task_go_on(struct task *task);

/* A task of its own: function(argument) is begun in the next turn. NULL: no stack is free, or the shard is closing. */
struct task *leat__task_spawn(struct tasks *t, void (*function)(void *argument), void *argument);

/* Once in a turn: those whose time has come, and all that are ready now. Sets loop->due_ms. */
void leat__tasks_turn(struct tasks *t);

/* ── For who wakes tasks; on the shard's thread ── */

/* WAITING → READY, with the answer of its wait. Of another state: nothing. */
void leat__task_wake(struct task *task, int result);
/* The same, but who calls goes on with it himself: it is not put into the queue. */
void leat__task_make_ready(struct task *task, int result);
void leat__task_queue(struct task *task); /* one that is ready already */
void leat__task_cancel(struct task *task);
void leat__tasks_cancel_all(struct tasks *t);

/* Handles: what others than the owner may hold. 0 is nobody's. */
uint64_t leat__task_handle(struct task *task);
struct task *leat__task_find(struct tasks *t, uint64_t handle); /* NULL: of another shard, or ended */
uint32_t leat__task_home(uint64_t handle);
void leat__tasks_unpark(struct tasks *t, uint64_t handle);
/* loop_events.on_poll */
void leat__tasks_on_poll(struct tasks *t, uint32_t index, uint32_t serial, int events);

/* ── For what waits; on a task's stack ── */

/* Leaves the current task until it is woken, or until_ms (of the loop's clock; INT64_MAX: never) has come: -ETIME. What
 * the waker said; -ECANCELED; -ETIMEDOUT: the task's own deadline; -EPERM: we are on no task's stack; -EOVERFLOW: too
 * little of the stack is left. */
int leat__task_wait(struct tasks *t, int64_t until_ms);

/* Lets the others run that are ready. As leat__task_wait. */
int leat__task_yield(struct tasks *t);

/* The same for what must come before anything else can: no cancellation cuts it short. */
int leat__task_wait_deaf(struct tasks *t, int64_t until_ms);

/* Of the current task; answers the one before. */
int64_t leat__task_set_deadline(struct task *task, int64_t deadline_ms);

/* A time ms from now, not early. */
int64_t leat__tasks_in_ms(const struct tasks *t, uint64_t ms);

static inline const char *stack_pointer(void)
{
    const char *sp;
#if defined(__x86_64__)
    __asm__("mov %%rsp, %0" : "=r"(sp));
#else
    __asm__("mov %0, sp" : "=r"(sp));
#endif
    return sp;
}

/* More than half of the stack we are on is used, or less than two TASK_STACK_LEFT are left. It may be said of the loop's
 * stack too, where it means nothing: task_stack_left knows. */
static inline bool task_is_deep(const struct tasks *t)
{
    return UNLIKELY(t != NULL && stack_pointer() < t->look_below);
}

/* Octets left of the stack we are on; SIZE_MAX on the loop's. */
static inline size_t task_stack_left(const struct tasks *t)
{
    const char *here = __builtin_frame_address(0);
    return t != NULL && t->current != NULL ? (size_t)(here - t->current->stack_low) : SIZE_MAX;
}

#endif
