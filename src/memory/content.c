/* content.c: a buddy allocator whose bookkeeping lies beside the memory. See content.h.
 *
 * Blocks are named by the number of their first smallest block. The buddy of a block of order o is the one whose
 * number differs in bit o alone; where the stretch ends before it, the block has none. */
#include "memory/content.h"
#include "memory/poison.h"

enum { CONTENT_FREE = 0x80, CONTENT_POISON = 64 };

static size_t resident_words(size_t blocks)
{
    return (blocks + 63) / 64;
}

size_t leat__content_footprint(size_t size)
{
    size_t blocks = align_up(size, CONTENT_BLOCK_MIN) / CONTENT_BLOCK_MIN;
    return blocks * CONTENT_BLOCK_MIN + align_up(blocks, CACHE_LINE) +
           align_up(resident_words(blocks) * sizeof(uint64_t), CACHE_LINE) +
           align_up(blocks * sizeof(struct content_link), CACHE_LINE);
}

/* ── Free lists ── */

/* The link of a block that lies in no list is zero, and so is that of one that lies in a list alone: a fresh store has not
 * touched its links. */
static void list_push(struct content_store *c, uint32_t block, unsigned order)
{
    uint32_t head = c->free_heads[order];
    if (head != 0) {
        c->links[block].next = head;
        c->links[head - 1].prev = block + 1;
    }
    c->free_heads[order] = block + 1;
    c->free_orders |= 1u << order;
    c->orders[block] = (uint8_t)(CONTENT_FREE | (order + 1));
}

static void list_remove(struct content_store *c, uint32_t block, unsigned order)
{
    struct content_link link = c->links[block];
    if (link.next != 0)
        c->links[link.next - 1].prev = link.prev;
    if (link.prev != 0)
        c->links[link.prev - 1].next = link.next;
    else
        c->free_heads[order] = link.next;
    if (link.next != 0 || link.prev != 0)
        c->links[block] = (struct content_link){0};
    if (c->free_heads[order] == 0)
        c->free_orders &= ~(1u << order);
    c->orders[block] = 0;
}

/* ── Residency ── */

/* The bits of word w that belong to blocks [from, to). */
static uint64_t word_mask(uint32_t w, uint32_t from, uint32_t to)
{
    uint32_t first = w * 64;
    uint64_t mask = ~(uint64_t)0;
    if (from > first)
        mask &= ~(uint64_t)0 << (from - first);
    if (to - first < 64)
        mask &= ((uint64_t)1 << (to - first)) - 1;
    return mask;
}

static void resident_set(struct content_store *c, uint32_t from, uint32_t to)
{
    for (uint32_t w = from / 64; w * 64 < to; w++) {
        uint64_t mask = word_mask(w, from, to);
        c->warm += (uint32_t)__builtin_popcountll(mask & ~c->resident[w]);
        c->resident[w] |= mask;
    }
}

static bool is_resident(const struct content_store *c, uint32_t block)
{
    return (c->resident[block / 64] >> block % 64 & 1) != 0;
}

static char *block_memory(const struct content_store *c, uint32_t block)
{
    return c->base + (size_t)block * CONTENT_BLOCK_MIN;
}

/* ── Checked builds ── */

static void poison_blocks(struct content_store *c, uint32_t from, uint32_t to)
{
    for (uint32_t block = from; MEMORY_CHECKED && block < to; block++) {
        poison_fill(block_memory(c, block), CONTENT_POISON);
        poison_close(block_memory(c, block), CONTENT_BLOCK_MIN);
    }
}

/* Blocks that were never handed out, or trimmed since, have no poison to look at. */
static void check_poison(struct content_store *c, uint32_t from, uint32_t to)
{
    for (uint32_t block = from; MEMORY_CHECKED && block < to; block++) {
        poison_open(block_memory(c, block), CONTENT_BLOCK_MIN);
        bool untouched_since_release = !is_resident(c, block) ||
                                       poison_is_whole(block_memory(c, block), CONTENT_POISON);
        ASSERT(untouched_since_release);
    }
}

