/* timeout.c: what is behind it has so much time.
 *
 * The limit is the handler's task's deadline: when it has passed, every wait answers -ETIMEDOUT, and the handler comes to
 * its end by its own code. The loop's clock stands still while a handler runs without waiting, so a deadline that has
 * passed when the handler returns is one that cut a wait. */
#include "exchange/exchange.h"
#include "handler/middleware.h"

#include <errno.h>

enum { TIMEOUT_DEFAULT_MS = 30000 };

struct timeout {
    uint32_t ms;
    int status;
};

static void tell_late(leat_exchange *x, const struct timeout *timeout)
{
    const struct app_hooks *hooks = x->common->routes->hooks;
    struct event_fields fields;
    leat__exchange_tell(x, &fields);
    leat__event_with(EVENT_HANDLER_LATE, &fields, "a handler took longer than the %u ms it has",
                     timeout->ms);
    for (uint32_t i = 0; hooks != NULL && i < hooks->deadline_count; i++)
        hooks->on_deadline[i].function(x, hooks->on_deadline[i].argument);
    if (!(x->flags & X_SENT))
        leat_problem(x, timeout->status, "The answer took too long");
    else if (x->way.write_error == 0)
        x->way.write_error = -ETIMEDOUT;
}

void leat_timeout(leat_exchange *x)
{
    const struct timeout *timeout = leat_data(x);
    struct tasks *tasks = x->common->tasks;
    if (timeout == NULL || !leat__exchange_may_wait(x)) {
        leat_next(x);
        return;
    }
    struct task *task = tasks->current;
    int64_t deadline_ms = leat__tasks_in_ms(tasks, timeout->ms), before_ms = task->deadline_ms;
    if (before_ms <= deadline_ms) { /* the one further out comes first, and tells */
        leat_next(x);
        return;
    }
    leat__task_set_deadline(task, deadline_ms);
    leat_next(x);
    leat__task_set_deadline(task, before_ms);
    if (tasks->loop->now_ms >= deadline_ms)
        tell_late(x, timeout);
}

void *leat_timeout_create_sized(leat_app *app, const leat_timeout_options *given, size_t given_size)
{
    leat_timeout_options options;
    options_take(&options, sizeof options, given, given_size);
    if (options.status != 0 && options.status != 503 && options.status != 504) {
        leat__app_error(app, "leat_timeout: status is 503 or 504, not %d", options.status);
        return NULL;
    }
    struct timeout *timeout = leat__middleware_alloc(app, sizeof *timeout);
    timeout->ms = options.ms != 0 ? options.ms : TIMEOUT_DEFAULT_MS;
    timeout->status = options.status != 0 ? options.status : 503;
    return timeout;
}
