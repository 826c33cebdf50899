/* rounds.c: the rounds, one after the other, until the rule says that it is over.
 *
 * The first round is told apart: it fills caches and shows how long a round takes, from which follows how many fit into the
 * time; then the rule is made, before anything that counts has been measured. A round in which a measurement fails counts
 * for no candidate: it is told and repeated; three in a row end the comparison, and so does the first one, since a
 * server that fails at once will do so again. */
#include "compare/compare.h"

#include "base/clock.h"
#include "server/main.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { FAILURES_MAX = 3 };

volatile sig_atomic_t leat__compare_interrupted;

/* ── What was measured ── */

static const struct compare_measure *measure_of(const struct compare_run *run, uint32_t round,
                                                uint32_t candidate)
{
    return &run->measures[(size_t)round * run->count + candidate];
}

/* The logarithms of the ratios to the base; answers how many there are. */
static uint32_t gather_logs(const struct compare_run *run, uint32_t candidate,
                            enum compare_figure figure, double *logs)
{
    uint32_t n = 0;
    for (uint32_t round = 0; round < run->done; round++) {
        double its = measure_of(run, round, candidate)->figure[figure];
        double base = measure_of(run, round, 0)->figure[figure];
        if (its > 0 && base > 0)
            logs[n++] = log(its / base);
    }
    return n;
}

void leat__compare_run_judge(const struct compare_run *run, uint32_t candidate,
                             enum compare_figure figure, struct compare_judgement *j)
{
    double logs[COMPARE_ROUNDS_MAX];
    uint32_t n = gather_logs(run, candidate, figure, logs);
    double alpha = leat__compare_rule_look(&run->rule, run->done);
    bool is_primary = figure == run->primary;
    leat__compare_judge(j, logs, n, is_primary ? alpha : alpha / (FIGURE_COUNT - 1), run->options->seed);
}

double leat__compare_run_median(const struct compare_run *run, uint32_t candidate,
                                enum compare_figure figure)
{
    double values[COMPARE_ROUNDS_MAX];
    uint32_t n = 0;
    for (uint32_t round = 0; round < run->done; round++) {
        double value = measure_of(run, round, candidate)->figure[figure];
        if (!isnan(value))
            values[n++] = value;
    }
    return leat__compare_median(values, n);
}

/* ── Progress ── */

/* On a terminal it stands in place of the one before, and does not break. */
static void show(const struct compare_run *run, const char *line)
{
    struct winsize size = {.ws_col = 0};
    if (run->options->quiet)
        return;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0)
        fprintf(stderr, "\r\033[K%.*s", size.ws_col > 1 ? size.ws_col - 1 : 79, line);
    else
        fprintf(stderr, "%s\n", line);
}

