/* ranges.c: a part of a response that a handler has made whole (RFC 9110 14): the response's place and size are moved to
 * the range that is asked for. Several ranges would need a content of our own around them; the whole answers those too. */
#include "exchange/exchange.h"
#include "http/conditions.h"
#include "leat/send.h"
#include <errno.h>

static void read_validators(struct leat_exchange *x, struct http_validators *v)
{
    leat_slice tag = leat_response_field(x, "ETag"), date = leat_response_field(x, "Last-Modified");
    *v = (struct http_validators){.modified_s = INT64_MIN, .now_s = *x->common->now_s, .exists = true};
    if (tag.size > 2) {
        v->etag_weak = tag.data[0] == 'W' && tag.data[1] == '/';
        v->etag = (struct http_text){tag.data + (v->etag_weak ? 2 : 0),
                                     tag.size - (v->etag_weak ? 2 : 0)};
    }
    if (date.size > 0)
        v->modified_s = leat__http_date_parse(date.data, date.size);
}

/* Whether there is anything to be done: the request's fields are gathered. */
static bool read_conditions(struct leat_exchange *x, struct http_conditions *conditions)
{
    leat_slice name, value;
    http_conditions_clear(conditions);
    for (size_t i = 0; leat_field_at(x, i, &name, &value); i++)
        leat__http_conditions_read(conditions, name.data, name.size, value.data, value.size);
    return conditions->range.count > 0;
}

static void take_part(struct leat_exchange *x, const struct http_range *range)
{
    struct response *r = &x->response;
    leat_field_setf(x, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)range->first,
                    (unsigned long long)(range->first + range->size - 1),
                    (unsigned long long)r->content_size);
    r->status = 206;
    r->content_size = range->size;
    if (r->file >= 0)
        r->file_offset += range->first;
    else
        r->content += range->first;
}

int leat_allow_ranges(leat_exchange *x)
{
    const struct response *r = &x->response;
    struct http_conditions conditions;
    struct http_validators validators;
    struct http_range ranges[RANGES_MAX];
    if (r->status == 0 || (x->flags & (X_PIECES | X_SENT)) || x->way.stream != STREAM_NONE)
        return -EPERM;
    leat_field_set(x, "Accept-Ranges", "bytes");
    if (r->status != 200 || x->head.method != HTTP_GET || !read_conditions(x, &conditions))
        return 0;
    read_validators(x, &validators);
    int count = leat__http_ranges(&conditions, &validators, r->content_size, ranges);
    if (count == 1) {
        take_part(x, &ranges[0]);
    } else if (count < 0) {
        leat_field_setf(x, "Content-Range", "bytes */%llu", (unsigned long long)r->content_size);
        leat_problem(x, 416, NULL);
    }
    return 0;
}
