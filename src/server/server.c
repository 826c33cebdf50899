/* server.c: a running app: plan, listeners, shards, and the threads that turn them.
 *
 *   create: config completed, addresses parsed, routes measured, plan made     (errors remembered, a line each)
 *   start:  listeners opened, routes compiled, a thread per shard opened; all of them serve, or none
 *   drain / stop_now: a mail to every shard; stop: waits for the threads, hard after the drain timeout
 *
 * The shards' structs and the routes lie in one region of their own, counted by the plan; each shard's memory in a
 * region of the shard's. */
#define _GNU_SOURCE /* unshare, close_range */
#include "server/server.h"
#include "admin/admin.h"
#include "base/clock.h"
#include "memory/seal.h"
#include "net/proxy.h"
#include "observe/access_log.h"
#include "observe/events.h"
#include "server/listeners.h"
#include "server/overflow.h"
#include "server/shard.h"
#include "server/states.h"
#include "task/homes.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

struct shard_thread {
    _Alignas(PAGE_SIZE_BYTES) leat_server *server;
    pthread_t thread;
    bool started;
    bool asked;            /* for a sign of life */
    unsigned alive_before; /* the count of signs then */
    int error;             /* of opening */
    struct shard shard;    /* what is used most lies in front of it, what is not used behind */
    _Alignas(CACHE_LINE) char overflow_stack[OVERFLOW_STACK];
};

_Static_assert(sizeof(struct shard_thread) <= PLAN_SHARD_STATE, "the plan's row has room for it");

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
    sem_t opened, ended;
    atomic_uint ended_count;
    struct counters counts; /* of shards that have ended */
    struct deepest deepest;
    pthread_mutex_t counts_lock;
    char loop_why[256];
    char error[2048];
};

/* ── Errors ── */

static void add_error(leat_server *server, int exit_status, const char *line)
{
    size_t at = strlen(server->error);
    snprintf(server->error + at, sizeof server->error - at, "%s%s", at > 0 ? "\n" : "", line);
    if (server->exit_status == 0)
        server->exit_status = exit_status;
}

const char *leat_server_error(const leat_server *server)
{
    return server->error;
}

int leat__server_exit_status(const leat_server *server)
{
    return server->exit_status;
}

/* ── Making it ── */

static void count_user_pools(leat_app *app, struct plan_user_pool *pools, struct plan_input *input)
{
    leat_app *root = leat__app_root(app);
    for (uint32_t i = 0; i < root->pool_count; i++)
        pools[i] = (struct plan_user_pool){root->pools[i]->name, root->pools[i]->object_size,
                                           root->pools[i]->count};
    input->user_pools = pools;
    input->user_pool_count = root->pool_count;
    for (uint32_t i = 0; i < root->heap_count; i++)
        input->guests[i] = (struct plan_guest){root->heaps[i]->name, root->heaps[i]->bytes};
    input->guest_count = root->heap_count;
}

/* A PROXY header's address is remembered. */
static void count_listeners(const leat_server *server, struct plan_input *input)
{
    input->listeners = server->listeners.count;
    for (uint32_t i = 0; i < server->listeners.count; i++)
        if (net_proxy_versions(&server->listeners.addresses[i].options) != NET_PROXY_OFF)
            input->peers = true;
}

static void make_plan(leat_server *server)
{
    char line[512];
    struct plan_input input;
    ptrdiff_t route_bytes = leat__app_measure(server->app);
    if (route_bytes < 0) {
        size_t size = strlen(leat__app_errors(leat__app_root(server->app)));
        char *lines = leat__start_copy(leat__app_errors(leat__app_root(server->app)));
        if (size > 0)
            lines[size - 1] = '\0'; /* the last newline */
        add_error(server, EX_SOFTWARE, lines);
        leat__start_free(lines);
        return;
    }
    if (leat__listeners_parse(&server->listeners, &server->config, line, sizeof line) < 0) {
        add_error(server, EX_USAGE, line);
        return;
    }
    int error = leat__config_check(&server->config, line, sizeof line);
    if (error < 0) {
        add_error(server, error == -ENOSYS ? EX_OSERR : EX_CONFIG, line);
        return;
    }
    leat__config_plan_input(&server->config, &input);
    input.route_bytes = (uint64_t)route_bytes;
    input.route_count = leat__app_route_count(server->app);
    input.table_bytes = leat__app_root(server->app)->table_bytes;
    input.peers = input.peers || leat__app_root(server->app)->knows_peers;
    count_listeners(server, &input);
    count_user_pools(server->app, server->user_pools, &input);
    leat__app_blocking_plan(server->app, &input);
    leat__app_own_metrics_plan(server->app, &input);
    if (server->admin_server != NULL && leat__server_plan(server->admin_server) != NULL)
        input.admin = leat__admin_bytes(leat__server_plan(server->admin_server));
    if (leat__plan_make(&server->plan, &input, line, sizeof line) < 0)
        add_error(server, EX_CONFIG, line);
}

