/* test_sending.c: what goes out of a response that is not sent at once: pieces of memory and of files in their order,
 * windows of a large file, a guard that is asked before the end, and fields that replace a response's own lines. */
#define _GNU_SOURCE /* memfd_create */
#include "fixture.h"
#include <sys/mman.h>
#include <unistd.h>

enum { LARGE = 2 * SEND_WINDOW + 12345 };

static struct bench bench;
static int file = -1;
static char *large;
static int released, asked;
static bool still_good;
static unsigned sends;

static int open_it(void **state)
{
    (void)state;
    large = malloc(LARGE);
    assert_non_null(large);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)('a' + (i + i / 251) % 26);
    file = memfd_create("large", MFD_CLOEXEC);
    assert_int_equal(write(file, large, LARGE), LARGE);
    released = asked = 0;
    still_good = true;
    open_stage(&bench);
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    close_bench(&bench);
    close(file);
    free(large);
    return 0;
}

static void release(void *argument)
{
    (void)argument;
    released++;
}

static bool still(void *argument)
{
    (void)argument;
    asked++;
    return still_good;
}

/* Everything that the exchange sends for the response, send after send. Its size; what: the last answer. */
static size_t gather(char *out, size_t room, enum send_next *what)
{
    struct leat_exchange *x = bench.x;
    size_t size = 0;
    sends = 0;
    leat__response_send(x);
    do {
        *what = leat__exchange_to_send(x);
        if (*what != SEND_NOW)
            break;
        sends++;
        for (uint32_t i = 0; i < x->send.part_count; i++) {
            assert_true(size + x->send.parts[i].iov_len <= room);
            memcpy(out + size, x->send.parts[i].iov_base, x->send.parts[i].iov_len);
            size += x->send.parts[i].iov_len;
        }
        if (x->send.file >= 0) {
            assert_true(size + x->send.file_left <= room && x->send.file_left <= SEND_WINDOW);
            ssize_t n = pread(x->send.file, out + size, x->send.file_left, (off_t)x->send.file_offset);
            assert_int_equal(n, x->send.file_left);
            size += x->send.file_left;
        }
        x->output_size = 0;
    } while (x->flags & X_MORE);
    return size;
}

static const char *run(leat_handler *handler, size_t *size, enum send_next *what)
{
    static char out[LARGE + 65536];
    bench_handler = handler;
    begin(&bench, GET("/"));
    assert_int_equal(leat__exchange_route(bench.x), 0);
    leat__exchange_run(bench.x);
    *size = gather(out, sizeof out, what);
    const char *end = memmem(out, *size, "\r\n\r\n", 4);
    assert_non_null(end);
    return end + 4;
}

static const char lines[] = "Content-Type: text/plain\r\nETag: \"1\"\r\n";

static void send_pieces(leat_exchange *x, const char *bytes)
{
    static const struct response_piece pieces[] = {
        {"<one>", 5, 10, 20}, {"<two>", 5, 1000, 1}, {"<three>", 7, 5, 5}};
    leat__response_pieces(x, 206, lines, sizeof lines - 1, pieces, 3, "<end>", 5, file, bytes,
                          release, NULL);
}

static void send_memory_pieces(leat_exchange *x)
{
    send_pieces(x, large);
}

static void send_file_pieces(leat_exchange *x)
{
    send_pieces(x, NULL);
}

static void expect_pieces(leat_handler *handler)
{
    char expected[128];
    enum send_next what;
    size_t size;
    int n = snprintf(expected, sizeof expected, "<one>%.20s<two>%.1s<three>%.5s<end>", large + 10,
                     large + 1000, large + 5);
    const char *content = run(handler, &size, &what);
    assert_int_equal(what, SEND_NOW);
    assert_memory_equal(content, expected, n);
    assert_int_equal(bench.x->response.content_size, n);
    assert_int_equal(released, 0);
    leat__exchange_end(bench.x);
    assert_int_equal(released, 1);
}

static void test_pieces_of_memory_come_in_order(void **state)
{
    (void)state;
    expect_pieces(send_memory_pieces);
}

static void test_pieces_of_a_file_come_in_order(void **state)
{
    (void)state;
    expect_pieces(send_file_pieces);
}

static void send_large(leat_exchange *x)
{
    leat__response_borrow(x, 200, lines, sizeof lines - 1, NULL, file, 0, LARGE, release, NULL);
}

static void send_guarded(leat_exchange *x)
{
    send_large(x);
    leat__response_guard(x, still, NULL);
}

static void test_a_large_file_goes_out_in_windows(void **state)
{
    (void)state;
    enum send_next what;
    size_t size;
    const char *content = run(send_large, &size, &what);
    assert_int_equal(sends, 3);
    assert_memory_equal(content, large, LARGE);
}

static void test_a_guard_is_asked_before_the_last_octets(void **state)
{
    (void)state;
    enum send_next what;
    size_t size;
    const char *content = run(send_guarded, &size, &what);
    assert_int_equal(what, SEND_NOW);
    assert_int_equal(asked, 1);
    assert_memory_equal(content, large, LARGE);
    still_good = false;
    run(send_guarded, &size, &what);
    assert_int_equal(what, SEND_BROKEN);
    assert_true(size < LARGE);
}

static void send_and_replace(leat_exchange *x)
{
    send_memory_pieces(x);
    leat_field_set(x, "etag", "\"2\"");
    leat_field_add(x, "X-More", "1");
}

static void send_not_modified(leat_exchange *x)
{
    leat__response_borrow(x, 304, lines, sizeof lines - 1, large, -1, 0, 0, release, NULL);
}

static void test_fields_replace_the_lines(void **state)
{
    (void)state;
    const char *sent = act(&bench, send_and_replace, GET("/"));
    assert_null(strstr(sent, "\"1\""));
    assert_non_null(strstr(sent, "etag: \"2\"\r\n"));
    assert_non_null(strstr(sent, "Content-Type: text/plain\r\n"));
    assert_non_null(strstr(sent, "X-More: 1\r\n"));
}

static void test_a_304_keeps_its_lines_and_has_no_content(void **state)
{
    (void)state;
    const char *sent = act(&bench, send_not_modified, GET("/"));
    assert_non_null(strstr(sent, "HTTP/1.1 304 Not Modified\r\n"));
    assert_non_null(strstr(sent, "ETag: \"1\"\r\n"));
    assert_null(strstr(sent, "Content-Length"));
    assert_string_equal(strstr(sent, "\r\n\r\n"), "\r\n\r\n");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_it, close_it)
    const struct CMUnitTest tests[] = {
        TEST(test_pieces_of_memory_come_in_order),
        TEST(test_pieces_of_a_file_come_in_order),
        TEST(test_a_large_file_goes_out_in_windows),
        TEST(test_a_guard_is_asked_before_the_last_octets),
        TEST(test_fields_replace_the_lines),
        TEST(test_a_304_keeps_its_lines_and_has_no_content),
    };
    return cmocka_run_group_tests_name("exchange.sending", tests, NULL, NULL);
}
