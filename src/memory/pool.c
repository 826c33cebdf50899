/* pool.c: the slow ways of a pool: from slab to slab, from other threads, back to the machine. See pool.h.
 *
 * What must always be true
 *   - The current slab's list is in pool->free, every other slab's in its pool_slab; release_list points to the one of
 *     release_slab.
 *   - A slab's bit in room is set exactly when it is not current and has a free object; or, for release_slab, may have.
 *   - The objects of touched slabs are free in their slab's list or counted in in_use, and nothing else. */
#include "memory/pool.h"

static void *link_of(const void *object)
{
    void *next;
    memcpy(&next, object, sizeof next);
    return next;
}

static void link_to(void *object, void *next)
{
    memcpy(object, &next, sizeof next);
}

/* A page holds four small objects and more; of larger ones four share a slab, so that little is lost at its end. */
size_t leat__pool_slab_size(size_t object_size)
{
    return object_size <= PAGE_SIZE_BYTES / 4 ? PAGE_SIZE_BYTES
                                              : align_up(4 * object_size, PAGE_SIZE_BYTES);
}

/* The sizes of a pool's pieces: its slabs, and beside them its tables. */
struct pieces {
    size_t per_slab, slab_count, slabs, room, held;
};

static struct pieces measure(size_t object_size, size_t count)
{
    struct pieces m = {.per_slab = leat__pool_slab_size(object_size) / object_size};
    m.slab_count = (count + m.per_slab - 1) / m.per_slab;
    m.slabs = align_up(m.slab_count * sizeof(struct pool_slab), CACHE_LINE);
    m.room = align_up((m.slab_count + 63) / 64 * sizeof(uint64_t), CACHE_LINE);
    m.held = MEMORY_CHECKED ? align_up((count + 63) / 64 * sizeof(uint64_t), CACHE_LINE) : 0;
    return m;
}

size_t leat__pool_footprint(size_t object_size, size_t count)
{
    struct pieces m = measure(object_size, count);
    return m.slab_count * leat__pool_slab_size(object_size) + m.slabs + m.room + m.held;
}

void leat__pool_init(struct pool *p, struct region *r, const char *name, size_t object_size, size_t count)
{
    ASSERT(object_size >= 8 && object_size % 8 == 0 && object_size <= UINT32_MAX);
    ASSERT(count <= UINT32_MAX / 2);
    struct pieces m = measure(object_size, count);
    size_t slab_size = leat__pool_slab_size(object_size);
    *p = (struct pool){
        .slab_size = slab_size,
        .slab_shift = (slab_size & (slab_size - 1)) == 0 ? (uint8_t)__builtin_ctzl(slab_size) : 0,
        .current = POOL_NO_SLAB,
        .object_size = (uint32_t)object_size,
        .per_slab = (uint32_t)m.per_slab,
        .count = (uint32_t)count,
        .slab_count = (uint32_t)m.slab_count,
        .name = name,
    };
    p->base = leat__region_take(r, m.slab_count * slab_size, PAGE_SIZE_BYTES);
    p->slabs = leat__region_take(r, m.slabs, CACHE_LINE);
    p->room = leat__region_take(r, m.room, CACHE_LINE);
#if MEMORY_CHECKED
    p->held = leat__region_take(r, m.held, CACHE_LINE);
#endif
    for (size_t slab = 0; slab < m.slab_count; slab++)
        p->room[slab / 64] |= (uint64_t)1 << slab % 64;
}

/* ── Slabs ── */

static char *slab_start(const struct pool *p, uint32_t slab)
{
    return p->base + slab * p->slab_size;
}

static uint32_t slab_of(const struct pool *p, const void *object)
{
    size_t offset = (uintptr_t)object - (uintptr_t)p->base;
    return (uint32_t)(p->slab_shift != 0 ? offset >> p->slab_shift : offset / p->slab_size);
}

/* All have per_slab but the last, which has what is left. */
static uint32_t slab_objects(const struct pool *p, uint32_t slab)
{
    uint32_t left = p->count - slab * p->per_slab;
    return left < p->per_slab ? left : p->per_slab;
}

static void room_set(struct pool *p, uint32_t slab)
{
    p->room[slab / 64] |= (uint64_t)1 << slab % 64;
    if (slab / 64 < p->room_from)
        p->room_from = slab / 64;
}

static void room_clear(struct pool *p, uint32_t slab)
{
    p->room[slab / 64] &= ~((uint64_t)1 << slab % 64);
}

static uint32_t room_lowest(struct pool *p)
{
    uint32_t words = (p->slab_count + 63) / 64;
    while (p->room_from < words && p->room[p->room_from] == 0)
        p->room_from++;
    if (p->room_from == words)
        return POOL_NO_SLAB;
    return p->room_from * 64 + (uint32_t)__builtin_ctzll(p->room[p->room_from]);
}

