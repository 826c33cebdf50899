/* json_value.h: JSON that clients send, as values of Jansson's, in the exchange's memory. Of libleat-json: link leat-json and
 * jansson; leat.h does not include it.
 *
 *     static void create(leat_exchange *x)
 *     {
 *         const json_t *order = leat_content_json(x);
 *         if (order == NULL)
 *             return;                                          // answered already: 400, 413, 415, 503
 *         const char *sku = leat_json_get_string(order, "sku", "");
 *         int64_t count = leat_json_get_int(order, "count", 1);
 *         …
 *     }
 *
 *     leat_json_use();                                         // in main, before the start
 *
 * Jansson's allocator hook is one for the whole process. leat_json_use sets it, and hands on everything to the functions
 * that were there before, but for what happens inside leat_content_json on that thread: that comes from the exchange's
 * arena, and is gone with it. Frees are told apart by their address. So the program's own values are as they were.
 *
 * Values live until the handler returns. They are const: don't release them (json_decref) and don't change them; copies
 * (json_deep_copy) are the program's own, and its malloc's. */
#ifndef LEAT_JSON_VALUE_H
#define LEAT_JSON_VALUE_H

#include <jansson.h>

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Before the start, and behind a json_set_alloc_funcs of the program's own. Again: nothing. */
LEAT_API void leat_json_use(void);

typedef struct leat_json_options {
    uint32_t depth_max; /* default and at most 64: a text that is nested deeper is refused before it is parsed */
    bool duplicates; /* an object may have a name twice, the last one counts; else it is refused */
    bool any_media_type; /* whatever Content-Type says, and if there is none */
} leat_json_options;

LEAT_API const json_t *leat_content_json_sized(leat_exchange *x, const leat_json_options *options,
                                               size_t options_size);
/* The request's content as one value of any kind (RFC 8259), parsed anew each time: keep the pointer.
 * NULL: it is answered:
 *   400 it is no JSON, or none at all; line and column are told. A name that is twice in one object, octets that are not
 *       UTF-8, nesting over depth_max, integers beyond 64 bits, numbers beyond a double, and NUL in a name count as that.
 *   413 it takes more memory than one request may have: a string over 32 KiB, an array of more than 4,096
 *       elements, an object of more than 2,048 names, or some megabytes in all.
 *   415 its Content-Type is not application/json or …+json.
 *   500 leat_json_use has not been called.   503 the memory is in use.
 * Routes that take their content in pieces (leat_route_stream) have none to parse. */
static inline const json_t *leat_content_json_with(leat_exchange *x, const leat_json_options *options)
{
    return leat_content_json_sized(x, options, sizeof(leat_json_options));
}
LEAT_API const json_t *leat_content_json(leat_exchange *x);

/* ── Looking ── of what is not an object, or has no such value of that kind, otherwise, or NULL. value may be NULL. */

/* The value of that name in an object, of whatever kind. */
LEAT_API const json_t *leat_json_get(const json_t *value, const char *name);
/* NUL-terminated; a string with a NUL inside is none of these: leat_json_get_slice. */
LEAT_API const char *leat_json_get_string(const json_t *value, const char *name, const char *otherwise);
LEAT_API leat_slice leat_json_get_slice(const json_t *value, const char *name); /* data NULL: none */
LEAT_API int64_t leat_json_get_int(const json_t *value, const char *name, int64_t otherwise);
LEAT_API double leat_json_get_double(const json_t *value, const char *name, double otherwise); /* integers too */
LEAT_API bool leat_json_get_bool(const json_t *value, const char *name, bool otherwise);
LEAT_API const json_t *leat_json_get_array(const json_t *value, const char *name);
LEAT_API const json_t *leat_json_get_object(const json_t *value, const char *name);

/* A JSON Pointer (RFC 6901): "/items/0/sku"; "" is value itself; names of up to 255 octets. */
LEAT_API const json_t *leat_json_path(const json_t *value, const char *pointer);

/* ── Writing ── */

/* A value, with all that is in it, as the next of a text, whose depth it counts towards. NULL: null. */
LEAT_API void leat_json_value(leat_json *j, const char *name, const json_t *value);

#ifdef __cplusplus
}
#endif

#endif
