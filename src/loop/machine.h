/* machine.h: what the two backends on the real machine share: its clock, and the steps of sending and accepting that
 * are system calls on both. All of it is on non-blocking sockets, one step at a time, and waits for nothing.
 *
 * A loop_send is consumed in place: `at` is the first part not wholly sent, its iovec already shortened by what went
 * out of it; behind the parts, file_offset and file_left move. */
#ifndef LEAT_LOOP_MACHINE_H
#define LEAT_LOOP_MACHINE_H

#include "base/clock.h"
#include "loop/loop.h"
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The three calls of every request, straight to the kernel: libc's are cancellation points, which costs a process with
 * threads some thirty instructions each, and no thread of ours is ever cancelled. errno is set as usual. */
static inline ssize_t machine_recv(int fd, void *bytes, size_t size, int flags)
{
    return syscall(SYS_recvfrom, fd, bytes, size, flags, NULL, NULL);
}

static inline ssize_t machine_send(int fd, const void *bytes, size_t size, int flags)
{
    return syscall(SYS_sendto, fd, bytes, size, flags, NULL, 0);
}

static inline int machine_epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms)
{
    return (int)syscall(SYS_epoll_pwait, fd, events, count, timeout_ms, NULL, 0);
}

/* A file goes out in pieces, and after so many of them it is other connections' turn. */
enum { SEND_FILE_PIECE = 1 << 20, SEND_FILE_PIECES = 4 };

_Static_assert(sizeof(struct msghdr) <= sizeof(((struct loop_send *)0)->message), "it has room");

static inline size_t send_parts_left(const struct loop_send *send)
{
    return (size_t)(send->parts + send->part_count - send->at);
}

static inline void send_skip_empty(struct loop_send *send)
{
    const struct iovec *end = send->parts + send->part_count;
    while (send->at < end && send->at->iov_len == 0)
        send->at++;
}

static inline void send_begin(struct loop_send *send, struct slot *slot)
{
    send->at = send->parts;
    send->slot = slot;
    send_skip_empty(send);
}

/* n octets of the parts are with the kernel. */
static inline void send_consume(struct loop_send *send, size_t n)
{
    send->sent += n;
    while (n > 0) {
        size_t step = size_min(n, send->at->iov_len);
        send->at->iov_base = (char *)send->at->iov_base + step;
        send->at->iov_len -= step;
        n -= step;
        if (send->at->iov_len == 0)
            send->at++;
    }
    send_skip_empty(send);
}

static inline int send_flags(const struct loop_send *send)
{
    return MSG_NOSIGNAL | (send->file_left > 0 ? MSG_MORE : 0);
}

/* The file's part: 0: all of it is out; 1: pieces enough for now; -EAGAIN; or -errno (-EIO: the file has become
 * shorter than it was promised to be). */
int leat__machine_send_file(int fd, struct loop_send *send);

/* As much as the kernel takes at once, parts and file. 0: all of it; 1: pieces enough for now; -EAGAIN: the socket is
 * full; -errno. */
int leat__machine_send(int fd, struct loop_send *send);

/* As refuse of the backends. */
void leat__machine_refuse(struct loop *loop, int fd, const void *bytes, size_t size, bool drop);

/* Accepts a bounded batch from *listener_fd, as long as that is not made -1 by what on_accept does. 0, or the -errno
 * for which the listener has to be paused. */
int leat__machine_accept(struct loop *loop, const int *listener_fd, unsigned listener);

/* Whether accept(2) says error (positive) of one connection, or of a signal, and not of this process. */
bool leat__machine_accept_passes(int error);

/* Where receives by hand land. The plan has a buffer for everyone who may keep one, and one more for us. Should there
 * be none all the same, the caller asks again in the next turn. */
static inline bool machine_have_scratch(struct loop *loop)
{
    if (UNLIKELY(loop->scratch == NULL))
        loop->scratch = buffer_acquire(loop->receive);
    return loop->scratch != NULL;
}

/* Hands over the n bytes in the scratch. */
static inline void machine_deliver_scratch(struct loop *loop, struct slot *slot, size_t n)
{
    struct buffer *b = loop->scratch;
    b->start = 0;
    b->end = (uint32_t)n;
    if (loop_deliver(loop, slot, b))
        loop->scratch = buffer_acquire(loop->receive);
}

static inline void machine_read_clock(struct loop *loop)
{
    loop->now_ms = leat__clock_now_ms();
    loop->realtime_s = leat__clock_realtime_s();
}

#endif
