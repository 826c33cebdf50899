/* link.c: a connection of the active group, from the loop's point of view.
 *
 *   DOWN ── a request is to be sent ──► UP ── over, or broken ──► CLOSING ── on_closed ──► DOWN (or a pause first)
 *
 * A connection is only opened with a request at hand, but for the first ones, which are opened before the work begins. So
 * each request on it is owed in order, and when it breaks each of them has failed: requests = answers + errors. A request
 * that is sent while the connection is being made waits in the kernel or in the loop until it is: connecting is part of its
 * latency. Every time that is told is read once per delivery: when an answer came is when the next request was sent. */
#include "load/engine.h"
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

void leat__load_say(struct load_failure *words, const char *format, ...)
{
    va_list arguments;
    if (words->at_ns != 0)
        return;
    words->at_ns = leat__clock_now_ns();
    va_start(arguments, format);
    vsnprintf(words->text, sizeof words->text, format, arguments);
    va_end(arguments);
}

static struct load_link *link_of(struct load_worker *w, const struct slot *slot)
{
    return &w->links[loop_slot_index(&w->loop, slot)];
}

/* ── Errors ───────────────────────────────────────────────────────────────────────────────────────────────── */

static void count_error(struct load_worker *w, const struct load_owed *owed, enum load_error error)
{
    w->owing--;
    if (!is_measured(w, owed->due_ns))
        return;
    tally(&w->group.errors[error], 1);
    tally(&w->by_request[owed->request].errors, 1);
    w->last_ns = w->now_ns;
}

/* Everything owed on it has failed, and it is closed. */
static void fail(struct load_worker *w, struct load_link *link, enum load_error error)
{
    if (link->count == 0 && is_measured(w, w->now_ns))
        tally(&w->group.errors[error], 1); /* nobody's request: octets that nobody asked for */
    for (; link->count > 0; link->count--)
        count_error(w, &link->owed[link->first++ & w->ring_mask], error);
    link->failed = true;
    leat__link_close(w, link);
}

static const char *name_of(const struct load_worker *w, const struct load_link *link)
{
    return link->count == 0 ? "(nothing was asked)"
                            : w->o->requests[link->owed[link->first & w->ring_mask].request].name;
}

/* The machine says that it is broken. */
static void fail_broken(struct load_worker *w, struct load_link *link, int error)
{
    bool never = link->opened_ns != 0 && link->send.sent == 0 && error != 0 && error != -EPIPE &&
                 error != -ECONNRESET;
    if (never)
        leat__load_say(&w->words, "connecting: %s", strerror(-error));
    else
        leat__load_say(&w->words, "%s: the server closed the connection with an answer owing%s%s",
                       name_of(w, link), error != 0 ? ": " : "", error != 0 ? strerror(-error) : "");
    fail(w, link, never ? LOAD_ERROR_CONNECT : LOAD_ERROR_CLOSED);
}

static void say_fault(struct load_worker *w, const struct load_link *link, const struct load_request *q)
{
    const struct answer *a = &link->answer;
    if (a->fault == ANSWER_FAULT_CONTENT)
        leat__load_say(&w->words, "%s: the content is not as expected from octet %llu on", q->name,
                       (unsigned long long)a->differs_at);
    else if (q->status != 0)
        leat__load_say(&w->words, "%s: answered %u, expected %u", q->name, a->status, q->status);
    else
        leat__load_say(&w->words, "%s: answered %u, expected 200 to 299", q->name, a->status);
}

/* ── Sending ──────────────────────────────────────────────────────────────────────────────────────────────── */

void leat__link_adopt(struct load_worker *w, struct load_link *link, int fd)
{
    struct slot *slot = slot_of(w, link);
    int error = loop_adopt(&w->loop, slot, fd);
    ASSERT(error == 0); /* descriptors and memory were counted before */
    w->seated++;
    link->state = LINK_UP;
    link->asked = 0;
    link->failed = link->leaves = false;
    link->opened_ns = 0;
    answer_begin(&link->answer);
    tally(&w->group.opened, 1);
    tally(&w->up, 1);
    loop_arm_recv(&w->loop, slot);
}

