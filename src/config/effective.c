/* effective.c: the list of settings, and what counts of it. See effective.h. */
#define _GNU_SOURCE /* memmem */
#include "config/effective.h"

#include <errno.h>
#include <stdio.h>

void leat__effective_init(struct effective *e, const struct option_table *extra)
{
    e->tables[0] = &leat__server_table;
    e->tables[1] = extra;
    e->file = NULL;
    e->count = 0;
    e->section_count = 0;
    e->text_size = 0;
}

const struct option_row *leat__effective_find_row(const struct effective *e, const char *name,
                                                  unsigned *table)
{
    for (unsigned t = 0; t < COUNT_OF(e->tables) && e->tables[t] != NULL; t++)
        for (unsigned i = 0; i < e->tables[t]->count; i++) {
            const struct option_row *row = &e->tables[t]->rows[i];
            if (row->kind == OPTION_HEADING || strcmp(row->name, name) != 0)
                continue;
            if (table != NULL)
                *table = t;
            return row;
        }
    return NULL;
}

/* What other servers call it, and people try first. */
static const struct {
    const char *word, *ours;
} elsewhere[] = {
    {"port", "listen"},
    {"prot", "listen"}, /* as near to root as to port */
    {"host", "listen"},
    {"bind", "listen"},
    {"address", "listen"},
    {"dir", "root"},
    {"directory", "root"},
    {"folder", "root"},
    {"docroot", "root"},
    {"threads", "shards"},
    {"workers", "shards"},
    {"log", "access-log"},
    {"log-format", "access-log-format"},
    {"max-body", "content-max"},
};

const char *leat__effective_nearest(const struct effective *e, const char *written,
                                    enum option_when most, unsigned tables)
{
    const char *names[160], *meant[160];
    unsigned count = 0;
    for (unsigned t = 0; t < COUNT_OF(e->tables) && e->tables[t] != NULL; t++)
        for (unsigned i = 0; (tables & 1u << t) != 0 && i < e->tables[t]->count; i++) {
            const struct option_row *row = &e->tables[t]->rows[i];
            if (row->kind != OPTION_HEADING && row->when <= most && count < COUNT_OF(names))
                names[count++] = row->name;
        }
    unsigned own = count;
    for (unsigned i = 0; i < COUNT_OF(elsewhere) && count < COUNT_OF(names); i++) {
        unsigned table;
        const struct option_row *row = leat__effective_find_row(e, elsewhere[i].ours, &table);
        if (row == NULL || (tables & 1u << table) == 0 || row->when > most)
            continue;
        if (strcmp(elsewhere[i].word, written) == 0)
            return row->name;
        meant[count] = row->name;
        names[count++] = elsewhere[i].word;
    }
    int nearest = leat__option_nearest(written, names, count);
    return nearest < 0 ? NULL : nearest < (int)own ? names[nearest] : meant[nearest];
}

const char *leat__effective_copy(struct effective *e, const char *text, size_t size)
{
    if (size >= sizeof e->text - e->text_size)
        return NULL;
    char *copy = e->text + e->text_size;
    memcpy(copy, text, size);
    copy[size] = '\0';
    e->text_size += size + 1;
    return copy;
}

/* ── Taking ── */

static bool is_of(const struct setting *s, const struct option_row *row, uint32_t section)
{
    return s->row == row && s->section == section;
}

/* The last setting of that source, and how many there are. */
static struct setting *find_last(struct effective *e, const struct option_row *row,
                                 uint32_t section, enum option_source source, uint32_t *count)
{
    struct setting *last = NULL;
    *count = 0;
    for (uint32_t i = 0; i < e->count; i++) {
        if (!is_of(&e->settings[i], row, section) || e->settings[i].source != source)
            continue;
        last = &e->settings[i];
        ++*count;
    }
    return last;
}

int leat__effective_add(struct effective *e, const struct option_row *row, uint32_t section,
                        const struct option_place *place, const char *text, char *error, size_t error_size)
{
    char why[256], spelled[320];
    int64_t number;
    uint32_t count;
    if (leat__option_read(row, text, &number, why, sizeof why) < 0)
        return leat__option_complain(place, row, text, why, error, error_size);
    struct setting *last = find_last(e, row, section, place->source, &count);
    leat__option_spell(place, row, text, spelled, sizeof spelled);
    if (option_is_list(row) && count == option_items_max(row)) {
        snprintf(error, error_size, "%s: %u %s are the most", spelled, count,
                 row->kind == OPTION_LISTEN ? "addresses" : "of them");
        return -EINVAL;
    }
    if (!option_is_list(row) && last != NULL && place->source == SOURCE_FILE) {
        snprintf(error, error_size, "%s: line %u says %s already, and it has one value; leave one out",
                 spelled, last->line, row->name);
        return -EINVAL;
    }
    if (option_is_list(row) || last == NULL) {
        if (e->count == SETTINGS_MAX) {
            snprintf(error, error_size, "%s: %d settings are the most", spelled, SETTINGS_MAX);
            return -EINVAL;
        }
        last = &e->settings[e->count++];
    }
    *last = (struct setting){.row = row,
                             .text = text,
                             .number = number,
                             .line = place->line,
                             .section = section,
                             .source = place->source};
    return 0;
}

