/* gzip.c: RFC 1952 by zlib, which allocates when a stream begins (and a decoder its window later), from the context. */
#include "coding.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { GZIP_BITS = 16 + MAX_WBITS, MEM_LEVEL = 8, SCRATCH = 1 << 20, SLACK = 1024 };

static int begin(struct coder *coder)
{
    heap_init(&coder->heap, coder->memory, coder->memory_size);
    memset(&coder->z, 0, sizeof coder->z);
    coder->z.zalloc = heap_acquire_items;
    coder->z.zfree = heap_release;
    coder->z.opaque = &coder->heap;
    coder->stream = &coder->z;
    return 0;
}

static int begin_encoder(struct coder *coder)
{
    begin(coder);
    int result = deflateInit2(&coder->z, coder->level, Z_DEFLATED, GZIP_BITS, MEM_LEVEL,
                              Z_DEFAULT_STRATEGY);
    return result == Z_OK ? 0 : -ENOMEM;
}

static int begin_decoder(struct coder *coder)
{
    begin(coder);
    return inflateInit2(&coder->z, GZIP_BITS) == Z_OK ? 0 : -ENOMEM;
}

/* zlib takes all that an encoder ever takes at once. */
static size_t encoder_size(int level)
{
    size_t size = 0;
    struct coder *coder = calloc(1, sizeof *coder + SCRATCH);
    if (coder == NULL)
        return 0;
    coder->memory_size = SCRATCH;
    coder->level = level;
    if (begin_encoder(coder) == 0)
        size = coder->heap.reach + SLACK;
    free(coder);
    return size;
}

static size_t decoder_size(uint32_t window)
{
    (void)window;
    return 65536; /* 7 KiB and a window of 32 */
}

static void load(z_stream *z, const struct octets *o)
{
    z->next_in = (unsigned char *)(uintptr_t)o->in;
    z->avail_in = (unsigned)o->in_left;
    z->next_out = o->out;
    z->avail_out = (unsigned)o->out_left;
}

static void unload(const z_stream *z, struct octets *o)
{
    o->in = z->next_in;
    o->in_left = z->avail_in;
    o->out = z->next_out;
    o->out_left = z->avail_out;
}

static int encode(struct coder *coder, enum code_step step, struct octets *o)
{
    static const int flushes[] = {
        [CODE_GO] = Z_NO_FLUSH, [CODE_FLUSH] = Z_SYNC_FLUSH, [CODE_END] = Z_FINISH};
    load(&coder->z, o);
    int result = deflate(&coder->z, flushes[step]);
    unload(&coder->z, o);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return -EIO;
    return step == CODE_END ? result == Z_STREAM_END : o->in_left == 0 && o->out_left > 0;
}

/* Members may follow each other (RFC 1952 2.2). */
static int decode(struct coder *coder, struct octets *o)
{
    if (coder->is_done && o->in_left > 0 && inflateReset(&coder->z) != Z_OK)
        return -EBADMSG;
    load(&coder->z, o);
    int result = inflate(&coder->z, Z_NO_FLUSH);
    unload(&coder->z, o);
    if (result == Z_STREAM_END)
        return DECODE_DONE;
    if (result == Z_MEM_ERROR)
        return -EMSGSIZE;
    return result == Z_OK || result == Z_BUF_ERROR ? DECODE_MORE : -EBADMSG;
}

const struct coding gzip_coding = {
    "gzip",        "x-gzip",      6,      9,     encoder_size, decoder_size,
    begin_encoder, begin_decoder, encode, decode};
