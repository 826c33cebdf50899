/* client.c: what the model clients do, and what they hold the server to.
 *
 * Whatever goes wrong: answers come in order, each to the request it belongs to, octet for octet, or the connection
 * ends; nothing follows the last answer; nobody is left waiting beyond the deadlines. When nothing goes wrong, every
 * request is answered, with exactly the status it must have. */
#include "sim/client.h"
#include "sim/world.h"
#include <errno.h>
#include <stdio.h>

const char *persona_name(enum persona persona)
{
    static const char *const names[PERSONAS] = {
        [POLITE] = "polite",           [HALF_CLOSER] = "half-closer",
        [MALFORMED] = "malformed",     [SILENT] = "silent",
        [SLOW_HEAD] = "slow head",     [SLOW_CONTENT] = "slow content",
        [NEVER_READS] = "never reads", [SLOW_READER] = "slow reader",
        [QUITTER] = "quitter",         [RESETTER] = "resetter",
    };
    return names[persona];
}

static void wake(struct client *c, int64_t at_us)
{
    int64_t delay = at_us - world_now_us(c->world);
    leat__sim_client_wake(c->world->sim, c->connection, delay > 1 ? (uint32_t)delay : 1);
}

static void made_progress(struct client *c)
{
    c->progress_us = world_now_us(c->world);
    c->jumped_ms = leat__sim_counts(c->world->sim)->jumped_ms;
}

static void finish(struct client *c)
{
    if (c->persona == RESETTER)
        leat__sim_client_reset(c->world->sim, c->connection);
    else
        leat__sim_client_close(c->world->sim, c->connection);
    c->done = true;
    c->world->active--;
    stream_free(&c->out);
    reply_free(&c->reply);
}

/* ── Birth ───────────────────────────────────────────────────────────────────────────────────────────────────── */

static void draw(struct client *c, struct world *w)
{
    struct sim_random *r = &c->random;
    do
        c->persona = sim_below(r, 3) > 0 ? POLITE : (enum persona)sim_below(r, PERSONAS);
    while (!(w->personas & 1u << c->persona));
    c->to_ask = 1 + sim_below(r, 1 + sim_below(r, 60));
    c->burst_max = sim_below(r, 2) == 0 ? 1 : 1 + sim_below(r, CLIENT_ASKED_MAX);
    c->piece_max = sim_below(r, 3) > 0 ? 0 : 1 + sim_below(r, sim_below(r, 2) == 0 ? 8 : 3000);
    c->pace_us = c->piece_max == 0 ? 0 : sim_below(r, c->piece_max > 8 ? 300 : 30);
    c->think_us = sim_below(r, 2) == 0 ? 0
                                       : sim_below(r, w->config.idle_timeout_ms < 0
                                                          ? 5000000
                                                          : (uint32_t)w->config.idle_timeout_ms * 400);
    if (c->persona == SLOW_HEAD || c->persona == SLOW_CONTENT)
        c->piece_max = c->pace_us = 0;
    c->quit_us = world_now_us(w) + sim_below(r, 2000) * sim_below(r, 2000);
    if (c->persona == NEVER_READS || c->persona == SLOW_READER)
        c->burst_max = CLIENT_ASKED_MAX;
    if (c->persona == SILENT)
        c->to_ask = 0;
}

bool client_start(struct client *c, struct world *world, uint32_t number, uint64_t seed, int listener)
{
    *c = (struct client){.world = world, .number = number};
    leat__sim_random_init(&c->random, seed);
    draw(c, world);
    int connection = leat__sim_connect(world->sim, listener, c);
    if (connection < 0)
        return false;
    c->connection = (uint32_t)connection;
    c->connected = true;
    c->born_us = world_now_us(world);
    c->born_jumped_ms = leat__sim_counts(world->sim)->jumped_ms;
    made_progress(c);
    wake(c, c->born_us + 1 + sim_below(&c->random, 1 + sim_below(&c->random, 20000)));
    return true;
}

/* ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────── */

static bool is_any_of(const struct request *q, uint16_t status)
{
    for (int i = 0; i < REQUEST_STATUSES; i++)
        if (q->statuses[i] == status)
            return true;
    return false;
}

/* May a request get this status, though it is not its own? */
static bool is_excused(const struct client *c, const struct request *q, uint16_t status)
{
    if (status == 503)
        return !c->world->calm || q->scarce;
    if (status == 408)
        return !c->world->calm || c->persona == SLOW_HEAD || c->persona == SLOW_CONTENT;
    return false;
}

