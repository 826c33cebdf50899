/* The kernel takes, and gives, so many octets at a time: every small number, and those around the sizes of our buffers.
 * A burst of requests with every kind of answer comes out the same. */
#include "fault/support/scripted.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const char burst[] =
    "GET /hello?t=1 HTTP/1.1\r\nHost: sim.test\r\n\r\n"
    "GET /fields/8?t=2 HTTP/1.1\r\nHost: sim.test\r\n\r\n"
    "POST /echo?t=3 HTTP/1.1\r\nHost: sim.test\r\nContent-Length: 9\r\n\r\nsome text"
    "GET /file/900?t=4 HTTP/1.1\r\nHost: sim.test\r\n\r\n"
    "GET /fields/70?t=5 HTTP/1.1\r\nHost: sim.test\r\n\r\n"
    "HEAD /borrow/14000?t=6 HTTP/1.1\r\nHost: sim.test\r\n\r\n"
    "GET /borrow/14000?t=7 HTTP/1.1\r\nHost: sim.test\r\n\r\n"
    "POST /echo?t=8 HTTP/1.1\r\nHost: sim.test\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n"
    "GET /sized/3000?t=9 HTTP/1.1\r\nHost: sim.test\r\nConnection: close\r\n\r\n";

/* Octets heard, to be freed. 0: no bound. */
static char *converse(uint32_t send_max, uint32_t receive_max, bool late, size_t *size)
{
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){.faults = {.late_send = late ? 1000 : 0}});
    struct talker *t = scripted_connect(&w);
    leat__sim_step_max(w.sim, t->connection, SIM_TO_CLIENT, send_max);
    leat__sim_step_max(w.sim, t->connection, SIM_TO_SERVER, receive_max);
    scripted_say_text(&w, t, burst);
    scripted_pass_ms(&w, 400);
    assert_true(t->ended && !t->reset);
    char *heard = malloc(t->heard_size);
    assert_non_null(heard);
    memcpy(heard, t->heard, t->heard_size);
    *size = t->heard_size;
    scripted_close(&w);
    return heard;
}

static void expect_the_same(uint32_t send_max, uint32_t receive_max, bool late)
{
    static char *right;
    static size_t right_size;
    size_t size;
    if (right == NULL)
        right = converse(0, 0, false, &right_size);
    assert_true(right_size > 14000 + 3000 + 70 * FIELD_VALUE);
    char *heard = converse(send_max, receive_max, late, &size);
    assert_int_equal(size, right_size);
    assert_memory_equal(heard, right, size);
    free(heard);
}

static void test_sends_of_every_small_size(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 300; n++)
        expect_the_same(n, 0, false);
}

static void test_sends_around_the_sizes_of_buffers(void **state)
{
    (void)state;
    static const uint32_t around[] = {1024, 4096, PLAN_OUTPUT, 14000, 16384};
    for (size_t i = 0; i < COUNT_OF(around); i++)
        for (uint32_t n = around[i] - 20; n <= around[i] + 20; n++)
            expect_the_same(n, 0, false);
}

static void test_every_send_pends(void **state)
{
    (void)state;
    for (uint32_t n = 0; n <= 100; n++)
        expect_the_same(n * 7, 0, true);
}

static void test_receives_of_every_small_size(void **state)
{
    (void)state;
    for (uint32_t n = 1; n < sizeof burst; n++)
        expect_the_same(0, n, false);
}

static void test_both_at_once(void **state)
{
    (void)state;
    for (uint32_t n = 1; n < 50; n++)
        expect_the_same(n * 3, n, n % 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sends_of_every_small_size),
        cmocka_unit_test(test_sends_around_the_sizes_of_buffers),
        cmocka_unit_test(test_every_send_pends),
        cmocka_unit_test(test_receives_of_every_small_size),
        cmocka_unit_test(test_both_at_once),
    };
    return cmocka_run_group_tests_name("fault.short_writes", tests, NULL, NULL);
}
