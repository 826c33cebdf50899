/* stream.c: contents in pieces: leat_read, and responses that are written while their handler runs.
 *
 * What is written gathers in the exchange's output, behind the head, in one chunk whose size line has its room already
 * and is filled in when the chunk is closed. When the output is full, when the handler flushes, or when it waits for
 * anything at all, the connection sends what there is. A piece that is larger than what is left of the output is sent from
 * where it lies, in the handler's memory: the handler waits until it is with the kernel, so nothing is copied and a slow
 * client slows its handler down, and nobody else. */
#include "exchange/exchange.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

enum {
    CHUNK_LINE = 6,     /* "hhhh\r\n": a chunk in the output has a size of four digits */
    CHUNK_CLOSE = 2,    /* "\r\n" behind it */
    CHUNK_LARGE = 24,   /* the line of one that is sent from where it lies, at most */
    STREAM_LAST = 8,    /* "0\r\n\r\n" */
    STREAM_COPY = 4096, /* a write up to that is gathered */
    STREAM_TEXT = 4096, /* of leat_writef, with its NUL */
};

_Static_assert(PLAN_OUTPUT < 0x10000, "four digits tell a chunk in the output");
_Static_assert(STREAM_RESERVE < OUTPUT_RESERVE &&
                   STREAM_RESERVE >= CHUNK_LINE + CHUNK_CLOSE + CHUNK_LARGE + STREAM_LAST,
               "a stream can always end");

/* ── Reading ── */

static int64_t read_whole(struct leat_exchange *x, void *bytes, size_t size)
{
    size_t n = size_min(size, (size_t)(x->content_size - x->content_read));
    if (n > 0)
        memcpy(bytes, x->content + x->content_read, n);
    x->content_read += n;
    return (int64_t)n;
}

int64_t leat_source_take(leat_exchange *x, void *bytes, size_t size)
{
    switch ((enum content_state)x->way.content) {
    case CONTENT_NONE:
    case CONTENT_READ:
        return 0;
    case CONTENT_WHOLE:
        return read_whole(x, bytes, size);
    case CONTENT_BROKEN:
    case CONTENT_UNWANTED:
        return -ECONNRESET;
    case CONTENT_PENDING:
    case CONTENT_READING:
        break;
    }
    return size == 0 ? 0 : x->common->carrier->read(x, bytes, size);
}

int64_t leat_read(leat_exchange *x, void *bytes, size_t size)
{
    if (UNLIKELY(x->source != NULL))
        return leat__source_read(x, bytes, size);
    return leat_source_take(x, bytes, size);
}

int64_t leat_content_length(leat_exchange *x)
{
    return x->head.flags & HTTP1_CHUNKED || x->source != NULL ? -1 : (int64_t)x->head.content_length;
}

/* ── Gathering ── */

static int remember(struct leat_exchange *x, int error)
{
    if (error < 0 && x->way.write_error == 0)
        x->way.write_error = (int16_t)error;
    return error;
}

static void put_octets(struct leat_exchange *x, const void *bytes, size_t size)
{
    ASSERT_DEBUG(x->output_size + size <= PLAN_OUTPUT);
    memcpy(x->output + x->output_size, bytes, size);
    x->output_size += (uint32_t)size;
}

static void open_chunk(struct leat_exchange *x)
{
    if (x->way.stream != STREAM_CHUNKED || x->way.chunk_is_open)
        return;
    x->way.chunk_is_open = true;
    x->chunk_at = x->output_size;
    x->output_size += CHUNK_LINE;
}

void leat__stream_close_chunk(struct leat_exchange *x)
{
    if (!x->way.chunk_is_open)
        return;
    static const char hex[] = "0123456789abcdef";
    char *line = x->output + x->chunk_at;
    uint32_t size = x->output_size - x->chunk_at - CHUNK_LINE;
    x->way.chunk_is_open = false;
    if (size == 0) { /* an empty chunk would be the last */
        x->output_size = x->chunk_at;
        return;
    }
    for (int i = 3; i >= 0; i--, size >>= 4)
        line[i] = hex[size & 15];
    memcpy(line + 4, "\r\n", 2);
    put_octets(x, "\r\n", CHUNK_CLOSE);
}

