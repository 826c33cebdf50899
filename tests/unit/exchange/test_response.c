/* test_response.c: what each answering function makes the client see, to the octet, and who owns what was answered with. */
#define _GNU_SOURCE /* memfd_create */
#include "fixture.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* A pattern that says where it was cut or doubled. */
static char pattern_at(size_t i)
{
    return (char)('a' + (i + i / 251) % 26);
}

static char source[PLAN_LARGE * 2];

static void fill_source(void)
{
    for (size_t i = 0; i < sizeof source; i++)
        source[i] = pattern_at(i);
}

static void assert_content_is_pattern(const char *sent, size_t size)
{
    const char *content = content_of(sent);
    assert_int_equal(bench.sent_size - (size_t)(content - sent), size);
    for (size_t i = 0; i < size; i++)
        if (content[i] != pattern_at(i))
            fail_msg("octet %zu of %zu differs", i, size);
}

static void say_plain(leat_exchange *x)
{
    leat_text(x, 200, "water\n");
}

static void say_formatted(leat_exchange *x)
{
    leat_text(x, 201, "%s %d%%", "level", 40);
}

static void say_nothing(leat_exchange *x)
{
    leat_text(x, 200, "%s", "");
}

static void a_text_is_answered_to_the_octet(void **state)
{
    (void)state;
    assert_string_equal(act(&bench, say_plain, GET("/")),
                        "HTTP/1.1 200 OK\r\n"
                        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                        "Content-Length: 6\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\n\r\n"
                        "water\n");
    assert_string_equal(content_of(act(&bench, say_formatted, GET("/"))), "level 40%");
    assert_int_equal(status_of(bench.sent), 201);
    const char *sent = act(&bench, say_nothing, GET("/"));
    assert_int_equal(count_line(sent, "Content-Length: 0"), 1);
    assert_string_equal(content_of(sent), "");
    assert_int_equal(bench.counters.requests, 3);
}

static void the_date_is_of_the_turns_second(void **state)
{
    (void)state;
    act(&bench, say_plain, GET("/"));
    bench.now_s++;
    const char *sent = act(&bench, say_plain, GET("/"));
    assert_int_equal(count_line(sent, "Date: Sun, 06 Nov 1994 08:49:38 GMT"), 1);
}

/* Texts of every size class: in the exchange's first chunk, in a further one, in a large buffer, in a content's block;
 * in the output, or beside it. */
static const size_t sizes[] = {1,
                               500,
                               PLAN_CHUNK - BUFFER_SLACK - 1,
                               PLAN_CHUNK - BUFFER_SLACK,
                               PLAN_CHUNK,
                               PLAN_OUTPUT - 200,
                               PLAN_OUTPUT,
                               20000,
                               PLAN_LARGE - BUFFER_SLACK - 1,
                               PLAN_LARGE - BUFFER_SLACK,
                               PLAN_LARGE - BUFFER_SLACK + 1,
                               PLAN_LARGE,
                               100000};
static size_t size_now;

static void say_much(leat_exchange *x)
{
    leat_text(x, 200, "%.*s", (int)size_now, source);
}

static void say_much_unformatted(leat_exchange *x)
{
    static char text[sizeof source + 1];
    memcpy(text, source, size_now);
    text[size_now] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    leat_text(x, 200, text);
#pragma GCC diagnostic pop
    memset(text, '!', size_now); /* it was copied */
}

static void texts_of_all_sizes_arrive_whole(void **state)
{
    (void)state;
    fill_source();
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        size_now = sizes[i];
        const char *sent = act(&bench, say_much, GET("/"));
        assert_int_equal(status_of(sent), 200);
        assert_content_is_pattern(sent, size_now);
        sent = act(&bench, say_much_unformatted, GET("/"));
        assert_int_equal(status_of(sent), 200);
        assert_content_is_pattern(sent, size_now);
    }
}

static void say_bytes(leat_exchange *x)
{
    leat_bytes(x, 200, "image/x-water", source, size_now);
    memset(source, '!', sizeof source);
}

