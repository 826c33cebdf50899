/* compress.h: contents that travel compressed: gzip, brotli (br) and zstd, both ways. In libleat-compress, beside libleat:
 *
 *     #include <leat/compress.h>               // pkg-config leat-compress; CMake: leat::compress
 *
 *     leat_compress *compress = leat_compress_create(app, NULL);
 *     leat_use_with(app, leat_compress_responses, compress);          // for all routes of app
 *
 *     leat_decompress *decompress = leat_decompress_create(app, NULL);
 *     leat_use_with(app, leat_decompress_requests, decompress);       // leat_content and leat_read give what was meant
 *
 * All memory is there from the start, in one pool each, a row of the plan. What a context of it takes depends on the levels
 * and is told by leat_compress_context_size. */
#ifndef LEAT_COMPRESS_H
#define LEAT_COMPRESS_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ── Responses ── */

typedef struct leat_compress leat_compress; /* what responses are compressed with */

typedef struct leat_compress_options {
    uint32_t contexts;     /* responses being compressed at once, in all; default 32 */
    uint32_t min_size;     /* octets: whole responses below are left alone; default 1024 */
    const char *prefer[4]; /* the codings that are used, the best first; default "zstd", "br", "gzip" */
    int gzip_level;        /* 1 to 9; default 6 */
    int brotli_quality; /* 1 to 9; default 4 */
    int zstd_level;     /* 1 to 12; default 3 */
} leat_compress_options;

/* Before the start. Never NULL; wrong options are told when the server starts. Goes with app. */
LEAT_API leat_compress *leat_compress_create_sized(leat_app *app, const leat_compress_options *options,
                                                   size_t options_size);
static inline leat_compress *leat_compress_create(leat_app *app, const leat_compress_options *options)
{
    return leat_compress_create_sized(app, options, sizeof(leat_compress_options));
}

/* Middleware, data: a leat_compress. It belongs outside of (before) what makes contents or looks at them. Chooses a coding by
 * Accept-Encoding (RFC 9110 12.5.3); sets Content-Encoding and Vary, makes a strong ETag weak (8.8.1), says "Accept-Ranges:
 * none". What is whole stays whole, with a Content-Length; streams are compressed as they are written, and leat_flush sends
 * all that has been written. Left alone are: contents that are coded already, small, or of a media type that is
 * compressed by itself; 204, 205, 206, 304; files that are sent from a descriptor; Cache-Control: no-transform; contents
 * with a digest; and all of it while no context or memory is free: that is counted, and never an error. */
LEAT_API void leat_compress_responses(leat_exchange *x);

enum leat_compress_counter {
    LEAT_COMPRESS_RESPONSES,  /* compressed */
    LEAT_COMPRESS_NO_CONTEXT, /* left alone because the pool was empty */
    LEAT_COMPRESS_NO_GAIN, /* left alone because they would not have become smaller, or there was no memory to try */
    LEAT_COMPRESS_OCTETS_IN, /* of contents that were compressed */
    LEAT_COMPRESS_OCTETS_OUT,
    LEAT_COMPRESS_HIGH, /* bytes of a context's memory that brotli or zlib have needed at most */
};

/* Since the start, of all shards. From any thread. */
LEAT_API uint64_t leat_compress_count(const leat_compress *compress, enum leat_compress_counter what);
LEAT_API size_t leat_compress_context_size(const leat_compress *compress); /* bytes of each */

/* ── Requests ── */

typedef struct leat_decompress leat_decompress; /* what contents of requests are decompressed with */

typedef struct leat_decompress_options {
    uint32_t contexts; /* contents being read at once, in all; default 8 */
    uint32_t window; /* bytes that a content may look back (brotli, zstd); a power of two; default 2 MiB */
    uint32_t ratio_max; /* how many octets one may stand for, behind the first MiB; default 200 */
} leat_decompress_options;

/* Before the start. Never NULL; wrong options are told when the server starts. Goes with app. */
LEAT_API leat_decompress *leat_decompress_create_sized(leat_app *app,
                                                       const leat_decompress_options *options,
                                                       size_t options_size);
static inline leat_decompress *leat_decompress_create(leat_app *app, const leat_decompress_options *options)
{
    return leat_decompress_create_sized(app, options, sizeof(leat_decompress_options));
}

/* Middleware, data: a leat_decompress. A request whose Content-Encoding is gzip, br or zstd is read decoded: by leat_content,
 * leat_read and all that stands on them; leat_content_length is -1 then. The bounds of contents (--content-max,
 * leat_limit_content) hold for what comes and for what is made of it. Answers 415 with Accept-Encoding for other codings (RFC
 * 9110 15.5.16), 413 for what is too large, 400 for what is malformed, 503 when no context is free. */
LEAT_API void leat_decompress_requests(leat_exchange *x);

#ifdef __cplusplus
}
#endif

#endif
