/* options.h: what a program can be told, as tables of rows; everything else is made from them: flags, the configuration
 * file, the environment, --help, --print-config, the manual. The server's rows are options.def; a program may bring a
 * table of its own.
 *
 * Here is what concerns one row: reading a text as its kind wants it, storing it into the struct that the table fills,
 * and telling what is wrong with it. Who said what, and whose word counts, is config/effective.h. */
#ifndef LEAT_OPTIONS_H
#define LEAT_OPTIONS_H

#include "base/base.h"
#include "base/texts.h"
#include "config/config.h"
#include "config/option_values.h"

enum option_kind {
    OPTION_HEADING, /* not an option: the title of those that follow */
    OPTION_COUNT,
    OPTION_BYTES,
    OPTION_DURATION,
    OPTION_CHOICE,
    OPTION_TEXT,
    OPTION_TEXTS,
    OPTION_LISTEN,
    OPTION_FLAG,
};

/* When a row's value counts; those further down can be said in fewer places. */
enum option_when {
    OPTION_RESTART, /* from the start on */
    OPTION_LIVE,    /* and SIGHUP may change it */
    OPTION_OUTSIDE, /* as the first, but it can't stand in the file: flags and environment only */
    OPTION_ONCE,    /* it is an order, not a setting: flags only */
};

struct options {
    struct config config;
    bool plan, json, layout, routes, print_config, check, help, version;
};

struct option_row {
    const char *name; /* without the dashes; a heading's title */
    enum option_kind kind;
    enum option_when when;
    uint16_t at, size;    /* of the field within the table's struct */
    const char *argument; /* as --help shows it; of a choice: the words between bars */
    int64_t smallest, largest;
    int64_t standard;
    const char *standard_words; /* when standard is 0 */
    const char *example;        /* as one would write it to a shell */
    const char *help;
};

/* Rows that fill one struct. A program makes its own of a .def file with the same macros:
 *
 *     static const struct option_row rows[] = {
 *     #define OPTION_GROUP(title) OPTION_ROW_HEADING(title),
 *     #define OPTION(...) OPTION_ROW(struct site_options, OPTION_RESTART, __VA_ARGS__),
 *     #include "handler/site.def"
 *     }; */
struct option_table {
    const struct option_row *rows;
    uint32_t count;
    uint32_t size; /* of the struct */
    const char *section; /* "site": a section [site NAME …] of a file fills a further struct; NULL: none does */
};

#define OPTION_ROW_HEADING(title)                                                                  \
    {                                                                                              \
        .name = title, .kind = OPTION_HEADING                                                      \
    }
#define OPTION_ROW(struct_, when_, name_, kind_, field, argument_, smallest_, largest_, standard_, \
                   words, example_, help_)                                                         \
    {                                                                                              \
        .name = name_, .kind = OPTION_##kind_, .when = when_, .at = offsetof(struct_, field),      \
        .size = sizeof(((struct_ *)0)->field), .argument = argument_, .smallest = smallest_,       \
        .largest = largest_, .standard = standard_, .standard_words = words, .example = example_,  \
        .help = help_                                                                              \
    }

extern const struct option_table leat__server_table; /* of struct options */
extern const struct option_row leat__option_rows[];  /* its rows */
extern const unsigned leat__option_row_count;

/* Zeroes the table's struct and sets what holds when nothing is said. */
void leat__option_defaults(const struct option_table *table, void *options);
void leat__options_default(struct options *options);

/* Reads text as the row's kind wants it; number is what store takes (0 when the text itself is the value). 0, or -EINVAL
 * with why: "not a time; write 500ms, 2s, 1m or never (100ms to 24h)". */
int leat__option_read(const struct option_row *row, const char *text, int64_t *number, char *why,
                      size_t why_size);

/* Kinds of many texts append; texts are kept by pointer. */
void leat__option_store(const struct option_row *row, void *options, int64_t number, const char *text);
int64_t leat__option_load(const struct option_row *row, const void *options); /* not of texts */

/* A number as it can be read in again: "8k", "never", "uring", "yes". out: OPTION_VALUE_SIZE bytes. */
void leat__option_write(const struct option_row *row, int64_t number, char *out);

static inline bool option_is_text(const struct option_row *row)
{
    return row->kind == OPTION_TEXT || row->kind == OPTION_TEXTS || row->kind == OPTION_LISTEN;
}

static inline bool option_is_list(const struct option_row *row)
{
    return row->kind == OPTION_TEXTS || row->kind == OPTION_LISTEN;
}

static inline uint32_t option_items_max(const struct option_row *row)
{
    return row->kind == OPTION_LISTEN ? CONFIG_LISTEN_MAX : OPTION_TEXTS_MAX;
}

/* Where a value was written, the stronger the later. */
enum option_source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENVIRONMENT, SOURCE_FLAG };

struct option_place {
    enum option_source source;
    const char *file;
    uint32_t line;
};

/* A row and a text as they were written there: "--shards 0", "leat.conf:3: shards 0", "LEAT_SHARDS=0". Control octets are
 * shown as '?', long texts are cut. text may be NULL. */
void leat__option_spell(const struct option_place *place, const struct option_row *row,
                        const char *text, char *out, size_t size);

/* The variable of a row: "LEAT_IDLE_TIMEOUT". out: OPTION_VARIABLE_SIZE bytes. */
enum { OPTION_VARIABLE_SIZE = 64 };
void leat__option_variable(const struct option_row *row, char *out);

/* The line of an error: the spelling, why, and an example for that place. -EINVAL. */
int leat__option_complain(const struct option_place *place, const struct option_row *row,
                          const char *text, const char *why, char *error, size_t error_size);

/* Whether every value lies in its row's range, for configurations that did not come through these tables. 0 or -EINVAL
 * with a line. */
int leat__options_check(const struct config *config, char *error, size_t error_size);

/* The part of --help that comes from the tables, in lines of at most 100 columns; extra may be NULL. */
void leat__options_help(const struct option_table *extra,
                        void (*write)(void *to, const char *text, size_t size), void *to);

#endif
