/* Sending, on both backends: parts and files go out whole and in order, however slowly they are read, and the answer
 * comes once: at once, or by on_sent. */
#define _GNU_SOURCE 1 /* memfd_create */
#include "fixture.h"
#include <signal.h>
#include <sys/mman.h>

/* Sends and reads until all size octets came; the pattern starts at 0. Returns after the answer. */
static void send_and_read(struct fixture *f, struct slot *slot, int peer, struct loop_send *send,
                          uint64_t size)
{
    struct witness *w = witness_of(f, slot);
    unsigned before = w->sents;
    uint64_t got = 0, progress = 0;
    int done = loop_arm_send(&f->loop, slot, send);
    assert_true(done == 0 || done == 1);
    for (unsigned turns = 0; got < size || (done == 0 && w->sents == before); turns++) {
        assert_true(turns < TURNS_MAX);
        leat__loop_turn(&f->loop, 1);
        assert_true(send->sent >= progress && send->sent <= size && send->sent >= got);
        progress = send->sent;
        ssize_t n = read_pattern(peer, got, 4096);
        assert_true(n >= 0);
        got += (uint64_t)n;
    }
    turn_some(f);
    assert_int_equal(got, size);
    assert_int_equal(send->sent, size);
    assert_int_equal(w->sents, before + (done == 0));
    assert_int_equal(w->sent_error, 0);
    assert_int_equal(read_pattern(peer, got, 4096), 0);
    assert_false(slot->loop_flags & SLOT_SEND_ARMED);
}

static void parts_go_out_in_order(void **state)
{
    struct fixture *f = *state;
    char bytes[1000];
    fill_pattern(bytes, 0, sizeof bytes);
    int peer;
    struct slot *slot = connect_tcp(f, &peer);
    struct loop_send one = {.parts = {{bytes, 1000}}, .part_count = 1, .file = -1};
    send_and_read(f, slot, peer, &one, 1000);
    struct loop_send four = {.parts = {{bytes, 1}, {bytes + 1, 600}, {bytes + 601, 0}, {bytes + 601, 399}},
                             .part_count = 4,
                             .file = -1};
    send_and_read(f, slot, peer, &four, 1000);
    struct loop_send hollow = {
        .parts = {{NULL, 0}, {bytes, 0}, {bytes, 1000}, {NULL, 0}}, .part_count = 4, .file = -1};
    send_and_read(f, slot, peer, &hollow, 1000);
    struct loop_send nothing = {.parts = {{NULL, 0}}, .part_count = 1, .file = -1};
    assert_int_equal(loop_arm_send(&f->loop, slot, &nothing), 1);
    close(peer);
}

static void a_slow_reader_gets_every_octet(void **state)
{
    struct fixture *f = *state;
    enum { SIZE = 600000 };
    char *bytes = malloc(SIZE);
    fill_pattern(bytes, 0, SIZE);
    for (unsigned tcp = 0; tcp < 2; tcp++) {
        int peer;
        struct slot *slot = tcp ? connect_tcp(f, &peer) : connect_pair(f, &peer);
        narrow(slot->fd);
        struct loop_send send = {
            .parts = {{bytes, 1000}, {bytes + 1000, 300000}, {bytes + 301000, SIZE - 301000}},
            .part_count = 3,
            .file = -1};
        send_and_read(f, slot, peer, &send, SIZE);
        close(peer);
    }
    free(bytes);
}

/* Every other one shares its chain, in the epoll backend's table, with the one before it: what is found must be one's
 * own. */
static void many_slow_readers_do_not_mix(void **state)
{
    struct fixture *f = *state;
    enum { READERS = 50, SIZE = 30000 };
    static struct loop_send sends[READERS];
    static uint64_t got[READERS];
    int peers[READERS];
    struct slot *slots[READERS];
    memset(got, 0, sizeof got);
    char *bytes = malloc(SIZE + READERS);
    fill_pattern(bytes, 0, SIZE + READERS);
    for (unsigned i = 0; i < READERS; i++) {
        f->seat_from = i / 2 + (i % 2 ? FIXTURE_CHAINS : 0);
        slots[i] = connect_pair(f, &peers[i]);
        narrow(slots[i]->fd);
        sends[i] = (struct loop_send){.parts = {{bytes + i, SIZE}}, .part_count = 1, .file = -1};
        assert_int_equal(loop_arm_send(&f->loop, slots[i], &sends[i]), 0);
    }
    unsigned open = READERS;
    for (unsigned turns = 0; open > 0; turns++) {
        assert_true(turns < TURNS_MAX);
        leat__loop_turn(&f->loop, 1);
        open = READERS;
        for (unsigned i = 0; i < READERS; i++) {
            ssize_t n = read_pattern(peers[i], got[i] + i, 100 + i * 50);
            assert_true(n >= 0);
            got[i] += (uint64_t)n;
            open -= got[i] == SIZE && witness_of(f, slots[i])->sents == 1;
        }
    }
    for (unsigned i = 0; i < READERS; i++)
        close(peers[i]);
    free(bytes);
}

