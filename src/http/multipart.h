/* multipart.h: the grammar of multipart/form-data (RFC 7578, RFC 2046 5.1), for whoever holds a piece of it: where a
 * delimiter stands, what comes behind it, and what a part's head says. Nothing is kept between the calls: each is asked
 * again with more octets when those that there were are not enough.
 *
 *     preamble  CRLF "--" boundary CRLF  head CRLF CRLF  content  CRLF "--" boundary CRLF …  CRLF "--" boundary "--"
 *
 * The line break before "--" belongs to the delimiter. The first one may stand at the very beginning: who reads puts a
 * CRLF before the first octet. */
#ifndef LEAT_HTTP_MULTIPART_H
#define LEAT_HTTP_MULTIPART_H

#include "base/base.h"
#include "http/parameters.h"

enum { MULTIPART_BOUNDARY_MAX = 70, MULTIPART_PADDING_MAX = 128 };

struct http_delimiter {
    uint8_t size;
    char octets[4 + MULTIPART_BOUNDARY_MAX]; /* "\r\n--" and the boundary */
};

/* From the parameters of the Content-Type. false: no boundary, or none that may be (RFC 2046 5.1.1). */
bool leat__http_delimiter_make(struct http_delimiter *d, struct http_text parameters);

/* How many octets before the first delimiter; *found false: there is none, and behind so many the beginning of one may
 * stand. */
size_t leat__http_delimiter_find(const struct http_delimiter *d, const char *bytes, size_t size,
                                 bool *found);

enum http_multipart_result { MULTIPART_PART, MULTIPART_LAST, MULTIPART_MORE, MULTIPART_BAD };

/* What stands behind a delimiter: PART: a part's head comes, behind *used octets; LAST: that was the last. */
enum http_multipart_result leat__http_delimiter_end(const char *bytes, size_t size, size_t *used);

struct http_part {
    struct http_parameter name, filename;
    struct http_text media_type; /* size 0: none said */
    bool has_filename;
    size_t size; /* octets of the head with its empty line */
};

/* PART: part is filled in, with slices of bytes. */
enum http_multipart_result leat__http_part_parse(struct http_part *part, const char *bytes, size_t size);

/* The value as browsers mean it (a backslash before a quote or a backslash makes it ordinary, before anything else it is
 * one); out has room for value.size octets. Octets written. */
size_t leat__http_part_text(char *out, const struct http_parameter *p);

#endif
