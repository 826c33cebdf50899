/* shard_threads.c: the threads that serve: each opens a shard, turns it until it is drained, and closes it. See
 * server_inside.h. */
#define _GNU_SOURCE /* unshare, close_range */
#include "memory/seal.h"
#include "observe/access_log.h"
#include "observe/events.h"
#include "server/server_inside.h"
#include "server/states.h"
#include "task/homes.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* What every shard keeps in a descriptor table of its own: the others' mailboxes, and what the handlers use. Ascending, listed
 * once, by the main thread: a shard's thread asks the allocator for nothing, so that it has no arena either. */
static int list_kept_descriptors(leat_server *server)
{
    uint32_t shards = server->config.shards;
    const leat_app *app = leat__app_root(server->app);
    if (!server->config.private_descriptors)
        return 0;
    if (shards > SHARDS_MAX || app->descriptor_count > DESCRIPTORS_KEPT_MAX)
        return -E2BIG;
    server->kept = leat__start_alloc((3 + shards + app->descriptor_count) * sizeof *server->kept);
    server->kept_count = 0;
    for (int fd = 0; fd < 3; fd++)
        insert_sorted(server->kept, &server->kept_count, fd);
    for (uint32_t i = 0; i < shards; i++)
        insert_sorted(server->kept, &server->kept_count, server->threads[i].shard.mailbox.wake_fd);
    for (uint32_t i = 0; i < app->descriptor_count; i++)
        insert_sorted(server->kept, &server->kept_count, app->descriptors[i]);
    return 0;
}

/* Its own descriptor table, with nothing of the others' but their mailboxes. */
static int make_descriptors_private(struct shard_thread *t)
{
    const leat_server *server = t->server;
    int listeners[LOOP_LISTENERS_MAX];
    size_t listener_count = 0;
    ASSERT(server->listeners.count <= LOOP_LISTENERS_MAX);
    if (unshare(CLONE_FILES) < 0)
        return -errno;
    for (uint32_t i = 0; i < server->listeners.count; i++)
        insert_sorted(listeners, &listener_count, listeners_fd(&server->listeners, t->shard.index, i));
    unsigned next = 0;
    for (size_t i = 0, k = 0; i < listener_count || k < server->kept_count;) {
        bool is_listener = k == server->kept_count ||
                           (i < listener_count && listeners[i] < server->kept[k]);
        unsigned fd = (unsigned)(is_listener ? listeners[i++] : server->kept[k++]);
        if (fd > next)
            close_range(next, fd - 1, 0);
        next = fd + 1;
    }
    close_range(next, ~0U, 0);
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

int leat__server_start_shards(leat_server *server)
{
    uint32_t shards = server->config.shards;
    int error = 0;
    for (uint32_t i = 0; i < shards; i++)
        server->threads[i].shard.mailbox.wake_fd = -1;
    for (uint32_t i = 0; i < shards && error == 0; i++) {
        struct shard_thread *t = &server->threads[i];
        t->server = server;
        t->shard.index = i;
        error = leat__mailbox_open(&t->shard.mailbox, t->shard.mails);
    }
    if (error == 0)
        error = list_kept_descriptors(server);
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
    leat__start_free(server->kept);
    server->kept = NULL;
    return error;
}
