/* test_apply.c: every setting and every profile against the kernel: what an accepted socket has, read back. */
#define _GNU_SOURCE 1
#include "net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <cmocka.h>

enum { NOBODY = 65534, EVERY_SHARD = 2 };

static struct net_address address_of(const char *settings)
{
    struct net_address out[NET_ADDRESSES_MAX];
    char error[512] = "", text[256];
    snprintf(text, sizeof text, "127.0.0.1:0, %s", settings);
    if (leat__net_parse(text, out, error, sizeof error) != 1 ||
        leat__net_options_complete(&out[0].options, 0, true, error, sizeof error) < 0)
        fail_msg("%s", error);
    return out[0];
}

static int listen_or_fail(struct net_address *address, bool share, unsigned shard)
{
    char error[512];
    int fd = leat__net_listen(address, share, shard, error, sizeof error);
    if (fd < 0)
        fail_msg("%s (%s)", error, strerror(-fd));
    return fd;
}

static int dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(connect(fd, (struct sockaddr *)&to, sizeof to), errno);
    assert_int_equal(send(fd, "x", 1, 0), 1); /* defer-accept waits for it */
    return fd;
}

/* A connection through the listener; the accepted side. */
static int accept_one(int listener, int *client)
{
    int fd;
    *client = dial(leat__net_port(listener));
    while ((fd = leat__net_accept(listener)) == -EAGAIN)
        sched_yield();
    assert_true(fd >= 0);
    return fd;
}

static void expect_read(int fd, unsigned index, const char *expected)
{
    char text[64];
    int status = leat__net_setting_read(fd, index, text, sizeof text);
    if (status < 0 || strcmp(text, expected) != 0)
        fail_msg("%s: the kernel says \"%s\" (%s), and should say \"%s\"",
                 leat__net_setting_at(index)->name, text, strerror(-status), expected);
}

/* Listens with "name=value", and looks where the setting takes effect. */
static void expect_effect(const char *setting, const char *expected)
{
    char name[64];
    struct net_address address = address_of(setting);
    int listener = listen_or_fail(&address, false, 1), client, fd = accept_one(listener, &client);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(setting, "="), setting);
    for (unsigned i = 0; i < net_setting_count(); i++) {
        const struct net_setting *s = leat__net_setting_at(i);
        if (strcmp(s->name, name) != 0)
            continue;
        if (s->where == NET_ACCEPTED) {
            assert_true(leat__net_needs_accepted(&address.options));
            leat__net_accepted(fd, &address.options);
        }
        expect_read(s->where == NET_LISTENER ? listener : fd, i, expected);
    }
    close(fd);
    close(client);
    close(listener);
}

static void each_setting_by_itself_is_what_the_kernel_says(void **state)
{
    (void)state;
    char cpu[16];
    snprintf(cpu, sizeof cpu, "cpu %ld", sysconf(_SC_NPROCESSORS_CONF) > 1 ? 1L : 0L);
    expect_effect("nodelay=on", "on");
    expect_effect("nodelay=off", "off");
    expect_effect("quickack=off", "off");
    expect_effect("quickack=on", "on");
    expect_effect("cork=on", "on");
    expect_effect("cork=off", "off");
    expect_effect("notsent-lowat=100k", "100k");
    expect_effect("notsent-lowat=4294967295", "4294967295");
    expect_effect("user-timeout=7s", "7s");
    expect_effect("keepalive=on", "on");
    expect_effect("keepalive=off", "off");
    expect_effect("keepalive-idle=77s", "77s");
    expect_effect("keepalive-interval=11s", "11s");
    expect_effect("keepalive-count=5", "5");
    expect_effect("defer-accept=3s", "3s"); /* one handshake and its first repetition: 1 + 2 */
    expect_effect("receive-buffer=100k", "100k");
    expect_effect("send-buffer=100k", "100k");
    expect_effect("congestion=reno", "reno");
    expect_effect("pacing-rate=3m", "3m");
    expect_effect("pacing-rate=8g", "8g"); /* more than 32 bits */
    expect_effect("incoming-cpu=on", cpu);
    expect_effect("incoming-cpu=off", "off");
    expect_effect("backlog=7", "7");
}

