/* uring_send.c: sending on io_uring: through the ring where a turn's sends can share one system call, by hand where
 * that is better. Files go by sendfile(2) behind their head, and a poll tells when there is room for more. */
#include "loop/uring.h"
#include <poll.h>

/* Not MSG_WAITALL: each completion tells how far it got, so that a slow reader can be told from a dead one. */
static void ask_send(struct uring_state *u, struct loop_send *send)
{
    struct io_uring_sqe *sqe = uring_entry(u);
    if (LIKELY(send_parts_left(send) == 1)) {
        io_uring_prep_send(sqe, send->slot->fd, send->at->iov_base, send->at->iov_len, send_flags(send));
    } else {
        struct msghdr *message = (struct msghdr *)send->message;
        *message = (struct msghdr){.msg_iov = send->at, .msg_iovlen = send_parts_left(send)};
        io_uring_prep_sendmsg(sqe, send->slot->fd, message, (unsigned)send_flags(send));
    }
    sqe->user_data = uring_tag_send(TAG_SEND, send);
}

static void ask_room(struct uring_state *u, struct loop_send *send)
{
    struct io_uring_sqe *sqe = uring_entry(u);
    io_uring_prep_poll_add(sqe, send->slot->fd, POLLOUT);
    sqe->user_data = uring_tag_send(TAG_ROOM, send);
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

int leat__uring_arm_send(struct loop *loop, struct slot *slot, struct loop_send *send)
{
    struct uring_state *u = uring_of(loop);
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

void leat__uring_on_send(struct loop *loop, struct loop_send *send, int result)
{
    struct slot *slot = send->slot;
    ASSERT(slot->loop_flags & SLOT_SEND_ARMED);
    if (UNLIKELY(slot->loop_flags & SLOT_CLOSING)) {
        slot->loop_flags &= (uint8_t)~SLOT_SEND_ARMED;
        uring_of(loop)->sends--;
        leat__uring_finish_closing(loop, slot);
        return;
    }
    if (LIKELY(result > 0))
        send_consume(send, (size_t)result);
    int step = result < 0 && result != -EAGAIN && result != -EINTR ? result
                                                                   : send_step(uring_of(loop), send);
    if (step == 0)
        return;
    slot->loop_flags &= (uint8_t)~SLOT_SEND_ARMED;
    uring_of(loop)->sends--;
    loop->events->on_sent(loop->context, slot, step < 0 ? step : 0);
}

void leat__uring_shutdown_write(struct loop *loop, struct slot *slot)
{
    (void)loop;
    if (!(slot->loop_flags & SLOT_CLOSING))
        shutdown(slot->fd, SHUT_WR);
}
