/* json.h: JSON (RFC 8259), written straight into the response: no tree in between, and no memory but the exchange's.
 *
 *     static void show_item(leat_exchange *x)
 *     {
 *         leat_json *j = leat_json_begin(x, 200);          // {
 *         leat_json_int(j, "id", 7);                       //   "id":7
 *         leat_json_string(j, "name", "Leat");             //   ,"name":"Leat"
 *         leat_json_array(j, "tags");                      //   ,"tags":[
 *         leat_json_string(j, NULL, "fast");               //     "fast"
 *         leat_json_end(j);                                //   ]
 *     }                                                    // } by itself: the outermost ends with its handler
 *
 * Rules
 *   - In an object every value has a name, in an array none (NULL). What is begun inside is ended by leat_json_end; only
 *     the outermost ends by itself. Depth is at most 64. What breaks these rules is remembered: the client gets 500, and
 *     in a debug build of Leat the reason stands in it and on stderr.
 *   - Nothing here returns an error, and no result is NULL: write all of it, and ask leat_json_error if you must know.
 *   - Names and texts are UTF-8 and escaped as needed; octets that are not UTF-8 become U+FFFD. What you pass is copied.
 *   - The text gathers in the exchange's arena and, when it is large, in memory of --content-total: what does
 *     not fit is answered 503 (in use) or 500 (over the bound). For any length: leat_json_stream.
 *   - Another answer made afterwards (leat_problem …) takes its place, and what is still written is thrown away. */
#ifndef LEAT_JSON_H
#define LEAT_JSON_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leat_json leat_json; /* a text under way; it ends with the handler */

/* ── Beginning ── */

/* The response becomes an object, or an array, with Content-Type: application/json. Fields may still be set. */
LEAT_API leat_json *leat_json_begin(leat_exchange *x, int status);
LEAT_API leat_json *leat_json_begin_array(leat_exchange *x, int status);

/* The same into a response that leat_begin has begun: every call's octets go out by leat_write, which may wait, and the text
 * may be of any length. Once ended it may be called again: one text in a line (application/x-ndjson, say). A mistake breaks
 * the connection, as the status has been sent. Call leat_begin first, or what is written is lost (-EPERM). */
LEAT_API leat_json *leat_json_stream(leat_exchange *x);
LEAT_API leat_json *leat_json_stream_array(leat_exchange *x);

/* ── Within ── name: NULL in an array */

/* An object or an array begins: what follows is in it, up to leat_json_end. */
LEAT_API void leat_json_object(leat_json *j, const char *name);
LEAT_API void leat_json_array(leat_json *j, const char *name);
LEAT_API void leat_json_end(leat_json *j); /* the innermost that is open */

/* A value: of a string, of size octets, as printf makes it, of a number. */
LEAT_API void leat_json_string(leat_json *j, const char *name, const char *text); /* NULL: null */
LEAT_API void leat_json_stringn(leat_json *j, const char *name, const char *text, size_t size);
LEAT_API void leat_json_stringf(leat_json *j, const char *name, const char *format, ...)
    LEAT_PRINTF(3, 4);
LEAT_API void leat_json_int(leat_json *j, const char *name, int64_t value);
LEAT_API void leat_json_uint(leat_json *j, const char *name, uint64_t value);
/* The shortest text that reads back as the same value. What JSON has no number for (NaN, infinity) becomes null, and
 * leat_json_error says -EDOM. */
LEAT_API void leat_json_double(leat_json *j, const char *name, double value);
LEAT_API void leat_json_bool(leat_json *j, const char *name, bool value);
LEAT_API void leat_json_null(leat_json *j, const char *name);
/* size octets of a text that is JSON already, trusted as it stands: never what a client sent. */
LEAT_API void leat_json_raw(leat_json *j, const char *name, const char *json, size_t size);

/* 0; -EDOM: a number was not finite, and is null; -EINVAL: the rules were broken; -E2BIG: too deep; -ENOMEM; of a stream,
 * what leat_write said. The first counts; behind all but -EDOM nothing is written any more. */
LEAT_API int leat_json_error(const leat_json *j);

#ifdef __cplusplus
}
#endif

#endif