static void busy_polling_is_handed_down(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    expect_effect("busy-poll=70us", "70us");
}

static void quickack_is_not_handed_down(void **state)
{
    (void)state;
    struct net_address address = address_of("quickack=off");
    int listener = listen_or_fail(&address, false, 0), client, fd = accept_one(listener, &client);
    expect_read(fd, NET_QUICKACK, "on"); /* so each accepted socket is told */
    close(fd);
    close(client);
    close(listener);
    address = address_of("nodelay=on");
    assert_false(leat__net_needs_accepted(&address.options));
}

/* Every wanted setting of a profile is there, or was left out with a reason. Answers how many were left out. */
static unsigned check_profile(const char *name)
{
    unsigned left_out = 0;
    char settings[64], expected[NET_VALUE_SIZE], why[320];
    snprintf(settings, sizeof settings, "profile=%s", name);
    struct net_address address = address_of(settings);
    const struct net_options *o = &address.options;
    int listener = listen_or_fail(&address, false, 0), client, fd = accept_one(listener, &client);
    leat__net_accepted(fd, o);
    for (unsigned i = 0; i < net_setting_count(); i++) {
        const struct net_setting *s = leat__net_setting_at(i);
        leat__net_setting_why(o, i, why, sizeof why);
        assert_int_equal(why[0] != '\0', o->missed[i] != 0);
        left_out += o->missed[i] != 0;
        if (!net_is_wanted(o, i) || o->missed[i] != 0 || s->where == NET_GROUP || s->where == NET_OURS)
            continue;
        leat__net_setting_write(o, i, expected);
        if (i == NET_INCOMING_CPU)
            snprintf(expected, sizeof expected, "cpu 0");
        expect_read(s->where == NET_LISTENER ? listener : fd, i, expected);
    }
    close(fd);
    close(client);
    close(listener);
    return left_out;
}

static void every_profile_is_what_the_kernel_says(void **state)
{
    (void)state;
    assert_int_equal(check_profile("api"), 0);
    assert_int_equal(check_profile("games"), 0);
    check_profile("streaming"); /* bbr may be missing, */
    check_profile("trading");   /* as may CAP_NET_ADMIN, */
    check_profile("many-idle"); /* and somaxconn may be smaller */
}

static void what_is_said_and_refused_is_an_error_with_the_way_out(void **state)
{
    (void)state;
    char error[512];
    struct net_address address = address_of("congestion=nosuch");
    assert_int_equal(leat__net_listen(&address, false, 0, error, sizeof error), -ENOENT);
    assert_ptr_equal(strstr(error, "congestion=nosuch: the kernel offers "), error);
    assert_non_null(strstr(error, "reno"));
    assert_non_null(strstr(error, "; choose one of these, or load it (modprobe tcp_bbr)"));
    address = address_of("receive-buffer=1g");
    assert_int_equal(leat__net_listen(&address, false, 0, error, sizeof error), -ERANGE);
    assert_ptr_equal(strstr(error, "receive-buffer=1g: the kernel gives "), error);
    assert_non_null(strstr(error, " at most; raise the sysctl net.core.rmem_max, or ask for less"));
    address = address_of("send-buffer=1g");
    assert_int_equal(leat__net_listen(&address, false, 0, error, sizeof error), -ERANGE);
    assert_non_null(strstr(error, "net.core.wmem_max"));
    address = address_of("backlog=1048576");
    assert_int_equal(leat__net_listen(&address, false, 0, error, sizeof error), -ERANGE);
    assert_non_null(strstr(error, "net.core.somaxconn"));
}