static void poison_object(struct pool *p, char *object)
{
    size_t rest = p->object_size - sizeof(void *);
    if (!MEMORY_CHECKED || p->readable || rest == 0)
        return;
    poison_fill(object + sizeof(void *), rest);
    poison_close(object + sizeof(void *), rest);
}

/* Makes the free list of a slab that has none, in the order of addresses. */
static void slab_thread(struct pool *p, uint32_t slab)
{
    char *first = slab_start(p, slab);
    uint32_t objects = slab_objects(p, slab);
    void *next = NULL;
    for (uint32_t i = objects; i-- > 0;) {
        char *object = first + (size_t)i * p->object_size;
        link_to(object, next);
        poison_object(p, object);
        next = object;
    }
    p->slabs[slab].free = next;
    p->slabs[slab].touched = objects;
    p->slabs_touched++;
    if (slab >= p->touched_end)
        p->touched_end = slab + 1;
}

static void slab_open(struct pool *p, uint32_t slab)
{
    if (p->slabs[slab].touched == 0)
        slab_thread(p, slab);
    p->free = p->slabs[slab].free;
    p->slabs[slab].free = NULL;
    p->current = slab;
    room_clear(p, slab);
    if (p->release_slab == slab_start(p, slab))
        p->release_list = &p->free;
}

static void slab_close(struct pool *p)
{
    if (p->current == POOL_NO_SLAB)
        return;
    p->slabs[p->current].free = p->free;
    if (p->free != NULL)
        room_set(p, p->current);
    /* Releases into it must come by the slow way, which sets its bit. */
    if (p->release_slab == slab_start(p, p->current))
        p->release_slab = NULL;
    p->free = NULL;
    p->current = POOL_NO_SLAB;
}

/* ── Release ── */

static void release_to(struct pool *p, uint32_t slab)
{
    p->release_slab = slab_start(p, slab);
    p->release_list = slab == p->current ? &p->free : &p->slabs[slab].free;
    if (slab != p->current)
        room_set(p, slab);
}

void leat__pool_release_slow(struct pool *p, void *object)
{
    ASSERT(pool_holds(p, object) && p->in_use != 0);
    release_to(p, slab_of(p, object));
    link_to(object, *p->release_list);
    *p->release_list = object;
    p->in_use--;
}

void leat__pool_return(struct pool *p, void *first, void *last)
{
    void *head = atomic_load_explicit(&p->returned, memory_order_relaxed);
    do {
        link_to(last, head);
    } while (!atomic_compare_exchange_weak_explicit(&p->returned, &head, first,
                                                    memory_order_release, memory_order_relaxed));
}

void leat__pool_collect(struct pool *p)
{
    if (atomic_load_explicit(&p->returned, memory_order_relaxed) == NULL)
        return;
    void *object = atomic_exchange_explicit(&p->returned, NULL, memory_order_acquire);
    while (object != NULL) {
        void *next = link_of(object);
        pool_release(p, object);
        object = next;
    }
}

/* ── Acquire ── */

/* While a failure is due there is no current slab: each acquisition comes here, takes one object and is counted. */
static void *acquire_counted(struct pool *p)
{
    uint32_t slab = room_lowest(p);
    bool fails = --p->fail_countdown == 0;
    if (fails || slab == POOL_NO_SLAB) {
        p->refused++;
        return NULL;
    }
    slab_open(p, slab);
    void *object = p->free;
    p->free = link_of(object);
    slab_close(p);
    return object;
}

/* Makes the lowest slab with room the current one. false: there is none. */
static bool next_slab(struct pool *p)
{
    slab_close(p);
    uint32_t slab = room_lowest(p);
    if (slab == POOL_NO_SLAB)
        return false;
    slab_open(p, slab);
    return true;
}

void *leat__pool_acquire_slow(struct pool *p)
{
    leat__pool_collect(p);
    void *object;
    if (UNLIKELY(p->fail_countdown != 0)) {
        object = acquire_counted(p);
        if (object == NULL)
            return NULL;
    } else {
        if (p->free == NULL && !next_slab(p)) {
            p->refused++;
            return NULL;
        }
        object = p->free;
        p->free = link_of(object);
    }
    pool_count(p);
#if MEMORY_CHECKED
    leat__pool_check_acquired(p, object);
#endif
    return object;
}

void leat__pool_fail_at(struct pool *p, uint32_t n)
{
    slab_close(p);
    p->fail_countdown = n;
}

/* ── Trimming ── */

static bool slab_is_empty(const struct pool *p, uint32_t slab)
{
    uint32_t touched = p->slabs[slab].touched, free = 0;
    if (touched == 0 || slab == p->current)
        return false;
    for (const void *object = p->slabs[slab].free; object != NULL; object = link_of(object))
        free++;
    ASSERT(free <= touched);
    return free == touched;
}

