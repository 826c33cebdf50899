/* reload.c: reads anew, compares, and takes over what may change. See reload.h.
 *
 * A row that is live is compared by its value with what holds now, every other by its settings with those of the start:
 * so a row that needs a restart is named by every reload until it is as it was, or the restart came. */
#include "config/reload.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

struct report {
    char *text;
    size_t size, used;
};

LEAT_PRINTF(2, 3)
static void addf(struct report *report, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(report->text + report->used, report->size - report->used, format, arguments);
    va_end(arguments);
    report->used = size_min(report->used + (size_t)size, report->size - 1);
}

static int read_anew(struct reload *reload, char *const *environment, char *error, size_t error_size)
{
    const struct effective *running = reload->running;
    struct effective *e = reload->candidate;
    leat__effective_init(e, running->tables[1]);
    for (uint32_t i = 0; i < running->count; i++)
        if (running->settings[i].source == SOURCE_FLAG)
            e->settings[e->count++] = running->settings[i];
    int status = leat__environment_read(e, environment, error, error_size);
    const struct setting *file = leat__effective_get(e, leat__effective_find_row(e, "config", NULL),
                                                     0, 0);
    if (status == 0 && file != NULL)
        status = leat__ini_read(e, file->text, error, error_size);
    return status;
}

/* ── Comparing ── */

static bool is_same(const struct setting *a, const struct setting *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a->number == b->number && (!option_is_text(a->row) || strcmp(a->text, b->text) == 0);
}

/* Unset is as good as set to what holds anyway. */
static bool is_standard(const struct setting *s, const struct option_row *row)
{
    return s == NULL ||
           (!option_is_text(row) && row->standard_words == NULL && s->number == row->standard);
}

static bool is_row_same(const struct reload *reload, const struct option_row *row, uint32_t section)
{
    const struct setting *a = leat__effective_get(reload->running, row, section, 0);
    const struct setting *b = leat__effective_get(reload->candidate, row, section, 0);
    if (is_standard(a, row) && is_standard(b, row))
        return true;
    for (uint32_t i = 0; is_same(a, b); i++) {
        if (a == NULL)
            return true;
        a = leat__effective_get(reload->running, row, section, i + 1);
        b = leat__effective_get(reload->candidate, row, section, i + 1);
    }
    return false;
}

static bool is_section_same(const struct reload *reload, uint32_t index)
{
    const struct option_texts *a = &reload->running->sections[index].names;
    const struct option_texts *b = &reload->candidate->sections[index].names;
    const struct option_table *table = reload->running->tables[1];
    ASSERT(table != NULL); /* or there would be no sections */
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = strcmp(a->items[i], b->items[i]) == 0;
    for (uint32_t r = 0; same && r < table->count; r++)
        same = is_row_same(reload, &table->rows[r], index + 1);
    return same;
}

static void name_restarts(const struct reload *reload, struct report *report)
{
    const struct effective *running = reload->running;
    uint32_t sections = reload->candidate->section_count, named = 0;
    static const char *const before[] = {"; a restart is needed for ", ", "};
    for (unsigned t = 0; t < COUNT_OF(running->tables) && running->tables[t] != NULL; t++)
        for (uint32_t i = 0; i < running->tables[t]->count; i++) {
            const struct option_row *row = &running->tables[t]->rows[i];
            bool fixed = row->kind != OPTION_HEADING && row->when == OPTION_RESTART;
            if (fixed && !is_row_same(reload, row, 0))
                addf(report, "%s%s", before[named++ > 0], row->name);
        }
    if (sections != running->section_count) {
        addf(report, "%sthe sections", before[named > 0]);
        return;
    }
    const char *word = running->tables[1] != NULL ? running->tables[1]->section : "";
    for (uint32_t s = 0; s < sections; s++)
        if (!is_section_same(reload, s))
            addf(report, "%s[%s %s]", before[named++ > 0], word, running->sections[s].names.items[0]);
}

/* ── Taking over ── */

/* Moves live rows from wanted to now; how many were different. */
static unsigned take_live(const struct options *wanted, struct options *now, struct report *report)
{
    char value[OPTION_VALUE_SIZE];
    unsigned changed = 0;
    for (unsigned i = 0; i < leat__option_row_count; i++) {
        const struct option_row *row = &leat__option_rows[i];
        if (row->kind == OPTION_HEADING || row->when != OPTION_LIVE)
            continue;
        int64_t number = leat__option_load(row, wanted);
        if (number == leat__option_load(row, now))
            continue;
        leat__option_store(row, now, number, NULL);
        leat__option_write(row, number, value);
        addf(report, "%s%s is %s", changed++ > 0 ? ", " : "", row->name, value);
    }
    return changed;
}

int leat__reload_read(struct reload *reload, char *const *environment, char *report, size_t report_size)
{
    struct report lines = {.text = report, .size = report_size};
    struct options wanted, now = {.config = reload->live};
    char error[512];
    if (read_anew(reload, environment, report, report_size) < 0)
        return -EINVAL;
    leat__effective_fill(reload->candidate, &leat__server_table, 0, &wanted);
    if (take_live(&wanted, &now, &lines) == 0)
        addf(&lines, "nothing changed");
    if (leat__config_check(&now.config, error, sizeof error) < 0) {
        leat__effective_respell(reload->candidate, error, strlen(error), report, report_size);
        return -EINVAL;
    }
    name_restarts(reload, &lines);
    reload->live = now.config;
    return 0;
}
