/* loop_sim.c: the backend that serves a shard from a simulation (sim.h). No system call is made here.
 *
 * A wait lets the clock pass to the next thing that happens, and then hands over what is due, in the seeded order. It
 * behaves now as epoll does and now as io_uring: buffers lent one at a time or several, a receive that comes after the
 * pause, one that has to be asked for again, sends that take a piece, cancellations that complete turns later. Whatever
 * the contract in loop.h permits happens to somebody. */
#include "loop/sim_inside.h"
#include <errno.h>

/* ── Buffers ─────────────────────────────────────────────────────────────────────────────────────────────────── */

static void ring_put(struct sim_loop *l, struct buffer *b)
{
    b->lent = true;
    b->next = l->ring;
    l->ring = b;
    l->ring_count++;
}

static struct buffer *ring_take(struct sim_loop *l)
{
    if (l->ring_count == 0) {
        struct buffer *fresh = buffer_acquire(l->loop->receive);
        if (fresh == NULL)
            return NULL;
        ring_put(l, fresh);
    }
    struct buffer *b = l->ring;
    l->ring = b->next;
    l->ring_count--;
    b->next = NULL;
    b->lent = false;
    return b;
}

static void sim_give_back(struct loop *loop, struct buffer *b)
{
    struct sim_loop *l = sim_loop_of(loop);
    ASSERT(l->kept > 0 && !b->lent);
    l->kept--;
    memset(b->data, 0xa5, size_min(b->end, loop->receive->capacity));
    if (l->ring_count < l->ring_size)
        ring_put(l, b);
    else
        buffer_release(loop->receive, b);
}

/* ── Receiving ───────────────────────────────────────────────────────────────────────────────────────────────── */

void leat__sim_server_readable(struct simulation *s, struct sim_connection *c)
{
    if (c->slot == NULL || c->server_closed || (c->slot->loop_flags & SLOT_CLOSING))
        return;
    bool bytes = sim_pipe_waiting(&c->in) > 0;
    bool wanted = (c->slot->loop_flags & SLOT_WANTED) && !c->disarmed;
    if ((wanted && (bytes || c->in.fin_arrived || c->server_reset)) || (c->late && bytes))
        leat__sim_schedule(s, c, SIM_RECV, 0);
}

static void fill(struct simulation *s, struct sim_connection *c, struct buffer *b, uint32_t capacity)
{
    struct sim_pipe *p = &c->in;
    b->start = sim_fault(s, s->faults.offset_receive) ? sim_below(&s->random, 64) : 0;
    uint32_t n = (uint32_t)size_min(sim_pipe_waiting(p), capacity - b->start);
    if (sim_fault(s, s->faults.short_receive))
        n = 1 + sim_below(&s->random, n);
    if (p->step_max > 0)
        n = (uint32_t)size_min(n, p->step_max);
    b->end = b->start + n;
    leat__sim_pipe_read(p, b->data + b->start, n);
    uint64_t noise = leat__sim_random_next(&s->random);
    for (uint32_t i = 0; i < BUFFER_SLACK; i += sizeof noise)
        memcpy(b->data + b->end + i, &noise, sizeof noise);
    s->counts.receives++;
    s->counts.bytes_in += n;
    sim_note(s, n);
}

static void deliver_bytes(struct sim_loop *l, struct sim_connection *c, struct buffer *b)
{
    struct simulation *s = l->simulation;
    struct slot *slot = c->slot;
    fill(s, c, b, l->loop->receive->capacity);
    uint32_t end = b->end;
    c->late = false;
    c->disarmed = sim_fault(s, s->faults.one_shot);
    slot->loop_flags &= (uint8_t)~SLOT_POLL_ARMED;
    leat__sim_server_took(s, c);
    l->kept++;
    if (!loop_deliver(l->loop, slot, b)) {
        l->kept--;
        memset(b->data, 0xa5, end);
        ring_put(l, b);
    }
    if (c->slot == slot)
        leat__sim_server_readable(s, c);
}

