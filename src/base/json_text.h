/* json_text.h: values as JSON has them (RFC 8259): octets in, octets out, no I/O and no memory. */
#ifndef LEAT_JSON_TEXT_H
#define LEAT_JSON_TEXT_H

#include "base/base.h"

enum {
    JSON_UNIT_MAX = 6,    /* octets that one octet of a text becomes, at most: \u0000 */
    JSON_NUMBER_MAX = 32, /* of any number */
};

/* The inside of a string: writes *text, up to end, into out as far as its room reaches, in whole characters, and moves *text
 * behind what was taken; answers the octets written. Quotes, backslashes and controls are escaped (RFC 8259 7); every
 * longest beginning of a character that is not UTF-8 becomes one U+FFFD, as Unicode 3.9 recommends. With a room of
 * JSON_UNIT_MAX or more it always gets on. */
size_t leat__json_escape(char *out, size_t room, const char **text, const char *end);

/* The character that begins at text, of left octets, one at least: true, and its octets; false: it is not UTF-8 (RFC 3629),
 * and how many octets are one mistake. */
bool leat__utf8_take(const char *text, size_t left, size_t *size);

/* Numbers, without NUL; answer their size. */
size_t leat__json_uint(char out[static JSON_NUMBER_MAX], uint64_t value);
size_t leat__json_int(char out[static JSON_NUMBER_MAX], int64_t value);
/* The shortest that reads back as value, whatever the locale; 0: it is not finite. */
size_t leat__json_double(char out[static JSON_NUMBER_MAX], double value);

#endif
