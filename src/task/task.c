/* task.c: see task.h. */
#include "task/task.h"
#include "base/clock.h"
#include "observe/probes.h"
#include <errno.h>

_Thread_local struct tasks *leat__tasks_here;

size_t leat__tasks_footprint(size_t count)
{
    return align_up(count * sizeof(struct task), CACHE_LINE);
}

void leat__tasks_open(struct tasks *t, void *memory, struct timer_wheels *wheels,
                      struct stack_pool *stacks, struct loop *loop, uint32_t home)
{
    clear_untouched(t, sizeof *t);
    t->stacks = stacks;
    t->loop = loop;
    t->home = home;
    t->all = memory;
    leat__timers_init(&t->timers, wheels, loop->now_ms);
    fiber_here(&t->loop_fiber);
    leat__tasks_here = t;
}

void leat__tasks_close(struct tasks *t)
{
    ASSERT(t->live == 0);
    if (t->warm != NULL)
        leat__stack_release(t->stacks, t->warm->index);
    t->warm = NULL;
    for (uint32_t i = 0; i < t->stacks->touched; i++)
        fiber_close(&t->all[i].fiber);
    if (leat__tasks_here == t)
        leat__tasks_here = NULL;
}

/* ── Stacks ── */

static struct task *acquire(struct tasks *t)
{
    uint32_t index = leat__stack_acquire(t->stacks);
    if (UNLIKELY(index == STACK_NONE))
        return NULL;
    struct task *task = &t->all[index];
    if (UNLIKELY(task->home == NULL)) {
        task->home = t;
        task->index = index;
        task->stack_low = stack_low(t->stacks, index);
        task->stack_top = stack_top(t->stacks, index);
        task->look_below = task->stack_low + size_max((size_t)(task->stack_top - task->stack_low) / 2,
                                                      2 * (size_t)TASK_STACK_LEFT);
        task->deadline_ms = INT64_MAX;
        task->generation = 1;
        fiber_open(&task->fiber, task->stack_low, task->stack_top);
    }
    return task;
}

/* What runs next is running already, as far as others may see. */
static void make_warm(struct tasks *t, struct task *task)
{
    task->state = TASK_RUNNING;
    t->warm = task;
    t->look_below = task->look_below;
}

bool leat__tasks_warm_up(struct tasks *t)
{
    struct task *task = t->warm == NULL ? acquire(t) : NULL;
    if (task != NULL)
        make_warm(t, task);
    return t->warm != NULL;
}

struct task *leat__tasks_keep_warm_one(struct tasks *t, void (*go)(struct task *task))
{
    struct task *task = t->warm;
    t->warm = NULL;
    t->live++;
    task->go = go;
    return task;
}

static struct task *task_at(struct tasks *t, uint32_t index_1)
{
    return index_1 != 0 ? &t->all[index_1 - 1] : NULL;
}

/* What others know of it goes stale, and those who wait for its end go on. */
void leat__task_clean(struct task *task)
{
    struct tasks *t = task->home;
    struct task *waiter = task_at(t, task->waiters);
    while (waiter != NULL) {
        struct task *next = task_at(t, waiter->next_waiter);
        leat__task_wake(waiter, 0);
        waiter = next;
    }
    task->waiters = 0;
    task->canceled = task->called = task->marked = false;
    task->deadline_ms = INT64_MAX;
    task->exchange = NULL;
    task->generation = task->generation == UINT32_MAX ? 1 : task->generation + 1;
}

static void end(struct task *task)
{
    struct tasks *t = task->home;
    t->live--;
    leat__task_clean(task);
    if (t->warm == NULL) {
        make_warm(t, task); /* the warmest there is */
    } else {
        task->state = TASK_FREE;
        leat__stack_release(t->stacks, task->index);
    }
}

/* ── Changing stacks ── */

#if TASK_MARKED
struct marked_call {
    struct tasks *t;
    struct task *task;
    void (*run)(struct leat_exchange *, struct tasks *);
    struct leat_exchange *x;
};

static TASK_UNWATCHED void call_marked(void *argument)
{
    struct marked_call call = *(struct marked_call *)argument;
    fiber_arrive(&call.task->fiber, &call.t->loop_fiber);
    if (call.run != NULL)
        call.run(call.x, call.t);
    else
        call.task->function(call.task->argument);
    fiber_leave(&call.task->fiber, &call.t->loop_fiber, true);
}

TASK_UNWATCHED bool leat__task_run_marked(struct tasks *t, struct task *task,
                                          void (*run)(struct leat_exchange *, struct tasks *),
                                          struct leat_exchange *x)
{
    struct marked_call call = {t, task, run, x};
    task->fiber.asan = NULL;
    fiber_leave(&t->loop_fiber, &task->fiber, false);
    bool returned = leat__stack_call(&call, &t->loop_sp, call_marked, task->stack_top);
    fiber_arrive(&t->loop_fiber, NULL);
    return returned;
}
#endif

