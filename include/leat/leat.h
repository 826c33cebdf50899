/* leat.h: the whole of Leat's API.
 *
 * Leat is a web framework and server whose memory is dug before the first request: after start-up nothing is allocated.
 *
 *     #include <leat/leat.h>
 *
 *     static void greet(leat_exchange *x) { leat_text(x, 200, "Hello, %s\n", leat_param(x, "name")); }
 *
 *     int main(int argc, char **argv)
 *     {
 *         leat_app *app = leat_app_create();
 *         leat_get(app, "/hello/:name", greet);
 *         return leat_main(app, argc, argv);
 *     }
 *
 * Rules that hold everywhere
 *   - Sizes are bytes; times carry their unit in the name; zero in an options struct means the default.
 *   - Functions that can fail return 0 or a negative errno. Functions that answer remember their failure, so a
 *     handler needs no ladder of ifs. Errors of registration are remembered, and all are told when the server starts.
 *   - What a handler is given lives until it returns and is never freed by hand. C strings are NUL-terminated and
 *     decoded; slices are raw, free of copies, and not NUL-terminated.
 *   - What you pass is copied before return; `_borrow` variants keep your pointer and call release when done with it.
 *   - Names are RFC 9110's. Header compiles as C11 and C++20; no macro is needed to use it.
 */
#ifndef LEAT_LEAT_H
#define LEAT_LEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LEAT_API __attribute__((visibility("default")))
#define LEAT_PRINTF(at, first) __attribute__((format(printf, at, first)))

#define LEAT_VERSION "0.1.0"

typedef struct leat_app leat_app; /* routes, middleware, pools: what is registered before the start */
typedef struct leat_exchange leat_exchange; /* one request and its response (RFC 9110 3.4) */
typedef struct leat_server leat_server;     /* a running app */
typedef struct leat_pool leat_pool;         /* objects of one size, all there from the start */
typedef struct leat_files leat_files;       /* a folder to serve */

/* Octets that lie somewhere, not NUL-terminated. data NULL: there are none, where that is not the same as size 0. */
typedef struct leat_slice {
    const char *data;
    size_t size;
} leat_slice;

/* What answers a request, and what a borrowed thing is given back by. */
typedef void leat_handler(leat_exchange *x);
typedef void leat_release_function(void *argument);

/* ── The app ─────────────────────────────────────────────────────────────────────────────────────────────────── */

/* Never NULL (ends the process with a line on stderr when there is no memory at start). */
LEAT_API leat_app *leat_app_create(void);
LEAT_API void leat_app_destroy(leat_app *app); /* takes NULL; not while a server runs it; groups go with it */

/* For libraries that register things of their own. error: told when the server starts, which it does not then. keep: thing
 * goes with app, by release(thing). Before the start. */
LEAT_API void leat_app_error(leat_app *app, const char *text);
LEAT_API void leat_app_keep(leat_app *app, void *thing, leat_release_function *release);

/* A pattern begins with '/'. ":name" stands for one segment, "*name" at the end for all that is left.
 * HEAD is answered from GET, OPTIONS and 405 with Allow by themselves. A route twice is an error at start. */
LEAT_API void leat_route(leat_app *app, const char *method, const char *pattern, leat_handler *handler);
/* data is what leat_data(x) answers: shared by all shards. */
LEAT_API void leat_route_with(leat_app *app, const char *method, const char *pattern,
                              leat_handler *handler, void *data);
LEAT_API void leat_get(leat_app *app, const char *pattern, leat_handler *handler);
LEAT_API void leat_get_with(leat_app *app, const char *pattern, leat_handler *handler, void *data);
LEAT_API void leat_post(leat_app *app, const char *pattern, leat_handler *handler);
LEAT_API void leat_post_with(leat_app *app, const char *pattern, leat_handler *handler, void *data);
LEAT_API void leat_put(leat_app *app, const char *pattern, leat_handler *handler);
LEAT_API void leat_put_with(leat_app *app, const char *pattern, leat_handler *handler, void *data);
LEAT_API void leat_patch(leat_app *app, const char *pattern, leat_handler *handler);
LEAT_API void leat_patch_with(leat_app *app, const char *pattern, leat_handler *handler, void *data);
LEAT_API void leat_delete(leat_app *app, const char *pattern, leat_handler *handler);
LEAT_API void leat_delete_with(leat_app *app, const char *pattern, leat_handler *handler, void *data);