static leat_server *create_empty(leat_app *app)
{
    leat_server *server = leat__start_alloc(sizeof *server);
    server->app = app;
    sem_init(&server->opened, 0, 0);
    sem_init(&server->ended, 0, 0);
    pthread_mutex_init(&server->counts_lock, NULL);
    return server;
}

/* The admin listener: a server of its own, whose config says that it has none. */
static void make_admin(leat_server *server)
{
    char line[512];
    server->admin = leat__admin_create(&server->config, leat__app_root(server->app),
                                       program_invocation_short_name, line, sizeof line);
    if (server->admin == NULL) {
        if (line[0] != '\0')
            add_error(server, EX_CONFIG, line);
        return;
    }
    server->admin_server = leat__server_create(server->admin->app, &server->admin->config);
    if (leat_server_error(server->admin_server)[0] != '\0')
        add_error(server, EX_CONFIG, leat_server_error(server->admin_server));
}

leat_server *leat__server_create(leat_app *app, const struct config *config)
{
    leat_server *server = create_empty(app);
    server->config = *config;
    server->config.serves_files = leat__app_root(app)->serves_files;
    server->config.never_waits = leat__app_root(app)->never_waits;
    server->config.bundles = leat__app_root(app)->bundle_bytes;
    leat__config_complete(&server->config);
    make_admin(server);
    make_plan(server);
    return server;
}

leat_server *leat_server_create_sized(leat_app *app, const leat_server_options *options, size_t options_size)
{
    struct config config;
    char line[512];
    if (leat__config_from_options(&config, options, options_size, line, sizeof line) == 0)
        return leat__server_create(app, &config);
    leat_server *server = create_empty(app);
    add_error(server, EX_CONFIG, line);
    return server;
}

const struct plan *leat__server_plan(const leat_server *server)
{
    return server->plan.row_count > 0 ? &server->plan : NULL;
}

const struct config *leat__server_config(const leat_server *server)
{
    return &server->config;
}

const struct listeners *leat__server_listeners(const leat_server *server)
{
    return &server->listeners;
}

void leat__server_set_doctor(leat_server *server, const char *json)
{
    server->doctor = json;
}

/* ── A shard's thread ── */

/* Puts fd into the ascending list; the lists are short and nearly in order already. */
static void insert_sorted(int *list, size_t *count, int fd)
{
    size_t at = (*count)++;
    for (; at > 0 && list[at - 1] > fd; at--)
        list[at] = list[at - 1];
    list[at] = fd;
}

/* What stands beside the loop: workers for files, the access log's ring. */
static int open_extras(struct shard_thread *t)
{
    const struct plan *plan = &t->server->plan;
    struct shard *shard = &t->shard;
    struct conns *c = &shard->conns;
    if (plan->input.log_ring > 0) {
        size_t size = align_up(plan->input.log_ring, PAGE_SIZE_BYTES);
        struct region ring = {.base = c->memory.log_ring, .size = size, .high = size};
        leat__access_ring_init(&shard->log, &ring, plan->input.log_ring);
        leat__access_log_attach(t->server->log, shard->index, &shard->log);
        c->common.log = &shard->log;
    }
    if (plan->works == 0)
        return 0;
    int error = leat__workers_open(&c->workers, plan->input.file_threads, &shard->mailbox);
    if (error == 0)
        c->common.workers = &c->workers;
    return error;
}

