/* fuzz_http_conditions.c: any lines as the fields of a conditional request. Whatever they say, the judgement is one of those
 * there are; ranges lie within the representation, are apart from each other, and are what one octet-by-octet reading of
 * the answer may hold; a coding is one of those that are there; and what was asked in other letters is answered the same.
 *
 * Input: the size in 8 octets, flags in one, then lines "Name: value" ended by '\n'. */
#include "http/conditions.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 9 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* The lines of text; large: the names in large letters. */
static void read_lines(struct http_conditions *c, char *text, size_t size, bool large)
{
    http_conditions_clear(c);
    for (char *at = text, *end = text + size; at < end;) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        char *colon = memchr(at, ':', (size_t)(stop - at));
        if (colon != NULL) {
            for (char *p = at; large && p < colon; p++)
                *p = *p >= 'a' && *p <= 'z' ? (char)(*p & ~0x20) : *p;
            leat__http_conditions_read(c, at, (size_t)(colon - at), colon + 1,
                                       (size_t)(stop - colon - 1));
        }
        at = stop + 1;
    }
}

static int check_ranges(const struct http_conditions *c, const struct http_validators *v, uint64_t size)
{
    struct http_range out[RANGES_MAX];
    int count = leat__http_ranges(c, v, size, out);
    must(count == -416 || (count >= 0 && count <= RANGES_MAX));
    must(count == 0 || c->range.count == 1);
    uint64_t sum = 0;
    for (int i = 0; i < count; i++) {
        must(out[i].size > 0 && out[i].first < size && out[i].size <= size - out[i].first);
        must(out[i].size <= size - sum);
        sum += out[i].size;
        for (int other = 0; other < i; other++) { /* neither overlaps nor touches */
            uint64_t end = out[i].first + out[i].size;
            uint64_t other_end = out[other].first + out[other].size;
            must(end < out[other].first || other_end < out[i].first);
        }
    }
    if (count > 1)
        must(size - sum > (uint64_t)count * RANGE_PART_COST);
    return count;
}

static unsigned check_judgement(const struct http_conditions *c, const struct http_validators *v)
{
    unsigned get = leat__http_conditions_judge(c, HTTP_GET, v);
    unsigned put = leat__http_conditions_judge(c, HTTP_PUT, v);
    must(get == 0 || get == 304 || get == 412);
    must(put == 0 || put == 412);
    must(get != 412 || put == 412);
    must(leat__http_conditions_judge(c, HTTP_HEAD, v) == get);
    must(leat__http_conditions_judge(c, HTTP_OPTIONS, v) == 0);
    if (!c->any)
        must(get == 0 && put == 0 && leat__http_if_range_holds(c, v));
    return get;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD)
        return 0;
    uint64_t octets;
    memcpy(&octets, data, sizeof octets);
    uint8_t flags = data[8];
    size_t text_size = size - HEAD;
    char *text = malloc(text_size + 1);
    must(text != NULL);
    memcpy(text, data + HEAD, text_size);
    struct http_validators v = {
        .etag = {"\"abc\"", (flags & 1) != 0 ? 0 : 5},
        .etag_weak = (flags & 2) != 0,
        .modified_s = (flags & 4) != 0 ? INT64_MIN : 784111777,
        .now_s = (flags & 8) != 0 ? 784111777 : 1784111777,
        .exists = (flags & 16) == 0,
    };
    unsigned there = flags >> 5;
    struct http_conditions c;
    read_lines(&c, text, text_size, false);
    unsigned judged = check_judgement(&c, &v);
    int count = check_ranges(&c, &v, octets);
    enum http_coding coding = leat__http_coding_choose(&c.accept_encoding, there);
    must(coding == CODING_IDENTITY || (coding < CODING_COUNT && (there >> coding & 1) != 0));
    must(coding == CODING_IDENTITY || c.accept_encoding.count > 0);
    read_lines(&c, text, text_size, true);
    must(check_judgement(&c, &v) == judged);
    must(check_ranges(&c, &v, octets) == count);
    must(leat__http_coding_choose(&c.accept_encoding, there) == coding);
    free(text);
    return 0;
}
