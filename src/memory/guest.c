/* guest.c: see guest.h. */
#include "memory/guest.h"
#include "memory/poison.h"

/* ── Classes: 16, 32, 48, 64, then four to each doubling ── */

static unsigned class_of(size_t size)
{
    if (size <= 64)
        return size == 0 ? 0 : (unsigned)((size - 1) / 16);
    unsigned doubling = 63 - (unsigned)__builtin_clzll(size - 1); /* 2^doubling < size <= 2^(doubling + 1) */
    return (doubling - 6) * 4 + 4 + (unsigned)((size - 1) >> (doubling - 2) & 3);
}

static size_t class_size(unsigned class)
{
    if (class < 4)
        return (class + 1) * (size_t)16;
    unsigned doubling = (class - 4) / 4 + 6;
    return ((size_t)1 << doubling) + ((class & 3) + 1) * ((size_t)1 << (doubling - 2));
}

_Static_assert(GUEST_SMALL_MAX == 4096 && GUEST_CLASSES >= 28, "class_of(4096) is 27");
_Static_assert(GUEST_SLAB / GUEST_ALIGN < UINT16_MAX,
               "an object of a slab has a number of 16 bits");

/* ── Making it ── */

static size_t size_of_part(size_t size, uint32_t parts)
{
    return align_up(size / parts + (size % parts != 0), GUEST_SLAB);
}

static size_t slabs_size(size_t part_size)
{
    return align_up(part_size / GUEST_SLAB * sizeof(struct guest_slab), CACHE_LINE);
}

size_t leat__guest_footprint(size_t size, uint32_t parts)
{
    size_t part = size_of_part(size, parts);
    return parts * (leat__content_footprint(part) + slabs_size(part)) +
           align_up(parts * sizeof(struct guest_part), CACHE_LINE);
}

void leat__guest_init(struct guest_heap *g, struct region *r, const char *name, size_t size, uint32_t parts)
{
    *g = (struct guest_heap){.name = name, .part_count = parts, .part_size = size_of_part(size, parts)};
    g->parts = leat__region_take(r, align_up(parts * sizeof *g->parts, CACHE_LINE), CACHE_LINE);
    for (uint32_t i = 0; i < parts; i++) {
        struct guest_part *part = &g->parts[i];
        pthread_mutex_init(&part->lock, NULL);
        leat__content_init(&part->store, r, g->part_size);
        part->slabs = leat__region_take(r, slabs_size(g->part_size), CACHE_LINE);
        ASSERT(i == 0 || part->store.base == g->parts[i - 1].store.base + g->part_size);
    }
    g->base = g->parts[0].store.base;
}

void leat__guest_finish(struct guest_heap *g)
{
    for (uint32_t i = 0; i < g->part_count; i++)
        pthread_mutex_destroy(&g->parts[i].lock);
    *g = (struct guest_heap){0};
}

/* ── Slabs; under the part's lock ── */

static char *slab_memory(const struct guest_part *part, uint32_t block)
{
    return part->store.base + (size_t)block * GUEST_SLAB;
}

static uint32_t block_of(const struct guest_part *part, const void *memory)
{
    return (uint32_t)((size_t)((const char *)memory - part->store.base) / GUEST_SLAB);
}

static void list_slab(struct guest_part *part, uint32_t block, unsigned class)
{
    struct guest_slab *slab = &part->slabs[block];
    slab->prev = 0;
    slab->next = part->with_room[class];
    if (slab->next != 0)
        part->slabs[slab->next - 1].prev = block + 1;
    part->with_room[class] = block + 1;
}

static void unlist_slab(struct guest_part *part, uint32_t block, unsigned class)
{
    struct guest_slab *slab = &part->slabs[block];
    if (slab->next != 0)
        part->slabs[slab->next - 1].prev = slab->prev;
    if (slab->prev != 0)
        part->slabs[slab->prev - 1].next = slab->next;
    else
        part->with_room[class] = slab->next;
}

static unsigned objects_of(unsigned class)
{
    return (unsigned)(GUEST_SLAB / class_size(class));
}

static bool begin_slab(struct guest_part *part, unsigned class)
{
    char *memory = leat__content_acquire(&part->store, GUEST_SLAB);
    if (memory == NULL)
        return false;
    uint32_t block = block_of(part, memory);
    part->slabs[block] = (struct guest_slab){.class_1 = (uint8_t)(class + 1)};
    poison_close(memory, GUEST_SLAB);
    list_slab(part, block, class);
    return true;
}

static void *take_small(struct guest_part *part, unsigned class)
{
    if (part->with_room[class] == 0 && !begin_slab(part, class))
        return NULL;
    uint32_t block = part->with_room[class] - 1;
    struct guest_slab *slab = &part->slabs[block];
    size_t size = class_size(class);
    char *object;
    if (slab->free != 0) {
        object = slab_memory(part, block) + (slab->free - 1u) * size;
        poison_open(object, size);
        memcpy(&slab->free, object, sizeof slab->free);
    } else {
        object = slab_memory(part, block) + slab->begun++ * size;
        poison_open(object, size);
    }
    if (++slab->in_use == objects_of(class))
        unlist_slab(part, block, class);
    return object;
}