static void bytes_are_copied(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        fill_source();
        size_now = sizes[i];
        const char *sent = act(&bench, say_bytes, GET("/"));
        assert_int_equal(count_line(sent, "Content-Type: image/x-water"), 1);
        assert_content_is_pattern(sent, size_now);
    }
}

static void say_untyped(leat_exchange *x)
{
    leat_bytes(x, 200, NULL, "a", 1);
}

static void say_null(leat_exchange *x)
{
    leat_bytes(x, 200, "text/x", NULL, 0);
}

static void bytes_need_neither_a_type_nor_octets(void **state)
{
    (void)state;
    const char *sent = act(&bench, say_untyped, GET("/"));
    assert_int_equal(count_field(sent, "Content-Type"), 0);
    assert_string_equal(content_of(sent), "a");
    sent = act(&bench, say_null, GET("/"));
    assert_int_equal(count_line(sent, "Content-Length: 0"), 1);
    assert_int_equal(count_line(sent, "Content-Type: text/x"), 1);
}

static void echo_part(leat_exchange *x)
{
    leat_slice content = leat_content(x);
    leat_bytes(x, 200, "text/plain", content.data + 1, content.size - 1);
}

static void the_requests_own_content_is_answered_without_a_copy(void **state)
{
    (void)state;
    const char *sent = act(&bench, echo_part,
                           "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nwater");
    assert_string_equal(content_of(sent), "ater");
    assert_ptr_equal(bench.x->response.content, bench.x->content + 1);
}

static void say_type_with_line_break(leat_exchange *x)
{
    leat_bytes(x, 200, "text/plain\r\nX-Evil: 1", "a", 1);
}

static void a_media_type_cannot_bring_a_field_along(void **state)
{
    (void)state;
    const char *sent = act(&bench, say_type_with_line_break, GET("/"));
    assert_int_equal(status_of(sent), 500);
    assert_null(strstr(sent, "X-Evil"));
}

/* ── Borrowed content ── */

static unsigned releases[2];

static void count_release(void *argument)
{
    (*(unsigned *)argument)++;
}

static void lend(leat_exchange *x)
{
    leat_bytes_borrow(x, 200, "text/plain", source, size_now, count_release, &releases[0]);
}

static void lend_and_answer_otherwise(leat_exchange *x)
{
    lend(x);
    assert_int_equal(releases[0], 0);
    leat_text(x, 404, "none");
    assert_int_equal(releases[0], 1);
}

static void lend_twice(leat_exchange *x)
{
    lend(x);
    leat_bytes_borrow(x, 200, "text/plain", "b", 1, count_release, &releases[1]);
    assert_int_equal(releases[0], 1);
    assert_int_equal(releases[1], 0);
}

static void lend_under_a_bad_type(leat_exchange *x)
{
    leat_bytes_borrow(x, 200, "\n", source, size_now, count_release, &releases[0]);
}

static unsigned releases_at_the_end(leat_handler *handler, const char *request)
{
    releases[0] = releases[1] = 0;
    act(&bench, handler, request);
    leat__exchange_end(bench.x);
    leat__exchange_end(bench.x);
    return releases[0];
}

static void borrowed_bytes_are_not_copied_and_released_once(void **state)
{
    (void)state;
    fill_source();
    size_now = 20000; /* more than the output takes: it is sent from where it lies */
    releases[0] = 0;
    const char *sent = act(&bench, lend, GET("/"));
    assert_content_is_pattern(sent, size_now);
    assert_int_equal(bench.x->send.part_count, 2);
    assert_ptr_equal(bench.x->send.parts[1].iov_base, source);
    assert_int_equal(releases[0], 0); /* not before it has been sent */
    leat__exchange_end(bench.x);
    assert_int_equal(releases[0], 1);
    leat__exchange_end(bench.x);
    assert_int_equal(releases[0], 1);
    size_now = 100;
    assert_int_equal(releases_at_the_end(lend, GET("/")), 1);
    assert_int_equal(releases_at_the_end(lend, HEAD("/")), 1);
    assert_int_equal(releases_at_the_end(lend_under_a_bad_type, GET("/")), 1);
    assert_int_equal(status_of(bench.sent), 500);
}

