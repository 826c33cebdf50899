/* percent.c: "%41" is "A" (RFC 3986 2.1). What is decoded is never longer, so it may be written
 * over what it was. */
#include "http1/classes.h"
#include "http1/http1.h"

ptrdiff_t leat__http1_percent_decode(char *out, const char *in, size_t size, bool plus, bool keep_slash)
{
    char *to = out;
    for (const char *end = in + size; in < end;) {
        char c = *in++;
        if (c == '+' && plus)
            c = ' ';
        if (c != '%') {
            *to++ = c;
            continue;
        }
        if (end - in < 2 || !octet_is(in[0], CLASS_HEX) || !octet_is(in[1], CLASS_HEX))
            return -1;
        unsigned octet = hex_value(in[0]) << 4 | hex_value(in[1]);
        if (octet == 0)
            return -1;
        if (keep_slash && (octet == '/' || octet == '%')) {
            memmove(to, in - 1, 3);
            to += 3;
        } else {
            *to++ = (char)octet;
        }
        in += 2;
    }
    return to - out;
}
