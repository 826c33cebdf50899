/* form.h: what a request says: the pairs of its query, of its form, and the parts of a multipart/form-data.
 *
 *     static void order(leat_exchange *x)                         // leat_post(app, "/orders", order)
 *     {
 *         const char *what = leat_form(x, "what");
 *         int64_t count = leat_form_int(x, "count", 1);
 *         …
 *     }
 *
 *     static void upload(leat_exchange *x)                        // leat_post_stream(app, "/files", upload)
 *     {
 *         leat_multipart *m = leat_multipart_begin(x, &(leat_multipart_options){.part_max = 64u << 20});
 *         leat_part part;
 *         uint64_t size;
 *         int more;
 *         while ((more = leat_multipart_next(m, &part)) == 1)
 *             if (part.filename != NULL)
 *                 leat_multipart_save(m, directory, "the-program-says", &size);
 *         if (more == 0)                                          // < 0: answered already
 *             leat_text(x, 201, "Thanks\n");
 *     }
 *
 * Names and values are decoded, NUL-terminated, and live as long as the exchange. What is malformed or endless is answered
 * with 400 or 413 whatever the handler answers, and from then on nothing more is found in it. */
#ifndef LEAT_FORM_H
#define LEAT_FORM_H

#include "leat/leat.h"
#include "leat/wait.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ── Pairs ── */

/* The pairs of the query in order, decoded: false when there is no i-th. Going on from i to i + 1 is quick. A query that is
 * not well encoded is answered 400 where this comes to it. */
LEAT_API bool leat_query_at(leat_exchange *x, size_t i, const char **name, const char **value);
/* The value of the i-th pair of that name; NULL: there are fewer. */
LEAT_API const char *leat_query_nth(leat_exchange *x, const char *name, size_t i);

/* The same of a form: content of the media type application/x-www-form-urlencoded, on a route that holds its content whole.
 * Without content there is no pair. */
LEAT_API const char *leat_form(leat_exchange *x, const char *name);
LEAT_API const char *leat_form_nth(leat_exchange *x, const char *name, size_t i);
LEAT_API int64_t leat_form_int(leat_exchange *x, const char *name, int64_t otherwise);
LEAT_API bool leat_form_at(leat_exchange *x, size_t i, const char **name, const char **value);
/* Why a form has nothing in it, for a handler that would do something all the same: 0: it is fine; -EMEDIUMTYPE: of another
 * media type (415); -EBADMSG: not well encoded (400); -E2BIG: over 1,000 pairs (413); each is answered already. -EPERM: the
 * route is one of leat_route_stream. */
LEAT_API int leat_form_check(leat_exchange *x);

/* ── Parts ── */

typedef struct leat_multipart leat_multipart; /* a content on its way, part by part */

typedef struct leat_multipart_options {
    uint32_t parts_max; /* parts; default 1,000 */
    uint64_t field_max; /* octets that leat_multipart_text takes; default 16 KiB, at most 56 KiB */
    uint64_t part_max;  /* octets of any part; default: no bound */
    uint64_t total_max; /* octets of all; default: no bound but leat_limit_content's */
    leat_blocking *blocking; /* writes files for leat_multipart_save; NULL: the shard does, which waits for the disk */
    unsigned mode; /* of the files; default 0600 */
} leat_multipart_options;

typedef struct leat_part { /* until the next leat_multipart_next */
    const char *name;
    const char *filename; /* as the client says, without its folders; "" where it says none; NULL: the part is no file */
    const char *media_type; /* as the client says; "text/plain" when it says nothing (RFC 7578 4.4) */
} leat_part;

/* Reads the content as multipart/form-data, on any route; one for an exchange. It holds 40 KiB, however long the content is.
 * NULL: of another media type (415), without a boundary (400), or no memory, and answered already; the functions below take
 * that NULL. options may be NULL. */
LEAT_API leat_multipart *leat_multipart_begin_sized(leat_exchange *x,
                                                    const leat_multipart_options *options,
                                                    size_t options_size);
static inline leat_multipart *leat_multipart_begin(leat_exchange *x, const leat_multipart_options *options)
{
    return leat_multipart_begin_sized(x, options, sizeof(leat_multipart_options));
}
/* The next part; what was not read of the one before is passed over. 1; 0: there is none left; negative: it does not come
 * whole (as leat_read), is malformed (-EBADMSG, 400) or over a bound (-EMSGSIZE, 413): answered, and the connection closes. */
LEAT_API int leat_multipart_next(leat_multipart *m, leat_part *part);
/* The next octets of the part: 1 to size; 0 at its end. Negative: as leat_multipart_next. */
LEAT_API int64_t leat_multipart_read(leat_multipart *m, void *bytes, size_t size);
/* All that is left of the part, NUL-terminated; its octets, if size is not NULL (if it is, a NUL in the text is 400). NULL:
 * over field_max (413), no memory, or as leat_multipart_next. */
LEAT_API const char *leat_multipart_text(leat_multipart *m, size_t *size);
/* What is left of the part becomes the file name in the folder dirfd (AT_FDCWD: the working directory), in the place of one
 * that is there: written under another name first, so that nobody sees half of it. name is one component: with a slash, or
 * as "..", -EINVAL. *size (or NULL) is its octets. 0; -ENOSPC, -EACCES … of the file, which is not there then, and the
 * program answers; -EAGAIN: the pool of threads is full (503 is answered); else as leat_multipart_next. Under
 * --private-descriptors a folder that the program has opened is there for .blocking alone. */
LEAT_API int leat_multipart_save(leat_multipart *m, int dirfd, const char *name, uint64_t *size);

#ifdef __cplusplus
}
#endif

#endif