static int pattern_file(uint64_t from, uint64_t size)
{
    int fd = memfd_create("pattern", MFD_CLOEXEC);
    assert_true(fd >= 0);
    char piece[65536];
    for (uint64_t at = from; at < size; at += sizeof piece) {
        fill_pattern(piece, at, sizeof piece);
        assert_int_equal(pwrite(fd, piece, sizeof piece, (off_t)at), sizeof piece);
    }
    return fd;
}

static void a_file_follows_its_head(void **state)
{
    struct fixture *f = *state;
    enum { HEAD = 131072, SIZE = HEAD + 6 * 1048576 }; /* more pieces than go out in one go */
    char *head = malloc(HEAD);
    fill_pattern(head, 0, HEAD);
    int file = pattern_file(HEAD, SIZE);
    for (unsigned parts = 0; parts < 2; parts++) {
        for (unsigned tcp = 0; tcp < 2; tcp++) {
            int peer;
            struct slot *slot = tcp ? connect_tcp(f, &peer) : connect_pair(f, &peer);
            struct loop_send send = {.parts = {{head, 1000}, {head + 1000, HEAD - 1000}},
                                     .part_count = 2,
                                     .file = file,
                                     .file_offset = HEAD,
                                     .file_left = SIZE - HEAD};
            send_and_read(f, slot, peer, &send, SIZE);
            close(peer);
        }
    }
    close(file);
    free(head);
}

static void a_file_alone_needs_no_parts(void **state)
{
    struct fixture *f = *state;
    int file = pattern_file(0, 65536);
    int peer;
    struct slot *slot = connect_tcp(f, &peer);
    struct loop_send send = {.file = file, .file_left = 65536};
    send_and_read(f, slot, peer, &send, 65536);
    close(peer);
    close(file);
}

static void a_file_that_has_shrunk_is_an_error(void **state)
{
    struct fixture *f = *state;
    char head[10];
    fill_pattern(head, 0, sizeof head);
    int file = pattern_file(0, 65536);
    int peer;
    struct slot *slot = connect_tcp(f, &peer);
    struct loop_send send = {
        .parts = {{head, sizeof head}}, .part_count = 1, .file = file, .file_offset = 65536, .file_left = 1};
    int done = loop_arm_send(&f->loop, slot, &send);
    if (done == 0) {
        TURN_UNTIL(f, witness_of(f, slot)->sents == 1);
        done = witness_of(f, slot)->sent_error;
    }
    assert_int_equal(done, -EIO);
    close(peer);
    close(file);
}

/* The first send after the peer has gone may still succeed; the ones after it fail, without a signal. */
static void a_peer_that_is_gone_is_an_error_and_no_signal(void **state)
{
    struct fixture *f = *state;
    signal(SIGPIPE, SIG_DFL);
    char bytes[100] = {0};
    for (unsigned several = 0; several < 2; several++) {
        int peer;
        struct slot *slot = connect_tcp(f, &peer);
        close(peer);
        int done = 1;
        for (unsigned i = 0; i < 100 && done == 1; i++) {
            struct loop_send send = {
                .parts = {{bytes, 50}, {bytes + 50, 50}}, .part_count = 1 + several, .file = -1};
            unsigned before = witness_of(f, slot)->sents;
            done = loop_arm_send(&f->loop, slot, &send);
            if (done == 0) {
                TURN_UNTIL(f, witness_of(f, slot)->sents > before);
                done = witness_of(f, slot)->sent_error < 0 ? witness_of(f, slot)->sent_error : 1;
            }
            leat__loop_turn(&f->loop, 1);
        }
        assert_true(done == -EPIPE || done == -ECONNRESET);
    }
}

