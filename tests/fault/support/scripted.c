/* scripted.c: the shard, its network and its talkers. */
#define _GNU_SOURCE /* memmem */
#include "fault/support/scripted.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <cmocka.h>

/* ── Talkers ─────────────────────────────────────────────────────────────────────────────────────────────────── */

static void talker_listens(struct scripted *w, struct talker *t)
{
    char bytes[4096];
    ssize_t n = 0;
    while (!t->deaf && (n = leat__sim_client_receive(w->sim, t->connection, bytes, sizeof bytes)) > 0) {
        if (t->heard_capacity - t->heard_size < (size_t)n) {
            t->heard_capacity = (t->heard_size + (size_t)n) * 2;
            t->heard = realloc(t->heard, t->heard_capacity);
            assert_non_null(t->heard);
        }
        memcpy(t->heard + t->heard_size, bytes, (size_t)n);
        t->heard_size += (size_t)n;
    }
    t->reset = t->reset || n == -ECONNRESET;
    t->ended = t->ended || t->reset || (!t->deaf && n == 0);
}

static void talker_speaks(struct scripted *w, struct talker *t)
{
    while (t->said < t->say_size) {
        ssize_t n = leat__sim_client_send(w->sim, t->connection, t->say + t->said, t->say_size - t->said);
        if (n <= 0)
            return;
        t->said += (size_t)n;
    }
}

static void on_client(void *context, uint32_t connection, void *client)
{
    struct talker *t = client;
    assert_int_equal(t->connection, connection);
    talker_listens(context, t);
    talker_speaks(context, t);
}

struct talker *scripted_connect(struct scripted *w)
{
    assert_true(w->talker_count < TALKERS_MAX);
    struct talker *t = &w->talkers[w->talker_count++];
    int connection = leat__sim_connect(w->sim, w->listener, t);
    assert_true(connection >= 0);
    t->connection = (uint32_t)connection;
    t->connected = true;
    return t;
}

void scripted_say(struct scripted *w, struct talker *t, const char *bytes, size_t size)
{
    t->say = realloc(t->say, t->say_size + size);
    assert_non_null(t->say);
    memcpy(t->say + t->say_size, bytes, size);
    t->say_size += size;
    talker_speaks(w, t);
}

void scripted_say_text(struct scripted *w, struct talker *t, const char *text)
{
    scripted_say(w, t, text, strlen(text));
}

void scripted_hang_up(struct scripted *w, struct talker *t)
{
    if (t->connected && !t->closed)
        leat__sim_client_close(w->sim, t->connection);
    t->closed = true;
}

/* ── Replies ─────────────────────────────────────────────────────────────────────────────────────────────────── */

/* The reply that begins at *at: its status, and *at moves behind it; 0: it is not complete. */
static unsigned read_reply(const struct talker *t, size_t *at, const char **content, size_t *size)
{
    for (;;) {
        size_t left = t->heard_size - *at;
        if (left < 12)
            return 0;
        const char *begin = t->heard + *at, *head_end = memmem(begin, left, "\r\n\r\n", 4);
        if (head_end == NULL)
            return 0;
        head_end += 4;
        unsigned status = (unsigned)strtoul(begin + 9, NULL, 10);
        const char *length = memmem(begin, (size_t)(head_end - begin), "\r\nContent-Length: ", 18);
        *size = length != NULL ? strtoul(length + 18, NULL, 10) : 0;
        *content = head_end;
        if (left - (size_t)(head_end - begin) < *size)
            return 0;
        *at += (size_t)(head_end - begin) + *size;
        if (status >= 200)
            return status;
    }
}

unsigned scripted_reply(const struct talker *t, unsigned n, const char **content, size_t *size)
{
    size_t at = 0, here_size;
    const char *here;
    unsigned status;
    do
        status = read_reply(t, &at, &here, &here_size);
    while (status != 0 && n-- > 0);
    if (content != NULL && status != 0) {
        *content = here;
        *size = here_size;
    }
    return status;
}

unsigned scripted_reply_count(const struct talker *t, size_t *rest)
{
    size_t at = 0, size;
    const char *content;
    unsigned count = 0;
    while (read_reply(t, &at, &content, &size) != 0)
        count++;
    *rest = t->heard_size - at;
    return count;
}

bool scripted_heard(const struct talker *t, const char *text)
{
    return t->heard_size > 0 && memmem(t->heard, t->heard_size, text, strlen(text)) != NULL;
}

bool scripted_was_refused(const struct talker *t)
{
    return scripted_reply(t, 0, NULL, NULL) == 503 && scripted_heard(t, "\r\nRetry-After: ");
}

/* ── The shard ───────────────────────────────────────────────────────────────────────────────────────────────── */

static void configure(struct scripted *w, const struct scripted_options *o)
{
    struct config *k = &w->config;
    leat__config_default(k);
    k->shards = 1;
    k->connections = o->connections != 0 ? o->connections : 32;
    k->exchanges = o->exchanges != 0 ? o->exchanges : 32;
    k->content_max = o->content_max != 0 ? o->content_max : 256u << 10;
    k->content_total = o->content_total != 0 ? o->content_total : 4 * k->content_max;
    k->tasks = o->tasks != 0 ? o->tasks : 32;
    k->head_timeout_ms = 2000;
    k->content_timeout_ms = 3000;
    k->write_timeout_ms = 4000;
    k->idle_timeout_ms = 5000;
}

