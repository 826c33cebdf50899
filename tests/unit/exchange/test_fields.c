/* test_fields.c: the fields that a handler gives its response: set, added, replaced in any case; refused where they would
 * lie about the message or smuggle a line in; and gathered into one head, however long. */
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

static void set_and_add(leat_exchange *x)
{
    assert_int_equal(leat_field_set(x, "Cache-Control", "no-store"), 0);
    assert_int_equal(leat_field_add(x, "Set-Cookie", "a=1"), 0);
    assert_int_equal(leat_field_add(x, "Set-Cookie", "b=2"), 0);
    assert_int_equal(leat_field_setf(x, "X-Level", "%d%%", 40), 0);
    assert_int_equal(leat_field_set(x, "X-Empty", ""), 0);
    leat_text(x, 200, "ok");
}

static void fields_stand_in_the_order_of_their_coming(void **state)
{
    (void)state;
    assert_string_equal(act(&bench, set_and_add, GET("/")),
                        "HTTP/1.1 200 OK\r\n"
                        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                        "Content-Length: 2\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\n"
                        "Cache-Control: no-store\r\n"
                        "Set-Cookie: a=1\r\n"
                        "Set-Cookie: b=2\r\n"
                        "X-Level: 40%\r\n"
                        "X-Empty: \r\n\r\n"
                        "ok");
}

static void answer_first(leat_exchange *x)
{
    leat_text(x, 200, "ok");
    leat_field_set(x, "X-Late", "1");
}

static void fields_may_be_given_after_the_answer(void **state)
{
    (void)state;
    assert_int_equal(count_line(act(&bench, answer_first, GET("/")), "X-Late: 1"), 1);
}

static void replace(leat_exchange *x)
{
    leat_field_add(x, "X-A", "1");
    leat_field_add(x, "X-AB", "kept");
    leat_field_add(x, "x-a", "2");
    leat_field_add(x, "X-B", "kept");
    leat_field_add(x, "X-a", "3");
    leat_field_set(x, "x-A", "4"); /* the first, one in the middle and the last go */
    leat_field_add(x, "X-C", "kept");
    leat_field_set(x, "X-C", "5"); /* the last one alone */
    leat_status(x, 200);
}

static void set_replaces_all_of_that_name_in_any_case(void **state)
{
    (void)state;
    const char *sent = act(&bench, replace, GET("/"));
    assert_string_equal(strstr(sent, "Content-Length"),
                        "Content-Length: 0\r\nX-AB: kept\r\nX-B: kept\r\nx-A: 4\r\nX-C: 5\r\n\r\n");
}

static void replace_the_only_one(leat_exchange *x)
{
    leat_field_set(x, "X-A", "1");
    leat_field_set(x, "X-A", "2");
    leat_field_add(x, "X-B", "3");
    leat_status(x, 200);
}

static void the_only_field_can_be_replaced(void **state)
{
    (void)state;
    const char *sent = act(&bench, replace_the_only_one, GET("/"));
    assert_string_equal(strstr(sent, "Content-Length"),
                        "Content-Length: 0\r\nX-A: 2\r\nX-B: 3\r\n\r\n");
}

