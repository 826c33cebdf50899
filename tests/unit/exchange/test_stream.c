/* Streams, octet for octet: a handler on its own stack writes, and whatever it writes, in pieces of any size, behind a head
 * and a burst's earlier output of any size, comes out as it should, and nothing is written past the output's end. */
#include "fixture.h"

enum { STRIDE = 65536, STACKS = 4 };

static struct bench b;
static struct {
    struct region region;
    struct stack_pool stacks;
    struct loop loop;
    struct tasks tasks;
    struct timer_wheels wheels;
    unsigned sends; /* that the handler waited for */
} w;

static char table[200000];

static void go(struct task *task)
{
    leat__task_go_on(task);
}

static const struct exchange_carrier carrier = {.go = go};

static int open_tasks(void **state)
{
    (void)state;
    size_t size = leat__stack_pool_footprint(STRIDE, STACKS) + leat__tasks_footprint(STACKS);
    memset(&w, 0, sizeof w);
    for (size_t i = 0; i < sizeof table; i++)
        table[i] = (char)('a' + i * 7 % 26);
    open_stage(&b);
    assert_int_equal(leat__region_create(&w.region, align_up(size, PAGE_SIZE_BYTES), REGION_RESERVE), 0);
    assert_int_equal(leat__stack_pool_init(&w.stacks, &w.region, STRIDE, STACKS), 0);
    void *memory = leat__region_take(&w.region, leat__tasks_footprint(STACKS), CACHE_LINE);
    w.loop = (struct loop){.now_ms = 1000, .due_ms = INT64_MAX, .backend = &leat__loop_sim};
    leat__tasks_open(&w.tasks, memory, &w.wheels, &w.stacks, &w.loop, 0);
    static struct route_depth depths[8];
    b.common.tasks = &w.tasks;
    b.common.carrier = &carrier;
    leat__depths_open(&b.common, depths);
    return 0;
}

static int close_tasks(void **state)
{
    (void)state;
    close_bench(&b);
    leat__tasks_close(&w.tasks);
    assert_int_equal(w.stacks.in_use, 0);
    leat__region_destroy(&w.region);
    return 0;
}

/* What would be sent now, and has been. */
static void send_now(void)
{
    struct leat_exchange *x = b.x;
    assert_int_equal(leat__exchange_to_send(x), SEND_NOW);
    assert_true(x->output_size <= PLAN_OUTPUT);
    for (uint32_t i = 0; i < x->send.part_count; i++) {
        const struct iovec *part = &x->send.parts[i];
        assert_true(b.sent_size + part->iov_len <= BENCH_SENT);
        memcpy(b.sent + b.sent_size, part->iov_base, part->iov_len);
        b.sent_size += part->iov_len;
    }
    b.sent[b.sent_size] = '\0';
    x->output_size = 0;
}

/* The whole way of a request, as a connection does it: everything that comes out. before: octets of the output that a
 * burst has filled already, which are cut off again. */
static const char *stream(leat_handler *handler, const char *request, uint32_t before)
{
    struct leat_exchange *x = b.x;
    bench_handler = handler;
    begin(&b, request);
    b.sent_size = 0;
    memset(x->output, '#', before);
    x->output_size = before;
    w.sends = 0;
    assert_int_equal(leat__exchange_route(x), 0);
    bool ended = leat__exchange_run(x);
    if (!ended)
        leat__exchange_waits(x);
    for (; !ended; ended = leat__exchange_go_on(x)) {
        assert_int_equal(x->way.wants, WANT_SENT);
        send_now();
        w.sends++;
        leat__task_make_ready(x->task, 0);
    }
    leat__response_send(x);
    send_now();
    x->piece_size = x->piece_tail_size = 0;
    for (uint32_t i = 0; i < before; i++)
        assert_int_equal(b.sent[i], '#');
    memmove(b.sent, b.sent + before, b.sent_size - before + 1);
    b.sent_size -= before;
    return b.sent;
}

