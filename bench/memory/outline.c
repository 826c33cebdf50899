/* outline.c: functions that must not be seen by the loops that call them, and those that are only read. */
#include "bench_memory.h"

void *outline_acquire(struct pool *p)
{
    return pool_acquire(p);
}

void outline_release(struct pool *p, void *object)
{
    pool_release(p, object);
}

void *outline_empty_acquire(struct pool *p)
{
    return p;
}

void outline_empty_release(struct pool *p, void *object)
{
    (void)p, (void)object;
}

void sample_nothing(struct pool *p, void **to)
{
    *to = p;
}

void sample_acquire(struct pool *p, void **to)
{
    *to = pool_acquire(p);
}

void sample_load(struct pool *p, void **from)
{
    *(void **)p = *from;
}

void sample_release(struct pool *p, void **from)
{
    pool_release(p, *from);
}

void sample_arena(struct arena *a, void **to)
{
    *to = arena_alloc(a, 256);
}
