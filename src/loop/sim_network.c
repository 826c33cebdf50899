/* sim_network.c: the simulated network: connections, what is under way in them, and the clients' side.
 *
 * It behaves as TCP on one machine does where a server can tell: octets arrive in order, in pieces, as late as the link is
 * slow; FIN comes behind the octets; a reset overtakes them and destroys what is under way and, half of the time, what
 * had arrived and nobody had taken. Closing with octets unread resets, and so does an octet sent to who has
 * closed: that is what lingering is for. */
#include "loop/sim_inside.h"
#include "memory/seal.h"
#include <errno.h>

/* ── Making one ──────────────────────────────────────────────────────────────────────────────────────────────── */

static struct sim_queue queue_make(uint32_t *places, size_t entries)
{
    return (struct sim_queue){
        .heap = leat__start_alloc(entries * sizeof(struct sim_entry)),
        .places = places,
    };
}

struct simulation *leat__sim_create(const struct sim_options *options)
{
    ASSERT(options->pipe_min >= 1 && options->pipe_min <= options->pipe_max);
    ASSERT(options->start_ms >= 1);
    struct simulation *s = leat__start_alloc(sizeof *s);
    uint32_t count = options->connections;
    s->options = *options;
    s->faults = options->faults;
    s->now_us = options->start_ms * 1000;
    leat__sim_random_init(&s->random, options->seed);
    s->accepts_at = count * SIM_KINDS;
    s->mails_at = s->accepts_at + SIM_LOOPS_MAX * LOOP_LISTENERS_MAX;
    s->places = leat__start_alloc((s->mails_at + SIM_MAILS_MAX) * sizeof *s->places);
    s->network = queue_make(s->places, (size_t)count * SIM_RECV);
    for (uint32_t i = 0; i < SIM_LOOPS_MAX; i++)
        s->loops[i].queue = queue_make(s->places, (size_t)count * (SIM_KINDS - SIM_RECV) +
                                                      LOOP_LISTENERS_MAX + SIM_MAILS_MAX);
    s->connections = leat__start_alloc(count * sizeof *s->connections);
    s->pipes = leat__start_alloc((size_t)count * 2 * options->pipe_max);
    for (uint32_t i = count; i-- > 0;) {
        s->connections[i].next = s->free;
        s->free = i + 1;
    }
    return s;
}

void leat__sim_destroy(struct simulation *s)
{
    if (s == NULL)
        return;
    for (uint32_t i = 0; i < SIM_LOOPS_MAX; i++) {
        ASSERT(s->loops[i].loop == NULL);
        leat__start_free(s->loops[i].queue.heap);
    }
    leat__start_free(s->network.heap);
    leat__start_free(s->places);
    leat__start_free(s->connections);
    leat__start_free(s->pipes);
    leat__start_free(s);
}

int64_t leat__sim_now_us(const struct simulation *s)
{
    return s->now_us;
}

uint64_t leat__sim_trace(const struct simulation *s)
{
    return s->trace;
}

const struct sim_counts *leat__sim_counts(const struct simulation *s)
{
    return &s->counts;
}

bool leat__sim_idle(const struct simulation *s)
{
    return s->idle;
}

uint32_t leat__sim_alive(const struct simulation *s)
{
    return s->alive;
}

struct sim_faults *leat__sim_faults(struct simulation *s)
{
    return &s->faults;
}

/* ── Events ──────────────────────────────────────────────────────────────────────────────────────────────────── */

static struct sim_queue *queue_of(struct simulation *s, struct sim_connection *c, enum sim_kind k)
{
    return k < SIM_RECV ? &s->network : &c->loop->queue;
}

void leat__sim_schedule(struct simulation *s, struct sim_connection *c, enum sim_kind kind,
                        uint32_t delay_us)
{
    uint32_t tie = (uint32_t)leat__sim_random_next(&s->random);
    leat__sim_queue_put(queue_of(s, c, kind), sim_index(s, c) * SIM_KINDS + kind,
                        s->now_us + delay_us, tie);
}

