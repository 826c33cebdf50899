/* loop_epoll.c: completions imitated on epoll.
 *
 * Every descriptor is registered once, for both directions, edge-triggered, and then the kernel is told nothing more:
 * a request costs one epoll_wait (shared by all that are ready), one recv and one send. The price is that an edge comes
 * once, so each edge is either used up or remembered:
 *   - bytes are read until a read comes back short (more than that would be a new edge), or until the end is seen when
 *     the event announced it;
 *   - an edge that nobody wants bytes of sets SLOT_READABLE; so does a read that was cut short for fairness or for want
 *     of a buffer. epoll_ctl(MOD) makes the kernel look again and repeat the edge if there is something;
 *   - a send is tried at once, and only one that met EAGAIN waits for EPOLLOUT.
 *
 * What an event carries (data.u64):
 *   bits 63..32  generation of the slot; 0, which no seated slot has: one of the loop's own descriptors
 *   bits 31..0   index of the slot; of the loop's own: 0 the mailbox, 1 + listener a listener, bit 31 and a task's
 *                index: somebody else's descriptor (registered once for one event, then taken out)
 * A closed descriptor leaves epoll by itself; an event already fetched for it finds another generation, or CLOSING.
 *
 * Sends that wait are few (slow readers), so slots have no room for them: they lie in a small hash table by slot. */
#include "loop/loop.h"
#include "loop/machine.h"
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    EVENTS_PER_TURN = 256,
    READS_PER_EVENT = 4, /* full ones */
    CHAINS_MIN = 16,
    CHAINS_MAX = 1024,
};

static const uint32_t SLOT_EVENTS = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

static const uint32_t TAG_POLL = UINT32_C(1) << 31;

struct epoll_poll { /* what a task waits for */
    int fd;
    uint32_t serial;
};

struct epoll_state {
    int fd;
    int listeners[LOOP_LISTENERS_MAX]; /* -1: none */
    struct loop_send **pending;        /* chains, by slot index; they lie behind this struct */
    uint32_t pending_mask;
    struct epoll_poll *polls; /* by index; behind those */
    struct epoll_event events[EVENTS_PER_TURN];
};

static struct epoll_state *state_of(const struct loop *loop)
{
    return loop->state;
}

/* ── Pending sends ────────────────────────────────────────────────────────────────────────────────────────── */

static struct loop_send **pending_chain(const struct loop *loop, const struct slot *slot)
{
    struct epoll_state *e = state_of(loop);
    return &e->pending[loop_slot_index(loop, slot) & e->pending_mask];
}

static void pend(struct loop *loop, struct slot *slot, struct loop_send *send)
{
    struct loop_send **chain = pending_chain(loop, slot);
    send->next = *chain;
    *chain = send;
    slot->loop_flags |= SLOT_SEND_ARMED;
}

static struct loop_send *find_pending(const struct loop *loop, const struct slot *slot)
{
    struct loop_send *send = *pending_chain(loop, slot);
    while (send->slot != slot)
        send = send->next;
    return send;
}

static void forget_pending(struct loop *loop, struct slot *slot)
{
    struct loop_send **link = pending_chain(loop, slot);
    while ((*link)->slot != slot)
        link = &(*link)->next;
    *link = (*link)->next;
    slot->loop_flags &= (uint8_t)~SLOT_SEND_ARMED;
}

/* ── Descriptors ──────────────────────────────────────────────────────────────────────────────────────────── */

