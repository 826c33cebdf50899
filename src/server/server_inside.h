/* server_inside.h: a running app, as those who make it see it: server.c its life, shard_threads.c the threads that serve,
 * server_admin.c the server beside it that shows it. */
#ifndef LEAT_SERVER_INSIDE_H
#define LEAT_SERVER_INSIDE_H

#include "admin/admin.h"
#include "server/listeners.h"
#include "server/overflow.h"
#include "server/server.h"
#include "server/shard.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct shard_thread {
    _Alignas(PAGE_SIZE_BYTES) leat_server *server;
    pthread_t thread;
    bool started;
    bool asked;            /* for a sign of life */
    unsigned alive_before; /* the count of signs then */
    int error;             /* of opening */
    struct shard shard;    /* what is used most lies in front, what is mostly not used behind */
    _Alignas(CACHE_LINE) char overflow_stack[OVERFLOW_STACK];
};

_Static_assert(sizeof(struct shard_thread) <= PLAN_SHARD_STATE, "the plan's row has room for it");
_Static_assert(offsetof(struct shard_thread, shard.conns.memory.user_watch) <= 2 * PAGE_SIZE_BYTES,
               "what every shard touches takes two pages");

struct leat_server {
    leat_app *app;
    struct config config;
    struct plan plan;
    struct plan_user_pool user_pools[PLAN_USER_POOLS_MAX]; /* the plan's input refers to them */
    bool running;
    atomic_bool leaving; /* it will drain soon, or does already */
    bool drains;         /* and the log knows */
    enum loop_kind loop; /* the kind taken */
    int exit_status;
    struct listeners listeners;
    struct access_log *log; /* NULL: none */
    bool has_events;        /* the event log is open for us */
    struct admin *admin;    /* NULL: none; with the server of its own: */
    leat_server *admin_server;
    struct look_source source; /* what it sees */
    int *admin_listeners;
    const char *doctor; /* what it says, as JSON; NULL: nobody asked */
    struct routes routes;
    struct region region; /* routes, shards */
    struct shard_thread *threads;
    void **states; /* of all shards: leat_on_shard */
    int *kept;     /* while the shards open: descriptors that all of them keep, ascending */
    size_t kept_count;
    sem_t opened, ended;
    atomic_uint ended_count;
    struct counters counts; /* of shards that have ended */
    struct deepest deepest;
    pthread_mutex_t counts_lock;
    char loop_why[256];
    char error[2048];
};

/* One more line of what went wrong; the first status counts. */
void leat__server_add_error(leat_server *server, int exit_status, const char *line);

/* Every shard's thread; returns when all have opened. 0 or the first error: close_what_is_open. */
int leat__server_start_shards(leat_server *server);

/* The admin listener: made with the server, started behind the shards (0 or -errno), stopped before their memory goes. */
void leat__server_make_admin(leat_server *server);
int leat__server_start_admin(leat_server *server);
void leat__server_stop_admin(leat_server *server);

#endif