/* Takes the chunks away; answers the content's size, and where the trailers begin. */
static size_t dechunk(char *at, const char **trailers)
{
    char *to = at, *begin = at, *end;
    for (;;) {
        size_t size = strtoul(at, &end, 16);
        assert_true(end > at);
        assert_memory_equal(end, "\r\n", 2);
        at = end + 2;
        if (size == 0)
            break;
        memmove(to, at, size);
        to += size;
        assert_memory_equal(at + size, "\r\n", 2);
        at += size + 2;
    }
    *trailers = at;
    return (size_t)(to - begin);
}

static void expect_chunks(const char *sent, size_t size, const char *expected_trailers)
{
    const char *trailers;
    char *content = (char *)(uintptr_t)content_of(sent);
    assert_int_equal(count_line(sent, "Transfer-Encoding: chunked"), 1);
    assert_int_equal(count_field(sent, "Content-Length"), 0);
    assert_int_equal(dechunk(content, &trailers), size);
    assert_memory_equal(content, table, size);
    assert_string_equal(trailers, expected_trailers);
    assert_int_equal(b.x->flags & (X_BROKEN | X_CLOSE), 0);
}

static size_t piece, total, field;

/* Content in pieces of a size, behind a field of a size. */
static void write_pieces(leat_exchange *x)
{
    if (field > 0) {
        char *value = leat_alloc(x, field + 1);
        memset(value, 'v', field);
        value[field] = '\0';
        assert_int_equal(leat_field_set(x, "X-Long", value), 0);
    }
    assert_int_equal(leat_begin(x, 200, "text/plain"), 0);
    for (size_t at = 0; at < total; at += piece)
        assert_int_equal(leat_write(x, table + at, piece < total - at ? piece : total - at), 0);
}

static void test_pieces_of_any_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 7, 100, 4000, 4095, 4096, 4097, 5000, 12000, 12288, 70000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (total = 0; total < 150000; total = total * 2 + 1) {
            piece = sizes[i];
            field = 0;
            expect_chunks(stream(write_pieces, GET("/"), 0), total, "\r\n");
        }
}

/* The head ends at each of the last octets that the output has, or is sent on its own. */
static void test_heads_of_any_size(void **state)
{
    (void)state;
    unsigned waited = 0;
    static const size_t totals[] = {0, 1, 4096, 4097, 20000};
    for (field = PLAN_OUTPUT - 400; field < PLAN_OUTPUT + 50; field++)
        for (size_t i = 0; i < COUNT_OF(totals); i++) {
            total = piece = totals[i];
            piece = piece > 0 ? piece : 1;
            expect_chunks(stream(write_pieces, GET("/"), 0), total, "\r\n");
            waited += total == 0 && w.sends > 0;
        }
    assert_true(waited > 50 && waited < 400); /* both kinds were seen */
}

static void test_behind_what_a_burst_has_left(void **state)
{
    (void)state;
    static const size_t totals[] = {0, 1, 700, 4096, 4097, 20000};
    field = 0;
    for (uint32_t before = PLAN_OUTPUT - OUTPUT_RESERVE - 10;
         before <= PLAN_OUTPUT - OUTPUT_RESERVE; before++)
        for (field = 0; field < 1200; field += 11)
            for (size_t i = 0; i < COUNT_OF(totals); i++) {
                total = totals[i];
                piece = 3000;
                expect_chunks(stream(write_pieces, GET("/"), before), total, "\r\n");
            }
}

/* ── The kinds of streams ── */

static void test_a_stream_to_http_1_0(void **state)
{
    (void)state;
    piece = 3000;
    total = 20000;
    field = 0;
    const char *sent = stream(write_pieces, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 0);
    assert_int_equal(count_field(sent, "Transfer-Encoding") + count_field(sent, "Content-Length"), 0);
    assert_int_equal(count_line(sent, "Connection: close"), 1);
    assert_int_equal(b.sent_size - (size_t)(content_of(sent) - sent), total);
    assert_memory_equal(content_of(sent), table, total);
    assert_true(b.x->flags & X_CLOSE);
    assert_false(b.x->flags & X_BROKEN);
}

