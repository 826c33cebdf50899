/* fuzz_http1_head.c: any bytes as a head. The parser's copies must agree; whole and split must
 * agree; what is found must lie within the head. The first octet chooses where the bytes are cut,
 * and the limits. */
#include "http1/http1.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum http1_result parse_head(struct http1_head *h, const char *bytes, size_t size,
                                     const struct http1_limits *limits);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* In a piece of memory of its own size, so that a look beyond the slack is found. */
static enum http1_result parse_piece(parse_head *parse, struct http1_head *h, const uint8_t *data,
                                     size_t size, const struct http1_limits *limits)
{
    char *bytes = malloc(size + HTTP1_SLACK);
    must(bytes != NULL);
    memcpy(bytes, data, size);
    memset(bytes + size, '\r', HTTP1_SLACK);
    enum http1_result result = parse(h, bytes, size, limits);
    free(bytes);
    return result;
}

static enum http1_result parse_split(parse_head *parse, struct http1_head *h, const uint8_t *data,
                                     size_t size, size_t step, const struct http1_limits *limits)
{
    http1_head_init(h);
    for (size_t at = step; at < size; at += step) {
        enum http1_result result = parse_piece(parse, h, data, at, limits);
        if (result != HTTP1_NEED_MORE)
            return result;
    }
    return parse_piece(parse, h, data, size, limits);
}

static void check_place(const struct http1_head *h, size_t at, size_t size)
{
    must(at + size <= h->size);
}

static void check_head(const struct http1_head *h, size_t size, const struct http1_limits *limits)
{
    must(h->size <= size && h->size <= limits->head_max && h->at == h->size);
    must(h->method_size > 0 && h->method_size <= 32 && h->method <= HTTP_METHOD_UNKNOWN);
    must(h->field_count <= limits->fields_max && h->target_size > 0);
    check_place(h, h->method_at, h->method_size);
    check_place(h, h->target_at, h->target_size);
    check_place(h, h->path_at, h->path_size);
    check_place(h, h->query_at, h->query_size);
    check_place(h, h->authority_at, h->authority_size);
    for (unsigned i = 0; i < h->field_count; i++) {
        const struct http1_field *f = &h->fields[i];
        must(f->name_size > 0 && f->name_at + f->name_size < f->value_at);
        check_place(h, f->value_at, f->value_size + 2u);
    }
}

static void compare(enum http1_result a_result, const struct http1_head *a,
                    enum http1_result b_result, const struct http1_head *b)
{
    must(a_result == b_result && a->at == b->at && a->phase == b->phase);
    if (a_result == HTTP1_BAD)
        must(a->status == b->status && strcmp(a->why, b->why) == 0);
    if (a_result != HTTP1_DONE)
        return;
    const size_t from = offsetof(struct http1_head, method);
    must(memcmp((const char *)a + from, (const char *)b + from,
                offsetof(struct http1_head, why) - from) == 0);
    must(memcmp(a->fields, b->fields, a->field_count * sizeof a->fields[0]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http1_limits limits[] = {{8192, 32768, 100}, {40, 120, 4}};
    static struct http1_head whole, other;
    if (size == 0)
        return 0;
    size_t step = 1 + data[0] % 64;
    const struct http1_limits *l = &limits[data[0] >= 192];
    data++;
    size--;
    enum http1_result result = parse_split(leat__http1_parse_head_scalar, &whole, data, size,
                                           size + 1, l);
    if (result == HTTP1_DONE)
        check_head(&whole, size, l);
    if (result == HTTP1_BAD)
        must(whole.status >= 400 && whole.why != NULL);
    compare(result, &whole, parse_split(leat__http1_parse_head_scalar, &other, data, size, step, l),
            &other);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) {
        compare(result, &whole,
                parse_split(leat__http1_parse_head_avx2, &other, data, size, size + 1, l), &other);
        compare(result, &whole,
                parse_split(leat__http1_parse_head_avx2, &other, data, size, step, l), &other);
    }
#endif
    return 0;
}
