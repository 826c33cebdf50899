/* report.c: a load as a drawing of its percentiles (.svg, .png) or as one page with everything (.html). */
#include "load/face.h"
#include "load/human.h"
#include "load/page.h"
#include "plot/plot.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { POINTS_MAX = 400 };

/* One group's curve: x is 1 / (1 - share). */
struct curve {
    double x[POINTS_MAX], y[POINTS_MAX];
    unsigned count;
};

static const char *ending(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL && strchr(dot, '/') == NULL ? dot : "";
}

const char *leat__load_report_fault(const char *path)
{
    const char *end = ending(path);
    bool known = strcmp(end, ".svg") == 0 || strcmp(end, ".png") == 0 || strcmp(end, ".html") == 0;
    return known ? NULL : "its name says what it is: end it with .html, .svg or .png";
}

/* As far as there are answers to tell of: the share below the slowest one is the last that means anything. */
static void trace(struct curve *c, const struct histogram *h)
{
    enum { PER_DECADE = 40 };
    uint64_t all = leat__histogram_count(h);
    c->count = 0;
    for (int i = 0; all > 0 && c->count < POINTS_MAX; i++) {
        double nines = pow(10, (double)i / PER_DECADE);
        bool is_last = nines >= (double)all;
        if (is_last)
            nines = (double)all;
        c->x[c->count] = nines;
        c->y[c->count++] = (double)leat__histogram_quantile(h, is_last ? 1 : 1 - 1 / nines) * 1e-9;
        if (is_last)
            break;
    }
}

static bool is_wide(const struct curve *curves, unsigned count)
{
    double least = INFINITY, most = 0;
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < curves[i].count; j++) {
            least = fmin(least, curves[i].y[j] > 0 ? curves[i].y[j] : least);
            most = fmax(most, curves[i].y[j]);
        }
    return most > 20 * least;
}

static bool draw(FILE *to, const struct load_options *o, const struct load_result *r)
{
    struct curve *curves = calloc(3, sizeof *curves);
    struct plot_series series[3];
    unsigned count = 0;
    char subtitle[640], about[400], rate[HUMAN_SIZE], p50[HUMAN_SIZE], p99[HUMAN_SIZE], most[HUMAN_SIZE];
    const struct {
        const char *name;
        const struct histogram *h;
    } groups[] = {{"active connections", &r->active.latency},
                  {o->arrivals != LOAD_CLOSED ? "the same, from when they were sent" : NULL,
                   &r->active.service},
                  {"quiet connections", &r->idle.latency}};
    if (curves == NULL)
        return false;
    for (unsigned i = 0; i < COUNT_OF(groups); i++) {
        if (groups[i].name == NULL || leat__histogram_count(groups[i].h) == 0)
            continue;
        struct curve *c = &curves[count];
        trace(c, groups[i].h);
        series[count++] = (struct plot_series){
            .name = groups[i].name, .x = c->x, .y = c->y, .count = c->count, .is_dashed = i == 1};
    }
    snprintf(subtitle, sizeof subtitle, "%.200s, %lu connections, %s answers a second, %s loop",
             o->url, (unsigned long)o->active,
             leat__human_count(rate, r->seconds > 0 ? (double)r->active.answers / r->seconds : 0),
             o->arrivals == LOAD_CLOSED ? "a closed" : "an open");
    snprintf(about, sizeof about,
             "Latency by share of answers: half took at most %s, 99%% at most %s, the longest %s.",
             leat__human_ns(p50, leat__histogram_quantile(&r->active.latency, 0.5)),
             leat__human_ns(p99, leat__histogram_quantile(&r->active.latency, 0.99)),
             leat__human_ns(most, leat__histogram_max(&r->active.latency)));
    const struct plot plot = {
        .title = "How long answers took",
        .subtitle = subtitle,
        .about = about,
        .x = {.title = "share of answers that took no longer", .unit = PLOT_NINES, .is_log = true},
        .y = {.title = "latency", .unit = PLOT_SECONDS, .is_log = is_wide(curves, count), .from_zero = true},
        .series = series,
        .series_count = count};
    leat__plot_lines(to, &plot);
    free(curves);
    return true;
}

/* The drawing as a text of its own. */
static char *draw_text(const struct load_options *o, const struct load_result *r, size_t *size)
{
    char *text = NULL;
    FILE *to = open_memstream(&text, size);
    bool well = to != NULL && draw(to, o, r);
    if (to != NULL && (fclose(to) != 0 || !well)) {
        free(text);
        text = NULL;
    }
    return text;
}

static int write_file(const char *path, const char *svg, const struct load_options *o,
                      const struct load_result *r, char *error, size_t error_size)
{
    FILE *to = fopen(path, "we");
    if (to != NULL && strcmp(ending(path), ".html") == 0)
        leat__load_page(to, svg, o, r);
    else if (to != NULL)
        fputs(svg, to);
    int status = to == NULL || ferror(to) ? -errno : 0;
    if (to != NULL && fclose(to) != 0)
        status = -errno;
    if (status < 0)
        snprintf(error, error_size, "--report %.300s: %s", path, strerror(-status));
    return status;
}

int leat__load_report(const char *path, const struct load_options *o, const struct load_result *r,
                      char *error, size_t error_size)
{
    size_t size = 0;
    char *svg = draw_text(o, r, &size);
    if (svg == NULL) {
        snprintf(error, error_size, "--report %.300s: there is no memory", path);
        return -ENOMEM;
    }
    int status = strcmp(ending(path), ".png") == 0 ? leat__plot_png(path, svg, size, error, error_size)
                                                   : write_file(path, svg, o, r, error, error_size);
    free(svg);
    return status;
}