static void set_wrong_ones(leat_exchange *x)
{
    static const char *const framing[] = {"Content-Length", "content-LENGTH", "Transfer-Encoding",
                                          "CONNECTION", "Date"};
    static const char *const names[] = {"", "X Y", "X:", "X\r\nY", "X\n", "\xc3\xa9", "X\x7f"};
    static const char *const values[] = {"a\r\nX-Evil: 1", "a\nb", "a\rb", "a\x01", "\x7f"};
    for (size_t i = 0; i < COUNT_OF(framing); i++) {
        assert_int_equal(leat_field_set(x, framing[i], "1"), -EINVAL);
        assert_int_equal(leat_field_add(x, framing[i], "1"), -EINVAL);
        assert_int_equal(leat_field_setf(x, framing[i], "%d", 1), -EINVAL);
    }
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(leat_field_set(x, names[i], "1"), -EINVAL);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        assert_int_equal(leat_field_set(x, "X-Value", values[i]), -EINVAL);
        assert_int_equal(leat_field_add(x, "X-Value", values[i]), -EINVAL);
        assert_int_equal(leat_field_setf(x, "X-Value", "%s", values[i]), -EINVAL);
    }
    assert_int_equal(leat_field_set(x, NULL, "1"), -EINVAL);
    assert_int_equal(leat_field_set(x, "X-Value", NULL), -EINVAL);
    assert_int_equal(leat_field_setf(x, "X-Value", "%02000d", 1), -EINVAL); /* rather than cut off */
    leat_text(x, 200, "ok");
}

static void what_would_lie_or_inject_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    const char *sent = act(&bench, set_wrong_ones, GET("/"));
    assert_string_equal(sent, "HTTP/1.1 200 OK\r\n"
                              "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                              "Content-Length: 2\r\n"
                              "Content-Type: text/plain; charset=utf-8\r\n\r\n"
                              "ok");
}

static void a_failed_set_keeps_the_old(leat_exchange *x)
{
    leat_field_set(x, "X-A", "old");
    assert_int_equal(leat_field_set(x, "X-A", "new\r\n"), -EINVAL);
    leat_status(x, 200);
}

static void a_refused_value_does_not_cost_the_old_one(void **state)
{
    (void)state;
    assert_int_equal(count_line(act(&bench, a_failed_set_keeps_the_old, GET("/")), "X-A: old"), 1);
}

static void own_type(leat_exchange *x)
{
    leat_field_set(x, "content-type", "text/html");
    leat_text(x, 200, "<p>");
}

static void own_type_afterwards(leat_exchange *x)
{
    leat_text(x, 200, "<p>");
    leat_field_set(x, "Content-Type", "text/xml");
    leat_field_set(x, "CONTENT-TYPE", "text/html");
}

static void a_content_type_of_its_own_overrides(void **state)
{
    (void)state;
    const char *sent = act(&bench, own_type, GET("/"));
    assert_int_equal(count_line(sent, "content-type: text/html"), 1);
    assert_int_equal(count_field(sent, "Content-Type"), 0);
    sent = act(&bench, own_type_afterwards, GET("/"));
    assert_int_equal(count_line(sent, "CONTENT-TYPE: text/html"), 1);
    assert_int_equal(count_field(sent, "Content-Type"), 0);
    /* and only in its own response */
    sent = act(&bench, answer_first, GET("/"));
    assert_int_equal(count_line(sent, "Content-Type: text/plain; charset=utf-8"), 1);
    assert_int_equal(count_field(sent, "CONTENT-TYPE"), 0);
}

static void after_the_head_it_is_too_late(void **state)
{
    (void)state;
    act(&bench, answer_first, GET("/"));
    assert_int_equal(leat_field_set(bench.x, "X-A", "1"), -EALREADY);
    assert_int_equal(leat_field_add(bench.x, "X-A", "1"), -EALREADY);
    assert_int_equal(leat_field_setf(bench.x, "X-A", "%d", 1), -EALREADY);
    assert_int_equal(leat_field_set(bench.x, "X-A", "\n"), -EINVAL);
    act(&bench, answer_first, GET("/")); /* the next may have its own */
    assert_int_equal(count_line(bench.sent, "X-Late: 1"), 1);
}

/* ── Heads that the output has no room for ── */

enum { LONG_FIELDS = 30, LONG_VALUE = 999 };

static void give_long_fields(leat_exchange *x)
{
    char value[LONG_VALUE + 1];
    for (int i = 0; i < LONG_FIELDS; i++) {
        char name[16];
        snprintf(name, sizeof name, "X-%d", i);
        memset(value, 'a' + i % 26, LONG_VALUE);
        value[LONG_VALUE] = '\0';
        assert_int_equal(leat_field_add(x, name, value), 0);
    }
    leat_text(x, 200, "behind");
}

