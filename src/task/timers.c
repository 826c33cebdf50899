/* timers.c: see timers.h. */
#include "task/timers.h"

enum {
    BUCKET_DUE = TIMERS_LEVELS * TIMERS_BUCKETS
}; /* where the due ones lie, as their bucket's number */

static const int64_t furthest_ms = INT64_C(1) << 40;

void leat__timers_init(struct timers *t, struct timer_wheels *wheels, int64_t now_ms)
{
    *t = (struct timers){.now_ms = now_ms, .buckets = wheels->buckets};
    clear_untouched(wheels, sizeof *wheels);
}

/* How many times slower than a millisecond a wheel is, as a shift. */
static unsigned shift_of(unsigned level)
{
    return level * TIMERS_BITS;
}

static void link_timer(struct timers *t, struct timer *timer, uint32_t bucket)
{
    struct timer **head = bucket == BUCKET_DUE ? &t->due : &t->buckets[bucket];
    timer->bucket = bucket;
    timer->next = *head;
    timer->link = head;
    if (*head != NULL)
        (*head)->link = &timer->next;
    *head = timer;
    if (bucket != BUCKET_DUE)
        t->occupied[bucket / TIMERS_BUCKETS] |= UINT64_C(1) << bucket % TIMERS_BUCKETS;
}

static void place(struct timers *t, struct timer *timer)
{
    uint64_t at = (uint64_t)timer->at_ms, differs = at ^ (uint64_t)t->now_ms;
    if (timer->at_ms <= t->now_ms) {
        link_timer(t, timer, BUCKET_DUE);
        return;
    }
    unsigned level = (unsigned)(63 - __builtin_clzll(differs)) / TIMERS_BITS;
    link_timer(t, timer, level * TIMERS_BUCKETS + (at >> shift_of(level) & (TIMERS_BUCKETS - 1)));
}

void leat__timers_set(struct timers *t, struct timer *timer, int64_t at_ms)
{
    ASSERT_DEBUG(!timer_is_set(timer));
    if (at_ms <= t->now_ms)
        at_ms = t->now_ms + 1;
    if (at_ms > t->now_ms + furthest_ms)
        at_ms = t->now_ms + furthest_ms;
    timer->at_ms = at_ms;
    place(t, timer);
}

void leat__timers_clear(struct timers *t, struct timer *timer)
{
    if (!timer_is_set(timer))
        return;
    *timer->link = timer->next;
    if (timer->next != NULL)
        timer->next->link = timer->link;
    timer->link = NULL;
    uint32_t bucket = timer->bucket;
    if (bucket != BUCKET_DUE && t->buckets[bucket] == NULL)
        t->occupied[bucket / TIMERS_BUCKETS] &= ~(UINT64_C(1) << bucket % TIMERS_BUCKETS);
}

int64_t leat__timers_next_ms(const struct timers *t)
{
    if (t->due != NULL)
        return t->now_ms;
    /* What lies in a faster wheel comes before the next bucket of a slower one. */
    for (unsigned level = 0; level < TIMERS_LEVELS; level++) {
        uint64_t turned = (uint64_t)t->now_ms >> shift_of(level);
        if (t->occupied[level] != 0)
            return (int64_t)((turned & ~(uint64_t)(TIMERS_BUCKETS - 1)) +
                             (unsigned)__builtin_ctzll(t->occupied[level]))
                   << shift_of(level);
    }
    return INT64_MAX;
}

/* It is now the beginning of a bucket, of one wheel or of several: what is in them falls, the slowest first. */
static void let_fall(struct timers *t)
{
    for (unsigned level = TIMERS_LEVELS; level-- > 0;) {
        uint32_t bucket = level * TIMERS_BUCKETS +
                          ((uint64_t)t->now_ms >> shift_of(level) & (TIMERS_BUCKETS - 1));
        struct timer *timer = t->buckets[bucket];
        t->buckets[bucket] = NULL;
        t->occupied[level] &= ~(UINT64_C(1) << bucket % TIMERS_BUCKETS);
        while (timer != NULL) {
            struct timer *next = timer->next;
            place(t, timer);
            timer = next;
        }
    }
}

struct timer *leat__timers_take(struct timers *t, int64_t now_ms)
{
    while (t->due == NULL) {
        int64_t next_ms = leat__timers_next_ms(t);
        if (next_ms > now_ms) {
            t->now_ms = now_ms > t->now_ms ? now_ms : t->now_ms;
            return NULL;
        }
        t->now_ms = next_ms;
        let_fall(t);
    }
    struct timer *timer = t->due;
    leat__timers_clear(t, timer);
    return timer;
}
