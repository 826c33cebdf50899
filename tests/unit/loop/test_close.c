/* Closing, on both backends: from anywhere, with anything outstanding, any number at once; on_closed comes exactly
 * once, at the end of a turn, and after it the kernel touches nothing of the connection's. */
#define _GNU_SOURCE 1
#include "fixture.h"
#include <sys/mman.h>

static void closing_twice_closes_once(void **state)
{
    struct fixture *f = *state;
    int peer;
    struct slot *slot = connect_pair(f, &peer);
    loop_arm_recv(&f->loop, slot);
    turn_some(f);
    leat__loop_close(&f->loop, slot);
    leat__loop_close(&f->loop, slot);
    assert_int_equal(witness_of(f, slot)->closes, 0);
    TURN_UNTIL(f, witness_of(f, slot)->closes == 1);
    turn_some(f);
    assert_int_equal(witness_of(f, slot)->closes, 1);
    assert_int_equal(read_pattern(peer, 0, 1), -1);
    close(peer);
}

/* Between loop_close and on_closed nothing else may be told, and nothing asked is done. */
static void a_closing_slot_is_deaf(void **state)
{
    struct fixture *f = *state;
    int peer;
    struct slot *slot = connect_tcp(f, &peer);
    loop_arm_recv(&f->loop, slot);
    loop_set_deadline(&f->loop, slot, 1);
    turn_some(f);
    write_pattern(peer, 0, 100);
    unsigned deadlines = witness_of(f, slot)->deadlines;
    leat__loop_close(&f->loop, slot);
    loop_arm_recv(&f->loop, slot);
    loop_pause_recv(&f->loop, slot);
    loop_quiet(&f->loop, slot);
    loop_set_deadline(&f->loop, slot, 1);
    loop_shutdown_write(&f->loop, slot);
    char byte = 0;
    struct loop_send send = {.parts = {{&byte, 1}}, .part_count = 1, .file = -1};
    assert_int_equal(loop_arm_send(&f->loop, slot, &send), -ECANCELED);
    TURN_UNTIL(f, witness_of(f, slot)->closes == 1);
    turn_some(f);
    assert_int_equal(witness_of(f, slot)->receives, 0);
    assert_int_equal(witness_of(f, slot)->deadlines, deadlines);
    close(peer);
}

/* The memory of the send vanishes in on_closed: whoever read it after that would be killed, or send nothing. */
static void what_is_outstanding_is_let_go_of(void **state)
{
    struct fixture *f = *state;
    enum { SIZE = 4 << 20 };
    for (unsigned round = 0; round < 20; round++) {
        char *bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(bytes, MAP_FAILED);
        fill_pattern(bytes, 0, SIZE);
        int peer;
        struct slot *slot = round & 1 ? connect_tcp(f, &peer) : connect_pair(f, &peer);
        struct witness *w = witness_of(f, slot);
        narrow(slot->fd);
        loop_arm_recv(&f->loop, slot);
        for (unsigned i = 1; i <= round % 4; i++) { /* parked, and warm */
            write_pattern(peer, w->bytes, 10);
            TURN_UNTIL(f, w->bytes == i * 10);
        }
        struct loop_send send = {
            .parts = {{bytes, 100}, {bytes + 100, SIZE - 100}}, .part_count = 2, .file = -1};
        assert_int_equal(loop_arm_send(&f->loop, slot, &send), 0);
        for (unsigned i = 0; i < round % 3; i++)
            leat__loop_turn(&f->loop, 1);
        unsigned sents = w->sents;
        leat__loop_close(&f->loop, slot);
        TURN_UNTIL(f, w->closes == 1);
        munmap(bytes, SIZE);
        memset(&send, 0xee, sizeof send);
        uint64_t got = 0;
        ssize_t n;
        while ((n = read_pattern(peer, got, 4096)) >= 0) {
            got += (uint64_t)n;
            leat__loop_turn(&f->loop, 0);
        }
        assert_true(got < SIZE);
        assert_int_equal(w->sents, sents);
        assert_int_equal(w->closes, 1);
        close(peer);
    }
}

/* Two sends that lie in one chain of the epoll backend's table: closing one takes it out of there. */
static void a_closed_send_is_found_by_nobody(void **state)
{
    struct fixture *f = *state;
    static char bytes[100000];
    fill_pattern(bytes, 0, sizeof bytes);
    int peers[2];
    struct slot *slots[2];
    struct loop_send sends[2];
    for (unsigned i = 0; i < 2; i++) {
        f->seat_from = 5 + i * FIXTURE_CHAINS;
        slots[i] = connect_pair(f, &peers[i]);
        narrow(slots[i]->fd);
        sends[i] = (struct loop_send){.parts = {{bytes, sizeof bytes}}, .part_count = 1, .file = -1};
        assert_int_equal(loop_arm_send(&f->loop, slots[i], &sends[i]), 0);
    }
    leat__loop_close(&f->loop, slots[1]);
    TURN_UNTIL(f, witness_of(f, slots[1])->closes == 1);
    memset(&sends[1], 0xee, sizeof sends[1]);
    uint64_t got = 0;
    for (unsigned turns = 0; got < sizeof bytes; turns++) {
        assert_true(turns < TURNS_MAX);
        leat__loop_turn(&f->loop, 1);
        ssize_t n = read_pattern(peers[0], got, 4096);
        assert_true(n >= 0);
        got += (uint64_t)n;
    }
    TURN_UNTIL(f, witness_of(f, slots[0])->sents == 1);
    close(peers[0]);
    close(peers[1]);
}