static void a_replaced_answer_lets_go_of_what_it_borrowed(void **state)
{
    (void)state;
    size_now = 100;
    assert_int_equal(releases_at_the_end(lend_and_answer_otherwise, GET("/")), 1);
    assert_string_equal(content_of(bench.sent), "none");
    assert_int_equal(releases_at_the_end(lend_twice, GET("/")), 1);
    assert_int_equal(releases[1], 1);
    assert_string_equal(content_of(bench.sent), "b");
}

static void lend_without_release(leat_exchange *x)
{
    leat_bytes_borrow(x, 200, "text/plain", "stone", 5, NULL, NULL);
}

static void what_lives_for_ever_needs_no_release(void **state)
{
    (void)state;
    assert_string_equal(content_of(act(&bench, lend_without_release, GET("/"))), "stone");
}

/* ── Files ── */

static int file;

static void send_a_file(leat_exchange *x)
{
    leat_send_file(x, 200, "text/plain", file, 2, 3);
}

static void send_a_file_and_answer_otherwise(leat_exchange *x)
{
    send_a_file(x);
    leat_status(x, 404);
}

static void send_a_file_under_a_bad_type(leat_exchange *x)
{
    leat_send_file(x, 200, "\r", file, 2, 3);
}

static void open_file(void)
{
    file = memfd_create("leat-test", MFD_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(write(file, "abcdefgh", 8), 8);
}

static bool is_closed(int fd)
{
    return fcntl(fd, F_GETFD) == -1 && errno == EBADF;
}

static void a_file_is_handed_to_the_loop_and_closed_at_the_end(void **state)
{
    (void)state;
    open_file();
    const char *sent = act(&bench, send_a_file, GET("/"));
    assert_int_equal(count_line(sent, "Content-Length: 3"), 1);
    assert_string_equal(content_of(sent), "");
    assert_int_equal(bench.x->send.file, file);
    assert_int_equal(bench.x->send.file_offset, 2);
    assert_int_equal(bench.x->send.file_left, 3);
    assert_false(is_closed(file));
    leat__exchange_end(bench.x);
    assert_true(is_closed(file));
    open_file();
    sent = act(&bench, send_a_file, HEAD("/"));
    assert_int_equal(count_line(sent, "Content-Length: 3"), 1);
    assert_int_equal(bench.x->send.file, -1);
    leat__exchange_end(bench.x);
    assert_true(is_closed(file));
}

static void a_file_that_is_not_sent_is_closed(void **state)
{
    (void)state;
    open_file();
    act(&bench, send_a_file_and_answer_otherwise, GET("/"));
    assert_int_equal(bench.x->send.file, -1);
    assert_true(is_closed(file));
    open_file();
    assert_int_equal(status_of(act(&bench, send_a_file_under_a_bad_type, GET("/"))), 500);
    assert_true(is_closed(file));
}

/* ── Without content ── */

static int status_now;

static void say_status(leat_exchange *x)
{
    leat_status(x, status_now);
}

static void say_status_with_text(leat_exchange *x)
{
    leat_text(x, status_now, "must not be seen");
}

static void some_statuses_have_no_content_and_no_word_about_it(void **state)
{
    (void)state;
    static const int bare[] = {204, 304};
    for (size_t i = 0; i < COUNT_OF(bare); i++) {
        status_now = bare[i];
        const char *sent = act(&bench, say_status_with_text, GET("/"));
        assert_int_equal(status_of(sent), bare[i]);
        assert_int_equal(count_field(sent, "Content-Length"), 0);
        assert_int_equal(count_field(sent, "Content-Type"), 0);
        assert_string_equal(content_of(sent), "");
    }
    status_now = 200;
    const char *sent = act(&bench, say_status, GET("/"));
    assert_int_equal(count_line(sent, "Content-Length: 0"), 1);
    assert_int_equal(count_field(sent, "Content-Type"), 0);
    assert_string_equal(content_of(sent), "");
}

static void head_says_what_get_would_have_said(void **state)
{
    (void)state;
    char head[512];
    fill_source();
    for (size_now = 6; size_now <= 60000; size_now *= 100) {
        const char *sent = act(&bench, say_much, GET("/"));
        size_t size = (size_t)(content_of(sent) - sent);
        assert_true(size < sizeof head);
        memcpy(head, sent, size);
        head[size] = '\0';
        assert_string_equal(act(&bench, say_much, HEAD("/")), head);
    }
}

static void a_status_that_cannot_be_is_500(void **state)
{
    (void)state;
    static const int wrong[] = {0, -1, 100, 199, 600, 65736 /* 200 in 16 bits */};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        status_now = wrong[i];
        assert_int_equal(status_of(act(&bench, say_status, GET("/"))), 500);
    }
    status_now = 599;
    assert_int_equal(status_of(act(&bench, say_status, GET("/"))), 599);
}