static void deliver_end(struct sim_loop *l, struct sim_connection *c)
{
    c->slot->loop_flags &= (uint8_t) ~(SLOT_WANTED | SLOT_RECV_ARMED | SLOT_POLL_ARMED);
    int error = c->server_reset ? -ECONNRESET : 0;
    l->loop->events->on_recv_end(l->loop->context, c->slot, error);
}

static void receive_due(struct sim_loop *l, struct sim_connection *c)
{
    struct simulation *s = l->simulation;
    bool bytes = sim_pipe_waiting(&c->in) > 0;
    bool wanted = (c->slot->loop_flags & SLOT_WANTED) && !c->disarmed;
    if (!wanted && !(c->late && bytes))
        return;
    if (sim_fault(s, s->faults.receive_again)) {
        leat__sim_schedule(s, c, SIM_RECV, sim_delay(s, 300));
        return;
    }
    if (!bytes) {
        if (c->in.fin_arrived || c->server_reset)
            deliver_end(l, c);
        return;
    }
    struct buffer *b = ring_take(l);
    if (b == NULL) {
        s->counts.starved++;
        leat__sim_schedule(s, c, SIM_RECV, sim_delay(s, 2000));
        return;
    }
    deliver_bytes(l, c, b);
}

static void sim_arm_recv(struct loop *loop, struct slot *slot)
{
    struct sim_connection *c = sim_connection_of(loop, slot);
    ASSERT(!(slot->loop_flags & SLOT_CLOSING));
    slot->loop_flags |= SLOT_WANTED;
    if (c->armed && !(slot->loop_flags & SLOT_POLL_ARMED))
        slot->loop_flags |= SLOT_RECV_ARMED;
    c->disarmed = c->late = false;
    leat__sim_server_readable(sim_loop_of(loop)->simulation, c);
}

static void sim_pause_recv(struct loop *loop, struct slot *slot)
{
    struct sim_connection *c = sim_connection_of(loop, slot);
    struct simulation *s = sim_loop_of(loop)->simulation;
    ASSERT(!(slot->loop_flags & SLOT_CLOSING));
    if (slot->loop_flags & SLOT_WANTED)
        c->late = sim_pipe_waiting(&c->in) > 0 && sim_fault(s, s->faults.late_receive);
    slot->loop_flags &= (uint8_t) ~(SLOT_WANTED | SLOT_RECV_ARMED);
    leat__sim_server_readable(s, c);
}

static void sim_quiet(struct loop *loop, struct slot *slot)
{
    sim_connection_of(loop, slot);
    ASSERT(!(slot->loop_flags & (SLOT_CLOSING | SLOT_SEND_ARMED)));
    slot->loop_flags &= (uint8_t)~SLOT_RECV_ARMED;
    slot->loop_flags |= SLOT_POLL_ARMED;
}

/* ── Accepting ───────────────────────────────────────────────────────────────────────────────────────────────── */

static uint32_t accept_event(const struct sim_loop *l, unsigned listener)
{
    const struct simulation *s = l->simulation;
    return s->accepts_at + (uint32_t)(l - s->loops) * LOOP_LISTENERS_MAX + listener;
}

static void knock(struct sim_loop *l, unsigned listener)
{
    struct simulation *s = l->simulation;
    uint32_t tie = (uint32_t)leat__sim_random_next(&s->random);
    leat__sim_queue_put(&l->queue, accept_event(l, listener), s->now_us + sim_delay(s, 100), tie);
}

void leat__sim_server_knock(struct simulation *s, uint32_t listener)
{
    for (uint32_t i = 0; i < SIM_LOOPS_MAX; i++)
        for (unsigned j = 0; s->loops[i].loop != NULL && j < LOOP_LISTENERS_MAX; j++)
            if (s->loops[i].listening[j].listener == listener + 1 && !s->loops[i].listening[j].paused)
                knock(&s->loops[i], j);
}

