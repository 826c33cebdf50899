/* test_config.c: what a machine makes of a configuration, and which limits contradict each other. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "config/config.h"

static const struct machine here = {
    .processors = 2, .descriptor_limit = 20000, .memory = 24ull << 30, .uring = true};

static char error[512];

static struct config completed(const struct machine *machine)
{
    struct config config;
    leat__config_default(&config);
    leat__config_fill(&config, machine);
    return config;
}

/* The plan of config, with its bounds held against the machine. */
static int plan_of(const struct config *config, struct plan *plan)
{
    struct plan_input input;
    leat__config_plan_input(config, &input);
    error[0] = '\0';
    return leat__plan_make(plan, &input, error, sizeof error);
}

static void nothing_is_zero_after_completing(void **state)
{
    (void)state;
    struct config c = completed(&here);
    assert_int_equal(c.shards, 2);
    assert_int_equal(c.exchanges, 4096);
    assert_true(c.connections > 10000 && c.connections < 20000);
    assert_int_equal(c.content_total, 256 << 20);
    assert_int_equal(c.memory, 12ull << 30);
    assert_int_equal(c.machine_memory, 24ull << 30);
    assert_int_equal(c.descriptor_limit, 20000);
    assert_true(c.uring);
}

/* From a small container to a large machine: what completing finds passes its own check and the plan's. */
static void defaults_fit_every_machine(void **state)
{
    (void)state;
    static const uint32_t processors[] = {1, 2, 8, 64, 256};
    static const uint32_t descriptors[] = {1024, 4096, 20000, 1048576};
    static const uint64_t memories[] = {256ull << 20, 512ull << 20, 2ull << 30, 24ull << 30, 1ull << 40};
    static struct plan plan;
    for (size_t p = 0; p < COUNT_OF(processors); p++)
        for (size_t d = 0; d < COUNT_OF(descriptors); d++)
            for (size_t m = 0; m < COUNT_OF(memories); m++) {
                for (int uring = 0; uring < 2; uring++) {
                    struct machine machine = {processors[p], descriptors[d], memories[m], uring, false};
                    struct config c = completed(&machine);
                    assert_int_equal(leat__config_check(&c, error, sizeof error), 0);
                    if (plan_of(&c, &plan) < 0)
                        fail_msg("%u processors, %u descriptors, %llu MiB: %s", processors[p],
                                 descriptors[d], (unsigned long long)memories[m] >> 20, error);
                    assert_true(c.exchanges <= 4096 && c.exchanges <= c.connections);
                    assert_true(c.connections <= 100000);
                    assert_true(plan.ours <= machine.memory / 2);
                }
            }
}

/* There must be room for files that are kept open, for the cache and the workers, however little memory there is. */
static void a_server_of_files_fits_too(void **state)
{
    (void)state;
    static const uint32_t processors[] = {1, 2, 64}, descriptors[] = {512, 1024, 4096, 20000, 1048576};
    static struct plan plan;
    for (size_t p = 0; p < COUNT_OF(processors); p++)
        for (size_t d = 0; d < COUNT_OF(descriptors); d++) {
            struct machine machine = {processors[p], descriptors[d], 24ull << 30, true, false};
            struct config c;
            struct plan_input input;
            leat__config_default(&c);
            c.serves_files = true;
            leat__config_fill(&c, &machine);
            leat__config_plan_input(&c, &input);
            assert_int_equal(input.file_descriptors, c.file_descriptors);
            assert_true(c.file_descriptors >= descriptors[d] / 32 || c.file_descriptors == 256);
            if (leat__plan_make(&plan, &input, error, sizeof error) < 0)
                fail_msg("%u processors, %u descriptors: %s", processors[p], descriptors[d], error);
            assert_true(plan.descriptors <= descriptors[d]);
        }
    for (uint64_t memory = 10 << 20; memory <= 256 << 20; memory += 3 << 20) {
        struct machine machine = {2, 20000, 24ull << 30, true, false};
        struct config c;
        struct plan_input input;
        leat__config_default(&c);
        c.serves_files = true;
        c.memory = memory;
        leat__config_fill(&c, &machine);
        leat__config_plan_input(&c, &input);
        if (leat__plan_make(&plan, &input, error, sizeof error) < 0)
            fail_msg("--memory %llu: %s", (unsigned long long)memory, error);
    }
}

