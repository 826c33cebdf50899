/* test_input.c: the queue of received bytes keeps their order, gives every buffer back once, and copies only where it
 * must. */
#include "fixture.h"

enum { RECEIVE = PLAN_RECEIVE - BUFFER_SLACK, LARGE = PLAN_LARGE - BUFFER_SLACK };

/* The stream: octet i of all that was ever received. */
static char octet_at(size_t i)
{
    return (char)(i * 7 + i / 256);
}

static size_t received; /* octets of the stream so far */

static int open_stream(void **state)
{
    received = 0;
    return open_bench(state);
}

/* The next size octets come in a buffer of the loop's, at start. on_recv is not over yet: it is lent. */
static struct buffer *receive_at(uint32_t start, size_t size)
{
    struct conns *c = &bench.c;
    struct buffer *b = buffer_acquire(&c->memory.receive);
    assert_non_null(b);
    b->start = start;
    b->end = start + (uint32_t)size;
    for (size_t i = 0; i < size; i++)
        b->data[start + i] = octet_at(received++);
    c->lent = b;
    leat__input_add(c, bench.x, b);
    return b;
}

/* The end of on_recv. Answers whether the buffer is kept; else the loop has it, which here means: it is free. */
static bool end_of_receive(struct buffer *b)
{
    bool kept = bench.c.lent != NULL;
    bench.c.lent = NULL;
    if (!kept)
        buffer_release(&bench.c.memory.receive, b);
    return kept;
}

static bool receive(size_t size)
{
    return end_of_receive(receive_at(0, size));
}

static void assert_octets(const char *bytes, size_t size, size_t from)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != octet_at(from + i))
            fail_msg("octet %zu of %zu is not the stream's %zu", i, size, from + i);
}

static void assert_first_is(size_t size, size_t from)
{
    const struct buffer *b = bench.x->input;
    assert_int_equal(b->end - b->start, size);
    assert_octets(b->data + b->start, size, from);
}

static void the_first_buffer_is_kept_as_it_is(void **state)
{
    (void)state;
    struct buffer *b = receive_at(100, 50);
    assert_ptr_equal(bench.x->input, b);
    assert_ptr_equal(bench.x->input_last, b);
    assert_int_equal(b->start, 100);
    assert_true(end_of_receive(b));
    assert_first_is(50, 0);
}

static void what_is_used_up_within_the_receive_stays_with_the_loop(void **state)
{
    (void)state;
    struct buffer *b = receive_at(0, 50);
    b->start = b->end;
    assert_false(leat__input_next(&bench.c, bench.x));
    assert_null(bench.x->input);
    assert_null(bench.x->input_last);
    assert_false(end_of_receive(b));
    assert_int_equal(bench.given_back, 0);
}

static void what_is_used_up_later_is_given_back(void **state)
{
    (void)state;
    assert_true(receive(50));
    assert_true(leat__input_next(&bench.c, bench.x));
    bench.x->input->start = bench.x->input->end;
    assert_false(leat__input_next(&bench.c, bench.x));
    assert_int_equal(bench.given_back, 1);
    assert_int_equal(bench.c.memory.receive.in_use, 0);
}

static void what_follows_is_copied_behind_while_it_fits(void **state)
{
    (void)state;
    assert_true(receive(50));
    assert_false(receive(RECEIVE - 50));
    assert_null(bench.x->input->next);
    assert_first_is(RECEIVE, 0);
    assert_int_equal(bench.given_back, 0); /* the loop never lost it */
    assert_true(receive(1));
    assert_non_null(bench.x->input->next);
    assert_ptr_equal(bench.x->input_last, bench.x->input->next);
    assert_false(receive(10)); /* behind the last, not the first */
    assert_int_equal(bench.x->input_last->end, 11);
    assert_first_is(RECEIVE, 0);
}

/* ── Joining ── */

static void without_a_second_buffer_nothing_is_joined(void **state)
{
    (void)state;
    assert_true(receive(50));
    assert_int_equal(leat__input_join(&bench.c, bench.x), 0);
    assert_first_is(50, 0);
}

static void what_fits_is_joined_in_the_same_buffer(void **state)
{
    (void)state;
    assert_true(receive(RECEIVE));
    assert_true(receive(1000));
    struct buffer *first = bench.x->input;
    first->start = 1000; /* requests before it */
    assert_int_equal(leat__input_join(&bench.c, bench.x), 1);
    assert_ptr_equal(bench.x->input, first);
    assert_ptr_equal(bench.x->input_last, first);
    assert_null(first->next);
    assert_int_equal(first->start, 0);
    assert_first_is(RECEIVE, 1000);
    assert_int_equal(bench.given_back, 1);
    assert_int_equal(bench.c.memory.larges.in_use, 0);
}

