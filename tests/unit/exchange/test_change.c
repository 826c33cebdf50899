/* test_change.c: whole responses that middleware changes, and contents that pass a source before they are read. */
#include "fixture.h"

static struct bench bench;
static char large[200000];
static int64_t limit_of_make;
static int made;

static int64_t upper(void *argument, leat_slice content, char *bytes, size_t size)
{
    (void)argument;
    made++;
    if (limit_of_make < 0)
        return limit_of_make;
    assert_true(content.size <= size);
    for (size_t i = 0; i < content.size; i++)
        bytes[i] = (char)(content.data[i] >= 'a' && content.data[i] <= 'z' ? content.data[i] - 32
                                                                           : content.data[i]);
    return (int64_t)content.size;
}

static void small_response(leat_exchange *x)
{
    leat_text(x, 200, "small");
    assert_int_equal(leat_response_rewrite(x, 100, upper, NULL), (int)limit_of_make);
}

static void large_response(leat_exchange *x)
{
    leat_bytes(x, 201, "text/plain", large, sizeof large / 2);
    assert_int_equal(leat_response_rewrite(x, sizeof large / 2, upper, NULL), (int)limit_of_make);
}

static void too_large_response(leat_exchange *x)
{
    leat_text(x, 200, "as it was");
    made = 0;
    assert_int_equal(leat_response_rewrite(x, 2 * (size_t)BENCH_CONTENT, upper, NULL), -ENOMEM);
    assert_int_equal(made, 0);
}

static void no_response(leat_exchange *x)
{
    assert_int_equal(leat_response_rewrite(x, 100, upper, NULL), -EPERM);
    leat_status(x, 204);
}

static void open_it(void)
{
    limit_of_make = 0;
    memset(large, 'b', sizeof large);
    open_stage(&bench);
}

static void test_a_content_is_made_anew(void **state)
{
    (void)state;
    open_it();
    const char *sent = act(&bench, small_response, GET("/"));
    assert_string_equal(content_of(sent), "SMALL");
    assert_int_equal(count_line(sent, "Content-Length: 5"), 1);
    sent = act(&bench, large_response, GET("/"));
    assert_int_equal(status_of(sent), 201);
    assert_int_equal(strspn(content_of(sent), "B"), sizeof large / 2);
    close_bench(&bench);
}

static void test_a_content_that_is_not_made_stays(void **state)
{
    (void)state;
    open_it();
    limit_of_make = -ENOSPC;
    assert_string_equal(content_of(act(&bench, small_response, GET("/"))), "small");
    const char *sent = act(&bench, large_response, GET("/"));
    assert_int_equal(strspn(content_of(sent), "b"), sizeof large / 2);
    assert_string_equal(content_of(act(&bench, too_large_response, GET("/"))), "as it was");
    assert_int_equal(status_of(act(&bench, no_response, GET("/"))), 204);
    close_bench(&bench);
}

/* ── Sources ── */

static int closed;

/* Each octet twice; '!' is malformed. */
static int64_t double_read(leat_exchange *x, void *state, void *bytes, size_t size)
{
    char *out = bytes;
    int *pending = state;
    if (*pending >= 0) {
        out[0] = (char)*pending;
        *pending = -1;
        return 1;
    }
    int64_t n = leat_source_take(x, out, 1);
    if (n <= 0)
        return n;
    if (out[0] == '!')
        return -EBADMSG;
    *pending = (unsigned char)out[0];
    (void)size;
    return 1;
}

static void note_close(leat_exchange *x, void *state)
{
    (void)x;
    (void)state;
    closed++;
}

static const leat_source doubling = {double_read, note_close};
static int pending;

static void double_it(leat_exchange *x)
{
    pending = -1;
    closed = 0;
    assert_int_equal(leat_source_set(x, &doubling, &pending), 0);
    assert_int_equal(leat_source_set(x, &doubling, &pending), -EBUSY);
    assert_int_equal(leat_content_length(x), -1);
    leat_next(x);
}

static void echo(leat_exchange *x)
{
    leat_slice content = leat_content(x);
    leat_text(x, 200, "%.*s", (int)content.size, content.data);
}

static void read_it(leat_exchange *x)
{
    char bytes[100];
    int64_t n, total = 0;
    while ((n = leat_read(x, bytes + total, sizeof bytes - (size_t)total)) > 0)
        total += n;
    leat_text(x, 200, "%.*s %d", (int)total, bytes, (int)n);
}

static void open_doubling(void)
{
    leat_app *app = leat_app_create();
    leat_use(app, double_it);
    leat_post(app, "/whole", echo);
    leat_post_stream(app, "/stream", read_it);
    open_bench(&bench, app);
}

static const char *post(const char *request, uint64_t max)
{
    begin(&bench, request);
    bench.x->way.content = CONTENT_WHOLE;
    bench.x->content_read = 0;
    bench.x->chunked.total_max = max;
    assert_int_equal(leat__exchange_route(bench.x), 0);
    leat__exchange_run(bench.x);
    return send_out(&bench);
}

#define POST(target, content)                                                                      \
    "POST " target " HTTP/1.1\r\nHost: leat\r\nContent-Length: 3\r\n\r\n" content

static void test_a_source_makes_what_is_read(void **state)
{
    (void)state;
    open_doubling();
    assert_string_equal(content_of(post(POST("/stream", "abc"), 6)), "aabbcc 0");
    assert_int_equal(closed, 0);
    assert_string_equal(content_of(post(POST("/whole", "abc"), 6)), "aabbcc");
    assert_int_equal(closed, 1);
    close_bench(&bench);
    assert_int_equal(closed, 1);
}

static void test_what_a_source_makes_is_bounded(void **state)
{
    (void)state;
    open_doubling();
    assert_int_equal(status_of(post(POST("/stream", "abc"), 5)), 413);
    assert_int_equal(status_of(post(POST("/whole", "abc"), 5)), 413);
    assert_int_equal(status_of(post(POST("/stream", "ab!"), 50)), 400);
    assert_int_equal(status_of(post(POST("/whole", "ab!"), 50)), 400);
    assert_int_equal(status_of(post(POST("/whole", "abc"), 4 * (uint64_t)BENCH_CONTENT)), 503);
    close_bench(&bench);
}

static void refuse_source(leat_exchange *x)
{
    assert_int_equal(leat_source_set(x, &doubling, &pending), -ENODATA);
    leat_status(x, 204);
}

static void test_no_content_needs_no_source(void **state)
{
    (void)state;
    open_it();
    assert_int_equal(status_of(act(&bench, refuse_source, GET("/"))), 204);
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_content_is_made_anew),
        cmocka_unit_test(test_a_content_that_is_not_made_stays),
        cmocka_unit_test(test_a_source_makes_what_is_read),
        cmocka_unit_test(test_what_a_source_makes_is_bounded),
        cmocka_unit_test(test_no_content_needs_no_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
