/* step.c: from bytes to responses: read the head, read the content, run, and again while there are bytes; then one
 * send for all of it.
 *
 * Every step answers what is to be done next (enum step). The order of checks within a step is the order of what the
 * client may be told: a bad head before a missing route, a missing route before the content. */
#include "conn/content.h"
#include "conn/step.h"
#include "observe/probes.h"
#include <errno.h>

enum step {
    STEP_AGAIN, /* go on: there may be more to do with what is here */
    STEP_WAIT,  /* more bytes are needed (or nothing is under way): send what there is, and wait */
    STEP_FLUSH, /* nothing more can be done before the output has been sent */
    STEP_CLOSE, /* no answer: this is not our protocol */
};

bool leat__conn_moved_enough(uint64_t *moved, uint64_t octets, uint32_t timeout_ms)
{
    uint64_t since = octets - *moved;
    *moved = octets;
    return since >= (uint64_t)timeout_ms * CONN_RATE_MIN / 1000;
}

/* The deadline timeout_ms after since_ms; at once when that has passed. */
static void set_deadline_from(struct conns *c, struct slot *s, int64_t since_ms, uint32_t timeout_ms)
{
    int64_t left = since_ms + timeout_ms - c->loop.now_ms;
    if (timeout_ms == UINT32_MAX)
        loop_set_deadline(&c->loop, s, UINT32_MAX);
    else
        loop_set_deadline(&c->loop, s, left > 0 ? (uint32_t)left : 0);
}

static inline struct route_metrics *route_metrics(const struct leat_exchange *x, const struct chain *chain)
{
    return (struct route_metrics *)(void *)((char *)x->common->metrics + chain->metrics_at);
}

static const struct chain *chain_of(const struct leat_exchange *x)
{
    return x->link != NULL ? x->chain : &x->common->routes->all[0];
}

/* A response is in place of the one the chain would have made: writes it, and the connection ends behind it. */
static enum step refuse(struct leat_exchange *x, unsigned status, const char *detail)
{
    if (status != 408 && status != 503 && x->way.refused_status == 0)
        x->common->counters->bad_requests++;
    leat_problem(x, (int)status, detail);
    x->flags |= X_CLOSE | X_LINGER;
    leat__response_send(x);
    PROBE(response, x, x->response.status, x->response.content_size);
    metrics_request(route_metrics(x, chain_of(x)), x->response.status, 0);
    return STEP_FLUSH;
}

/* Whether what the handler will need is there; if not, a work is under way. */
static bool is_prepared(struct leat_exchange *x)
{
    return x->work == NULL && x->chain->prepare(x, x->chain->prepare_data) == PREPARE_READY;
}

/* A handler has kept its thread for long, until now. Since when: it was begun, or went on; but not before the loop woke. */
static void __attribute__((noinline)) note_slow(struct leat_exchange *x, uint64_t since, uint64_t now)
{
    struct exchange_common *common = x->common;
    const struct conns *c = (const struct conns *)(void *)((char *)common -
                                                           offsetof(struct conns, common));
    uint64_t took = now - (since > c->loop.woke ? since : c->loop.woke);
    if (took < common->slow_ticks || took <= common->slow_took)
        return;
    common->slow_took = took;
    common->slow_chain = x->chain;
}

/* The handler has returned, which had the thread since then. */
static inline __attribute__((always_inline)) enum step end_run(struct slot *s,
                                                               struct leat_exchange *x, uint64_t since)
{
    PROBE(handler_end, x);
    leat__response_send(x);
    PROBE(response, x, x->response.status, x->response.content_size);
    uint64_t now = metrics_ticks();
    metrics_request(route_metrics(x, x->chain), x->response.status, now - x->began);
    if (UNLIKELY(now - since >= x->common->slow_ticks))
        note_slow(x, since, now);
    s->state = CONN_HEAD;
    if (UNLIKELY(x->flags & (X_CLOSE | X_BY_REFERENCE | X_BROKEN)))
        return STEP_FLUSH;
    leat__exchange_end(x);
    leat__exchange_begin(x);
    return STEP_AGAIN;
}

