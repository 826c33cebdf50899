/* pool.c: the slow ways of a pool: between magazine and slabs, and back to the machine. See pool.h.
 *
 * What must always be true
 *   - Every object is out, in the magazine or free in its slab; its bit in taken is set in the first two cases.
 *   - A slab's bit in full is set exactly when all its bits in taken are.
 *   - A slab without its bit in resident is all free, and none of its pages was touched.
 * All tables start as zeroes, so a large pool costs no page before it is used. */
#include "memory/pool.h"

/* A page holds four small objects and more; of larger ones four share a slab, so that little is lost at its end. */
size_t leat__pool_slab_size(size_t object_size)
{
    return object_size <= PAGE_SIZE_BYTES / 4 ? PAGE_SIZE_BYTES
                                              : align_up(4 * object_size, PAGE_SIZE_BYTES);
}

/* The sizes of a pool's pieces: its slabs, and beside them its tables. */
struct pieces {
    size_t per_slab, slab_count, slab_words, magazine_places; /* counts */
    size_t taken, slab_bits, magazine, held;                  /* bytes */
};

static size_t bitmap_bytes(size_t bits)
{
    return align_up((bits + 63) / 64 * sizeof(uint64_t), CACHE_LINE);
}

/* Places of the magazine: at most a 128th of the pool's bytes; even, so that it has halves. */
static size_t magazine_places(size_t object_size, size_t count)
{
    size_t share = count * object_size / (128 * sizeof(void *));
    size_t places = size_min(size_max(share, POOL_MAGAZINE_MIN), POOL_MAGAZINE_MAX);
    return align_up(size_max(size_min(places, count), 2), 2);
}

static struct pieces measure(size_t object_size, size_t count)
{
    struct pieces m = {.per_slab = leat__pool_slab_size(object_size) / object_size};
    m.slab_count = (count + m.per_slab - 1) / m.per_slab;
    m.slab_words = (m.per_slab + 63) / 64;
    m.magazine_places = magazine_places(object_size, count);
    m.taken = bitmap_bytes(m.slab_count * m.slab_words * 64);
    m.slab_bits = bitmap_bytes(m.slab_count);
    m.magazine = align_up(m.magazine_places * sizeof(void *), CACHE_LINE);
    m.held = MEMORY_CHECKED ? bitmap_bytes(count) : 0;
    return m;
}

size_t leat__pool_footprint(size_t object_size, size_t count)
{
    struct pieces m = measure(object_size, count);
    return m.slab_count * leat__pool_slab_size(object_size) + m.taken + 2 * m.slab_bits +
           m.magazine + m.held;
}

static void take_pieces(struct pool *p, struct region *r, const struct pieces *m)
{
    p->base = leat__region_take(r, m->slab_count * p->slab_size, PAGE_SIZE_BYTES);
    p->taken = leat__region_take(r, m->taken, CACHE_LINE);
    p->full = leat__region_take(r, m->slab_bits, CACHE_LINE);
    p->resident = leat__region_take(r, m->slab_bits, CACHE_LINE);
    p->magazine = leat__region_take(r, m->magazine, CACHE_LINE);
#if MEMORY_CHECKED
    p->held = leat__region_take(r, m->held, CACHE_LINE);
#endif
}

