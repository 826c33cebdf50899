/* fields.c: the fields that framing and persistence hang on.
 *
 * Six names are looked at; their sizes differ, so a field's size says which one it could be. Each
 * value is judged where it stands, in the order of the lines; what only two fields together can
 * tell waits for head_finish. */
#include "http1/classes.h"
#include "http1/head.h"

const char leat__http1_known_first[32] = {
    [0] = ':', [4] = 'h', [6] = 'e', [7] = 'u', [10] = 'c', [14] = 'c', [17] = 't',
};

/* Sizes are constants: then this is a comparison or two of whole words. lower holds small letters,
 * digits and '-' only, which all have the bit that is set here; of octets without it, only large
 * letters turn into these, and controls, of which there are none. */
static inline __attribute__((always_inline)) bool is_same(const char *text, const char *lower, size_t size)
{
    const uint64_t bits = 0x2020202020202020;
    if (size < 8) {
        uint32_t a, b, c, d;
        memcpy(&a, text, 4);
        memcpy(&b, lower, 4);
        memcpy(&c, text + size - 4, 4);
        memcpy(&d, lower + size - 4, 4);
        return (((a | (uint32_t)bits) ^ b) | ((c | (uint32_t)bits) ^ d)) == 0;
    }
    uint64_t differs = 0;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t a, b;
        size_t at = size_min(i, size - 8);
        memcpy(&a, text + at, 8);
        memcpy(&b, lower + at, 8);
        differs |= (a | bits) ^ b;
    }
    return differs == 0;
}

/* Whether it is well-formed. Nearly every request names the host of the one before it on this thread, so the last that was
 * found so is remembered, and to compare with it takes a tenth of looking at each octet again. */
static bool is_host(const char *value, size_t size)
{
    static _Thread_local struct {
        size_t size; /* 0: none yet */
        char text[64];
    } last;
    if (LIKELY(size == last.size && memcmp(value, last.text, size) == 0))
        return true;
    if (!leat__http1_is_authority(value, size, false))
        return false;
    if (size <= sizeof last.text) {
        last.size = size;
        memcpy(last.text, value, size);
    }
    return true;
}

static enum http1_result take_host(struct http1_head *h, const char *value, const struct http1_field *f)
{
    if ((h->flags & HTTP1_HAS_HOST) != 0)
        return head_bad(h, 400, "a second Host field");
    h->flags |= HTTP1_HAS_HOST;
    if (f->value_size != 0 && !is_host(value, f->value_size))
        return head_bad(h, 400, "the Host field is malformed");
    if (h->form != HTTP1_ABSOLUTE && h->form != HTTP1_AUTHORITY) {
        h->authority_at = f->value_at;
        h->authority_size = f->value_size;
    }
    return HTTP1_DONE;
}

/* RFC 9110 10.1.1; in HTTP/1.0 it means nothing. */
static enum http1_result take_expect(struct http1_head *h, const char *value, size_t size)
{
    static const char wanted[] = "100-continue";
    if (h->minor == 0)
        return HTTP1_DONE;
    if (size != sizeof wanted - 1 || !is_same(value, wanted, sizeof wanted - 1))
        return head_bad(h, 417, "only 100-continue can be expected");
    h->flags |= HTTP1_EXPECT_CONTINUE;
    return HTTP1_DONE;
}

/* The next member of a list: [*at, *at + its size), without the blanks around it. Empty ones are
 * members too. */
static size_t next_member(const char **at, const char *end, const char **member)
{
    const char *comma = memchr(*at, ',', (size_t)(end - *at));
    const char *last = comma != NULL ? comma : end;
    const char *first = *at;
    *at = comma != NULL ? comma + 1 : NULL;
    while (first < last && (*first == ' ' || *first == '\t'))
        first++;
    while (last > first && (last[-1] == ' ' || last[-1] == '\t'))
        last--;
    *member = first;
    return (size_t)(last - first);
}

