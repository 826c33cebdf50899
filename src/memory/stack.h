/* stack.h: the stacks on which handlers and other tasks run: equal stretches of address space, each with a guard page at
 * its low end, so that what runs over meets the guard and not a neighbour.
 *
 *   base ─ guard │ stack 0 … top ─ guard │ stack 1 … top ─ …
 *
 * A stack costs the pages that have been touched. The warmest free one is handed out next, so tasks that never wait all
 * run on the same few pages; those that were not needed for a while give their pages back (shard_memory.c). */
#ifndef LEAT_STACK_H
#define LEAT_STACK_H

#include "base/base.h"
#include "memory/region.h"

enum { STACK_NONE = UINT32_MAX, STACK_SIZE_MIN = 16384, STACK_GUARD = PAGE_SIZE_BYTES };

struct stack_pool {
    char *base;
    uint32_t stride; /* addresses of one, the guard among them; a multiple of the page */
    uint32_t count;
    uint32_t free, cold; /* index + 1 of the first; 0: none. Warm: with pages, the warmest first; cold: without */
    uint32_t touched; /* ever handed out; the rest are in no list */
    uint32_t in_use, warm;
    uint32_t high, recent_high; /* recent: since the last look of the trimmer */
    uint32_t fail_countdown;    /* tests: the n-th acquisition from now fails; 0: off */
    uint64_t refused;
    uint32_t *next; /* links of both lists */
};

size_t leat__stack_pool_footprint(size_t stride, size_t count); /* bytes of region; pure */

/* Takes them and sets the guards. 0, or -errno when the machine refuses a guard (ENOMEM: too many mappings). */
int leat__stack_pool_init(struct stack_pool *p, struct region *r, size_t stride, size_t count);

/* An index; STACK_NONE when all are in use: counted. */
uint32_t leat__stack_acquire(struct stack_pool *p);
void leat__stack_release(struct stack_pool *p, uint32_t index);

static inline char *stack_low(const struct stack_pool *p, uint32_t index)
{
    return p->base + (size_t)index * p->stride + STACK_GUARD;
}

static inline char *stack_top(const struct stack_pool *p, uint32_t index)
{
    return p->base + ((size_t)index + 1) * p->stride;
}

/* The stack in whose guard an address lies; STACK_NONE: in nobody's. */
uint32_t leat__stack_of_guard(const struct stack_pool *p, const void *address);

/* Idle turns: as leat__buffer_pool_trim. */
size_t leat__stack_pool_trim(struct stack_pool *p, uint32_t keep, size_t budget);
void leat__stack_pool_check(const struct stack_pool *p);
void leat__stack_pool_fail_at(struct stack_pool *p, uint32_t n);

#endif
