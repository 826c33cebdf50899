/* arena.h: memory that lives as long as one exchange: bump to allocate, O(1) to reset.
 *
 * The first chunk lies in the exchange itself; more come from a pool of chunks, and a piece that is too large for a
 * chunk comes from the pool of large buffers. All are bounded. Overflow is sticky: the arena answers NULL from then on
 * and remembers why, and is asked once per exchange, which then gets the right status. */
#ifndef LEAT_ARENA_H
#define LEAT_ARENA_H

#include "base/base.h"
#include "memory/buffer.h"

enum arena_overflow {
    ARENA_FINE,
    ARENA_TOO_LARGE,  /* the piece, or the sum, is over the bound: the handler's fault (500) */
    ARENA_POOL_EMPTY, /* the machine's: 503 */
};

struct arena {
    char *at, *end;                      /* what is left of the current chunk */
    char *first, *first_end;             /* the chunk that never goes back */
    struct buffer *chunks, *chunks_last; /* newest first */
    struct buffer *larges, *larges_last;
    struct buffer_pool *chunk_pool, *large_pool;
    uint32_t chunk_count, large_count;
    uint32_t chunk_max; /* chunks + larges one exchange may hold */
    enum arena_overflow overflow;
};

/* Memory [first, first + size) is the caller's and aligned to 16. */
void leat__arena_init(struct arena *a, void *first, size_t size, struct buffer_pool *chunks,
                      struct buffer_pool *larges, uint32_t chunk_max);

void *leat__arena_alloc_slow(struct arena *a, size_t size);

/* Aligned to 16. NULL: overflow, remembered. size 0 is a valid, unique-enough pointer. */
static inline void *arena_alloc(struct arena *a, size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;
    char *piece = a->at;
    if (UNLIKELY(rounded > (size_t)(a->end - piece) || rounded < size))
        return leat__arena_alloc_slow(a, size);
    a->at = piece + rounded;
    return piece;
}

/* The next size bytes (in pieces of at most a chunk or one piece of that size) are certain: 0, or -ENOMEM (the pool
 * is empty now) or -E2BIG (over the bound), and then nothing is remembered. */
int leat__arena_reserve(struct arena *a, size_t size);

/* Gives everything but the first chunk back. O(1). */
void leat__arena_reset_slow(struct arena *a);

static inline void arena_reset(struct arena *a)
{
    a->at = a->first;
    a->end = a->first_end;
    a->overflow = ARENA_FINE;
    if (UNLIKELY(a->chunks != NULL || a->larges != NULL))
        leat__arena_reset_slow(a);
}

void leat__arena_check(const struct arena *a);

#ifdef LEAT_MEASURED
#include "memory/measured_arena.h"
#endif

#endif
