/* middleware.h: ready-made middleware. Each is used like a program's own:
 *
 *     leat_use_with(app, leat_cors, leat_cors_create(app, &(leat_cors_options){.origins = origins}));
 *     leat_use(app, leat_security);
 *
 * What a _create function answers is made at start, copies what it is given, goes with app, and is shared by all shards;
 * NULL: the mistake is remembered, and told when the server starts. Zero in an option means its default. Those that can do
 * without options may be used without: leat_request_ids, leat_security, leat_etag.
 *
 * Middleware runs in the order of leat_use, so this is a good one: request ids, security fields, CORS, rate limit,
 * authentication, time limit, validators. On a group it runs for the group's routes; a group with the prefix "" puts
 * middleware around single routes. */
#ifndef LEAT_MIDDLEWARE_H
#define LEAT_MIDDLEWARE_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ── Request ids ── */

typedef struct leat_request_ids_options {
    const char *field; /* default "X-Request-Id" */
    bool ignore_given; /* never take over the id that a request brings */
} leat_request_ids_options;

/* Each request has an id, leat_request_id(x), and its response tells it: the one that the request brings, if it is a token
 * of at most 64 octets, else 32 hexadecimal digits that nobody has had before. */
LEAT_API void leat_request_ids(leat_exchange *x);
LEAT_API void *leat_request_ids_create_sized(leat_app *app, const leat_request_ids_options *options,
                                             size_t options_size);
static inline void *leat_request_ids_create(leat_app *app, const leat_request_ids_options *options)
{
    return leat_request_ids_create_sized(app, options, sizeof(leat_request_ids_options));
}

/* ── CORS ── */

typedef struct leat_cors_options {
    /* Whose pages may ask, NULL-terminated: "https://www.example.org"; "*" alone: any */
    const char *const *origins;
    /* Asked about an origin that is not among them; it may wait. */
    bool (*allow)(leat_exchange *x, leat_slice origin, void *argument);
    void *argument;
    bool credentials;           /* cookies and the like may come along; not with "*" */
    const char *const *methods; /* default: GET, HEAD, POST, PUT, PATCH, DELETE */
    const char *const *fields;  /* that a request may have; default: those it asks for */
    const char *const *expose;  /* fields of responses that scripts may see */
    uint32_t max_age_s; /* how long a browser may remember a preflight; 0: its own default */
    const char *prefix; /* only paths that begin so; default: all */
} leat_cors_options;

/* Lets pages of other origins ask, by the Fetch standard: https://fetch.spec.whatwg.org/#http-cors-protocol. Preflights are
 * answered here, whatever is routed: use it on the outermost app. What is refused is refused by the browser: a request
 * from elsewhere still reaches its handler. */
LEAT_API void leat_cors(leat_exchange *x);
LEAT_API void *leat_cors_create_sized(leat_app *app, const leat_cors_options *options,
                                      size_t options_size);
static inline void *leat_cors_create(leat_app *app, const leat_cors_options *options)
{
    return leat_cors_create_sized(app, options, sizeof(leat_cors_options));
}

/* ── Security fields ── */

typedef struct leat_security_options {
    /* Each: NULL: the default; "": none */
    const char *content_security_policy; /* of HTML only; "default-src 'self'; base-uri 'self'; form-action 'self';
                                          * frame-ancestors 'self'; object-src 'none'" */
    const char *content_type_options;         /* "nosniff" */
    const char *referrer_policy;              /* "strict-origin-when-cross-origin" */
    const char *cross_origin_opener_policy;   /* "same-origin" */
    const char *cross_origin_resource_policy; /* default: none */
    const char *permissions_policy;           /* default: none */
    const char *strict_transport_security; /* default: none. Only for hosts that will always have TLS */
} leat_security_options;

/* Fields that make browsers careful. What a handler sets itself is left as it is. */
LEAT_API void leat_security(leat_exchange *x);
LEAT_API void *leat_security_create_sized(leat_app *app, const leat_security_options *options,
                                          size_t options_size);
static inline void *leat_security_create(leat_app *app, const leat_security_options *options)
{
    return leat_security_create_sized(app, options, sizeof(leat_security_options));
}

/* ── Authentication ── */

typedef struct leat_basic_auth_options {
    const char *const *users; /* NULL-terminated: "name:password" */
    /* Asked about who is not among them; it may wait. Compare secrets with leat_is_same_secret. */
    bool (*check)(leat_exchange *x, const char *name, const char *password, void *argument);
    void *argument;
    const char *realm; /* default "restricted" */
} leat_basic_auth_options;

/* The "Basic" scheme (RFC 7617), in UTF-8: lets in who knows a password, as leat_principal(x), and answers 401 to everybody
 * else. Passwords cross the network as they are: use TLS. Of the table only digests are kept. */
