/* Handlers that wait, and clients who make the worst of it: what they send meanwhile is not gathered without a bound, what
 * has come of a content is not forgotten, what was broken off is no request, and a stop finds everybody. */
#define _GNU_SOURCE /* memmem */
#include "fault/support/scripted.h"
#include "exchange/exchange.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void ask(struct scripted *w, struct talker *t, const char *line)
{
    char text[256];
    snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: sim.test\r\n\r\n", line);
    scripted_say_text(w, t, text);
}

/* Its handler sleeps again and again, and each time there is more that it might be given. */
static void test_what_comes_meanwhile_is_bounded(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){.pipe = 65536});
    struct talker *t = scripted_connect(&w);
    scripted_pass_ms(&w, 10);
    uint32_t before = scripted_memory(&w)->receive.in_use, most = 0;
    ask(&w, t, "GET /doze/200");
    for (int i = 0; i < 6000; i++)
        ask(&w, t, "GET /hello?t=1");
    for (int i = 0; i < 18; i++) {
        scripted_pass_ms(&w, 10);
        uint32_t in_use = scripted_memory(&w)->receive.in_use;
        most = in_use > most ? in_use : most;
    }
    assert_true(most <= before + 3);
    scripted_pass_ms(&w, 10000);
    assert_true(scripted_heard(t, "Hello, 1\n"));
    scripted_close(&w);
}

/* The whole content comes, and the client's end behind it, while the response that it is to become can't be sent. */
static void test_a_content_that_comes_during_a_send(void **state)
{
    (void)state;
    static char head[128];
    enum { SIZE = 8000 };
    for (uint32_t first = 3900; first < 4100; first += 3) {
        struct scripted w;
        scripted_open(&w, &(struct scripted_options){.pipe = 4096});
        struct talker *t = scripted_connect(&w);
        t->deaf = true;
        snprintf(head, sizeof head, "POST /pipe?t=1 HTTP/1.0\r\nContent-Length: %d\r\n\r\n", SIZE);
        scripted_say_text(&w, t, head);
        scripted_say(&w, t, sim_table, first);
        scripted_pass_ms(&w, 100);
        scripted_say(&w, t, sim_table + first, SIZE - first);
        scripted_pass_ms(&w, 100);
        t->deaf = false;
        leat__sim_client_wake(w.sim, t->connection, 1);
        scripted_pass_ms(&w, 500);
        assert_true(t->ended);
        const char *end = memmem(t->heard, t->heard_size, "\r\n\r\n", 4);
        assert_non_null(end);
        assert_int_equal(t->heard_size - (size_t)(end + 4 - t->heard), SIZE);
        assert_memory_equal(end + 4, sim_table, SIZE);
        scripted_close(&w);
    }
}

/* Somebody else cancels a handler that reads: what its client still sends of the content is no request. */
static void test_what_is_left_of_a_content_is_no_request(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){0});
    struct talker *t = scripted_connect(&w);
    scripted_say_text(
        &w, t, "POST /receive?at=1 HTTP/1.1\r\nHost: sim.test\r\nContent-Length: 100\r\n\r\nsome");
    scripted_pass_ms(&w, 50);
    struct tasks *tasks = &w.shard.conns.tasks;
    unsigned canceled = 0;
    for (uint32_t i = 0; i < tasks->stacks->touched; i++)
        if (tasks->all[i].state == TASK_WAITING) {
            leat__task_cancel(&tasks->all[i]);
            canceled++;
        }
    assert_int_equal(canceled, 1);
    ask(&w, t, "GET /hello?t=2");
    leat__sim_kick(w.sim, &w.shard.conns.loop);
    scripted_pass_ms(&w, 100);
    assert_int_equal(scripted_reply(t, 0, NULL, NULL), 500);
    assert_false(scripted_heard(t, "Hello, 2\n"));
    scripted_pass_ms(&w, 10000);
    assert_true(t->ended);
    scripted_close(&w);
}

/* Stopped at any moment: every handler comes to its end, and what it holds is back. */
static void test_a_stop_at_any_moment(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "GET /nap/200",  "GET /stream/100000?at=15", "GET /sized-stream/100000",
        "GET /family/3", "POST /receive?at=11",      "POST /pipe",
    };
    for (int64_t at_ms = 0; at_ms < 60; at_ms++) {
        struct scripted w;
        scripted_open(&w, &(struct scripted_options){.pipe = 3000});
        for (size_t i = 0; i < COUNT_OF(lines); i++) {
            struct talker *t = scripted_connect(&w);
            t->deaf = i % 2 == 1 && at_ms % 2 == 0;
            ask(&w, t, lines[i]);
            ask(&w, t, "GET /nap/5");
        }
        scripted_pass_ms(&w, at_ms);
        leat__conns_stop(&w.shard.conns);
        leat__sim_kick(w.sim, &w.shard.conns.loop);
        scripted_pass_ms(&w, 300);
        assert_int_equal(w.shard.conns.open, 0);
        scripted_close(&w);
    }
}

/* Two requests and the client's end come together: the second handler's client has gone before it begins. */
static void test_one_whose_client_has_gone_already(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){0});
    struct talker *t = scripted_connect(&w);
    ask(&w, t, "GET /nap/10000");
    ask(&w, t, "GET /nap/20000");
    leat__sim_client_shutdown(w.sim, t->connection);
    scripted_pass_ms(&w, 1000);
    assert_true(scripted_heard(t, "napped 10000\n"));
    assert_true(scripted_heard(t, "napped 20000\n"));
    assert_true(t->ended);
    scripted_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_comes_meanwhile_is_bounded),
        cmocka_unit_test(test_a_content_that_comes_during_a_send),
        cmocka_unit_test(test_what_is_left_of_a_content_is_no_request),
        cmocka_unit_test(test_a_stop_at_any_moment),
        cmocka_unit_test(test_one_whose_client_has_gone_already),
    };
    return cmocka_run_group_tests_name("fault.waiting", tests, NULL, NULL);
}
