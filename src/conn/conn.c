/* conn.c: what happens to a connection: accept, bytes, deadline, the end. The steps from bytes to response are in
 * step.c, the queue of bytes in input.c. */
#define _GNU_SOURCE /* strerrordesc_np */
#include "conn/conn.h"
#include "conn/content.h"
#include "conn/step.h"
#include "observe/probes.h"
#include "task/blocking.h"
#include <errno.h>

_Static_assert(sizeof(struct metrics) == PLAN_METRICS && sizeof(struct route_metrics) == PLAN_ROUTE_METRICS,
               "the plan's row");

static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\n"
                           "Retry-After: 1\r\n"
                           "Content-Length: 0\r\n"
                           "Connection: close\r\n\r\n";

const char *leat__conn_state_name(enum conn_state state)
{
    static const char *const names[] = {
#define STATE(name, holds, waits_for, deadline) #name,
#include "conn/states.def"
#undef STATE
    };
    return state < CONN_STATE_COUNT ? names[state] : "?";
}

const char *leat__conn_state_label(enum conn_state state, char label[static CONN_STATE_LABEL])
{
    const char *name = leat__conn_state_name(state);
    size_t size = size_min(strlen(name), CONN_STATE_LABEL - 1);
    for (size_t i = 0; i < size; i++)
        label[i] = (char)(name[i] | 0x20); /* they are all letters */
    label[size] = '\0';
    return label;
}

void leat__conns_limit(struct conns *c, const struct conn_limits *limits)
{
    c->limits = *limits;
    c->common.content_max = limits->content_max;
    c->common.file_check_ms = limits->file_check_ms;
}

void leat__conns_init(struct conns *c, const struct conn_limits *limits)
{
    leat__conns_limit(c, limits);
    c->common.memory = &c->memory;
    c->common.counters = &c->counters;
    c->common.metrics = c->loop.metrics = (struct metrics *)(void *)c->memory.metrics;
    c->common.slow_ticks = ticks_of_ms(LOOP_SLOW_MS);
    c->common.now_s = &c->loop.realtime_s;
    c->common.date_s = INT64_MIN;
    c->common.now_ms = &c->loop.now_ms;
    c->common.slots = c->loop.slots;
    c->common.carrier = &leat__conn_carrier;
    c->trim_at_ms = c->loop.now_ms + CONN_TRIM_MS;
    c->loop.alarm_ms = c->trim_at_ms;
}

int leat__conns_listen(struct conns *c, unsigned i, int fd, const struct net_options *options)
{
    c->listener_options[i] = options;
    if (options != NULL && net_proxy_versions(options) != NET_PROXY_OFF)
        c->proxy_listeners |= UINT64_C(1) << i;
    if (options != NULL && leat__net_needs_accepted(options))
        c->accepted_listeners |= UINT64_C(1) << i;
    int error = loop_listen(&c->loop, fd, i);
    if (error < 0)
        return error;
    c->listeners[i] = fd;
    if (i >= c->listener_count)
        c->listener_count = i + 1;
    return 0;
}

void leat__conn_idle_deadline(struct conns *c, struct slot *s)
{
    uint32_t ms = c->limits.idle_timeout_ms;
    if (((s->loop_flags & SLOT_RECV_ARMED) || c->common.draining) && ms > CONN_QUIET_MS)
        ms = CONN_QUIET_MS;
    loop_set_deadline(&c->loop, s, ms);
}

enum { SINCE_MASK = (1 << 24) - 1 };

static void on_accept(void *context, int fd, unsigned listener)
{
    struct conns *c = context;
    struct slot *s = c->open < c->seats ? pool_acquire(&c->memory.slots) : NULL;
    if (UNLIKELY(s == NULL)) {
        count_refusal(&c->counters.refused_slot, EVENT_REFUSED_SLOT, "slot", NULL);
        exchange_note_shortage(&c->common, SHORT_SLOT);
        loop_refuse(&c->loop, fd, busy, sizeof busy - 1, true);
        return;
    }
    memset(s, 0, sizeof *s);
    if (UNLIKELY(loop_adopt(&c->loop, s, fd) < 0)) {
        c->counters.accept_failures++;
        leat__event(EVENT_ACCEPT_FAILED);
        loop_refuse(&c->loop, fd, busy, sizeof busy - 1, true);
        memset(s, 0, sizeof *s);
        pool_release(&c->memory.slots, s);
        return;
    }
    s->listener = listener & 0x7f;
    s->fresh = 1;
    s->since = (uint64_t)c->loop.now_ms & SINCE_MASK;
    if (c->memory.peers != NULL)
        leat__net_peer(fd, (struct net_peer *)(void *)c->memory.peers + loop_slot_index(&c->loop, s));
    if (UNLIKELY(c->accepted_listeners & (UINT64_C(1) << listener)))
        leat__net_accepted(fd, c->listener_options[listener]);
    s->state = CONN_IDLE;
    c->open++;
    c->counters.connections++;
    PROBE(accepted, s, fd, listener);
    if (UNLIKELY(c->common.routes->hooks != NULL) && !leat__conn_is_wanted(c, s)) {
        leat__conn_close(c, s);
        return;
    }
    loop_arm_recv(&c->loop, s);
    leat__conn_idle_deadline(c, s);
}

