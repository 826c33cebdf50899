/* A content that comes later than its head, while answers to earlier requests go out: the connection stays what its last
 * answer makes of it. */
#include "fault/support/scripted.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char hello[] = "GET /hello?t=1 HTTP/1.1\r\nHost: sim.test\r\n\r\n";
static const char last[] = "POST /echo?t=2 HTTP/1.1\r\nHost: sim.test\r\nConnection: close\r\n"
                           "Content-Length: 9\r\n";

static const char content[] = "some text";

static void expect_both(struct scripted *w, struct talker *t)
{
    size_t rest;
    scripted_pass_ms(w, 50);
    assert_int_equal(scripted_reply_count(t, &rest), 2);
    assert_int_equal(scripted_reply(t, 1, NULL, NULL), 200);
    assert_true(scripted_heard(t, "\r\nConnection: close\r\n"));
    assert_true(scripted_heard(t, "some text"));
    assert_true(t->ended && !t->reset);
}

static void test_close_waits_for_its_own_answer(void **state)
{
    (void)state;
    for (size_t n = 0; n < 9; n++) {
        struct scripted w;
        size_t rest;
        scripted_open(&w, &(struct scripted_options){0});
        struct talker *t = scripted_connect(&w);
        scripted_say_text(&w, t, hello);
        scripted_say_text(&w, t, last);
        scripted_say_text(&w, t, "\r\n");
        scripted_say(&w, t, content, n);
        scripted_pass_ms(&w, 50);
        assert_int_equal(scripted_reply_count(t, &rest), 1);
        assert_false(t->ended);
        scripted_say_text(&w, t, content + n);
        expect_both(&w, t);
        scripted_close(&w);
    }
}

static void test_close_waits_behind_100(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){0});
    struct talker *t = scripted_connect(&w);
    scripted_say_text(&w, t, hello);
    scripted_say_text(&w, t, last);
    scripted_say_text(&w, t, "Expect: 100-continue\r\n\r\n");
    scripted_pass_ms(&w, 50);
    assert_true(scripted_heard(t, "HTTP/1.1 100 Continue\r\n\r\n"));
    assert_false(t->ended);
    scripted_say_text(&w, t, "some text");
    expect_both(&w, t);
    scripted_close(&w);
}

/* The answer before it is still on its way when the content is complete. */
static void test_close_waits_behind_a_slow_reader(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){.pipe = 300});
    struct talker *t = scripted_connect(&w);
    t->deaf = true;
    scripted_say_text(&w, t, "GET /borrow/2000?t=1 HTTP/1.1\r\nHost: sim.test\r\n\r\n");
    scripted_say_text(&w, t, last);
    scripted_say_text(&w, t, "\r\nsome text");
    scripted_pass_ms(&w, 50);
    assert_false(leat__sim_server_has_closed(w.sim, t->connection));
    t->deaf = false;
    leat__sim_client_wake(w.sim, t->connection, 1);
    expect_both(&w, t);
    scripted_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close_waits_for_its_own_answer),
        cmocka_unit_test(test_close_waits_behind_100),
        cmocka_unit_test(test_close_waits_behind_a_slow_reader),
    };
    return cmocka_run_group_tests_name("fault.late_content", tests, NULL, NULL);
}
