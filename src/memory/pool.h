/* pool.h: fixed-size objects of one thread, intrusive, inlined.
 *
 *   base ─ slab 0 ─┬─ slab 1 ─┬─ …           a slab is a page or a few; objects never cross a slab's end
 *        free list │ untouched│
 *
 * Acquire pops from the current slab's free list, whose head lies in the pool itself; when it is empty the lowest slab
 * with room becomes the current one (a slab that was never touched is threaded then, in one go). So memory in use
 * keeps to the low end, resident memory follows use, and empty slabs can be trimmed. Release pushes onto the list of
 * the slab that the last release went to, which is most often the same; another slab takes a slower way once and is
 * then the one. Within a slab the object released last is acquired first. The counts are exact: in use, high water,
 * refusals. The first eight bytes of a free object are the pool's; the rest keeps what it held (checked builds
 * poison it, see poison.h).
 *
 * Other threads give objects back through leat__pool_return, in batches on an atomic list that the owner takes whole
 * whenever its slow path runs. */
#ifndef LEAT_POOL_H
#define LEAT_POOL_H

#include "base/base.h"
#include "memory/poison.h"
#include "memory/region.h"
#include <stdatomic.h>

struct pool_slab {
    void *free;       /* unless it is the current slab, whose list is pool->free */
    uint32_t touched; /* objects threaded since the slab was last trimmed: none or all */
};

/* Must not move once it is initialised: release_list may point into it. */
struct pool {
    /* hot */
    void *free;           /* current slab's free list */
    char *release_slab;   /* where the last release went; NULL: nowhere */
    void **release_list;  /* its free list */
    size_t slab_size;     /* bytes, a multiple of the page */
    uint32_t in_use;      /* objects, with those that wait in returned */
    uint32_t recent_high; /* high water since the last look of the trimmer */
    uint32_t high;        /* high water since start */
    /* warm */
    uint32_t current; /* slab whose list is in free; POOL_NO_SLAB: none */
    uint32_t object_size, per_slab, count, slab_count;
    char *base;
    struct pool_slab *slabs;
    uint64_t *room;          /* a bit per slab that has room and is not the current one */
    uint32_t room_from;      /* no word of room before this one has a bit */
    uint32_t fail_countdown; /* tests: the n-th acquisition from now fails; 0: off */
    uint32_t slabs_touched;  /* slabs with resident pages, at most */
    uint32_t touched_end;    /* they lie below this slab */
    uint32_t trim_at;        /* the trimmer's sweep goes on below this slab; 0: none is under way */
    uint8_t slab_shift;      /* slab_size is 1 << slab_shift; 0: it is no power of two */
    bool readable;           /* free objects may be looked at (slots): they are not poisoned */
    uint64_t refused;
    const char *name; /* its row in the plan */
#if MEMORY_CHECKED
    uint64_t *held; /* a bit per object that is out */
#endif
    /* other threads' */
    _Alignas(CACHE_LINE) _Atomic(void *) returned; /* linked by their first word */
};

enum { POOL_NO_SLAB = UINT32_MAX };

_Static_assert(offsetof(struct pool, base) == CACHE_LINE,
               "acquire and release touch one line of a pool");
_Static_assert(MEMORY_CHECKED || sizeof(struct pool) == 3 * CACHE_LINE,
               "one line each: fast, slow, strangers'");

/* Bytes of a slab, and objects in it; pure. */
size_t leat__pool_slab_size(size_t object_size);

/* Bytes of region that a pool takes, everything told; a pure function (the plan calls it). */
size_t leat__pool_footprint(size_t object_size, size_t count);

/* Takes them. object_size: at least 8, a multiple of 8 (of 16: objects are aligned to 16). */
void leat__pool_init(struct pool *p, struct region *r, const char *name, size_t object_size, size_t count);

void *leat__pool_acquire_slow(struct pool *p);
void leat__pool_release_slow(struct pool *p, void *object);

/* Checked builds: poison, double release, use after release; called by the inlined pair. */
void leat__pool_check_acquired(struct pool *p, void *object);
void leat__pool_check_released(struct pool *p, void *object);

/* One more is out. */
static inline void pool_count(struct pool *p)
{
    uint32_t in_use = ++p->in_use;
    if (UNLIKELY(in_use > p->recent_high)) {
        p->recent_high = in_use;
        if (in_use > p->high)
            p->high = in_use;
    }
}

/* NULL when empty: counted in refused. Contents: undefined. */
static inline void *pool_acquire(struct pool *p)
{
    void *object = p->free;
    if (UNLIKELY(object == NULL))
        return leat__pool_acquire_slow(p);
    memcpy(&p->free, object, sizeof p->free);
    pool_count(p);
#if MEMORY_CHECKED
    leat__pool_check_acquired(p, object);
#endif
    return object;
}

static inline void pool_release(struct pool *p, void *object)
{
#if MEMORY_CHECKED
    leat__pool_check_released(p, object);
#endif
    if (UNLIKELY((uintptr_t)object - (uintptr_t)p->release_slab >= p->slab_size)) {
        leat__pool_release_slow(p, object);
        return;
    }
    void **list = p->release_list;
    memcpy(object, list, sizeof *list);
    *list = object;
    p->in_use--;
}

/* From any thread: a chain of objects, linked by their first words from first to last. The owner's in_use falls when
 * it takes them. */
void leat__pool_return(struct pool *p, void *first, void *last);

/* Owner: takes what other threads gave back. */
void leat__pool_collect(struct pool *p);

/* Owner: whether object lies in this pool. */
static inline bool pool_holds(const struct pool *p, const void *object)
{
    return (uintptr_t)object - (uintptr_t)p->base < p->slab_size * p->slab_count;
}

/* Owner, idle turns: gives the pages of at most budget bytes of empty slabs back, highest first, keeping room for keep
 * objects. Looks at a bounded number of slabs; the sweep goes on with the next call while trim_at is not 0. Bytes
 * given back. */
size_t leat__pool_trim(struct pool *p, uint32_t keep, size_t budget);

void leat__pool_check(const struct pool *p); /* walks everything; for tests */

/* Tests: the n-th acquisition from now answers NULL (1: the next). Until then there is no current slab, so that the
 * fast path misses. 0 turns it off. */
void leat__pool_fail_at(struct pool *p, uint32_t n);

#endif
