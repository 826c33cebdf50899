/* expose.c: see expose.h. */
#include "observe/expose.h"
#include <math.h>
#include <stdio.h>

enum { NUMBER_SIZE = 32 };

#define STEP(limit)                                                                                \
    {                                                                                              \
        limit, #limit                                                                              \
    }

/* As OpenMetrics writes them: shortest, with a point or an exponent. */
const struct expose_step leat__expose_times[] = {
    STEP(1e-05), STEP(2.5e-05), STEP(5e-05), STEP(0.0001), STEP(0.00025), STEP(0.0005),
    STEP(0.001), STEP(0.0025),  STEP(0.005), STEP(0.01),   STEP(0.025),   STEP(0.05),
    STEP(0.1),   STEP(0.25),    STEP(0.5),   STEP(1.0),    STEP(2.5),     STEP(5.0),
    STEP(10.0),  STEP(30.0),    {0, NULL},
};
const struct expose_step leat__expose_short_times[] = {
    STEP(1e-06),  STEP(2.5e-06), STEP(5e-06),   STEP(1e-05),  STEP(2.5e-05),
    STEP(5e-05),  STEP(0.0001),  STEP(0.00025), STEP(0.0005), STEP(0.001),
    STEP(0.0025), STEP(0.005),   STEP(0.01),    STEP(0.025),  STEP(0.05),
    STEP(0.1),    STEP(0.25),    STEP(0.5),     STEP(1.0),    {0, NULL},
};
const struct expose_step leat__expose_few_times[] = {
    STEP(0.0001), STEP(0.0005), STEP(0.001), STEP(0.005), STEP(0.01), STEP(0.05),
    STEP(0.1),    STEP(0.5),    STEP(1.0),   STEP(5.0),   {0, NULL},
};
const struct expose_step leat__expose_sizes[] = {
    STEP(64.0),       STEP(256.0),       STEP(1024.0),       STEP(4096.0),    STEP(16384.0),
    STEP(65536.0),    STEP(262144.0),    STEP(1048576.0),    STEP(4194304.0), STEP(16777216.0),
    STEP(67108864.0), STEP(268435456.0), STEP(1073741824.0), {0, NULL},
};
const struct expose_step leat__expose_numbers[] = {
    STEP(1.0),        STEP(2.0),         STEP(5.0),          STEP(10.0),     STEP(20.0),
    STEP(50.0),       STEP(100.0),       STEP(200.0),        STEP(500.0),    STEP(1000.0),
    STEP(2000.0),     STEP(5000.0),      STEP(10000.0),      STEP(100000.0), STEP(1000000.0),
    STEP(10000000.0), STEP(100000000.0), STEP(1000000000.0), {0, NULL},
};

enum { STEPS_MAX = 24 };

static const double quantiles[] = {0.5, 0.9, 0.99, 0.999};

/* ── Pieces ── */

static void put(struct expose *e, const char *text, size_t size)
{
    if (size > e->size - e->at) {
        e->is_full = true;
        size = 0;
    }
    memcpy(e->text + e->at, text, size);
    e->at += size;
}

static void put_text(struct expose *e, const char *text)
{
    put(e, text, strlen(text));
}

/* Octets of the sequence of UTF-8 (RFC 3629) at text; 0: there is none, or the text is over. */
static size_t utf8_sequence(const char *text)
{
    const unsigned char *t = (const unsigned char *)text;
    size_t more = t[0] >= 0xf0 ? 3 : t[0] >= 0xe0 ? 2 : t[0] >= 0xc2 ? 1 : 0;
    if (t[0] < 0x80)
        return t[0] != '\0';
    if (more == 0 || t[0] > 0xf4 || (t[0] == 0xe0 && t[1] < 0xa0) || (t[0] == 0xed && t[1] > 0x9f) ||
        (t[0] == 0xf0 && t[1] < 0x90) || (t[0] == 0xf4 && t[1] > 0x8f))
        return 0;
    for (size_t i = 1; i <= more; i++)
        if ((t[i] & 0xc0) != 0x80)
            return 0;
    return more + 1;
}

bool leat__expose_can_tell(const char *text)
{
    size_t sequence;
    while ((sequence = utf8_sequence(text)) > 0)
        text += sequence;
    return *text == '\0';
}

/* Both formats want backslashes and line feeds escaped; labels the quote too, and so does OpenMetrics' HELP. What is not
 * UTF-8 can't be said in either: such octets become question marks. */
static void put_escaped(struct expose *e, const char *text, bool escapes_quote)
{
    while (*text != '\0') {
        size_t plain = 0, sequence;
        while ((sequence = utf8_sequence(text + plain)) > 0 && text[plain] != '\\' &&
               text[plain] != '\n' && (text[plain] != '"' || !escapes_quote))
            plain += sequence;
        put(e, text, plain);
        text += plain;
        if (*text == '\0')
            break;
        put_text(e, *text == '\\' ? "\\\\" : *text == '\n' ? "\\n" : *text == '"' ? "\\\"" : "?");
        text++;
    }
}

static void put_integer(struct expose *e, uint64_t number)
{
    char digits[NUMBER_SIZE], *at = digits + sizeof digits;
    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    put(e, at, (size_t)(digits + sizeof digits - at));
}

