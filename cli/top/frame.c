/* frame.c: what a server told, and what of it is new. A frame stays the JSON that it was: what an older server does not tell is
 * 0, what a newer one tells beside is not looked at. Counters and histograms count since the server's start, so what happened
 * lately is the difference of two frames; of two runs of a server there is none. */
#include "top.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *leat__top_frame_read(const char *text, size_t size, char *error, size_t error_size)
{
    json_error_t why;
    json_t *frame = json_loadb(text, size, 0, &why);
    if (frame == NULL) {
        snprintf(error, error_size, "what it tells is no JSON: %s", why.text);
        return NULL;
    }
    if (json_is_number(json_object_get(frame, "time")) &&
        json_is_object(json_object_get(frame, "metrics")))
        return frame;
    json_decref(frame);
    snprintf(error, error_size, "what it tells is not a Leat server's live.json");
    return NULL;
}

double leat__top_number(const json_t *object, const char *name)
{
    double number = json_number_value(json_object_get(object, name));
    return isfinite(number) ? number : 0;
}

const char *leat__top_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

/* ── Remembering ── */

void leat__top_history_clear(struct top_history *h)
{
    for (unsigned i = 0; i < h->count; i++)
        json_decref(h->frames[i]);
    h->count = 0;
}

const json_t *leat__top_newest(const struct top_history *h)
{
    return h->count > 0 ? h->frames[h->count - 1] : NULL;
}

static bool is_same_run(const json_t *a, const json_t *b)
{
    return leat__top_number(a, "pid") == leat__top_number(b, "pid") &&
           leat__top_number(a, "uptime_s") <= leat__top_number(b, "uptime_s");
}

void leat__top_history_add(struct top_history *h, json_t *frame)
{
    if (h->count > 0 && !is_same_run(leat__top_newest(h), frame))
        leat__top_history_clear(h);
    if (h->count == TOP_HISTORY) {
        json_decref(h->frames[0]);
        memmove(h->frames, h->frames + 1, (TOP_HISTORY - 1) * sizeof h->frames[0]);
        h->count--;
    }
    h->frames[h->count++] = frame;
}

/* ── Scalars ── */

static double metric_of(const json_t *frame, const char *name)
{
    return leat__top_number(json_object_get(frame, "metrics"), name);
}

double leat__top_metric(const struct top_history *h, const char *name)
{
    return metric_of(leat__top_newest(h), name);
}

/* By the server's own clock: how long the answers were under way does not matter. */
static double seconds_between(const json_t *before, const json_t *now)
{
    return leat__top_number(now, "uptime_s") - leat__top_number(before, "uptime_s");
}

double leat__top_growth(const struct top_history *h, const char *name, double *seconds)
{
    *seconds = 0;
    if (h->count < 2)
        return 0;
    const json_t *before = h->frames[h->count - 2], *now = leat__top_newest(h);
    double growth = metric_of(now, name) - metric_of(before, name);
    *seconds = seconds_between(before, now);
    return growth > 0 ? growth : 0;
}

double leat__top_rate(const struct top_history *h, const char *name)
{
    double seconds, growth = leat__top_growth(h, name, &seconds);
    return seconds > 0 ? growth / seconds : 0;
}

/* ── Histograms ── */

static const json_t *buckets_of(const json_t *frame, const char *name)
{
    return json_object_get(json_object_get(json_object_get(frame, "histograms"), name), "buckets");
}

static double item(const json_t *pair, size_t i)
{
    double number = json_number_value(json_array_get(pair, i));
    return isfinite(number) ? number : 0;
}

/* Both lists rise, and a bucket that has some once has some for ever. */
void leat__top_spread_read(struct top_spread *spread, const struct top_history *h, const char *name)
{
    spread->size = 0;
    spread->count = 0;
    if (h->count == 0)
        return;
    const json_t *now = buckets_of(leat__top_newest(h), name);
    const json_t *then = h->count > 1 ? buckets_of(h->frames[0], name) : NULL;
    size_t at = 0, olds = json_array_size(then);
    for (size_t i = 0; i < json_array_size(now) && spread->size < TOP_BUCKETS_MAX; i++) {
        double bound = item(json_array_get(now, i), 0), count = item(json_array_get(now, i), 1);
        while (at < olds && item(json_array_get(then, at), 0) < bound)
            at++;
        if (at < olds && item(json_array_get(then, at), 0) <= bound)
            count -= item(json_array_get(then, at), 1);
        if (count <= 0)
            continue;
        spread->buckets[spread->size].bound = bound;
        spread->buckets[spread->size++].count = count;
        spread->count += count;
    }
}

