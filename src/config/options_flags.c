/* options_flags.c: from argv to settings, by way of getopt_long, whose table is made from ours. The first mistake ends
 * the reading. */
#include "config/effective.h"

#include "config/option_values.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

enum { ROWS_MAX = 128, OPTION_CODE = 256 };

static const struct option_place as_flag = {.source = SOURCE_FLAG};

/* The rows of both tables one behind the other; an index + OPTION_CODE is what getopt_long answers. */
struct flags {
    const struct option_row *rows[ROWS_MAX];
    unsigned count;
    struct option table[ROWS_MAX + 1];
};

static void make_table(struct flags *flags, const struct effective *e)
{
    flags->count = 0;
    for (unsigned t = 0; t < COUNT_OF(e->tables) && e->tables[t] != NULL; t++)
        for (unsigned i = 0; i < e->tables[t]->count; i++) {
            const struct option_row *row = &e->tables[t]->rows[i];
            if (row->kind == OPTION_HEADING)
                continue;
            ASSERT(flags->count < ROWS_MAX);
            flags->table[flags->count] = (struct option){
                .name = row->name,
                .has_arg = row->kind != OPTION_FLAG   ? required_argument
                           : row->when == OPTION_ONCE ? no_argument
                                                      : optional_argument,
                .val = OPTION_CODE + (int)flags->count,
            };
            flags->rows[flags->count++] = row;
        }
    flags->table[flags->count] = (struct option){0};
}

/* getopt_long did not know the word: it begins several names, or none, or is a letter. */
static void tell_unknown(const struct flags *flags, const struct effective *e, const char *word,
                         char *error, size_t error_size)
{
    char written[64];
    if (word[0] != '-' || word[1] != '-') {
        snprintf(error, error_size, "%.64s: no such option; --help lists them", word);
        return;
    }
    size_t size = strcspn(word + 2, "=");
    snprintf(written, sizeof written, "%.*s", (int)size_min(size, sizeof written - 1), word + 2);
    for (char *at = written; *at != '\0'; at++)
        *at = (unsigned char)*at < 0x20 ? '?' : *at;
    int used = snprintf(error, error_size, "--%s: begins more than one option:", written);
    unsigned begun = 0;
    for (unsigned i = 0; i < flags->count; i++) {
        const char *name = flags->rows[i]->name;
        if (strncmp(name, written, strlen(written)) != 0)
            continue;
        begun++;
        if ((size_t)used < error_size)
            used += snprintf(error + used, error_size - (size_t)used, " --%s", name);
    }
    if (begun > 1)
        return;
    const char *nearest = leat__effective_nearest(e, written, OPTION_ONCE, ~0u);
    const struct option_row *row = nearest != NULL ? leat__effective_find_row(e, nearest, NULL) : NULL;
    bool alike = row != NULL && leat__option_nearest(written, &nearest, 1) >= 0;
    if (row != NULL && (alike || row->example == NULL))
        snprintf(error, error_size, "--%s: no such option; did you mean --%s?", written, nearest);
    else if (row != NULL) /* another word, and maybe another kind of value */
        snprintf(error, error_size, "--%s: no such option; did you mean --%s, for example --%s %s?",
                 written, nearest, nearest, row->example);
    else
        snprintf(error, error_size, "--%s: no such option; --help lists them", written);
}

/* A '?' or ':' of getopt_long; optopt tells which option, if it knew one. */
static void tell_mistake(const struct flags *flags, const struct effective *e, int answer,
                         const char *word, char *error, size_t error_size)
{
    if (optopt < OPTION_CODE) {
        tell_unknown(flags, e, word, error, error_size);
        return;
    }
    const struct option_row *row = flags->rows[optopt - OPTION_CODE];
    if (answer == ':')
        snprintf(error, error_size, "--%s: needs a value; for example --%s %s", row->name,
                 row->name, row->example);
    else
        snprintf(error, error_size, "%.64s: --%s takes no value; write --%s", word, row->name, row->name);
}

static const struct option_row *find_server_row(const char *name)
{
    for (unsigned i = 0; i < leat__option_row_count; i++)
        if (strcmp(leat__option_rows[i].name, name) == 0)
            return &leat__option_rows[i];
    return NULL;
}

int leat__flags_read(struct effective *e, int argc, char **argv, char *error, size_t error_size)
{
    struct flags flags;
    make_table(&flags, e);
    optind = 0; /* glibc: start afresh */
    opterr = 0;
    for (;;) {
        const struct option_row *row;
        int answer = getopt_long(argc, argv, ":hV", flags.table, NULL);
        if (answer == -1)
            return optind;
        if (answer == '?' || answer == ':') {
            tell_mistake(&flags, e, answer, argv[optind - 1], error, error_size);
            return -EINVAL;
        }
        row = answer == 'h'   ? find_server_row("help")
              : answer == 'V' ? find_server_row("version")
                              : flags.rows[answer - OPTION_CODE];
        bool told = answer >= OPTION_CODE && optarg != NULL;
        int status = leat__effective_add(e, row, 0, &as_flag, told ? optarg : "yes", error, error_size);
        if (status < 0)
            return status;
    }
}

int leat__flags_check(const struct options *options, char *error, size_t error_size)
{
    if (options->layout && !options->plan)
        snprintf(error, error_size, "--layout: goes with --plan; write --plan --layout");
    else if (options->json && !options->plan && !options->print_config && !options->routes)
        snprintf(error, error_size,
                 "--json: goes with --plan, --routes or --print-config; write --plan --json");
    else if (options->json && options->layout)
        snprintf(error, error_size, "--layout: is for people and has no JSON; leave --json out");
    else if (options->print_config + options->check + options->plan + options->routes > 1)
        snprintf(error, error_size, "--%s: one order at a time; leave --%s out",
                 options->print_config ? "print-config"
                 : options->check      ? "check"
                                       : "plan",
                 options->routes ? "routes"
                 : options->plan ? "plan"
                                 : "check");
    else
        return 0;
    return -EINVAL;
}