void leat__conn_note_broken(struct leat_exchange *x)
{
    if (x->flags & X_SENT)
        metrics_request(route_metrics(x, chain_of(x)), x->response.status, metrics_ticks() - x->began);
}

/* It waits, and may have kept the thread before. */
static void note_wait(struct leat_exchange *x, uint64_t since)
{
    uint64_t now = metrics_ticks();
    if (UNLIKELY(now - since >= x->common->slow_ticks))
        note_slow(x, since, now);
}

static inline __attribute__((always_inline)) enum step run(struct slot *s, struct leat_exchange *x)
{
    if (UNLIKELY(x->chain->prepare != NULL)) {
        if (x->began == 0)
            x->began = metrics_ticks();
        if (!is_prepared(x)) {
            PROBE(wait_begin, 0, x, probe_text("file"));
            s->state = CONN_WAITING;
            return STEP_WAIT;
        }
    } else {
        x->began = metrics_ticks();
    }
    s->state = CONN_RUNNING;
    PROBE(handler_begin, x, x->chain->pattern);
    if (LIKELY(leat__exchange_run(x)))
        return end_run(s, x, x->began);
    leat__exchange_waits(x);
    note_wait(x, x->began);
    s->state = CONN_WAITING;
    return STEP_WAIT;
}

/* The same, off the common way. */
static __attribute__((noinline)) enum step run_apart(struct slot *s, struct leat_exchange *x)
{
    return run(s, x);
}

/* … and its turn has come: one that is queued goes on when those before it have. */
static bool is_ready(const struct leat_exchange *x)
{
    return x->task != NULL && x->task->state == TASK_READY && !x->task->queued;
}

/* What the connection has waited for may be there. */
static enum step go_on(struct slot *s, struct leat_exchange *x)
{
    if (x->task == NULL) {
        PROBE(wait_end, 0, x, 0);
        return run_apart(s, x);
    }
    if (!is_ready(x))
        return STEP_WAIT;
    s->state = CONN_RUNNING;
    uint64_t since = metrics_ticks();
    if (leat__exchange_go_on(x))
        return end_run(s, x, since);
    note_wait(x, since);
    s->state = CONN_WAITING;
    return STEP_WAIT;
}

/* The content that the handler wants whole, before it runs. */
static enum step read_content(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    switch (leat__conn_gather(c, x)) {
    case GATHER_WHOLE:
        return run_apart(s, x);
    case GATHER_REFUSED:
        return refuse(x, x->way.refused_status, x->refused_detail);
    case GATHER_MORE:
        break;
    }
    s->state = CONN_CONTENT;
    leat__conn_await_content(x);
    return STEP_WAIT;
}

/* A complete head: what follows it, and whether we want that. */
static enum step on_head(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    const struct http1_head *head = &x->head;
    if (!(head->flags & HTTP1_KEEP_ALIVE))
        x->flags |= head->flags & HTTP1_CLOSE_SAID ? X_CLOSE : X_CLOSE | X_LINGER;
    if (UNLIKELY(head->method == HTTP_CONNECT))
        x->flags |= X_CLOSE | X_LINGER; /* what follows would be a tunnel's */
    unsigned status = leat__exchange_route(x);
    if (UNLIKELY(status != 0))
        return refuse(x, status, status == 400 ? "The target's percent-encoding is broken" : NULL);
    PROBE(routed, x, x->path, x->path_size, x->chain->pattern);
    bool has_content = (head->flags & HTTP1_CHUNKED) || head->content_length > 0;
    if (LIKELY(!has_content))
        return run(s, x);
    if (UNLIKELY(head->content_length > leat__conn_content_max(c, x)))
        return refuse(x, 413, "The content is over the server's limit");
    leat__conn_announce_content(c, x);
    if (head->flags & HTTP1_EXPECT_CONTINUE) {
        size_t here;
        leat__input_peek(x, &here);
        if (here == 0 && x->route_result != ROUTER_FOUND) {
            x->way.content = CONTENT_UNWANTED;
            x->flags |= X_CLOSE | X_LINGER; /* answered without its content, which may or may not follow */
            return run_apart(s, x);
        }
        if (here == 0)
            x->flags |= X_CONTINUE_OWED;
    }
    /* Middleware runs before the content is read; where nothing can wait, everything runs behind it. */
    bool gathers_first = chain_collects_first(x->chain) || c->common.tasks == NULL ||
                         x->chain->prepare != NULL;
    return gathers_first ? read_content(c, s, x) : run_apart(s, x);
}