static int sim_listen(struct loop *loop, int fd, unsigned listener)
{
    struct sim_loop *l = sim_loop_of(loop);
    ASSERT(listener < LOOP_LISTENERS_MAX);
    ASSERT(fd >= SIM_LISTENER_BASE && fd < SIM_LISTENER_BASE + SIM_LISTENERS_MAX);
    l->listening[listener].listener = (uint32_t)(fd - SIM_LISTENER_BASE) + 1;
    l->listening[listener].paused = false;
    knock(l, listener);
    return 0;
}

static void sim_unlisten(struct loop *loop, unsigned listener)
{
    struct sim_loop *l = sim_loop_of(loop);
    l->listening[listener].listener = 0;
    leat__sim_queue_remove(&l->queue, accept_event(l, listener));
}

/* Zero, or why accepting fails this time. */
static int accept_error(struct simulation *s)
{
    static const int errors[] = {-EMFILE, -ENFILE, -ENOMEM, -ENOBUFS};
    if (s->fail_accepts > 0) {
        s->fail_accepts--;
        return s->fail_accepts_error;
    }
    return sim_fault(s, s->faults.accept_failure) ? errors[sim_below(&s->random, 4)] : 0;
}

static void accept_due(struct sim_loop *l, unsigned listener)
{
    struct simulation *s = l->simulation;
    uint32_t number = l->listening[listener].listener;
    if (number == 0 || l->listening[listener].paused || s->listeners[number - 1].count == 0)
        return;
    int error = accept_error(s);
    if (error != 0) {
        s->counts.accept_failures++;
        l->listening[listener].paused = true;
        l->loop->events->on_accept_failed(l->loop->context, listener, error);
        return;
    }
    struct sim_connection *c = leat__sim_queue_accept(s, number - 1);
    s->counts.accepted++;
    c->loop = l;
    l->loop->events->on_accept(l->loop->context, SIM_FD_BASE + (int)sim_index(s, c), listener);
    ASSERT(c->slot != NULL || c->server_closed); /* adopted, or refused */
    if (l->listening[listener].listener != 0 && s->listeners[number - 1].count > 0)
        knock(l, listener);
}

static int sim_adopt(struct loop *loop, struct slot *slot, int fd)
{
    struct sim_loop *l = sim_loop_of(loop);
    struct simulation *s = l->simulation;
    struct sim_connection *c = &s->connections[fd - SIM_FD_BASE];
    ASSERT(c->alive && c->loop == l && c->slot == NULL && !c->server_closed);
    if (sim_fault(s, s->faults.adopt_failure))
        return -ENOMEM;
    slot->next = slot->prev = 0;
    slot->fd = fd;
    if (++loop->generation == 0)
        loop->generation = 1;
    slot->generation = loop->generation;
    slot->deadline = 0;
    slot->bucket = 0;
    slot->loop_flags = 0;
    c->slot = slot;
    c->armed = sim_fault(s, s->faults.armed);
    l->seats++;
    return 0;
}

static void sim_refuse(struct loop *loop, int fd, const void *bytes, size_t size, bool drop)
{
    struct sim_loop *l = sim_loop_of(loop);
    struct simulation *s = l->simulation;
    struct sim_connection *c = &s->connections[fd - SIM_FD_BASE];
    ASSERT(c->alive && c->loop == l && !c->server_closed && c->send == NULL);
    uint32_t n = (uint32_t)size_min(size, sim_pipe_room(&c->out));
    if (n > 0 && !c->server_reset && !c->out.fin_sent) {
        leat__sim_pipe_write(&c->out, bytes, n);
        leat__sim_server_wrote(s, c);
    }
    if (!drop)
        return;
    ASSERT(c->slot == NULL);
    s->counts.refused++;
    c->in.taken = c->in.arrived;
    leat__sim_server_close(s, c);
}

/* ── Closing ─────────────────────────────────────────────────────────────────────────────────────────────────── */

