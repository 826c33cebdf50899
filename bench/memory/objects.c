/* objects.c: acquire + release of one size, in the columns that allocators are told apart by: the same block again and
 * again, batches that go back in the order they came, batches that go back in any order, and the first touch. */
#include "bench_memory.h"
#include <stdio.h>
#include <stdlib.h>

/* A large batch does not fit into a pool's magazine, nor its objects into the nearest caches. */
enum { POOL_COUNT = 1 << 17, COLD_COUNT = 1 << 15, BATCH_LARGE = 8192 };

static struct pool pool;
static uint32_t shuffled[BATCH_MAX];

/* kind is known where this is inlined, so that nothing of the choice is left in the loops. */
static inline __attribute__((always_inline)) void *take(enum kind kind)
{
    switch (kind) {
    case KIND_POOL:
        return pool_acquire(&pool);
    case KIND_POOL_OUTLINE:
        return outline_acquire(&pool);
    case KIND_MALLOC:
        return malloc(OBJECT_SIZE);
    }
    return NULL;
}

static inline __attribute__((always_inline)) void give(enum kind kind, void *object)
{
    switch (kind) {
    case KIND_POOL:
        pool_release(&pool, object);
        break;
    case KIND_POOL_OUTLINE:
        outline_release(&pool, object);
        break;
    case KIND_MALLOC:
        free(object);
        break;
    }
}

static inline __attribute__((always_inline)) void same_block(enum kind kind)
{
    for (uint32_t i = 0; i < SLICE_OPERATIONS; i++) {
        void *object = take(kind);
        escape(object);
        give(kind, object);
    }
}

static inline __attribute__((always_inline)) void batches(enum kind kind, uint32_t size, bool shuffle)
{
    static void *objects[BATCH_LARGE];
    for (uint32_t round = 0; round < SLICE_OPERATIONS / size; round++) {
        for (uint32_t i = 0; i < size; i++) {
            objects[i] = take(kind);
            escape(objects[i]);
        }
        for (uint32_t i = 0; i < size; i++)
            give(kind, objects[shuffle ? shuffled[i] : i]);
    }
}

/* The first slices warm up what is to be warm. */
#define TIME_SLICES(name, work)                                                                    \
    do {                                                                                           \
        double slices[SLICES];                                                                     \
        for (int slice = -4; slice < SLICES; slice++) {                                            \
            uint64_t start = now_ns();                                                             \
            work;                                                                                  \
            if (slice >= 0)                                                                        \
                slices[slice] = (double)(now_ns() - start) / SLICE_OPERATIONS;                     \
        }                                                                                          \
        printf("%s %.4f\n", name, median(slices, SLICES));                                         \
    } while (0)

/* Objects that nobody has touched, a byte written to each: page faults and all. */
static inline __attribute__((always_inline)) void cold(enum kind kind)
{
    static void *objects[COLD_COUNT];
    uint64_t start = now_ns();
    for (uint32_t i = 0; i < COLD_COUNT; i++) {
        objects[i] = take(kind);
        *(volatile char *)objects[i] = 1;
    }
    printf("cold %.4f\n", (double)(now_ns() - start) / COLD_COUNT);
    for (uint32_t i = COLD_COUNT; i-- > 0;)
        give(kind, objects[i]);
}

static inline __attribute__((always_inline)) void columns(enum kind kind)
{
    cold(kind);
    TIME_SLICES("same", same_block(kind));
    TIME_SLICES("64", batches(kind, 64, false));
    TIME_SLICES("1024", batches(kind, 1024, false));
    TIME_SLICES("8192", batches(kind, BATCH_LARGE, false));
    TIME_SLICES("1024-shuffled", batches(kind, 1024, true));
    printf("thread %.4f\n", bench_other_thread(kind, &pool));
}

static void shuffle_order(void)
{
    uint64_t seed = 0x9e3779b97f4a7c15u;
    for (uint32_t i = 0; i < BATCH_MAX; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t at = (uint32_t)(seed >> 33) % (i + 1);
        shuffled[i] = shuffled[at];
        shuffled[at] = i;
    }
}

void bench_objects(enum kind kind)
{
    struct region region;
    size_t size = leat__pool_footprint(OBJECT_SIZE, POOL_COUNT);
    if (leat__region_create(&region, size, REGION_RESERVE) < 0)
        abort();
    leat__pool_init(&pool, &region, "bench", OBJECT_SIZE, POOL_COUNT);
    shuffle_order();
    switch (kind) {
    case KIND_POOL:
        columns(KIND_POOL);
        break;
    case KIND_POOL_OUTLINE:
        columns(KIND_POOL_OUTLINE);
        break;
    case KIND_MALLOC:
        columns(KIND_MALLOC);
        break;
    }
    leat__region_destroy(&region);
}
