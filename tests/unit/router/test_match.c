/* test_match.c: what a path finds. */
#include "router/router.h"
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define ROUTES(...)                                                                                \
    (struct router_route[])                                                                        \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define COMPILE(...)                                                                               \
    compile(ROUTES(__VA_ARGS__), sizeof ROUTES(__VA_ARGS__) / sizeof(struct router_route))
#define BIT(method) (1u << HTTP_##method)

/* The table ends where its memory ends, so that sanitizers see what reads past it. */
static struct router *compile(const struct router_route *routes, uint32_t count)
{
    char error[256] = "";
    ptrdiff_t size = leat__router_measure(routes, count, error, sizeof error);
    if (size < 0)
        fail_msg("%s", error);
    void *memory = aligned_alloc(16, (size_t)size);
    assert_non_null(memory);
    memset(memory, 0xa5, (size_t)size);
    assert_ptr_equal(leat__router_compile(memory, (size_t)size, routes, count), memory);
    return memory;
}

static enum router_result match(const struct router *router, enum http_method method,
                                const char *path, struct router_match *m)
{
    size_t size = strlen(path);
    char *exact = malloc(size ? size : 1); /* no octet behind the path */
    memcpy(exact, path, size);
    memset(m, 0xa5, sizeof *m);
    enum router_result result = leat__router_match(router, method, exact, size, m);
    free(exact);
    return result;
}

static void expect_found(const struct router *router, enum http_method method, const char *path,
                         uint32_t value)
{
    struct router_match m;
    enum router_result result = match(router, method, path, &m);
    if (result != ROUTER_FOUND || m.value != value)
        fail_msg("%s: result %d, value %u, not %u", path, result, m.value, value);
}

static void expect_result(const struct router *router, enum http_method method, const char *path,
                          enum router_result expected, unsigned allowed)
{
    struct router_match m;
    enum router_result result = match(router, method, path, &m);
    if (result != expected || m.allowed != allowed)
        fail_msg("%s: result %d allowed %x, not %d %x", path, result, m.allowed, expected, allowed);
}

static void expect_param(const struct router *router, const char *path, size_t nth,
                         const char *name, const char *value)
{
    struct router_match m;
    assert_int_equal(match(router, HTTP_GET, path, &m), ROUTER_FOUND);
    assert_in_range(nth, 0, m.param_count - 1u);
    assert_string_equal(m.names[nth], name);
    assert_int_equal(m.params[nth].size, strlen(value));
    assert_memory_equal(path + m.params[nth].at, value, strlen(value));
}

static void an_empty_table_finds_nothing(void **state)
{
    (void)state;
    struct router *router = compile(NULL, 0);
    expect_result(router, HTTP_GET, "/", ROUTER_NOT_FOUND, 0);
    expect_result(router, HTTP_GET, "", ROUTER_NOT_FOUND, 0);
    free(router);
}

static void a_static_path_is_found_whole_and_only_whole(void **state)
{
    (void)state;
    struct router *router = COMPILE({HTTP_GET, "/", 1}, {HTTP_GET, "/a", 2}, {HTTP_GET, "/a/", 3},
                                    {HTTP_GET, "/a/bcdefghi/jklmnopqrstuvwxyz", 4});
    expect_found(router, HTTP_GET, "/", 1);
    expect_found(router, HTTP_GET, "/a", 2);
    expect_found(router, HTTP_GET, "/a/", 3);
    expect_found(router, HTTP_GET, "/a/bcdefghi/jklmnopqrstuvwxyz", 4);
    expect_result(router, HTTP_GET, "/a/bcdefghi/jklmnopqrstuvwxyZ", ROUTER_NOT_FOUND, 0);
    expect_result(router, HTTP_GET, "/a/bcdefghi", ROUTER_NOT_FOUND, 0);
    expect_result(router, HTTP_GET, "/A", ROUTER_NOT_FOUND, 0);
    expect_result(router, HTTP_GET, "//", ROUTER_NOT_FOUND, 0);
    expect_result(router, HTTP_GET, "/a//", ROUTER_NOT_FOUND, 0);
    free(router);
}

static void what_is_no_path_is_not_found(void **state)
{
    (void)state;
    struct router *router = COMPILE({HTTP_GET, "/*all", 1}, {HTTP_OPTIONS, "/", 2});
    expect_result(router, HTTP_OPTIONS, "*", ROUTER_NOT_FOUND, 0);
    expect_result(router, HTTP_CONNECT, "example.com:80", ROUTER_NOT_FOUND, 0);
    expect_result(router, HTTP_GET, "", ROUTER_NOT_FOUND, 0);
    free(router);
}

