/* loop_uring.c: completions as the kernel makes them.
 *
 * One ring per shard, made on the shard's own thread; one system call per turn submits what was asked for since the
 * last and waits. How a connection waits for bytes depends on how busy it is:
 *
 *   parked ── first bytes ──► served once ── bytes again ──► warm
 *   (a one-shot poll, then recv(2) by hand into the scratch)  (a multishot receive into the ring of lent buffers)
 *      ▲                                                        │
 *      └───────────────── loop_quiet: cancel, then poll ────────┘
 *
 * A poll costs the kernel a third of an armed receive, so quiet connections are cheap, and a busy one pays nothing: its
 * receive stays armed for as long as it is busy. When the lent buffers run out the kernel says ENOBUFS and ends that
 * receive; the connection is parked and goes on by hand, which needs no lent buffer: flow control, not an error.
 *
 * Per slot at most one of each is outstanding: a poll or a receive, and a send. Three flags say which, each is cleared
 * by the last completion of its operation, and a descriptor is closed only when none is set. */
#define _GNU_SOURCE 1 /* POLLRDHUP */
#include "loop/uring.h"
#include <poll.h>
#include <unistd.h>

enum {
    OUTSTANDING = SLOT_RECV_ARMED | SLOT_POLL_ARMED | SLOT_SEND_ARMED,
    RECEIVE_RING_MAX = 32768, /* the kernel's */
    LENT_TRIM_MS = 30000,
    BUFFER_INDEX_MAX = 65535, /* a buffer is named by 16 bits in its completion */
};

/* ── Asking ───────────────────────────────────────────────────────────────────────────────────────────────── */

/* A full queue is submitted early. The kernel may be short of memory for a moment, or want its completions taken from
 * the overflow first; there is nothing to do then but to ask again. */
struct io_uring_sqe *leat__uring_entry_slow(struct uring_state *u)
{
    for (;;) {
        int submitted = io_uring_submit(&u->ring);
        struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
        if (sqe != NULL)
            return sqe;
        ASSERT(submitted != -EBADF && submitted != -EEXIST);
        io_uring_get_events(&u->ring);
    }
}

static void ask_poll(struct loop *loop, struct slot *slot)
{
    struct io_uring_sqe *sqe = uring_entry(uring_of(loop));
    io_uring_prep_poll_add(sqe, slot->fd, POLLIN | POLLRDHUP);
    sqe->user_data = uring_tag_slot(loop, TAG_POLL, slot);
    slot->loop_flags |= SLOT_POLL_ARMED;
}