static void tell_accept_failure(int error)
{
    const char *what = strerrordesc_np(error < 0 ? -error : error);
    leat__event_with(EVENT_ACCEPT_FAILED, NULL, "accepting failed: %s", what != NULL ? what : "?");
}

static void on_accept_failed(void *context, unsigned listener, int error)
{
    struct conns *c = context;
    c->counters.accept_failures++;
    tell_accept_failure(error);
    c->listeners_paused |= UINT64_C(1) << listener;
    int64_t at = c->loop.now_ms + CONN_ACCEPT_PAUSE_MS;
    if (at < c->loop.alarm_ms)
        c->loop.alarm_ms = at;
}

void leat__conn_close(struct conns *c, struct slot *s)
{
    if (s->state == CONN_CLOSED)
        return;
    s->state = CONN_CLOSED;
    PROBE(closed, s, s->fd);
    leat__loop_close(&c->loop, s);
}

void leat__conn_give_room_back(struct conns *c, struct slot *s)
{
    struct leat_exchange *x = conn_exchange(c, s);
    leat__exchange_end(x);
    leat__input_drop(c, x);
    s->exchange = 0;
    buffer_release(&c->memory.rooms, x->room);
}

void leat__conn_linger(struct conns *c, struct slot *s)
{
    s->state = CONN_LINGERING;
    loop_shutdown_write(&c->loop, s);
    loop_set_deadline(&c->loop, s, CONN_LINGER_MS);
    loop_arm_recv(&c->loop, s);
}

/* The first octet of a request: the connection borrows a room. NULL: there is none, and the client has been told. */
static struct leat_exchange *borrow_room(struct conns *c, struct slot *s)
{
    struct buffer *room = buffer_acquire(&c->memory.rooms);
    if (UNLIKELY(room == NULL)) {
        count_refusal(&c->counters.refused_exchange, EVENT_REFUSED_EXCHANGE, "exchange", NULL);
        exchange_note_shortage(&c->common, SHORT_EXCHANGE);
        loop_refuse(&c->loop, s->fd, busy, sizeof busy - 1, false);
        leat__conn_linger(c, s);
        return NULL;
    }
    s->exchange = room->index + 1;
    return leat__exchange_open(&c->common, room, s);
}

/* While something else is under way: content that a handler waits for; or a burst's next requests, whose time comes. */
static void on_bytes_meanwhile(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    if (s->state == CONN_WAITING && x->way.wants == WANT_CONTENT) {
        leat__task_make_ready(x->task, 0);
        leat__conn_advance(c, s, x);
    } else if (s->state == CONN_WAITING && x->task != NULL) {
        leat__conn_listen_on(c, s, x);
    } else {
        loop_pause_recv(&c->loop, s);
    }
}

/* It has said its first octet. */
static void note_first_byte(struct conns *c, struct slot *s)
{
    uint64_t waited_ms = ((uint64_t)c->loop.now_ms - s->since) & SINCE_MASK;
    s->fresh = 0;
    if (waited_ms == 0)
        metrics_add(&c->common.metrics->first_bytes_at_once, 1);
    else
        metrics_record(&c->common.metrics->first_byte, waited_ms);
}

void leat__conn_on_bytes(void *context, struct slot *s, struct buffer *b)
{
    struct conns *c = context;
    struct leat_exchange *x;
    uint32_t octets = b->end - b->start;
    PROBE(bytes, s, s->fd, octets);
    metrics_add(&c->common.metrics->received, octets);
    if (UNLIKELY(s->fresh))
        note_first_byte(c, s);
    if (LIKELY(s->state == CONN_IDLE)) {
        x = borrow_room(c, s);
        if (UNLIKELY(x == NULL))
            return;
    } else if (UNLIKELY(s->exchange == 0)) { /* lingering: thrown away */
        loop_arm_recv(&c->loop, s);
        return;
    } else {
        x = conn_exchange(c, s);
    }
    c->lent = b;
    leat__input_add(c, x, b);
    if (LIKELY(s->state < CONN_WAITING))
        leat__conn_advance(c, s, x);
    else
        on_bytes_meanwhile(c, s, x);
    if (UNLIKELY(c->lent != NULL)) { /* something of it is still needed */
        c->lent = NULL;
        loop_keep(&c->loop);
    }
}

