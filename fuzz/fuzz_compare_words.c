/* fuzz_compare_words.c: any text as a command of leat compare: it becomes words or is refused in words; every word lies in the
 * text and ends; and quoting each word and splitting again gives the same words. Then {a} and {b} are filled in. */
#define _GNU_SOURCE
#include "compare/compare.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct compare_words *w)
{
    ASSERT(w->count > 0 && w->count <= COMPARE_WORDS_MAX && w->word[w->count] == NULL &&
           w->size <= sizeof w->text);
    for (uint32_t i = 0; i < w->count; i++) {
        ASSERT(w->word[i] >= w->text && w->word[i] < w->text + w->size);
        ASSERT(memchr(w->word[i], '\0', (size_t)(w->text + w->size - w->word[i])) != NULL);
    }
}

/* In quotes, a quote of its own outside of them; answers whether there was room. */
static bool quote(char *to, size_t size, const struct compare_words *w)
{
    size_t used = 0;
    for (uint32_t i = 0; i < w->count; i++) {
        to[used++] = '\'';
        for (const char *c = w->word[i]; *c != '\0'; c++) {
            if (used + 8 > size)
                return false;
            if (*c == '\'') {
                memcpy(to + used, "'\\'", 3);
                used += 3;
            }
            to[used++] = *c;
        }
        memcpy(to + used, "' ", 3);
        used += 2;
        if (used + 8 > size)
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct compare_words words, again, filled;
    static char quoted[COMPARE_TEXT_SIZE * 4];
    const struct compare_setting settings[] = {{"a", "one two"}, {"b", "{a}"}, {"port", "12345"}};
    char error[COMPARE_ERROR_SIZE] = "";
    char *line = malloc(size + 1);
    ASSERT(line != NULL);
    memcpy(line, data, size);
    line[size] = '\0';
    int status = leat__compare_words_split(&words, line, error, sizeof error);
    free(line);
    ASSERT(status == 0 || error[0] != '\0');
    if (status < 0)
        return 0;
    check(&words);
    if (quote(quoted, sizeof quoted, &words)) {
        ASSERT(leat__compare_words_split(&again, quoted, error, sizeof error) == 0);
        ASSERT(again.count == words.count);
        for (uint32_t i = 0; i < words.count; i++)
            ASSERT(strcmp(words.word[i], again.word[i]) == 0);
    }
    if (leat__compare_words_fill(&filled, &words, settings, COUNT_OF(settings)) == 0)
        check(&filled);
    return 0;
}
