/* test_json_write.c: texts that handlers write, what becomes of them when they are large, replaced or wrong, and of those
 * that find no memory. */
#include "fixture.h"
#include <math.h>

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

#define assert_text(handler, wanted)                                                               \
    do {                                                                                           \
        const char *sent_ = act(&bench, handler, GET("/"));                                        \
        assert_int_equal(status_of(sent_), 200);                                                   \
        assert_int_equal(count_line(sent_, "Content-Type: application/json"), 1);                  \
        assert_string_equal(content_of(sent_), wanted);                                            \
    } while (0)

static void write_all_kinds(leat_exchange *x)
{
    leat_json *j = leat_json_begin(x, 200);
    leat_json_int(j, "int", -7);
    leat_json_uint(j, "uint", UINT64_MAX);
    leat_json_double(j, "double", 2.5);
    leat_json_bool(j, "yes", true);
    leat_json_bool(j, "no", false);
    leat_json_null(j, "null");
    leat_json_string(j, "na\"me", "te\\xt\n");
    leat_json_string(j, "none", NULL);
    leat_json_stringn(j, "part", "abcdef", 3);
    leat_json_stringf(j, "formatted", "%d of %s", 3, "\"four\"");
    leat_json_raw(j, "raw", "[1, 2]", 6);
    leat_json_object(j, "object");
    leat_json_array(j, "tags");
    leat_json_string(j, NULL, "a");
    leat_json_array(j, NULL);
    leat_json_end(j);
    leat_json_object(j, NULL);
    leat_json_end(j);
    leat_json_end(j);
    leat_json_end(j);
    leat_json_int(j, "last", 1);
    assert_int_equal(leat_json_error(j), 0);
}

static void a_text_has_all_kinds_of_values(void **state)
{
    (void)state;
    assert_text(write_all_kinds,
                "{\"int\":-7,\"uint\":18446744073709551615,\"double\":2.5,\"yes\":true,\"no\":"
                "false,\"null\":null,"
                "\"na\\\"me\":\"te\\\\xt\\n\",\"none\":null,\"part\":\"abc\",\"formatted\":\"3 of "
                "\\\"four\\\"\","
                "\"raw\":[1, 2],\"object\":{\"tags\":[\"a\",[],{}]},\"last\":1}\n");
}

static void write_nothing(leat_exchange *x)
{
    leat_json_begin(x, 200);
}

static void write_an_array(leat_exchange *x)
{
    leat_json *j = leat_json_begin_array(x, 200);
    leat_json_int(j, NULL, 1);
    leat_json_end(j);
}

static void the_outermost_ends_by_itself_or_by_hand(void **state)
{
    (void)state;
    assert_text(write_nothing, "{}\n");
    assert_text(write_an_array, "[1]\n");
}

static void write_what_is_no_number(leat_exchange *x)
{
    leat_json *j = leat_json_begin_array(x, 200);
    leat_json_double(j, NULL, NAN);
    leat_json_double(j, NULL, 1);
    assert_int_equal(leat_json_error(j), -EDOM);
}

static void no_number_is_null_and_remembered(void **state)
{
    (void)state;
    assert_text(write_what_is_no_number, "[null,1]\n");
}

/* ── Large ── */

static unsigned item_count;
static bool takes_memory_between;

static void write_items(leat_exchange *x)
{
    leat_json *j = leat_json_begin_array(x, 200);
    for (unsigned i = 0; i < item_count; i++) {
        leat_json_uint(j, NULL, i);
        if (takes_memory_between && i % 100 == 0)
            memset(leat_alloc(x, 16), 'x', 16);
    }
}

static void assert_items(unsigned count)
{
    item_count = count;
    const char *sent = act(&bench, write_items, GET("/")), *at = content_of(sent);
    assert_int_equal(status_of(sent), 200);
    for (unsigned i = 0; i < count; i++) {
        char *end;
        assert_int_equal(*at++, i == 0 ? '[' : ',');
        assert_int_equal(strtoul(at, &end, 10), i);
        at = end;
    }
    assert_string_equal(at, "]\n");
}

static void a_text_grows_as_far_as_there_is_memory(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        takes_memory_between = i == 1;
        for (unsigned count = 1; count < 20000; count = count * 2 + 1)
            assert_items(count);
    }
    takes_memory_between = false;
    item_count = BENCH_CONTENT;
    assert_int_equal(status_of(act(&bench, write_items, GET("/"))), 500);
    item_count = 20000;
    leat__content_fail_at(&bench.memory.content, 1);
    assert_int_equal(status_of(act(&bench, write_items, GET("/"))), 503);
    leat__buffer_pool_fail_at(&bench.memory.larges, 1);
    assert_int_equal(status_of(act(&bench, write_items, GET("/"))), 503);
}

static char long_string[100000];

static void write_a_long_string(leat_exchange *x)
{
    leat_json *j = leat_json_begin(x, 200);
    leat_json_stringn(j, "s", long_string, sizeof long_string);
}

static void a_long_string_is_escaped_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof long_string; i++)
        long_string[i] = i % 100 == 99 ? '\n' : 'x';
    const char *sent = act(&bench, write_a_long_string, GET("/"));
    assert_int_equal(status_of(sent), 200);
    assert_int_equal(strlen(content_of(sent)), sizeof long_string + sizeof long_string / 100 + 9);
}