static bool begin(struct task *task)
{
    struct tasks *t = task->home;
#if TASK_MARKED
    return leat__task_run_marked(t, task, NULL, NULL);
#else
    return leat__stack_call(task->argument, &t->loop_sp, task->function, task->stack_top);
#endif
}

static TASK_UNWATCHED void suspend(struct tasks *t, struct task *task)
{
    t->current = NULL;
    fiber_leave(&task->fiber, &t->loop_fiber, false);
    leat__stack_suspend(&task->sp, &t->loop_sp);
    fiber_arrive(&task->fiber, &t->loop_fiber);
}

static TASK_UNWATCHED bool resume(struct tasks *t, struct task *task)
{
    fiber_leave(&t->loop_fiber, &task->fiber, false);
    bool returned = leat__stack_resume(task->sp, &t->loop_sp);
    fiber_arrive(&t->loop_fiber, NULL);
    return returned;
}

bool leat__task_go_on(struct task *task)
{
    struct tasks *t = task->home;
    ASSERT_DEBUG(t->current == NULL && (task->state == TASK_READY || task->state == TASK_NEW));
    bool is_new = task->state == TASK_NEW;
    t->current = task;
    t->look_below = task->look_below;
    task->state = TASK_RUNNING;
    bool ended = is_new ? begin(task) : resume(t, task);
    t->current = NULL;
    t->look_below = t->warm != NULL ? t->warm->look_below : NULL;
    if (ended)
        end(task);
    return ended;
}

/* ── The queue ── */

/* The loop is not to sleep beyond that. */
static void due_at(struct tasks *t, int64_t at_ms)
{
    if (at_ms < t->loop->due_ms)
        t->loop->due_ms = at_ms;
}

void leat__task_queue(struct task *task)
{
    struct tasks *t = task->home;
    due_at(t, t->loop->now_ms);
    if (task->queued)
        return;
    task->queued = true;
    task->next_ready = 0;
    if (t->ready_last != 0)
        t->all[t->ready_last - 1].next_ready = task->index + 1;
    else
        t->ready_first = task->index + 1;
    t->ready_last = task->index + 1;
}

static struct task *dequeue(struct tasks *t)
{
    struct task *task = task_at(t, t->ready_first);
    if (task == NULL)
        return NULL;
    t->ready_first = task->next_ready;
    if (t->ready_first == 0)
        t->ready_last = 0;
    task->queued = false;
    return task;
}

void leat__task_make_ready(struct task *task, int result)
{
    if (task->state != TASK_WAITING)
        return;
    task->state = TASK_READY;
    task->result = result;
    leat__timers_clear(&task->home->timers, &task->timer);
}

void leat__task_wake(struct task *task, int result)
{
    if (task->state != TASK_WAITING)
        return;
    leat__task_make_ready(task, result);
    leat__task_queue(task);
}

void leat__task_cancel(struct task *task)
{
    task->canceled = true;
    if (!task->deaf)
        leat__task_wake(task, -ECANCELED);
}

void leat__tasks_cancel_all(struct tasks *t)
{
    for (uint32_t i = 0; i < t->stacks->touched && t->live > 0; i++)
        if (t->all[i].state != TASK_FREE && t->all[i].exchange == NULL && &t->all[i] != t->warm)
            leat__task_cancel(&t->all[i]);
}

/* The warm stack, unless somebody runs on it now; else another. */
static struct task *acquire_warmest(struct tasks *t)
{
    struct task *task = t->warm;
    if (task == NULL || task == t->current)
        return acquire(t);
    t->warm = NULL;
    return task;
}

static void go_spawned(struct task *task)
{
    leat__task_go_on(task);
}

struct task *leat__task_spawn(struct tasks *t, void (*function)(void *argument), void *argument)
{
    struct task *task = t->closing ? NULL : acquire_warmest(t);
    if (task == NULL)
        return NULL;
    task->exchange = NULL;
    task->function = function;
    task->argument = argument;
    task->go = go_spawned;
    task->state = TASK_NEW;
    t->live++;
    leat__task_queue(task);
    return task;
}

static void wake_whose_time_has_come(struct tasks *t)
{
    struct timer *timer;
    while ((timer = leat__timers_take(&t->timers, t->loop->now_ms)) != NULL) {
        struct task *task = (struct task *)(void *)((char *)timer - offsetof(struct task, timer));
        if (t->loop->metrics != NULL)
            metrics_record(&t->loop->metrics->lateness,
                           ticks_of_ms((uint64_t)(t->loop->now_ms - timer->at_ms)));
        leat__task_wake(task, task->deadline_ms <= t->loop->now_ms ? -ETIMEDOUT : -ETIME);
    }
}

