/* accept.h: what a client likes (RFC 9110 12.5): one offer of ours held against the lines of Accept, Accept-Language or
 * Accept-Encoding. Of all elements that match the offer the most specific one gives the weight; of two alike the lower.
 *
 *     struct http_liking l = {0};
 *     for each line: leat__http_accept_read(&l, HTTP_ACCEPT, offer, line);
 *     leat__http_accept_weight(&l, HTTP_ACCEPT, offer)     0: not acceptable
 *
 * A malformed element is as good as not there. */
#ifndef LEAT_HTTP_ACCEPT_H
#define LEAT_HTTP_ACCEPT_H

#include "base/base.h"
#include "http/parameters.h"

enum http_accept {
    HTTP_ACCEPT,          /* an offer is a media type with its parameters */
    HTTP_ACCEPT_LANGUAGE, /* a language tag (RFC 5646) */
    HTTP_ACCEPT_ENCODING, /* a content coding, "identity" among them */
};

enum { HTTP_ACCEPT_ELEMENTS_MAX = 256, HTTP_WEIGHT_FULL = 2000 };

struct http_liking {
    uint32_t specificity; /* of the best match so far; 0: none */
    uint32_t weight;      /* its, in halves of a thousandth */
    uint32_t elements; /* well-formed ones, of all lines; those behind ELEMENTS_MAX are not looked at */
    uint32_t lines;
};

void leat__http_accept_read(struct http_liking *l, enum http_accept kind, const char *offer,
                            struct http_text line);

/* 0 to HTTP_WEIGHT_FULL. */
uint32_t leat__http_accept_weight(const struct http_liking *l, enum http_accept kind, const char *offer);

#endif