static void a_file_under_way_is_let_go_of(void **state)
{
    struct fixture *f = *state;
    int file = memfd_create("zeros", MFD_CLOEXEC);
    assert_int_equal(ftruncate(file, 64 << 20), 0);
    int peer;
    struct slot *slot = connect_tcp(f, &peer);
    struct loop_send send = {.file = file, .file_left = 64 << 20};
    assert_int_equal(loop_arm_send(&f->loop, slot, &send), 0);
    turn_some(f);
    leat__loop_close(&f->loop, slot);
    TURN_UNTIL(f, witness_of(f, slot)->closes == 1);
    assert_int_equal(witness_of(f, slot)->sents, 0);
    close(file);
    close(peer);
}

/* ── From within every callback ───────────────────────────────────────────────────────────────────────────── */

static void close_all(struct fixture *f)
{
    for (uint32_t i = 0; i < FIXTURE_SLOTS; i++)
        if (f->used[i])
            leat__loop_close(&f->loop, &f->slots[i]);
}

static void close_all_on_recv(struct fixture *f, struct slot *slot, struct buffer *b)
{
    (void)slot;
    (void)b;
    close_all(f);
}

static void close_all_on_slot(struct fixture *f, struct slot *slot)
{
    (void)slot;
    close_all(f);
}

enum { CROWD = 40 };

struct crowd {
    int peers[CROWD];
    struct slot *slots[CROWD];
    struct loop_send sends[CROWD];
};

static void gather(struct fixture *f, struct crowd *crowd)
{
    memset(crowd, 0, sizeof *crowd);
    f->recv = NULL;
    f->ended = f->sent = f->deadline = f->closed = NULL;
    f->alarm = f->mail = NULL;
    for (unsigned i = 0; i < CROWD; i++) {
        crowd->slots[i] = i % 2 ? connect_tcp(f, &crowd->peers[i]) : connect_pair(f, &crowd->peers[i]);
        loop_arm_recv(&f->loop, crowd->slots[i]);
    }
    /* Some are warm. */
    for (unsigned round = 1; round <= 3; round++)
        for (unsigned i = 0; i < CROWD; i += 3) {
            write_pattern(crowd->peers[i], (round - 1) * 10, 10);
            TURN_UNTIL(f, witness_of(f, crowd->slots[i])->bytes == round * 10);
        }
}

static void all_are_closed_once(struct fixture *f, struct crowd *crowd)
{
    for (unsigned i = 0; i < CROWD; i++)
        TURN_UNTIL(f, witness_of(f, crowd->slots[i])->closes == 1);
    turn_some(f);
    for (unsigned i = 0; i < CROWD; i++) {
        assert_int_equal(witness_of(f, crowd->slots[i])->closes, 1);
        close(crowd->peers[i]);
    }
}

static void everything_may_be_closed_from_on_recv(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    gather(f, &crowd);
    f->recv = close_all_on_recv;
    unsigned before = 0, after = 0;
    for (unsigned i = 0; i < CROWD; i++) {
        write_pattern(crowd.peers[i], witness_of(f, crowd.slots[i])->bytes, 100);
        before += witness_of(f, crowd.slots[i])->receives;
    }
    all_are_closed_once(f, &crowd);
    for (unsigned i = 0; i < CROWD; i++)
        after += witness_of(f, crowd.slots[i])->receives;
    assert_int_equal(after, before + 1); /* the events behind the first one had gone stale */
}

static void everything_may_be_closed_from_on_recv_end(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    gather(f, &crowd);
    f->ended = close_all_on_slot;
    for (unsigned i = 0; i < CROWD; i++)
        shutdown(crowd.peers[i], SHUT_WR);
    all_are_closed_once(f, &crowd);
}

static void everything_may_be_closed_from_on_sent(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    gather(f, &crowd);
    f->sent = close_all_on_slot;
    static char bytes[1 << 20];
    for (unsigned i = 0; i < CROWD; i++) {
        narrow(crowd.slots[i]->fd);
        crowd.sends[i] = (struct loop_send){
            .parts = {{bytes, i % 4 ? sizeof bytes : 6000}}, .part_count = 1, .file = -1};
        loop_arm_send(&f->loop, crowd.slots[i], &crowd.sends[i]);
    }
    /* One reader makes room. */
    char nowhere[65536];
    for (unsigned turns = 0; witness_of(f, crowd.slots[1])->closes == 0; turns++) {
        assert_true(turns < TURNS_MAX);
        leat__loop_turn(&f->loop, 1);
        while (recv(crowd.peers[1], nowhere, sizeof nowhere, MSG_DONTWAIT) > 0)
            ;
    }
    all_are_closed_once(f, &crowd);
}

