/* negotiate.c: what the client takes, and what it has sent. The grammar is http/accept.c's. */
#include "exchange/exchange.h"
#include "http/accept.h"
#include <errno.h>

static const char *const names[] = {
    [HTTP_ACCEPT] = "Accept",
    [HTTP_ACCEPT_LANGUAGE] = "Accept-Language",
    [HTTP_ACCEPT_ENCODING] = "Accept-Encoding",
};

static uint32_t weigh(const struct leat_exchange *x, enum http_accept kind, const char *offer)
{
    struct http_liking liking = {0};
    const char *name = names[kind];
    const struct http1_field *field;
    unsigned from = 0;
    while ((field = leat__http1_find(&x->head, x->bytes, name, strlen(name), &from)) != NULL)
        leat__http_accept_read(&liking, kind, offer,
                               (struct http_text){x->bytes + field->value_at, field->value_size});
    return leat__http_accept_weight(&liking, kind, offer);
}

static int choose(leat_exchange *x, enum http_accept kind, const char *const *offers, size_t count)
{
    int best = -1;
    uint32_t most = 0;
    leat_vary(x, names[kind]);
    for (size_t i = 0; i < count; i++) {
        uint32_t weight = weigh(x, kind, offers[i]);
        if (weight > most) {
            most = weight;
            best = (int)i;
        }
    }
    return best;
}

int leat_accepts(leat_exchange *x, const char *const *types, size_t count)
{
    return choose(x, HTTP_ACCEPT, types, count);
}

int leat_accepts_language(leat_exchange *x, const char *const *tags, size_t count)
{
    return choose(x, HTTP_ACCEPT_LANGUAGE, tags, count);
}

int leat_accepts_encoding(leat_exchange *x, const char *const *codings, size_t count)
{
    return choose(x, HTTP_ACCEPT_ENCODING, codings, count);
}

int leat_vary(leat_exchange *x, const char *name)
{
    leat_slice old = leat_response_field(x, "Vary");
    struct http_text rest = {old.data, old.size}, element;
    if (name == NULL)
        return -EINVAL;
    if (old.size == 0)
        return leat_field_set(x, "Vary", name);
    while (leat__http_list_next(&rest, &element))
        if (leat__http_text_is(element, name) || leat__http_text_is(element, "*"))
            return 0;
    const char *both = leat_printf(x, "%.*s, %s", (int)old.size, old.data, name);
    return both != NULL ? leat_field_set(x, "Vary", both) : -ENOMEM;
}

/* ── The content's type ── */

bool leat__exchange_media(leat_exchange *x, struct http_media *media)
{
    leat_slice type = leat_field(x, "Content-Type");
    return type.data != NULL && leat__http_media_parse((struct http_text){type.data, type.size}, media);
}

bool leat_content_is(leat_exchange *x, const char *media_type)
{
    struct http_media sent, wanted;
    return leat__exchange_media(x, &sent) &&
           leat__http_media_parse((struct http_text){media_type, strlen(media_type)}, &wanted) &&
           leat__http_text_same(sent.type, wanted.type) &&
           leat__http_text_same(sent.subtype, wanted.subtype);
}

int leat_content_need(leat_exchange *x, const char *media_type)
{
    if (leat_content_is(x, media_type))
        return 0;
    leat_field_set(x, "Accept", media_type);
    leat__exchange_overrule(x, 415, "The content is of another media type than this resource takes");
    return -EMEDIUMTYPE;
}