/* The client sends no more while a handler runs: it has gone, most likely. What it waits for is over, and what it answers
 * is still sent, should somebody read it. */
static void on_client_gone(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    x->flags |= X_EOF;
    if (x->task == NULL)
        return; /* what was asked before is still answered */
    if (x->way.wants != WANT_CONTENT) {
        leat__task_cancel(x->task);
        return;
    }
    x->task->canceled = true; /* from its next wait on; now it gets what has come of the content (after_send) */
    if (s->state == CONN_WAITING) {
        leat__task_make_ready(x->task, -ECONNRESET);
        leat__conn_advance(c, s, x);
    }
}

static void on_recv_end(void *context, struct slot *s, int error)
{
    struct conns *c = context;
    if (error < 0)
        c->counters.resets++;
    if (error == 0 && (s->state == CONN_WRITING || s->state == CONN_WAITING))
        on_client_gone(c, s, conn_exchange(c, s));
    else
        leat__conn_close(c, s);
}

static void on_sent(void *context, struct slot *s, int error)
{
    struct conns *c = context;
    if (s->state != CONN_WRITING)
        return;
    if (UNLIKELY(error < 0)) {
        c->counters.resets++;
        leat__conn_close(c, s);
        return;
    }
    leat__conn_on_sent(c, s, conn_exchange(c, s));
}

/* A content moves on, and has another deadline. */
static bool content_moves(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    uint32_t timeout_ms = c->limits.content_timeout_ms;
    if (!leat__conn_moved_enough(&x->content_moved, x->content_size, timeout_ms))
        return false;
    x->since_ms = c->loop.now_ms;
    loop_set_deadline(&c->loop, s, timeout_ms);
    return true;
}

/* … of a handler that reads it. */
static void on_slow_content(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    if (content_moves(c, s, x))
        return;
    c->counters.timeouts++;
    leat__event(EVENT_LATE_REQUEST);
    leat__exchange_refuse(x, 408, "The request came too slowly");
    leat__task_make_ready(x->task, -ETIMEDOUT);
    leat__conn_advance(c, s, x);
}

/* Waiting is bounded as writing is; or it was only for a work to be free. */
static void on_waiting_deadline(struct conns *c, struct slot *s)
{
    struct leat_exchange *x = conn_exchange(c, s);
    if (x->flags & X_RETRY) {
        leat__conn_go_on(c, s, x);
        return;
    }
    if (x->task != NULL && x->way.wants == WANT_CONTENT) {
        on_slow_content(c, s, x);
        return;
    }
    c->counters.timeouts++;
    leat__event(EVENT_LATE_READER);
    leat__conn_close(c, s);
}

static void on_write_deadline(struct conns *c, struct slot *s)
{
    struct leat_exchange *x = conn_exchange(c, s);
    uint32_t timeout_ms = c->limits.write_timeout_ms;
    if (leat__conn_moved_enough(&x->send_moved, x->send.sent, timeout_ms)) {
        loop_set_deadline(&c->loop, s, timeout_ms);
        return;
    }
    c->counters.timeouts++;
    leat__event(EVENT_LATE_READER);
    leat__conn_close(c, s);
}

static void on_read_deadline(struct conns *c, struct slot *s)
{
    struct leat_exchange *x = conn_exchange(c, s);
    if (s->state == CONN_CONTENT && content_moves(c, s, x))
        return;
    c->counters.timeouts++;
    leat__event(EVENT_LATE_REQUEST);
    leat__conn_refuse(c, s, x, 408, "The request came too slowly");
}

static void on_deadline(void *context, struct slot *s)
{
    struct conns *c = context;
    switch ((enum conn_state)s->state) {
    case CONN_IDLE:
        if (s->loop_flags & SLOT_RECV_ARMED) {
            loop_quiet(&c->loop, s);
            uint32_t idle = c->limits.idle_timeout_ms;
            loop_set_deadline(&c->loop, s,
                              idle == UINT32_MAX     ? UINT32_MAX
                              : idle > CONN_QUIET_MS ? idle - CONN_QUIET_MS
                                                     : 0);
            return;
        }
        leat__conn_close(c, s);
        return;
    case CONN_HEAD:
    case CONN_CONTENT:
        on_read_deadline(c, s);
        return;
    case CONN_WRITING:
        on_write_deadline(c, s);
        return;
    case CONN_WAITING:
        on_waiting_deadline(c, s);
        return;
    case CONN_LINGERING:
        leat__conn_close(c, s);
        return;
    case CONN_FREE:
    case CONN_RUNNING:
    case CONN_CLOSED:
    case CONN_STATE_COUNT:
        return;
    }
}

