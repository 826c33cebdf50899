/* test_statistics.c: medians, intervals and tests against values that can be counted by hand or stand in tables. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "compare/compare.h"
#include <math.h>

static void assert_near(double value, double expected, double error)
{
    if (!(fabs(value - expected) <= error))
        fail_msg("%.12g is not %.12g", value, expected);
}

static void medians_are_the_middle(void **state)
{
    (void)state;
    const double odd[] = {9, 1, 5}, even[] = {4, 1, 3, 2};
    assert_near(leat__compare_median(odd, 3), 5, 0);
    assert_near(leat__compare_median(even, 4), 2.5, 0);
    assert_near(leat__compare_median(odd, 1), 9, 0);
    assert_true(isnan(leat__compare_median(odd, 0)));
}

static void a_sign_test_counts_coins(void **state)
{
    (void)state;
    assert_near(leat__compare_sign_test(0, 0), 1, 0);
    assert_near(leat__compare_sign_test(5, 5), 1, 0);
    assert_near(leat__compare_sign_test(0, 6), 0.03125, 1e-12);
    assert_near(leat__compare_sign_test(1, 9), 22.0 / 1024, 1e-12);
    assert_near(leat__compare_sign_test(9, 1), 22.0 / 1024, 1e-12);
    assert_near(leat__compare_sign_test(150, 250) * 1e7, 6.53182, 1e-5); /* summed in whole numbers elsewhere */
}

/* 1, -2, 3 … with those signs negative whose number is given. */
static double rank_p(uint32_t n, const uint32_t *negative, uint32_t count)
{
    double values[COMPARE_ROUNDS_MAX];
    for (uint32_t i = 0; i < n; i++)
        values[i] = i + 1;
    for (uint32_t i = 0; i < count; i++)
        values[negative[i] - 1] *= -1;
    return leat__compare_rank_test(values, n);
}

static void a_rank_test_is_that_of_the_tables(void **state)
{
    (void)state;
    assert_near(rank_p(5, NULL, 0), 2.0 / 32, 1e-12);
    assert_near(rank_p(10, (const uint32_t[]){8}, 1), 50.0 / 1024, 1e-12); /* W = 8: the table's 5% */
    assert_near(rank_p(10, (const uint32_t[]){2, 3, 4}, 3), 0.064453125, 1e-12); /* W = 9 */
    assert_near(rank_p(20, (const uint32_t[]){20, 19, 13}, 3), 0.0484, 5e-5);    /* W = 52 */
    assert_near(rank_p(20, (const uint32_t[]){20, 19, 14}, 3), 0.0532, 5e-5);    /* W = 53 */
}

static void ranks_are_shared_and_zeros_left_out(void **state)
{
    (void)state;
    const double alike[] = {1, 1, -1, 0,
                            1, 1, 0}; /* five coins, one or none of them a tail: 2 · 6 / 32 */
    assert_near(leat__compare_rank_test(alike, COUNT_OF(alike)), 12.0 / 32, 1e-12);
    assert_near(leat__compare_rank_test((const double[]){0, 0}, 2), 1, 0);
    assert_near(leat__compare_rank_test(NULL, 0), 1, 0);
}

static void many_rounds_are_no_trouble(void **state)
{
    (void)state;
    double values[COMPARE_ROUNDS_MAX];
    for (uint32_t i = 0; i < COMPARE_ROUNDS_MAX; i++)
        values[i] = (i % 2 != 0 ? 1.0 : -1.0) * (i + 1);
    double p = leat__compare_rank_test(values, COMPARE_ROUNDS_MAX);
    assert_true(p > 0.9 && p <= 1);
    for (uint32_t i = 0; i < COMPARE_ROUNDS_MAX; i++)
        values[i] = i + 1;
    assert_near(log2(leat__compare_rank_test(values, COMPARE_ROUNDS_MAX)), 1 - COMPARE_ROUNDS_MAX, 1e-6);
}

static void quantiles_are_those_of_the_normal_distribution(void **state)
{
    (void)state;
    assert_near(leat__compare_normal_quantile(0.5), 0, 1e-9);
    assert_near(leat__compare_normal_quantile(0.975), 1.959964, 1e-6);
    assert_near(leat__compare_normal_quantile(0.05), -1.644854, 1e-6);
    assert_near(leat__compare_normal_quantile(0.9999), 3.719016, 1e-6);
}

/* By the binomial distribution 0.7% of the medians of new samples of 11 values are at most the second of them and 5.1% at most
 * the third: so 2.5% of them end at the third. */
static void a_bootstrap_is_what_can_be_counted(void **state)
{
    (void)state;
    const double values[] = {3, 0, 10, 7, 4, 1, 9, 6, 2, 8, 5};
    struct compare_interval one = leat__compare_bootstrap(values, 11, 0.95, 1);
    assert_near(one.low, 2, 0);
    assert_near(one.high, 8, 0);
    struct compare_interval half = leat__compare_bootstrap(values, 11, 0.5, 1);
    assert_true(half.low > one.low && half.high < one.high);
    assert_true(isnan(leat__compare_bootstrap(values, 0, 0.95, 1).low));
    assert_near(leat__compare_bootstrap(values, 1, 0.95, 1).high, 3, 0);
}

static void a_seed_makes_it_the_same_again(void **state)
{
    (void)state;
    double values[12];
    for (uint32_t i = 0; i < COUNT_OF(values); i++)
        values[i] = exp(i);
    struct compare_interval a = leat__compare_bootstrap(values, 12, 0.9, 7);
    struct compare_interval b = leat__compare_bootstrap(values, 12, 0.9, 7);
    assert_memory_equal(&a, &b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(medians_are_the_middle),
        cmocka_unit_test(a_sign_test_counts_coins),
        cmocka_unit_test(a_rank_test_is_that_of_the_tables),
        cmocka_unit_test(ranks_are_shared_and_zeros_left_out),
        cmocka_unit_test(many_rounds_are_no_trouble),
        cmocka_unit_test(quantiles_are_those_of_the_normal_distribution),
        cmocka_unit_test(a_bootstrap_is_what_can_be_counted),
        cmocka_unit_test(a_seed_makes_it_the_same_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