/* Its own descriptor table, with nothing of the others' but their mailboxes. */
static int make_descriptors_private(struct shard_thread *t)
{
    const leat_server *server = t->server;
    uint32_t shards = server->config.shards, listeners = server->listeners.count;
    const leat_app *app = leat__app_root(server->app);
    size_t count = 0;
    if (shards > SHARDS_MAX || app->descriptor_count > DESCRIPTORS_KEPT_MAX)
        return -E2BIG;
    if (unshare(CLONE_FILES) < 0)
        return -errno;
    int *keep = leat__start_alloc((3 + listeners + shards + app->descriptor_count) * sizeof *keep);
    for (int fd = 0; fd < 3; fd++)
        insert_sorted(keep, &count, fd);
    for (uint32_t i = 0; i < listeners; i++)
        insert_sorted(keep, &count, listeners_fd(&server->listeners, t->shard.index, i));
    for (uint32_t i = 0; i < shards; i++)
        insert_sorted(keep, &count, server->threads[i].shard.mailbox.wake_fd);
    for (uint32_t i = 0; i < app->descriptor_count; i++)
        insert_sorted(keep, &count, app->descriptors[i]);
    unsigned next = 0;
    for (size_t i = 0; i < count; i++) {
        if ((unsigned)keep[i] > next)
            close_range(next, (unsigned)keep[i] - 1, 0);
        next = (unsigned)keep[i] + 1;
    }
    close_range(next, ~0U, 0);
    leat__start_free(keep);
    return 0;
}

/* What the program has of its own on this shard. */
static int open_own(struct shard_thread *t)
{
    const leat_app *root = leat__app_root(t->server->app);
    int error = leat__states_open(&t->shard, root,
                                  t->server->states + (size_t)t->shard.index * root->state_count);
    if (error == 0 && t->shard.index == 0)
        error = leat__states_begin_every(&t->shard, root);
    return error;
}

static void end_own(struct shard_thread *t)
{
    struct shard *shard = &t->shard;
    leat__states_cancel(shard);
    while (shard->conns.common.tasks != NULL && shard->conns.tasks.live > 0)
        shard_turn(shard, -1);
    leat__states_close(shard, leat__app_root(t->server->app));
}

static int open_shard(struct shard_thread *t)
{
    leat_server *server = t->server;
    struct shard *shard = &t->shard;
    int error = server->config.private_descriptors ? make_descriptors_private(t) : 0;
    if (error < 0)
        return error;
    shard->home = leat__home_open(&shard->mailbox);
    if (shard->home < 0)
        return shard->home;
    error = leat__shard_open(shard, &server->config, &server->plan, &server->routes, server->loop, NULL);
    if (error < 0) {
        leat__home_close(shard->home);
        return error;
    }
    leat__shard_memory_here = &shard->conns.memory;
    shard->conns.common.leaving = &server->leaving;
    error = open_extras(t);
    if (error == 0)
        error = open_own(t);
    for (uint32_t i = 0; i < server->listeners.count && error == 0; i++)
        error = leat__conns_listen(&shard->conns, i, listeners_fd(&server->listeners, shard->index, i),
                                   &server->listeners.addresses[i].options);
    if (error < 0) {
        leat__conns_stop(&shard->conns);
        end_own(t);
        leat__workers_close(&shard->conns.workers);
        leat__shard_memory_here = NULL;
        leat__shard_close(shard);
        leat__home_close(shard->home);
    }
    return error;
}

/* Whoever waits in the accept queues when the drain begins is still served. */
static void take_waiting(struct shard *shard, const struct listeners *listeners)
{
    for (uint32_t i = 0; i < listeners->count; i++) {
        int listener = listeners_fd(listeners, shard->index, i), fd;
        while ((fd = leat__net_accept(listener)) >= 0)
            leat__conn_events.on_accept(&shard->conns, fd, i);
        if (!leat__listeners_is_kept(listeners, i))
            shutdown(listener, SHUT_RDWR);
    }
}