/* Octets that can still be gathered, with all that must be behind them. */
static size_t room_left(const struct leat_exchange *x)
{
    size_t used = x->output_size + (x->way.chunk_is_open ? 0 : CHUNK_LINE) + CHUNK_CLOSE +
                  CHUNK_LARGE + STREAM_LAST + leat__trailers_size(x);
    return used < PLAN_OUTPUT ? PLAN_OUTPUT - used : 0;
}

/* Until the output, and the piece, are with the kernel. It must come before anything else can: the kernel reads this
 * stack. The connection's deadline bounds it, and the handler's own closes the connection. */
static int wait_until_sent(struct leat_exchange *x)
{
    leat__stream_close_chunk(x);
    if (x->way.write_error < 0)
        return x->way.write_error; /* nobody sends any more */
    if (x->output_size == 0 && x->piece_size == 0)
        return 0;
    if (!leat__exchange_may_wait(x))
        return remember(x, -EPERM);
    x->way.wants = WANT_SENT;
    PROBE(wait_begin, x->common->tasks->current, x, probe_text("send"));
    int result = leat__task_wait_deaf(x->common->tasks, x->common->tasks->current->deadline_ms);
    x->way.wants = WANT_NOTHING;
    x->piece_size = x->piece_tail_size = 0;
    return remember(x, result);
}

int leat__stream_flush(struct leat_exchange *x)
{
    return wait_until_sent(x);
}

/* One piece, from where it lies. */
static int send_piece(struct leat_exchange *x, const char *bytes, size_t size)
{
    leat__stream_close_chunk(x);
    if (x->way.stream == STREAM_CHUNKED) {
        char line[CHUNK_LARGE];
        put_octets(x, line, (size_t)snprintf(line, sizeof line, "%zx\r\n", size));
        x->piece_tail = "\r\n";
        x->piece_tail_size = CHUNK_CLOSE;
    }
    x->piece = bytes;
    x->piece_size = (uint32_t)size;
    return wait_until_sent(x);
}

/* There is room for it. */
static void gather(struct leat_exchange *x, const char *bytes, size_t size)
{
    open_chunk(x);
    put_octets(x, bytes, size);
}

int leat_filter_put(leat_exchange *x, const void *bytes, size_t size)
{
    const char *at = bytes;
    enum { PIECE_MAX = 1 << 30 };
    if (x->way.write_error < 0)
        return x->way.write_error;
    if (x->way.stream == STREAM_BARE)
        return 0;
    if (x->way.stream != STREAM_SIZED)
        x->response.content_size += size; /* for the record */
    while (size > room_left(x)) {
        bool large = size > STREAM_COPY;
        size_t n = large ? size_min(size, PIECE_MAX) : room_left(x);
        if (!large && n > 0)
            gather(x, at, n);
        int error = large ? send_piece(x, at, n) : wait_until_sent(x);
        if (error < 0)
            return error;
        at += n;
        size -= n;
    }
    if (size > 0)
        gather(x, at, size);
    return 0;
}

int leat_filter_set(leat_exchange *x, const leat_filter *filter, void *state)
{
    if (x->flags & X_SENT)
        return -EALREADY;
    if (x->filter != NULL)
        return -EBUSY;
    x->filter = filter;
    x->filter_state = state;
    return 0;
}

int leat_filter_replace(leat_exchange *x, const leat_filter *filter, void *state)
{
    if (x->flags & X_SENT)
        return -EALREADY;
    x->filter = filter;
    x->filter_state = state;
    return 0;
}

/* ── Beginning ── */

static int begin(struct leat_exchange *x, int status, const char *media_type, bool sized, uint64_t size)
{
    if (x->flags & X_SENT)
        return -EALREADY;
    if (!leat__exchange_may_wait(x))
        return -EPERM;
    if (x->way.write_error < 0)
        return x->way.write_error;
    x->response.status = 0;
    leat_bytes(x, status, media_type, "", 0);
    if (x->response.status == 0)
        return remember(x, -ENOMEM);
    if (x->filter != NULL) {
        int error = x->filter->begin(x, x->filter_state);
        if (error < 0) {
            x->response.status = 0; /* it is no answer */
            return remember(x, error);
        }
        sized = sized && x->filter == NULL; /* its size is not known any more, unless the filter has left */
    }
    x->response.content_size = sized ? size : 0;
    x->stream_left = size;
    x->way.stream = sized ? STREAM_SIZED : x->head.minor == 0 ? STREAM_TO_CLOSE : STREAM_CHUNKED;
    if (x->trailers != NULL && x->way.stream == STREAM_CHUNKED)
        leat__trailers_announce(x);
    int error = leat__response_begin_stream(x);
    if (error == 0 && x->piece_size > 0) /* a long head */
        error = wait_until_sent(x);
    return remember(x, error);
}

