/* coding.h: what gzip, br and zstd have in common: a context of fixed size that takes octets in and puts octets out.
 *
 * A context is one object of a pool: a struct coder, and behind it the memory that the library works in. Nothing of it lies
 * anywhere else, so a context that is not used any more is just given back. */
#ifndef LEAT_COMPRESS_CODING_H
#define LEAT_COMPRESS_CODING_H

#include "heap.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <zlib.h>

enum { CODINGS = 3, CODER_BUFFER = 4096, WINDOW_BITS = 16 };

/* What an encoder shall do with what it is given. */
enum code_step {
    CODE_GO,    /* may keep it back */
    CODE_FLUSH, /* all of it goes out */
    CODE_END,   /* … and the content ends */
};

enum decode_result {
    DECODE_MORE,
    DECODE_DONE
}; /* DONE: a whole content may end here. Else a negative errno */

struct octets {
    const unsigned char *in;
    size_t in_left;
    unsigned char *out;
    size_t out_left;
};

struct coding;

struct coder {
    const struct coding *coding;
    void *owner;  /* a leat_compress or leat_decompress */
    void *stream; /* the library's; the z_stream below for gzip */
    z_stream z;
    struct heap heap;
    uint64_t in_total, out_total;
    uint32_t since_flush; /* octets that brotli may be keeping back */
    int level;
    uint32_t window;
    bool is_done, at_end; /* of a decoder: see decompress.c */
    struct octets input;  /* of a decoder: what it has not taken */
    size_t memory_size;
    unsigned char buffer[CODER_BUFFER]; /* what an encoder has made, or a decoder was sent */
    _Alignas(16) unsigned char memory[];
};

struct coding {
    const char *name;
    const char *alias; /* NULL: none */
    int level_default, level_max;
    /* Bytes of memory that an encoder of that level needs, or a decoder of that window. 0: something is wrong. */
    size_t (*encoder_size)(int level);
    size_t (*decoder_size)(uint32_t window);
    /* In coder's memory; coder->level or coder->window is set. 0, -ENOMEM. */
    int (*begin_encoder)(struct coder *coder);
    int (*begin_decoder)(struct coder *coder);
    /* 1: all is done that the step asks for. 0: again, with more room. Or a negative errno. */
    int (*encode)(struct coder *coder, enum code_step step, struct octets *o);
    int (*decode)(struct coder *coder, struct octets *o);
};

extern const struct coding gzip_coding, brotli_coding, zstd_coding;
extern const struct coding *const all_codings[CODINGS];

/* All zero, but for the memory's size. */
void coder_init(struct coder *coder, const struct coding *coding, void *owner, size_t memory_size);

/* By its name or alias, in any case; NULL: none of ours. */
const struct coding *coding_find(const char *name, size_t size);

#endif