static void ask_receive(struct loop *loop, struct slot *slot)
{
    struct io_uring_sqe *sqe = uring_entry(uring_of(loop));
    io_uring_prep_recv_multishot(sqe, slot->fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    sqe->user_data = uring_tag_slot(loop, TAG_RECV, slot);
    slot->loop_flags |= SLOT_RECV_ARMED;
}

static void cancel_receive(struct loop *loop, struct slot *slot)
{
    if (slot->loop_flags & SLOT_CANCELLING)
        return;
    uring_cancel(uring_of(loop), uring_tag_slot(loop, TAG_RECV, slot));
    slot->loop_flags |= SLOT_CANCELLING;
}

static void ask_wake(struct uring_state *u, const struct mailbox *mailbox)
{
    struct io_uring_sqe *sqe = uring_entry(u);
    io_uring_prep_poll_multishot(sqe, mailbox->wake_fd, POLLIN);
    sqe->user_data = (uint64_t)TAG_WAKE << TAG_KIND_SHIFT;
}

/* ── Lent buffers ─────────────────────────────────────────────────────────────────────────────────────────── */

static void lend(struct loop *loop, struct buffer *b)
{
    struct uring_state *u = uring_of(loop);
    b->lent = true;
    b->filled = true;
    io_uring_buf_ring_add(u->lent_ring, b->data, loop->receive->capacity, (unsigned short)b->index,
                          io_uring_buf_ring_mask(u->lent_max), 0);
    io_uring_buf_ring_advance(u->lent_ring, 1);
    u->lent++;
}

/* The buffer that a completion names: the kernel has let go of it. */
static struct buffer *lent_buffer(struct loop *loop, uint32_t completion_flags)
{
    struct buffer *b = &loop->receive->headers[completion_flags >> IORING_CQE_BUFFER_SHIFT];
    ASSERT(b->lent);
    b->lent = false;
    uring_of(loop)->lent--;
    return b;
}

static void restock(struct loop *loop, struct buffer *b)
{
    if (LIKELY(uring_of(loop)->lent < uring_of(loop)->lent_max))
        lend(loop, b);
    else
        buffer_release(loop->receive, b);
}

static void uring_give_back(struct loop *loop, struct buffer *b)
{
    if (UNLIKELY(loop->scratch == NULL))
        loop->scratch = b;
    else
        restock(loop, b);
}

/* ── Closing ──────────────────────────────────────────────────────────────────────────────────────────────── */

void leat__uring_finish_closing(struct loop *loop, struct slot *slot)
{
    if (slot->loop_flags & OUTSTANDING)
        return;
    close(slot->fd);
    leat__loop_bury(loop, slot);
}

static void uring_close_slot(struct loop *loop, struct slot *slot)
{
    if (slot->loop_flags & OUTSTANDING) {
        struct io_uring_sqe *sqe = uring_entry(uring_of(loop));
        io_uring_prep_cancel_fd(sqe, slot->fd, IORING_ASYNC_CANCEL_ALL);
        sqe->user_data = (uint64_t)TAG_NOBODY << TAG_KIND_SHIFT;
    }
    leat__uring_finish_closing(loop, slot);
}

/* ── Receiving ────────────────────────────────────────────────────────────────────────────────────────────── */

static int uring_adopt(struct loop *loop, struct slot *slot, int fd)
{
    loop_seat(loop, slot, fd);
    return 0;
}

static void uring_arm_recv(struct loop *loop, struct slot *slot)
{
    if (slot->loop_flags & SLOT_CLOSING)
        return;
    slot->loop_flags |= SLOT_WANTED;
    if (LIKELY(slot->loop_flags & (SLOT_RECV_ARMED | SLOT_POLL_ARMED)))
        return;
    if (slot->loop_flags & SLOT_WARM && uring_of(loop)->lent > 0)
        ask_receive(loop, slot);
    else
        ask_poll(loop, slot);
}

/* What is armed stays armed: a poll that fires now is not followed up, and a receive is cancelled when it delivers,
 * so that a pause that is soon over costs nothing. */
static void uring_pause_recv(struct loop *loop, struct slot *slot)
{
    (void)loop;
    slot->loop_flags &= (uint8_t)~SLOT_WANTED;
}

static void uring_quiet(struct loop *loop, struct slot *slot)
{
    slot->loop_flags &= (uint8_t) ~(SLOT_WARM | SLOT_SERVED);
    if (slot->loop_flags & SLOT_RECV_ARMED && !(slot->loop_flags & SLOT_CLOSING))
        cancel_receive(loop, slot);
}

static void end_of_input(struct loop *loop, struct slot *slot, int error)
{
    slot->loop_flags &= (uint8_t)~SLOT_WANTED;
    loop->events->on_recv_end(loop->context, slot, error);
}

static void receive_by_hand(struct loop *loop, struct slot *slot)
{
    if (!machine_have_scratch(loop)) {
        ask_poll(loop, slot);
        return;
    }
    ssize_t n = machine_recv(slot->fd, loop->scratch->data, loop->receive->capacity, MSG_DONTWAIT);
    if (UNLIKELY(n <= 0)) {
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            ask_poll(loop, slot);
        else
            end_of_input(loop, slot, n < 0 ? -errno : 0);
        return;
    }
    slot->loop_flags |= slot->loop_flags & SLOT_SERVED ? SLOT_WARM : SLOT_SERVED;
    machine_deliver_scratch(loop, slot, (size_t)n);
}

static void on_poll(struct loop *loop, struct slot *slot)
{
    slot->loop_flags &= (uint8_t)~SLOT_POLL_ARMED;
    if (slot->loop_flags & SLOT_CLOSING)
        leat__uring_finish_closing(loop, slot);
    else if (slot->loop_flags & SLOT_WANTED)
        receive_by_hand(loop, slot);
}

static bool is_end(int result)
{
    return result <= 0 && result != -ECANCELED && result != -ENOBUFS && result != -EAGAIN &&
           result != -EINTR;
}

static void deliver_lent(struct loop *loop, struct slot *slot, struct buffer *b, uint32_t size)
{
    uring_of(loop)->deliveries++;
    b->start = 0;
    b->end = size;
    if (UNLIKELY(loop_deliver(loop, slot, b)))
        b = buffer_acquire(loop->receive);
    if (LIKELY(b != NULL))
        restock(loop, b);
}

/* The kernel takes the lent buffers in turn, so in time all of them have pages, however little comes. When the ring has
 * gone round less than once a second for as long as the pools' trimmer waits too, all go back but those in flight. The
 * kernel fills buffers only while we are inside io_uring_enter (DEFER_TASKRUN): when no completion waits, here or in the
 * overflow, nothing lies in them. */
static size_t uring_trim(struct loop *loop, size_t budget)
{
    struct uring_state *u = uring_of(loop);
    struct buffer_pool *receive = loop->receive;
    if (loop->now_ms - u->trim_ms < LENT_TRIM_MS || io_uring_cq_ready(&u->ring) > 0 ||
        io_uring_cq_has_overflow(&u->ring))
        return 0;
    size_t given = 0;
    bool quiet = u->deliveries - u->trim_deliveries < (uint64_t)u->lent_max * LENT_TRIM_MS / 1000;
    for (uint32_t i = 0; quiet && i < receive->touched; i++) {
        struct buffer *b = &receive->headers[i];
        if (!b->lent || !b->filled)
            continue;
        if (given + receive->stride > budget)
            return given; /* the rest in the next second */
        leat__region_drop(b->data, receive->stride);
        b->filled = false;
        given += receive->stride;
    }
    u->trim_deliveries = u->deliveries;
    u->trim_ms = loop->now_ms;
    return given;
}

/* A completion of a multishot receive; one without F_MORE is its last. An end that nobody wants to know of is dropped:
 * asking again finds it again. */
static void on_receive(struct loop *loop, struct slot *slot, int result, uint32_t completion_flags)
{
    struct buffer *b = completion_flags & IORING_CQE_F_BUFFER ? lent_buffer(loop, completion_flags)
                                                              : NULL;
    if (!(completion_flags & IORING_CQE_F_MORE))
        slot->loop_flags &= (uint8_t) ~(SLOT_RECV_ARMED | SLOT_CANCELLING);
    bool closing = slot->loop_flags & SLOT_CLOSING;
    if (LIKELY(b != NULL && result > 0 && !closing))
        deliver_lent(loop, slot, b, (uint32_t)result);
    else if (b != NULL)
        restock(loop, b);
    if (UNLIKELY(closing)) {
        leat__uring_finish_closing(loop, slot);
        return;
    }
    if (UNLIKELY(is_end(result)) && slot->loop_flags & SLOT_WANTED)
        end_of_input(loop, slot, result);
    /* What is armed follows what is wanted. */
    if (!(slot->loop_flags & SLOT_WANTED)) {
        if (slot->loop_flags & SLOT_RECV_ARMED && !(slot->loop_flags & SLOT_CLOSING))
            cancel_receive(loop, slot);
    } else if (UNLIKELY(result == -ENOBUFS)) {
        ask_poll(loop, slot);
    } else {
        uring_arm_recv(loop, slot);
    }
}

/* ── Others' descriptors ──────────────────────────────────────────────────────────────────────────────────── */

static uint64_t tag_other(uint32_t index, uint32_t serial)
{
    return (uint64_t)TAG_OTHER << TAG_KIND_SHIFT | (uint64_t)serial << TAG_GENERATION_SHIFT | index;
}

static int uring_arm_poll(struct loop *loop, int fd, unsigned events, uint32_t index, uint32_t serial)
{
    struct io_uring_sqe *sqe = uring_entry(uring_of(loop));
    io_uring_prep_poll_add(sqe, fd, events);
    sqe->user_data = tag_other(index, serial);
    return 0;
}

static void uring_cancel_poll(struct loop *loop, int fd, uint32_t index, uint32_t serial)
{
    (void)fd;
    uring_cancel(uring_of(loop), tag_other(index, serial));
}

/* ── The turn ─────────────────────────────────────────────────────────────────────────────────────────────── */

static struct loop_send *send_of(uint64_t tag)
{
    return (struct loop_send *)(uintptr_t)(tag & ((UINT64_C(1) << TAG_KIND_SHIFT) - 1));
}

/* The slot a tag names. A slot is not buried before its last completion, so none can be stale. */
static struct slot *slot_of(const struct loop *loop, uint64_t tag)
{
    struct slot *slot = &loop->slots[tag & ((1u << TAG_GENERATION_SHIFT) - 1)];
    ASSERT(slot->generation == (uint32_t)(tag >> TAG_GENERATION_SHIFT));
    return slot;
}

static inline void handle(struct loop *loop, uint64_t tag, int result, uint32_t flags)
{
    switch ((enum tag_kind)(tag >> TAG_KIND_SHIFT)) {
    case TAG_RECV:
        on_receive(loop, slot_of(loop, tag), result, flags);
        break;
    case TAG_SEND:
        leat__uring_on_send(loop, send_of(tag), result);
        break;
    case TAG_POLL:
        on_poll(loop, slot_of(loop, tag));
        break;
    case TAG_ROOM:
        leat__uring_on_send(loop, send_of(tag), 0);
        break;
    case TAG_ACCEPT:
        leat__uring_on_accept(loop, tag, result, flags);
        break;
    case TAG_DOOR:
        leat__uring_on_door(loop, tag);
        break;
    case TAG_WAKE:
        if (!(flags & IORING_CQE_F_MORE))
            ask_wake(uring_of(loop), loop->mailbox);
        leat__loop_take_mail(loop);
        break;
    case TAG_OTHER:
        loop->events->on_poll(loop->context, (uint32_t)(tag & ((1u << TAG_GENERATION_SHIFT) - 1)),
                              (uint32_t)(tag >> TAG_GENERATION_SHIFT), result);
        break;
    case TAG_NOBODY:
        break;
    }
}

static void uring_wait(struct loop *loop, int64_t timeout_ms)
{
    struct uring_state *u = uring_of(loop);
    struct __kernel_timespec limit = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000};
    struct io_uring_cqe *cqe;
    /* What it answers does not matter: what was not submitted now is submitted by the next turn, and completions are
     * taken as they are found. */
    io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, timeout_ms < 0 ? NULL : &limit, NULL);
    loop_woke(loop);
    machine_read_clock(loop);
    unsigned ready = io_uring_cq_ready(&u->ring), seen = 0, head;
    io_uring_for_each_cqe(&u->ring, head, cqe)
    {
        if (seen++ == ready)
            break;
        handle(loop, cqe->user_data, cqe->res, cqe->flags);
    }
    io_uring_cq_advance(&u->ring, ready);
}

