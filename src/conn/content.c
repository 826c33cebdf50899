/* content.c: the content of a request, on its way from the queue of bytes: whole into memory, or in pieces to a handler
 * that reads it. What has come is taken; for what has not, the caller waits: a connection in CONTENT, before any handler
 * runs, or a handler's task. */
#include "conn/content.h"
#include <errno.h>

static const char continue_head[] = "HTTP/1.1 100 Continue\r\n\r\n";

void leat__conn_announce_content(struct conns *c, struct leat_exchange *x)
{
    x->way.content = CONTENT_PENDING;
    x->content_read = 0;
    x->content_moved = 0;
    x->content_waited_ms = 0;
    memset(&x->chunked, 0, sizeof x->chunked);
    x->chunked.total_max = leat__conn_content_max(c, x);
    x->chunked.keeps_trailers = true;
}

uint64_t leat__conn_content_max(const struct conns *c, const struct leat_exchange *x)
{
    uint64_t max = x->chain->content_max;
    return x->chain->collects && max > c->common.content_max ? c->common.content_max : max;
}

/* The client waits for 100 (Continue) and has sent nothing of the content: it gets it, behind what came before. */
void leat__conn_await_content(struct leat_exchange *x)
{
    if (!(x->flags & X_CONTINUE_OWED))
        return;
    x->flags &= (uint16_t)~X_CONTINUE_OWED;
    if (x->way.stream != STREAM_NONE)
        return; /* its final response has begun: it will have understood */
    size_t size = sizeof continue_head - 1;
    ASSERT(x->output_size + size <= PLAN_OUTPUT);
    memcpy(x->output + x->output_size, continue_head, size);
    x->output_size += (uint32_t)size;
}

/* ── Into memory ── */

static enum gather refuse(struct leat_exchange *x, unsigned status, const char *detail)
{
    leat__exchange_refuse(x, status, detail);
    return GATHER_REFUSED;
}

/* Reserves the content's whole bound before its first octet is taken. */
static bool reserve(struct conns *c, struct leat_exchange *x)
{
    bool chunked = x->head.flags & HTTP1_CHUNKED;
    size_t bound = chunked ? x->chunked.total_max : x->head.content_length;
    x->content_block = leat__content_acquire(&c->memory.content, bound);
    if (x->content_block == NULL) {
        count_refusal(&c->counters.refused_content, EVENT_REFUSED_CONTENT, "content", x);
        return false;
    }
    x->way.content = CONTENT_READING;
    x->since_ms = c->loop.now_ms;
    x->content_moved = x->content_size;
    return true;
}

static enum gather whole(struct leat_exchange *x)
{
    x->way.content = CONTENT_WHOLE;
    return GATHER_WHOLE;
}

/* Content-Length: in place when all of it is in the first buffer, else gathered in reserved memory. */
static enum gather gather_counted(struct conns *c, struct leat_exchange *x)
{
    struct buffer *in = x->input;
    uint64_t length = x->head.content_length;
    if (x->content_block == NULL) {
        if (in->end - in->start >= length) {
            x->content = in->data + in->start;
            x->content_size = length;
            in->start += (uint32_t)length;
            return whole(x);
        }
        if (!reserve(c, x))
            return refuse(x, 503, "The memory for contents is in use");
    }
    x->content_size += leat__input_take(c, x, x->content_block + x->content_size,
                                        length - x->content_size);
    if (x->content_size < length)
        return GATHER_MORE;
    x->content = x->content_block;
    return whole(x);
}

/* As leat__http1_parse_chunked, with room from the arena for trailer fields when there are some. */
static enum http1_result parse_chunks(struct leat_exchange *x, const char *in, size_t size,
                                      size_t *used, char *out, size_t out_size, size_t *made)
{
    struct http1_chunked *c = &x->chunked;
    enum http1_result result = leat__http1_parse_chunked(c, in, size, used, out, out_size, made);
    if (LIKELY(result != HTTP1_NEED_MORE || !c->wants_room))
        return result;
    c->trailers = arena_alloc(&x->arena, HTTP1_TRAILERS_MAX);
    if (c->trailers == NULL) {
        c->status = 503;
        c->why = "The memory for trailer fields is in use";
        return HTTP1_BAD;
    }
    size_t more_used, more_made;
    result = leat__http1_parse_chunked(c, in + *used, size - *used, &more_used, out + *made,
                                       out_size - *made, &more_made);
    *used += more_used;
    *made += more_made;
    return result;
}

/* Decodes what is here into out. */
static enum http1_result decode_chunks(struct conns *c, struct leat_exchange *x, char *out,
                                       size_t out_size, size_t *made)
{
    enum http1_result result = HTTP1_NEED_MORE;
    size_t size, used, n;
    char *in;
    *made = 0;
    while (result == HTTP1_NEED_MORE && (in = leat__input_peek(x, &size)) != NULL) {
        result = parse_chunks(x, in, size, &used, out + *made, out_size - *made, &n);
        *made += n;
        leat__input_skip(c, x, used);
    }
    return result;
}

/* The first look: decodes what is in the first buffer where it lies (it only gets shorter). All of it here: done
 * without a copy. Else what was made moves to reserved memory. */
static enum http1_result begin_chunked(struct leat_exchange *x)
{
    struct buffer *in = x->input;
    char *start = in->data + in->start;
    size_t size = in->end - in->start, used;
    enum http1_result result = parse_chunks(x, start, size, &used, start,
                                            size_min(size, x->chunked.total_max), &x->content_size);
    x->content = start;
    in->start += (uint32_t)used;
    return result;
}

