/* tell.c: what came of it, for people: who was compared, a table, and one sentence for each candidate: the verdict. The
 * sentence is about one figure, so that looking at six of them does not find a difference where there is none; in the
 * table a star marks what the others show, by a measure that is stricter for being applied to all of them. */
#include "compare/compare.h"

#include <math.h>
#include <stdio.h>

/* ── Sentences ── */

/* 0.0412 → "4.1%"; what would become 0.0% has one place more. */
static void write_percent(char *out, size_t size, double share)
{
    snprintf(out, size, share < 0.001 ? "%.2f%%" : share < 1 ? "%.1f%%" : "%.0f%%", share * 100);
}

static void write_difference(char *out, size_t size, const struct compare_run *run,
                             const struct compare_judgement *j)
{
    const struct compare_figure_about *about = &leat__compare_figures[run->primary];
    bool is_less = j->ratio < 1;
    char from[16], to[16], both[40];
    write_percent(from, sizeof from, is_less ? 1 - j->interval.high : j->interval.low - 1);
    write_percent(to, sizeof to, is_less ? 1 - j->interval.low : j->interval.high - 1);
    snprintf(both, sizeof both, "%s to %s", from, to);
    const char *words = is_less ? about->less : about->more;
    const char *hole = strstr(words, "%s");
    snprintf(out, size, "%.*s%s%s than %s", (int)(hole - words), words, both, hole + 2,
             run->candidates[0].name);
}

void leat__compare_sentence(char *out, size_t size, const struct compare_run *run, uint32_t candidate)
{
    const struct compare_judgement *j = &run->state.judgement[candidate - 1];
    char detectable[16];
    switch (run->state.verdict[candidate - 1]) {
    case COMPARE_DIFFERS:
        write_difference(out, size, run, j);
        break;
    case COMPARE_NO_DIFFERENCE:
        write_percent(detectable, sizeof detectable, ceil(j->detectable * 1000) / 1000);
        snprintf(out, size, "no difference shown: one of %s would have been seen", detectable);
        break;
    case COMPARE_TOO_FEW:
        snprintf(out, size, "no verdict: %u rounds are too few for one%s; give --%s more",
                 run->done, run->count > 2 ? " with so many candidates" : "",
                 run->options->rounds > 0 ? "rounds" : "at-most");
        break;
    case COMPARE_OPEN:
    default:
        snprintf(out, size, "no verdict: the comparison ended after %u rounds", run->done);
    }
}

/* ── Tables ── */

static void write_value(char *out, size_t size, double value, enum compare_figure figure)
{
    double shown = value * leat__compare_figures[figure].scale;
    if (isnan(shown))
        snprintf(out, size, "-");
    else
        snprintf(out, size, shown < 10 ? "%.3f" : shown < 1000 ? "%.1f" : "%.0f", shown);
}

/* "0.956  0.948 to 0.963   24/0 *" */
static void print_judgement(FILE *to, const struct compare_judgement *j)
{
    char split[24];
    snprintf(split, sizeof split, "%u/%u", j->below, j->above);
    if (j->n > 0)
        fprintf(to, "  %7.3f  %6.3f to %6.3f  %9s%s\n", j->ratio, j->interval.low, j->interval.high,
                split, j->differs ? " *" : "");
    else
        fprintf(to, "  %7s  %16s  %9s\n", "-", "-", "-");
}

/* A row for each figure. */
static void print_pair(FILE *to, const struct compare_run *run)
{
    fprintf(to, "  %-16s%12s%12s  %7s  %16s  %9s\n", "", "A", "B", "B/A", "95% interval", "less/more");
    for (unsigned f = 0; f < FIGURE_COUNT; f++) {
        const struct compare_figure_about *about = &leat__compare_figures[f];
        char a[24], b[24];
        struct compare_judgement j;
        write_value(a, sizeof a, leat__compare_run_median(run, 0, f), f);
        write_value(b, sizeof b, leat__compare_run_median(run, 1, f), f);
        leat__compare_run_judge(run, 1, f, &j);
        int size = fprintf(to, "  %s", about->short_title);
        if (about->unit[0] != '/')
            size += fprintf(to, " %s", about->unit) - (about->unit[0] == '\xc2'); /* µ is two octets */
        fprintf(to, "%*s%12s%12s", 18 - size, "", a, b);
        print_judgement(to, &j);
    }
}