static void *shard_main(void *argument)
{
    struct shard_thread *t = argument;
    struct shard *shard = &t->shard;
    leat_server *server = t->server;
    bool taken = false;
    leat__overflow_arm(t->overflow_stack);
    t->error = open_shard(t);
    sem_post(&server->opened);
    if (t->error < 0) {
        leat__overflow_disarm();
        return NULL;
    }
    while (!shard_is_done(shard)) {
        shard_turn(shard, -1);
        atomic_fetch_add_explicit(&shard->alive, 1, memory_order_relaxed);
        if (shard->conns.common.draining && !taken) {
            taken = true;
            if (!shard->conns.stopping)
                take_waiting(shard, &server->listeners);
        }
        if (UNLIKELY(shard->conns.common.draining))
            leat__states_cancel(shard);
    }
    leat__states_close(shard, leat__app_root(server->app));
    leat__workers_close(&shard->conns.workers);
    leat__cache_clear(&shard->conns.memory.file_cache);
    pthread_mutex_lock(&server->counts_lock);
    leat__counters_add(&server->counts, &shard->conns.counters);
    leat__deepest_add(&server->deepest, &shard->conns.common);
    pthread_mutex_unlock(&server->counts_lock);
    leat__shard_memory_here = NULL;
    if (shard->conns.common.tasks != NULL)
        leat__tasks_close(&shard->conns.tasks);
    leat__home_close(shard->home);
    leat__loop_close_all(&shard->conns.loop); /* the memory stays: others' handlers may still give back to its pools */
    leat__overflow_disarm();
    atomic_fetch_add(&server->ended_count, 1);
    sem_post(&server->ended);
    return NULL;
}

/* ── Starting ── */

static void choose_loop(leat_server *server)
{
    server->loop = server->config.loop;
    if (server->loop != LOOP_AUTO)
        return;
    bool uring = leat__loop_probe(LOOP_URING, server->loop_why, sizeof server->loop_why) == 0;
    server->loop = uring ? LOOP_URING : LOOP_EPOLL;
    if (uring)
        server->loop_why[0] = '\0';
}

/* The region of what all shards share; the shards' structs and their pools' homes in it. */
static int open_region(leat_server *server)
{
    uint32_t shards = server->config.shards, pools = leat__app_root(server->app)->pool_count;
    size_t threads_size = shards * sizeof(struct shard_thread);
    size_t homes_size = (size_t)pools * shards * sizeof(struct pool *);
    size_t states_size = (size_t)leat__app_root(server->app)->state_count * shards * sizeof(void *);
    size_t size = align_up(threads_size + homes_size + states_size + server->plan.input.route_bytes + 256,
                           PAGE_SIZE_BYTES);
    int error = leat__region_create(&server->region, size, REGION_RESERVE);
    if (error < 0)
        return error;
    server->threads = leat__region_take(&server->region, threads_size, PAGE_SIZE_BYTES);
    server->states = leat__region_take(&server->region, states_size, 16);
    leat__app_compile(server->app, &server->region, &server->routes);
    for (uint32_t i = 0; i < pools; i++) {
        struct pool **homes = leat__region_take(&server->region, shards * sizeof *homes, 16);
        for (uint32_t s = 0; s < shards; s++)
            homes[s] = &server->threads[s].shard.conns.memory.user[i];
        leat__app_root(server->app)->pools[i]->homes = homes;
        leat__app_root(server->app)->pools[i]->home_count = shards;
    }
    return 0;
}

static int open_logs(leat_server *server, char *error, size_t error_size)
{
    const struct config *config = &server->config;
    if (leat__events_open(config->log, (enum event_format)config->log_format,
                          leat__config_log_level(config), error, error_size) < 0)
        return -EINVAL;
    server->has_events = true;
    if (config->access_log == NULL)
        return 0;
    server->log = leat__access_log_open(config->access_log, (enum access_format)config->access_log_format,
                                        config->shards, error, error_size);
    return server->log == NULL ? -EINVAL : 0;
}

static void close_logs(leat_server *server)
{
    leat__access_log_close(server->log); /* its rings lie in the shards' memory */
    server->log = NULL;
    if (server->has_events)
        leat__events_close();
    server->has_events = false;
}