static void finish_close(struct sim_loop *l, struct sim_connection *c)
{
    struct slot *slot = c->slot;
    leat__sim_send_check(c);
    slot->loop_flags &= (uint8_t) ~(SLOT_SEND_ARMED | SLOT_POLL_ARMED | SLOT_RECV_ARMED);
    c->send = NULL;
    c->slot = NULL;
    l->seats--;
    leat__sim_unschedule(l->simulation, c, SIM_SEND);
    leat__sim_server_close(l->simulation, c);
    slot->fd = -1;
    leat__loop_bury(l->loop, slot);
}

static void sim_close_slot(struct loop *loop, struct slot *slot)
{
    struct sim_connection *c = sim_connection_of(loop, slot);
    struct simulation *s = sim_loop_of(loop)->simulation;
    c->late = false;
    leat__sim_unschedule(s, c, SIM_RECV);
    if (sim_fault(s, s->faults.late_cancel)) {
        s->counts.late_cancels++;
        slot->loop_flags |= SLOT_CANCELLING;
        leat__sim_schedule(s, c, SIM_CANCELLED, sim_delay(s, 5000));
        return;
    }
    finish_close(sim_loop_of(loop), c);
}

/* ── The turn ────────────────────────────────────────────────────────────────────────────────────────────────── */

static void loop_event(struct sim_loop *l, uint32_t event)
{
    struct simulation *s = l->simulation;
    if (event >= s->mails_at) {
        struct sim_mail *m = &s->mails[event - s->mails_at];
        m->to = NULL;
        l->loop->events->on_mail(l->loop->context, &m->mail);
        return;
    }
    if (event >= s->accepts_at) {
        accept_due(l, (event - s->accepts_at) % LOOP_LISTENERS_MAX);
        return;
    }
    struct sim_connection *c = &s->connections[event / SIM_KINDS];
    ASSERT(c->alive && c->slot != NULL && c->loop == l);
    switch (event % SIM_KINDS) {
    case SIM_RECV:
        receive_due(l, c);
        break;
    case SIM_SEND:
        leat__sim_send_due(l, c);
        break;
    default:
        finish_close(l, c);
        break;
    }
}

/* The next moment at which something happens to anybody. */
static int64_t next_us(const struct simulation *s)
{
    int64_t next = sim_queue_next_us(&s->network);
    for (uint32_t i = 0; i < SIM_LOOPS_MAX; i++) {
        const struct sim_loop *l = &s->loops[i];
        if (l->loop == NULL)
            continue;
        if (l->loop->mailbox != NULL && leat__mailbox_has_mail(l->loop->mailbox))
            return s->now_us;
        int64_t its = sim_queue_next_us(&l->queue);
        its = its < l->wake_us ? its : l->wake_us;
        next = its < next ? its : next;
    }
    return next;
}

static void pass_time(struct simulation *s)
{
    int64_t next = next_us(s);
    s->idle = next == INT64_MAX;
    if (s->idle)
        return;
    if (next > s->now_us)
        s->now_us = next + sim_below(&s->random, s->options.jitter_us_max + 1);
    if (s->faults.clock_jump > 0 && sim_below(&s->random, 1000000) < s->faults.clock_jump) {
        int64_t jump_ms = 1 + sim_below(&s->random, s->faults.clock_jump_ms_max);
        s->now_us += jump_ms * 1000;
        s->counts.clock_jumps++;
        s->counts.jumped_ms += (uint64_t)jump_ms;
    }
}

static void take_mail(struct loop *loop)
{
    struct mail mail;
    while (loop->mailbox != NULL && leat__mailbox_take(loop->mailbox, &mail))
        loop->events->on_mail(loop->context, &mail);
}