static void joined_within_its_receive_a_buffer_stays_with_the_loop(void **state)
{
    (void)state;
    assert_true(receive(RECEIVE));
    bench.x->input->start = 500;
    struct buffer *second = receive_at(7, 500);
    assert_int_equal(leat__input_join(&bench.c, bench.x), 1);
    assert_false(end_of_receive(second));
    assert_int_equal(bench.given_back, 0);
    assert_first_is(RECEIVE, 500);
}

static void what_does_not_fit_is_joined_in_a_large_buffer(void **state)
{
    (void)state;
    assert_true(receive(RECEIVE));
    assert_true(receive(1000));
    bench.x->input->start = 999;
    assert_int_equal(leat__input_join(&bench.c, bench.x), 1);
    assert_int_equal(bench.c.memory.larges.in_use, 1);
    assert_int_equal(bench.c.memory.receive.in_use, 0);
    assert_int_equal(bench.given_back, 2);
    assert_ptr_equal(bench.x->input_last, bench.x->input);
    assert_first_is(RECEIVE + 1, 999);
    assert_false(receive(1000)); /* what follows is copied into the large one */
    assert_first_is(RECEIVE + 1001, 999);
    bench.x->input->start = bench.x->input->end;
    assert_false(leat__input_next(&bench.c, bench.x));
    assert_int_equal(bench.c.memory.larges.in_use, 0);
    assert_int_equal(bench.given_back, 2); /* a large one is none of the loop's */
}

static void a_large_buffer_is_filled_to_the_rim_and_then_it_is_too_big(void **state)
{
    (void)state;
    assert_true(receive(RECEIVE));
    assert_true(receive(RECEIVE));
    assert_int_equal(leat__input_join(&bench.c, bench.x), 1);
    for (int i = 2; i < LARGE / RECEIVE; i++)
        assert_false(receive(RECEIVE)); /* copied: there is room */
    assert_true(receive(RECEIVE));
    assert_int_equal(leat__input_join(&bench.c, bench.x), 1);
    assert_first_is(LARGE, 0);
    struct buffer *rest = bench.x->input->next;
    assert_ptr_equal(bench.x->input_last, rest);
    assert_int_equal(rest->end - rest->start, (LARGE / RECEIVE + 1) * RECEIVE - LARGE);
    assert_octets(rest->data + rest->start, rest->end - rest->start, LARGE);
    assert_int_equal(leat__input_join(&bench.c, bench.x), -E2BIG);
    bench.x->input->start = 10; /* with room again it goes on */
    assert_int_equal(leat__input_join(&bench.c, bench.x), 1);
    assert_first_is(LARGE, 10);
}

static void without_a_large_buffer_joining_fails_and_loses_nothing(void **state)
{
    (void)state;
    assert_true(receive(RECEIVE));
    assert_true(receive(1000));
    leat__buffer_pool_fail_at(&bench.c.memory.larges, 1);
    assert_int_equal(leat__input_join(&bench.c, bench.x), -ENOMEM);
    assert_int_equal(bench.given_back, 0);
    assert_first_is(RECEIVE, 0);
    assert_int_equal(leat__input_join(&bench.c, bench.x), 1);
    assert_first_is(RECEIVE + 1000, 0);
}

/* ── Content ── */

static void content_is_taken_over_the_buffers_ends(void **state)
{
    (void)state;
    static char out[4 * RECEIVE];
    assert_true(receive(RECEIVE));
    assert_true(receive(RECEIVE));
    assert_true(receive(100));
    bench.x->input->start = bench.x->head_end = 40; /* the head */
    struct buffer *first = bench.x->input;
    size_t size;
    assert_ptr_equal(leat__input_peek(bench.x, &size), first->data + 40);
    assert_int_equal(size, RECEIVE - 40);
    assert_int_equal(leat__input_take(&bench.c, bench.x, out, RECEIVE), RECEIVE);
    assert_octets(out, RECEIVE, 40);
    assert_ptr_equal(bench.x->input, first); /* the head lies in it */
    assert_int_equal(bench.given_back, 0);
    assert_int_equal(leat__input_take(&bench.c, bench.x, out, sizeof out), RECEIVE + 60);
    assert_octets(out, RECEIVE + 60, RECEIVE + 40);
    assert_int_equal(bench.given_back, 2);
    assert_null(leat__input_peek(bench.x, &size));
    assert_int_equal(size, 0);
    assert_int_equal(leat__input_take(&bench.c, bench.x, out, 1), 0);
    assert_octets(first->data, 40, 0);
}

