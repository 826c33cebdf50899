/* frame.c: writing a frame: see live.h. No format, no locale and no allocation: a text that grows up to its end, and an item
 * of a list that does not fit is taken back. */
#include "admin/live.h"
#include "conn/report.h"
#include "exchange/app.h"
#include "base/json_text.h"
#include "observe/events.h"
#include "observe/ticks.h"
#include <unistd.h>

enum {
    FRAME_TAIL = 256,       /* kept for the brackets, and the names of empty lists */
    MERGED_BITS = 1,        /* two buckets of a histogram become one here: 3 to 6% wide */
    SIGNIFICANT_DIGITS = 4, /* of times: finer than their buckets are */
};

struct text {
    char *at, *end;
    bool comma; /* a value stands before the next one */
    bool full;  /* something was left out */
    double tick_s;
};

/* ── Values ── */

static void put(struct text *t, const char *octets, size_t size)
{
    if ((size_t)(t->end - t->at) < size) {
        t->full = true;
        return;
    }
    memcpy(t->at, octets, size);
    t->at += size;
}

static void put_quoted(struct text *t, const char *text)
{
    const char *end = text + strlen(text);
    put(t, "\"", 1);
    while (text < end && !t->full) {
        size_t room = (size_t)(t->end - t->at);
        if (room < JSON_UNIT_MAX)
            t->full = true;
        else
            t->at += leat__json_escape(t->at, room, &text, end);
    }
    put(t, "\"", 1);
}

/* What stands before a value; name NULL: it is in a list. */
static void begin(struct text *t, const char *name)
{
    if (t->comma)
        put(t, ",", 1);
    t->comma = true;
    if (name != NULL) {
        put_quoted(t, name);
        put(t, ":", 1);
    }
}

static void put_text(struct text *t, const char *name, const char *value)
{
    begin(t, name);
    put_quoted(t, value);
}

static void put_count(struct text *t, const char *name, uint64_t value)
{
    char number[JSON_NUMBER_MAX];
    begin(t, name);
    put(t, number, leat__json_uint(number, value));
}

static void put_number(struct text *t, const char *name, double value)
{
    char number[JSON_NUMBER_MAX];
    size_t size = leat__json_double(number, value);
    begin(t, name);
    put(t, number, size);
    if (size == 0) /* not finite */
        put(t, "0", 1);
}

/* To a few digits: powers of ten up to 22 are exact, so what comes out has no more digits than that. */
static double rounded(double value)
{
    double scale = 1;
    int digits = 0;
    if (value <= 0)
        return 0;
    while (value * scale < 1e3 && digits++ < 18) /* SIGNIFICANT_DIGITS in front of the point */
        scale *= 10;
    return (double)(uint64_t)(value * scale + 0.5) / scale;
}

_Static_assert(SIGNIFICANT_DIGITS == 4, "see rounded");

static void put_ticks(struct text *t, const char *name, uint64_t ticks)
{
    put_number(t, name, rounded((double)ticks * t->tick_s));
}

static void open_level(struct text *t, const char *name, const char *bracket)
{
    begin(t, name);
    put(t, bracket, 1);
    t->comma = false;
}

static void close_level(struct text *t, const char *bracket)
{
    put(t, bracket, 1);
    t->comma = true;
}

/* ── Items of lists ── */

/* False: it did not fit, and nothing of it is there. */
static bool keep_item(struct text *t, const struct text *before)
{
    if (!t->full)
        return true;
    *t = *before;
    return false;
}

/* ── Histograms ── */

static void put_quantiles(struct text *t, const struct histogram *h)
{
    static const struct {
        const char *name;
        double share;
    } told[] = {{"p50_s", 0.5}, {"p90_s", 0.9}, {"p99_s", 0.99}, {"p999_s", 0.999}};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        put_ticks(t, told[i].name, leat__histogram_quantile(h, told[i].share));
    put_ticks(t, "max_s", leat__histogram_max(h));
}

