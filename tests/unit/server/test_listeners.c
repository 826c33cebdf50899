/* test_listeners.c: what a configuration's addresses become: one listener per shard with its settings, unless the socket
 * was handed to us. */
#define _GNU_SOURCE 1
#include "server/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static int parse(struct listeners *l, char *error, size_t error_size, unsigned profile,
                 const char *first, const char *second)
{
    struct config config;
    leat__config_default(&config);
    const char *texts[] = {first, second};
    config.tcp_profile = profile;
    for (unsigned i = 0; i < COUNT_OF(texts) && texts[i] != NULL; i++)
        config.listen.items[config.listen.count++] = texts[i];
    error[0] = '\0';
    return leat__listeners_parse(l, &config, error, error_size);
}

static void expect_setting(int fd, enum net_setting_id id, const char *expected)
{
    char text[64];
    assert_int_equal(leat__net_setting_read(fd, id, text, sizeof text), 0);
    assert_string_equal(text, expected);
}

static void every_shard_has_its_own_listener_with_the_settings(void **state)
{
    (void)state;
    struct listeners l;
    char error[512];
    assert_int_equal(
        parse(&l, error, sizeof error, 0, "127.0.0.1:0, user-timeout=9s, incoming-cpu=on", NULL), 0);
    if (leat__listeners_open(&l, 2, error, sizeof error) < 0)
        fail_msg("%s", error);
    assert_int_not_equal(listeners_fd(&l, 0, 0), listeners_fd(&l, 1, 0));
    assert_int_equal(leat__net_port(listeners_fd(&l, 0, 0)), leat__net_port(listeners_fd(&l, 1, 0)));
    assert_false(leat__listeners_is_kept(&l, 0));
    for (unsigned shard = 0; shard < 2; shard++) {
        expect_setting(listeners_fd(&l, shard, 0), NET_USER_TIMEOUT, "9s");
        expect_setting(listeners_fd(&l, shard, 0), NET_NODELAY, "on");
    }
    expect_setting(listeners_fd(&l, 0, 0), NET_INCOMING_CPU, "cpu 0");
    assert_true(net_is_said(listeners_options(&l, 0), NET_USER_TIMEOUT));
    leat__listeners_close(&l);
}

static void the_profile_of_the_configuration_holds_for_all_that_say_none(void **state)
{
    (void)state;
    struct listeners l;
    char error[512];
    int games = leat__net_profile_find("games");
    assert_int_equal(
        parse(&l, error, sizeof error, (unsigned)games, "127.0.0.1:0", "127.0.0.1:0, profile=api"), 0);
    assert_int_equal(leat__listeners_open(&l, 1, error, sizeof error), 0);
    expect_setting(listeners_fd(&l, 0, 0), NET_NOTSENT_LOWAT, "16k");
    expect_setting(listeners_fd(&l, 0, 1), NET_NOTSENT_LOWAT, "none");
    assert_true(leat__net_needs_accepted(listeners_options(&l, 0)));
    assert_false(leat__net_needs_accepted(listeners_options(&l, 1)));
    leat__listeners_close(&l);
}

static void a_refused_setting_names_its_listener(void **state)
{
    (void)state;
    struct listeners l;
    char error[512];
    assert_int_equal(
        parse(&l, error, sizeof error, 0, "127.0.0.1:0", "127.0.0.1:0, receive-buffer=1g"), 0);
    assert_int_equal(leat__listeners_open(&l, 1, error, sizeof error), -ERANGE);
    assert_ptr_equal(strstr(error, "--listen 127.0.0.1:0, receive-buffer=1g: the kernel gives "), error);
    assert_null(l.fds); /* the first one is closed again */
    assert_int_equal(parse(&l, error, sizeof error, 0, "127.0.0.1:0, nodelay=maybe", NULL), -EINVAL);
    assert_non_null(strstr(error, "nodelay=maybe: neither on nor off"));
}