/* ── Redirects and problems ── */

static const char *location;

static void redirect(leat_exchange *x)
{
    leat_redirect(x, 303, location);
}

static void a_redirect_names_its_location(void **state)
{
    (void)state;
    location = "/there?a=1";
    const char *sent = act(&bench, redirect, GET("/"));
    assert_int_equal(status_of(sent), 303);
    assert_int_equal(count_line(sent, "Location: /there?a=1"), 1);
    assert_int_equal(count_line(sent, "Content-Length: 0"), 1);
    location = "/there\r\nX-Evil: 1";
    sent = act(&bench, redirect, GET("/"));
    assert_int_equal(status_of(sent), 500);
    assert_null(strstr(sent, "X-Evil"));
}

static const char *detail;

static void tell_problem(leat_exchange *x)
{
    leat_problem(x, status_now, detail);
}

static void a_problem_is_json_whatever_its_detail(void **state)
{
    (void)state;
    status_now = 422;
    detail = NULL;
    const char *sent = act(&bench, tell_problem, GET("/"));
    assert_int_equal(status_of(sent), 422);
    assert_int_equal(count_line(sent, "Content-Type: application/problem+json"), 1);
    assert_string_equal(content_of(sent), "{\"title\":\"Unprocessable Content\",\"status\":422}\n");
    detail = "say \"when\"\\ \x01\x1f\t\n\r/ \xc3\xa9 \x7f";
    sent = act(&bench, tell_problem, GET("/"));
    assert_string_equal(content_of(sent),
                        "{\"title\":\"Unprocessable Content\",\"status\":422,\"detail\":"
                        "\"say \\\"when\\\"\\\\ \\u0001\\u001f\\t\\n\\r/ \xc3\xa9 \x7f\"}\n");
    detail = "";
    sent = act(&bench, tell_problem, GET("/"));
    assert_string_equal(content_of(sent),
                        "{\"title\":\"Unprocessable Content\",\"status\":422,\"detail\":\"\"}\n");
    assert_int_equal(count_field(sent, "Retry-After"), 0);
}

static void a_long_detail_is_told_whole(void **state)
{
    (void)state;
    static char text[10001];
    memset(text, '\x02', sizeof text - 1); /* six octets each */
    status_now = 400;
    detail = text;
    const char *content = content_of(act(&bench, tell_problem, GET("/")));
    const char *at = strstr(content, "\\u0002");
    for (size_t i = 0; i < sizeof text - 1; i++, at += 6)
        assert_memory_equal(at, "\\u0002", 6);
    assert_string_equal(at, "\"}\n");
}

static void busy_says_when_to_come_again(void **state)
{
    (void)state;
    status_now = 503;
    detail = "Not now";
    const char *sent = act(&bench, tell_problem, GET("/"));
    assert_int_equal(status_of(sent), 503);
    assert_int_equal(count_line(sent, "Retry-After: 1"), 1);
}

