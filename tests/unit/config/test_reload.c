/* test_reload.c: what a reload changes, what it names, and that a mistake changes nothing. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/reload.h"

struct own {
    const char *root;
};

static const struct option_row own_rows[] = {
    OPTION_ROW(struct own, OPTION_RESTART, "root", TEXT, root, "DIR", 0, 0, 0, NULL, "/srv", "A folder."),
};
static const struct option_table own_table = {own_rows, COUNT_OF(own_rows), sizeof(struct own), "site"};

static struct effective running, candidate;
static struct reload reload;
static char path[64], report[512];
static char *nothing[] = {NULL};

static void write_file(const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* A server that was started with this file and a flag. */
static void start(const char *file, const char *flag)
{
    static const struct machine machine = {2, 20000, 1ull << 32, false, false};
    struct options options;
    static char name[] = "leat", config[] = "--config", flag_kept[64];
    char *argv[] = {name, config, path, flag_kept, NULL};
    snprintf(flag_kept, sizeof flag_kept, "%s", flag != NULL ? flag : "");
    write_file(file);
    leat__effective_init(&running, &own_table);
    assert_true(leat__flags_read(&running, flag != NULL ? 4 : 3, argv, report, sizeof report) > 0);
    assert_int_equal(leat__ini_read(&running, path, report, sizeof report), 0);
    leat__effective_fill(&running, &leat__server_table, 0, &options);
    leat__config_fill(&options.config, &machine);
    reload = (struct reload){&running, &candidate, options.config};
}

static int again(const char *file)
{
    write_file(file);
    return leat__reload_read(&reload, nothing, report, sizeof report);
}

static void live_rows_change(void **state)
{
    (void)state;
    start("idle-timeout = 5s\n", NULL);
    assert_int_equal(again("idle-timeout = 7s\ncontent-max = 2m\n"), 0);
    assert_string_equal(report, "content-max is 2m, idle-timeout is 7s");
    assert_int_equal(reload.live.idle_timeout_ms, 7000);
    assert_int_equal(reload.live.content_max, 2 << 20);
    assert_int_equal(again("idle-timeout = 7s\ncontent-max = 2m\n"), 0);
    assert_string_equal(report, "nothing changed");
    assert_int_equal(again(""), 0); /* back to what holds anyway */
    assert_string_equal(report, "content-max is 1m, idle-timeout is 1m");
}

static void rows_that_need_a_restart_are_named(void **state)
{
    (void)state;
    start("shards = 1\nlisten = :80\nroot = /a\n", NULL);
    assert_int_equal(
        again("shards = 2\nlisten = :80\nlisten = :81\nroot = /b\nhead-timeout = 9s\n"), 0);
    assert_string_equal(report, "head-timeout is 9s; a restart is needed for listen, shards, root");
    assert_int_equal(reload.live.shards, 1);
    assert_int_equal(again("listen = :80\nroot = /a\ncommit = no\n"), 0);
    assert_string_equal(report, "head-timeout is 30s; a restart is needed for shards");
}

static void changed_sections_are_named(void **state)
{
    (void)state;
    start("[site a]\nroot = /a\n[site b]\nroot = /b\n", NULL);
    assert_int_equal(again("[site a]\nroot = /a\n[site b]\nroot = /c\n"), 0);
    assert_string_equal(report, "nothing changed; a restart is needed for [site b]");
    assert_int_equal(again("[site a www.a]\nroot = /a\n[site b]\nroot = /b\n"), 0);
    assert_string_equal(report, "nothing changed; a restart is needed for [site a]");
    assert_int_equal(again("[site a]\nroot = /a\n"), 0);
    assert_string_equal(report, "nothing changed; a restart is needed for the sections");
}

static void flags_stay_stronger(void **state)
{
    (void)state;
    start("", "--idle-timeout=3s");
    assert_int_equal(again("idle-timeout = 7s\n"), 0);
    assert_string_equal(report, "nothing changed");
    assert_int_equal(reload.live.idle_timeout_ms, 3000);
}

static void a_mistake_changes_nothing(void **state)
{
    (void)state;
    char expected[200];
    start("idle-timeout = 5s\n", NULL);
    assert_int_equal(again("head-timeout = 7s\nidle-timeout = soon\n"), -EINVAL);
    snprintf(expected, sizeof expected, "%s:2: idle-timeout soon: not a time; ", path);
    assert_ptr_equal(strstr(report, expected), report);
    assert_int_equal(reload.live.idle_timeout_ms, 5000);
    assert_int_equal(reload.live.head_timeout_ms, 30000);
    unlink(path);
    assert_int_equal(leat__reload_read(&reload, nothing, report, sizeof report), -EINVAL);
    assert_non_null(strstr(report, "No such file or directory"));
}

/* The limits are held against each other, and against what was taken at the start. */
static void a_contradiction_changes_nothing(void **state)
{
    (void)state;
    char expected[200];
    start("shards = 2\ncontent-total = 4m\n", NULL);
    assert_int_equal(again("shards = 2\ncontent-total = 64m\ncontent-max = 16m\n"), -EINVAL);
    snprintf(expected, sizeof expected, "%s:3: content-max 16m: ", path);
    assert_ptr_equal(strstr(report, expected), report);
    assert_int_equal(reload.live.content_max, 1 << 20);
    assert_int_equal(again("shards = 2\ncontent-total = 4m\nhead-max = 4k\n"), -EINVAL);
    assert_non_null(strstr(report, "request-line-max"));
    assert_int_equal(reload.live.head_max, 65472);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_rows_change),
        cmocka_unit_test(rows_that_need_a_restart_are_named),
        cmocka_unit_test(changed_sections_are_named),
        cmocka_unit_test(flags_stay_stronger),
        cmocka_unit_test(a_mistake_changes_nothing),
        cmocka_unit_test(a_contradiction_changes_nothing),
    };
    snprintf(path, sizeof path, "/tmp/leat-reload-%d.conf", (int)getpid());
    int status = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return status;
}
