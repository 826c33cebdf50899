/* effective_print.c: the effective configuration, with the source of each value.
 *
 * As text it is a configuration file: what somebody said is a line, what nobody said is a comment, so that a default
 * that was found out from one machine does not follow the file to another. Reading it in again gives the same values.
 * Values that are too long for a line go on in indented lines, broken at blanks. */
#include "config/effective.h"

#include "leat/leat.h"
#include <stdarg.h>
#include <stdio.h>

enum { LINE_OCTETS_MAX = 198 }; /* of a configuration file */

struct printer {
    void (*write)(void *to, const char *text, size_t size);
    void *to;
    const struct effective *e;
    const struct options *completed;
    bool later; /* an option was printed before (JSON's comma) */
};

static void put(struct printer *p, const char *text, size_t size)
{
    p->write(p->to, text, size);
}

LEAT_PRINTF(2, 3)
static void putf(struct printer *p, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put(p, text, size_min((size_t)size, sizeof text - 1));
}

/* ── Values ── */

/* What holds although nobody said it: "" when that is nothing. */
static void write_default(const struct printer *p, const struct option_row *row, bool of_server,
                          char *out, size_t size)
{
    char value[OPTION_VALUE_SIZE];
    out[0] = '\0';
    if (option_is_text(row)) {
        snprintf(out, size, "%s", row->standard_words != NULL ? row->standard_words : "");
        return;
    }
    leat__option_write(row, of_server ? leat__option_load(row, p->completed) : row->standard, value);
    snprintf(out, size, "%s", value);
}

static void write_setting(const struct setting *s, char number[OPTION_VALUE_SIZE], const char **text)
{
    *text = s->text;
    if (option_is_text(s->row))
        return;
    leat__option_write(s->row, s->number, number);
    *text = number;
}

static void write_source(const struct printer *p, const struct setting *s, char *out, size_t size)
{
    char variable[OPTION_VARIABLE_SIZE];
    leat__option_variable(s->row, variable);
    if (s->source == SOURCE_FILE)
        snprintf(out, size, "%s:%u", p->e->file, s->line);
    else if (s->source == SOURCE_ENVIRONMENT)
        snprintf(out, size, "environment %s", variable);
    else
        snprintf(out, size, "flag --%s", s->row->name);
}

/* ── As a file ── */

/* How much of text a line may take: all of it, or up to a blank that may be broken at: a single one, before a piece that
 * is neither like a comment nor like a key. 0: nothing. */
static size_t find_piece(const struct printer *p, const char *text, size_t bound)
{
    size_t at = strlen(text) <= bound ? strlen(text) : 0;
    for (size_t i = 1; at == 0 && i <= bound; i++)
        if (text[bound + 1 - i] == ' ' && text[bound - i] != ' ' &&
            strchr(" ;#", text[bound + 2 - i]) == NULL &&
            !leat__ini_is_like_key(p->e, text + bound + 2 - i))
            at = bound + 1 - i;
    return at;
}

/* The rest of a value behind "KEY =": on the same line, or on lines of its own. Only looks whether that can be done
 * when dry. */
static bool put_pieces(struct printer *p, const char *text, size_t used, bool dry)
{
    const char *before = " ";
    size_t size = find_piece(p, text, LINE_OCTETS_MAX - used - 1);
    for (;;) {
        if (size > 0 && !dry) {
            put(p, before, strlen(before));
            put(p, text, size);
        }
        text += size + (text[size] == ' ' && size > 0);
        if (*text == '\0')
            return true;
        before = "\n    ";
        size = find_piece(p, text, LINE_OCTETS_MAX - 4);
        if (size > 0)
            continue;
        before = "\n ";
        size = find_piece(p, text, LINE_OCTETS_MAX - 1);
        if (size == 0)
            return false;
    }
}

static void put_value(struct printer *p, const struct option_row *row, const char *text)
{
    size_t used = strlen(row->name) + 2;
    bool can = put_pieces(p, text, used, true);
    if (!can) /* a flag said it */
        putf(p, "# no line of a file can hold this\n#");
    putf(p, "%s =", row->name);
    if (can)
        put_pieces(p, text, used, false);
    else
        putf(p, " %s", text);
    put(p, "\n", 1);
}

static void print_row(struct printer *p, const struct option_row *row, uint32_t section, bool of_server)
{
    char number[OPTION_VALUE_SIZE], source[320], standard[128];
    const struct setting *setting = leat__effective_get(p->e, row, section, 0);
    const char *text;
    if (setting == NULL) {
        bool found_out = row->standard_words != NULL && !option_is_text(row) && row->kind != OPTION_CHOICE;
        write_default(p, row, of_server, standard, sizeof standard);
        putf(p, "# default%s%s\n#%s =%s%s\n", found_out ? ": " : "",
             found_out ? row->standard_words : "", row->name, standard[0] != '\0' ? " " : "", standard);
        return;
    }
    for (uint32_t i = 0; (setting = leat__effective_get(p->e, row, section, i)) != NULL; i++) {
        write_source(p, setting, source, sizeof source);
        write_setting(setting, number, &text);
        putf(p, "# %s\n", source);
        if (row->when == OPTION_OUTSIDE) /* no file may say it */
            put(p, "#", 1);
        put_value(p, row, text);
    }
}

