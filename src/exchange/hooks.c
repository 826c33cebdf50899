/* hooks.c: the functions that a program has called at turning points, the notes that middleware leaves on a request. What
 * calls the hooks lies where the turning points are: conn/ when a connection comes, problem.c when an error goes out,
 * handler/timeout.c when a handler is late. An app without hooks has none of this: routes->hooks is NULL. */
#include "exchange/exchange.h"
#include "memory/seal.h"
#include <errno.h>

/* The app's hooks; NULL: refused, and remembered. */
static struct app_hooks *hooks_for(leat_app *app, const char *what, bool has_function)
{
    leat_app *root = leat__app_root(app);
    if (!has_function) {
        leat__app_error(app, "%s: the function is NULL", what);
        return NULL;
    }
    if (root->hooks == NULL) {
        root->hooks = leat__start_alloc(sizeof *root->hooks);
        leat__app_keep(root, root->hooks, leat__start_free);
    }
    return root->hooks;
}

static bool has_room(leat_app *app, const char *what, uint32_t count)
{
    if (count == APP_HOOKS_MAX)
        leat__app_error(app, "%s: an app has at most %d of them", what, APP_HOOKS_MAX);
    return count < APP_HOOKS_MAX;
}

void leat_on_connect(leat_app *app, bool (*function)(const leat_connection *, void *), void *argument)
{
    struct app_hooks *hooks = hooks_for(app, "leat_on_connect", function != NULL);
    if (hooks != NULL && has_room(app, "leat_on_connect", hooks->connect_count))
        hooks->on_connect[hooks->connect_count++] = (struct app_connect_hook){function, argument};
}

void leat_on_error(leat_app *app, void (*function)(leat_exchange *, int, void *), void *argument)
{
    struct app_hooks *hooks = hooks_for(app, "leat_on_error", function != NULL);
    if (hooks != NULL && has_room(app, "leat_on_error", hooks->error_count))
        hooks->on_error[hooks->error_count++] = (struct app_error_hook){function, argument};
}

void leat_on_deadline(leat_app *app, void (*function)(leat_exchange *, void *), void *argument)
{
    struct app_hooks *hooks = hooks_for(app, "leat_on_deadline", function != NULL);
    if (hooks != NULL && has_room(app, "leat_on_deadline", hooks->deadline_count))
        hooks->on_deadline[hooks->deadline_count++] = (struct app_deadline_hook){function, argument};
}

/* ── Notes ── */

struct exchange_notes *leat__exchange_notes(struct leat_exchange *x)
{
    if (x->notes == NULL) {
        x->notes = arena_alloc(&x->arena, sizeof *x->notes);
        if (x->notes != NULL)
            *x->notes = (struct exchange_notes){0};
    }
    return x->notes;
}

int leat_set_principal(leat_exchange *x, const char *name)
{
    struct exchange_notes *notes = leat__exchange_notes(x);
    size_t size = strlen(name) + 1;
    char *copy = notes != NULL ? arena_alloc(&x->arena, size) : NULL;
    if (copy == NULL)
        return -ENOMEM;
    notes->principal = memcpy(copy, name, size);
    return 0;
}

const char *leat_principal(leat_exchange *x)
{
    return x->notes != NULL ? x->notes->principal : NULL;
}

const char *leat_request_id(leat_exchange *x)
{
    return x->notes != NULL && x->notes->request_id != NULL ? x->notes->request_id : "";
}
