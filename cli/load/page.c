/* page.c: see page.h. First what people look for (how many, how long, what was wrong), then the drawing, then all figures, then how it
 * was asked for: whoever reads it shall be able to do it again. */
#include "load/page.h"
#include "leat/leat.h"
#include "load/face.h"
#include "load/human.h"
#include "load/warnings.h"
#include "plot/plot.h"
#include <sys/utsname.h>
#include <time.h>

static const char style[] =
    "<style>\n"
    ":root{color-scheme:light "
    "dark;--paper:#fffefb;--text:#1c1917;--soft:#57534e;--line:#e7e5e0;--card:#f6f4ef;--warn:#"
    "8a3b00;"
    "--warn-paper:#fff3e2}\n"
    "@media "
    "(prefers-color-scheme:dark){:root{--paper:#191817;--text:#f5f3ef;--soft:#b5b0a8;--line:#"
    "33302d;--card:#22201f;"
    "--warn:#ffc48a;--warn-paper:#33240f}}\n"
    "body{font:15px/1.5 system-ui,-apple-system,\"Segoe "
    "UI\",sans-serif;background:var(--paper);color:var(--text);max-width:55rem;"
    "margin:2.5rem auto;padding:0 1.25rem}\n"
    "h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:2.25rem 0 .5rem}\n"
    ".soft{color:var(--soft)}.url{overflow-wrap:anywhere}\n"
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.6rem,1fr));gap:.75rem;"
    "margin:1.5rem 0}\n"
    ".card{background:var(--card);border-radius:8px;padding:.7rem .9rem}\n"
    ".card b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums;line-height:1.3}\n"
    ".card span{color:var(--soft);font-size:.85rem}\n"
    ".warning{background:var(--warn-paper);color:var(--warn);border-radius:8px;padding:.6rem "
    ".9rem;margin:.5rem 0}\n"
    ".scroll{overflow-x:auto}\n"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\n"
    "th,td{text-align:right;padding:.3rem .6rem;border-bottom:1px solid "
    "var(--line);white-space:nowrap}\n"
    "th:first-child,td:first-child{text-align:left;padding-left:0}th{color:var(--soft);font-weight:"
    "600;font-size:.85rem}\n"
    ".pairs td:first-child{width:20rem}\n"
    "td.text{text-align:left;white-space:normal;overflow-wrap:anywhere}\n"
    "svg{width:100%;height:auto}\n"
    "</style>\n";

/* ── Pieces ── */

/* As the drawing writes them. */
static const char *write_seconds(char out[static PLOT_FIGURE_SIZE], double seconds)
{
    return leat__plot_figure(out, PLOT_SECONDS, seconds);
}

static const char *write_ns(char out[static PLOT_FIGURE_SIZE], uint64_t ns)
{
    return write_seconds(out, (double)ns * 1e-9);
}

static void escape(FILE *to, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", to);
            break;
        case '<':
            fputs("&lt;", to);
            break;
        case '>':
            fputs("&gt;", to);
            break;
        case '"':
            fputs("&quot;", to);
            break;
        default:
            fputc((unsigned char)*text < ' ' ? ' ' : *text, to);
        }
}

static void card(FILE *to, const char *figure, const char *about)
{
    fprintf(to, "<div class=\"card\"><b>");
    escape(to, figure);
    fprintf(to, "</b><span>%s</span></div>\n", about);
}

static void row(FILE *to, const char *name, const char *value)
{
    fputs("<tr><td>", to);
    escape(to, name);
    fputs("</td><td class=\"text\">", to);
    escape(to, value);
    fputs("</td></tr>\n", to);
}

static void count_row(FILE *to, const char *name, uint64_t count)
{
    char text[HUMAN_SIZE];
    snprintf(text, sizeof text, "%llu", (unsigned long long)count);
    row(to, name, text);
}

static void bytes_row(FILE *to, const char *name, uint64_t bytes)
{
    char text[HUMAN_SIZE];
    row(to, name, leat__human_bytes(text, (double)bytes));
}

