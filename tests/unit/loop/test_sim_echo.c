/* The simulated loop, shown with the smallest server there is: what a client sends comes back, whatever the network
 * does meanwhile; one seed is one history; and who breaks the loop's contract is caught. */
#include "loop/sim.h"
#include "memory/buffer.h"
#include "memory/region.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { SLOTS = 64, CLIENTS = 40, BUFFERS = 256, TO_ECHO_MAX = 20000, IDLE_MS = 5000 };

enum crime { NONE, TOUCH_THE_SEND, GIVE_BACK_TWICE, ARM_WHEN_CLOSED, KEEP_FOR_EVER };

struct seat {
    struct buffer *first, *last; /* to be echoed; the first one is being sent */
    struct loop_send send;
    bool sending, over, open;
    uint32_t closed; /* how often on_closed came */
};

struct client {
    struct echo *echo;
    struct sim_random random;
    uint32_t connection, to_echo, sent, echoed;
    uint64_t bytes_seed;
    const char *refusal; /* what is expected instead of an echo */
    bool done, broken;
};

struct echo {
    struct simulation *s;
    struct loop loop;
    struct slot slots[SLOTS];
    struct seat seats[SLOTS];
    struct client clients[CLIENTS];
    struct region region;
    struct buffer_pool buffers;
    uint32_t active, most, alarms, mails, accept_failures;
    int listener;
    enum crime crime;
};

static char octet(uint64_t seed, uint32_t at)
{
    return (char)((seed + at) * 0x9e3779b97f4a7c15u >> 56);
}

/* ── The server ──────────────────────────────────────────────────────────────────────────────────────────────── */

static struct seat *seat_of(struct echo *e, struct slot *slot)
{
    return &e->seats[slot - e->slots];
}

static void buffers_go(struct echo *e, struct seat *seat)
{
    while (seat->first != NULL) {
        struct buffer *b = seat->first;
        seat->first = b->next;
        loop_give_back(&e->loop, b);
    }
}

static void close_seat(struct echo *e, struct slot *slot)
{
    leat__loop_close(&e->loop, slot);
}

static void echo_on(struct echo *e, struct slot *slot)
{
    struct seat *seat = seat_of(e, slot);
    while (seat->first != NULL && !seat->sending) {
        struct buffer *b = seat->first;
        seat->send = (struct loop_send){.part_count = 1, .file = -1};
        seat->send.parts[0].iov_base = b->data + b->start;
        seat->send.parts[0].iov_len = b->end - b->start;
        int result = loop_arm_send(&e->loop, slot, &seat->send);
        if (result < 0) {
            close_seat(e, slot);
            return;
        }
        if (result == 0) {
            seat->sending = true;
            if (e->crime == TOUCH_THE_SEND)
                b->data[b->end - 1] ^= 1;
            return;
        }
        seat->first = b->next;
        loop_give_back(&e->loop, b);
    }
    if (seat->over && !seat->sending)
        close_seat(e, slot);
    else if (!seat->sending)
        loop_arm_recv(&e->loop, slot);
}

static void on_accept(void *context, int fd, unsigned listener)
{
    struct echo *e = context;
    assert_int_equal(listener, 3);
    uint32_t i = 0;
    while (i < SLOTS && e->seats[i].open)
        i++;
    struct slot *slot = &e->slots[i];
    if (i == SLOTS || loop_adopt(&e->loop, slot, fd) < 0) {
        loop_refuse(&e->loop, fd, "busy", 4, true);
        return;
    }
    e->seats[i] = (struct seat){.open = true};
    loop_set_deadline(&e->loop, slot, IDLE_MS);
    loop_arm_recv(&e->loop, slot);
    if (++e->active > e->most)
        e->most = e->active;
}

static void on_accept_failed(void *context, unsigned listener, int error)
{
    struct echo *e = context;
    assert_true(error < 0);
    e->accept_failures++;
    assert_int_equal(loop_listen(&e->loop, e->listener, listener), 0);
}

