/* test_notify.c: what a service manager receives, read from a socket like its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/notify.h"

static int manager = -1;
static char folder[] = "/tmp/leat-notify-XXXXXX";
static char path[128];

static void listen_on(const struct sockaddr_un *address, socklen_t size)
{
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(manager >= 0);
    assert_int_equal(bind(manager, (const struct sockaddr *)address, size), 0);
}

static void listen_on_path(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    listen_on(&address, sizeof address);
    setenv("NOTIFY_SOCKET", path, 1);
}

static const char *received(void)
{
    static char text[1024];
    ssize_t size = recv(manager, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/notify", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int forget(void **state)
{
    (void)state;
    if (manager >= 0)
        close(manager);
    manager = -1;
    unlink(path);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return 0;
}

static void nobody_asked(void **state)
{
    (void)state;
    assert_int_equal(leat__notify("READY=1"), 0);
    setenv("NOTIFY_SOCKET", "", 1);
    assert_int_equal(leat__notify("READY=1"), 0);
}

static void a_path_receives_the_state_as_it_is(void **state)
{
    (void)state;
    listen_on_path();
    assert_int_equal(leat__notify("READY=1\nSTATUS=serving on 2 shards"), 1);
    assert_string_equal(received(), "READY=1\nSTATUS=serving on 2 shards");
    assert_int_equal(leat__notifyf("STATUS=%d open\nMAINPID=%d", 7, 42), 1);
    assert_string_equal(received(), "STATUS=7 open\nMAINPID=42");
    assert_string_equal(received(), "");
}

static void an_abstract_name_too(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[64];
    int size = snprintf(name, sizeof name, "@leat-test-%d", (int)getpid());
    memcpy(address.sun_path, name, (size_t)size);
    address.sun_path[0] = '\0';
    listen_on(&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)size));
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(leat__notify("WATCHDOG=1"), 1);
    assert_string_equal(received(), "WATCHDOG=1");
}

static void a_longest_path_fits_and_a_longer_one_is_told(void **state)
{
    (void)state;
    char longest[sizeof((struct sockaddr_un *)0)->sun_path + 1];
    memset(longest, 'a', sizeof longest);
    longest[0] = '/';
    longest[sizeof longest - 2] = '\0';
    setenv("NOTIFY_SOCKET", longest, 1);
    assert_int_equal(leat__notify("READY=1"), -ENOENT);
    longest[sizeof longest - 2] = 'a';
    longest[sizeof longest - 1] = '\0';
    setenv("NOTIFY_SOCKET", longest, 1);
    assert_int_equal(leat__notify("READY=1"), -ENAMETOOLONG);
}

static void what_is_no_address_of_ours_is_told(void **state)
{
    (void)state;
    static const char *const others[] = {"vsock:2:1234", "relative/path", "/", "@"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        setenv("NOTIFY_SOCKET", others[i], 1);
        assert_int_equal(leat__notify("READY=1"), -EAFNOSUPPORT);
    }
}

static void a_manager_that_went_away_is_told(void **state)
{
    (void)state;
    listen_on_path();
    close(manager);
    manager = -1;
    assert_int_equal(leat__notify("READY=1"), -ECONNREFUSED);
    unlink(path);
    assert_int_equal(leat__notify("READY=1"), -ENOENT);
}

static void a_manager_that_does_not_read_never_holds_us_up(void **state)
{
    (void)state;
    listen_on_path();
    int sent = 1;
    for (int i = 0; i < 100000 && sent == 1; i++)
        sent = leat__notify("WATCHDOG=1");
    assert_int_equal(sent, -EAGAIN);
}

static void too_long_a_state_is_not_cut(void **state)
{
    (void)state;
    char text[1024];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    listen_on_path();
    assert_int_equal(leat__notifyf("STATUS=%s", text), -EMSGSIZE);
    assert_string_equal(received(), "");
}

static void no_descriptor_stays_behind(void **state)
{
    (void)state;
    listen_on_path();
    int before = dup(manager);
    close(before);
    leat__notify("READY=1");
    unlink(path);
    leat__notify("READY=1");
    int after = dup(manager);
    close(after);
    assert_int_equal(before, after);
}

static void the_watchdog_wants_half_its_time(void **state)
{
    (void)state;
    char pid[24];
    assert_int_equal(leat__notify_watchdog_ms(), -1);
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(leat__notify_watchdog_ms(), 15000);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(leat__notify_watchdog_ms(), 15000);
    setenv("WATCHDOG_USEC", "1000", 1);
    assert_int_equal(leat__notify_watchdog_ms(), 1);
}

static void a_watchdog_of_somebody_else_or_of_nonsense_is_none(void **state)
{
    (void)state;
    static const char *const nonsense[] = {"", "0", "-5", "12x", "soon", "99999999999999999999"};
    for (size_t i = 0; i < COUNT_OF(nonsense); i++) {
        setenv("WATCHDOG_USEC", nonsense[i], 1);
        assert_int_equal(leat__notify_watchdog_ms(), -1);
    }
    setenv("WATCHDOG_USEC", "30000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(leat__notify_watchdog_ms(), -1);
    setenv("WATCHDOG_PID", "", 1);
    assert_int_equal(leat__notify_watchdog_ms(), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nobody_asked, forget),
        cmocka_unit_test_teardown(a_path_receives_the_state_as_it_is, forget),
        cmocka_unit_test_teardown(an_abstract_name_too, forget),
        cmocka_unit_test_teardown(a_longest_path_fits_and_a_longer_one_is_told, forget),
        cmocka_unit_test_teardown(what_is_no_address_of_ours_is_told, forget),
        cmocka_unit_test_teardown(a_manager_that_went_away_is_told, forget),
        cmocka_unit_test_teardown(a_manager_that_does_not_read_never_holds_us_up, forget),
        cmocka_unit_test_teardown(too_long_a_state_is_not_cut, forget),
        cmocka_unit_test_teardown(no_descriptor_stays_behind, forget),
        cmocka_unit_test_teardown(the_watchdog_wants_half_its_time, forget),
        cmocka_unit_test_teardown(a_watchdog_of_somebody_else_or_of_nonsense_is_none, forget),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
