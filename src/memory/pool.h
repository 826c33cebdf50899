/* pool.h: fixed-size objects of one thread, inlined.
 *
 *   magazine   [ o o o o o o . . ]        pointers to free objects; the top is the one released last
 *                 ↑ half ↓ half
 *   slabs      base ─ slab 0 ─┬─ slab 1 ─┬─ …    a bit per object: taken or free
 *
 * Acquire pops from the magazine, release pushes onto it: neither looks at the object's memory. An empty magazine is
 * half filled from the lowest slabs with room, a full one gives its colder half back to the slabs. So the object
 * released last is acquired next, memory in use keeps to the low end, resident memory follows use, and a slab that is
 * all free can be trimmed. Objects never cross a slab's end; a slab is a page or a few. The counts are exact: in use,
 * high water, refusals. A free object keeps what it held (checked builds poison it, see poison.h), a trimmed one reads
 * zero.
 *
 * The high water costs nothing: `alert` is the place in the magazine below which an acquisition would set a new one,
 * and an acquisition that reaches it takes the slow way, as one that finds the magazine empty does.
 *
 * Other threads give objects back through leat__pool_return, in batches on an atomic list that the owner takes whole
 * when its own run dry. A batch is written into its first object, so that few cache lines travel. */
#ifndef LEAT_POOL_H
#define LEAT_POOL_H

#include "base/base.h"
#include "memory/poison.h"
#include "memory/region.h"
#include <stdatomic.h>

/* Places of a magazine; within these bounds it takes at most a 128th of the pool's bytes. */
enum { POOL_MAGAZINE_MIN = 64, POOL_MAGAZINE_MAX = 1024, POOL_NO_SLAB = UINT32_MAX };

struct pool {
    /* hot */
    void **top;           /* of the magazine: behind its last pointer */
    void **alert;         /* at or below it acquire goes the slow way */
    void **limit;         /* end of the magazine: it is full */
    uint32_t in_use;      /* objects, with those that wait in returned */
    uint32_t recent_high; /* high water since the last look of the trimmer */
    uint32_t high;        /* high water since start */
    uint32_t object_size, per_slab, count, slab_count;
    uint32_t fail_countdown; /* tests: the n-th acquisition from now fails; 0: off */
    /* warm */
    void **magazine;
    char *base;
    size_t slab_size;   /* bytes, a multiple of the page */
    uint64_t *taken;    /* slab_words words per slab, a bit per object: out, or in the magazine */
    uint64_t *full;     /* a bit per slab: all its objects are taken */
    uint64_t *resident; /* a bit per slab: may have pages */
    uint32_t slab_words;
    uint32_t inverse;       /* 2^32 / object_size, rounded up; 0: divide */
    uint32_t room_from;     /* words of full before this one have all bits set */
    uint32_t slabs_touched; /* slabs that may have pages */
    uint32_t touched_end;   /* they lie below this slab */
    uint32_t trim_at;       /* the trimmer's sweep goes on below this slab; 0: none is under way */
    uint8_t slab_shift;     /* slab_size is 1 << slab_shift; 0: it is no power of two */
    bool readable;          /* free objects may be looked at (slots): they are not poisoned */
    uint64_t refused;
    const char *name; /* its row in the plan */
#if MEMORY_CHECKED
    uint64_t *held; /* a bit per object that is out */
#endif
    /* other threads' */
    _Alignas(CACHE_LINE) _Atomic(void *) returned; /* see leat__pool_return */
};

_Static_assert(offsetof(struct pool, magazine) <= CACHE_LINE,
               "acquire and release touch one line of a pool");

/* Bytes of a slab; pure. */
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

/* NULL when empty: counted in refused. Contents: undefined. */
static inline void *pool_acquire(struct pool *p)
{
    void **top = p->top;
    if (UNLIKELY(top <= p->alert))
        return leat__pool_acquire_slow(p);
    void *object = *--top;
    p->top = top;
    p->in_use++;
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
    void **top = p->top;
    if (UNLIKELY(top == p->limit)) {
        leat__pool_release_slow(p, object);
        return;
    }
    *top = object;
    p->top = top + 1;
    p->in_use--;
}

/* From any thread: a chain of objects, linked by their first words from first to last. The owner's in_use falls when
 * it takes them. */
void leat__pool_return(struct pool *p, void *first, void *last);

/* The same for count objects (at least 1) in an array, which is many times faster. */
void leat__pool_return_batch(struct pool *p, void *const *objects, size_t count);

/* Owner: takes what other threads gave back. */
void leat__pool_collect(struct pool *p);

/* Owner: whether object lies in this pool. */
static inline bool pool_holds(const struct pool *p, const void *object)
{
    return (uintptr_t)object - (uintptr_t)p->base < p->slab_size * p->slab_count;
}

/* Owner: recent_high starts anew from what is in use. */
void leat__pool_forget_high(struct pool *p);

/* Owner, idle turns: gives the pages of at most budget bytes of empty slabs back, highest first, keeping room for keep
 * objects. Looks at a bounded number of slabs; the sweep goes on with the next call while trim_at is not 0. Bytes
 * given back. */
size_t leat__pool_trim(struct pool *p, uint32_t keep, size_t budget);

void leat__pool_check(const struct pool *p); /* walks everything; for tests */

/* Tests: the n-th acquisition from now answers NULL (1: the next). Until then every acquisition goes the slow way,
 * which counts. 0 turns it off. */
void leat__pool_fail_at(struct pool *p, uint32_t n);

#ifdef LEAT_MEASURED
#include "memory/measured_pool.h"
#endif

#endif
