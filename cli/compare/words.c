/* words.c: a command line becomes words, as a shell would part it, and {names} in them become values.
 *
 * There is no shell: nothing is looked up, expanded or run but the program that the first word names. Names are filled in after
 * the parting, so a value with a blank or a quote in it stays one word. */
#include "compare/compare.h"

#include <errno.h>
#include <stdio.h>

/* What is being read. */
struct reader {
    struct compare_words *w;
    const char *at;
    bool in_word;
};

static bool put(struct compare_words *w, char c)
{
    if (w->size == sizeof w->text)
        return false;
    w->text[w->size++] = c;
    return true;
}

/* The octet belongs to a word, a new one if there is none. */
static bool take(struct reader *r, char c)
{
    struct compare_words *w = r->w;
    if (!r->in_word) {
        if (w->count == COMPARE_WORDS_MAX)
            return false;
        w->word[w->count++] = &w->text[w->size];
        r->in_word = true;
    }
    return c == '\0' || put(w, c);
}

/* From behind a quote to behind the next one. 0; -EINVAL: there is none; -E2BIG. */
static int take_quoted(struct reader *r, char quote)
{
    if (!take(r, '\0')) /* '' is a word too */
        return -E2BIG;
    for (; *r->at != quote; r->at++) {
        if (quote == '"' && *r->at == '\\' && r->at[1] != '\0' && strchr("\"\\$`", r->at[1]) != NULL)
            r->at++;
        if (*r->at == '\0')
            return -EINVAL;
        if (!take(r, *r->at))
            return -E2BIG;
    }
    r->at++;
    return 0;
}

static int take_one(struct reader *r, char *error, size_t error_size)
{
    char c = *r->at++;
    int status = 0;
    if (c == ' ' || c == '\t' || c == '\n') {
        if (r->in_word && !put(r->w, '\0'))
            return -E2BIG;
        r->in_word = false;
    } else if (c == '\'' || c == '"') {
        status = take_quoted(r, c);
        if (status == -EINVAL)
            snprintf(error, error_size, "a %c is never closed", c);
    } else if (strchr("|&;<>()$`*?", c) != NULL) {
        snprintf(error, error_size,
                 "%c is for a shell, and none is asked: quote it, or write sh -c 'exec ...'", c);
        status = -EINVAL;
    } else if (c == '\\' && *r->at == '\0') {
        snprintf(error, error_size, "a \\ stands at the end");
        status = -EINVAL;
    } else {
        status = take(r, c == '\\' ? *r->at++ : c) ? 0 : -E2BIG;
    }
    return status;
}

int leat__compare_words_split(struct compare_words *w, const char *line, char *error, size_t error_size)
{
    struct reader r = {.w = w, .at = line};
    int status = 0;
    w->count = 0;
    w->size = 0;
    while (status == 0 && *r.at != '\0')
        status = take_one(&r, error, error_size);
    if (status == 0 && r.in_word && !put(w, '\0'))
        status = -E2BIG;
    if (status == 0 && w->count == 0) {
        snprintf(error, error_size, "it is empty");
        status = -EINVAL;
    }
    if (status == -E2BIG)
        snprintf(error, error_size, "it is longer than %d octets or %d words", COMPARE_TEXT_SIZE,
                 COMPARE_WORDS_MAX);
    w->word[w->count] = NULL;
    return status;
}

/* The setting whose {name} the text begins with, or NULL. */
static const struct compare_setting *find_setting(const char *text,
                                                  const struct compare_setting *settings, uint32_t count)
{
    for (uint32_t i = 0; *text == '{' && i < count; i++) {
        size_t size = strlen(settings[i].name);
        if (strncmp(text + 1, settings[i].name, size) == 0 && text[1 + size] == '}')
            return &settings[i];
    }
    return NULL;
}

int leat__compare_fill(char *to, size_t size, const char *from,
                       const struct compare_setting *settings, uint32_t count)
{
    size_t used = 0;
    while (*from != '\0') {
        const struct compare_setting *setting = find_setting(from, settings, count);
        const char *piece = setting != NULL ? setting->value : from;
        size_t piece_size = setting != NULL ? strlen(setting->value) : 1;
        if (piece_size >= size - used)
            return -E2BIG;
        memcpy(to + used, piece, piece_size);
        used += piece_size;
        from += setting != NULL ? strlen(setting->name) + 2 : 1;
    }
    if (used == size)
        return -E2BIG;
    to[used] = '\0';
    return 0;
}

int leat__compare_words_fill(struct compare_words *to, const struct compare_words *from,
                             const struct compare_setting *settings, uint32_t count)
{
    to->count = from->count;
    to->size = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        to->word[i] = to->text + to->size;
        if (leat__compare_fill(to->word[i], sizeof to->text - to->size, from->word[i], settings, count) < 0)
            return -E2BIG;
        to->size += strlen(to->word[i]) + 1;
    }
    to->word[to->count] = NULL;
    return 0;
}

bool leat__compare_has(const char *text, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = text; (at = strchr(at, '{')) != NULL; at++)
        if (strncmp(at + 1, name, size) == 0 && at[1 + size] == '}')
            return true;
    return false;
}
