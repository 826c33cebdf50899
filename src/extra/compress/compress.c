/* compress.c: responses, compressed on their way out.
 *
 * A response that is made whole is made anew by leat_response_rewrite when the chain has returned: in pieces, between
 * which the shard serves others. One that is written in pieces passes a filter, which decides when its head is about to be
 * made, with all fields known: it takes a context then, or leaves. A context belongs to its exchange until that is over. */
#include "coding.h"
#include "negotiate.h"
#include <errno.h>
#include <leat/compress.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONTEXTS = 32,
    MIN_SIZE = 1024,
    PIECE = 32768,
    COUNTERS = LEAT_COMPRESS_HIGH + 1,
    TAG_MAX = 512
};

struct leat_compress {
    leat_pool *pool;
    const struct coding *prefer[CODINGS + 1];
    int levels[CODINGS]; /* as prefer */
    uint32_t min_size;
    size_t memory_size; /* of a context, behind its struct coder */
    _Atomic uint64_t counters[COUNTERS];
};

static void count(struct leat_compress *c, enum leat_compress_counter what, uint64_t n)
{
    atomic_fetch_add_explicit(&c->counters[what], n, memory_order_relaxed);
}

uint64_t leat_compress_count(const leat_compress *compress, enum leat_compress_counter what)
{
    return (unsigned)what < COUNTERS
               ? atomic_load_explicit(&compress->counters[what], memory_order_relaxed)
               : 0;
}

size_t leat_compress_context_size(const leat_compress *compress)
{
    return sizeof(struct coder) + compress->memory_size;
}

/* ── Contexts ── */

static struct coder *acquire_coder(struct leat_compress *c, const struct coding *coding)
{
    struct coder *coder = leat_pool_acquire(c->pool);
    if (coder == NULL) {
        count(c, LEAT_COMPRESS_NO_CONTEXT, 1);
        return NULL;
    }
    coder_init(coder, coding, c, c->memory_size);
    for (size_t i = 0; c->prefer[i] != NULL; i++)
        if (c->prefer[i] == coding)
            coder->level = c->levels[i];
    if (coding->begin_encoder(coder) == 0)
        return coder;
    leat_pool_release(c->pool, coder);
    return NULL;
}

static void release_coder(struct coder *coder)
{
    struct leat_compress *c = coder->owner;
    uint64_t reach = coder->heap.reach, high = leat_compress_count(c, LEAT_COMPRESS_HIGH);
    while (reach > high && !atomic_compare_exchange_weak(&c->counters[LEAT_COMPRESS_HIGH], &high, reach)) {
    }
    count(c, LEAT_COMPRESS_OCTETS_IN, coder->in_total);
    count(c, LEAT_COMPRESS_OCTETS_OUT, coder->out_total);
    leat_pool_release(c->pool, coder);
}

/* ── What is left alone ── */

static bool has_field(leat_exchange *x, const char *name)
{
    return leat_response_field(x, name).data != NULL;
}

static bool is_compressible(leat_exchange *x)
{
    static const char *const spoilers[] = {"Content-Encoding", "Content-Range", "Content-MD5",
                                           "Content-Digest",   "Repr-Digest",   "Digest"};
    int status = leat_response_status(x);
    if (status < 200 || status == 204 || status == 205 || status == 206 || status == 304)
        return false;
    for (size_t i = 0; i < sizeof spoilers / sizeof *spoilers; i++)
        if (has_field(x, spoilers[i]))
            return false;
    return !list_has(leat_response_field(x, "Cache-Control"), "no-transform") &&
           media_type_is_compressible(leat_response_field(x, "Content-Type"));
}

/* ── Fields ── */

static void vary(leat_exchange *x)
{
    leat_slice value = leat_response_field(x, "Vary");
    if (!list_has(value, "*") && !list_has(value, "Accept-Encoding"))
        leat_field_add(x, "Vary", "Accept-Encoding");
}