static void everything_may_be_closed_from_on_deadline(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    gather(f, &crowd);
    f->deadline = close_all_on_slot;
    for (unsigned i = 0; i < CROWD; i++)
        loop_set_deadline(&f->loop, crowd.slots[i], 1 + i % 3);
    all_are_closed_once(f, &crowd);
    unsigned deadlines = 0;
    for (unsigned i = 0; i < CROWD; i++)
        deadlines += witness_of(f, crowd.slots[i])->deadlines;
    assert_int_equal(deadlines, 1);
}

static void everything_may_be_closed_from_on_closed(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    gather(f, &crowd);
    f->closed = close_all_on_slot;
    leat__loop_close(&f->loop, crowd.slots[7]);
    all_are_closed_once(f, &crowd);
}

static void everything_may_be_closed_from_on_alarm_and_on_mail(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    gather(f, &crowd);
    f->alarm = close_all;
    f->loop.alarm_ms = f->loop.now_ms + 3;
    all_are_closed_once(f, &crowd);
    assert_int_equal(f->alarms, 1);
    gather(f, &crowd);
    f->mail = close_all;
    struct mail mail = {.kind = MAIL_STOP};
    assert_int_equal(leat__loop_post(&f->mailbox, &mail), 0);
    all_are_closed_once(f, &crowd);
}

/* ── Stale events ─────────────────────────────────────────────────────────────────────────────────────────── */

struct heir {
    struct slot *victim;
    int fd;
    bool seated;
    uint32_t old_generation;
};

static void close_victim(struct fixture *f, struct slot *slot, struct buffer *b)
{
    struct heir *heir = f->own;
    (void)b;
    if (!heir->seated && slot != heir->victim)
        leat__loop_close(&f->loop, heir->victim);
    loop_arm_recv(&f->loop, slot);
}

static void seat_heir(struct fixture *f, struct slot *slot)
{
    struct heir *heir = f->own;
    assert_ptr_equal(slot, heir->victim);
    assert_ptr_equal(seat(f, heir->fd), slot);
    assert_int_not_equal(slot->generation, heir->old_generation);
    heir->seated = true;
    loop_arm_recv(&f->loop, slot);
}

/* Events for the one who sat there before are not told to the next: only its own octets come, from the first on. */
static void the_next_in_the_seat_gets_only_its_own(void **state)
{
    struct fixture *f = *state;
    for (unsigned warm = 0; warm < 4; warm++) {
        f->recv = NULL;
        f->closed = NULL;
        int killer_peer, victim_peer, heir_pair[2];
        struct slot *victim = connect_tcp(f, &victim_peer);
        struct slot *killer = connect_tcp(f, &killer_peer);
        loop_arm_recv(&f->loop, killer);
        loop_arm_recv(&f->loop, victim);
        for (unsigned i = 1; i <= warm; i++) {
            write_pattern(killer_peer, (i - 1) * 10, 10);
            write_pattern(victim_peer, (i - 1) * 10, 10);
            TURN_UNTIL(f, witness_of(f, killer)->bytes == i * 10 &&
                              witness_of(f, victim)->bytes == i * 10);
        }
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, heir_pair), 0);
        struct heir heir = {.victim = victim, .fd = heir_pair[0], .old_generation = victim->generation};
        f->own = &heir;
        f->recv = close_victim;
        f->closed = seat_heir;
        write_pattern(heir_pair[1], 0, 7);
        write_pattern(killer_peer, warm * 10, 10);
        write_pattern(victim_peer, warm * 10 + 1000, 10);
        TURN_UNTIL(f, heir.seated && witness_of(f, victim)->bytes > 0);
        turn_some(f);
        f->closed = NULL;
        assert_int_equal(witness_of(f, victim)->bytes, 7);
        assert_int_equal(witness_of(f, victim)->pattern_errors, 0);
        assert_int_equal(witness_of(f, victim)->ends, 0);
        close_all(f);
        TURN_UNTIL(f, witness_of(f, victim)->closes == 1 && witness_of(f, killer)->closes == 1);
        close(killer_peer);
        close(victim_peer);
        close(heir_pair[1]);
    }
}

int main(void)
{
#define TESTS(ON)                                                                                   \
    ON(closing_twice_closes_once), ON(a_closing_slot_is_deaf),                                      \
        ON(what_is_outstanding_is_let_go_of), ON(a_closed_send_is_found_by_nobody),                 \
        ON(a_file_under_way_is_let_go_of), ON(everything_may_be_closed_from_on_recv),               \
        ON(everything_may_be_closed_from_on_recv_end), ON(everything_may_be_closed_from_on_sent),   \
        ON(everything_may_be_closed_from_on_deadline), ON(everything_may_be_closed_from_on_closed), \
        ON(everything_may_be_closed_from_on_alarm_and_on_mail),                                     \
        ON(the_next_in_the_seat_gets_only_its_own)
    const struct CMUnitTest on_epoll[] = {TESTS(ON_EPOLL)};
    const struct CMUnitTest on_uring[] = {TESTS(ON_URING)};
    return RUN_ON_BOTH(on_epoll, on_uring);
}