static void slab_forget(struct pool *p, uint32_t slab)
{
    p->slabs[slab] = (struct pool_slab){0};
    p->slabs_touched--;
}

size_t leat__pool_trim(struct pool *p, uint32_t keep, size_t budget)
{
    leat__pool_collect(p);
    /* What is in use drifts to the low end only if the current slab follows. */
    if (p->current != POOL_NO_SLAB && room_lowest(p) < p->current)
        slab_close(p);

    uint32_t keep_slabs = keep / p->per_slab + (keep % p->per_slab != 0);
    uint32_t at = p->trim_at != 0 && p->trim_at < p->touched_end ? p->trim_at : p->touched_end;
    size_t looks = size_max(4 * (budget / p->slab_size), 64);
    size_t given = 0, run = 0; /* run: empty slabs from `at` upwards whose pages are still there */
    while (at > keep_slabs && looks-- > 0 && given + (run + 1) * p->slab_size <= budget) {
        at--;
        if (slab_is_empty(p, at)) {
            slab_forget(p, at);
            run++;
        } else if (run != 0) {
            leat__region_drop(slab_start(p, at + 1), run * p->slab_size);
            given += run * p->slab_size;
            run = 0;
        }
    }
    if (run != 0)
        leat__region_drop(slab_start(p, at), run * p->slab_size);
    p->trim_at = at > keep_slabs ? at : 0;
    while (p->touched_end > 0 && p->slabs[p->touched_end - 1].touched == 0)
        p->touched_end--;
    return given + run * p->slab_size;
}

/* ── Checks ── */

static size_t object_index(const struct pool *p, const void *object)
{
    ASSERT(pool_holds(p, object));
    uint32_t slab = slab_of(p, object);
    size_t offset = (size_t)((const char *)object - slab_start(p, slab));
    ASSERT(offset % p->object_size == 0);
    size_t index = (size_t)slab * p->per_slab + offset / p->object_size;
    ASSERT(index < p->count && offset / p->object_size < p->per_slab);
    return index;
}

#if MEMORY_CHECKED

void leat__pool_check_acquired(struct pool *p, void *object)
{
    size_t index = object_index(p, object);
    uint64_t bit = (uint64_t)1 << index % 64;
    bool was_free = (p->held[index / 64] & bit) == 0;
    ASSERT(was_free);
    p->held[index / 64] |= bit;
    if (p->readable)
        return;
    char *rest = (char *)object + sizeof(void *);
    size_t rest_size = p->object_size - sizeof(void *);
    poison_open(rest, rest_size);
    bool untouched_since_release = poison_is_whole(rest, rest_size);
    ASSERT(untouched_since_release);
}

void leat__pool_check_released(struct pool *p, void *object)
{
    size_t index = object_index(p, object);
    uint64_t bit = (uint64_t)1 << index % 64;
    bool released_once = (p->held[index / 64] & bit) != 0;
    ASSERT(released_once);
    p->held[index / 64] &= ~bit;
    poison_object(p, object);
}

#endif

static uint32_t check_slab(const struct pool *p, uint32_t slab)
{
    const struct pool_slab *s = &p->slabs[slab];
    bool current = slab == p->current;
    const void *list = current ? p->free : s->free;
    bool has_room = (p->room[slab / 64] >> slab % 64 & 1) != 0;
    ASSERT(!current || (s->free == NULL && !has_room));
    ASSERT(s->touched == 0 || s->touched == slab_objects(p, slab));
    ASSERT(s->touched != 0 || list == NULL);
    ASSERT(s->touched == 0 || slab < p->touched_end);
    if (!current && (s->touched == 0 || list != NULL))
        ASSERT(has_room);
    uint32_t free = 0;
    for (; list != NULL; list = link_of(list)) {
        ASSERT(slab_of(p, list) == slab && object_index(p, list) < p->count);
        ASSERT(free++ < s->touched);
    }
    return s->touched - free;
}

void leat__pool_check(const struct pool *p)
{
    uint32_t in_use = 0, touched = 0;
    for (uint32_t slab = 0; slab < p->slab_count; slab++) {
        in_use += check_slab(p, slab);
        touched += p->slabs[slab].touched != 0;
    }
    ASSERT(in_use == p->in_use && touched == p->slabs_touched);
    ASSERT(p->in_use <= p->recent_high && p->recent_high <= p->high && p->high <= p->count);
    if (p->release_slab != NULL) {
        uint32_t slab = slab_of(p, p->release_slab);
        const void *list = slab == p->current ? &p->free : &p->slabs[slab].free;
        ASSERT((const void *)p->release_list == list);
    }
}