/* ── Opening and closing ──────────────────────────────────────────────────────────────────────────────────── */

static int open_lent_ring(struct loop *loop, struct uring_state *u, uint32_t count)
{
    u->lent_max = count;
    u->sends_max = count / 2;
    loop->receive->standing = count + 1; /* and the scratch */
    struct io_uring_buf_reg registration = {.ring_addr = (uintptr_t)u->lent_ring, .ring_entries = count};
    int error = io_uring_register_buf_ring(&u->ring, &registration, 0);
    for (uint32_t i = 0; error == 0 && i < count; i++) {
        struct buffer *b = buffer_acquire(loop->receive);
        if (b == NULL)
            error = -ENOMEM;
        else
            lend(loop, b);
    }
    return error;
}

/* After the ring is gone. */
static void take_lent_back(struct loop *loop)
{
    for (uint32_t i = 0; i < loop->receive->count; i++) {
        struct buffer *b = &loop->receive->headers[i];
        if (b->lent) {
            b->lent = false;
            buffer_release(loop->receive, b);
        }
    }
}

static int open_ring(struct uring_state *u, uint32_t entries)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
                 IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL,
        .cq_entries = entries * 4,
    };
    int error = io_uring_queue_init_params(entries, &u->ring, &params);
    /* Saves looking the descriptor up at each turn; not to be had: no harm. */
    if (error == 0)
        io_uring_register_ring_fd(&u->ring);
    return error;
}

