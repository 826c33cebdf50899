/* ticks.h: a clock that costs a few nanoseconds, for what is measured at every request: the processor's own counter (TSC,
 * CNTVCT). Differences mean something, values do not. How long a tick is, is found out once, at start: some nanoseconds, 16
 * steps of TSC, which is as fine as that can tell anyway. (TSC runs at one pace on every processor of the last fifteen years;
 * where it does not, durations are told wrong, and nothing else is.) */
#ifndef LEAT_TICKS_H
#define LEAT_TICKS_H

#include "base/base.h"

static inline uint64_t ticks_now(void)
{
#if defined(__x86_64__)
    enum { TICKS_SHIFT = 4 };
    return __builtin_ia32_rdtsc() >> TICKS_SHIFT;
#else
    uint64_t count;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
    return count;
#endif
}

/* At start, before a length is asked for; takes some 2 ms the first time. From one thread. */
void leat__ticks_open(void);

/* After leat__ticks_open. */
uint64_t leat__ticks_per_second(void);

static inline uint64_t ticks_of_ms(uint64_t ms)
{
    extern uint64_t leat__ticks_per_ms;
    return ms * leat__ticks_per_ms;
}

#endif
