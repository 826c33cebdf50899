/* candidates.c: what is compared: commands and addresses as they were written, or one command with {NAMES} for which --vary
 * gives values: then every combination is a candidate, the last setting changing fastest, and the first combination of all is
 * the base. */
#include "compare/compare.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char DEFAULT_URL[] = "http://127.0.0.1:{port}/";

static int fail(char *error, size_t error_size, const char *what)
{
    snprintf(error, error_size, "%s", what);
    return -EINVAL;
}

/* ── Settings ── */

static bool is_name(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '-')
            return false;
    return size > 0;
}

static int add_value(struct compare_vary *v, const char *value, size_t size, char *error, size_t error_size)
{
    if (v->count == COMPARE_VALUES_MAX || size >= sizeof v->value[0]) {
        snprintf(error, error_size, "--vary %s: at most %d values of at most %zu octets can be given",
                 v->name, COMPARE_VALUES_MAX, sizeof v->value[0] - 1);
        return -EINVAL;
    }
    memcpy(v->value[v->count], value, size);
    v->value[v->count][size] = '\0';
    for (uint32_t i = 0; i < v->count; i++)
        if (strcmp(v->value[i], v->value[v->count]) == 0) {
            snprintf(error, error_size, "--vary %s: %s is given twice", v->name, v->value[i]);
            return -EINVAL;
        }
    v->count++;
    return 0;
}

int leat__compare_vary_read(struct compare_vary *v, const char *text, char *error, size_t error_size)
{
    const char *equals = strchr(text, '=');
    size_t size = equals != NULL ? (size_t)(equals - text) : 0;
    *v = (struct compare_vary){0};
    if (!is_name(text, size) || size >= sizeof v->name) {
        snprintf(error, error_size, "--vary %.100s: write NAME=VALUE,VALUE, like loop=uring,epoll", text);
        return -EINVAL;
    }
    memcpy(v->name, text, size);
    if (strcmp(v->name, "port") == 0)
        return fail(error, error_size, "--vary port: {port} is filled in anyway; take another name");
    for (const char *value = equals + 1;; value++) {
        size_t length = strcspn(value, ",");
        if (add_value(v, value, length, error, error_size) < 0)
            return -EINVAL;
        value += length;
        if (*value == '\0')
            return 0;
    }
}

/* ── One candidate ── */

static bool is_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0 ||
           strncmp(text, "unix:/", 6) == 0;
}

/* URL[@PID] */
static int read_url(struct compare_candidate *c, char *error, size_t error_size)
{
    const char *at = strrchr(c->text, '@');
    size_t size = strlen(c->text);
    if (at != NULL && at[1] != '\0' && at[1 + strspn(at + 1, "0123456789")] == '\0') {
        long pid = strtol(at + 1, NULL, 10);
        if (pid <= 0 || pid > INT32_MAX)
            return fail(error, error_size, "behind @ the number of the server's process is expected");
        c->pid = (pid_t)pid;
        size = (size_t)(at - c->text);
    }
    if (size >= sizeof c->url)
        return fail(error, error_size, "the address is too long");
    memcpy(c->url, c->text, size);
    c->url[size] = '\0';
    return 0;
}

static int read_command(struct compare_candidate *c, const char *url, char *error, size_t error_size)
{
    if (leat__compare_words_split(&c->command, c->text, error, error_size) < 0)
        return -EINVAL;
    if (url == NULL && !leat__compare_has(c->text, "port"))
        return fail(error,
                    error_size, "it has no {port}, for the port that it shall listen on; or say with --url where it answers");
    if (url != NULL && leat__compare_has(url, "port") && !leat__compare_has(c->text, "port"))
        return fail(error, error_size, "it has no {port}, and --url has");
    bool is_path = url != NULL && url[0] == '/';
    if (is_path && !leat__compare_has(c->text, "port"))
        return fail(error, error_size, "it has no {port}, for the port that it shall listen on");
    size_t base = is_path ? sizeof DEFAULT_URL - 2 : 0;
    if ((url != NULL ? strlen(url) : 0) + sizeof DEFAULT_URL >= sizeof c->url)
        return fail(error, error_size, "--url is too long");
    memcpy(c->url, DEFAULT_URL, base);
    snprintf(c->url + base, sizeof c->url - base, "%s", url != NULL ? url : DEFAULT_URL);
    return 0;
}

