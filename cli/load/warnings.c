/* warnings.c: see warnings.h. Each says what was seen, with its numbers, and what to do about it. */
#include "load/warnings.h"
#include "load/human.h"
#include <stdarg.h>

struct warnings {
    load_warn *warn;
    void *context;
};

static void say(const struct warnings *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void say(const struct warnings *w, const char *format, ...)
{
    char line[LOAD_WARNING_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    w->warn(w->context, line);
}

const char *leat__load_error_name(enum load_error error)
{
    static const char *const names[] = {
        [LOAD_ERROR_CONNECT] = "connect", [LOAD_ERROR_CLOSED] = "closed",
        [LOAD_ERROR_TIMEOUT] = "timeout", [LOAD_ERROR_STATUS] = "status",
        [LOAD_ERROR_CONTENT] = "content", [LOAD_ERROR_SYNTAX] = "syntax"};
    return (unsigned)error < COUNT_OF(names) ? names[error] : "?";
}

uint64_t leat__load_group_errors(const struct load_group *g)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < LOAD_ERROR_COUNT; i++)
        all += g->errors[i];
    return all;
}

uint64_t leat__load_errors(const struct load_result *r)
{
    return leat__load_group_errors(&r->active) + leat__load_group_errors(&r->idle);
}

/* This program's own share in what it measured. */
static void warn_of_ourselves(const struct warnings *w, const struct load_result *r)
{
    char late[HUMAN_SIZE], latency[HUMAN_SIZE];
    uint64_t lateness = leat__histogram_quantile(&r->lateness, 0.99);
    uint64_t p99 = leat__histogram_quantile(&r->active.latency, 0.99);
    if (lateness > 1000000 && lateness * 10 > p99)
        say(w,
            "this program itself was late: p99 of its sending %s, of the latency %s; give it more "
            "--cores or "
            "--threads, or ask for less",
            leat__human_ns(late, lateness), leat__human_ns(latency, p99));
    double full = r->threads > 0 && r->seconds > 0 ? r->own_cpu_s / (r->seconds * r->threads) : 0;
    if (full > 0.95)
        say(w,
            "this program's own cores were full (%.0f%%): what was measured may be its limit and "
            "not the server's; "
            "give it more --threads",
            100 * full);
}

static void warn_of_schedule(const struct warnings *w, const struct load_options *o,
                             const struct load_result *r)
{
    char rate[HUMAN_SIZE], asked[HUMAN_SIZE], max[HUMAN_SIZE], median[HUMAN_SIZE];
    double answers = r->seconds > 0 ? (double)r->active.answers / r->seconds : 0;
    if (o->arrivals != LOAD_CLOSED && (double)r->missed > 0.01 * o->rate * r->seconds &&
        r->missed > o->active)
        say(w,
            "%llu requests of the schedule were still owing at the end: of the %s/s that were "
            "asked for %s/s were "
            "answered; latencies grow with the duration then",
            (unsigned long long)r->missed, leat__human_count(asked, o->rate),
            leat__human_count(rate, answers));
    uint64_t p50 = leat__histogram_quantile(&r->active.latency, 0.5);
    uint64_t most = leat__histogram_max(&r->active.latency);
    if (o->arrivals == LOAD_CLOSED && most > 20 * p50 && most > 50000000)
        say(w,
            "a closed loop waits while the server stands still: the longest answer took %s, the "
            "median %s, and requests "
            "that would have come meanwhile were never sent; --rate counts them",
            leat__human_ns(max, most), leat__human_ns(median, p50));
}

static void warn_of_idle(const struct warnings *w, const struct load_options *o,
                         const struct load_result *r)
{
    if (o->idle > 0 && r->idle.connections < o->idle)
        say(w, "of %lu quiet connections %llu were open at the end", (unsigned long)o->idle,
            (unsigned long long)r->idle.connections);
}

static void warn_of_errors(const struct warnings *w, const struct load_options *o,
                           const struct load_result *r)
{
    uint64_t wrong = r->active.errors[LOAD_ERROR_CONTENT] + r->idle.errors[LOAD_ERROR_CONTENT];
    if (r->active.answers == 0)
        say(w, "there was no right answer: nothing else here means anything");
    if (wrong > 0 && o->verify == LOAD_VERIFY_SAME)
        say(w,
            "%llu answers had another content than was expected; where contents differ by design, "
            "--verify length or "
            "--verify status",
            (unsigned long long)wrong);
    if (o->pid > 0 && !r->server.valid)
        say(w, "the process %d could not be read over the whole time: its processor time and memory are not known",
            (int)o->pid);
}

void leat__load_warnings(const struct load_options *o, const struct load_result *r, load_warn *warn,
                         void *context)
{
    const struct warnings w = {warn, context};
    warn_of_errors(&w, o, r);
    warn_of_schedule(&w, o, r);
    warn_of_ourselves(&w, r);
    warn_of_idle(&w, o, r);
}
