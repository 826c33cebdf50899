/* etag.c: validators for what handlers make. The content is digested after the handler has made it: that saves sending it
 * to who has it, not making it. */
#include "exchange/exchange.h"
#include "base/digest.h"
#include "handler/middleware.h"
#include "http/conditions.h"

enum { ETAG_CONTENT_MAX = 256 * 1024 /* a quarter of a millisecond's digest */ };

struct etag {
    bool strong;
    uint32_t max;
};

static const struct etag by_default = {.max = ETAG_CONTENT_MAX};

/* Sets the field, if the response is one to get it. */
static void add_tag(leat_exchange *x, const struct etag *etag)
{
    static const char hex[] = "0123456789abcdef";
    struct digest d;
    uint8_t sum[DIGEST_SIZE];
    char tag[2 + 1 + 2 * DIGEST_SIZE + 1 + 1], *at = tag;
    leat_slice content;
    if (!leat_response_content(x, &content) || content.size > etag->max)
        return;
    leat__digest_init(&d);
    if (content.size > 0)
        leat__digest_add(&d, content.data, content.size);
    leat__digest_end(&d, sum);
    if (!etag->strong) {
        *at++ = 'W';
        *at++ = '/';
    }
    *at++ = '"';
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        *at++ = hex[sum[i] >> 4];
        *at++ = hex[sum[i] & 15];
    }
    *at++ = '"';
    *at = '\0';
    leat_field_set(x, "ETag", tag);
}

static unsigned judge(leat_exchange *x, leat_slice tag)
{
    struct http_conditions conditions;
    leat_slice name, value;
    http_conditions_clear(&conditions);
    for (size_t i = 0; leat_field_at(x, i, &name, &value); i++)
        leat__http_conditions_read(&conditions, name.data, name.size, value.data, value.size);
    bool weak = tag.size > 2 && tag.data[0] == 'W';
    struct http_validators validators = {.etag = {tag.data, tag.size},
                                         .etag_weak = weak,
                                         .modified_s = INT64_MIN,
                                         .now_s = *x->common->now_s,
                                         .exists = true};
    if (weak)
        validators.etag = (struct http_text){tag.data + 2, tag.size - 2};
    return conditions.any ? leat__http_conditions_judge(&conditions, x->head.method, &validators) : 0;
}

void leat_etag(leat_exchange *x)
{
    const struct etag *etag = leat_data(x) != NULL ? leat_data(x) : &by_default;
    leat_slice content, tag;
    leat_next(x);
    bool is_read = x->head.method == HTTP_GET || x->head.method == HTTP_HEAD;
    if (!is_read || leat_response_status(x) != 200 || !leat_response_content(x, &content))
        return;
    if (leat_response_field(x, "ETag").data == NULL)
        add_tag(x, etag);
    tag = leat_response_field(x, "ETag");
    unsigned status = tag.data != NULL ? judge(x, tag) : 0;
    if (status == 304)
        leat_status(x, 304);
    else if (status != 0)
        leat_problem(x, (int)status, NULL);
}

void *leat_etag_create_sized(leat_app *app, const leat_etag_options *given, size_t given_size)
{
    leat_etag_options options;
    options_take(&options, sizeof options, given, given_size);
    struct etag *etag = leat__middleware_alloc(app, sizeof *etag);
    etag->strong = options.strong;
    etag->max = options.max != 0 ? options.max : ETAG_CONTENT_MAX;
    return etag;
}
