/* machine.c: the steps that are system calls on both real backends: a file's pieces, the answer at the door, and
 * accepting by hand. Files go by sendfile(2) on io_uring too: splice through the ring costs many times as much. */
#include "loop/machine.h"
#include "net/net.h"
#include <errno.h>
#include <sys/sendfile.h>
#include <unistd.h>

int leat__machine_send_file(int fd, struct loop_send *send)
{
    for (unsigned piece = 0; piece < SEND_FILE_PIECES; piece++) {
        if (send->file_left == 0)
            return 0;
        off_t offset = (off_t)send->file_offset;
        size_t size = send->file_left < SEND_FILE_PIECE ? (size_t)send->file_left : SEND_FILE_PIECE;
        ssize_t n = sendfile(fd, send->file, &offset, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        send->file_offset += (uint64_t)n;
        send->file_left -= (uint64_t)n;
        send->sent += (uint64_t)n;
    }
    return send->file_left > 0;
}

static ssize_t send_once(int fd, struct loop_send *send)
{
    if (LIKELY(send_parts_left(send) == 1))
        return machine_send(fd, send->at->iov_base, send->at->iov_len, send_flags(send));
    struct msghdr message = {.msg_iov = send->at, .msg_iovlen = send_parts_left(send)};
    return sendmsg(fd, &message, send_flags(send));
}

int leat__machine_send(int fd, struct loop_send *send)
{
    while (send_parts_left(send) > 0) {
        ssize_t n = send_once(fd, send);
        if (LIKELY(n >= 0))
            send_consume(send, (size_t)n);
        else if (errno != EINTR)
            return -errno;
    }
    return send->file_left > 0 ? leat__machine_send_file(fd, send) : 0;
}

/* What a client sends before it reads is little; who sends more than this is reset. */
enum { REFUSE_READS = 16 };

void leat__machine_refuse(struct loop *loop, int fd, const void *bytes, size_t size, bool drop)
{
    (void)loop;
    ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (!drop)
        return;
    if (n > 0)
        shutdown(fd, SHUT_WR);
    char nowhere[4096];
    for (unsigned i = 0; i < REFUSE_READS; i++)
        if (recv(fd, nowhere, sizeof nowhere, MSG_DONTWAIT) < (ssize_t)sizeof nowhere)
            break;
    close(fd);
}

bool leat__machine_accept_passes(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

enum { ACCEPTS_PER_TURN = 64 };

int leat__machine_accept(struct loop *loop, const int *listener_fd, unsigned listener)
{
    for (unsigned i = 0; i < ACCEPTS_PER_TURN && *listener_fd >= 0; i++) {
        int fd = leat__net_accept(*listener_fd);
        if (fd >= 0) {
            loop->events->on_accept(loop->context, fd, listener);
            continue;
        }
        if (fd == -EAGAIN)
            return 0;
        if (!leat__machine_accept_passes(-fd))
            return fd;
    }
    return 0;
}