/* ── Blocks ── */

void leat__content_init(struct content_store *c, struct region *r, size_t size)
{
    size_t blocks = align_up(size, CONTENT_BLOCK_MIN) / CONTENT_BLOCK_MIN;
    ASSERT(blocks < UINT32_MAX / 2);
    *c = (struct content_store){
        .size = blocks * CONTENT_BLOCK_MIN,
        .block_count = (uint32_t)blocks,
    };
    c->base = leat__region_take(r, c->size, PAGE_SIZE_BYTES);
    c->orders = leat__region_take(r, align_up(blocks, CACHE_LINE), CACHE_LINE);
    c->resident = leat__region_take(r, align_up(resident_words(blocks) * sizeof(uint64_t), CACHE_LINE),
                                    CACHE_LINE);
    c->links = leat__region_take(r, align_up(blocks * sizeof(struct content_link), CACHE_LINE),
                                 CACHE_LINE);
    for (uint32_t at = 0; at < c->block_count;) {
        unsigned order = CONTENT_ORDERS - 1;
        while (((uint32_t)1 << order) > c->block_count - at || at % ((uint32_t)1 << order) != 0)
            order--;
        list_push(c, at, order);
        at += (uint32_t)1 << order;
    }
    poison_close(c->base, c->size);
}

/* CONTENT_ORDERS: larger than any block. */
static unsigned order_for(size_t size)
{
    size_t blocks = size / CONTENT_BLOCK_MIN + (size % CONTENT_BLOCK_MIN != 0);
    unsigned order = 0;
    while (order < CONTENT_ORDERS && ((size_t)1 << order) < blocks)
        order++;
    return order;
}

/* A free block of at least that order, cut down to it. UINT32_MAX: there is none. */
static uint32_t take_block(struct content_store *c, unsigned order)
{
    uint32_t fitting = order < CONTENT_ORDERS ? c->free_orders >> order << order : 0;
    if (fitting == 0)
        return UINT32_MAX;
    unsigned from = (unsigned)__builtin_ctz(fitting);
    uint32_t block = c->free_heads[from] - 1;
    list_remove(c, block, from);
    while (from > order) {
        from--;
        list_push(c, block + ((uint32_t)1 << from), from);
    }
    c->orders[block] = (uint8_t)(order + 1);
    return block;
}

void *leat__content_acquire(struct content_store *c, size_t size)
{
    unsigned order = order_for(size);
    bool fails = c->fail_countdown != 0 && --c->fail_countdown == 0;
    uint32_t block = fails ? UINT32_MAX : take_block(c, order);
    if (block == UINT32_MAX) {
        c->refused++;
        return NULL;
    }
    uint32_t end = block + ((uint32_t)1 << order);
    check_poison(c, block, end);
    resident_set(c, block, end);
    c->in_use += end - block;
    if (c->in_use > c->recent_high)
        c->recent_high = c->in_use;
    if (c->in_use > c->high)
        c->high = c->in_use;
    return block_memory(c, block);
}

void leat__content_release(struct content_store *c, void *memory)
{
    size_t offset = (uintptr_t)memory - (uintptr_t)c->base;
    ASSERT(offset < c->size && offset % CONTENT_BLOCK_MIN == 0);
    uint32_t block = (uint32_t)(offset / CONTENT_BLOCK_MIN);
    bool is_held = c->orders[block] != 0 && (c->orders[block] & CONTENT_FREE) == 0;
    ASSERT(is_held);
    unsigned order = c->orders[block] - 1u;
    uint32_t blocks = (uint32_t)1 << order;
    ASSERT(c->in_use >= blocks);
    c->in_use -= blocks;
    poison_blocks(c, block, block + blocks);
    c->orders[block] = 0;
    for (; order + 1 < CONTENT_ORDERS; order++) {
        uint32_t buddy = block ^ (uint32_t)1 << order;
        if (buddy >= c->block_count || c->orders[buddy] != (CONTENT_FREE | (order + 1)))
            break;
        list_remove(c, buddy, order);
        block &= ~((uint32_t)1 << order);
    }
    list_push(c, block, order);
}