static void a_parameter_takes_one_segment_that_is_not_empty(void **state)
{
    (void)state;
    struct router *router = COMPILE({HTTP_GET, "/hello/:name", 1}, {HTTP_GET, "/:a/x/:b", 2});
    expect_param(router, "/hello/world", 0, "name", "world");
    expect_param(router, "/hello/:name", 0, "name", ":name");
    expect_param(router, "/one/x/three", 0, "a", "one");
    expect_param(router, "/one/x/three", 1, "b", "three");
    expect_result(router, HTTP_GET, "/hello/", ROUTER_NOT_FOUND, 0);
    expect_result(router, HTTP_GET, "/hello", ROUTER_NOT_FOUND, 0);
    expect_result(router, HTTP_GET, "/hello/a/b", ROUTER_NOT_FOUND, 0);
    expect_result(router, HTTP_GET, "//x/b", ROUTER_NOT_FOUND, 0);
    free(router);
}

static void rest_takes_all_that_is_left_slashes_and_nothing_too(void **state)
{
    (void)state;
    struct router *router = COMPILE({HTTP_GET, "/files/*path", 1}, {HTTP_GET, "/u/:id/*more", 2});
    expect_param(router, "/files/a/b//c", 0, "path", "a/b//c");
    expect_param(router, "/files/", 0, "path", "");
    expect_param(router, "/u/7/", 1, "more", "");
    expect_param(router, "/u/7/x/", 0, "id", "7");
    expect_param(router, "/u/7/x/", 1, "more", "x/");
    expect_result(router, HTTP_GET, "/files", ROUTER_NOT_FOUND, 0);
    expect_result(router, HTTP_GET, "/u//x", ROUTER_NOT_FOUND, 0);
    free(router);
}

static void static_beats_parameter_beats_rest(void **state)
{
    (void)state;
    struct router *router = COMPILE({HTTP_GET, "/*r", 1}, {HTTP_GET, "/:p", 2}, {HTTP_GET, "/a", 3},
                                    {HTTP_GET, "/a/:p", 4}, {HTTP_GET, "/:p/b", 5},
                                    {HTTP_GET, "/a/*r", 6});
    expect_found(router, HTTP_GET, "/a", 3);
    expect_found(router, HTTP_GET, "/b", 2);
    expect_found(router, HTTP_GET, "/", 1);
    expect_found(router, HTTP_GET, "/a/b", 4); /* the leftmost segment decides */
    expect_found(router, HTTP_GET, "/c/b", 5);
    expect_found(router, HTTP_GET, "/c/c", 1);
    expect_found(router, HTTP_GET, "/a/", 6);
    expect_found(router, HTTP_GET, "/a/b/c", 6);
    free(router);
}

static void a_better_start_that_leads_nowhere_is_stepped_back_from(void **state)
{
    (void)state;
    struct router *router = COMPILE({HTTP_GET, "/a/b/c", 1}, {HTTP_GET, "/a/:x/d", 2},
                                    {HTTP_GET, "/:y/b/e", 3}, {HTTP_GET, "/:y/:z/:w/f", 4});
    expect_found(router, HTTP_GET, "/a/b/c", 1);
    expect_found(router, HTTP_GET, "/a/b/d", 2);
    expect_found(router, HTTP_GET, "/a/b/e", 3);
    expect_found(router, HTTP_GET, "/a/b/c/f", 4);
    expect_param(router, "/a/b/d", 0, "x", "b");
    expect_param(router, "/a/b/e", 0, "y", "a");
    expect_param(router, "/a/b/c/f", 2, "w", "c");
    free(router);
}

static void params_of_the_found_route_survive_the_rest_of_the_walk(void **state)
{
    (void)state;
    struct router *router = COMPILE({HTTP_GET, "/:one/b", 1}, {HTTP_POST, "/:two/:three", 2},
                                    {HTTP_PUT, "/*four", 3});
    expect_param(router, "/a/b", 0, "one", "a");
    expect_result(router, HTTP_GET, "/a/b", ROUTER_FOUND,
                  BIT(GET) | BIT(HEAD) | BIT(POST) | BIT(PUT) | BIT(OPTIONS));
    free(router);
}