static void print_table(struct printer *p, const struct option_table *table, uint32_t section)
{
    ASSERT(table != NULL); /* there are no sections without one */
    const char *heading = NULL;
    for (unsigned i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];
        if (row->kind == OPTION_HEADING) {
            heading = row->name;
            continue;
        }
        if (row->when == OPTION_ONCE)
            continue;
        if (heading != NULL && section == 0)
            putf(p, "\n# ── %s ──\n\n", heading);
        heading = NULL;
        print_row(p, row, section, table == p->e->tables[0]);
    }
}

void leat__effective_print(const struct effective *e, const struct options *completed,
                           void (*write)(void *to, const char *text, size_t size), void *to)
{
    struct printer p = {.write = write, .to = to, .e = e, .completed = completed};
    putf(&p, "# The effective configuration, Leat " LEAT_VERSION
             ". What nobody said is a comment; sizes are octets.\n");
    if (e->tables[1] != NULL)
        print_table(&p, e->tables[1], 0);
    print_table(&p, e->tables[0], 0);
    const char *word = e->tables[1] != NULL ? e->tables[1]->section : "";
    for (uint32_t s = 0; s < e->section_count; s++) {
        putf(&p, "\n[%s", word);
        for (uint32_t i = 0; i < e->sections[s].names.count; i++)
            putf(&p, " %s", e->sections[s].names.items[i]);
        putf(&p, "]\n");
        print_table(&p, e->tables[1], s + 1);
    }
}

/* ── As JSON (RFC 8259) ── */

static void put_string(struct printer *p, const char *text)
{
    put(p, "\"", 1);
    for (; *text != '\0'; text++) {
        unsigned char octet = (unsigned char)*text;
        if (octet == '"' || octet == '\\')
            putf(p, "\\%c", octet);
        else if (octet < 0x20)
            putf(p, "\\u%04x", octet);
        else
            put(p, text, 1);
    }
    put(p, "\"", 1);
}

static void put_source(struct printer *p, const struct setting *s)
{
    char variable[OPTION_VARIABLE_SIZE];
    if (s == NULL) {
        putf(p, "\"source\": \"default\"");
    } else if (s->source == SOURCE_FILE) {
        putf(p, "\"source\": \"file\", \"file\": ");
        put_string(p, p->e->file);
        putf(p, ", \"line\": %u", s->line);
    } else if (s->source == SOURCE_ENVIRONMENT) {
        leat__option_variable(s->row, variable);
        putf(p, "\"source\": \"environment\", \"variable\": \"%s\"", variable);
    } else {
        putf(p, "\"source\": \"flag\", \"flag\": \"--%s\"", s->row->name);
    }
}

static void put_json_value(struct printer *p, const struct option_row *row, uint32_t section, bool of_server)
{
    char number[OPTION_VALUE_SIZE], standard[128];
    const struct setting *s = leat__effective_get(p->e, row, section, 0);
    const char *text;
    write_default(p, row, of_server, standard, sizeof standard);
    if (option_is_list(row))
        put(p, "[", 1);
    if (s != NULL) {
        for (uint32_t i = 0; (s = leat__effective_get(p->e, row, section, i)) != NULL; i++) {
            write_setting(s, number, &text);
            if (i > 0)
                put(p, ", ", 2);
            put_string(p, text);
        }
    } else if (standard[0] != '\0') {
        put_string(p, standard);
    } else if (!option_is_list(row)) {
        put(p, "null", 4);
    }
    if (option_is_list(row))
        put(p, "]", 1);
}

static void print_json_table(struct printer *p, const struct option_table *table, uint32_t section)
{
    ASSERT(table != NULL);
    for (unsigned i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];
        if (row->kind == OPTION_HEADING || row->when == OPTION_ONCE)
            continue;
        putf(p, "%s\n    {\"name\": \"%s\", \"live\": %s, ", p->later ? "," : "", row->name,
             row->when == OPTION_LIVE ? "true" : "false");
        p->later = true;
        for (uint32_t n = 0; section > 0 && n < p->e->sections[section - 1].names.count; n++) {
            putf(p, "%s", n == 0 ? "\"section\": [" : ", ");
            put_string(p, p->e->sections[section - 1].names.items[n]);
        }
        putf(p, "%s\"value\": ", section > 0 ? "], " : "");
        put_json_value(p, row, section, table == p->e->tables[0]);
        putf(p, ", ");
        put_source(p, leat__effective_get(p->e, row, section, 0));
        putf(p, "}");
    }
}

void leat__effective_print_json(const struct effective *e, const struct options *completed,
                                void (*write)(void *to, const char *text, size_t size), void *to)
{
    struct printer p = {.write = write, .to = to, .e = e, .completed = completed};
    putf(&p, "{\n  \"options\": [");
    if (e->tables[1] != NULL)
        print_json_table(&p, e->tables[1], 0);
    print_json_table(&p, e->tables[0], 0);
    for (uint32_t s = 0; s < e->section_count; s++)
        print_json_table(&p, e->tables[1], s + 1);
    putf(&p, "\n  ]\n}\n");
}
