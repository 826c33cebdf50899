/* families.c: what /metrics tells: the scalars of metrics.def, and the families that have labels. Series come and go with
 * nothing: every one that there can be is told from the start, with its 0, so that a first error is seen as a rise.
 *
 * No two series may be the same, or a scraper refuses all of them. What comes from the program (routes of several hosts, pools)
 * may bear one name twice: such are added up. */
#include "admin/metrics_text.h"
#include "exchange/app.h"
#include "leat/leat.h"
#include "observe/events.h"
#include "task/blocking.h"
#include <stdio.h>

enum {
    LINE = 160,            /* octets of a sample without its labels' values, at most */
    SCALARS_BOUND = 32768, /* of metrics.def, with help */
    HEADS_BOUND = 32768, /* of all other families' heads, and of their samples that depend on nothing */
    ROUTE_LINES = METRICS_CLASSES + 13,
    POOL_LINES = 6,
};

static const struct expose_label none[] = {{NULL, NULL}};

/* ── How much it can be ── */

static size_t own_bound(const struct own_metric *m)
{
    size_t lines = m->kind == OWN_HISTOGRAM ? OWN_HISTOGRAM_SERIES : 1;
    size_t bound = 4 * (LINE + OWN_NAME_MAX + OWN_HELP_MAX);
    for (uint32_t i = 0; i < m->value_count; i++)
        bound += lines * (LINE + strlen(m->name) +
                          (m->label != NULL ? strlen(m->label) + 2 * strlen(m->values[i]) : 0));
    return bound;
}

/* Escaped, every octet takes two at most. */
static size_t lines_bound(size_t lines, const char *label)
{
    return lines * (LINE + 2 * strlen(label));
}

size_t leat__families_bound(const leat_app *app)
{
    size_t bound = SCALARS_BOUND + HEADS_BOUND;
    bound += lines_bound(ROUTE_LINES, "") + REPORT_POOLS_MAX * lines_bound(POOL_LINES, "") +
             PLAN_ROWS_MAX * lines_bound(1, "");
    for (uint32_t i = 0; i < app->route_count && i + 1 < PLAN_METRICS_ROUTES; i++)
        bound += lines_bound(ROUTE_LINES, app->routes[i].pattern);
    for (uint32_t i = 0; i < app->pool_count; i++)
        bound += lines_bound(POOL_LINES + 1, app->pools[i]->name);
    for (uint32_t i = 0; i < app->heap_count; i++)
        bound += lines_bound(1, app->heaps[i]->name);
    for (uint32_t i = 0; i < app->blocking_count; i++)
        bound += lines_bound(1, app->blocking[i]->stack_name);
    for (uint32_t i = 0; i < app->own_metric_count; i++)
        bound += own_bound(app->own_metrics[i]);
    return bound;
}

/* ── Connections, refusals, pools, the plan ── */

