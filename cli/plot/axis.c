/* axis.c: scales, ticks at figures that people find round, and how those are written. */
#include "plot/paper.h"
#include <math.h>

/* ── Figures ── */

/* No more digits than there are, and three at most: 0.25, 1.5, 12, 340. */
static const char *write_scaled(char *out, double value, const char *unit)
{
    double size = fabs(value);
    int digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
    int length = snprintf(out, PLOT_FIGURE_SIZE - 8, "%.*f", digits, value);
    if (digits > 0) {
        while (length > 1 && out[length - 1] == '0')
            out[--length] = '\0';
        if (out[length - 1] == '.')
            out[--length] = '\0';
    }
    snprintf(out + length, 8, "%s", unit);
    return out;
}

static const char *write_seconds(char *out, double value)
{
    double size = fabs(value);
    if (size == 0)
        return write_scaled(out, 0, "");
    if (size < 999.5e-9)
        return write_scaled(out, value * 1e9, " ns");
    if (size < 999.5e-6)
        return write_scaled(out, value * 1e6, " µs");
    if (size < 999.5e-3)
        return write_scaled(out, value * 1e3, " ms");
    return write_scaled(out, value, " s");
}

static const char *write_bytes(char *out, double value)
{
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB"};
    unsigned unit = 0;
    for (; fabs(value) >= 1023.5 && unit + 1 < COUNT_OF(units); unit++)
        value /= 1024;
    return write_scaled(out, value, value == 0 ? "" : units[unit]);
}

static const char *write_number(char *out, double value)
{
    double size = fabs(value);
    if (size < 9999.5)
        return size > 0 && size < 0.0095 ? (snprintf(out, PLOT_FIGURE_SIZE, "%.2g", value), out)
                                         : write_scaled(out, value, "");
    if (size < 999.5e3)
        return write_scaled(out, value / 1e3, "k");
    return size < 999.5e6 ? write_scaled(out, value / 1e6, "M") : write_scaled(out, value / 1e9, "G");
}

/* 1 / (1 - share) as a percentage with as many nines as it needs. */
static const char *write_nines(char *out, double value)
{
    int digits = value > 1 ? (int)ceil(log10(value) - 1e-9) - 2 : 0;
    snprintf(out, PLOT_FIGURE_SIZE, "%.*f%%", digits > 0 ? digits < 9 ? digits : 9 : 0, 100 - 100 / value);
    return out;
}

const char *leat__plot_figure(char *out, enum plot_unit unit, double value)
{
    if (!isfinite(value)) {
        snprintf(out, PLOT_FIGURE_SIZE, "-");
        return out;
    }
    switch (unit) {
    case PLOT_SECONDS:
        return write_seconds(out, value);
    case PLOT_BYTES:
        return write_bytes(out, value);
    case PLOT_PERCENT:
        return write_scaled(out, 100 * value, "%");
    case PLOT_RATIO:
        snprintf(out, PLOT_FIGURE_SIZE, "%.*f",
                 fabs(value) >= 99.95   ? 0
                 : fabs(value) >= 9.995 ? 1
                                        : 3,
                 value);
        return out;
    case PLOT_NINES:
        return write_nines(out, value);
    case PLOT_NUMBER:
        break;
    }
    return write_number(out, value);
}

/* ── Ticks ── */

static void add_tick(struct plot_ticks *t, double at)
{
    if (t->count < PLOT_TICKS_MAX)
        t->at[t->count++] = at;
}

/* 1, 2 or 5 times a power of ten; of bytes powers of two. */
static double round_step(double step, enum plot_unit unit)
{
    if (unit == PLOT_BYTES && step >= 1)
        return exp2(ceil(log2(step)));
    double power = pow(10, floor(log10(step))), part = step / power;
    return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

static void linear_ticks(struct plot_scale *s, unsigned wanted)
{
    double step = round_step((s->high - s->low) / wanted, s->axis->unit);
    s->low = floor(s->low / step + 1e-9) * step;
    s->high = ceil(s->high / step - 1e-9) * step;
    for (unsigned i = 0; s->low + i * step <= s->high + step * 1e-6 && i < PLOT_TICKS_MAX; i++)
        add_tick(&s->ticks, s->low + i * step);
}

/* All of 1, 2, 5 where there is room, else powers of ten, else every few of them. */
static void log_ticks(struct plot_scale *s, unsigned wanted)
{
    double decades = log10(s->high / s->low);
    bool fine = decades * 3 <= 2 * wanted && s->axis->unit != PLOT_NINES;
    int every = (int)ceil(decades / wanted);
    for (int power = (int)floor(log10(s->low) + 1e-9); pow(10, power) <= s->high * (1 + 1e-9);
         power += every > 0 ? every : 1)
        for (unsigned i = 0; i < (fine ? 3 : 1); i++) {
            double at = pow(10, power) * (const double[]){1, 2, 5}[i];
            if (at >= s->low * (1 - 1e-9) && at <= s->high * (1 + 1e-9))
                add_tick(&s->ticks, at);
        }
}

void leat__plot_scale(struct plot_scale *s, const struct plot_axis *axis, double least, double most,
                      unsigned ticks)
{
    s->axis = axis;
    s->ticks.count = 0;
    if (axis->has_mark && isfinite(axis->mark)) {
        least = fmin(least, axis->mark);
        most = fmax(most, axis->mark);
    }
    if (!isfinite(least) || !isfinite(most) || least > most) /* nothing is shown */
        least = 0, most = 1;
    if (axis->is_log && most > 0) {
        s->low = least > 0 ? least : most / 1000;
        s->high = most;
        if (axis->unit != PLOT_NINES) { /* a little air on both sides */
            s->low /= 1.15;
            s->high *= 1.15;
        }
        if (s->high <= s->low * 1.0001)
            s->high = s->low * 10;
        log_ticks(s, ticks);
        return;
    }
    s->low = axis->from_zero && least > 0 ? 0 : least;
    s->high = most;
    if (s->high - s->low <= fabs(s->high) * 1e-9) { /* one figure */
        s->low -= s->high == 0 ? 0 : fabs(s->high) * 0.1;
        s->high += s->high == 0 ? 1 : fabs(s->high) * 0.1;
    }
    linear_ticks(s, ticks);
}

double leat__plot_at(const struct plot_scale *s, double figure)
{
    bool is_log = s->axis->is_log && s->low > 0;
    double share = is_log ? log(fmax(figure, s->low / 10) / s->low) / log(s->high / s->low)
                          : (figure - s->low) / (s->high - s->low);
    return s->first + (s->last - s->first) * fmin(fmax(share, -0.05), 1.05);
}
