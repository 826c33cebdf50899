/* metrics.h: what a shard records while it serves: how long things take, how many octets pass, what each route answered.
 *
 * One of these lies in each shard's memory (a row of the plan, PLAN_METRICS and PLAN_ROUTE_METRICS); the shard's thread writes,
 * whoever looks reads (tally.h). What is only a count of rare things is in counters.h; what stands somewhere (pools, states)
 * is told on demand (conn/report.h). Built with LEAT_METRICS=0 nothing of this is recorded: that is how its cost is measured.
 *
 * What took no time costs none: a head that came whole and a response that the kernel took at once are not recorded; who
 * reads knows how many there were, and counts them as 0 (admin/). */
#ifndef LEAT_METRICS_H
#define LEAT_METRICS_H

#include "observe/histogram.h"
#include "observe/ticks.h"

#ifndef LEAT_METRICS
#define LEAT_METRICS 1
#endif

enum { METRICS_CLASSES = 5 }; /* of statuses: 1xx to 5xx */

/* Each begins a page: what is mostly recorded, up to some milliseconds, lies in that one, and the others stay untouched. */
struct route_metrics {
    _Alignas(PAGE_SIZE_BYTES) uint64_t classes[METRICS_CLASSES]; /* requests by the class of their status; 2xx: all that are in no other */
    struct histogram duration; /* from the head's end (or the content's, where that is collected first) to the response's making */
};

struct metrics {
    uint64_t received, sent;       /* octets, of connections */
    uint64_t sse_begun, sse_ended; /* event streams */
    uint64_t first_bytes_at_once;  /* connections that spoke within a millisecond */
    struct histogram turn; /* of the loop: from waking to sleeping. What others must wait for, at most */
    struct histogram lateness; /* of timers: by how much a sleeper was woken late */
    struct histogram first_byte; /* from accept to a connection's first octet, of the others: milliseconds */
    struct histogram head;  /* of those heads that did not come at once: from first octet to end */
    struct histogram write; /* of those responses that were not taken at once */
    struct route_metrics routes[]; /* a chain has its row's place (metrics_at) */
};

#if LEAT_METRICS
static inline uint64_t metrics_ticks(void)
{
    return ticks_now();
}
static inline void metrics_record(struct histogram *h, uint64_t ticks)
{
    histogram_record(h, ticks);
}
static inline void metrics_add(uint64_t *number, uint64_t more)
{
    tally(number, more);
}
/* The class first, and read last: so the 2xx, which are what is left, are told late rather than too many. */
static inline void metrics_request(struct route_metrics *r, unsigned status, uint64_t ticks)
{
    if (UNLIKELY(status >= 300))
        tally(&r->classes[status < 600 ? status / 100 - 1 : METRICS_CLASSES - 1], 1);
    histogram_record(&r->duration, ticks);
}
#else
static inline uint64_t metrics_ticks(void)
{
    return 0;
}
static inline void metrics_record(struct histogram *h, uint64_t ticks)
{
    (void)h, (void)ticks;
}
static inline void metrics_add(uint64_t *number, uint64_t more)
{
    (void)number, (void)more;
}
static inline void metrics_request(struct route_metrics *r, unsigned status, uint64_t ticks)
{
    (void)r, (void)status, (void)ticks;
}
#endif

#endif