void leat__sim_unschedule(struct simulation *s, struct sim_connection *c, enum sim_kind kind)
{
    if (kind < SIM_RECV || c->loop != NULL)
        leat__sim_queue_remove(queue_of(s, c, kind), sim_index(s, c) * SIM_KINDS + kind);
}

/* Asks for an arrival; one that is under way, or stalls, is not hurried. */
static void expect_arrival(struct simulation *s, struct sim_connection *c, enum sim_kind kind)
{
    if (s->places[sim_index(s, c) * SIM_KINDS + kind] != 0)
        return;
    const struct sim_pipe *p = kind == SIM_IN ? &c->in : &c->out;
    leat__sim_schedule(s, c, kind, sim_delay(s, p->delay_us_max));
}

void leat__sim_calm(struct simulation *s)
{
    memset(&s->faults, 0, sizeof s->faults);
    for (uint32_t i = 0; i < s->options.connections; i++) {
        struct sim_connection *c = &s->connections[i];
        if (c->alive && s->places[i * SIM_KINDS + SIM_IN] != 0)
            leat__sim_schedule(s, c, SIM_IN, sim_delay(s, c->in.delay_us_max));
        if (c->alive && s->places[i * SIM_KINDS + SIM_OUT] != 0)
            leat__sim_schedule(s, c, SIM_OUT, sim_delay(s, c->out.delay_us_max));
    }
}

/* ── Pipes ───────────────────────────────────────────────────────────────────────────────────────────────────── */

void leat__sim_pipe_write(struct sim_pipe *p, const char *bytes, uint32_t size)
{
    uint32_t at = (uint32_t)(p->written % p->capacity);
    uint32_t first = (uint32_t)size_min(size, p->capacity - at);
    memcpy(p->bytes + at, bytes, first);
    memcpy(p->bytes, bytes + first, size - first);
    p->written += size;
}

void leat__sim_pipe_read(struct sim_pipe *p, char *out, uint32_t size)
{
    uint32_t at = (uint32_t)(p->taken % p->capacity);
    uint32_t first = (uint32_t)size_min(size, p->capacity - at);
    memcpy(out, p->bytes + at, first);
    memcpy(out + first, p->bytes, size - first);
    p->taken += size;
}

static void pipe_init(struct simulation *s, struct sim_pipe *p, char *bytes)
{
    const struct sim_options *o = &s->options;
    struct sim_random *r = &s->random;
    *p = (struct sim_pipe){.reset_at = UINT64_MAX};
    p->bytes = bytes;
    uint32_t widest = 1 + sim_below(r, o->pipe_max - o->pipe_min + 1);
    p->capacity = o->pipe_min + sim_below(r, widest);
    p->delay_us_max = sim_below(r, 2) == 0 ? 0 : sim_below(r, 1 + sim_below(r, o->delay_us_max + 1));
    p->chunk_max = sim_below(r, 4) == 0 ? 1 + sim_below(r, 32) : 512 + sim_below(r, 65536);
}

/* What had not arrived when a reset did is lost; half of the time what nobody had taken too. */
static void pipe_break(struct simulation *s, struct sim_pipe *p)
{
    p->written = p->arrived;
    if (sim_below(&s->random, 2) == 0)
        p->taken = p->written = p->arrived;
    p->fin_sent = p->fin_arrived = false;
}

/* Lets the next piece arrive. True when the pipe's scripted break has been reached. */
static bool pipe_advance(struct simulation *s, struct sim_pipe *p)
{
    if (++p->arrivals % 64 == 0 && p->chunk_max < 65536)
        p->chunk_max *= 2;
    uint64_t piece = size_min(p->written - p->arrived, 1 + sim_below(&s->random, p->chunk_max));
    bool breaks = p->reset_at - p->arrived <= piece;
    p->arrived += breaks ? p->reset_at - p->arrived : piece;
    if (p->arrived == p->written && p->fin_sent)
        p->fin_arrived = true;
    return breaks;
}

