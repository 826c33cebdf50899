/* options.c: one row: its text, its number, its field, and what is said when they don't go together.
 *
 * Whatever is wrong is told in one line that names the option, what was written, what is possible and an example, so
 * that nobody has to look it up. */
#include "config/options.h"

#include "http1/http1.h"
#include "memory/stack.h"
#include "net/net.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

const struct option_row leat__option_rows[] = {
#define OPTION_GROUP(title) OPTION_ROW_HEADING(title),
#define OPTION(...) OPTION_ROW(struct options, OPTION_RESTART, __VA_ARGS__),
#define OPTION_CHANGES(...) OPTION_ROW(struct options, OPTION_LIVE, __VA_ARGS__),
#define OPTION_OF_START(...) OPTION_ROW(struct options, OPTION_OUTSIDE, __VA_ARGS__),
#define OPTION_ORDER(...) OPTION_ROW(struct options, OPTION_ONCE, __VA_ARGS__),
#include "config/options.def"
};

const unsigned leat__option_row_count = COUNT_OF(leat__option_rows);

const struct option_table leat__server_table = {
    .rows = leat__option_rows, .count = COUNT_OF(leat__option_rows), .size = sizeof(struct options)};

/* ── Fields ── */

static void append_text(struct option_texts *texts, const char *text)
{
    ASSERT(texts->count < OPTION_TEXTS_MAX);
    texts->items[texts->count++] = text;
    texts->items[texts->count] = NULL;
}

void leat__option_store(const struct option_row *row, void *options, int64_t number, const char *text)
{
    char *field = (char *)options + row->at;
    uint8_t one = (uint8_t)number;
    uint32_t four = (uint32_t)number;
    if (option_is_list(row))
        append_text((struct option_texts *)(void *)field, text);
    else if (row->kind == OPTION_TEXT)
        memcpy(field, &text, sizeof text);
    else if (row->size == 1)
        memcpy(field, &one, 1);
    else if (row->size == 4)
        memcpy(field, &four, 4);
    else
        memcpy(field, &number, 8);
}

int64_t leat__option_load(const struct option_row *row, const void *options)
{
    const char *field = (const char *)options + row->at;
    uint32_t four;
    int64_t eight;
    if (row->size == 1)
        return *(const uint8_t *)field;
    if (row->size == 4) {
        memcpy(&four, field, 4);
        return four;
    }
    ASSERT(row->size == 8 && !option_is_text(row));
    memcpy(&eight, field, 8);
    return eight;
}

void leat__option_defaults(const struct option_table *table, void *options)
{
    memset(options, 0, table->size);
    for (unsigned i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];
        if (row->standard != 0)
            leat__option_store(row, options, row->standard, NULL);
    }
}

void leat__options_default(struct options *options)
{
    leat__option_defaults(&leat__server_table, options);
}

/* ── Values ── */

void leat__option_write(const struct option_row *row, int64_t number, char *out)
{
    const char *word = row->argument;
    switch (row->kind) {
    case OPTION_BYTES:
        leat__option_write_bytes(out, number);
        break;
    case OPTION_DURATION:
        leat__option_write_duration(out, number);
        break;
    case OPTION_FLAG:
        snprintf(out, OPTION_VALUE_SIZE, "%s", number != 0 ? "yes" : "no");
        break;
    case OPTION_CHOICE:
        for (; number > 0; number--)
            word += strcspn(word, "|") + 1;
        snprintf(out, OPTION_VALUE_SIZE, "%.*s", (int)strcspn(word, "|"), word);
        break;
    default:
        leat__option_write_count(out, number);
    }
}

static bool is_in_range(const struct option_row *row, int64_t value)
{
    bool never = row->kind == OPTION_DURATION && value == -1;
    return never || (value >= row->smallest && value <= row->largest);
}