static void test_the_head_alone(void **state)
{
    (void)state;
    piece = 3000;
    total = 50000;
    field = 0;
    const char *sent = stream(write_pieces, HEAD("/"), 0);
    assert_int_equal(count_line(sent, "Transfer-Encoding: chunked"), 1);
    assert_string_equal(content_of(sent), "");
    assert_int_equal(b.x->flags & (X_BROKEN | X_CLOSE), 0);
}

static size_t announced;

static void write_sized(leat_exchange *x)
{
    assert_int_equal(leat_begin_sized(x, 200, "text/plain", announced), 0);
    for (size_t at = 0; at < total; at += piece) {
        size_t n = piece < total - at ? piece : total - at;
        int result = leat_write(x, table + at, n);
        assert_int_equal(result, at + n <= announced ? 0 : -EMSGSIZE);
        if (result < 0) {
            assert_int_equal(leat_write(x, "x", 1), -EMSGSIZE); /* it is remembered */
            return;
        }
    }
}

static void test_a_size_that_was_announced(void **state)
{
    (void)state;
    static const struct {
        size_t announced, total, sent;
        bool broken;
    } cases[] = {{0, 0, 0, false},    {20000, 20000, 20000, false}, {20000, 19999, 19999, true},
                 {20000, 0, 0, true}, {20000, 21000, 18000, true},  {0, 5, 0, true}};
    piece = 3000;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        announced = cases[i].announced;
        total = cases[i].total;
        const char *sent = stream(write_sized, GET("/"), 0);
        char line[64];
        snprintf(line, sizeof line, "Content-Length: %zu", announced);
        assert_int_equal(count_line(sent, line), 1);
        assert_int_equal(b.sent_size - (size_t)(content_of(sent) - sent), cases[i].sent);
        assert_int_equal((b.x->flags & X_BROKEN) != 0, cases[i].broken);
    }
}

static void begin_twice(leat_exchange *x)
{
    assert_int_equal(leat_write(x, "x", 1), -EPERM);
    assert_int_equal(leat_flush(x), -EPERM);
    assert_int_equal(leat_begin(x, 200, "not a\nmedia type"), -ENOMEM);
}

static void begin_well(leat_exchange *x)
{
    assert_int_equal(leat_begin(x, 201, NULL), 0);
    assert_int_equal(leat_begin(x, 200, NULL), -EALREADY);
    assert_int_equal(leat_field_set(x, "X-Late", "1"), -EALREADY);
    leat_text(x, 500, "too late");
    assert_int_equal(leat_writef(x, "%s", "abc"), 0);
    assert_int_equal(leat_flush(x), 0);
    assert_int_equal(leat_flush(x), 0); /* there is nothing */
    assert_int_equal(leat_write(x, "", 0), 0);
}

static void test_what_is_not_in_order(void **state)
{
    (void)state;
    assert_int_equal(status_of(stream(begin_twice, GET("/"), 0)), 500);
    const char *sent = stream(begin_well, GET("/"), 0);
    assert_int_equal(status_of(sent), 201);
    assert_string_equal(content_of(sent), "0003\r\nabc\r\n0\r\n\r\n");
    assert_int_equal(w.sends, 1);
}

/* ── Filters ── */

static char kept[30000];
static size_t kept_size;
static int filter_error;

static int begin_filter(leat_exchange *x, void *state)
{
    (void)x, (void)state;
    kept_size = 0;
    return filter_error;
}

static int keep(leat_exchange *x, void *state, const void *bytes, size_t size)
{
    (void)x, (void)state;
    memcpy(kept + kept_size, bytes, size);
    kept_size += size;
    return 0;
}

