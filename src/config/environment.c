/* environment.c: settings from variables: LEAT_IDLE_TIMEOUT=30s is what --idle-timeout 30s is. A list has an item on each
 * line. A variable that is empty says nothing, as a variable that is not there.
 *
 * A name of ours that we don't know is an error: a setting that is silently without effect is worse than none. What our
 * own tests and tools hand to each other is left alone. */
#include "config/effective.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

static const struct option_place here = {.source = SOURCE_ENVIRONMENT};

static bool is_of_tests(const char *name)
{
    static const char *const names[] = {"LEAT_BUILD", "LEAT_SHORT", "LEAT_SEAL_COUNTERS"};
    for (unsigned i = 0; i < COUNT_OF(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return strncmp(name, "LEAT_TEST_", 10) == 0;
}

/* LEAT_IDLE_TIMEOUT → idle-timeout */
static void make_option_name(const char *variable, char *out)
{
    size_t i = 0;
    for (const char *at = variable + 5; *at != '\0'; at++)
        out[i++] = *at == '_' ? '-' : (char)tolower((unsigned char)*at);
    out[i] = '\0';
}

static int tell_unknown(const struct effective *e, const char *variable, char *name, char *error,
                        size_t error_size)
{
    char proposed[OPTION_VARIABLE_SIZE];
    const char *nearest = leat__effective_nearest(e, name, OPTION_OUTSIDE, ~0u);
    if (nearest == NULL) {
        snprintf(error,
                 error_size, "%s: no such variable; take it away: --help lists the options, and LEAT_SHARDS is --shards",
                 variable);
        return -EINVAL;
    }
    leat__option_variable(leat__effective_find_row(e, nearest, NULL), proposed);
    snprintf(error, error_size, "%s: no such variable; did you mean %s?", variable, proposed);
    return -EINVAL;
}

/* One item on each line; blanks around it, and empty lines, say nothing. */
static int add_lines(struct effective *e, const struct option_row *row, const char *text,
                     char *error, size_t error_size)
{
    int status = 0;
    while (*text != '\0' && status == 0) {
        size_t size = strcspn(text, "\n"), from = strspn(text, " \t"), to = size;
        const char *next = text + size + (text[size] == '\n');
        while (to > from && strchr(" \t\r", text[to - 1]) != NULL)
            to--;
        if (from < to) {
            const char *item = leat__effective_copy(e, text + from, to - from);
            if (item == NULL) {
                snprintf(error, error_size, "the environment: more than %d octets of lists",
                         EFFECTIVE_TEXT_MAX);
                return -EINVAL;
            }
            status = leat__effective_add(e, row, 0, &here, item, error, error_size);
        }
        text = next;
    }
    return status;
}

static int read_variable(struct effective *e, const char *variable, const char *text, char *error,
                         size_t error_size)
{
    char name[OPTION_VARIABLE_SIZE];
    make_option_name(variable, name);
    const struct option_row *row = leat__effective_find_row(e, name, NULL);
    if (row == NULL)
        return tell_unknown(e, variable, name, error, error_size);
    if (row->when == OPTION_ONCE) {
        snprintf(error, error_size,
                 "%s: is an order, not a setting; take it away, and write the flag --%s", variable,
                 row->name);
        return -EINVAL;
    }
    if (option_is_list(row))
        return add_lines(e, row, text, error, error_size);
    return text[0] == '\0' ? 0 : leat__effective_add(e, row, 0, &here, text, error, error_size);
}

int leat__environment_read(struct effective *e, char *const *environment, char *error, size_t error_size)
{
    char variable[OPTION_VARIABLE_SIZE];
    int status = 0;
    for (; *environment != NULL && status == 0; environment++) {
        size_t size = strcspn(*environment, "=");
        if (strncmp(*environment, "LEAT_", 5) != 0)
            continue;
        snprintf(variable, sizeof variable, "%.*s", (int)size_min(size, sizeof variable - 1),
                 *environment);
        for (char *at = variable; *at != '\0'; at++)
            *at = (unsigned char)*at < 0x20 ? '?' : *at;
        if (!is_of_tests(variable))
            status = read_variable(e, variable,
                                   (*environment)[size] == '=' ? *environment + size + 1 : "",
                                   error, error_size);
    }
    return status;
}
