/* zstd.c: RFC 8878 by libzstd, in the static contexts that it offers: it takes memory once and never asks for more. */
#define ZSTD_STATIC_LINKING_ONLY
#include "coding.h"
#include <errno.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { SLACK = 4096 };

static ZSTD_compressionParameters parameters(int level)
{
    ZSTD_compressionParameters p = ZSTD_getCParams(level, 1ULL << WINDOW_BITS, 0);
    p.windowLog = WINDOW_BITS;
    return p;
}

static size_t encoder_size(int level)
{
    return ZSTD_estimateCStreamSize_usingCParams(parameters(level)) + SLACK;
}

static size_t decoder_size(uint32_t window)
{
    return ZSTD_estimateDStreamSize(window) + SLACK;
}

static bool is_set(ZSTD_CStream *stream, ZSTD_cParameter what, unsigned value)
{
    return !ZSTD_isError(ZSTD_CCtx_setParameter(stream, what, (int)value));
}

static int begin_encoder(struct coder *coder)
{
    ZSTD_compressionParameters p = parameters(coder->level);
    ZSTD_CStream *stream = ZSTD_initStaticCStream(coder->memory, coder->memory_size);
    coder->stream = stream;
    bool is_well = stream != NULL && is_set(stream, ZSTD_c_windowLog, p.windowLog) &&
                   is_set(stream, ZSTD_c_chainLog, p.chainLog) &&
                   is_set(stream, ZSTD_c_hashLog, p.hashLog) &&
                   is_set(stream, ZSTD_c_searchLog, p.searchLog) &&
                   is_set(stream, ZSTD_c_minMatch, p.minMatch) &&
                   is_set(stream, ZSTD_c_targetLength, p.targetLength) &&
                   is_set(stream, ZSTD_c_strategy, (unsigned)p.strategy);
    return is_well ? 0 : -ENOMEM;
}

static int begin_decoder(struct coder *coder)
{
    ZSTD_DStream *stream = ZSTD_initStaticDStream(coder->memory, coder->memory_size);
    coder->stream = stream;
    int bits = 31 - __builtin_clz(coder->window);
    return stream != NULL && !ZSTD_isError(ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, bits))
               ? 0
               : -ENOMEM;
}

static int encode(struct coder *coder, enum code_step step, struct octets *o)
{
    static const ZSTD_EndDirective ends[] = {
        [CODE_GO] = ZSTD_e_continue, [CODE_FLUSH] = ZSTD_e_flush, [CODE_END] = ZSTD_e_end};
    ZSTD_inBuffer in = {o->in, o->in_left, 0};
    ZSTD_outBuffer out = {o->out, o->out_left, 0};
    size_t left = ZSTD_compressStream2(coder->stream, &out, &in, ends[step]);
    o->in += in.pos;
    o->in_left -= in.pos;
    o->out += out.pos;
    o->out_left -= out.pos;
    if (ZSTD_isError(left))
        return -EIO;
    return step == CODE_GO ? o->in_left == 0 : left == 0;
}

static int decode(struct coder *coder, struct octets *o)
{
    ZSTD_inBuffer in = {o->in, o->in_left, 0};
    ZSTD_outBuffer out = {o->out, o->out_left, 0};
    size_t left = ZSTD_decompressStream(coder->stream, &out, &in);
    o->in += in.pos;
    o->in_left -= in.pos;
    o->out += out.pos;
    o->out_left -= out.pos;
    if (ZSTD_isError(left)) {
        ZSTD_ErrorCode code = ZSTD_getErrorCode(left);
        bool is_large = code == ZSTD_error_frameParameter_windowTooLarge ||
                        code == ZSTD_error_memory_allocation;
        return is_large ? -EMSGSIZE : -EBADMSG;
    }
    return left == 0 ? DECODE_DONE : DECODE_MORE;
}

const struct coding zstd_coding = {
    "zstd", NULL, 3, 12, encoder_size, decoder_size, begin_encoder, begin_decoder, encode, decode};
