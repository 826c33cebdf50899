/* summary.c: what came of a load, for people: what was asked, how many were answered, how long they took, what the server's process
 * took for it, and what must be known before any of it is believed. */
#include "load/face.h"
#include "load/human.h"
#include "load/warnings.h"

enum { TITLE_WIDTH = 20 };

static const double shares[] = {0.5, 0.9, 0.99, 0.999, 0.9999};

bool leat__load_result_is_well(const struct load_result *r)
{
    return r->active.answers > 0 && leat__load_errors(r) == 0;
}

/* ── What was asked ── */

static void print_asked(FILE *to, const struct load_options *o, const struct load_result *r)
{
    char number[HUMAN_SIZE];
    fprintf(to, "%s, %lu connection%s", o->url, (unsigned long)o->active, o->active == 1 ? "" : "s");
    if (o->idle > 0)
        fprintf(to, " and %lu quiet ones", (unsigned long)o->idle);
    if (o->pipeline > 1)
        fprintf(to, ", %lu requests under way on each", (unsigned long)o->pipeline);
    if (o->per_connection == 1)
        fputs(", a new one for each request", to);
    else if (o->per_connection > 1)
        fprintf(to, ", a new one after %lu requests", (unsigned long)o->per_connection);
    if (o->arrivals == LOAD_CLOSED)
        fputs("; a closed loop", to);
    else
        fprintf(to, "; an open loop of %s/s, %s", leat__human_count(number, o->rate),
                o->arrivals == LOAD_POISSON ? "as people come" : "evenly");
    fprintf(to, "\n%s measured behind %s of warm-up; %s, %lu thread%s",
            leat__human_seconds(number, r->seconds),
            leat__human_seconds((char[HUMAN_SIZE]){0}, o->warmup_s), r->loop != NULL ? r->loop : "?",
            (unsigned long)r->threads + r->idle_threads, r->threads + r->idle_threads == 1 ? "" : "s");
    if (r->sources > 1)
        fprintf(to, ", %lu source addresses", (unsigned long)r->sources);
    fputs("\n\n", to);
}

/* ── What came ── */

static void print_errors(FILE *to, const struct load_result *r)
{
    char text[LOAD_ERROR_SIZE];
    const char *between = "";
    fputs("errors               ", to);
    for (enum load_error e = 0; e < LOAD_ERROR_COUNT; e++) {
        uint64_t count = r->active.errors[e] + r->idle.errors[e];
        if (count == 0)
            continue;
        fprintf(to, "%s%s %llu", between, leat__load_error_name(e), (unsigned long long)count);
        between = ", ";
    }
    fputs(between[0] == '\0' ? "none\n" : "\n", to);
    if (r->first_error[0] != '\0')
        fprintf(to, "  the first            %s\n", leat__human_text(text, sizeof text, r->first_error));
}

static void print_answers(FILE *to, const struct load_result *r)
{
    char rate[HUMAN_SIZE], in[HUMAN_SIZE], out[HUMAN_SIZE], idle[HUMAN_SIZE];
    double seconds = r->seconds > 0 ? r->seconds : 1;
    fprintf(to, "answers              %llu right, %s a second; %s/s received, %s/s sent\n",
            (unsigned long long)r->active.answers,
            leat__human_count(rate, (double)r->active.answers / seconds),
            leat__human_bytes(in, (double)(r->active.octets_in + r->idle.octets_in) / seconds),
            leat__human_bytes(out, (double)(r->active.octets_out + r->idle.octets_out) / seconds));
    if (r->idle.connections > 0 || r->idle.answers > 0)
        fprintf(to, "of quiet ones        %llu right, %s a second; %llu connections were held\n",
                (unsigned long long)r->idle.answers,
                leat__human_count(idle, (double)r->idle.answers / seconds),
                (unsigned long long)r->idle.connections);
    if (r->missed > 0)
        fprintf(to, "missed               %llu that were due could not be sent before the end\n",
                (unsigned long long)r->missed);
    print_errors(to, r);
}

/* ── How long it took ── */

