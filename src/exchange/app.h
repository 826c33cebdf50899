/* app.h: what a program registers before the start, and what becomes of it.
 *
 * leat_app is a tree of groups, made with the allocator at start. Compiling turns it into `struct routes`, one piece of
 * the plan's memory that is only read: the router's table, and for every route its chain, the middleware from the
 * outermost app inwards with the handler last. Errors of registration are collected and told together. */
#ifndef LEAT_APP_H
#define LEAT_APP_H

#include "exchange/matchers.h"
#include "leat/leat.h"
#include "memory/guest.h"
#include "memory/plan.h"
#include "memory/region.h"
#include "router/hosts.h"
#include "router/router.h"

/* Runs before a chain's first link, on the shard's thread: fetches what the handler at its end will need, so that the chain
 * never waits. READY: run the chain. WAIT: a work is under way for this exchange (loop/worker.h); prepare is called again
 * when it has come back; or none is free (X_RETRY), and it is called again soon. */
enum prepare_result { PREPARE_READY, PREPARE_WAIT };
typedef enum prepare_result leat__prepare_function(leat_exchange *x, void *data);

struct chain_link {
    leat_handler *handler; /* NULL: the chain's end, behind the link that answers */
    void *data;
    bool collects; /* wants the request's content whole, before it is called */
};

/* What a request is routed to, and what is said of it. */
struct chain {
    const struct chain_link *links;  /* the first */
    leat__prepare_function *prepare; /* NULL: the chain can run at once */
    void *prepare_data;              /* the last link's data */
    uint64_t content_max;            /* UINT64_MAX: no bound of its own */
    uint32_t state;                  /* of the shard's states, the one of its group, + 1; 0: none */
    uint32_t number;                 /* in routes->all */
    uint32_t metrics_at; /* its row in struct metrics: bytes from that one's beginning */
    const char *pattern; /* as registered, with the groups' prefixes */
    const char *method;
    bool collects; /* its handler does */
    bool captures; /* a matcher's: parameters have numbers too */
};

/* Its handler wants the content whole, and nothing runs before it. */
static inline bool chain_collects_first(const struct chain *chain)
{
    return chain->links[0].collects;
}

enum { APP_HOOKS_MAX = 16 };

/* What is called at turning points (leat/hooks.h): made by the first registration, goes with the app. */
struct app_hooks {
    struct app_connect_hook {
        bool (*function)(const leat_connection *connection, void *argument);
        void *argument;
    } on_connect[APP_HOOKS_MAX];
    struct app_error_hook {
        void (*function)(leat_exchange *x, int status, void *argument);
        void *argument;
    } on_error[APP_HOOKS_MAX];
    struct app_deadline_hook {
        void (*function)(leat_exchange *x, void *argument);
        void *argument;
    } on_deadline[APP_HOOKS_MAX];
    uint32_t connect_count, error_count, deadline_count;
};

/* The routes of one host, or of all others. */
struct route_site {
    const struct router *router;
    const struct matcher *matchers;
    uint32_t matcher_count;
};

struct routes {
    const struct app_hooks *hooks; /* NULL: none */
    struct route_site site;        /* of the hosts that have none of their own */
    const struct chain *all; /* a route's value in the router is its number; number 0: of 404, 405, 501 and OPTIONS */
    uint32_t count;
    bool misdirects;                /* site has no routes, while hosts have: 421 */
    const struct hosts *hosts;      /* NULL: there are none */
    const struct route_site *sites; /* of the hosts, by their number - 1 */
};

struct app_route {
    enum http_method method;
    char *pattern; /* with the groups' prefixes */
    leat_app *group;
    struct chain_link link;
    leat_matcher *match; /* NULL: the pattern tells */
    void *matcher_data;
};

struct leat_pool {
    leat_app *app;
    uint32_t index; /* in the plan's user pools */
    char *name;
    size_t object_size, count;
    struct pool *const *homes; /* one per shard, while a server runs */
    uint32_t home_count;
};

struct leat_guest {
    char *name;
    uint64_t bytes;
    struct region region;
    struct guest_heap heap; /* parts NULL: not open yet */
};

enum { APP_PREPARED_MAX = 8, APP_BLOCKING_MAX = PLAN_THREAD_POOLS_MAX };

struct leat_blocking;
struct own_metric;

