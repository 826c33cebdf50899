/* http1.h: HTTP/1.1's syntax (RFC 9112): bytes in, bytes out. No I/O, no allocation, no state but
 * the caller's.
 *
 * http1_parse_head reads a head line by line. It can be called again with more bytes: it goes on at
 * the first line it has not finished, so a head that trickles in costs no more than its own length,
 * and however the bytes were split the answer is the same: a line is judged when its end is there
 * (its first control octet but HTAB, which then must be its CRLF) or when it is certain to pass a
 * limit, and never before. All positions are offsets from the head's first byte, so the bytes may
 * move between the calls. At least HTTP1_SLACK bytes behind the end must be readable (they may hold
 * anything): the parser looks ahead with wide loads. Strict: no bare LF, no folding, no space
 * before the colon, no doubtful framing. */
#ifndef LEAT_HTTP1_H
#define LEAT_HTTP1_H

#include "base/base.h"
#include "http/http.h"

enum { HTTP1_SLACK = 64, HTTP1_FIELDS_MAX = 128, HTTP1_HEAD_MAX = 65472 };

enum http1_result { HTTP1_DONE, HTTP1_NEED_MORE, HTTP1_BAD };

struct http1_limits {
    uint32_t request_line_max; /* octets without CRLF; over it: 414 */
    uint32_t head_max;         /* octets of the whole head, at most HTTP1_HEAD_MAX; over it: 431 */
    uint32_t fields_max;       /* at most HTTP1_FIELDS_MAX; over it: 431 */
};

struct http1_field {
    uint16_t name_at, name_size, value_at, value_size;
};

enum http1_form { HTTP1_ORIGIN, HTTP1_ABSOLUTE, HTTP1_AUTHORITY, HTTP1_ASTERISK };

enum http1_flags {
    HTTP1_KEEP_ALIVE = 1, /* persistence asked for and possible (RFC 9112 9.3) */
    HTTP1_CHUNKED = 2,
    HTTP1_HAS_LENGTH = 4,
    HTTP1_EXPECT_CONTINUE = 8,
    HTTP1_PERCENT = 16, /* the path holds a percent-encoded octet */
    HTTP1_UPGRADE = 32, /* Connection names upgrade and there is an Upgrade field, HTTP/1.1 */
    HTTP1_HAS_HOST = 64,
    HTTP1_CLOSE_SAID = 128,      /* Connection: close */
    HTTP1_KEEP_ALIVE_SAID = 256, /* Connection: keep-alive (HTTP/1.0 wants it back) */
    HTTP1_UPGRADE_SAID = 512,    /* Connection: upgrade */
    HTTP1_UPGRADE_FIELD = 1024,  /* there is an Upgrade field */
};

struct http1_head {
    /* progress: zero before the first call */
    uint32_t at;   /* first octet of the first unfinished line */
    uint32_t seen; /* octets known to hold no end of that line; behind at, or of no meaning */
    uint8_t phase; /* 0: before the request line (one or two empty lines are skipped), 1: fields, 2: done */
    /* the answer */
    uint8_t method;  /* enum http_method */
    uint8_t minor;   /* HTTP/1.minor as it counts: 0 or 1 */
    uint8_t form;    /* enum http1_form */
    uint16_t flags;  /* enum http1_flags */
    uint16_t status; /* after HTTP1_BAD: the status to answer with */
    uint16_t field_count;
    uint16_t method_at, method_size; /* as sent */
    uint16_t target_at, target_size; /* as sent */
    uint16_t path_at, path_size; /* of origin and absolute form ("/" when that is empty: size 0 there) */
    uint16_t query_at, query_size;         /* without '?'; size 0: none or empty */
    uint16_t authority_at, authority_size; /* absolute and authority form, else the Host field's value */
    uint32_t size; /* after HTTP1_DONE: octets of the head with its last CRLF (and skipped empty lines) */
    uint64_t content_length;
    const char *why; /* after HTTP1_BAD: a few words for the problem's detail */
    struct http1_field fields[HTTP1_FIELDS_MAX];
};

/* Only what must be zero before a new head; the fields array is not touched. */
static inline void http1_head_init(struct http1_head *h)
{
    memset(h, 0, offsetof(struct http1_head, fields));
}

