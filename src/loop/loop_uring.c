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
 * by the last completion of its operation, and a descriptor is closed only when none is set.
 *
 * What a completion carries (user_data), bits 63..60 the kind, and then
 *   POLL, RECV         bits 59..28 generation of the slot, bits 27..0 its index
 *   SEND, ROOM         bits 59..0 address of the struct loop_send, which is ours until then and knows its slot
 *   ACCEPT, DOOR       bits 39..8 count of loop_listen calls for that listener, bits 7..0 the listener
 *   WAKE, NOBODY       nothing
 * The completion of a cancellation itself interests NOBODY. */
#define _GNU_SOURCE 1 /* POLLRDHUP */
#include "loop/loop.h"
#include "loop/machine.h"
#include "memory/seal.h"
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

enum tag_kind {
    TAG_NOBODY,
    TAG_WAKE,
    TAG_ACCEPT,
    TAG_DOOR,
    TAG_POLL,
    TAG_RECV,
    TAG_SEND,
    TAG_ROOM
};

enum {
    TAG_KIND_SHIFT = 60,
    TAG_GENERATION_SHIFT = 28,
    TAG_EPOCH_SHIFT = 8,
    OUTSTANDING = SLOT_RECV_ARMED | SLOT_POLL_ARMED | SLOT_SEND_ARMED,
    RECEIVE_RING_MAX = 32768, /* the kernel's */
    BUFFER_INDEX_MAX = 65535, /* a buffer is named by 16 bits in its completion */
};

_Static_assert(LOOP_LISTENERS_MAX <= 1 << TAG_EPOCH_SHIFT, "a listener fits its bits");

struct uring_listener {
    int fd;         /* -1: none */
    uint32_t epoch; /* loop_listen calls so far */
};

struct uring_state {
    struct io_uring ring;
    struct io_uring_buf_ring *lent_ring;
    uint32_t lent_max, lent; /* buffers the ring holds when full, and those it has, as far as we have heard */
    size_t lent_ring_size; /* bytes */
    uint32_t sends, sends_max; /* slots with a send out, and how many there may be before sending by hand */
    struct uring_listener listeners[LOOP_LISTENERS_MAX];
};

static struct uring_state *state_of(const struct loop *loop)
{
    return loop->state;
}

/* ── Asking ───────────────────────────────────────────────────────────────────────────────────────────────── */

static uint64_t tag_slot(const struct loop *loop, enum tag_kind kind, const struct slot *slot)
{
    return (uint64_t)kind << TAG_KIND_SHIFT | (uint64_t)slot->generation << TAG_GENERATION_SHIFT |
           loop_slot_index(loop, slot);
}

static uint64_t tag_send(enum tag_kind kind, const struct loop_send *send)
{
    return (uint64_t)kind << TAG_KIND_SHIFT | (uintptr_t)send;
}

static uint64_t tag_listener(const struct uring_state *u, enum tag_kind kind, unsigned listener)
{
    return (uint64_t)kind << TAG_KIND_SHIFT |
           (uint64_t)u->listeners[listener].epoch << TAG_EPOCH_SHIFT | listener;
}

/* A full queue is submitted early. The kernel may be short of memory for a moment, or want its completions taken from
 * the overflow first; there is nothing to do then but to ask again. */
static struct io_uring_sqe *entry_slow(struct uring_state *u)
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

static inline struct io_uring_sqe *entry(struct uring_state *u)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
    return LIKELY(sqe != NULL) ? sqe : entry_slow(u);
}

static void ask_poll(struct loop *loop, struct slot *slot)
{
    struct io_uring_sqe *sqe = entry(state_of(loop));
    io_uring_prep_poll_add(sqe, slot->fd, POLLIN | POLLRDHUP);
    sqe->user_data = tag_slot(loop, TAG_POLL, slot);
    slot->loop_flags |= SLOT_POLL_ARMED;
}

