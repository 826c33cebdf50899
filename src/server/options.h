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

struct options {
    struct config config;
    bool plan, json, layout, help, version;
};

struct option_row {
    const char *name; /* without the dashes; a heading's title */
    enum option_kind kind;
    uint16_t at, size;    /* of the field within struct options */
    const char *argument; /* as --help shows it; of a choice: the words between bars */
    int64_t smallest, largest;
    int64_t standard;
    const char *standard_words; /* when standard is 0 */
    const char *example;
    const char *help;
};

extern const struct option_row leat__option_rows[];
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