/* Chosen at start by what the processor has; each is proven equal to the scalar one by a test and
 * by fuzzing. */
enum http1_result leat__http1_parse_head(struct http1_head *h, const char *bytes, size_t size,
                                         const struct http1_limits *limits);
enum http1_result leat__http1_parse_head_scalar(struct http1_head *h, const char *bytes,
                                                size_t size, const struct http1_limits *limits);
#if defined(__x86_64__)
enum http1_result leat__http1_parse_head_avx2(struct http1_head *h, const char *bytes, size_t size,
                                              const struct http1_limits *limits);
#endif

/* A field by name (any case); from: where to go on (0 at first), moved behind the one found. NULL:
 * none (left). */
const struct http1_field *leat__http1_find(const struct http1_head *h, const char *bytes,
                                           const char *name, size_t name_size, unsigned *from);

/* Chunked content (RFC 9112 7.1). Decodes from in to out; out may be the same memory as in or lie
 * before it. All zero before the first call (but total_max and keeps_trailers). The answer is the
 * same however the bytes are split. */
struct http1_chunked {
    uint64_t left;  /* octets left of the current chunk */
    uint64_t total; /* decoded so far */
    uint64_t total_max; /* the caller's: a chunk that would pass it is 413 at its size line; 0: no bound */
    uint32_t line;       /* octets of the current size line or trailer line */
    uint32_t overhead;   /* octets of extensions, trailers and needless zeros so far: bounded */
    uint8_t state;       /* chunked.c's */
    bool keeps_trailers; /* the caller's: wants the trailer fields */
    bool wants_room;     /* … and there are some: HTTP1_NEED_MORE, until trailers has been set */
    uint16_t status;     /* after HTTP1_BAD */
    const char *why;
    char *trailers; /* HTTP1_TRAILERS_MAX octets of the caller's: lines "name:value\n", as they came */
    uint32_t trailers_size;
};

enum {
    HTTP1_CHUNK_LINE_MAX = 4096,
    HTTP1_CHUNK_OVERHEAD_MAX = 16384,
    HTTP1_TRAILERS_MAX = 3072, /* kept ones; more is 431 */
};

/* used: octets taken from in; made: octets written to out (at most out_size; a full out with more
 * to come is HTTP1_BAD with 413; so is a chunk of 2^60 octets or more). HTTP1_DONE: the content,
 * trailers included, is over. HTTP1_NEED_MORE: all of in was taken, but when wants_room is set. */
enum http1_result leat__http1_parse_chunked(struct http1_chunked *c, const char *in, size_t size,
                                            size_t *used, char *out, size_t out_size, size_t *made);

/* The head of a response. fields: complete lines "Name: value\r\n" made by the exchange, in
 * order. */
struct http1_response {
    unsigned status;
    const char *fields;
    size_t fields_size;
    const char *date; /* "Date: …\r\n", cached per second; HTTP1_DATE_LINE octets; NULL: none */
    uint64_t content_length;
    bool has_length; /* false for 1xx, 204, 304-without */
    bool chunked;    /* says Transfer-Encoding: chunked */
    bool close;      /* says Connection: close */
    bool keep_alive; /* says Connection: keep-alive (HTTP/1.0) */
};

enum {
    HTTP1_DATE_LINE = 37,
    HTTP1_HEAD_ROOM = 192
}; /* HEAD_ROOM: a response head without fields fits in it */

/* Octets written, or 0 when room is less than HTTP1_HEAD_ROOM + fields_size. */
size_t leat__http1_write_head(char *out, size_t room, const struct http1_response *r);

/* Decodes %XX. In a path "%2F" and "%25" stay as they are when keep_slash, so that what is left can
 * be decoded once more, segment by segment. -1 for a bad or a NUL octet; else octets written (at
 * most size). plus: '+' is a space (forms, queries). out may be in. */
ptrdiff_t leat__http1_percent_decode(char *out, const char *in, size_t size, bool plus, bool keep_slash);

/* The grammar of field-name and field-value for what a program sets (no CR, LF, NUL …). */
bool leat__http1_is_token(const char *text, size_t size);
bool leat__http1_is_field_value(const char *text, size_t size);

#endif
