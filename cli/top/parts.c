/* parts.c: the parts of a view. Each takes rows from `row` on, before `end`, a heading first; with room for no more than that, or
 * nothing to tell, it takes none. */
#include "top.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAME_COLUMNS = 17 };

static int put_heading(struct top_sheet *s, int row, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int put_heading(struct top_sheet *s, int row, const char *format, ...)
{
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    leat__top_put(s, row, 0, TOP_HEADING, "%s", text);
    return row + 1;
}

/* ── Connections ── */

int leat__top_draw_connections(struct top_sheet *s, const struct top_shown *shown, int row, int end)
{
    static const char *const names[] = {"idle",    "head",    "content",   "running",
                                        "waiting", "writing", "lingering", "closed"};
    const json_t *states = json_object_get(leat__top_newest(shown->history), "states");
    double open = leat__top_metric(shown->history, "connections_open");
    double limit = leat__top_metric(shown->history, "connections_limit");
    char a[TOP_HUMAN_SIZE], b[TOP_HUMAN_SIZE], c[TOP_HUMAN_SIZE];
    int half = s->columns / 2, bar = half - NAME_COLUMNS - 10;
    if (end - row < 5)
        return row;
    row = put_heading(
        s, row, "CONNECTIONS  %s of %s, %s new/s", leat__top_count(a, open), leat__top_count(b, limit),
        leat__top_count(c, leat__top_rate(shown->history, "connections_accepted_total")));
    for (unsigned i = 0; i < COUNT_OF(names); i++) {
        int column = (int)(i % 2) * half, line = row + (int)i / 2;
        double count = leat__top_number(states, names[i]);
        leat__top_put_field(s, line, column, TOP_DIM, 10, names[i]);
        leat__top_put(s, line, column + 10, TOP_PLAIN, "%7s", leat__top_count(a, count));
        leat__top_put_bar(s, line, column + 18, TOP_GOOD, bar > 5 ? bar : 5, open > 0 ? count / open : 0);
    }
    return row + 4;
}

/* ── Pools ── */

struct pool {
    const char *name;
    double in_use, high, limit, refused, resident;
    bool is_bytes; /* its objects are octets */
    bool refuses;  /* since the last look */
};

enum { POOLS_MAX = 64 };

static double fullness(const struct pool *p)
{
    return p->limit > 0 ? p->in_use / p->limit : 0;
}

static int compare_pools(const void *a, const void *b)
{
    const struct pool *x = a, *y = b;
    if (x->refuses != y->refuses)
        return x->refuses ? -1 : 1;
    return fullness(x) > fullness(y) ? -1 : fullness(x) < fullness(y);
}

static double refused_before(const struct top_history *h, size_t i, const char *name)
{
    if (h->count < 2)
        return -1;
    const json_t *old = json_array_get(json_object_get(h->frames[h->count - 2], "pools"), i);
    return strcmp(leat__top_text(old, "name"), name) == 0 ? leat__top_number(old, "refused") : -1;
}

static unsigned read_pools(const struct top_history *h, struct pool *pools)
{
    const json_t *all = json_object_get(leat__top_newest(h), "pools");
    unsigned count = 0;
    for (size_t i = 0; i < json_array_size(all) && count < POOLS_MAX; i++) {
        const json_t *p = json_array_get(all, i);
        const char *name = leat__top_text(p, "name");
        double refused = leat__top_number(p, "refused"), before = refused_before(h, i, name);
        pools[count++] = (struct pool){
            .name = name,
            .in_use = leat__top_number(p, "in_use"),
            .high = leat__top_number(p, "high"),
            .limit = leat__top_number(p, "limit"),
            .refused = refused,
            .resident = leat__top_number(p, "resident_bytes"),
            .is_bytes = leat__top_number(p, "object_bytes") == 1,
            .refuses = before >= 0 && refused > before,
        };
    }
    qsort(pools, count, sizeof pools[0], compare_pools);
    return count;
}

static void draw_pool(struct top_sheet *s, int row, const struct pool *p)
{
    char a[TOP_HUMAN_SIZE], b[TOP_HUMAN_SIZE], c[TOP_HUMAN_SIZE], d[TOP_HUMAN_SIZE];
    enum top_style style = p->refuses ? TOP_ALARM : fullness(p) > 0.8 ? TOP_WARN : TOP_GOOD;
    int width = s->columns - NAME_COLUMNS - 45, at = NAME_COLUMNS + 1;
    width = width > 8 ? width : 8;
    leat__top_put_field(s, row, 0, p->refuses ? TOP_ALARM : TOP_DIM, NAME_COLUMNS, p->name);
    leat__top_put_bar(s, row, at, style, width, fullness(p));
    if (p->limit > 0 && p->high > p->in_use) {
        int mark = (int)(p->high / p->limit * width);
        leat__top_put(s, row, at + (mark < width ? mark : width - 1), TOP_WARN, "^");
    }
    const char *(*write)(char *, double) = p->is_bytes ? leat__top_bytes : leat__top_count;
    leat__top_put(s, row, at + width + 1, TOP_PLAIN, "%7s /%7s", write(a, p->in_use), write(b, p->limit));
    leat__top_put(s, row, at + width + 18, TOP_PLAIN, "%11s", leat__top_bytes(c, p->resident));
    if (p->refused > 0)
        leat__top_put(s, row, at + width + 30, p->refuses ? TOP_ALARM : TOP_WARN, "refused %s",
                      leat__top_count(d, p->refused));
}

int leat__top_draw_pools(struct top_sheet *s, const struct top_shown *shown, int row, int end)
{
    struct pool pools[POOLS_MAX];
    unsigned count = read_pools(shown->history, pools);
    if (end - row < 2 || count == 0)
        return row;
    row = put_heading(s, row, "POOLS  the fullest first; ^ the most there ever was");
    for (unsigned i = 0; i < count && row < end; i++)
        draw_pool(s, row++, &pools[i]);
    return row;
}

/* ── Routes ── */

static void draw_route(struct top_sheet *s, int row, int name, const struct top_route *r)
{
    char text[TOP_HUMAN_SIZE], line[512];
    snprintf(line, sizeof line, "%s %s", r->method, r->route[0] != '\0' ? r->route : "(no route)");
    leat__top_put_field(s, row, 0, TOP_PLAIN, name, line);
    leat__top_put(s, row, name + 1, TOP_PLAIN, "%7s", leat__top_count(text, r->rate));
    leat__top_put(s, row, name + 9, TOP_PLAIN, "%7s", leat__top_count(text, r->requests));
    leat__top_put(s, row, name + 17, r->errors > 0 ? TOP_WARN : TOP_DIM, "%6s",
                  leat__top_count(text, r->errors));
    leat__top_put(s, row, name + 24, TOP_PLAIN, "%8s", leat__top_duration(text, r->p50_s));
    leat__top_put(s, row, name + 33, TOP_PLAIN, "%8s", leat__top_duration(text, r->p99_s));
    leat__top_put(s, row, name + 42, TOP_PLAIN, "%8s", leat__top_duration(text, r->max_s));
}

int leat__top_draw_routes(struct top_sheet *s, const struct top_shown *shown, int row, int end)
{
    static struct top_route routes[TOP_ROUTES_MAX];
    unsigned count = leat__top_routes(shown->history, routes, TOP_ROUTES_MAX, shown->sort);
    int name = s->columns - 51 > 20 ? s->columns - 51 : 20;
    if (end - row < 2 || count == 0)
        return row;
    leat__top_put_field(s, row, 0, TOP_HEADING, name, "");
    leat__top_put(s, row, 0, TOP_HEADING, "ROUTES  by %s", leat__top_sort_name(shown->sort));
    leat__top_put(s, row++, name + 1, TOP_HEADING, "%7s %7s %6s %8s %8s %8s", "/s", "in all", "5xx",
                  "p50", "p99", "max");
    for (unsigned i = 0; i < count && row < end; i++)
        draw_route(s, row++, name, &routes[i]);
    return row;
}

/* ── Events and findings ── */

/* By the words that a log and a doctor use. */
static enum top_style style_of(const char *level)
{
    if (strcmp(level, "error") == 0 || strcmp(level, "bad") == 0)
        return TOP_ALARM;
    return strncmp(level, "warn", 4) == 0 ? TOP_WARN : TOP_PLAIN;
}

int leat__top_draw_events(struct top_sheet *s, const struct top_shown *shown, int row, int end)
{
    const json_t *events = json_object_get(leat__top_newest(shown->history), "events");
    size_t count = json_array_size(events);
    if (end - row < 2 || count == 0)
        return row;
    row = put_heading(s, row, "EVENTS  the newest last");
    size_t room = (size_t)(end - row), first = count > room ? count - room : 0;
    for (size_t i = first; i < count; i++) {
        const json_t *e = json_array_get(events, i);
        time_t at = (time_t)leat__top_number(e, "time");
        struct tm local;
        char clock[16] = "";
        if (localtime_r(&at, &local) != NULL)
            strftime(clock, sizeof clock, "%H:%M:%S", &local);
        leat__top_put(s, row, 0, TOP_DIM, "%s", clock);
        leat__top_put(s, row++, 9, style_of(leat__top_text(e, "level")), "%s", leat__top_text(e, "text"));
    }
    return row;
}

int leat__top_draw_doctor(struct top_sheet *s, const struct top_shown *shown, int row, int end)
{
    const json_t *doctor = json_object_get(leat__top_newest(shown->history), "doctor");
    size_t count = json_array_size(doctor);
    if (end - row < 2 || count == 0)
        return row;
    row = put_heading(s, row, "THE DOCTOR SAYS  leat doctor has the whole of it");
    for (size_t i = 0; i < count && row < end; i++) {
        const json_t *f = json_array_get(doctor, i);
        enum top_style style = style_of(leat__top_text(f, "state"));
        leat__top_put_field(s, row, 0, style, 9, leat__top_text(f, "state"));
        int at = leat__top_put(s, row, 9, TOP_PLAIN, "%s: %s", leat__top_text(f, "what"),
                               leat__top_text(f, "found"));
        if (leat__top_text(f, "remedy")[0] != '\0')
            leat__top_put(s, row, at + 1, TOP_DIM, "-> %s", leat__top_text(f, "remedy"));
        row++;
    }
    return row;
}

/* ── The plan ── */

int leat__top_draw_plan(struct top_sheet *s, const struct top_shown *shown, int row, int end)
{
    const json_t *plan = json_object_get(leat__top_newest(shown->history), "plan");
    const json_t *rows = json_object_get(plan, "rows");
    double ours = leat__top_number(plan, "ours_bytes");
    char a[TOP_HUMAN_SIZE], b[TOP_HUMAN_SIZE], c[TOP_HUMAN_SIZE];
    if (end - row < 2 || ours <= 0)
        return row;
    row = put_heading(s, row, "PLAN  %s at most, %s resident, the kernel's %s", leat__top_bytes(a, ours),
                      leat__top_bytes(b, leat__top_number(plan, "resident_bytes")),
                      leat__top_bytes(c, leat__top_number(plan, "kernel_bytes")));
    int half = s->columns / 2;
    for (size_t i = 0; i < json_array_size(rows) && row + (int)(i / 2) < end; i++) {
        const json_t *r = json_array_get(rows, i);
        int line = row + (int)(i / 2), column = (int)(i % 2) * half;
        leat__top_put_field(s, line, column, TOP_DIM, half - 13, leat__top_text(r, "what"));
        leat__top_put(s, line, column + half - 12, TOP_PLAIN, "%10s",
                      leat__top_bytes(a, leat__top_number(r, "bytes")));
    }
    int taken = (int)((json_array_size(rows) + 1) / 2);
    return row + taken < end ? row + taken : end;
}
