/* test_request.c: what a handler is told of a request: raw as it came, or decoded once and no more than once. */
#include "fixture.h"

static struct bench bench;
static unsigned runs;

static int close_routes(void **state)
{
    (void)state;
    close_bench(&bench);
    return 0;
}

/* The handler of all routes; each test hangs its questions in here. */
static leat_handler *questions;

static void ask(leat_exchange *x)
{
    runs++;
    questions(x);
    leat_status(x, 204);
}

static int open_routes(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_get(app, "/", ask);
    leat_get(app, "/users/:id", ask);
    leat_get(app, "/users/:id/files/*path", ask);
    leat_get(app, "/search", ask);
    leat_post(app, "/search", ask);
    open_bench(&bench, app);
    return 0;
}

static void put_question(leat_handler *handler, const char *request)
{
    questions = handler;
    runs = 0;
    answer(&bench, request);
    assert_int_equal(runs, 1);
}

static void raw_parts(leat_exchange *x)
{
    assert_string_equal(leat_method(x), "GET");
    assert_slice(leat_target(x), "/users/a%20b?x=%31&y");
    assert_slice(leat_path(x), "/users/a%20b");
    assert_slice(leat_query_string(x), "x=%31&y");
    assert_slice(leat_authority(x), "leat.example:8080");
    assert_int_equal(leat_content(x).size, 0);
    assert_non_null(leat_content(x).data);
}

static void parts_of_the_target_are_as_sent(void **state)
{
    (void)state;
    put_question(raw_parts,
                 "GET /users/a%20b?x=%31&y HTTP/1.1\r\nhost: \t leat.example:8080 \r\n\r\n");
}

static void absolute_parts(leat_exchange *x)
{
    assert_slice(leat_target(x), "http://there:81?q=1");
    assert_slice(leat_path(x), "/");
    assert_slice(leat_query_string(x), "q=1");
    assert_slice(leat_authority(x), "there:81"); /* RFC 9112 3.2.2: the Host field does not count */
}

static void an_absolute_target_without_a_path_means_the_root(void **state)
{
    (void)state;
    put_question(absolute_parts, "GET http://there:81?q=1 HTTP/1.1\r\nHost: here\r\n\r\n");
}

static void head_method(leat_exchange *x)
{
    assert_string_equal(leat_method(x), "HEAD");
}

static void a_get_handler_sees_that_it_is_asked_for_a_head(void **state)
{
    (void)state;
    put_question(head_method, HEAD("/search"));
}

static void fields(leat_exchange *x)
{
    assert_slice(leat_field(x, "accept"), "a/b");
    assert_slice(leat_field(x, "ACCEPT"), "a/b");
    assert_slice(leat_field(x, "X-Empty"), "");
    assert_null(leat_field(x, "Accep").data);
    assert_null(leat_field(x, "Accept-").data);
    leat_slice name, value;
    assert_true(leat_field_at(x, 0, &name, &value));
    assert_slice(name, "Host");
    assert_slice(value, "leat");
    assert_true(leat_field_at(x, 2, &name, &value));
    assert_slice(name, "aCCEPT");
    assert_slice(value, "c/d");
    assert_true(leat_field_at(x, 3, &name, &value));
    assert_false(leat_field_at(x, 4, &name, &value));
    assert_false(leat_field_at(x, SIZE_MAX, &name, &value));
}

static void fields_are_found_in_any_case_and_the_first_counts(void **state)
{
    (void)state;
    put_question(fields,
                 "GET / HTTP/1.1\r\nHost: leat\r\nAccept: a/b\r\naCCEPT: c/d\r\nX-Empty:\r\n\r\n");
}

static const char *expected;

static void id_is(leat_exchange *x)
{
    assert_string_equal(leat_param(x, "id"), expected);
    assert_string_equal(leat_param(x, "id"), expected); /* asking again changes nothing */
    assert_string_equal(leat_param(x, "ID"), "");
    assert_string_equal(leat_param(x, "path"), "");
}

static void params_are_decoded_once(void **state)
{
    (void)state;
    static const struct {
        const char *sent, *meant;
    } cases[] = {
        {"42", "42"},           {"a%20b", "a b"},
        {"a+b", "a+b"},                               /* a plus is a space in queries only */
        {"a+b%20c", "a+b c"},   {"a%2Fb", "a/b"},     /* one segment still */
        {"a%2fb", "a/b"},       {"a%252Fb", "a%2Fb"}, /* decoded twice it would be a slash */
        {"a%25", "a%"},         {"%2525", "%25"},
        {"%C3%A9", "\xc3\xa9"}, {"%41%2F%2e%2E", "A/.."},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char request[128];
        snprintf(request, sizeof request, "GET /users/%s HTTP/1.1\r\nHost: leat\r\n\r\n", cases[i].sent);
        expected = cases[i].meant;
        put_question(id_is, request);
    }
}

static void rest_is(leat_exchange *x)
{
    assert_string_equal(leat_param(x, "id"), "1");
    assert_string_equal(leat_param(x, "path"), expected);
}

static void a_rest_has_all_segments(void **state)
{
    (void)state;
    expected = "a/b//c d";
    put_question(rest_is, GET("/users/1/files/a/b//c%20d"));
    expected = "";
    put_question(rest_is, GET("/users/1/files/"));
}