static void addresses_that_would_take_each_others_port(void **state)
{
    (void)state;
    struct listeners l;
    char error[512], expected[256];
    static const char *const wrong[][2] = {
        {"127.0.0.1:81", ":81"}, {"0.0.0.0:81", "127.0.0.1:81"}, {":81", "0.0.0.0:81"},
        {"[::1]:81", "[::]:81"}, {"[::]:81", "localhost:81"},    {"localhost:81", "127.0.0.1:81"},
    };
    static const char *const right[][2] = {
        {"127.0.0.1:81", "127.0.0.2:81"},
        {"127.0.0.1:81", "127.0.0.1:82"},
        {":81", "[::]:81"},
        {":0", "127.0.0.1:0"},
        {"127.0.0.1:0", "127.0.0.1:0"},
        {"unix:/a", "unix:/b"},
    };
    for (unsigned i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(parse(&l, error, sizeof error, 0, wrong[i][0], wrong[i][1]), -EINVAL);
        snprintf(
            expected, sizeof expected,
            "--listen %s: takes the same port as %s, given before it; leave one out, or choose "
            "another port",
            wrong[i][1], wrong[i][0]);
        assert_string_equal(error, expected);
    }
    for (unsigned i = 0; i < COUNT_OF(right); i++)
        assert_int_equal(parse(&l, error, sizeof error, 0, right[i][0], right[i][1]), 0);
    assert_int_equal(parse(&l, error, sizeof error, 0, "[::1]:81", "[::1]:81"), -EINVAL);
    assert_string_equal(error, "--listen [::1]:81: given twice; leave one out");
    assert_int_equal(parse(&l, error, sizeof error, 0, "unix:/a", "unix:/a"), -EINVAL);
    assert_string_equal(error, "--listen unix:/a: given twice; leave one out");
}

static void nobody_handed_us_anything(void **state)
{
    (void)state;
    struct listeners l;
    char error[512];
    unsetenv("LISTEN_FDS");
    assert_int_equal(parse(&l, error, sizeof error, 0, NULL, NULL), 0);
    assert_int_equal(l.count, 2);
    assert_string_equal(l.addresses[0].text, "localhost:8080");
    assert_int_equal(parse(&l, error, sizeof error, 0, "fd:web", NULL), -EINVAL);
    assert_string_equal(
        error,
        "--listen fd:web: no socket was handed to us (LISTEN_FDS); start it by its socket unit, "
        "or write an address");
}

/* ── With sockets at descriptors 3 and 4, in a process of its own ── */

static char folder[] = "/tmp/leat-listeners-XXXXXX", path[64];

static void hand_over(void)
{
    char pid[16];
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
    unlink(path);
    int tcp = socket(AF_INET, SOCK_STREAM, 0), local = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_return_code(bind(tcp, (struct sockaddr *)&in, sizeof in), errno);
    assert_return_code(bind(local, (struct sockaddr *)&un, sizeof un), errno);
    assert_return_code(listen(tcp, 11) | listen(local, 11), errno);
    tcp = fcntl(tcp, F_DUPFD, 50);
    local = fcntl(local, F_DUPFD, 50);
    dup2(tcp, 3);
    dup2(local, 4);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_FDNAMES", "web:side", 1);
}

/* cmocka can't fail in a child: a failed assertion there aborts, which the parent sees. */
static void in_a_child(void (*what)(void))
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        hand_over();
        what();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static int is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void take_all(void)
{
    struct listeners l;
    char error[512];
    assert_int_equal(
        parse(&l, error, sizeof error, (unsigned)leat__net_profile_find("many-idle"), NULL, NULL), 0);
    assert_int_equal(l.count, 2);
    assert_int_equal(leat__listeners_open(&l, 3, error, sizeof error), 0);
    for (unsigned shard = 0; shard < 3; shard++) {
        assert_int_equal(listeners_fd(&l, shard, 0), 3);
        assert_int_equal(listeners_fd(&l, shard, 1), 4);
    }
    assert_true(leat__listeners_is_kept(&l, 0) && leat__listeners_is_kept(&l, 1));
    expect_setting(3, NET_NODELAY, "on");
    expect_setting(3, NET_USER_TIMEOUT, "1m");
    expect_setting(3, NET_BACKLOG, "11"); /* its owner's */
    assert_null(getenv("LISTEN_FDS"));
    leat__listeners_close(&l);
    assert_true(is_open(3) && is_open(4));
    assert_int_equal(access(path, F_OK), 0);
}

