/* fuzz_http1_chunked.c: any bytes as chunked content. Whole and split must agree, and so must
 * decoding apart and over the input; what is decoded is never longer than what was taken. The first
 * octet chooses where the bytes are cut. */
#include "http1/http1.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

struct outcome {
    enum http1_result result;
    unsigned status;
    const char *why;
    size_t used, made;
    char *out;
};

static struct outcome decode(const uint8_t *data, size_t size, size_t step, bool in_place)
{
    struct http1_chunked c = {0};
    struct outcome o = {.result = HTTP1_NEED_MORE, .out = malloc(size + 1)};
    must(o.out != NULL);
    while (o.result == HTTP1_NEED_MORE && o.used < size) {
        size_t used, made, piece = size_min(step, size - o.used);
        char *in = malloc(piece);
        must(in != NULL);
        memcpy(in, data + o.used, piece);
        o.result = leat__http1_parse_chunked(&c, in, piece, &used, in_place ? in : o.out + o.made,
                                             piece, &made);
        must(used <= piece && made <= used);
        must(o.result != HTTP1_NEED_MORE || used == piece);
        if (in_place)
            memcpy(o.out + o.made, in, made);
        free(in);
        o.used += used;
        o.made += made;
        must(c.total == o.made);
    }
    o.status = c.status;
    o.why = c.why;
    return o;
}

static void compare(const struct outcome *a, struct outcome b)
{
    must(a->result == b.result && a->used == b.used && a->made == b.made);
    must(memcmp(a->out, b.out, a->made) == 0);
    if (a->result == HTTP1_BAD)
        must(a->status == b.status && a->status >= 400 && strcmp(a->why, b.why) == 0);
    free(b.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t step = 1 + data[0] % 32;
    data++;
    size--;
    struct outcome whole = decode(data, size, size, false);
    compare(&whole, decode(data, size, size, true));
    compare(&whole, decode(data, size, step, false));
    compare(&whole, decode(data, size, step, true));
    free(whole.out);
    return 0;
}