static void on_recv(void *context, struct slot *slot, struct buffer *b)
{
    struct echo *e = context;
    struct seat *seat = seat_of(e, slot);
    assert_true(seat->open && b->start < b->end);
    loop_keep(&e->loop);
    b->next = NULL;
    if (seat->first == NULL)
        seat->first = b;
    else
        seat->last->next = b;
    seat->last = b;
    loop_set_deadline(&e->loop, slot, IDLE_MS);
    loop_pause_recv(&e->loop, slot);
    if (e->crime == GIVE_BACK_TWICE)
        loop_give_back(&e->loop, b);
    if (e->crime != KEEP_FOR_EVER)
        echo_on(e, slot);
}

static void on_recv_end(void *context, struct slot *slot, int error)
{
    struct echo *e = context;
    struct seat *seat = seat_of(e, slot);
    seat->over = true;
    if (error < 0 || !seat->sending)
        close_seat(e, slot);
    if (e->crime == ARM_WHEN_CLOSED)
        loop_arm_recv(&e->loop, slot);
}

static void on_sent(void *context, struct slot *slot, int error)
{
    struct echo *e = context;
    struct seat *seat = seat_of(e, slot);
    assert_true(seat->sending);
    seat->sending = false;
    if (error < 0) {
        close_seat(e, slot);
        return;
    }
    assert_int_equal(seat->send.sent, seat->first->end - seat->first->start);
    struct buffer *b = seat->first;
    seat->first = b->next;
    loop_give_back(&e->loop, b);
    loop_set_deadline(&e->loop, slot, IDLE_MS);
    echo_on(e, slot);
}

static void on_deadline(void *context, struct slot *slot)
{
    close_seat(context, slot);
}

static void on_closed(void *context, struct slot *slot)
{
    struct echo *e = context;
    struct seat *seat = seat_of(e, slot);
    assert_true(seat->open);
    seat->open = false;
    if (e->crime != KEEP_FOR_EVER)
        buffers_go(e, seat);
    e->active--;
}

static void on_mail(void *context, const struct mail *mail)
{
    struct echo *e = context;
    assert_int_equal(mail->kind, MAIL_WAKE);
    e->mails++;
}

static void on_alarm(void *context)
{
    struct echo *e = context;
    e->alarms++;
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

/* ── The clients ─────────────────────────────────────────────────────────────────────────────────────────────── */

static void client_done(struct client *c, bool broken)
{
    c->done = true;
    c->broken = broken;
    leat__sim_client_close(c->echo->s, c->connection);
}

static void client_sends(struct client *c)
{
    char piece[700];
    while (c->sent < c->to_echo) {
        uint32_t n = 1 + sim_below(&c->random, sizeof piece);
        n = n < c->to_echo - c->sent ? n : c->to_echo - c->sent;
        for (uint32_t i = 0; i < n; i++)
            piece[i] = octet(c->bytes_seed, c->sent + i);
        ssize_t taken = leat__sim_client_send(c->echo->s, c->connection, piece, n);
        if (taken <= 0)
            return;
        c->sent += (uint32_t)taken;
    }
}

static char expected(const struct client *c, uint32_t at)
{
    return c->refusal != NULL ? c->refusal[at] : octet(c->bytes_seed, at);
}

static void on_client(void *context, uint32_t connection, void *client)
{
    struct client *c = client;
    assert_ptr_equal(c->echo, context);
    assert_int_equal(c->connection, connection);
    char piece[900];
    ssize_t n;
    while ((n = leat__sim_client_receive(c->echo->s, connection, piece, sizeof piece)) > 0)
        for (ssize_t i = 0; i < n; i++, c->echoed++)
            assert_int_equal(piece[i], expected(c, c->echoed));
    assert_true(c->echoed <= c->sent);
    if (n != -EAGAIN)
        client_done(c, true);
    else if (c->echoed == c->to_echo)
        client_done(c, false);
    else
        client_sends(c);
}

static void client_starts(struct echo *e, struct client *c)
{
    int connection = leat__sim_connect(e->s, e->listener, c);
    assert_true(connection >= 0);
    c->connection = (uint32_t)connection;
    leat__sim_client_wake(e->s, c->connection, 1 + sim_below(&c->random, 1000));
}

/* ── One run ─────────────────────────────────────────────────────────────────────────────────────────────────── */

static const struct sim_faults rough = {
    .short_receive = 300,
    .one_shot = 300,
    .armed = 500,
    .late_receive = 300,
    .receive_again = 100,
    .offset_receive = 200,
    .short_send = 300,
    .late_send = 300,
    .late_cancel = 300,
    .accept_failure = 100,
    .stall = 10,
    .stall_ms_max = 100,
    .spurious_wake = 50,
};

static struct echo *echo_open(uint64_t seed, const struct sim_faults *faults, uint32_t ring)
{
    static struct echo echo;
    struct echo *e = &echo;
    memset(e, 0, sizeof *e);
    e->s = leat__sim_create(&(struct sim_options){
        .seed = seed,
        .connections = CLIENTS,
        .pipe_min = 64,
        .pipe_max = 9000,
        .delay_us_max = 3000,
        .jitter_us_max = 500,
        .backlog = CLIENTS,
        .start_ms = 1 + (int64_t)(seed * 997),
        .faults = *faults,
        .on_client = on_client,
        .context = e,
    });
    size_t size = leat__buffer_pool_footprint(PAGE_SIZE_BYTES, BUFFERS);
    assert_int_equal(leat__region_create(&e->region, size, REGION_RESERVE), 0);
    leat__buffer_pool_init(&e->buffers, &e->region, "receive", PAGE_SIZE_BYTES, BUFFERS);
    struct loop_options options = {
        .receive_ring = ring,
        .slots = e->slots,
        .slot_count = SLOTS,
        .receive = &e->buffers,
        .events = &events,
        .context = e,
        .simulation = e->s,
    };
    assert_int_equal(leat__loop_open(&e->loop, LOOP_SIM, &options), 0);
    e->listener = leat__sim_listener(e->s);
    assert_int_equal(loop_listen(&e->loop, e->listener, 3), 0);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct client *c = &e->clients[i];
        c->echo = e;
        leat__sim_random_init(&c->random, seed + i * 7919);
        c->bytes_seed = leat__sim_random_next(&c->random);
        c->to_echo = 1 + sim_below(&c->random, TO_ECHO_MAX);
        client_starts(e, c);
    }
    return e;
}