/* Octet by octet it is not the same any more, though it means the same (RFC 9110 8.8.1). */
static void weaken_tag(leat_exchange *x)
{
    leat_slice tag = leat_response_field(x, "ETag");
    if (tag.data != NULL && tag.size < TAG_MAX && tag.data[0] == '"')
        leat_field_setf(x, "ETag", "W/%.*s", (int)tag.size, tag.data);
}

static void set_fields(leat_exchange *x, const struct coding *coding)
{
    leat_field_set(x, "Content-Encoding", coding->name);
    weaken_tag(x);
    if (has_field(x, "Accept-Ranges"))
        leat_field_set(x, "Accept-Ranges", "none");
}

/* ── Streams ── */

/* All of it, as far as step says. */
static int code(leat_exchange *x, struct coder *coder, enum code_step step, const void *bytes, size_t size)
{
    struct octets o = {bytes, size, NULL, 0};
    int result = 0;
    coder->in_total += size;
    while (result == 0) {
        o.out = coder->buffer;
        o.out_left = CODER_BUFFER;
        result = coder->coding->encode(coder, step, &o);
        size_t made = CODER_BUFFER - o.out_left;
        coder->out_total += made;
        int error = made > 0 ? leat_filter_put(x, coder->buffer, made) : 0;
        if (error < 0)
            return error;
    }
    return result < 0 ? result : 0;
}

static int nothing(leat_exchange *x, void *state)
{
    (void)x;
    (void)state;
    return 0;
}

static int swallow(leat_exchange *x, void *state, const void *bytes, size_t size)
{
    (void)x;
    (void)state;
    (void)bytes;
    (void)size;
    return 0;
}

static int filter_write(leat_exchange *x, void *state, const void *bytes, size_t size)
{
    return code(x, state, CODE_GO, bytes, size);
}

static int filter_flush(leat_exchange *x, void *state)
{
    return code(x, state, CODE_FLUSH, "", 0);
}

static int filter_end(leat_exchange *x, void *state)
{
    return code(x, state, CODE_END, "", 0);
}

static void filter_close(leat_exchange *x, void *state)
{
    (void)x;
    release_coder(state);
}

static int decide(leat_exchange *x, void *state)
{
    static const leat_filter compressing = {nothing, filter_write, filter_flush, filter_end, filter_close};
    static const leat_filter swallowing = {nothing, swallow, NULL, nothing, NULL};
    struct leat_compress *c = state;
    leat_filter_replace(x, NULL, NULL);
    if (!is_compressible(x))
        return 0;
    vary(x);
    const struct coding *coding = negotiate_coding(x, c->prefer).coding;
    if (coding == NULL)
        return 0;
    if (strcmp(leat_method(x), "HEAD") == 0) { /* the fields of what GET would get, and nothing else */
        leat_filter_replace(x, &swallowing, NULL);
    } else {
        struct coder *coder = acquire_coder(c, coding);
        if (coder == NULL)
            return 0;
        leat_filter_replace(x, &compressing, coder);
        count(c, LEAT_COMPRESS_RESPONSES, 1);
    }
    set_fields(x, coding);
    return 0;
}

/* ── Whole responses ── */

/* From content into what there is of room, and no further. */
static int64_t code_whole(void *argument, leat_slice content, char *bytes, size_t size)
{
    struct coder *coder = argument;
    struct octets o = {(const unsigned char *)content.data, 0, NULL, size};
    o.out = (unsigned char *)bytes;
    size_t left = content.size;
    int result = 0;
    while (result == 0) {
        if (o.in_left == 0 && left > 0) {
            int error = left < content.size ? leat_yield() : 0;
            if (error == -ECANCELED || error == -ETIMEDOUT)
                return error;
            o.in_left = left < PIECE ? left : PIECE;
            left -= o.in_left;
        }
        result = coder->coding->encode(coder, left > 0 ? CODE_GO : CODE_END, &o);
        if (result == 1 && left > 0)
            result = 0;
        else if (result == 0 && o.out_left == 0)
            return -ENOSPC;
    }
    coder->in_total = content.size;
    coder->out_total = size - o.out_left;
    return result < 0 ? result : (int64_t)coder->out_total;
}

