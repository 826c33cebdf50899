/* arena.c: where an arena goes when its current chunk is full. See arena.h.
 *
 * What must always be true: [at, end) lies in the first chunk, in one of the chunks or in one of the larges, and
 * nobody has been given a byte of it. */
#include "memory/arena.h"
#include <errno.h>

void leat__arena_init(struct arena *a, void *first, size_t size, struct buffer_pool *chunks,
                      struct buffer_pool *larges, uint32_t chunk_max)
{
    ASSERT((uintptr_t)first % 16 == 0);
    size &= ~(size_t)15;
    *a = (struct arena){
        .at = first,
        .end = (char *)first + size,
        .first = first,
        .first_end = (char *)first + size,
        .chunk_pool = chunks,
        .large_pool = larges,
        .chunk_max = chunk_max,
    };
}

/* An arena may do without further chunks, or without large ones. */
static size_t room_of(const struct buffer_pool *p)
{
    return p != NULL ? p->capacity & ~(size_t)15 : 0;
}

/* A further stretch of at least size bytes, at the head of the arena's chains. NULL: why is in *overflow. */
static struct buffer *grow(struct arena *a, size_t size, enum arena_overflow *overflow)
{
    bool large = size > room_of(a->chunk_pool);
    struct buffer_pool *pool = large ? a->large_pool : a->chunk_pool;
    *overflow = ARENA_TOO_LARGE;
    if (size > room_of(pool) || a->chunk_count + a->large_count >= a->chunk_max)
        return NULL;
    *overflow = ARENA_POOL_EMPTY;
    struct buffer *b = buffer_acquire(pool);
    if (b == NULL)
        return NULL;
    struct buffer **head = large ? &a->larges : &a->chunks;
    struct buffer **last = large ? &a->larges_last : &a->chunks_last;
    b->next = *head;
    if (*head == NULL)
        *last = b;
    *head = b;
    *(large ? &a->large_count : &a->chunk_count) += 1;
    *overflow = ARENA_FINE;
    return b;
}

static size_t room_behind(const struct arena *a, const struct buffer *b, bool large)
{
    return room_of(large ? a->large_pool : a->chunk_pool) - b->end;
}

void *leat__arena_alloc_slow(struct arena *a, size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;
    if (a->overflow != ARENA_FINE)
        return NULL;
    if (rounded < size) {
        a->overflow = ARENA_TOO_LARGE;
        a->at = a->end;
        return NULL;
    }
    bool large = rounded > room_of(a->chunk_pool);
    struct buffer *b = grow(a, rounded, &a->overflow);
    if (b == NULL) {
        a->at = a->end; /* sticky: the fast path must not succeed any more */
        return NULL;
    }
    b->end = (uint32_t)rounded;
    size_t left = room_behind(a, b, large);
    if (left > (size_t)(a->end - a->at)) {
        a->at = b->data + rounded;
        a->end = a->at + left;
    }
    return b->data;
}

int leat__arena_reserve(struct arena *a, size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;
    if (a->overflow != ARENA_FINE)
        return a->overflow == ARENA_POOL_EMPTY ? -ENOMEM : -E2BIG;
    if (rounded < size)
        return -E2BIG;
    if (rounded <= (size_t)(a->end - a->at))
        return 0;
    bool large = rounded > room_of(a->chunk_pool);
    enum arena_overflow overflow;
    struct buffer *b = grow(a, rounded, &overflow);
    if (b == NULL)
        return overflow == ARENA_POOL_EMPTY ? -ENOMEM : -E2BIG;
    a->at = b->data;
    a->end = a->at + room_behind(a, b, large);
    return 0;
}

void leat__arena_reset_slow(struct arena *a)
{
    if (a->chunks != NULL)
        buffer_release_chain(a->chunk_pool, a->chunks, a->chunks_last, a->chunk_count);
    if (a->larges != NULL)
        buffer_release_chain(a->large_pool, a->larges, a->larges_last, a->large_count);
    a->chunks = a->chunks_last = a->larges = a->larges_last = NULL;
    a->chunk_count = a->large_count = 0;
}

static bool chain_check(const struct buffer *first, const struct buffer *last, uint32_t count)
{
    ASSERT((first == NULL) == (last == NULL) && (first == NULL) == (count == 0));
    for (const struct buffer *b = first; b != NULL; b = b->next) {
        ASSERT(count-- > 0);
        ASSERT((b->next == NULL) == (b == last));
    }
    return count == 0;
}

static bool lies_in(const struct arena *a, const struct buffer *b, const struct buffer_pool *pool)
{
    for (; b != NULL; b = b->next)
        if (a->at >= b->data && a->end == b->data + room_of(pool))
            return true;
    return false;
}

void leat__arena_check(const struct arena *a)
{
    ASSERT(a->at <= a->end && (uintptr_t)a->at % 16 == 0 && (uintptr_t)a->end % 16 == 0);
    ASSERT(chain_check(a->chunks, a->chunks_last, a->chunk_count));
    ASSERT(chain_check(a->larges, a->larges_last, a->large_count));
    ASSERT(a->chunk_count + a->large_count <= a->chunk_max);
    bool in_first = a->at >= a->first && a->end == a->first_end;
    ASSERT(in_first || lies_in(a, a->chunks, a->chunk_pool) || lies_in(a, a->larges, a->large_pool));
}
