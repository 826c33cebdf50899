/* real.h: the allocator that stands behind one of ours in the order of loading, and a small store for the time before it is
 * found: dlsym may allocate while it looks it up. What lies in the store is known by its address and never given back. For one
 * file of a library that is loaded by LD_PRELOAD: lab/interpose/interpose.c, tests/seal/interpose.c. */
#ifndef LAB_REAL_H
#define LAB_REAL_H

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What the library is loaded for; parameters are named as the C library names them. */
#define VISIBLE __attribute__((visibility("default")))

enum { STORE = 65536, ALIGN = 16 };

static _Alignas(ALIGN) char store[STORE];
static _Atomic size_t store_used;
static _Thread_local bool looking_up __attribute__((tls_model("initial-exec")));

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

/* Zeroed. The size stands in front, for store_move. */
static inline void *store_take(size_t size)
{
    size_t need = ALIGN + (size + ALIGN - 1) / ALIGN * ALIGN;
    size_t at = atomic_fetch_add(&store_used, need);
    if (at + need > STORE)
        abort();
    memcpy(store + at, &size, sizeof size);
    return store + at + ALIGN;
}

static inline bool in_store(const void *memory)
{
    return (const char *)memory >= store && (const char *)memory < store + STORE;
}

#define LOOK_UP(name) real_##name = (__typeof__(real_##name))dlsym(RTLD_NEXT, #name)

/* False while the look-up itself is what asks. */
static inline bool real_look_up(void)
{
    if (looking_up)
        return false;
    looking_up = true;
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
    looking_up = false;
    return true;
}

/* realloc of what lies in the store. */
static inline void *store_move(void *ptr, size_t size)
{
    void *memory = real_malloc != NULL ? real_malloc(size) : store_take(size);
    size_t had;
    memcpy(&had, (char *)ptr - ALIGN, sizeof had);
    if (memory != NULL)
        memcpy(memory, ptr, had < size ? had : size);
    return memory;
}

#endif