/* ── Connections ─────────────────────────────────────────────────────────────────────────────────────────────── */

static void forget_when_over(struct simulation *s, struct sim_connection *c)
{
    if (!c->client_closed || !c->server_closed)
        return;
    for (int kind = 0; kind < SIM_KINDS; kind++)
        leat__sim_unschedule(s, c, (enum sim_kind)kind);
    c->alive = false;
    c->next = s->free;
    s->free = sim_index(s, c) + 1;
    s->alive--;
}

static void client_notify(struct simulation *s, struct sim_connection *c, uint32_t delay_us)
{
    if (!c->client_closed)
        leat__sim_schedule(s, c, SIM_CLIENT, delay_us);
}

static void reset_server(struct simulation *s, struct sim_connection *c)
{
    if (!c->server_closed && !c->server_reset)
        leat__sim_schedule(s, c, SIM_RESET_SERVER, sim_delay(s, c->in.delay_us_max));
}

static void reset_client(struct simulation *s, struct sim_connection *c)
{
    if (!c->client_closed && !c->client_reset)
        leat__sim_schedule(s, c, SIM_RESET_CLIENT, sim_delay(s, c->out.delay_us_max));
}

static void reset_both(struct simulation *s, struct sim_connection *c)
{
    reset_server(s, c);
    reset_client(s, c);
}

/* True when the arrival does not happen now: the pipe stalls, or the connection breaks. */
static bool arrival_fails(struct simulation *s, struct sim_connection *c, enum sim_kind kind)
{
    if (sim_fault(s, s->faults.stall)) {
        s->counts.stalls++;
        leat__sim_schedule(s, c, kind, 1000 * (1 + sim_below(&s->random, s->faults.stall_ms_max)));
        return true;
    }
    if (sim_fault(s, s->faults.reset)) {
        reset_both(s, c);
        return true;
    }
    return false;
}

/* What is on its way in p gets as far as it may now, and the rest follows. */
static void go_on(struct simulation *s, struct sim_connection *c, struct sim_pipe *p, enum sim_kind kind)
{
    bool breaks = pipe_advance(s, p);
    sim_note(s, p->arrived);
    if (breaks)
        reset_both(s, c);
    else if (p->arrived < p->written)
        expect_arrival(s, c, kind);
}

static void in_arrives(struct simulation *s, struct sim_connection *c)
{
    struct sim_pipe *p = &c->in;
    if (arrival_fails(s, c, SIM_IN))
        return;
    go_on(s, c, p, SIM_IN);
    if (!c->server_closed && !c->server_reset) {
        leat__sim_server_readable(s, c);
    } else if (p->taken < p->arrived) {
        p->taken = p->arrived;
        reset_client(s, c);
    }
}

static void out_arrives(struct simulation *s, struct sim_connection *c)
{
    struct sim_pipe *p = &c->out;
    if (arrival_fails(s, c, SIM_OUT))
        return;
    go_on(s, c, p, SIM_OUT);
    if (!c->client_closed && !c->client_reset) {
        client_notify(s, c, 0);
    } else if (p->taken < p->arrived) {
        p->taken = p->arrived;
        reset_server(s, c);
        leat__sim_server_writable(s, c);
    }
}

static void reset_arrives(struct simulation *s, struct sim_connection *c, enum sim_kind kind)
{
    s->counts.resets++;
    if (kind == SIM_RESET_SERVER) {
        c->server_reset = true;
        pipe_break(s, &c->in);
        leat__sim_unschedule(s, c, SIM_IN);
        leat__sim_server_readable(s, c);
        leat__sim_server_writable(s, c);
    } else {
        c->client_reset = true;
        pipe_break(s, &c->out);
        leat__sim_unschedule(s, c, SIM_OUT);
        client_notify(s, c, 0);
    }
}

