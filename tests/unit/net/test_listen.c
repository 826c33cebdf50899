/* test_listen.c: listeners against the kernel itself. IPv6 tests are skipped where the machine has none. */
#include "net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

static struct net_address address_of(const char *text)
{
    struct net_address out[NET_ADDRESSES_MAX];
    char error[256] = "";
    if (leat__net_parse(text, out, error, sizeof error) != 1)
        fail_msg("%s", error);
    bool tcp = out[0].sockaddr.ss_family != AF_UNIX;
    assert_int_equal(leat__net_options_complete(&out[0].options, 0, tcp, error, sizeof error), 0);
    return out[0];
}

static int listen_on(const char *text, bool share)
{
    char error[256];
    struct net_address address = address_of(text);
    int fd = leat__net_listen(&address, share, 0, error, sizeof error);
    assert_string_equal(error, "");
    return fd;
}

static int listen_or_fail(const char *text, bool share)
{
    int fd = listen_on(text, share);
    if (fd < 0)
        fail_msg("%s: %s", text, strerror(-fd));
    return fd;
}

/* A blocking client, connected to where the listener is bound; or -errno. */
static int dial(const struct sockaddr *sockaddr, socklen_t size)
{
    int fd = socket(sockaddr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, sockaddr, size) == 0)
        return fd;
    int rc = -errno;
    close(fd);
    return rc;
}

static int dial_listener(int listener)
{
    struct sockaddr_storage sockaddr;
    socklen_t size = sizeof sockaddr;
    assert_return_code(getsockname(listener, (struct sockaddr *)&sockaddr, &size), errno);
    int fd = dial((struct sockaddr *)&sockaddr, size);
    assert_true(fd >= 0);
    return fd;
}

static int option_of(int fd, int level, int option)
{
    int value = 0;
    socklen_t size = sizeof value;
    assert_return_code(getsockopt(fd, level, option, &value, &size), errno);
    return value;
}