static void make_plan(struct scripted *w, uint32_t pool_objects)
{
    char error[256];
    struct plan_input input;
    w->app = sim_app_create(pool_objects != 0 ? pool_objects : 8);
    struct leat_pool *pool = leat__app_root(w->app)->pools[0];
    w->user_pool = (struct plan_user_pool){pool->name, pool->object_size, pool->count};
    ptrdiff_t route_bytes = leat__app_measure(w->app);
    assert_true(route_bytes > 0);
    leat__config_plan_input(&w->config, &input);
    input.route_bytes = (uint64_t)route_bytes;
    input.route_count = leat__app_route_count(w->app);
    input.user_pools = &w->user_pool;
    input.user_pool_count = 1;
    input.file_threads = 1;
    if (leat__plan_make(&w->plan, &input, error, sizeof error) < 0)
        fail_msg("%s", error);
    size_t size = align_up((size_t)route_bytes + 256, PAGE_SIZE_BYTES);
    assert_int_equal(leat__region_create(&w->region, size, REGION_RESERVE), 0);
    leat__app_compile(w->app, &w->region, &w->routes);
}

void scripted_open(struct scripted *w, const struct scripted_options *o)
{
    memset(w, 0, sizeof *w);
    uint32_t pipe = o->pipe != 0 ? o->pipe : 65536;
    if (sim_table[0] == '\0')
        sim_table_fill();
    sim_borrowed = 0;
    configure(w, o);
    make_plan(w, o->pool_objects);
    w->sim = leat__sim_create(&(struct sim_options){
        .seed = 1,
        .connections = TALKERS_MAX,
        .pipe_min = pipe,
        .pipe_max = pipe,
        .backlog = TALKERS_MAX,
        .start_ms = 1000,
        .faults = o->faults,
        .on_client = on_client,
        .context = w,
        .read_file = sim_read_file,
    });
    sim_open_mailbox(&w->shard);
    assert_int_equal(leat__shard_open(&w->shard, &w->config, &w->plan, &w->routes, LOOP_SIM, w->sim), 0);
    sim_open_workers(&w->shard);
    leat__shard_memory_here = &w->shard.conns.memory;
    w->listener = leat__sim_listener(w->sim);
    assert_int_equal(leat__conns_listen(&w->shard.conns, 0, w->listener, NULL), 0);
}

void scripted_pass_ms(struct scripted *w, int64_t ms)
{
    int64_t until_us = leat__sim_now_us(w->sim) + ms * 1000, left_us;
    while ((left_us = until_us - leat__sim_now_us(w->sim)) > 0) {
        shard_turn(&w->shard, left_us / 1000);
        for (uint32_t i = 0; i < w->shard.conns.memory.slots.count; i++)
            if (w->shard.conns.loop.slots[i].generation != 0)
                leat__conn_check(&w->shard.conns, &w->shard.conns.loop.slots[i]);
        if (left_us < 1000)
            return;
    }
}

static void check_full(struct scripted *w)
{
    struct shard_memory *m = scripted_memory(w);
    leat__shard_memory_check(m);
    assert_int_equal(m->slots.in_use, 0);
    assert_int_equal(m->rooms.in_use, 0);
    assert_int_equal(m->chunks.in_use, 0);
    assert_int_equal(m->larges.in_use, 0);
    assert_int_equal(m->content.in_use, 0);
    assert_int_equal(m->user[0].in_use, 0);
    assert_int_equal(sim_borrowed, 0);
}

void scripted_close(struct scripted *w)
{
    for (uint32_t i = 0; i < w->talker_count; i++)
        scripted_hang_up(w, &w->talkers[i]);
    for (int i = 0; i < 100 && w->shard.conns.open > 0; i++)
        scripted_pass_ms(w, 1000);
    check_full(w);
    assert_int_equal(w->shard.conns.tasks.live, 0);
    assert_true(scripted_memory(w)->stacks.in_use <= 1); /* the warm one */
    leat__tasks_close(&w->shard.conns.tasks);
    assert_int_equal(scripted_memory(w)->stacks.in_use, 0);
    leat__conns_drain(&w->shard.conns);
    leat__sim_kick(w->sim, &w->shard.conns.loop);
    sim_close_workers(&w->shard);
    leat__loop_close_all(&w->shard.conns.loop);
    assert_int_equal(scripted_memory(w)->works.in_use, 0);
    assert_int_equal(sim_prepared, 0);
    assert_int_equal(scripted_memory(w)->receive.in_use, 0);
    leat__shard_memory_close(scripted_memory(w));
    leat__sim_destroy(w->sim);
    leat__region_destroy(&w->region);
    leat_app_destroy(w->app);
    for (uint32_t i = 0; i < w->talker_count; i++) {
        free(w->talkers[i].say);
        free(w->talkers[i].heard);
    }
}
