/* fixture.h: a shard in small, for the tests that run on both real backends: a loop with its memory and its mailbox,
 * and a witness beside every slot that writes down what the loop told about it. A test steers by hooks. */
#ifndef LEAT_TEST_LOOP_FIXTURE_H
#define LEAT_TEST_LOOP_FIXTURE_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "loop/loop.h"
#include "memory/region.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FIXTURE_SLOTS = 1200, /* more than the epoll backend has chains for sends that wait */
    FIXTURE_CHAINS = 1024,
    FIXTURE_RING = 8,
    FIXTURE_BUFFERS = 64,
    FIXTURE_STRIDE = 8192,
    FIXTURE_LISTENERS = 4,
    TURNS_MAX = 20000, /* a test that needs more is stuck */
};

/* What the loop told about a slot since it was seated. */
struct witness {
    unsigned receives, ends, sents, deadlines, closes;
    int end_error, sent_error;
    uint64_t bytes;
    uint64_t pattern_errors; /* octets that were not pattern(offset) */
    int64_t deadline_ms;     /* when the last deadline came */
};

struct fixture {
    struct region region;
    struct buffer_pool receive;
    struct slot *slots;
    struct mailbox mailbox;
    struct mail_place mail_places[MAILBOX_CAPACITY];
    struct loop loop;
    struct loop_events events;
    struct witness witness[FIXTURE_SLOTS];
    bool used[FIXTURE_SLOTS];
    unsigned accepts[FIXTURE_LISTENERS], accept_failures, mails, alarms;
    int accept_error;
    struct slot *last; /* the one accepted last */
    uint64_t last_mail;
    /* hooks; NULL: the default, which goes on receiving */
    void (*accepted)(struct fixture *f, unsigned listener);
    void (*recv)(struct fixture *f, struct slot *slot, struct buffer *b);
    void (*sent)(struct fixture *f, struct slot *slot);
    void (*ended)(struct fixture *f, struct slot *slot);
    void (*deadline)(struct fixture *f, struct slot *slot);
    void (*closed)(struct fixture *f, struct slot *slot);
    void (*alarm)(struct fixture *f);
    void (*mail)(struct fixture *f);
    uint32_t seat_from; /* the first seat to be given */
    void *own;          /* the test's */
};

#define TURN_UNTIL(f, condition)                                                                   \
    for (unsigned turns_ = 0; !(condition); turns_++) {                                            \
        assert_true(turns_ < TURNS_MAX);                                                           \
        leat__loop_turn(&(f)->loop, 2);                                                            \
    }

/* Enough for everything that is under way to arrive. */
static inline void turn_some(struct fixture *f)
{
    for (unsigned i = 0; i < 20; i++)
        leat__loop_turn(&f->loop, 1);
}

static inline char pattern(uint64_t offset)
{
    return (char)(offset * 31 + offset / 251);
}

static inline uint32_t index_of(const struct fixture *f, const struct slot *slot)
{
    return (uint32_t)(slot - f->slots);
}

static inline struct witness *witness_of(struct fixture *f, const struct slot *slot)
{
    return &f->witness[index_of(f, slot)];
}

static inline struct slot *seat(struct fixture *f, int fd)
{
    uint32_t i = f->seat_from;
    while (f->used[i])
        assert_true(++i < FIXTURE_SLOTS);
    f->used[i] = true;
    memset(&f->witness[i], 0, sizeof f->witness[i]);
    assert_int_equal(loop_adopt(&f->loop, &f->slots[i], fd), 0);
    assert_int_equal(f->slots[i].fd, fd);
    assert_int_not_equal(f->slots[i].generation, 0);
    return &f->slots[i];
}

/* Asserts what every callback may rely on. */
static inline struct witness *told(struct fixture *f, struct slot *slot)
{
    assert_true(f->used[index_of(f, slot)]);
    assert_false(slot->loop_flags & SLOT_CLOSING);
    assert_int_not_equal(slot->generation, 0);
    return witness_of(f, slot);
}

static void fixture_on_accept(void *context, int fd, unsigned listener)
{
    struct fixture *f = context;
    f->accepts[listener]++;
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    f->last = seat(f, fd);
    loop_arm_recv(&f->loop, f->last);
    if (f->accepted != NULL)
        f->accepted(f, listener);
}

