/* Accepting and refusing, on both backends. */
#include "fixture.h"
#include <sys/resource.h>

static void connections_come_by_their_listener(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in address[3];
    int fds[3], peers[30];
    for (unsigned i = 0; i < 3; i++) {
        fds[i] = open_listener(&address[i]);
        assert_int_equal(loop_listen(&f->loop, fds[i], i), 0);
    }
    for (unsigned i = 0; i < 30; i++) {
        peers[i] = connect_to(&address[i % 3]);
        write_pattern(peers[i], 0, 10);
    }
    TURN_UNTIL(f, f->accepts[0] == 10 && f->accepts[1] == 10 && f->accepts[2] == 10);
    TURN_UNTIL(f, witness_of(f, f->last)->bytes == 10);
    for (unsigned i = 0; i < 30; i++)
        close(peers[i]);
    for (unsigned i = 0; i < 3; i++) {
        loop_unlisten(&f->loop, i);
        close(fds[i]);
    }
    assert_int_equal(f->accept_failures, 0);
}

static void unlisten_leaves_the_queue_to_who_listens_next(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in address;
    int fd = open_listener(&address);
    assert_int_equal(loop_listen(&f->loop, fd, 1), 0);
    turn_some(f);
    loop_unlisten(&f->loop, 1);
    loop_unlisten(&f->loop, 1);
    turn_some(f);
    int peer = connect_to(&address);
    turn_some(f);
    assert_int_equal(f->accepts[1], 0);
    assert_int_equal(loop_listen(&f->loop, fd, 1), 0);
    TURN_UNTIL(f, f->accepts[1] == 1);
    loop_unlisten(&f->loop, 1);
    close(fd);
    close(peer);
}

/* No descriptors left: told once, the listener pauses, and goes on when it is asked to. (io_uring takes the limit as it
 * was when accepting was asked for, so it is lowered before.) */
static void want_of_descriptors_pauses_and_resumes(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in address;
    int fd = open_listener(&address), peers[3];
    for (unsigned i = 0; i < 3; i++)
        peers[i] = connect_to(&address);
    struct rlimit limit, none;
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    int listening = loop_listen(&f->loop, fd, 0);
    for (unsigned turns = 0; f->accept_failures == 0 && turns < TURNS_MAX; turns++)
        leat__loop_turn(&f->loop, 10);
    turn_some(f);
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(listening, 0);
    turn_some(f);
    assert_int_equal(f->accept_failures, 1);
    assert_int_equal(f->accept_error, -EMFILE);
    assert_int_equal(f->accepts[0], 0);
    assert_int_equal(loop_listen(&f->loop, fd, 0), 0);
    TURN_UNTIL(f, f->accepts[0] == 3);
    assert_int_equal(f->accept_failures, 1);
    loop_unlisten(&f->loop, 0);
    close(fd);
    for (unsigned i = 0; i < 3; i++)
        close(peers[i]);
}

static void unlisten_the_other(struct fixture *f, unsigned listener)
{
    loop_unlisten(&f->loop, 1 - listener);
}

/* Two listeners are ready in one turn, and the first accept ends the other: its connection, which io_uring has taken
 * already, is told of all the same or still in the queue. */
static void a_connection_taken_before_unlisten_is_not_lost(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in address[2];
    int fds[2], peers[2];
    for (unsigned i = 0; i < 2; i++)
        fds[i] = open_listener(&address[i]);
    for (unsigned round = 1; round <= 20; round++) {
        f->accepted = unlisten_the_other;
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(loop_listen(&f->loop, fds[i], i), 0);
        turn_some(f);
        for (unsigned i = 0; i < 2; i++)
            peers[i] = connect_to(&address[i]);
        TURN_UNTIL(f, f->accepts[0] + f->accepts[1] > 2 * (round - 1));
        turn_some(f);
        f->accepted = NULL;
        for (unsigned i = 0; i < 2; i++)
            loop_unlisten(&f->loop, i);
        turn_some(f);
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(loop_listen(&f->loop, fds[i], i), 0);
        TURN_UNTIL(f, f->accepts[0] == round && f->accepts[1] == round);
        for (unsigned i = 0; i < 2; i++) {
            loop_unlisten(&f->loop, i);
            close(peers[i]);
        }
    }
    close(fds[0]);
    close(fds[1]);
}

static void listening_ends_with_the_loop(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in address;
    int fd = open_listener(&address);
    assert_int_equal(loop_listen(&f->loop, fd, 0), 0);
    turn_some(f);
    close(fd);
}

static void the_door_answers_without_a_slot(void **state)
{
    struct fixture *f = *state;
    static const char answer[] = "full";
    for (unsigned drop = 0; drop < 2; drop++) {
        struct sockaddr_in address;
        int listener = open_listener(&address);
        int peer = connect_to(&address);
        write_pattern(peer, 0, 10000);
        int fd = accept(listener, NULL, NULL);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        loop_refuse(&f->loop, fd, answer, sizeof answer, drop);
        char got[64];
        assert_int_equal(recv(peer, got, sizeof got, 0), sizeof answer);
        assert_memory_equal(got, answer, sizeof answer);
        if (drop)
            assert_int_equal(recv(peer, got, sizeof got, 0), 0);
        else
            close(fd);
        close(peer);
        close(listener);
    }
}

int main(void)
{
#define TESTS(ON)                                                                                  \
    ON(connections_come_by_their_listener), ON(unlisten_leaves_the_queue_to_who_listens_next),     \
        ON(want_of_descriptors_pauses_and_resumes),                                                \
        ON(a_connection_taken_before_unlisten_is_not_lost), ON(listening_ends_with_the_loop),      \
        ON(the_door_answers_without_a_slot)
    const struct CMUnitTest on_epoll[] = {TESTS(ON_EPOLL)};
    const struct CMUnitTest on_uring[] = {TESTS(ON_URING)};
    return RUN_ON_BOTH(on_epoll, on_uring);
}
