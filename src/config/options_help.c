/* options_help.c: the options as a table for people: headings, names with their arguments in one column, and beside
 * them what they do and what holds when nothing is said, broken at words. */
#include "config/option_values.h"
#include "config/options.h"
#include <stdio.h>

enum { HELP_COLUMNS = 96, HELP_LEFT = 30 };

struct page {
    void (*write)(void *to, const char *text, size_t size);
    void *to;
    size_t column; /* where the next word goes */
};

static void put(struct page *page, const char *text, size_t size)
{
    page->write(page->to, text, size);
    page->column += size;
}

static void put_spaces_to(struct page *page, size_t column)
{
    while (page->column < column)
        put(page, " ", 1);
}

static void end_line(struct page *page)
{
    put(page, "\n", 1);
    page->column = 0;
}

static void put_words(struct page *page, const char *text)
{
    while (*text != '\0') {
        size_t size = strcspn(text, " ");
        if (page->column > HELP_LEFT && page->column + 1 + size > HELP_COLUMNS)
            end_line(page);
        put_spaces_to(page, page->column > HELP_LEFT ? page->column + 1 : HELP_LEFT);
        put(page, text, size);
        text += size;
        text += strspn(text, " ");
    }
}

static void put_standard(struct page *page, const struct option_row *row)
{
    char text[128], value[OPTION_VALUE_SIZE];
    const char *words = value;
    if (row->standard != 0)
        leat__option_write(row, row->standard, value);
    else if (row->standard_words != NULL)
        words = row->standard_words;
    else
        return;
    snprintf(text, sizeof text, "[%s]", words);
    put_words(page, text);
}

static void put_option(struct page *page, const struct option_row *row)
{
    char left[64];
    bool on = row->kind == OPTION_FLAG && row->standard != 0;
    const char *argument = row->argument != NULL ? row->argument : on ? "=no" : "";
    int size = snprintf(left, sizeof left, "  --%s%s%s", row->name,
                        row->argument != NULL ? " " : "", argument);
    put(page, left, (size_t)size);
    if (size >= HELP_LEFT)
        end_line(page);
    put_words(page, row->help);
    put_standard(page, row);
    end_line(page);
}

static void put_table(struct page *page, const struct option_table *table)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];
        if (row->kind != OPTION_HEADING) {
            put_option(page, row);
            continue;
        }
        end_line(page);
        put(page, row->name, strlen(row->name));
        end_line(page);
    }
}

void leat__options_help(const struct option_table *extra,
                        void (*write)(void *to, const char *text, size_t size), void *to)
{
    struct page page = {.write = write, .to = to};
    if (extra != NULL)
        put_table(&page, extra);
    put_table(&page, &leat__server_table);
    end_line(&page);
    static const char legend[] =
        "Sizes: 65536, 64k, 16m, 1g. Times: 500ms, 2s, 1m, 24h, never. In brackets: what holds "
        "otherwise.";
    put(&page, legend, sizeof legend - 1);
    end_line(&page);
}