void leat__sim_network_event(struct simulation *s, uint32_t event)
{
    struct sim_connection *c = &s->connections[event / SIM_KINDS];
    enum sim_kind kind = (enum sim_kind)(event % SIM_KINDS);
    ASSERT(c->alive);
    switch (kind) {
    case SIM_IN:
        in_arrives(s, c);
        break;
    case SIM_OUT:
        out_arrives(s, c);
        break;
    case SIM_CLIENT:
        c->client_blocked = false;
        s->options.on_client(s->options.context, sim_index(s, c), c->client);
        break;
    default:
        reset_arrives(s, c, kind);
        break;
    }
}

/* ── The server's end ────────────────────────────────────────────────────────────────────────────────────────── */

void leat__sim_server_close(struct simulation *s, struct sim_connection *c)
{
    ASSERT(!c->server_closed);
    c->server_closed = true;
    if (sim_pipe_waiting(&c->in) > 0) {
        c->in.taken = c->in.arrived;
        reset_client(s, c);
    }
    if (!c->out.fin_sent && !c->server_reset) {
        c->out.fin_sent = true;
        leat__sim_server_wrote(s, c);
    }
    forget_when_over(s, c);
}

void leat__sim_server_took(struct simulation *s, struct sim_connection *c)
{
    if (c->client_blocked)
        client_notify(s, c, sim_delay(s, c->in.delay_us_max));
}

void leat__sim_server_wrote(struct simulation *s, struct sim_connection *c)
{
    expect_arrival(s, c, SIM_OUT);
}

int leat__sim_listener(struct simulation *s)
{
    ASSERT(s->listener_count < SIM_LISTENERS_MAX);
    s->listeners[s->listener_count] = (struct sim_listener){.open = true};
    return SIM_LISTENER_BASE + (int)s->listener_count++;
}

struct sim_connection *leat__sim_queue_accept(struct simulation *s, uint32_t listener)
{
    struct sim_listener *l = &s->listeners[listener];
    if (l->first == 0)
        return NULL;
    struct sim_connection *c = &s->connections[l->first - 1];
    l->first = c->next;
    l->count--;
    c->next = 0;
    c->accepted = true;
    return c;
}

void leat__sim_listener_close(struct simulation *s, int listener)
{
    struct sim_listener *l = &s->listeners[listener - SIM_LISTENER_BASE];
    l->open = false;
    for (;;) {
        struct sim_connection *c = leat__sim_queue_accept(s, (uint32_t)(listener - SIM_LISTENER_BASE));
        if (c == NULL)
            break;
        reset_client(s, c);
        leat__sim_server_close(s, c);
    }
}

/* ── The client's end ────────────────────────────────────────────────────────────────────────────────────────── */

int leat__sim_connect(struct simulation *s, int listener, void *client)
{
    struct sim_listener *l = &s->listeners[listener - SIM_LISTENER_BASE];
    if (!l->open)
        return -ECONNREFUSED;
    if (s->free == 0 || l->count >= s->options.backlog)
        return -EAGAIN;
    uint32_t index = s->free - 1;
    struct sim_connection *c = &s->connections[index];
    s->free = c->next;
    *c = (struct sim_connection){.client = client, .alive = true};
    char *bytes = s->pipes + (size_t)index * 2 * s->options.pipe_max;
    pipe_init(s, &c->in, bytes);
    pipe_init(s, &c->out, bytes + s->options.pipe_max);
    if (l->first == 0)
        l->first = index + 1;
    else
        s->connections[l->last - 1].next = index + 1;
    l->last = index + 1;
    l->count++;
    s->alive++;
    leat__sim_server_knock(s, (uint32_t)(listener - SIM_LISTENER_BASE));
    return (int)index;
}