double leat__top_quantile(const struct top_spread *spread, double share)
{
    double sum = 0, wanted = share * spread->count;
    if (spread->size == 0)
        return -1;
    for (unsigned i = 0; i < spread->size; i++) {
        sum += spread->buckets[i].count;
        if (sum >= wanted)
            return spread->buckets[i].bound;
    }
    return spread->buckets[spread->size - 1].bound;
}

/* ── Routes ── */

static bool is_route(const json_t *a, const char *method, const char *route)
{
    return strcmp(leat__top_text(a, "method"), method) == 0 &&
           strcmp(leat__top_text(a, "route"), route) == 0;
}

/* The same route in another frame: mostly in the same place. */
static const json_t *find_route(const json_t *routes, size_t place, const char *method, const char *route)
{
    const json_t *there = json_array_get(routes, place);
    if (there != NULL && is_route(there, method, route))
        return there;
    for (size_t i = 0; i < json_array_size(routes); i++)
        if (is_route(json_array_get(routes, i), method, route))
            return json_array_get(routes, i);
    return NULL;
}

static struct top_route read_route(const struct top_history *h, const json_t *now, size_t place)
{
    struct top_route r = {
        .method = leat__top_text(now, "method"),
        .route = leat__top_text(now, "route"),
        .requests = leat__top_number(now, "requests"),
        .p50_s = leat__top_number(now, "p50_s"),
        .p99_s = leat__top_number(now, "p99_s"),
        .max_s = leat__top_number(now, "max_s"),
        .sum_s = leat__top_number(now, "sum_s"),
        .errors = leat__top_number(json_object_get(now, "classes"), "5xx"),
    };
    r.mean_s = r.requests > 0 ? r.sum_s / r.requests : 0;
    if (h->count < 2)
        return r;
    const json_t *before = h->frames[h->count - 2];
    const json_t *old = find_route(json_object_get(before, "routes"), place, r.method, r.route);
    double seconds = seconds_between(before, leat__top_newest(h));
    double growth = r.requests - leat__top_number(old, "requests");
    r.rate = seconds > 0 && growth > 0 ? growth / seconds : 0;
    return r;
}

static const struct {
    const char *name;
    size_t offset;
} sorts[TOP_SORTS] = {
    [TOP_BY_P99] = {"p99", offsetof(struct top_route, p99_s)},
    [TOP_BY_RATE] = {"requests a second", offsetof(struct top_route, rate)},
    [TOP_BY_MAX] = {"the slowest", offsetof(struct top_route, max_s)},
    [TOP_BY_TIME] = {"time in all", offsetof(struct top_route, sum_s)},
};

const char *leat__top_sort_name(enum top_sort sort)
{
    return sorts[sort].name;
}

static double key_of(const struct top_route *r, enum top_sort sort)
{
    double key;
    memcpy(&key, (const char *)r + sorts[sort].offset, sizeof key);
    return key;
}

static int compare(const struct top_route *a, const struct top_route *b, enum top_sort sort)
{
    double x = key_of(a, sort), y = key_of(b, sort);
    int by_name = strcmp(a->route, b->route);
    return x > y ? -1 : x < y ? 1 : by_name != 0 ? by_name : strcmp(a->method, b->method);
}

static int compare_for_qsort(const void *a, const void *b, void *sort)
{
    return compare(a, b, *(enum top_sort *)sort);
}

unsigned leat__top_routes(const struct top_history *h, struct top_route *routes, unsigned most,
                          enum top_sort sort)
{
    const json_t *all = json_object_get(leat__top_newest(h), "routes");
    unsigned count = 0;
    for (size_t i = 0; i < json_array_size(all) && count < most; i++) {
        struct top_route r = read_route(h, json_array_get(all, i), i);
        if (r.requests > 0)
            routes[count++] = r;
    }
    qsort_r(routes, count, sizeof routes[0], compare_for_qsort, &sort);
    return count;
}