/* The handler runs on, to its end: nothing that it waits for comes any more. */
static void cancel_handler(struct leat_exchange *x)
{
    x->task->canceled = true;
    if (x->way.write_error == 0)
        x->way.write_error = -ECONNRESET;
    if (x->way.wants == WANT_SENT)
        leat__task_make_ready(x->task, -ECONNRESET);
    leat__task_cancel(x->task);
    leat__task_queue(x->task); /* it may have been ready before */
}

/* The loop has let go of it. A work that is under way may still point into the exchange, and a handler has it still: then
 * the seat and the room wait for them. */
static void on_closed(void *context, struct slot *s)
{
    struct conns *c = context;
    struct leat_exchange *x = s->exchange != 0 ? conn_exchange(c, s) : NULL;
    if (x != NULL && x->task != NULL)
        cancel_handler(x);
    if (x != NULL && (x->work != NULL || x->task != NULL))
        return;
    if (s->exchange != 0)
        leat__conn_give_room_back(c, s);
    memset(s, 0, sizeof *s);
    pool_release(&c->memory.slots, s);
    c->open--;
}

static void resume_listeners(struct conns *c)
{
    while (c->listeners_paused != 0) {
        unsigned i = (unsigned)__builtin_ctzll(c->listeners_paused);
        c->listeners_paused &= c->listeners_paused - 1;
        if (!c->common.draining)
            loop_listen(&c->loop, c->listeners[i], i);
    }
}

static void on_alarm(void *context)
{
    struct conns *c = context;
    enum { TRIM_BUDGET = 4 << 20, TRIM_AGAIN_MS = 100 };
    int64_t now = c->loop.now_ms;
    resume_listeners(c);
    if (now >= c->trim_at_ms) {
        size_t trimmed = leat__shard_memory_trim(&c->memory, now, TRIM_BUDGET);
        if (c->memory.region.mode == REGION_RESERVE)
            trimmed += loop_trim(&c->loop, TRIM_BUDGET);
        c->trim_at_ms = now + (trimmed >= TRIM_BUDGET / 2 ? TRIM_AGAIN_MS : CONN_TRIM_MS);
    }
    c->loop.alarm_ms = c->trim_at_ms;
}

static void on_work(struct conns *c, struct work *work)
{
    struct slot *s = &c->loop.slots[work->slot];
    struct leat_exchange *x = conn_exchange(c, s);
    bool gone = s->state == CONN_CLOSED;
    leat__exchange_work_done(x, work, gone);
    if (gone && s->generation == 0)
        on_closed(c, s); /* what waited for the work */
    else if (s->state == CONN_WAITING)
        leat__conn_go_on(c, s, x);
}

/* A handler's task is ready (struct exchange_carrier). While its connection is sending it waits for that, unless its time
 * is over: then sending is. */
static void go(struct task *task)
{
    struct leat_exchange *x = task->exchange;
    struct conns *c = (struct conns *)(void *)((char *)x->common - offsetof(struct conns, common));
    struct slot *s = x->slot;
    if (s->state == CONN_WAITING) {
        leat__conn_go_on(c, s, x);
    } else if (s->state == CONN_WRITING && x->way.wants == WANT_SENT && task->result == -ETIMEDOUT) {
        c->counters.timeouts++;
        leat__event(EVENT_LATE_READER);
        leat__conn_close(c, s);
    } else if (s->state == CONN_CLOSED && s->generation == 0 && leat__exchange_go_on(x)) {
        leat__conn_note_broken(x);
        on_closed(c, s);
    }
}

const struct exchange_carrier leat__conn_carrier = {
    .read = leat__conn_read,
    .collect = leat__conn_collect,
    .leave = leat__conn_leave,
    .go = go,
};