LEAT_API void leat_basic_auth(leat_exchange *x);
LEAT_API void *leat_basic_auth_create_sized(leat_app *app, const leat_basic_auth_options *options,
                                            size_t options_size);
static inline void *leat_basic_auth_create(leat_app *app, const leat_basic_auth_options *options)
{
    return leat_basic_auth_create_sized(app, options, sizeof(leat_basic_auth_options));
}

typedef struct leat_bearer_auth_options {
    /* 0: the token is good (leat_set_principal tells whose it is); -EACCES: it is not (401, invalid_token); -EPERM: it is
     * not good for this (403, insufficient_scope); else as leat_fail. It may wait. */
    int (*check)(leat_exchange *x, const char *token, void *argument);
    void *argument;
    const char *realm; /* default "restricted" */
    const char *scope; /* what a token needs, to be told to who has none; default: nothing is told */
} leat_bearer_auth_options;

/* Bearer tokens (RFC 6750) of the Authorization field. */
LEAT_API void leat_bearer_auth(leat_exchange *x);
LEAT_API void *leat_bearer_auth_create_sized(leat_app *app, const leat_bearer_auth_options *options,
                                             size_t options_size);
static inline void *leat_bearer_auth_create(leat_app *app, const leat_bearer_auth_options *options)
{
    return leat_bearer_auth_create_sized(app, options, sizeof(leat_bearer_auth_options));
}

/* Whether two secrets are the same, in a time that depends on their sizes alone. */
LEAT_API bool leat_is_same_secret(const void *a, size_t a_size, const void *b, size_t b_size);

/* ── Rate limit ── */

typedef struct leat_limiter leat_limiter; /* who may ask how often, and what is left of it */

typedef struct leat_limiter_options {
    double per_second; /* default 10; 0.1 is one in ten seconds */
    uint32_t burst;    /* how many may come at once; default: per_second, rounded up */
    uint32_t clients;  /* how many are known at once, 8 bytes each; default 65536 */
    const char *field; /* who asks is told by this field of the request; default: by the client's address */
    /* … or by this: octets that stay until the handler returns; data NULL: this one is not limited */
    leat_slice (*key)(leat_exchange *x, void *argument);
    void *argument;
    bool tell; /* the RateLimit fields in every response, not only in 429 */
} leat_limiter_options;

/* A token bucket for each client: who asks more often gets 429 with Retry-After and the RateLimit fields of
 * draft-ietf-httpapi-ratelimit-headers. The buckets are one table for all shards, so that the limit is the limit. Addresses
 * of IPv6 count by their first 64 bits; clients without field count by their address; unix: clients are one. When there are
 * more clients than the table holds, the one whose bucket is fullest is forgotten. burst / per_second: up to 8 hours. */
LEAT_API void leat_rate_limit(leat_exchange *x);
LEAT_API leat_limiter *leat_limiter_create_sized(leat_app *app, const leat_limiter_options *options,
                                                 size_t options_size);
static inline leat_limiter *leat_limiter_create(leat_app *app, const leat_limiter_options *options)
{
    return leat_limiter_create_sized(app, options, sizeof(leat_limiter_options));
}

/* ── Time limit ── */

typedef struct leat_timeout_options {
    uint32_t ms; /* default 30000 */
    int status;  /* what the client gets: 503 (default) or 504 */
} leat_timeout_options;

/* What is behind it has ms: then every wait answers -ETIMEDOUT, and the answer becomes a problem. A response that has begun is
 * broken off. A handler that computes without waiting is not stopped. Of two, the shorter counts. */
LEAT_API void leat_timeout(leat_exchange *x);
LEAT_API void *leat_timeout_create_sized(leat_app *app, const leat_timeout_options *options,
                                         size_t options_size);
static inline void *leat_timeout_create(leat_app *app, const leat_timeout_options *options)
{
    return leat_timeout_create_sized(app, options, sizeof(leat_timeout_options));
}

/* ── Validators ── */

typedef struct leat_etag_options {
    bool strong; /* the tag is strong: only where nothing further out changes the content (a compression does) */
    uint32_t max; /* octets of a content that get one; default 256 KiB */
} leat_etag_options;

/* Whole responses to GET and HEAD with 200 get an ETag made of their content (unless they have one), and who has it already
 * gets 304 (RFC 9110 13). Responses that are written in pieces, or come from a file, pass untouched. */
LEAT_API void leat_etag(leat_exchange *x);
LEAT_API void *leat_etag_create_sized(leat_app *app, const leat_etag_options *options,
                                      size_t options_size);
static inline void *leat_etag_create(leat_app *app, const leat_etag_options *options)
{
    return leat_etag_create_sized(app, options, sizeof(leat_etag_options));
}

#ifdef __cplusplus
}
#endif

#endif
