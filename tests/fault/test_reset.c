/* A conversation of everything: pipelined requests, contents counted and chunked, a large answer, a file. It is broken off
 * by a reset at every octet, on the way in and on the way out: what was heard until then is a piece of the right
 * answers, and nothing is lost. */
#define _GNU_SOURCE /* memmem */
#include "fault/support/scripted.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const char chunked[] = "POST /echo?t=3 HTTP/1.1\r\nHost: sim.test\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n"
                              "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n";

static const char *const requests[] = {
    "GET /hello?t=1 HTTP/1.1\r\nHost: sim.test\r\n\r\n",
    "POST /echo?t=2 HTTP/1.1\r\nHost: sim.test\r\nContent-Length: 9\r\n\r\nsome text",
    chunked,
    "GET /file/300?t=4 HTTP/1.1\r\nHost: sim.test\r\n\r\n",
    "GET /sized/700?t=5 HTTP/1.1\r\nHost: sim.test\r\n\r\n",
    "GET /borrow/13000?t=6 HTTP/1.1\r\nHost: sim.test\r\n\r\n",
    "GET /missing?t=7 HTTP/1.1\r\nHost: sim.test\r\nConnection: close\r\n\r\n",
};

enum { ANSWERS = COUNT_OF(requests) };

static char conversation[2048];
static size_t conversation_size, ends[ANSWERS];

static int join(void **state)
{
    (void)state;
    for (size_t i = 0; i < ANSWERS; i++) {
        memcpy(conversation + conversation_size, requests[i], strlen(requests[i]));
        ends[i] = conversation_size += strlen(requests[i]);
    }
    return 0;
}

/* How many requests are complete in the first n octets. */
static unsigned complete_in(size_t n)
{
    unsigned count = 0;
    while (count < ANSWERS && ends[count] <= n)
        count++;
    return count;
}

struct heard {
    char *bytes;
    size_t size;
};

/* The whole conversation with one break, or none. The clock starts at the same moment, so all octets are the same. */
static struct heard converse(enum sim_direction direction, uint64_t octet, bool *broken)
{
    struct scripted w;
    size_t rest;
    scripted_open(&w, &(struct scripted_options){.pipe = 2000});
    struct talker *t = scripted_connect(&w);
    leat__sim_reset_at(w.sim, t->connection, direction, octet);
    scripted_say(&w, t, conversation, conversation_size);
    scripted_pass_ms(&w, 200);
    assert_true(t->ended);
    *broken = t->reset;
    struct heard heard = {malloc(t->heard_size + 1), t->heard_size};
    assert_non_null(heard.bytes);
    memcpy(heard.bytes, t->heard != NULL ? t->heard : "", t->heard_size);
    if (!t->reset)
        assert_int_equal(scripted_reply_count(t, &rest), ANSWERS);
    scripted_close(&w);
    return heard;
}

static void break_everywhere(enum sim_direction direction, size_t octets)
{
    bool broken;
    struct heard whole = converse(direction, UINT64_MAX, &broken);
    assert_false(broken);
    if (direction == SIM_TO_CLIENT)
        octets = whole.size;
    /* In a large content one octet is like the next. */
    for (size_t at = 0; at <= octets; at += at > 2500 && at + 700 < octets ? 97 : 1) {
        struct heard part = converse(direction, at, &broken);
        assert_true(part.size <= whole.size);
        assert_memory_equal(part.bytes, whole.bytes, part.size);
        if (direction == SIM_TO_CLIENT)
            assert_true(part.size <= at);
        assert_true(broken || part.size == whole.size);
        free(part.bytes);
    }
    free(whole.bytes);
}

static void test_a_reset_at_every_octet_of_the_requests(void **state)
{
    (void)state;
    break_everywhere(SIM_TO_SERVER, conversation_size);
}

static void test_a_reset_at_every_octet_of_the_answers(void **state)
{
    (void)state;
    break_everywhere(SIM_TO_CLIENT, 0);
}

/* The client hangs up at every octet instead, with everything said: what it had asked for does no harm. */
static void test_hanging_up_after_every_octet(void **state)
{
    (void)state;
    for (size_t n = 0; n <= conversation_size; n++) {
        struct scripted w;
        scripted_open(&w, &(struct scripted_options){0});
        struct talker *t = scripted_connect(&w);
        if (n > 0)
            scripted_say(&w, t, conversation, n);
        scripted_pass_ms(&w, n % 3);
        scripted_hang_up(&w, t);
        scripted_pass_ms(&w, 100);
        assert_int_equal(w.shard.conns.open, 0);
        scripted_close(&w);
    }
}

/* The client has said all and shuts its side: it hears every answer to what was complete, then the end. */
static void test_half_closing_after_every_octet(void **state)
{
    (void)state;
    bool broken;
    struct heard whole = converse(SIM_TO_SERVER, UINT64_MAX, &broken);
    for (size_t n = 1; n <= conversation_size; n++) {
        struct scripted w;
        size_t rest;
        scripted_open(&w, &(struct scripted_options){0});
        struct talker *t = scripted_connect(&w);
        scripted_say(&w, t, conversation, n);
        leat__sim_client_shutdown(w.sim, t->connection);
        scripted_pass_ms(&w, 100);
        assert_true(t->ended);
        unsigned answered = scripted_reply_count(t, &rest), complete = complete_in(n);
        assert_int_equal(rest, 0);
        /* Middleware has run when a content stops in its middle: then that is told, too. */
        if (answered == complete + 1)
            assert_int_equal(scripted_reply(t, complete, NULL, NULL), 400);
        else
            assert_int_equal(answered, complete);
        const char *told = t->heard_size > 0 ? memmem(t->heard, t->heard_size, "HTTP/1.1 400 ", 13)
                                             : NULL;
        size_t same = told != NULL ? (size_t)(told - t->heard) : t->heard_size;
        assert_true(same <= whole.size);
        if (same > 0)
            assert_memory_equal(t->heard, whole.bytes, same);
        scripted_close(&w);
    }
    free(whole.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reset_at_every_octet_of_the_requests),
        cmocka_unit_test(test_a_reset_at_every_octet_of_the_answers),
        cmocka_unit_test(test_hanging_up_after_every_octet),
        cmocka_unit_test(test_half_closing_after_every_octet),
    };
    return cmocka_run_group_tests_name("fault.reset", tests, join, NULL);
}