/* The kernel wants the ring of lent buffers to begin a page; the state lies behind it, mostly in the same one. */
static size_t lent_ring_size(const struct loop_options *options)
{
    return align_up(options->receive_ring * sizeof(struct io_uring_buf), CACHE_LINE);
}

static size_t uring_state_size(const struct loop_options *options)
{
    return align_up(lent_ring_size(options) + sizeof(struct uring_state), PAGE_SIZE_BYTES);
}

static int uring_open(struct loop *loop, const struct loop_options *options)
{
    uint32_t ring = options->receive_ring;
    if (ring == 0 || ring > RECEIVE_RING_MAX || (ring & (ring - 1)) != 0 ||
        options->receive->count - 1 > BUFFER_INDEX_MAX ||
        options->slot_count > UINT32_C(1) << TAG_GENERATION_SHIFT)
        return -EINVAL;
    struct uring_state *u = (void *)((char *)options->state + lent_ring_size(options));
    u->lent_ring = options->state;
    int error = open_ring(u, options->queue_entries);
    if (error < 0)
        return error;
    for (unsigned i = 0; i < LOOP_LISTENERS_MAX; i++)
        u->listeners[i].fd = -1;
    loop->state = u;
    error = open_lent_ring(loop, u, ring);
    if (error < 0) {
        io_uring_queue_exit(&u->ring);
        take_lent_back(loop);
        loop->state = NULL;
        return error;
    }
    ask_wake(u, options->mailbox);
    machine_read_clock(loop);
    u->trim_ms = loop->now_ms;
    return 0;
}

