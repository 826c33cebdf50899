/* The 1st, 2nd, 3rd … acquisition of every pool fails in turn while one request after the other touches all of them: the
 * one that is hit is answered 503 with Retry-After, all others as always, the counters tell which pool it was, and
 * nothing is lost. */
#include "fault/support/scripted.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { ACQUISITIONS_MAX = 60 };

/* What is asked: a head, octets of filler in it, and content; and what must be answered. */
static const struct ask {
    const char *start;       /* request line */
    uint32_t filler;         /* octets of a field */
    uint32_t content, chunk; /* octets; in chunks of that many, 0: counted */
    uint32_t answer;         /* octets of sim_table from 0 */
    const char *text;        /* or this */
} asks[] = {
    {"GET /hello?t=1 HTTP/1.1", 0, 0, 0, 0, "Hello, 1\n"},
    {"GET /hello?t=2 HTTP/1.1", 20000, 0, 0, 0, "Hello, 2\n"},
    {"POST /echo HTTP/1.1", 0, 1000, 0, 1000, NULL},
    {"POST /echo HTTP/1.1", 0, 100000, 0, 100000, NULL},
    {"POST /echo HTTP/1.1", 0, 40000, 3000, 40000, NULL},
    {"GET /sized/3000 HTTP/1.1", 0, 0, 0, 3000, NULL},
    {"GET /sized/50000 HTTP/1.1", 0, 0, 0, 50000, NULL},
    {"GET /sized/100000 HTTP/1.1", 0, 0, 0, 100000, NULL},
    {"GET /text/3000 HTTP/1.1", 0, 0, 0, 3000, NULL},
    {"GET /text/70000 HTTP/1.1", 0, 0, 0, 70000, NULL},
    {"GET /alloc/15 HTTP/1.1", 0, 0, 0, 15, NULL},
    {"GET /alloc/14 HTTP/1.1", 0, 0, 0, 14, NULL},
    {"GET /fields/40 HTTP/1.1", 0, 0, 0, 0, "40\n"},
    {"GET /borrow/30000 HTTP/1.1", 0, 0, 0, 30000, NULL},
    {"GET /file/30000 HTTP/1.1", 0, 0, 0, 30000, NULL},
    {"GET /pieces/30000 HTTP/1.1", 0, 0, 0, 30000, NULL},
    {"GET /filed/30000 HTTP/1.1", 0, 0, 0, 30000, NULL},
    {"GET /prepared/300 HTTP/1.1", 0, 0, 0, 300, NULL},
    {"GET /nap/20 HTTP/1.1", 0, 0, 0, 0, "napped 20\n"},
    {"GET /sized-stream/30000 HTTP/1.1", 0, 0, 0, 30000, NULL},
    {"GET /nap/0 HTTP/1.1", 0, 0, 0, 0, "napped 0\n"},
    {"GET /pool HTTP/1.1", 0, 0, 0, 0, "pooled\n"},
    {"GET /greedy HTTP/1.1", 0, 0, 0, 0, "{\"title\":\"Internal Server Error\",\"status\":500}\n"},
};

static void say(struct scripted *w, struct talker *t, const struct ask *ask)
{
    char line[128];
    scripted_say_text(w, t, ask->start);
    scripted_say_text(w, t, "\r\nHost: sim.test\r\n");
    if (ask->filler > 0) {
        scripted_say_text(w, t, "X-Filler: ");
        scripted_say(w, t, sim_table, ask->filler);
        scripted_say_text(w, t, "\r\n");
    }
    if (ask->chunk == 0)
        snprintf(line, sizeof line, "Content-Length: %u\r\n\r\n", ask->content);
    else
        snprintf(line, sizeof line, "Transfer-Encoding: chunked\r\n\r\n");
    scripted_say_text(w, t, line);
    uint32_t step = ask->chunk != 0 ? ask->chunk : ask->content;
    for (uint32_t at = 0, n; at < ask->content; at += n) {
        n = step < ask->content - at ? step : ask->content - at;
        snprintf(line, sizeof line, "%x\r\n", n);
        if (ask->chunk != 0)
            scripted_say_text(w, t, line);
        scripted_say(w, t, sim_table + at, n);
        if (ask->chunk != 0)
            scripted_say_text(w, t, "\r\n");
    }
    if (ask->chunk != 0)
        scripted_say_text(w, t, "0\r\n\r\n");
}