static void give_small(struct guest_part *part, uint32_t block, void *object)
{
    struct guest_slab *slab = &part->slabs[block];
    unsigned class = slab->class_1 - 1u;
    size_t size = class_size(class), at = (size_t)((char *)object - slab_memory(part, block));
    bool is_an_object = at % size == 0 && at / size < slab->begun && slab->in_use > 0;
    ASSERT(is_an_object);
    if (slab->in_use == objects_of(class))
        list_slab(part, block, class);
    memcpy(object, &slab->free, sizeof slab->free);
    poison_close(object, size);
    slab->free = (uint16_t)(at / size + 1);
    /* The last slab of a class stays, so that one object to and fro does not cut the stretch each time. */
    if (--slab->in_use == 0 && (slab->next != 0 || slab->prev != 0)) {
        unlist_slab(part, block, class);
        slab->class_1 = 0;
        poison_open(slab_memory(part, block), GUEST_SLAB);
        leat__content_release(&part->store, slab_memory(part, block));
    }
}

/* ── The heap ── */

static size_t block_size(const struct guest_part *part, uint32_t block)
{
    return (size_t)GUEST_SLAB << (part->store.orders[block] - 1);
}

static void *take_from(struct guest_part *part, size_t size)
{
    pthread_mutex_lock(&part->lock);
    bool is_small = size <= GUEST_SMALL_MAX;
    void *memory = is_small ? take_small(part, class_of(size))
                            : leat__content_acquire(&part->store, size);
    if (memory != NULL) {
        part->in_use += is_small ? class_size(class_of(size))
                                 : block_size(part, block_of(part, memory));
        part->high = part->in_use > part->high ? part->in_use : part->high;
        part->calls++;
    }
    pthread_mutex_unlock(&part->lock);
    return memory;
}

void *leat__guest_alloc(struct guest_heap *g, uint32_t part, size_t size)
{
    if (size == 0)
        size = 1;
    for (uint32_t i = 0; i < g->part_count && size <= g->part_size; i++) {
        void *memory = take_from(&g->parts[(part + i) % g->part_count], size);
        if (memory != NULL)
            return memory;
    }
    atomic_fetch_add_explicit(&g->refused, 1, memory_order_relaxed);
    return NULL;
}

static struct guest_part *part_of(const struct guest_heap *g, const void *memory)
{
    ASSERT(guest_holds(g, memory));
    return &g->parts[(size_t)((const char *)memory - g->base) / g->part_size];
}

void leat__guest_free(struct guest_heap *g, void *memory)
{
    if (memory == NULL)
        return;
    struct guest_part *part = part_of(g, memory);
    pthread_mutex_lock(&part->lock);
    uint32_t block = block_of(part, memory);
    if (part->slabs[block].class_1 != 0) {
        part->in_use -= class_size(part->slabs[block].class_1 - 1u);
        give_small(part, block, memory);
    } else {
        bool begins_a_block = memory == slab_memory(part, block);
        ASSERT(begins_a_block);
        part->in_use -= block_size(part, block);
        leat__content_release(&part->store, memory);
    }
    pthread_mutex_unlock(&part->lock);
}

size_t leat__guest_size(const struct guest_heap *g, const void *memory)
{
    struct guest_part *part = part_of(g, memory);
    pthread_mutex_lock(&part->lock);
    uint32_t block = block_of(part, memory);
    unsigned class_1 = part->slabs[block].class_1;
    size_t size = class_1 != 0 ? class_size(class_1 - 1) : block_size(part, block);
    pthread_mutex_unlock(&part->lock);
    return size;
}

void leat__guest_count(struct guest_heap *g, struct guest_counts *counts)
{
    *counts = (struct guest_counts){.refused = atomic_load_explicit(&g->refused, memory_order_relaxed)};
    for (uint32_t i = 0; i < g->part_count; i++) {
        pthread_mutex_lock(&g->parts[i].lock);
        counts->in_use += g->parts[i].in_use;
        counts->high += g->parts[i].high;
        counts->calls += g->parts[i].calls;
        pthread_mutex_unlock(&g->parts[i].lock);
    }
}

static void check_class(const struct guest_part *part, unsigned class)
{
    uint32_t before = 0;
    for (uint32_t at = part->with_room[class]; at != 0; at = part->slabs[at - 1].next) {
        const struct guest_slab *slab = &part->slabs[at - 1];
        ASSERT(slab->class_1 == class + 1 && slab->prev == before);
        ASSERT(slab->in_use < objects_of(class) && slab->begun <= objects_of(class));
        before = at;
    }
}

void leat__guest_check(struct guest_heap *g)
{
    for (uint32_t i = 0; i < g->part_count; i++) {
        struct guest_part *part = &g->parts[i];
        pthread_mutex_lock(&part->lock);
        leat__content_check(&part->store);
        for (unsigned class = 0; class < GUEST_CLASSES; class ++)
            check_class(part, class);
        pthread_mutex_unlock(&part->lock);
    }
}
