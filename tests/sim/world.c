/* world.c: makes a world from a seed, turns it to its end, and looks at everything that can be looked at from inside.
 *
 * A seed decides which things go wrong at all, and how often: worlds that have everything at once hide what a
 * combination of two things does. A quarter of the worlds are calm: there, only what any network does happens (pieces,
 * delays), and the answers must be exact. */
#include "sim/world.h"
#include "sim/app.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void world_violation(const struct world *w, const struct client *c, const char *format, ...)
{
    va_list arguments;
    fflush(stdout);
    fprintf(stderr, "\nseed %llu, turn %llu, %.6f s: ", (unsigned long long)w->seed,
            (unsigned long long)w->turns, (double)(world_now_us(w) - (int64_t)w->start_ms * 1000) / 1e6);
    if (c != NULL)
        fprintf(stderr, "client %u (%s, connection %u, %u answered, %u open): ", c->number,
                persona_name(c->persona), c->connection, c->answered, c->asked_count);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    _exit(1);
}

/* ── Drawing a world ─────────────────────────────────────────────────────────────────────────────────────────── */

/* A fault is in this world or not, and then often or seldom. */
static uint32_t often(struct sim_random *r, uint32_t max)
{
    return sim_below(r, 2) == 0 ? 0 : 1 + sim_below(r, 1 + sim_below(r, max));
}

static void draw_faults(struct world *w, struct sim_faults *f)
{
    struct sim_random *r = &w->random;
    f->short_receive = often(r, 600);
    f->one_shot = often(r, 1000);
    f->armed = often(r, 1000);
    f->late_receive = often(r, 1000);
    f->receive_again = often(r, 300);
    f->offset_receive = often(r, 500);
    f->short_send = often(r, 600);
    f->late_send = often(r, 800);
    f->late_cancel = often(r, 1000);
    f->spurious_wake = often(r, 100);
    if (w->calm)
        return;
    f->accept_failure = often(r, 100);
    f->adopt_failure = often(r, 50);
    f->reset = often(r, 10);
    f->stall = often(r, 5);
    f->stall_ms_max = 1 + sim_below(r, 8000);
    f->clock_jump = often(r, 500);
    f->clock_jump_ms_max = 1 + sim_below(r, 60000);
}

/* Some of the deadlines are never; then nobody may wait for them. */
static void draw_never(struct world *w)
{
    struct config *k = &w->config;
    int64_t *timeouts[] = {&k->head_timeout_ms, &k->content_timeout_ms, &k->write_timeout_ms,
                           &k->idle_timeout_ms};
    w->never = true;
    w->personas &= ~(1u << SILENT | 1u << SLOW_HEAD | 1u << SLOW_CONTENT | 1u << NEVER_READS);
    for (uint32_t i = 0; i < COUNT_OF(timeouts); i++)
        if (sim_below(&w->random, 2) == 0)
            *timeouts[i] = -1;
}

static void draw_config(struct world *w)
{
    struct sim_random *r = &w->random;
    struct config *k = &w->config;
    uint32_t spare = w->calm ? w->at_once * 2 + 8 : 1 + sim_below(r, w->at_once * 2);
    uint64_t block = CONTENT_BLOCK_MIN << sim_below(r, w->calm ? 4 : 6);
    leat__config_default(k);
    k->shards = w->shard_count;
    k->connections = spare * k->shards;
    k->exchanges = w->calm ? k->connections : 1 + sim_below(r, k->connections);
    k->content_max = block - sim_below(r, 5000);
    uint64_t response = 256u << 10; /* the block of the largest that is answered (size_max) */
    uint64_t calm_block = block > response ? block : response;
    k->content_total = k->shards *
                       (w->calm ? w->at_once * 2 * calm_block : block * (1 + sim_below(r, 4)));
    if (k->content_total < k->shards * (256u << 10))
        k->content_total = k->shards * (256u << 10);
    k->tasks = k->shards * (w->calm ? w->at_once * 8 + 8 : 1 + sim_below(r, w->at_once * 2));
    static const uint32_t heads[] = {6000, 16000, 30000, HTTP1_HEAD_MAX};
    k->head_max = heads[sim_below(r, COUNT_OF(heads))];
    k->request_line_max = 256 + sim_below(r, k->head_max < 8192 ? 2000 : 7000);
    int64_t least = w->calm ? 4000 : 500;
    k->head_timeout_ms = least + sim_below(r, 8000);
    k->content_timeout_ms = least + sim_below(r, 8000);
    k->write_timeout_ms = least + sim_below(r, 8000);
    k->idle_timeout_ms = least + sim_below(r, 20000);
    if (!w->calm && sim_below(r, 8) == 0)
        draw_never(w);
}