/* Others have waited that long; the handler that kept them is named, if it was one of a route. */
static void on_slow_turn(void *context, uint64_t ticks)
{
    struct conns *c = context;
    struct event_fields fields;
    uint64_t per_ms = ticks_of_ms(1);
    const struct chain *chain = c->common.slow_chain;
    uint64_t took = c->common.slow_took;
    c->common.slow_took = 0;
    if (!leat__event_is_due(EVENT_SLOW_TURN))
        return;
    event_fields_init(&fields);
    if (took == 0) {
        leat__event_with(EVENT_SLOW_TURN, NULL, "a turn of the loop took %llu ms",
                         (unsigned long long)(ticks / per_ms));
        return;
    }
    leat__event_field_text(&fields, "method", chain->method, strlen(chain->method));
    leat__event_field_text(&fields, "route", chain->pattern, strlen(chain->pattern));
    leat__event_with(EVENT_SLOW_TURN, &fields,
                     "a turn of the loop took %llu ms, of which a handler kept it for %llu",
                     (unsigned long long)(ticks / per_ms), (unsigned long long)(took / per_ms));
}

static void on_due(void *context)
{
    struct conns *c = context;
    leat__tasks_turn(c->common.tasks);
}

static void on_poll(void *context, uint32_t index, uint32_t serial, int events)
{
    struct conns *c = context;
    leat__tasks_on_poll(c->common.tasks, index, serial, events);
}

static void on_wake(struct conns *c, const struct mail *mail)
{
    struct slot *s = &c->loop.slots[mail->slot];
    if (s->generation == mail->generation && s->state == CONN_WAITING)
        leat__conn_go_on(c, s, conn_exchange(c, s));
}

static void take_limits(struct conns *c, struct conn_next_limits *next)
{
    leat__conns_limit(c, &next->limits);
    atomic_store_explicit(&next->are_under_way, false, memory_order_release);
}

static void on_mail(void *context, const struct mail *mail)
{
    struct conns *c = context;
    if (mail->kind == MAIL_WORK)
        on_work(c, (struct work *)(uintptr_t)mail->value);
    else if (mail->kind == MAIL_WAKE)
        on_wake(c, mail);
    else if (mail->kind == MAIL_UNPARK && c->common.tasks != NULL)
        leat__tasks_unpark(c->common.tasks, mail->value);
    else if (mail->kind == MAIL_DONE)
        leat__blocking_on_done(mail->value);
    else if (mail->kind == MAIL_LIMITS)
        take_limits(c, (struct conn_next_limits *)(uintptr_t)mail->value);
    else if (mail->kind == MAIL_REPORT)
        leat__conns_report(c);
    else if (mail->kind == MAIL_DRAIN)
        leat__conns_drain(c);
    else if (mail->kind == MAIL_STOP)
        leat__conns_stop(c);
}

void leat__conns_drain(struct conns *c)
{
    if (c->common.draining)
        return;
    c->common.draining = true;
    for (unsigned i = 0; i < c->listener_count; i++)
        loop_unlisten(&c->loop, i);
    for (uint32_t i = 0; i < c->memory.slots.count && c->open > 0; i++)
        if (c->loop.slots[i].state == CONN_IDLE)
            leat__conn_close(c, &c->loop.slots[i]);
}

void leat__conns_stop(struct conns *c)
{
    leat__conns_drain(c);
    c->stopping = true;
    for (uint32_t i = 0; i < c->memory.slots.count && c->open > 0; i++)
        if (c->loop.slots[i].state != CONN_FREE)
            leat__conn_close(c, &c->loop.slots[i]);
}

void leat__conn_check(const struct conns *c, const struct slot *s)
{
    ASSERT(s->state < CONN_STATE_COUNT);
    bool has_exchange = s->state == CONN_HEAD || s->state == CONN_CONTENT || s->state == CONN_RUNNING ||
                        s->state == CONN_WRITING || s->state == CONN_WAITING;
    ASSERT(s->state == CONN_CLOSED || has_exchange == (s->exchange != 0));
    ASSERT((s->state == CONN_FREE) == (s->generation == 0));
    ASSERT(!(s->loop_flags & SLOT_SEND_ARMED) || s->state == CONN_WRITING || s->state == CONN_CLOSED);
    if (s->exchange != 0 && s->state != CONN_CLOSED) {
        const struct leat_exchange *x = conn_exchange(c, s);
        ASSERT(x->slot == s);
        ASSERT(x->task == NULL || s->state == CONN_WAITING || s->state == CONN_WRITING);
        ASSERT(x->task == NULL || x->task->exchange == x);
        ASSERT((x->input == NULL) == (x->input_last == NULL));
        leat__arena_check(&x->arena);
    }
}

const struct loop_events leat__conn_events = {
    .on_accept = on_accept,
    .on_accept_failed = on_accept_failed,
    .on_recv = leat__conn_on_bytes,
    .on_recv_end = on_recv_end,
    .on_sent = on_sent,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
    .on_mail = on_mail,
    .on_alarm = on_alarm,
    .on_slow_turn = on_slow_turn,
    .on_due = on_due,
    .on_poll = on_poll,
};