static int tell_range(const struct option_row *row, char *why, size_t why_size)
{
    char smallest[OPTION_VALUE_SIZE], largest[OPTION_VALUE_SIZE];
    leat__option_write(row, row->smallest, smallest);
    leat__option_write(row, row->largest, largest);
    snprintf(why, why_size, "out of range; write %s to %s%s", smallest, largest,
             row->kind == OPTION_DURATION ? " or never" : "");
    return -EINVAL;
}

static int tell_malformed(const struct option_row *row, char *why, size_t why_size)
{
    static const char *const nouns[] = {
        [OPTION_COUNT] = "number", [OPTION_BYTES] = "size", [OPTION_DURATION] = "time"};
    char smallest[OPTION_VALUE_SIZE], largest[OPTION_VALUE_SIZE];
    const char *way = row->kind == OPTION_BYTES      ? "write 65536, 64k, 16m or 1g"
                      : row->kind == OPTION_DURATION ? "write 500ms, 2s, 1m or never"
                                                     : "write it in digits";
    leat__option_write(row, row->smallest, smallest);
    leat__option_write(row, row->largest, largest);
    snprintf(why, why_size, "not a %s; %s (%s to %s)", nouns[row->kind], way, smallest, largest);
    return -EINVAL;
}

static int read_number(const struct option_row *row, const char *text, int64_t *number, char *why,
                       size_t why_size)
{
    int status = row->kind == OPTION_BYTES      ? leat__option_read_bytes(text, number)
                 : row->kind == OPTION_DURATION ? leat__option_read_duration(text, number)
                                                : leat__option_read_count(text, number);
    if (status == -EINVAL)
        return tell_malformed(row, why, why_size);
    if (status == -ERANGE || !is_in_range(row, *number))
        return tell_range(row, why, why_size);
    return 0;
}

static int read_address(const char *text, char *why, size_t why_size)
{
    struct net_address found[NET_ADDRESSES_MAX];
    char line[256] = "", named[192];
    if (leat__net_parse(text, found, line, sizeof line) >= 0)
        return 0;
    /* the line names the address, and so does whoever tells it */
    int size = snprintf(named, sizeof named, "address \"%s\": ", text);
    bool is_named = (size_t)size < sizeof named && strncmp(line, named, (size_t)size) == 0;
    snprintf(why, why_size, "%s", is_named ? line + size : line);
    return -EINVAL;
}

/* What can't be written into a configuration file, or was surely not meant, is no value by any other way either. */
static const char *find_fault_of_text(const char *text)
{
    size_t size = strlen(text);
    if (size == 0)
        return "is empty; leave it out, or say what it is";
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return "holds a control character; write it without";
    if (text[0] == ' ' || text[size - 1] == ' ')
        return "begins or ends with a blank; write it without";
    if (text[0] == '"')
        return "begins with a quotation mark; write it without";
    return NULL;
}

int leat__option_read(const struct option_row *row, const char *text, int64_t *number, char *why,
                      size_t why_size)
{
    static const char *const yes_or_no[] = {"no", "yes", "off", "on", "false", "true"};
    const char *fault;
    *number = 0;
    switch (row->kind) {
    case OPTION_FLAG:
        for (unsigned i = 0; i < COUNT_OF(yes_or_no); i++)
            if (strcmp(text, yes_or_no[i]) == 0) {
                *number = i % 2;
                return 0;
            }
        snprintf(why, why_size, "not one of yes|no|on|off|true|false");
        return -EINVAL;
    case OPTION_CHOICE:
        *number = leat__option_find_word(row->argument, text);
        if (*number >= 0)
            return 0;
        snprintf(why, why_size, "not one of %s", row->argument);
        return -EINVAL;
    case OPTION_TEXT:
    case OPTION_TEXTS:
    case OPTION_LISTEN:
        fault = find_fault_of_text(text);
        if (fault == NULL)
            return row->kind == OPTION_LISTEN ? read_address(text, why, why_size) : 0;
        snprintf(why, why_size, "%s", fault);
        return -EINVAL;
    default:
        return read_number(row, text, number, why, why_size);
    }
}

