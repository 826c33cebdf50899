/* test_need.c: what the client gets when memory runs out on the way: a short error of the right kind, always; and what
 * was borrowed is back all the same. */
#include "fixture.h"

static struct bench bench;

static int open_it(void **state)
{
    (void)state;
    open_stage(&bench);
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    close_bench(&bench);
    return 0;
}

static void assert_failed(const char *sent)
{
    assert_string_equal(sent, "HTTP/1.1 500 Internal Server Error\r\n"
                              "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                              "Content-Length: 47\r\n"
                              "Content-Type: application/problem+json\r\n"
                              "Vary: Accept\r\n\r\n"
                              "{\"title\":\"Internal Server Error\",\"status\":500}\n");
}

static void assert_busy(const char *sent)
{
    assert_string_equal(sent, "HTTP/1.1 503 Service Unavailable\r\n"
                              "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                              "Content-Length: 45\r\n"
                              "Content-Type: application/problem+json\r\n"
                              "Vary: Accept\r\n"
                              "Retry-After: 1\r\n\r\n"
                              "{\"title\":\"Service Unavailable\",\"status\":503}\n");
}

static void answer_nothing(leat_exchange *x)
{
    leat_field_set(x, "X-A", "1");
}

static void no_answer_is_500(void **state)
{
    (void)state;
    const char *sent = act(&bench, answer_nothing, GET("/"));
    assert_int_equal(status_of(sent), 500);
    assert_null(strstr(sent, "X-A"));
    assert_string_equal(content_of(sent), "{\"title\":\"Internal Server Error\",\"status\":500,"
                                          "\"detail\":\"The handler has not answered\"}\n");
}

/* ── Over the bound: the handler's fault ── */

static void ask_too_much(leat_exchange *x)
{
    leat_field_set(x, "Content-Type", "text/x");
    assert_null(leat_alloc(x, PLAN_LARGE + 1));
    assert_null(leat_alloc(x, 1)); /* for good */
    assert_int_equal(leat_field_set(x, "X-A", "1"), -ENOMEM);
    leat_text(x, 200, "as if nothing had been");
}

static void ask_for_everything(leat_exchange *x)
{
    assert_null(leat_alloc(x, SIZE_MAX));
    leat_status(x, 204);
}

static void ask_again_and_again(leat_exchange *x)
{
    unsigned pieces = 0;
    while (leat_alloc(x, PLAN_CHUNK / 2) != NULL)
        pieces++;
    assert_true(pieces >= 16);
    leat_status(x, 200);
}

static void a_piece_over_the_bound_is_500(void **state)
{
    (void)state;
    assert_failed(act(&bench, ask_too_much, GET("/")));
    assert_failed(act(&bench, ask_for_everything, GET("/")));
    assert_int_equal(bench.counters.refused_arena, 0);
}

static void eating_the_whole_pool_is_503(void **state)
{
    (void)state;
    assert_busy(act(&bench, ask_again_and_again, GET("/")));
    assert_int_equal(bench.counters.refused_arena, 1);
}

static void ask_too_much_and_say_so(leat_exchange *x)
{
    assert_null(leat_alloc(x, PLAN_LARGE + 1));
    leat_status(x, 413);
}

static void ask_too_much_and_tell_a_problem(leat_exchange *x)
{
    assert_null(leat_alloc(x, PLAN_LARGE + 1));
    leat_problem(x, 413, "That is too much");
}

static void the_handlers_own_error_counts(void **state)
{
    (void)state;
    assert_int_equal(status_of(act(&bench, ask_too_much_and_say_so, GET("/"))), 413);
    assert_int_equal(status_of(act(&bench, ask_too_much_and_tell_a_problem, GET("/"))), 413);
}

static char much[BENCH_CONTENT * 2];

static void say_more_than_there_is(leat_exchange *x)
{
    leat_bytes(x, 200, "text/plain", much, sizeof much);
}

static void a_response_larger_than_the_content_store_is_500(void **state)
{
    (void)state;
    assert_failed(act(&bench, say_more_than_there_is, GET("/")));
}

