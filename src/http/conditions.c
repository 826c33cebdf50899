/* conditions.c: which fields make a request conditional, and whether its conditions hold (RFC 9110 13).
 *
 * Lines are kept as they came, and looked at only when the file they are held against is known: most requests have none.
 * A field that may be a list is one list over all its lines (5.3). A field that may hold one value only is malformed with
 * two lines.
 *
 * The order of 13.2.2 is that of leat__http_conditions_judge: If-Match or else If-Unmodified-Since, which protect what is
 * there, before If-None-Match or else If-Modified-Since, which save sending it. What can't be understood never counts
 * as a match: then a GET is sent the whole, and another method changes nothing. */
#include "http/conditions.h"

static bool is_same_name(const char *name, const char *lower, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] | 0x20) : name[i];
        if (c != lower[i])
            return false;
    }
    return true;
}

#define IS(literal) is_same_name(name, literal, sizeof(literal) - 1)

/* NULL: none of ours, though one has its size. */
static struct http_lines *lines_of(struct http_conditions *c, const char *name, size_t size)
{
    switch (size) {
    case 5:
        return IS("range") ? &c->range : NULL;
    case 8:
        return IS("if-match") ? &c->if_match : IS("if-range") ? &c->if_range : NULL;
    case 13:
        return IS("if-none-match") ? &c->if_none_match : NULL;
    case 15: /* Accept-Language has 15 octets too */
        return (name[7] | 0x20) == 'e' && IS("accept-encoding") ? &c->accept_encoding : NULL;
    case 17:
        return IS("if-modified-since") ? &c->if_modified_since : NULL;
    default:
        return IS("if-unmodified-since") ? &c->if_unmodified_since : NULL;
    }
}

void leat__http_conditions_read(struct http_conditions *c, const char *name, size_t name_size,
                                const char *value, size_t value_size)
{
    /* hardly any other field has the size of one of ours */
    enum { SIZES = 1 << 5 | 1 << 8 | 1 << 13 | 1 << 15 | 1 << 17 | 1 << 19, SIZE_MAX_OURS = 19 };
    if (LIKELY(name_size > SIZE_MAX_OURS || (SIZES >> name_size & 1) == 0))
        return;
    struct http_lines *lines = lines_of(c, name, name_size);
    if (lines == NULL)
        return;
    c->any = true;
    if (lines->count < CONDITION_LINES_MAX)
        lines->lines[lines->count] = (struct http_text){value, value_size};
    if (lines->count <= CONDITION_LINES_MAX)
        lines->count++;
}

/* ── Entity tags ── */

struct tag {
    struct http_text opaque; /* with its quotes */
    bool weak;
};

/* etagc of 8.8.3: no space, no quote, no control octet */
static bool is_tag_octet(char c)
{
    unsigned char octet = (unsigned char)c;
    return octet == 0x21 || (octet >= 0x23 && octet != 0x7f);
}

/* An entity tag at the text's start, taken from it. */
static bool take_tag(struct http_text *text, struct tag *tag)
{
    const char *at = text->data, *end = at + text->size;
    tag->weak = text->size >= 2 && at[0] == 'W' && at[1] == '/';
    if (tag->weak)
        at += 2;
    const char *opaque = at;
    if (at == end || *at++ != '"')
        return false;
    while (at < end && is_tag_octet(*at))
        at++;
    if (at == end || *at++ != '"')
        return false;
    tag->opaque = (struct http_text){opaque, (size_t)(at - opaque)};
    *text = (struct http_text){at, (size_t)(end - at)};
    return true;
}

/* 8.8.3.2 */
static bool is_same_tag(const struct tag *tag, const struct http_validators *v, bool strong)
{
    if (strong && (tag->weak || v->etag_weak))
        return false;
    return tag->opaque.size == v->etag.size && memcmp(tag->opaque.data, v->etag.data, v->etag.size) == 0;
}

enum match { MATCHES, MATCHES_NOT, MALFORMED };