static void tell_scalars(const struct look *l, struct expose *e)
{
#define METRIC(name, type, help, value)                                                                   \
    leat__expose_family(e, strncmp(name, "process_", 8) == 0 ? name : "leat_" name, EXPOSE_##type, help); \
    leat__expose_value(e, none, (double)(value));
#include "admin/metrics.def"
#undef METRIC
}

static void tell_one(struct expose *e, const char *name, const char *label, uint64_t value)
{
    leat__expose_value(e, (const struct expose_label[]){{name, label}, {NULL, NULL}}, (double)value);
}

static void tell_connections(const struct look *l, struct expose *e)
{
    char name[CONN_STATE_LABEL];
    leat__expose_family(e, "leat_connections", EXPOSE_gauge, "Connections by what they are at.");
    for (unsigned i = 0; i < CONN_STATE_COUNT; i++) {
        if (i != CONN_FREE)
            tell_one(e, "state", leat__conn_state_label(i, name), l->all.states[i]);
    }
}

static void tell_refusals(const struct look *l, struct expose *e)
{
    const char *pool;
    uint64_t count;
    leat__expose_family(e, "leat_refused_total", EXPOSE_counter,
                        "Connections (slot) and requests refused because something was used up.");
    for (unsigned i = 0; (pool = leat__counters_refused(&l->all.counters, i, &count)) != NULL; i++)
        tell_one(e, "pool", pool, count);
}

static void tell_events(struct expose *e)
{
    leat__expose_family(e, "leat_log_events_total", EXPOSE_counter,
                        "Events of the server and the program by level, written or not.");
    for (unsigned level = LEAT_LOG_ERROR; level <= LEAT_LOG_DEBUG; level++)
        tell_one(e, "level", leat__event_level_name((enum leat_log_level)level),
                 leat__events_count((enum leat_log_level)level));
}

struct pool_figure {
    const char *name;
    enum expose_type type;
    size_t offset; /* in struct report_pool */
    const char *help;
};

static uint64_t figure_of(const struct report_pool *pool, const struct pool_figure *figure)
{
    return *(const uint64_t *)(const void *)((const char *)pool + figure->offset);
}

static const char *pool_name(const struct look *l, uint32_t i)
{
    const struct look_source *s = l->source;
    return leat__report_pool_name(&s->shard(s->server, 0)->memory, i);
}

static bool is_named_before(const struct look *l, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++)
        if (strcmp(pool_name(l, k), pool_name(l, i)) == 0)
            return true;
    return false;
}

static void tell_pool_figure(const struct look *l, const struct pool_figure *figure, struct expose *e)
{
    bool is_size = figure->offset == offsetof(struct report_pool, each);
    leat__expose_family(e, figure->name, figure->type, figure->help);
    for (uint32_t i = 0; i < l->all.pool_count; i++) {
        uint64_t value = figure_of(&l->all.pools[i], figure);
        if (is_named_before(l, i))
            continue;
        for (uint32_t k = i + 1; k < l->all.pool_count && !is_size; k++)
            if (strcmp(pool_name(l, k), pool_name(l, i)) == 0)
                value += figure_of(&l->all.pools[k], figure);
        tell_one(e, "pool", pool_name(l, i), value);
    }
}

static void tell_pools(const struct look *l, struct expose *e)
{
#define OF(field) offsetof(struct report_pool, field)
    static const struct pool_figure figures[] = {
        {"leat_pool_in_use", EXPOSE_gauge, OF(in_use), "Objects of a pool that are in use."},
        {"leat_pool_high", EXPOSE_gauge,
         OF(high), "The most that were in use at once, since pages were last given back; the sum of the shards' own."},
        {"leat_pool_limit", EXPOSE_gauge, OF(count), "Objects of a pool."},
        {"leat_pool_refused_total", EXPOSE_counter, OF(refused), "Times a pool was asked and had none."},
        {"leat_pool_object_bytes", EXPOSE_gauge, OF(each), "Bytes of an object of a pool."},
        {"leat_pool_resident_bytes", EXPOSE_gauge, OF(resident), "Bytes of a pool that may be resident."},
    };
#undef OF
    for (unsigned i = 0; i < sizeof figures / sizeof figures[0]; i++)
        tell_pool_figure(l, &figures[i], e);
}

static void tell_plan(const struct look *l, struct expose *e)
{
    const struct plan *plan = l->source->plan;
    static const char *const kinds[] = {[PLAN_OURS] = "ours", [PLAN_KERNEL] = "kernel"};
    leat__expose_family(
        e, "leat_plan_row_bytes", EXPOSE_gauge,
        "The memory plan: the most that each part can take; of the kernel's, an estimate.");
    for (uint32_t i = 0; i < plan->row_count; i++) {
        const struct plan_row *row = &plan->rows[i];
        uint64_t bytes = 0;
        bool is_told = row->kind == PLAN_DESCRIPTORS;
        for (uint32_t k = 0; k < plan->row_count; k++) {
            bool is_same = plan->rows[k].kind == row->kind && strcmp(plan->rows[k].what, row->what) == 0;
            is_told = is_told || (is_same && k < i);
            bytes += is_same ? plan->rows[k].bytes : 0;
        }
        if (!is_told)
            leat__expose_value(e,
                               (const struct expose_label[]){
                                   {"row", row->what}, {"kind", kinds[row->kind]}, {NULL, NULL}},
                               (double)bytes);
    }
}

