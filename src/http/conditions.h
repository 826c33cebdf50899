/* conditions.h: conditional requests (RFC 9110 13), ranges (14) and the choice of a content coding (12.5.3): what a
 * request's fields ask for, held against what there is. Pure: slices in, an answer out; no memory, no clock.
 *
 * The fields may come in several lines; they are gathered by conditions_read, line by line. What is malformed is ignored
 * where the RFC says so: a date that is none (13.1.3, 13.1.4), a Range that is none (14.2). */
#ifndef LEAT_CONDITIONS_H
#define LEAT_CONDITIONS_H

#include "base/base.h"
#include "http/http.h"

enum { CONDITION_LINES_MAX = 8, RANGES_MAX = 16 };

struct http_text {
    const char *data;
    size_t size;
};

/* Without the spaces and tabs (OWS, RFC 9110 5.6.3) at both ends. */
static inline struct http_text http_text_trim(struct http_text text)
{
    while (text.size > 0 && (*text.data == ' ' || *text.data == '\t')) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* The lines of one field, in order. */
struct http_lines {
    struct http_text lines[CONDITION_LINES_MAX];
    uint32_t count; /* more than CONDITION_LINES_MAX: too many, and the field counts as malformed */
};

struct http_conditions {
    struct http_lines if_match, if_none_match, if_modified_since, if_unmodified_since, if_range,
        range, accept_encoding;
    bool any; /* one of them is there */
};

/* What must be zero before the first line is read: the counts and any, not the lines. */
static inline void http_conditions_clear(struct http_conditions *c)
{
    c->if_match.count = c->if_none_match.count = c->if_modified_since.count = 0;
    c->if_unmodified_since.count = c->if_range.count = c->range.count = 0;
    c->accept_encoding.count = 0;
    c->any = false;
}

/* One field line of the request: kept, if it is one of ours (names without regard to case). Quick for those that are
 * not. c must be zero, or cleared, before the first. The text is not copied. */
void leat__http_conditions_read(struct http_conditions *c, const char *name, size_t name_size,
                                const char *value, size_t value_size);

/* What the selected representation has. */
struct http_validators {
    struct http_text etag; /* opaque-tag with quotes, without W/; size 0: none */
    bool etag_weak;
    int64_t modified_s; /* INT64_MIN: none */
    int64_t now_s;      /* for the strength of a date as a validator (8.8.2.2) */
    bool exists;        /* false: If-Match: * is false, If-None-Match: * is true */
};

/* 13.2.2: 0: go on; 304 or 412. method: GET and HEAD get 304, others 412. If-Range is leat__http_ranges' affair. A list
 * of tags that is none matches nothing, and lets no other method than GET and HEAD through. Only for what would be
 * answered with 2xx without conditions (13.2.1). */
unsigned leat__http_conditions_judge(const struct http_conditions *c, enum http_method method,
                                     const struct http_validators *v);

/* 13.1.5: whether the range that was asked for is one of this representation: there is no If-Range, or it names the very
 * tag or date. */
bool leat__http_if_range_holds(const struct http_conditions *c, const struct http_validators *v);

/* What a part of multipart/byteranges costs besides its octets (14.2), about. */
enum { RANGE_PART_COST = 80 };

struct http_range {
    uint64_t first, size; /* octets; size > 0 */
};

/* 14.2, for a representation of size octets, after the conditions: how many ranges there are to send (in the order they
 * were asked for; those that overlap or touch are joined when more than one is asked for); 0: send the whole (no Range,
 * malformed, another unit, If-Range does not hold, more than RANGES_MAX asked for, or several that cost more than the
 * whole); -416: none can be satisfied. Only for GET. out may be written to whatever the answer is. */
int leat__http_ranges(const struct http_conditions *c, const struct http_validators *v,
                      uint64_t size, struct http_range out[RANGES_MAX]);

enum http_coding { CODING_IDENTITY, CODING_BR, CODING_GZIP, CODING_COUNT };

/* "", "br", "gzip" */
const char *leat__http_coding_name(enum http_coding coding);

/* 12.5.3: the best of those that are there (a bit per coding; identity always is): by weight, and among equals br, gzip,
 * identity. Identity is what is left when nothing is acceptable: a representation beats a 406. */
enum http_coding leat__http_coding_choose(const struct http_lines *accept_encoding, unsigned there);

#endif
