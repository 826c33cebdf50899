/* paper.h: what lines and bars share: paper, scales, ticks, text. Inside cli/plot only. */
#ifndef LEAT_PLOT_PAPER_H
#define LEAT_PLOT_PAPER_H

#include "plot/plot.h"

enum {
    PLOT_TICKS_MAX = 24,
    PLOT_WIDTH = 880,
    PLOT_CHARACTER = 7
}; /* a character of 12 px is about 7 wide */

struct plot_ticks {
    double at[PLOT_TICKS_MAX];
    unsigned count;
};

/* From figures to pixels. */
struct plot_scale {
    const struct plot_axis *axis;
    double low, high;   /* figures at both ends */
    double first, last; /* pixels there */
    struct plot_ticks ticks;
};

/* Makes a scale that shows all from least to most; about so many ticks. */
void leat__plot_scale(struct plot_scale *s, const struct plot_axis *axis, double least, double most,
                      unsigned ticks);
double leat__plot_at(const struct plot_scale *s, double figure);

/* The svg element, its style, title and description, and the headings; then the caller draws, then _end. */
void leat__plot_begin(FILE *to, int height, const char *title, const char *subtitle, const char *about);
void leat__plot_end(FILE *to);

/* Text content, escaped. class: one of the style's. anchor: start, middle, end. */
void leat__plot_text(FILE *to, double x, double y, const char *class, const char *anchor,
                     const char *text);
void leat__plot_escape(FILE *to, const char *text);
/* How wide a text of 12 px is, about. */
double leat__plot_text_width(const char *text);

#endif