static void assert_long_head(const char *sent)
{
    assert_int_equal(status_of(sent), 200);
    const char *at = strstr(sent, "X-0: ");
    for (int i = 0; i < LONG_FIELDS; i++) {
        char name[16];
        int size = snprintf(name, sizeof name, "X-%d: ", i);
        assert_memory_equal(at, name, size);
        at += size;
        for (int k = 0; k < LONG_VALUE; k++, at++)
            assert_int_equal(*at, 'a' + i % 26);
        assert_memory_equal(at, "\r\n", 2);
        at += 2;
    }
    assert_memory_equal(at, "\r\n", 2);
}

static void a_head_longer_than_the_output_is_sent_whole(void **state)
{
    (void)state;
    assert_true(LONG_FIELDS * LONG_VALUE > PLAN_OUTPUT);
    const char *sent = act(&bench, give_long_fields, GET("/"));
    assert_long_head(sent);
    assert_string_equal(content_of(sent), "behind");
    assert_true(bench.x->flags & X_BY_REFERENCE);
    sent = act(&bench, give_long_fields, HEAD("/"));
    assert_long_head(sent);
    assert_string_equal(content_of(sent), "");
    assert_true(bench.x->flags & X_BY_REFERENCE);
}

static void a_long_head_comes_behind_what_the_burst_has(void **state)
{
    (void)state;
    act(&bench, answer_first, GET("/"));
    size_t first = bench.sent_size;
    begin(&bench, GET("/"));
    leat__exchange_route(bench.x);
    bench_handler = answer_first;
    leat__exchange_run(bench.x);
    leat__response_send(bench.x);
    begin(&bench, GET("/"));
    leat__exchange_route(bench.x);
    bench_handler = give_long_fields;
    leat__exchange_run(bench.x);
    const char *sent = send_out(&bench);
    assert_int_equal(bench.x->send.part_count, 3);
    assert_int_equal(bench.x->send.parts[0].iov_len, first);
    assert_long_head(sent + first);
    assert_string_equal(content_of(sent + first), "behind");
}

static void nearly_fill(leat_exchange *x)
{
    static char value[PLAN_OUTPUT];
    size_t room = PLAN_OUTPUT - OUTPUT_RESERVE - HTTP1_HEAD_ROOM;
    memset(value, 'v', room);
    value[room] = '\0';
    leat_field_set(x, "X-V", value);
    leat_status(x, 200);
}

static void a_request_begun_with_the_reserve_left_is_answered(void **state)
{
    (void)state;
    begin(&bench, GET("/"));
    leat__exchange_route(bench.x);
    bench_handler = nearly_fill;
    leat__exchange_run(bench.x);
    leat__response_send(bench.x);
    assert_false(bench.x->flags & X_BY_REFERENCE);
    size_t first = bench.x->output_size;
    begin(&bench, GET("/"));
    leat__exchange_route(bench.x);
    bench_handler = answer_first;
    leat__exchange_run(bench.x);
    assert_string_equal(content_of(send_out(&bench) + first), "ok");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields_stand_in_the_order_of_their_coming),
        TEST(fields_may_be_given_after_the_answer),
        TEST(set_replaces_all_of_that_name_in_any_case),
        TEST(the_only_field_can_be_replaced),
        TEST(what_would_lie_or_inject_is_refused_and_changes_nothing),
        TEST(a_refused_value_does_not_cost_the_old_one),
        TEST(a_content_type_of_its_own_overrides),
        TEST(after_the_head_it_is_too_late),
        TEST(a_head_longer_than_the_output_is_sent_whole),
        TEST(a_long_head_comes_behind_what_the_burst_has),
        TEST(a_request_begun_with_the_reserve_left_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
