/* test_machine.c: what control groups allow, read from a tree of files like the kernel's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/machine.h"

static char root[] = "/tmp/leat-machine-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_folder(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static uint64_t limit_of(const char *controller, const char *file)
{
    char list[256];
    snprintf(list, sizeof list, "%s/cgroup", root);
    return leat__machine_group_limit(list, root, controller, file);
}

static int make_tree(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(root));
    make_folder("shop");
    make_folder("shop/web");
    make_folder("memory");
    make_folder("memory/old");
    return 0;
}

static int remove_tree(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

static void the_least_limit_on_the_way_up_counts(void **state)
{
    (void)state;
    put("cgroup", "4:memory:/old\n0::/shop/web\n");
    put("shop/web/memory.max", "max\n");
    assert_int_equal(limit_of("", "memory.max"), UINT64_MAX);
    put("shop/memory.max", "268435456\n");
    assert_int_equal(limit_of("", "memory.max"), 268435456);
    put("shop/web/memory.max", "1048576\n");
    assert_int_equal(limit_of("", "memory.max"), 1048576);
    put("memory.max", "4096\n");
    assert_int_equal(limit_of("", "memory.max"), 4096);
}

static void a_share_of_time_is_rounded_up_to_processors(void **state)
{
    (void)state;
    put("cgroup", "0::/shop/web\n");
    put("shop/web/cpu.max", "max 100000\n");
    assert_int_equal(limit_of("", "cpu.max"), UINT64_MAX);
    put("shop/web/cpu.max", "150000 100000\n");
    assert_int_equal(limit_of("", "cpu.max"), 2);
    put("shop/web/cpu.max", "20000 100000\n");
    assert_int_equal(limit_of("", "cpu.max"), 1);
}

static void the_old_hierarchy_is_read_too(void **state)
{
    (void)state;
    put("cgroup", "9:cpuset:/\n4:memory:/old\n0::/\n");
    put("memory/old/memory.limit_in_bytes", "536870912\n");
    put("memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(limit_of("memory", "memory.limit_in_bytes"), 536870912);
}

static void what_is_missing_limits_nothing(void **state)
{
    (void)state;
    put("cgroup", "");
    assert_int_equal(limit_of("", "memory.max"), UINT64_MAX);
    put("cgroup", "nonsense\n0::/gone/away\n");
    assert_int_equal(limit_of("", "pids.max"), UINT64_MAX);
    assert_int_equal(leat__machine_group_limit("/nowhere", root, "", "memory.max"), UINT64_MAX);
}

static void this_machine_has_something_of_each(void **state)
{
    (void)state;
    struct machine machine = {0};
    leat__machine_ask(&machine);
    assert_true(machine.processors >= 1);
    assert_true(machine.descriptor_limit >= 16);
    assert_true(machine.memory >= 16 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_limit_on_the_way_up_counts),
        cmocka_unit_test(a_share_of_time_is_rounded_up_to_processors),
        cmocka_unit_test(the_old_hierarchy_is_read_too),
        cmocka_unit_test(what_is_missing_limits_nothing),
        cmocka_unit_test(this_machine_has_something_of_each),
    };
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
