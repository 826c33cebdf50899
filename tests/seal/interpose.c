/* interpose.c: loaded by LD_PRELOAD, stands before the C library's allocator and counts every call to it, whoever
 * makes it: our code, liburing, or the C library itself.
 *
 * dlsym may allocate while it looks the real functions up: such calls are served from a small store of our own, which
 * free and realloc recognise by address. What must always be true: a call is counted, then passed on unchanged. */
#define _GNU_SOURCE
#include "counters.h"
#include <dlfcn.h>
#include <malloc.h>
#include <errno.h>
#include <string.h>

/* Parameters are named as the C library names them. */
#define VISIBLE __attribute__((visibility("default")))

enum { STORE = 65536, ALIGN = 16 };

static struct seal_counters *counters;
static _Alignas(ALIGN) char store[STORE];
static _Atomic size_t store_used;
static _Thread_local int looking_up;

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_reallocarray)(void *, size_t, size_t);
static void (*real_free)(void *);
static void *(*real_memalign)(size_t, size_t);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);
static void *(*real_valloc)(size_t);
static void *(*real_pvalloc)(size_t);

/* Zeroed, and never given back. The size stands in front, for realloc. */
static void *store_take(size_t size)
{
    size_t need = ALIGN + (size + ALIGN - 1) / ALIGN * ALIGN;
    size_t at = atomic_fetch_add(&store_used, need);
    if (at + need > STORE)
        abort();
    memcpy(store + at, &size, sizeof size);
    return store + at + ALIGN;
}

static int in_store(const void *memory)
{
    return (const char *)memory >= store && (const char *)memory < store + STORE;
}

#define LOOK_UP(name) real_##name = (__typeof__(real_##name))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void look_up(void)
{
    if (real_malloc != NULL || looking_up)
        return;
    looking_up = 1;
    LOOK_UP(calloc);
    LOOK_UP(realloc);
    LOOK_UP(reallocarray);
    LOOK_UP(free);
    LOOK_UP(memalign);
    LOOK_UP(posix_memalign);
    LOOK_UP(aligned_alloc);
    LOOK_UP(valloc);
    LOOK_UP(pvalloc);
    LOOK_UP(malloc); /* last: it says that all the others are there */
    counters = seal_map_counters();
    looking_up = 0;
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
    if (ready() && !in_store(ptr))
        return real_realloc(ptr, size);
    void *memory = ready() ? real_malloc(size) : store_take(size);
    if (memory != NULL && ptr != NULL) {
        size_t had;
        memcpy(&had, (char *)ptr - ALIGN, sizeof had);
        memcpy(memory, ptr, had < size ? had : size);
    }
    return memory;
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