static int start_thread(struct shard_thread *t)
{
    pthread_attr_t attributes;
    sigset_t all, old;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, SHARD_STACK);
    sigfillset(&all);
    sigdelset(&all, SIGSEGV); /* but for what this thread does itself: it would be killed without a word */
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are the main thread's */
    int error = -pthread_create(&t->thread, &attributes, shard_main, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    t->started = error == 0;
    return error;
}

static int start_shards(leat_server *server)
{
    uint32_t shards = server->config.shards;
    int error = 0;
    for (uint32_t i = 0; i < shards; i++)
        server->threads[i].shard.mailbox.wake_fd = -1;
    for (uint32_t i = 0; i < shards && error == 0; i++) {
        struct shard_thread *t = &server->threads[i];
        t->server = server;
        t->shard.index = i;
        error = leat__mailbox_open(&t->shard.mailbox);
    }
    if (error == 0)
        error = leat__app_blocking_start(server->app); /* opening states may call already */
    uint32_t started = 0;
    for (; started < shards && error == 0; started++)
        error = start_thread(&server->threads[started]);
    for (uint32_t i = 0; i < started; i++)
        if (server->threads[i].started)
            while (sem_wait(&server->opened) < 0) {
            }
    for (uint32_t i = 0; i < started && error == 0; i++)
        error = server->threads[i].error;
    return error;
}

static struct conns *conns_of_shard(void *argument, uint32_t i)
{
    leat_server *server = argument;
    return &server->threads[i].shard.conns;
}

/* Behind the shards. Where nobody said where, any port will do. */
static int start_admin(leat_server *server)
{
    uint32_t listeners = server->listeners.count;
    if (server->admin == NULL)
        return 0;
    server->admin_listeners = leat__start_alloc(listeners * sizeof(int));
    for (uint32_t i = 0; i < listeners; i++)
        server->admin_listeners[i] = listeners_fd(&server->listeners, 0, i);
    server->source = (struct look_source){
        .name = server->admin->name,
        .config = &server->config,
        .plan = &server->plan,
        .routes = &server->routes,
        .app = leat__app_root(server->app),
        .shard_count = server->config.shards,
        .shard = conns_of_shard,
        .server = server,
        .loop = leat__server_loop_name(server),
        .listeners = server->admin_listeners,
        .listener_count = listeners,
        .started_s = leat__clock_realtime_s(),
        .leaving = &server->leaving,
        .doctor = server->doctor,
    };
    leat__admin_begin(server->admin, &server->source);
    int error = leat_server_start(server->admin_server);
    if (error == -EADDRINUSE && server->admin->is_default) {
        leat_server_destroy(server->admin_server);
        server->admin->config.listen.items[0] = "localhost:0";
        server->admin_server = leat__server_create(server->admin->app, &server->admin->config);
        error = leat_server_start(server->admin_server);
    }
    return error;
}

static void stop_admin(leat_server *server)
{
    if (server->admin == NULL || server->admin_listeners == NULL)
        return;
    leat__server_stop_now(server->admin_server);
    leat_server_stop(server->admin_server);
    leat__start_free(server->admin_listeners);
    server->admin_listeners = NULL;
}

static void close_what_is_open(leat_server *server)
{
    if (server->running) {
        leat__server_stop_now(server);
        leat_server_stop(server);
        return;
    }
    close_logs(server);
    leat__listeners_close(&server->listeners);
}

/* The program's lines say it on stdout too. */
static void say_started(const leat_server *server)
{
    char address[160], addresses[512] = "";
    if (server->config.is_admin)
        return;
    if (server->loop_why[0] != '\0')
        leat__event_say(LEAT_LOG_NOTICE, "server", true, "epoll instead of io_uring: %s",
                        server->loop_why);
    for (size_t i = 0; leat__server_address(server, i, address, sizeof address); i++) {
        size_t at = strlen(addresses);
        snprintf(addresses + at, sizeof addresses - at, " %s", address);
    }
    leat__event_say(LEAT_LOG_NOTICE, "server", true, "started: listening on%s, loop %s, shards %u",
                    addresses, leat__server_loop_name(server), server->config.shards);
    if (leat__server_admin_address(server, address, sizeof address))
        leat__event_say(LEAT_LOG_INFO, "server", true, "live page on %s/leat/", address);
}

