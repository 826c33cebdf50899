/* negotiate.h: what the client takes (RFC 9110 12.5), and what it has sent (8.3).
 *
 *     static const char *const types[] = {"application/json", "text/html", "text/csv"};
 *
 *     static void report(leat_exchange *x)
 *     {
 *         switch (leat_accepts(x, types, 3)) {
 *         case 0: …  break;
 *         case 1: …  break;
 *         case 2: …  break;
 *         default: leat_problem(x, 406, NULL);
 *         }
 *     }
 *
 * Offers stand in the order of the server's own liking, which decides between those that the client likes as well as each
 * other. All three functions add the field that they looked at to Vary, since a cache must know what the answer depends on. */
#ifndef LEAT_NEGOTIATE_H
#define LEAT_NEGOTIATE_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The best of count media types by Accept, with weights, parameters, and the most specific range counting: its index; -1:
 * none is acceptable. Without the field anything is: 0. */
LEAT_API int leat_accepts(leat_exchange *x, const char *const *types, size_t count);
/* The same of language tags by Accept-Language: the range "de" takes "de-CH" (RFC 4647 3.3.1), and who wants "de-CH" gets
 * "de" where there is nothing closer (3.4). -1: better the first than 406. */
LEAT_API int leat_accepts_language(leat_exchange *x, const char *const *tags, size_t count);
/* The same of content codings by Accept-Encoding: "identity" among them is acceptable unless it is refused; without the
 * field it is the best. */
LEAT_API int leat_accepts_encoding(leat_exchange *x, const char *const *codings, size_t count);

/* Adds a field name to the response's Vary (RFC 9110 12.5.5), once. As leat_field_set. */
LEAT_API int leat_vary(leat_exchange *x, const char *name);

/* Whether the content's media type is that ("application/json", without parameters, in any case). */
LEAT_API bool leat_content_is(leat_exchange *x, const char *media_type);
/* The same for a handler that takes nothing else: 0; -EMEDIUMTYPE: 415 is answered, with Accept telling what would do,
 * whatever the handler answers. */
LEAT_API int leat_content_need(leat_exchange *x, const char *media_type);

#ifdef __cplusplus
}
#endif

#endif