static uint64_t position(const struct client *c)
{
    return c->out.base + c->out.sent;
}

static void check_reply(struct client *c, const struct request *q)
{
    const struct reply *p = &c->reply;
    bool own = is_any_of(q, p->status);
    if (!own && !is_excused(c, q, p->status))
        world_violation(c->world, c, "status %u instead of %u", p->status, q->statuses[0]);
    if (position(c) < q->head_end && !p->close && !q->streamed)
        world_violation(c->world, c, "status %u before the request was sent", p->status);
    if (p->has_token && !q->refused && ((own && !q->has_token) || p->token != q->token))
        world_violation(c->world, c, "the answer to %u instead of %u", p->token, q->token);
    if (own && q->has_token && !p->has_token)
        world_violation(c->world, c, "no token in the answer (%u) to %u", p->status, q->token);
    if ((own && q->closes) || p->status == 408)
        if (!p->close)
            world_violation(c->world, c, "status %u should have closed", p->status);
    if (p->status == 503 && !p->retry_after)
        world_violation(c->world, c, "503 without Retry-After");
    if (p->status == 405 && !p->has_allow)
        world_violation(c->world, c, "405 without Allow");
    /* The content is not wanted any more. */
    bool unread = (q->expects_continue && p->status == 404) || q->may_close;
    if (c->world->calm && own && p->close && !q->closes && !unread)
        world_violation(c->world, c, "status %u closed without need", p->status);
}

static void on_reply(struct client *c)
{
    struct world *w = c->world;
    bool head = c->asked_count > 0 && c->asked[0].head;
    if (c->asked_count > 0) {
        check_reply(c, &c->asked[0]);
        w->answered++;
        c->answered++;
        c->asked_count--;
        memmove(c->asked, c->asked + 1, c->asked_count * sizeof c->asked[0]);
    } else {
        w->refused++;
        if (w->calm)
            world_violation(w, c, "refused at the door (%u)", c->reply.status);
    }
    c->over = c->over || c->reply.close;
    c->loose = c->loose || (c->over && head && c->reply.status >= 400);
    c->reply.status = 0;
    if (c->asked_count == 0)
        c->not_before_us = world_now_us(w) + sim_below(&c->random, c->think_us + 1);
}

static void on_interim(struct client *c)
{
    struct request *q = c->asked_count > 0 ? &c->asked[0] : NULL;
    if (q == NULL || !q->expects_continue || q->continued || position(c) < q->head_end)
        world_violation(c->world, c, "100 that nobody waits for");
    q->continued = true;
}

static void on_octets(struct client *c, const char *bytes, size_t size)
{
    made_progress(c);
    while (size > 0) {
        size_t used;
        const char *why = NULL;
        if (c->loose)
            return;
        if (c->over)
            world_violation(c->world, c, "octets behind the last answer");
        const struct request *q = c->asked_count > 0 ? &c->asked[0] : NULL;
        switch (talk_read(&c->reply, q, bytes, size, &used, &why)) {
        case TALK_WRONG:
            world_violation(c->world, c, "%s (status %u, token %u)", why, c->reply.status,
                            q ? q->token : 0);
        case TALK_INTERIM:
            on_interim(c);
            break;
        case TALK_FINAL:
            on_reply(c);
            break;
        case TALK_NEED_MORE:
            break;
        }
        bytes += used;
        size -= used;
    }
}

/* Those who dawdle are told so, or closed, when the deadline has come, and not more than a tick later. */
static void check_deadline(const struct client *c)
{
    const struct world *w = c->world;
    int64_t since_us = c->persona == SILENT ? c->born_us : c->spoke_us;
    int64_t ms = c->persona == SILENT      ? w->config.idle_timeout_ms
                 : c->persona == SLOW_HEAD ? w->config.head_timeout_ms
                                           : w->config.content_timeout_ms;
    if (c->over || since_us == 0)
        return;
    ms += (int64_t)(leat__sim_counts(w->sim)->jumped_ms - c->born_jumped_ms);
    int64_t late_us = world_now_us(w) - since_us - ms * 1000;
    if (late_us > w->slack_us)
        world_violation(w, c, "the deadline was missed by %lld us (%lld allowed)",
                        (long long)late_us, (long long)w->slack_us);
}