static int let_all_go(leat_exchange *x, void *state)
{
    (void)state;
    for (size_t at = 0; at < kept_size; at += 2500) { /* more than the output holds: it waits for the client */
        int error = leat_filter_put(x, kept + at, kept_size - at < 2500 ? kept_size - at : 2500);
        if (error < 0)
            return error;
    }
    return 0;
}

static const leat_filter filter = {.begin = begin_filter, .write = keep, .end = let_all_go};

static void write_filtered(leat_exchange *x)
{
    assert_int_equal(leat_filter_set(x, &filter, NULL), 0);
    assert_int_equal(leat_begin_sized(x, 200, "text/plain", total), filter_error);
    for (size_t at = 0; at < total && filter_error == 0; at += piece)
        assert_int_equal(leat_write(x, table + at, piece < total - at ? piece : total - at), 0);
}

static void test_what_a_filter_keeps_to_the_end(void **state)
{
    (void)state;
    piece = 1000;
    filter_error = 0;
    for (total = 1; total < sizeof kept; total = total * 3) {
        expect_chunks(stream(write_filtered, GET("/"), 0), total, "\r\n");
        assert_int_equal(b.x->response.content_size, total); /* for the record */
    }
    filter_error = -EINVAL; /* then there is no stream */
    assert_int_equal(status_of(stream(write_filtered, GET("/"), 0)), 500);
}

/* ── What is read ── */

static void read_whole(leat_exchange *x)
{
    char out[8];
    assert_int_equal(leat_content(x).size, 10);
    assert_int_equal(leat_read(x, out, 4), 4);
    assert_memory_equal(out, "0123", 4);
    assert_int_equal(leat_read(x, out, sizeof out), 6);
    assert_memory_equal(out, "456789", 6);
    assert_int_equal(leat_read(x, out, sizeof out), 0);
    assert_int_equal(leat_content(x).size, 10);
    leat_text(x, 200, "read");
}

static void test_a_content_in_memory_can_be_read_too(void **state)
{
    (void)state;
    const char *sent = stream(
        read_whole, "POST / HTTP/1.1\r\nHost: leat\r\nContent-Length: 10\r\n\r\n0123456789", 0);
    assert_int_equal(status_of(sent), 200);
}

static void write_to_nobody(leat_exchange *x)
{
    char *value = leat_alloc(x, PLAN_OUTPUT + 200);
    memset(value, 'v', PLAN_OUTPUT + 199);
    value[PLAN_OUTPUT + 199] = '\0';
    leat_field_set(x, "X-Long", value);
    x->way.write_error = -ECONNRESET; /* as the connection's end says it */
    assert_int_equal(leat_begin(x, 200, NULL), -ECONNRESET);
    assert_int_equal(leat_write(x, table, sizeof table), -ECONNRESET);
}

/* The connection closed while its handler waited for something else: nothing of its response waits any more. */
static void test_nobody_waits_for_a_closed_connection(void **state)
{
    (void)state;
    stream(write_to_nobody, GET("/"), 0);
    assert_int_equal(w.sends, 0);
}

int main(void)
{
#define WITH_TASKS(test) cmocka_unit_test_setup_teardown(test, open_tasks, close_tasks)
    const struct CMUnitTest tests[] = {
        WITH_TASKS(test_pieces_of_any_size),
        WITH_TASKS(test_heads_of_any_size),
        WITH_TASKS(test_behind_what_a_burst_has_left),
        WITH_TASKS(test_a_stream_to_http_1_0),
        WITH_TASKS(test_the_head_alone),
        WITH_TASKS(test_a_size_that_was_announced),
        WITH_TASKS(test_what_is_not_in_order),
        WITH_TASKS(test_what_a_filter_keeps_to_the_end),
        WITH_TASKS(test_a_content_in_memory_can_be_read_too),
        WITH_TASKS(test_nobody_waits_for_a_closed_connection),
    };
    return cmocka_run_group_tests_name("exchange.stream", tests, NULL, NULL);
}