/* ── A pool is empty: the machine's ── */

static size_t size_now;

static void allocate(leat_exchange *x)
{
    char *piece = leat_alloc(x, size_now);
    if (piece != NULL)
        memset(piece, 'x', size_now);
    leat_text(x, 200, "ok");
}

static void an_empty_pool_is_503_and_counted(void **state)
{
    (void)state;
    size_now = PLAN_CHUNK - BUFFER_SLACK;
    leat__buffer_pool_fail_at(&bench.memory.chunks, 1);
    assert_busy(act(&bench, allocate, GET("/")));
    assert_int_equal(bench.counters.refused_arena, 1);
    size_now = PLAN_CHUNK;
    leat__buffer_pool_fail_at(&bench.memory.larges, 1);
    assert_busy(act(&bench, allocate, GET("/")));
    assert_int_equal(bench.counters.refused_arena, 2);
    assert_int_equal(status_of(act(&bench, allocate, GET("/"))), 200);
    assert_int_equal(bench.counters.refused_arena, 2);
    assert_int_equal(bench.counters.requests, 3);
}

static void say_large(leat_exchange *x)
{
    leat_bytes(x, 200, "text/plain", much, BENCH_CONTENT / 2);
}

static void a_full_content_store_is_503(void **state)
{
    (void)state;
    void *all = leat__content_acquire(&bench.memory.content, BENCH_CONTENT);
    assert_non_null(all);
    assert_busy(act(&bench, say_large, GET("/")));
    leat__content_release(&bench.memory.content, all);
    assert_int_equal(status_of(act(&bench, say_large, GET("/"))), 200);
}

static void allocate_and_tell_a_problem(leat_exchange *x)
{
    assert_null(leat_alloc(x, PLAN_CHUNK / 2 + PLAN_CHUNK / 4));
    leat_problem(x, 503, "Not now");
}

static void the_handlers_own_503_says_when_too(void **state)
{
    (void)state;
    leat__buffer_pool_fail_at(&bench.memory.chunks, 1);
    assert_busy(act(&bench, allocate_and_tell_a_problem, GET("/")));
}

/* Takes from every pool, in several steps, and fails no assertion whatever is missing. */
static void take_of_all(leat_exchange *x)
{
    static char value[3000];
    memset(value, 'v', sizeof value - 1);
    for (int i = 0; i < 4; i++)
        leat_field_add(x, "X-V", value);
    leat_alloc(x, PLAN_CHUNK);
    leat_query(x, "a");
    leat_printf(x, "%s%s", value, value);
    leat_bytes(x, 200, "text/plain", much, PLAN_CHUNK * 2);
    leat_bytes(x, 200, "text/plain", much, BENCH_CONTENT / 4);
}

/* counter: the one that names the pool, and the only one that may move. */
static unsigned fail_at_every_step(void (*fail_at)(uint32_t n), const uint64_t *counter)
{
    for (uint32_t n = 1;; n++) {
        const struct counters *c = &bench.counters;
        uint64_t before = *counter, all_before = c->refused_arena + c->refused_content;
        fail_at(n);
        const char *sent = act(&bench, take_of_all, GET("/?a=1"));
        fail_at(0);
        uint64_t counted = *counter - before;
        assert_int_equal(c->refused_arena + c->refused_content - all_before, counted);
        if (status_of(sent) == 200) {
            assert_int_equal(counted, 0);
            return n - 1;
        }
        assert_busy(sent);
        assert_int_equal(counted, 1);
        leat__exchange_end(bench.x);
        leat__shard_memory_check(&bench.memory);
        assert_int_equal(bench.memory.chunks.in_use + bench.memory.larges.in_use, 0);
        assert_int_equal(bench.memory.content.in_use, 0);
    }
}

static void fail_chunks(uint32_t n)
{
    leat__buffer_pool_fail_at(&bench.memory.chunks, n);
}

static void fail_larges(uint32_t n)
{
    leat__buffer_pool_fail_at(&bench.memory.larges, n);
}

