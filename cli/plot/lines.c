/* lines.c: lines with error bars. x may be figures, names, or percentiles. */
#include "plot/paper.h"
#include <math.h>

enum {
    HEIGHT = 470,
    LEFT = 84,
    RIGHT = PLOT_WIDTH - 32,
    BOTTOM = HEIGHT - 62,
    Y_TICKS = 6,
    X_TICKS = 9,
    WHISKER = 4
};

/* Where all of it lies. */
struct field {
    FILE *to;
    const struct plot *plot;
    struct plot_scale x, y;
    double top;
};

static bool is_shown(const struct field *f, double x, double y)
{
    return isfinite(x) && isfinite(y) && !(f->plot->x.is_log && x <= 0) &&
           !(f->plot->y.is_log && y <= 0);
}

/* Error bars count: they shall not be cut off. */
static void find_bounds(struct field *f)
{
    const struct plot *p = f->plot;
    double left = INFINITY, right = -INFINITY, least = INFINITY, most = -INFINITY;
    for (unsigned i = 0; i < p->series_count; i++)
        for (unsigned j = 0; j < p->series[i].count; j++) {
            const struct plot_series *s = &p->series[i];
            if (!is_shown(f, s->x[j], s->y[j]))
                continue;
            left = fmin(left, s->x[j]);
            right = fmax(right, s->x[j]);
            least = fmin(least, s->low != NULL && (!p->y.is_log || s->low[j] > 0)
                                    ? fmin(s->low[j], s->y[j])
                                    : s->y[j]);
            most = fmax(most, s->high != NULL ? fmax(s->high[j], s->y[j]) : s->y[j]);
        }
    leat__plot_scale(&f->x, &p->x, left, right, X_TICKS);
    leat__plot_scale(&f->y, &p->y, least, most, Y_TICKS);
    if (p->names != NULL) { /* a place for each, and half a place of air at both ends */
        f->x.low = -0.5;
        f->x.high = p->name_count > 0 ? p->name_count - 0.5 : 0.5;
        f->x.ticks.count = 0;
    }
    f->x.first = LEFT;
    f->x.last = RIGHT;
    f->y.first = BOTTOM;
    f->y.last = f->top;
}

static void draw_line(const struct field *f, const char *class, double x1, double y1, double x2, double y2)
{
    fprintf(f->to, "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", class, x1, y1, x2, y2);
}

static void draw_y_axis(const struct field *f)
{
    char figure[PLOT_FIGURE_SIZE];
    for (unsigned i = 0; i < f->y.ticks.count; i++) {
        double at = leat__plot_at(&f->y, f->y.ticks.at[i]);
        draw_line(f, "grid", LEFT, at, RIGHT, at);
        leat__plot_text(f->to, LEFT - 10, at + 4, "figure", "end",
                        leat__plot_figure(figure, f->plot->y.unit, f->y.ticks.at[i]));
    }
    if (f->plot->y.title != NULL) {
        fprintf(f->to, "<text transform=\"translate(18 %.1f) rotate(-90)\" text-anchor=\"middle\">",
                (f->top + BOTTOM) / 2);
        leat__plot_escape(f->to, f->plot->y.title);
        fputs("</text>\n", f->to);
    }
}

static void draw_x_axis(const struct field *f)
{
    char figure[PLOT_FIGURE_SIZE];
    const struct plot *p = f->plot;
    draw_line(f, "axis", LEFT, BOTTOM, RIGHT, BOTTOM);
    for (unsigned i = 0; i < f->x.ticks.count; i++) {
        double at = leat__plot_at(&f->x, f->x.ticks.at[i]);
        draw_line(f, "axis", at, BOTTOM, at, BOTTOM + 5);
        leat__plot_text(f->to, at, BOTTOM + 20, "figure", "middle",
                        leat__plot_figure(figure, p->x.unit, f->x.ticks.at[i]));
    }
    for (unsigned i = 0; p->names != NULL && i < p->name_count; i++) {
        double at = leat__plot_at(&f->x, i);
        draw_line(f, "axis", at, BOTTOM, at, BOTTOM + 5);
        leat__plot_text(f->to, at, BOTTOM + 20, "name", "middle", p->names[i]);
    }
    if (p->x.title != NULL)
        leat__plot_text(f->to, (LEFT + RIGHT) / 2.0, BOTTOM + 44, "label", "middle", p->x.title);
}

