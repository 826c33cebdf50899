/* head.h: what the parser's copies and the judge share; nobody else includes it.
 *
 *   parse.inc   the quick way, compiled twice (scalar, AVX2): takes lines that are plainly good
 *   judge.c     the strict way, compiled once: any line, octet by octet; waits and refuses
 *   fields.c    the fields that framing hangs on, for both
 *   target.c    the four forms of a target, authorities
 *
 * Whatever the quick way does not take, it leaves to the judge from the line's first octet. So the
 * copies can differ in speed but not in what is refused, nor in why. */
#ifndef LEAT_HTTP1_HEAD_H
#define LEAT_HTTP1_HEAD_H

#include "http1/http1.h"

enum { PHASE_REQUEST_LINE, PHASE_FIELDS, PHASE_DONE };

enum { EMPTY_LINES_MAX = 2, METHOD_SIZE_MAX = 32, CRLF_SIZE = 2 };

static inline enum http1_result head_bad(struct http1_head *h, uint16_t status, const char *why)
{
    h->status = status;
    h->why = why;
    return HTTP1_BAD;
}

/* One line from h->at. DONE: taken, and h->at and perhaps the phase have moved on. */
enum http1_result leat__http1_judge_line(struct http1_head *h, const char *bytes, size_t size,
                                         const struct http1_limits *limits);

/* A field that framing may hang on: looks at its name, and then at its value. DONE or BAD. */
enum http1_result leat__http1_known_field(struct http1_head *h, const char *bytes,
                                          const struct http1_field *f);

/* The target, whose octets are all CLASS_TARGET: form, path, query, authority. DONE or BAD. */
enum http1_result leat__http1_split_target(struct http1_head *h, const char *bytes);

/* Whether every '%' of a path is followed by two hexadecimal digits that are not "00". */
bool leat__http1_is_encoded(const char *text, size_t size);

/* uri-host [":" port] (RFC 9110 7.2). An empty one has a size of 0 and is not asked about here. */
bool leat__http1_is_authority(const char *text, size_t size, bool needs_port);

/* Octets before the first control octet that is not HTAB; size if there is none. */
size_t leat__http1_find_control(const char *text, size_t size);

/* The first octets, in lower case, of the names that known_field knows, by their size: nearly all
 * other fields are told apart by this alone. (An empty name is known too: it is refused.) */
extern const char leat__http1_known_first[32];

/* The empty line was read: what only the whole head can tell. */
static inline enum http1_result head_finish(struct http1_head *h, uint32_t size)
{
    unsigned flags = h->flags;
    if (UNLIKELY((flags & HTTP1_HAS_HOST) == 0 && h->minor != 0))
        return head_bad(h, 400, "no Host field");
    if (UNLIKELY((flags & (HTTP1_CHUNKED | HTTP1_HAS_LENGTH)) == (HTTP1_CHUNKED | HTTP1_HAS_LENGTH)))
        return head_bad(h, 400, "Content-Length beside Transfer-Encoding");
    if ((flags & HTTP1_CLOSE_SAID) == 0 && (h->minor != 0 || (flags & HTTP1_KEEP_ALIVE_SAID) != 0))
        flags |= HTTP1_KEEP_ALIVE;
    if (UNLIKELY((flags & HTTP1_UPGRADE_SAID) != 0 && (flags & HTTP1_UPGRADE_FIELD) != 0 && h->minor != 0))
        flags |= HTTP1_UPGRADE;
    h->flags = (uint16_t)flags;
    h->at = size;
    h->size = size;
    h->phase = PHASE_DONE;
    return HTTP1_DONE;
}

#endif
