/* request.c: what a handler asks of the request. Slices point into the head as it came; C strings are decoded copies in
 * the arena, made when asked for. */
#include "base/clock.h"
#include "exchange/exchange.h"
#include <errno.h>
#include <stdlib.h>

static leat_slice slice_of(const struct leat_exchange *x, uint16_t at, uint16_t size)
{
    return (leat_slice){x->bytes + at, size};
}

const char *leat_method(leat_exchange *x)
{
    if (x->head.method != HTTP_METHOD_UNKNOWN)
        return leat__http_method_name(x->head.method);
    char *copy = leat_alloc(x, x->head.method_size + (size_t)1);
    if (copy == NULL)
        return "";
    memcpy(copy, x->bytes + x->head.method_at, x->head.method_size);
    copy[x->head.method_size] = '\0';
    return copy;
}

leat_slice leat_target(leat_exchange *x)
{
    return slice_of(x, x->head.target_at, x->head.target_size);
}

leat_slice leat_path(leat_exchange *x)
{
    if (x->head.path_size == 0)
        return (leat_slice){"/", 1};
    return slice_of(x, x->head.path_at, x->head.path_size);
}

leat_slice leat_authority(leat_exchange *x)
{
    return slice_of(x, x->head.authority_at, x->head.authority_size);
}

leat_slice leat_query_string(leat_exchange *x)
{
    return slice_of(x, x->head.query_at, x->head.query_size);
}

leat_slice leat_content(leat_exchange *x)
{
    if (x->way.content != CONTENT_WHOLE) /* content_size counts pieces too */
        return (leat_slice){"", 0};
    return (leat_slice){x->content ? x->content : "", x->content_size};
}

void *leat_data(leat_exchange *x)
{
    return x->link->data;
}

void *leat_shard_data(leat_exchange *x)
{
    return x->chain != NULL && x->chain->state != 0 ? x->common->states[x->chain->state - 1] : NULL;
}

leat_slice leat_field(leat_exchange *x, const char *name)
{
    unsigned from = 0;
    const struct http1_field *field = leat__http1_find(&x->head, x->bytes, name, strlen(name), &from);
    if (field == NULL)
        return (leat_slice){NULL, 0};
    return slice_of(x, field->value_at, field->value_size);
}

bool leat_field_at(leat_exchange *x, size_t i, leat_slice *name, leat_slice *value)
{
    if (i >= x->head.field_count)
        return false;
    const struct http1_field *field = &x->head.fields[i];
    *name = slice_of(x, field->name_at, field->name_size);
    *value = slice_of(x, field->value_at, field->value_size);
    return true;
}

char *leat__exchange_copy(struct leat_exchange *x, struct http_text text, bool percent, bool plus)
{
    char *copy = leat_alloc(x, text.size + 1);
    if (copy == NULL)
        return NULL;
    ptrdiff_t n = (ptrdiff_t)text.size;
    if (percent)
        n = leat__http1_percent_decode(copy, text.data, text.size, plus, false);
    else if (n > 0)
        memcpy(copy, text.data, text.size);
    if (n < 0)
        return NULL;
    copy[n] = '\0';
    return copy;
}

/* -1: the route has none of that name. */
static int find_param(const struct leat_exchange *x, const char *name)
{
    for (int i = 0; i < x->match.param_count; i++)
        if (strcmp(x->match.names[i], name) == 0)
            return i;
    return x->match.param_count > 0 ? leat__match_number(x, name) : -1;
}

const char *leat_param(leat_exchange *x, const char *name)
{
    int i = find_param(x, name);
    if (i < 0)
        return "";
    const struct router_param *p = &x->match.params[i];
    const char *copy = leat__exchange_copy(x, (struct http_text){x->path + p->at, p->size},
                                           x->head.flags & HTTP1_PERCENT, false);
    return copy ? copy : "";
}

static int64_t integer_or(const char *text, int64_t otherwise)
{
    char *end;
    if (text == NULL || !(*text == '-' || (*text >= '0' && *text <= '9')))
        return otherwise;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' ? value : otherwise;
}

/* The text's memory goes back, unless it was the first of a new chunk. */
int64_t leat__exchange_integer(struct leat_exchange *x, char *before, const char *text, int64_t otherwise)
{
    int64_t value = integer_or(text, otherwise);
    if (text == before)
        x->arena.at = before;
    return value;
}

int64_t leat_param_int(leat_exchange *x, const char *name, int64_t otherwise)
{
    char *before = x->arena.at;
    return leat__exchange_integer(x, before, leat_param(x, name), otherwise);
}

uint64_t leat_now_ns(void)
{
    return (uint64_t)leat__clock_now_ns();
}
