/* test_histogram.c: every value has its bucket and is told within 2%; sums, differences and shares are what a sorted array
 * says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "observe/histogram.h"

enum { VALUES = 20000 };

static const double error_max = 0.02 + 1e-9;

static uint64_t random_bits(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Of every size equally often. */
static uint64_t random_value(uint64_t *seed)
{
    return (random_bits(seed) & HISTOGRAM_LARGEST) >> random_bits(seed) % HISTOGRAM_VALUE_BITS;
}

static struct histogram *make(void)
{
    struct histogram *h = calloc(1, sizeof *h);
    assert_non_null(h);
    return h;
}

static void assert_near(uint64_t told, uint64_t value)
{
    double off = told > value ? (double)(told - value) : (double)(value - told);
    if (off > error_max * (double)value)
        fail_msg("%llu is told as %llu", (unsigned long long)value, (unsigned long long)told);
}

/* Below 17 values lie further apart than buckets. */
static bool is_used(unsigned bucket)
{
    return leat__histogram_last(bucket) + 1 != leat__histogram_first(bucket);
}

static void buckets_lie_side_by_side_from_0_to_the_largest(void **state)
{
    (void)state;
    uint64_t next = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t first = leat__histogram_first(i), last = leat__histogram_last(i);
        assert_int_equal(first, next);
        assert_true(is_used(i) ? last >= first : i < 5 * HISTOGRAM_PARTS - HISTOGRAM_BEFORE);
        if (!is_used(i))
            continue;
        assert_int_equal(histogram_bucket(first), i);
        assert_int_equal(histogram_bucket(last), i);
        assert_int_equal(histogram_bucket(first + (last - first) / 2), i);
        assert_true(last - first <= (first + HISTOGRAM_OFFSET) /
                                        HISTOGRAM_PARTS); /* as wide as a share of what it holds */
        next = last + 1;
    }
    assert_int_equal(next, HISTOGRAM_LARGEST + 1);
}

static void what_is_told_of_one_value_is_within_the_error(void **state)
{
    (void)state;
    struct histogram *h = make();
    uint64_t seed = 88172645463325252u;
    for (unsigned i = 0; i < VALUES; i++) {
        uint64_t value = random_value(&seed);
        memset(h, 0, sizeof *h);
        histogram_record(h, value);
        assert_int_equal(leat__histogram_count(h), 1);
        assert_int_equal(h->sum, value);
        assert_near(leat__histogram_max(h), value);
        assert_near(leat__histogram_quantile(h, 0.5), value);
    }
    free(h);
}

static void the_edges_of_every_power_of_two_are_within_the_error(void **state)
{
    (void)state;
    struct histogram *h = make();
    for (unsigned power = 0; power < HISTOGRAM_VALUE_BITS; power++)
        for (int step = -1; step <= 1; step++) {
            uint64_t value = (UINT64_C(1) << power) + (uint64_t)(int64_t)step;
            memset(h, 0, sizeof *h);
            histogram_record(h, value);
            assert_near(leat__histogram_max(h), value);
        }
    free(h);
}

static void nothing_the_largest_and_what_is_beyond(void **state)
{
    (void)state;
    struct histogram *h = make();
    assert_int_equal(leat__histogram_count(h), 0);
    assert_int_equal(leat__histogram_max(h), 0);
    assert_int_equal(leat__histogram_quantile(h, 0.99), 0);
    assert_int_equal(leat__histogram_up_to(h, UINT64_MAX), 0);
    histogram_record(h, 0);
    assert_int_equal(h->buckets[0], 1);
    assert_int_equal(h->sum, 0);
    histogram_record(h, HISTOGRAM_LARGEST);
    assert_int_equal(h->buckets[HISTOGRAM_BUCKETS - 1], 1);
    histogram_record(h, HISTOGRAM_LARGEST + 1); /* as the largest */
    histogram_record(h, (uint64_t)INT64_MAX);
    assert_int_equal(h->buckets[HISTOGRAM_BUCKETS - 1], 3);
    assert_int_equal(h->sum, 3 * HISTOGRAM_LARGEST);
    assert_int_equal(leat__histogram_count(h), 4);
    free(h);
}

