/* figures.c: the table of figures.def. */
#include "compare/compare.h"

const struct compare_figure_about leat__compare_figures[FIGURE_COUNT] = {
#define FIGURE(name, key, title, unit, short_title, less, more, scale)                             \
    [FIGURE_##name] = {key, title, unit, short_title, less, more, scale},
#include "figures.def"
#undef FIGURE
};
