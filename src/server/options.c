/* options.c: from argv to struct options, by way of getopt_long, whose table is made from ours.
 *
 * Whatever is wrong is told in one line that names the option, what was written, what is possible and an example, so
 * that nobody has to look it up. The first mistake ends the reading. */
#include "server/options.h"

#include "http1/http1.h"
#include "net/net.h"
#include "server/option_values.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

const struct option_row leat__option_rows[] = {
#define OPTION_GROUP(title) OPTION_ROW_HEADING(title),
#define OPTION(...) OPTION_ROW(struct options, OPTION_RESTART, __VA_ARGS__),
#define OPTION_CHANGES(...) OPTION_ROW(struct options, OPTION_LIVE, __VA_ARGS__),
#define OPTION_OF_START(...) OPTION_ROW(struct options, OPTION_OUTSIDE, __VA_ARGS__),
#define OPTION_ORDER(...) OPTION_ROW(struct options, OPTION_ONCE, __VA_ARGS__),
#include "server/options.def"
};

const unsigned leat__option_row_count = COUNT_OF(leat__option_rows);

const struct option_table leat__server_table = {
    .rows = leat__option_rows, .count = COUNT_OF(leat__option_rows), .size = sizeof(struct options)};

enum { ROWS = COUNT_OF(leat__option_rows), OPTION_CODE = 256 };

/* ── Fields ── */

static void store(struct options *options, const struct option_row *row, int64_t value)
{
    char *field = (char *)options + row->at;
    uint8_t one = (uint8_t)value;
    uint32_t four = (uint32_t)value;
    switch (row->size) {
    case 1:
        memcpy(field, &one, 1);
        break;
    case 4:
        memcpy(field, &four, 4);
        break;
    default:
        ASSERT(row->size == 8);
        memcpy(field, &value, 8);
    }
}

static int64_t load(const struct options *options, const struct option_row *row)
{
    const char *field = (const char *)options + row->at;
    uint32_t four;
    int64_t eight;
    if (row->size == 4) {
        memcpy(&four, field, 4);
        return four;
    }
    ASSERT(row->size == 8);
    memcpy(&eight, field, 8);
    return eight;
}

void leat__options_default(struct options *options)
{
    memset(options, 0, sizeof *options);
    for (unsigned i = 0; i < ROWS; i++) {
        const struct option_row *row = &leat__option_rows[i];
        if (row->standard != 0)
            store(options, row, row->standard);
    }
}

/* ── Values ── */

static const char *const kind_nouns[] = {
    [OPTION_COUNT] = "number", [OPTION_BYTES] = "size", [OPTION_DURATION] = "time"};

static void write_value(char *out, const struct option_row *row, int64_t value)
{
    if (row->kind == OPTION_BYTES)
        leat__option_write_bytes(out, value);
    else if (row->kind == OPTION_DURATION)
        leat__option_write_duration(out, value);
    else
        leat__option_write_count(out, value);
}

static bool is_in_range(const struct option_row *row, int64_t value)
{
    bool never = row->kind == OPTION_DURATION && value == -1;
    return never || (value >= row->smallest && value <= row->largest);
}

static int tell_range(const struct option_row *row, const char *written, char *error, size_t error_size)
{
    char smallest[OPTION_VALUE_SIZE], largest[OPTION_VALUE_SIZE];
    write_value(smallest, row, row->smallest);
    write_value(largest, row, row->largest);
    snprintf(error, error_size, "--%s %s: out of range; write %s to %s%s, for example --%s %s",
             row->name, written, smallest, largest, row->kind == OPTION_DURATION ? " or never" : "",
             row->name, row->example);
    return -EINVAL;
}

static int tell_malformed(const struct option_row *row, const char *written, char *error, size_t error_size)
{
    char smallest[OPTION_VALUE_SIZE], largest[OPTION_VALUE_SIZE];
    write_value(smallest, row, row->smallest);
    write_value(largest, row, row->largest);
    const char *way = row->kind == OPTION_BYTES      ? "write 65536, 64k, 16m or 1g"
                      : row->kind == OPTION_DURATION ? "write 500ms, 2s, 1m or never"
                                                     : "write it in digits";
    snprintf(error, error_size, "--%s %s: not a %s; %s (%s to %s), for example --%s %s", row->name,
             written, kind_nouns[row->kind], way, smallest, largest, row->name, row->example);
    return -EINVAL;
}

static int read_number(struct options *options, const struct option_row *row, const char *written,
                       char *error, size_t error_size)
{
    int64_t value = 0;
    int status = row->kind == OPTION_BYTES      ? leat__option_read_bytes(written, &value)
                 : row->kind == OPTION_DURATION ? leat__option_read_duration(written, &value)
                                                : leat__option_read_count(written, &value);
    if (status == -EINVAL)
        return tell_malformed(row, written, error, error_size);
    if (status == -ERANGE || !is_in_range(row, value))
        return tell_range(row, written, error, error_size);
    store(options, row, value);
    return 0;
}

static int read_choice(struct options *options, const struct option_row *row, const char *written,
                       char *error, size_t error_size)
{
    int index = leat__option_find_word(row->argument, written);
    if (index >= 0) {
        store(options, row, index);
        return 0;
    }
    snprintf(error, error_size, "--%s %s: not one of %s; for example --%s %s", row->name, written,
             row->argument, row->name, row->example);
    return -EINVAL;
}

