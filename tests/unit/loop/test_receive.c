/* Receiving, on both backends: not an octet is lost, doubled or out of order, whatever is paused, kept, quietened or
 * short, and the end comes once. */
#include "fixture.h"

static void bytes_arrive_in_order(void **state)
{
    struct fixture *f = *state;
    int peer;
    struct slot *slot = connect_tcp(f, &peer);
    loop_arm_recv(&f->loop, slot);
    uint64_t sent = 0;
    for (size_t size = 1; size < 200000; size = size * 3 + 1) {
        write_pattern(peer, sent, size);
        sent += size;
        TURN_UNTIL(f, witness_of(f, slot)->bytes == sent);
    }
    assert_int_equal(witness_of(f, slot)->pattern_errors, 0);
    assert_int_equal(witness_of(f, slot)->ends, 0);
    close(peer);
    TURN_UNTIL(f, witness_of(f, slot)->ends == 1);
    assert_int_equal(witness_of(f, slot)->end_error, 0);
}

static void bytes_that_were_there_before_arming_arrive(void **state)
{
    struct fixture *f = *state;
    int peer;
    struct slot *slot = connect_pair(f, &peer);
    write_pattern(peer, 0, 100);
    turn_some(f);
    assert_int_equal(witness_of(f, slot)->receives, 0);
    loop_arm_recv(&f->loop, slot);
    TURN_UNTIL(f, witness_of(f, slot)->bytes == 100);
    close(peer);
}

static void bytes_and_the_end_at_once_are_both_seen(void **state)
{
    struct fixture *f = *state;
    for (unsigned tcp = 0; tcp < 2; tcp++) {
        int peer;
        struct slot *slot = tcp ? connect_tcp(f, &peer) : connect_pair(f, &peer);
        write_pattern(peer, 0, 20000);
        close(peer);
        loop_arm_recv(&f->loop, slot);
        TURN_UNTIL(f, witness_of(f, slot)->ends > 0);
        turn_some(f);
        assert_int_equal(witness_of(f, slot)->bytes, 20000);
        assert_int_equal(witness_of(f, slot)->pattern_errors, 0);
        assert_int_equal(witness_of(f, slot)->ends, 1);
        assert_int_equal(witness_of(f, slot)->end_error, 0);
    }
}

static void a_half_closed_peer_still_hears_us(void **state)
{
    struct fixture *f = *state;
    int peer;
    struct slot *slot = connect_tcp(f, &peer);
    loop_arm_recv(&f->loop, slot);
    write_pattern(peer, 0, 10);
    shutdown(peer, SHUT_WR);
    TURN_UNTIL(f, witness_of(f, slot)->ends == 1);
    char bytes[50];
    fill_pattern(bytes, 0, sizeof bytes);
    struct loop_send send = {.parts = {{bytes, sizeof bytes}}, .part_count = 1, .file = -1};
    int done = loop_arm_send(&f->loop, slot, &send);
    assert_true(done == 0 || done == 1);
    TURN_UNTIL(f, done == 1 || witness_of(f, slot)->sents == 1);
    loop_shutdown_write(&f->loop, slot);
    turn_some(f);
    assert_int_equal(read_pattern(peer, 0, 4096), sizeof bytes);
    assert_int_equal(read_pattern(peer, 0, 4096), -1);
    assert_int_equal(witness_of(f, slot)->ends, 1);
    close(peer);
}

static void a_reset_is_told_as_a_reset(void **state)
{
    struct fixture *f = *state;
    int peer;
    struct slot *slot = connect_tcp(f, &peer);
    loop_arm_recv(&f->loop, slot);
    turn_some(f);
    struct linger at_once = {.l_onoff = 1};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(peer);
    TURN_UNTIL(f, witness_of(f, slot)->ends == 1);
    assert_int_equal(witness_of(f, slot)->end_error, -ECONNRESET);
    turn_some(f);
    assert_int_equal(witness_of(f, slot)->ends, 1);
}

/* ── Pausing ──────────────────────────────────────────────────────────────────────────────────────────────── */

static void pause_after_each(struct fixture *f, struct slot *slot, struct buffer *b)
{
    (void)b;
    loop_pause_recv(&f->loop, slot);
}

/* io_uring may still hand over what the kernel had finished when it was told; a cancellation is mostly there before what comes
 * next, and on a machine that is busy now and then is not. */
static void a_pause_holds_bytes_back_and_loses_none(void **state)
{
    struct fixture *f = *state;
    f->recv = pause_after_each;
    int peer;
    struct slot *slot = connect_tcp(f, &peer);
    struct witness *w = witness_of(f, slot);
    uint64_t sent = 0;
    unsigned late = 0;
    for (unsigned round = 0; round < 30; round++) {
        write_pattern(peer, sent, 3000);
        sent += 3000;
        unsigned before = w->receives;
        loop_arm_recv(&f->loop, slot);
        TURN_UNTIL(f, w->receives > before);
        turn_some(f);
        write_pattern(peer, sent, 2000);
        sent += 2000;
        turn_some(f);
        write_pattern(peer, sent, 2000);
        sent += 2000;
        turn_some(f);
        late += w->receives > before + (is_uring(f) ? 2 : 1);
    }
    assert_in_range(late, 0, is_uring(f) ? 3 : 0);
    f->recv = NULL;
    loop_arm_recv(&f->loop, slot);
    TURN_UNTIL(f, w->bytes == sent);
    assert_int_equal(w->pattern_errors, 0);
    close(peer);
}

