/* test_compile.c: what is refused at start, and with which words. */
#include "router/router.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void expect_refused(const struct router_route *routes, uint32_t count, const char *line)
{
    char error[512] = "";
    assert_int_equal(leat__router_measure(routes, count, error, sizeof error), -EINVAL);
    assert_string_equal(error, line);
}

static void expect_pattern_refused(const char *pattern, const char *line)
{
    struct router_route routes[] = {{HTTP_GET, "/fine", 0}, {HTTP_GET, pattern, 1}};
    expect_refused(routes, 2, line);
}

static void expect_accepted(const struct router_route *routes, uint32_t count)
{
    char error[512] = "";
    if (leat__router_measure(routes, count, error, sizeof error) <= 0)
        fail_msg("%s", error);
}

static void a_pattern_begins_with_a_slash(void **state)
{
    (void)state;
    expect_pattern_refused("a/b", "pattern \"a/b\": must begin with \"/\"");
    expect_pattern_refused("", "pattern \"\": must begin with \"/\"");
    expect_pattern_refused(NULL, "pattern \"(null)\": there is none");
}

static void rest_is_last(void **state)
{
    (void)state;
    expect_pattern_refused("/a/*rest/b", "pattern \"/a/*rest/b\": \"*rest\" must be last");
    expect_pattern_refused("/a/*rest/", "pattern \"/a/*rest/\": \"*rest\" must be last");
}

static void parameters_have_names(void **state)
{
    (void)state;
    expect_pattern_refused("/a/:", "pattern \"/a/:\": \":\" needs a name behind it");
    expect_pattern_refused("/a/:/b", "pattern \"/a/:/b\": \":\" needs a name behind it");
    expect_pattern_refused("/*", "pattern \"/*\": \"*\" needs a name behind it");
    expect_pattern_refused("/:id.json", "pattern \"/:id.json\": \":id.json\": a name is made of "
                                        "letters, digits, \"_\" and \"-\"");
}

static void names_differ_within_a_pattern(void **state)
{
    (void)state;
    expect_pattern_refused("/:a/:b/:a", "pattern \"/:a/:b/:a\": the name \"a\" is used twice");
    expect_pattern_refused("/:a/*a", "pattern \"/:a/*a\": the name \"a\" is used twice");
    struct router_route fine = {HTTP_GET, "/:a/:ab/*b", 0};
    expect_accepted(&fine, 1);
}

static void empty_segments_are_refused_but_at_the_end(void **state)
{
    (void)state;
    expect_pattern_refused("/a//b", "pattern \"/a//b\": \"//\" has an empty segment in it");
    expect_pattern_refused("//", "pattern \"//\": \"//\" has an empty segment in it");
    struct router_route fine[] = {{HTTP_GET, "/", 0}, {HTTP_GET, "/a/", 1}, {HTTP_GET, "/a", 2}};
    expect_accepted(fine, 3);
}

static void limits_are_kept(void **state)
{
    (void)state;
    char pattern[ROUTER_PATTERN_MAX + 2], line[512], head[201];
    memset(pattern, 'a', sizeof pattern);
    pattern[0] = '/';
    pattern[ROUTER_PATTERN_MAX + 1] = '\0';
    snprintf(head, sizeof head, "%.200s", pattern);
    snprintf(line, sizeof line, "pattern \"%s...\": longer than 1024 octets", head);
    expect_pattern_refused(pattern, line);
    pattern[ROUTER_PATTERN_MAX] = '\0';
    struct router_route longest = {HTTP_GET, pattern, 0};
    expect_accepted(&longest, 1);

    pattern[0] = '\0';
    for (int i = 0; i < ROUTER_SEGMENTS_MAX; i++)
        strcat(pattern, "/s");
    expect_accepted(&longest, 1);
    strcat(pattern, "/s");
    snprintf(line, sizeof line, "pattern \"%s\": more than 64 segments", pattern);
    expect_pattern_refused(pattern, line);

    pattern[0] = '\0';
    for (int i = 0; i < ROUTER_PARAMS_MAX; i++)
        sprintf(pattern + strlen(pattern), "/:p%d", i);
    expect_accepted(&longest, 1);
    strcat(pattern, "/:q");
    snprintf(line, sizeof line, "pattern \"%s\": more than 16 parameters", pattern);
    expect_pattern_refused(pattern, line);
}

static void twins_are_named_both_in_the_order_given(void **state)
{
    (void)state;
    struct router_route params[] = {
        {HTTP_GET, "/z", 0}, {HTTP_GET, "/a/:x", 1}, {HTTP_POST, "/a/:x", 2}, {HTTP_GET, "/a/:y", 3}};
    expect_refused(params, 4, "GET /a/:x and GET /a/:y are the same route");
    struct router_route rests[] = {{HTTP_PUT, "/:b/*r", 0}, {HTTP_PUT, "/:a/*r", 1}};
    expect_refused(rests, 2, "PUT /:b/*r and PUT /:a/*r are the same route");
    struct router_route statics[] = {{HTTP_GET, "/", 0}, {HTTP_GET, "/", 1}};
    expect_refused(statics, 2, "GET / and GET / are the same route");
}

static void what_only_looks_alike_is_accepted(void **state)
{
    (void)state;
    struct router_route routes[] = {
        {HTTP_GET, "/a/:x", 0},  {HTTP_POST, "/a/:y", 1}, {HTTP_GET, "/a/*x", 2},
        {HTTP_GET, "/a/:x/", 3}, {HTTP_GET, "/a/x", 4},   {HTTP_HEAD, "/a/x", 5},
        {HTTP_GET, "/a:b", 6},   {HTTP_GET, "/a*b/c", 7},
    };
    expect_accepted(routes, COUNT_OF(routes));
}

static void an_unknown_method_is_refused(void **state)
{
    (void)state;
    struct router_route route = {HTTP_METHOD_UNKNOWN, "/a", 0};
    expect_refused(&route, 1, "pattern \"/a\": not a method we know");
}

static void patterns_are_copied(void **state)
{
    (void)state;
    char *pattern = strdup("/copied/:name");
    struct router_route route = {HTTP_GET, pattern, 7};
    char error[64];
    ptrdiff_t size = leat__router_measure(&route, 1, error, sizeof error);
    assert_true(size > 0);
    void *memory = aligned_alloc(16, (size_t)size);
    const struct router *router = leat__router_compile(memory, (size_t)size, &route, 1);
    memset(pattern, 'x', strlen(pattern));
    free(pattern);
    struct router_match m;
    assert_int_equal(leat__router_match(router, HTTP_GET, "/copied/a", 9, &m), ROUTER_FOUND);
    assert_string_equal(m.names[0], "name");
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_begins_with_a_slash),
        cmocka_unit_test(rest_is_last),
        cmocka_unit_test(parameters_have_names),
        cmocka_unit_test(names_differ_within_a_pattern),
        cmocka_unit_test(empty_segments_are_refused_but_at_the_end),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(twins_are_named_both_in_the_order_given),
        cmocka_unit_test(what_only_looks_alike_is_accepted),
        cmocka_unit_test(an_unknown_method_is_refused),
        cmocka_unit_test(patterns_are_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