static void print_row(FILE *to, const char *title, const struct histogram *h)
{
    char text[HUMAN_SIZE], name[TITLE_WIDTH + 1];
    uint64_t all = leat__histogram_count(h);
    if (all == 0)
        return;
    fprintf(to, "%-*s", TITLE_WIDTH, leat__human_text(name, sizeof name, title));
    for (unsigned i = 0; i < COUNT_OF(shares); i++)
        fprintf(to, " %9s", leat__human_ns(text, leat__histogram_quantile(h, shares[i])));
    fprintf(to, " %9s", leat__human_ns(text, leat__histogram_max(h)));
    fprintf(to, " %10s\n", leat__human_count(text, (double)all));
}

static void print_latencies(FILE *to, const struct load_options *o, const struct load_result *r)
{
    if (leat__histogram_count(&r->active.latency) == 0 && leat__histogram_count(&r->idle.latency) == 0)
        return;
    fprintf(to, "\n%-*s %9s %9s %9s %9s %9s %9s %10s\n", TITLE_WIDTH, "latency", "p50", "p90",
            "p99", "p99.9", "p99.99", "max", "answers");
    print_row(to, "  active", &r->active.latency);
    if (o->arrivals != LOAD_CLOSED)
        print_row(to, "    from sending", &r->active.service);
    for (uint32_t i = 0; o->request_count > 1 && r->by_request != NULL && i < o->request_count; i++) {
        char title[LOAD_NAME_SIZE + 8];
        snprintf(title, sizeof title, "    %s", o->requests[i].name);
        print_row(to, title, &r->by_request[i].latency);
    }
    print_row(to, "  quiet", &r->idle.latency);
    print_row(to, "  connecting", &r->active.connect);
    print_row(to, "  connecting, quiet", &r->idle.connect);
}

/* ── What it cost ── */

static void print_server(FILE *to, const struct load_options *o, const struct load_result *r)
{
    const struct load_server *s = &r->server;
    char each[HUMAN_SIZE], now[HUMAN_SIZE], before[HUMAN_SIZE], peak[HUMAN_SIZE];
    double answers = (double)(r->active.answers + r->idle.answers);
    if (!s->valid)
        return;
    fprintf(to, "\nserver, pid %-8d ", (int)o->pid);
    if (answers > 0)
        fprintf(to, "%s of processor time a request, ", leat__human_seconds(each, s->cpu_s / answers));
    fprintf(to, "%.0f%% of a core (user %.2f s, system %.2f s)\n",
            r->seconds > 0 ? 100 * s->cpu_s / r->seconds : 0, s->user_s, s->system_s);
    fprintf(to, "  memory             %s resident, %s before, %s at the most\n",
            leat__human_bytes(now, (double)s->resident),
            leat__human_bytes(before, (double)s->resident_before),
            leat__human_bytes(peak, (double)s->peak));
    fprintf(to, "  faults             %llu minor, %llu major\n",
            (unsigned long long)s->minor_faults, (unsigned long long)s->major_faults);
    fprintf(to, "  switches           %llu, %llu of them forced; %lu thread%s\n",
            (unsigned long long)s->switches, (unsigned long long)s->switches_forced,
            (unsigned long)s->threads, s->threads == 1 ? "" : "s");
}

static void print_own(FILE *to, const struct load_result *r)
{
    char each[HUMAN_SIZE], memory[HUMAN_SIZE], late[HUMAN_SIZE];
    fprintf(to, "\nthis program         ");
    if (r->active.answers > 0)
        fprintf(to, "%s of processor time a request, ",
                leat__human_seconds(each, r->own_cpu_s / (double)r->active.answers));
    fprintf(to, "%.0f%% of a core", r->seconds > 0 ? 100 * r->own_cpu_s / r->seconds : 0);
    if (r->own_resident > 0)
        fprintf(to, "; %s resident", leat__human_bytes(memory, (double)r->own_resident));
    if (leat__histogram_count(&r->lateness) > 0)
        fprintf(to, "; p99 of its own lateness %s",
                leat__human_ns(late, leat__histogram_quantile(&r->lateness, 0.99)));
    fputc('\n', to);
}

static void print_warning(void *to, const char *line)
{
    fprintf(to, "warning: %s\n", line);
}

void leat__load_summary(FILE *to, const struct load_options *o, const struct load_result *r)
{
    print_asked(to, o, r);
    print_answers(to, r);
    print_latencies(to, o, r);
    print_server(to, o, r);
    print_own(to, r);
    leat__load_warnings(o, r, print_warning, to);
}
