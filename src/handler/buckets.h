/* buckets.h: a table of token buckets, shared by all threads, of a size fixed at start.
 *
 * A bucket is one 64-bit word, changed by compare and swap: who it belongs to, and the time at which it will be full again
 * (the generic cell rate algorithm: a token takes `interval` to grow back, and the bucket holds `window` of them).
 *
 *     63            40 39                                      0
 *     ┌───────────────┬────────────────────────────────────────┐
 *     │ tag, never 0  │ full at, in ticks of 1/16 µs, modulo   │      0: nobody's
 *     └───────────────┴────────────────────────────────────────┘
 *
 * Eight of them are a set, in one cache line; a client's hash (keyed: nobody can choose it) names its set and its tag. A new
 * client takes the fullest bucket of its set, and if that was somebody's it is forgotten, which gives it a full bucket. Two
 * clients have the same tag in the same set, and share a bucket, once in 2 million. The clock wraps in 19 hours; a time
 * further ahead than the window is one of long ago. */
#ifndef LEAT_BUCKETS_H
#define LEAT_BUCKETS_H

#include "base/base.h"
#include <stdatomic.h>

enum { BUCKETS_IN_SET = 8, BUCKETS_TICKS_PER_MS = 16000, BUCKETS_WINDOW_MAX_S = 8 * 3600 };

struct buckets {
    _Atomic uint64_t *words; /* zeroed, aligned to a cache line */
    uint32_t set_count;      /* a power of two */
    uint64_t interval;       /* ticks for a token */
    uint64_t window;         /* ticks for a full bucket */
    uint64_t key[2];
};

/* How many sets hold so many clients. */
uint32_t leat__buckets_sets(uint32_t clients);

/* Takes a token for who has this hash: true; false: there is none. *ticks: until the bucket is full. */
bool leat__buckets_take(struct buckets *b, uint64_t hash, int64_t now_ms, uint64_t *ticks);

/* What take has said, for people. */
struct bucket_state {
    uint64_t left;    /* tokens */
    uint64_t wait_ms; /* until there is one; 0: there was */
    uint64_t full_ms; /* until the bucket is full */
};
struct bucket_state leat__buckets_state(const struct buckets *b, uint64_t ticks, bool taken);

/* SipHash-2-4 of the octets, under the table's key. */
uint64_t leat__buckets_hash(const uint64_t key[2], const void *octets, size_t size);

#endif