int leat_begin(leat_exchange *x, int status, const char *media_type)
{
    return begin(x, status, media_type, false, 0);
}

int leat_begin_sized(leat_exchange *x, int status, const char *media_type, uint64_t size)
{
    return begin(x, status, media_type, true, size);
}

/* ── Writing ── */

int leat_write(leat_exchange *x, const void *bytes, size_t size)
{
    if (x->way.stream == STREAM_NONE)
        return x->way.write_error < 0 ? x->way.write_error : -EPERM;
    if (x->way.write_error < 0)
        return x->way.write_error;
    if (x->way.stream == STREAM_SIZED) {
        if (size > x->stream_left)
            return remember(x, -EMSGSIZE);
        x->stream_left -= size;
    }
    if (x->filter != NULL)
        return remember(x, x->filter->write(x, x->filter_state, bytes, size));
    return leat_filter_put(x, bytes, size);
}

static __attribute__((noinline)) int write_formatted(leat_exchange *x, const char *format, va_list arguments)
{
    char text[STREAM_TEXT];
    int n = vsnprintf(text, sizeof text, format, arguments);
    if (n < 0)
        return -EINVAL;
    if ((size_t)n < sizeof text)
        return leat_write(x, text, (size_t)n);
    return remember(x, -EMSGSIZE);
}

int leat_writef(leat_exchange *x, const char *format, ...)
{
    va_list arguments;
    if (exchange_lacks_stack(x, TASK_STACK_LEFT + STREAM_TEXT))
        return remember(x, -EOVERFLOW);
    va_start(arguments, format);
    int result = write_formatted(x, format, arguments);
    va_end(arguments);
    return result;
}

int leat_flush(leat_exchange *x)
{
    if (x->way.stream == STREAM_NONE)
        return -EPERM;
    if (x->way.write_error < 0)
        return x->way.write_error;
    if (x->filter != NULL && x->filter->flush != NULL) {
        int error = x->filter->flush(x, x->filter_state);
        if (error < 0)
            return remember(x, error);
    }
    return wait_until_sent(x);
}

/* ── Ending ── */

void leat__stream_finish(struct leat_exchange *x)
{
    if (x->filter != NULL && x->way.write_error == 0)
        remember(x, x->filter->end(x, x->filter_state));
    leat__stream_close_chunk(x);
    if (x->way.is_sse)
        metrics_add(&x->common->metrics->sse_ended, 1);
    if (x->way.stream == STREAM_CHUNKED &&
        leat__trailers_size(x) + STREAM_LAST > PLAN_OUTPUT - x->output_size)
        wait_until_sent(x);
}

static void end_chunked(struct leat_exchange *x)
{
    put_octets(x, "0\r\n", 3);
    if (leat__trailers_size(x) + 2 <= PLAN_OUTPUT - x->output_size)
        for (const struct response_field *f = x->trailers; f != NULL; f = f->next)
            put_octets(x, f->line, f->size);
    put_octets(x, "\r\n", 2);
}

void leat__stream_end(struct leat_exchange *x)
{
    leat__stream_close_chunk(x);
    if (x->common->draining) /* since its head went out */
        x->flags |= X_CLOSE | X_LINGER;
    bool had_memory = x->arena.overflow == ARENA_FINE && !(x->flags & X_NO_MEMORY);
    bool is_whole = had_memory && x->way.write_error == 0 && x->way.refused_status == 0 &&
                    (x->way.stream != STREAM_SIZED || x->stream_left == 0);
    if (!is_whole) {
        x->flags |= X_CLOSE | X_BROKEN; /* the client must not take it for the whole */
        return;
    }
    if (x->way.stream == STREAM_CHUNKED)
        end_chunked(x);
}
