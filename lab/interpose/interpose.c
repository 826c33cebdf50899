/* interpose.c: loaded by LD_PRELOAD, stands before a program's allocator, counts every call to it and, when asked, times it.
 *
 *     LAB_INTERPOSE_OUT=FILE [LAB_INTERPOSE=time] LD_PRELOAD=interpose.so[:libmimalloc.so.2] PROGRAM
 *
 * Who is asked in the end is the next one in the order of loading: what stands behind us in LD_PRELOAD, or else the C library.
 * So we come first, and another allocator second. An allocator of C++ asks malloc, unless one behind us has its own operator
 * new (tcmalloc, jemalloc, mimalloc have): a program in C++ that news is then not seen, and one in C or Rust always is.
 *
 * What is asked for while that one is looked up comes from a store of our own (real.h) and is not counted. Counted is
 * everything else, from when the program has an environment.
 * What must always be true: the real function gets what was asked for, and the program gets its answer and its errno. */
#define _GNU_SOURCE
#include "interpose/latency.h"
#include "interpose/real.h"

enum place {
    MALLOC,
    CALLOC,
    REALLOC,
    REALLOCARRAY,
    POSIX_MEMALIGN,
    ALIGNED_ALLOC,
    MEMALIGN,
    VALLOC,
    PVALLOC,
    FREE,
    FREE_NULL, /* free(NULL), which nothing comes of */
    PLACES,
};

static const struct lab_place places[PLACES] = {
    [MALLOC] = {"malloc", LAB_ALLOCATES},
    [CALLOC] = {"calloc", LAB_ALLOCATES},
    [REALLOC] = {"realloc", LAB_ALLOCATES},
    [REALLOCARRAY] = {"reallocarray", LAB_ALLOCATES},
    [POSIX_MEMALIGN] = {"posix_memalign", LAB_ALLOCATES},
    [ALIGNED_ALLOC] = {"aligned_alloc", LAB_ALLOCATES},
    [MEMALIGN] = {"memalign", LAB_ALLOCATES},
    [VALLOC] = {"valloc", LAB_ALLOCATES},
    [PVALLOC] = {"pvalloc", LAB_ALLOCATES},
    [FREE] = {"free", LAB_FREES},
    [FREE_NULL] = {"free_null", LAB_NEITHER},
};

const struct lab_user lab_user = {"LAB_INTERPOSE_OUT", "LAB_INTERPOSE", places, PLACES};

__attribute__((constructor)) static void look_up(void)
{
    if (real_malloc == NULL)
        real_look_up();
}

/* Whether the real functions are there. */
static bool ready(void)
{
    if (__builtin_expect(real_malloc == NULL, false) && real_look_up())
        lab_open();
    return real_malloc != NULL;
}

static uint64_t begin(void)
{
    return lab_recorder.times != NULL ? lab_begin() : 0;
}

/* What was asked for is done, and errno is what it left. */
static void end(enum place place, uint64_t from, size_t bytes, bool failed)
{
    uint64_t to = lab_recorder.times != NULL ? clock_end() : 0;
    lab_record(place, bytes, failed, from, to);
}

VISIBLE void *malloc(size_t size)
{
    if (!ready())
        return store_take(size);
    uint64_t from = begin();
    void *memory = real_malloc(size);
    end(MALLOC, from, size, memory == NULL && size > 0);
    return memory;
}

VISIBLE void *calloc(size_t nmemb, size_t size)
{
    if (!ready())
        return store_take(nmemb * size);
    uint64_t from = begin();
    void *memory = real_calloc(nmemb, size);
    end(CALLOC, from, nmemb * size, memory == NULL && nmemb * size > 0);
    return memory;
}

VISIBLE void *realloc(void *ptr, size_t size)
{
    if (in_store(ptr))
        return store_move(ptr, size);
    if (!ready())
        return store_take(size); /* ptr is NULL: there is nothing yet that it could be */
    uint64_t from = begin();
    void *memory = real_realloc(ptr, size);
    end(REALLOC, from, size, memory == NULL && size > 0);
    return memory;
}

VISIBLE void *reallocarray(void *ptr, size_t nmemb, size_t size)
{
    if (!ready() || in_store(ptr)) {
        errno = ENOMEM;
        return NULL;
    }
    uint64_t from = begin();
    void *memory = real_reallocarray(ptr, nmemb, size);
    size_t bytes;
    if (__builtin_mul_overflow(nmemb, size, &bytes))
        bytes = 0;
    end(REALLOCARRAY, from, bytes, memory == NULL && nmemb > 0 && size > 0);
    return memory;
}

VISIBLE void free(void *ptr)
{
    if (in_store(ptr) || !ready())
        return;
    uint64_t from = begin();
    real_free(ptr);
    end(ptr != NULL ? FREE : FREE_NULL, from, 0, false);
}

VISIBLE int posix_memalign(void **memptr, size_t alignment, size_t size)
{
    if (!ready())
        return ENOMEM;
    uint64_t from = begin();
    int error = real_posix_memalign(memptr, alignment, size);
    end(POSIX_MEMALIGN, from, size, error != 0);
    return error;
}

VISIBLE void *aligned_alloc(size_t alignment, size_t size)
{
    if (!ready())
        return NULL;
    uint64_t from = begin();
    void *memory = real_aligned_alloc(alignment, size);
    end(ALIGNED_ALLOC, from, size, memory == NULL && size > 0);
    return memory;
}

VISIBLE void *memalign(size_t alignment, size_t size)
{
    if (!ready())
        return NULL;
    uint64_t from = begin();
    void *memory = real_memalign(alignment, size);
    end(MEMALIGN, from, size, memory == NULL && size > 0);
    return memory;
}

VISIBLE void *valloc(size_t size)
{
    if (!ready())
        return NULL;
    uint64_t from = begin();
    void *memory = real_valloc(size);
    end(VALLOC, from, size, memory == NULL && size > 0);
    return memory;
}

VISIBLE void *pvalloc(size_t size)
{
    if (!ready())
        return NULL;
    uint64_t from = begin();
    void *memory = real_pvalloc(size);
    end(PVALLOC, from, size, memory == NULL && size > 0);
    return memory;
}