static void one_processor_and_256_mib_serve_well(void **state)
{
    (void)state;
    struct machine small = {.processors = 1, .descriptor_limit = 1024, .memory = 256 << 20};
    struct config c = completed(&small);
    assert_int_equal(c.shards, 1);
    assert_true(c.connections >= 400);
    assert_true(c.exchanges >= 200);
    assert_true(c.content_total >= 16 << 20);
    small.descriptor_limit = 20000;
    c = completed(&small);
    assert_true(c.connections >= 2000);
    assert_true(c.exchanges >= 500);
}

static void what_was_asked_for_stays(void **state)
{
    (void)state;
    struct config c;
    leat__config_default(&c);
    c.shards = 1;
    c.connections = 1000000;
    c.exchanges = 10;
    c.content_total = 5 << 20;
    c.memory = 100 << 20;
    c.loop = LOOP_EPOLL;
    leat__config_fill(&c, &here);
    assert_int_equal(c.shards, 1);
    assert_int_equal(c.connections, 1000000);
    assert_int_equal(c.exchanges, 10);
    assert_int_equal(c.content_total, 5 << 20);
    assert_int_equal(c.memory, 100 << 20);
    assert_false(c.uring);
}

static void the_rest_follows_what_was_asked_for(void **state)
{
    (void)state;
    static struct plan plan;
    struct config c;
    leat__config_default(&c);
    c.connections = 50;
    leat__config_fill(&c, &here);
    assert_int_equal(c.exchanges, 50);

    leat__config_default(&c);
    c.memory = 32 << 20;
    leat__config_fill(&c, &here);
    assert_true(c.content_total <= 8 << 20);
    assert_true(c.exchanges < 4096);
    assert_int_equal(plan_of(&c, &plan), 0);

    leat__config_default(&c);
    c.content_max = 200 << 20; /* a block of 256 MiB for each shard */
    leat__config_fill(&c, &here);
    assert_int_equal(c.content_total, 512 << 20);
    assert_int_equal(leat__config_check(&c, error, sizeof error), 0);
}

static void private_descriptors_multiply_connections(void **state)
{
    (void)state;
    struct config c;
    leat__config_default(&c);
    c.private_descriptors = true;
    c.shards = 8;
    leat__config_fill(&c, &here);
    assert_true(c.connections > 100000);
}

static void assert_refused(const struct config *config, const char *expected)
{
    assert_int_equal(leat__config_check(config, error, sizeof error), -EINVAL);
    assert_string_equal(error, expected);
}

static void limits_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    struct config c = completed(&here);
    assert_int_equal(leat__config_check(&c, error, sizeof error), 0);

    c.head_max = 8192;
    assert_refused(
        &c,
        "--request-line-max 8192: leaves no room for fields in --head-max 8192; lower the first "
        "or raise the second");
    c.head_max = 8193;
    assert_int_equal(leat__config_check(&c, error, sizeof error), 0);

    c = completed(&here);
    c.content_max = (128 << 20) + 1;
    assert_refused(
        &c,
        "--content-max 134217729: 2 shards that each hold one such content need --content-total "
        "512m, and it is 256m; raise it, or lower --content-max or --shards");
    c.content_max = 128 << 20;
    assert_int_equal(leat__config_check(&c, error, sizeof error), 0);

    c = completed(&here);
    c.connections = 100;
    assert_refused(
        &c, "--exchanges 4096: more than --connections 100, and a connection has one at a time; "
            "lower the first or raise the second");
    c.exchanges = 1;
    assert_refused(
        &c, "--exchanges 1: each of the 2 shards needs one at least; raise it, or lower --shards");
}

static void values_of_programs_are_held_against_the_table(void **state)
{
    (void)state;
    struct config c;
    assert_int_equal(leat__config_from_options(&c, &(leat_server_options){.idle_timeout_ms = 1},
                                               sizeof(leat_server_options), error, sizeof error),
                     0);
    leat__config_fill(&c, &here);
    assert_refused(&c, "--idle-timeout 1ms: out of range; write 100ms to 24h or never, for example "
                       "--idle-timeout 1m");
}