static void expect_answer(const struct talker *t, const struct ask *ask)
{
    const char *content;
    size_t size;
    unsigned status = scripted_reply(t, 0, &content, &size);
    assert_int_equal(status, strncmp(ask->start, "GET /greedy", 11) == 0 ? 500 : 200);
    assert_int_equal(size, ask->text != NULL ? strlen(ask->text) : ask->answer);
    assert_memory_equal(content, ask->text != NULL ? ask->text : sim_table, size);
}

/* One connection that asks; then, when it was kept, once more. Answers how often it was refused. */
static unsigned converse(struct scripted *w, const struct ask *ask)
{
    size_t rest;
    struct talker *t = scripted_connect(w);
    say(w, t, ask);
    scripted_pass_ms(w, 300);
    unsigned refused = scripted_was_refused(t);
    if (!refused)
        expect_answer(t, ask);
    if (!t->ended) {
        scripted_say_text(w, t, "GET /hello?t=9 HTTP/1.1\r\nHost: sim.test\r\n\r\n");
        scripted_pass_ms(w, 300);
        unsigned status = scripted_reply(t, 1, NULL, NULL);
        assert_true(status == 200 || (status == 503 && t->ended));
        refused += status == 503;
        assert_int_equal(scripted_reply_count(t, &rest), 2);
    } else {
        assert_int_equal(refused, 1);
        assert_int_equal(scripted_reply_count(t, &rest), 1);
    }
    assert_int_equal(rest, 0);
    scripted_hang_up(w, t);
    scripted_pass_ms(w, 100);
    return refused;
}

/* The whole set with one failing acquisition; how many were refused. */
static unsigned converse_all(struct scripted *w)
{
    unsigned refused = 0;
    for (size_t i = 0; i < COUNT_OF(asks); i++)
        refused += converse(w, &asks[i]);
    return refused;
}

enum which { SLOTS, ROOMS, RECEIVE, CHUNKS, LARGES, CONTENT, OBJECTS, WORKS, STACKS };

static void fail_at(struct scripted *w, enum which which, uint32_t n)
{
    struct shard_memory *m = scripted_memory(w);
    switch (which) {
    case SLOTS:
        leat__pool_fail_at(&m->slots, n);
        break;
    case ROOMS:
        leat__buffer_pool_fail_at(&m->rooms, n);
        break;
    case RECEIVE:
        leat__buffer_pool_fail_at(&m->receive, n);
        break;
    case CHUNKS:
        leat__buffer_pool_fail_at(&m->chunks, n);
        break;
    case LARGES:
        leat__buffer_pool_fail_at(&m->larges, n);
        break;
    case CONTENT:
        leat__content_fail_at(&m->content, n);
        break;
    case OBJECTS:
        leat__pool_fail_at(&m->user[0], n);
        break;
    case WORKS:
        leat__pool_fail_at(&m->works, n);
        break;
    case STACKS:
        leat__stack_pool_fail_at(&m->stacks, n);
        break;
    }
}

/* Refusals that were counted as this pool's, or may be: a large piece or a block is the arena's, too. */
static uint64_t counted(struct scripted *w, enum which which)
{
    const struct counters *c = scripted_counters(w);
    switch (which) {
    case SLOTS:
        return c->refused_slot;
    case ROOMS:
        return c->refused_exchange;
    case CHUNKS:
        return c->refused_arena;
    case LARGES:
        return c->refused_large + c->refused_arena;
    case CONTENT:
        return c->refused_content + c->refused_arena;
    case WORKS:
        return c->refused_work;
    case STACKS:
        return c->refused_task;
    case RECEIVE:
    case OBJECTS:
        break;
    }
    return 0;
}

static uint64_t counted_in_all(struct scripted *w)
{
    const struct counters *c = scripted_counters(w);
    return c->refused_slot + c->refused_exchange + c->refused_arena + c->refused_large +
           c->refused_content + c->refused_work + c->refused_task;
}