static void a_negative_difference_of_clocks_counts_as_0(void **state)
{
    (void)state;
    struct histogram *h = make();
    uint64_t earlier = 1000, later = 1001;
    histogram_record(h, earlier - later);
    histogram_record(h, (uint64_t)INT64_MIN);
    assert_int_equal(h->buckets[0], 2);
    assert_int_equal(h->sum, 0);
    free(h);
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Of a sorted array: the value at or below which the share lies. */
static uint64_t at_share(const uint64_t *sorted, double share)
{
    double wanted = share * VALUES;
    unsigned i = 0;
    while (i + 1 < VALUES && i + 1 < wanted)
        i++;
    return sorted[i];
}

static void shares_are_those_of_a_sorted_array(void **state)
{
    (void)state;
    static const double shares[] = {0,    0.001, 0.01, 0.1,   0.25,   0.5,
                                    0.75, 0.9,   0.99, 0.999, 0.9999, 1};
    uint64_t *values = malloc(VALUES * sizeof *values), seed = 1, sum = 0;
    struct histogram *h = make();
    for (unsigned i = 0; i < VALUES; i++) {
        values[i] = random_value(&seed);
        sum += values[i];
        histogram_record(h, values[i]);
    }
    qsort(values, VALUES, sizeof *values, by_size);
    for (unsigned i = 0; i < sizeof shares / sizeof shares[0]; i++)
        assert_near(leat__histogram_quantile(h, shares[i]), at_share(values, shares[i]));
    assert_near(leat__histogram_max(h), values[VALUES - 1]);
    assert_int_equal(h->sum, sum);
    free(h);
    free(values);
}

static void adding_and_subtracting_are_exact(void **state)
{
    (void)state;
    struct histogram *one = make(), *other = make(), *both = make(), *sum = make();
    uint64_t seed = 7;
    for (unsigned i = 0; i < VALUES; i++) {
        uint64_t value = random_value(&seed);
        histogram_record(i % 3 ? one : other, value);
        histogram_record(both, value);
    }
    leat__histogram_add(sum, one);
    leat__histogram_add(sum, other);
    assert_memory_equal(sum, both, sizeof *sum);
    leat__histogram_subtract(sum, one);
    assert_memory_equal(sum, other, sizeof *sum);
    leat__histogram_subtract(sum, other);
    assert_int_equal(leat__histogram_count(sum), 0);
    assert_int_equal(sum->sum, 0);
    free(one);
    free(other);
    free(both);
    free(sum);
}

static void another_unit_is_told_within_twice_the_error(void **state)
{
    (void)state;
    struct histogram *ms = make(), *ns = make();
    for (uint64_t i = 0; i <= 1000; i++)
        histogram_record(ms, i);
    leat__histogram_add_scaled(ns, ms, 1000000);
    assert_int_equal(leat__histogram_count(ns), 1001);
    assert_int_equal(ns->sum, UINT64_C(500500) * 1000000);
    uint64_t half = leat__histogram_quantile(ns, 0.5);
    assert_true(half > 484000000 && half < 516000000);
    histogram_record(ms, HISTOGRAM_LARGEST);
    leat__histogram_add_scaled(ns, ms, 1000000); /* beyond the largest */
    assert_int_equal(leat__histogram_count(ns), 2003);
    free(ms);
    free(ns);
}

static void up_to_is_exact_at_edges_and_never_falls(void **state)
{
    (void)state;
    struct histogram *h = make();
    uint64_t seed = 99, below = 0, before = 0;
    for (unsigned i = 0; i < VALUES; i++)
        histogram_record(h, random_value(&seed));
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t first = leat__histogram_first(i), last = leat__histogram_last(i);
        for (unsigned part = 0; part < 4 && is_used(i); part++) {
            uint64_t now = leat__histogram_up_to(h, first + (last - first) * part / 4);
            assert_true(now >= before && now >= below && now <= below + h->buckets[i]);
            before = now;
        }
        below += h->buckets[i];
        assert_int_equal(leat__histogram_up_to(h, last), below);
        before = below;
    }
    assert_int_equal(below, VALUES);
    assert_int_equal(leat__histogram_up_to(h, UINT64_MAX), VALUES);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_lie_side_by_side_from_0_to_the_largest),
        cmocka_unit_test(what_is_told_of_one_value_is_within_the_error),
        cmocka_unit_test(the_edges_of_every_power_of_two_are_within_the_error),
        cmocka_unit_test(nothing_the_largest_and_what_is_beyond),
        cmocka_unit_test(a_negative_difference_of_clocks_counts_as_0),
        cmocka_unit_test(shares_are_those_of_a_sorted_array),
        cmocka_unit_test(adding_and_subtracting_are_exact),
        cmocka_unit_test(another_unit_is_told_within_twice_the_error),
        cmocka_unit_test(up_to_is_exact_at_edges_and_never_falls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
