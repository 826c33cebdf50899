/* regex.h: routes by regular expressions (PCRE2), in the library libleat-regex; not part of leat.h.
 *
 *     #include <leat/leat.h>
 *     #include <leat/regex.h>                                  // cc … -lleat-regex
 *
 *     leat_route_regex(app, "GET", "^/items/(?<id>[0-9]{1,9})$", show_item);      // leat_param(x, "id")
 *
 * Expressions are compiled at the start, to machine code where the processor and the kernel allow it. Each shard's thread
 * has the memory that they need, made before the first request. */
#ifndef LEAT_REGEX_H
#define LEAT_REGEX_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A route for the paths that the expression (pcre2pattern(3)) matches; it is a matcher (leat_route_match): asked, in the
 * order of registration, after no pattern was found, of the path behind the group's prefix, decoded but for %2F and %25.
 * It is not anchored unless it says so by ^ and $; $ is the very end. Octets are octets, unless it begins with "(*UTF)".
 * Its groups are the route's parameters, by name and by number, at most 16; one that took no part is "".
 *
 * How long a match may take is bounded (at most 100000 of PCRE2's steps, less where the expression says so by
 * "(*LIMIT_MATCH=…)"; and by the memory it may go back in). Over the bound it is not known whether the path matches: the
 * request is answered 503, counted (leat_regex_limits), and the expression is told on standard error, once. An expression
 * that is wrong is an error at start, with its offset. Before the start. */
LEAT_API void leat_route_regex(leat_app *app, const char *method, const char *expression,
                               leat_handler *handler);
LEAT_API void leat_route_regex_with(leat_app *app, const char *method, const char *expression,
                                    leat_handler *handler, void *data);

/* How many matches were over the bound, in this process. */
LEAT_API uint64_t leat_regex_limits(void);

#ifdef __cplusplus
}
#endif

#endif