/* The header that a balancer puts in front of a connection's first request. AGAIN: it has been read. */
static enum step read_proxy(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    struct net_peer *peer = (struct net_peer *)(void *)c->memory.peers + loop_slot_index(&c->loop, s);
    unsigned versions = net_proxy_versions(c->listener_options[s->listener]);
    size_t used;
    const char *why;
    int joined;
    if (peer->proxied || x->input == NULL)
        return STEP_AGAIN;
    do {
        struct buffer *in = x->input;
        enum net_proxy_result result = leat__net_proxy_parse(in->data + in->start, in->end - in->start,
                                                             versions, &used, peer, &why);
        if (result == NET_PROXY_DONE) {
            peer->proxied = true;
            in->start += (uint32_t)used;
            return STEP_AGAIN;
        }
        if (result == NET_PROXY_BAD || in->end - in->start >= NET_PROXY_SIZE_MAX)
            return STEP_CLOSE;
        joined = leat__input_join(c, x);
    } while (joined == 1);
    if (joined < 0)
        return STEP_CLOSE;
    if (x->since_ms == 0)
        x->since_ms = c->loop.now_ms;
    s->state = CONN_HEAD;
    return STEP_WAIT;
}

static enum step read_head(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    if (UNLIKELY(c->proxy_listeners != 0) && (c->proxy_listeners >> s->listener & 1)) {
        enum step step = read_proxy(c, s, x);
        if (step != STEP_AGAIN)
            return step;
    }
    if (x->head.at == 0 && !leat__input_next(c, x))
        return STEP_WAIT;
    if (UNLIKELY(x->output_size > PLAN_OUTPUT - OUTPUT_RESERVE))
        return STEP_FLUSH;
    for (;;) {
        struct buffer *in = x->input;
        x->bytes = in->data + in->start;
        enum http1_result result = leat__http1_parse_head(&x->head, x->bytes, in->end - in->start,
                                                          &c->limits.head);
        if (LIKELY(result == HTTP1_DONE)) {
            in->start += x->head.size;
            x->head_end = in->start;
            PROBE(head, x, s, x->head.size);
            if (UNLIKELY(x->since_ms != 0))
                metrics_record(&x->common->metrics->head,
                               ticks_of_ms((uint64_t)(c->loop.now_ms - x->since_ms)));
            return on_head(c, s, x);
        }
        if (result == HTTP1_BAD)
            return refuse(x, x->head.status, x->head.why);
        int joined = leat__input_join(c, x);
        if (joined == 1)
            continue;
        if (joined == -ENOMEM) {
            count_refusal(&c->counters.refused_large, EVENT_REFUSED_LARGE, "large", x);
            return refuse(x, 503, "The memory for large heads is in use");
        }
        if (joined == -E2BIG)
            return refuse(x, 431, "The head is over the server's limit");
        if (x->since_ms == 0)
            x->since_ms = c->loop.now_ms;
        s->state = CONN_HEAD;
        return STEP_WAIT;
    }
}

/* Octets that nobody has looked at: of the content, or of the next requests. */
static bool content_is_here(struct leat_exchange *x)
{
    size_t size;
    return leat__input_peek(x, &size) != NULL;
}

/* One buffer of what a handler does not ask for is taken, so that it is told when its client goes behind a small request
 * or two; what is behind that stays with the kernel, for whoever sends, and however often the handler waits. */
void leat__conn_listen_on(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    if (x->flags & X_EOF)
        return;
    if (x->input == NULL || x->input->next == NULL)
        loop_arm_recv(&c->loop, s);
    else
        loop_pause_recv(&c->loop, s);
}