static void an_encoded_path_finds_its_route(void **state)
{
    (void)state;
    expected = "7";
    put_question(id_is, GET("/%75sers/7"));
    questions = id_is;
    runs = 0;
    assert_int_equal(status_of(answer(&bench, GET("/users%2F7"))), 404); /* a slash in a segment */
    assert_int_equal(runs, 0);
}

static int64_t number;

static void id_is_number(leat_exchange *x)
{
    assert_int_equal(leat_param_int(x, "id", -99), number);
    assert_int_equal(leat_query_int(x, "n", -99), number);
    assert_int_equal(leat_param_int(x, "nobody", -98), -98);
    assert_int_equal(leat_query_int(x, "nobody", -98), -98);
}

static void numbers_are_whole_or_not_there(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t number;
    } cases[] = {
        {"0", 0},
        {"-1", -1},
        {"007", 7},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"9223372036854775808", -99},
        {"-9223372036854775809", -99},
        {"12x", -99},
        {"x12", -99},
        {"0x10", -99},
        {"1.5", -99},
        {"-", -99},
        {"--1", -99},
        {"%2B1", -99}, /* no sign but minus */
        {"%201", -99}, /* strtoll alone would skip it */
        {"1%20", -99},
        {"%31%32", 12},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char request[160];
        snprintf(request, sizeof request, "GET /users/%s?n=%s HTTP/1.1\r\nHost: leat\r\n\r\n",
                 cases[i].text, cases[i].text);
        number = cases[i].number;
        put_question(id_is_number, request);
    }
}

static void query_values(leat_exchange *x)
{
    assert_string_equal(leat_query(x, "a"), "1");
    assert_string_equal(leat_query(x, "text"), "two words & more=1 +");
    assert_string_equal(leat_query(x, "flag"), "");
    assert_string_equal(leat_query(x, "empty"), "");
    assert_string_equal(leat_query(x, "eq"), "a=b");
    assert_null(leat_query(x, "b"));
    assert_null(leat_query(x, "tex"));
    assert_null(leat_query(x, "texts"));
    assert_null(leat_query(x, "A"));
}

static void queries_are_decoded(void **state)
{
    (void)state;
    put_question(query_values,
                 GET("/search?a=1&a=2&text=two+words%20%26%20more%3D1+%2b&flag&&empty="
                     "&eq=a=b"));
}

static void encoded_keys(leat_exchange *x)
{
    assert_string_equal(leat_query(x, "two words"), "1");
    assert_string_equal(leat_query(x, "three small words"), "2");
    assert_string_equal(leat_query(x, "a&b"), "3");
    assert_string_equal(leat_query(x, "plus+"), "4");
    assert_null(leat_query(x, "two+words")); /* what was sent is not what is meant */
    assert_null(leat_query(x, "a%26b"));
}

static void keys_of_a_query_are_decoded_too(void **state)
{
    (void)state;
    put_question(encoded_keys, GET("/search?two+words=1&three+small%20words=2&a%26b=3&plus%2B=4"));
}

static void broken_values(leat_exchange *x)
{
    assert_null(leat_query(x, "cut"));
    assert_null(leat_query(x, "odd"));
    assert_null(leat_query(x, "nul"));
    assert_string_equal(leat_query(x, "good"), "1");
    assert_int_equal(leat_query_int(x, "cut", 5), 5);
}

static void a_query_value_that_cannot_be_decoded_is_none(void **state)
{
    (void)state;
    put_question(broken_values, GET("/search?odd=%zz&nul=a%00b&%4=x&good=1&cut=%4"));
}

static void no_query(leat_exchange *x)
{
    assert_null(leat_query(x, "a"));
    assert_null(leat_query(x, ""));
    assert_int_equal(leat_query_string(x).size, 0);
}

static void without_a_query_nothing_is_found(void **state)
{
    (void)state;
    put_question(no_query, GET("/search"));
    put_question(no_query, GET("/search?"));
}

static void content(leat_exchange *x)
{
    assert_string_equal(leat_method(x), "POST");
    assert_slice(leat_content(x), "water");
}

static void content_is_whole(void **state)
{
    (void)state;
    put_question(content, "POST /search HTTP/1.1\r\nHost: leat\r\nContent-Length: 5\r\n\r\nwater");
}

static void an_unknown_method_is_told_as_sent(void **state)
{
    (void)state;
    begin(&bench, "BREW /search HTTP/1.1\r\nHost: leat\r\n\r\n");
    assert_string_equal(leat_method(bench.x), "BREW");
    assert_int_equal(leat__exchange_route(bench.x), 0);
    leat__exchange_run(bench.x);
    assert_int_equal(status_of(send_out(&bench)), 501);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_routes, close_routes)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(parts_of_the_target_are_as_sent),
        TEST(an_absolute_target_without_a_path_means_the_root),
        TEST(a_get_handler_sees_that_it_is_asked_for_a_head),
        TEST(fields_are_found_in_any_case_and_the_first_counts),
        TEST(params_are_decoded_once),
        TEST(a_rest_has_all_segments),
        TEST(an_encoded_path_finds_its_route),
        TEST(numbers_are_whole_or_not_there),
        TEST(queries_are_decoded),
        TEST(keys_of_a_query_are_decoded_too),
        TEST(a_query_value_that_cannot_be_decoded_is_none),
        TEST(without_a_query_nothing_is_found),
        TEST(content_is_whole),
        TEST(an_unknown_method_is_told_as_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
