/* test_rule.c: what the stopping rule claims, tried on thousands of comparisons that never happened: the same against the
 * same must be told "no difference" at least 95 times of 100 with the looks as they are by default, whatever the noise; a
 * difference that was planted must be found, and one of the size that "would have been seen" must be.
 *
 * The noise is worse than that of a shared machine: a speed that wanders from measurement to measurement (a random walk and
 * a slow wave), a neighbour that comes and goes and takes a tenth, and each measurement's own error of Student's t with two
 * degrees of freedom, which has no variance. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "compare/compare.h"
#include <math.h>

struct machine {
    uint64_t seed;
    double wander, time;
    bool is_shared; /* the neighbour is there */
    double noise;   /* a measurement's own, about */
};

static double uniform(uint64_t *seed)
{
    return (double)(leat__compare_random(seed) >> 11) * 0x1p-53 + 0x1p-54;
}

static double normal(uint64_t *seed)
{
    return leat__compare_normal_quantile(uniform(seed));
}

/* The logarithm of what a measurement tells of a server whose own is 0. */
static double measure(struct machine *m)
{
    double u = uniform(&m->seed), student = (2 * u - 1) * sqrt(2 / (4 * u * (1 - u)));
    m->time += 1;
    m->wander = 0.98 * m->wander + 0.01 * normal(&m->seed);
    if (uniform(&m->seed) < 0.05)
        m->is_shared = !m->is_shared;
    return m->wander + 0.05 * sin(m->time / 9) + (m->is_shared ? 0.1 : 0) + m->noise * student;
}

/* A round of the base and others, each of which takes e^effect of the base: in random order. */
static void take_round(struct machine *m, double effect, uint32_t others, double *logs)
{
    double figure[COMPARE_CANDIDATES_MAX] = {0};
    uint32_t order[COMPARE_CANDIDATES_MAX];
    leat__compare_order(order, others + 1, &m->seed);
    for (uint32_t i = 0; i <= others; i++)
        figure[order[i]] = measure(m) + (order[i] > 0 ? effect : 0);
    for (uint32_t i = 0; i < others; i++)
        logs[i] = figure[i + 1] - figure[0];
}

struct outcome {
    uint32_t less, more; /* comparisons with such a verdict */
    uint32_t rounds;
    double detectable; /* of the first one */
    bool inside;       /* whether the first one's interval has the truth */
};

static struct outcome compare(uint64_t seed, double effect, double noise, const struct compare_rule *rule)
{
    static double logs[COMPARE_CANDIDATES_MAX][COMPARE_ROUNDS_MAX];
    struct machine m = {.seed = seed, .noise = noise};
    struct compare_state s;
    struct outcome out = {0};
    leat__compare_state_init(&s, rule);
    while (!s.is_over) {
        double one[COMPARE_CANDIDATES_MAX];
        take_round(&m, effect, rule->comparisons, one);
        for (uint32_t c = 0; c < rule->comparisons; c++)
            logs[c][out.rounds] = one[c];
        out.rounds++;
        if (leat__compare_rule_look(rule, out.rounds) <= 0 && out.rounds < rule->rounds)
            continue;
        for (uint32_t c = 0; c < rule->comparisons; c++)
            leat__compare_state_look(&s, c, logs[c], out.rounds, seed);
        leat__compare_state_end_look(&s, out.rounds);
    }
    for (uint32_t c = 0; c < rule->comparisons; c++) {
        out.less += s.verdict[c] == COMPARE_DIFFERS && s.judgement[c].ratio < 1;
        out.more += s.verdict[c] == COMPARE_DIFFERS && s.judgement[c].ratio > 1;
    }
    const struct compare_judgement *j = &s.judgement[0];
    out.detectable = j->detectable;
    out.inside = log(j->interval.low) <= effect && log(j->interval.high) >= effect;
    return out;
}

static double share_of_false_verdicts(const struct compare_rule *rule, double noise, uint32_t runs)
{
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < runs; i++) {
        struct outcome o = compare(i * UINT64_C(1000003) + 1, 0, noise, rule);
        wrong += o.less + o.more > 0;
    }
    print_message("%u rounds at most, %u comparisons, %u looks: %.1f%% false verdicts\n",
                  rule->rounds, rule->comparisons, rule->look_count, 100.0 * wrong / runs);
    return (double)wrong / runs;
}

/* 5% and what chance adds in so many runs: two standard errors. */
static double bound(uint32_t runs)
{
    return 0.05 + 2 * sqrt(0.05 * 0.95 / runs);
}

static void the_same_against_the_same_is_no_difference(void **state)
{
    (void)state;
    enum { RUNS = 2000 };
    static const uint32_t rounds[] = {8, 13, 36, 60};
    struct compare_rule rule;
    for (uint32_t i = 0; i < COUNT_OF(rounds); i++) {
        leat__compare_rule_init(&rule, rounds[i], 1, 0.01, true);
        assert_true(share_of_false_verdicts(&rule, 0.01, RUNS) <= bound(RUNS));
    }
    leat__compare_rule_init(&rule, 36, 1, 0.01, true);
    assert_true(share_of_false_verdicts(&rule, 0.0005, RUNS) <= bound(RUNS));
    leat__compare_rule_init(&rule, 30, 1, 0.01, false);
    assert_true(share_of_false_verdicts(&rule, 0.01, RUNS) <= bound(RUNS));
}

