/* measured_buffer.h: see measured.h. In place of a buffer's pages stands what malloc gives, from when it is acquired until it
 * is released; its header stays in its table, by which completions and connections know it. Only malloc and free are timed
 * then, and the table's few nanoseconds are not: they would be the pool's. */
#ifndef LEAT_MEASURED_BUFFER_H
#define LEAT_MEASURED_BUFFER_H

#include "memory/measured.h"

#ifdef LEAT_POOLS_MALLOC
#include <stdlib.h>

static inline struct buffer *measured_buffer_acquire(struct buffer_pool *p)
{
    struct buffer *b = buffer_acquire(p);
    if (b == NULL)
        return NULL;
    uint64_t from = measured_begin();
    char *data = malloc(p->stride);
    measured_end(MEASURED_BUFFER_ACQUIRE, from, p->stride, data == NULL);
    if (data == NULL) {
        buffer_release(p, b);
        p->refused++;
        return NULL;
    }
    b->data = data;
    return b;
}

static inline void measured_buffer_release_chain(struct buffer_pool *p, struct buffer *first,
                                                 struct buffer *last, uint32_t count)
{
    for (struct buffer *b = first;; b = b->next) {
        uint64_t from = measured_begin();
        free(b->data);
        measured_end(MEASURED_BUFFER_RELEASE, from, 0, false);
        b->data = p->base + (size_t)b->index * p->stride;
        if (b == last)
            break;
    }
    buffer_release_chain(p, first, last, count);
}

/* What is lent to the kernel's ring has no pages of ours to give back. */
#define leat__region_drop(memory, size) ((void)(memory), (void)(size))
#else
static inline struct buffer *measured_buffer_acquire(struct buffer_pool *p)
{
    uint64_t from = measured_begin();
    struct buffer *b = buffer_acquire(p);
    measured_end(MEASURED_BUFFER_ACQUIRE, from, p->stride, b == NULL);
    return b;
}

static inline void measured_buffer_release_chain(struct buffer_pool *p, struct buffer *first,
                                                 struct buffer *last, uint32_t count)
{
    uint64_t from = measured_begin();
    buffer_release_chain(p, first, last, count);
    measured_end(MEASURED_BUFFER_RELEASE, from, 0, false);
}
#endif

static inline void measured_buffer_release(struct buffer_pool *p, struct buffer *b)
{
    measured_buffer_release_chain(p, b, b, 1);
}

#define buffer_acquire measured_buffer_acquire
#define buffer_release measured_buffer_release
#define buffer_release_chain measured_buffer_release_chain

#endif
