/* bench_memory.h: what is timed by bench_memory, and how.
 *
 * Rules: pointers escape through asm, so nothing is folded away; what takes less than 30 ns is timed by the batch; a
 * slice is long beside the timer's step and short beside a scheduler's; the median slice counts. */
#ifndef LEAT_BENCH_MEMORY_H
#define LEAT_BENCH_MEMORY_H

#include "memory/arena.h"
#include "memory/pool.h"
#include <time.h>

enum { OBJECT_SIZE = 256, BATCH_MAX = 1024, SLICES = 31, SLICE_OPERATIONS = 1 << 17 };

static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The compiler must believe that p is used, and that all memory may have changed. */
static inline void escape(void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

/* The middle of count values; sorts them. */
double median(double *values, size_t count);

/* The pool's pair out of line, as a user's program has it. */
void *outline_acquire(struct pool *p);
void outline_release(struct pool *p, void *object);

/* The same calls of functions that do nothing. */
void *outline_empty_acquire(struct pool *p);
void outline_empty_release(struct pool *p, void *object);

/* Read by bench/memory/run in the disassembly: the pair and the arena inlined, and the same without them. */
void sample_nothing(struct pool *p, void **to);
void sample_acquire(struct pool *p, void **to);
void sample_release(struct pool *p, void **from);
void sample_load(struct pool *p, void **from);
void sample_arena(struct arena *a, void **to);

enum kind { KIND_POOL, KIND_POOL_OUTLINE, KIND_MALLOC };

/* Prints its rows as "name nanoseconds". */
void bench_objects(enum kind kind);
void bench_arena(void);
void bench_floor(void);

/* What two looks at the clock in a row lie apart. */
double timer_floor(void);

/* Nanoseconds each of taking batches here and giving them back on another thread, both sides' time together. */
double bench_other_thread(enum kind kind, struct pool *pool);

#endif
