/* counters.h: what a shard counts: plain numbers with one writer each, made from counters.def. */
#ifndef LEAT_COUNTERS_H
#define LEAT_COUNTERS_H

#include "base/base.h"

struct counters {
#define COUNTER(name, help) uint64_t name;
#include "observe/counters.def"
#undef COUNTER
};

/* to += from */
void leat__counters_add(struct counters *to, const struct counters *from);

/* The i-th of those named refused_…: what it is of, and its count; NULL behind the last. */
const char *leat__counters_refused(const struct counters *c, unsigned i, uint64_t *count);

/* "requests 10, connections 2, …": those that are not 0, at most size octets with the NUL. */
void leat__counters_describe(const struct counters *c, char *out, size_t size);

#endif
