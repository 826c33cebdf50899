/* floor.c: what the machine takes for nothing: below it no figure can be told apart. */
#include "bench_memory.h"
#include <stdio.h>

double timer_floor(void)
{
    double steps[1001];
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        uint64_t start = now_ns();
        steps[i] = (double)(now_ns() - start);
    }
    return median(steps, COUNT_OF(steps));
}

static double time_loop(bool calls)
{
    static struct pool pool;
    double slices[SLICES];
    for (int slice = 0; slice < SLICES; slice++) {
        uint64_t start = now_ns();
        for (uint32_t i = 0; i < SLICE_OPERATIONS; i++) {
            void *object = calls ? outline_empty_acquire(&pool) : slices;
            escape(object);
            if (calls)
                outline_empty_release(&pool, object);
        }
        slices[slice] = (double)(now_ns() - start) / SLICE_OPERATIONS;
    }
    return median(slices, SLICES);
}

void bench_floor(void)
{
    printf("empty-loop %.4f\n", time_loop(false));
    printf("empty-calls %.4f\n", time_loop(true));
    printf("timer %.4f\n", timer_floor());
}