void leat__content_fail_at(struct content_store *c, uint32_t n)
{
    c->fail_countdown = n;
}

/* ── Trimming ── */

/* The block that this smallest block lies in: the nearest start at or before it, at an aligned place. */
static uint32_t block_around(const struct content_store *c, uint32_t at)
{
    while (c->orders[at] == 0)
        at &= at - 1;
    return at;
}

/* Gives back what is resident of [from, to), at most budget bytes. */
static size_t drop_resident(struct content_store *c, uint32_t from, uint32_t to, size_t budget)
{
    size_t given = 0;
    for (uint32_t at = from; at < to && given + CONTENT_BLOCK_MIN <= budget; at++) {
        uint32_t run = 0;
        while (at + run < to && is_resident(c, at + run) &&
               given + (run + 1) * (size_t)CONTENT_BLOCK_MIN <= budget) {
            c->resident[(at + run) / 64] &= ~((uint64_t)1 << (at + run) % 64);
            run++;
        }
        if (run == 0)
            continue;
        leat__region_drop(block_memory(c, at), run * (size_t)CONTENT_BLOCK_MIN);
        given += run * (size_t)CONTENT_BLOCK_MIN;
        c->warm -= run;
        at += run - 1;
    }
    return given;
}

size_t leat__content_trim(struct content_store *c, uint32_t keep, size_t budget)
{
    size_t given = 0;
    uint32_t seen = 0;
    while (seen < c->block_count && c->warm > keep && given + CONTENT_BLOCK_MIN <= budget) {
        uint32_t block = block_around(c, c->trim_at < c->block_count ? c->trim_at : 0);
        uint32_t blocks = (uint32_t)1 << ((c->orders[block] & ~CONTENT_FREE) - 1);
        if ((c->orders[block] & CONTENT_FREE) != 0) {
            size_t over = (size_t)(c->warm - keep) * CONTENT_BLOCK_MIN;
            given += drop_resident(c, block, block + blocks, size_min(over, budget - given));
        }
        c->trim_at = block + blocks;
        seen += blocks;
    }
    return given;
}

/* ── Checks ── */

static void check_lists(const struct content_store *c)
{
    for (unsigned order = 0; order < CONTENT_ORDERS; order++) {
        uint32_t prev = 0, length = 0;
        ASSERT((c->free_heads[order] != 0) == ((c->free_orders >> order & 1) != 0));
        for (uint32_t at = c->free_heads[order]; at != 0; at = c->links[at - 1].next) {
            ASSERT(c->links[at - 1].prev == prev && length++ <= c->block_count);
            ASSERT(c->orders[at - 1] == (CONTENT_FREE | (order + 1)));
            prev = at;
        }
    }
}

void leat__content_check(const struct content_store *c)
{
    uint32_t in_use = 0, warm = 0, at = 0;
    check_lists(c);
    while (at < c->block_count) {
        unsigned order = (c->orders[at] & 0x7fu) - 1u;
        ASSERT(order < CONTENT_ORDERS && at % ((uint32_t)1 << order) == 0);
        uint32_t end = at + ((uint32_t)1 << order);
        bool is_free = (c->orders[at] & CONTENT_FREE) != 0;
        ASSERT(end <= c->block_count);
        uint32_t buddy = at ^ (uint32_t)1 << order;
        ASSERT(!is_free || buddy >= c->block_count || c->orders[buddy] != c->orders[at] ||
               order + 1 == CONTENT_ORDERS);
        in_use += is_free ? 0 : end - at;
        for (uint32_t block = at; block < end; block++) {
            ASSERT(block == at || c->orders[block] == 0);
            ASSERT(is_free || is_resident(c, block));
            warm += is_resident(c, block);
        }
        at = end;
    }
    ASSERT(in_use == c->in_use && warm == c->warm);
    ASSERT(c->in_use <= c->recent_high && c->recent_high <= c->high && c->high <= c->block_count);
}
