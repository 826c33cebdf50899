/* fuzz_http1_chunked.c: any bytes as chunked content. Whole and split must agree, and so must
 * decoding apart and over the input; what is decoded is never longer than what was taken. The first
 * octet chooses where the bytes are cut. Trailers that are kept are the same however that is, complete lines, and
 * keeping them changes nothing else, but that too many are refused. */
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
    size_t used, made, trailers_size;
    char *out, *trailers; /* trailers NULL: none were kept */
};

static struct outcome decode(const uint8_t *data, size_t size, size_t step, bool in_place, bool keeps)
{
    struct http1_chunked c = {.keeps_trailers = keeps};
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
        must(o.result != HTTP1_NEED_MORE || used == piece || c.wants_room);
        if (c.wants_room) {
            must(keeps && c.trailers == NULL && o.result == HTTP1_NEED_MORE);
            c.trailers = malloc(HTTP1_TRAILERS_MAX);
            must(c.trailers != NULL);
        }
        if (in_place)
            memcpy(o.out + o.made, in, made);
        free(in);
        o.used += used;
        o.made += made;
        must(c.total == o.made);
    }
    o.status = c.status;
    o.why = c.why;
    o.trailers = c.trailers;
    o.trailers_size = c.trailers_size;
    must(o.trailers_size <= HTTP1_TRAILERS_MAX);
    return o;
}

static void check_trailers(const struct outcome *o)
{
    if (o->trailers == NULL || o->result != HTTP1_DONE)
        return;
    const char *line = o->trailers, *end = line + o->trailers_size;
    while (line < end) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        must(line_end != NULL);
        const char *colon = memchr(line, ':', (size_t)(line_end - line));
        must(colon != NULL && leat__http1_is_token(line, (size_t)(colon - line)));
        line = line_end + 1;
    }
}

static void finish(struct outcome o)
{
    free(o.out);
    free(o.trailers);
}

static void compare(const struct outcome *a, struct outcome b)
{
    must(a->result == b.result && a->used == b.used && a->made == b.made);
    must(memcmp(a->out, b.out, a->made) == 0);
    if (a->result == HTTP1_BAD)
        must(a->status == b.status && a->status >= 400 && strcmp(a->why, b.why) == 0);
    must(a->trailers_size == b.trailers_size);
    if (a->trailers_size > 0)
        must(memcmp(a->trailers, b.trailers, a->trailers_size) == 0);
    finish(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t step = 1 + data[0] % 32;
    data++;
    size--;
    struct outcome whole = decode(data, size, size, false, true);
    check_trailers(&whole);
    compare(&whole, decode(data, size, size, true, true));
    compare(&whole, decode(data, size, step, false, true));
    compare(&whole, decode(data, size, step, true, true));
    if (whole.trailers == NULL)
        compare(&whole, decode(data, size, step, true, false));
    finish(whole);
    return 0;
}
