/* option_values.c: reading is digits and a unit, nothing before, between or behind them; writing takes the largest
 * unit that leaves no rest. */
#include "config/option_values.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

struct unit {
    const char *name;
    int64_t worth;
};

/* Largest first; of units with the same worth the first is the one we write. */
static const struct unit size_units[] = {
    {"g", 1ll << 30}, {"gib", 1ll << 30}, {"m", 1ll << 20}, {"mib", 1ll << 20},
    {"k", 1ll << 10}, {"kib", 1ll << 10}, {"", 1},          {"b", 1},
};
static const struct unit time_units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit no_units[] = {{"", 1}};

static int read_value(const char *text, const struct unit *units, size_t unit_count, int64_t *out)
{
    int64_t value = 0;
    bool overflow = false;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
        overflow |= __builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, *at - '0', &value);
    if (at == text)
        return -EINVAL;
    for (size_t i = 0; i < unit_count; i++) {
        if (strcasecmp(at, units[i].name) != 0)
            continue;
        if (overflow || __builtin_mul_overflow(value, units[i].worth, &value))
            return -ERANGE;
        *out = value;
        return 0;
    }
    return -EINVAL;
}

static void write_value(char *out, int64_t value, const struct unit *units, size_t unit_count)
{
    const struct unit *unit = &units[unit_count - 1];
    for (size_t i = 0; i < unit_count; i++) {
        if (value == 0 ? units[i].worth == 1 : value % units[i].worth == 0) {
            unit = &units[i];
            break;
        }
    }
    snprintf(out, OPTION_VALUE_SIZE, "%lld%s", (long long)(value / unit->worth), unit->name);
}

int leat__option_read_count(const char *text, int64_t *out)
{
    return read_value(text, no_units, COUNT_OF(no_units), out);
}

int leat__option_read_bytes(const char *text, int64_t *out)
{
    return read_value(text, size_units, COUNT_OF(size_units), out);
}

int leat__option_read_duration(const char *text, int64_t *out_ms)
{
    if (strcasecmp(text, "never") == 0) {
        *out_ms = -1;
        return 0;
    }
    return read_value(text, time_units, COUNT_OF(time_units), out_ms);
}

void leat__option_write_count(char *out, int64_t count)
{
    write_value(out, count, no_units, COUNT_OF(no_units));
}

void leat__option_write_bytes(char *out, int64_t bytes)
{
    write_value(out, bytes, size_units, COUNT_OF(size_units));
}

void leat__option_write_duration(char *out, int64_t ms)
{
    if (ms < 0)
        snprintf(out, OPTION_VALUE_SIZE, "never");
    else
        write_value(out, ms, time_units, COUNT_OF(time_units));
}

int leat__option_find_word(const char *words, const char *written)
{
    for (int index = 0;; index++) {
        size_t size = strcspn(words, "|");
        if (strlen(written) == size && memcmp(words, written, size) == 0)
            return index;
        if (words[size] == '\0')
            return -1;
        words += size + 1;
    }
}

enum { WORD_MAX = 40 };

/* Levenshtein's distance, one row at a time; a swap of neighbours counts two. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t a_size = strlen(a), b_size = strlen(b);
    if (a_size > WORD_MAX || b_size > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= b_size; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a_size; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++) {
            unsigned replaced = diagonal + (a[i - 1] != b[j - 1]);
            unsigned shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[b_size];
}

int leat__option_nearest(const char *written, const char *const *words, unsigned count)
{
    size_t written_size = strlen(written);
    int best = -1;
    unsigned best_distance = WORD_MAX;
    for (unsigned i = 0; i < count; i++) {
        if (words[i] == NULL || written_size == 0)
            continue;
        size_t longer = size_max(strlen(words[i]), written_size);
        unsigned bound = longer < 6 ? 2 : (unsigned)longer / 3;
        unsigned d = distance(written, words[i]);
        if (strncmp(written, words[i], written_size) == 0)
            d = 1;
        if (d <= bound && d < longer && d < best_distance) {
            best = (int)i;
            best_distance = d;
        }
    }
    return best;
}