static void tell_build(const struct look *l, struct expose *e)
{
#if defined(__clang__)
    static const char compiler[] = __VERSION__;
#else
    static const char compiler[] = "GCC " __VERSION__;
#endif
    leat__expose_family(e, "leat_build_info", EXPOSE_info, "What runs.");
    leat__expose_value(e,
                       (const struct expose_label[]){{"version", LEAT_VERSION},
                                                     {"compiler", compiler},
                                                     {"loop", l->source->loop},
                                                     {"program", l->source->name},
                                                     {NULL, NULL}},
                       1);
}

/* ── Requests ── */

/* Row 0 is of what no route took, the last one of all that have none of their own. */
static void labels_of(const struct families *f, uint32_t row, struct expose_label labels[3])
{
    const struct chain *chain = leat__look_chain(f->looker, row);
    bool is_shared = row == PLAN_METRICS_ROUTES - 1;
    labels[0] = (struct expose_label){"route", row == 0    ? "none"
                                               : is_shared ? "others"
                                                           : chain->pattern};
    labels[1] = (struct expose_label){"method", row == 0 || is_shared ? "any" : chain->method};
    labels[2] = (struct expose_label){NULL, NULL};
}

static void sum_rows(struct families *f, uint32_t first)
{
    memset(&f->route, 0, sizeof f->route);
    for (uint32_t row = first; row < f->row_count; row++) {
        if (f->first_row[row] != first)
            continue;
        const struct route_metrics *one = leat__look_route(f->looker, row);
        leat__histogram_add(&f->route.duration, &one->duration);
        for (unsigned k = 0; k < METRICS_CLASSES; k++)
            f->route.classes[k] += one->classes[k];
    }
}

static void tell_requests(struct families *f, struct expose *e)
{
    static const char *const classes[METRICS_CLASSES] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
    struct expose_label labels[4] = {{NULL, NULL}};
    leat__expose_family(
        e, "leat_http_requests_total",
        EXPOSE_counter, "Requests answered, by route, method and class of status; route \"none\": what no route took.");
    for (uint32_t row = 0; row < f->row_count; row++) {
        if (f->first_row[row] != row)
            continue;
        sum_rows(f, row);
        labels_of(f, row, labels);
        for (unsigned k = 0; k < METRICS_CLASSES; k++) {
            labels[2] = (struct expose_label){"class", classes[k]};
            leat__expose_value(e, labels, (double)f->route.classes[k]);
        }
    }
}

static void tell_routes(struct families *f, struct expose *e, double ticks)
{
    struct expose_label labels[3];
    leat__expose_family(e, "leat_route_duration_seconds", EXPOSE_histogram,
                        "How long handlers took, by route and method.");
    for (uint32_t row = 0; row < f->row_count; row++) {
        if (f->first_row[row] != row)
            continue;
        sum_rows(f, row);
        labels_of(f, row, labels);
        leat__expose_histogram(e, labels, &f->route.duration, leat__expose_few_times, ticks);
    }
}

/* ── Histograms ── */

static void tell_durations(struct families *f, struct expose *e, double ticks)
{
    const struct histogram *all = leat__look_histogram(f->looker, LOOK_DURATION);
    leat__expose_family(
        e, "leat_http_request_duration_seconds",
        EXPOSE_histogram, "From a request's head (or content, where that is collected first) to its response's making.");
    leat__expose_histogram(e, none, all, leat__expose_times, ticks);
    f->late = *all;
    leat__lately_see(&f->lately, &f->late);
    leat__expose_family(e, "leat_http_request_duration_quantile_seconds", EXPOSE_summary,
                        "The same: quantiles of the last minute; sum and count since the start.");
    leat__expose_summary(e, &f->late, all, ticks);
}

