/* content.h: where the content of requests lies: one stretch of memory per shard, shared by all exchanges, cut by
 * halves (a buddy allocator). A request's whole bound is reserved before its first octet is read, or it gets 503;
 * nothing waits for memory while holding some. Power-of-two blocks of CONTENT_BLOCK_MIN and up; free neighbours join at
 * once, so the stretch cannot crumble for good.
 *
 *   size = 11 smallest blocks:   [ 8                             ][ 2     ][ 1 ]     the largest blocks at start
 *   after acquiring one:         [#][.][ 2     ][ 4              ][ 2     ][ 1 ]     halved until it fits
 *
 * The tables lie beside the content, never in it: an untouched or trimmed block has no page. */
#ifndef LEAT_CONTENT_H
#define LEAT_CONTENT_H

#include "base/base.h"
#include "memory/region.h"

enum { CONTENT_BLOCK_MIN = 16384, CONTENT_ORDERS = 24 };

struct content_link {
    uint32_t next, prev; /* block number + 1; 0: none */
};

struct content_store {
    char *base;
    size_t size;           /* a multiple of CONTENT_BLOCK_MIN */
    uint32_t block_count;  /* smallest blocks */
    uint32_t in_use, high; /* smallest blocks */
    uint32_t recent_high;  /* high water since the last look of the trimmer */
    uint32_t warm;         /* smallest blocks that may have pages */
    uint32_t trim_at;      /* the smallest block where the trimmer goes on */
    uint32_t fail_countdown;
    uint32_t free_orders; /* a bit per order that has a free block */
    uint64_t refused;
    uint8_t *orders; /* per smallest block: order + 1 of the block that starts there, 0x80: free, 0: inside */
    uint64_t *resident;         /* a bit per smallest block: may have pages */
    struct content_link *links; /* per smallest block, used while one starts there and is free */
    uint32_t free_heads[CONTENT_ORDERS]; /* block number + 1 */
};

size_t leat__content_footprint(size_t size);
void leat__content_init(struct content_store *c, struct region *r, size_t size);

/* At least size bytes (the block is the next power of two); NULL: no block that large is free, counted. Takes time
 * by the logarithm of the stretch, and a 64th of a step for each smallest block that it hands out. */
void *leat__content_acquire(struct content_store *c, size_t size);
void leat__content_release(struct content_store *c, void *memory);

/* The largest block there can ever be. */
static inline size_t content_largest(const struct content_store *c)
{
    return c->size == 0 ? 0 : (size_t)1 << (63 - __builtin_clzll(c->size));
}

/* Idle turns: gives back the pages of free blocks beyond what keep smallest blocks need, at most budget bytes. */
size_t leat__content_trim(struct content_store *c, uint32_t keep, size_t budget);
void leat__content_check(const struct content_store *c);
void leat__content_fail_at(struct content_store *c, uint32_t n);

#endif