void leat__tasks_turn(struct tasks *t)
{
    wake_whose_time_has_come(t);
    uint32_t last = t->ready_last;
    for (unsigned i = 0; i < TASK_TURN_MAX && last != 0; i++) {
        struct task *task = dequeue(t);
        bool was_last = task->index + 1 == last; /* what became ready meanwhile waits for the next turn */
        if (task->state == TASK_READY || task->state == TASK_NEW)
            task->go(task);
        if (was_last)
            break;
    }
    due_at(t, t->ready_first != 0 ? t->loop->now_ms : leat__timers_next_ms(&t->timers));
}

/* ── Handles ── */

enum { HANDLE_INDEX_BITS = 22, HANDLE_HOME_SHIFT = HANDLE_INDEX_BITS + 32 };

uint64_t leat__task_handle(struct task *task)
{
    task->marked = true;
    return (uint64_t)task->home->home << HANDLE_HOME_SHIFT |
           (uint64_t)task->generation << HANDLE_INDEX_BITS | task->index;
}

uint32_t leat__task_home(uint64_t handle)
{
    return (uint32_t)(handle >> HANDLE_HOME_SHIFT);
}

struct task *leat__task_find(struct tasks *t, uint64_t handle)
{
    uint32_t index = handle & ((1u << HANDLE_INDEX_BITS) - 1);
    if (leat__task_home(handle) != t->home || index >= t->stacks->touched)
        return NULL;
    struct task *task = &t->all[index];
    return task->state != TASK_FREE && task->generation == (uint32_t)(handle >> HANDLE_INDEX_BITS)
               ? task
               : NULL;
}

/* ── Waiting ── */

int64_t leat__task_set_deadline(struct task *task, int64_t deadline_ms)
{
    int64_t before_ms = task->deadline_ms;
    task->deadline_ms = deadline_ms;
    task->marked = true;
    return before_ms;
}

/* The loop's clock stands still during a turn, which may be a long one. */
int64_t leat__tasks_in_ms(const struct tasks *t, uint64_t ms)
{
    const struct loop *loop = t->loop;
    int64_t now = loop->backend == &leat__loop_sim ? loop->now_ms : leat__clock_now_ms();
    uint64_t most = (uint64_t)(INT64_MAX - now - 1);
    return ms >= most ? INT64_MAX : now + (int64_t)ms + (ms > 0);
}

static int wait_until(struct tasks *t, struct task *task, int64_t at_ms)
{
    if (at_ms != INT64_MAX) {
        leat__timers_set(&t->timers, &task->timer, at_ms);
        due_at(t, at_ms);
    }
    task->state = TASK_WAITING;
    suspend(t, task);
    return task->result;
}

/* The same of a task that is there. */
static int wait_if_may(struct tasks *t, struct task *task, int64_t until_ms)
{
    if (task_stack_left(t) < TASK_STACK_LEFT)
        return -EOVERFLOW;
    if (UNLIKELY(task->canceled))
        return -ECANCELED;
    if (UNLIKELY(task->deadline_ms <= t->loop->now_ms))
        return -ETIMEDOUT;
    return wait_until(t, task, until_ms < task->deadline_ms ? until_ms : task->deadline_ms);
}

int leat__task_wait(struct tasks *t, int64_t until_ms)
{
    struct task *task = t != NULL ? t->current : NULL;
    if (task == NULL)
        return -EPERM;
    int result = wait_if_may(t, task, until_ms);
    PROBE(wait_end, task, task->exchange, result);
    return result;
}

int leat__task_yield(struct tasks *t)
{
    struct task *task = t != NULL ? t->current : NULL;
    if (task == NULL)
        return -EPERM;
    if (task->canceled)
        return -ECANCELED;
    if (task->deadline_ms != INT64_MAX && task->deadline_ms <= leat__tasks_in_ms(t, 0))
        return -ETIMEDOUT;
    PROBE(wait_begin, task, task->exchange, probe_text("turn"));
    task->state = TASK_WAITING;
    leat__task_wake(task, 0);
    suspend(t, task);
    PROBE(wait_end, task, task->exchange, task->result);
    return task->result;
}

int leat__task_wait_deaf(struct tasks *t, int64_t until_ms)
{
    struct task *task = t != NULL ? t->current : NULL;
    if (task == NULL)
        return -EPERM;
    task->deaf = true;
    int result = wait_until(t, task, until_ms);
    task->deaf = false;
    PROBE(wait_end, task, task->exchange, result);
    return result;
}
