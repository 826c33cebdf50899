/* timers.h: when tasks are to be woken, to the millisecond. (Connections have deadlines of their own, in steps of 128 ms
 * and at 4 bytes each: loop/wheel.h. A task has room for better.)
 *
 * Seven wheels of 64 buckets: the first turns a bucket a millisecond, each of the others 64 times slower than the one
 * before; together they tell 139 years apart, which no machine's monotonic clock has seen. A timer lies in the slowest
 * wheel on which its time differs from now; when that bucket's time comes it falls into a faster one, or is due. So
 * setting and clearing are O(1), and a timer falls six times at most. */
#ifndef LEAT_TIMERS_H
#define LEAT_TIMERS_H

#include "base/base.h"

enum { TIMERS_LEVELS = 7, TIMERS_BITS = 6, TIMERS_BUCKETS = 1 << TIMERS_BITS };

struct timer {
    struct timer *next, **link; /* link NULL: not set */
    int64_t at_ms;
    uint32_t bucket; /* of all wheels' */
};

/* The buckets of all wheels, the fastest first. They lie apart from what is looked at in every turn: most are never touched. */
struct timer_wheels {
    struct timer *buckets[TIMERS_LEVELS * TIMERS_BUCKETS];
};

struct timers {
    int64_t now_ms;
    struct timer *due;                /* their time has come */
    uint64_t occupied[TIMERS_LEVELS]; /* a bit per bucket */
    struct timer **buckets;           /* the wheels' */
};

void leat__timers_init(struct timers *t, struct timer_wheels *wheels, int64_t now_ms);

/* timer must not be set. A time that has passed is the next millisecond; one beyond 34 years is 34 years. */
void leat__timers_set(struct timers *t, struct timer *timer, int64_t at_ms);
void leat__timers_clear(struct timers *t, struct timer *timer); /* also one that is not set */

static inline bool timer_is_set(const struct timer *timer)
{
    return timer->link != NULL;
}

/* A timer that is due at now_ms, taken out; NULL: there is none any more. */
struct timer *leat__timers_take(struct timers *t, int64_t now_ms);

/* No timer is due before this; INT64_MAX: none is set. It may come too early for one that is far away: then taking gives
 * nothing, and this gets nearer. */
int64_t leat__timers_next_ms(const struct timers *t);

#endif