/* An app within an app: its patterns get the prefix, its middleware runs after the outer app's. */
LEAT_API leat_app *leat_group(leat_app *app, const char *prefix);

/* Middleware: a handler that calls leat_next(x). Runs in the order of registration, for every route of the app and of
 * its groups, whenever they were registered; the outermost app's also runs around 404, 405 and OPTIONS. */
LEAT_API void leat_use(leat_app *app, leat_handler *middleware);
LEAT_API void leat_use_with(leat_app *app, leat_handler *middleware, void *data);

/* ── The request ─────────────────────────────────────────────────────────────────────────────────────────────── */

LEAT_API const char *leat_method(leat_exchange *x);   /* "GET" */
LEAT_API leat_slice leat_target(leat_exchange *x);    /* request target as sent (RFC 9112 3.2) */
LEAT_API leat_slice leat_path(leat_exchange *x);      /* as sent, "/" when empty */
LEAT_API leat_slice leat_authority(leat_exchange *x); /* host and port as sent (RFC 9110 7.2) */
LEAT_API leat_slice leat_field(leat_exchange *x, const char *name); /* first of that name; data NULL: none */
/* The field lines in order: false when there is no i-th. */
LEAT_API bool leat_field_at(leat_exchange *x, size_t i, leat_slice *name, leat_slice *value);
LEAT_API const char *leat_param(leat_exchange *x, const char *name); /* decoded; "" when the route has none */
LEAT_API int64_t leat_param_int(leat_exchange *x, const char *name, int64_t otherwise);
LEAT_API const char *leat_query(leat_exchange *x, const char *name); /* decoded, first of that name; NULL: none */
LEAT_API int64_t leat_query_int(leat_exchange *x, const char *name, int64_t otherwise);
LEAT_API leat_slice leat_query_string(leat_exchange *x); /* as sent, without '?' */
/* Whole, transfer coding removed; size 0: none. Over --content-max (1 MiB) it is 413: larger ones are read in pieces, by
 * a route of leat_post_stream (leat/stream.h). */
LEAT_API leat_slice leat_content(leat_exchange *x);
/* Address of the client, "127.0.0.1" or "2001:db8::1"; where a listener takes the PROXY protocol, the one that it told. */
LEAT_API const char *leat_peer(leat_exchange *x);
LEAT_API void *leat_data(leat_exchange *x); /* what the `_with` registration was given */

/* ── The response ────────────────────────────────────────────────────────────────────────────────────────────── */

/* Each of these makes the whole response; the last one called before the chain ends counts. */
LEAT_API void leat_text(leat_exchange *x, int status, const char *format, ...) LEAT_PRINTF(3, 4);
LEAT_API void leat_bytes(leat_exchange *x, int status, const char *media_type, const void *bytes,
                         size_t size);
/* release may be NULL. */
LEAT_API void leat_bytes_borrow(leat_exchange *x, int status, const char *media_type, const void *bytes,
                                size_t size, leat_release_function *release, void *argument);
LEAT_API void leat_status(leat_exchange *x, int status);                         /* no content */
LEAT_API void leat_redirect(leat_exchange *x, int status, const char *location); /* 301, 302, 303, 307, 308 */
/* Problem details (RFC 9457), application/problem+json; detail may be NULL. */
LEAT_API void leat_problem(leat_exchange *x, int status, const char *detail);
/* leat_problem(x, status, reason phrase) when status is an error (400 and up), else an empty `otherwise` with text. */
LEAT_API void leat_problem_or(leat_exchange *x, int status, int otherwise, const char *text);
/* size octets of the open descriptor from offset, by sendfile(2). fd is Leat's from now on, and closed by it. */
LEAT_API void leat_send_file(leat_exchange *x, int status, const char *media_type, int fd,
                             uint64_t offset, uint64_t size);

