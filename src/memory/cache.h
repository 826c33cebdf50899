/* cache.h: a bounded cache of blobs in one stretch of memory, made before the first request and never grown.
 *
 * Entries lie one behind the other in a ring. A new one is laid down at the head; when there is no room, the oldest at
 * the tail goes, unless it was used since it was laid down: then it is laid down again at the head, once (the second
 * chance of the clock algorithm). So nothing crumbles, whatever the sizes, and what is used stays.
 *
 *     base                 tail                      head                 base + size
 *      │ (free)             │ oldest … … … … newest  │ (free)              │
 *
 * What must always be true
 *   - An entry with pins does not move and does not go: who pins (a response that is being sent from it) unpins.
 *   - A dead entry (removed, or replaced) is found no more; its room comes back when the tail reaches it.
 *   - One thread only: a cache is a shard's. */
#ifndef LEAT_CACHE_H
#define LEAT_CACHE_H

#include "base/base.h"
#include "memory/region.h"

struct cache_entry {
    uint32_t hash_next; /* place in the ring of the next entry of the bucket, in units of 16 bytes + 1; 0: none */
    uint32_t hash;
    uint32_t size;     /* of the whole entry with this head, a multiple of 16 */
    uint32_t key_size, value_size; /* bytes */
    uint16_t pins;
    bool used; /* since it was laid down */
    bool dead;
    _Alignas(16) char bytes[]; /* value (aligned to 16), then key */
};

struct cache {
    char *base; /* NULL: there is no cache, and nothing is ever found or added */
    size_t size, head, tail;
    uint32_t *buckets;
    uint32_t bucket_mask;
    uint32_t count; /* living entries */
    /* An entry is leaving (evicted, removed, or the cache is closed): what its value holds is to be let go of. Not called
     * when an entry only moves: values must not point into themselves. May be NULL. */
    void (*on_leave)(void *argument, void *value);
    void *argument;
    uint64_t hits, misses, evictions, refusals; /* refusals: no room, because what stands in the way is pinned */
};

size_t leat__cache_footprint(size_t size); /* 0 for 0 */
void leat__cache_init(struct cache *c, struct region *r, size_t size); /* size 0: no cache */

uint32_t leat__cache_hash(const void *key, size_t size);

/* NULL: not there. Marks it used. */
struct cache_entry *leat__cache_find(struct cache *c, uint32_t hash, const void *key, size_t key_size);

/* Room for value_size bytes (not cleared), found by key from now on; one of the same key dies. NULL: it does not fit
 * (larger than a quarter of the cache, or pinned entries stand in the way). The entry may move until it is pinned. */
struct cache_entry *leat__cache_add(struct cache *c, uint32_t hash, const void *key, size_t key_size,
                                    size_t value_size);

void leat__cache_remove(struct cache *c, struct cache_entry *entry);
void leat__cache_clear(struct cache *c); /* every entry leaves; none may be pinned */

static inline void *cache_value(struct cache_entry *entry)
{
    return entry->bytes;
}

static inline void cache_pin(struct cache_entry *entry)
{
    entry->pins++;
}

static inline void cache_unpin(struct cache_entry *entry)
{
    entry->pins--;
}

void leat__cache_check(const struct cache *c);

#endif
