/* histogram.c: see histogram.h. */
#include "observe/histogram.h"

void leat__histogram_record_outlier(struct histogram *h, uint64_t value)
{
    histogram_record(h, (int64_t)value < 0 ? 0 : HISTOGRAM_LARGEST);
}

/* The smallest value whose bucket is this one or a later one: (32 + part) * 2^power / 32, rounded up, less the offset. */
uint64_t leat__histogram_first(unsigned bucket)
{
    unsigned number = bucket + HISTOGRAM_BEFORE, power = number / HISTOGRAM_PARTS;
    uint64_t parts = HISTOGRAM_PARTS + number % HISTOGRAM_PARTS;
    return (((parts << power) + HISTOGRAM_PARTS - 1) >> HISTOGRAM_PARTS_BITS) - HISTOGRAM_OFFSET;
}

uint64_t leat__histogram_last(unsigned bucket)
{
    return leat__histogram_first(bucket + 1) - 1;
}

void leat__histogram_record_shared(struct histogram *h, uint64_t value)
{
    if (value > HISTOGRAM_LARGEST)
        value = (int64_t)value < 0 ? 0 : HISTOGRAM_LARGEST;
    __atomic_fetch_add(&h->buckets[histogram_bucket(value)], 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&h->sum, value, __ATOMIC_RELAXED);
}

void leat__histogram_add(struct histogram *to, const struct histogram *from)
{
    to->sum += tally_read(&from->sum);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        to->buckets[i] += tally_read(&from->buckets[i]);
}

static uint64_t middle(unsigned bucket)
{
    return leat__histogram_first(bucket) +
           (leat__histogram_last(bucket) - leat__histogram_first(bucket)) / 2;
}

void leat__histogram_add_scaled(struct histogram *to, const struct histogram *from, uint64_t factor)
{
    to->sum += tally_read(&from->sum) * factor;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t count = tally_read(&from->buckets[i]), value = middle(i);
        if (count > 0)
            to->buckets[histogram_bucket(value < HISTOGRAM_LARGEST / factor ? value * factor : HISTOGRAM_LARGEST)] +=
                count;
    }
}

void leat__histogram_subtract(struct histogram *now, const struct histogram *then)
{
    now->sum -= then->sum;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        now->buckets[i] -= then->buckets[i];
}

uint64_t leat__histogram_count(const struct histogram *h)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        count += h->buckets[i];
    return count;
}

uint64_t leat__histogram_quantile(const struct histogram *h, double share)
{
    uint64_t count = leat__histogram_count(h), below = 0;
    double wanted = share * (double)count;
    if (count == 0)
        return 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += h->buckets[i];
        if (below > 0 && (double)below >= wanted)
            return middle(i);
    }
    return leat__histogram_max(h);
}

/* Of those in a bucket in which the limit lies. */
static uint64_t part_up_to(const struct histogram *h, unsigned bucket, uint64_t limit)
{
    uint64_t first = leat__histogram_first(bucket), last = leat__histogram_last(bucket);
    if (limit < first)
        return 0;
    return (uint64_t)((double)h->buckets[bucket] * (double)(limit - first + 1) /
                      (double)(last - first + 1));
}

uint64_t leat__histogram_up_to_each(const struct histogram *h, const uint64_t *limits,
                                    uint64_t *counts, unsigned n)
{
    uint64_t count = 0;
    unsigned at = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        for (; at < n && limits[at] < leat__histogram_last(i); at++)
            counts[at] = count + part_up_to(h, i, limits[at]);
        count += h->buckets[i];
    }
    for (; at < n; at++)
        counts[at] = count;
    return count;
}

uint64_t leat__histogram_up_to(const struct histogram *h, uint64_t limit)
{
    uint64_t count;
    leat__histogram_up_to_each(h, &limit, &count, 1);
    return count;
}

uint64_t leat__histogram_max(const struct histogram *h)
{
    for (unsigned i = HISTOGRAM_BUCKETS; i-- > 0;)
        if (h->buckets[i] != 0)
            return middle(i);
    return 0;
}
