/* test_candidates.c: what is compared: the product of settings, commands, addresses; and flags. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "compare/compare.h"
#include <math.h>

static struct compare_options options;
static struct compare_candidate candidates[COMPARE_CANDIDATES_MAX];
static char error[COMPARE_ERROR_SIZE];

/* Words up to NULL as the command line; answers the status of reading it. */
static int read_line(char **argv)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    error[0] = '\0';
    return leat__compare_options_read(&options, argc, argv, error, sizeof error);
}

#define READ(...) read_line((char *[]){(char[]){"compare"}, __VA_ARGS__, NULL})
#define WORD(text) ((char[]){text})

static int find_candidates(void)
{
    return leat__compare_candidates(candidates, &options, error, sizeof error);
}

static void assert_refused(int status, const char *part)
{
    assert_true(status != 0 && status != 1);
    if (strstr(error, part) == NULL)
        fail_msg("%s: %s", part, error);
    assert_null(strchr(error, '\n'));
}

static void settings_multiply(void **state)
{
    (void)state;
    static const char *const names[] = {"loop=uring size=4k x=1",  "loop=uring size=16k x=1",
                                        "loop=uring size=64k x=1", "loop=epoll size=4k x=1",
                                        "loop=epoll size=16k x=1", "loop=epoll size=64k x=1"};
    assert_int_equal(READ(WORD("--vary"), WORD("loop=uring,epoll"), WORD("--vary=size=4k,16k,64k"),
                          WORD("--vary"), WORD("x=1"),
                          WORD("leat serve --listen :{port} --loop {loop} --b {size} {x}")),
                     0);
    assert_int_equal(find_candidates(), 6);
    for (unsigned i = 0; i < 6; i++) {
        assert_string_equal(candidates[i].name, names[i]);
        assert_int_equal(candidates[i].setting_count, 3);
        assert_string_equal(candidates[i].url, "http://127.0.0.1:{port}/");
    }
    assert_string_equal(candidates[4].settings[1].name, "size");
    assert_string_equal(candidates[4].settings[1].value, "16k");
}

static void a_value_may_be_empty(void **state)
{
    (void)state;
    assert_int_equal(READ(WORD("--vary"), WORD("extra=,--metrics"), WORD("x {port} {extra}")), 0);
    assert_int_equal(find_candidates(), 2);
    assert_string_equal(candidates[0].settings[0].value, "");
    assert_string_equal(candidates[1].settings[0].value, "--metrics");
}

static void commands_and_addresses_mix(void **state)
{
    (void)state;
    assert_int_equal(
        READ(WORD("nginx -p '{port}'"), WORD("http://127.0.0.1:80/x@123"), WORD("unix:/run/x@y")), 0);
    assert_int_equal(find_candidates(), 3);
    assert_string_equal(candidates[0].name, "A");
    assert_int_equal(candidates[0].command.count, 3);
    assert_string_equal(candidates[1].url, "http://127.0.0.1:80/x");
    assert_int_equal(candidates[1].pid, 123);
    assert_int_equal(candidates[1].command.count, 0);
    assert_string_equal(candidates[2].url, "unix:/run/x@y");
    assert_int_equal(candidates[2].pid, 0);
}

static void a_path_is_enough_for_commands(void **state)
{
    (void)state;
    assert_int_equal(READ(WORD("--url"), WORD("/a?b"), WORD("x {port}"), WORD("y {port}")), 0);
    assert_int_equal(find_candidates(), 2);
    assert_string_equal(candidates[1].url, "http://127.0.0.1:{port}/a?b");
    assert_int_equal(
        READ(WORD("--url"), WORD("http://[::1]:{port}/z"), WORD("x {port}"), WORD("y {port}")), 0);
    assert_int_equal(find_candidates(), 2);
    assert_string_equal(candidates[0].url, "http://[::1]:{port}/z");
    assert_int_equal(READ(WORD("--url"), WORD("http://127.0.0.1:8080/"), WORD("x"), WORD("y")), 0);
    assert_int_equal(find_candidates(), 2);
}

#define REFUSED(part, ...)                                                                         \
    do {                                                                                           \
        assert_int_equal(READ(__VA_ARGS__), 0);                                                    \
        assert_refused(find_candidates(), part);                                                   \
    } while (0)

