/* draw.c: ratios as points with their intervals, and a line where nothing differs. Of two candidates all figures are in one
 * drawing; of a sweep each figure has one of its own, and a picture, which holds one, holds the verdict's. A page has them
 * all, and the table in words. */
#include "compare/compare.h"
#include "plot/plot.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The points of a drawing. */
struct points {
    const char *names[COMPARE_CANDIDATES_MAX];
    double x[COMPARE_CANDIDATES_MAX], y[COMPARE_CANDIDATES_MAX];
    double low[COMPARE_CANDIDATES_MAX], high[COMPARE_CANDIDATES_MAX];
    uint32_t count;
};

static void add(struct points *p, const struct compare_run *run, uint32_t candidate,
                enum compare_figure figure, const char *name)
{
    struct compare_judgement j = {.ratio = 1, .interval = {1, 1}};
    if (candidate > 0)
        leat__compare_run_judge(run, candidate, figure, &j);
    p->names[p->count] = name;
    p->x[p->count] = p->count;
    p->y[p->count] = j.ratio;
    p->low[p->count] = j.interval.low;
    p->high[p->count++] = j.interval.high;
}

static void draw(FILE *to, const struct points *p, const char *title, const char *subtitle)
{
    const struct plot_series series = {
        .name = "ratio to the base, with its interval of 95%",
        .x = p->x,
        .y = p->y,
        .low = p->low,
        .high = p->high,
        .count = p->count,
        .has_dots = true,
    };
    const struct plot plot = {
        .title = title,
        .subtitle = subtitle,
        .y = {.title = "ratio", .unit = PLOT_RATIO, .has_mark = true, .mark = 1},
        .series = &series,
        .series_count = 1,
        .names = p->names,
        .name_count = p->count,
    };
    leat__plot_lines(to, &plot);
}

static void draw_pair(FILE *to, const struct compare_run *run)
{
    struct points points = {.count = 0};
    char subtitle[400];
    for (unsigned f = 0; f < FIGURE_COUNT; f++)
        add(&points, run, 1, f, leat__compare_figures[f].short_title);
    snprintf(subtitle, sizeof subtitle, "%u rounds; A: %.150s; B: %.150s", run->done,
             run->candidates[0].text, run->candidates[1].text);
    draw(to, &points, "B's figures as a ratio to A's", subtitle);
}

static void draw_figure(FILE *to, const struct compare_run *run, enum compare_figure figure)
{
    struct points points = {.count = 0};
    char title[120], subtitle[400];
    for (uint32_t c = 0; c < run->count; c++)
        add(&points, run, c, figure, run->candidates[c].name);
    snprintf(title, sizeof title, "%s, as a ratio to %s", leat__compare_figures[figure].title,
             run->candidates[0].name);
    snprintf(subtitle, sizeof subtitle, "%u rounds; %.300s", run->done,
             run->options->vary_count > 0 ? run->candidates[0].text : "");
    draw(to, &points, title, subtitle);
}

static void draw_one(FILE *to, const struct compare_run *run)
{
    if (run->count == 2)
        draw_pair(to, run);
    else
        draw_figure(to, run, run->primary);
}

/* Text for HTML. */
static void print_escaped(FILE *to, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] == '<')
            fputs("&lt;", to);
        else if (text[i] == '&')
            fputs("&amp;", to);
        else
            fputc(text[i], to);
}

static void print_page(FILE *to, const struct compare_run *run)
{
    char *words = NULL;
    size_t size = 0;
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width\"><title>leat compare</title>\n"
          "<style>:root{color-scheme:light dark}body{font:16px/1.5 "
          "system-ui,sans-serif;max-width:60rem;"
          "margin:2rem auto;padding:0 "
          "1rem}pre{overflow-x:auto;font-size:13px}svg{max-width:100%;height:auto}"
          "</style></head><body>\n<h1>leat compare</h1>\n",
          to);
    for (unsigned f = 0; f < FIGURE_COUNT && run->count > 2; f++)
        draw_figure(to, run, f);
    if (run->count == 2)
        draw_pair(to, run);
    fputs("\n<pre>", to);
    FILE *text = open_memstream(&words, &size);
    if (text != NULL) {
        leat__compare_tell(text, run);
        fclose(text);
        print_escaped(to, words, size);
        free(words);
    }
    fputs("</pre>\n</body></html>\n", to);
}

static int draw_png(const struct compare_run *run, const char *path, char *error, size_t error_size)
{
    char *svg = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&svg, &size);
    if (to == NULL) {
        snprintf(error, error_size, "%s: %s", path, strerror(errno));
        return -errno;
    }
    draw_one(to, run);
    fclose(to);
    int status = leat__plot_png(path, svg, size, error, error_size);
    free(svg);
    return status;
}

int leat__compare_draw(const struct compare_run *run, const char *path, char *error, size_t error_size)
{
    const char *dot = strrchr(path, '.');
    if (strcmp(dot, ".png") == 0)
        return draw_png(run, path, error, error_size);
    FILE *to = fopen(path, "we");
    if (to != NULL) {
        if (strcmp(dot, ".svg") == 0)
            draw_one(to, run);
        else
            print_page(to, run);
        bool is_written = !ferror(to);
        if (fclose(to) == 0 && is_written)
            return 0;
    }
    snprintf(error, error_size, "%s: %s", path, strerror(errno));
    return -errno;
}
