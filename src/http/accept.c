/* accept.c: see accept.h. How specific a match is:
 *
 *     media types   "text/plain;format=flowed" before "text/plain" before "text/" "*" before "*" "/" "*"  (12.5.1)
 *     languages     the longest range that is the tag or a part of it up to a hyphen (RFC 4647 3.3.1), then a range that
 *                   the tag is such a part of (3.4: who wants "de-CH" can do with "de"), then "*"
 *     codings       the name before "*"; identity alone is acceptable without being named, behind all that are (12.5.3) */
#include "http/accept.h"

enum { SPECIFIC_ANY = 1, SPECIFIC_TYPE, SPECIFIC_WHOLE };

static struct http_text text_of(const char *text)
{
    return (struct http_text){text, strlen(text)};
}

/* Whether the offer has that parameter with that value. */
static bool has_parameter(const struct http_media *offer, const struct http_parameter *wanted)
{
    struct http_text rest = offer->parameters;
    struct http_parameter p;
    while (leat__http_parameter_next(&rest, &p) == HTTP_PARAMETER)
        if (leat__http_text_same(p.name, wanted->name))
            return leat__http_parameter_same(&p, wanted);
    return false;
}

/* The parameters of an element up to its weight, which ends them. parameters must all be the offer's; NULL: there may be
 * none. false: malformed. */
static bool read_parameters(struct http_text rest, const struct http_media *offer, int *weight,
                            uint32_t *count, bool *all)
{
    struct http_parameter p;
    enum http_parameter_result result;
    *weight = 1000;
    *count = 0;
    *all = true;
    while ((result = leat__http_parameter_next(&rest, &p)) == HTTP_PARAMETER) {
        if (leat__http_text_is(p.name, "q")) {
            *weight = p.quoted ? -1 : leat__http_weight_parse(p.value);
            return *weight >= 0;
        }
        if (offer == NULL)
            return false;
        *count += 1;
        *all = *all && has_parameter(offer, &p);
    }
    return result == HTTP_PARAMETERS_DONE;
}

/* How specific the element is for the offer; 0: it does not match. -1: malformed. */
static int match_media(struct http_text element, const char *offer, int *weight)
{
    struct http_media range, type;
    uint32_t count;
    bool all;
    if (!leat__http_media_parse(element, &range) || !leat__http_media_parse(text_of(offer), &type) ||
        !read_parameters(range.parameters, &type, weight, &count, &all))
        return -1;
    bool any_type = leat__http_text_is(range.type, "*");
    bool any_subtype = leat__http_text_is(range.subtype, "*");
    if (any_type && !any_subtype)
        return -1;
    if (!all || (!any_type && !leat__http_text_same(range.type, type.type)) ||
        (!any_subtype && !leat__http_text_same(range.subtype, type.subtype)))
        return 0;
    return (int)(any_type ? SPECIFIC_ANY : any_subtype ? SPECIFIC_TYPE : SPECIFIC_WHOLE + count);
}

/* Whether part is tag, or all of it up to one of its hyphens. */
static bool is_part_of(struct http_text part, struct http_text tag)
{
    return part.size <= tag.size && (part.size == tag.size || tag.data[part.size] == '-') &&
           leat__http_text_same(part, (struct http_text){tag.data, part.size});
}

static int match_language(struct http_text range, const char *offer)
{
    struct http_text tag = text_of(offer);
    if (leat__http_text_is(range, "*"))
        return SPECIFIC_ANY;
    if (is_part_of(range, tag))
        return (int)(SPECIFIC_WHOLE + range.size);
    return is_part_of(tag, range) ? SPECIFIC_TYPE : 0;
}

static int match_coding(struct http_text coding, const char *offer)
{
    if (leat__http_text_is(coding, "*"))
        return SPECIFIC_ANY;
    if (leat__http_text_is(coding, "x-gzip")) /* 8.4.1.3 */
        coding = text_of("gzip");
    return leat__http_text_is(coding, offer) ? SPECIFIC_WHOLE : 0;
}

static int match_token(enum http_accept kind, struct http_text element, const char *offer, int *weight)
{
    const char *semicolon = memchr(element.data, ';', element.size);
    size_t size = semicolon ? (size_t)(semicolon - element.data) : element.size;
    struct http_text token = http_text_trim((struct http_text){element.data, size});
    struct http_text rest = {element.data + size, element.size - size};
    uint32_t count;
    bool all;
    if (!leat__http_is_token_text(token) || !read_parameters(rest, NULL, weight, &count, &all))
        return -1;
    return kind == HTTP_ACCEPT_LANGUAGE ? match_language(token, offer) : match_coding(token, offer);
}

void leat__http_accept_read(struct http_liking *l, enum http_accept kind, const char *offer,
                            struct http_text line)
{
    struct http_text element;
    l->lines++;
    while (l->elements < HTTP_ACCEPT_ELEMENTS_MAX && leat__http_list_next(&line, &element)) {
        int weight;
        int specificity = kind == HTTP_ACCEPT ? match_media(element, offer, &weight)
                                              : match_token(kind, element, offer, &weight);
        if (specificity < 0)
            continue;
        l->elements++;
        if (specificity == 0 || (uint32_t)specificity < l->specificity)
            continue;
        if ((uint32_t)specificity > l->specificity || (uint32_t)weight * 2 < l->weight)
            l->weight = (uint32_t)weight * 2;
        l->specificity = (uint32_t)specificity;
    }
}

uint32_t leat__http_accept_weight(const struct http_liking *l, enum http_accept kind, const char *offer)
{
    if (l->specificity > 0)
        return l->weight;
    if (kind != HTTP_ACCEPT_ENCODING)
        return l->elements == 0 ? HTTP_WEIGHT_FULL : 0;
    if (leat__http_text_is(text_of(offer), "identity"))
        return l->lines == 0 ? HTTP_WEIGHT_FULL : 1;
    return l->lines == 0 ? 1 : 0;
}