static void many_candidates_share_the_error(void **state)
{
    (void)state;
    enum { RUNS = 800 };
    struct compare_rule rule;
    leat__compare_rule_init(&rule, 36, 8, 0.01, true);
    assert_true(share_of_false_verdicts(&rule, 0.01, RUNS) <= bound(RUNS));
}

/* Were the looks as many as the rounds, each with 5%, the test above would fail: it can see a rule that peeks. */
static void a_rule_that_peeks_is_seen(void **state)
{
    (void)state;
    struct compare_rule rule;
    leat__compare_rule_init(&rule, 40, 1, 0.0001, true);
    rule.look_count = COMPARE_LOOKS_MAX;
    for (uint32_t i = 0; i < COMPARE_LOOKS_MAX; i++) {
        rule.look_at[i] = 10 * (i + 1);
        rule.alpha[i] = 0.05;
    }
    assert_true(share_of_false_verdicts(&rule, 0.01, 1000) > bound(1000));
}

static void a_planted_difference_is_found(void **state)
{
    (void)state;
    enum { RUNS = 400 };
    static const double effects[] = {-0.05, 0.05};
    struct compare_rule rule;
    leat__compare_rule_init(&rule, 36, 1, 0.01, true);
    for (uint32_t e = 0; e < COUNT_OF(effects); e++) {
        uint32_t found = 0, wrong = 0;
        for (uint32_t i = 0; i < RUNS; i++) {
            struct outcome o = compare(i + 77, effects[e], 0.01, &rule);
            found += effects[e] < 0 ? o.less : o.more;
            wrong += effects[e] < 0 ? o.more : o.less;
        }
        print_message("%+.0f%% planted: found %u of %u\n", 100 * effects[e], found, RUNS);
        assert_true(found >= RUNS * 95 / 100);
        assert_int_equal(wrong, 0);
    }
}

/* What a comparison without a difference says would have been seen is planted, and seen. */
static void what_would_have_been_seen_is(void **state)
{
    (void)state;
    enum { RUNS = 300 };
    struct compare_rule rule;
    leat__compare_rule_init(&rule, 36, 1, 0, false);
    double sizes[RUNS];
    for (uint32_t i = 0; i < RUNS; i++)
        sizes[i] = compare(i + 5, 0, 0.01, &rule).detectable;
    double size = leat__compare_median(sizes, RUNS);
    uint32_t found = 0;
    for (uint32_t i = 0; i < RUNS; i++)
        found += compare(i + 10007, log1p(size), 0.01, &rule).more;
    print_message("%.1f%% would have been seen: seen %u of %u\n", 100 * size, found, RUNS);
    assert_true(found >= RUNS * 90 / 100);
}

static void the_interval_has_the_truth(void **state)
{
    (void)state;
    enum { RUNS = 1500 };
    static const uint32_t rounds[] = {10, 25, 40};
    for (uint32_t r = 0; r < COUNT_OF(rounds); r++) {
        struct compare_rule rule;
        uint32_t inside = 0;
        leat__compare_rule_init(&rule, rounds[r], 1, 0, false);
        for (uint32_t i = 0; i < RUNS; i++)
            inside += compare(i + 3, 0.03, 0.01, &rule).inside;
        print_message("%u rounds: the interval has the truth in %.1f%%\n", rounds[r],
                      100.0 * inside / RUNS);
        assert_true(inside >= RUNS * 93 / 100);
    }
}

static void looks_are_few_and_their_shares_add_up(void **state)
{
    (void)state;
    for (uint32_t rounds = 1; rounds <= COMPARE_ROUNDS_MAX; rounds++)
        for (uint32_t comparisons = 1; comparisons < 20; comparisons += 6) {
            struct compare_rule rule;
            double sum = 0;
            leat__compare_rule_init(&rule, rounds, comparisons, 0.01, true);
            for (uint32_t i = 0; i < rule.look_count; i++) {
                assert_true(i == 0 || rule.look_at[i] > rule.look_at[i - 1]);
                assert_true(2 * exp2(-(double)rule.look_at[i]) <= rule.alpha[i]);
                sum += rule.alpha[i];
            }
            assert_true(sum <= 0.05 / comparisons + 1e-12);
            assert_true(rule.look_count == 0 || rule.look_at[rule.look_count - 1] == rounds);
            assert_true(rule.look_count > 0 || 2 * exp2(-(double)rounds) > 0.05 / comparisons);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_are_few_and_their_shares_add_up),
        cmocka_unit_test(the_same_against_the_same_is_no_difference),
        cmocka_unit_test(many_candidates_share_the_error),
        cmocka_unit_test(a_rule_that_peeks_is_seen),
        cmocka_unit_test(a_planted_difference_is_found),
        cmocka_unit_test(what_would_have_been_seen_is),
        cmocka_unit_test(the_interval_has_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
