/* pool_return.c: how objects come back from other threads.
 *
 * The list `returned` is linked by the objects' first words; anyone pushes, the owner takes it whole. Where bit 0 of
 * that word is set, the object carries a batch: behind the word stand a count and so many further objects, each as its
 * distance from base in units of 8 bytes, in 32 bits. So 62 objects of 256 bytes travel in four cache lines, where a
 * chain through their own first words would take 62, each waited for in turn. */
#include "memory/pool.h"

enum { CARRIES = 1, PLACE_UNIT = 8 };

struct carrier {
    uintptr_t next;
    uint32_t count;
    uint32_t places[];
};

static void push_returned(struct pool *p, void *first, void *last, uintptr_t mark)
{
    void *head = atomic_load_explicit(&p->returned, memory_order_relaxed);
    do {
        uintptr_t word = (uintptr_t)head | mark;
        memcpy(last, &word, sizeof word);
    } while (!atomic_compare_exchange_weak_explicit(&p->returned, &head, first,
                                                    memory_order_release, memory_order_relaxed));
}

void leat__pool_return(struct pool *p, void *first, void *last)
{
    push_returned(p, first, last, 0);
}

/* How many others an object can carry: none when it is too small, or the pool too large for 32 bits. */
static size_t carrier_room(const struct pool *p)
{
    size_t head = offsetof(struct carrier, places);
    if (p->object_size <= head || p->slab_size * p->slab_count / PLACE_UNIT > UINT32_MAX)
        return 0;
    return (p->object_size - head) / sizeof(uint32_t);
}

void leat__pool_return_batch(struct pool *p, void *const *objects, size_t count)
{
    size_t room = carrier_room(p);
    for (size_t i = 0; i < count;) {
        struct carrier *carrier = objects[i++];
        size_t further = size_min(room, count - i);
        for (size_t k = 0; k < further; k++)
            carrier->places[k] = (uint32_t)((size_t)((char *)objects[i + k] - p->base) / PLACE_UNIT);
        if (further > 0)
            carrier->count = (uint32_t)further;
        i += further;
        push_returned(p, carrier, carrier, further > 0 ? CARRIES : 0);
    }
}

/* The lines of a batch come from another core: they are asked for all at once, and the next batch's first with them. */
static void fetch_batch(const struct pool *p, const struct carrier *carrier)
{
    for (size_t at = CACHE_LINE; at < size_min(p->object_size, 8 * CACHE_LINE); at += CACHE_LINE)
        __builtin_prefetch((const char *)carrier + at);
    __builtin_prefetch((const void *)(carrier->next & ~(uintptr_t)CARRIES));
}

void leat__pool_collect(struct pool *p)
{
    if (atomic_load_explicit(&p->returned, memory_order_relaxed) == NULL)
        return;
    void *object = atomic_exchange_explicit(&p->returned, NULL, memory_order_acquire);
    while (object != NULL) {
        uintptr_t next;
        memcpy(&next, object, sizeof next);
        if ((next & CARRIES) != 0) {
            const struct carrier *carrier = object;
            fetch_batch(p, carrier);
            for (uint32_t i = 0; i < carrier->count; i++)
                pool_release(p, p->base + (size_t)carrier->places[i] * PLACE_UNIT);
        }
        pool_release(p, object);
        object = (void *)(next & ~(uintptr_t)CARRIES);
    }
}
