/* report.h: what stands where on a shard at one moment: connections by state, pools, what its sockets say. A shard keeps no
 * such sums while it serves: it makes them when somebody asks (MAIL_REPORT), on its own thread, and lays them down where any
 * thread may read them. So watching costs nothing while nobody watches, and a shard that does not answer is known by that.
 *
 * A report is nothing but numbers of 64 bits. The box says how often it was filled; who reads in the middle of a filling
 * notices, and reads again. */
#ifndef LEAT_REPORT_H
#define LEAT_REPORT_H

#include "memory/plan.h"
#include "net/sample.h"
#include "observe/counters.h"
#include <stdatomic.h>

enum conn_state {
#define STATE(name, holds, waits_for, deadline) CONN_##name,
#include "conn/states.def"
#undef STATE
    CONN_STATE_COUNT
};

enum { REPORT_FILE_CACHE = 8, REPORT_POOLS_MAX = 9 + PLAN_USER_POOLS_MAX };

/* Of a pool; its name is the plan's row (leat__report_pool_name). */
struct report_pool {
    uint64_t in_use, high, count; /* objects */
    uint64_t refused;             /* acquisitions that found none */
    uint64_t each;                /* bytes of an object */
    uint64_t resident;            /* bytes that may have pages */
};

struct conn_report {
    uint64_t at_ms; /* the loop's clock */
    uint64_t turns, waits;
    uint64_t early_visits; /* of the wheel of deadlines */
    struct counters counters;
    uint64_t open, seats, draining;
    uint64_t states[CONN_STATE_COUNT];
    uint64_t tasks; /* live ones */
    uint64_t log_dropped, trimmed_bytes, trim_calls;
    uint64_t cache_entries, cache_hits, cache_misses, cache_evictions;
    struct net_sample sockets; /* of some connections */
    uint64_t pool_count;
    struct report_pool pools[REPORT_POOLS_MAX];
};

enum { REPORT_WORDS = sizeof(struct conn_report) / sizeof(uint64_t) };

struct conn_report_box {
    atomic_uint fillings; /* twice; odd: one is under way */
    _Atomic uint64_t words[REPORT_WORDS];
};

/* Seats are looked at a few at a time. */
struct report_scan {
    bool under_way;
    uint32_t at;        /* the next slot */
    uint32_t socket_at; /* the slot where the next sample of sockets begins */
    uint64_t states[CONN_STATE_COUNT];
};

struct shard_memory;

/* The i-th of a report's pools: a text that lives as long as the shard. */
const char *leat__report_pool_name(const struct shard_memory *m, uint32_t i);

/* From any thread. How many reports were laid down; the last one's numbers in *report. 0: there is none yet. */
unsigned leat__report_read(const struct conn_report_box *box, struct conn_report *report);

#endif
