/* test_activation.c: sockets that somebody hands over, rightly and wrongly. Each case plays in a process of its own,
 * whose descriptors from 3 on are made for it. */
#include "server/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* What stands at descriptors 3, 4 …: L a TCP listener, U a unix one, T a TCP socket that does not listen, D a datagram
 * socket, F a file, - nothing. */
static int make(char what)
{
    if (what == 'F')
        return open("/dev/null", O_RDONLY);
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr family = {.sa_family = AF_UNIX};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(what == 'U' ? AF_UNIX : AF_INET, what == 'D' ? SOCK_DGRAM : SOCK_STREAM, 0);
    bool is_unix = what == 'U'; /* for which the kernel chooses an abstract name */
    const struct sockaddr *address = is_unix ? &family : (const struct sockaddr *)&in;
    int bound = bind(fd, address, is_unix ? sizeof family.sa_family : sizeof in);
    if (bound < 0 || ((what == 'L' || is_unix) && listen(fd, 4) < 0))
        abort();
    return fd;
}

static void put_in_place(const char *descriptors)
{
    for (int i = 0; descriptors[i] != '\0'; i++) {
        int fd = descriptors[i] == '-' ? -1 : make(descriptors[i]), place = 3 + i;
        close(fd == place ? -1 : place);
        if (fd >= 0 && fd != place) {
            dup2(fd, place);
            close(fd);
        }
    }
}

struct told {
    int status;
    bool unset, flagged;
    struct activation activation;
    char error[256];
};

