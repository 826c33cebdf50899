/* buffer.h: memory of fixed capacity, borrowed only while bytes are in it.
 *
 * A buffer is a small header from a table and a stretch of pages that is always the same. The free ones whose pages
 * may be resident are one LIFO list of headers, so the warmest is used next and a chain goes back in one step; the
 * trimmed ones are a second list, used when the first is empty; after it come those that were never touched. */
#ifndef LEAT_BUFFER_H
#define LEAT_BUFFER_H

#include "base/base.h"
#include "memory/poison.h"
#include "memory/region.h"

/* Readable bytes behind the end of every buffer's data, so that parsers may look ahead with wide loads. */
enum { BUFFER_SLACK = 64 };

struct buffer {
    struct buffer *next; /* free list, or the holder's chain */
    char *data;          /* capacity bytes + BUFFER_SLACK */
    uint32_t start, end; /* the holder's: bytes [start, end) are meant */
    uint32_t index;      /* in its pool */
    bool lent;           /* the holder's mark: belongs to the kernel's ring */
    bool filled;         /* the holder's too: lent, and may have pages */
    bool held;           /* checked builds: it is out */
};

struct buffer_pool {
    struct buffer *free; /* warm: their pages may be resident */
    uint32_t in_use;
    uint32_t recent_high;    /* high water since the last look of the trimmer */
    uint32_t fail_countdown; /* tests: the n-th acquisition from now fails; 0: off */
    uint32_t high, count;
    uint32_t touched; /* headers ever handed out; the rest are in no list */
    uint32_t standing; /* out for as long as the pool lives (a loop's own); the trimmer takes them off */
    uint32_t warm;     /* buffers whose pages may be resident: in use or in free */
    uint32_t capacity; /* usable bytes each */
    uint32_t stride;   /* bytes from one to the next, a multiple of the page */
    struct buffer *headers;
    char *base;
    struct buffer *cold; /* trimmed: no pages */
    uint64_t refused;
    struct buffer *hidden; /* the free list while fail_countdown runs */
    const char *name;
};

/* stride: bytes each with the slack; a multiple of the page. */
size_t leat__buffer_pool_footprint(size_t stride, size_t count);
void leat__buffer_pool_init(struct buffer_pool *p, struct region *r, const char *name,
                            size_t stride, size_t count);

struct buffer *leat__buffer_acquire_slow(struct buffer_pool *p);
void leat__buffer_release_hidden(struct buffer_pool *p, struct buffer *first, struct buffer *last);

/* Checked builds: poison, double release, use after release. */
void leat__buffer_check_acquired(struct buffer_pool *p, struct buffer *b);
void leat__buffer_check_released(struct buffer_pool *p, struct buffer *first, struct buffer *last,
                                 uint32_t count);

/* One more is out. */
static inline void buffer_count(struct buffer_pool *p)
{
    uint32_t in_use = ++p->in_use;
    if (UNLIKELY(in_use > p->recent_high)) {
        p->recent_high = in_use;
        if (in_use > p->high)
            p->high = in_use;
    }
}

/* NULL when empty: counted. start and end are 0. */
static inline struct buffer *buffer_acquire(struct buffer_pool *p)
{
    struct buffer *b = p->free;
    if (UNLIKELY(b == NULL))
        return leat__buffer_acquire_slow(p);
    p->free = b->next;
    /* Whoever is next would wait for its head. Never for NULL, which takes long to look for. */
    __builtin_prefetch(p->free != NULL ? p->free : b);
    b->next = NULL;
    b->start = b->end = 0;
    buffer_count(p);
#if MEMORY_CHECKED
    leat__buffer_check_acquired(p, b);
#endif
    return b;
}

/* A chain of count buffers from first to last, in one step. */
static inline void buffer_release_chain(struct buffer_pool *p, struct buffer *first,
                                        struct buffer *last, uint32_t count)
{
#if MEMORY_CHECKED
    leat__buffer_check_released(p, first, last, count);
#endif
    p->in_use -= count;
    if (UNLIKELY(p->fail_countdown != 0)) {
        leat__buffer_release_hidden(p, first, last);
        return;
    }
    last->next = p->free;
    p->free = first;
}

static inline void buffer_release(struct buffer_pool *p, struct buffer *b)
{
    buffer_release_chain(p, b, b, 1);
}

/* Idle turns: gives back the pages of free buffers beyond what keep of them need, at most budget bytes. Bytes given
 * back. */
size_t leat__buffer_pool_trim(struct buffer_pool *p, uint32_t keep, size_t budget);
void leat__buffer_pool_check(const struct buffer_pool *p);
void leat__buffer_pool_fail_at(struct buffer_pool *p, uint32_t n); /* as leat__pool_fail_at */

#ifdef LEAT_MEASURED
#include "memory/measured_buffer.h"
#endif

#endif
