/* shard.h: one thread's server: its connections with their loop and memory, and the mailbox by which others speak to
 * it. Nothing else is shared but what is only read: the compiled routes, the plan, the configuration.
 *
 * leat__shard_open and leat__shard_turn are all that is needed to run a shard; the thread is server.c's. So the
 * simulation runs whole shards without threads. */
#ifndef LEAT_SHARD_H
#define LEAT_SHARD_H

#include "conn/conn.h"
#include "config/config.h"
#include <stdatomic.h>

enum {
    SHARDS_MAX = 1024,
    DESCRIPTORS_KEPT_MAX = 64, /* of handlers, in a shard's own descriptor table */
    SHARD_STACK = 256 * 1024,  /* bytes of addresses of a shard's thread */
};

/* What every shard touches comes first, and takes two pages (server_inside.h); what only some do, or only when they are asked,
 * lies behind, in pages that stay untouched. */
struct shard {
    uint32_t index;
    int home;     /* of its tasks (task/homes.h) */
    bool closing; /* its states are being closed */
    uint32_t states_open;
    atomic_uint alive; /* counts the mails that ask for a sign of life */
    void *loop_state;  /* leat__shard_loop_state_size bytes; NULL for LOOP_SIM */
    struct mailbox mailbox;
    struct conns conns; /* the same again: see there */
    struct access_ring log;
    struct conn_next_limits next_limits; /* the main thread's, to be applied by a mail (MAIL_LIMITS) */
    struct mail_place mails[MAILBOX_CAPACITY];
};

/* What a shard's loop takes beside its struct (loop.h); pure. */
size_t leat__shard_loop_state_size(const struct plan *plan, enum loop_kind kind);

/* Opens memory, then the loop (kind; simulation only for LOOP_SIM), on the thread that will turn it. loop_state must be set
 * and the mailbox be open already, but for LOOP_SIM. 0 or -errno, with nothing left open. */
int leat__shard_open(struct shard *shard, const struct config *config, const struct plan *plan,
                     const struct routes *routes, enum loop_kind kind, void *simulation);

/* What config says to connections. */
void leat__shard_limits(const struct config *config, struct conn_limits *limits);

/* One turn, waiting at most wait_max_ms (-1: as long as nothing happens). */
static inline void shard_turn(struct shard *shard, int64_t wait_max_ms)
{
    leat__loop_turn(&shard->conns.loop, wait_max_ms);
}

/* Draining, and nothing is open any more: neither connections nor tasks. */
static inline bool shard_is_done(const struct shard *shard)
{
    const struct conns *c = &shard->conns;
    return c->common.draining && c->open == 0 && c->tasks.live == 0;
}

/* After shard_is_done. */
void leat__shard_close(struct shard *shard);

#endif
