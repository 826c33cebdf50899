/* send.h: files and parts of contents, as answers of handlers of one's own.
 *
 *     static leat_files *reports;          // = leat_files_open(app, "reports"), before the start
 *
 *     static void report(leat_exchange *x)
 *     {
 *         if (!may_read(x))
 *             leat_problem(x, 403, NULL);
 *         else if (leat_send_path(x, reports, leat_param(x, "name")) < 0)
 *             leat_problem(x, 404, NULL);
 *     } */
#ifndef LEAT_SEND_H
#define LEAT_SEND_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Answers with the file of that name beneath the folder (or in the bundle), as leat_serve_files would: with its media type,
 * entity tag and Cache-Control rule, conditions, ranges and coded twins, from memory where it is kept. Names are those of
 * requests' paths, decoded: none leads out of the folder, and none begins with a dot. What is not in memory is fetched by a
 * worker, while the handler waits and nobody else. Fields set before, or behind it, count: Content-Disposition …
 *
 * 0: the response is made. Negative: none is, and another answer is the handler's to give: -ENOENT; -EISDIR: it is a folder
 * (without an index); -EACCES; -EAGAIN: all workers are busy, or the file changes all the time; -EIO; -ECANCELED: the client
 * is gone; -ENOMEM; -EALREADY: a response has begun. */
LEAT_API int leat_send_path(leat_exchange *x, leat_files *files, const char *name);

/* Of the whole response made just before, by leat_bytes, leat_bytes_borrow, leat_text or leat_send_file: says
 * Accept-Ranges, and when it is 200, the method GET and the request asks for a part of it (RFC 9110 14), makes it 206 with
 * that part, or 416. If-Range is held against the response's ETag and Last-Modified, so set those before. Several ranges
 * at once get the whole. 0; -EPERM: there is no such response. */
LEAT_API int leat_allow_ranges(leat_exchange *x);

#ifdef __cplusplus
}
#endif

#endif
