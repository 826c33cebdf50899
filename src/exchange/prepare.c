/* prepare.c: what a prepare function keeps and has done, and responses from memory or files that others own. */
#include "exchange/exchange.h"
#include "leat/wait.h"
#include <errno.h>

void leat__exchange_keep(struct leat_exchange *x, void *prepared,
                         void (*let_go)(struct leat_exchange *x, void *prepared))
{
    ASSERT(!(x->flags & X_PREPARED));
    x->prepared = prepared;
    x->let_go = let_go;
    x->flags |= X_PREPARED;
}

struct work *leat__exchange_work(struct leat_exchange *x)
{
    struct work *work = pool_acquire(&x->common->memory->works);
    if (work == NULL)
        exchange_count_refusal(x, &x->common->counters->refused_work, EVENT_REFUSED_WORK, "work");
    return work;
}

void leat__exchange_submit(struct leat_exchange *x, struct work *work, void (*run)(struct work *),
                           void (*done)(struct leat_exchange *x, struct work *work))
{
    ASSERT(x->work == NULL);
    work->run = run;
    work->done = done;
    work->slot = (uint32_t)(x->slot - x->common->slots);
    x->work = work;
    leat__workers_submit(x->common->workers, work);
}

void leat__exchange_work_done(struct leat_exchange *x, struct work *work, bool gone)
{
    x->work = NULL;
    work->done(gone ? NULL : x, work);
    pool_release(&x->common->memory->works, work);
    if (x->way.wants != WANT_WORK)
        return;
    if (gone)
        leat__task_wake(x->task, -ECANCELED);
    else
        leat__task_make_ready(x->task, 0); /* who calls goes on with it */
}

/* Nothing cuts it short: the work points into the exchange, and its answer belongs there. */
int leat__exchange_await_work(struct leat_exchange *x)
{
    enum { RETRY_MS = 2 };
    if (x->work == NULL) {
        x->flags &= (uint16_t)~X_RETRY;
        return leat_sleep_ms(RETRY_MS);
    }
    x->way.wants = WANT_WORK;
    PROBE(wait_begin, x->common->tasks->current, x, probe_text("file"));
    int result = leat__task_wait_deaf(x->common->tasks, INT64_MAX);
    x->way.wants = WANT_NOTHING;
    return result;
}

/* ── Responses ── */

static void make_lines(struct leat_exchange *x, int status, const char *lines, size_t lines_size,
                       uint64_t size)
{
    leat__response_make(x, status, lines, lines_size, NULL, size);
    x->flags |= X_HOLDS | X_LINES;
}

void leat__response_borrow(struct leat_exchange *x, int status, const char *lines,
                           size_t lines_size, const char *bytes, int fd, uint64_t offset,
                           uint64_t size, leat_release_function *release, void *argument)
{
    struct response *r = &x->response;
    response_forget(x);
    make_lines(x, status, lines, lines_size, size);
    if (bytes != NULL) {
        r->content = bytes + offset;
    } else {
        r->file = fd;
        r->owns_file = false;
        r->file_offset = offset;
    }
    r->release = release;
    r->argument = argument;
}

void leat__response_pieces(struct leat_exchange *x, int status, const char *lines,
                           size_t lines_size, const struct response_piece *pieces, uint32_t count,
                           const char *tail, size_t tail_size, int fd, const char *bytes,
                           leat_release_function *release, void *argument)
{
    struct response *r = &x->response;
    uint64_t size = tail_size;
    response_forget(x);
    for (uint32_t i = 0; i < count; i++)
        size += pieces[i].head_size + pieces[i].size;
    make_lines(x, status, lines, lines_size, size);
    r->content = bytes;
    r->file = bytes != NULL ? -1 : fd;
    r->owns_file = false;
    r->release = release;
    r->argument = argument;
    x->flags |= X_PIECES;
    x->rest.pieces = pieces;
    x->rest.piece_count = count;
    x->rest.tail = tail;
    x->rest.tail_size = (uint32_t)tail_size;
}

void leat__response_guard(struct leat_exchange *x, bool (*still)(void *argument), void *argument)
{
    x->rest.still = still;
    x->rest.still_argument = argument;
    x->flags |= X_HOLDS;
}