static void draw(struct world *w, uint32_t clients_max)
{
    struct sim_random *r = &w->random;
    leat__sim_random_init(r, w->seed);
    w->calm = sim_below(r, 4) == 0;
    w->fails = !w->calm && sim_below(r, 2) == 0;
    w->shard_count = sim_below(r, 3) > 0 ? 1 : 1 + sim_below(r, WORLD_SHARDS_MAX);
    w->shared = sim_below(r, 4) == 0;
    w->at_once = 1 + sim_below(r, 1 + sim_below(r, 300));
    w->clients_max = w->at_once * (1 + sim_below(r, 4));
    w->clients_max += sim_below(r, 20);
    if (clients_max != 0)
        w->clients_max = clients_max;
    w->personas = sim_below(r, 4) == 0 ? 1u << POLITE : ~0u;
    w->personas = w->calm ? w->personas & ((1u << CALM_PERSONAS) - 1) : w->personas;
    w->drain_turn = w->calm || sim_below(r, 3) > 0 ? UINT64_MAX : sim_below(r, 10000);
    w->stops = sim_below(r, 3) == 0;
    w->start_ms = 1 + (int64_t)(leat__sim_random_next(r) >> 26); /* up for nine years, at most */
    draw_config(w);
}

static void open_network(struct world *w)
{
    struct sim_random *r = &w->random;
    static const uint32_t pipes[] = {512, 1000, 4000, 16000, 65536, 1, 40};
    struct sim_options options = {
        .connections = w->at_once * 3 + 16,
        .backlog = w->at_once * 3 + 16,
        .start_ms = w->start_ms,
        .context = w,
        .read_file = sim_read_file,
    };
    /* One statement each: within one, the compiler would choose which is drawn first. */
    options.seed = leat__sim_random_next(r);
    options.pipe_min = pipes[sim_below(r, w->calm ? 5 : 7)];
    options.delay_us_max = sim_below(r, w->calm ? 2000 : 20000);
    options.jitter_us_max = sim_below(r, 500);
    options.pipe_max = options.pipe_min * (1 + sim_below(r, 4));
    w->pipe_max = options.pipe_max;
    draw_faults(w, &options.faults);
    w->limits = (struct talk_limits){
        .content_max = (uint32_t)w->config.content_max,
        .size_max = options.pipe_min < 512 ? options.pipe_min * 100 : 150000,
        .request_line_max = w->config.request_line_max,
        .head_max = w->config.head_max,
        .filler_max = w->config.head_max < 33000 ? w->config.head_max - 3000 : 30000,
    };
    w->slack_us = 2 * WHEEL_TICK_MS * 1000 + 4 * (int64_t)options.jitter_us_max +
                  8 * (int64_t)options.delay_us_max + 5000;
    if (!w->calm) {
        /* A client hears of its deadline when the answer has come to it, and through a pipe of one octet that takes
         * every octet of the answer a delay. */
        enum { ANSWER_OCTETS = 256 };
        w->slack_us += 2000000 + 6000 * (int64_t)options.faults.stall_ms_max;
        w->slack_us += ANSWER_OCTETS / (int64_t)options.pipe_min * options.delay_us_max;
    }
    w->sim_options = options;
}

/* ── The server ──────────────────────────────────────────────────────────────────────────────────────────────── */

static void on_client(void *context, uint32_t connection, void *client)
{
    struct client *c = client;
    (void)context;
    ASSERT(c->connection == connection && !c->done);
    client_on_event(c);
}

