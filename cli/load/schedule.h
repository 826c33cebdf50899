/* schedule.h: when the requests of an open loop are due: a function of time and chance, and of nothing a server does.
 *
 * Each of n threads has its own: evenly spaced ones are interleaved, so that all together are even again; those that come as
 * people do (the gaps of a Poisson process) add up to one as well. What is due and not yet made needs no memory: the schedule
 * stands at the first of them. */
#ifndef LEAT_LOAD_SCHEDULE_H
#define LEAT_LOAD_SCHEDULE_H

#include "load/load.h"

struct schedule {
    bool poisson;
    int64_t begin_ns;
    double gap_ns;   /* of this thread, in the mean */
    double place_ns; /* of the first one */
    uint64_t nth;
    uint64_t chance; /* state of the random numbers; not 0 */
    double at_ns;    /* Poisson: behind begin_ns */
    int64_t due_ns;  /* the next one */
};

/* rate: a second, of all threads together. poisson, begin_ns and chance are set before. */
void leat__schedule_init(struct schedule *s, double rate, uint32_t thread, uint32_t threads);
/* The one at due_ns has been made. */
void leat__schedule_next(struct schedule *s);
/* How many there are from due_ns to before end_ns; these are passed over. */
uint64_t leat__schedule_pass(struct schedule *s, int64_t end_ns);

/* xorshift64*: good enough for gaps and choices, and the same for the same seed. */
static inline uint64_t chance_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint32_t chance_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)((chance_next(state) >> 32) * bound >> 32);
}

/* A state for the nth user of a seed. */
uint64_t leat__chance_seed(uint64_t seed, uint64_t nth);

#endif
