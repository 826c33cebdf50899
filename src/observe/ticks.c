/* ticks.c: see ticks.h. */
#include "observe/ticks.h"
#include "base/clock.h"
#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum { MEASURE_NS = 2000000, SECOND_NS = 1000000000 };

bool leat__ticks_are_steady;
uint64_t leat__ticks_per_ms = 1000000 >> TICKS_SHIFT;
static uint64_t per_second = SECOND_NS >> TICKS_SHIFT; /* of the kernel's clock */

uint64_t leat__ticks_by_kernel(void)
{
    return (uint64_t)leat__clock_now_ns() >> TICKS_SHIFT;
}

/* Runs at one pace, whatever the processor's: CPUID says so ("invariant TSC"). */
static bool is_steady(void)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;
    enum { POWER_MANAGEMENT = 0x80000007, INVARIANT = 1 << 8 };
    return __get_cpuid(POWER_MANAGEMENT, &a, &b, &c, &d) && (d & INVARIANT);
#else
    return false;
#endif
}

static void measure(void)
{
    int64_t began_ns = leat__clock_now_ns(), now_ns;
    uint64_t began = ticks_now(), now;
    do {
        now_ns = leat__clock_now_ns();
        now = ticks_now();
    } while (now_ns - began_ns < MEASURE_NS);
    if (now > began)
        per_second = (uint64_t)((double)(now - began) * SECOND_NS / (double)(now_ns - began_ns));
}

void leat__ticks_open(void)
{
    static bool is_open;
    if (is_open)
        return;
    is_open = true;
#if defined(__x86_64__)
    leat__ticks_are_steady = is_steady();
    if (leat__ticks_are_steady)
        measure();
#elif defined(__aarch64__)
    (void)measure;
    (void)is_steady;
    __asm__("mrs %0, cntfrq_el0" : "=r"(per_second));
#endif
    leat__ticks_per_ms = per_second / 1000 > 0 ? per_second / 1000 : 1;
}

uint64_t leat__ticks_per_second(void)
{
    return per_second;
}
