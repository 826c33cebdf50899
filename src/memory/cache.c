/* cache.c: a ring of entries and a table of buckets that find them. See cache.h.
 *
 * The ring's order is the order of laying down. What is free lies from head to tail, in one stretch or, when it runs
 * over the ring's end, in two; an entry is never cut, so where one does not fit before the end, the rest of the ring
 * there becomes a dead entry without key (a gap), whose room comes back in its turn like any other's.
 *
 * What must always be true
 *   - From tail to head the heads of entries follow each other without a hole, and their sizes sum up to `filled`.
 *   - Every living entry is in the bucket of its hash, once; nothing else is in a bucket. */
#include "memory/cache.h"

enum { BUCKET_BYTES = 1024, BUCKETS_MIN = 16, SHARE_OF_ONE = 4, ROUNDS_MAX = 2 };

/* Sizes of entries, and so of gaps, are 32 bits wide. */
static size_t ring_size(size_t size)
{
    return size_min(size, UINT32_MAX) / CACHE_UNIT * CACHE_UNIT;
}

/* One bucket for as much memory as a small file with its head takes. */
static size_t bucket_count(size_t size)
{
    size_t count = BUCKETS_MIN;
    while (count < size / BUCKET_BYTES)
        count *= 2;
    return count;
}

size_t leat__cache_footprint(size_t size)
{
    if (ring_size(size) == 0)
        return 0;
    return align_up(ring_size(size), PAGE_SIZE_BYTES) +
           align_up(bucket_count(ring_size(size)) * sizeof(uint32_t), CACHE_LINE);
}

void leat__cache_init(struct cache *c, struct region *r, size_t size)
{
    *c = (struct cache){.size = ring_size(size)};
    if (c->size == 0)
        return;
    size_t buckets = bucket_count(c->size);
    c->base = leat__region_take(r, c->size, PAGE_SIZE_BYTES);
    c->buckets = leat__region_take(r, buckets * sizeof(uint32_t), CACHE_LINE);
    c->bucket_mask = (uint32_t)(buckets - 1);
}

/* ── Buckets ── */

