/* judge.c: the strict way through a head: one line at a time, octet by octet.
 *
 * A line is judged when its end is there: its first control octet that is not HTAB. Were it judged
 * earlier, the answer would hang on how the bytes were split; so what is unfinished is only
 * measured, and seen remembers how far. Judging goes in this order, and each step knows only the
 * line itself: the limits, the CRLF, the octets from left to right, the meaning of the whole
 * line. */
#include "http1/classes.h"
#include "http1/head.h"

#define OCTETS(n) (0x0101010101010101u * (n))

/* Eight octets at once: what is below 0x20 or 0x7f gets its high bit, exactly so up to the first of
 * them. */
static uint64_t control_bits(uint64_t word)
{
    uint64_t low = (word - OCTETS(0x20)) & ~word;
    uint64_t delete = word ^ OCTETS(0x7f);
    return (low | ((delete - OCTETS(1)) & ~delete)) & OCTETS(0x80);
}

size_t leat__http1_find_control(const char *text, size_t size)
{
    size_t i = 0;
    while (i < size) {
        uint64_t word;
        if (size - i < sizeof word) {
            word = OCTETS(' ');
            memcpy(&word, text + i, size - i);
        } else {
            memcpy(&word, text + i, sizeof word);
        }
        uint64_t bits = control_bits(word);
        if (bits == 0) {
            i += sizeof word;
            continue;
        }
        i += (size_t)__builtin_ctzll(bits) / 8;
        if (text[i] != '\t')
            return i;
        i++;
    }
    return size;
}

static bool version_is_well_formed(const char *v, size_t size)
{
    return size == 8 && memcmp(v, "HTTP/", 5) == 0 && octet_is(v[5], CLASS_DIGIT) && v[6] == '.' &&
           octet_is(v[7], CLASS_DIGIT);
}

/* Up to the space behind it. */
static enum http1_result judge_method(struct http1_head *h, const char *bytes, uint32_t end)
{
    uint32_t at = h->at, i = at;
    while (i < end && octet_is(bytes[i], CLASS_TOKEN))
        i++;
    if (i - at > METHOD_SIZE_MAX)
        return head_bad(h, 501, "the method is too long to be known");
    if (i == at || i == end || bytes[i] != ' ')
        return head_bad(h, 400, "the method is not a token and a space");
    h->method_at = (uint16_t)at;
    h->method_size = (uint16_t)(i - at);
    h->method = (uint8_t)leat__http_method_find(bytes + at, i - at);
    return HTTP1_DONE;
}

static enum http1_result judge_request_line(struct http1_head *h, const char *bytes, uint32_t end)
{
    if (judge_method(h, bytes, end) != HTTP1_DONE)
        return HTTP1_BAD;
    uint32_t target = (uint32_t)h->method_at + h->method_size + 1, i = target;
    while (i < end && octet_is(bytes[i], CLASS_TARGET))
        i++;
    if (i == target)
        return head_bad(h, 400, "no target");
    if (i == end)
        return head_bad(h, 400, "no version");
    if (bytes[i] != ' ')
        return head_bad(h, 400, "an octet that no target may hold");
    h->target_at = (uint16_t)target;
    h->target_size = (uint16_t)(i - target);

    const char *version = bytes + i + 1;
    if (!version_is_well_formed(version, end - i - 1))
        return head_bad(h, 400, "the version is malformed");
    h->minor = version[7] != '0';
    if (version[5] != '1')
        return head_bad(h, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    h->phase = PHASE_FIELDS;
    return leat__http1_split_target(h, bytes);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The octets up to end are no controls but HTAB: what a value may hold. */
static enum http1_result judge_field(struct http1_head *h, const char *bytes, uint32_t end)
{
    uint32_t at = h->at, i = at;
    if (is_blank(bytes[at]))
        return head_bad(h, 400, "a folded field, or a space before the first");
    while (i < end && octet_is(bytes[i], CLASS_TOKEN))
        i++;
    if (i == end)
        return head_bad(h, 400, "a field without a colon");
    if (bytes[i] != ':')
        return head_bad(h, 400,
                        is_blank(bytes[i]) ? "a space in or behind a field's name"
                                           : "an octet that no field's name may hold");
    uint32_t value = i + 1;
    while (value < end && is_blank(bytes[value]))
        value++;
    while (end > value && is_blank(bytes[end - 1]))
        end--;
    struct http1_field *f = &h->fields[h->field_count++];
    *f = (struct http1_field){(uint16_t)at, (uint16_t)(i - at), (uint16_t)value, (uint16_t)(end - value)};
    return leat__http1_known_field(h, bytes, f);
}

/* The line is [h->at, end), and its CRLF is behind it. */
static enum http1_result judge_whole(struct http1_head *h, const char *bytes, uint32_t end,
                                     const struct http1_limits *limits)
{
    if (h->phase == PHASE_REQUEST_LINE) {
        if (end != h->at)
            return judge_request_line(h, bytes, end);
        return h->at < EMPTY_LINES_MAX * CRLF_SIZE
                   ? HTTP1_DONE
                   : head_bad(h, 400, "empty lines before the request line");
    }
    if (end == h->at)
        return head_finish(h, end + CRLF_SIZE);
    if (h->field_count >= limits->fields_max || h->field_count >= HTTP1_FIELDS_MAX)
        return head_bad(h, 431, "too many fields");
    return judge_field(h, bytes, end);
}

/* The most octets the line at h->at may have, and what is to be said of more. Negative: not even
 * its CRLF fits. */
static int64_t line_max(const struct http1_head *h, const struct http1_limits *limits, uint16_t *status)
{
    uint32_t head_max = limits->head_max < HTTP1_HEAD_MAX ? limits->head_max : HTTP1_HEAD_MAX;
    int64_t left = (int64_t)head_max - h->at - CRLF_SIZE;
    *status = 431;
    if (h->phase != PHASE_REQUEST_LINE || left < 0)
        return left;
    *status = 414;
    return limits->request_line_max < left ? limits->request_line_max : left;
}

/* A line of which only the start [h->at, end) was looked at. A method that never ends is not a
 * target that is too long (RFC 9112 3). */
static enum http1_result judge_overlong(struct http1_head *h, const char *bytes, uint32_t end,
                                        uint16_t status)
{
    if (status != 414)
        return head_bad(h, status, "the head is too long");
    if (judge_method(h, bytes, end) != HTTP1_DONE)
        return HTTP1_BAD;
    return head_bad(h, status, "the request line is too long");
}

enum http1_result leat__http1_judge_line(struct http1_head *h, const char *bytes, size_t size,
                                         const struct http1_limits *limits)
{
    uint16_t status;
    int64_t max = line_max(h, limits, &status);
    size_t from = h->seen > h->at ? h->seen : h->at, end = from;
    if (max >= 0) {
        size_t in_reach = size_min(size, h->at + (size_t)max + 1);
        end += leat__http1_find_control(bytes + from, in_reach - from);
    }
    if ((int64_t)end - h->at > max)
        return judge_overlong(h, bytes, (uint32_t)end, status);
    h->seen = (uint32_t)end;
    if (end == size || (bytes[end] == '\r' && end + 1 == size))
        return HTTP1_NEED_MORE;
    if (bytes[end] != '\r' || bytes[end + 1] != '\n')
        return head_bad(h, 400, "a control octet, or a line that does not end with CRLF");
    enum http1_result result = judge_whole(h, bytes, (uint32_t)end, limits);
    if (result == HTTP1_DONE && h->phase != PHASE_DONE)
        h->at = (uint32_t)end + CRLF_SIZE;
    return result;
}