static bool has_ipv6(void)
{
    int fd = listen_on("[::1]:0", false);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void port_0_is_chosen_and_described(void **state)
{
    (void)state;
    char text[64], expected[64];
    int fd = listen_or_fail("127.0.0.1:0", false);
    int port = leat__net_port(fd);
    assert_in_range(port, 1, 65535);
    snprintf(expected, sizeof expected, "127.0.0.1:%d", port);
    leat__net_describe(fd, text, sizeof text);
    assert_string_equal(text, expected);
    close(fd);
}

static void an_ipv6_listener_is_described_in_brackets(void **state)
{
    (void)state;
    if (!has_ipv6())
        skip();
    char text[64], expected[64];
    int fd = listen_or_fail("[::1]:0", false);
    snprintf(expected, sizeof expected, "[::1]:%d", leat__net_port(fd));
    leat__net_describe(fd, text, sizeof text);
    assert_string_equal(text, expected);
    close(fd);
}

static void an_accepted_socket_is_set_up_without_another_call(void **state)
{
    (void)state;
    int listener = listen_or_fail("127.0.0.1:0", false);
    assert_true(fcntl(listener, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(listener, F_GETFD) & FD_CLOEXEC);
    int client = dial_listener(listener);
    int fd = leat__net_accept(listener);
    assert_true(fd >= 0);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
    close(client);
    close(listener);
}

static void accepting_from_an_empty_queue_is_eagain(void **state)
{
    (void)state;
    int listener = listen_or_fail("127.0.0.1:0", false);
    assert_int_equal(leat__net_accept(listener), -EAGAIN);
    close(listener);
    assert_int_equal(leat__net_accept(listener), -EBADF);
}

static void the_backlog_is_the_one_given(void **state)
{
    (void)state;
    int listener = listen_or_fail("127.0.0.1:0, backlog=7", false);
    struct tcp_info info;
    socklen_t size = sizeof info;
    assert_return_code(getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size), errno);
    assert_int_equal(info.tcpi_sacked, 7); /* of a listener: its backlog */
    close(listener);
}

static void a_port_in_use_is_refused_unless_both_share(void **state)
{
    (void)state;
    char text[32];
    int alone = listen_or_fail("127.0.0.1:0", false);
    snprintf(text, sizeof text, "127.0.0.1:%d", leat__net_port(alone));
    assert_int_equal(listen_on(text, false), -EADDRINUSE);
    assert_int_equal(listen_on(text, true), -EADDRINUSE);
    close(alone);

    int first = listen_or_fail("127.0.0.1:0", true);
    snprintf(text, sizeof text, "127.0.0.1:%d", leat__net_port(first));
    int second = listen_or_fail(text, true);
    assert_int_equal(leat__net_port(second), leat__net_port(first));
    assert_int_equal(listen_on(text, false), -EADDRINUSE);
    close(first);
    close(second);
}

static void a_port_that_another_shares_is_not_free(void **state)
{
    (void)state;
    char text[32];
    int other = listen_or_fail("127.0.0.1:0", true);
    snprintf(text, sizeof text, "127.0.0.1:%d", leat__net_port(other));
    struct net_address address = address_of(text);
    assert_int_equal(leat__net_check_free(&address), -EADDRINUSE);
    close(other);
    assert_int_equal(leat__net_check_free(&address), 0);
    int now_ours = listen_or_fail(text, true);
    close(now_ours);
    address = address_of("192.0.2.1:0"); /* of a network that nobody has */
    assert_int_equal(leat__net_check_free(&address), -EADDRNOTAVAIL);
    assert_int_equal(listen_on("192.0.2.1:0", true), -EADDRNOTAVAIL);
    address = address_of("fd:3");
    assert_int_equal(leat__net_check_free(&address), 0);
}

static void a_port_is_had_again_while_old_connections_linger(void **state)
{
    (void)state;
    char text[32];
    int listener = listen_or_fail("127.0.0.1:0", false);
    snprintf(text, sizeof text, "127.0.0.1:%d", leat__net_port(listener));
    int client = dial_listener(listener);
    int fd = leat__net_accept(listener);
    close(fd); /* the server closes first: TIME_WAIT is at its end */
    char octet;
    assert_int_equal(recv(client, &octet, 1, 0), 0);
    close(client);
    close(listener);
    listener = listen_or_fail(text, false);
    close(listener);
}

static void every_ipv6_address_is_ipv6_only(void **state)
{
    (void)state;
    if (!has_ipv6())
        skip();
    int six = listen_or_fail("[::]:0", false);
    assert_int_equal(option_of(six, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    char text[32];
    snprintf(text, sizeof text, ":%d", leat__net_port(six));
    int four = listen_or_fail(text, false); /* the same port of the other family is free */
    close(six);
    struct net_address loopback = address_of("127.0.0.1:0");
    leat__net_set_port(&loopback, leat__net_port(four));
    int client = dial((struct sockaddr *)&loopback.sockaddr, loopback.size);
    assert_true(client >= 0);
    close(client);
    close(four);
}

/* A folder of the test's own, and a path in it. */
static int make_folder(void **state)
{
    char *folder = strdup("/tmp/leat-net-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        free(folder);
        return -1;
    }
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    char path[64];
    snprintf(path, sizeof path, "%s/s", (char *)*state);
    unlink(path);
    rmdir(*state);
    free(*state);
    return 0;
}

static void unix_text(void **state, char *out, size_t size)
{
    snprintf(out, size, "unix:%s/s", (char *)*state);
}

static void a_unix_socket_listens_accepts_and_is_described(void **state)
{
    char text[64], described[64];
    unix_text(state, text, sizeof text);
    int listener = listen_or_fail(text, true); /* share means nothing here */
    leat__net_describe(listener, described, sizeof described);
    assert_string_equal(described, text);
    assert_int_equal(leat__net_port(listener), 0);
    int client = dial_listener(listener);
    int fd = leat__net_accept(listener);
    assert_true(fd >= 0 && fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(fd);
    close(client);
    close(listener);
}

static void a_unix_socket_in_use_is_refused_and_left_working(void **state)
{
    char text[64];
    unix_text(state, text, sizeof text);
    int listener = listen_or_fail(text, false);
    struct net_address address = address_of(text);
    assert_int_equal(leat__net_check_free(&address), -EADDRINUSE);
    assert_int_equal(listen_on(text, false), -EADDRINUSE);
    close(dial_listener(listener));
    close(listener);
}

static void a_stale_unix_socket_is_replaced(void **state)
{
    char text[64];
    unix_text(state, text, sizeof text);
    close(listen_or_fail(text, false));
    struct net_address address = address_of(text);
    assert_int_equal(leat__net_check_free(&address), 0);
    int listener = listen_or_fail(text, false);
    close(dial_listener(listener));
    close(listener);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    char text[64];
    unix_text(state, text, sizeof text);
    int file = open(text + 5, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    close(file);
    assert_int_equal(listen_on(text, false), -EADDRINUSE);
    struct stat status;
    assert_return_code(lstat(text + 5, &status), errno);
    assert_true(S_ISREG(status.st_mode));
}

static void a_folder_that_is_missing_is_told(void **state)
{
    (void)state;
    assert_int_equal(listen_on("unix:/nowhere/at/all", false), -ENOENT);
}

#define unix_test(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_0_is_chosen_and_described),
        cmocka_unit_test(an_ipv6_listener_is_described_in_brackets),
        cmocka_unit_test(an_accepted_socket_is_set_up_without_another_call),
        cmocka_unit_test(accepting_from_an_empty_queue_is_eagain),
        cmocka_unit_test(the_backlog_is_the_one_given),
        cmocka_unit_test(a_port_in_use_is_refused_unless_both_share),
        cmocka_unit_test(a_port_that_another_shares_is_not_free),
        cmocka_unit_test(a_port_is_had_again_while_old_connections_linger),
        cmocka_unit_test(every_ipv6_address_is_ipv6_only),
        unix_test(a_unix_socket_listens_accepts_and_is_described),
        unix_test(a_unix_socket_in_use_is_refused_and_left_working),
        unix_test(a_stale_unix_socket_is_replaced),
        unix_test(a_file_that_is_no_socket_is_left_alone),
        cmocka_unit_test(a_folder_that_is_missing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
