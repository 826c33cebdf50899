/* plot.h: drawings as SVG: lines with error bars, percentiles, and bars. One drawing is one <svg> that stands alone in a file or in a
 * page: light or dark as its reader prefers, with a title and a description for whoever can't see it, and no script.
 *
 *     plot.c    the paper: title, legend, style       axis.c   scales, ticks and how figures are written
 *     lines.c   lines, error bars, percentiles        bars.c   bars         png.c   SVG → PNG, by rsvg-convert
 *
 * Texts may hold anything; they are escaped. Figures that are no numbers are left out. */
#ifndef LEAT_PLOT_H
#define LEAT_PLOT_H

#include "base/base.h"
#include <stdio.h>

enum { PLOT_SERIES_MAX = 8 };

/* How an axis' figures are written. */
enum plot_unit {
    PLOT_NUMBER,  /* 12, 3.5k, 1.2M */
    PLOT_SECONDS, /* 340 us */
    PLOT_BYTES,   /* 4 KiB */
    PLOT_PERCENT, /* 0.05: 5% */
    PLOT_RATIO,   /* 1.05 */
    PLOT_NINES,   /* x of a percentile plot: 1 / (1 - share): 10 is written 90%, 1000 99.9% */
};

struct plot_axis {
    const char *title; /* NULL: none */
    enum plot_unit unit;
    bool is_log;
    bool from_zero; /* of a linear one: begins at 0 */
    bool has_mark;  /* a line across at mark: what was asked for, or "the same" */
    double mark;
};

struct plot_series {
    const char *name;
    const double *x, *y;      /* count of each */
    const double *low, *high; /* of y; NULL: not known */
    unsigned count;
    bool is_dashed;
    bool has_dots;
};

struct plot {
    const char *title, *subtitle; /* NULL: none */
    const char *about; /* for whoever can't see it: what it shows, in a sentence; NULL: the title */
    struct plot_axis x, y;
    const struct plot_series *series;
    unsigned series_count;
    const char *const *names; /* x is 0, 1, 2 … and these are their names; NULL: x is a figure */
    unsigned name_count;
};

void leat__plot_lines(FILE *to, const struct plot *plot);

struct plot_bar {
    const char *name;
    const char *note; /* behind the figure; NULL: none */
    double value;
    double low, high; /* both 0: not known */
    unsigned colour;  /* 0 … PLOT_SERIES_MAX - 1 */
};

/* Bars lie, each with its name before it and its figure behind it; the axis is the one of their length. */
struct plot_bars {
    const char *title, *subtitle, *about;
    struct plot_axis axis;
    const struct plot_bar *bars;
    unsigned count;
    bool are_points; /* dots instead of bars, for ratios: their axis need not begin at 0 */
};

void leat__plot_bars(FILE *to, const struct plot_bars *plot);

/* A figure as an axis writes it. out has PLOT_FIGURE_SIZE octets and is answered. */
enum { PLOT_FIGURE_SIZE = 32 };
const char *leat__plot_figure(char *out, enum plot_unit unit, double value);

/* SVG of size octets as a picture in path, twice as large; 0, or -errno and a line of error (rsvg-convert may be missing). */
int leat__plot_png(const char *path, const char *svg, size_t size, char *error, size_t error_size);

#endif