static void ask_receive(struct loop *loop, struct slot *slot)
{
    struct io_uring_sqe *sqe = entry(state_of(loop));
    io_uring_prep_recv_multishot(sqe, slot->fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    sqe->user_data = tag_slot(loop, TAG_RECV, slot);
    slot->loop_flags |= SLOT_RECV_ARMED;
}

static void cancel(struct uring_state *u, uint64_t tag)
{
    struct io_uring_sqe *sqe = entry(u);
    io_uring_prep_cancel64(sqe, tag, 0);
    sqe->user_data = (uint64_t)TAG_NOBODY << TAG_KIND_SHIFT;
}

static void cancel_receive(struct loop *loop, struct slot *slot)
{
    if (slot->loop_flags & SLOT_CANCELLING)
        return;
    cancel(state_of(loop), tag_slot(loop, TAG_RECV, slot));
    slot->loop_flags |= SLOT_CANCELLING;
}

static void ask_accept(struct uring_state *u, unsigned listener)
{
    struct io_uring_sqe *sqe = entry(u);
    io_uring_prep_multishot_accept(sqe, u->listeners[listener].fd, NULL, NULL,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC);
    sqe->user_data = tag_listener(u, TAG_ACCEPT, listener);
}

static void ask_door(struct uring_state *u, unsigned listener)
{
    struct io_uring_sqe *sqe = entry(u);
    io_uring_prep_poll_add(sqe, u->listeners[listener].fd, POLLIN);
    sqe->user_data = tag_listener(u, TAG_DOOR, listener);
}

static void ask_wake(struct uring_state *u, const struct mailbox *mailbox)
{
    struct io_uring_sqe *sqe = entry(u);
    io_uring_prep_poll_multishot(sqe, mailbox->wake_fd, POLLIN);
    sqe->user_data = (uint64_t)TAG_WAKE << TAG_KIND_SHIFT;
}

/* ── Lent buffers ─────────────────────────────────────────────────────────────────────────────────────────── */

static void lend(struct loop *loop, struct buffer *b)
{
    struct uring_state *u = state_of(loop);
    b->lent = true;
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
    state_of(loop)->lent--;
    return b;
}

static void restock(struct loop *loop, struct buffer *b)
{
    if (LIKELY(state_of(loop)->lent < state_of(loop)->lent_max))
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

/* The last step, when the last completion has come. */
static void finish_closing(struct loop *loop, struct slot *slot)
{
    if (slot->loop_flags & OUTSTANDING)
        return;
    close(slot->fd);
    leat__loop_bury(loop, slot);
}

static void uring_close_slot(struct loop *loop, struct slot *slot)
{
    if (slot->loop_flags & OUTSTANDING) {
        struct io_uring_sqe *sqe = entry(state_of(loop));
        io_uring_prep_cancel_fd(sqe, slot->fd, IORING_ASYNC_CANCEL_ALL);
        sqe->user_data = (uint64_t)TAG_NOBODY << TAG_KIND_SHIFT;
    }
    finish_closing(loop, slot);
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
    if (slot->loop_flags & SLOT_WARM && state_of(loop)->lent > 0)
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
    ssize_t n = recv(slot->fd, loop->scratch->data, loop->receive->capacity, MSG_DONTWAIT);
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
        finish_closing(loop, slot);
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
    b->start = 0;
    b->end = size;
    if (UNLIKELY(loop_deliver(loop, slot, b)))
        b = buffer_acquire(loop->receive);
    if (LIKELY(b != NULL))
        restock(loop, b);
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
        finish_closing(loop, slot);
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

/* ── Sending ──────────────────────────────────────────────────────────────────────────────────────────────── */

/* Not MSG_WAITALL: each completion tells how far it got, so that a slow reader can be told from a dead one. */
static void ask_send(struct uring_state *u, struct loop_send *send)
{
    struct io_uring_sqe *sqe = entry(u);
    if (LIKELY(send_parts_left(send) == 1)) {
        io_uring_prep_send(sqe, send->slot->fd, send->at->iov_base, send->at->iov_len, send_flags(send));
    } else {
        struct msghdr *message = (struct msghdr *)send->message;
        *message = (struct msghdr){.msg_iov = send->at, .msg_iovlen = send_parts_left(send)};
        io_uring_prep_sendmsg(sqe, send->slot->fd, message, (unsigned)send_flags(send));
    }
    sqe->user_data = tag_send(TAG_SEND, send);
}

static void ask_room(struct uring_state *u, struct loop_send *send)
{
    struct io_uring_sqe *sqe = entry(u);
    io_uring_prep_poll_add(sqe, send->slot->fd, POLLOUT);
    sqe->user_data = tag_send(TAG_ROOM, send);
}

/* The next step of a send: 0: an operation is out for it; 1: all is sent; -errno. */
static int send_step(struct uring_state *u, struct loop_send *send)
{
    if (send_parts_left(send) > 0) {
        ask_send(u, send);
        return 0;
    }
    int result = send->file_left > 0 ? leat__machine_send_file(send->slot->fd, send) : 0;
    if (result == 0)
        return 1;
    if (result < 0 && result != -EAGAIN)
        return result;
    ask_room(u, send);
    return 0;
}

/* A send through the ring is cheap because it shares its system call with others of the turn, but until that turn its
 * exchange is held. So it is for connections that are busy, and bounded in number; a connection that speaks now and
 * then, and a burst of more than the exchanges could bear, is sent to by hand, as it was received from. */
static bool is_sent_by_hand(const struct uring_state *u, const struct slot *slot)
{
    return !(slot->loop_flags & SLOT_RECV_ARMED) || u->sends >= u->sends_max;
}

static int uring_arm_send(struct loop *loop, struct slot *slot, struct loop_send *send)
{
    struct uring_state *u = state_of(loop);
    if (UNLIKELY(slot->loop_flags & SLOT_CLOSING))
        return -ECANCELED;
    ASSERT(!(slot->loop_flags & SLOT_SEND_ARMED));
    send_begin(send, slot);
    if (UNLIKELY(is_sent_by_hand(u, slot))) {
        int result = leat__machine_send(slot->fd, send);
        if (result == 0)
            return 1;
        if (result < 0 && result != -EAGAIN)
            return result;
        ask_room(u, send);
    } else {
        int result = send_step(u, send);
        if (result != 0)
            return result;
    }
    slot->loop_flags |= SLOT_SEND_ARMED;
    u->sends++;
    return 0;
}

/* A send or the poll for room has completed; result is that of the send (room: 0). */
static void on_send(struct loop *loop, struct loop_send *send, int result)
{
    struct slot *slot = send->slot;
    ASSERT(slot->loop_flags & SLOT_SEND_ARMED);
    if (UNLIKELY(slot->loop_flags & SLOT_CLOSING)) {
        slot->loop_flags &= (uint8_t)~SLOT_SEND_ARMED;
        state_of(loop)->sends--;
        finish_closing(loop, slot);
        return;
    }
    if (LIKELY(result > 0))
        send_consume(send, (size_t)result);
    int step = result < 0 && result != -EAGAIN && result != -EINTR ? result
                                                                   : send_step(state_of(loop), send);
    if (step == 0)
        return;
    slot->loop_flags &= (uint8_t)~SLOT_SEND_ARMED;
    state_of(loop)->sends--;
    loop->events->on_sent(loop->context, slot, step < 0 ? step : 0);
}

static void uring_shutdown_write(struct loop *loop, struct slot *slot)
{
    (void)loop;
    if (!(slot->loop_flags & SLOT_CLOSING))
        shutdown(slot->fd, SHUT_WR);
}

/* ── Accepting ────────────────────────────────────────────────────────────────────────────────────────────── */

static int uring_listen(struct loop *loop, int fd, unsigned listener)
{
    struct uring_state *u = state_of(loop);
    ASSERT(listener < LOOP_LISTENERS_MAX && u->listeners[listener].fd < 0);
    u->listeners[listener].fd = fd;
    u->listeners[listener].epoch++;
    ask_accept(u, listener);
    return 0;
}

static void uring_unlisten(struct loop *loop, unsigned listener)
{
    struct uring_state *u = state_of(loop);
    if (u->listeners[listener].fd < 0)
        return;
    cancel(u, tag_listener(u, TAG_ACCEPT, listener));
    cancel(u, tag_listener(u, TAG_DOOR, listener));
    u->listeners[listener].fd = -1;
}

static void pause_listener(struct loop *loop, unsigned listener, int error)
{
    state_of(loop)->listeners[listener].fd = -1;
    loop->events->on_accept_failed(loop->context, listener, error);
}

static bool is_listening(const struct uring_state *u, uint64_t tag)
{
    const struct uring_listener *l = &u->listeners[tag & 0xff];
    return l->fd >= 0 && l->epoch == (uint32_t)(tag >> TAG_EPOCH_SHIFT);
}

static void on_accept(struct loop *loop, uint64_t tag, int result, uint32_t completion_flags)
{
    struct uring_state *u = state_of(loop);
    unsigned listener = tag & 0xff;
    if (LIKELY(result >= 0))
        loop->events->on_accept(loop->context, result, listener);
    if (completion_flags & IORING_CQE_F_MORE || !is_listening(u, tag))
        return;
    if (result >= 0 || leat__machine_accept_passes(-result))
        ask_accept(u, listener);
    else if (result == -EAGAIN)
        ask_door(u, listener); /* a kernel that does not wait on a non-blocking listener */
    else
        pause_listener(loop, listener, result);
}

static void on_door(struct loop *loop, uint64_t tag)
{
    struct uring_state *u = state_of(loop);
    unsigned listener = tag & 0xff;
    if (!is_listening(u, tag))
        return;
    int error = leat__machine_accept(loop, &u->listeners[listener].fd, listener);
    if (!is_listening(u, tag))
        return;
    if (error < 0)
        pause_listener(loop, listener, error);
    else
        ask_door(u, listener);
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
        on_send(loop, send_of(tag), result);
        break;
    case TAG_POLL:
        on_poll(loop, slot_of(loop, tag));
        break;
    case TAG_ROOM:
        on_send(loop, send_of(tag), 0);
        break;
    case TAG_ACCEPT:
        on_accept(loop, tag, result, flags);
        break;
    case TAG_DOOR:
        on_door(loop, tag);
        break;
    case TAG_WAKE:
        if (!(flags & IORING_CQE_F_MORE))
            ask_wake(state_of(loop), loop->mailbox);
        leat__loop_take_mail(loop);
        break;
    case TAG_NOBODY:
        break;
    }
}

static void uring_wait(struct loop *loop, int64_t timeout_ms)
{
    struct uring_state *u = state_of(loop);
    struct __kernel_timespec limit = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000};
    struct io_uring_cqe *cqe;
    /* What it answers does not matter: what was not submitted now is submitted by the next turn, and completions are
     * taken as they are found. */
    io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, timeout_ms < 0 ? NULL : &limit, NULL);
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
    u->lent_ring_size = align_up(count * sizeof(struct io_uring_buf), PAGE_SIZE_BYTES);
    void *ring = mmap(NULL, u->lent_ring_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                      -1, 0);
    if (ring == MAP_FAILED)
        return -errno;
    u->lent_ring = ring;
    u->lent_max = count;
    u->sends_max = count / 2;
    struct io_uring_buf_reg registration = {.ring_addr = (uintptr_t)ring, .ring_entries = count};
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
static void close_lent_ring(struct loop *loop, struct uring_state *u)
{
    if (u->lent_ring == NULL)
        return;
    munmap(u->lent_ring, u->lent_ring_size);
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

static int uring_open(struct loop *loop, const struct loop_options *options)
{
    uint32_t ring = options->receive_ring;
    if (ring == 0 || ring > RECEIVE_RING_MAX || (ring & (ring - 1)) != 0 ||
        options->receive->count - 1 > BUFFER_INDEX_MAX ||
        options->slot_count > UINT32_C(1) << TAG_GENERATION_SHIFT)
        return -EINVAL;
    struct uring_state *u = leat__start_alloc(sizeof *u);
    int error = open_ring(u, options->queue_entries);
    if (error < 0) {
        leat__start_free(u);
        return error;
    }
    for (unsigned i = 0; i < LOOP_LISTENERS_MAX; i++)
        u->listeners[i].fd = -1;
    loop->state = u;
    error = open_lent_ring(loop, u, ring);
    if (error < 0) {
        io_uring_queue_exit(&u->ring);
        close_lent_ring(loop, u);
        leat__start_free(u);
        loop->state = NULL;
        return error;
    }
    ask_wake(u, options->mailbox);
    machine_read_clock(loop);
    return 0;
}

/* The ring's end would come on its own, but later; listeners must be let go of now, and a connection that was taken
 * meanwhile must not stay open. */
static void uring_close(struct loop *loop)
{
    struct uring_state *u = state_of(loop);
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
    close_lent_ring(loop, u);
    leat__start_free(u);
    loop->state = NULL;
}

const struct loop_backend leat__loop_uring = {
    .name = "io_uring",
    .open = uring_open,
    .close = uring_close,
    .wait = uring_wait,
    .listen = uring_listen,
    .unlisten = uring_unlisten,
    .adopt = uring_adopt,
    .arm_recv = uring_arm_recv,
    .pause_recv = uring_pause_recv,
    .arm_send = uring_arm_send,
    .shutdown_write = uring_shutdown_write,
    .close_slot = uring_close_slot,
    .quiet = uring_quiet,
    .give_back = uring_give_back,
    .refuse = leat__machine_refuse,
};
