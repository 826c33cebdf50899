/* Drawings: where a figure comes to lie, what an axis writes, and that nothing that is told breaks the SVG. */
#define _GNU_SOURCE
#include "plot/paper.h"
#include "plot/plot.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void figures_as_an_axis_writes_them(void **state)
{
    (void)state;
    static const struct {
        enum plot_unit unit;
        double value;
        const char *text;
    } rows[] = {
        {PLOT_NUMBER, 0, "0"},
        {PLOT_NUMBER, 12.5, "12.5"},
        {PLOT_NUMBER, 3500, "3500"},
        {PLOT_NUMBER, 20000, "20k"},
        {PLOT_NUMBER, 1.5e6, "1.5M"},
        {PLOT_NUMBER, 0.25, "0.25"},
        {PLOT_NUMBER, 0.001, "0.001"},
        {PLOT_SECONDS, 0, "0"},
        {PLOT_SECONDS, 340e-6, "340 µs"},
        {PLOT_SECONDS, 2e-3, "2 ms"},
        {PLOT_SECONDS, 5e-8, "50 ns"},
        {PLOT_SECONDS, 1.25, "1.25 s"},
        {PLOT_BYTES, 4096, "4 KiB"},
        {PLOT_BYTES, 0, "0"},
        {PLOT_BYTES, 130, "130 B"},
        {PLOT_PERCENT, 0.05, "5%"},
        {PLOT_RATIO, 1.05, "1.050"},
        {PLOT_RATIO, 12.34, "12.3"},
        {PLOT_NINES, 1, "0%"},
        {PLOT_NINES, 10, "90%"},
        {PLOT_NINES, 100, "99%"},
        {PLOT_NINES, 1000, "99.9%"},
        {PLOT_NINES, 100000, "99.999%"},
        {PLOT_NUMBER, NAN, "-"},
    };
    char text[PLOT_FIGURE_SIZE];
    for (unsigned i = 0; i < COUNT_OF(rows); i++)
        assert_string_equal(leat__plot_figure(text, rows[i].unit, rows[i].value), rows[i].text);
}

static void a_scale_shows_all_and_has_round_ticks(void **state)
{
    (void)state;
    static const struct {
        struct plot_axis axis;
        double least, most;
    } rows[] = {
        {{.from_zero = true}, 3, 97},
        {{.has_mark = true, .mark = 1}, 1.02, 1.10},
        {{.unit = PLOT_SECONDS, .is_log = true}, 20e-6, 1.7},
        {{.unit = PLOT_BYTES, .from_zero = true}, 0, 17000},
        {{.unit = PLOT_NINES, .is_log = true}, 1, 41165},
        {{.is_log = true}, 5, 5},
        {{0}, 5, 5},
        {{0}, 0, 0},
        {{0}, -5, 5},
        {{0}, INFINITY, -INFINITY}, /* nothing at all */
    };
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct plot_scale s = {.first = 100, .last = 500};
        leat__plot_scale(&s, &rows[i].axis, rows[i].least, rows[i].most, 6);
        assert_true(s.low < s.high && s.ticks.count >= 1 && s.ticks.count <= PLOT_TICKS_MAX);
        for (unsigned j = 0; j < s.ticks.count; j++) {
            double at = leat__plot_at(&s, s.ticks.at[j]);
            assert_true(at > 99.99 && at < 500.01 &&
                        (j == 0 || at > leat__plot_at(&s, s.ticks.at[j - 1])));
        }
        if (isfinite(rows[i].least))
            assert_true(leat__plot_at(&s, rows[i].least) > 99.99 &&
                        leat__plot_at(&s, rows[i].most) < 500.01);
    }
    struct plot_axis linear = {.from_zero = true};
    struct plot_scale s = {.first = 0, .last = 100};
    leat__plot_scale(&s, &linear, 3, 97, 5);
    assert_true(s.low == 0 && s.high == 100 && s.ticks.at[1] == 20 && leat__plot_at(&s, 40) == 40);
}

/* Elements close in the order in which they open, and nothing stands open at the end. */
static void is_well_formed(const char *svg)
{
    char open[64][16];
    unsigned depth = 0;
    for (const char *at = svg; (at = strchr(at, '<')) != NULL;) {
        const char *end = at;
        bool quoted = false;
        for (; *end != '\0' && (quoted || *end != '>'); end++)
            quoted ^= *end == '"';
        assert_true(*end == '>');
        size_t name = strcspn(at + 1, " />\n");
        if (at[1] == '/') {
            assert_true(depth > 0);
            depth--;
            assert_memory_equal(open[depth], at + 2, strlen(open[depth]));
        } else if (end[-1] != '/') {
            assert_true(depth < COUNT_OF(open) && name < sizeof open[0]);
            snprintf(open[depth++], sizeof open[0], "%.*s", (int)name, at + 1);
        }
        at = end;
    }
    assert_int_equal(depth, 0);
}

static char *draw_lines(const struct plot *plot)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    leat__plot_lines(to, plot);
    fclose(to);
    return text;
}

static char *draw_bars(const struct plot_bars *plot)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    leat__plot_bars(to, plot);
    fclose(to);
    return text;
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        n++;
    return n;
}