/* One line of a list of tags; an element may be empty (5.6.1). */
static enum match match_line(struct http_text line, const struct http_validators *v, bool strong)
{
    enum match match = MATCHES_NOT;
    for (;;) {
        line = http_text_trim(line);
        if (line.size == 0)
            return match;
        if (*line.data != ',') {
            struct tag tag;
            if (!take_tag(&line, &tag))
                return MALFORMED;
            if (is_same_tag(&tag, v, strong))
                match = MATCHES;
            line = http_text_trim(line);
            if (line.size == 0)
                return match;
            if (*line.data != ',')
                return MALFORMED;
        }
        line.data++;
        line.size--;
    }
}

/* If-Match and If-None-Match: "*" or a list of tags. */
static enum match match_tags(const struct http_lines *field, const struct http_validators *v, bool strong)
{
    if (field->count > CONDITION_LINES_MAX)
        return MALFORMED;
    if (field->count == 1) {
        struct http_text only = http_text_trim(field->lines[0]);
        if (only.size == 1 && *only.data == '*')
            return v->exists ? MATCHES : MATCHES_NOT;
    }
    enum match match = MATCHES_NOT;
    for (uint32_t i = 0; i < field->count; i++) {
        enum match line = match_line(field->lines[i], v, strong);
        if (line == MALFORMED)
            return MALFORMED;
        if (line == MATCHES)
            match = MATCHES;
    }
    return match;
}

/* ── Dates ── */

/* Seconds, or INT64_MIN: there is none, it is no date, or there are several. */
static int64_t date_in(const struct http_lines *field)
{
    if (field->count != 1)
        return INT64_MIN;
    struct http_text text = http_text_trim(field->lines[0]);
    return leat__http_date_parse(text.data, text.size);
}

/* 8.8.2.2: nothing was changed twice in the second that the date tells, when that second is over; and one more has to
 * be, since the kernel's time of a change may lag a few milliseconds behind. */
static bool is_strong_date(const struct http_validators *v)
{
    return v->modified_s != INT64_MIN && v->modified_s < v->now_s - 1;
}

/* ── Conditions ── */

unsigned leat__http_conditions_judge(const struct http_conditions *c, enum http_method method,
                                     const struct http_validators *v)
{
    /* 13.2.1: what selects no representation has no conditions */
    if (method == HTTP_OPTIONS || method == HTTP_CONNECT || method == HTTP_TRACE)
        return 0;
    bool is_get = method == HTTP_GET || method == HTTP_HEAD;
    if (c->if_match.count > 0) {
        if (match_tags(&c->if_match, v, true) != MATCHES)
            return 412;
    } else if (c->if_unmodified_since.count > 0 && v->modified_s != INT64_MIN) {
        int64_t date_s = date_in(&c->if_unmodified_since);
        if (date_s != INT64_MIN && v->modified_s > date_s)
            return 412;
    }
    if (c->if_none_match.count > 0) {
        enum match match = match_tags(&c->if_none_match, v, false);
        if (is_get)
            return match == MATCHES ? 304 : 0;
        return match == MATCHES_NOT ? 0 : 412;
    }
    if (is_get && c->if_modified_since.count > 0 && v->modified_s != INT64_MIN) {
        int64_t date_s = date_in(&c->if_modified_since);
        if (date_s != INT64_MIN && v->modified_s <= date_s)
            return 304;
    }
    return 0;
}

bool leat__http_if_range_holds(const struct http_conditions *c, const struct http_validators *v)
{
    if (c->if_range.count == 0)
        return true;
    if (c->if_range.count > 1)
        return false;
    struct http_text text = http_text_trim(c->if_range.lines[0]);
    struct tag tag;
    if (take_tag(&text, &tag))
        return text.size == 0 && is_same_tag(&tag, v, true);
    return is_strong_date(v) && leat__http_date_parse(text.data, text.size) == v->modified_s;
}
