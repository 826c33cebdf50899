/* interpose.c: loaded by LD_PRELOAD, stands before the C library's allocator and counts every call to it, whoever
 * makes it: our code, liburing, or the C library itself. How the real functions are found: lab/interpose/real.h.
 *
 * What must always be true: a call is counted, then passed on unchanged. */
#define _GNU_SOURCE
#include "counters.h"
#include "../../lab/interpose/real.h"

static struct seal_counters *counters;

__attribute__((constructor)) static void look_up(void)
{
    if (real_malloc == NULL && real_look_up())
        counters = seal_map_counters();
}

/* Whether the real functions are there. */
static int ready(void)
{
    if (real_malloc == NULL)
        look_up();
    return real_malloc != NULL;
}

VISIBLE void *malloc(size_t size)
{
    seal_count(counters, SEAL_malloc);
    return ready() ? real_malloc(size) : store_take(size);
}

VISIBLE void *calloc(size_t nmemb, size_t size)
{
    seal_count(counters, SEAL_calloc);
    return ready() ? real_calloc(nmemb, size) : store_take(nmemb * size);
}

VISIBLE void *realloc(void *ptr, size_t size)
{
    seal_count(counters, SEAL_realloc);
    if (in_store(ptr))
        return store_move(ptr, size);
    return ready() ? real_realloc(ptr, size) : store_take(size);
}

VISIBLE void *reallocarray(void *ptr, size_t nmemb, size_t size)
{
    seal_count(counters, SEAL_reallocarray);
    if (ready() && !in_store(ptr))
        return real_reallocarray(ptr, nmemb, size);
    errno = ENOMEM;
    return NULL;
}

VISIBLE void free(void *ptr)
{
    seal_count(counters, SEAL_free);
    if (!in_store(ptr) && ready())
        real_free(ptr);
}

VISIBLE void *memalign(size_t alignment, size_t size)
{
    seal_count(counters, SEAL_memalign);
    return ready() ? real_memalign(alignment, size) : NULL;
}

VISIBLE int posix_memalign(void **memptr, size_t alignment, size_t size)
{
    seal_count(counters, SEAL_posix_memalign);
    return ready() ? real_posix_memalign(memptr, alignment, size) : ENOMEM;
}

VISIBLE void *aligned_alloc(size_t alignment, size_t size)
{
    seal_count(counters, SEAL_aligned_alloc);
    return ready() ? real_aligned_alloc(alignment, size) : NULL;
}

VISIBLE void *valloc(size_t size)
{
    seal_count(counters, SEAL_valloc);
    return ready() ? real_valloc(size) : NULL;
}

VISIBLE void *pvalloc(size_t size)
{
    seal_count(counters, SEAL_pvalloc);
    return ready() ? real_pvalloc(size) : NULL;
}
