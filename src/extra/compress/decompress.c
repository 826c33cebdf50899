/* decompress.c: contents of requests, decoded on their way in.
 *
 * A source of libleat's stands before what is read. It takes what the client sends a buffer at a time, and makes at most
 * what it is asked for: nothing of a bomb is there but what somebody reads, and the bounds of contents end it. */
#include "coding.h"
#include "negotiate.h"
#include <errno.h>
#include <leat/compress.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    CONTEXTS = 8,
    WINDOW = 2 << 20,
    WINDOW_MIN = 1 << 10,
    WINDOW_MAX = 128 << 20,
    RATIO_MAX = 200,
    RATIO_FREE = 1 << 20, /* octets that may come of anything */
    STRETCH = 256 << 10,  /* octets after which others get their turn */
};

struct leat_decompress {
    leat_pool *pool;
    uint32_t window, ratio_max;
    size_t memory_size;
};

/* ── Reading ── */

static bool has_come_far(const struct coder *d, size_t n)
{
    return d->out_total / STRETCH != (d->out_total + n) / STRETCH;
}

/* The next octets as they came. 0, or why there are none; at the end of all of them d->at_end is set. */
static int refill(leat_exchange *x, struct coder *d)
{
    int64_t n = leat_source_take(x, d->buffer, CODER_BUFFER);
    if (n < 0)
        return (int)n;
    d->at_end = n == 0;
    d->input.in = d->buffer;
    d->input.in_left = (size_t)n;
    d->in_total += (uint64_t)n;
    return 0;
}

/* Makes some octets of d->input, at most size. 0: it needs more of it. */
static int64_t decode_some(struct coder *d, void *bytes, size_t size)
{
    struct octets *o = &d->input;
    size_t before = o->in_left;
    o->out = bytes;
    o->out_left = size;
    int result = d->coding->decode(d, o);
    if (result < 0)
        return result;
    d->is_done = result == DECODE_DONE;
    bool is_stuck = before > 0 && o->in_left == before && o->out_left == size;
    return is_stuck ? -EBADMSG : (int64_t)(size - o->out_left);
}

static int64_t read_decoded(leat_exchange *x, void *state, void *bytes, size_t size)
{
    struct coder *d = state;
    const struct leat_decompress *decompress = d->owner;
    int64_t n = 0;
    while (n == 0) {
        if (d->input.in_left > 0 || !d->is_done)
            n = decode_some(d, bytes, size);
        if (n != 0 || d->input.in_left > 0)
            continue;
        if (d->at_end)
            return d->is_done ? 0 : -EBADMSG;
        n = refill(x, d);
    }
    if (n < 0)
        return n;
    int error = has_come_far(d, (size_t)n) ? leat_yield() : 0;
    if (error == -ECANCELED || error == -ETIMEDOUT)
        return error;
    d->out_total += (uint64_t)n;
    bool is_bomb = d->out_total > RATIO_FREE && d->out_total / decompress->ratio_max > d->in_total;
    return is_bomb ? -EMSGSIZE : n;
}

static void close_decoder(leat_exchange *x, void *state)
{
    struct coder *d = state;
    struct leat_decompress *decompress = d->owner;
    (void)x;
    leat_pool_release(decompress->pool, d);
}

/* ── Requests ── */

/* The one coding of the content. false: several, or one that we don't know. */
static bool find_coding(leat_exchange *x, const struct coding **coding)
{
    leat_slice name, value;
    unsigned lines = 0;
    *coding = NULL;
    for (size_t i = 0; leat_field_at(x, i, &name, &value); i++) {
        if (name.size != 16 || strncasecmp(name.data, "Content-Encoding", 16) != 0)
            continue;
        bool is_plain = value.size == 0 ||
                        (value.size == 8 && strncasecmp(value.data, "identity", 8) == 0);
        if (is_plain)
            continue;
        *coding = coding_find(value.data, value.size);
        if (*coding == NULL || lines++ > 0)
            return false;
    }
    return true;
}

void leat_decompress_requests(leat_exchange *x)
{
    static const leat_source decoding = {read_decoded, close_decoder};
    struct leat_decompress *decompress = leat_data(x);
    const struct coding *coding;
    if (!find_coding(x, &coding)) {
        leat_field_set(x, "Accept-Encoding", "zstd, br, gzip");
        leat_problem(x, 415, "The content's coding is not one of zstd, br, gzip");
        return;
    }
    if (coding == NULL || leat_content_length(x) == 0) {
        leat_next(x);
        return;
    }
    struct coder *d = leat_pool_acquire(decompress->pool);
    if (d == NULL) {
        leat_problem(x, 503, "All that decodes contents is in use");
        return;
    }
    coder_init(d, coding, decompress, decompress->memory_size);
    d->window = decompress->window;
    if (coding->begin_decoder(d) < 0) {
        leat_pool_release(decompress->pool, d);
        leat_problem(x, 500, NULL);
        return;
    }
    if (leat_source_set(x, &decoding, d) < 0) /* a content that nobody will read */
        leat_pool_release(decompress->pool, d);
    leat_next(x);
}

leat_decompress *leat_decompress_create_sized(leat_app *app, const leat_decompress_options *given,
                                              size_t options_size)
{
    leat_decompress_options options = {0};
    if (given != NULL)
        memcpy(&options, given, options_size < sizeof options ? options_size : sizeof options);
    struct leat_decompress *decompress = calloc(1, sizeof *decompress);
    if (decompress == NULL)
        abort(); /* at the start, as the app itself */
    leat_app_keep(app, decompress, free);
    uint32_t window = options.window != 0 ? options.window : WINDOW;
    if (window < WINDOW_MIN || window > WINDOW_MAX || (window & (window - 1)) != 0) {
        leat_app_error(app, "leat_decompress_create: a window is a power of two, 1 KiB to 128 MiB");
        window = WINDOW;
    }
    for (size_t i = 0; i < CODINGS; i++) {
        size_t size = (all_codings[i]->decoder_size(window) + 63) & ~(size_t)63;
        decompress->memory_size = size > decompress->memory_size ? size : decompress->memory_size;
    }
    decompress->window = window;
    decompress->ratio_max = options.ratio_max != 0 ? options.ratio_max : RATIO_MAX;
    uint32_t contexts = options.contexts != 0 ? options.contexts : CONTEXTS;
    decompress->pool = leat_pool_create(app, "decompression",
                                        sizeof(struct coder) + decompress->memory_size, contexts);
    return decompress;
}