/* [upper bound in seconds, how many]: those that have some. */
static void put_buckets(struct text *t, const struct histogram *h)
{
    enum { MERGED = 1 << MERGED_BITS };
    open_level(t, "buckets", "[");
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i += MERGED) {
        uint64_t count = 0;
        for (unsigned k = 0; k < MERGED; k++)
            count += h->buckets[i + k];
        if (count == 0)
            continue;
        open_level(t, NULL, "[");
        put_ticks(t, NULL, leat__histogram_last(i + MERGED - 1) + 1);
        put_count(t, NULL, count);
        close_level(t, "]");
    }
    close_level(t, "]");
}

static void put_histogram(struct text *t, const char *name, const struct histogram *h)
{
    struct text before = *t;
    open_level(t, name, "{");
    put_count(t, "count", leat__histogram_count(h));
    put_number(t, "sum_s", (double)h->sum * t->tick_s);
    put_quantiles(t, h);
    put_buckets(t, h);
    close_level(t, "}");
    keep_item(t, &before);
}

static void put_histograms(struct text *t, struct looker *looker)
{
    static const char *const names[LOOK_HISTOGRAMS] = {
        [LOOK_DURATION] = "duration",     [LOOK_TURN] = "turn", [LOOK_LATENESS] = "lateness",
        [LOOK_FIRST_BYTE] = "first_byte", [LOOK_HEAD] = "head", [LOOK_WRITE] = "write",
    };
    open_level(t, "histograms", "{");
    for (enum look_histogram i = 0; i < LOOK_HISTOGRAMS; i++)
        put_histogram(t, names[i], leat__look_histogram(looker, i));
    close_level(t, "}");
}

/* ── The rest ── */

static void put_head(struct text *t, const struct look *l)
{
    put_number(t, "time", (double)l->realtime_ms / 1000);
    put_number(t, "uptime_s", l->uptime_s);
    put_text(t, "name", l->source->name);
    put_text(t, "version", LEAT_VERSION);
    put_text(t, "loop", l->source->loop);
    put_count(t, "shards", l->shards);
    put_count(t, "silent_shards", l->silent);
    put_count(t, "pid", (uint64_t)getpid());
}

static void put_metrics(struct text *t, const struct look *l)
{
    open_level(t, "metrics", "{");
#define METRIC(name, type, help, value) put_number(t, name, (double)(value));
#include "admin/metrics.def"
#undef METRIC
    close_level(t, "}");
}

static void put_states(struct text *t, const struct look *l)
{
    char name[CONN_STATE_LABEL];
    open_level(t, "states", "{");
    for (unsigned i = 0; i < CONN_STATE_COUNT; i++)
        if (i != CONN_FREE)
            put_count(t, leat__conn_state_label(i, name), l->all.states[i]);
    close_level(t, "}");
}

static void put_refused(struct text *t, const struct look *l)
{
    const char *pool;
    uint64_t count;
    open_level(t, "refused", "{");
    for (unsigned i = 0; (pool = leat__counters_refused(&l->all.counters, i, &count)) != NULL; i++)
        put_count(t, pool, count);
    close_level(t, "}");
}

static void put_pools(struct text *t, const struct look *l)
{
    const struct shard_memory *memory = l->source->shard(l->source->server, 0)->common.memory;
    open_level(t, "pools", "[");
    for (uint32_t i = 0; i < l->all.pool_count; i++) {
        const struct report_pool *p = &l->all.pools[i];
        struct text before = *t;
        if (p->count == 0)
            continue;
        open_level(t, NULL, "{");
        put_text(t, "name", leat__report_pool_name(memory, i));
        put_count(t, "in_use", p->in_use);
        put_count(t, "high", p->high);
        put_count(t, "limit", p->count);
        put_count(t, "refused", p->refused);
        put_count(t, "object_bytes", p->each);
        put_count(t, "resident_bytes", p->resident);
        close_level(t, "}");
        if (!keep_item(t, &before))
            break;
    }
    close_level(t, "]");
}