static int read_one(struct compare_candidate *c, const char *text, const char *url, char *error,
                    size_t error_size)
{
    char why[COMPARE_ERROR_SIZE / 2];
    *c = (struct compare_candidate){.text = text};
    int status = is_url(text) ? read_url(c, why, sizeof why) : read_command(c, url, why, sizeof why);
    if (status < 0)
        snprintf(error, error_size, "%.200s: %s", text[0] != '\0' ? text : "''", why);
    return status;
}

/* ── All of them ── */

static int check_vary(const struct compare_options *o, char *error, size_t error_size)
{
    size_t all = 1;
    if (o->operand_count != 1)
        return fail(error, error_size, "--vary takes one command, with {NAME} where the values go");
    if (is_url(o->operands[0]))
        return fail(error, error_size,
                    "--vary takes a command: a server that runs already keeps its settings");
    for (uint32_t i = 0; i < o->vary_count; i++) {
        const char *name = o->vary[i].name;
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(o->vary[k].name, name) == 0) {
                snprintf(error, error_size, "--vary %s is given twice; write --vary %s=V1,V2", name, name);
                return -EINVAL;
            }
        if (!leat__compare_has(o->operands[0], name) &&
            !(o->url != NULL && leat__compare_has(o->url, name))) {
            snprintf(error, error_size, "--vary %s: the command has no {%s}", name, name);
            return -EINVAL;
        }
        all *= o->vary[i].count;
        if (all > COMPARE_CANDIDATES_MAX) {
            snprintf(error, error_size, "these settings make more than %d candidates; leave some out",
                     COMPARE_CANDIDATES_MAX);
            return -EINVAL;
        }
    }
    return all > 1 ? (int)all
                   : fail(error, error_size,
                          "--vary: there is one value only, and nothing to compare it with");
}

/* The settings of the index-th combination. */
static int choose(struct compare_candidate *c, const struct compare_options *o, uint32_t index,
                  char *error, size_t error_size)
{
    size_t used = 0;
    uint32_t below = 1; /* combinations of the settings behind this one */
    for (uint32_t i = 1; i < o->vary_count; i++)
        below *= o->vary[i].count;
    for (uint32_t i = 0; i < o->vary_count; i++) {
        const struct compare_vary *v = &o->vary[i];
        const char *value = v->value[index / below % v->count];
        snprintf(c->settings[i].name, sizeof c->settings[i].name, "%s", v->name);
        snprintf(c->settings[i].value, sizeof c->settings[i].value, "%s", value);
        used += (size_t)snprintf(c->name + used, sizeof c->name - used, "%s%s=%s", i > 0 ? " " : "",
                                 v->name, value);
        if (used >= sizeof c->name)
            return fail(error, error_size, "--vary: names and values are too long together");
        below /= i + 1 < o->vary_count ? o->vary[i + 1].count : 1;
    }
    c->setting_count = o->vary_count;
    return 0;
}

static int sweep(struct compare_candidate *candidates, const struct compare_options *o, char *error,
                 size_t error_size)
{
    int count = check_vary(o, error, error_size);
    for (int i = 0; i < count; i++)
        if (read_one(&candidates[i], o->operands[0], o->url, error, error_size) < 0 ||
            choose(&candidates[i], o, (uint32_t)i, error, error_size) < 0)
            return -EINVAL;
    return count;
}

int leat__compare_candidates(struct compare_candidate *candidates, const struct compare_options *o,
                             char *error, size_t error_size)
{
    if (o->vary_count > 0)
        return sweep(candidates, o, error, error_size);
    if (o->operand_count < 2)
        return fail(
            error, error_size,
            "give two commands or addresses at least, each in quotes, or one command and --vary");
    for (uint32_t i = 0; i < o->operand_count; i++) {
        struct compare_candidate *c = &candidates[i];
        if (read_one(c, o->operands[i], o->url, error, error_size) < 0)
            return -EINVAL;
        if (i < 26)
            c->name[0] = (char)('A' + i);
        else
            snprintf(c->name, sizeof c->name, "%u", i + 1);
    }
    return (int)o->operand_count;
}