static void set_or_unset(const char *name, const char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static void play(const char *descriptors, const char *pid, const char *fds, const char *names,
                 struct told *told)
{
    char own[16];
    snprintf(own, sizeof own, "%d", (int)getpid());
    put_in_place(descriptors);
    set_or_unset("LISTEN_PID", pid != NULL && strcmp(pid, "own") == 0 ? own : pid);
    set_or_unset("LISTEN_FDS", fds);
    set_or_unset("LISTEN_FDNAMES", names);
    told->status = leat__activation_take(&told->activation, told->error, sizeof told->error);
    told->unset = getenv("LISTEN_PID") == NULL && getenv("LISTEN_FDS") == NULL &&
                  getenv("LISTEN_FDNAMES") == NULL;
    told->flagged = true;
    for (uint32_t i = 0; i < told->activation.count; i++)
        told->flagged = told->flagged && fcntl(told->activation.fds[i], F_GETFL) & O_NONBLOCK &&
                        fcntl(told->activation.fds[i], F_GETFD) & FD_CLOEXEC;
}

static struct told take(const char *descriptors, const char *pid, const char *fds, const char *names)
{
    struct told told = {0};
    int ends[2], status;
    assert_return_code(pipe(ends), errno);
    int out = fcntl(ends[1], F_DUPFD, 100); /* out of the way */
    pid_t child = fork();
    if (child == 0) {
        play(descriptors, pid, fds, names, &told);
        _exit(write(out, &told, sizeof told) != sizeof told);
    }
    close(ends[1]);
    close(out);
    assert_int_equal(read(ends[0], &told, sizeof told), sizeof told);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return told;
}

static void expect_refused(const char *descriptors, const char *pid, const char *fds,
                           const char *names, const char *line)
{
    struct told told = take(descriptors, pid, fds, names);
    assert_string_equal(told.error, line);
    assert_int_equal(told.status, -EINVAL);
    assert_int_equal(told.activation.count, 0);
}

static void sockets_that_are_for_us_are_taken(void **state)
{
    (void)state;
    struct told told = take("LU", "own", "2", "web:side");
    assert_int_equal(told.status, 0);
    assert_int_equal(told.activation.count, 2);
    assert_int_equal(told.activation.fds[0], 3);
    assert_int_equal(told.activation.fds[1], 4);
    assert_string_equal(told.activation.names[0], "web");
    assert_string_equal(told.activation.names[1], "side");
    assert_true(told.unset && told.flagged);
}

static void names_are_not_needed_and_may_be_empty(void **state)
{
    (void)state;
    struct told told = take("L", "own", "1", NULL);
    assert_int_equal(told.activation.count, 1);
    assert_string_equal(told.activation.names[0], "");
    told = take("LLL", "own", "3", "a::c");
    assert_int_equal(told.activation.count, 3);
    assert_string_equal(told.activation.names[1], "");
    assert_string_equal(told.activation.names[2], "c");
    told = take("L", "own", "1", "");
    assert_int_equal(told.activation.count, 1);
}

static void what_is_not_for_us_is_left_alone(void **state)
{
    (void)state;
    struct told told = take("L", "1", "1", "web");
    assert_int_equal(told.status, 0);
    assert_int_equal(told.activation.count, 0);
    assert_false(told.unset);
    told = take("L", NULL, "1", NULL);
    assert_int_equal(told.status + (int)told.activation.count, 0);
    told = take("L", "own", NULL, NULL);
    assert_int_equal(told.status + (int)told.activation.count, 0);
    told = take("L", "own", "0", NULL);
    assert_int_equal(told.status + (int)told.activation.count, 0);
}

static void wrong_variables_are_told(void **state)
{
    (void)state;
    expect_refused("L", "me", "1", NULL, "LISTEN_PID=me: not a process");
    expect_refused("L", "", "1", NULL, "LISTEN_PID=: not a process");
    expect_refused("L", "own", "one", NULL, "LISTEN_FDS=one: not a number of descriptors");
    expect_refused("L", "own", "-1", NULL, "LISTEN_FDS=-1: not a number of descriptors");
    expect_refused("L", "own", "99999999999999999999", NULL,
                   "LISTEN_FDS=99999999999999999999: not a number of descriptors");
    expect_refused("L", "own", "17", NULL, "LISTEN_FDS=17: 16 sockets are the most");
    expect_refused("LL", "own", "2", "web",
                   "LISTEN_FDNAMES: 1 names for 2 descriptors (LISTEN_FDS); it must be as many");
    expect_refused("L", "own", "1", "a:b:c",
                   "LISTEN_FDNAMES: 3 names for 1 descriptors (LISTEN_FDS); it must be as many");
    expect_refused("L", "own", "1", "0123456789012345678901234567890123456789012345678901234567890123",
                   "LISTEN_FDNAMES: name 1 has 64 octets; 63 are the most");
}

static void descriptors_that_do_not_listen_are_told(void **state)
{
    (void)state;
    expect_refused("L-", "own", "2", NULL, "LISTEN_FDS: descriptor 4 is not open");
    expect_refused("F", "own", "1", NULL, "LISTEN_FDS: descriptor 3 is not a socket");
    expect_refused("LD", "own", "2", NULL,
                   "LISTEN_FDS: descriptor 4 is not a stream socket of TCP or unix; write "
                   "ListenStream= in the socket "
                   "unit");
    expect_refused("T", "own", "1", NULL,
                   "LISTEN_FDS: descriptor 3 does not listen; write Accept=no in the socket unit");
}

static void a_socket_is_found_by_number_or_name(void **state)
{
    (void)state;
    struct activation a = {.count = 3, .fds = {3, 4, 5}, .names = {"web", "", "web"}};
    assert_int_equal(leat__activation_find(&a, "3"), 0);
    assert_int_equal(leat__activation_find(&a, "5"), 2);
    assert_int_equal(leat__activation_find(&a, "6"), -1);
    assert_int_equal(leat__activation_find(&a, "2"), -1);
    assert_int_equal(leat__activation_find(&a, "web"), 0);
    assert_int_equal(leat__activation_find(&a, "side"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_that_are_for_us_are_taken),
        cmocka_unit_test(names_are_not_needed_and_may_be_empty),
        cmocka_unit_test(what_is_not_for_us_is_left_alone),
        cmocka_unit_test(wrong_variables_are_told),
        cmocka_unit_test(descriptors_that_do_not_listen_are_told),
        cmocka_unit_test(a_socket_is_found_by_number_or_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