static void put_plan(struct text *t, const struct look *l)
{
    const struct plan *plan = l->source->plan;
    open_level(t, "plan", "{");
    put_count(t, "ours_bytes", plan->ours);
    put_count(t, "kernel_bytes", plan->kernel);
    put_count(t, "resident_bytes", l->process.resident);
    open_level(t, "rows", "[");
    for (uint32_t i = 0; i < plan->row_count; i++) {
        struct text before = *t;
        if (plan->rows[i].kind != PLAN_OURS)
            continue;
        open_level(t, NULL, "{");
        put_text(t, "what", plan->rows[i].what);
        put_count(t, "bytes", plan->rows[i].bytes);
        close_level(t, "}");
        if (!keep_item(t, &before))
            break;
    }
    close_level(t, "]");
    close_level(t, "}");
}

static void put_events(struct text *t)
{
    struct event_told told;
    open_level(t, "events", "[");
    for (uint32_t i = 0; leat__events_newest(i, &told); i++) {
        struct text before = *t;
        open_level(t, NULL, "{");
        put_number(t, "time", (double)told.time_ms / 1000);
        put_text(t, "level", leat__event_level_name(told.level));
        put_text(t, "text", told.text);
        close_level(t, "}");
        if (!keep_item(t, &before))
            break;
    }
    close_level(t, "]");
}

static void put_doctor(struct text *t, const struct look *l)
{
    struct text before = *t;
    begin(t, "doctor");
    if (l->source->doctor != NULL)
        put(t, l->source->doctor, strlen(l->source->doctor));
    if (l->source->doctor == NULL || !keep_item(t, &before)) {
        *t = before;
        begin(t, "doctor");
        put(t, "[]", 2);
    }
}

static void put_route(struct text *t, const struct chain *chain, const struct route_metrics *r)
{
    static const char *const names[METRICS_CLASSES] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
    const struct histogram *h = &r->duration;
    open_level(t, NULL, "{");
    put_text(t, "method", chain->method != NULL ? chain->method : "");
    put_text(t, "route", chain->pattern != NULL ? chain->pattern : "");
    put_count(t, "requests", leat__histogram_count(h));
    open_level(t, "classes", "{");
    for (unsigned k = 0; k < METRICS_CLASSES; k++)
        put_count(t, names[k], r->classes[k]);
    close_level(t, "}");
    put_number(t, "sum_s", (double)h->sum * t->tick_s);
    put_quantiles(t, h);
    close_level(t, "}");
}

static void put_routes(struct text *t, struct looker *looker)
{
    uint32_t count = leat__look_route_count(looker);
    open_level(t, "routes", "[");
    for (uint32_t row = 0; row < count; row++) {
        struct text before = *t;
        put_route(t, leat__look_chain(looker, row), leat__look_route(looker, row));
        if (!keep_item(t, &before))
            break;
    }
    close_level(t, "]");
}

void leat__frame_write(struct frame *f, struct looker *looker, const struct look *look)
{
    struct text t = {
        .at = f->text,
        .end = f->text + sizeof f->text - FRAME_TAIL,
        .tick_s = 1 / (double)leat__ticks_per_second(),
    };
    open_level(&t, NULL, "{");
    put_head(&t, look);
    put_metrics(&t, look);
    put_states(&t, look);
    put_refused(&t, look);
    put_pools(&t, look);
    put_plan(&t, look);
    put_histograms(&t, looker);
    put_doctor(&t, look);
    put_events(&t);
    put_routes(&t, looker);
    t.end = f->text + sizeof f->text; /* what was kept for this */
    close_level(&t, "}");
    f->size = (size_t)(t.at - f->text);
    f->at_ms = look->at_ms;
}
