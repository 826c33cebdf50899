/* router.h: patterns in, a compiled table out; then a path in, a route and its parameters out. Pure: no I/O; the
 * memory is the caller's, one piece, read-only after compiling and shared by all shards.
 *
 * A pattern is segments between slashes: "users" (static), ":id" (one segment, not empty), "*rest" (all that is left,
 * slashes and all, may be empty; last only). Static beats parameter beats rest, decided segment by segment from the
 * left, with a step back where a better start leads nowhere. "/a" and "/a/" are two patterns. Matching is done on the
 * path as it was sent when it has no percent sign, else on one decoded but for %2F (the caller's work). */
#ifndef LEAT_ROUTER_H
#define LEAT_ROUTER_H

#include "base/base.h"
#include "http/http.h"

enum { ROUTER_PARAMS_MAX = 16, ROUTER_SEGMENTS_MAX = 64, ROUTER_PATTERN_MAX = 1024 };

struct router_route {
    enum http_method method;
    const char *pattern; /* begins with '/' */
    uint32_t value;      /* the caller's, given back by a match */
};

struct router; /* lies in the caller's memory */

enum router_result { ROUTER_FOUND, ROUTER_NOT_FOUND, ROUTER_NOT_ALLOWED };

struct router_param {
    uint16_t at, size; /* within the path */
};

struct router_match {
    uint32_t value; /* ROUTER_FOUND */
    /* ROUTER_FOUND and NOT_ALLOWED: a bit per method (1 << enum http_method) of every pattern that
     * matches, with HEAD where GET is, and OPTIONS always. */
    uint16_t allowed;
    uint8_t param_count;
    const char *const *names; /* of the params, NUL-terminated */
    struct router_param params[ROUTER_PARAMS_MAX];
};

/* Bytes that the compiled table takes, or -EINVAL with one line in error: a bad pattern, or two routes that mean the
 * same (the same method and shape, whatever their parameters are called: both are named). Allocates for its own
 * while, as compiling does: both belong before the seal. */
ptrdiff_t leat__router_measure(const struct router_route *routes, uint32_t count, char *error,
                               size_t error_size);

/* Compiles routes that were measured into memory of that many bytes, aligned to 16, where the table stays. Patterns are
 * copied. NULL: no memory to sort them by. */
const struct router *leat__router_compile(void *memory, size_t size,
                                          const struct router_route *routes, uint32_t count);

/* HEAD falls back to GET. path_size at most 65535. */
enum router_result leat__router_match(const struct router *router, enum http_method method,
                                      const char *path, size_t path_size, struct router_match *match);

#endif