static void seconds_row(FILE *to, const char *name, double seconds)
{
    char text[HUMAN_SIZE];
    row(to, name, write_seconds(text, seconds));
}

static void begin_table(FILE *to, const char *title, const char *class)
{
    fprintf(to, "<h2>%s</h2>\n<div class=\"scroll\"><table class=\"%s\">\n", title, class);
}

static void end_table(FILE *to)
{
    fputs("</table></div>\n", to);
}

/* ── Parts ── */

static void write_head(FILE *to, const struct load_options *o)
{
    char when[64] = "";
    time_t now = time(NULL);
    struct tm utc;
    struct utsname machine;
    if (gmtime_r(&now, &utc) != NULL)
        strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", &utc);
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>leat "
          "load ",
          to);
    escape(to, o->url);
    fprintf(to, "</title>\n%s</head><body>\n<h1>leat load</h1>\n<p class=\"soft url\">", style);
    escape(to, o->url);
    fprintf(to, "<br>%s, leat %s", when, LEAT_VERSION);
    if (uname(&machine) == 0) {
        fprintf(to, ", %s ", machine.sysname);
        escape(to, machine.release);
        fprintf(to, ", %s", machine.machine);
    }
    fputs("</p>\n", to);
}

static void write_cards(FILE *to, const struct load_result *r)
{
    char text[HUMAN_SIZE];
    double seconds = r->seconds > 0 ? r->seconds : 1,
           answers = (double)(r->active.answers + r->idle.answers);
    fputs("<div class=\"cards\">\n", to);
    card(to, leat__human_count(text, (double)r->active.answers / seconds), "answers a second");
    card(to, write_ns(text, leat__histogram_quantile(&r->active.latency, 0.5)),
         "half took no longer (p50)");
    card(to, write_ns(text, leat__histogram_quantile(&r->active.latency, 0.99)),
         "99% took no longer (p99)");
    card(to, write_ns(text, leat__histogram_max(&r->active.latency)), "the longest");
    card(to, leat__human_count(text, (double)leat__load_errors(r)), "errors");
    if (r->server.valid && answers > 0)
        card(to, write_seconds(text, r->server.cpu_s / answers), "the server's processor time for each");
    fputs("</div>\n", to);
}

static void write_warning(void *to, const char *line)
{
    fputs("<p class=\"warning\">", to);
    escape(to, line);
    fputs("</p>\n", to);
}

static void latency_row(FILE *to, const char *name, const struct histogram *h)
{
    static const double shares[] = {0.5, 0.9, 0.99, 0.999, 0.9999};
    char text[PLOT_FIGURE_SIZE];
    uint64_t all = leat__histogram_count(h);
    if (all == 0)
        return;
    fputs("<tr><td>", to);
    escape(to, name);
    fputs("</td>", to);
    for (unsigned i = 0; i < COUNT_OF(shares); i++)
        fprintf(to, "<td>%s</td>", write_ns(text, leat__histogram_quantile(h, shares[i])));
    fprintf(to, "<td>%s</td>", write_ns(text, leat__histogram_max(h)));
    fprintf(to, "<td>%s</td>", write_ns(text, h->sum / all));
    fprintf(to, "<td>%llu</td></tr>\n", (unsigned long long)all);
}

static void write_latencies(FILE *to, const struct load_options *o, const struct load_result *r)
{
    begin_table(to, "Latency", "figures");
    fputs("<tr><th></th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>p99.99</th><th>max</"
          "th><th>mean</th>"
          "<th>answers</th></tr>\n",
          to);
    latency_row(to, "active, from when due", &r->active.latency);
    if (o->arrivals != LOAD_CLOSED)
        latency_row(to, "active, from when sent", &r->active.service);
    for (uint32_t i = 0; o->request_count > 1 && r->by_request != NULL && i < o->request_count; i++)
        latency_row(to, o->requests[i].name, &r->by_request[i].latency);
    latency_row(to, "quiet", &r->idle.latency);
    latency_row(to, "connecting, active", &r->active.connect);
    latency_row(to, "connecting, quiet", &r->idle.connect);
    latency_row(to, "this program's own lateness", &r->lateness);
    end_table(to);
}