static void options_of_programs_become_a_config(void **state)
{
    (void)state;
    const char *const listen[] = {"127.0.0.1:0", "unix:/tmp/x", NULL};
    const leat_server_options o = {.listen = listen,
                                   .shards = 3,
                                   .loop = "epoll",
                                   .connections = 10,
                                   .exchanges = 5,
                                   .content_total = 1 << 20,
                                   .content_max = 100,
                                   .memory = 7 << 20,
                                   .head_max = 2000,
                                   .request_line_max = 1000,
                                   .fields_max = 20,
                                   .head_timeout_ms = -1,
                                   .content_timeout_ms = 2000,
                                   .write_timeout_ms = 3000,
                                   .idle_timeout_ms = 4000,
                                   .drain_timeout_ms = 5000,
                                   .commit = true,
                                   .private_descriptors = true};
    struct config c;
    assert_int_equal(leat__config_from_options(&c, &o, sizeof o, error, sizeof error), 0);
    assert_int_equal(c.listen.count, 2);
    assert_string_equal(c.listen.items[1], "unix:/tmp/x");
    assert_int_equal(c.shards, 3);
    assert_int_equal(c.loop, LOOP_EPOLL);
    assert_int_equal(c.connections, 10);
    assert_int_equal(c.exchanges, 5);
    assert_int_equal(c.content_total, 1 << 20);
    assert_int_equal(c.content_max, 100);
    assert_int_equal(c.memory, 7 << 20);
    assert_int_equal(c.head_max, 2000);
    assert_int_equal(c.request_line_max, 1000);
    assert_int_equal(c.fields_max, 20);
    assert_int_equal(c.head_timeout_ms, -1);
    assert_int_equal(c.content_timeout_ms, 2000);
    assert_int_equal(c.write_timeout_ms, 3000);
    assert_int_equal(c.idle_timeout_ms, 4000);
    assert_int_equal(c.drain_timeout_ms, 5000);
    assert_true(c.commit && c.private_descriptors);
}

static void no_options_are_the_defaults(void **state)
{
    (void)state;
    struct config c, defaults;
    leat__config_default(&defaults);
    assert_null(defaults.admin);
    assert_int_equal(leat__config_from_options(&c, NULL, 0, error, sizeof error), 0);
    assert_string_equal(c.admin, "off"); /* a program shows itself when it says so */
    defaults.admin = c.admin;
    assert_int_equal(leat__config_from_options(&c, NULL, 0, error, sizeof error), 0);
    assert_memory_equal(&c, &defaults, sizeof c);
    assert_int_equal(leat__config_from_options(&c, &(leat_server_options){0},
                                               sizeof(leat_server_options), error, sizeof error),
                     0);
    assert_memory_equal(&c, &defaults, sizeof c);
}

static void a_program_of_another_age_is_understood(void **state)
{
    (void)state;
    struct {
        leat_server_options known;
        uint64_t later;
    } newer = {.known = {.connections = 10}};
    struct config c;
    assert_int_equal(leat__config_from_options(&c, &newer.known, sizeof newer, error, sizeof error), 0);
    assert_int_equal(c.connections, 10);
    newer.later = 1;
    assert_int_equal(leat__config_from_options(&c, &newer.known, sizeof newer, error, sizeof error),
                     -EINVAL);
    assert_non_null(strstr(error, "older than the program's header"));

    leat_server_options older = {.shards = 2, .connections = 10};
    size_t size = offsetof(leat_server_options, connections);
    assert_int_equal(leat__config_from_options(&c, &older, size, error, sizeof error), 0);
    assert_int_equal(c.shards, 2);
    assert_int_equal(c.connections, 0);
}

static void wrong_options_of_programs_are_told(void **state)
{
    (void)state;
    const leat_server_options loop = {.loop = "kqueue"}, shards = {.shards = -1};
    struct config c;
    assert_int_equal(leat__config_from_options(&c, &loop, sizeof loop, error, sizeof error), -EINVAL);
    assert_string_equal(error, "--loop kqueue: not one of auto|uring|epoll");
    assert_int_equal(leat__config_from_options(&c, &shards, sizeof shards, error, sizeof error), -EINVAL);
    assert_string_equal(error, "--shards -1: a number of threads is at least 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_zero_after_completing),
        cmocka_unit_test(defaults_fit_every_machine),
        cmocka_unit_test(a_server_of_files_fits_too),
        cmocka_unit_test(one_processor_and_256_mib_serve_well),
        cmocka_unit_test(what_was_asked_for_stays),
        cmocka_unit_test(the_rest_follows_what_was_asked_for),
        cmocka_unit_test(private_descriptors_multiply_connections),
        cmocka_unit_test(limits_that_contradict_each_other_are_refused),
        cmocka_unit_test(values_of_programs_are_held_against_the_table),
        cmocka_unit_test(options_of_programs_become_a_config),
        cmocka_unit_test(no_options_are_the_defaults),
        cmocka_unit_test(a_program_of_another_age_is_understood),
        cmocka_unit_test(wrong_options_of_programs_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
