/* json.c: the whole of it as one JSON object: what was compared, every round, and what was found. doc/COMPARE.md describes it. */
#include "compare/compare.h"

#include "base/json_text.h"
#include <math.h>
#include <stdio.h>

static void print_text(FILE *to, const char *text)
{
    char piece[256];
    const char *end = text + strlen(text);
    fputc('"', to);
    while (text < end)
        fwrite(piece, 1, leat__json_escape(piece, sizeof piece, &text, end), to);
    fputc('"', to);
}

/* null: there is none. */
static void print_number(FILE *to, double value)
{
    char text[JSON_NUMBER_MAX];
    size_t size = leat__json_double(text, value);
    if (size > 0)
        fwrite(text, 1, size, to);
    else
        fputs("null", to);
}

static void print_field(FILE *to, const char *before, const char *name, double value)
{
    fprintf(to, "%s\"%s\":", before, name);
    print_number(to, value);
}

static void print_cores(FILE *to, const char *name, const cpu_set_t *cores)
{
    const char *before = "";
    fprintf(to, ",\"%s\":[", name);
    for (int core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, cores)) {
            fprintf(to, "%s%d", before, core);
            before = ",";
        }
    fputc(']', to);
}

static void print_judgement(FILE *to, const struct compare_judgement *j)
{
    print_field(to, "{", "ratio", j->ratio);
    print_field(to, ",", "low", j->interval.low);
    print_field(to, ",", "high", j->interval.high);
    fprintf(to, ",\"rounds\":%u,\"less\":%u,\"more\":%u", j->n, j->below, j->above);
    print_field(to, ",", "sign_p", j->sign_p);
    print_field(to, ",", "rank_p", j->rank_p);
    fprintf(to, ",\"differs\":%s}", j->differs ? "true" : "false");
}

static void print_figures(FILE *to, const struct compare_run *run, uint32_t candidate)
{
    fputs(",\"figures\":{", to);
    for (unsigned f = 0; f < FIGURE_COUNT; f++) {
        const struct compare_figure_about *about = &leat__compare_figures[f];
        struct compare_judgement j;
        fprintf(to, "%s\"%s\":", f > 0 ? "," : "", about->key);
        print_field(to, "{", "median", leat__compare_run_median(run, candidate, f) * about->scale);
        if (candidate > 0) {
            leat__compare_run_judge(run, candidate, f, &j);
            fputs(",\"to_base\":", to);
            print_judgement(to, &j);
        }
        fputc('}', to);
    }
    fputc('}', to);
}

static void print_verdict(FILE *to, const struct compare_run *run, uint32_t candidate)
{
    static const char *const names[] = {
        [COMPARE_OPEN] = "none", [COMPARE_NO_DIFFERENCE] = "no difference", [COMPARE_TOO_FEW] = "too few rounds"};
    const struct compare_judgement *j = &run->state.judgement[candidate - 1];
    enum compare_verdict verdict = run->state.verdict[candidate - 1];
    char sentence[300];
    leat__compare_sentence(sentence, sizeof sentence, run, candidate);
    fprintf(to, ",\"verdict\":\"%s\",\"sentence\":",
            verdict != COMPARE_DIFFERS ? names[verdict]
            : j->ratio < 1             ? "less"
                                       : "more");
    print_text(to, sentence);
    print_field(to, ",", "detectable", j->n > 0 ? j->detectable : NAN);
}

static void print_candidate(FILE *to, const struct compare_run *run, uint32_t candidate)
{
    const struct compare_candidate *c = &run->candidates[candidate];
    fputs("{\"name\":", to);
    print_text(to, c->name);
    fputs(c->command.count > 0 ? ",\"command\":" : ",\"url\":", to);
    print_text(to, c->text);
    fputs(",\"settings\":{", to);
    for (uint32_t i = 0; i < c->setting_count; i++) {
        fputs(i > 0 ? "," : "", to);
        print_text(to, c->settings[i].name);
        fputc(':', to);
        print_text(to, c->settings[i].value);
    }
    fputc('}', to);
    print_figures(to, run, candidate);
    if (candidate > 0)
        print_verdict(to, run, candidate);
    fputc('}', to);
}

static void print_measure(FILE *to, const struct compare_measure *m)
{
    for (unsigned f = 0; f < FIGURE_COUNT; f++) {
        const struct compare_figure_about *about = &leat__compare_figures[f];
        print_field(to, f > 0 ? "," : "{", about->key, m->figure[f] * about->scale);
    }
    print_field(to, ",", "answers", m->answers);
    print_field(to, ",", "octets_per_answer", m->octets_per_answer);
    fputc('}', to);
}

static void print_round(FILE *to, const struct compare_run *run, uint32_t index)
{
    const struct compare_round *round = &run->rounds[index];
    print_field(to, "{", "at_s", round->at_s);
    print_field(to, ",", "seconds", round->seconds);
    fputs(",\"order\":[", to);
    for (uint32_t c = 0; c < run->count; c++)
        fprintf(to, "%s%u", c > 0 ? "," : "", round->order[c]);
    fputs("],\"measures\":[", to);
    for (uint32_t c = 0; c < run->count; c++) {
        fputs(c > 0 ? "," : "", to);
        print_measure(to, &run->measures[(size_t)index * run->count + c]);
    }
    fputs("]}", to);
}

static void print_rule(FILE *to, const struct compare_rule *rule)
{
    fprintf(to, "\"rule\":{\"rounds\":%u,\"looks\":[", rule->rounds);
    for (uint32_t i = 0; i < rule->look_count; i++) {
        fprintf(to, "%s{\"round\":%u", i > 0 ? "," : "", rule->look_at[i]);
        print_field(to, ",", "alpha", rule->alpha[i]);
        fputc('}', to);
    }
    fputc(']', to);
    print_field(to, ",", "detect", rule->detect);
    fputc('}', to);
}

void leat__compare_json(FILE *to, const struct compare_run *run)
{
    fprintf(to, "{\"rounds\":%u,\"repeated\":%u,\"interrupted\":%s", run->done, run->repeated,
            run->is_interrupted ? "true" : "false");
    print_field(to, ",", "seconds", run->seconds);
    print_field(to, ",", "warmup_s", run->warmup_s);
    fprintf(to, ",\"seed\":%llu,\"primary\":\"%s\"", (unsigned long long)run->options->seed,
            leat__compare_figures[run->primary].key);
    print_cores(to, "server_cores", &run->options->server_cores);
    print_cores(to, "cores", &run->options->cores);
    fputs(",\"load_flags\":[", to);
    for (uint32_t i = 0; i < run->options->flag_count; i++) {
        fputs(i > 0 ? "," : "", to);
        print_text(to, run->options->flags[i]);
    }
    fputs("],", to);
    print_rule(to, &run->rule);
    fputs(",\"candidates\":[", to);
    for (uint32_t c = 0; c < run->count; c++) {
        fputs(c > 0 ? "," : "", to);
        print_candidate(to, run, c);
    }
    fputs("],\"measured\":[", to);
    for (uint32_t round = 0; round < run->done; round++) {
        fputs(round > 0 ? "," : "", to);
        print_round(to, run, round);
    }
    fputs("]}\n", to);
}