static void make_plan(struct world *w)
{
    char error[256];
    struct plan_input input;
    uint32_t objects = w->shard_count * (w->calm ? 64 : 1 + sim_below(&w->random, 3));
    w->app = sim_app_create(objects);
    struct leat_pool *pool = leat__app_root(w->app)->pools[0];
    w->user_pool = (struct plan_user_pool){pool->name, pool->object_size, pool->count};
    ptrdiff_t route_bytes = leat__app_measure(w->app);
    if (route_bytes < 0)
        world_violation(w, NULL, "routes: %s", leat__app_errors(leat__app_root(w->app)));
    leat__config_plan_input(&w->config, &input);
    input.route_bytes = (uint64_t)route_bytes;
    input.route_count = leat__app_route_count(w->app);
    input.user_pools = &w->user_pool;
    input.user_pool_count = 1;
    input.file_threads = 1;
    if (leat__plan_make(&w->plan, &input, error, sizeof error) < 0)
        world_violation(w, NULL, "plan: %s", error);
    size_t size = align_up((size_t)route_bytes + 256, PAGE_SIZE_BYTES);
    if (leat__region_create(&w->region, size, REGION_RESERVE) < 0)
        world_violation(w, NULL, "no memory for the routes");
    leat__app_compile(w->app, &w->region, &w->routes);
}

static void open_server(struct world *w)
{
    w->sim_options.on_client = on_client;
    w->sim = leat__sim_create(&w->sim_options);
    make_plan(w);
    w->shards = calloc(w->shard_count, sizeof *w->shards);
    for (uint32_t i = 0; i < w->shard_count; i++) {
        struct shard *shard = &w->shards[i];
        shard->index = i;
        shard->home = (int)i;
        sim_open_mailbox(shard);
        if (leat__shard_open(shard, &w->config, &w->plan, &w->routes, LOOP_SIM, w->sim) < 0)
            world_violation(w, NULL, "the shard could not be opened");
        sim_open_workers(shard);
        w->listeners[i] = w->shared && i > 0 ? w->listeners[0] : leat__sim_listener(w->sim);
        if (leat__conns_listen(&shard->conns, 0, w->listeners[i], NULL) < 0)
            world_violation(w, NULL, "the shard does not listen");
    }
}

static void close_shard(struct world *w, struct shard *shard)
{
    struct shard_memory *m = &shard->conns.memory;
    if (m->stacks.in_use > 1 || shard->conns.tasks.live != 0)
        world_violation(w, NULL, "%u stacks and %u tasks are lost", m->stacks.in_use,
                        shard->conns.tasks.live);
    leat__tasks_close(&shard->conns.tasks);
    leat__stack_pool_check(&m->stacks);
    sim_close_workers(shard);
    leat__loop_close_all(&shard->conns.loop);
    leat__shard_memory_check(m);
    if (m->works.in_use != 0)
        world_violation(w, NULL, "%u works are lost", m->works.in_use);
    if (sim_prepared != 0)
        world_violation(w, NULL, "%lld prepared things were not let go of", (long long)sim_prepared);
    if (m->receive.in_use != 0)
        world_violation(w, NULL, "%u receive buffers are lost", m->receive.in_use);
    leat__shard_memory_close(m);
}

static void close_world(struct world *w)
{
    for (uint32_t i = 0; i < w->shard_count; i++)
        close_shard(w, &w->shards[i]);
    leat__sim_destroy(w->sim);
    leat__region_destroy(&w->region);
    leat_app_destroy(w->app);
    free(w->shards);
    free(w->clients);
}

/* ── Looking inside ──────────────────────────────────────────────────────────────────────────────────────────── */

static void check_slot(const struct world *w, const struct conns *c, const struct slot *s)
{
    leat__conn_check(c, s);
    if (s->state == CONN_CLOSED || (s->loop_flags & SLOT_CLOSING))
        return;
    const struct leat_exchange *x = s->exchange != 0 ? conn_exchange(c, s) : NULL;
    bool waits = s->state == CONN_WAITING && x != NULL && x->task != NULL && x->way.wants == WANT_NOTHING;
    if (s->deadline == 0 && (w->never || waits))
        return;
    if (s->deadline == 0)
        world_violation(w, NULL, "a connection in %s has no deadline",
                        leat__conn_state_name((enum conn_state)s->state));
    if ((int32_t)(s->deadline - c->loop.wheel.tick) <= 0)
        world_violation(w, NULL, "a connection in %s was not told of its deadline",
                        leat__conn_state_name((enum conn_state)s->state));
}

