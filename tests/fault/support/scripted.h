/* scripted.h: one shard on the simulated loop, on a network where nothing happens by chance, and talkers who say what
 * the test tells them to. For tests that want one fault at one place. */
#ifndef FAULT_SCRIPTED_H
#define FAULT_SCRIPTED_H

#include "server/shard.h"
#include "loop/sim.h"
#include "sim/app.h"

enum { TALKERS_MAX = 64 };

struct talker {
    uint32_t connection;
    bool connected, closed; /* closed: by us */
    bool ended, reset;      /* by the server */
    bool deaf;              /* reads nothing */
    char *say;              /* [said, say_size) is still to be sent */
    size_t say_size, said;
    char *heard;
    size_t heard_size, heard_capacity;
};

struct scripted_options {
    uint32_t connections, exchanges;     /* 0: 32 */
    uint32_t pipe;                       /* bytes; 0: 65536 */
    uint32_t pool_objects;               /* 0: 8 */
    uint32_t tasks;                      /* 0: 32 */
    uint64_t content_max, content_total; /* 0: 256 KiB, four times that */
    struct sim_faults faults;            /* none, when not said */
};

struct scripted {
    struct simulation *sim;
    leat_app *app;
    struct config config;
    struct plan plan;
    struct plan_user_pool user_pool;
    struct region region;
    struct routes routes;
    struct shard shard;
    int listener;
    struct talker talkers[TALKERS_MAX];
    uint32_t talker_count;
};

/* Timeouts: head 2 s, content 3 s, write 4 s, idle 5 s. */
void scripted_open(struct scripted *w, const struct scripted_options *options);
/* Everybody hangs up; then everything must be where it was, which is checked. */
void scripted_close(struct scripted *w);

struct talker *scripted_connect(struct scripted *w);
/* Is sent as the network takes it. */
void scripted_say(struct scripted *w, struct talker *t, const char *bytes, size_t size);
void scripted_say_text(struct scripted *w, struct talker *t, const char *text);
void scripted_hang_up(struct scripted *w, struct talker *t);

/* Time passes. */
void scripted_pass_ms(struct scripted *w, int64_t ms);

/* The talker's n-th final reply (from 0): status, 0 when there is none. content may be NULL. */
unsigned scripted_reply(const struct talker *t, unsigned n, const char **content, size_t *size);
/* How many complete final replies it has heard; rest: octets behind them (of one that is cut off). */
unsigned scripted_reply_count(const struct talker *t, size_t *rest);
bool scripted_heard(const struct talker *t, const char *text);
/* The first reply is 503 with Retry-After. */
bool scripted_was_refused(const struct talker *t);

static inline struct counters *scripted_counters(struct scripted *w)
{
    return &w->shard.conns.counters;
}

static inline struct shard_memory *scripted_memory(struct scripted *w)
{
    return &w->shard.conns.memory;
}

#endif