static void allowed_is_of_every_pattern_that_matches(void **state)
{
    (void)state;
    struct router *router = COMPILE({HTTP_GET, "/a/b", 1}, {HTTP_POST, "/a/:x", 2},
                                    {HTTP_DELETE, "/:x/b", 3}, {HTTP_PATCH, "/*r", 4});
    unsigned all = BIT(GET) | BIT(HEAD) | BIT(POST) | BIT(DELETE) | BIT(PATCH) | BIT(OPTIONS);
    expect_result(router, HTTP_PUT, "/a/b", ROUTER_NOT_ALLOWED, all);
    expect_result(router, HTTP_METHOD_UNKNOWN, "/a/b", ROUTER_NOT_ALLOWED, all);
    expect_result(router, HTTP_OPTIONS, "/a/b", ROUTER_NOT_ALLOWED, all);
    expect_result(router, HTTP_GET, "/a/b", ROUTER_FOUND, all);
    expect_result(router, HTTP_PUT, "/a/c", ROUTER_NOT_ALLOWED, BIT(POST) | BIT(PATCH) | BIT(OPTIONS));
    expect_result(router, HTTP_PUT, "/", ROUTER_NOT_ALLOWED, BIT(PATCH) | BIT(OPTIONS));
    free(router);
}

static void a_method_may_be_found_behind_a_worse_pattern(void **state)
{
    (void)state;
    struct router *router = COMPILE({HTTP_POST, "/a/b", 1}, {HTTP_GET, "/a/:x", 2},
                                    {HTTP_PUT, "/*r", 3});
    expect_found(router, HTTP_POST, "/a/b", 1);
    expect_found(router, HTTP_GET, "/a/b", 2);
    expect_param(router, "/a/b", 0, "x", "b");
    expect_found(router, HTTP_PUT, "/a/b", 3);
    free(router);
}

static void head_falls_back_to_get(void **state)
{
    (void)state;
    struct router *router = COMPILE({HTTP_GET, "/a", 1}, {HTTP_GET, "/b", 2}, {HTTP_HEAD, "/b", 3},
                                    {HTTP_POST, "/c", 4}, {HTTP_GET, "/:p", 5});
    expect_found(router, HTTP_HEAD, "/a", 1);
    expect_found(router, HTTP_HEAD, "/b", 3);
    expect_found(router, HTTP_GET, "/b", 2);
    expect_found(router, HTTP_HEAD, "/c", 5);
    expect_found(router, HTTP_HEAD, "/d", 5);
    free(router);
}

static void options_can_have_a_route_of_its_own(void **state)
{
    (void)state;
    struct router *router = COMPILE({HTTP_OPTIONS, "/a", 1});
    expect_found(router, HTTP_OPTIONS, "/a", 1);
    expect_result(router, HTTP_GET, "/a", ROUTER_NOT_ALLOWED, BIT(OPTIONS));
    free(router);
}

static void methods_of_one_shape_keep_their_own_names(void **state)
{
    (void)state;
    struct router *router = COMPILE({HTTP_GET, "/a/:x/:y", 1}, {HTTP_POST, "/a/:p/:q", 2});
    struct router_match m;
    assert_int_equal(match(router, HTTP_GET, "/a/1/2", &m), ROUTER_FOUND);
    assert_string_equal(m.names[0], "x");
    assert_string_equal(m.names[1], "y");
    assert_int_equal(match(router, HTTP_POST, "/a/1/2", &m), ROUTER_FOUND);
    assert_string_equal(m.names[0], "p");
    assert_string_equal(m.names[1], "q");
    free(router);
}

static void the_longest_pattern_with_all_its_params_matches(void **state)
{
    (void)state;
    char pattern[512] = "", path[512] = "";
    for (int i = 0; i < ROUTER_SEGMENTS_MAX; i++) {
        bool is_param = i >= ROUTER_SEGMENTS_MAX - ROUTER_PARAMS_MAX;
        sprintf(pattern + strlen(pattern), is_param ? "/:p%d" : "/s%d", i);
        sprintf(path + strlen(path), "/s%d", i);
    }
    struct router *router = COMPILE({HTTP_GET, pattern, 9}, {HTTP_POST, "/*r", 8});
    expect_param(router, path, ROUTER_PARAMS_MAX - 1, "p63", "s63");
    strcat(path, "/more");
    expect_result(router, HTTP_GET, path, ROUTER_NOT_ALLOWED, BIT(POST) | BIT(OPTIONS));
    free(router);
}

static void a_path_of_65535_octets_is_matched_and_a_longer_one_is_not(void **state)
{
    (void)state;
    struct router *router = COMPILE({HTTP_GET, "/*r", 1});
    char *path = malloc(65536 + 1);
    memset(path, '/', 65536);
    path[65536] = '\0';
    struct router_match m;
    assert_int_equal(match(router, HTTP_GET, path + 1, &m), ROUTER_FOUND);
    assert_int_equal(m.params[0].size, 65534);
    assert_int_equal(match(router, HTTP_GET, path, &m), ROUTER_NOT_FOUND);
    free(path);
    free(router);
}

