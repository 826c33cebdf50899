/* world.h: one seed: a server of one or more shards, its clients, and everything that goes wrong between them. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "server/shard.h"
#include <stdarg.h>
#include "sim/client.h"

enum { WORLD_SHARDS_MAX = 3 };

struct world {
    uint64_t seed;
    struct sim_random random;
    struct simulation *sim;
    /* what the seed decided */
    bool calm;  /* nothing goes wrong, memory is ample: every answer is exact */
    bool never; /* some of the deadlines do not exist */
    bool fails; /* acquisitions fail now and then */
    struct config config;
    struct talk_limits limits;
    bool shared; /* one listener for all shards */
    uint32_t clients_max, at_once, shard_count;
    uint32_t personas;   /* a bit each */
    uint64_t drain_turn; /* UINT64_MAX: only at the end */
    bool stops;          /* … and that is a stop */
    int64_t slack_us;    /* how late a deadline may be seen by a client */
    uint32_t pipe_max;
    int64_t start_ms;
    struct sim_options sim_options;
    /* the server */
    leat_app *app;
    struct plan plan;
    struct plan_user_pool user_pool; /* the plan refers to it */
    struct region region;            /* of the routes */
    struct routes routes;
    struct shard *shards;
    int listeners[WORLD_SHARDS_MAX];
    /* the clients */
    struct client *clients;
    uint32_t started, active;
    int64_t next_start_us;
    bool closing; /* drained: nobody starts any more */
    bool calming; /* the end: no faults any more */
    uint64_t turns;
    uint64_t asked, answered, refused; /* refused: at the door, without a request being read */
};

struct world_result {
    uint64_t trace, requests, turns, connections, virtual_ms;
    uint32_t calm;
};

/* Runs a seed to its end. A broken promise ends the process (world_violation). clients_max 0: the seed decides. */
struct world_result world_run(uint64_t seed, uint32_t clients_max, bool verbose);

/* Prints what was broken, where and when, and ends the process with status 1. */
_Noreturn void __attribute__((format(printf, 3, 4)))
world_violation(const struct world *w, const struct client *c, const char *format, ...);

static inline int64_t world_now_us(const struct world *w)
{
    return leat__sim_now_us(w->sim);
}

#endif
