/* routes.h: routes beyond patterns: for one host only, by a function of your own, and folders mounted at a prefix.
 *
 *     leat_app *api = leat_host(app, "api.example");       // only what is sent to api.example comes here
 *     leat_get(api, "/items/:id", show_item);
 *     leat_app *tenants = leat_host(app, "*.example");     // and to any other name below example
 *     leat_get(tenants, "/", show_tenant);
 *     leat_get(app, "/", welcome);                         // all other hosts
 *     leat_mount(app, "/static", leat_files_open(app, "public"));
 *
 * `PROGRAM --routes` lists them all. Routes by regular expressions are in leat/regex.h (libleat-regex). */
#ifndef LEAT_ROUTES_H
#define LEAT_ROUTES_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ── Hosts ── */

/* A group whose routes answer for one host only, as the request's authority names it (leat_authority; RFC 9110 7.2):
 * "api.example"; "*.example", one label or more in front; "192.0.2.1"; "[2001:db8::1]". Case does not matter, nor does the
 * port unless one is given: "api.example:8443" (a request that names none means 80). The most exact host wins: itself
 * before a star, a longer star before a shorter, with its port before without.
 *
 * A host has only the routes of its own groups: what is not among them is 404, also when the app itself would have it. The
 * routes of the app itself answer for all other hosts; where it has none, they are answered 421 (Misdirected Request, RFC
 * 9110 15.5.20). The app's middleware runs for all. A second call for the same host is a second group of it. NULL never; a
 * malformed host, and a host within a host, are errors at start. */
LEAT_API leat_app *leat_host(leat_app *app, const char *host);

/* ── Matchers ── */

typedef struct leat_captures leat_captures; /* what a matcher has found, for the time of its call */

/* Whether the route is meant: called on every shard's thread, for a request that no pattern has answered. path is behind
 * its group's prefix, decoded but for %2F and %25, and not NUL-terminated; no exchange is there yet, and it must neither
 * wait nor take long: the shard stands still meanwhile. */
typedef bool leat_matcher(void *matcher_data, const char *path, size_t size, leat_captures *captures);

/* Matchers are asked in the order of registration after no pattern was found for the path and method. name is what lists
 * and messages call the route; method, handler and data are as in leat_route_with, HEAD and 405 too. Its group's prefix
 * may have no parameters. Before the start. */
LEAT_API void leat_route_match(leat_app *app, const char *method, const char *name, leat_matcher *match,
                               void *matcher_data, leat_handler *handler, void *data);

/* For a matcher: the next of the route's parameters. leat_param(x, name) answers it, decoded, and so does its number, "1" for
 * the first. name must live as long as the app; NULL: the number alone. size octets at from, which lie in the path; NULL: "".
 * 0; -E2BIG: over 16; -ERANGE: not in the path. */
LEAT_API int leat_capture(leat_captures *captures, const char *name, const char *from, size_t size);
/* For a matcher that can't tell: whatever it returns, the request is answered with status (400 to 599). */
LEAT_API void leat_capture_refuse(leat_captures *captures, int status);

/* ── Mounts ── */

/* Serves files at prefix and below: "/static/css/site.css" is "css/site.css" in the folder. "/static" itself is redirected
 * (301) to "/static/"; other methods than GET, HEAD and OPTIONS are 405. prefix is as a group's: "" is the root. With the
 * app's (or group's, or host's) middleware. Routes that say more than the prefix go before it. A files that is NULL has
 * told its error already. */
LEAT_API void leat_mount(leat_app *app, const char *prefix, leat_files *files);

#ifdef __cplusplus
}
#endif

#endif