int leat_server_start(leat_server *server)
{
    char line[512];
    if (server->error[0] != '\0')
        return -EINVAL;
    server->drains = false;
    choose_loop(server);
    leat__ticks_open();
    int error = leat__listeners_open(&server->listeners, server->config.shards, line, sizeof line);
    if (error < 0) {
        add_error(server, EX_UNAVAILABLE, line);
        return error;
    }
    if (open_logs(server, line, sizeof line) < 0) {
        add_error(server, EX_CONFIG, line);
        close_what_is_open(server);
        return -EINVAL;
    }
    error = leat__guests_open(server->app, server->config.shards,
                              server->config.commit ? REGION_COMMIT : REGION_RESERVE);
    if (error == 0)
        error = open_region(server);
    if (error == 0) {
        server->running = true;
        error = start_shards(server);
    }
    if (error < 0) {
        snprintf(line, sizeof line, "the shards could not be opened: %s", strerror(-error));
        add_error(server, EX_OSERR, line);
        close_what_is_open(server);
        return error;
    }
    error = start_admin(server);
    if (error < 0) {
        add_error(server, EX_UNAVAILABLE, leat_server_error(server->admin_server));
        close_what_is_open(server);
        return error;
    }
    say_started(server);
    return 0;
}

const char *leat__server_loop_name(const leat_server *server)
{
    return server->loop == LOOP_URING ? "io_uring" : "epoll";
}

const char *leat__server_loop_why(const leat_server *server)
{
    return server->loop_why;
}

bool leat__server_address(const leat_server *server, size_t i, char *out, size_t size)
{
    if (server->listeners.fds == NULL || i >= server->listeners.count)
        return false;
    char bound[160];
    leat__net_describe(listeners_fd(&server->listeners, 0, (uint32_t)i), bound, sizeof bound);
    snprintf(out, size, "%s%s", strncmp(bound, "unix:", 5) == 0 ? "" : "http://", bound);
    return true;
}

bool leat__server_admin_address(const leat_server *server, char *out, size_t size)
{
    return server->admin_listeners != NULL && leat__server_address(server->admin_server, 0, out, size);
}

int leat_server_port(const leat_server *server, size_t i)
{
    if (server->listeners.fds == NULL || i >= server->listeners.count)
        return 0;
    return leat__net_port(listeners_fd(&server->listeners, 0, (uint32_t)i));
}

/* ── While it runs ── */

static const struct timespec moment = {.tv_nsec = 1000000};

/* A shard that serves empties its mailbox in every turn. */
static void post(struct mailbox *mailbox, const struct mail *mail)
{
    while (leat__loop_post(mailbox, mail) < 0)
        nanosleep(&moment, NULL);
}

int leat__server_reopen_logs(leat_server *server)
{
    return server->log != NULL ? leat__access_log_reopen(server->log) : 0;
}

void leat__server_apply(leat_server *server, const struct config *config)
{
    server->config.drain_timeout_ms = config->drain_timeout_ms;
    leat__events_set_level(leat__config_log_level(config));
    for (uint32_t i = 0; i < server->config.shards && server->running; i++) {
        struct shard *shard = &server->threads[i].shard;
        struct conn_next_limits *next = &shard->next_limits;
        struct mail mail = {.kind = MAIL_LIMITS, .value = (uint64_t)(uintptr_t)next};
        while (atomic_load_explicit(&next->are_under_way, memory_order_acquire)) /* since the last time */
            nanosleep(&moment, NULL);
        leat__shard_limits(config, &next->limits);
        atomic_store_explicit(&next->are_under_way, true, memory_order_relaxed);
        post(&shard->mailbox, &mail);
    }
}

bool leat__server_alive(leat_server *server)
{
    static const struct mail mail = {.kind = MAIL_NONE};
    bool alive = true;
    for (uint32_t i = 0; i < server->config.shards && server->running; i++) {
        struct shard_thread *t = &server->threads[i];
        unsigned now = atomic_load_explicit(&t->shard.alive, memory_order_relaxed);
        alive = alive && (now != t->alive_before || !t->asked);
        t->alive_before = now;
        t->asked = true;
        leat__loop_post(&t->shard.mailbox, &mail); /* full: it is not being read, or is being read now */
    }
    return alive;
}

