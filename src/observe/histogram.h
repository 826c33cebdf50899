/* histogram.h: how values are spread, in fixed memory and with a bounded error: log-linear buckets, 32 for each power of two.
 *
 *     value    0 1 2 … 31 │ 32 … 63 │ 64, 66 … 126 │ 128, 132 … 252 │ …
 *     a bucket holds    1 │       1 │            2 │              4 │ …      values
 *
 * So a value that is told (a bucket's middle) is at most 1.6% wrong, from a tick to days. Recording is some ten instructions;
 * one thread records, others read (tally.h). Adding two up is adding bucket by bucket. Values are ticks (ticks.h). */
#ifndef LEAT_HISTOGRAM_H
#define LEAT_HISTOGRAM_H

#include "observe/tally.h"

enum {
    HISTOGRAM_PARTS_BITS = 5,
    HISTOGRAM_PARTS = 1 << HISTOGRAM_PARTS_BITS, /* buckets of a power of two */
    HISTOGRAM_VALUE_BITS = 44,                   /* what is larger is recorded as the largest */
    HISTOGRAM_BUCKETS = (HISTOGRAM_VALUE_BITS - HISTOGRAM_PARTS_BITS + 1) * HISTOGRAM_PARTS,
};

static const uint64_t HISTOGRAM_LARGEST = (UINT64_C(1) << HISTOGRAM_VALUE_BITS) - 1;

struct histogram {
    uint64_t sum; /* of the values as they were recorded */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

static inline unsigned histogram_bucket(uint64_t value)
{
    unsigned power = 63 - (unsigned)__builtin_clzll(value | HISTOGRAM_PARTS) - HISTOGRAM_PARTS_BITS;
    return (power << HISTOGRAM_PARTS_BITS) + (unsigned)(value >> power);
}

/* A difference of two clocks that is negative counts as 0. */
static inline void histogram_record(struct histogram *h, uint64_t value)
{
    if (UNLIKELY(value > HISTOGRAM_LARGEST))
        value = (int64_t)value < 0 ? 0 : HISTOGRAM_LARGEST;
    tally(&h->buckets[histogram_bucket(value)], 1);
    tally(&h->sum, value);
}

/* Into one that many threads record into. */
void leat__histogram_record_shared(struct histogram *h, uint64_t value);

/* ── For who reads; from any thread ── */

/* The values that fall into a bucket: from its first to its last. */
uint64_t leat__histogram_first(unsigned bucket);
uint64_t leat__histogram_last(unsigned bucket);

/* to += from, which somebody may be recording into. */
void leat__histogram_add(struct histogram *to, const struct histogram *from);
/* now -= then, an earlier state of the same. */
void leat__histogram_subtract(struct histogram *now, const struct histogram *then);

/* Of a histogram of one's own: */

uint64_t leat__histogram_count(const struct histogram *h);
/* The value below or at which the given share (0 to 1) of all lie, within 1.6%; 0: there are none. */
uint64_t leat__histogram_quantile(const struct histogram *h, double share);
/* How many values are at most so large; within a bucket values are taken to lie evenly. Never less for a larger limit. */
uint64_t leat__histogram_up_to(const struct histogram *h, uint64_t limit);
/* The same for n limits that rise, in one go, into counts; answers how many there are in all, which is never less. */
uint64_t leat__histogram_up_to_each(const struct histogram *h, const uint64_t *limits,
                                    uint64_t *counts, unsigned n);
/* The largest, within 1.6%; 0: there are none. */
uint64_t leat__histogram_max(const struct histogram *h);

#endif
