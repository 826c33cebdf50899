/* cache.h: a bounded cache of blobs in one stretch of memory, made before the first request and never grown.
 *
 * Entries lie one behind the other in a ring. A new one is laid down at the head; when there is no room, the oldest at
 * the tail goes, unless it was used since it was laid down: then it is laid down again at the head, once (the second
 * chance of the clock algorithm). So nothing crumbles, whatever the sizes, and what is used stays. What one addition
 * may move is bounded (CACHE_MOVE_MAX): beyond it the used go too, so that no addition takes long.
 *
 *     base                 tail                      head                 base + size
 *      │ (free)             │ oldest … … … … newest  │ (free)              │
 *
 * What must always be true
 *   - An entry with pins does not move and does not go: who pins (a response that is being sent from it) unpins. The
 *     ring goes on around it: it counts as laid down anew where it is, and the gap before it is lost for one round.
 *   - A dead entry (removed, or replaced) is found no more; its room comes back when the tail reaches it.
 *   - One thread only: a cache is a shard's. */
#ifndef LEAT_CACHE_H
#define LEAT_CACHE_H

#include "base/base.h"
#include "memory/region.h"

enum {
    CACHE_UNIT = 32, /* sizes and places are multiples of it: every gap has room for a head */
    CACHE_MOVE_MAX = 256 * 1024, /* bytes that one addition moves at most */
    CACHE_STANDING = UINT16_MAX, /* pins of an entry that stays until the cache is cleared */
};

struct cache_entry {
    uint32_t hash_next; /* place in the ring of the next entry of the bucket, in units + 1; 0: none */
    uint32_t hash;
    uint32_t size;                 /* of the whole entry with this head, a multiple of CACHE_UNIT */
    uint32_t key_size, value_size; /* bytes */
    uint16_t pins;
    bool used; /* since it was laid down */
    bool dead;
    _Alignas(16) char bytes[]; /* value (aligned to 16), then key */
};

struct cache {
    char *base; /* NULL: there is no cache, and nothing is ever found or added */
    size_t size, head, tail;
    size_t filled; /* bytes from tail to head, with the dead and the gaps */
    uint32_t *buckets;
    uint32_t bucket_mask;
    uint32_t count; /* living entries */
    /* An entry is leaving (evicted, removed and no longer pinned, or the cache is cleared): what its value holds is to be
     * let go of; the cache must not be touched. Not called when an entry only moves: values must not point into
     * themselves. May be NULL. */
    void (*on_leave)(void *argument, void *value);
    void *argument;
    uint64_t hits, misses, evictions,
        refusals; /* refusals: no room, because what stands in the way is pinned */
};

/* size: bytes; more than 4 GiB count as that. */
size_t leat__cache_footprint(size_t size);                             /* 0 for 0 */
void leat__cache_init(struct cache *c, struct region *r, size_t size); /* size 0: no cache */

uint32_t leat__cache_hash(const void *key, size_t size);

/* NULL: not there. Marks it used. */
struct cache_entry *leat__cache_find(struct cache *c, uint32_t hash, const void *key, size_t key_size);

/* Room for value_size bytes (not cleared), found by key from now on; one of the same key dies. NULL: it does not fit
 * (larger than a quarter of the cache, or pinned entries stand in the way). The entry may move until it is pinned. */
struct cache_entry *leat__cache_add(struct cache *c, uint32_t hash, const void *key,
                                    size_t key_size, size_t value_size);

void leat__cache_remove(struct cache *c, struct cache_entry *entry);
void leat__cache_clear(struct cache *c); /* every entry leaves; none may be pinned, but for standing ones */
void leat__cache_last_pin(struct cache *c, struct cache_entry *entry);

static inline void *cache_value(struct cache_entry *entry)
{
    return entry->bytes;
}

static inline void cache_pin(struct cache_entry *entry)
{
    entry->pins++;
}

static inline void cache_unpin(struct cache *c, struct cache_entry *entry)
{
    if (UNLIKELY(--entry->pins == 0 && entry->dead))
        leat__cache_last_pin(c, entry);
}

void leat__cache_check(const struct cache *c);

#endif
