/* views.c: what stands on the sheet as a whole. The head is the same on every view; below it a view puts its parts (parts.c), the
 * most important first, for as long as there are rows. */
#include "top.h"
#include <stdio.h>
#include <string.h>

static void draw_title(struct top_sheet *s, const struct top_shown *shown)
{
    char up[TOP_HUMAN_SIZE];
    const json_t *frame = leat__top_newest(shown->history);
    leat__top_put_field(s, 0, 0, TOP_HEADING, s->columns, "");
    int at = leat__top_put(s, 0, 0, TOP_HEADING, "leat top  %s %s at %s", leat__top_text(frame, "name"),
                           leat__top_text(frame, "version"), shown->address);
    if (frame == NULL)
        return;
    char right[160];
    int size = snprintf(right, sizeof right, "up %s, %s, %.0f shards",
                        leat__top_long_duration(up, leat__top_number(frame, "uptime_s")),
                        leat__top_text(frame, "loop"), leat__top_number(frame, "shards"));
    int column = s->columns - size;
    leat__top_put(s, 0, column > at + 2 ? column : at + 2, TOP_HEADING, "%s", right);
}

/* The most urgent thing there is to say. */
static void draw_state(struct top_sheet *s, const struct top_shown *shown)
{
    const struct top_history *h = shown->history;
    double silent = leat__top_number(leat__top_newest(h), "silent_shards");
    char since[TOP_HUMAN_SIZE];
    if (shown->trouble[0] != '\0')
        leat__top_put(s, 1, 0, TOP_ALARM, "not there any more: %s", shown->trouble);
    else if (silent > 0)
        leat__top_put(s, 1, 0, TOP_ALARM, "%.0f of %.0f shards silent for %s: a handler holds the loop up",
                      silent, leat__top_metric(h, "shards"),
                      leat__top_duration(since, leat__top_metric(h, "shard_silence_seconds")));
    else if (leat__top_metric(h, "draining") > 0)
        leat__top_put(s, 1, 0, TOP_WARN, "it drains: nothing new is accepted");
    else if (shown->is_paused)
        leat__top_put(s, 1, 0, TOP_WARN, "paused: p goes on");
}

static int draw_rates(struct top_sheet *s, const struct top_shown *shown, int row)
{
    const struct top_history *h = shown->history;
    char a[TOP_HUMAN_SIZE], b[TOP_HUMAN_SIZE], c[TOP_HUMAN_SIZE], d[TOP_HUMAN_SIZE];
    double seconds, cpu = leat__top_growth(h, "process_cpu_seconds_total", &seconds);
    double requests = leat__top_growth(h, "http_requests_answered_total", &seconds);
    leat__top_put(s, row, 0, TOP_DIM, "requests");
    leat__top_put(s, row, 10, TOP_PLAIN, "%s/s",
                  leat__top_count(a, leat__top_rate(h, "http_requests_answered_total")));
    leat__top_put(s, row, 24, TOP_DIM, "processor");
    leat__top_put(s, row, 34, TOP_PLAIN, "%s a request, %.0f%%",
                  leat__top_duration(b, requests > 0 ? cpu / requests : -1),
                  seconds > 0 ? 100 * cpu / seconds : 0);
    leat__top_put(s, row, 58, TOP_DIM, "in");
    leat__top_put(s, row, 61, TOP_PLAIN, "%s/s",
                  leat__top_bytes(c, leat__top_rate(h, "received_bytes_total")));
    leat__top_put(s, row + 1, 58, TOP_DIM, "out");
    leat__top_put(s, row + 1, 62, TOP_PLAIN, "%s/s",
                  leat__top_bytes(d, leat__top_rate(h, "sent_bytes_total")));
    leat__top_put(s, row + 1, 0, TOP_DIM, "in all");
    leat__top_put(s, row + 1, 10, TOP_PLAIN, "%s",
                  leat__top_count(a, leat__top_metric(h, "http_requests_answered_total")));
    leat__top_put(s, row + 1, 24, TOP_DIM, "memory");
    leat__top_put(s, row + 1, 34, TOP_PLAIN, "%s of %s",
                  leat__top_bytes(b, leat__top_metric(h, "process_resident_memory_bytes")),
                  leat__top_bytes(c, leat__top_metric(h, "plan_bytes")));
    return row + 2;
}

