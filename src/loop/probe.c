/* probe.c: can this kind of loop be had here, and if not, why, in a sentence that a person can act on.
 *
 * For io_uring nothing is believed from a version number: a tiny ring is set up with the flags we use, its operations
 * are asked for, and one octet is received through a ring of provided buffers by a multishot receive. Containers'
 * filters, old kernels and kernels that only resemble Linux fail at different steps, and each step says so. */
#include "loop/loop.h"
#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int say(char *why, size_t size, int error, const char *sentence)
{
    static const struct {
        int error;
        const char *name;
    } names[] = {{ENOSYS, "ENOSYS"}, {EPERM, "EPERM"},          {EACCES, "EACCES"},
                 {EINVAL, "EINVAL"}, {ENOMEM, "ENOMEM"},        {EMFILE, "EMFILE"},
                 {ENFILE, "ENFILE"}, {EOPNOTSUPP, "EOPNOTSUPP"}};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (names[i].error == -error) {
            snprintf(why, size, "%s: %s", sentence, names[i].name);
            return error;
        }
    }
    snprintf(why, size, "%s: error %d", sentence, -error);
    return error;
}

static int probe_setup(struct io_uring *ring, char *why, size_t size)
{
    struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                              IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CLAMP};
    int error = io_uring_queue_init_params(4, ring, &params);
    switch (error) {
    case 0:
        break;
    case -ENOSYS:
        return say(why, size, error,
                   "io_uring: this kernel, or a filter before it, has no io_uring_setup");
    case -EPERM:
    case -EACCES:
        return say(why, size,
                   error, "io_uring: io_uring_setup is not permitted here (seccomp or sysctl kernel.io_uring_disabled)");
    case -EINVAL:
        return say(why, size, error, "io_uring: deferred task work needs Linux 6.1");
    case -ENOMEM:
        return say(why, size, error,
                   "io_uring: no memory for a ring (RLIMIT_MEMLOCK or the cgroup's limit)");
    default:
        return say(why, size, error, "io_uring: io_uring_setup failed");
    }
    unsigned needed = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE;
    if ((ring->features & needed) == needed)
        return 0;
    io_uring_queue_exit(ring);
    return say(why, size, -EOPNOTSUPP,
               "io_uring: it lacks timed waits or keeps no overflowing completions");
}

static int probe_operations(struct io_uring *ring, char *why, size_t size)
{
    static const int needed[] = {IORING_OP_ACCEPT,  IORING_OP_RECV,     IORING_OP_SEND,
                                 IORING_OP_SENDMSG, IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL};
    enum { OPERATIONS = 64 };
    union {
        struct io_uring_probe probe;
        char room[sizeof(struct io_uring_probe) + OPERATIONS * sizeof(struct io_uring_probe_op)];
    } answer;
    memset(&answer, 0, sizeof answer);
    int error = io_uring_register_probe(ring, &answer.probe, OPERATIONS);
    if (error < 0)
        return say(why, size, error, "io_uring: it does not tell its operations");
    for (size_t i = 0; i < COUNT_OF(needed); i++)
        if (!io_uring_opcode_supported(&answer.probe, needed[i]))
            return say(why, size, -EOPNOTSUPP, "io_uring: an operation of sockets is missing");
    return 0;
}

/* One octet, already there, through a provided buffer. */
static bool receives_one(struct io_uring *ring, int fd)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    struct io_uring_cqe *cqe;
    struct __kernel_timespec limit = {.tv_sec = 1};
    if (io_uring_submit_and_wait_timeout(ring, &cqe, 1, &limit, NULL) < 0)
        return false;
    return cqe->res == 1 && cqe->flags & IORING_CQE_F_BUFFER && cqe->flags & IORING_CQE_F_MORE;
}

static int probe_receive(struct io_uring *ring, struct io_uring_buf_ring *buffers, char *why, size_t size)
{
    char room[64];
    struct io_uring_buf_reg registration = {.ring_addr = (uintptr_t)buffers, .ring_entries = 1};
    int error = io_uring_register_buf_ring(ring, &registration, 0);
    if (error < 0)
        return say(why, size, error, "io_uring: rings of provided buffers need Linux 5.19");
    io_uring_buf_ring_add(buffers, room, sizeof room, 0, io_uring_buf_ring_mask(1), 0);
    io_uring_buf_ring_advance(buffers, 1);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return say(why, size, -errno, "io_uring: no descriptors to try it with");
    bool received = send(pair[1], "", 1, MSG_NOSIGNAL) == 1 && receives_one(ring, pair[0]);
    close(pair[1]);
    close(pair[0]);
    if (!received)
        error = say(why, size, -EOPNOTSUPP, "io_uring: multishot receives do not work here");
    struct io_uring_sync_cancel_reg all = {.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
                                           .timeout = {.tv_sec = -1, .tv_nsec = -1}};
    io_uring_register_sync_cancel(ring, &all);
    return error;
}

static int probe_uring(char *why, size_t size)
{
    struct io_uring ring;
    int error = probe_setup(&ring, why, size);
    if (error < 0)
        return error;
    struct io_uring_buf_ring *buffers = mmap(NULL, PAGE_SIZE_BYTES, PROT_READ | PROT_WRITE,
                                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffers == MAP_FAILED) {
        error = say(why, size, -errno, "io_uring: no memory to try it with");
    } else {
        error = probe_operations(&ring, why, size);
        if (error == 0)
            error = probe_receive(&ring, buffers, why, size);
    }
    io_uring_queue_exit(&ring);
    if (buffers != MAP_FAILED)
        munmap(buffers, PAGE_SIZE_BYTES);
    return error;
}

static int probe_epoll(char *why, size_t size)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        return say(why, size, -errno, "epoll: epoll_create1 failed");
    close(fd);
    return 0;
}

int leat__loop_probe(enum loop_kind kind, char *why, size_t size)
{
    if (size > 0)
        why[0] = '\0';
    switch (kind) {
    case LOOP_URING:
        return probe_uring(why, size);
    case LOOP_EPOLL:
    case LOOP_AUTO:
        return probe_epoll(why, size);
    case LOOP_SIM:
        break;
    }
    return 0;
}
