/* rule.c: when to look at the figures, and what may be said then.
 *
 * Who looks after every round and stops at the first difference "of 95%" finds one where there is none, sooner or later. So
 * the looks are few and fixed before the first round, at a quarter, a half, three quarters and all of the rounds, and the
 * 5% of error that a run may make are shared out to them, 1 : 2 : 3 : 4. However the looks depend on each other, the run's
 * error is at most the sum. Several candidates share the 5% again. A look whose share so few rounds can't reach (n coins
 * fall all alike with a chance of 2 in 2^n) is not taken, and the next one has its share.
 *
 * A difference is told when the rank test's p is within the look's share and the interval of 95% has 1 outside. That none is
 * told too: together with how large it could have been. An interval is about 2 · 1.96 standard errors wide; a difference is
 * seen at a look when it lies z(share) of them from nothing, and 1.645 more make that all but sure: tests/unit/compare/test_rule.c
 * finds that nine of ten such are seen, the noise not being normal. */
#include "compare/compare.h"

#include <math.h>

static const double ERROR = 0.05, LEVEL = 0.95;

void leat__compare_rule_init(struct compare_rule *rule, uint32_t rounds, uint32_t comparisons,
                             double detect, bool sequential)
{
    uint32_t parts = 0, looks = sequential ? COMPARE_LOOKS_MAX : 1;
    double left = 0;
    *rule = (struct compare_rule){.rounds = rounds, .comparisons = comparisons, .detect = detect};
    ASSERT(rounds > 0 && rounds <= COMPARE_ROUNDS_MAX && comparisons > 0);
    for (uint32_t i = 1; i <= looks; i++)
        parts += i;
    for (uint32_t i = 1; i <= looks; i++) {
        uint32_t at = (rounds * i + looks - 1) / looks;
        left += ERROR / comparisons * i / parts;
        if (2 * exp2(-(double)at) > left || (i < looks && at == rounds))
            continue;
        rule->look_at[rule->look_count] = at;
        rule->alpha[rule->look_count++] = left;
        left = 0;
    }
}

double leat__compare_rule_look(const struct compare_rule *rule, uint32_t rounds)
{
    for (uint32_t i = 0; i < rule->look_count; i++)
        if (rule->look_at[i] == rounds)
            return rule->alpha[i];
    return 0;
}

static double detectable(struct compare_interval logs, double alpha)
{
    double error = (logs.high - logs.low) / 2 / leat__compare_normal_quantile((1 + LEVEL) / 2);
    return expm1(
        error * (leat__compare_normal_quantile(1 - alpha / 2) + leat__compare_normal_quantile(0.95)));
}

void leat__compare_judge(struct compare_judgement *j, const double *logs, uint32_t n, double alpha,
                         uint64_t seed)
{
    struct compare_interval interval = leat__compare_bootstrap(logs, n, LEVEL, seed);
    *j = (struct compare_judgement){
        .n = n, .ratio = NAN, .interval = {NAN, NAN}, .sign_p = 1, .rank_p = 1, .detectable = INFINITY};
    if (n == 0)
        return;
    for (uint32_t i = 0; i < n; i++) {
        j->below += logs[i] < 0;
        j->above += logs[i] > 0;
    }
    j->ratio = exp(leat__compare_median(logs, n));
    j->interval = (struct compare_interval){exp(interval.low), exp(interval.high)};
    j->sign_p = leat__compare_sign_test(j->below, j->above);
    j->rank_p = leat__compare_rank_test(logs, n);
    if (alpha > 0) {
        j->differs = j->rank_p <= alpha && (interval.low > 0 || interval.high < 0);
        j->detectable = detectable(interval, alpha);
    }
}

void leat__compare_state_init(struct compare_state *s, const struct compare_rule *rule)
{
    *s = (struct compare_state){.rule = rule};
}

void leat__compare_state_look(struct compare_state *s, uint32_t comparison, const double *logs,
                              uint32_t rounds, uint64_t seed)
{
    struct compare_judgement *j = &s->judgement[comparison];
    double alpha = leat__compare_rule_look(s->rule, rounds);
    leat__compare_judge(j, logs, rounds, alpha, seed);
    int side = (j->interval.low > 1) - (j->interval.high < 1);
    if (j->differs)
        s->found[comparison] = side;
    enum compare_verdict verdict = COMPARE_OPEN;
    if (s->found[comparison] != 0 && s->found[comparison] == side)
        verdict = COMPARE_DIFFERS; /* more rounds, for others' sake, may have taken it back */
    else if (alpha > 0 && (rounds == s->rule->rounds || j->detectable <= s->rule->detect))
        verdict = COMPARE_NO_DIFFERENCE;
    else if (rounds == s->rule->rounds)
        verdict = COMPARE_TOO_FEW;
    s->verdict[comparison] = verdict;
}

void leat__compare_state_end_look(struct compare_state *s, uint32_t rounds)
{
    s->is_over = true;
    for (uint32_t c = 0; c < s->rule->comparisons; c++)
        s->is_over &= s->verdict[c] != COMPARE_OPEN;
    s->is_over |= rounds == s->rule->rounds;
}
