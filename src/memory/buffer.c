/* buffer.c: the slow ways of a buffer pool. See buffer.h.
 *
 * What must always be true: warm == in_use + the length of the free list (or of hidden), and touched == warm + the
 * length of the cold list. */
#include "memory/buffer.h"

/* A poisoned stretch at the start of a free buffer is enough to notice most strangers, and cheap enough for tests of
 * large pools; a sanitizer watches all of it. */
enum { BUFFER_POISON = 256 };

size_t leat__buffer_pool_footprint(size_t stride, size_t count)
{
    return stride * count + align_up(count * sizeof(struct buffer), CACHE_LINE);
}

void leat__buffer_pool_init(struct buffer_pool *p, struct region *r, const char *name,
                            size_t stride, size_t count)
{
    ASSERT(stride != 0 && stride % PAGE_SIZE_BYTES == 0 && stride <= UINT32_MAX);
    ASSERT(count <= UINT32_MAX / 2);
    *p = (struct buffer_pool){
        .count = (uint32_t)count,
        .capacity = (uint32_t)stride - BUFFER_SLACK,
        .stride = (uint32_t)stride,
        .name = name,
    };
    p->base = leat__region_take(r, stride * count, PAGE_SIZE_BYTES);
    p->headers = leat__region_take(r, align_up(count * sizeof(struct buffer), CACHE_LINE), CACHE_LINE);
    poison_close(p->base, stride * count);
}

/* A buffer without pages: one that was trimmed before one that was never touched, so that the headers in use stay few. */
static struct buffer *take_cold(struct buffer_pool *p)
{
    struct buffer *b = p->cold;
    if (b != NULL) {
        p->cold = b->next;
    } else if (p->touched < p->count) {
        b = &p->headers[p->touched];
        b->index = p->touched++;
        b->data = p->base + (size_t)b->index * p->stride;
    } else {
        return NULL;
    }
    p->warm++;
    if (MEMORY_CHECKED)
        poison_fill(b->data, BUFFER_POISON);
    return b;
}

static struct buffer *take_hidden(struct buffer_pool *p)
{
    struct buffer *b = p->hidden;
    if (b != NULL)
        p->hidden = b->next;
    return b;
}

struct buffer *leat__buffer_acquire_slow(struct buffer_pool *p)
{
    struct buffer *b = NULL;
    if (p->fail_countdown == 1) {
        leat__buffer_pool_fail_at(p, 0);
    } else {
        if (p->fail_countdown != 0) {
            p->fail_countdown--;
            b = take_hidden(p);
        }
        if (b == NULL)
            b = take_cold(p);
    }
    if (b == NULL) {
        p->refused++;
        return NULL;
    }
    b->next = NULL;
    b->start = b->end = 0;
    buffer_count(p);
#if MEMORY_CHECKED
    leat__buffer_check_acquired(p, b);
#endif
    return b;
}

void leat__buffer_release_hidden(struct buffer_pool *p, struct buffer *first, struct buffer *last)
{
    last->next = p->hidden;
    p->hidden = first;
}

void leat__buffer_pool_fail_at(struct buffer_pool *p, uint32_t n)
{
    if (p->fail_countdown == 0) {
        p->hidden = p->free;
        p->free = NULL;
    }
    if (n == 0) {
        p->free = p->hidden;
        p->hidden = NULL;
    }
    p->fail_countdown = n;
}

size_t leat__buffer_pool_trim(struct buffer_pool *p, uint32_t keep, size_t budget)
{
    if (p->warm <= keep || p->fail_countdown != 0)
        return 0;
    /* The warmest stay: the list's tail was not needed for the longest. */
    struct buffer **at = &p->free;
    for (uint32_t stay = keep > p->in_use ? keep - p->in_use : 0; stay > 0 && *at != NULL; stay--)
        at = &(*at)->next;
    size_t given = 0;
    while (*at != NULL && given + p->stride <= budget) {
        struct buffer *b = *at;
        *at = b->next;
        leat__region_drop(b->data, p->stride);
        b->next = p->cold;
        p->cold = b;
        p->warm--;
        given += p->stride;
    }
    return given;
}

static uint32_t check_list(const struct buffer_pool *p, const struct buffer *b)
{
    uint32_t length = 0;
    for (; b != NULL; b = b->next) {
        ASSERT(length++ < p->touched);
        ASSERT(b == &p->headers[b->index] && b->index < p->touched);
        ASSERT(b->data == p->base + (size_t)b->index * p->stride);
        ASSERT(!b->held);
    }
    return length;
}

void leat__buffer_pool_check(const struct buffer_pool *p)
{
    ASSERT(p->fail_countdown == 0 ? p->hidden == NULL : p->free == NULL);
    uint32_t free = check_list(p, p->free) + check_list(p, p->hidden);
    ASSERT(p->warm == p->in_use + free);
    ASSERT(p->touched == p->warm + check_list(p, p->cold) && p->touched <= p->count);
    ASSERT(p->in_use <= p->recent_high && p->recent_high <= p->high && p->high <= p->count);
}

void leat__buffer_check_acquired(struct buffer_pool *p, struct buffer *b)
{
    ASSERT(b == &p->headers[b->index] && b->index < p->touched);
    bool was_free = !b->held;
    ASSERT(was_free);
    b->held = true;
    poison_open(b->data, p->stride);
    bool untouched_since_release = poison_is_whole(b->data, BUFFER_POISON);
    ASSERT(untouched_since_release);
}

void leat__buffer_check_released(struct buffer_pool *p, struct buffer *first, struct buffer *last,
                                 uint32_t count)
{
    for (struct buffer *b = first;; b = b->next) {
        ASSERT(b >= p->headers && b == &p->headers[b->index] && b->index < p->touched);
        bool released_once = b->held;
        ASSERT(released_once && count > 0);
        b->held = false;
        poison_fill(b->data, BUFFER_POISON);
        poison_close(b->data, p->stride);
        count--;
        if (b == last)
            break;
    }
    ASSERT(count == 0);
}