static void tell_phases(struct families *f, struct expose *e, double ticks)
{
    static const struct {
        enum look_histogram which;
        const struct expose_step *steps;
        const char *name, *help;
    } phases[] = {
        {LOOK_FIRST_BYTE, leat__expose_times, "leat_first_byte_seconds",
         "From a connection's acceptance to its first octet."},
        {LOOK_HEAD, leat__expose_times, "leat_head_seconds",
         "From a request's first octet to the end of its head; 0: it came at once."},
        {LOOK_WRITE, leat__expose_times, "leat_write_seconds",
         "From a response's first sending until the kernel had all of it; 0: it took it at once."},
        {LOOK_TURN, leat__expose_short_times, "leat_loop_turn_seconds",
         "Turns of the loops, from waking to sleeping: as long as others had to wait."},
        {LOOK_LATENESS, leat__expose_short_times, "leat_timer_lateness_seconds",
         "By how much tasks that slept were woken late."},
    };
    for (unsigned i = 0; i < sizeof phases / sizeof phases[0]; i++) {
        leat__expose_family(e, phases[i].name, EXPOSE_histogram, phases[i].help);
        leat__expose_histogram(e, none, leat__look_histogram(f->looker, phases[i].which),
                               phases[i].steps, ticks);
    }
}

/* ── The program's own ── */

static const struct {
    const struct expose_step *steps;
    double per_unit;
} units[] = {
    [LEAT_UNIT_NONE] = {leat__expose_numbers, 1},
    [LEAT_UNIT_BYTES] = {leat__expose_sizes, 1},
    [LEAT_UNIT_NANOSECONDS] = {leat__expose_times, 1e9},
};

static void tell_own(struct families *f, const struct own_metric *m, struct expose *e)
{
    static const enum expose_type types[] = {
        [OWN_COUNTER] = EXPOSE_counter, [OWN_GAUGE] = EXPOSE_gauge, [OWN_HISTOGRAM] = EXPOSE_histogram};
    leat__expose_family(e, m->name, types[m->kind], m->help);
    for (uint32_t i = 0; i < m->value_count; i++) {
        struct expose_label labels[] = {{m->label, m->label != NULL ? m->values[i] : NULL}, {NULL, NULL}};
        if (m->kind == OWN_HISTOGRAM)
            leat__expose_histogram(e, labels, leat__look_own_histogram(f->looker, m, i),
                                   units[m->unit].steps, units[m->unit].per_unit);
        else
            leat__expose_value(e, labels, leat__look_own_number(f->looker, m, i));
    }
}

void leat__families_remember(struct families *f)
{
    leat__lately_keep(&f->lately, leat__look_histogram(f->looker, LOOK_DURATION));
}

/* ── All ── */

static bool is_same_route(const struct chain *a, const struct chain *b)
{
    return strcmp(a->pattern, b->pattern) == 0 && strcmp(a->method, b->method) == 0;
}

void leat__families_begin(struct families *f, struct looker *looker)
{
    clear_untouched(f, sizeof *f);
    f->looker = looker;
    f->row_count = leat__look_route_count(looker);
    for (uint32_t row = 0; row < f->row_count; row++) {
        uint32_t first = 0;
        if (row == PLAN_METRICS_ROUTES - 1)
            first = row;
        while (first < row &&
               !is_same_route(leat__look_chain(looker, first), leat__look_chain(looker, row)))
            first++;
        f->first_row[row] = (uint16_t)first;
    }
}

size_t leat__families_write(struct families *f, const struct look *look, struct expose *e)
{
    double ticks = (double)leat__ticks_per_second();
    tell_build(look, e);
    tell_scalars(look, e);
    tell_connections(look, e);
    tell_refusals(look, e);
    tell_events(e);
    tell_requests(f, e);
    tell_durations(f, e, ticks);
    tell_routes(f, e, ticks);
    tell_phases(f, e, ticks);
    tell_pools(look, e);
    tell_plan(look, e);
    for (uint32_t i = 0; i < leat__look_own_count(f->looker); i++)
        tell_own(f, leat__look_own(f->looker, i), e);
    return leat__expose_end(e);
}