static void write_counts(FILE *to, const struct load_result *r)
{
    char text[LOAD_ERROR_SIZE];
    begin_table(to, "Requests", "pairs");
    count_row(to, "sent, active", r->active.requests);
    count_row(to, "answered right, active", r->active.answers);
    if (r->idle.requests > 0)
        count_row(to, "answered right, quiet", r->idle.answers);
    for (enum load_error e = 0; e < LOAD_ERROR_COUNT; e++) {
        uint64_t count = r->active.errors[e] + r->idle.errors[e];
        snprintf(text, sizeof text, "errors: %s", leat__load_error_name(e));
        if (count > 0)
            count_row(to, text, count);
    }
    if (r->first_error[0] != '\0')
        row(to, "the first error", r->first_error);
    bytes_row(to, "received", r->active.octets_in + r->idle.octets_in);
    bytes_row(to, "sent", r->active.octets_out + r->idle.octets_out);
    count_row(to, "connections opened", r->active.opened + r->idle.opened);
    if (r->missed > 0)
        count_row(to, "of the schedule, owing at the end", r->missed);
    end_table(to);
}

static void write_server(FILE *to, const struct load_options *o, const struct load_result *r)
{
    const struct load_server *s = &r->server;
    if (!s->valid)
        return;
    begin_table(to, "The server's process", "pairs");
    count_row(to, "pid", (uint64_t)o->pid);
    seconds_row(to, "processor time", s->cpu_s);
    seconds_row(to, "in itself", s->user_s);
    seconds_row(to, "in the kernel", s->system_s);
    bytes_row(to, "resident", s->resident);
    bytes_row(to, "resident, before", s->resident_before);
    bytes_row(to, "resident, at the most", s->peak);
    count_row(to, "minor faults", s->minor_faults);
    count_row(to, "major faults", s->major_faults);
    count_row(to, "switches", s->switches);
    count_row(to, "switches that were forced", s->switches_forced);
    count_row(to, "threads", s->threads);
    end_table(to);
}

static void write_settings(FILE *to, const struct load_options *o, const struct load_result *r)
{
    static const char *const arrivals[] = {"a closed loop", "an open loop, evenly",
                                           "an open loop, as people come"};
    static const char *const verify[] = {"the same content", "the same length", "the status"};
    char text[HUMAN_SIZE];
    begin_table(to, "What was asked", "pairs");
    row(to, "how requests come", arrivals[o->arrivals]);
    if (o->arrivals != LOAD_CLOSED)
        row(to, "requests a second, asked for", leat__human_count(text, o->rate));
    count_row(to, "active connections", o->active);
    if (o->idle > 0)
        count_row(to, "quiet connections", o->idle);
    if (o->idle_rate > 0)
        row(to, "of those woken a second", leat__human_count(text, o->idle_rate));
    count_row(to, "requests under way on a connection", o->pipeline);
    if (o->per_connection > 0)
        count_row(to, "requests on a connection", o->per_connection);
    seconds_row(to, "warm-up", o->warmup_s);
    seconds_row(to, "measured", r->seconds);
    seconds_row(to, "time for an answer", o->timeout_ms / 1000.0);
    row(to, "verified", verify[o->verify]);
    row(to, "loop", r->loop != NULL ? r->loop : "?");
    count_row(to, "threads", r->threads + r->idle_threads);
    count_row(to, "source addresses", r->sources);
    count_row(to, "seed", o->seed);
    end_table(to);
}

void leat__load_page(FILE *to, const char *svg, const struct load_options *o, const struct load_result *r)
{
    write_head(to, o);
    write_cards(to, r);
    leat__load_warnings(o, r, write_warning, to);
    fputs(svg, to);
    write_latencies(to, o, r);
    write_counts(to, r);
    write_server(to, o, r);
    write_settings(to, o, r);
    fputs("<p class=\"soft\">Latency is counted from when a request was due; with a closed loop "
          "that is when it was sent. Figures of a "
          "machine that client and server share are for comparing with others of the same run, and "
          "for nothing else.</p>\n"
          "</body></html>\n",
          to);
}