static void an_end_during_a_pause_is_told_after_it(void **state)
{
    struct fixture *f = *state;
    for (unsigned warm = 0; warm < 2; warm++) {
        f->recv = NULL;
        int peer;
        struct slot *slot = connect_tcp(f, &peer);
        struct witness *w = witness_of(f, slot);
        loop_arm_recv(&f->loop, slot);
        for (unsigned i = 1; warm && i <= 4; i++) {
            write_pattern(peer, w->bytes, 10);
            TURN_UNTIL(f, w->bytes == i * 10);
        }
        loop_pause_recv(&f->loop, slot);
        close(peer);
        turn_some(f);
        assert_int_equal(w->ends, 0);
        loop_arm_recv(&f->loop, slot);
        TURN_UNTIL(f, w->ends == 1);
        assert_int_equal(w->end_error, 0);
    }
}

/* ── Keeping buffers ──────────────────────────────────────────────────────────────────────────────────────── */

struct shelf {
    struct buffer *kept[FIXTURE_BUFFERS];
    unsigned count;
    struct slot *keeper;
};

static void keep_if_keeper(struct fixture *f, struct slot *slot, struct buffer *b)
{
    struct shelf *shelf = f->own;
    if (slot == shelf->keeper) {
        loop_keep(&f->loop);
        shelf->kept[shelf->count++] = b;
    }
    loop_arm_recv(&f->loop, slot);
}

static void give_all_back(struct fixture *f, struct shelf *shelf)
{
    while (shelf->count > 0)
        loop_give_back(&f->loop, shelf->kept[--shelf->count]);
}

/* One connection keeps all but one of the buffers; the other one is served all the time. */
static void others_are_served_while_one_keeps_every_buffer(void **state)
{
    struct fixture *f = *state;
    struct shelf shelf = {0};
    f->own = &shelf;
    f->recv = keep_if_keeper;
    int peers[2];
    shelf.keeper = connect_pair(f, &peers[0]);
    struct slot *other = connect_pair(f, &peers[1]);
    loop_arm_recv(&f->loop, shelf.keeper);
    loop_arm_recv(&f->loop, other);
    uint64_t sent[2] = {0};
    for (unsigned cycle = 0; cycle < 3; cycle++) {
        while (shelf.count < FIXTURE_BUFFERS - 1) {
            unsigned before = shelf.count;
            write_pattern(peers[0], sent[0], 100);
            sent[0] += 100;
            write_pattern(peers[1], sent[1], 50);
            sent[1] += 50;
            TURN_UNTIL(f, witness_of(f, other)->bytes == sent[1] && shelf.count > before);
        }
        for (unsigned i = 0; i < 50; i++) {
            write_pattern(peers[1], sent[1], 50);
            sent[1] += 50;
            TURN_UNTIL(f, witness_of(f, other)->bytes == sent[1]);
        }
        for (unsigned i = 0; i < shelf.count; i++)
            for (unsigned j = 0; j < i; j++)
                assert_ptr_not_equal(shelf.kept[i], shelf.kept[j]);
        give_all_back(f, &shelf);
    }
    assert_int_equal(witness_of(f, shelf.keeper)->pattern_errors, 0);
    assert_int_equal(witness_of(f, other)->pattern_errors, 0);
    close(peers[0]);
    close(peers[1]);
}

/* Every one kept, which the plan does not allow: the loop waits for one to come back, and nothing is lost. */
static void none_left_waits_for_one_to_come_back(void **state)
{
    struct fixture *f = *state;
    struct shelf shelf = {0};
    f->own = &shelf;
    f->recv = keep_if_keeper;
    int peer;
    shelf.keeper = connect_pair(f, &peer);
    struct witness *w = witness_of(f, shelf.keeper);
    loop_arm_recv(&f->loop, shelf.keeper);
    uint64_t sent = 0;
    while (shelf.count < FIXTURE_BUFFERS) {
        unsigned before = shelf.count;
        write_pattern(peer, sent, 10);
        sent += 10;
        TURN_UNTIL(f, shelf.count > before);
    }
    write_pattern(peer, sent, 10);
    turn_some(f);
    assert_int_equal(w->bytes, sent);
    loop_give_back(&f->loop, shelf.kept[--shelf.count]);
    TURN_UNTIL(f, w->bytes == sent + 10);
    assert_int_equal(w->pattern_errors, 0);
    give_all_back(f, &shelf);
    close(peer);
}