static void lines_with_error_bars(void **state)
{
    (void)state;
    static const double x[] = {0, 1, 2}, y[] = {1, 2, 1.5}, low[] = {0.9, 1.8, 1.4},
                        high[] = {1.1, 2.2, 1.6};
    static const char *const names[] = {"4k", "8k", "16k"};
    const struct plot_series series[] = {
        {.name = "a <b> & \"c\"", .x = x, .y = y, .low = low, .high = high, .count = 3, .has_dots = true},
        {.name = "second\x01\xff", .x = x, .y = low, .count = 3, .is_dashed = true}};
    const struct plot plot = {.title = "A & B",
                              .about = "what it <shows>",
                              .y = {.title = "ratio", .unit = PLOT_RATIO, .has_mark = true, .mark = 1},
                              .series = series,
                              .series_count = 2,
                              .names = names,
                              .name_count = 3};
    char *svg = draw_lines(&plot);
    is_well_formed(svg);
    assert_non_null(strstr(svg, "<title id=\"plot"));
    assert_non_null(strstr(svg, "A &amp; B</title>"));
    assert_non_null(strstr(svg, "what it &lt;shows&gt;</desc>"));
    assert_non_null(strstr(svg, "a &lt;b&gt; &amp; &quot;c&quot;"));
    assert_non_null(strstr(svg, "second??"));
    assert_int_equal(count(svg, "class=\"whisker s0\""), 3);
    assert_int_equal(count(svg, "<circle"), 3);
    assert_int_equal(count(svg, "class=\"mark\""), 1);
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(strstr(svg, names[i]));
    free(svg);
}

static void what_is_no_number_is_a_gap(void **state)
{
    (void)state;
    static const double x[] = {1, 10, 100, 1000, -5}, y[] = {1e-3, NAN, 2e-3, INFINITY, 3e-3};
    const struct plot_series series = {.name = "a", .x = x, .y = y, .count = 5};
    struct plot plot = {.title = "t",
                        .x = {.unit = PLOT_NINES, .is_log = true},
                        .y = {.unit = PLOT_SECONDS, .is_log = true},
                        .series = &series,
                        .series_count = 1};
    char *svg = draw_lines(&plot);
    is_well_formed(svg);
    assert_null(strstr(svg, "nan"));
    assert_null(strstr(svg, "inf"));
    assert_non_null(strstr(svg, "class=\"line s0\" d=\"M"));
    free(svg);
    plot.series_count = 0;
    svg = draw_lines(&plot);
    is_well_formed(svg);
    free(svg);
}

static void bars_of_all_lengths(void **state)
{
    (void)state;
    static const struct plot_bar bars[] = {
        {.name = "Leat <3", .value = 130, .low = 128, .high = 133, .note = "1x"},
        {.name = "other", .value = 17000, .colour = 1},
        {.name = "none", .value = NAN, .colour = 9}};
    struct plot_bars plot = {.title = "bytes",
                             .subtitle = "each",
                             .axis = {.title = "octets", .unit = PLOT_BYTES, .from_zero = true},
                             .bars = bars,
                             .count = 3};
    char *svg = draw_bars(&plot);
    is_well_formed(svg);
    assert_int_equal(count(svg, "rx=\"2\""), 2);
    assert_int_equal(count(svg, "class=\"bar-whisker\""), 1);
    assert_non_null(strstr(svg, "130 B"));
    assert_null(strstr(svg, "nan"));
    free(svg);
    plot.axis.is_log = true;
    svg = draw_bars(&plot);
    is_well_formed(svg);
    free(svg);
    plot.count = 0;
    svg = draw_bars(&plot);
    is_well_formed(svg);
    free(svg);
}

/* An axis of ratios has no 0, and the mark is shown even where all values lie on one side of it. */
static void points_in_place_of_bars(void **state)
{
    (void)state;
    static const struct plot_bar bars[] = {{.name = "base", .value = 1.2, .note = "the base"},
                                           {.name = "other", .value = 1.3, .low = 1.25, .high = 1.35},
                                           {.name = "none", .value = NAN, .low = NAN, .high = NAN}};
    const struct plot_bars plot = {.title = "ratios",
                                   .axis = {.unit = PLOT_RATIO, .has_mark = true, .mark = 1},
                                   .bars = bars,
                                   .count = COUNT_OF(bars),
                                   .are_points = true};
    char *text = draw_bars(&plot);
    assert_int_equal(count(text, "<circle class=\"dot"), 2);
    assert_int_equal(count(text, "class=\"whisker"), 1);
    assert_int_equal(count(text, "<rect class=\"f"), 0);
    assert_int_equal(count(text, "class=\"mark\""), 1);
    assert_int_equal(count(text, ">0.000<") + count(text, "nan"), 0);
    assert_int_equal(count(text, ">1.000<"), 1);
    free(text);
}

static void a_picture_needs_a_program(void **state)
{
    (void)state;
    static const char svg[] =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"8\" height=\"8\"></svg>";
    char error[512], path[] = "/tmp/leat-picture-XXXXXX", before[4096];
    snprintf(before, sizeof before, "%s", getenv("PATH"));
    setenv("PATH", "/nowhere", 1);
    assert_int_equal(leat__plot_png("/tmp/no.png", svg, sizeof svg - 1, error, sizeof error), -ENOENT);
    assert_non_null(strstr(error, "librsvg2-bin"));
    setenv("PATH", before, 1);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    int status = leat__plot_png(path, svg, sizeof svg - 1, error, sizeof error);
    assert_true(status == 0 || strstr(error, "librsvg2-bin") != NULL);
    if (status == 0) {
        char head[8] = "";
        close(fd);
        fd = open(path, O_RDONLY); /* it may be another file by now */
        assert_int_equal(read(fd, head, sizeof head), 8);
        assert_memory_equal(head, "\x89PNG\r\n\x1a\n", 8);
    }
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_as_an_axis_writes_them),
        cmocka_unit_test(a_scale_shows_all_and_has_round_ticks),
        cmocka_unit_test(lines_with_error_bars),
        cmocka_unit_test(what_is_no_number_is_a_gap),
        cmocka_unit_test(bars_of_all_lengths),
        cmocka_unit_test(points_in_place_of_bars),
        cmocka_unit_test(a_picture_needs_a_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