/* A congestion control that the kernel has, but not for everyone. */
static bool find_privileged(char *out, size_t size)
{
    char available[256] = "", allowed[256] = "", padded[64];
    FILE *file = fopen("/proc/sys/net/ipv4/tcp_available_congestion_control", "re");
    FILE *other = fopen("/proc/sys/net/ipv4/tcp_allowed_congestion_control", "re");
    bool read = file != NULL && other != NULL && fgets(available, sizeof available, file) != NULL &&
                fgets(allowed + 1, sizeof allowed - 2, other) != NULL;
    if (file != NULL)
        fclose(file);
    if (other != NULL)
        fclose(other);
    allowed[0] = ' ';
    allowed[strcspn(allowed, "\n")] = ' ';
    for (char *rest, *word = strtok_r(available, " \n", &rest); read && word != NULL;
         word = strtok_r(NULL, " \n", &rest)) {
        snprintf(padded, sizeof padded, " %s ", word);
        if (strstr(allowed, padded) != NULL)
            continue;
        snprintf(out, size, "%s", word);
        return true;
    }
    return false;
}

static void an_ordinary_user_is_told_what_everyone_may_have(void **state)
{
    (void)state;
    char error[512], name[NET_CONGESTION_SIZE], setting[64];
    if (geteuid() != 0 || !find_privileged(name, sizeof name))
        skip();
    snprintf(setting, sizeof setting, "congestion=%s", name);
    struct net_address address = address_of(setting);
    assert_return_code(seteuid(NOBODY), errno);
    int status = leat__net_listen(&address, false, 0, error, sizeof error);
    assert_return_code(seteuid(0), errno);
    assert_int_equal(status, -EPERM);
    assert_non_null(strstr(
        error, "without CAP_NET_ADMIN the sysctl net.ipv4.tcp_allowed_congestion_control offers "));
    expect_effect(setting, name); /* which we may */
}

static void what_only_the_profile_wanted_is_left_out_and_told(void **state)
{
    (void)state;
    char error[512], why[320];
    struct net_address address = address_of("profile=streaming");
    snprintf(address.options.congestion, sizeof address.options.congestion, "nosuch");
    int fd = leat__net_listen(&address, false, 0, error, sizeof error);
    assert_true(fd >= 0);
    assert_string_equal(error, "");
    assert_int_equal(address.options.missed[NET_CONGESTION], -ENOENT);
    leat__net_setting_why(&address.options, NET_CONGESTION, why, sizeof why);
    assert_ptr_equal(strstr(why, "the kernel offers "), why);
    leat__net_setting_why(&address.options, NET_NODELAY, why, sizeof why);
    assert_string_equal(why, "");
    expect_read(fd, NET_NODELAY, "on");
    close(fd);
}

/* ── In a network of the test's own, whose sysctls are its own too ── */

static int old_network = -1;

static int enter_network(void **state)
{
    (void)state;
    old_network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (unshare(CLONE_NEWNET) < 0) {
        close(old_network);
        old_network = -1;
        return 0;
    }
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int status = ioctl(fd, SIOCSIFFLAGS, &loopback);
    close(fd);
    return status;
}

static int leave_network(void **state)
{
    (void)state;
    if (old_network < 0)
        return 0;
    int status = setns(old_network, CLONE_NEWNET);
    close(old_network);
    return status;
}

static void write_sysctl(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_return_code(write(fd, value, strlen(value)), errno);
    close(fd);
}

static void fast_open_needs_the_systems_consent(void **state)
{
    (void)state;
    char error[512];
    if (old_network < 0)
        skip();
    write_sysctl("/proc/sys/net/ipv4/tcp_fastopen", "1");
    struct net_address address = address_of("fastopen=5");
    assert_int_equal(leat__net_listen(&address, false, 0, error, sizeof error), -EOPNOTSUPP);
    assert_string_equal(
        error, "fastopen=5: servers have it switched off: the sysctl net.ipv4.tcp_fastopen is 1; "
               "set the sysctl net.ipv4.tcp_fastopen to 3");
    write_sysctl("/proc/sys/net/ipv4/tcp_fastopen", "3");
    expect_effect("fastopen=5", "5");
}

