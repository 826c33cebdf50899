/* send_path.c: a handler of the program's own answers with a file. The walk is file_prepare.c's; where that stops for a
 * worker the handler waits, and then it goes on. */
#include "handler/file_prepare.h"
#include "leat/send.h"
#include <errno.h>

/* The one before, if there was one: it answers no more. */
static void drop_earlier(struct leat_exchange *x)
{
    response_forget(x);
    if (!(x->flags & X_PREPARED))
        return;
    x->flags &= (uint16_t)~X_PREPARED;
    x->let_go(x, x->prepared);
}

static int error_of(int status)
{
    switch (status) {
    case 403:
        return -EACCES;
    case 404:
        return -ENOENT;
    case 503:
        return -EAGAIN;
    default:
        return -EIO;
    }
}

/* What was made ready becomes the response. */
static int answer(struct leat_exchange *x, struct leat_files *files, struct prepared *p)
{
    if (x->head.method != HTTP_GET && x->head.method != HTTP_HEAD)
        p->conditions = NULL; /* they mean the target of the request, which is not this file */
    switch ((enum prepared_kind)p->kind) {
    case PREPARED_FILE:
        leat__files_serve(x, files);
        return 0;
    case PREPARED_BUNDLE:
        return leat__file_send_bundle(x, p);
    case PREPARED_STATUS:
        return error_of(p->status);
    default:
        return -EISDIR;
    }
}

int leat_send_path(leat_exchange *x, leat_files *files, const char *name)
{
    if (x->flags & X_SENT)
        return -EALREADY;
    if (*name == '/')
        name++;
    if (*name == '\0' || !leat__files_is_servable(name))
        return -ENOENT;
    drop_earlier(x);
    size_t size = strlen(name) + 1;
    char *path = leat_alloc(x, size);
    if (path == NULL)
        return -ENOMEM;
    memcpy(path, name, size);
    while (leat__files_prepare_named(x, files, path) == PREPARE_WAIT) {
        int error = leat__exchange_await_work(x);
        if (error < 0)
            return error;
    }
    return x->flags & X_PREPARED ? answer(x, files, x->prepared) : -ENOMEM;
}
