/* ticks.c: see ticks.h. */
#include "observe/ticks.h"
#include "base/clock.h"

enum { MEASURE_NS = 2000000, SECOND_NS = 1000000000 };

uint64_t leat__ticks_per_ms = 1000000;
static uint64_t per_second = SECOND_NS;

#if defined(__x86_64__)
static uint64_t measure(void)
{
    int64_t began_ns = leat__clock_now_ns(), now_ns;
    uint64_t began = ticks_now(), now;
    do {
        now_ns = leat__clock_now_ns();
        now = ticks_now();
    } while (now_ns - began_ns < MEASURE_NS);
    return (uint64_t)((double)(now - began) * SECOND_NS / (double)(now_ns - began_ns));
}
#else
static uint64_t measure(void)
{
    uint64_t frequency;
    __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
    return frequency;
}
#endif

void leat__ticks_open(void)
{
    static bool is_open;
    if (is_open)
        return;
    is_open = true;
    uint64_t measured = measure();
    if (measured >= 1000)
        per_second = measured;
    leat__ticks_per_ms = per_second / 1000;
}

uint64_t leat__ticks_per_second(void)
{
    return per_second;
}