static void fail_content(uint32_t n)
{
    leat__content_fail_at(&bench.memory.content, n);
}

static void whichever_acquisition_fails_the_answer_is_503(void **state)
{
    (void)state;
    assert_true(fail_at_every_step(fail_chunks, &bench.counters.refused_arena) >= 3);
    assert_true(fail_at_every_step(fail_larges, &bench.counters.refused_arena) >= 1);
    assert_int_equal(fail_at_every_step(fail_content, &bench.counters.refused_content), 1);
}

/* ── The fields of a head, the last thing that needs memory ── */

static void use_up_and_set_fields(leat_exchange *x)
{
    leat_field_set(x, "X-A", "1");
    leat_field_set(x, "Content-Type", "text/x");
    leat_text(x, 200, "ok");
    arena_alloc(&x->arena, (size_t)(x->arena.end - x->arena.at));
}

static void a_head_that_finds_no_memory_is_503(void **state)
{
    (void)state;
    leat__buffer_pool_fail_at(&bench.memory.chunks, 1);
    assert_busy(act(&bench, use_up_and_set_fields, GET("/")));
    assert_int_equal(bench.counters.refused_arena, 1);
    const char *sent = act(&bench, use_up_and_set_fields, GET("/"));
    assert_int_equal(count_line(sent, "X-A: 1"), 1);
}

static void set_a_field_and_find_nothing_left(leat_exchange *x)
{
    leat_field_set(x, "X-A", "1");
    assert_null(leat_alloc(x, PLAN_CHUNK - BUFFER_SLACK));
    leat_status(x, 507);
}

static void what_runs_out_is_counted_once_per_request(void **state)
{
    (void)state;
    leat__buffer_pool_fail_at(&bench.memory.chunks, 1);
    assert_busy(act(&bench, set_a_field_and_find_nothing_left, GET("/")));
    assert_int_equal(bench.counters.refused_arena, 1);
}

static void a_path_that_finds_no_memory_is_503(void **state)
{
    (void)state;
    static char request[6000];
    snprintf(request, sizeof request, "GET /%05000d%%20 HTTP/1.1\r\nHost: a\r\n\r\n", 1);
    leat__buffer_pool_fail_at(&bench.memory.larges, 1);
    begin(&bench, request);
    assert_int_equal(leat__exchange_route(bench.x), 503);
    leat_problem(bench.x, 503, NULL);
    assert_busy(send_out(&bench));
}

/* ── An answer that could not be replaced ── */

static unsigned releases;

static void count_release(void *argument)
{
    assert_ptr_equal(argument, much);
    releases++;
    memset(much, '!', sizeof much);
}

static void lend_an_error_and_fail_to_replace_it(leat_exchange *x)
{
    memset(much, 'x', sizeof much);
    leat_bytes_borrow(x, 404, "text/plain", much, 20000, count_release, much);
    leat_bytes(x, 200, "text/plain", much, sizeof much); /* more than there is */
}

static void what_was_released_is_not_sent(void **state)
{
    (void)state;
    releases = 0;
    assert_failed(act(&bench, lend_an_error_and_fail_to_replace_it, GET("/")));
    assert_int_equal(releases, 1);
}

/* ── leat_reserve, leat_printf ── */

static void reserve_and_take(leat_exchange *x)
{
    assert_int_equal(leat_reserve(x, size_now), 0);
    leat__buffer_pool_fail_at(&bench.memory.chunks, 1);
    leat__buffer_pool_fail_at(&bench.memory.larges, 1);
    char *piece = leat_alloc(x, size_now);
    assert_non_null(piece);
    memset(piece, 'x', size_now);
    leat__buffer_pool_fail_at(&bench.memory.chunks, 0);
    leat__buffer_pool_fail_at(&bench.memory.larges, 0);
    leat_status(x, 200);
}

