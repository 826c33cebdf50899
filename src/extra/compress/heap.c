/* heap.c: see heap.h. */
#include "heap.h"
#include <stdint.h>

enum { ALIGN = 16 };

struct block {
    size_t size; /* with this head; a multiple of ALIGN */
    size_t taken;
};

_Static_assert(sizeof(struct block) == ALIGN, "what follows a head is aligned");

static struct block *block_at(const struct heap *h, size_t at)
{
    return (struct block *)(void *)(h->memory + at);
}

void heap_init(struct heap *h, void *memory, size_t size)
{
    *h = (struct heap){memory, size & ~(size_t)(ALIGN - 1), 0};
    *block_at(h, 0) = (struct block){h->size, 0};
}

static void join_behind(const struct heap *h, size_t at)
{
    struct block *block = block_at(h, at);
    while (at + block->size < h->size && !block_at(h, at + block->size)->taken)
        block->size += block_at(h, at + block->size)->size;
}

void *heap_acquire(void *opaque, size_t size)
{
    struct heap *h = opaque;
    size_t need = sizeof(struct block) + ((size + ALIGN - 1) & ~(size_t)(ALIGN - 1));
    if (size > h->size)
        return NULL;
    for (size_t at = 0; at < h->size; at += block_at(h, at)->size) {
        struct block *block = block_at(h, at);
        if (block->taken)
            continue;
        join_behind(h, at);
        if (block->size < need)
            continue;
        if (block->size > need)
            *block_at(h, at + need) = (struct block){block->size - need, 0};
        *block = (struct block){need, 1};
        if (at + need > h->reach)
            h->reach = at + need;
        return block + 1;
    }
    return NULL;
}

void *heap_acquire_items(void *opaque, unsigned count, unsigned size)
{
    return heap_acquire(opaque, (size_t)count * size);
}

void heap_release(void *opaque, void *memory)
{
    (void)opaque;
    if (memory != NULL)
        ((struct block *)memory - 1)->taken = 0;
}
