/* digest.c: BLAKE2b as RFC 7693 has it, with a key or without. See digest.h. */
#include "base/digest.h"

enum { ROUNDS = 12, MESSAGE_ORDERS = 10 };

static const uint64_t initial[8] = {
    0x6a09e667f3bcc908u, 0xbb67ae8584caa73bu, 0x3c6ef372fe94f82bu, 0xa54ff53a5f1d36f1u,
    0x510e527fade682d1u, 0x9b05688c2b3e6c1fu, 0x1f83d9abfb41bd6bu, 0x5be0cd19137e2179u,
};

/* RFC 7693 2.7: which words of the message each round takes, two for each mixing */
static const uint8_t orders[MESSAGE_ORDERS][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline uint64_t rotate(uint64_t word, unsigned by)
{
    return word >> by | word << (64 - by);
}

static inline void mix(uint64_t *v, unsigned a, unsigned b, unsigned c, unsigned d, uint64_t x, uint64_t y)
{
    v[a] += v[b] + x;
    v[d] = rotate(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotate(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotate(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotate(v[b] ^ v[c], 63);
}

static void compress(struct digest *d, const uint8_t *block, bool last)
{
    uint64_t v[16], m[16];
    memcpy(m, block, sizeof m); /* little-endian, as both our processors are */
    memcpy(v, d->state, sizeof d->state);
    memcpy(v + 8, initial, sizeof initial);
    v[12] ^= d->total;
    if (last)
        v[14] = ~v[14];
    for (unsigned round = 0; round < ROUNDS; round++) {
        const uint8_t *s = orders[round % MESSAGE_ORDERS];
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (unsigned i = 0; i < 8; i++)
        d->state[i] ^= v[i] ^ v[i + 8];
}

void leat__digest_init(struct digest *d)
{
    leat__digest_init_keyed(d, NULL, 0);
}

void leat__digest_init_keyed(struct digest *d, const void *key, size_t key_size)
{
    ASSERT(key_size <= DIGEST_KEY_MAX);
    memcpy(d->state, initial, sizeof d->state);
    d->state[0] ^= 0x01010000u | key_size << 8 | DIGEST_SIZE; /* the parameter block: one tree */
    d->total = 0;
    d->held = 0;
    if (key_size == 0)
        return;
    memset(d->block, 0, sizeof d->block); /* a key is a block of its own, before the input */
    memcpy(d->block, key, key_size);
    d->held = DIGEST_BLOCK;
}

void leat__digest_add(struct digest *d, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    while (size > 0) {
        if (d->held == DIGEST_BLOCK) {
            d->total += DIGEST_BLOCK;
            compress(d, d->block, false);
            d->held = 0;
        }
        size_t piece = size_min(size, DIGEST_BLOCK - d->held);
        memcpy(d->block + d->held, at, piece);
        d->held += (uint32_t)piece;
        at += piece;
        size -= piece;
    }
}

void leat__digest_end(struct digest *d, uint8_t out[DIGEST_SIZE])
{
    d->total += d->held;
    memset(d->block + d->held, 0, DIGEST_BLOCK - d->held);
    compress(d, d->block, true);
    memcpy(out, d->state, DIGEST_SIZE);
}

bool leat__digest_same(const void *a, const void *b, size_t size)
{
    const volatile uint8_t *one = a, *other = b; /* every octet is read, whatever the first ones say */
    uint8_t differs = 0;
    for (size_t i = 0; i < size; i++)
        differs |= (uint8_t)(one[i] ^ other[i]);
    return differs == 0;
}