static void what_follows_a_taken_content_lies_behind_the_head_again(void **state)
{
    (void)state;
    static char out[RECEIVE];
    assert_true(receive(RECEIVE));
    bench.x->input->start = bench.x->head_end = 40;
    assert_int_equal(leat__input_take(&bench.c, bench.x, out, sizeof out), RECEIVE - 40);
    assert_false(receive(1000)); /* copied: there is room */
    assert_int_equal(bench.x->input->start, 40);
    assert_first_is(1000, RECEIVE);
    assert_octets(bench.x->input->data, 40, 0);
}

static void all_kinds_of_buffers_are_dropped(void **state)
{
    (void)state;
    assert_true(receive(RECEIVE));
    assert_true(receive(RECEIVE));
    assert_int_equal(leat__input_join(&bench.c, bench.x), 1);
    for (int i = 0; i < 4; i++)
        receive(RECEIVE);
    struct buffer *last = receive_at(0, RECEIVE);
    bench.given_back = 0;
    leat__input_drop(&bench.c, bench.x);
    assert_null(bench.x->input);
    assert_null(bench.x->input_last);
    assert_null(bench.c.lent);
    assert_false(end_of_receive(last));
    assert_int_equal(bench.c.memory.larges.in_use, 0);
    assert_int_equal(bench.c.memory.receive.in_use, 0);
}

/* ── Whatever happens, in whatever order, the stream comes out as it went in ── */

static uint32_t random_below(uint32_t n)
{
    static uint64_t seed = 9;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)((seed >> 32) * n >> 32);
}

static void the_stream_comes_out_as_it_went_in(void **state)
{
    (void)state;
    static char out[2 * RECEIVE];
    struct conns *c = &bench.c;
    struct leat_exchange *x = bench.x;
    size_t taken = 0;
    for (int step = 0; step < 20000; step++) {
        if (c->memory.receive.in_use < 5)
            receive(1 + random_below(random_below(4) == 0 ? RECEIVE : 2000));
        if (x->input == NULL)
            continue;
        switch (random_below(4)) {
        case 0:
            leat__input_join(c, x);
            break;
        case 1: { /* a head: parsed in place */
            uint32_t here = x->input->end - x->input->start;
            uint32_t n = random_below(here + 1);
            assert_octets(x->input->data + x->input->start, n, taken);
            x->input->start += n;
            x->head_end = x->input->start;
            taken += n;
            break;
        }
        case 2: {
            size_t n = leat__input_take(c, x, out, random_below(sizeof out));
            assert_octets(out, n, taken);
            taken += n;
            break;
        }
        default: /* the request is over */
            leat__input_next(c, x);
            x->head_end = 0;
            break;
        }
        size_t here = 0;
        for (const struct buffer *b = x->input; b != NULL; b = b->next)
            here += b->end - b->start;
        assert_int_equal(taken + here, received);
        assert_true((x->input == NULL) == (x->input_last == NULL));
        assert_true(x->input_last == NULL || x->input_last->next == NULL);
    }
    assert_true(taken > 1000000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stream, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_buffer_is_kept_as_it_is),
        TEST(what_is_used_up_within_the_receive_stays_with_the_loop),
        TEST(what_is_used_up_later_is_given_back),
        TEST(what_follows_is_copied_behind_while_it_fits),
        TEST(without_a_second_buffer_nothing_is_joined),
        TEST(what_fits_is_joined_in_the_same_buffer),
        TEST(joined_within_its_receive_a_buffer_stays_with_the_loop),
        TEST(what_does_not_fit_is_joined_in_a_large_buffer),
        TEST(a_large_buffer_is_filled_to_the_rim_and_then_it_is_too_big),
        TEST(without_a_large_buffer_joining_fails_and_loses_nothing),
        TEST(content_is_taken_over_the_buffers_ends),
        TEST(what_follows_a_taken_content_lies_behind_the_head_again),
        TEST(all_kinds_of_buffers_are_dropped),
        TEST(the_stream_comes_out_as_it_went_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
