/* sending.c: what is to be sent next. Nearly always everything at once: the output, and perhaps one content that the
 * response refers to. A file goes out in windows, so that before each of them we can ask whether it is in memory, and have
 * it fetched by a worker when it is not: the loop never waits for the disk. A response of several ranges is a list of
 * pieces with octets in front of each.
 *
 * x->rest always says what comes next; it moves on only when that has been put into the send. So asking again after a WAIT
 * gives the same parts, this time with the window in memory. */
#include "exchange/exchange.h"
#include "loop/file.h"

struct fetch {
    struct work work;
    int fd;
    uint64_t offset, size;
};

static void add_part(struct loop_send *send, const char *data, size_t size)
{
    if (size > 0)
        send->parts[send->part_count++] = (struct iovec){.iov_base = (void *)(uintptr_t)data,
                                                         .iov_len = size};
}

/* ── A window of a file ── */

static void run_fetch(struct work *work)
{
    const struct fetch *f = (const struct fetch *)(const void *)work;
    leat__file_warm(f->fd, f->offset, f->size);
}

static void end_fetch(struct leat_exchange *x, struct work *work)
{
    (void)work;
    if (x != NULL)
        x->rest.warm = true;
}

static enum send_next fetch(struct leat_exchange *x, uint64_t size)
{
    struct fetch *f = pool_acquire(&x->common->memory->works);
    if (f == NULL) {
        x->flags |= X_RETRY;
        return SEND_WAIT;
    }
    f->fd = x->response.file;
    f->offset = x->rest.offset;
    f->size = size;
    leat__exchange_submit(x, &f->work, run_fetch, end_fetch);
    return SEND_WAIT;
}

static bool is_last_piece(const struct response_rest *rest)
{
    return rest->piece_at + 1 >= rest->piece_count;
}

static enum send_next add_window(struct leat_exchange *x)
{
    struct response_rest *rest = &x->rest;
    uint64_t size = rest->left < SEND_WINDOW ? rest->left : SEND_WINDOW;
    if (rest->still != NULL && size == rest->left && is_last_piece(rest)) {
        if (size > SEND_GUARDED)
            size -= SEND_GUARDED;
        else if (!rest->still(rest->still_argument))
            return SEND_BROKEN;
    }
    if (!rest->warm && x->common->workers != NULL &&
        !leat__file_is_resident(x->response.file, rest->offset, size))
        return fetch(x, size);
    x->send.file = x->response.file;
    x->send.file_offset = rest->offset;
    x->send.file_left = size;
    rest->offset += size;
    rest->left -= size;
    rest->warm = false;
    return SEND_NOW;
}

/* ── The rest of a response ── */

static void begin_piece(struct response_rest *rest, uint32_t at)
{
    rest->piece_at = at;
    rest->offset = rest->pieces[at].offset;
    rest->left = rest->pieces[at].size;
}

static enum send_next add_rest(struct leat_exchange *x)
{
    struct response_rest *rest = &x->rest;
    struct loop_send *send = &x->send;
    if (rest->pieces != NULL) {
        const struct response_piece *piece = &rest->pieces[rest->piece_at];
        if (rest->left == piece->size && rest->offset == piece->offset)
            add_part(send, piece->head, piece->head_size);
    }
    if (rest->left > 0 && x->response.file >= 0) {
        enum send_next next = add_window(x);
        if (next != SEND_NOW)
            return next;
    } else if (rest->left > 0) {
        add_part(send, x->response.content + rest->offset, rest->left);
        rest->left = 0;
    }
    x->flags &= (uint16_t)~X_MORE;
    if (rest->left > 0) {
        x->flags |= X_MORE;
    } else if (rest->pieces != NULL && !is_last_piece(rest)) {
        begin_piece(rest, rest->piece_at + 1);
        x->flags |= X_MORE;
    } else if (rest->tail_size > 0 && send->file < 0 && send->part_count < LOOP_SEND_PARTS) {
        add_part(send, rest->tail, rest->tail_size);
        rest->tail_size = 0;
    } else if (rest->tail_size > 0) {
        rest->pieces = NULL; /* they are all out: only the tail is left */
        x->flags |= X_MORE;
    }
    return SEND_NOW;
}

static enum send_next begin_rest(struct leat_exchange *x)
{
    const struct response *r = &x->response;
    add_part(&x->send, r->long_head, r->long_head_size);
    if (r->bare)
        return SEND_NOW;
    if (x->flags & X_PIECES) {
        begin_piece(&x->rest, 0);
    } else {
        x->rest.pieces = NULL;
        x->rest.piece_count = x->rest.tail_size = 0;
        x->rest.piece_at = 0;
        x->rest.offset = r->file_offset;
        x->rest.left = r->content_size;
    }
    return add_rest(x);
}

/* What a handler has written so far: gathered, and from where it lies. */
static enum send_next add_stream(struct leat_exchange *x)
{
    if (x->way.chunk_is_open)
        leat__stream_close_chunk(x);
    add_part(&x->send, x->output, x->output_size);
    if (x->piece_size > 0) {
        add_part(&x->send, x->piece, x->piece_size);
        add_part(&x->send, x->piece_tail, x->piece_tail_size);
    }
    return SEND_NOW;
}

enum send_next leat__exchange_to_send(struct leat_exchange *x)
{
    struct loop_send *send = &x->send;
    send->part_count = 0;
    send->sent = 0;
    send->file = -1;
    send->file_left = 0;
    if (UNLIKELY(x->flags & X_MORE))
        return add_rest(x);
    if (UNLIKELY(x->way.stream != STREAM_NONE))
        return add_stream(x);
    add_part(send, x->output, x->output_size);
    if (LIKELY(!(x->flags & X_BY_REFERENCE)))
        return SEND_NOW;
    return begin_rest(x);
}

uint64_t leat__exchange_unsent(const struct leat_exchange *x)
{
    const struct loop_send *send = &x->send;
    const struct response_rest *rest = &x->rest;
    uint64_t left = send->file_left;
    if (!(x->flags & X_BY_REFERENCE) || x->response.bare)
        return 0;
    for (const struct iovec *part = send->at; part < send->parts + send->part_count; part++)
        left += part->iov_len;
    if (x->flags & X_MORE) {
        left += rest->left;
        for (uint32_t i = rest->piece_at + 1; rest->pieces != NULL && i < rest->piece_count; i++)
            left += rest->pieces[i].size;
    }
    return left < x->response.content_size ? left : x->response.content_size;
}