static void sockets_that_were_handed_over_are_the_listeners_and_outlive_us(void **state)
{
    (void)state;
    in_a_child(take_all);
}

static void take_one(void)
{
    struct listeners l;
    char error[512];
    assert_int_equal(
        parse(&l, error, sizeof error, 0, "fd:web, backlog=7, user-timeout=3s", "127.0.0.1:0"), 0);
    assert_int_equal(leat__listeners_open(&l, 2, error, sizeof error), 0);
    assert_int_equal(l.count, 2);
    assert_int_equal(listeners_fd(&l, 0, 0), 3);
    assert_true(leat__listeners_is_kept(&l, 0));
    assert_false(leat__listeners_is_kept(&l, 1));
    expect_setting(3, NET_BACKLOG, "7");
    expect_setting(3, NET_USER_TIMEOUT, "3s");
    int own = listeners_fd(&l, 1, 1);
    leat__listeners_close(&l);
    assert_true(is_open(3) && is_open(4) && !is_open(own));
}

static void one_of_them_is_taken_by_name_with_settings(void **state)
{
    (void)state;
    in_a_child(take_one);
}

static void take_wrongly(void)
{
    struct listeners l;
    char error[512];
    assert_int_equal(parse(&l, error, sizeof error, 0, "fd:db", NULL), -EINVAL);
    assert_string_equal(
        error, "--listen fd:db: no such socket was handed to us; there is fd:3 (web), fd:4 (side)");
    hand_over();
    assert_int_equal(parse(&l, error, sizeof error, 0, "fd:3", "fd:web"), -EINVAL);
    assert_string_equal(error, "--listen fd:web: the same socket as --listen fd:3; leave one out");
}

static void take_unix_with_settings(void)
{
    struct listeners l;
    char error[512];
    assert_int_equal(parse(&l, error, sizeof error, 0, "fd:side, nodelay=on", NULL), -EINVAL);
    assert_string_equal(error, "--listen fd:side: a unix socket has no nodelay; leave it out");
}

static void a_wrong_name_a_second_taking_and_settings_of_unix_are_told(void **state)
{
    (void)state;
    in_a_child(take_unix_with_settings);
    in_a_child(take_wrongly);
}

static void leave_alone(void)
{
    struct listeners l;
    char error[512];
    assert_int_equal(parse(&l, error, sizeof error, 0, "127.0.0.1:0", NULL), 0);
    assert_int_equal(l.count, 1);
    assert_non_null(getenv("LISTEN_FDS"));
}

static void with_addresses_alone_they_are_not_touched(void **state)
{
    (void)state;
    in_a_child(leave_alone);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/leat-listeners-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/s", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

#define with_folder(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shard_has_its_own_listener_with_the_settings),
        cmocka_unit_test(the_profile_of_the_configuration_holds_for_all_that_say_none),
        cmocka_unit_test(a_refused_setting_names_its_listener),
        cmocka_unit_test(addresses_that_would_take_each_others_port),
        cmocka_unit_test(nobody_handed_us_anything),
        with_folder(sockets_that_were_handed_over_are_the_listeners_and_outlive_us),
        with_folder(one_of_them_is_taken_by_name_with_settings),
        with_folder(a_wrong_name_a_second_taking_and_settings_of_unix_are_told),
        with_folder(with_addresses_alone_they_are_not_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
