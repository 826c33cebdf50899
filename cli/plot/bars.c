/* bars.c: lying bars. What is longer is more, and it begins at 0; only a logarithm's can't. Or points in their place, where 0
 * means nothing and the interval is what counts. */
#include "plot/paper.h"
#include <math.h>

enum { ROW = 30, THICKNESS = 16, FOOT = 56, NAME_MAX_WIDTH = 300, WHISKER = 4 };

struct field {
    FILE *to;
    const struct plot_bars *plot;
    struct plot_scale scale;
    double left, top, bottom;
};

static double note_width(const struct plot_bar *bar, enum plot_unit unit)
{
    char figure[PLOT_FIGURE_SIZE];
    return leat__plot_text_width(leat__plot_figure(figure, unit, bar->value)) +
           (bar->note != NULL ? leat__plot_text_width(bar->note) + PLOT_CHARACTER : 0);
}

static bool has_interval(const struct plot_bar *bar)
{
    return (bar->low != 0 || bar->high != 0) && isfinite(bar->low) && isfinite(bar->high);
}

static void lay_out(struct field *f)
{
    const struct plot_bars *p = f->plot;
    double least = INFINITY, most = -INFINITY, names = 0, notes = 0;
    for (unsigned i = 0; i < p->count; i++) {
        const struct plot_bar *bar = &p->bars[i];
        names = fmax(names, leat__plot_text_width(bar->name));
        notes = fmax(notes, note_width(bar, p->axis.unit));
        if (!isfinite(bar->value) || (p->axis.is_log && bar->value <= 0))
            continue;
        least = fmin(least, has_interval(bar) ? fmin(bar->low, bar->value) : bar->value);
        most = fmax(most, has_interval(bar) ? fmax(bar->high, bar->value) : bar->value);
    }
    if (!p->axis.is_log && !p->are_points)
        least = fmin(least, 0);
    if (p->are_points && p->axis.has_mark) {
        least = fmin(least, p->axis.mark);
        most = fmax(most, p->axis.mark);
    }
    leat__plot_scale(&f->scale, &p->axis, least, most, 7);
    f->left = 36 + fmin(names, NAME_MAX_WIDTH);
    f->top = p->subtitle != NULL ? 76 : 56;
    f->bottom = f->top + ROW * (double)p->count;
    f->scale.first = f->left;
    f->scale.last = PLOT_WIDTH - 36 - fmin(notes, PLOT_WIDTH / 3.0);
}

static void draw_axis(const struct field *f)
{
    char figure[PLOT_FIGURE_SIZE];
    const struct plot_axis *axis = &f->plot->axis;
    for (unsigned i = 0; i < f->scale.ticks.count; i++) {
        double at = leat__plot_at(&f->scale, f->scale.ticks.at[i]);
        fprintf(f->to, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n", at, f->top, f->bottom);
        leat__plot_text(f->to, at, f->bottom + 18, "figure", "middle",
                        leat__plot_figure(figure, axis->unit, f->scale.ticks.at[i]));
    }
    if (axis->title != NULL)
        leat__plot_text(f->to, (f->scale.first + f->scale.last) / 2, f->bottom + 42, "label",
                        "middle", axis->title);
}

/* The bar, or the point, and its interval; answers where they end. */
static double draw_value(const struct field *f, const struct plot_bar *bar, double middle)
{
    bool is_point = f->plot->are_points;
    unsigned colour = bar->colour % PLOT_SERIES_MAX;
    double zero = f->plot->axis.is_log || is_point ? f->left : leat__plot_at(&f->scale, 0),
           at = leat__plot_at(&f->scale, bar->value), end = is_point ? at + 6 : fmax(zero, at);
    if (!is_point)
        fprintf(f->to, "<rect class=\"f%u\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>\n",
                colour, fmin(zero, at), middle - THICKNESS / 2.0, fabs(at - zero), THICKNESS);
    if (has_interval(bar)) {
        double low = leat__plot_at(&f->scale, bar->low), high = leat__plot_at(&f->scale, bar->high);
        fprintf(f->to, is_point ? "<path class=\"whisker s%u\"" : "<path class=\"bar-whisker\"", colour);
        fprintf(f->to, " d=\"M%.1f %.1fH%.1fM%.1f %.1fv%dM%.1f %.1fv%d\"/>\n", low, middle, high,
                low, middle - WHISKER, 2 * WHISKER, high, middle - WHISKER, 2 * WHISKER);
        end = fmax(end, high);
    }
    if (is_point)
        fprintf(f->to, "<circle class=\"dot f%u\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"/>\n", colour,
                at, middle);
    return end;
}

static void draw_bar(const struct field *f, unsigned index)
{
    char figure[PLOT_FIGURE_SIZE];
    const struct plot_bar *bar = &f->plot->bars[index];
    double middle = f->top + ROW * (index + 0.5), end = f->left;
    leat__plot_text(f->to, f->left - 10, middle + 4, "name", "end", bar->name);
    if (isfinite(bar->value) && !(f->plot->axis.is_log && bar->value <= 0))
        end = draw_value(f, bar, middle);
    leat__plot_figure(figure, f->plot->axis.unit, bar->value);
    leat__plot_text(f->to, end + 8, middle + 4, "figure", "start", figure);
    if (bar->note != NULL)
        leat__plot_text(f->to, end + 8 + leat__plot_text_width(figure) + PLOT_CHARACTER, middle + 4,
                        "note", "start", bar->note);
}

void leat__plot_bars(FILE *to, const struct plot_bars *plot)
{
    struct field f = {.to = to, .plot = plot};
    lay_out(&f);
    leat__plot_begin(to, (int)f.bottom + FOOT, plot->title, plot->subtitle, plot->about);
    draw_axis(&f);
    for (unsigned i = 0; i < plot->count; i++)
        draw_bar(&f, i);
    if (plot->axis.has_mark) {
        double at = leat__plot_at(&f.scale, plot->axis.mark);
        fprintf(to, "<path class=\"mark\" d=\"M%.1f %.1fV%.1f\"/>\n", at, f.top, f.bottom);
    }
    leat__plot_end(to);
}
