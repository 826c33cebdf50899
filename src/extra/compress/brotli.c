/* brotli.c: RFC 7932 by libbrotli, which allocates while it works, from the context's heap.
 *
 * An encoder keeps input back until it has a whole meta-block, and takes memory by its size: so one is closed by us
 * after every BLOCK octets, which costs an octet or two. What it needs then is measured when the context is made, with
 * contents that differ in what they make it hold, and a quarter is added. */
#include "coding.h"
#include <brotli/decode.h>
#include <brotli/encode.h>
#include <errno.h>
#include <stdlib.h>

enum {
    BLOCK = 32768,
    BLOCK_BITS = 16,
    SCRATCH = 64 << 20,
    SAMPLE = 4 * 65536 + 4096,
    KINDS = 4,
    TREES = 512 << 10
};

static int begin_encoder(struct coder *coder)
{
    heap_init(&coder->heap, coder->memory, coder->memory_size);
    coder->since_flush = 0;
    BrotliEncoderState *state = BrotliEncoderCreateInstance(heap_acquire, heap_release, &coder->heap);
    coder->stream = state;
    bool is_well = state != NULL &&
                   BrotliEncoderSetParameter(state, BROTLI_PARAM_QUALITY, (uint32_t)coder->level) &&
                   BrotliEncoderSetParameter(state, BROTLI_PARAM_LGWIN, WINDOW_BITS) &&
                   BrotliEncoderSetParameter(state, BROTLI_PARAM_LGBLOCK, BLOCK_BITS);
    return is_well ? 0 : -ENOMEM;
}

static int begin_decoder(struct coder *coder)
{
    heap_init(&coder->heap, coder->memory, coder->memory_size);
    coder->stream = BrotliDecoderCreateInstance(heap_acquire, heap_release, &coder->heap);
    return coder->stream != NULL ? 0 : -ENOMEM;
}

/* One operation, on what still fits into the block. While the library is flushing it takes no input. */
static int run(struct coder *coder, BrotliEncoderOperation operation, struct octets *o)
{
    size_t room = BLOCK - coder->since_flush;
    size_t take = o->in_left < room ? o->in_left : room, left = take;
    bool is_full = take == room, is_all = take == o->in_left;
    if (is_full && !(is_all && take > 0 && operation == BROTLI_OPERATION_FINISH))
        operation = BROTLI_OPERATION_FLUSH;
    if (!BrotliEncoderCompressStream(coder->stream, operation, &left, &o->in, &o->out_left, &o->out, NULL))
        return -ENOMEM;
    o->in_left -= take;
    coder->since_flush += (uint32_t)take;
    bool is_flushed = operation == BROTLI_OPERATION_FLUSH && !BrotliEncoderHasMoreOutput(coder->stream);
    if (is_flushed || operation == BROTLI_OPERATION_FINISH)
        coder->since_flush = 0;
    return left == 0 ? 0 : -EIO;
}

static int encode(struct coder *coder, enum code_step step, struct octets *o)
{
    static const BrotliEncoderOperation operations[] = {
        [CODE_GO] = BROTLI_OPERATION_PROCESS, [CODE_FLUSH] = BROTLI_OPERATION_FLUSH, [CODE_END] = BROTLI_OPERATION_FINISH};
    BrotliEncoderState *state = coder->stream;
    do {
        int error = run(coder, operations[step], o);
        if (error < 0)
            return error;
    } while (o->in_left > 0 && o->out_left > 0);
    if (o->in_left > 0 || BrotliEncoderHasMoreOutput(state))
        return 0;
    return step == CODE_END ? BrotliEncoderIsFinished(state) != 0 : 1;
}

static int decode(struct coder *coder, struct octets *o)
{
    if (coder->is_done)
        return o->in_left > 0 ? -EBADMSG : DECODE_DONE;
    BrotliDecoderResult result = BrotliDecoderDecompressStream(coder->stream, &o->in_left, &o->in,
                                                               &o->out_left, &o->out, NULL);
    if (result == BROTLI_DECODER_RESULT_SUCCESS)
        return o->in_left > 0 ? -EBADMSG : DECODE_DONE;
    if (result != BROTLI_DECODER_RESULT_ERROR)
        return DECODE_MORE;
    BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(coder->stream);
    bool is_memory = code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                     code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
    return is_memory ? -EMSGSIZE : -EBADMSG;
}

/* ── Measuring ── */

/* Random octets; letters; a mixture that changes its mind; one octet for ever. */
static void sample(unsigned char *at, int kind)
{
    uint32_t seed = 1;
    for (uint32_t i = 0; i < SAMPLE; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t random = seed >> 8;
        uint32_t octets[KINDS] = {random, "abcdefgh etaoin"[random % 15],
                                  i / 7000 * 31 + random % (1 + i / 3000 % 40), 'a'};
        at[i] = (unsigned char)octets[kind];
    }
}

static size_t measure(struct coder *coder, const unsigned char *content)
{
    struct octets o = {content, SAMPLE, NULL, 0};
    int result = begin_encoder(coder);
    while (result == 0) {
        o.out = coder->buffer;
        o.out_left = sizeof coder->buffer;
        result = encode(coder, CODE_END, &o);
    }
    return result < 0 ? 0 : coder->heap.reach;
}

static size_t encoder_size(int level)
{
    struct coder *coder = malloc(sizeof *coder + SCRATCH);
    unsigned char *content = malloc(SAMPLE);
    size_t most = 0;
    bool is_well = coder != NULL && content != NULL;
    for (int kind = 0; kind < KINDS && is_well; kind++) {
        coder->memory_size = SCRATCH;
        coder->level = level;
        sample(content, kind);
        size_t size = measure(coder, content);
        is_well = size > 0;
        most = size > most ? size : most;
    }
    free(coder);
    free(content);
    return is_well ? most + most / 4 : 0;
}

/* The window grows by doubling: while one is copied to the next, both are there, and holes of the earlier. */
static size_t decoder_size(uint32_t window)
{
    return 2 * (size_t)window + TREES;
}

const struct coding brotli_coding = {
    "br", NULL, 4, 9, encoder_size, decoder_size, begin_encoder, begin_decoder, encode, decode};