static void what_cannot_be_compared_is_refused(void **state)
{
    (void)state;
    REFUSED("two commands", WORD("x {port}"));
    REFUSED("has no {port}", WORD("x"), WORD("y {port}"));
    REFUSED("has no {port}", WORD("--url=/x"), WORD("x"), WORD("y {port}"));
    REFUSED("and --url has", WORD("--url=http://h:{port}/"), WORD("x"), WORD("y {port}"));
    REFUSED("never closed", WORD("x 'a {port}"), WORD("y {port}"));
    REFUSED("behind @", WORD("http://h/@99999999999"), WORD("y {port}"));
    REFUSED("takes one command", WORD("--vary=a=1,2"), WORD("x {port} {a}"), WORD("y {port} {a}"));
    REFUSED("has no {a}", WORD("--vary=a=1,2"), WORD("x {port}"));
    REFUSED("given twice", WORD("--vary=a=1,2"), WORD("--vary=a=3"), WORD("x {port} {a}"));
    REFUSED("one value only", WORD("--vary=a=1"), WORD("x {port} {a}"));
    REFUSED("keeps its settings", WORD("--vary=a=1,2"), WORD("http://h/{a}"));
    REFUSED("more than 64", WORD("--vary=a=1,2,3,4,5,6,7,8,9"), WORD("--vary=b=1,2,3,4,5,6,7,8"),
            WORD("x {port} {a} {b}"));
}

static void flags_are_read(void **state)
{
    (void)state;
    assert_int_equal(READ(WORD("--at-most"), WORD("2m"), WORD("--detect=0.5%"),
                          WORD("--server-cores"), WORD("0"), WORD("--seed=7"), WORD("--json"),
                          WORD("--report"), WORD("x.svg"), WORD("a"), WORD("--quiet"), WORD("b"),
                          WORD("--"), WORD("--active"), WORD("8")),
                     0);
    assert_true(fabs(options.at_most_s - 120) < 1e-9 && fabs(options.detect - 0.005) < 1e-12);
    assert_true(options.json && options.quiet && !options.help && options.seed == 7);
    assert_int_equal(options.operand_count, 2);
    assert_int_equal(options.flag_count, 2);
    assert_string_equal(options.flags[1], "8");
    assert_int_equal(CPU_COUNT(&options.server_cores), 1);
}

static void wrong_flags_are_refused(void **state)
{
    (void)state;
    assert_refused(READ(WORD("--rounds=0")), "1 to 400");
    assert_refused(READ(WORD("--rounds=401")), "1 to 400");
    assert_refused(READ(WORD("--rounds=4"), WORD("--at-most=3s")), "don't go together");
    assert_refused(READ(WORD("--at-most"), WORD("10")), "90s");
    assert_refused(READ(WORD("--detect=-1")), "0 to 100");
    assert_refused(READ(WORD("--cores=1-")), "by number");
    assert_refused(READ(WORD("--cores=1000")), "can be used here");
    assert_refused(READ(WORD("--cores=99999999999999999999")), "by number");
    assert_refused(READ(WORD("--report=x.pdf")), ".svg, .png or .html");
    assert_refused(READ(WORD("--json=yes")), "no value");
    assert_refused(READ(WORD("--seed")), "missing");
    assert_refused(READ(WORD("--round=3")), "did you mean --rounds");
    assert_refused(READ(WORD("--active=3")), "behind --");
    assert_refused(READ(WORD("-x")), "no such option");
    assert_refused(READ(WORD("--vary=x")), "NAME=VALUE");
    assert_refused(READ(WORD("--vary=port=1")), "{port}");
    assert_refused(READ(WORD("--vary=a=1,1")), "twice");
}

static void the_loads_flags_reach_it(void **state)
{
    (void)state;
    static struct load_options load;
    assert_int_equal(
        READ(WORD("a"), WORD("b"), WORD("--"), WORD("--active=8"), WORD("--duration"), WORD("2s")), 0);
    assert_int_equal(
        leat__compare_options_load(&options, "http://127.0.0.1:9/x", &load, error, sizeof error), 0);
    assert_int_equal(load.active, 8);
    assert_true(fabs(load.duration_s - 2) < 1e-9 && fabs(load.warmup_s - 0.2) < 1e-9);
    assert_true(CPU_EQUAL(&load.active_cores, &options.cores));
    leat__load_options_free(&load);
    assert_int_equal(READ(WORD("a"), WORD("b"), WORD("--"), WORD("--nothing")), 0);
    assert_refused(leat__compare_options_load(&options, "http://127.0.0.1:9/x", &load, error, sizeof error),
                   "--nothing");
    assert_int_equal(READ(WORD("a"), WORD("b"), WORD("--"), WORD("http://x/")), 0);
    assert_refused(leat__compare_options_load(&options, "http://127.0.0.1:9/x", &load, error, sizeof error),
                   "http://x/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_multiply),
        cmocka_unit_test(a_value_may_be_empty),
        cmocka_unit_test(commands_and_addresses_mix),
        cmocka_unit_test(a_path_is_enough_for_commands),
        cmocka_unit_test(what_cannot_be_compared_is_refused),
        cmocka_unit_test(flags_are_read),
        cmocka_unit_test(wrong_flags_are_refused),
        cmocka_unit_test(the_loads_flags_reach_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