static void a_refused_acquisition_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct shelf shelf = {0};
    f->own = &shelf;
    f->recv = keep_if_keeper;
    int peer;
    shelf.keeper = connect_pair(f, &peer);
    loop_arm_recv(&f->loop, shelf.keeper);
    for (unsigned i = 1; i <= 30; i++) {
        leat__buffer_pool_fail_at(&f->receive, 1);
        write_pattern(peer, (i - 1) * 10, 10);
        TURN_UNTIL(f, witness_of(f, shelf.keeper)->bytes == i * 10);
        leat__buffer_pool_fail_at(&f->receive, 0);
    }
    assert_int_equal(witness_of(f, shelf.keeper)->pattern_errors, 0);
    give_all_back(f, &shelf);
    close(peer);
}

/* ── Many at once, warm and parked ────────────────────────────────────────────────────────────────────────── */

/* More are ready at once than there are lent buffers. */
static void a_crowd_larger_than_the_ring_is_served(void **state)
{
    struct fixture *f = *state;
    enum { CROWD = 60 };
    int peers[CROWD];
    struct slot *slots[CROWD];
    uint64_t sent = 0;
    for (unsigned i = 0; i < CROWD; i++) {
        slots[i] = connect_pair(f, &peers[i]);
        loop_arm_recv(&f->loop, slots[i]);
    }
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < CROWD; i++)
            write_pattern(peers[i], sent, 9000);
        sent += 9000;
        for (unsigned i = 0; i < CROWD; i++)
            TURN_UNTIL(f, witness_of(f, slots[i])->bytes == sent);
    }
    for (unsigned i = 0; i < CROWD; i++) {
        assert_int_equal(witness_of(f, slots[i])->pattern_errors, 0);
        close(peers[i]);
    }
}

static void the_second_delivery_warms_and_quiet_parks(void **state)
{
    struct fixture *f = *state;
    if (!is_uring(f))
        return;
    int peer;
    struct slot *slot = connect_tcp(f, &peer);
    struct witness *w = witness_of(f, slot);
    loop_arm_recv(&f->loop, slot);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 4; i++) {
            assert_true(slot->loop_flags & (i < 2 ? SLOT_POLL_ARMED : SLOT_RECV_ARMED));
            write_pattern(peer, w->bytes, 10);
            uint64_t before = w->bytes;
            TURN_UNTIL(f, w->bytes > before);
        }
        loop_quiet(&f->loop, slot);
        TURN_UNTIL(f, !(slot->loop_flags & SLOT_RECV_ARMED));
    }
    assert_true(slot->loop_flags & SLOT_POLL_ARMED);
    close(peer);
}

/* Demoted at every odd moment while bytes are coming. */
static void falling_quiet_under_traffic_loses_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t random = 88172645463325252u;
    int peer;
    struct slot *slot = connect_tcp(f, &peer);
    loop_arm_recv(&f->loop, slot);
    uint64_t sent = 0;
    for (unsigned step = 0; step < 20000; step++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        switch (random >> 20 & 7) {
        case 0:
        case 1:
            loop_quiet(&f->loop, slot);
            break;
        case 2:
        case 3:
        case 4:
            leat__loop_turn(&f->loop, 0);
            break;
        case 5:
            loop_pause_recv(&f->loop, slot);
            leat__loop_turn(&f->loop, 0);
            loop_arm_recv(&f->loop, slot);
            break;
        default:
            if (sent - witness_of(f, slot)->bytes < 60000) {
                write_pattern(peer, sent, 1 + (random >> 30) % 4000);
                sent += 1 + (random >> 30) % 4000;
            }
        }
    }
    shutdown(peer, SHUT_WR);
    loop_arm_recv(&f->loop, slot);
    TURN_UNTIL(f, witness_of(f, slot)->ends == 1);
    assert_int_equal(witness_of(f, slot)->bytes, sent);
    assert_int_equal(witness_of(f, slot)->pattern_errors, 0);
    close(peer);
}

int main(void)
{
#define TESTS(ON)                                                                                  \
    ON(bytes_arrive_in_order), ON(bytes_that_were_there_before_arming_arrive),                     \
        ON(bytes_and_the_end_at_once_are_both_seen), ON(a_half_closed_peer_still_hears_us),        \
        ON(a_reset_is_told_as_a_reset), ON(a_pause_holds_bytes_back_and_loses_none),               \
        ON(an_end_during_a_pause_is_told_after_it),                                                \
        ON(others_are_served_while_one_keeps_every_buffer),                                        \
        ON(none_left_waits_for_one_to_come_back), ON(a_refused_acquisition_loses_nothing),         \
        ON(a_crowd_larger_than_the_ring_is_served), ON(the_second_delivery_warms_and_quiet_parks), \
        ON(falling_quiet_under_traffic_loses_nothing)
    const struct CMUnitTest on_epoll[] = {TESTS(ON_EPOLL)};
    const struct CMUnitTest on_uring[] = {TESTS(ON_URING)};
    return RUN_ON_BOTH(on_epoll, on_uring);
}