static struct sim_connection *client_connection(struct simulation *s, uint32_t connection)
{
    struct sim_connection *c = &s->connections[connection];
    ASSERT(c->alive && !c->client_closed);
    return c;
}

ssize_t leat__sim_client_send(struct simulation *s, uint32_t connection, const void *bytes, size_t size)
{
    struct sim_connection *c = client_connection(s, connection);
    ASSERT(size > 0);
    if (c->client_reset)
        return -ECONNRESET;
    if (c->in.fin_sent)
        return -EPIPE;
    size_t n = size_min(size, sim_pipe_room(&c->in));
    if (n < size)
        c->client_blocked = true;
    if (n == 0)
        return -EAGAIN;
    leat__sim_pipe_write(&c->in, bytes, (uint32_t)n);
    expect_arrival(s, c, SIM_IN);
    return (ssize_t)n;
}

ssize_t leat__sim_client_receive(struct simulation *s, uint32_t connection, void *out, size_t size)
{
    struct sim_connection *c = client_connection(s, connection);
    ASSERT(size > 0);
    size_t n = size_min(size, sim_pipe_waiting(&c->out));
    if (n > 0) {
        leat__sim_pipe_read(&c->out, out, (uint32_t)n);
        leat__sim_server_writable(s, c);
        return (ssize_t)n;
    }
    if (c->client_reset)
        return -ECONNRESET;
    return c->out.fin_arrived ? 0 : -EAGAIN;
}

void leat__sim_client_shutdown(struct simulation *s, uint32_t connection)
{
    struct sim_connection *c = client_connection(s, connection);
    if (c->in.fin_sent || c->client_reset)
        return;
    c->in.fin_sent = true;
    expect_arrival(s, c, SIM_IN);
}

void leat__sim_client_close(struct simulation *s, uint32_t connection)
{
    struct sim_connection *c = client_connection(s, connection);
    if (sim_pipe_waiting(&c->out) > 0) {
        c->out.taken = c->out.arrived;
        reset_server(s, c);
    }
    leat__sim_client_shutdown(s, connection);
    c->client_closed = true;
    leat__sim_unschedule(s, c, SIM_CLIENT);
    leat__sim_unschedule(s, c, SIM_RESET_CLIENT);
    forget_when_over(s, c);
}

void leat__sim_client_reset(struct simulation *s, uint32_t connection)
{
    struct sim_connection *c = client_connection(s, connection);
    c->out.taken = c->out.arrived;
    reset_server(s, c);
    c->client_closed = true;
    leat__sim_unschedule(s, c, SIM_CLIENT);
    leat__sim_unschedule(s, c, SIM_RESET_CLIENT);
    forget_when_over(s, c);
}

bool leat__sim_server_has_closed(const struct simulation *s, uint32_t connection)
{
    return s->connections[connection].server_closed;
}

void leat__sim_client_wake(struct simulation *s, uint32_t connection, uint32_t delay_us)
{
    leat__sim_schedule(s, client_connection(s, connection), SIM_CLIENT, delay_us);
}

/* ── Scripts ─────────────────────────────────────────────────────────────────────────────────────────────────── */

static struct sim_pipe *pipe_of(struct simulation *s, uint32_t connection, enum sim_direction d)
{
    struct sim_connection *c = client_connection(s, connection);
    return d == SIM_TO_SERVER ? &c->in : &c->out;
}

void leat__sim_reset_at(struct simulation *s, uint32_t connection, enum sim_direction direction,
                        uint64_t octet)
{
    pipe_of(s, connection, direction)->reset_at = octet;
}

void leat__sim_step_max(struct simulation *s, uint32_t connection, enum sim_direction direction,
                        uint32_t octets)
{
    pipe_of(s, connection, direction)->step_max = octets;
}

void leat__sim_fail_accepts(struct simulation *s, uint32_t count, int error)
{
    s->fail_accepts = count;
    s->fail_accepts_error = error;
}
