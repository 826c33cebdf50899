/* buckets.c: token buckets for many clients in a table of fixed size. */
#include "handler/buckets.h"

enum { TIME_BITS = 40 };

static const uint64_t time_mask = (UINT64_C(1) << TIME_BITS) - 1;

uint32_t leat__buckets_sets(uint32_t clients)
{
    uint32_t sets = 1;
    while (sets < UINT32_C(1) << 28 && (uint64_t)sets * BUCKETS_IN_SET < clients)
        sets *= 2;
    return sets;
}

/* Ticks until the bucket is full. */
static uint64_t ahead(const struct buckets *b, uint64_t word, uint64_t now)
{
    uint64_t ticks = (word - now) & time_mask;
    return word == 0 || ticks > b->window ? 0 : ticks;
}

/* The client's bucket, or else the fullest, which becomes its own. */
static unsigned choose(const struct buckets *b, const uint64_t words[BUCKETS_IN_SET], uint64_t tag,
                       uint64_t now)
{
    unsigned best = 0;
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < BUCKETS_IN_SET; i++)
        if (words[i] >> TIME_BITS == tag)
            return i;
    for (unsigned i = 0; i < BUCKETS_IN_SET && least > 0; i++) {
        uint64_t ticks = ahead(b, words[i], now);
        if (ticks < least) {
            least = ticks;
            best = i;
        }
    }
    return best;
}

bool leat__buckets_take(struct buckets *b, uint64_t hash, int64_t now_ms, uint64_t *ticks)
{
    _Atomic uint64_t *set = b->words + (hash & (b->set_count - 1)) * BUCKETS_IN_SET;
    uint64_t now = (uint64_t)now_ms * BUCKETS_TICKS_PER_MS & time_mask;
    uint64_t tag = hash >> TIME_BITS;
    tag += tag == 0;
    for (;;) {
        uint64_t words[BUCKETS_IN_SET];
        for (unsigned i = 0; i < BUCKETS_IN_SET; i++)
            words[i] = atomic_load_explicit(&set[i], memory_order_relaxed);
        unsigned at = choose(b, words, tag, now);
        *ticks = words[at] >> TIME_BITS == tag ? ahead(b, words[at], now) : 0;
        if (*ticks + b->interval > b->window)
            return false;
        *ticks += b->interval;
        uint64_t next = tag << TIME_BITS | ((now + *ticks) & time_mask);
        if (atomic_compare_exchange_weak_explicit(&set[at], &words[at], next, memory_order_relaxed,
                                                  memory_order_relaxed))
            return true;
    }
}

struct bucket_state leat__buckets_state(const struct buckets *b, uint64_t ticks, bool taken)
{
    uint64_t over = ticks + b->interval - b->window; /* of one that was not taken */
    return (struct bucket_state){
        .left = (b->window - ticks) / b->interval,
        .wait_ms = taken ? 0 : (over + BUCKETS_TICKS_PER_MS - 1) / BUCKETS_TICKS_PER_MS,
        .full_ms = (ticks + BUCKETS_TICKS_PER_MS - 1) / BUCKETS_TICKS_PER_MS,
    };
}

/* ── SipHash-2-4 (Aumasson, Bernstein 2012) ── */

static uint64_t turn(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

/* One round; inlined, so that the four words stay in registers. */
static inline __attribute__((always_inline)) void mix(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = turn(v[1], 13) ^ v[0];
    v[3] = turn(v[3], 16) ^ v[2];
    v[0] = turn(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = turn(v[1], 17) ^ v[2];
    v[3] = turn(v[3], 21) ^ v[0];
    v[2] = turn(v[2], 32);
}

static uint64_t last_word(const unsigned char *at, size_t left, size_t size)
{
    uint64_t word = (uint64_t)size << 56;
    for (size_t i = 0; i < left; i++)
        word |= (uint64_t)at[i] << (8 * i);
    return word;
}

uint64_t leat__buckets_hash(const uint64_t key[2], const void *octets, size_t size)
{
    uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                     key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    const unsigned char *at = octets;
    for (size_t left = size;; at += 8, left -= 8) {
        uint64_t word;
        if (left < 8)
            word = last_word(at, left, size);
        else
            memcpy(&word, at, 8); /* little-endian, as Leat's machines are */
        v[3] ^= word;
        mix(v);
        mix(v);
        v[0] ^= word;
        if (left < 8)
            break;
    }
    v[2] ^= 0xff;
    for (unsigned i = 0; i < 4; i++)
        mix(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