static void a_wide_table_finds_each_of_its_routes(void **state)
{
    (void)state;
    enum { WIDE = 3000 };
    static char patterns[WIDE][32];
    static struct router_route routes[WIDE];
    for (uint32_t i = 0; i < WIDE; i++) {
        sprintf(patterns[i], i % 2 ? "/wide/%u/:x" : "/wide/segment-%u", i);
        routes[i] = (struct router_route){HTTP_GET, patterns[i], i};
    }
    struct router *router = compile(routes, WIDE);
    for (uint32_t i = 0; i < WIDE; i++) {
        char path[32];
        sprintf(path, i % 2 ? "/wide/%u/y" : "/wide/segment-%u", i);
        expect_found(router, HTTP_GET, path, i);
    }
    free(router);
}

static uint64_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

/* Few words, so that patterns and paths meet. */
static void draw_text(char *out, bool is_pattern)
{
    static const char *const words[] = {"a", "b", "ab", "abcdefgh", "abcdefghi", "abcdefghj"};
    uint32_t segments = 1 + draw(4), name = 0;
    *out = '\0';
    for (uint32_t i = 0; i < segments; i++) {
        out += sprintf(out, "/");
        uint32_t kind = is_pattern ? draw(5) : 0;
        if (kind == 3)
            out += sprintf(out, ":n%u", name++);
        else if (kind == 4 && i + 1 == segments)
            out += sprintf(out, "*n%u", name++);
        else if (draw(8) || (is_pattern && i + 1 < segments))
            out += sprintf(out, "%s", words[draw(COUNT_OF(words))]);
    }
}

static void random_tables_agree_with_the_model(void **state)
{
    (void)state;
    enum { ROUTES_MAX = 24, TABLES = 4000, PATHS = 40 };
    char patterns[ROUTES_MAX][64], path[64], error[256];
    struct router_route routes[ROUTES_MAX];
    uint32_t compared[3] = {0};
    seed = 20250101;
    for (uint32_t table = 0; table < TABLES; table++) {
        uint32_t count = 0, wanted = 1 + draw(ROUTES_MAX);
        for (uint32_t i = 0; i < wanted; i++) {
            draw_text(patterns[count], true);
            routes[count] = (struct router_route){draw(4), patterns[count], 1000 + count};
            count += leat__router_measure(routes, count + 1, error, sizeof error) > 0;
        }
        struct router *router = compile(routes, count);
        for (uint32_t i = 0; i < PATHS; i++) {
            draw_text(path, false);
            enum http_method method = draw(HTTP_METHOD_COUNT + 1);
            struct router_match real, model;
            uint32_t found = 0;
            enum router_result expected = model_match(routes, count, method, path, strlen(path),
                                                      &model, &found);
            enum router_result result = match(router, method, path, &real);
            if (result != expected || real.allowed != model.allowed || real.param_count != model.param_count)
                fail_msg("table %u path %s: %d %x, model %d %x", table, path, result, real.allowed,
                         expected, model.allowed);
            compared[result]++;
            if (result != ROUTER_FOUND)
                continue;
            assert_int_equal(real.value, model.value);
            assert_memory_equal(real.params, model.params, model.param_count * sizeof *model.params);
        }
        free(router);
    }
    assert_true(compared[ROUTER_FOUND] > 10000 && compared[ROUTER_NOT_ALLOWED] > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_finds_nothing),
        cmocka_unit_test(a_static_path_is_found_whole_and_only_whole),
        cmocka_unit_test(what_is_no_path_is_not_found),
        cmocka_unit_test(a_parameter_takes_one_segment_that_is_not_empty),
        cmocka_unit_test(rest_takes_all_that_is_left_slashes_and_nothing_too),
        cmocka_unit_test(static_beats_parameter_beats_rest),
        cmocka_unit_test(a_better_start_that_leads_nowhere_is_stepped_back_from),
        cmocka_unit_test(params_of_the_found_route_survive_the_rest_of_the_walk),
        cmocka_unit_test(allowed_is_of_every_pattern_that_matches),
        cmocka_unit_test(a_method_may_be_found_behind_a_worse_pattern),
        cmocka_unit_test(head_falls_back_to_get),
        cmocka_unit_test(options_can_have_a_route_of_its_own),
        cmocka_unit_test(methods_of_one_shape_keep_their_own_names),
        cmocka_unit_test(the_longest_pattern_with_all_its_params_matches),
        cmocka_unit_test(a_path_of_65535_octets_is_matched_and_a_longer_one_is_not),
        cmocka_unit_test(a_wide_table_finds_each_of_its_routes),
        cmocka_unit_test(random_tables_agree_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