static void fixture_on_accept_failed(void *context, unsigned listener, int error)
{
    struct fixture *f = context;
    (void)listener;
    f->accept_failures++;
    f->accept_error = error;
}

static void fixture_on_recv(void *context, struct slot *slot, struct buffer *b)
{
    struct fixture *f = context;
    struct witness *w = told(f, slot);
    assert_true(b->start < b->end && b->end <= f->receive.capacity);
    w->receives++;
    for (uint32_t i = b->start; i < b->end; i++)
        w->pattern_errors += b->data[i] != pattern(w->bytes++);
    if (f->recv != NULL)
        f->recv(f, slot, b);
    else
        loop_arm_recv(&f->loop, slot);
}

static void fixture_on_recv_end(void *context, struct slot *slot, int error)
{
    struct fixture *f = context;
    struct witness *w = told(f, slot);
    w->ends++;
    w->end_error = error;
    if (f->ended != NULL)
        f->ended(f, slot);
}

static void fixture_on_sent(void *context, struct slot *slot, int error)
{
    struct fixture *f = context;
    struct witness *w = told(f, slot);
    w->sents++;
    w->sent_error = error;
    if (f->sent != NULL)
        f->sent(f, slot);
}

static void fixture_on_deadline(void *context, struct slot *slot)
{
    struct fixture *f = context;
    struct witness *w = told(f, slot);
    w->deadlines++;
    w->deadline_ms = f->loop.now_ms;
    if (f->deadline != NULL)
        f->deadline(f, slot);
}

static void fixture_on_closed(void *context, struct slot *slot)
{
    struct fixture *f = context;
    uint32_t i = index_of(f, slot);
    assert_true(f->used[i]);
    assert_int_equal(slot->generation, 0);
    assert_int_equal(slot->loop_flags, 0);
    assert_int_equal(slot->bucket, 0);
    f->used[i] = false;
    f->witness[i].closes++;
    if (f->closed != NULL)
        f->closed(f, slot);
}

static void fixture_on_mail(void *context, const struct mail *mail)
{
    struct fixture *f = context;
    f->mails++;
    f->last_mail = mail->value;
    if (f->mail != NULL)
        f->mail(f);
}

static void fixture_on_alarm(void *context)
{
    struct fixture *f = context;
    f->alarms++;
    if (f->alarm != NULL)
        f->alarm(f);
}

static int fixture_open(void **state, enum loop_kind kind)
{
    struct fixture *f = calloc(1, sizeof *f);
    size_t slots_size = FIXTURE_SLOTS * sizeof(struct slot);
    size_t size = leat__buffer_pool_footprint(FIXTURE_STRIDE, FIXTURE_BUFFERS) + slots_size;
    if (f == NULL || leat__region_create(&f->region, align_up(size + 65536, 4096), REGION_RESERVE) < 0)
        return -1;
    leat__buffer_pool_init(&f->receive, &f->region, "receive", FIXTURE_STRIDE, FIXTURE_BUFFERS);
    f->slots = leat__region_take(&f->region, slots_size, 64);
    if (leat__mailbox_open(&f->mailbox, f->mail_places) < 0)
        return -1;
    f->events = (struct loop_events){
        .on_accept = fixture_on_accept,
        .on_accept_failed = fixture_on_accept_failed,
        .on_recv = fixture_on_recv,
        .on_recv_end = fixture_on_recv_end,
        .on_sent = fixture_on_sent,
        .on_deadline = fixture_on_deadline,
        .on_closed = fixture_on_closed,
        .on_mail = fixture_on_mail,
        .on_alarm = fixture_on_alarm,
    };
    struct loop_options options = {
        .receive_ring = FIXTURE_RING,
        .queue_entries = 4, /* so few that both queues run over all the time */
        .slots = f->slots,
        .slot_count = FIXTURE_SLOTS,
        .receive = &f->receive,
        .mailbox = &f->mailbox,
        .events = &f->events,
        .context = f,
    };
    options.state = leat__region_take(&f->region, leat__loop_state_size(kind, &options), PAGE_SIZE_BYTES);
    *state = f;
    return leat__loop_open(&f->loop, kind, &options);
}

static inline int fixture_open_epoll(void **state)
{
    return fixture_open(state, LOOP_EPOLL);
}

