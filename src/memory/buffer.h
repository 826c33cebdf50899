/* buffer.h: memory of fixed capacity, borrowed only while bytes are in it.
 *
 * A buffer is a small header from a table and a stretch of pages that is always the same. The free ones are one LIFO
 * list of headers, so the warmest is used next, a chain goes back in one step, and a free buffer's pages can be
 * trimmed one by one: the header remembers whether they may be resident. */
#ifndef LEAT_BUFFER_H
#define LEAT_BUFFER_H

#include "base/base.h"
#include "memory/region.h"

/* Readable bytes behind the end of every buffer's data, so that parsers may look ahead with wide loads. */
enum { BUFFER_SLACK = 64 };

struct buffer {
    struct buffer *next;    /* free list, or the holder's chain */
    char *data;             /* capacity bytes + BUFFER_SLACK */
    uint32_t start, end;    /* the holder's: bytes [start, end) are meant */
    uint32_t index;         /* in its pool */
    bool resident;          /* may have pages */
    bool lent;              /* the holder's mark: belongs to the kernel's ring */
};

struct buffer_pool {
    struct buffer *free;
    uint32_t in_use, high, count, touched;  /* touched: headers ever handed out; the rest are not in the list */
    uint32_t capacity;      /* usable bytes each */
    uint32_t stride;        /* bytes from one to the next, a multiple of the page */
    struct buffer *headers;
    char *base;
    uint32_t fail_countdown;
    uint32_t recent_high;
    uint64_t refused;
    const char *name;
    struct buffer *hidden;  /* the free list while fail_countdown runs */
};

/* stride: bytes each with the slack; a multiple of the page. */
size_t leat__buffer_pool_footprint(size_t stride, size_t count);
void leat__buffer_pool_init(struct buffer_pool *p, struct region *r, const char *name, size_t stride, size_t count);

struct buffer *leat__buffer_acquire_slow(struct buffer_pool *p);

/* NULL when empty: counted. start and end are 0. */
static inline struct buffer *buffer_acquire(struct buffer_pool *p)
{
    struct buffer *b = p->free;
    if (UNLIKELY(b == NULL))
        return leat__buffer_acquire_slow(p);
    p->free = b->next;
    b->next = NULL;
    b->start = b->end = 0;
    b->resident = true;
    if (UNLIKELY(++p->in_use > p->high))
        p->high = p->in_use;
    return b;
}

static inline void buffer_release(struct buffer_pool *p, struct buffer *b)
{
    ASSERT_DEBUG(b == &p->headers[b->index]);
    b->next = p->free;
    p->free = b;
    p->in_use--;
}

/* A chain of count buffers from first to last, in one step. */
static inline void buffer_release_chain(struct buffer_pool *p, struct buffer *first, struct buffer *last, uint32_t count)
{
    last->next = p->free;
    p->free = first;
    p->in_use -= count;
}

/* Idle turns: gives back the pages of free buffers beyond what the recent high water needs, at most budget bytes. */
size_t leat__buffer_pool_trim(struct buffer_pool *p, size_t budget);
void leat__buffer_pool_check(const struct buffer_pool *p);
void leat__buffer_pool_fail_at(struct buffer_pool *p, uint32_t n);  /* as leat__pool_fail_at */

#endif
