/* options.h: the flags of a Leat program. One table, options.def; everything else is made from its rows. */
#ifndef LEAT_OPTIONS_H
#define LEAT_OPTIONS_H

#include "base/base.h"
#include "server/config.h"

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

/* When a row's value counts. */
enum option_when {
    OPTION_RESTART, /* from the start on */
    OPTION_LIVE,    /* and SIGHUP may change it */
    OPTION_OUTSIDE, /* as the first, but it can't stand in the file: flags and environment only */
    OPTION_ONCE,    /* it is an order, not a setting: flags only */
};

struct options {
    struct config config;
    bool plan, json, layout, print_config, check, help, version;
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
    const char *example;
    const char *help;
};

/* Rows that fill one struct. The server's are options.def; a program may bring a table of its own (server/main.h), made
 * of a .def file with the same macros:
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

void leat__options_default(struct options *options);

/* Reads argv[1 …], moving operands behind the flags: the first one's index is answered. Negative: -EINVAL, with one
 * line (without the program's name) in error. Texts are kept by pointer: argv must live as long as options. Options
 * that were given before the call stay unless argv says otherwise. */
int leat__options_parse(struct options *options, int argc, char **argv, char *error, size_t error_size);

/* Whether every value lies in its row's range, for configurations that did not come through flags. 0 or -EINVAL. */
int leat__options_check(const struct config *config, char *error, size_t error_size);

/* The part of --help that comes from the table, in lines of at most 100 columns. */
void leat__options_help(void (*write)(void *to, const char *text, size_t size), void *to);

#endif
