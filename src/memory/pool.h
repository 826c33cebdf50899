/* pool.h: fixed-size objects of one thread, intrusive, inlined.
 *
 *   base ─ slab 0 ─┬─ slab 1 ─┬─ …           a slab is a page or a few; objects never cross a slab's end
 *        free list │ untouched│
 *
 * Acquire pops from the current slab's free list, whose head lies in the pool itself; when it is empty, from what of
 * the slab was never touched; then the lowest slab with room becomes the current one. So memory in use keeps to the
 * low end, resident memory follows use, and empty slabs can be trimmed. Release pushes; an object of another
 * slab than the current one takes a slower way. The counts are exact: in use, high water, refusals.
 * The first eight bytes of a free object are the pool's; the rest keeps what it held (debug builds poison it).
 *
 * Other threads give objects back through pool_return, in batches on an atomic list that the owner takes whole when
 * its own runs dry. */
#ifndef LEAT_POOL_H
#define LEAT_POOL_H

#include "base/base.h"
#include "memory/region.h"
#include <stdatomic.h>

struct pool_slab {
    void *free;             /* of slabs that are not current; the current slab's is pool->free */
    uint32_t touched;       /* objects handed out at least once since the slab was last trimmed */
    uint32_t spare;
};

struct pool {
    /* hot */
    void *free;                 /* current slab's free list */
    char *current;              /* current slab's first byte */
    size_t slab_size;           /* bytes, a multiple of the page */
    uint32_t in_use, high;      /* objects; high water since start */
    /* warm */
    uint32_t fail_countdown;    /* tests: the n-th acquisition from now fails; 0: off (kept out of the fast path) */
    uint32_t current_slab;
    uint32_t object_size, per_slab, count, slab_count;
    char *base;
    struct pool_slab *slabs;
    uint64_t *room;             /* a bit per slab that has room */
    _Atomic(void *) returned;   /* given back by other threads, linked by their first word */
    uint64_t refused;
    uint32_t recent_high;       /* high water since the last look of the trimmer */
    uint32_t slabs_touched;     /* slabs with resident pages, at most */
    const char *name;           /* its row in the plan */
};

/* Bytes of region that a pool takes, everything told; a pure function (the plan calls it). */
size_t leat__pool_footprint(size_t object_size, size_t count);

/* Takes them. object_size: at least 8, a multiple of 8 (of 16: objects are aligned to 16). */
void leat__pool_init(struct pool *p, struct region *r, const char *name, size_t object_size, size_t count);

void *leat__pool_acquire_slow(struct pool *p);
void leat__pool_release_slow(struct pool *p, void *object);

/* Debug builds: poison, canaries, double release, use after release; called by the inlined pair. */
void leat__pool_check_acquired(struct pool *p, void *object);
void leat__pool_check_released(struct pool *p, void *object);

/* NULL when empty: counted in refused. Contents: undefined. */
static inline void *pool_acquire(struct pool *p)
{
    void *object = p->free;
    if (UNLIKELY(object == NULL))
        return leat__pool_acquire_slow(p);
    void *next;
    memcpy(&next, object, sizeof next);
    p->free = next;
    uint32_t in_use = ++p->in_use;
    if (UNLIKELY(in_use > p->high))
        p->high = in_use;
#ifdef LEAT_DEBUG
    leat__pool_check_acquired(p, object);
#endif
    return object;
}

static inline void pool_release(struct pool *p, void *object)
{
#ifdef LEAT_DEBUG
    leat__pool_check_released(p, object);
#endif
    if (UNLIKELY((size_t)((char *)object - p->current) >= p->slab_size)) {
        leat__pool_release_slow(p, object);
        return;
    }
    memcpy(object, &p->free, sizeof p->free);
    p->free = object;
    p->in_use--;
}

/* From any thread: a chain of objects, linked by their first words from first to last. The owner's in_use falls when
 * it takes them. */
void leat__pool_return(struct pool *p, void *first, void *last);

/* Owner: whether object lies in this pool. */
static inline bool pool_holds(const struct pool *p, const void *object)
{
    return (size_t)((const char *)object - p->base) < p->slab_size * p->slab_count;
}

/* Owner, idle turns: gives the pages of at most budget bytes of empty slabs back, highest first, keeping what the
 * recent high water needs. Bytes given back. */
size_t leat__pool_trim(struct pool *p, size_t budget);

void leat__pool_check(const struct pool *p);    /* walks everything; for tests */

/* Tests: the n-th acquisition from now answers NULL (1: the next). Works by emptying nothing: the pool hides its
 * free list so that the fast path misses. 0 turns it off. */
void leat__pool_fail_at(struct pool *p, uint32_t n);

#endif
