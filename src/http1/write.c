/* write.c: the head of a response, in one pass: what is of fixed size is copied blindly, a little
 * too much of it when that is quicker, because the room was asked for once at the beginning. */
#include "base/copy.h"
#include "http1/http1.h"

/* The longest of each part; the sum must leave the blind copies their room. */
_Static_assert(HTTP_STATUS_LINE_ROOM + HTTP1_DATE_LINE + sizeof "Content-Length: 18446744073709551615\r\n" +
                       sizeof "Connection: keep-alive\r\n" + sizeof "\r\n" + 16 <=
                   HTTP1_HEAD_ROOM,
               "a head without fields fits");

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

/* Pairs of digits, from the last to the first; so the number of digits is counted beforehand. */
static inline char *put_number(char *out, uint64_t n)
{
    unsigned digits = 1;
    for (uint64_t power = 10; n >= power && digits < 20; power *= 10)
        digits++;
    char *at = out + digits;
    for (; n >= 100; n /= 100) {
        at -= 2;
        memcpy(at, digit_pairs + n % 100 * 2, 2);
    }
    if (n >= 10)
        memcpy(out, digit_pairs + n * 2, 2);
    else
        *out = (char)('0' + n);
    return out + digits;
}

/* A status that no table knows: three digits and a reason all the same. */
static char *put_odd_status(char *out, unsigned status)
{
    static const char line[] = "HTTP/1.1 000 Unknown\r\n";
    memcpy(out, line, sizeof line - 1);
    out[9] = (char)('0' + status / 100 % 10);
    out[10] = (char)('0' + status / 10 % 10);
    out[11] = (char)('0' + status % 10);
    return out + sizeof line - 1;
}

static inline char *put(char *out, const char *text, size_t size)
{
    memcpy(out, text, size);
    return out + size;
}

size_t leat__http1_write_head(char *out, size_t room, const struct http1_response *r)
{
    if (UNLIKELY(room < HTTP1_HEAD_ROOM + r->fields_size))
        return 0;
    char *at = out;
    const struct http_status_cell *cell = http_status_cell(r->status);
    if (LIKELY(cell->size != 0)) {
        memcpy(at, cell->line, HTTP_STATUS_LINE_ROOM);
        at += cell->size;
    } else {
        at = put_odd_status(at, r->status);
    }
    if (LIKELY(r->date != NULL))
        at = put(at, r->date, HTTP1_DATE_LINE);
    if (r->has_length) {
        at = put(at, "Content-Length: ", 16);
        at = put_number(at, r->content_length);
        at = put(at, "\r\n", 2);
    }
    if (UNLIKELY(r->chunked))
        at = put(at, "Transfer-Encoding: chunked\r\n", 28);
    if (UNLIKELY(r->close))
        at = put(at, "Connection: close\r\n", 19);
    else if (UNLIKELY(r->keep_alive))
        at = put(at, "Connection: keep-alive\r\n", 24);
    copy_short(at, r->fields, r->fields_size);
    at = put(at + r->fields_size, "\r\n", 2);
    return (size_t)(at - out);
}