static inline int fixture_open_uring(void **state)
{
    return fixture_open(state, LOOP_URING);
}

/* Whatever a test left open is closed; then everything must be back where it came from. */
static inline int fixture_close(void **state)
{
    struct fixture *f = *state;
    f->closed = NULL;
    unsigned open = 0;
    for (uint32_t i = 0; i < FIXTURE_SLOTS; i++)
        if (f->used[i])
            leat__loop_close(&f->loop, &f->slots[i]);
    do {
        leat__loop_turn(&f->loop, 1);
        open = 0;
        for (uint32_t i = 0; i < FIXTURE_SLOTS; i++)
            open += f->used[i];
    } while (open > 0);
    leat__wheel_check(&f->loop.wheel, f->slots, FIXTURE_SLOTS);
    leat__loop_close_all(&f->loop);
    int leaked = (int)f->receive.in_use;
    if (leaked != 0)
        print_error("%d receive buffers were not given back\n", leaked);
    leat__buffer_pool_check(&f->receive);
    leat__mailbox_close(&f->mailbox);
    leat__region_destroy(&f->region);
    free(f);
    return leaked;
}

/* ── Sockets ──────────────────────────────────────────────────────────────────────────────────────────────── */

/* A connected pair over a socketpair: the slot, and the peer's end (blocking). */
static inline struct slot *connect_pair(struct fixture *f, int *peer)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
    *peer = pair[1];
    return seat(f, pair[0]);
}

static inline int open_listener(struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof *address;
    assert_int_equal(bind(fd, (struct sockaddr *)address, size), 0);
    assert_int_equal(listen(fd, 128), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &size), 0);
    return fd;
}

static inline int connect_to(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)address, sizeof *address), 0);
    return fd;
}

/* The same over loopback TCP. */
static inline struct slot *connect_tcp(struct fixture *f, int *peer)
{
    struct sockaddr_in address;
    int listener = open_listener(&address);
    *peer = connect_to(&address);
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    close(listener);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return seat(f, fd);
}

/* As little room for what is sent as the kernel allows. */
static inline void narrow(int fd)
{
    int size = 4096;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
}

/* Writes size octets of the pattern from offset on. */
static inline void write_pattern(int fd, uint64_t offset, size_t size)
{
    char piece[4096];
    while (size > 0) {
        size_t n = size_min(size, sizeof piece);
        for (size_t i = 0; i < n; i++)
            piece[i] = pattern(offset + i);
        assert_int_equal(send(fd, piece, n, MSG_NOSIGNAL), n);
        offset += n;
        size -= n;
    }
}

/* Reads what is there now, without waiting, and holds it against the pattern. How much, or -1 at the end. */
static inline ssize_t read_pattern(int fd, uint64_t offset, size_t size_max)
{
    char piece[4096];
    ssize_t n = recv(fd, piece, size_min(size_max, sizeof piece), MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN ? 0 : -1;
    for (ssize_t i = 0; i < n; i++)
        assert_int_equal(piece[i], pattern(offset + (uint64_t)i));
    return n == 0 ? -1 : n;
}

static inline void fill_pattern(char *at, uint64_t offset, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = pattern(offset + i);
}

/* ── Running on both ──────────────────────────────────────────────────────────────────────────────────────── */

#define ON_EPOLL(test)                                                                             \
    {                                                                                              \
#test, test, fixture_open_epoll, fixture_close, NULL                                       \
    }
#define ON_URING(test)                                                                             \
    {                                                                                              \
#test, test, fixture_open_uring, fixture_close, NULL                                       \
    }

#define RUN_ON_BOTH(on_epoll, on_uring)                                                            \
    (cmocka_run_group_tests_name("epoll", on_epoll, NULL, NULL) +                                  \
     (have_uring() ? cmocka_run_group_tests_name("io_uring", on_uring, NULL, NULL) : 0))

static inline bool have_uring(void)
{
    char why[128];
    if (leat__loop_probe(LOOP_URING, why, sizeof why) == 0)
        return true;
    print_message("not run on io_uring: %s\n", why);
    return false;
}

static inline bool is_uring(const struct fixture *f)
{
    return f->loop.backend == &leat__loop_uring;
}

#endif