static void sim_wait(struct loop *loop, int64_t timeout_ms)
{
    struct sim_loop *l = sim_loop_of(loop);
    struct simulation *s = l->simulation;
    /* From the loop's own time: what went by since then, while other loops ran, is not slept again. */
    l->wake_us = timeout_ms < 0 ? INT64_MAX : (loop->now_ms + timeout_ms) * 1000;
    if (!sim_fault(s, s->faults.spurious_wake))
        pass_time(s);
    s->counts.waits++;
    loop_woke(loop);
    loop->now_ms = s->now_us / 1000;
    loop->realtime_s = 1700000000 + s->now_us / 1000000;
    take_mail(loop);
    uint32_t most = 1 + sim_below(&s->random, 256);
    for (uint32_t i = 0; i < most; i++) {
        bool own = sim_queue_is_before(&l->queue, &s->network);
        struct sim_queue *q = own ? &l->queue : &s->network;
        if (sim_queue_next_us(q) > s->now_us)
            break;
        uint32_t event = leat__sim_queue_pop(q);
        s->counts.events++;
        sim_note(s, (uint64_t)s->now_us << 24 ^ event);
        if (own)
            loop_event(l, event);
        else
            leat__sim_network_event(s, event);
    }
}

void leat__sim_kick(struct simulation *s, struct loop *loop)
{
    sim_loop_of(loop)->wake_us = s->now_us;
}

void leat__sim_post(struct simulation *s, struct loop *loop, const struct mail *mail, uint32_t delay_us)
{
    uint32_t i = 0;
    while (i < SIM_MAILS_MAX && s->mails[i].to != NULL)
        i++;
    ASSERT(i < SIM_MAILS_MAX);
    s->mails[i] = (struct sim_mail){.to = sim_loop_of(loop), .mail = *mail};
    leat__sim_queue_put(&sim_loop_of(loop)->queue, s->mails_at + i, s->now_us + delay_us, 0);
}

/* ── Opening and closing ─────────────────────────────────────────────────────────────────────────────────────── */

static int sim_open(struct loop *loop, const struct loop_options *options)
{
    struct simulation *s = options->simulation;
    if (s == NULL)
        return -EINVAL;
    struct sim_loop *l = s->loops;
    while (l < s->loops + SIM_LOOPS_MAX && l->loop != NULL)
        l++;
    ASSERT(l < s->loops + SIM_LOOPS_MAX);
    struct sim_queue queue = l->queue;
    *l = (struct sim_loop){.simulation = s, .loop = loop, .queue = queue, .wake_us = s->now_us};
    l->ring_size = 1 + sim_below(&s->random, options->receive_ring > 0 ? options->receive_ring : 1);
    ring_put(l, loop->scratch);
    loop->scratch = NULL;
    loop->state = l;
    loop->now_ms = s->now_us / 1000;
    loop->realtime_s = 1700000000 + s->now_us / 1000000;
    return 0;
}

static void sim_close(struct loop *loop)
{
    struct sim_loop *l = sim_loop_of(loop);
    ASSERT(l->kept == 0 && l->seats == 0);
    while (l->ring_count > 0)
        buffer_release(loop->receive, ring_take(l));
    for (uint32_t i = 0; i < SIM_MAILS_MAX; i++)
        if (l->simulation->mails[i].to == l)
            l->simulation->mails[i].to = NULL;
    while (l->queue.count > 0)
        leat__sim_queue_pop(&l->queue);
    l->loop = NULL;
}

/* There are no descriptors here but connections: whatever else is asked for is ready. */
static int sim_arm_poll(struct loop *loop, int fd, unsigned events, uint32_t index, uint32_t serial)
{
    (void)loop, (void)fd, (void)events, (void)index, (void)serial;
    return -EPERM;
}

static void sim_cancel_poll(struct loop *loop, int fd, uint32_t index, uint32_t serial)
{
    (void)loop, (void)fd, (void)index, (void)serial;
}

const struct loop_backend leat__loop_sim = {
    .name = "simulated",
    .open = sim_open,
    .close = sim_close,
    .wait = sim_wait,
    .listen = sim_listen,
    .unlisten = sim_unlisten,
    .adopt = sim_adopt,
    .arm_recv = sim_arm_recv,
    .pause_recv = sim_pause_recv,
    .arm_poll = sim_arm_poll,
    .cancel_poll = sim_cancel_poll,
    .arm_send = leat__sim_arm_send,
    .shutdown_write = leat__sim_shutdown_write,
    .close_slot = sim_close_slot,
    .quiet = sim_quiet,
    .give_back = sim_give_back,
    .refuse = sim_refuse,
};
