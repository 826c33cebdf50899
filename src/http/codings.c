/* codings.c: which content coding a client likes best of those there are (RFC 9110 12.5.3).
 *
 *     Accept-Encoding: br;q=1.0, gzip;q=0.5, *;q=0
 *
 * A coding has the weight it is named with, or else that of "*", or else none: what is not named is not wanted. Identity
 * alone is acceptable without being named, but behind everything that is. An element that is malformed is as good as not
 * there. A coding that is named twice has the lower weight, so that "gzip;q=0" means what it says.
 *
 * Without the field anything would do, and identity is what everybody understands. */
#include "http/parameters.h"

enum { WEIGHT_MAX = 1000, UNNAMED = WEIGHT_MAX + 1 };

struct weights {
    uint16_t of[CODING_COUNT], rest; /* thousandths; rest: of "*" */
};

const char *leat__http_coding_name(enum http_coding coding)
{
    static const char names[CODING_COUNT][5] = {"", "br", "gzip"};
    return names[coding];
}

/* NULL: a coding that we never have. */
static uint16_t *weight_of(struct weights *w, struct http_text coding)
{
    if (leat__http_text_is(coding, "br"))
        return &w->of[CODING_BR];
    if (leat__http_text_is(coding, "gzip") || leat__http_text_is(coding, "x-gzip")) /* 8.4.1.3 */
        return &w->of[CODING_GZIP];
    if (leat__http_text_is(coding, "identity"))
        return &w->of[CODING_IDENTITY];
    return leat__http_text_is(coding, "*") ? &w->rest : NULL;
}

/* "gzip", "gzip;q=0.5", with spaces around the semicolon */
static void read_element(struct weights *w, struct http_text element)
{
    int weight = WEIGHT_MAX;
    const char *semicolon = memchr(element.data, ';', element.size);
    if (semicolon != NULL) {
        const char *end = element.data + element.size;
        struct http_text parameter = {semicolon + 1, (size_t)(end - semicolon - 1)};
        parameter = http_text_trim(parameter);
        if (parameter.size < 2 || (parameter.data[0] | 0x20) != 'q' || parameter.data[1] != '=')
            return;
        weight = leat__http_weight_parse((struct http_text){parameter.data + 2, parameter.size - 2});
        if (weight < 0)
            return;
        element.size = (size_t)(semicolon - element.data);
        element = http_text_trim(element);
    }
    uint16_t *known = weight_of(w, element);
    if (known != NULL && weight < *known)
        *known = (uint16_t)weight;
}

enum http_coding leat__http_coding_choose(const struct http_lines *accept_encoding, unsigned there)
{
    static const enum http_coding liked[] = {CODING_BR, CODING_GZIP, CODING_IDENTITY};
    there |= 1u << CODING_IDENTITY;
    if (there == 1u << CODING_IDENTITY || accept_encoding->count == 0 ||
        accept_encoding->count > CONDITION_LINES_MAX)
        return CODING_IDENTITY;
    struct weights w = {.of = {UNNAMED, UNNAMED, UNNAMED}, .rest = UNNAMED};
    for (uint32_t i = 0; i < accept_encoding->count; i++) {
        struct http_text rest = accept_encoding->lines[i], element;
        while (leat__http_list_next(&rest, &element))
            read_element(&w, element);
    }
    enum http_coding best = CODING_IDENTITY;
    uint16_t most = 0;
    for (size_t i = 0; i < COUNT_OF(liked); i++) {
        uint16_t weight = w.of[liked[i]] != UNNAMED ? w.of[liked[i]] : w.rest;
        if ((there >> liked[i] & 1) == 0 || weight == UNNAMED || weight <= most)
            continue;
        best = liked[i];
        most = weight;
    }
    return best;
}
