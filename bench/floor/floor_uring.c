/* floor_uring.c: the pure floor on io_uring: multishot accept, multishot receives out of one ring of buffers, and
 * sends whose success makes no completion. One io_uring_enter a turn carries all sends of the turn and waits for more.
 *
 * user_data of a receive is its descriptor; of the accept, ACCEPT; of a send, SEND plus the descriptor. A descriptor
 * is closed when its receive ends, and a new receive is armed for it only by the accept that hands it out again. */
#define _GNU_SOURCE
#include "floor.h"
#include <liburing.h>

enum { BUFFERS = 256, ENTRIES = 1024 };

static const uint64_t ACCEPT = 1ull << 32, SEND = 1ull << 33;

static char memory[BUFFERS][FLOOR_RECEIVE];

struct turning {
    struct floor floor;
    struct io_uring ring;
    struct io_uring_buf_ring *buffers;
    int returned; /* buffers given back in this turn, not yet shown to the kernel */
};

static struct io_uring_sqe *entry(struct turning *t)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&t->ring);
    if (sqe == NULL) {
        io_uring_submit(&t->ring);
        sqe = io_uring_get_sqe(&t->ring);
    }
    if (sqe == NULL)
        floor_die("io_uring_get_sqe");
    return sqe;
}

static void arm_accept(struct turning *t)
{
    struct io_uring_sqe *sqe = entry(t);
    io_uring_prep_multishot_accept(sqe, t->floor.listener, NULL, NULL, 0);
    io_uring_sqe_set_data64(sqe, ACCEPT);
}

static void arm_receive(struct turning *t, int fd)
{
    struct io_uring_sqe *sqe = entry(t);
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    io_uring_sqe_set_data64(sqe, (unsigned)fd);
}

static void on_accept(struct turning *t, const struct io_uring_cqe *cqe)
{
    int fd = cqe->res;
    if (!(cqe->flags & IORING_CQE_F_MORE))
        arm_accept(t);
    if (fd < 0)
        return;
    if (fd >= FLOOR_DESCRIPTORS) {
        close(fd);
        return;
    }
    t->floor.rest[fd] = 0;
    arm_receive(t, fd);
}

static void on_receive(struct turning *t, const struct io_uring_cqe *cqe)
{
    int fd = (int)cqe->user_data;
    if (cqe->flags & IORING_CQE_F_BUFFER) {
        unsigned short id = (unsigned short)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
        io_uring_buf_ring_add(t->buffers, memory[id], FLOOR_RECEIVE, id,
                              io_uring_buf_ring_mask(BUFFERS), t->returned++);
    }
    if (cqe->res > 0) {
        size_t owed = floor_owed(&t->floor, fd, (size_t)cqe->res);
        if (owed > 0) {
            struct io_uring_sqe *sqe = entry(t);
            io_uring_prep_send(sqe, fd, t->floor.answers, owed, MSG_NOSIGNAL | MSG_WAITALL);
            sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
            io_uring_sqe_set_data64(sqe, SEND | (unsigned)fd);
        }
    }
    if (cqe->flags & IORING_CQE_F_MORE)
        return;
    if (cqe->res > 0 || cqe->res == -ENOBUFS)
        arm_receive(t, fd);
    else
        close(fd);
}

static void turn(struct turning *t)
{
    struct io_uring_cqe *cqe;
    unsigned head, seen = 0;
    io_uring_submit_and_wait(&t->ring, 1);
    io_uring_for_each_cqe(&t->ring, head, cqe)
    {
        seen++;
        if (cqe->user_data == ACCEPT)
            on_accept(t, cqe);
        else if (!(cqe->user_data & SEND))
            on_receive(t, cqe);
    }
    io_uring_buf_ring_advance(t->buffers, t->returned);
    io_uring_cq_advance(&t->ring, seen);
    t->returned = 0;
}

static void open_ring(struct turning *t)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
        .cq_entries = 4 * ENTRIES,
    };
    int error = io_uring_queue_init_params(ENTRIES, &t->ring, &params);
    if (error == 0) {
        io_uring_register_ring_fd(&t->ring);
        if (posix_memalign((void **)&t->buffers, 4096, BUFFERS * sizeof(struct io_uring_buf)) != 0)
            floor_die("posix_memalign");
        io_uring_buf_ring_init(t->buffers);
        struct io_uring_buf_reg reg = {
            .ring_addr = (uint64_t)(uintptr_t)t->buffers, .ring_entries = BUFFERS, .bgid = 0};
        error = io_uring_register_buf_ring(&t->ring, &reg, 0);
    }
    if (error != 0) {
        errno = -error;
        floor_die("io_uring");
    }
    for (int i = 0; i < BUFFERS; i++)
        io_uring_buf_ring_add(t->buffers, memory[i], FLOOR_RECEIVE, (unsigned short)i,
                              io_uring_buf_ring_mask(BUFFERS), i);
    io_uring_buf_ring_advance(t->buffers, BUFFERS);
}

int main(int argc, char **argv)
{
    static struct turning t;
    floor_open(&t.floor, argc, argv, 0);
    open_ring(&t);
    arm_accept(&t);
    for (;;)
        turn(&t);
}