static int read_address(struct options *options, const struct option_row *row, const char *written,
                        char *error, size_t error_size)
{
    struct config *config = &options->config;
    struct net_address found[2];
    char why[256] = "", named[192];
    if (config->listen.count == CONFIG_LISTEN_MAX) {
        snprintf(error, error_size, "--%s %s: %d addresses are the most", row->name, written,
                 CONFIG_LISTEN_MAX);
        return -EINVAL;
    }
    if (leat__net_parse(written, found, why, sizeof why) < 0) {
        /* the line names the address, as we do */
        int size = snprintf(named, sizeof named, "address \"%s\": ", written);
        bool is_named = (size_t)size < sizeof named && strncmp(why, named, (size_t)size) == 0;
        snprintf(error, error_size, "--%s %s: %s; for example --%s %s", row->name, written,
                 is_named ? why + size : why, row->name, row->example);
        return -EINVAL;
    }
    config->listen.items[config->listen.count++] = written;
    config->listen.items[config->listen.count] = NULL;
    return 0;
}

static int read_option(struct options *options, const struct option_row *row, const char *written,
                       char *error, size_t error_size)
{
    switch (row->kind) {
    case OPTION_FLAG:
        store(options, row, 1);
        return 0;
    case OPTION_CHOICE:
        return read_choice(options, row, written, error, error_size);
    case OPTION_TEXT:
        memcpy((char *)options + row->at, &written, sizeof written);
        return 0;
    case OPTION_LISTEN:
        return read_address(options, row, written, error, error_size);
    default:
        return read_number(options, row, written, error, error_size);
    }
}

/* ── Argument vectors ── */

static void make_getopt_table(struct option table[ROWS + 1])
{
    unsigned count = 0;
    for (unsigned i = 0; i < ROWS; i++) {
        const struct option_row *row = &leat__option_rows[i];
        if (row->kind == OPTION_HEADING)
            continue;
        table[count++] = (struct option){
            .name = row->name,
            .has_arg = row->kind == OPTION_FLAG ? no_argument : required_argument,
            .val = OPTION_CODE + (int)i,
        };
    }
    table[count] = (struct option){0};
}

/* getopt_long did not know the word: it begins several names, or none, or is a letter. */
static void tell_unknown(const char *word, char *error, size_t error_size)
{
    if (word[0] != '-' || word[1] != '-') {
        snprintf(error, error_size, "%s: no such option; --help lists them", word);
        return;
    }
    const char *names[ROWS];
    char written[64];
    size_t size = strcspn(word + 2, "=");
    snprintf(written, sizeof written, "%.*s", (int)size_min(size, sizeof written - 1), word + 2);
    int used = snprintf(error, error_size, "--%s: begins more than one option:", written);
    unsigned begun = 0;
    for (unsigned i = 0; i < ROWS; i++) {
        const struct option_row *row = &leat__option_rows[i];
        names[i] = row->kind == OPTION_HEADING ? NULL : row->name;
        if (names[i] == NULL || strncmp(names[i], written, strlen(written)) != 0)
            continue;
        begun++;
        if ((size_t)used < error_size)
            used += snprintf(error + used, error_size - (size_t)used, " --%s", names[i]);
    }
    if (begun > 1)
        return;
    int nearest = leat__option_nearest(written, names, ROWS);
    if (nearest >= 0)
        snprintf(error, error_size, "--%s: no such option; did you mean --%s?", written, names[nearest]);
    else
        snprintf(error, error_size, "--%s: no such option; --help lists them", written);
}

/* A '?' or ':' of getopt_long; optopt tells which option, if it knew one. */
static void tell_mistake(int answer, char **argv, char *error, size_t error_size)
{
    const char *word = argv[optind - 1];
    if (optopt < OPTION_CODE) {
        tell_unknown(word, error, error_size);
        return;
    }
    const struct option_row *row = &leat__option_rows[optopt - OPTION_CODE];
    if (answer == ':')
        snprintf(error, error_size, "--%s: needs a value; for example --%s %s", row->name,
                 row->name, row->example);
    else
        snprintf(error, error_size, "%s: --%s takes no value; write --%s", word, row->name, row->name);
}

int leat__options_parse(struct options *options, int argc, char **argv, char *error, size_t error_size)
{
    struct option table[ROWS + 1];
    make_getopt_table(table);
    optind = 0; /* glibc: start afresh */
    opterr = 0;
    for (;;) {
        int answer = getopt_long(argc, argv, ":hV", table, NULL);
        if (answer == -1)
            break;
        if (answer == 'h') {
            options->help = true;
        } else if (answer == 'V') {
            options->version = true;
        } else if (answer == '?' || answer == ':') {
            tell_mistake(answer, argv, error, error_size);
            return -EINVAL;
        } else {
            const struct option_row *row = &leat__option_rows[answer - OPTION_CODE];
            int status = read_option(options, row, optarg, error, error_size);
            if (status < 0)
                return status;
        }
    }
    if ((options->json || options->layout) && !options->plan) {
        snprintf(error, error_size, "--%s: goes with --plan; write --plan --%s",
                 options->json ? "json" : "layout", options->json ? "json" : "layout");
        return -EINVAL;
    }
    if (options->json && options->layout) {
        snprintf(error, error_size, "--layout: is for people and has no JSON; leave --json out");
        return -EINVAL;
    }
    return optind;
}

int leat__options_check(const struct config *config, char *error, size_t error_size)
{
    struct options options = {.config = *config};
    char written[OPTION_VALUE_SIZE];
    for (unsigned i = 0; i < ROWS; i++) {
        const struct option_row *row = &leat__option_rows[i];
        if (row->kind != OPTION_COUNT && row->kind != OPTION_BYTES && row->kind != OPTION_DURATION)
            continue;
        int64_t value = load(&options, row);
        bool later = value == 0 && row->standard == 0;
        if (later || is_in_range(row, value))
            continue;
        write_value(written, row, value);
        return tell_range(row, written, error, error_size);
    }
    return 0;
}