static void clear_line(const struct compare_run *run)
{
    if (!run->options->quiet && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

/* The round, and how the candidate stands that will take longest to decide. */
static void show_round(const struct compare_run *run)
{
    char line[400];
    struct compare_judgement j, widest = {.ratio = NAN};
    uint32_t which = 1, decided = 0;
    double width = -1;
    for (uint32_t c = 1; c < run->count; c++) {
        double logs[COMPARE_ROUNDS_MAX];
        leat__compare_judge(&j, logs, gather_logs(run, c, run->primary, logs), 0, run->options->seed);
        decided += run->state.verdict[c - 1] != COMPARE_OPEN;
        double open = run->state.verdict[c - 1] == COMPARE_OPEN ? 1000 : 0; /* these come first */
        if (open + j.interval.high - j.interval.low > width) {
            width = open + j.interval.high - j.interval.low;
            which = c;
            widest = j;
        }
    }
    int size = snprintf(line, sizeof line, "round %u of %u%s", run->done, run->rule.rounds,
                        run->options->rounds == 0 ? " at most" : "");
    if (!isnan(widest.ratio))
        size += snprintf(line + size, sizeof line - (size_t)size, ": %s %.3f (%.3f to %.3f) of %s %s",
                         run->candidates[which].name, widest.ratio, widest.interval.low,
                         widest.interval.high, run->count > 2 ? "the base's" : "A's",
                         leat__compare_figures[run->primary].title);
    if (run->count > 2)
        snprintf(line + size, sizeof line - (size_t)size, "; %u of %u decided", decided, run->count - 1);
    show(run, line);
}

/* ── Rounds ── */

/* All candidates in this order, into measures. 0 or -errno, and error. */
static int measure_all(struct compare_run *run, const uint32_t *order,
                       struct compare_measure *measures, char *error, size_t error_size)
{
    for (uint32_t i = 0; i < run->count; i++) {
        const struct compare_candidate *c = &run->candidates[order[i]];
        int status = leat__compare_measure(&measures[order[i]], run->options, c, error, error_size);
        if (status < 0)
            return status;
        if (run->rule.rounds > 0 && isnan(measures[order[i]].figure[run->primary])) {
            snprintf(error, error_size, "%s: its %s could not be read", c->name,
                     leat__compare_figures[run->primary].title);
            return -ENODATA;
        }
    }
    return 0;
}

static int exit_status(struct compare_run *run, int status)
{
    run->is_interrupted |= leat__compare_interrupted != 0;
    return run->is_interrupted                      ? COMPARE_INTERRUPTED
           : status == -EINVAL                      ? MAIN_USAGE
           : status == -EMFILE || status == -ENOMEM ? MAIN_SYSTEM
                                                    : COMPARE_UNAVAILABLE;
}

/* Who can't tell its processor time is compared by its rate, and so is everybody. */
static enum compare_figure choose_primary(const struct compare_measure *measures, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (isnan(measures[i].figure[FIGURE_CPU]))
            return FIGURE_RATE;
    return FIGURE_CPU;
}

static uint32_t count_rounds(const struct compare_run *run)
{
    const struct compare_options *o = run->options;
    double at_most_s = o->at_most_s > 0 ? o->at_most_s : 30.0 * run->count;
    double fit = floor(at_most_s / run->warmup_s) - 1;
    return o->rounds > 0 ? o->rounds : (uint32_t)fmin(COMPARE_ROUNDS_MAX, fmax(1, fit));
}

static int warm_up(struct compare_run *run, char *error, size_t error_size)
{
    static struct compare_measure measures[COMPARE_CANDIDATES_MAX];
    uint32_t order[COMPARE_CANDIDATES_MAX];
    char line[160];
    int64_t begin = leat__clock_now_ms();
    for (uint32_t i = 0; i < run->count; i++)
        order[i] = i;
    show(run, "warming up: a round that does not count");
    int status = measure_all(run, order, measures, error, error_size);
    clear_line(run);
    if (status < 0)
        return exit_status(run, status);
    run->warmup_s = fmax(0.001, (double)(leat__clock_now_ms() - begin) / 1000);
    run->primary = choose_primary(measures, run->count);
    leat__compare_rule_init(&run->rule, count_rounds(run), run->count - 1, run->options->detect,
                            run->options->rounds == 0);
    leat__compare_state_init(&run->state, &run->rule);
    run->measures = calloc((size_t)run->rule.rounds * run->count, sizeof *run->measures);
    run->rounds = calloc(run->rule.rounds, sizeof *run->rounds);
    if (run->measures == NULL || run->rounds == NULL) {
        snprintf(error, error_size, "there is no memory for %u rounds", run->rule.rounds);
        return MAIN_SYSTEM;
    }
    if (run->rule.look_count == 0) {
        snprintf(line, sizeof line, "%u rounds of %.1f s are too few for a verdict: give --%s more",
                 run->rule.rounds, run->warmup_s, run->options->rounds > 0 ? "rounds" : "at-most");
        show(run, line);
        if (isatty(STDERR_FILENO))
            show(run, "\n");
    }
    return 0;
}

/* One that counts: again when it fails, up to three times. 0 or an exit status. */
static int take_round(struct compare_run *run, uint64_t *chance, int64_t begin, char *error,
                      size_t error_size)
{
    struct compare_round *round = &run->rounds[run->done];
    struct compare_measure *measures = &run->measures[(size_t)run->done * run->count];
    for (unsigned failures = 0;;) {
        int64_t now = leat__clock_now_ms();
        leat__compare_order(round->order, run->count, chance);
        int status = measure_all(run, round->order, measures, error, error_size);
        round->at_s = (double)(now - begin) / 1000;
        round->seconds = (double)(leat__clock_now_ms() - now) / 1000;
        if (status == 0)
            break;
        if (leat__compare_interrupted || ++failures == FAILURES_MAX)
            return exit_status(run, status);
        clear_line(run);
        fprintf(stderr, "leat: compare: round %u is repeated: %s\n", run->done + 1, error);
        run->repeated++;
    }
    run->done++;
    return 0;
}

static void look(struct compare_run *run)
{
    double logs[COMPARE_ROUNDS_MAX];
    if (leat__compare_rule_look(&run->rule, run->done) <= 0 && run->done < run->rule.rounds)
        return;
    for (uint32_t c = 1; c < run->count; c++) {
        uint32_t n = gather_logs(run, c, run->primary, logs);
        if (n == run->done)
            leat__compare_state_look(&run->state, c - 1, logs, n, run->options->seed);
        else if (run->done == run->rule.rounds)
            run->state.verdict[c - 1] = COMPARE_TOO_FEW;
    }
    leat__compare_state_end_look(&run->state, run->done);
}

int leat__compare_run(struct compare_run *run, char *error, size_t error_size)
{
    uint64_t chance = run->options->seed;
    int status = warm_up(run, error, error_size);
    int64_t begin = leat__clock_now_ms();
    while (status == 0 && !run->state.is_over) {
        status = take_round(run, &chance, begin, error, error_size);
        if (status == 0) {
            look(run);
            show_round(run);
        }
        run->seconds = (double)(leat__clock_now_ms() - begin) / 1000;
    }
    clear_line(run);
    return status;
}

void leat__compare_run_free(struct compare_run *run)
{
    free(run->measures);
    free(run->rounds);
    run->measures = NULL;
    run->rounds = NULL;
}
