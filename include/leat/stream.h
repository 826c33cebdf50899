/* stream.h: contents of any length, in pieces: requests that are read, and responses that are written, a bit at a time.
 *
 *     static void receive(leat_exchange *x)            // leat_post_stream(app, "/upload", receive)
 *     {
 *         char piece[16384];
 *         int64_t n, total = 0;
 *         while ((n = leat_read(x, piece, sizeof piece)) > 0)      // waits for the client, blocks nobody
 *             total += n;
 *         if (n == 0)                  // < 0: gone, too slow or malformed, and answered already
 *             leat_text(x, 200, "%lld\n", (long long)total);
 *     }
 *
 *     static void count(leat_exchange *x)
 *     {
 *         leat_begin(x, 200, "text/plain");
 *         for (int i = 0; i < 1000 && leat_writef(x, "%d\n", i) == 0; i++)     // waits when the client is slow
 *             leat_sleep_ms(10);
 *     }
 *
 * A request's content is otherwise held whole in memory before its handler is called (leat_content), and bounded by
 * --content-max. A route of leat_route_stream is called when the head has come; its content is bounded by nothing but
 * leat_limit_content, and what the handler does not read is thrown away, or the connection is closed. */
#ifndef LEAT_STREAM_H
#define LEAT_STREAM_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ── Reading ── */

/* As leat_route_with, but handler is called when the head has come, and reads the content itself. */
LEAT_API void leat_route_stream(leat_app *app, const char *method, const char *pattern,
                                leat_handler *handler, void *data);
LEAT_API void leat_post_stream(leat_app *app, const char *pattern, leat_handler *handler);
LEAT_API void leat_post_stream_with(leat_app *app, const char *pattern, leat_handler *handler,
                                    void *data);
LEAT_API void leat_put_stream(leat_app *app, const char *pattern, leat_handler *handler);
LEAT_API void leat_put_stream_with(leat_app *app, const char *pattern, leat_handler *handler, void *data);

/* The next octets of the content, transfer coding removed: 1 to size; 0 at its end. Negative: it will not come whole
 * (-ECONNRESET gone, -ETIMEDOUT too slow, -EMSGSIZE over the limit, -EBADMSG malformed, -ECANCELED): what the handler
 * answers then is replaced by 408, 413 or 400, and the connection closes. The first read answers Expect: 100-continue.
 * Works on every route. */
LEAT_API int64_t leat_read(leat_exchange *x, void *bytes, size_t size);
/* Octets that the head announces; -1: chunked, not known. 0: no content. */
LEAT_API int64_t leat_content_length(leat_exchange *x);

/* For routes of this app and its groups, and of the groups' own call: a content over max octets is answered 413, before it
 * is read. The innermost counts; for routes that don't stream it can only lower --content-max. Before the start. */
LEAT_API void leat_limit_content(leat_app *app, uint64_t max);

/* ── Writing ── */

/* The response begins: status and fields are fixed with its first octets on their way (-EALREADY behind that), the content
 * follows by leat_write. It ends with the handler. 0; -EALREADY: one has begun; -EPERM: no task runs here. */
LEAT_API int leat_begin(leat_exchange *x, int status, const char *media_type);
/* The same with a Content-Length: exactly so many octets are to follow; fewer break the connection. */
LEAT_API int leat_begin_sized(leat_exchange *x, int status, const char *media_type, uint64_t size);

/* Adds octets; they go out when enough have gathered, when the handler waits for anything, and at its end. Waits while the
 * client is slower than the handler; bytes may be reused when it returns. 0; -ECONNRESET, -ECANCELED: the client is gone;
 * -ETIMEDOUT; -EMSGSIZE: more than announced. An error is remembered: later writes answer it at once. */
LEAT_API int leat_write(leat_exchange *x, const void *bytes, size_t size);
LEAT_API int leat_writef(leat_exchange *x, const char *format, ...) LEAT_PRINTF(2, 3); /* up to 4095 octets */
/* Until what has been written is with the kernel. As leat_write. */
LEAT_API int leat_flush(leat_exchange *x);

