/* histogram.h: how values are spread, in fixed memory and with a bounded error: log-linear buckets, 32 for each power of two of
 * the value + 15.
 *
 *     value         0 │ 1 │ 2 │ … │ 48 │ 49, 50 │ 51, 52 │ … │ 113 … 116 │ …
 *     a bucket holds                1 │                   2 │              4 │ …      values
 *
 * So a value that is told (a bucket's middle) is at most 2% wrong, from a tick to days (and 1.6% from some hundreds on). The 15
 * is the most for which this holds: the smallest values, of which each has a bucket anyway, take less room by it, and what is
 * mostly recorded fits a page. Where a value belongs is read from the number as the processor's floating point has it: exponent
 * and the first five bits of the fraction, which is a handful of instructions. (The buckets of values below 17 lie apart: some
 * between them are never used.) One thread records, others read (tally.h). Adding two up is adding bucket by bucket. Values are
 * ticks (ticks.h). */
#ifndef LEAT_HISTOGRAM_H
#define LEAT_HISTOGRAM_H

#include "observe/tally.h"

enum {
    HISTOGRAM_PARTS_BITS = 5,
    HISTOGRAM_PARTS = 1 << HISTOGRAM_PARTS_BITS, /* buckets of a power of two */
    HISTOGRAM_VALUE_BITS = 44,                   /* what is larger is recorded as the largest */
    HISTOGRAM_OFFSET = 15,
    HISTOGRAM_BEFORE = 3 * HISTOGRAM_PARTS + (HISTOGRAM_OFFSET - 8) * 4, /* buckets that a smaller sum would have */
    HISTOGRAM_BUCKETS = HISTOGRAM_VALUE_BITS * HISTOGRAM_PARTS - HISTOGRAM_BEFORE,
};

static const uint64_t HISTOGRAM_LARGEST = (UINT64_C(1) << HISTOGRAM_VALUE_BITS) - 1 - HISTOGRAM_OFFSET;

struct histogram {
    uint64_t sum; /* of the values as they were recorded */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* HISTOGRAM_BUCKETS and more: it has none. */
static inline uint64_t histogram_bucket(uint64_t value)
{
    enum { FRACTION_BITS = 52, EXPONENT_OF_1 = 1023 };
    double number = (double)(int64_t)(value + HISTOGRAM_OFFSET);
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return (bits >> (FRACTION_BITS - HISTOGRAM_PARTS_BITS)) -
           (((uint64_t)EXPONENT_OF_1 << HISTOGRAM_PARTS_BITS) + HISTOGRAM_BEFORE);
}

/* Too large a value counts as the largest, a difference of two clocks that is negative as 0. */
void leat__histogram_record_outlier(struct histogram *h, uint64_t value);

static inline void histogram_record(struct histogram *h, uint64_t value)
{
    uint64_t bucket = histogram_bucket(value);
    if (UNLIKELY(bucket >= HISTOGRAM_BUCKETS)) {
        leat__histogram_record_outlier(h, value);
        return;
    }
    tally(&h->buckets[bucket], 1);
    tally(&h->sum, value);
}

/* Into one that many threads record into. */
void leat__histogram_record_shared(struct histogram *h, uint64_t value);

/* ── For who reads; from any thread ── */

/* The values that fall into a bucket: from its first to its last; of one that is never used the last is before the first. */
uint64_t leat__histogram_first(unsigned bucket);
uint64_t leat__histogram_last(unsigned bucket);

/* to += from, which somebody may be recording into. */
void leat__histogram_add(struct histogram *to, const struct histogram *from);
/* to += from, whose values are in another unit: factor of those of to. What is told then is at most 4% wrong. */
void leat__histogram_add_scaled(struct histogram *to, const struct histogram *from, uint64_t factor);
/* now -= then, an earlier state of the same. */
void leat__histogram_subtract(struct histogram *now, const struct histogram *then);

/* Of a histogram of one's own: */

uint64_t leat__histogram_count(const struct histogram *h);
/* The value below or at which the given share (0 to 1) of all lie, within 2%; 0: there are none. */
uint64_t leat__histogram_quantile(const struct histogram *h, double share);
/* How many values are at most so large; within a bucket values are taken to lie evenly. Never less for a larger limit. */
uint64_t leat__histogram_up_to(const struct histogram *h, uint64_t limit);
/* The same for n limits that rise, in one go, into counts; answers how many there are in all, which is never less. */
uint64_t leat__histogram_up_to_each(const struct histogram *h, const uint64_t *limits,
                                    uint64_t *counts, unsigned n);
/* The largest, within 2%; 0: there are none. */
uint64_t leat__histogram_max(const struct histogram *h);

#endif