static void a_peer_that_goes_while_we_wait_is_told(void **state)
{
    struct fixture *f = *state;
    enum { SIZE = 8 << 20 };
    char *bytes = calloc(1, SIZE);
    int peer;
    struct slot *slot = connect_tcp(f, &peer);
    narrow(slot->fd);
    struct loop_send send = {.parts = {{bytes, SIZE}}, .part_count = 1, .file = -1};
    assert_int_equal(loop_arm_send(&f->loop, slot, &send), 0);
    turn_some(f);
    assert_int_equal(witness_of(f, slot)->sents, 0);
    close(peer);
    TURN_UNTIL(f, witness_of(f, slot)->sents == 1);
    assert_true(witness_of(f, slot)->sent_error < 0);
    free(bytes);
}

/* ── An echo: both directions at once ─────────────────────────────────────────────────────────────────────── */

struct echo {
    struct buffer *first, *last;
    struct loop_send send;
    bool sending;
};

static void echo_next(struct fixture *f, struct slot *slot)
{
    struct echo *echo = f->own;
    while (!echo->sending && echo->first != NULL) {
        struct buffer *b = echo->first;
        echo->send = (struct loop_send){
            .parts = {{b->data + b->start, b->end - b->start}}, .part_count = 1, .file = -1};
        int done = loop_arm_send(&f->loop, slot, &echo->send);
        assert_true(done >= 0);
        if (done == 0) {
            echo->sending = true;
        } else {
            echo->first = b->next;
            loop_give_back(&f->loop, b);
        }
    }
    if (echo->first == NULL)
        loop_arm_recv(&f->loop, slot);
    else
        loop_pause_recv(&f->loop, slot);
}

static void echo_recv(struct fixture *f, struct slot *slot, struct buffer *b)
{
    struct echo *echo = f->own;
    loop_keep(&f->loop);
    b->next = NULL;
    if (echo->first == NULL)
        echo->first = b;
    else
        echo->last->next = b;
    echo->last = b;
    echo_next(f, slot);
}

static void echo_sent(struct fixture *f, struct slot *slot)
{
    struct echo *echo = f->own;
    struct buffer *b = echo->first;
    assert_int_equal(witness_of(f, slot)->sent_error, 0);
    echo->sending = false;
    echo->first = b->next;
    loop_give_back(&f->loop, b);
    echo_next(f, slot);
}

static void an_echo_gives_back_what_it_got(void **state)
{
    struct fixture *f = *state;
    for (unsigned tcp = 0; tcp < 2; tcp++) {
        struct echo echo = {0};
        f->own = &echo;
        f->recv = echo_recv;
        f->sent = echo_sent;
        int peer;
        struct slot *slot = tcp ? connect_tcp(f, &peer) : connect_pair(f, &peer);
        narrow(slot->fd);
        loop_arm_recv(&f->loop, slot);
        uint64_t sent = 0, got = 0;
        while (got < 500000) {
            if (sent < 500000 && sent - got < 30000) {
                size_t n = 1 + sent * 7919 % 10000;
                write_pattern(peer, sent, n);
                sent += n;
            }
            leat__loop_turn(&f->loop, 0);
            ssize_t n = read_pattern(peer, got, 4096);
            assert_true(n >= 0);
            got += (uint64_t)n;
        }
        TURN_UNTIL(f, !echo.sending);
        close(peer);
    }
}

int main(void)
{
#define TESTS(ON)                                                                                    \
    ON(parts_go_out_in_order), ON(a_slow_reader_gets_every_octet), ON(many_slow_readers_do_not_mix), \
        ON(a_file_follows_its_head), ON(a_file_alone_needs_no_parts),                                \
        ON(a_file_that_has_shrunk_is_an_error), ON(a_peer_that_is_gone_is_an_error_and_no_signal),   \
        ON(a_peer_that_goes_while_we_wait_is_told), ON(an_echo_gives_back_what_it_got)
    const struct CMUnitTest on_epoll[] = {TESTS(ON_EPOLL)};
    const struct CMUnitTest on_uring[] = {TESTS(ON_URING)};
    return RUN_ON_BOTH(on_epoll, on_uring);
}