/* One histogram's line. */
static void draw_spread(struct top_sheet *s, const struct top_shown *shown, int row,
                        const char *label, const char *name, double limit_s)
{
    static const struct {
        const char *name;
        double share;
    } told[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};
    static struct top_spread spread;
    char value[TOP_HUMAN_SIZE];
    leat__top_spread_read(&spread, shown->history, name);
    leat__top_put(s, row, 0, TOP_DIM, "%s", label);
    for (unsigned i = 0; i < COUNT_OF(told); i++) {
        double seconds = leat__top_quantile(&spread, told[i].share);
        int column = 10 + (int)i * 14;
        int at = leat__top_put(s, row, column, TOP_DIM, "%s ", told[i].name);
        leat__top_put(s, row, at, seconds > limit_s ? TOP_WARN : TOP_PLAIN, "%s",
                      leat__top_duration(value, seconds));
    }
}

static int draw_head(struct top_sheet *s, const struct top_shown *shown)
{
    draw_title(s, shown);
    draw_state(s, shown);
    int row = draw_rates(s, shown, 2);
    draw_spread(s, shown, row++, "duration", "duration", 1);
    draw_spread(s, shown, row++, "turns", "turn", 0.01);
    return row;
}

static void draw_keys(struct top_sheet *s, const struct top_shown *shown)
{
    leat__top_put_field(s, s->rows - 1, 0, TOP_HEADING, s->columns, "");
    leat__top_put(s, s->rows - 1, 0, TOP_HEADING,
                  "q quit  p %s  1 overview  2 routes  3 memory  s sort  h help",
                  shown->is_paused ? "go on" : "pause");
}

static void draw_help(struct top_sheet *s, int row)
{
    static const char *const lines[] = {
        "1  overview     2  routes     3  memory, plan, what the doctor says",
        "s  sort routes by another column     p  pause     h  this, and back     q  quit",
        "",
        "duration   of requests, from the end of their head to their response, last 10 seconds",
        "turns      of the loops: for so long others wait for a handler that does not",
        "processor  of the whole process, for each request of the last second",
        "bars       what is in use, of what was dug at the start; ^ is the most there ever was",
        "red        a shard that does not answer, a pool that refused since the last look",
        "",
        "More, and why: /leat/ in a browser, /metrics for Prometheus, man leat-top.",
    };
    for (unsigned i = 0; i < COUNT_OF(lines); i++)
        leat__top_put(s, row + (int)i, 0, TOP_PLAIN, "%s", lines[i]);
}

/* At most so many rows of what is left. */
static int up_to(int row, int rows, int end)
{
    return row + rows < end ? row + rows : end;
}

/* Where the next part begins: with a gap, behind one that has put something. */
static int behind(int before, int after, int gap)
{
    return after > before ? after + gap : before;
}

static void draw_overview(struct top_sheet *s, const struct top_shown *shown, int row, int end)
{
    int spare = end - row - 17; /* rows that a larger terminal has */
    int gap = spare >= 10;
    int more = gap ? (spare - 5) / 3 : spare > 0 ? spare / 3 : 0;
    row = behind(row, leat__top_draw_connections(s, shown, row + gap, end), gap);
    row = behind(row, leat__top_draw_pools(s, shown, row, up_to(row, 5 + more, end)), gap);
    row = behind(row, leat__top_draw_routes(s, shown, row, up_to(row, 4 + more, end)), gap);
    row = behind(row, leat__top_draw_events(s, shown, row, up_to(row, 3 + more, end)), gap);
    leat__top_draw_doctor(s, shown, row, end);
}

static void draw_memory(struct top_sheet *s, const struct top_shown *shown, int row, int end)
{
    int half = row + (end - row) * 2 / 5;
    row = leat__top_draw_pools(s, shown, row, half);
    row = leat__top_draw_plan(s, shown, row, up_to(row, (end - row) * 3 / 5, end));
    leat__top_draw_doctor(s, shown, row, end);
}

void leat__top_draw(struct top_sheet *s, const struct top_shown *shown)
{
    int row = draw_head(s, shown), end = s->rows - shown->is_interactive;
    switch (shown->view) {
    case TOP_OVERVIEW:
        draw_overview(s, shown, row, end);
        break;
    case TOP_ROUTES:
        leat__top_draw_routes(s, shown, row, end);
        break;
    case TOP_MEMORY:
        draw_memory(s, shown, row, end);
        break;
    case TOP_HELP:
    case TOP_VIEWS:
        draw_help(s, row + 1);
        break;
    }
    if (shown->is_interactive)
        draw_keys(s, shown);
}
