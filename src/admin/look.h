/* look.h: what is seen of a server at one moment, all shards summed up. The admin listener's handlers look; the shards are
 * asked by mail and answer when their loop turns next (conn/report.h), so a look may wait a few milliseconds, and it is
 * believed for LOOK_FRESH_MS: however many look, the shards are asked that often at most.
 *
 * The scalars are told by one table, metrics.def, from which /metrics and the live page's numbers are made. Histograms and the
 * figures of routes are summed up one at a time, when they are told (leat__look_histogram, leat__look_route). */
#ifndef LEAT_LOOK_H
#define LEAT_LOOK_H

#include "config/config.h"
#include "conn/conn.h"
#include "exchange/own_metrics.h"

enum {
    LOOK_FRESH_MS = 50, /* an older look is taken anew */
    LOOK_PATIENCE_MS = 100, /* how long shards are waited for; one that does not answer is told as it was before */
};

struct leat_server;

/* What a server lets its admin listener see: set before that starts, and there for as long as it runs. */
struct look_source {
    const char *name; /* the program's */
    const struct config *config;
    const struct plan *plan;
    const struct routes *routes;
    leat_app *app;
    uint32_t shard_count;
    struct conns *(*shard)(void *server, uint32_t i); /* the i-th; and its mailbox is its loop's */
    void *server;
    const char *loop;     /* "io_uring", "epoll" */
    const int *listeners; /* descriptors, for their queues */
    uint32_t listener_count;
    int64_t started_s;          /* Unix time */
    const char *doctor;         /* what the doctor says, as JSON; NULL: nobody asked */
    const atomic_bool *leaving; /* the server will drain soon, or does already */
};

/* Of the process, by the kernel's own count. */
struct look_process {
    double cpu_user_s, cpu_system_s;
    uint64_t resident, virtual_size; /* bytes */
    uint64_t faults_minor, faults_major;
    uint64_t switches_voluntary, switches_involuntary;
    uint64_t descriptors, descriptors_max, threads;
};

/* Of the machine's network (of this network namespace). */
struct look_network {
    uint64_t tcp_memory;                  /* bytes that all TCP sockets hold */
    uint64_t tcp_retransmits;             /* segments sent again */
    uint64_t listen_overflows;            /* connections dropped because an accept queue was full */
    uint64_t accept_waiting, accept_most; /* of our listeners' queues: now, and what they take */
};

struct look {
    int64_t at_ms;       /* monotonic; 0: never yet */
    int64_t realtime_ms; /* Unix time */
    double uptime_s;
    uint32_t shards, silent; /* silent: those that have not answered this time */
    uint64_t silence_ms;     /* how long the one that is silent longest has been so */
    uint64_t received, sent; /* octets of connections */
    uint64_t sse;            /* event streams that are open */
    uint64_t blocking_threads, blocking_busy, blocking_queued; /* of the program's pools of threads */
    uint64_t log_dropped;                                      /* access records */
    struct conn_report all; /* sums; of pools the sum of every shard's; high: the sum of the shards' */
    struct look_process process;
    struct look_network network;
    const struct look_source *source;
};

enum look_histogram {
    LOOK_DURATION,
    LOOK_TURN,
    LOOK_LATENESS,
    LOOK_FIRST_BYTE,
    LOOK_HEAD,
    LOOK_WRITE,
    LOOK_HISTOGRAMS
};

struct looker; /* who looks: one for a server, used by its admin listener's one thread */

struct looker *leat__looker_create(void); /* at start; leat__start_free when nobody looks any more */
/* Before the admin listener starts. */
void leat__looker_begin(struct looker *l, const struct look_source *source);

/* Behind it. */
void leat__looker_end(struct looker *l);

/* In a handler: a look that is fresh. May wait. What it answers is overwritten by the next one. */
const struct look *leat__look(struct looker *l);

/* The sum over all shards, since the start, in ticks, with what took no time counted as 0. Into memory of the looker's, until
 * the next call of one of these; no waiting. */
const struct histogram *leat__look_histogram(struct looker *l, enum look_histogram which);
/* … of a row of struct metrics; classes with the 2xx. */
const struct route_metrics *leat__look_route(struct looker *l, uint32_t row);
/* The program's own metrics (leat/metrics.h): the i-th; and what a value of its label stands at, all shards and other threads
 * summed up: a counter or a gauge; a histogram, as leat__look_histogram, in what the program recorded. No waiting. */
uint32_t leat__look_own_count(const struct looker *l);
const struct own_metric *leat__look_own(const struct looker *l, uint32_t i);
double leat__look_own_number(const struct looker *l, const struct own_metric *metric, uint32_t value);
const struct histogram *leat__look_own_histogram(struct looker *l, const struct own_metric *metric,
                                                 uint32_t value);
/* Rows there are; the chain whose row it is ("": of requests without a route; the last one may be shared by many). */
uint32_t leat__look_route_count(const struct looker *l);
const struct chain *leat__look_chain(const struct looker *l, uint32_t row);

/* What /readyz says of it (health.c). */
bool leat__look_is_ready(const struct look *l);

#endif
