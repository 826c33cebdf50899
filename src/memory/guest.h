/* guest.h: a bounded heap for a guest: a library that wants memory of any size whenever it likes, through a hook of its
 * own (a TLS library, a database client). What it gets comes from one stretch of the plan and never from anywhere else;
 * when that is full it gets NULL, and must be able to bear it. It may free on any thread.
 *
 *   the stretch, cut by halves (content.h)    │ slab of 48s │ slab of 512s │ large block      │ free …
 *                                             └ 16 KiB ─────┴──────────────┘
 *
 * Small objects lie in slabs of one size class each, four classes to a doubling, so at most a fifth of one is wasted;
 * larger ones are blocks of the stretch, of the next power of two. What is told of a slab (its class, its free objects)
 * lies in a table beside the stretch: a free finds it by the address, and nothing stands before an object that an overrun
 * could break. A heap has several parts, each with a lock of its own; a thread asks the one of its shard first. */
#ifndef LEAT_GUEST_H
#define LEAT_GUEST_H

#include "memory/content.h"
#include <pthread.h>
#include <stdatomic.h>

enum {
    GUEST_SLAB = CONTENT_BLOCK_MIN,
    GUEST_SMALL_MAX = 4096, /* bytes: the largest class */
    GUEST_CLASSES = 32,
    GUEST_ALIGN = 16,
};

struct guest_slab {
    uint32_t next, prev; /* slabs of the class with room: block + 1 */
    uint16_t free; /* object + 1 of the first free one; the others follow through their first octets */
    uint16_t begun; /* objects that were ever handed out */
    uint16_t in_use;
    uint8_t class_1; /* class + 1; 0: no slab begins here */
};

struct guest_part {
    pthread_mutex_t lock;
    struct content_store store;
    struct guest_slab *slabs;          /* one for each smallest block */
    uint32_t with_room[GUEST_CLASSES]; /* block + 1 */
    uint64_t in_use, high, calls;      /* bytes of classes and blocks; calls that gave memory */
};

struct guest_heap {
    const char *name;
    struct guest_part *parts;
    uint32_t part_count;
    char *base; /* of the first part; the others follow */
    size_t part_size;
    _Atomic(uint64_t) refused;
};

struct guest_counts {
    uint64_t in_use, high, calls, refused; /* high: the sum of the parts' */
};

/* Bytes of region for a heap of at least size bytes in parts; pure. */
size_t leat__guest_footprint(size_t size, uint32_t parts);
void leat__guest_init(struct guest_heap *g, struct region *r, const char *name, size_t size,
                      uint32_t parts);
void leat__guest_finish(struct guest_heap *g);

/* Aligned to 16, not cleared. part: which is asked first. NULL: no part has room, counted. size 0 is 1. */
void *leat__guest_alloc(struct guest_heap *g, uint32_t part, size_t size);
/* From any thread; memory is of this heap. */
void leat__guest_free(struct guest_heap *g, void *memory);
/* Bytes that may be used behind memory; at least what was asked for. */
size_t leat__guest_size(const struct guest_heap *g, const void *memory);

static inline bool guest_holds(const struct guest_heap *g, const void *memory)
{
    return (uintptr_t)memory - (uintptr_t)g->base < g->part_size * g->part_count;
}

void leat__guest_count(struct guest_heap *g, struct guest_counts *counts);
void leat__guest_check(struct guest_heap *g); /* walks everything; for tests */

#endif