/* A table for each figure, a row for each candidate. */
static void print_sweep(FILE *to, const struct compare_run *run)
{
    int width = 10;
    for (uint32_t c = 0; c < run->count; c++)
        width = (int)size_max((size_t)width, strlen(run->candidates[c].name));
    for (unsigned f = 0; f < FIGURE_COUNT; f++) {
        const struct compare_figure_about *about = &leat__compare_figures[f];
        fprintf(to, "%s%s, %s\n  %-*s%12s  %7s  %16s  %9s\n", f > 0 ? "\n" : "", about->title,
                about->unit, width, "", "median", "ratio", "95% interval", "less/more");
        for (uint32_t c = 0; c < run->count; c++) {
            char value[24];
            struct compare_judgement j;
            write_value(value, sizeof value, leat__compare_run_median(run, c, f), f);
            fprintf(to, "  %-*s%12s", width, run->candidates[c].name, value);
            leat__compare_run_judge(run, c, f, &j);
            if (c == 0)
                fprintf(to, "  %7s\n", "1");
            else
                print_judgement(to, &j);
        }
    }
}

/* ── All of it ── */

static void print_cores(FILE *to, const cpu_set_t *cores)
{
    const char *before = "";
    for (int core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, cores)) {
            fprintf(to, "%s%d", before, core);
            before = ",";
        }
}

static void print_head(FILE *to, const struct compare_run *run)
{
    const struct compare_options *o = run->options;
    fprintf(to, "%u rounds of %u candidates in %.0f s, after one of %.1f s to warm up; ", run->done,
            run->count, run->seconds, run->warmup_s);
    if (run->repeated > 0)
        fprintf(to, "%u repeated; ", run->repeated);
    fprintf(to, "seed %llu; servers on core ", (unsigned long long)o->seed);
    print_cores(to, &o->server_cores);
    fputs(", load on core ", to);
    print_cores(to, &o->cores);
    fputs(CPU_EQUAL(&o->cores, &o->server_cores) ? ": they share it\n" : "\n", to);
    if (o->vary_count > 0)
        fprintf(to, "  %s\n", o->operands[0]);
    for (uint32_t c = 0; o->vary_count == 0 && c < run->count; c++)
        fprintf(to, "  %s  %s\n", run->candidates[c].name, run->candidates[c].text);
    if (o->vary_count > 0 && run->count == 2) /* their columns have letters */
        fprintf(to, "  A  %s\n  B  %s\n", run->candidates[0].name, run->candidates[1].name);
    fputc('\n', to);
}

static double median_octets(const struct compare_run *run, uint32_t candidate)
{
    double values[COMPARE_ROUNDS_MAX];
    for (uint32_t round = 0; round < run->done; round++)
        values[round] = run->measures[(size_t)round * run->count + candidate].octets_per_answer;
    return leat__compare_median(values, run->done);
}

/* Candidates that answer with more or less octets than the base may not do the same work. */
static void print_notes(FILE *to, const struct compare_run *run)
{
    double base = median_octets(run, 0);
    for (uint32_t c = 1; c < run->count; c++) {
        double its = median_octets(run, c);
        if (fabs(its - base) > base / 100)
            fprintf(to, "Mind that an answer of %s has %.0f octets, and one of %s %.0f: is it the same work?\n",
                    run->candidates[c].name, its, run->candidates[0].name, base);
    }
    if (run->primary != FIGURE_CPU)
        fputs("Processor time could not be read of every server (@PID): requests a second are "
              "compared.\n",
              to);
}

void leat__compare_tell(FILE *to, const struct compare_run *run)
{
    char sentence[300];
    print_head(to, run);
    if (run->done == 0) {
        fputs("No round was completed: there is nothing to tell.\n", to);
        return;
    }
    if (run->count == 2)
        print_pair(to, run);
    else
        print_sweep(to, run);
    fputs("\nRatios are medians of the rounds' own; less/more: rounds in which it was so; *: not "
          "by chance.\n",
          to);
    print_notes(to, run);
    fputc('\n', to);
    for (uint32_t c = 1; c < run->count; c++) {
        leat__compare_sentence(sentence, sizeof sentence, run, c);
        fprintf(to, "%s%s %s\n", run->candidates[c].name,
                run->state.verdict[c - 1] == COMPARE_DIFFERS ? "" : ":", sentence);
    }
}