/* A list of options; those that are none of ours, or malformed, change nothing. */
static enum http1_result take_connection(struct http1_head *h, const char *value, size_t size)
{
    if (LIKELY(size == 10 && is_same(value, "keep-alive", 10))) {
        h->flags |= HTTP1_KEEP_ALIVE_SAID;
        return HTTP1_DONE;
    }
    const char *end = value + size, *member;
    while (value != NULL) {
        size_t n = next_member(&value, end, &member);
        if (n == 10 && is_same(member, "keep-alive", 10))
            h->flags |= HTTP1_KEEP_ALIVE_SAID;
        else if (n == 5 && is_same(member, "close", 5))
            h->flags |= HTTP1_CLOSE_SAID;
        else if (n == 7 && is_same(member, "upgrade", 7))
            h->flags |= HTTP1_UPGRADE_SAID;
    }
    return HTTP1_DONE;
}

static enum http1_result take_length(struct http1_head *h, const char *value, size_t size)
{
    if ((h->flags & HTTP1_HAS_LENGTH) != 0)
        return head_bad(h, 400, "a second Content-Length field");
    h->flags |= HTTP1_HAS_LENGTH;
    if (size == 0)
        return head_bad(h, 400, "an empty Content-Length field");
    uint64_t length = 0;
    for (size_t i = 0; i < size; i++) {
        if (!octet_is(value[i], CLASS_DIGIT))
            return head_bad(h, 400, "Content-Length is not a number");
        if (__builtin_mul_overflow(length, 10u, &length) ||
            __builtin_add_overflow(length, (uint64_t)(value[i] - '0'), &length))
            return head_bad(h, 400, "Content-Length is no number that can be meant");
    }
    h->content_length = length;
    return HTTP1_DONE;
}

/* Exactly one coding can be decoded, and it must be the only one. Doubtful framing is 400, an
 * honest other coding 501. */
static enum http1_result take_coding(struct http1_head *h, const char *value, size_t size)
{
    if (h->minor == 0)
        return head_bad(h, 400, "Transfer-Encoding in HTTP/1.0");
    if ((h->flags & HTTP1_CHUNKED) != 0)
        return head_bad(h, 400, "a second Transfer-Encoding field");
    const char *end = value + size, *member;
    bool chunked = false, other = false;
    while (value != NULL) {
        size_t n = next_member(&value, end, &member);
        if (chunked)
            return head_bad(h, 400, "a transfer coding behind chunked");
        if (n == 7 && is_same(member, "chunked", 7))
            chunked = true;
        else if (n > 0 && leat__http1_is_token(member, n))
            other = true;
        else
            return head_bad(h, 400, "Transfer-Encoding is malformed");
    }
    if (other)
        return head_bad(h, 501, "a transfer coding that is not known");
    h->flags |= HTTP1_CHUNKED;
    return HTTP1_DONE;
}

enum http1_result leat__http1_known_field(struct http1_head *h, const char *bytes,
                                          const struct http1_field *f)
{
    const char *name = bytes + f->name_at, *value = bytes + f->value_at;
    switch (f->name_size) {
    case 0:
        return head_bad(h, 400, "a field without a name");
    case 4:
        return is_same(name, "host", 4) ? take_host(h, value, f) : HTTP1_DONE;
    case 6:
        return is_same(name, "expect", 6) ? take_expect(h, value, f->value_size) : HTTP1_DONE;
    case 7:
        if (is_same(name, "upgrade", 7))
            h->flags |= HTTP1_UPGRADE_FIELD;
        return HTTP1_DONE;
    case 10:
        return is_same(name, "connection", 10) ? take_connection(h, value, f->value_size) : HTTP1_DONE;
    case 14:
        return is_same(name, "content-length", 14) ? take_length(h, value, f->value_size) : HTTP1_DONE;
    case 17:
        return is_same(name, "transfer-encoding", 17) ? take_coding(h, value, f->value_size) : HTTP1_DONE;
    default:
        return HTTP1_DONE;
    }
}
