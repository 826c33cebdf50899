/* classes.h: which octets may stand where (RFC 9110 5.6.2, 5.5; RFC 3986; RFC 9112 3.2), as one
 * table of bits. */
#ifndef LEAT_HTTP1_CLASSES_H
#define LEAT_HTTP1_CLASSES_H

#include "base/base.h"

enum octet_class {
    CLASS_TOKEN = 1,  /* tchar: methods, field names */
    CLASS_VALUE = 2,  /* field values: HTAB, SP, visible, and 0x80 up */
    CLASS_QUOTED = 4, /* within a quoted string, but for '"' and '\' */
    CLASS_TARGET = 8, /* anywhere in a request target: visible, without '"', '<', '>', '#' */
    CLASS_PATH = 16,  /* in its path: of these, without '\', '^', '`', '{', '}' */
    CLASS_NAME = 32,  /* in a registered name: unreserved and sub-delims; "%XX" is apart */
    CLASS_DIGIT = 64,
    CLASS_HEX = 128, /* digits too */
};

extern const uint8_t leat__http1_classes[256];

static inline bool octet_is(char c, unsigned classes)
{
    return (leat__http1_classes[(unsigned char)c] & classes) != 0;
}

/* Of a CLASS_HEX octet. */
static inline unsigned hex_value(char c)
{
    return ((unsigned)c & 15) + 9 * ((unsigned)c >> 6 & 1);
}

#endif