void leat__pool_init(struct pool *p, struct region *r, const char *name, size_t object_size, size_t count)
{
    ASSERT(object_size >= 8 && object_size % 8 == 0 && object_size <= UINT32_MAX);
    ASSERT(count > 0 && count <= UINT32_MAX / 2);
    struct pieces m = measure(object_size, count);
    size_t slab_size = leat__pool_slab_size(object_size);
    *p = (struct pool){
        .object_size = (uint32_t)object_size,
        .per_slab = (uint32_t)m.per_slab,
        .count = (uint32_t)count,
        .slab_count = (uint32_t)m.slab_count,
        .slab_size = slab_size,
        .slab_shift = (slab_size & (slab_size - 1)) == 0 ? (uint8_t)__builtin_ctzl(slab_size) : 0,
        .slab_words = (uint32_t)m.slab_words,
        /* Exact for multiples of object_size while slab_size * object_size < 2^32. */
        .inverse = object_size <= 16384 ? (uint32_t)((((uint64_t)1 << 32) + object_size - 1) / object_size)
                                        : 0,
        .name = name,
    };
    take_pieces(p, r, &m);
    p->top = p->alert = p->magazine;
    p->limit = p->magazine + m.magazine_places;
    /* Slabs that do not exist have no room. */
    if (m.slab_count % 64 != 0)
        p->full[m.slab_count / 64] = UINT64_MAX << m.slab_count % 64;
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

/* Which object of its slab begins at offset. */
static uint32_t place_in(const struct pool *p, size_t offset)
{
    return (uint32_t)(p->inverse != 0 ? offset * p->inverse >> 32 : offset / p->object_size);
}

static uint32_t place_of(const struct pool *p, uint32_t slab, const void *object)
{
    return place_in(p, (size_t)((const char *)object - slab_start(p, slab)));
}

/* All have per_slab but the last, which has what is left. */
static uint32_t slab_objects(const struct pool *p, uint32_t slab)
{
    uint32_t left = p->count - slab * p->per_slab;
    return left < p->per_slab ? left : p->per_slab;
}

static uint64_t *slab_taken(const struct pool *p, uint32_t slab)
{
    return p->taken + (size_t)slab * p->slab_words;
}

/* The bits of word w of a slab's taken that stand for objects. */
static uint64_t real_bits(const struct pool *p, uint32_t slab, uint32_t w)
{
    uint32_t objects = slab_objects(p, slab), before = w * 64;
    if (objects <= before)
        return 0;
    return objects - before >= 64 ? UINT64_MAX : ((uint64_t)1 << (objects - before)) - 1;
}

static bool bit_is_set(const uint64_t *bitmap, uint32_t bit)
{
    return (bitmap[bit / 64] >> bit % 64 & 1) != 0;
}

static uint32_t lowest_with_room(struct pool *p)
{
    uint32_t words = (p->slab_count + 63) / 64;
    while (p->room_from < words && p->full[p->room_from] == UINT64_MAX)
        p->room_from++;
    if (p->room_from == words)
        return POOL_NO_SLAB;
    return p->room_from * 64 + (uint32_t)__builtin_ctzll(~p->full[p->room_from]);
}

static void poison_object(struct pool *p, void *object)
{
    if (!MEMORY_CHECKED || p->readable)
        return;
    poison_fill(object, p->object_size);
    poison_close(object, p->object_size);
}

/* Pages of the slab will be touched. */
static void slab_touch(struct pool *p, uint32_t slab)
{
    if (bit_is_set(p->resident, slab))
        return;
    p->resident[slab / 64] |= (uint64_t)1 << slab % 64;
    p->slabs_touched++;
    if (slab >= p->touched_end)
        p->touched_end = slab + 1;
    for (uint32_t i = 0; MEMORY_CHECKED && i < slab_objects(p, slab); i++)
        poison_object(p, slab_start(p, slab) + (size_t)i * p->object_size);
}

/* ── Magazine ── */

/* An acquisition that leaves `over` pointers or fewer has more in use than ever before. */
static void set_alert(struct pool *p)
{
    size_t cached = (size_t)(p->top - p->magazine), taken = p->in_use + cached;
    size_t over = taken > p->recent_high ? taken - p->recent_high : 0;
    p->alert = p->fail_countdown != 0 ? p->limit : p->magazine + over;
}

/* Writes the objects that free has a bit for, the first standing for `object`, from `to` downwards; at most want.
 * Takes them run by run: free neighbours are the rule. What is left of free comes back. */
static uint64_t word_take(const struct pool *p, char *object, uint64_t free, void ***to, size_t want)
{
    while (free != 0 && want > 0) {
        unsigned from = (unsigned)__builtin_ctzll(free);
        uint64_t after = ~(free >> from);
        size_t run = after != 0 ? (size_t)__builtin_ctzll(after) : 64;
        run = size_min(run, want);
        char *at = object + (size_t)from * p->object_size;
        void **place = *to;
        for (size_t i = 0; i < run; i++, at += p->object_size)
            *--place = at;
        *to = place;
        want -= run;
        free &= ~((run == 64 ? UINT64_MAX : ((uint64_t)1 << run) - 1) << from);
    }
    return free;
}

/* Takes free objects of one slab, at most want, lowest first; writes them from `to` downwards. */
static size_t slab_take(struct pool *p, uint32_t slab, void **to, size_t want)
{
    uint64_t *taken = slab_taken(p, slab);
    void **from = to;
    bool full = true;
    slab_touch(p, slab);
    for (uint32_t w = 0; w < p->slab_words; w++) {
        uint64_t free = real_bits(p, slab, w) & ~taken[w];
        char *first = slab_start(p, slab) + (size_t)w * 64 * p->object_size;
        uint64_t left = word_take(p, first, free, &to, want - (size_t)(from - to));
        taken[w] |= free & ~left;
        full = full && left == 0;
    }
    if (full)
        p->full[slab / 64] |= (uint64_t)1 << slab % 64;
    return (size_t)(from - to);
}

/* Fills half of the empty magazine, so that the lowest object is acquired first. false: nothing is free. */
static bool refill(struct pool *p)
{
    size_t want = (size_t)(p->limit - p->magazine) / 2, got = 0;
    void **end = p->magazine + want;
    while (got < want) {
        uint32_t slab = lowest_with_room(p);
        if (slab == POOL_NO_SLAB)
            break;
        got += slab_take(p, slab, end - got, want - got);
    }
    if (got < want)
        memmove(p->magazine, end - got, got * sizeof(void *));
    p->top = p->magazine + got;
    return got > 0;
}

/* Bits of one word of a slab's taken, to be cleared in one step. */
static void clear_taken(struct pool *p, uint32_t slab, uint32_t w, uint64_t bits)
{
    uint64_t *word = slab_taken(p, slab) + w;
    ASSERT((*word & bits) == bits); /* else an object was released twice */
    *word &= ~bits;
    p->full[slab / 64] &= ~((uint64_t)1 << slab % 64);
    if (slab / 64 < p->room_from)
        p->room_from = slab / 64;
}

/* Gives objects back, from `at` on, as long as they lie in the same word of the same slab, which they mostly do.
 * Answers where the next ones begin. */
static void **give_run(struct pool *p, void **at, void **end)
{
    ASSERT(pool_holds(p, *at));
    uint32_t slab = slab_of(p, *at);
    uintptr_t start = (uintptr_t)slab_start(p, slab);
    size_t slab_size = p->slab_size;
    uint32_t w = place_in(p, (uintptr_t)*at - start) / 64;
    uint64_t bits = 0;
    for (; at < end; at++) {
        size_t offset = (uintptr_t)*at - start;
        uint32_t place = offset < slab_size ? place_in(p, offset) : UINT32_MAX;
        if (place / 64 != w)
            break;
        uint64_t bit = (uint64_t)1 << place % 64;
        ASSERT((bits & bit) == 0);
        bits |= bit;
    }
    clear_taken(p, slab, w, bits);
    return at;
}

/* Gives the count coldest of the magazine back to their slabs. */
static void flush(struct pool *p, size_t count)
{
    void **end = p->magazine + count;
    for (void **at = p->magazine; at < end;)
        at = give_run(p, at, end);
    size_t left = (size_t)(p->top - p->magazine) - count;
    memmove(p->magazine, p->magazine + count, left * sizeof(void *));
    p->top = p->magazine + left;
}

void leat__pool_release_slow(struct pool *p, void *object)
{
    ASSERT(p->in_use != 0);
    flush(p, (size_t)(p->limit - p->magazine) / 2);
    *p->top++ = object;
    p->in_use--;
    set_alert(p);
}

void *leat__pool_acquire_slow(struct pool *p)
{
    bool fails = p->fail_countdown != 0 && --p->fail_countdown == 0;
    if (p->top == p->magazine && !fails) {
        leat__pool_collect(p);
        if (p->top == p->magazine && !refill(p))
            fails = true;
    }
    if (fails) {
        set_alert(p);
        p->refused++;
        return NULL;
    }
    void *object = *--p->top;
    p->in_use++;
    if (p->in_use > p->recent_high)
        p->recent_high = p->in_use;
    if (p->in_use > p->high)
        p->high = p->in_use;
    set_alert(p);
#if MEMORY_CHECKED
    leat__pool_check_acquired(p, object);
#endif
    return object;
}

void leat__pool_forget_high(struct pool *p)
{
    p->recent_high = p->in_use;
    set_alert(p);
}

void leat__pool_fail_at(struct pool *p, uint32_t n)
{
    p->fail_countdown = n;
    set_alert(p);
}

/* ── Trimming ── */

static bool slab_is_empty(const struct pool *p, uint32_t slab)
{
    if (!bit_is_set(p->resident, slab))
        return false;
    const uint64_t *taken = slab_taken(p, slab);
    for (uint32_t w = 0; w < p->slab_words; w++)
        if (taken[w] != 0)
            return false;
    return true;
}

static void slab_forget(struct pool *p, uint32_t slab)
{
    p->resident[slab / 64] &= ~((uint64_t)1 << slab % 64);
    p->slabs_touched--;
}

size_t leat__pool_trim(struct pool *p, uint32_t keep, size_t budget)
{
    leat__pool_collect(p);
    flush(p, (size_t)(p->top - p->magazine));
    set_alert(p);

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
    while (p->touched_end > 0 && !bit_is_set(p->resident, p->touched_end - 1))
        p->touched_end--;
    return given + run * p->slab_size;
}

/* ── Checks ── */

static size_t object_index(const struct pool *p, const void *object)
{
    ASSERT(pool_holds(p, object));
    uint32_t slab = slab_of(p, object);
    uint32_t place = place_of(p, slab, object);
    ASSERT(place < slab_objects(p, slab));
    ASSERT((const char *)object == slab_start(p, slab) + (size_t)place * p->object_size);
    return (size_t)slab * p->per_slab + place;
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
    poison_open(object, p->object_size);
    bool untouched_since_release = poison_is_whole(object, p->object_size);
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
    uint32_t taken = 0;
    bool full = true;
    for (uint32_t w = 0; w < p->slab_words; w++) {
        uint64_t bits = slab_taken(p, slab)[w], real = real_bits(p, slab, w);
        ASSERT((bits & ~real) == 0);
        full = full && bits == real;
        taken += (uint32_t)__builtin_popcountll(bits);
    }
    ASSERT(full == bit_is_set(p->full, slab));
    ASSERT(full || slab / 64 >= p->room_from);
    ASSERT(taken == 0 || bit_is_set(p->resident, slab));
    ASSERT(!bit_is_set(p->resident, slab) || slab < p->touched_end);
    return taken;
}

void leat__pool_check(const struct pool *p)
{
    ASSERT(p->magazine <= p->top && p->top <= p->limit);
    ASSERT(p->magazine <= p->alert && p->alert <= p->limit);
    uint32_t cached = (uint32_t)(p->top - p->magazine), taken = 0, touched = 0;
    for (uint32_t slab = 0; slab < p->slab_count; slab++) {
        taken += check_slab(p, slab);
        touched += bit_is_set(p->resident, slab);
    }
    ASSERT(taken == p->in_use + cached && touched == p->slabs_touched);
    for (uint32_t i = 0; i < cached; i++) {
        const void *object = p->magazine[i];
        uint32_t slab = slab_of(p, object);
        ASSERT(object_index(p, object) < p->count);
        ASSERT(bit_is_set(slab_taken(p, slab), place_of(p, slab, object)));
        for (uint32_t other = 0; other < i; other++)
            ASSERT(p->magazine[other] != object);
    }
    ASSERT(p->in_use <= p->recent_high && p->recent_high <= p->high && p->high <= p->count);
}
