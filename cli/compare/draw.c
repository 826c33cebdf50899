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
    struct plot_bar bars[COMPARE_CANDIDATES_MAX];
    char notes[COMPARE_CANDIDATES_MAX][48];
    unsigned count;
};

static void add(struct points *p, const struct compare_run *run, uint32_t candidate,
                enum compare_figure figure, const char *name)
{
    struct compare_judgement j = {.ratio = 1};
    struct plot_bar *bar = &p->bars[p->count];
    char *note = p->notes[p->count++];
    *bar = (struct plot_bar){.name = name, .note = note, .value = 1};
    snprintf(note, sizeof p->notes[0], "the base");
    if (candidate == 0)
        return;
    leat__compare_run_judge(run, candidate, figure, &j);
    bar->value = j.ratio;
    bar->low = j.interval.low;
    bar->high = j.interval.high;
    if (j.n > 0)
        snprintf(note, sizeof p->notes[0], "%.3f to %.3f%s", j.interval.low, j.interval.high,
                 j.differs ? " *" : "");
    else
        snprintf(note, sizeof p->notes[0], "not measured");
}

static void draw(FILE *to, const struct points *p, const struct compare_run *run, const char *title)
{
    char subtitle[160];
    snprintf(subtitle, sizeof subtitle,
             "medians of %u rounds, with intervals of 95%%; *: not by chance", run->done);
    const struct plot_bars plot = {
        .title = title,
        .subtitle = subtitle,
        .axis = {.title = "ratio; 1 is no difference", .unit = PLOT_RATIO, .has_mark = true, .mark = 1},
        .bars = p->bars,
        .count = p->count,
        .are_points = true,
    };
    leat__plot_bars(to, &plot);
}

static void draw_pair(FILE *to, const struct compare_run *run)
{
    static struct points points;
    char title[2 * COMPARE_NAME_SIZE + 40];
    points.count = 0;
    for (unsigned f = 0; f < FIGURE_COUNT; f++)
        add(&points, run, 1, f, leat__compare_figures[f].title);
    snprintf(title, sizeof title, "The figures of %s as ratios to those of %s",
             run->candidates[1].name, run->candidates[0].name);
    draw(to, &points, run, title);
}

static void draw_figure(FILE *to, const struct compare_run *run, enum compare_figure figure)
{
    static struct points points;
    char title[COMPARE_NAME_SIZE + 80];
    points.count = 0;
    for (uint32_t c = 0; c < run->count; c++)
        add(&points, run, c, figure, run->candidates[c].name);
    snprintf(title, sizeof title, "The %s as a ratio to that of %s",
             leat__compare_figures[figure].title, run->candidates[0].name);
    draw(to, &points, run, title);
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