/* Eight octets at a time, each mixed by a multiplication whose halves are folded into one another. */
uint32_t leat__cache_hash(const void *key, size_t size)
{
    const char *at = key;
    uint64_t h = size * 0x9e3779b97f4a7c15u, piece;
    for (; size > 8; size -= 8, at += 8) {
        memcpy(&piece, at, 8);
        __uint128_t product = (__uint128_t)(h ^ piece) * 0xd6e8feb86659fd93u;
        h = (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    piece = 0;
    memcpy(&piece, at, size);
    __uint128_t product = (__uint128_t)(h ^ piece) * 0xd6e8feb86659fd93u;
    h = (uint64_t)product ^ (uint64_t)(product >> 64);
    return (uint32_t)(h ^ h >> 32);
}

static struct cache_entry *entry_at(const struct cache *c, size_t place)
{
    return (struct cache_entry *)(void *)(c->base + place);
}

static size_t place_of(const struct cache *c, const struct cache_entry *entry)
{
    return (size_t)((const char *)entry - c->base);
}

static uint32_t link_of(const struct cache *c, const struct cache_entry *entry)
{
    return (uint32_t)(place_of(c, entry) / CACHE_UNIT) + 1;
}

static struct cache_entry *linked(const struct cache *c, uint32_t link)
{
    return entry_at(c, (size_t)(link - 1) * CACHE_UNIT);
}

static size_t value_room(size_t value_size)
{
    return align_up(value_size, 16);
}

static const char *key_of(const struct cache_entry *entry)
{
    return entry->bytes + value_room(entry->value_size);
}

static void bucket_put(struct cache *c, struct cache_entry *entry)
{
    uint32_t *bucket = &c->buckets[entry->hash & c->bucket_mask];
    entry->hash_next = *bucket;
    *bucket = link_of(c, entry);
}

static void bucket_take(struct cache *c, const struct cache_entry *entry)
{
    uint32_t *link = &c->buckets[entry->hash & c->bucket_mask], own = link_of(c, entry);
    while (*link != own) {
        ASSERT(*link != 0);
        link = &linked(c, *link)->hash_next;
    }
    *link = entry->hash_next;
}

struct cache_entry *leat__cache_find(struct cache *c, uint32_t hash, const void *key, size_t key_size)
{
    if (c->base == NULL)
        return NULL;
    for (uint32_t link = c->buckets[hash & c->bucket_mask]; link != 0;) {
        struct cache_entry *entry = linked(c, link);
        if (LIKELY(entry->hash == hash && entry->key_size == key_size) &&
            LIKELY(memcmp(key_of(entry), key, key_size) == 0)) {
            entry->used = true;
            c->hits++;
            return entry;
        }
        link = entry->hash_next;
    }
    c->misses++;
    return NULL;
}

/* ── Leaving ── */

void leat__cache_last_pin(struct cache *c, struct cache_entry *entry)
{
    if (c->on_leave != NULL && entry->value_size > 0)
        c->on_leave(c->argument, entry->bytes);
}

void leat__cache_remove(struct cache *c, struct cache_entry *entry)
{
    ASSERT(!entry->dead);
    bucket_take(c, entry);
    entry->dead = true;
    c->count--;
    if (entry->pins == 0)
        leat__cache_last_pin(c, entry);
}

void leat__cache_clear(struct cache *c)
{
    if (c->base == NULL)
        return;
    for (size_t left = c->filled, place = c->tail; left > 0;) {
        struct cache_entry *entry = entry_at(c, place);
        ASSERT(entry->pins == 0 || entry->pins == CACHE_STANDING);
        if (!entry->dead) {
            entry->pins = 0;
            leat__cache_remove(c, entry);
        }
        left -= entry->size;
        place += entry->size;
        place = place == c->size ? 0 : place;
    }
    c->head = c->tail = c->filled = 0;
}

/* ── The ring ── */

static size_t wrapped(const struct cache *c, size_t place)
{
    return place == c->size ? 0 : place;
}

/* The next size bytes at the head are taken, and nobody's. */
static void lay_gap(struct cache *c, size_t size)
{
    if (size == 0)
        return;
    *entry_at(c, c->head) = (struct cache_entry){.size = (uint32_t)size, .dead = true};
    c->head = wrapped(c, c->head + size);
    c->filled += size;
}

/* Free bytes at the head, in one piece. */
static size_t free_ahead(const struct cache *c)
{
    if (c->filled == c->size)
        return 0;
    return (c->head >= c->tail ? c->size : c->tail) - c->head;
}

/* Whether size bytes can be laid down at the head, which may go over the ring's end for that. */
static bool has_room(struct cache *c, size_t size)
{
    if (c->filled == 0)
        c->head = c->tail = 0;
    if (free_ahead(c) >= size)
        return true;
    if (c->filled == c->size || c->head < c->tail || c->tail < size)
        return false;
    lay_gap(c, c->size - c->head);
    return true;
}

static void drop_tail(struct cache *c, size_t size)
{
    c->tail = wrapped(c, c->tail + size);
    c->filled -= size;
}

/* The oldest entry is laid down again at the head. Its own room counts as free, so there always is enough. */
static void move_tail(struct cache *c, struct cache_entry *entry)
{
    size_t size = entry->size;
    bucket_take(c, entry);
    if (c->filled < c->size && c->head >= c->tail && c->size - c->head < size)
        lay_gap(c, c->size - c->head);
    struct cache_entry *to = entry_at(c, c->head);
    memmove(to, entry, size);
    to->used = false;
    c->head = wrapped(c, c->head + size);
    c->tail = wrapped(c, c->tail + size);
    bucket_put(c, to);
}

/* The oldest entry can't move: it becomes the newest where it is. */
static void go_around_tail(struct cache *c, const struct cache_entry *entry)
{
    size_t size = entry->size;
    while (c->filled < c->size)
        lay_gap(c, free_ahead(c));
    c->head = c->tail = wrapped(c, c->tail + size);
}

/* One step towards more room; answers by how many bytes the tail has moved on. */
static size_t pass_tail(struct cache *c, size_t *may_move)
{
    struct cache_entry *entry = entry_at(c, c->tail);
    size_t size = entry->size;
    if (entry->pins > 0) {
        go_around_tail(c, entry);
    } else if (entry->dead) {
        drop_tail(c, size);
    } else if (entry->used && size <= *may_move) {
        *may_move -= size;
        move_tail(c, entry);
    } else {
        leat__cache_remove(c, entry);
        c->evictions++;
        drop_tail(c, size);
    }
    return size;
}

struct cache_entry *leat__cache_add(struct cache *c, uint32_t hash, const void *key,
                                    size_t key_size, size_t value_size)
{
    if (c->base == NULL || key_size > c->size || value_size > c->size)
        return NULL;
    size_t size = align_up(sizeof(struct cache_entry) + value_room(value_size) + key_size, CACHE_UNIT);
    if (size > c->size / SHARE_OF_ONE)
        return NULL;
    struct cache_entry *old = leat__cache_find(c, hash, key, key_size);
    if (old != NULL) {
        c->hits--; /* nobody asked for it */
        leat__cache_remove(c, old);
    } else {
        c->misses--;
    }
    size_t may_move = CACHE_MOVE_MAX, passed = 0;
    while (!has_room(c, size)) {
        if (passed >= ROUNDS_MAX * c->size) {
            c->refusals++;
            return NULL;
        }
        passed += pass_tail(c, &may_move);
    }
    struct cache_entry *entry = entry_at(c, c->head);
    *entry = (struct cache_entry){.hash = hash,
                                  .size = (uint32_t)size,
                                  .key_size = (uint32_t)key_size,
                                  .value_size = (uint32_t)value_size};
    memcpy(entry->bytes + value_room(value_size), key, key_size);
    c->head = wrapped(c, c->head + size);
    c->filled += size;
    bucket_put(c, entry);
    c->count++;
    return entry;
}

void leat__cache_check(const struct cache *c)
{
    size_t place = c->tail, left = c->filled;
    uint32_t living = 0, found = 0;
    ASSERT(c->filled <= c->size && (c->size == 0 || (c->head < c->size && c->tail < c->size)));
    while (left > 0) {
        const struct cache_entry *entry = entry_at(c, place);
        ASSERT(entry->size >= sizeof *entry && entry->size % CACHE_UNIT == 0 && entry->size <= left);
        ASSERT(entry->size <= c->size - place);
        ASSERT(sizeof *entry + value_room(entry->value_size) + entry->key_size <= entry->size);
        living += !entry->dead;
        left -= entry->size;
        place = wrapped(c, place + entry->size);
    }
    ASSERT(place == c->head && living == c->count);
    for (size_t i = 0; c->base != NULL && i <= c->bucket_mask; i++)
        for (uint32_t link = c->buckets[i]; link != 0; link = linked(c, link)->hash_next, found++)
            ASSERT(!linked(c, link)->dead && (linked(c, link)->hash & c->bucket_mask) == i);
    ASSERT(found == c->count);
}
