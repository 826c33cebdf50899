/* credentials.h: what an Authorization field says (RFC 9110 11.6.2): a scheme, and behind it what that scheme wants. Pure:
 * octets in, octets out. */
#ifndef LEAT_CREDENTIALS_H
#define LEAT_CREDENTIALS_H

#include "http/conditions.h"

enum { CREDENTIALS_MAX = 1024 /* octets of a name and a password, with the colon */ };

/* Whether the field's scheme is this one; rest: what is behind it, which may be nothing. */
bool leat__credentials_have(struct http_text field, const char *scheme, struct http_text *rest);

/* b64token (RFC 6750 2.1) */
bool leat__credentials_is_token(struct http_text text);

/* RFC 4648 4, strictly: padded, nothing else in between, no stray bits. Octets, at most room; -1: it is none. */
ptrdiff_t leat__base64_decode(char *out, size_t room, struct http_text text);

struct credentials {
    const char *name, *password; /* NUL-terminated, in text */
    char text[CREDENTIALS_MAX + 1];
};

/* RFC 7617 2: base64 of name ":" password, in UTF-8 without control characters. */
bool leat__credentials_read(struct credentials *c, struct http_text text);

#endif