/* The ring's end would come on its own, but later; listeners must be let go of now, and a connection that was taken
 * meanwhile must not stay open. */
static void uring_close(struct loop *loop)
{
    struct uring_state *u = uring_of(loop);
    struct io_uring_sync_cancel_reg all = {.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
                                           .timeout = {.tv_sec = -1, .tv_nsec = -1}};
    io_uring_submit(&u->ring);
    io_uring_register_sync_cancel(&u->ring, &all);
    io_uring_get_events(&u->ring);
    struct io_uring_cqe *cqe;
    unsigned head;
    io_uring_for_each_cqe(&u->ring, head, cqe)
    {
        if (cqe->user_data >> TAG_KIND_SHIFT == TAG_ACCEPT && cqe->res >= 0)
            close(cqe->res);
    }
    io_uring_queue_exit(&u->ring);
    take_lent_back(loop);
    loop->state = NULL;
}

const struct loop_backend leat__loop_uring = {
    .name = "io_uring",
    .state_size = uring_state_size,
    .open = uring_open,
    .close = uring_close,
    .wait = uring_wait,
    .listen = leat__uring_listen,
    .unlisten = leat__uring_unlisten,
    .adopt = uring_adopt,
    .arm_recv = uring_arm_recv,
    .pause_recv = uring_pause_recv,
    .arm_send = leat__uring_arm_send,
    .shutdown_write = leat__uring_shutdown_write,
    .close_slot = uring_close_slot,
    .quiet = uring_quiet,
    .give_back = uring_give_back,
    .trim = uring_trim,
    .refuse = leat__machine_refuse,
    .arm_poll = uring_arm_poll,
    .cancel_poll = uring_cancel_poll,
};
