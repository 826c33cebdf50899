/* wheel.c: one wheel, a bucket per tick, each a doubly linked list of slots.
 *
 *   tick ──► [t+1][t+2] … [t+1023]      a slot lies at its deadline or before it, never behind it
 *
 * A bucket is visited when its tick has passed entirely behind now, so nothing is met early. While bucket t is being
 * visited, w->tick is t, and what is linked goes to t+1 … t+1023: never into t. So the visit pops the bucket's head
 * until there is none, and whatever the callbacks close, move or add can neither be lost nor loop for ever. */
#include "loop/wheel.h"

_Static_assert((WHEEL_BUCKETS & (WHEEL_BUCKETS - 1)) == 0, "buckets are found by masking");
_Static_assert(WHEEL_BUCKETS / 64 <= 32, "a word has a bit in occupied_words");
_Static_assert(WHEEL_BUCKETS < UINT16_MAX, "a slot knows its bucket in 16 bits");

void leat__wheel_init(struct wheel *w, int64_t now_ms)
{
    clear_untouched(w, sizeof *w);
    w->tick = (uint32_t)(now_ms / WHEEL_TICK_MS);
}

void leat__wheel_link(struct wheel *w, struct slot *slots, struct slot *slot, uint32_t tick)
{
    if (slot->bucket != 0)
        leat__wheel_unlink(w, slots, slot);
    ASSERT_DEBUG(tick > w->tick);
    if (tick > w->tick + WHEEL_HORIZON)
        tick = w->tick + WHEEL_HORIZON;
    uint32_t bucket = tick & (WHEEL_BUCKETS - 1);
    uint32_t self = (uint32_t)(slot - slots) + 1;
    uint32_t head = w->heads[bucket];
    slot->prev = 0;
    slot->next = head;
    if (head != 0)
        slots[head - 1].prev = self;
    w->heads[bucket] = self;
    w->occupied[bucket / 64] |= UINT64_C(1) << bucket % 64;
    w->occupied_words |= UINT32_C(1) << bucket / 64;
    slot->bucket = (uint16_t)(bucket + 1);
}

void leat__wheel_unlink(struct wheel *w, struct slot *slots, struct slot *slot)
{
    ASSERT_DEBUG(slot->bucket != 0);
    uint32_t bucket = slot->bucket - 1u;
    if (slot->next != 0)
        slots[slot->next - 1].prev = slot->prev;
    if (slot->prev != 0)
        slots[slot->prev - 1].next = slot->next;
    else
        w->heads[bucket] = slot->next;
    if (w->heads[bucket] == 0) {
        w->occupied[bucket / 64] &= ~(UINT64_C(1) << bucket % 64);
        if (w->occupied[bucket / 64] == 0)
            w->occupied_words &= ~(UINT32_C(1) << bucket / 64);
    }
    slot->next = slot->prev = 0;
    slot->bucket = 0;
}

/* w->tick has just become the bucket's tick. */
static void visit(struct wheel *w, struct slot *slots, uint32_t bucket,
                  void (*due)(void *context, struct slot *slot), void *context)
{
    while (w->heads[bucket] != 0) {
        struct slot *slot = &slots[w->heads[bucket] - 1];
        leat__wheel_unlink(w, slots, slot);
        if (slot->deadline == 0)
            continue;
        if (slot->deadline > w->tick) {
            w->early_visits++;
            leat__wheel_link(w, slots, slot, slot->deadline);
            continue;
        }
        slot->deadline = 0;
        due(context, slot);
    }
}

void leat__wheel_advance(struct wheel *w, struct slot *slots, int64_t now_ms,
                         void (*due)(void *context, struct slot *slot), void *context)
{
    uint32_t now_tick = (uint32_t)(now_ms / WHEEL_TICK_MS);
    if (LIKELY(now_tick <= w->tick))
        return;
    /* After a jump of more than a round, one round visits everything. */
    if (now_tick - w->tick > WHEEL_BUCKETS)
        w->tick = now_tick - WHEEL_BUCKETS;
    while (w->tick < now_tick) {
        uint32_t bucket = ++w->tick & (WHEEL_BUCKETS - 1);
        if (w->heads[bucket] != 0)
            visit(w, slots, bucket, due, context);
    }
}

int64_t leat__wheel_next_ms(const struct wheel *w, int64_t now_ms)
{
    if (w->occupied_words == 0)
        return -1;
    /* Buckets from first up in its word; then the words behind it; then, a round later, from the beginning. */
    uint32_t first = (w->tick + 1) & (WHEEL_BUCKETS - 1), word = first / 64;
    uint64_t bits = w->occupied[word] & ~UINT64_C(0) << first % 64;
    if (bits == 0) {
        uint32_t behind = w->occupied_words & ~UINT32_C(1) << word;
        word = (uint32_t)__builtin_ctz(behind != 0 ? behind : w->occupied_words);
        bits = w->occupied[word];
    }
    uint32_t bucket = word * 64 + (uint32_t)__builtin_ctzll(bits);
    int64_t due_ms = (int64_t)wheel_visit_tick(w, bucket) * WHEEL_TICK_MS;
    return due_ms > now_ms ? due_ms - now_ms : 0;
}

void leat__wheel_check(const struct wheel *w, const struct slot *slots, uint32_t slot_count)
{
    uint32_t linked = 0;
    for (uint32_t word = 0; word < WHEEL_BUCKETS / 64; word++)
        ASSERT((w->occupied[word] != 0) == (w->occupied_words >> word & 1));
    for (uint32_t bucket = 0; bucket < WHEEL_BUCKETS; bucket++) {
        ASSERT((w->heads[bucket] != 0) == (w->occupied[bucket / 64] >> bucket % 64 & 1));
        for (uint32_t i = w->heads[bucket], before = 0; i != 0; i = slots[i - 1].next) {
            ASSERT(i <= slot_count && ++linked <= slot_count);
            const struct slot *slot = &slots[i - 1];
            ASSERT(slot->bucket == bucket + 1 && slot->prev == before);
            ASSERT(slot->deadline == 0 || slot->deadline >= wheel_visit_tick(w, bucket));
            before = i;
        }
    }
}
