/* parameters.c: see parameters.h. */
#include "http/parameters.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool leat__http_is_tchar(char c)
{
    char small = lower(c);
    if ((small >= 'a' && small <= 'z') || (c >= '0' && c <= '9'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool leat__http_is_token_text(struct http_text text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!leat__http_is_tchar(text.data[i]))
            return false;
    return text.size > 0;
}

bool leat__http_text_same(struct http_text a, struct http_text b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

bool leat__http_text_is(struct http_text text, const char *other)
{
    return leat__http_text_same(text, (struct http_text){other, strlen(other)});
}

static void drop(struct http_text *text, size_t count)
{
    text->data += count;
    text->size -= count;
}

/* Octets from the opening quote to behind the closing one; *closed false: there is none, and it is the whole text. */
static size_t quoted_size(struct http_text text, bool *closed)
{
    *closed = true;
    for (size_t i = 1; i < text.size; i++) {
        if (text.data[i] == '"')
            return i + 1;
        if (text.data[i] == '\\')
            i++;
    }
    *closed = false;
    return text.size;
}

bool leat__http_list_next(struct http_text *rest, struct http_text *element)
{
    while (rest->size > 0) {
        size_t at = 0;
        while (at < rest->size && rest->data[at] != ',') {
            bool closed;
            struct http_text here = {rest->data + at, rest->size - at};
            at += *here.data == '"' ? quoted_size(here, &closed) : 1;
        }
        *element = http_text_trim((struct http_text){rest->data, at});
        drop(rest, size_min(at + 1, rest->size));
        if (element->size > 0)
            return true;
    }
    return false;
}

/* ── Parameters ── */

static void skip_spaces(struct http_text *rest)
{
    while (rest->size > 0 && (*rest->data == ' ' || *rest->data == '\t'))
        drop(rest, 1);
}

static struct http_text take_token(struct http_text *rest)
{
    struct http_text token = {rest->data, 0};
    while (token.size < rest->size && leat__http_is_tchar(rest->data[token.size]))
        token.size++;
    drop(rest, token.size);
    return token;
}

static bool take_quoted(struct http_text *rest, struct http_text *value)
{
    bool closed;
    size_t size = quoted_size(*rest, &closed);
    if (closed)
        *value = (struct http_text){rest->data + 1, size - 2};
    drop(rest, size);
    return closed;
}

enum http_parameter_result leat__http_parameter_next(struct http_text *rest, struct http_parameter *p)
{
    bool behind_semicolon = false;
    for (skip_spaces(rest); rest->size > 0 && *rest->data == ';'; skip_spaces(rest)) {
        drop(rest, 1);
        behind_semicolon = true;
    }
    if (rest->size == 0)
        return HTTP_PARAMETERS_DONE;
    p->name = take_token(rest);
    if (!behind_semicolon || p->name.size == 0 || rest->size == 0 || *rest->data != '=')
        return HTTP_PARAMETERS_BAD;
    drop(rest, 1);
    p->quoted = rest->size > 0 && *rest->data == '"';
    if (p->quoted)
        return take_quoted(rest, &p->value) ? HTTP_PARAMETER : HTTP_PARAMETERS_BAD;
    p->value = take_token(rest);
    return p->value.size > 0 ? HTTP_PARAMETER : HTTP_PARAMETERS_BAD;
}

size_t leat__http_parameter_unquote(char *out, const struct http_parameter *p)
{
    size_t made = 0;
    for (size_t i = 0; i < p->value.size; i++) {
        if (p->quoted && p->value.data[i] == '\\' && i + 1 < p->value.size)
            i++;
        out[made++] = p->value.data[i];
    }
    return made;
}

/* The octet at *at as it is meant; *at moves behind it. */
static char next_meant(const struct http_parameter *p, size_t *at)
{
    if (p->quoted && p->value.data[*at] == '\\' && *at + 1 < p->value.size)
        (*at)++;
    return lower(p->value.data[(*at)++]);
}

bool leat__http_parameter_same(const struct http_parameter *a, const struct http_parameter *b)
{
    size_t i = 0, j = 0;
    while (i < a->value.size && j < b->value.size)
        if (next_meant(a, &i) != next_meant(b, &j))
            return false;
    return i == a->value.size && j == b->value.size;
}

int leat__http_weight_parse(struct http_text text)
{
    enum { WHOLE = 1000 };
    if (text.size == 0 || text.size > 5 || (text.data[0] != '0' && text.data[0] != '1'))
        return -1;
    int weight = text.data[0] == '1' ? WHOLE : 0;
    if (text.size > 1 && text.data[1] != '.')
        return -1;
    int worth = WHOLE / 10;
    for (size_t i = 2; i < text.size; i++, worth /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -1;
        weight += (text.data[i] - '0') * worth;
    }
    return weight <= WHOLE ? weight : -1;
}

int leat__http_weight_of(struct http_text parameters)
{
    struct http_parameter p;
    enum http_parameter_result result;
    while ((result = leat__http_parameter_next(&parameters, &p)) == HTTP_PARAMETER)
        if (leat__http_text_is(p.name, "q"))
            return p.quoted ? -1 : leat__http_weight_parse(p.value);
    return result == HTTP_PARAMETERS_DONE ? 1000 : -1;
}

/* ── Media types ── */

bool leat__http_media_parse(struct http_text text, struct http_media *media)
{
    struct http_text rest = http_text_trim(text);
    media->type = take_token(&rest);
    if (media->type.size == 0 || rest.size == 0 || *rest.data != '/')
        return false;
    drop(&rest, 1);
    media->subtype = take_token(&rest);
    media->parameters = rest;
    skip_spaces(&rest);
    return media->subtype.size > 0 && (rest.size == 0 || *rest.data == ';');
}

bool leat__http_media_is(const struct http_media *media, const char *type, const char *subtype)
{
    return leat__http_text_is(media->type, type) && leat__http_text_is(media->subtype, subtype);
}

/* ── Pairs ── */

bool leat__http_pair_next(struct http_text *rest, char separator, struct http_pair *pair)
{
    while (rest->size > 0) {
        const char *end = memchr(rest->data, separator, rest->size);
        struct http_text text = {rest->data, end ? (size_t)(end - rest->data) : rest->size};
        drop(rest, end ? text.size + 1 : text.size);
        if (separator == ';')
            text = http_text_trim(text);
        if (text.size == 0)
            continue;
        const char *equals = memchr(text.data, '=', text.size);
        size_t name_size = equals ? (size_t)(equals - text.data) : text.size;
        pair->has_value = equals != NULL;
        pair->name = (struct http_text){text.data, name_size};
        pair->value = (struct http_text){text.data + name_size, 0};
        if (equals != NULL)
            pair->value = (struct http_text){equals + 1, text.size - name_size - 1};
        if (separator == ';') {
            pair->name = http_text_trim(pair->name);
            pair->value = http_text_trim(pair->value);
        }
        return true;
    }
    return false;
}