static void echo_run(struct echo *e)
{
    while (!leat__sim_idle(e->s))
        leat__loop_turn(&e->loop, -1);
}

static uint64_t echo_close(struct echo *e)
{
    assert_int_equal(e->active, 0);
    assert_int_equal(leat__sim_alive(e->s), 0);
    loop_unlisten(&e->loop, 3);
    leat__loop_close_all(&e->loop);
    assert_int_equal(e->buffers.in_use, 0);
    uint64_t trace = leat__sim_trace(e->s);
    leat__sim_destroy(e->s);
    leat__region_destroy(&e->region);
    return trace;
}

static uint64_t whole_run(uint64_t seed, const struct sim_faults *faults, uint32_t *broken)
{
    struct echo *e = echo_open(seed, faults, seed % 2 == 0 ? 16 : 0);
    echo_run(e);
    *broken = 0;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        assert_true(e->clients[i].done);
        *broken += e->clients[i].broken;
    }
    return echo_close(e);
}

/* ── What is shown ───────────────────────────────────────────────────────────────────────────────────────────── */

static void test_a_calm_network_echoes_all(void **state)
{
    (void)state;
    static const struct sim_faults calm;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint32_t broken;
        whole_run(seed, &calm, &broken);
        assert_int_equal(broken, 0);
    }
}

static void test_a_rough_network_echoes_all_the_same(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        uint32_t broken;
        whole_run(seed, &rough, &broken);
        assert_int_equal(broken, 0);
    }
}

static void test_resets_break_some_and_leak_nothing(void **state)
{
    (void)state;
    struct sim_faults faults = rough;
    faults.reset = 10;
    faults.clock_jump = 200;
    faults.clock_jump_ms_max = 10000;
    uint32_t broken_in_all = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        uint32_t broken;
        whole_run(seed, &faults, &broken);
        broken_in_all += broken;
    }
    assert_in_range(broken_in_all, 40, 40 * CLIENTS - 1);
}

static void test_who_cannot_be_seated_is_told(void **state)
{
    (void)state;
    struct sim_faults faults = {.adopt_failure = 1000};
    struct echo *e = echo_open(3, &faults, 0);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        e->clients[i].refusal = "busy";
        e->clients[i].sent = e->clients[i].to_echo = 4;
    }
    echo_run(e);
    for (uint32_t i = 0; i < CLIENTS; i++)
        assert_int_equal(e->clients[i].echoed, 4);
    echo_close(e);
}