/* A trailer field (RFC 9110 6.5) of a response that was begun without a size; sent to clients that take them, behind the
 * content. As leat_field_set; -EINVAL also for fields that must not be trailers. */
LEAT_API int leat_trailer_set(leat_exchange *x, const char *name, const char *value);
/* A trailer field of the request, once leat_read has answered 0; data NULL: none. */
LEAT_API leat_slice leat_trailer(leat_exchange *x, const char *name);

/* An interim response (RFC 9110 15.2): 103 (Early Hints) with complete field lines "Link: …\r\n", before the final one. It
 * goes out at once. 0, -EINVAL (status not 1xx, or 100, 101; bad lines), -EALREADY, -EPERM. Not sent to HTTP/1.0. */
LEAT_API int leat_inform(leat_exchange *x, int status, const char *fields);

/* ── Changing what is written ── */

/* What a middleware puts into the way of a response's content (a compression, a digest): everything that leat_write is
 * given passes write, in order; then end. begin may change fields: it is called when the head is about to be made. Each
 * answers 0 or a negative errno, which ends the response, and hands on what it makes by leat_filter_put. A response that is
 * made whole (leat_bytes …) does not pass it: see leat_response_content. */
typedef struct leat_filter {
    int (*begin)(leat_exchange *x, void *state);
    int (*write)(leat_exchange *x, void *state, const void *bytes, size_t size);
    int (*flush)(leat_exchange *x, void *state); /* NULL: nothing is kept back */
    int (*end)(leat_exchange *x, void *state);
    void (*close)(leat_exchange *x, void *state); /* the exchange is over, however it went; NULL: nothing to do */
} leat_filter;

/* Before leat_begin; one at a time: 0, -EBUSY, -EALREADY. */
LEAT_API int leat_filter_set(leat_exchange *x, const leat_filter *filter, void *state);
/* For begin, of the filter itself: another takes its place, whose begin is not called; NULL: none. 0, -EALREADY. */
LEAT_API int leat_filter_replace(leat_exchange *x, const leat_filter *filter, void *state);
LEAT_API int leat_filter_put(leat_exchange *x, const void *bytes, size_t size); /* as leat_write */

/* The content of a response that was made whole, after leat_next: true, and where it lies; false: there is none, it is in a
 * file, or was written in pieces. leat_response_field is a field as it will be sent, whoever set it; data NULL: none. */
LEAT_API bool leat_response_content(leat_exchange *x, leat_slice *content);
LEAT_API leat_slice leat_response_field(leat_exchange *x, const char *name);
/* Puts other octets in its place, copied; status and fields stay. 0, -ENOMEM, -EPERM: there is no such response. */
LEAT_API int leat_response_replace(leat_exchange *x, const void *bytes, size_t size);
/* The same for what is made out of it: make gets the content and room octets to write to, and answers how many it has
 * written, or a negative errno. It may wait. 0; what make said, or -ENOMEM or -EPERM: the response is as it was, and nothing
 * is remembered. */
LEAT_API int leat_response_rewrite(leat_exchange *x, size_t room,
                                   int64_t (*make)(void *argument, leat_slice content, char *bytes,
                                                   size_t size),
                                   void *argument);

/* ── Changing what is read ── */

/* What a middleware puts into the way of a request's content (a decompression): leat_read, and leat_content of routes that
 * don't stream, give what read makes. It takes the octets as they came by leat_source_take, to their end, and answers as
 * leat_read: octets written, 0 at the end; -EBADMSG: malformed (400); -EMSGSIZE: too large (413). Bounds of the content
 * count for what it makes, too. */
typedef struct leat_source {
    int64_t (*read)(leat_exchange *x, void *state, void *bytes, size_t size);
    void (*close)(leat_exchange *x, void *state); /* the exchange is over, however it went; NULL: nothing to do */
} leat_source;

/* Before anything is read; one at a time: 0, -EBUSY, -EALREADY; -ENODATA: there is no content. */
LEAT_API int leat_source_set(leat_exchange *x, const leat_source *source, void *state);
LEAT_API int64_t leat_source_take(leat_exchange *x, void *bytes, size_t size);

#ifdef __cplusplus
}
#endif

#endif