/* ── Stopping ── */

static void post_to_all(leat_server *server, enum mail_kind kind)
{
    struct mail mail = {.kind = kind};
    for (uint32_t i = 0; i < server->config.shards && server->running; i++)
        if (server->threads[i].started && server->threads[i].error == 0)
            post(&server->threads[i].shard.mailbox, &mail);
}

void leat__server_leave(leat_server *server)
{
    atomic_store_explicit(&server->leaving, true, memory_order_relaxed);
}

void leat__server_drain(leat_server *server)
{
    leat__server_leave(server);
    if (server->running && !server->drains && !server->config.is_admin)
        leat__event_say(LEAT_LOG_NOTICE, "server", true, "draining");
    server->drains = true;
    post_to_all(server, MAIL_DRAIN);
}

void leat__server_stop_now(leat_server *server)
{
    post_to_all(server, MAIL_STOP);
}

bool leat__server_ended(const leat_server *server)
{
    return !server->running || atomic_load(&server->ended_count) == server->config.shards;
}

static void wait_for_shards(leat_server *server)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += server->config.drain_timeout_ms / 1000;
    until.tv_nsec += server->config.drain_timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    uint32_t serving = 0;
    for (uint32_t i = 0; i < server->config.shards; i++)
        serving += server->threads[i].started && server->threads[i].error == 0;
    while (atomic_load(&server->ended_count) < serving) {
        bool forever = server->config.drain_timeout_ms < 0;
        int waited = forever ? sem_wait(&server->ended) : sem_timedwait(&server->ended, &until);
        if (waited < 0 && errno == ETIMEDOUT)
            break;
    }
}

static void say_stopped(const leat_server *server)
{
    char text[768];
    if (server->config.is_admin)
        return;
    leat__counters_describe(&server->counts, text, sizeof text);
    leat__event_say(LEAT_LOG_NOTICE, "server", true, "stopped%s%s", text[0] != '\0' ? "; " : "", text);
}

void leat_server_stop(leat_server *server)
{
    if (!server->running)
        return;
    leat__server_drain(server);
    wait_for_shards(server);
    leat__server_stop_now(server);
    stop_admin(server); /* it looks at the shards */
    for (uint32_t i = 0; i < server->config.shards; i++)
        if (server->threads[i].started)
            pthread_join(server->threads[i].thread, NULL);
    leat__app_blocking_stop(server->app);
    say_stopped(server);
    close_logs(server);
    for (uint32_t i = 0; i < server->config.shards; i++)
        if (server->threads[i].started && server->threads[i].error == 0)
            leat__shard_memory_close(&server->threads[i].shard.conns.memory);
    for (uint32_t i = 0; i < server->config.shards; i++)
        if (server->threads[i].shard.mailbox.wake_fd >= 0)
            leat__mailbox_close(&server->threads[i].shard.mailbox);
    server->running = false;
    leat__listeners_close(&server->listeners);
    for (uint32_t i = 0; i < leat__app_root(server->app)->pool_count; i++)
        leat__app_root(server->app)->pools[i]->home_count = 0;
    leat__region_destroy(&server->region);
}

void leat__server_counts(const leat_server *server, struct counters *sum)
{
    *sum = server->counts;
}

const struct deepest *leat__server_deepest(const leat_server *server)
{
    return &server->deepest;
}

uint32_t leat__server_depth_of_route(const leat_server *server, uint32_t number)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < server->config.shards && server->running; i++) {
        uint32_t depth = leat__depth_of_route(&server->threads[i].shard.conns.common, number);
        most = depth > most ? depth : most;
    }
    return most;
}

void leat_server_destroy(leat_server *server)
{
    if (server == NULL)
        return;
    leat_server_stop(server);
    leat_server_destroy(server->admin_server);
    leat__admin_destroy(server->admin);
    sem_destroy(&server->opened);
    sem_destroy(&server->ended);
    pthread_mutex_destroy(&server->counts_lock);
    leat__start_free(server);
}