static void check_shard(const struct world *w, const struct shard *shard)
{
    const struct conns *c = &shard->conns;
    uint32_t open = 0;
    for (uint32_t i = 0; i < c->memory.slots.count; i++) {
        const struct slot *s = &c->loop.slots[i];
        if (s->generation == 0) {
            open += s->state == CONN_CLOSED && s->exchange != 0; /* waits for its work */
            continue;
        }
        open++;
        check_slot(w, c, s);
    }
    if (open != c->open || open != c->memory.slots.in_use)
        world_violation(w, NULL, "%u connections, %u counted, %u slots in use", open, c->open,
                        c->memory.slots.in_use);
}

/* Everything is where it was before the first client came. */
static void check_full(const struct world *w, const struct shard *shard)
{
    const struct shard_memory *m = &shard->conns.memory;
    leat__shard_memory_check(m);
    if (m->slots.in_use + m->rooms.in_use + m->chunks.in_use + m->larges.in_use +
            m->content.in_use + m->user[0].in_use !=
        0)
        world_violation(w, NULL,
                        "in use at the end: %u slots, %u rooms, %u chunks, %u larges, %u "
                        "content blocks, %u objects",
                        m->slots.in_use, m->rooms.in_use, m->chunks.in_use, m->larges.in_use,
                        m->content.in_use, m->user[0].in_use);
    if (sim_borrowed != 0)
        world_violation(w, NULL, "%lld contents were not released", (long long)sim_borrowed);
}

/* ── The course of the world ─────────────────────────────────────────────────────────────────────────────────── */

/* One pool's n-th acquisition from now will fail; 0: none. */
static void fail_at(struct world *w, struct shard *shard, uint32_t n)
{
    struct shard_memory *m = &shard->conns.memory;
    struct buffer_pool *buffers[] = {&m->rooms, &m->receive, &m->chunks, &m->larges};
    uint32_t which = sim_below(&w->random, COUNT_OF(buffers) + 5);
    if (n == 0 || which == COUNT_OF(buffers) + 4)
        leat__stack_pool_fail_at(&m->stacks, n);
    if (n == 0 || which == COUNT_OF(buffers))
        leat__pool_fail_at(&m->slots, n);
    if (n == 0 || which == COUNT_OF(buffers) + 1)
        leat__content_fail_at(&m->content, n);
    if (n == 0 || which == COUNT_OF(buffers) + 2)
        leat__pool_fail_at(&m->user[0], n);
    if (n == 0 || which == COUNT_OF(buffers) + 3)
        leat__pool_fail_at(&m->works, n);
    for (uint32_t i = 0; i < COUNT_OF(buffers); i++)
        if (n == 0 || which == i)
            leat__buffer_pool_fail_at(buffers[i], n);
}

static void post_to_all(struct world *w, uint32_t kind)
{
    struct mail mail = {.kind = kind};
    for (uint32_t i = 0; i < w->shard_count; i++)
        leat__sim_post(w->sim, &w->shards[i].conns.loop, &mail, sim_below(&w->random, 100000));
    w->closing = true;
}

static void start_clients(struct world *w)
{
    while (w->started < w->clients_max && w->active < w->at_once && !w->closing &&
           (w->active == 0 || world_now_us(w) >= w->next_start_us)) {
        struct client *c = &w->clients[w->started];
        uint32_t shard = sim_below(&w->random, w->shard_count);
        if (!client_start(c, w, w->started, leat__sim_random_next(&w->random), w->listeners[shard]))
            return;
        w->started++;
        w->active++;
        if (sim_below(&w->random, 20) == 0)
            w->next_start_us = world_now_us(w) +
                               sim_below(&w->random, 3000) * sim_below(&w->random, 3000);
    }
}

static void turn_one(struct world *w)
{
    struct shard *shard = &w->shards[sim_below(&w->random, w->shard_count)];
    leat__shard_memory_here = &shard->conns.memory;
    leat__tasks_here = &shard->conns.tasks;
    shard_turn(shard, -1);
    w->turns++;
    if (w->turns % 64 == 0)
        check_shard(w, shard);
    if (w->turns % 8192 == 0)
        leat__shard_memory_check(&shard->conns.memory);
    if (w->fails && !w->calming && sim_below(&w->random, 50) == 0)
        fail_at(w, shard, 1 + sim_below(&w->random, 20));
    if (w->turns > 10000000)
        world_violation(w, NULL, "this does not end: %u clients are active", w->active);
}