/* ── What counts ── */

const struct setting *leat__effective_get(const struct effective *e, const struct option_row *row,
                                          uint32_t section, uint32_t i)
{
    enum option_source strongest = SOURCE_DEFAULT;
    for (uint32_t k = 0; k < e->count; k++)
        if (is_of(&e->settings[k], row, section) && e->settings[k].source > strongest)
            strongest = e->settings[k].source;
    for (uint32_t k = 0; k < e->count; k++)
        if (is_of(&e->settings[k], row, section) && e->settings[k].source == strongest && i-- == 0)
            return &e->settings[k];
    return NULL;
}

void leat__effective_fill(const struct effective *e, const struct option_table *table,
                          uint32_t section, void *options)
{
    const struct setting *setting;
    leat__option_defaults(table, options);
    for (unsigned r = 0; r < table->count; r++) {
        const struct option_row *row = &table->rows[r];
        for (uint32_t i = 0; (setting = leat__effective_get(e, row, section, i)) != NULL; i++)
            leat__option_store(row, options, setting->number, setting->text);
    }
}

struct option_place leat__setting_place(const struct effective *e, const struct setting *setting)
{
    return (struct option_place){setting->source, e->file, setting->line};
}

/* The text that a line is about: the longest of ours that stands in it before a colon or a quotation mark. Of several the
 * one whose section the line names. */
static const struct setting *find_spoken_of(const struct effective *e, const char *line, size_t size)
{
    const struct setting *found = NULL;
    size_t found_size = 1;
    for (uint32_t i = 0; i < e->count; i++) {
        const struct setting *s = &e->settings[i];
        size_t text_size = strlen(s->text);
        if (!option_is_text(s->row) || s->source == SOURCE_FLAG || text_size < found_size ||
            text_size >= size)
            continue;
        const char *at = memmem(line, size, s->text, text_size);
        if (at == NULL || at + text_size >= line + size || strchr(":\"", at[text_size]) == NULL)
            continue;
        const char *name = s->section == 0 ? NULL : e->sections[s->section - 1].names.items[0];
        bool named = name != NULL && memmem(line, size, name, strlen(name)) != NULL;
        if (text_size > found_size || found == NULL || named) {
            found = s;
            found_size = text_size;
        }
    }
    return found;
}

/* A line that names no option: the place of the text that it is about comes before it. */
static void spell_place_before(const struct effective *e, const char *line, size_t size, char *out,
                               size_t out_size)
{
    char variable[OPTION_VARIABLE_SIZE];
    const struct setting *s = find_spoken_of(e, line, size);
    if (s == NULL) {
        snprintf(out, out_size, "%.*s", (int)size, line);
    } else if (s->source == SOURCE_FILE) {
        snprintf(out, out_size, "%s:%u: %.*s", e->file, s->line, (int)size, line);
    } else {
        leat__option_variable(s->row, variable);
        snprintf(out, out_size, "%s: %.*s", variable, (int)size, line);
    }
}

/* What counts for a row; of a list the item that the rest of the line begins with, settings of a listener aside. */
static const struct setting *find_item(const struct effective *e, const struct option_row *row,
                                       const char *rest)
{
    const struct setting *s;
    for (uint32_t i = 0; (s = leat__effective_get(e, row, 0, i)) != NULL; i++) {
        size_t size = row->kind == OPTION_LISTEN ? strcspn(s->text, ",") : strlen(s->text);
        if (!option_is_text(row) ||
            (strncmp(rest, s->text, size) == 0 && strchr(":,", rest[size]) != NULL))
            return s;
    }
    return leat__effective_get(e, row, 0, 0);
}

void leat__effective_respell(const struct effective *e, const char *line, size_t size, char *out,
                             size_t out_size)
{
    char name[64] = {0}, spelled[320];
    size_t name_size = size > 2 && memcmp(line, "--", 2) == 0 ? strcspn(line + 2, " :=\n") : 0;
    if (name_size == 0 || name_size >= sizeof name) {
        spell_place_before(e, line, size, out, out_size);
        return;
    }
    memcpy(name, line + 2, name_size);
    const struct option_row *row = leat__effective_find_row(e, name, NULL);
    const char *rest = line + 2 + name_size;
    const struct setting *setting = row == NULL ? NULL : find_item(e, row, rest + (*rest == ' '));
    if (setting == NULL || setting->source == SOURCE_FLAG) {
        snprintf(out, out_size, "%.*s", (int)size, line);
        return;
    }
    struct option_place place = leat__setting_place(e, setting);
    leat__option_spell(&place, row, NULL, spelled, sizeof spelled);
    snprintf(out, out_size, "%s%.*s", spelled, (int)(size - 2 - name_size), rest);
}