static void put_number(struct expose *e, double number)
{
    static const double exact = 9007199254740992.0; /* 2^53 */
    char text[NUMBER_SIZE];
    if (isnan(number)) {
        put_text(e, "NaN");
    } else if (isinf(number)) {
        put_text(e, number > 0 ? "+Inf" : "-Inf");
    } else if (number >= 0 && number < exact && number == (double)(uint64_t)number) {
        put_integer(e, (uint64_t)number);
    } else {
        snprintf(text, sizeof text, "%.15g", number);
        put_text(e, text);
    }
}

static void put_label(struct expose *e, char before, const char *name, const char *value)
{
    put(e, &before, 1);
    put_text(e, name);
    put_text(e, "=\"");
    put_escaped(e, value, true);
    put_text(e, "\"");
}

/* Name, labels, and one more label where there is one; up to the value. */
static void put_series(struct expose *e, const char *suffix, const struct expose_label *labels,
                       const char *name, const char *value)
{
    char before = '{';
    put_text(e, e->family);
    put_text(e, suffix);
    for (; labels != NULL && labels->name != NULL; labels++, before = ',')
        put_label(e, before, labels->name, labels->value);
    if (name != NULL) {
        put_label(e, before, name, value);
        before = ',';
    }
    put_text(e, before == ',' ? "} " : " ");
}

static void put_count(struct expose *e, const char *suffix, const struct expose_label *labels,
                      const char *le, uint64_t count)
{
    put_series(e, suffix, labels, le != NULL ? "le" : NULL, le);
    put_integer(e, count);
    put_text(e, "\n");
}

/* ── Families ── */

void leat__expose_begin(struct expose *e, char *text, size_t size, bool is_open)
{
    *e = (struct expose){.size = size, .is_open = is_open, .family = ""};
    e->text = text;
}

static bool ends_in(const char *text, size_t size, const char *end)
{
    size_t end_size = strlen(end);
    return size >= end_size && memcmp(text + size - end_size, end, end_size) == 0;
}

static void put_meta(struct expose *e, const char *what, const char *name, size_t size)
{
    put_text(e, "# ");
    put_text(e, what);
    put_text(e, " ");
    put(e, name, size);
    put_text(e, " ");
}

static void put_unit(struct expose *e, const char *name, size_t size)
{
    static const char *const units[] = {"_seconds", "_bytes", "_ratio"};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ends_in(name, size, units[i])) {
            put_meta(e, "UNIT", name, size);
            put_text(e, units[i] + 1);
            put_text(e, "\n");
        }
    }
}

/* In OpenMetrics a family's name is without what its samples' have behind it. */
void leat__expose_family(struct expose *e, const char *name, enum expose_type type, const char *help)
{
    static const struct {
        const char *text, *suffix;
    } types[] = {
        [EXPOSE_counter] = {"counter", "_total"}, [EXPOSE_gauge] = {"gauge", ""},
        [EXPOSE_histogram] = {"histogram", ""},   [EXPOSE_summary] = {"summary", ""},
        [EXPOSE_info] = {"info", "_info"},
    };
    size_t size = strlen(name);
    bool is_plain_info = type == EXPOSE_info && !e->is_open; /* the older format knows no such type */
    e->family = name;
    if (e->is_open && ends_in(name, size, types[type].suffix))
        size -= strlen(types[type].suffix);
    put_meta(e, "TYPE", name, size);
    put_text(e, types[is_plain_info ? EXPOSE_gauge : type].text);
    put_text(e, "\n");
    if (e->is_open && type != EXPOSE_info)
        put_unit(e, name, size);
    put_meta(e, "HELP", name, size);
    put_escaped(e, help, e->is_open);
    put_text(e, "\n");
}

void leat__expose_value(struct expose *e, const struct expose_label *labels, double value)
{
    put_series(e, "", labels, NULL, NULL);
    put_number(e, value);
    put_text(e, "\n");
}

static void put_sum(struct expose *e, const struct expose_label *labels, const struct histogram *h,
                    double per_unit)
{
    put_series(e, "_sum", labels, NULL, NULL);
    put_number(e, (double)h->sum / per_unit);
    put_text(e, "\n");
}

void leat__expose_histogram(struct expose *e, const struct expose_label *labels,
                            const struct histogram *h, const struct expose_step *steps, double per_unit)
{
    uint64_t limits[STEPS_MAX], counts[STEPS_MAX];
    unsigned n = 0;
    for (; n < STEPS_MAX && steps[n].text != NULL; n++)
        limits[n] = (uint64_t)(steps[n].limit * per_unit);
    uint64_t count = leat__histogram_up_to_each(h, limits, counts, n);
    for (unsigned i = 0; i < n; i++)
        put_count(e, "_bucket", labels, steps[i].text, counts[i]);
    put_count(e, "_bucket", labels, "+Inf", count);
    put_sum(e, labels, h, per_unit);
    put_count(e, "_count", labels, NULL, count);
}

void leat__expose_summary(struct expose *e, const struct histogram *of_late,
                          const struct histogram *of_all, double per_unit)
{
    bool is_empty = leat__histogram_count(of_late) == 0;
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        char text[NUMBER_SIZE];
        snprintf(text, sizeof text, "%g", quantiles[i]);
        put_series(e, "", NULL, "quantile", text);
        put_number(e, is_empty ? (double)NAN
                               : (double)leat__histogram_quantile(of_late, quantiles[i]) / per_unit);
        put_text(e, "\n");
    }
    put_sum(e, NULL, of_all, per_unit);
    put_count(e, "_count", NULL, NULL, leat__histogram_count(of_all));
}

size_t leat__expose_end(struct expose *e)
{
    if (e->is_open)
        put_text(e, "# EOF\n");
    return e->is_full ? 0 : e->at;
}