static void check_slow_end(struct client *c)
{
    static const char *const what[PERSONAS] = {
        [SILENT] = "idle", [SLOW_HEAD] = "head", [SLOW_CONTENT] = "content"};
    const struct config *config = &c->world->config;
    int64_t timeout_ms = c->persona == SILENT      ? config->idle_timeout_ms
                         : c->persona == SLOW_HEAD ? config->head_timeout_ms
                                                   : config->content_timeout_ms;
    int64_t since_us = c->persona == SILENT ? c->born_us : c->spoke_us;
    int64_t took_us = world_now_us(c->world) - since_us;
    if (since_us != 0 && took_us < (timeout_ms - 1) * 1000) /* the server counts in ms */
        world_violation(c->world, c, "%s deadline met after %lld us of %lld ms", what[c->persona],
                        (long long)took_us, (long long)timeout_ms);
    if (c->persona != SILENT && c->answered != 1)
        world_violation(c->world, c, "closed without 408");
}

/* The connection has ended. */
static void on_end(struct client *c, bool reset)
{
    struct world *w = c->world;
    bool partial = !talk_is_between(&c->reply);
    bool exact = w->calm && c->persona < CALM_PERSONAS;
    if (c->persona == SILENT || c->persona == SLOW_HEAD || c->persona == SLOW_CONTENT)
        check_deadline(c);
    if (exact && partial)
        world_violation(w, c, "cut off in the middle of an answer%s", reset ? ", by a reset" : "");
    if (exact && c->persona >= SILENT)
        check_slow_end(c);
    else if (exact && !c->over && (c->asked_count > 0 || !c->shut))
        world_violation(w, c, "%s with %u requests open and %u to ask", reset ? "reset" : "closed",
                        c->asked_count, c->to_ask);
    finish(c);
}

/* true: go on. */
static bool client_reads(struct client *c)
{
    char bytes[32768];
    size_t most = c->persona == SLOW_READER ? 1 + sim_below(&c->random, 600) : sizeof bytes;
    if (c->persona == NEVER_READS) {
        if (leat__sim_server_has_closed(c->world->sim, c->connection)) {
            finish(c);
            return false;
        }
        return true;
    }
    ssize_t n;
    while ((n = leat__sim_client_receive(c->world->sim, c->connection, bytes, most)) > 0) {
        on_octets(c, bytes, (size_t)n);
        if (c->persona == SLOW_READER)
            return true;
    }
    if (n == -EAGAIN)
        return true;
    on_end(c, n < 0);
    return false;
}

/* ── Sending ─────────────────────────────────────────────────────────────────────────────────────────────────── */

static void ask_burst(struct client *c)
{
    struct world *w = c->world;
    uint32_t burst = 1 + sim_below(&c->random, c->burst_max);
    struct talk_limits limits = w->limits;
    if (c->piece_max > 0 && c->piece_max < 200) /* or it would not be done in time */
        limits.filler_max = 200;
    while (burst-- > 0 && c->to_ask > 0 && c->asked_count < CLIENT_ASKED_MAX) {
        struct request *q = &c->asked[c->asked_count++];
        c->to_ask--;
        if (c->persona == MALFORMED && c->to_ask == 0)
            talk_bad_request(&c->random, &limits, &c->out, q);
        else
            talk_request(&c->random, &limits, c->number * 1000 + ++c->tokens, &c->out, q);
        w->asked++;
        if (q->closes) {
            c->to_ask = 0;
            return;
        }
    }
}

/* Position in the stream up to which may be sent now: a content waits for its 100, for a while. */
static uint64_t sendable(struct client *c)
{
    uint64_t at = position(c);
    for (uint32_t i = 0; i < c->asked_count; i++) {
        const struct request *q = &c->asked[i];
        if (!q->expects_continue || q->continued || q->head_end < at)
            continue;
        if (q->head_end > at)
            return q->head_end;
        int64_t now = world_now_us(c->world);
        int64_t patience_ms = c->world->config.content_timeout_ms / 2;
        if (c->continue_us == 0)
            c->continue_us = now + (patience_ms > 0 ? patience_ms : 1000) * 1000;
        if (now < c->continue_us) {
            wake(c, c->continue_us);
            return at;
        }
        if (c->world->calm && i == 0)
            world_violation(c->world, c, "100 did not come");
    }
    return UINT64_MAX;
}

