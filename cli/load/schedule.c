/* schedule.c: places on a line of time. Each place is counted from the beginning and not from the one before, so that
 * rounding does not add up. */
#include "load/schedule.h"
#include <math.h>

uint64_t leat__chance_seed(uint64_t seed, uint64_t nth)
{
    uint64_t z = seed + (nth + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return z != 0 ? z : 1;
}

static void place(struct schedule *s)
{
    if (s->poisson) {
        double share = (double)((chance_next(&s->chance) >> 11) + 1) * 0x1p-53; /* 0 < share <= 1 */
        s->at_ns -= log(share) * s->gap_ns;
    } else {
        s->at_ns = s->place_ns + (double)s->nth * s->gap_ns;
    }
    s->due_ns = s->begin_ns + (int64_t)s->at_ns;
}

void leat__schedule_init(struct schedule *s, double rate, uint32_t thread, uint32_t threads)
{
    s->gap_ns = 1e9 * threads / rate;
    s->place_ns = 1e9 * thread / rate;
    s->nth = 0;
    s->at_ns = 0;
    place(s);
}

void leat__schedule_next(struct schedule *s)
{
    s->nth++;
    place(s);
}

uint64_t leat__schedule_pass(struct schedule *s, int64_t end_ns)
{
    uint64_t passed = 0;
    while (s->due_ns < end_ns) {
        leat__schedule_next(s);
        passed++;
    }
    return passed;
}