/* The same, but fd stays yours until release(argument) is called. */
LEAT_API void leat_send_file_borrow(leat_exchange *x, int status, const char *media_type, int fd,
                                    uint64_t offset, uint64_t size, leat_release_function *release,
                                    void *argument);

/* Fields of the response. set replaces, add appends. 0, -EINVAL (not a field name or value, or a framing field:
 * Content-Length, Transfer-Encoding, Connection, Date), -ENOMEM (remembered: the client gets 500), -EALREADY. */
LEAT_API int leat_field_set(leat_exchange *x, const char *name, const char *value);
LEAT_API int leat_field_setf(leat_exchange *x, const char *name, const char *format, ...)
    LEAT_PRINTF(3, 4);
LEAT_API int leat_field_add(leat_exchange *x, const char *name, const char *value);

/* Status of the response made so far, or of the refusal (413 …) that will take its place; 0: none yet. For middleware, after
 * leat_next. */
LEAT_API int leat_response_status(leat_exchange *x);

/* Runs what is behind this middleware; returns when it has answered. A second call does nothing. */
LEAT_API void leat_next(leat_exchange *x);

/* ── Memory ──────────────────────────────────────────────────────────────────────────────────────────────────── */

/* From the exchange's arena: aligned to 16, gone when the exchange ends. NULL: over the bound, or the pool is empty;
 * remembered: the client gets 500 or 503 unless the handler answers with an error itself. */
LEAT_API void *leat_alloc(leat_exchange *x, size_t size);
LEAT_API char *leat_printf(leat_exchange *x, const char *format, ...) LEAT_PRINTF(2, 3); /* in the arena */
/* The next size bytes of arena are certain: 0; else a negative errno, and 503 (or 500, over the bound) is answered. */
LEAT_API int leat_reserve(leat_exchange *x, size_t size);

/* count objects of size bytes in all, shared out over the shards; a row of the plan. Before the start. */
LEAT_API leat_pool *leat_pool_create(leat_app *app, const char *name, size_t size, size_t count);
LEAT_API void *leat_pool_acquire(leat_pool *pool); /* NULL: empty, or not on a shard's thread */
LEAT_API void leat_pool_release(leat_pool *pool, void *object); /* from any thread; takes NULL */

/* ── Running ─────────────────────────────────────────────────────────────────────────────────────────────────── */

/* Options grow at the end. Zero means the default; "never" for a time is -1. */
typedef struct leat_server_options {
    /* NULL-terminated: "localhost:8080" (default), "127.0.0.1:80", "[::1]:80", ":8080" (every IPv4 address),
     * "unix:/path" */
    const char *const *listen;
    int shards;                /* threads; default: one per processor we may use */
    const char *loop;          /* "auto", "uring", "epoll" */
    uint32_t connections;      /* in all */
    uint32_t exchanges;        /* in all: connections active at once */
    uint64_t content_total;    /* bytes, in all */
    uint64_t content_max;      /* bytes of one request's content */
    uint64_t memory;           /* bytes our own memory may take */
    uint32_t head_max;         /* octets */
    uint32_t request_line_max; /* octets */
    uint32_t fields_max;
    int64_t head_timeout_ms, content_timeout_ms, write_timeout_ms, idle_timeout_ms, drain_timeout_ms;
    bool commit;              /* populate all memory before listening */
    bool private_descriptors; /* a descriptor table per shard */
    const char *tcp_profile;  /* "api", "streaming", "games", "trading", "many-idle" */
    uint64_t file_cache;      /* bytes for small files, in all; UINT64_MAX: none */
    int64_t file_check_ms; /* how long a kept file is sent before its name is looked at again; -1: for ever */
    uint32_t file_descriptors;     /* open files kept, in all; UINT32_MAX: none */
    uint32_t file_threads;         /* per shard, that read cold files */
    const char *access_log;        /* file, or "-": standard output; NULL: none */
    const char *access_log_format; /* "common", "combined", "json" */
    uint32_t tasks; /* handlers that wait at once, and tasks of the program's own, in all */
    uint64_t stack; /* bytes of a handler's or task's */
    /* Address of the live page, /metrics, /healthz and /readyz; NULL: there is none. (A program of leat_main has one on
     * localhost, unless it is told --admin off.) One that others reach wants a token. */
    const char *admin;
    const char *admin_token_file; /* its first line; NULL: none */
    const char *log; /* what the server and leat_log have to say: file; NULL, "-": standard error */
    const char *log_format; /* "text", "json" */
    const char *log_level;  /* "error", "warning", "notice", "info" (default), "debug" */
} leat_server_options;