static bool all_are_done(const struct world *w)
{
    for (uint32_t i = 0; i < w->shard_count; i++)
        if (!shard_is_done(&w->shards[i]))
            return false;
    return true;
}

static uint32_t open_connections(const struct world *w)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < w->shard_count; i++)
        open += w->shards[i].conns.open;
    return open;
}

/* A shard that drains accepts no more: who waits at its door is sent away, as when the process ends. */
static void close_doors(struct world *w)
{
    for (uint32_t i = 0; i < w->shard_count; i++)
        if (w->shards[i].conns.common.draining && w->listeners[i] >= 0) {
            if (!w->shared || i == 0)
                leat__sim_listener_close(w->sim, w->listeners[i]);
            w->listeners[i] = -1;
        }
}

static void check_counts(const struct world *w)
{
    uint64_t requests = 0;
    for (uint32_t i = 0; i < w->shard_count; i++)
        requests += w->shards[i].conns.counters.requests;
    if (w->calm && requests != w->answered)
        world_violation(w, NULL, "%llu requests counted, %llu answered",
                        (unsigned long long)requests, (unsigned long long)w->answered);
}

static void live(struct world *w)
{
    while (w->active > 0 || (w->started < w->clients_max && !w->closing)) {
        start_clients(w);
        turn_one(w);
        if (w->turns == w->drain_turn)
            post_to_all(w, w->stops ? MAIL_STOP : MAIL_DRAIN);
        if (w->closing)
            close_doors(w);
    }
    leat__sim_calm(w->sim);
    w->calming = true;
    for (uint32_t i = 0; i < w->shard_count; i++)
        fail_at(w, &w->shards[i], 0);
    while (open_connections(w) > 0)
        turn_one(w);
    for (uint32_t i = 0; i < w->shard_count; i++)
        check_full(w, &w->shards[i]);
    check_counts(w);
    post_to_all(w, MAIL_DRAIN);
    while (!all_are_done(w))
        turn_one(w);
}

static void tell(const struct world *w)
{
    const struct sim_counts *n = leat__sim_counts(w->sim);
    struct counters sum = {0};
    char text[1024];
    for (uint32_t i = 0; i < w->shard_count; i++)
        leat__counters_add(&sum, &w->shards[i].conns.counters);
    leat__counters_describe(&sum, text, sizeof text);
    printf("seed %llu: %s, %u shards, %u clients, %u at once; %llu turns, %.1f s; asked %llu, "
           "answered %llu, turned away %llu; %s; receives %llu, sends %llu (%llu pended), resets "
           "%llu, "
           "stalls %llu, jumps %llu, starved %llu, trace %016llx\n",
           (unsigned long long)w->seed, w->calm ? "calm" : "rough", w->shard_count, w->started,
           w->at_once, (unsigned long long)w->turns,
           (double)(world_now_us(w) - w->start_ms * 1000) / 1e6, (unsigned long long)w->asked,
           (unsigned long long)w->answered, (unsigned long long)w->refused, text,
           (unsigned long long)n->receives, (unsigned long long)n->sends,
           (unsigned long long)n->pended, (unsigned long long)n->resets,
           (unsigned long long)n->stalls, (unsigned long long)n->clock_jumps,
           (unsigned long long)n->starved, (unsigned long long)leat__sim_trace(w->sim));
}

struct world_result world_run(uint64_t seed, uint32_t clients_max, bool verbose)
{
    static struct world world;
    struct world *w = &world;
    *w = (struct world){.seed = seed};
    sim_borrowed = 0;
    draw(w, clients_max);
    open_network(w);
    open_server(w);
    w->clients = calloc(w->clients_max, sizeof *w->clients);
    live(w);
    if (verbose)
        tell(w);
    struct world_result result = {
        .trace = leat__sim_trace(w->sim) ^ w->answered << 32,
        .requests = w->answered,
        .turns = w->turns,
        .connections = leat__sim_counts(w->sim)->accepted,
        .virtual_ms = (uint64_t)(world_now_us(w) / 1000 - w->start_ms),
        .calm = w->calm,
    };
    close_world(w);
    return result;
}
