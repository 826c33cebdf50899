/* bench_loop.c: the pure floor once more, but standing on our loop: what src/loop costs above bench/floor.
 *
 *   bench_loop epoll|uring PORT REQUEST_SIZE ANSWER_FILE
 *
 * It does what bench/floor/floor_epoll.c does, and like it looks at nothing it receives. Measured as the floors are:
 * drive it with bench/floor_client, divide its processor time by the requests answered. */
#define _GNU_SOURCE
#include "floor/floor.h"
#include "loop/loop.h"
#include "memory/region.h"

enum { SLOTS = FLOOR_DESCRIPTORS, RING = 256, BUFFERS = RING + 64, STRIDE = 36864 };

struct responder {
    struct floor floor;
    struct region region;
    struct buffer_pool receive;
    struct slot *slots;
    struct loop_send sends[SLOTS];
    struct mailbox mailbox;
    struct mail_place mails[MAILBOX_CAPACITY];
    struct loop loop;
    uint32_t free_count, free[SLOTS];
};

static void on_accept(void *context, int fd, unsigned listener)
{
    struct responder *r = context;
    (void)listener;
    if (fd >= FLOOR_DESCRIPTORS || r->free_count == 0) {
        close(fd);
        return;
    }
    struct slot *slot = &r->slots[r->free[--r->free_count]];
    r->floor.rest[fd] = 0;
    if (loop_adopt(&r->loop, slot, fd) < 0)
        floor_die("loop_adopt");
    loop_arm_recv(&r->loop, slot);
}

static void on_recv(void *context, struct slot *slot, struct buffer *b)
{
    struct responder *r = context;
    size_t owed = floor_owed(&r->floor, slot->fd, b->end - b->start);
    if (owed > 0) {
        struct loop_send *send = &r->sends[loop_slot_index(&r->loop, slot)];
        send->parts[0] = (struct iovec){r->floor.answers, owed};
        send->part_count = 1;
        send->file = -1;
        send->file_left = 0;
        send->sent = 0;
        if (loop_arm_send(&r->loop, slot, send) < 0) {
            leat__loop_close(&r->loop, slot);
            return;
        }
    }
    loop_arm_recv(&r->loop, slot);
}

static void on_recv_end(void *context, struct slot *slot, int error)
{
    struct responder *r = context;
    (void)error;
    leat__loop_close(&r->loop, slot);
}

static void on_sent(void *context, struct slot *slot, int error)
{
    struct responder *r = context;
    if (error < 0)
        leat__loop_close(&r->loop, slot);
}

static void on_closed(void *context, struct slot *slot)
{
    struct responder *r = context;
    r->free[r->free_count++] = loop_slot_index(&r->loop, slot);
}

static void on_accept_failed(void *context, unsigned listener, int error)
{
    (void)context;
    (void)listener;
    errno = -error;
    floor_die("accept");
}

static void on_deadline(void *context, struct slot *slot)
{
    struct responder *r = context;
    leat__loop_close(&r->loop, slot);
}

static void on_mail(void *context, const struct mail *mail)
{
    (void)context;
    (void)mail;
}

static void on_alarm(void *context)
{
    (void)context;
}

static const struct loop_events events = {
    .on_accept = on_accept,
    .on_accept_failed = on_accept_failed,
    .on_recv = on_recv,
    .on_recv_end = on_recv_end,
    .on_sent = on_sent,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
    .on_mail = on_mail,
    .on_alarm = on_alarm,
};

static void open_loop(struct responder *r, enum loop_kind kind)
{
    size_t slots_size = SLOTS * sizeof(struct slot);
    size_t size = leat__buffer_pool_footprint(STRIDE, BUFFERS) + slots_size + 65536;
    if (leat__region_create(&r->region, align_up(size, PAGE_SIZE_BYTES), REGION_RESERVE) < 0)
        floor_die("region");
    leat__buffer_pool_init(&r->receive, &r->region, "receive", STRIDE, BUFFERS);
    r->slots = leat__region_take(&r->region, slots_size, CACHE_LINE);
    for (r->free_count = 0; r->free_count < SLOTS; r->free_count++)
        r->free[r->free_count] = SLOTS - 1 - r->free_count;
    struct loop_options options = {
        .receive_ring = RING,
        .queue_entries = 1024,
        .slots = r->slots,
        .slot_count = SLOTS,
        .receive = &r->receive,
        .mailbox = &r->mailbox,
        .events = &events,
        .context = r,
    };
    options.state = leat__region_take(&r->region, leat__loop_state_size(kind, &options), PAGE_SIZE_BYTES);
    int error = leat__mailbox_open(&r->mailbox, r->mails);
    if (error == 0)
        error = leat__loop_open(&r->loop, kind, &options);
    if (error == 0)
        error = loop_listen(&r->loop, r->floor.listener, 0);
    if (error < 0) {
        errno = -error;
        floor_die("loop");
    }
}

int main(int argc, char **argv)
{
    static struct responder r;
    enum loop_kind kind = argc > 1 && strcmp(argv[1], "uring") == 0 ? LOOP_URING : LOOP_EPOLL;
    floor_open(&r.floor, argc - 1, argv + 1, SOCK_NONBLOCK);
    open_loop(&r, kind);
    for (;;)
        leat__loop_turn(&r.loop, -1);
}
