/* switch.c: what it costs to leave a stack and to come back, on the scheduler's own code. Two things by turns:
 *
 *   pair    leat__stack_suspend and leat__stack_resume, nothing else: the two changes of stacks
 *   yield   leat_yield: the task is queued, the queue is run (leat__tasks_turn), the task goes on
 *
 * Each slice is long beside the clock's step; the median slice counts. Cycles come from perf_event_open(2), where the
 * machine lets us. */
#define _GNU_SOURCE
#include "leat/leat.h"
#include "memory/region.h"
#include "task/task.h"
#include "wait/bench_wait.h"
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { STACKS = 4, STRIDE = 65536 + 4096, SLICES = 101, TIMES = 100000 };

struct side {
    const char *name;
    double ns[SLICES], cycles[SLICES];
};

static void *pair_sp, *pair_loop_sp;
static _Alignas(64) char pair_stack[65536];
static struct tasks tasks;
static struct loop loop;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int open_cycles(void)
{
    struct perf_event_attr ask = {.type = PERF_TYPE_HARDWARE,
                                  .size = sizeof ask,
                                  .config = PERF_COUNT_HW_CPU_CYCLES,
                                  .exclude_kernel = 1,
                                  .exclude_hv = 1};
    return (int)syscall(SYS_perf_event_open, &ask, 0, -1, -1, 0);
}

static uint64_t read_cycles(int counter)
{
    uint64_t value = 0;
    if (counter >= 0 && read(counter, &value, sizeof value) != sizeof value)
        value = 0;
    return value;
}

static void suspend_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        leat__stack_suspend(&pair_sp, &pair_loop_sp);
}

static void yield_for_ever(void *unused)
{
    (void)unused;
    while (leat_yield() == 0) {
    }
}

static void run_pair(void)
{
    for (int i = 0; i < TIMES; i++)
        leat__stack_resume(pair_sp, &pair_loop_sp);
}

static void run_yield(void)
{
    for (int i = 0; i < TIMES; i++)
        leat__tasks_turn(&tasks);
}

static void time_slice(void (*run)(void), int counter, struct side *side, int slice)
{
    uint64_t cycles = read_cycles(counter), start = now_ns();
    run();
    side->ns[slice] = (double)(now_ns() - start) / TIMES;
    side->cycles[slice] = (double)(read_cycles(counter) - cycles) / TIMES;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, SLICES, sizeof *values, by_value);
    return values[SLICES / 2];
}

static void open_tasks(void)
{
    static struct region region;
    static struct stack_pool stacks;
    static struct timer_wheels wheels;
    size_t known = leat__tasks_footprint(STACKS);
    size_t size = leat__stack_pool_footprint(STRIDE, STACKS) + known + (size_t)64 * 1024;
    if (leat__region_create(&region, align_up(size, PAGE_SIZE_BYTES), REGION_RESERVE) < 0 ||
        leat__stack_pool_init(&stacks, &region, STRIDE, STACKS) < 0) {
        fprintf(stderr, "bench_wait: no memory for stacks\n");
        exit(69);
    }
    loop.due_ms = INT64_MAX;
    leat__tasks_open(&tasks, leat__region_take(&region, known, CACHE_LINE), &wheels, &stacks, &loop, 0);
}

int wait_switch(void)
{
    static struct side pair = {.name = "pair"}, yield = {.name = "yield"};
    int counter = open_cycles();
    open_tasks();
    leat__stack_call(NULL, &pair_loop_sp, suspend_for_ever, pair_stack + sizeof pair_stack);
    leat__task_spawn(&tasks, yield_for_ever, NULL);
    for (int slice = 0; slice < SLICES; slice++) {
        time_slice(run_pair, counter, &pair, slice);
        time_slice(run_yield, counter, &yield, slice);
    }
    printf("%s %.3f %.2f\n", pair.name, median(pair.ns), median(pair.cycles));
    printf("%s %.3f %.2f\n", yield.name, median(yield.ns), median(yield.cycles));
    return 0;
}