static void compress_whole(leat_exchange *x, struct leat_compress *c)
{
    leat_slice content;
    if (!leat_response_content(x, &content) || !is_compressible(x))
        return;
    vary(x);
    struct choice choice = negotiate_coding(x, c->prefer);
    if (choice.coding == NULL || content.size == 0 || (content.size < c->min_size && !choice.is_needed))
        return;
    struct coder *coder = acquire_coder(c, choice.coding);
    if (coder == NULL)
        return;
    size_t room = choice.is_needed ? content.size + content.size / 64 + 128 : content.size - 1;
    int error = leat_response_rewrite(x, room, code_whole, coder);
    release_coder(coder);
    count(c, error == 0 ? LEAT_COMPRESS_RESPONSES : LEAT_COMPRESS_NO_GAIN, 1);
    if (error == 0)
        set_fields(x, choice.coding);
}

void leat_compress_responses(leat_exchange *x)
{
    static const leat_filter deciding = {decide, swallow, NULL, nothing, NULL};
    struct leat_compress *c = leat_data(x);
    bool is_ours = leat_filter_set(x, &deciding, c) == 0;
    leat_next(x);
    if (leat_response_status(x) == 304 && negotiate_coding(x, c->prefer).coding != NULL) {
        weaken_tag(x); /* what the client has was compressed */
        vary(x);
    } else {
        compress_whole(x, c);
    }
    if (is_ours)
        leat_filter_replace(x, NULL, NULL); /* of a stream it stays */
}

/* ── Registration ── */

static void set_up_coding(leat_app *app, struct leat_compress *c, size_t at, const char *name,
                          const leat_compress_options *options)
{
    const struct coding *coding = coding_find(name, strlen(name));
    if (coding == NULL) {
        leat_app_error(app, "leat_compress_create: the codings are zstd, br and gzip");
        return;
    }
    int asked = coding == &gzip_coding     ? options->gzip_level
                : coding == &brotli_coding ? options->brotli_quality
                                           : options->zstd_level;
    int level = asked != 0 ? asked : coding->level_default;
    if (level < 1 || level > coding->level_max) {
        leat_app_error(app,
                       "leat_compress_create: a level is 1 to 9 (gzip, brotli) or 1 to 12 (zstd)");
        return;
    }
    c->prefer[at] = coding;
    c->levels[at] = level;
    size_t size = coding->encoder_size(level);
    if (size == 0)
        leat_app_error(app, "leat_compress_create: no memory to measure a context");
    c->memory_size = size > c->memory_size ? size : c->memory_size;
}

leat_compress *leat_compress_create_sized(leat_app *app, const leat_compress_options *given,
                                          size_t options_size)
{
    static const char *const all[] = {"zstd", "br", "gzip"};
    leat_compress_options options = {0};
    if (given != NULL)
        memcpy(&options, given, options_size < sizeof options ? options_size : sizeof options);
    struct leat_compress *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort(); /* at the start, as the app itself */
    leat_app_keep(app, c, free);
    c->min_size = options.min_size != 0 ? options.min_size : MIN_SIZE;
    const char *const *names = options.prefer[0] != NULL ? options.prefer : all;
    for (size_t i = 0; i < CODINGS && names[i] != NULL; i++)
        set_up_coding(app, c, i, names[i], &options);
    uint32_t contexts = options.contexts != 0 ? options.contexts : CONTEXTS;
    c->memory_size = (c->memory_size + 63) & ~(size_t)63;
    c->pool = leat_pool_create(app, "compression", leat_compress_context_size(c), contexts);
    return c;
}