/* Sends what may be sent. */
static void client_sends(struct client *c)
{
    int64_t now = world_now_us(c->world);
    while (c->out.sent < c->out.size) {
        if (now < c->not_before_us) {
            wake(c, c->not_before_us);
            return;
        }
        uint64_t until = sendable(c);
        size_t n = size_min(c->out.size - c->out.sent, until - position(c));
        if (n == 0)
            return;
        if (c->piece_max > 0)
            n = size_min(n, c->piece_max);
        ssize_t taken = leat__sim_client_send(c->world->sim, c->connection, c->out.data + c->out.sent, n);
        if (taken <= 0)
            return;
        c->out.sent += (size_t)taken;
        c->continue_us = 0;
        made_progress(c);
        if (c->spoke_us == 0 && position(c) >= c->clock_from)
            c->spoke_us = now;
        if (c->pace_us > 0)
            c->not_before_us = now + c->pace_us;
    }
}

/* Octets that never make a whole request, eight in the time that the server gives. */
static void client_dawdles(struct client *c)
{
    struct world *w = c->world;
    int64_t now = world_now_us(w);
    bool first = c->asked_count == 0 && c->answered == 0;
    if (c->over)
        return;
    client_sends(c);
    if (now >= c->pause_us && c->out.sent == c->out.size) {
        int64_t timeout_ms = c->persona == SLOW_HEAD ? w->config.head_timeout_ms
                                                     : w->config.content_timeout_ms;
        if (first)
            c->asked[c->asked_count++] = (struct request){
                .has_token = c->persona == SLOW_CONTENT, .head_end = UINT64_MAX, .end = UINT64_MAX};
        if (c->persona == SLOW_HEAD)
            talk_endless_head(&c->out, 1, first);
        else
            talk_endless_content(&c->out, 1, first);
        if (first)
            c->clock_from = c->persona == SLOW_HEAD ? 1 : c->out.base + c->out.size - 1;
        c->pause_us = now + timeout_ms * 1000 / 8;
        client_sends(c);
    }
    wake(c, c->pause_us);
}

static void client_speaks(struct client *c)
{
    struct world *w = c->world;
    int64_t now = world_now_us(w);
    if (c->over) {
        if (sim_below(&c->random, 2) == 0)
            finish(c);
        return;
    }
    client_sends(c);
    if (c->out.sent < c->out.size || c->shut)
        return;
    if (c->to_ask > 0 && (c->asked_count == 0 || sim_below(&c->random, 4) == 0)) {
        if (now < c->not_before_us) {
            wake(c, c->not_before_us);
            return;
        }
        ask_burst(c);
        client_sends(c);
    }
    if (c->to_ask > 0 || c->out.sent < c->out.size)
        return;
    if (c->persona == HALF_CLOSER) {
        leat__sim_client_shutdown(w->sim, c->connection);
        c->shut = true;
    } else if (c->asked_count == 0 && c->persona != NEVER_READS) {
        finish(c);
    }
}

/* ── Being left alone ────────────────────────────────────────────────────────────────────────────────────────── */

/* No connection on which nothing moves outlives the longest deadline. */
static void check_patience(const struct client *c)
{
    const struct world *w = c->world;
    const struct config *k = &w->config;
    int64_t ms = k->idle_timeout_ms + k->head_timeout_ms;
    ms = ms > k->content_timeout_ms ? ms : k->content_timeout_ms;
    ms = ms > k->write_timeout_ms ? ms : k->write_timeout_ms;
    ms += (w->limits.size_max + PLAN_OUTPUT + w->pipe_max) * (int64_t)1000 / CONN_RATE_MIN;
    ms += CONN_LINGER_MS;
    ms += (int64_t)(leat__sim_counts(w->sim)->jumped_ms - c->jumped_ms);
    if (w->never)
        return;
    int64_t quiet_us = world_now_us(w) - c->progress_us;
    if (quiet_us > ms * 1000 + w->slack_us)
        world_violation(w, c, "nothing has moved for %lld ms", (long long)quiet_us / 1000);
}

void client_on_event(struct client *c)
{
    struct world *w = c->world;
    int64_t now = world_now_us(w);
    if (!client_reads(c))
        return;
    if ((c->persona == QUITTER || c->persona == RESETTER) && now >= c->quit_us) {
        finish(c);
        return;
    }
    if (c->persona == SLOW_HEAD || c->persona == SLOW_CONTENT)
        client_dawdles(c);
    else if (c->persona != SILENT)
        client_speaks(c);
    if (c->done)
        return;
    if (c->persona == SILENT || c->persona == SLOW_HEAD || c->persona == SLOW_CONTENT)
        check_deadline(c);
    check_patience(c);
    wake(c, now + (c->persona == SLOW_READER ? 20000 : 2000000));
    if (c->persona == QUITTER || c->persona == RESETTER)
        wake(c, c->quit_us);
}
