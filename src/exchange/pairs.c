/* pairs.c: going over the names and values of a query, of a form, of the Cookie fields. Nothing is gathered: a pair is found
 * where it lies, as sent. A handler that asks for the pairs by their numbers, one after the other, goes on where it was, so
 * that a long list costs no more than its length. */
#include "exchange/exchange.h"

void leat__pairs_begin(const struct leat_exchange *x, enum pairs_of of, struct pair_cursor *cursor)
{
    *cursor = (struct pair_cursor){0};
    if (of == PAIRS_QUERY)
        cursor->rest = (struct http_text){x->bytes + x->head.query_at, x->head.query_size};
    else if (of == PAIRS_FORM && x->content != NULL)
        cursor->rest = (struct http_text){x->content, (size_t)x->content_size};
}

static bool next_cookie(const struct leat_exchange *x, struct pair_cursor *cursor, struct http_pair *pair)
{
    while (!leat__http_pair_next(&cursor->rest, ';', pair)) {
        const struct http1_field *field = leat__http1_find(&x->head, x->bytes, "Cookie", 6,
                                                           &cursor->from);
        if (field == NULL)
            return false;
        cursor->rest = (struct http_text){x->bytes + field->value_at, field->value_size};
    }
    return true;
}

bool leat__pairs_next(const struct leat_exchange *x, enum pairs_of of, struct pair_cursor *cursor,
                      struct http_pair *pair)
{
    bool found = of == PAIRS_COOKIES ? next_cookie(x, cursor, pair)
                                     : leat__http_pair_next(&cursor->rest, '&', pair);
    cursor->i += found;
    return found;
}

bool leat__pairs_at(struct leat_exchange *x, enum pairs_of of, size_t i, struct http_pair *pair)
{
    struct pair_cursor *cursor = &x->cursor;
    if (x->way.cursor_of != of || cursor->i > i) {
        leat__pairs_begin(x, of, cursor);
        x->way.cursor_of = (uint8_t)of;
    }
    do {
        if (!leat__pairs_next(x, of, cursor, pair)) {
            x->way.cursor_of = PAIRS_NONE;
            return false;
        }
    } while (cursor->i <= i);
    return true;
}