/* ── Telling ── */

void leat__option_variable(const struct option_row *row, char *out)
{
    int size = snprintf(out, OPTION_VARIABLE_SIZE, "LEAT_%s", row->name);
    for (int i = 0; i < size && i < OPTION_VARIABLE_SIZE; i++)
        out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
}

enum { SPELLED_MAX = 100 };

/* text as a part of a line that people read */
static void clean(const char *text, char out[SPELLED_MAX + 8])
{
    size_t size = strlen(text), used = size_min(size, SPELLED_MAX);
    if (size == 0) {
        memcpy(out, "\"\"", 3);
        return;
    }
    for (size_t i = 0; i < used; i++)
        out[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    memcpy(out + used, size > used ? "..." : "", size > used ? 4 : 1);
}

void leat__option_spell(const struct option_place *place, const struct option_row *row,
                        const char *text, char *out, size_t size)
{
    char variable[OPTION_VARIABLE_SIZE], cleaned[SPELLED_MAX + 8] = "";
    bool told = text != NULL;
    if (told)
        clean(text, cleaned);
    if (place->source == SOURCE_FILE) {
        snprintf(out, size, "%s:%u: %s%s%s", place->file, place->line, row->name, told ? " " : "",
                 cleaned);
    } else if (place->source == SOURCE_ENVIRONMENT) {
        leat__option_variable(row, variable);
        snprintf(out, size, "%s%s%s", variable, told ? "=" : "", cleaned);
    } else {
        snprintf(out, size, "--%s%s%s", row->name,
                 !told                      ? ""
                 : row->kind == OPTION_FLAG ? "="
                                            : " ",
                 cleaned);
    }
}

int leat__option_complain(const struct option_place *place, const struct option_row *row,
                          const char *text, const char *why, char *error, size_t error_size)
{
    char variable[OPTION_VARIABLE_SIZE], example[160];
    const char *raw = row->example != NULL ? row->example : "yes";
    bool quoted = raw[0] == '"' && place->source != SOURCE_FLAG; /* for a shell */
    snprintf(example, sizeof example, "%.*s", (int)strlen(raw) - 2 * quoted, raw + quoted);
    leat__option_spell(place, row, text, error, error_size);
    size_t used = strlen(error);
    bool asks = why[0] != '\0' && why[strlen(why) - 1] == '?';
    used += (size_t)snprintf(error + used, error_size - used, ": %s%s ", why,
                             asks                       ? " For example"
                             : strchr(why, ';') != NULL ? ", for example"
                                                        : "; for example");
    used = size_min(used, error_size - 1);
    if (place->source == SOURCE_FILE) {
        snprintf(error + used, error_size - used, "%s = %s", row->name, example);
    } else if (place->source == SOURCE_ENVIRONMENT) {
        leat__option_variable(row, variable);
        snprintf(error + used, error_size - used, "%s=%s", variable, example);
    } else {
        snprintf(error + used, error_size - used, "--%s%c%s", row->name,
                 row->kind == OPTION_FLAG ? '=' : ' ', example);
    }
    return -EINVAL;
}

int leat__options_check(const struct config *config, char *error, size_t error_size)
{
    static const struct option_place as_flag = {.source = SOURCE_FLAG};
    struct options options = {.config = *config};
    char written[OPTION_VALUE_SIZE], why[128];
    for (unsigned i = 0; i < leat__option_row_count; i++) {
        const struct option_row *row = &leat__option_rows[i];
        if (row->kind != OPTION_COUNT && row->kind != OPTION_BYTES && row->kind != OPTION_DURATION)
            continue;
        int64_t value = leat__option_load(row, &options);
        bool later = value == 0 && row->standard == 0;
        if (later || is_in_range(row, value))
            continue;
        leat__option_write(row, value, written);
        tell_range(row, why, sizeof why);
        return leat__option_complain(&as_flag, row, written, why, error, error_size);
    }
    return 0;
}