static int add(const struct epoll_state *e, int fd, uint32_t events, uint64_t tag)
{
    struct epoll_event event = {.events = events, .data.u64 = tag};
    return epoll_ctl(e->fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static uint64_t slot_tag(const struct loop *loop, const struct slot *slot)
{
    return (uint64_t)slot->generation << 32 | loop_slot_index(loop, slot);
}

/* Makes the kernel look again: what is ready now comes as an event of the next turn. */
static void repeat_edge(const struct loop *loop, const struct slot *slot)
{
    struct epoll_event event = {.events = SLOT_EVENTS, .data.u64 = slot_tag(loop, slot)};
    int failed = epoll_ctl(state_of(loop)->fd, EPOLL_CTL_MOD, slot->fd, &event);
    ASSERT(failed == 0);
}

static int epoll_adopt(struct loop *loop, struct slot *slot, int fd)
{
    loop_seat(loop, slot, fd);
    int error = add(state_of(loop), fd, SLOT_EVENTS, slot_tag(loop, slot));
    if (error < 0) {
        slot->fd = -1;
        slot->generation = 0;
    }
    return error;
}

static int epoll_listen(struct loop *loop, int fd, unsigned listener)
{
    struct epoll_state *e = state_of(loop);
    ASSERT(listener < LOOP_LISTENERS_MAX && e->listeners[listener] < 0);
    /* Exclusive: of the shards that share a listener, one wakes. */
    int error = add(e, fd, EPOLLIN | EPOLLEXCLUSIVE, 1 + listener);
    if (error == 0)
        e->listeners[listener] = fd;
    return error;
}

static void epoll_unlisten(struct loop *loop, unsigned listener)
{
    struct epoll_state *e = state_of(loop);
    if (e->listeners[listener] < 0)
        return;
    epoll_ctl(e->fd, EPOLL_CTL_DEL, e->listeners[listener], NULL);
    e->listeners[listener] = -1;
}

/* ── Receiving ────────────────────────────────────────────────────────────────────────────────────────────── */

static void end_of_input(struct loop *loop, struct slot *slot, int error)
{
    slot->loop_flags &= (uint8_t)~SLOT_WANTED;
    slot->loop_flags |= SLOT_READABLE;
    loop->events->on_recv_end(loop->context, slot, error);
}

/* An input event of a seated slot. ended: the event says that the peer has shut down or the connection broke. */
static void receive(struct loop *loop, struct slot *slot, bool ended)
{
    uint32_t generation = slot->generation;
    for (unsigned reads = 0;; reads++) {
        if (!(slot->loop_flags & SLOT_WANTED)) {
            slot->loop_flags |= SLOT_READABLE;
            return;
        }
        if (reads == READS_PER_EVENT || !machine_have_scratch(loop)) {
            repeat_edge(loop, slot);
            return;
        }
        uint32_t capacity = loop->receive->capacity;
        ssize_t n = machine_recv(slot->fd, loop->scratch->data, capacity, 0);
        if (UNLIKELY(n <= 0)) {
            if (n < 0 && errno == EAGAIN)
                return;
            if (n < 0 && errno == EINTR)
                continue;
            end_of_input(loop, slot, n < 0 ? -errno : 0);
            return;
        }
        machine_deliver_scratch(loop, slot, (size_t)n);
        if (slot->generation != generation || slot->loop_flags & SLOT_CLOSING)
            return;
        if (LIKELY((uint32_t)n < capacity && !ended))
            return;
    }
}

static void epoll_arm_recv(struct loop *loop, struct slot *slot)
{
    if (slot->loop_flags & SLOT_CLOSING)
        return;
    slot->loop_flags |= SLOT_WANTED;
    if (UNLIKELY(slot->loop_flags & SLOT_READABLE)) {
        slot->loop_flags &= (uint8_t)~SLOT_READABLE;
        repeat_edge(loop, slot);
    }
}

static void epoll_pause_recv(struct loop *loop, struct slot *slot)
{
    (void)loop;
    slot->loop_flags &= (uint8_t)~SLOT_WANTED;
}

static void epoll_give_back(struct loop *loop, struct buffer *b)
{
    if (UNLIKELY(loop->scratch == NULL))
        loop->scratch = b;
    else
        buffer_release(loop->receive, b);
}

/* ── Sending ──────────────────────────────────────────────────────────────────────────────────────────────── */

static int epoll_arm_send(struct loop *loop, struct slot *slot, struct loop_send *send)
{
    if (UNLIKELY(slot->loop_flags & SLOT_CLOSING))
        return -ECANCELED;
    ASSERT(!(slot->loop_flags & SLOT_SEND_ARMED));
    send_begin(send, slot);
    int result = leat__machine_send(slot->fd, send);
    if (LIKELY(result == 0))
        return 1;
    if (result < 0 && result != -EAGAIN)
        return result;
    pend(loop, slot, send);
    if (result > 0)
        repeat_edge(loop, slot);
    return 0;
}

static void go_on_sending(struct loop *loop, struct slot *slot)
{
    int result = leat__machine_send(slot->fd, find_pending(loop, slot));
    if (result == -EAGAIN)
        return;
    if (result > 0) {
        repeat_edge(loop, slot);
        return;
    }
    forget_pending(loop, slot);
    loop->events->on_sent(loop->context, slot, result);
}

static void epoll_shutdown_write(struct loop *loop, struct slot *slot)
{
    (void)loop;
    if (!(slot->loop_flags & SLOT_CLOSING))
        shutdown(slot->fd, SHUT_WR);
}

static void epoll_close_slot(struct loop *loop, struct slot *slot)
{
    if (slot->loop_flags & SLOT_SEND_ARMED)
        forget_pending(loop, slot);
    close(slot->fd);
    leat__loop_bury(loop, slot);
}

/* Parking is free here. */
static void epoll_quiet(struct loop *loop, struct slot *slot)
{
    (void)loop;
    (void)slot;
}

/* ── Others' descriptors ──────────────────────────────────────────────────────────────────────────────────── */

static int epoll_arm_poll(struct loop *loop, int fd, unsigned events, uint32_t index, uint32_t serial)
{
    struct epoll_state *e = state_of(loop);
    int error = add(e, fd, events | EPOLLONESHOT, TAG_POLL | index);
    if (error < 0)
        return error == -EEXIST ? -EBUSY : error;
    e->polls[index] = (struct epoll_poll){.fd = fd, .serial = serial};
    return 0;
}

static void epoll_cancel_poll(struct loop *loop, int fd, uint32_t index, uint32_t serial)
{
    struct epoll_state *e = state_of(loop);
    (void)serial;
    epoll_ctl(e->fd, EPOLL_CTL_DEL, fd, NULL);
    e->polls[index].fd = -1;
}

static void on_poll(struct loop *loop, uint32_t index, uint32_t events)
{
    struct epoll_poll *poll = &state_of(loop)->polls[index];
    if (poll->fd < 0)
        return; /* cancelled after the kernel had told it */
    uint32_t serial = poll->serial;
    epoll_cancel_poll(loop, poll->fd, index, serial);
    loop->events->on_poll(loop->context, index, serial, (int)events);
}

/* ── Accepting ────────────────────────────────────────────────────────────────────────────────────────────── */

static void accept_some(struct loop *loop, unsigned listener)
{
    int error = leat__machine_accept(loop, &state_of(loop)->listeners[listener], listener);
    if (error == 0)
        return;
    epoll_unlisten(loop, listener);
    loop->events->on_accept_failed(loop->context, listener, error);
}

/* ── The turn ─────────────────────────────────────────────────────────────────────────────────────────────── */

static bool is_seated(const struct slot *slot, uint32_t generation)
{
    return slot->generation == generation && !(slot->loop_flags & SLOT_CLOSING);
}

static void handle(struct loop *loop, uint64_t tag, uint32_t events)
{
    uint32_t generation = (uint32_t)(tag >> 32), low = (uint32_t)tag;
    if (UNLIKELY(generation == 0)) {
        if (low == 0)
            leat__loop_take_mail(loop);
        else if (low & TAG_POLL)
            on_poll(loop, low & ~TAG_POLL, events);
        else
            accept_some(loop, low - 1);
        return;
    }
    struct slot *slot = &loop->slots[low];
    if (!is_seated(slot, generation))
        return;
    if (UNLIKELY(slot->loop_flags & SLOT_SEND_ARMED) && events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
        go_on_sending(loop, slot);
        if (!is_seated(slot, generation))
            return;
    }
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        receive(loop, slot, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
}

static void epoll_wait_turn(struct loop *loop, int64_t timeout_ms)
{
    struct epoll_state *e = state_of(loop);
    int timeout = timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms;
    int count = machine_epoll_wait(e->fd, e->events, EVENTS_PER_TURN, timeout);
    loop_woke(loop);
    machine_read_clock(loop);
    for (int i = 0; i < count; i++)
        handle(loop, e->events[i].data.u64, e->events[i].events);
}

/* ── Opening ──────────────────────────────────────────────────────────────────────────────────────────────── */

static uint32_t chains_of(const struct loop_options *options)
{
    uint32_t chains = CHAINS_MIN;
    while (chains < CHAINS_MAX && chains < options->send_count)
        chains *= 2;
    return chains;
}

static size_t epoll_state_size(const struct loop_options *options)
{
    size_t size = sizeof(struct epoll_state) + chains_of(options) * sizeof(struct loop_send *) +
                  (options->poll_count + 1) * sizeof(struct epoll_poll);
    return align_up(size, PAGE_SIZE_BYTES);
}

static int epoll_open(struct loop *loop, const struct loop_options *options)
{
    struct epoll_state *e = options->state;
    uint32_t chains = chains_of(options);
    e->pending = (struct loop_send **)(void *)(e + 1);
    e->pending_mask = chains - 1;
    e->polls = (struct epoll_poll *)(void *)(e->pending + chains);
    for (unsigned i = 0; i < LOOP_LISTENERS_MAX; i++)
        e->listeners[i] = -1;
    e->fd = epoll_create1(EPOLL_CLOEXEC);
    if (e->fd < 0)
        return -errno;
    int error = add(e, options->mailbox->wake_fd, EPOLLIN, 0);
    if (error < 0) {
        close(e->fd);
        return error;
    }
    loop->state = e;
    machine_read_clock(loop);
    return 0;
}

static void epoll_close(struct loop *loop)
{
    close(state_of(loop)->fd);
    loop->state = NULL;
}

const struct loop_backend leat__loop_epoll = {
    .name = "epoll",
    .state_size = epoll_state_size,
    .open = epoll_open,
    .close = epoll_close,
    .wait = epoll_wait_turn,
    .listen = epoll_listen,
    .unlisten = epoll_unlisten,
    .adopt = epoll_adopt,
    .arm_recv = epoll_arm_recv,
    .pause_recv = epoll_pause_recv,
    .arm_send = epoll_arm_send,
    .shutdown_write = epoll_shutdown_write,
    .close_slot = epoll_close_slot,
    .quiet = epoll_quiet,
    .give_back = epoll_give_back,
    .refuse = leat__machine_refuse,
    .arm_poll = epoll_arm_poll,
    .cancel_poll = epoll_cancel_poll,
};