static enum gather gather_chunked(struct conns *c, struct leat_exchange *x)
{
    enum http1_result result = HTTP1_NEED_MORE;
    if (x->content_block == NULL) {
        result = begin_chunked(x);
        if (result == HTTP1_DONE)
            return whole(x);
        if (result == HTTP1_NEED_MORE && !reserve(c, x))
            return refuse(x, 503, "The memory for contents is in use");
        if (result == HTTP1_NEED_MORE)
            memcpy(x->content_block, x->content, x->content_size);
    }
    if (x->content_block != NULL) {
        size_t made;
        result = decode_chunks(c, x, x->content_block + x->content_size,
                               x->chunked.total_max - x->content_size, &made);
        x->content_size += made;
        x->content = x->content_block;
    }
    if (result == HTTP1_BAD)
        return refuse(x, x->chunked.status, x->chunked.why);
    return result == HTTP1_DONE ? whole(x) : GATHER_MORE;
}

enum gather leat__conn_gather(struct conns *c, struct leat_exchange *x)
{
    return x->head.flags & HTTP1_CHUNKED ? gather_chunked(c, x) : gather_counted(c, x);
}

/* ── For a handler that runs ── */

static struct conns *conns_of(const struct leat_exchange *x)
{
    return (struct conns *)(void *)((char *)x->common - offsetof(struct conns, common));
}

/* Until more has come. 0; else it will not come, and why has been told. */
static int wait_for_content(struct conns *c, struct leat_exchange *x)
{
    int result = leat__exchange_may_wait(x) ? -ECONNRESET : -EPERM;
    if (result != -EPERM && !(x->flags & X_EOF)) {
        leat__conn_await_content(x);
        x->since_ms = c->loop.now_ms - x->content_waited_ms;
        x->way.content = CONTENT_READING;
        x->way.wants = WANT_CONTENT;
        PROBE(wait_begin, c->common.tasks->current, x, probe_text("content"));
        result = leat__task_wait(c->common.tasks, INT64_MAX);
        x->way.wants = WANT_NOTHING;
        x->content_waited_ms = c->loop.now_ms - x->since_ms;
    }
    if (result == -ETIMEDOUT && x->way.refused_status == 0)
        leat__exchange_refuse(x, 408, "The request came too slowly");
    if (result < 0) {
        x->way.content = CONTENT_BROKEN;
        x->flags |= X_CLOSE | X_LINGER; /* what is left of it must not be taken for a request */
    }
    return result;
}

bool leat__conn_collect(struct leat_exchange *x)
{
    struct conns *c = conns_of(x);
    for (;;) {
        enum gather gather = x->input != NULL ? leat__conn_gather(c, x) : GATHER_MORE;
        if (gather != GATHER_MORE)
            return gather == GATHER_WHOLE;
        int error = wait_for_content(c, x);
        if (error < 0) {
            if (x->way.refused_status == 0)
                leat__exchange_refuse(x, 400, "The content did not come whole");
            return false;
        }
    }
}

/* What is here, at most size octets of it. DONE: that was the last. */
static enum http1_result take_piece(struct conns *c, struct leat_exchange *x, char *out,
                                    size_t size, size_t *made)
{
    enum http1_result result = HTTP1_NEED_MORE;
    size_t here, used, n;
    char *in;
    *made = 0;
    if (!(x->head.flags & HTTP1_CHUNKED)) {
        uint64_t left = x->head.content_length - x->content_size;
        *made = leat__input_take(c, x, out, size < left ? size : (size_t)left);
        return *made == left ? HTTP1_DONE : HTTP1_NEED_MORE;
    }
    while (result == HTTP1_NEED_MORE && *made < size && (in = leat__input_peek(x, &here)) != NULL) {
        result = parse_chunks(x, in, size_min(here, size - *made), &used, out + *made, size - *made, &n);
        *made += n;
        leat__input_skip(c, x, used);
    }
    return result;
}

int64_t leat__conn_read(struct leat_exchange *x, void *bytes, size_t size)
{
    struct conns *c = conns_of(x);
    for (;;) {
        size_t made;
        enum http1_result result = take_piece(c, x, bytes, size, &made);
        x->content_size += made;
        if (result == HTTP1_BAD) {
            leat__exchange_refuse(x, x->chunked.status, x->chunked.why);
            return x->chunked.status == 413 ? -EMSGSIZE : -EBADMSG;
        }
        x->way.content = result == HTTP1_DONE ? CONTENT_READ : CONTENT_READING;
        if (made > 0 || result == HTTP1_DONE)
            return (int64_t)made;
        int error = wait_for_content(c, x);
        if (error < 0)
            return error;
    }
}

/* Nobody reads the rest. When it is here already it is skipped, and the connection lives on; else waiting for it could
 * take for ever. */
void leat__conn_leave(struct leat_exchange *x)
{
    struct conns *c = conns_of(x);
    char nowhere[512];
    size_t made;
    enum http1_result result;
    do {
        result = take_piece(c, x, nowhere, sizeof nowhere, &made);
        x->content_size += made;
    } while (result == HTTP1_NEED_MORE && made > 0);
    if (result == HTTP1_DONE)
        x->way.content = CONTENT_READ;
    else
        x->flags |= X_CLOSE | X_LINGER;
}
