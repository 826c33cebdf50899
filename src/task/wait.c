/* wait.c: the waiting functions that programs call: each suspends the task it is called on, and -EPERM outside of one. */
#define _GNU_SOURCE 1 /* POLLRDHUP */
#include "leat/leat.h"
#include "observe/probes.h"
#include "task/homes.h"
#include "task/task.h"
#include <errno.h>
#include <poll.h>

int leat_sleep_ms(uint64_t ms)
{
    struct tasks *t = leat__tasks_here;
    if (t == NULL || t->current == NULL)
        return -EPERM;
    PROBE(wait_begin, t->current, t->current->exchange, probe_text("time"));
    int result = leat__task_wait(t, leat__tasks_in_ms(t, ms));
    return result == -ETIME ? 0 : result;
}

static int64_t until_of(const struct tasks *t, int64_t timeout_ms)
{
    return timeout_ms < 0 ? INT64_MAX : leat__tasks_in_ms(t, (uint64_t)timeout_ms);
}

int leat_wait_fd(int fd, int events, int64_t timeout_ms)
{
    struct tasks *t = leat__tasks_here;
    struct task *task = t != NULL ? t->current : NULL;
    if (task == NULL)
        return -EPERM;
    uint32_t serial = ++task->serial;
    int armed = loop_arm_poll(t->loop, fd, (unsigned)events, task->index, serial);
    if (armed == -EPERM) /* a file: ready as far as the kernel will say */
        return events;
    if (armed < 0)
        return armed;
    PROBE(wait_begin, task, task->exchange, probe_text("descriptor"));
    int result = leat__task_wait(t, until_of(t, timeout_ms));
    if (task->serial == serial) { /* it has not come */
        loop_cancel_poll(t->loop, fd, task->index, serial);
        task->serial++;
    }
    return result;
}

void leat__tasks_on_poll(struct tasks *t, uint32_t index, uint32_t serial, int events)
{
    struct task *task = &t->all[index];
    if (task->serial != serial)
        return;
    task->serial++; /* also when its time came first: there is nothing to cancel any more */
    leat__task_wake(task, events);
}

/* ── Tasks ── */

leat_task leat_spawn(void (*function)(void *argument), void *argument)
{
    struct tasks *t = leat__tasks_here;
    struct task *task = t != NULL ? leat__task_spawn(t, function, argument) : NULL;
    return task != NULL ? leat__task_handle(task) : 0;
}

leat_task leat_task_self(void)
{
    struct tasks *t = leat__tasks_here;
    return t != NULL && t->current != NULL ? leat__task_handle(t->current) : 0;
}

int leat_join(leat_task handle, int64_t timeout_ms)
{
    struct tasks *t = leat__tasks_here;
    struct task *self = t != NULL ? t->current : NULL;
    if (self == NULL)
        return -EPERM;
    if (handle != 0 && leat__task_home(handle) != t->home)
        return -EXDEV;
    struct task *task = leat__task_find(t, handle);
    if (task == self)
        return -EDEADLK;
    if (task == NULL)
        return 0; /* it has ended */
    self->next_waiter = task->waiters;
    task->waiters = self->index + 1;
    PROBE(wait_begin, self, self->exchange, probe_text("task"));
    int result = leat__task_wait(t, until_of(t, timeout_ms));
    task = result < 0 ? leat__task_find(t, handle) : NULL;
    if (task == NULL)
        return result;
    uint32_t *link = &task->waiters; /* it goes on without us */
    while (*link != self->index + 1)
        link = &t->all[*link - 1].next_waiter;
    *link = self->next_waiter;
    return result;
}

int leat_cancel(leat_task handle)
{
    struct tasks *t = leat__tasks_here;
    struct task *task = t != NULL ? leat__task_find(t, handle) : NULL;
    if (task == NULL)
        return -ESRCH;
    leat__task_cancel(task);
    return 0;
}

bool leat_is_canceled(void)
{
    const struct tasks *t = leat__tasks_here;
    const struct task *task = t != NULL ? t->current : NULL;
    if (task == NULL || task->canceled)
        return task != NULL;
    /* By the clock as it is: the loop's stands still while somebody computes. */
    return task->deadline_ms != INT64_MAX && task->deadline_ms <= leat__tasks_in_ms(t, 0);
}

static int wait_parked(struct tasks *t, const struct task *task, int64_t timeout_ms)
{
    PROBE(wait_begin, task, task->exchange, probe_text("unpark"));
    return leat__task_wait(t, until_of(t, timeout_ms));
}

int leat_park(int64_t timeout_ms)
{
    struct tasks *t = leat__tasks_here;
    struct task *task = t != NULL ? t->current : NULL;
    if (task == NULL)
        return -EPERM;
    task->parked = true;
    int result = task->called ? 0 : wait_parked(t, task, timeout_ms);
    task->parked = false;
    if (result == -ETIME && task->called)
        result = 0; /* the call came between its time and now */
    if (result == 0)
        task->called = false;
    return result;
}

void leat__tasks_unpark(struct tasks *t, leat_task handle)
{
    struct task *task = leat__task_find(t, handle);
    if (task == NULL)
        return;
    task->called = true;
    if (task->parked)
        leat__task_wake(task, 0);
}

int leat_unpark(leat_task handle)
{
    struct tasks *t = leat__tasks_here;
    uint32_t home = leat__task_home(handle);
    if (t != NULL && t->home == home) {
        leat__tasks_unpark(t, handle);
        return 0;
    }
    struct mail mail = {.kind = MAIL_UNPARK, .value = handle};
    return leat__home_post(home, &mail);
}

int leat_yield(void)
{
    return leat__task_yield(leat__tasks_here);
}