static void write_a_long_format(leat_exchange *x)
{
    leat_json *j = leat_json_begin(x, 200);
    leat_json_stringf(j, "s", "%5000d", 1);
}

static void a_format_may_be_long(void **state)
{
    (void)state;
    const char *sent = act(&bench, write_a_long_format, GET("/"));
    assert_int_equal(strlen(content_of(sent)), 5000 + 9);
}

static void write_without_memory(leat_exchange *x)
{
    assert_null(leat_alloc(x, SIZE_MAX));
    leat_json *j = leat_json_begin(x, 200);
    leat_json_int(j, "a", 1);
    leat_json_stringf(j, "b", "%d", 1);
    leat_json_double(j, "c", NAN);
    leat_json_end(j);
    leat_json_end(j);
    assert_int_equal(leat_json_error(j), -ENOMEM);
}

static void without_memory_writing_goes_nowhere(void **state)
{
    (void)state;
    assert_int_equal(status_of(act(&bench, write_without_memory, GET("/"))), 500);
}

/* ── Wrong ── */

static void name_nothing(leat_exchange *x)
{
    leat_json *j = leat_json_begin(x, 200);
    leat_json_int(j, NULL, 1);
    assert_int_equal(leat_json_error(j), -EINVAL);
}

static void name_in_an_array(leat_exchange *x)
{
    leat_json_int(leat_json_begin_array(x, 200), "a", 1);
}

static void end_too_often(leat_exchange *x)
{
    leat_json *j = leat_json_begin(x, 200);
    leat_json_end(j);
    leat_json_end(j);
    assert_int_equal(leat_json_error(j), -EINVAL);
}

static void write_behind_the_end(leat_exchange *x)
{
    leat_json *j = leat_json_begin(x, 200);
    leat_json_end(j);
    leat_json_null(j, "a");
}

static void leave_one_open(leat_exchange *x)
{
    leat_json *j = leat_json_begin(x, 200);
    leat_json_array(j, "a");
}

static void go_too_deep(leat_exchange *x)
{
    leat_json *j = leat_json_begin_array(x, 200);
    for (unsigned i = 0; i < 64; i++)
        leat_json_array(j, NULL);
    assert_int_equal(leat_json_error(j), -E2BIG);
}

static void stream_without_a_stream(leat_exchange *x)
{
    leat_json *j = leat_json_stream(x);
    leat_json_int(j, "a", 1);
    assert_int_equal(leat_json_error(j), -EPERM);
}

static void a_mistake_is_500(void **state)
{
    (void)state;
    leat_handler *const wrong[] = {
        name_nothing,   name_in_an_array,        end_too_often, write_behind_the_end,
        leave_one_open, stream_without_a_stream, go_too_deep,
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const char *sent = act(&bench, wrong[i], GET("/"));
        assert_int_equal(status_of(sent), 500);
        assert_int_equal(count_line(sent, "Content-Type: application/problem+json"), 1);
    }
}

static void go_deep(leat_exchange *x)
{
    leat_json *j = leat_json_begin_array(x, 200);
    for (unsigned i = 1; i < 64; i++)
        leat_json_array(j, NULL);
    for (unsigned i = 1; i < 64; i++)
        leat_json_end(j);
}

static void sixty_four_levels_are_fine(void **state)
{
    (void)state;
    const char *sent = act(&bench, go_deep, GET("/"));
    assert_int_equal(strlen(content_of(sent)), 129);
}

/* ── Replaced, and looked at ── */

static void change_its_mind(leat_exchange *x)
{
    item_count = 20000;
    write_items(x);
    leat_json *j = leat_json_begin(x, 200);
    leat_json_int(j, "a", 1);
    leat_problem(x, 409, "no");
    leat_json_int(j, NULL, 1);
}

static void another_answer_takes_its_place(void **state)
{
    (void)state;
    assert_int_equal(status_of(act(&bench, change_its_mind, GET("/"))), 409);
}

static void look_at_it(leat_exchange *x)
{
    leat_slice content = {NULL, 0};
    leat_next(x);
    assert_true(leat_response_content(x, &content));
    leat_field_setf(x, "X-Size", "%zu", content.size);
}

static void middleware_sees_the_whole_text(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    struct bench *b = &bench;
    close_bench(&bench);
    leat_use(app, look_at_it);
    leat_get(app, "/", write_an_array);
    leat_get(app, "/wrong", leave_one_open);
    open_bench(b, app);
    assert_int_equal(count_line(answer(b, GET("/")), "X-Size: 4"), 1);
    assert_int_equal(status_of(answer(b, GET("/wrong"))), 500);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_text_has_all_kinds_of_values),      TEST(the_outermost_ends_by_itself_or_by_hand),
        TEST(no_number_is_null_and_remembered),    TEST(a_text_grows_as_far_as_there_is_memory),
        TEST(a_long_string_is_escaped_whole),      TEST(a_format_may_be_long),
        TEST(without_memory_writing_goes_nowhere), TEST(a_mistake_is_500),
        TEST(sixty_four_levels_are_fine),          TEST(another_answer_takes_its_place),
        TEST(middleware_sees_the_whole_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
