/* Slow clients: each phase has its deadline, which is met within a tick, is told to the client where it can be told, and
 * moves on for those who move at CONN_RATE_MIN or faster. */
#include "fault/support/scripted.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const char hello[] = "GET /hello?t=1 HTTP/1.1\r\nHost: sim.test\r\n\r\n";

enum { LATE_MS = 2 * WHEEL_TICK_MS }; /* a tick, and the time that it takes to be seen */

static void expect_408_between(struct scripted *w, struct talker *t, int64_t early_ms, int64_t late_ms)
{
    scripted_pass_ms(w, early_ms);
    assert_int_equal(t->heard_size, 0);
    scripted_pass_ms(w, late_ms - early_ms);
    assert_int_equal(scripted_reply(t, 0, NULL, NULL), 408);
    assert_true(t->ended);
    assert_int_equal(scripted_counters(w)->timeouts, 1);
}

static void test_a_head_that_does_not_end(void **state)
{
    (void)state;
    for (size_t n = 1; n < sizeof hello - 1; n += 5) {
        struct scripted w;
        scripted_open(&w, &(struct scripted_options){0});
        struct talker *t = scripted_connect(&w);
        scripted_pass_ms(&w, 1000); /* idle until here: the head's time begins with its first octet */
        scripted_say(&w, t, hello, n);
        expect_408_between(&w, t, w.config.head_timeout_ms - 5, w.config.head_timeout_ms + LATE_MS);
        scripted_close(&w);
    }
}

static void test_a_head_that_trickles_gains_no_time(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){0});
    struct talker *t = scripted_connect(&w);
    for (int i = 0; i < 19; i++) {
        scripted_say(&w, t, hello + i, 1);
        scripted_pass_ms(&w, 100);
    }
    assert_int_equal(t->heard_size, 0);
    expect_408_between(&w, t, 50, 100 + LATE_MS);
    scripted_close(&w);
}

static void test_a_content_that_does_not_come(void **state)
{
    (void)state;
    static const char *const starts[] = {
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome of it",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    };
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        struct scripted w;
        scripted_open(&w, &(struct scripted_options){0});
        struct talker *t = scripted_connect(&w);
        scripted_say_text(&w, t, starts[i]);
        expect_408_between(&w, t, w.config.content_timeout_ms - 5, w.config.content_timeout_ms + LATE_MS);
        scripted_close(&w);
    }
}

/* 2 KiB a second is faster than CONN_RATE_MIN: it takes half a minute, ten times the timeout, and is echoed. */
static void test_a_slow_content_that_moves_is_waited_for(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){0});
    struct talker *t = scripted_connect(&w);
    scripted_say_text(&w, t, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 61440\r\n\r\n");
    for (int i = 0; i < 120; i++) {
        assert_int_equal(t->heard_size, 0);
        scripted_say(&w, t, sim_table + i * 512, 512);
        scripted_pass_ms(&w, 250);
    }
    const char *content;
    size_t size;
    assert_int_equal(scripted_reply(t, 0, &content, &size), 200);
    assert_int_equal(size, 61440);
    assert_memory_equal(content, sim_table, size);
    scripted_close(&w);
}

static void test_a_content_slower_than_that_is_not(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){0});
    struct talker *t = scripted_connect(&w);
    scripted_say_text(&w, t, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 61440\r\n\r\n");
    for (int i = 0; i < 60 && !t->ended; i++) {
        scripted_say(&w, t, sim_table, 128);
        scripted_pass_ms(&w, 250);
    }
    assert_int_equal(scripted_reply(t, 0, NULL, NULL), 408);
    scripted_close(&w);
}

static void test_who_reads_nothing_is_cut_off(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){.pipe = 1000});
    struct talker *t = scripted_connect(&w);
    t->deaf = true;
    scripted_say_text(&w, t, "GET /borrow/100000 HTTP/1.1\r\nHost: a\r\n\r\n");
    scripted_pass_ms(&w, w.config.write_timeout_ms - 10);
    assert_false(leat__sim_server_has_closed(w.sim, t->connection));
    assert_int_equal(sim_borrowed, 1);
    /* What the network took bought it a second of its own. */
    scripted_pass_ms(&w, 10 + 1000 + LATE_MS);
    assert_true(leat__sim_server_has_closed(w.sim, t->connection));
    assert_int_equal(sim_borrowed, 0);
    assert_int_equal(scripted_counters(&w)->timeouts, 1);
    scripted_close(&w);
}