static bool dial(struct load_worker *w, struct load_link *link)
{
    int fd = leat__dial_open(&w->run->dial, w->first_link + w->dials++);
    if (fd < 0) {
        leat__load_say(&w->words, "connecting: %s", strerror(-fd));
        return false;
    }
    leat__link_adopt(w, link, fd);
    link->opened_ns = w->now_ns;
    return true;
}

static void owe(struct load_worker *w, struct load_link *link, int64_t due_ns, uint32_t request)
{
    link->owed[(link->first + link->count++) & w->ring_mask] = (struct load_owed){
        .due_ns = due_ns, .sent_ns = w->now_ns, .request = request};
    link->asked++;
    w->owing++;
}

/* The requests that were owed last are sent. false: it broke. */
static bool send_parts(struct load_worker *w, struct load_link *link, uint32_t parts)
{
    struct slot *slot = slot_of(w, link);
    link->send.part_count = parts;
    link->send.file = -1;
    link->send.file_left = 0;
    link->send.sent = 0;
    size_t size = 0;
    for (uint32_t i = 0; i < parts; i++)
        size += link->send.parts[i].iov_len;
    int result = loop_arm_send(&w->loop, slot, &link->send);
    if (UNLIKELY(result < 0)) {
        fail_broken(w, link, result);
        return false;
    }
    if (is_measured(w, w->now_ns))
        tally(&w->group.octets_out, size);
    if (slot->deadline == 0) /* else it is an older request's */
        loop_set_deadline(&w->loop, slot, w->o->timeout_ms);
    return true;
}

static bool bound_is_reached(const struct load_worker *w, const struct load_link *link)
{
    return w->o->per_connection != 0 && link->asked >= w->o->per_connection;
}

static bool may_ask(const struct load_worker *w, const struct load_link *link)
{
    return link->state == LINK_UP && link->count < w->pipeline && !link->leaves &&
           !bound_is_reached(w, link) &&
           !(w->slots[link - w->links].loop_flags & (SLOT_SEND_ARMED | SLOT_CLOSING));
}

/* As many as may be sent in one go; answers the parts. */
static uint32_t compose(struct load_worker *w, struct load_link *link)
{
    uint32_t parts = 0, copies = 0;
    while (may_ask(w, link) && parts < LOOP_SEND_PARTS && leat__worker_takes(w, w->now_ns)) {
        uint32_t request = leat__load_choose(w->run, &w->chance);
        const struct load_request *q = &w->o->requests[request];
        owe(w, link, w->now_ns, request);
        struct iovec *part = &link->send.parts[parts];
        if (w->run->burst == NULL) {
            *part = (struct iovec){q->octets, q->size};
            parts++;
            continue;
        }
        *part = (struct iovec){w->run->burst, q->size * ++copies};
        if (copies == w->run->burst_copies) {
            parts++;
            copies = 0;
        }
    }
    return copies > 0 ? parts + 1 : parts;
}

static void fail_to_connect(struct load_worker *w, struct load_link *link)
{
    if (leat__worker_takes(w, w->now_ns)) {
        owe(w, link, w->now_ns, leat__load_choose(w->run, &w->chance));
        count_error(w, &link->owed[link->first++ & w->ring_mask], LOAD_ERROR_CONNECT);
        link->count--;
    }
    leat__worker_pause(w, link);
}

void leat__link_refill(struct load_worker *w, struct load_link *link)
{
    if (link->state == LINK_DOWN) {
        if (w->now_ns >= w->end_ns || w->may_send == 0)
            return;
        if (!dial(w, link)) {
            fail_to_connect(w, link);
            return;
        }
    }
    while (may_ask(w, link)) {
        uint32_t parts = compose(w, link);
        if (parts == 0 || !send_parts(w, link, parts))
            return;
    }
}

void leat__link_ask(struct load_worker *w, struct load_link *link, int64_t due_ns)
{
    uint32_t request = leat__load_choose(w->run, &w->chance);
    const struct load_request *q = &w->o->requests[request];
    bool up = link->state == LINK_UP || dial(w, link);
    owe(w, link, due_ns, request);
    if (!up) {
        count_error(w, &link->owed[link->first++ & w->ring_mask], LOAD_ERROR_CONNECT);
        link->count--;
        leat__worker_pause(w, link);
        return;
    }
    link->send.parts[0] = (struct iovec){q->octets, q->size};
    if (send_parts(w, link, 1) && may_ask(w, link))
        leat__worker_ready(w, link);
}