static void test_a_seed_is_one_history(void **state)
{
    (void)state;
    uint32_t broken;
    uint64_t first = whole_run(11, &rough, &broken);
    assert_true(first == whole_run(11, &rough, &broken));
    assert_true(first != whole_run(12, &rough, &broken));
}

static void test_a_silent_client_is_closed_at_its_deadline(void **state)
{
    (void)state;
    static const struct sim_faults calm;
    struct echo *e = echo_open(5, &calm, 0);
    for (uint32_t i = 0; i < CLIENTS; i++)
        e->clients[i].to_echo = UINT32_MAX, e->clients[i].sent = UINT32_MAX;
    int64_t start_ms = e->loop.now_ms;
    echo_run(e);
    int64_t took_ms = e->loop.now_ms - start_ms;
    assert_in_range(took_ms, IDLE_MS, IDLE_MS + WHEEL_TICK_MS + 50);
    echo_close(e);
}

static void test_mail_and_alarm_come_in_virtual_time(void **state)
{
    (void)state;
    static const struct sim_faults calm;
    struct echo *e = echo_open(6, &calm, 0);
    struct mail mail = {.kind = MAIL_WAKE};
    leat__sim_post(e->s, &e->loop, &mail, 3600u * 1000000);
    e->loop.alarm_ms = e->loop.now_ms + 7200 * 1000;
    int64_t start_ms = e->loop.now_ms;
    echo_run(e);
    assert_int_equal(e->mails, 1);
    assert_int_equal(e->alarms, 1);
    assert_in_range(e->loop.now_ms - start_ms, 7200 * 1000, 7200 * 1000 + 10);
    echo_close(e);
}

static void test_scripts_break_and_bound_one_connection(void **state)
{
    (void)state;
    static const struct sim_faults calm;
    struct echo *e = echo_open(8, &calm, 0);
    leat__sim_fail_accepts(e->s, 5, -EMFILE);
    e->clients[0].to_echo = e->clients[1].to_echo = e->clients[2].to_echo = 500;
    leat__sim_reset_at(e->s, e->clients[0].connection, SIM_TO_SERVER, 100);
    leat__sim_reset_at(e->s, e->clients[1].connection, SIM_TO_CLIENT, 0);
    leat__sim_step_max(e->s, e->clients[2].connection, SIM_TO_SERVER, 1);
    leat__sim_step_max(e->s, e->clients[2].connection, SIM_TO_CLIENT, 3);
    echo_run(e);
    assert_int_equal(e->accept_failures, 5);
    assert_true(e->clients[0].broken && e->clients[0].echoed <= 100);
    assert_true(e->clients[1].broken && e->clients[1].echoed == 0);
    assert_true(!e->clients[2].broken && e->clients[2].echoed == 500);
    echo_close(e);
}

/* Runs it in a process of its own, which must die of an assertion. */
static void expect_caught(enum crime crime)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(2);
        for (uint64_t seed = 1; seed <= 4; seed++) {
            struct sim_faults faults = rough;
            faults.late_send = 1000;
            struct echo *e = echo_open(seed, &faults, 0);
            e->crime = crime;
            for (int turn = 0; turn < 100000 && !leat__sim_idle(e->s); turn++)
                leat__loop_turn(&e->loop, -1);
            leat__loop_close_all(&e->loop);
        }
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void test_breaches_of_the_contract_are_caught(void **state)
{
    (void)state;
    expect_caught(TOUCH_THE_SEND);
    expect_caught(GIVE_BACK_TWICE);
    expect_caught(ARM_WHEN_CLOSED);
    expect_caught(KEEP_FOR_EVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_calm_network_echoes_all),
        cmocka_unit_test(test_a_rough_network_echoes_all_the_same),
        cmocka_unit_test(test_resets_break_some_and_leak_nothing),
        cmocka_unit_test(test_who_cannot_be_seated_is_told),
        cmocka_unit_test(test_a_seed_is_one_history),
        cmocka_unit_test(test_a_silent_client_is_closed_at_its_deadline),
        cmocka_unit_test(test_mail_and_alarm_come_in_virtual_time),
        cmocka_unit_test(test_scripts_break_and_bound_one_connection),
        cmocka_unit_test(test_breaches_of_the_contract_are_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
