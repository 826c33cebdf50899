/* access_line.c: a record as a line of the log.
 *
 * Programs read these lines by splitting at spaces and quotes, so what a client sent never brings one of its own that
 * counts: control octets and those beyond ASCII become \xhh, a quote \" and a backslash \\. A text is escaped octet by
 * octet; most need nothing, and runs of those are copied as they are. */
#include "observe/access_inside.h"
#include "observe/ticks.h"

void leat__access_style_init(struct access_style *style, enum access_format format, int64_t since_s)
{
    style->format = format;
    style->time_s = INT64_MIN;
    leat__access_zone_init(&style->zone, since_s);
}

static bool is_plain(unsigned char octet)
{
    return octet >= ' ' && octet < 0x7f && octet != '"' && octet != '\\';
}

static char *put(char *out, const char *text, size_t size)
{
    memcpy(out, text, size);
    return out + size;
}

static char *put_escaped(char *out, const char *text, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    size_t start = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char octet = (unsigned char)text[i];
        if (LIKELY(is_plain(octet)))
            continue;
        out = put(out, text + start, i - start);
        start = i + 1;
        *out++ = '\\';
        if (octet == '"' || octet == '\\') {
            *out++ = (char)octet;
        } else {
            *out++ = 'x';
            *out++ = digits[octet >> 4];
            *out++ = digits[octet & 15];
        }
    }
    return size > start ? put(out, text + start, size - start) : out;
}

/* "text", or "-" when there is none. */
static char *put_quoted(char *out, struct access_text text)
{
    if (text.size == 0)
        return put(out, "\"-\"", 3);
    *out++ = '"';
    out = put_escaped(out, text.data, size_min(text.size, ACCESS_TEXT_MAX));
    *out++ = '"';
    return out;
}

static char *put_number(char *out, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    return put(out, digits + at, sizeof digits - at);
}

/* "GET /path HTTP/1.1" as it was sent, or "-" for what was no request. */
static char *put_request(char *out, const struct access_record *r)
{
    if (r->method.size == 0 || r->target.size == 0)
        return put(out, "\"-\"", 3);
    *out++ = '"';
    out = put_escaped(out, r->method.data, size_min(r->method.size, ACCESS_METHOD_MAX));
    *out++ = ' ';
    out = put_escaped(out, r->target.data, size_min(r->target.size, ACCESS_TEXT_MAX));
    out = put(out, " HTTP/1.", 8);
    *out++ = (char)('0' + r->minor % 10);
    *out++ = '"';
    return out;
}

/* The same text for all lines of a second. */
static char *put_time(char *out, struct access_style *style, int64_t time_s)
{
    if (style->time_s != time_s) {
        leat__access_time_write(style->text, &style->zone, time_s);
        style->time_s = time_s;
    }
    return put(out, style->text, sizeof style->text);
}

size_t leat__access_line_write(char *out, struct access_style *style, const struct access_record *record)
{
    if (style->format == ACCESS_JSON)
        return leat__access_json_write(out, record, leat__ticks_per_second());
    char *at = out;
    size_t host_size = strnlen(record->host, sizeof record->host);
    at = host_size > 0 ? put_escaped(at, record->host, host_size) : put(at, "-", 1);
    at = put(at, " - - ", 5);
    at = put_time(at, style, record->time_s);
    *at++ = ' ';
    at = put_request(at, record);
    *at++ = ' ';
    at = put_number(at, record->status);
    *at++ = ' ';
    at = put_number(at, record->octets);
    if (style->format == ACCESS_COMBINED) {
        *at++ = ' ';
        at = put_quoted(at, record->referer);
        *at++ = ' ';
        at = put_quoted(at, record->user_agent);
    }
    *at++ = '\n';
    size_t size = (size_t)(at - out);
    ASSERT_DEBUG(size <= ACCESS_LINE_MAX);
    return size;
}