/* ── Answers ──────────────────────────────────────────────────────────────────────────────────────────────── */

static void record(struct load_worker *w, const struct load_link *link, const struct load_owed *owed)
{
    struct load_by_request *by = &w->by_request[owed->request];
    const struct load_request *q = &w->o->requests[owed->request];
    w->last_ns = w->now_ns;
    if (UNLIKELY(link->answer.fault != ANSWER_RIGHT)) {
        bool content = link->answer.fault == ANSWER_FAULT_CONTENT;
        tally(&w->group.errors[content ? LOAD_ERROR_CONTENT : LOAD_ERROR_STATUS], 1);
        tally(&by->errors, 1);
        say_fault(w, link, q);
        return;
    }
    tally(&by->answers, 1);
    histogram_record(&by->latency, (uint64_t)(w->now_ns - owed->due_ns));
    if (w->o->arrivals != LOAD_CLOSED)
        histogram_record(&w->group.service, (uint64_t)(w->now_ns - owed->sent_ns));
    if (link->opened_ns != 0)
        histogram_record(&w->group.connect, (uint64_t)(w->now_ns - link->opened_ns));
}

static void take_answer(struct load_worker *w, struct load_link *link)
{
    const struct load_owed *owed = &link->owed[link->first & w->ring_mask];
    if (is_measured(w, owed->due_ns))
        record(w, link, owed);
    link->opened_ns = 0;
    link->leaves = link->answer.close;
    link->first++;
    link->count--;
    w->owing--;
    answer_begin(&link->answer);
}

/* Something is behind us; what now? */
static void go_on(struct load_worker *w, struct load_link *link)
{
    if (link->leaves && link->count > 0) {
        leat__load_say(&w->words, "%s: the server closes the connection with an answer owing",
                       name_of(w, link));
        fail(w, link, LOAD_ERROR_CLOSED);
    } else if (link->count == 0 && (link->leaves || bound_is_reached(w, link))) {
        leat__link_close(w, link);
    } else {
        struct slot *slot = slot_of(w, link);
        if (w->o->arrivals == LOAD_CLOSED)
            leat__link_refill(w, link);
        else if (may_ask(w, link))
            leat__worker_ready(w, link);
        if (link->state != LINK_UP)
            return;
        loop_set_deadline(&w->loop, slot, link->count > 0 ? w->o->timeout_ms : UINT32_MAX);
        loop_arm_recv(&w->loop, slot);
    }
}

static void on_recv(void *context, struct slot *slot, struct buffer *b)
{
    struct load_worker *w = context;
    struct load_link *link = link_of(w, slot);
    char *at = b->data + b->start, *end = b->data + b->end;
    w->now_ns = leat__clock_now_ns();
    if (is_measured(w, w->now_ns))
        tally(&w->group.octets_in, (uint64_t)(end - at));
    while (at < end) {
        size_t used = 0;
        if (UNLIKELY(link->count == 0)) {
            leat__load_say(&w->words, "octets came that nobody had asked for");
            fail(w, link, LOAD_ERROR_SYNTAX);
            return;
        }
        const struct answer_wanted *wanted = &w->wanted[link->owed[link->first & w->ring_mask].request];
        enum answer_result result = leat__answer_feed(&link->answer, wanted, at, (size_t)(end - at),
                                                      &used);
        at += used;
        if (result == ANSWER_MORE)
            break;
        if (UNLIKELY(result == ANSWER_BAD)) {
            leat__load_say(&w->words, "%s: no HTTP/1.1: %s", name_of(w, link), link->answer.why);
            fail(w, link, LOAD_ERROR_SYNTAX);
            return;
        }
        take_answer(w, link);
        if (UNLIKELY(link->leaves))
            break;
    }
    go_on(w, link);
}

