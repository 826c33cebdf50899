/* statistics.c: what a handful of ratios says.
 *
 * Nothing here assumes a bell curve: measurements on a shared machine have none. The median stands for the middle, the
 * bootstrap for how sure it is: draw n of the n values with replacement, take the median, do so two thousand times; the middle
 * 95% of those medians are the interval. The tests are exact: they count, over all ways in which n coins can fall, how
 * many give as much as was seen. */
#include "compare/compare.h"

#include <math.h>
#include <stdlib.h>

enum { RESAMPLES = 2000 };

uint64_t leat__compare_random(uint64_t *state)
{
    /* A counter whose steps are scrambled, in two multiplications. */
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void leat__compare_order(uint32_t *order, uint32_t count, uint64_t *state)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = (uint32_t)((leat__compare_random(state) >> 32) * (i + 1) >> 32);
        order[i] = order[at];
        order[at] = i;
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sort(double *values, uint32_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
}

static double middle(const double *sorted, uint32_t n)
{
    return n % 2 != 0 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double leat__compare_median(const double *values, uint32_t n)
{
    double sorted[COMPARE_ROUNDS_MAX];
    ASSERT(n <= COMPARE_ROUNDS_MAX);
    if (n == 0)
        return NAN;
    memcpy(sorted, values, n * sizeof *values);
    sort(sorted, n);
    return middle(sorted, n);
}

/* The median of n values drawn from the sorted ones, by how often each was drawn: no sorting. */
static double resampled_median(const double *sorted, uint32_t n, uint64_t *state)
{
    uint16_t drawn[COMPARE_ROUNDS_MAX] = {0};
    for (uint32_t i = 0; i < n; i++)
        drawn[(leat__compare_random(state) >> 32) * n >> 32]++;
    uint32_t lower = (n - 1) / 2, upper = n / 2, seen = 0, i = 0;
    while ((seen += drawn[i]) <= lower)
        i++;
    double low = sorted[i];
    while (seen <= upper)
        seen += drawn[++i];
    return (low + sorted[i]) / 2;
}

struct compare_interval leat__compare_bootstrap(const double *values, uint32_t n, double level,
                                                uint64_t seed)
{
    double sorted[COMPARE_ROUNDS_MAX], medians[RESAMPLES];
    ASSERT(n <= COMPARE_ROUNDS_MAX && level > 0 && level < 1);
    if (n == 0)
        return (struct compare_interval){NAN, NAN};
    memcpy(sorted, values, n * sizeof *values);
    sort(sorted, n);
    for (uint32_t i = 0; i < RESAMPLES; i++)
        medians[i] = resampled_median(sorted, n, &seed);
    sort(medians, RESAMPLES);
    uint32_t outside = (uint32_t)((1 - level) / 2 * RESAMPLES);
    return (struct compare_interval){medians[outside], medians[RESAMPLES - 1 - outside]};
}

double leat__compare_sign_test(uint32_t below, uint32_t above)
{
    uint32_t n = below + above, fewer = below < above ? below : above;
    if (n == 0)
        return 1;
    double ways = -(double)n * log(2), sum = 0; /* ln of (n over k) / 2^n, for k = 0 */
    for (uint32_t k = 0; k <= fewer; k++) {
        sum += exp(ways);
        ways += log((double)(n - k)) - log((double)(k + 1));
    }
    return fmin(1, 2 * sum);
}

static int compare_sizes(const void *a, const void *b)
{
    double x = fabs(*(const double *)a), y = fabs(*(const double *)b);
    return (x > y) - (x < y);
}

/* Ranks of values that are sorted by size, times two, so that shared ranks are whole numbers. */
static void rank_twice(const double *sorted, uint32_t n, uint32_t *ranks)
{
    for (uint32_t first = 0, last; first < n; first = last + 1) {
        last = first;
        while (last + 1 < n && fabs(sorted[last + 1]) <= fabs(sorted[first]))
            last++;
        for (uint32_t i = first; i <= last; i++)
            ranks[i] = first + last + 2;
    }
}

/* The share of all 2^n ways to give the ranks signs in which those with a plus sum up to at most `sum`. */
static double share_up_to(const uint32_t *ranks, uint32_t n, uint32_t sum)
{
    double *share = calloc((size_t)sum + 1, sizeof *share), in_all = 0;
    if (share == NULL)
        return 1; /* nothing is claimed */
    share[0] = 1;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t s = sum + 1; s-- > 0;)
            share[s] = (share[s] + (s >= ranks[i] ? share[s - ranks[i]] : 0)) / 2;
    for (uint32_t s = 0; s <= sum; s++)
        in_all += share[s];
    free(share);
    return in_all;
}

double leat__compare_rank_test(const double *values, uint32_t n)
{
    double sorted[COMPARE_ROUNDS_MAX];
    uint32_t ranks[COMPARE_ROUNDS_MAX], kept = 0, plus = 0, minus = 0;
    ASSERT(n <= COMPARE_ROUNDS_MAX);
    for (uint32_t i = 0; i < n; i++)
        if (fabs(values[i]) > 0)
            sorted[kept++] = values[i];
    qsort(sorted, kept, sizeof *sorted, compare_sizes);
    rank_twice(sorted, kept, ranks);
    for (uint32_t i = 0; i < kept; i++)
        *(sorted[i] > 0 ? &plus : &minus) += ranks[i];
    return kept == 0 ? 1 : fmin(1, 2 * share_up_to(ranks, kept, plus < minus ? plus : minus));
}

double leat__compare_normal_quantile(double share)
{
    double low = -10, high = 10;
    ASSERT(share > 0 && share < 1);
    for (int i = 0; i < 60; i++) {
        double z = (low + high) / 2;
        *(erfc(-z / sqrt(2)) / 2 < share ? &low : &high) = z;
    }
    return (low + high) / 2;
}