/* A handler waits: for content, with its deadline, or for something that has none; then what the connection tells is that
 * the client goes. Or a file does. */
static void settle_waiting(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    if (x->task == NULL) {
        loop_set_deadline(&c->loop, s, x->flags & X_RETRY ? CONN_RETRY_MS : c->limits.write_timeout_ms);
        return;
    }
    leat__conn_listen_on(c, s, x);
    if (x->way.wants == WANT_CONTENT)
        set_deadline_from(c, s, x->since_ms, c->limits.content_timeout_ms);
    else
        loop_set_deadline(&c->loop, s, UINT32_MAX);
}

/* Nothing to send and nothing to do: the phase's deadline, or everything goes back. */
static void conn_settle(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    bool eof = x->flags & X_EOF;
    if (UNLIKELY(s->state == CONN_WAITING && !c->stopping)) {
        settle_waiting(c, s, x);
        return;
    }
    if (UNLIKELY(eof || c->stopping)) {
        leat__conn_close(c, s);
        return;
    }
    if (LIKELY(x->input == NULL && s->state != CONN_CONTENT)) {
        s->exchange = 0;
        buffer_release(&c->memory.rooms, x->room);
        if (UNLIKELY(c->common.draining)) {
            leat__conn_linger(c, s);
            return;
        }
        s->state = CONN_IDLE;
        loop_arm_recv(&c->loop, s);
        leat__conn_idle_deadline(c, s);
        return;
    }
    loop_arm_recv(&c->loop, s);
    set_deadline_from(c, s, x->since_ms,
                      s->state == CONN_CONTENT ? c->limits.content_timeout_ms : c->limits.head_timeout_ms);
}

/* The room's duty is done for this connection; the peer may get a while to read the answer. */
static void end_connection(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    bool linger = (x->flags & X_LINGER) && !(x->flags & X_EOF);
    if (linger) {
        leat__conn_give_room_back(c, s);
        leat__conn_linger(c, s);
    } else {
        leat__conn_close(c, s);
    }
}

/* … and there is more to it than that. */
static bool after_special_send(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    enum {
        LAST_SENT = X_CLOSE | X_SENT
    };                     /* not only asked for by a head whose response is to come */
    if (x->task != NULL) { /* the response, if it is this one's, goes on */
        bool content_came = x->way.wants == WANT_CONTENT && (content_is_here(x) || (x->flags & X_EOF));
        if (x->way.wants == WANT_SENT || content_came)
            leat__task_make_ready(x->task, 0);
        return true;
    }
    if (x->flags & X_BROKEN) {
        leat__conn_close(c, s);
        return false;
    }
    if ((x->flags & LAST_SENT) == LAST_SENT) {
        end_connection(c, s, x);
        return false;
    }
    if (x->flags & X_BY_REFERENCE) {
        leat__exchange_end(x);
        leat__exchange_begin(x);
    }
    return true;
}

/* Octets have gone out. (A compiler takes a probe for long.) */
static inline __attribute__((always_inline)) void count_sent(struct conns *c,
                                                             struct leat_exchange *x, bool whole)
{
    metrics_add(&c->common.metrics->sent, x->send.sent);
    PROBE(sent, x, x->slot, x->send.sent);
    if (LIKELY(x->send_began == 0))
        return;
    if (whole) {
        metrics_record(&c->common.metrics->write, metrics_ticks() - x->send_began);
        x->send_began = 0;
    }
}

/* A response has gone out whole. false: the connection is closing, or its room has gone. */
static inline bool after_send(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    x->output_size = 0;
    if (LIKELY(x->task == NULL && !(x->flags & (X_CLOSE | X_BROKEN | X_BY_REFERENCE))))
        return true;
    return after_special_send(c, s, x);
}

/* The next window of a large file comes after the others' turn. */
static bool wait_for_turn(struct conns *c, struct slot *s, const struct leat_exchange *x)
{
    struct mail mail = {
        .kind = MAIL_WAKE, .slot = loop_slot_index(&c->loop, s), .generation = s->generation};
    if (c->common.workers == NULL || leat__loop_post(c->loop.mailbox, &mail) < 0)
        return false;
    PROBE(wait_begin, 0, x, probe_text("turn"));
    s->state = CONN_WAITING;
    loop_set_deadline(&c->loop, s, c->limits.write_timeout_ms);
    return true;
}