static void on_recv_end(void *context, struct slot *slot, int error)
{
    struct load_worker *w = context;
    struct load_link *link = link_of(w, slot);
    w->now_ns = leat__clock_now_ns();
    if (link->count > 0 && error == 0) {
        const struct answer_wanted *wanted = &w->wanted[link->owed[link->first & w->ring_mask].request];
        if (leat__answer_end(&link->answer, wanted) == ANSWER_DONE)
            take_answer(w, link);
    }
    if (link->count > 0)
        fail_broken(w, link, error);
    else
        leat__link_close(w, link); /* as a server may, between requests */
}

static void on_sent(void *context, struct slot *slot, int error)
{
    struct load_worker *w = context;
    struct load_link *link = link_of(w, slot);
    w->now_ns = leat__clock_now_ns();
    if (error < 0)
        fail_broken(w, link, error);
    else
        go_on(w, link);
}

static void on_deadline(void *context, struct slot *slot)
{
    struct load_worker *w = context;
    struct load_link *link = link_of(w, slot);
    w->now_ns = leat__clock_now_ns();
    if (link->count == 0)
        return;
    const struct load_owed *oldest = &link->owed[link->first & w->ring_mask];
    leat__load_say(&w->words, "%s: no answer for %.3g s", name_of(w, link),
                   (double)(w->now_ns - oldest->sent_ns) / 1e9);
    fail(w, link, LOAD_ERROR_TIMEOUT);
}

/* ── Closing ──────────────────────────────────────────────────────────────────────────────────────────────── */

void leat__link_close(struct load_worker *w, struct load_link *link)
{
    if (link->state != LINK_UP)
        return;
    link->state = LINK_CLOSING;
    tally(&w->group.closed, 1);
    tally(&w->up, UINT64_MAX); /* -1 */
    leat__loop_close(&w->loop, slot_of(w, link));
}

static void on_closed(void *context, struct slot *slot)
{
    struct load_worker *w = context;
    struct load_link *link = link_of(w, slot);
    link->state = LINK_DOWN;
    w->seated--;
    if (!w->working)
        return;
    w->now_ns = leat__clock_now_ns();
    if (link->failed)
        leat__worker_pause(w, link);
    else if (w->o->arrivals == LOAD_CLOSED)
        leat__link_refill(w, link);
    else
        leat__worker_ready(w, link);
}

/* ── What does not concern a link ─────────────────────────────────────────────────────────────────────────── */

static void on_accept(void *context, int fd, unsigned listener)
{
    (void)context;
    (void)listener;
    close(fd);
}

static void on_accept_failed(void *context, unsigned listener, int error)
{
    (void)context;
    (void)listener;
    (void)error;
}

static void on_mail(void *context, const struct mail *mail)
{
    (void)context;
    (void)mail;
}

static void on_due(void *context)
{
    (void)context;
}

/* Pauses are over. */
static void on_alarm(void *context)
{
    struct load_worker *w = context;
    w->now_ns = leat__clock_now_ns();
    while (w->paused.count > 0) {
        uint32_t index = w->paused.links[w->paused.first];
        if (w->paused_until_ms[index] > w->loop.now_ms)
            break;
        w->paused.first = (w->paused.first + 1) % w->paused.size;
        w->paused.count--;
        w->links[index].is_paused = false;
        if (!w->working)
            continue;
        if (w->o->arrivals == LOAD_CLOSED)
            leat__link_refill(w, &w->links[index]);
        else
            leat__worker_ready(w, &w->links[index]);
    }
    w->loop.alarm_ms = w->paused.count > 0 ? w->paused_until_ms[w->paused.links[w->paused.first]]
                                           : INT64_MAX;
}

static void on_poll(void *context, uint32_t index, uint32_t serial, int events)
{
    struct load_worker *w = context;
    (void)index;
    (void)serial;
    (void)events;
    w->timer_is_armed = false;
}

const struct loop_events leat__link_events = {
    .on_accept = on_accept,
    .on_accept_failed = on_accept_failed,
    .on_recv = on_recv,
    .on_recv_end = on_recv_end,
    .on_sent = on_sent,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
    .on_mail = on_mail,
    .on_alarm = on_alarm,
    .on_due = on_due,
    .on_poll = on_poll,
};
