/* measured_pool.h: see measured.h. In place of a pool's objects, malloc's are as many as the pool's at most. Connections'
 * slots are an exception: they are known by their place, and stay where they are. */
#ifndef LEAT_MEASURED_POOL_H
#define LEAT_MEASURED_POOL_H

#include "memory/measured.h"

#ifdef LEAT_POOLS_MALLOC
#include <stdlib.h>

static inline void *instead_acquire(struct pool *p)
{
    if (p->readable)
        return pool_acquire(p);
    void *object = p->in_use < p->count ? malloc(p->object_size) : NULL;
    if (object == NULL) {
        p->refused++;
        return NULL;
    }
    if (++p->in_use > p->recent_high) {
        p->recent_high = p->in_use;
        p->high = p->in_use > p->high ? p->in_use : p->high;
    }
    return object;
}

static inline void instead_release(struct pool *p, void *object)
{
    if (p->readable) {
        pool_release(p, object);
        return;
    }
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes the objects of a batch for one */
    free(object);
    p->in_use--;
}

/* Nobody can tell; so whoever asks takes it for its own. */
static inline bool instead_holds(const struct pool *p, const void *object)
{
    return p->readable ? pool_holds(p, object) : object != NULL;
}

#define pool_holds instead_holds
#else
#define instead_acquire pool_acquire
#define instead_release pool_release
#endif

static inline void *measured_pool_acquire(struct pool *p)
{
    uint64_t from = measured_begin();
    void *object = instead_acquire(p);
    measured_end(MEASURED_POOL_ACQUIRE, from, p->object_size, object == NULL);
    return object;
}

static inline void measured_pool_release(struct pool *p, void *object)
{
    uint64_t from = measured_begin();
    instead_release(p, object);
    measured_end(MEASURED_POOL_RELEASE, from, 0, false);
}

#define pool_acquire measured_pool_acquire
#define pool_release measured_pool_release

#endif