static void draw_marks(const struct field *f)
{
    if (f->plot->y.has_mark) {
        double at = leat__plot_at(&f->y, f->plot->y.mark);
        draw_line(f, "mark", LEFT, at, RIGHT, at);
    }
    if (f->plot->x.has_mark) {
        double at = leat__plot_at(&f->x, f->plot->x.mark);
        draw_line(f, "mark", at, BOTTOM, at, f->top);
    }
}

static void draw_whiskers(const struct field *f, const struct plot_series *s, unsigned colour)
{
    for (unsigned i = 0; s->low != NULL && s->high != NULL && i < s->count; i++) {
        if (!is_shown(f, s->x[i], s->low[i]) || !isfinite(s->high[i]))
            continue;
        double x = leat__plot_at(&f->x, s->x[i]), low = leat__plot_at(&f->y, s->low[i]),
               high = leat__plot_at(&f->y, s->high[i]);
        fprintf(f->to, "<path class=\"whisker s%u\" d=\"M%.1f %.1fV%.1fM%.1f %.1fh%dM%.1f %.1fh%d\"/>\n",
                colour, x, low, high, x - WHISKER, low, 2 * WHISKER, x - WHISKER, high, 2 * WHISKER);
    }
}

static void draw_series(const struct field *f, const struct plot_series *s, unsigned colour)
{
    char x[PLOT_FIGURE_SIZE], y[PLOT_FIGURE_SIZE];
    char move = 'M';
    fprintf(f->to, "<path class=\"line s%u%s\" d=\"", colour, s->is_dashed ? " dashed" : "");
    for (unsigned i = 0; i < s->count; i++) {
        if (!is_shown(f, s->x[i], s->y[i])) {
            move = 'M'; /* a gap is a gap */
            continue;
        }
        fprintf(f->to, "%c%.1f %.1f", move, leat__plot_at(&f->x, s->x[i]),
                leat__plot_at(&f->y, s->y[i]));
        move = 'L';
    }
    fputs("\"/>\n", f->to);
    draw_whiskers(f, s, colour);
    for (unsigned i = 0; s->has_dots && i < s->count; i++) {
        if (!is_shown(f, s->x[i], s->y[i]))
            continue;
        fprintf(f->to, "<circle class=\"dot f%u\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"><title>",
                colour, leat__plot_at(&f->x, s->x[i]), leat__plot_at(&f->y, s->y[i]));
        leat__plot_escape(f->to, s->name);
        if (f->plot->names != NULL)
            fprintf(f->to, ": %s", leat__plot_figure(y, f->plot->y.unit, s->y[i]));
        else
            fprintf(f->to, ", %s: %s", leat__plot_figure(x, f->plot->x.unit, s->x[i]),
                    leat__plot_figure(y, f->plot->y.unit, s->y[i]));
        fputs("</title></circle>\n", f->to);
    }
}

/* A row above the field, and another where one is full; answers where the field may begin. */
static double draw_legend(const struct field *f, double y)
{
    double x = LEFT;
    for (unsigned i = 0; i < f->plot->series_count; i++) {
        const struct plot_series *s = &f->plot->series[i];
        double width = 34 + leat__plot_text_width(s->name) + 20;
        if (x > LEFT && x + width > RIGHT) {
            x = LEFT;
            y += 20;
        }
        fprintf(f->to, "<path class=\"line s%u%s\" d=\"M%.1f %.1fh22\"/>\n", i % PLOT_SERIES_MAX,
                s->is_dashed ? " dashed" : "", x, y - 4);
        leat__plot_text(f->to, x + 30, y, "name", "start", s->name);
        x += width;
    }
    return y + 22;
}

void leat__plot_lines(FILE *to, const struct plot *plot)
{
    struct field f = {.to = to, .plot = plot};
    leat__plot_begin(to, HEIGHT, plot->title, plot->subtitle, plot->about);
    double y = plot->subtitle != NULL ? 62 : 44;
    f.top = plot->series_count > 1 ? draw_legend(&f, y + 18) : y + 14;
    find_bounds(&f);
    draw_y_axis(&f);
    draw_x_axis(&f);
    draw_marks(&f);
    for (unsigned i = plot->series_count; i-- > 0;) /* the first lies on top */
        draw_series(&f, &plot->series[i], i % PLOT_SERIES_MAX);
    leat__plot_end(to);
}