LEAT_API leat_server *leat_server_create_sized(leat_app *app, const leat_server_options *options,
                                               size_t options_size);
/* Checks everything: plan, routes, addresses. NULL never; errors are told by leat_server_start. options may be NULL. */
static inline leat_server *leat_server_create(leat_app *app, const leat_server_options *options)
{
    return leat_server_create_sized(app, options, sizeof(leat_server_options));
}
/* Starts the shards and returns. 0 or a negative errno; leat_server_error has the lines then. */
LEAT_API int leat_server_start(leat_server *server);
LEAT_API const char *leat_server_error(const leat_server *server); /* "" when there is none */
LEAT_API int leat_server_port(const leat_server *server, size_t listener); /* bound port; 0: not TCP */
/* Stops accepting, ends what is under way within the drain timeout, joins the threads. */
LEAT_API void leat_server_stop(leat_server *server);
LEAT_API void leat_server_destroy(leat_server *server); /* takes NULL; stops first */

/* The whole of a program: flags, plan, server, signals. Answers the exit status: 0 a clean stop, 64 wrong usage,
 * 69 an address can't be had, 70 inside, 71 the system refuses, 78 the configuration does not fit. Destroys app. */
LEAT_API int leat_main(leat_app *app, int argc, char **argv);

/* ── Ready-made handlers ─────────────────────────────────────────────────────────────────────────────────────── */

typedef struct leat_files_options {
    const char *index;    /* the file that answers for its folder; default "index.html" */
    const char *fallback; /* a file that answers 200 for pages that are not there; NULL: none */
    const char *const *cache_control; /* NULL-terminated rules "PATTERN VALUE": "/assets/" "* public, max-age=60" */
    bool listing;                     /* show what is in a folder that has no index */
    bool clean_urls;                  /* /about is about.html, and /about.html redirects there */
    bool plain;                       /* never send FILE.br or FILE.gz in place of FILE */
} leat_files_options;

/* A folder: at start; NULL and a remembered error of app when it can't be opened. Goes with app. Conditional requests,
 * ranges and coded twins (RFC 9110 13, 14, 12.5.3) are answered; small files are kept in memory of the plan, and asked
 * for again when they may have changed. */
LEAT_API leat_files *leat_files_open_sized(leat_app *app, const char *directory,
                                           const leat_files_options *options, size_t options_size);
static inline leat_files *leat_files_open_with(leat_app *app, const char *directory,
                                               const leat_files_options *options)
{
    return leat_files_open_sized(app, directory, options, sizeof(leat_files_options));
}
LEAT_API leat_files *leat_files_open(leat_app *app, const char *directory);
/* The same from a file made by `leat bundle`. */
LEAT_API leat_files *leat_bundle_open_sized(leat_app *app, const char *file,
                                            const leat_files_options *options, size_t options_size);
static inline leat_files *leat_bundle_open_with(leat_app *app, const char *file,
                                                const leat_files_options *options)
{
    return leat_bundle_open_sized(app, file, options, sizeof(leat_files_options));
}
/* leat_get_with(app, "/" "*path", leat_serve_files, files): serves the file that the parameter "path" names. */
LEAT_API void leat_serve_files(leat_exchange *x);

LEAT_API uint64_t leat_now_ns(void); /* monotonic */

#ifdef __cplusplus
}
#endif

#include "leat/cookie.h"
#include "leat/form.h"
#include "leat/guest.h"
#include "leat/health.h"
#include "leat/hooks.h"
#include "leat/json.h"
#include "leat/log.h"
#include "leat/metrics.h"
#include "leat/middleware.h"
#include "leat/negotiate.h"
#include "leat/routes.h"
#include "leat/send.h"
#include "leat/session.h"
#include "leat/sse.h"
#include "leat/stream.h"
#include "leat/wait.h"

#endif
