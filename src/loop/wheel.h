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
    uint32_t tick;                          /* all buckets up to and with this tick have been visited */
    uint64_t early_visits;
    uint64_t occupied[WHEEL_BUCKETS / 64];  /* a bit per bucket that is not empty */
    uint32_t heads[WHEEL_BUCKETS];          /* slot index + 1; 0: empty */
};

void leat__wheel_init(struct wheel *w, int64_t now_ms);
void leat__wheel_link(struct wheel *w, struct slot *slots, struct slot *slot, uint32_t tick);
void leat__wheel_unlink(struct wheel *w, struct slot *slots, struct slot *slot);

/* Sets slot's deadline ms from now_ms. */
void wheel_set(struct wheel *w, struct slot *slots, struct slot *slot, int64_t now_ms, uint32_t ms);

/* Visits what is due at now_ms: unlinks each slot whose deadline has come, then calls due(context, slot), which may
 * set deadlines and close any slot. */
void leat__wheel_advance(struct wheel *w, struct slot *slots, int64_t now_ms,
                         void (*due)(void *context, struct slot *slot), void *context);

/* Milliseconds from now_ms to the next occupied bucket; -1: none. */
int64_t leat__wheel_next_ms(const struct wheel *w, int64_t now_ms);

#endif
