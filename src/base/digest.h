/* digest.h: BLAKE2b with 16 octets of digest (RFC 7693): what a content's strong entity-tag and a bundle's checksum are
 * made of; and with a key the same as a message authentication code (RFC 7693 2.9), of which signatures of cookies are
 * made. Two different files of a site get the same tag with a chance of one in 2^64 for each billion of billions of
 * pairs, by accident or by anybody's work; a short checksum that can be forged would let a changed file pass for the old
 * one in every cache. It needs no memory, no library, and reads a gigabyte in about a second. */
#ifndef LEAT_DIGEST_H
#define LEAT_DIGEST_H

#include "base/base.h"

enum { DIGEST_SIZE = 16, DIGEST_BLOCK = 128, DIGEST_KEY_MAX = 64 };

struct digest {
    uint64_t state[8];
    uint64_t total; /* octets compressed so far */
    uint8_t block[DIGEST_BLOCK];
    uint32_t held; /* octets in block; it is compressed when more come, because the last is marked */
};

void leat__digest_init(struct digest *d);
void leat__digest_init_keyed(struct digest *d, const void *key, size_t key_size); /* size 0: no key */
void leat__digest_add(struct digest *d, const void *bytes, size_t size);
void leat__digest_end(struct digest *d, uint8_t out[DIGEST_SIZE]);
/* Whether both are the same, in a time that tells nothing about where they differ. */
bool leat__digest_same(const void *a, const void *b, size_t size);

#endif
