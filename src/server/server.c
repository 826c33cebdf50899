/* server.c: the life of a running app: plan, listeners, start, drain, stop. What it is made of: server_inside.h.
 *
 *   create: config completed, addresses parsed, routes measured, plan made     (errors remembered, a line each)
 *   start:  listeners opened, routes compiled, a thread per shard opened; all of them serve, or none
 *   drain / stop_now: a mail to every shard; stop: waits for the threads, hard after the drain timeout
 *
 * The shards' structs and the routes lie in one region of their own, counted by the plan; each shard's memory in a
 * region of the shard's. */
#include "memory/seal.h"
#include "net/proxy.h"
#include "observe/access_log.h"
#include "observe/events.h"
#include "server/server_inside.h"
#include "task/homes.h"
#include <errno.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>

/* ── Errors ── */

void leat__server_add_error(leat_server *server, int exit_status, const char *line)
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
        leat__server_add_error(server, EX_SOFTWARE, lines);
        leat__start_free(lines);
        return;
    }
    if (leat__listeners_parse(&server->listeners, &server->config, line, sizeof line) < 0) {
        leat__server_add_error(server, EX_USAGE, line);
        return;
    }
    int error = leat__config_check(&server->config, line, sizeof line);
    if (error < 0) {
        leat__server_add_error(server, error == -ENOSYS ? EX_OSERR : EX_CONFIG, line);
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
        leat__server_add_error(server, EX_CONFIG, line);
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

leat_server *leat__server_create(leat_app *app, const struct config *config)
{
    leat_server *server = create_empty(app);
    server->config = *config;
    server->config.serves_files = leat__app_root(app)->serves_files;
    server->config.never_waits = leat__app_root(app)->never_waits;
    server->config.bundles = leat__app_root(app)->bundle_bytes;
    leat__config_complete(&server->config);
    leat__server_make_admin(server);
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
    leat__server_add_error(server, EX_CONFIG, line);
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
    size_t loop_size = leat__shard_loop_state_size(&server->plan, server->loop);
    size_t homes_size = (size_t)pools * shards * sizeof(struct pool *);
    size_t states_size = (size_t)leat__app_root(server->app)->state_count * shards * sizeof(void *);
    size_t size = align_up(threads_size + shards * loop_size + homes_size + states_size +
                               server->plan.input.route_bytes + 256,
                           PAGE_SIZE_BYTES);
    int error = leat__region_create(&server->region, size, REGION_RESERVE);
    if (error < 0)
        return error;
    server->threads = leat__region_take(&server->region, threads_size, PAGE_SIZE_BYTES);
    for (uint32_t i = 0; i < shards; i++)
        server->threads[i].shard.loop_state = leat__region_take(&server->region, loop_size,
                                                                PAGE_SIZE_BYTES);
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
        leat__server_add_error(server, EX_UNAVAILABLE, line);
        return error;
    }
    if (open_logs(server, line, sizeof line) < 0) {
        leat__server_add_error(server, EX_CONFIG, line);
        close_what_is_open(server);
        return -EINVAL;
    }
    error = leat__guests_open(server->app, server->config.shards,
                              server->config.commit ? REGION_COMMIT : REGION_RESERVE);
    if (error == 0)
        error = open_region(server);
    if (error == 0) {
        server->running = true;
        error = leat__server_start_shards(server);
    }
    if (error < 0) {
        snprintf(line, sizeof line, "the shards could not be opened: %s", strerror(-error));
        leat__server_add_error(server, EX_OSERR, line);
        close_what_is_open(server);
        return error;
    }
    error = leat__server_start_admin(server);
    if (error < 0) {
        leat__server_add_error(server, EX_UNAVAILABLE, leat_server_error(server->admin_server));
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
    leat__server_stop_admin(server); /* it looks at the shards */
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