/* A reader at 2 KB a second gets all of it. */
static void test_a_slow_reader_that_moves_is_waited_for(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){.pipe = 500});
    struct talker *t = scripted_connect(&w);
    scripted_say_text(&w, t, "GET /borrow/40000 HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 100; i++) {
        t->deaf = true;
        scripted_pass_ms(&w, 250);
        t->deaf = false;
        leat__sim_client_wake(w.sim, t->connection, 1);
        scripted_pass_ms(&w, 1);
    }
    const char *content;
    size_t size;
    assert_int_equal(scripted_reply(t, 0, &content, &size), 200);
    assert_int_equal(size, 40000);
    assert_memory_equal(content, sim_table, size);
    scripted_close(&w);
}

static void test_an_idle_connection_is_closed_without_a_word(void **state)
{
    (void)state;
    for (int asked = 0; asked < 2; asked++) {
        struct scripted w;
        scripted_open(&w, &(struct scripted_options){0});
        struct talker *t = scripted_connect(&w);
        if (asked)
            scripted_say_text(&w, t, hello);
        scripted_pass_ms(&w, w.config.idle_timeout_ms - 10);
        size_t heard = t->heard_size;
        assert_false(t->ended);
        scripted_pass_ms(&w, 10 + LATE_MS);
        assert_true(t->ended && !t->reset);
        assert_int_equal(t->heard_size, heard);
        scripted_close(&w);
    }
}

/* io_uring's way: an armed receive becomes a poll on the way, and the time is the same. */
static void test_a_quiet_connection_keeps_its_deadline(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){.faults = {.armed = 1000}});
    struct talker *t = scripted_connect(&w);
    scripted_say_text(&w, t, hello);
    scripted_pass_ms(&w, w.config.idle_timeout_ms - 10);
    assert_false(t->ended);
    scripted_pass_ms(&w, 10 + WHEEL_TICK_MS + LATE_MS);
    assert_true(t->ended);
    scripted_close(&w);
}

/* Keep-alive: each request has all the time of its own. */
static void test_every_request_begins_anew(void **state)
{
    (void)state;
    struct scripted w;
    size_t rest;
    scripted_open(&w, &(struct scripted_options){0});
    struct talker *t = scripted_connect(&w);
    for (unsigned i = 0; i < 10; i++) {
        scripted_pass_ms(&w, w.config.idle_timeout_ms - 200);
        scripted_say(&w, t, hello, 20);
        scripted_pass_ms(&w, w.config.head_timeout_ms - 200);
        scripted_say_text(&w, t, hello + 20);
        scripted_pass_ms(&w, 50);
        assert_int_equal(scripted_reply_count(t, &rest), i + 1);
    }
    scripted_close(&w);
}

/* After a refusal the client may go on sending for a while, and still hears it; not for ever. */
static void test_lingering_ends(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){.pipe = 3000});
    struct talker *t = scripted_connect(&w);
    scripted_say_text(&w, t, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
    for (int i = 0; i < 100; i++)
        scripted_say(&w, t, sim_table, 1000);
    scripted_pass_ms(&w, 100);
    assert_int_equal(scripted_reply(t, 0, NULL, NULL), 413);
    assert_true(t->ended && !t->reset && t->said == t->say_size);
    assert_false(leat__sim_server_has_closed(w.sim, t->connection));
    scripted_pass_ms(&w, CONN_LINGER_MS + LATE_MS);
    assert_true(leat__sim_server_has_closed(w.sim, t->connection));
    scripted_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_head_that_does_not_end),
        cmocka_unit_test(test_a_head_that_trickles_gains_no_time),
        cmocka_unit_test(test_a_content_that_does_not_come),
        cmocka_unit_test(test_a_slow_content_that_moves_is_waited_for),
        cmocka_unit_test(test_a_content_slower_than_that_is_not),
        cmocka_unit_test(test_who_reads_nothing_is_cut_off),
        cmocka_unit_test(test_a_slow_reader_that_moves_is_waited_for),
        cmocka_unit_test(test_an_idle_connection_is_closed_without_a_word),
        cmocka_unit_test(test_a_quiet_connection_keeps_its_deadline),
        cmocka_unit_test(test_every_request_begins_anew),
        cmocka_unit_test(test_lingering_ends),
    };
    return cmocka_run_group_tests_name("fault.slow", tests, NULL, NULL);
}