static void a_backlog_that_the_kernel_cuts_is_told_of_a_profile(void **state)
{
    (void)state;
    char why[320];
    if (old_network < 0)
        skip();
    write_sysctl("/proc/sys/net/core/somaxconn", "100");
    struct net_address address = address_of("profile=many-idle");
    int fd = listen_or_fail(&address, false, 0);
    expect_read(fd, NET_BACKLOG, "100");
    leat__net_setting_why(&address.options, NET_BACKLOG, why, sizeof why);
    assert_string_equal(
        why, "the kernel gives 100 at most; raise the sysctl net.core.somaxconn, or ask for less");
    close(fd);
    write_sysctl("/proc/sys/net/core/somaxconn", "70000");
    assert_int_equal(check_profile("many-idle"), 0);
}

static void a_connection_goes_to_the_shard_of_its_processor(void **state)
{
    (void)state;
    cpu_set_t all, one;
    char error[512];
    int listeners[EVERY_SHARD];
    struct net_address address = address_of("steer=cpu");
    assert_return_code(sched_getaffinity(0, sizeof all, &all), errno);
    for (unsigned i = 0; i < EVERY_SHARD; i++) {
        listeners[i] = listen_or_fail(&address, true, i);
        leat__net_set_port(&address, leat__net_port(listeners[0]));
    }
    assert_int_equal(
        leat__net_apply_group(listeners[0], &address.options, EVERY_SHARD, error, sizeof error), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &all))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        assert_return_code(sched_setaffinity(0, sizeof one, &one), errno);
        for (unsigned i = 0; i < 16; i++) {
            int client = dial(leat__net_port(listeners[0]));
            int fd = leat__net_accept(listeners[cpu % EVERY_SHARD]);
            assert_true(fd >= 0);
            assert_int_equal(leat__net_accept(listeners[(cpu + 1) % EVERY_SHARD]), -EAGAIN);
            close(fd);
            close(client);
        }
    }
    assert_return_code(sched_setaffinity(0, sizeof all, &all), errno);
    close(listeners[0]);
    close(listeners[1]);
}

static void what_cannot_be_read_says_so(void **state)
{
    (void)state;
    char text[32];
    struct net_address address = address_of("proxy-protocol=v1");
    int listener = listen_or_fail(&address, false, 0), client, fd = accept_one(listener, &client);
    assert_int_equal(leat__net_setting_read(listener, NET_STEER, text, sizeof text), -EOPNOTSUPP);
    assert_int_equal(leat__net_setting_read(listener, NET_PROXY_PROTOCOL, text, sizeof text), -EOPNOTSUPP);
    assert_int_equal(leat__net_setting_read(fd, NET_BACKLOG, text, sizeof text), -EOPNOTSUPP);
    expect_read(fd, NET_USER_TIMEOUT, "none");
    expect_read(fd, NET_PACING_RATE, "none");
    close(fd);
    close(client);
    close(listener);
    assert_int_equal(leat__net_setting_read(listener, NET_NODELAY, text, sizeof text), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_setting_by_itself_is_what_the_kernel_says),
        cmocka_unit_test(busy_polling_is_handed_down),
        cmocka_unit_test(quickack_is_not_handed_down),
        cmocka_unit_test(every_profile_is_what_the_kernel_says),
        cmocka_unit_test(what_is_said_and_refused_is_an_error_with_the_way_out),
        cmocka_unit_test(an_ordinary_user_is_told_what_everyone_may_have),
        cmocka_unit_test(what_only_the_profile_wanted_is_left_out_and_told),
        cmocka_unit_test_setup_teardown(fast_open_needs_the_systems_consent, enter_network, leave_network),
        cmocka_unit_test_setup_teardown(a_backlog_that_the_kernel_cuts_is_told_of_a_profile,
                                        enter_network, leave_network),
        cmocka_unit_test(a_connection_goes_to_the_shard_of_its_processor),
        cmocka_unit_test(what_cannot_be_read_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
