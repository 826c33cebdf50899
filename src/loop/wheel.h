/* wheel.h: the deadlines of a shard's connections: one wheel of 1024 buckets, a tick each.
 *
 * A slot lies in at most one bucket and knows which. Moving a deadline later costs one store: the slot stays where it
 * is, and is put where it belongs when its old bucket comes up (an "early visit", counted). Moving it earlier relinks.
 * A deadline beyond the horizon (131 s) is visited once per horizon. A deadline is never met early, and at most one
 * tick late. */
#ifndef LEAT_WHEEL_H
#define LEAT_WHEEL_H

#include "base/base.h"
#include "loop/slot.h"

enum { WHEEL_TICK_MS = 128, WHEEL_BUCKETS = 1024 };

struct wheel {
    uint32_t tick; /* all buckets up to and with this tick have been visited */
    uint64_t early_visits;
    uint32_t occupied_words;               /* a bit per word of occupied that is not 0 */
    uint64_t occupied[WHEEL_BUCKETS / 64]; /* a bit per bucket that is not empty */
    uint32_t heads[WHEEL_BUCKETS];         /* slot index + 1; 0: empty */
};

/* No slot lies further ahead than this, so none is ever linked into the bucket that is being visited. */
enum { WHEEL_HORIZON = WHEEL_BUCKETS - 1 };

void leat__wheel_init(struct wheel *w, int64_t now_ms);

/* Puts slot into the bucket of that tick, or of the horizon if it lies beyond; takes it out of its old one first. */
void leat__wheel_link(struct wheel *w, struct slot *slots, struct slot *slot, uint32_t tick);
void leat__wheel_unlink(struct wheel *w, struct slot *slots, struct slot *slot);

/* The next tick at which bucket is visited. */
static inline uint32_t wheel_visit_tick(const struct wheel *w, uint32_t bucket)
{
    uint32_t first = w->tick + 1;
    return first + ((bucket - first) & (WHEEL_BUCKETS - 1));
}

/* Sets slot's deadline ms from now_ms. UINT32_MAX: none; the slot is taken out when its bucket comes up. */
static inline void wheel_set(struct wheel *w, struct slot *slots, struct slot *slot, int64_t now_ms,
                             uint32_t ms)
{
    if (UNLIKELY(ms == UINT32_MAX)) {
        slot->deadline = 0;
        return;
    }
    uint32_t deadline = (uint32_t)(((uint64_t)now_ms + ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS);
    if (UNLIKELY(deadline <= w->tick))
        deadline = w->tick + 1;
    slot->deadline = deadline;
    if (slot->bucket == 0 || UNLIKELY(deadline < wheel_visit_tick(w, slot->bucket - 1u)))
        leat__wheel_link(w, slots, slot, deadline);
}

/* Visits what is due at now_ms: unlinks each slot whose deadline has come, then calls due(context, slot), which may
 * set deadlines and close any slot. */
void leat__wheel_advance(struct wheel *w, struct slot *slots, int64_t now_ms,
                         void (*due)(void *context, struct slot *slot), void *context);

/* Milliseconds from now_ms to the next occupied bucket; -1: none. */
int64_t leat__wheel_next_ms(const struct wheel *w, int64_t now_ms);

/* Walks everything; for tests. */
void leat__wheel_check(const struct wheel *w, const struct slot *slots, uint32_t slot_count);

#endif
