/* uring_accept.c: listening on io_uring: one multishot accept per listener. Some kernels do not wait on a non-blocking
 * listener; there the ring watches the door, a poll, and accepting is done by hand. */
#include "loop/uring.h"
#include <poll.h>

static void ask_accept(struct uring_state *u, unsigned listener)
{
    struct io_uring_sqe *sqe = uring_entry(u);
    io_uring_prep_multishot_accept(sqe, u->listeners[listener].fd, NULL, NULL,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC);
    sqe->user_data = uring_tag_listener(u, TAG_ACCEPT, listener);
}

static void ask_door(struct uring_state *u, unsigned listener)
{
    struct io_uring_sqe *sqe = uring_entry(u);
    io_uring_prep_poll_add(sqe, u->listeners[listener].fd, POLLIN);
    sqe->user_data = uring_tag_listener(u, TAG_DOOR, listener);
}

int leat__uring_listen(struct loop *loop, int fd, unsigned listener)
{
    struct uring_state *u = uring_of(loop);
    ASSERT(listener < LOOP_LISTENERS_MAX && u->listeners[listener].fd < 0);
    u->listeners[listener].fd = fd;
    u->listeners[listener].epoch++;
    ask_accept(u, listener);
    return 0;
}

void leat__uring_unlisten(struct loop *loop, unsigned listener)
{
    struct uring_state *u = uring_of(loop);
    if (u->listeners[listener].fd < 0)
        return;
    uring_cancel(u, uring_tag_listener(u, TAG_ACCEPT, listener));
    uring_cancel(u, uring_tag_listener(u, TAG_DOOR, listener));
    u->listeners[listener].fd = -1;
}

static void pause_listener(struct loop *loop, unsigned listener, int error)
{
    uring_of(loop)->listeners[listener].fd = -1;
    loop->events->on_accept_failed(loop->context, listener, error);
}

static bool is_listening(const struct uring_state *u, uint64_t tag)
{
    const struct uring_listener *l = &u->listeners[tag & 0xff];
    return l->fd >= 0 && l->epoch == (uint32_t)(tag >> TAG_EPOCH_SHIFT);
}

void leat__uring_on_accept(struct loop *loop, uint64_t tag, int result, uint32_t completion_flags)
{
    struct uring_state *u = uring_of(loop);
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

void leat__uring_on_door(struct loop *loop, uint64_t tag)
{
    struct uring_state *u = uring_of(loop);
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