/* Fails the 1st, 2nd … until an n that is never reached. Answers how many were refused in all. */
static unsigned fail_each(enum which which)
{
    struct scripted w;
    unsigned refused_in_all = 0;
    for (uint32_t n = 1; n <= ACQUISITIONS_MAX; n++) {
        scripted_open(&w, &(struct scripted_options){0});
        fail_at(&w, which, n);
        unsigned refused = converse_all(&w);
        assert_true(refused <= 1);
        if (which != OBJECTS)
            assert_int_equal(counted_in_all(&w), refused);
        assert_int_equal(counted(&w, which), which == OBJECTS ? 0 : refused);
        refused_in_all += refused;
        fail_at(&w, which, 0);
        scripted_close(&w);
    }
    return refused_in_all;
}

static void test_without_failures_all_is_answered(void **state)
{
    (void)state;
    struct scripted w;
    scripted_open(&w, &(struct scripted_options){0});
    assert_int_equal(converse_all(&w), 0);
    scripted_close(&w);
}

static void test_slots(void **state)
{
    (void)state;
    assert_int_equal(fail_each(SLOTS), COUNT_OF(asks));
}

static void test_rooms(void **state)
{
    (void)state;
    assert_int_equal(fail_each(ROOMS), 2 * COUNT_OF(asks)); /* one for each request */
}

/* Receiving waits until there is a buffer: nobody notices. */
static void test_receive_buffers(void **state)
{
    (void)state;
    assert_int_equal(fail_each(RECEIVE), 0);
}

static void test_chunks(void **state)
{
    (void)state;
    assert_true(fail_each(CHUNKS) >= 4);
}

static void test_larges(void **state)
{
    (void)state;
    assert_true(fail_each(LARGES) >= 2);
}

static void test_content(void **state)
{
    (void)state;
    assert_true(fail_each(CONTENT) >= 4);
}

static void test_a_users_pool(void **state)
{
    (void)state;
    assert_int_equal(fail_each(OBJECTS), 1);
}

/* A response under way that needs one waits until it is free: only what has not begun is refused. */
static void test_works(void **state)
{
    (void)state;
    assert_int_equal(fail_each(WORKS), 1);
}

/* The warm one serves all, as long as nobody waits while others come. */
static void test_the_warm_stack(void **state)
{
    (void)state;
    assert_int_equal(fail_each(STACKS), 1);
}

/* Several wait at once: the one whose stack fails is refused, the others are not. */
static void test_stacks(void **state)
{
    enum { SLEEPERS = 5 };
    (void)state;
    for (uint32_t n = 1; n <= SLEEPERS; n++) {
        struct scripted w;
        struct talker *talkers[SLEEPERS];
        unsigned refused = 0;
        scripted_open(&w, &(struct scripted_options){.tasks = SLEEPERS});
        fail_at(&w, STACKS, n);
        for (size_t i = 0; i < SLEEPERS; i++) {
            talkers[i] = scripted_connect(&w);
            scripted_say_text(&w, talkers[i], "GET /nap/200 HTTP/1.1\r\nHost: sim.test\r\n\r\n");
            scripted_pass_ms(&w, 10);
        }
        scripted_pass_ms(&w, 400);
        for (size_t i = 0; i < SLEEPERS; i++) {
            refused += scripted_was_refused(talkers[i]);
            assert_true(scripted_was_refused(talkers[i]) ||
                        scripted_reply(talkers[i], 0, NULL, NULL) == 200);
        }
        assert_int_equal(refused, 1);
        assert_true(scripted_was_refused(talkers[n - 1]));
        assert_int_equal(counted(&w, STACKS), 1);
        assert_int_equal(counted_in_all(&w), 1);
        scripted_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_failures_all_is_answered),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_rooms),
        cmocka_unit_test(test_receive_buffers),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_larges),
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_a_users_pool),
        cmocka_unit_test(test_works),
        cmocka_unit_test(test_the_warm_stack),
        cmocka_unit_test(test_stacks),
    };
    return cmocka_run_group_tests_name("fault.pools", tests, NULL, NULL);
}