static void what_is_reserved_is_certain(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        0, 1, 1000, PLAN_CHUNK - BUFFER_SLACK, PLAN_CHUNK, PLAN_LARGE - BUFFER_SLACK};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        size_now = sizes[i];
        assert_int_equal(status_of(act(&bench, reserve_and_take, GET("/"))), 200);
    }
}

static int reserved;

static void reserve(leat_exchange *x)
{
    reserved = leat_reserve(x, size_now);
    if (reserved < 0)
        return;
    leat_status(x, 200);
}

static void what_cannot_be_reserved_is_answered(void **state)
{
    (void)state;
    size_now = PLAN_CHUNK - BUFFER_SLACK;
    leat__buffer_pool_fail_at(&bench.memory.chunks, 1);
    const char *sent = act(&bench, reserve, GET("/"));
    assert_int_equal(reserved, -ENOMEM);
    assert_int_equal(status_of(sent), 503);
    assert_int_equal(count_line(sent, "Retry-After: 1"), 1);
    assert_int_equal(bench.counters.refused_arena, 1);
    size_now = PLAN_LARGE;
    sent = act(&bench, reserve, GET("/"));
    assert_int_equal(reserved, -E2BIG);
    assert_int_equal(status_of(sent), 500);
}

static void print_all_sizes(leat_exchange *x)
{
    static const size_t sizes[] = {0,    1,          15,    16,
                                   1000, PLAN_CHUNK, 20000, PLAN_LARGE - BUFFER_SLACK - 1};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char *text = leat_printf(x, "%0*d", (int)sizes[i], 0);
        assert_non_null(text);
        size_t size = sizes[i] > 0 ? sizes[i] : 1;
        assert_int_equal(strlen(text), size);
        assert_int_equal(strspn(text, "0"), size);
    }
    assert_null(leat_printf(x, "%0*d", PLAN_LARGE, 0));
    leat_status(x, 200);
}

static void texts_are_printed_into_the_arena(void **state)
{
    (void)state;
    assert_failed(act(&bench, print_all_sizes, GET("/")));
}

static void print_to_the_rim(leat_exchange *x)
{
    size_t room = (size_t)(x->arena.end - x->arena.at);
    char *text = leat_printf(x, "%0*d", (int)room - 1, 0); /* with its NUL it just fits */
    assert_ptr_equal(text + room, x->arena.end);
    assert_int_equal(strlen(text), room - 1);
    leat_status(x, 200);
}

static void print_over_the_rim(leat_exchange *x)
{
    size_t room = (size_t)(x->arena.end - x->arena.at);
    memset(x->arena.at, '#', room);
    char *text = leat_printf(x, "%0*d", (int)room, 0); /* its NUL is one octet too many */
    assert_int_equal(strlen(text), room);
    assert_int_equal(strspn(text, "0"), room);
    leat_status(x, 200);
}

static void a_text_may_end_with_its_chunk(void **state)
{
    (void)state;
    assert_int_equal(status_of(act(&bench, print_to_the_rim, GET("/"))), 200);
    assert_int_equal(bench.memory.chunks.in_use, 0);
    assert_int_equal(status_of(act(&bench, print_over_the_rim, GET("/"))), 200);
    assert_int_equal(bench.memory.chunks.in_use, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_answer_is_500),
        TEST(a_piece_over_the_bound_is_500),
        TEST(eating_the_whole_pool_is_503),
        TEST(the_handlers_own_error_counts),
        TEST(a_response_larger_than_the_content_store_is_500),
        TEST(an_empty_pool_is_503_and_counted),
        TEST(a_full_content_store_is_503),
        TEST(the_handlers_own_503_says_when_too),
        TEST(whichever_acquisition_fails_the_answer_is_503),
        TEST(a_head_that_finds_no_memory_is_503),
        TEST(what_runs_out_is_counted_once_per_request),
        TEST(a_path_that_finds_no_memory_is_503),
        TEST(what_was_released_is_not_sent),
        TEST(what_is_reserved_is_certain),
        TEST(what_cannot_be_reserved_is_answered),
        TEST(texts_are_printed_into_the_arena),
        TEST(a_text_may_end_with_its_chunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
