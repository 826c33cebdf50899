/* print.c: a report for people and as JSON for programs. What is good takes a line; what is not says below it why
 * it matters and what to do. The long tables of settings come first, so that what is wrong stands at the end, where people look. The
 * marks are words, so nothing is lost without colour. */
#include "doctor/doctor.h"
#include <stdarg.h>
#include <stdio.h>

enum {
    WHAT_COLUMNS = 27,
    MARK_COLUMNS = 8,
    LINE_COLUMNS = 100,
    SETTING_COLUMNS = 20,
    VALUE_COLUMNS = 10
};

struct printer {
    plan_write *write;
    void *to;
    bool colour;
};

static void __attribute__((format(printf, 2, 3))) put(const struct printer *p, const char *format, ...)
{
    char text[768];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ASSERT(size >= 0);
    p->write(p->to, text, size_min((size_t)size, sizeof text - 1));
}

static const char *const marks[] = {"ok", "note", "warn", "BAD"};
static const char *const nouns[] = {"", "note", "warning", "fault"};
static const char *const colours[] = {"\x1b[32m", "\x1b[36m", "\x1b[33m", "\x1b[1;31m"};
static const char *const names[] = {"good", "note", "warning", "bad"};

/* ── For people ── */

/* text broken at spaces into lines of LINE_COLUMNS, from column `at` on, each further line indented to `indent`. */
static void put_wrapped(const struct printer *p, const char *text, int at, int indent)
{
    while (*text != '\0') {
        int size = (int)strcspn(text, " ");
        if (at > indent && at + 1 + size > LINE_COLUMNS) {
            put(p, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            put(p, " ");
            at++;
        }
        put(p, "%.*s", size, text);
        at += size;
        text += size + (text[size] == ' ');
    }
    put(p, "\n");
}

static void put_finding(const struct printer *p, const struct finding *f)
{
    int indent = 2 + MARK_COLUMNS + WHAT_COLUMNS;
    put(p, "  %s%-*s%s%-*s", p->colour ? colours[f->state] : "", MARK_COLUMNS, marks[f->state],
        p->colour ? "\x1b[0m" : "", WHAT_COLUMNS, f->what);
    if (strlen(f->what) >= WHAT_COLUMNS)
        put(p, "  ");
    put_wrapped(p, f->found, indent, indent);
    if (f->state == DOCTOR_GOOD)
        return;
    if (f->why[0] != '\0') {
        put(p, "%*s", indent, "");
        put_wrapped(p, f->why, indent, indent);
    }
    if (f->remedy[0] != '\0') {
        put(p, "%*s→ ", indent, "");
        put_wrapped(p, f->remedy, indent + 2, indent + 2);
    }
}

/* A setting's purpose begins with a sentence that says it all. */
static void put_setting(const struct printer *p, const struct setting_told *row)
{
    static const char *const sources[] = {"kernel", "profile", "--listen", "not here"};
    char text[256];
    int indent = 2 + SETTING_COLUMNS + 2 * VALUE_COLUMNS;
    const char *end = strstr(row->purpose, ". ");
    int size = end != NULL ? (int)(end - row->purpose) + 1 : (int)strlen(row->purpose);
    snprintf(text, sizeof text, "%.*s", size, row->purpose);
    put(p, "  %-*s%-*s%-*s", SETTING_COLUMNS, row->name, VALUE_COLUMNS,
        row->value[0] != '\0' ? row->value : "-", VALUE_COLUMNS, sources[row->source]);
    put_wrapped(p, row->source == SETTING_MISSED ? row->why : text, indent, indent);
}

static void put_settings(const struct printer *p, const struct settings_told *told)
{
    put(p, "%sTCP at %s, profile %s%s\n", p->colour ? "\x1b[1m" : "", told->addresses,
        told->profile, p->colour ? "\x1b[0m" : "");
    for (unsigned i = 0; i < NET_SETTINGS; i++)
        put_setting(p, &told->rows[i]);
    put(p, "\n");
}

static void put_count(const struct printer *p, const char **separator, uint32_t count,
                      enum doctor_state state)
{
    if (count == 0)
        return;
    put(p, "%s%u %s%s", *separator, count, nouns[state], count == 1 ? "" : "s");
    *separator = ", ";
}

static void put_summary(const struct printer *p, const struct report *report)
{
    const struct finding *worst = leat__doctor_worst(report);
    const char *separator = "";
    if (worst == NULL) {
        put(p, "nothing to change");
        return;
    }
    for (int state = DOCTOR_BAD; state > DOCTOR_GOOD; state--)
        put_count(p, &separator, leat__doctor_count(report, (enum doctor_state)state),
                  (enum doctor_state)state);
    if (worst->state > DOCTOR_NOTE)
        put(p, "; the most important: %s: %s", worst->what, worst->found);
    else
        put(p, "; nothing that must be changed");
}

void leat__doctor_print(const struct report *report, bool colour, plan_write *write, void *to)
{
    const struct printer p = {write, to, colour};
    const char *group = "";
    for (uint32_t i = 0; i < report->settings_count; i++)
        put_settings(&p, &report->settings[i]);
    for (uint32_t i = 0; i < report->count; i++) {
        const struct finding *f = &report->findings[i];
        if (strcmp(f->group, group) != 0)
            put(&p, "%s%s%s%s\n", i > 0 ? "\n" : "", colour ? "\x1b[1m" : "", f->group,
                colour ? "\x1b[0m" : "");
        group = f->group;
        put_finding(&p, f);
    }
    put(&p, "\n");
    put_summary(&p, report);
    put(&p, "\n");
}

/* ── For programs ── */

/* How many octets at text are one character of UTF-8 (RFC 3629); 0: none. Paths need not be UTF-8, but JSON must. */
static int character_size(const unsigned char *text)
{
    static const struct {
        unsigned char first, last, low, high;
        int size;
    } rows[] = {
        {0x01, 0x7f, 0, 0xff, 1},    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (text[0] < rows[i].first || text[0] > rows[i].last)
            continue;
        if (rows[i].size > 1 && (text[1] < rows[i].low || text[1] > rows[i].high))
            return 0;
        for (int k = 2; k < rows[i].size; k++)
            if (text[k] < 0x80 || text[k] > 0xbf)
                return 0;
        return rows[i].size;
    }
    return 0;
}

static void put_string(void *to, const char *text, size_t size)
{
    const struct printer *p = to;
    for (size_t i = 0; i < size;) {
        const unsigned char *c = (const unsigned char *)text + i;
        int octets = character_size(c);
        if (octets == 0)
            put(p, "\xef\xbf\xbd"); /* the replacement character */
        else if (octets == 1 && (*c == '"' || *c == '\\'))
            put(p, "\\%c", *c);
        else if (octets == 1 && *c < 0x20)
            put(p, "\\u%04x", *c);
        else
            put(p, "%.*s", octets, (const char *)c);
        i += octets > 0 ? (size_t)octets : 1;
    }
}

static void put_member(const struct printer *p, const char *name, const char *value)
{
    struct printer copy = *p;
    put(p, "\"%s\": \"", name);
    put_string(&copy, value, strlen(value));
    put(p, "\"");
}

static void put_json_finding(const struct printer *p, const struct finding *f)
{
    put(p, "    {");
    put_member(p, "group", f->group);
    put(p, ", ");
    put_member(p, "what", f->what);
    put(p, ", ");
    put_member(p, "found", f->found);
    put(p, ", ");
    put_member(p, "state", names[f->state]);
    put(p, ", ");
    put_member(p, "why", f->why);
    put(p, ", ");
    put_member(p, "remedy", f->remedy);
    put(p, "}");
}

static void put_json_settings(const struct printer *p, const struct settings_told *told)
{
    static const char *const sources[] = {"kernel", "profile", "said", "missed"};
    put(p, "    {");
    put_member(p, "addresses", told->addresses);
    put(p, ", ");
    put_member(p, "profile", told->profile);
    put(p, ", \"settings\": [\n");
    for (unsigned i = 0; i < NET_SETTINGS; i++) {
        const struct setting_told *row = &told->rows[i];
        put(p, "      {");
        put_member(p, "name", row->name);
        put(p, ", ");
        put_member(p, "value", row->value);
        put(p, ", ");
        put_member(p, "source", sources[row->source]);
        put(p, ", ");
        put_member(p, "why", row->why);
        put(p, ", ");
        put_member(p, "purpose", row->purpose);
        put(p, i + 1 < NET_SETTINGS ? "},\n" : "}\n");
    }
    put(p, "    ]}");
}

void leat__doctor_print_json(const struct report *report, plan_write *write, void *to)
{
    const struct printer p = {write, to, false};
    struct printer inside = p;
    struct printer quoted = {put_string, &inside, false};
    const struct finding *worst = leat__doctor_worst(report);
    put(&p, "{\n  \"leat\": \"" LEAT_VERSION "\",\n  ");
    put_member(&p, "state", names[worst != NULL ? worst->state : DOCTOR_GOOD]);
    put(&p, ",\n  \"summary\": \"");
    put_summary(&quoted, report);
    put(&p, "\",\n");
    for (int state = DOCTOR_GOOD; state <= DOCTOR_BAD; state++)
        put(&p, "  \"%s\": %u,\n", names[state], leat__doctor_count(report, (enum doctor_state)state));
    put(&p, "  \"findings\": [\n");
    for (uint32_t i = 0; i < report->count; i++) {
        put_json_finding(&p, &report->findings[i]);
        put(&p, i + 1 < report->count ? ",\n" : "\n");
    }
    put(&p, "  ],\n  \"listeners\": [\n");
    for (uint32_t i = 0; i < report->settings_count; i++) {
        put_json_settings(&p, &report->settings[i]);
        put(&p, i + 1 < report->settings_count ? ",\n" : "\n");
    }
    put(&p, "  ]\n}\n");
}

/* ── For the live page ── */

struct bounded {
    char *out;
    size_t size, used;
    bool is_full;
};

static void put_bounded(void *to, const char *text, size_t size)
{
    struct bounded *b = to;
    b->is_full = b->is_full || size > b->size - b->used;
    if (b->is_full)
        return;
    memcpy(b->out + b->used, text, size);
    b->used += size;
}

static void put_word(const struct printer *p, const struct finding *f)
{
    put(p, "{");
    put_member(p, "group", f->group);
    put(p, ", ");
    put_member(p, "what", f->what);
    put(p, ", ");
    put_member(p, "state", names[f->state]);
    put(p, ", ");
    put_member(p, "found", f->found);
    put(p, ", ");
    put_member(p, "remedy", f->remedy);
    put(p, "}");
}

void leat__doctor_write_words(const struct report *report, char *out, size_t size)
{
    struct bounded bounded = {.out = out, .size = size - 2}; /* the end is certain */
    const struct printer p = {put_bounded, &bounded, false};
    put(&p, "[");
    for (int state = DOCTOR_BAD; state > DOCTOR_GOOD; state--) {
        for (uint32_t i = 0; i < report->count && !bounded.is_full; i++) {
            size_t before = bounded.used;
            if ((int)report->findings[i].state != state)
                continue;
            put(&p, "%s", before > 1 ? ", " : "");
            put_word(&p, &report->findings[i]);
            if (bounded.is_full)
                bounded.used = before;
        }
    }
    memcpy(out + bounded.used, "]", 2);
}
