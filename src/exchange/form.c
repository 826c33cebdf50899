/* form.c: the pairs of queries and of forms (application/x-www-form-urlencoded, as the URL Standard has it), decoded when
 * they are asked for. A form is looked over once, the first time a handler asks: what is malformed or endless is answered
 * with 400 or 413 whatever the handler makes of it, and it finds nothing in it. A query that can't be decoded is no form
 * that somebody filled in: only who goes over all of it hears of it. */
#include "exchange/exchange.h"
#include "http1/classes.h"
#include <errno.h>

enum { FORM_PAIRS_MAX = 1000, NAME_MAX_SENT = 1024 };

/* Whether a name, as sent, means that one. */
static bool name_is(struct http_text sent, const char *name, size_t size)
{
    if (sent.size < size)
        return false;
    if (memchr(sent.data, '%', sent.size) == NULL && memchr(sent.data, '+', sent.size) == NULL)
        return sent.size == size && memcmp(sent.data, name, size) == 0;
    char decoded[NAME_MAX_SENT];
    if (sent.size > sizeof decoded)
        return false;
    ptrdiff_t n = leat__http1_percent_decode(decoded, sent.data, sent.size, true, false);
    return n == (ptrdiff_t)size && memcmp(decoded, name, size) == 0;
}

/* The value of the i-th pair of that name, decoded. NULL: none. */
static const char *find(leat_exchange *x, enum pairs_of of, const char *name, size_t i)
{
    struct pair_cursor cursor;
    struct http_pair pair;
    size_t name_size = strlen(name);
    leat__pairs_begin(x, of, &cursor);
    while (leat__pairs_next(x, of, &cursor, &pair))
        if (name_is(pair.name, name, name_size) && i-- == 0)
            return leat__exchange_copy(x, pair.value, true, true);
    return NULL;
}

static bool is_decodable(struct http_text text)
{
    const char *at = text.data, *end = at + text.size;
    if (text.size == 0)
        return true;
    if (memchr(at, '\0', text.size) != NULL)
        return false;
    while ((at = memchr(at, '%', (size_t)(end - at))) != NULL) {
        bool is_octet = end - at > 2 && octet_is(at[1], CLASS_HEX) && octet_is(at[2], CLASS_HEX) &&
                        (hex_value(at[1]) | hex_value(at[2])) != 0; /* NUL would end the text */
        if (!is_octet)
            return false;
        at += 3;
    }
    return true;
}

static bool pair_at(leat_exchange *x, enum pairs_of of, size_t i, const char **name, const char **value)
{
    struct http_pair pair;
    if (!leat__pairs_at(x, of, i, &pair))
        return false;
    if (!is_decodable(pair.name) || !is_decodable(pair.value)) {
        leat__exchange_overrule(x, 400, "The query is not well encoded");
        return false;
    }
    *name = leat__exchange_copy(x, pair.name, true, true);
    *value = leat__exchange_copy(x, pair.value, true, true);
    return *name != NULL && *value != NULL;
}

/* ── Queries ── */

const char *leat_query(leat_exchange *x, const char *name)
{
    return find(x, PAIRS_QUERY, name, 0);
}

const char *leat_query_nth(leat_exchange *x, const char *name, size_t i)
{
    return find(x, PAIRS_QUERY, name, i);
}

int64_t leat_query_int(leat_exchange *x, const char *name, int64_t otherwise)
{
    char *before = x->arena.at;
    return leat__exchange_integer(x, before, leat_query(x, name), otherwise);
}

bool leat_query_at(leat_exchange *x, size_t i, const char **name, const char **value)
{
    return pair_at(x, PAIRS_QUERY, i, name, value);
}

/* ── Forms ── */

static int look_over(leat_exchange *x)
{
    struct pair_cursor cursor;
    struct http_pair pair;
    if (x->content_size == 0)
        return 0;
    int error = leat_content_need(x, "application/x-www-form-urlencoded");
    if (error < 0)
        return error;
    leat__pairs_begin(x, PAIRS_FORM, &cursor);
    while (leat__pairs_next(x, PAIRS_FORM, &cursor, &pair)) {
        if (cursor.i > FORM_PAIRS_MAX) {
            leat__exchange_overrule(x, 413, "The form has too many fields");
            return -E2BIG;
        }
        if (!is_decodable(pair.name) || !is_decodable(pair.value)) {
            leat__exchange_overrule(x, 400, "The form is not well encoded");
            return -EBADMSG;
        }
    }
    return 0;
}

int leat_form_check(leat_exchange *x)
{
    bool is_whole = x->way.content == CONTENT_NONE || x->way.content == CONTENT_WHOLE;
    if (x->way.form_is_seen)
        return x->way.form_error;
    if (!is_whole)
        return -EPERM;
    x->way.form_is_seen = true;
    x->way.form_error = (int16_t)look_over(x);
    return x->way.form_error;
}

const char *leat_form(leat_exchange *x, const char *name)
{
    return leat_form_nth(x, name, 0);
}

const char *leat_form_nth(leat_exchange *x, const char *name, size_t i)
{
    return leat_form_check(x) == 0 ? find(x, PAIRS_FORM, name, i) : NULL;
}

int64_t leat_form_int(leat_exchange *x, const char *name, int64_t otherwise)
{
    char *before = x->arena.at;
    return leat__exchange_integer(x, before, leat_form(x, name), otherwise);
}

bool leat_form_at(leat_exchange *x, size_t i, const char **name, const char **value)
{
    return leat_form_check(x) == 0 && pair_at(x, PAIRS_FORM, i, name, value);
}