static void say_when_myself(leat_exchange *x)
{
    leat_field_set(x, "retry-after", "30");
    leat_problem(x, 503, NULL);
}

static void busy_leaves_the_handlers_own_word_for_it(void **state)
{
    (void)state;
    const char *sent = act(&bench, say_when_myself, GET("/"));
    assert_int_equal(count_line(sent, "retry-after: 30"), 1);
    assert_int_equal(count_field(sent, "Retry-After"), 0);
}

static void problem_or(leat_exchange *x)
{
    leat_problem_or(x, status_now, 201, "%s made");
}

static void problem_or_without_text(leat_exchange *x)
{
    leat_problem_or(x, status_now, 202, NULL);
}

static void an_error_is_a_problem_and_anything_else_is_not(void **state)
{
    (void)state;
    status_now = 404;
    const char *sent = act(&bench, problem_or, GET("/"));
    assert_int_equal(status_of(sent), 404);
    assert_string_equal(content_of(sent), "{\"title\":\"Not Found\",\"status\":404}\n");
    status_now = 0;
    sent = act(&bench, problem_or, GET("/"));
    assert_int_equal(status_of(sent), 201);
    assert_string_equal(content_of(sent), "%s made");
    sent = act(&bench, problem_or_without_text, GET("/"));
    assert_int_equal(status_of(sent), 202);
    assert_string_equal(content_of(sent), "");
}

/* ── The connection ── */

static void the_connections_fate_is_told(void **state)
{
    (void)state;
    const char *sent = act(&bench, say_plain, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_int_equal(count_line(sent, "Connection: keep-alive"), 1);
    begin(&bench, GET("/"));
    leat__exchange_route(bench.x);
    bench.x->flags |= X_CLOSE;
    leat__exchange_run(bench.x);
    assert_int_equal(count_line(send_out(&bench), "Connection: close"), 1);
    bench.common.draining = true;
    sent = act(&bench, say_plain, GET("/"));
    assert_int_equal(count_line(sent, "Connection: close"), 1);
    assert_true(bench.x->flags & X_CLOSE);
}

static void answers_of_a_burst_stand_behind_each_other(void **state)
{
    (void)state;
    char twice[512];
    const char *once = act(&bench, say_plain, GET("/"));
    snprintf(twice, sizeof twice, "%s%s", once, once);
    begin(&bench, GET("/"));
    leat__exchange_route(bench.x);
    leat__exchange_run(bench.x);
    leat__response_send(bench.x);
    begin(&bench, GET("/"));
    leat__exchange_route(bench.x);
    leat__exchange_run(bench.x);
    assert_string_equal(send_out(&bench), twice);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_text_is_answered_to_the_octet),
        TEST(the_date_is_of_the_turns_second),
        TEST(texts_of_all_sizes_arrive_whole),
        TEST(bytes_are_copied),
        TEST(bytes_need_neither_a_type_nor_octets),
        TEST(the_requests_own_content_is_answered_without_a_copy),
        TEST(a_media_type_cannot_bring_a_field_along),
        TEST(borrowed_bytes_are_not_copied_and_released_once),
        TEST(a_replaced_answer_lets_go_of_what_it_borrowed),
        TEST(what_lives_for_ever_needs_no_release),
        TEST(a_file_is_handed_to_the_loop_and_closed_at_the_end),
        TEST(a_file_that_is_not_sent_is_closed),
        TEST(some_statuses_have_no_content_and_no_word_about_it),
        TEST(head_says_what_get_would_have_said),
        TEST(a_status_that_cannot_be_is_500),
        TEST(a_redirect_names_its_location),
        TEST(a_problem_is_json_whatever_its_detail),
        TEST(a_long_detail_is_told_whole),
        TEST(busy_says_when_to_come_again),
        TEST(busy_leaves_the_handlers_own_word_for_it),
        TEST(an_error_is_a_problem_and_anything_else_is_not),
        TEST(the_connections_fate_is_told),
        TEST(answers_of_a_burst_stand_behind_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
