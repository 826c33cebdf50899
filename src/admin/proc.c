/* proc.c: see proc.h. */
#include "admin/proc.h"
#include <stdlib.h>

/* The next word of its line, behind this one; NULL: there is none. */
static const char *next_word(const char *word)
{
    word += strcspn(word, " \n");
    word += strspn(word, " ");
    return *word != '\n' && *word != '\0' ? word : NULL;
}

static bool is_word(const char *at, const char *word)
{
    size_t size = strlen(word);
    return strncmp(at, word, size) == 0 && (at[size] == ' ' || at[size] == '\n' || at[size] == '\0');
}

/* The line that begins with the group's name; NULL: there is none. */
static const char *line_of(const char *text, const char *group)
{
    while (!is_word(text, group)) {
        text = strchr(text, '\n');
        if (text == NULL)
            return NULL;
        text++;
    }
    return text;
}

static uint64_t number_at(const char *word)
{
    return word != NULL ? strtoull(word, NULL, 10) : 0;
}

uint64_t leat__proc_stat(const char *text, unsigned n)
{
    const char *word = strrchr(text, ')');
    for (unsigned i = 2; word != NULL && i < n; i++)
        word = next_word(word);
    return number_at(word);
}

uint64_t leat__proc_sockstat(const char *text, const char *group, const char *name)
{
    const char *word = line_of(text, group);
    while (word != NULL && !is_word(word, name))
        word = next_word(word);
    return number_at(word != NULL ? next_word(word) : NULL);
}

uint64_t leat__proc_column(const char *text, const char *group, const char *name)
{
    const char *word = line_of(text, group);
    const char *below = word != NULL ? strchr(word, '\n') : NULL;
    below = below != NULL && is_word(below + 1, group) ? below + 1 : NULL;
    while (word != NULL && below != NULL && !is_word(word, name)) {
        word = next_word(word);
        below = next_word(below);
    }
    return number_at(word != NULL ? below : NULL);
}