struct leat_app {
    leat_app *parent; /* NULL: the root, which alone has what follows the middleware */
    char *prefix;     /* whole, from the root */
    struct chain_link *middleware;
    uint32_t middleware_count;
    uint64_t content_max; /* UINT64_MAX: not said */
    uint32_t state;       /* of the root's states, + 1; 0: the parent's */
    uint32_t host;        /* of the root's hosts, + 1; 0: all others */
    /* of the root */
    struct app_route *routes;
    uint32_t route_count;
    struct host_name *hosts;
    uint32_t host_count;
    leat_app **groups;
    uint32_t group_count;
    struct leat_pool *pools[PLAN_USER_POOLS_MAX];
    uint32_t pool_count;
    struct leat_guest *heaps[PLAN_GUESTS_MAX];
    uint32_t heap_count;
    struct app_guest { /* what goes with the app: leat_files … */
        void *thing;
        void (*destroy)(void *thing);
    } * guests;
    uint32_t guest_count;
    int *descriptors; /* that handlers use while the server runs: leat_files' folders … */
    uint32_t descriptor_count;
    struct app_prepared {
        leat_handler *handler;
        leat__prepare_function *prepare;
    } prepared[APP_PREPARED_MAX];
    uint32_t prepared_count;
    struct app_state { /* of each shard: leat_on_shard */
        void *(*open)(void *argument);
        void (*close)(void *state);
        void *argument;
    } * states;
    uint32_t state_count;
    struct app_every { /* leat_every_ms */
        uint64_t interval_ms;
        void (*function)(void *argument);
        void *argument;
    } * every;
    uint32_t every_count;
    struct leat_blocking *blocking[APP_BLOCKING_MAX]; /* pools of threads (task/blocking.h) */
    uint32_t blocking_count;
    struct app_hooks *hooks;         /* NULL: none */
    struct own_metric **own_metrics; /* leat/metrics.h */
    uint32_t own_metric_count, own_series;
    size_t own_metrics_size; /* bytes of each shard */
    uint64_t own_metrics_shared;
    uint64_t table_bytes; /* of ready-made middleware: shared by all shards */
    bool knows_peers;     /* clients' addresses are remembered */
    bool serves_files;
    bool never_waits;      /* none of its handlers does: they run on the shard's own stack */
    uint64_t bundle_bytes; /* mapped */
    char *errors;          /* lines */
};

leat_app *leat__app_root(leat_app *app);

/* Remembers one line of error; printf-like. */
void leat__app_error(leat_app *app, const char *format, ...) LEAT_PRINTF(2, 3);
const char *leat__app_errors(const leat_app *app); /* "" when there are none */

/* fd is used by handlers: a shard with a descriptor table of its own keeps it. Closing stays the caller's. */
void leat__app_keep_descriptor(leat_app *app, int fd);

/* Every chain that ends in handler is prepared. At registration; a few of them in all. */
void leat__app_prepare(leat_app *app, leat_handler *handler, leat__prepare_function *prepare);

/* The app serves files: the plan gets their cache and the workers that read them. bundle_bytes: of mappings. */
void leat__app_serves_files(leat_app *app, uint64_t bundle_bytes);

/* The heaps of its guests; before the seal. 0 or -errno. They stay for as long as the app does. */
int leat__guests_open(leat_app *app, uint32_t shards, enum region_mode mode);

/* bytes of memory that something of the app's has taken once, for all shards: a row of the plan. */
void leat__app_count_table(leat_app *app, uint64_t bytes);

/* Clients' addresses are asked for on most requests: each is asked of the kernel once and remembered. */
void leat__app_knows_peers(leat_app *app);

/* None of its handlers waits. */
void leat__app_never_waits(leat_app *app);

/* What the program counts itself (own_metrics.h): a row of the plan. */
void leat__app_own_metrics_plan(leat_app *app, struct plan_input *input);

/* thing is destroyed with the app. */
void leat__app_keep(leat_app *app, void *thing, void (*destroy)(void *thing));

/* A route whose pattern is not looked at: the group's prefix and the text. NULL: an error is remembered. */
struct app_route *leat__app_add_route(leat_app *app, const char *method, const char *text,
                                      const struct chain_link *link);
/* NULL: of all other hosts. */
const struct host_name *leat__app_host(const leat_app *root, uint32_t host);
/* As a program would say it; snprintf's answer. */
int leat__host_write(const struct host_name *name, char *text, size_t size);

/* What of its content a route takes at most, by its groups; UINT64_MAX: nothing is said. */
uint64_t leat__app_content_max(const leat_app *group);
/* How many middleware run before a handler of the group. */
uint32_t leat__app_count_middleware(const leat_app *group);

/* The pools of threads for calls that block: rows of the plan; started before the shards, ended behind them. 0 or -errno. */
void leat__app_blocking_plan(leat_app *app, struct plan_input *input);
int leat__app_blocking_start(leat_app *app);
void leat__app_blocking_stop(leat_app *app);

/* Bytes of region that the compiled routes take, or -EINVAL: the errors are remembered. */
ptrdiff_t leat__app_measure(leat_app *app);
uint32_t leat__app_route_count(leat_app *app); /* of the compiled routes, the one of no route among them */
void leat__app_compile(leat_app *app, struct region *region, struct routes *routes);

#endif