static void wait_for_file(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    PROBE(wait_begin, 0, x, probe_text("file"));
    s->state = CONN_WAITING;
    loop_set_deadline(&c->loop, s, x->flags & X_RETRY ? CONN_RETRY_MS : c->limits.write_timeout_ms);
}

/* Sends what there is, to the response's end. true: done, go on; false: pending, or the connection is gone. */
static bool send_on(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    for (;;) {
        enum send_next next = leat__exchange_to_send(x);
        if (UNLIKELY(next == SEND_WAIT)) {
            wait_for_file(c, s, x);
            return false;
        }
        s->state = CONN_WRITING;
        int sent = next == SEND_NOW ? loop_arm_send(&c->loop, s, &x->send) : -EIO;
        if (LIKELY(sent == 1)) {
            count_sent(c, x, !(x->flags & X_MORE));
            if (LIKELY(!(x->flags & X_MORE))) {
                s->state = x->resume;
                return after_send(c, s, x);
            }
            if (x->response.file >= 0 && wait_for_turn(c, s, x))
                return false;
            continue;
        }
        if (sent == 0) {
            if (x->send_began == 0)
                x->send_began = metrics_ticks();
            x->send_moved = x->send.sent;
            loop_set_deadline(&c->loop, s, c->limits.write_timeout_ms);
            return false;
        }
        c->counters.resets++;
        leat__conn_close(c, s);
        return false;
    }
}

/* One send for everything in the output, and what the last response refers to. */
static inline bool conn_flush(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    PROBE(flush, x, s, x->output_size);
    x->resume = s->state;
    return send_on(c, s, x);
}

void leat__conn_on_sent(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    bool done;
    count_sent(c, x, !(x->flags & X_MORE));
    if (UNLIKELY(x->way.wants == WANT_CONTENT)) { /* the client has had to read, and may not have sent */
        x->since_ms = c->loop.now_ms;
        x->content_moved = x->content_size;
    }
    if (UNLIKELY(x->flags & X_MORE)) {
        done = send_on(c, s, x);
    } else {
        s->state = x->resume;
        done = after_send(c, s, x);
    }
    if (done)
        leat__conn_advance(c, s, x);
}

void leat__conn_go_on(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    if (x->work != NULL)
        return;
    x->flags &= (uint16_t)~X_RETRY;
    bool is_sending = (x->flags & X_BY_REFERENCE) && x->task == NULL;
    if (is_sending)
        PROBE(wait_end, 0, x, 0);
    if (!is_sending || send_on(c, s, x))
        leat__conn_advance(c, s, x);
}

static bool has_output(const struct leat_exchange *x)
{
    return x->output_size > 0 || (x->flags & (X_BY_REFERENCE | X_BROKEN)) ||
           (x->way.stream != STREAM_NONE && x->piece_size > 0);
}

void leat__conn_advance(struct conns *c, struct slot *s, struct leat_exchange *x)
{
    for (;;) {
        enum step step = s->state == CONN_CONTENT             ? read_content(c, s, x)
                         : UNLIKELY(s->state == CONN_WAITING) ? go_on(s, x)
                                                              : read_head(c, s, x);
        if (step == STEP_AGAIN)
            continue;
        if (UNLIKELY(step == STEP_CLOSE)) {
            leat__conn_close(c, s);
            return;
        }
        if (has_output(x) && !conn_flush(c, s, x))
            return;
        if (step == STEP_WAIT && !is_ready(x)) {
            conn_settle(c, s, x);
            return;
        }
    }
}

void leat__conn_refuse(struct conns *c, struct slot *s, struct leat_exchange *x, unsigned status,
                       const char *detail)
{
    refuse(x, status, detail);
    s->state = CONN_HEAD;
    if (!conn_flush(c, s, x))
        return;
    ASSERT(false && "a refusal ends its connection");
}
