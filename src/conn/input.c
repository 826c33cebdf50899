/* input.c: the bytes that a connection has received and not yet used: a queue of receive buffers.
 *
 * In the steady case there is one buffer, lent by the loop for the length of on_recv, parsed in place and never copied.
 * When something is left of it at the end of on_recv, the buffer is kept (conn.c asks the loop for it). Bytes that
 * follow are copied behind it while they fit, else queued. A head must lie in one piece: join moves it, into a
 * large buffer when it has to. */
#include "conn/conn.h"
#include <errno.h>

static bool is_large(const struct conns *c, const struct buffer *b)
{
    const struct buffer_pool *larges = &c->memory.larges;
    return b >= larges->headers && b < larges->headers + larges->count;
}

static uint32_t capacity_of(const struct conns *c, const struct buffer *b)
{
    return is_large(c, b) ? c->memory.larges.capacity : c->memory.receive.capacity;
}

static void let_go(struct conns *c, struct buffer *b)
{
    if (b == c->lent)
        c->lent = NULL; /* the loop has it still */
    else if (is_large(c, b))
        buffer_release(&c->memory.larges, b);
    else
        loop_give_back(&c->loop, b);
}

void leat__input_add(struct conns *c, struct leat_exchange *x, struct buffer *b)
{
    struct buffer *last = x->input_last;
    b->next = NULL;
    if (LIKELY(last == NULL)) {
        x->input = x->input_last = b;
        return;
    }
    uint32_t size = b->end - b->start;
    if (capacity_of(c, last) - last->end >= size) {
        memcpy(last->data + last->end, b->data + b->start, size);
        last->end += size;
        let_go(c, b);
        return;
    }
    last->next = b;
    x->input_last = b;
}

static void drop_first(struct conns *c, struct leat_exchange *x)
{
    struct buffer *first = x->input;
    x->input = first->next;
    if (x->input == NULL)
        x->input_last = NULL;
    let_go(c, first);
}

bool leat__input_next(struct conns *c, struct leat_exchange *x)
{
    while (x->input != NULL && x->input->start == x->input->end)
        drop_first(c, x);
    return x->input != NULL;
}

void leat__input_drop(struct conns *c, struct leat_exchange *x)
{
    while (x->input != NULL)
        drop_first(c, x);
}

/* Moves as many octets of the second buffer behind the first's as fit. */
static int pull(struct conns *c, struct leat_exchange *x)
{
    struct buffer *first = x->input, *second = first->next;
    size_t n = size_min(capacity_of(c, first) - first->end, second->end - second->start);
    if (n == 0)
        return -E2BIG;
    memcpy(first->data + first->end, second->data + second->start, n);
    first->end += (uint32_t)n;
    second->start += (uint32_t)n;
    if (second->start == second->end) {
        first->next = second->next;
        if (x->input_last == second)
            x->input_last = first;
        let_go(c, second);
    }
    return 1;
}

int leat__input_join(struct conns *c, struct leat_exchange *x)
{
    struct buffer *first = x->input;
    if (first->next == NULL)
        return 0;
    uint32_t size = first->end - first->start;
    if (first->start > 0) {
        memmove(first->data, first->data + first->start, size);
        first->start = 0;
        first->end = size;
    }
    if (size + (first->next->end - first->next->start) <= capacity_of(c, first) || is_large(c, first))
        return pull(c, x);
    struct buffer *large = buffer_acquire(&c->memory.larges);
    if (large == NULL)
        return -ENOMEM;
    memcpy(large->data, first->data, size);
    large->end = size;
    large->next = first->next;
    x->input = large;
    let_go(c, first);
    return pull(c, x);
}

char *leat__input_peek(struct leat_exchange *x, size_t *size)
{
    struct buffer *b = x->input;
    if (b != NULL && b->start == b->end)
        b = b->next;
    *size = b ? b->end - b->start : 0;
    return b ? b->data + b->start : NULL;
}

void leat__input_skip(struct conns *c, struct leat_exchange *x, size_t n)
{
    struct buffer *first = x->input, *second = first->next;
    if (first->start < first->end) {
        first->start += (uint32_t)n;
        if (first->start == first->end)
            first->start = first->end = x->head_end; /* room for what follows, behind the head */
        return;
    }
    second->start += (uint32_t)n;
    if (second->start == second->end) {
        first->next = second->next;
        if (x->input_last == second)
            x->input_last = first;
        let_go(c, second);
    }
}

size_t leat__input_take(struct conns *c, struct leat_exchange *x, char *out, size_t size)
{
    size_t taken = 0, here;
    const char *bytes;
    while (taken < size && (bytes = leat__input_peek(x, &here)) != NULL) {
        size_t n = size_min(here, size - taken);
        memcpy(out + taken, bytes, n);
        leat__input_skip(c, x, n);
        taken += n;
    }
    return taken;
}
