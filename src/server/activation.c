/* activation.c: what whoever started us left behind for us: in the environment how many sockets there are, from
 * descriptor 3 on, for which process, and what they are called.
 *
 * The variables are taken out of the environment: programs that we start are not meant. What is not for us (another
 * process's LISTEN_PID) is left as it is. */
#include "server/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_FD = 3 };

struct mistake {
    char *error;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static int tell(const struct mistake *to, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(to->error, to->size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* Digits alone. false: it is no number, or larger than any. */
static bool read_number(const char *text, long *out)
{
    size_t digits = strspn(text, "0123456789");
    *out = digits > 0 && digits <= 9 ? strtol(text, NULL, 10) : -1;
    return text[digits] == '\0' && *out >= 0;
}

static int option_of(int fd, int option)
{
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -errno : value;
}

static int check_socket(int fd, const struct mistake *to)
{
    int type = option_of(fd, SO_TYPE);
    int family = option_of(fd, SO_DOMAIN);
    if (type == -EBADF)
        return tell(to, "LISTEN_FDS: descriptor %d is not open", fd);
    if (type < 0)
        return tell(to, "LISTEN_FDS: descriptor %d is not a socket", fd);
    if (type != SOCK_STREAM || (family != AF_INET && family != AF_INET6 && family != AF_UNIX))
        return tell(to,
                    "LISTEN_FDS: descriptor %d is not a stream socket of TCP or unix; write "
                    "ListenStream= in "
                    "the socket unit",
                    fd);
    if (option_of(fd, SO_ACCEPTCONN) != 1)
        return tell(
            to, "LISTEN_FDS: descriptor %d does not listen; write Accept=no in the socket unit", fd);
    return 0;
}

/* As what we open ourselves: it never waits, and no program that we start has it. */
static int make_ours(int fd, const struct mistake *to)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return tell(to, "LISTEN_FDS: descriptor %d: %s", fd, strerror(errno));
    return 0;
}

/* "http:admin": one for each descriptor. */
static int read_names(struct activation *a, const char *names, const struct mistake *to)
{
    uint32_t count = 0;
    for (const char *at = names;; count++) {
        size_t size = strcspn(at, ":");
        if (count < a->count && size >= sizeof a->names[0])
            return tell(to, "LISTEN_FDNAMES: name %u has %zu octets; %zu are the most", count + 1,
                        size, sizeof a->names[0] - 1);
        if (count < a->count) {
            memcpy(a->names[count], at, size);
            a->names[count][size] = '\0';
        }
        if (at[size] == '\0')
            break;
        at += size + 1;
    }
    if (++count != a->count)
        return tell(to, "LISTEN_FDNAMES: %u names for %u descriptors (LISTEN_FDS); it must be as many",
                    count, a->count);
    return 0;
}

static int take(struct activation *a, const char *fds, const char *names, const struct mistake *to)
{
    long count;
    if (!read_number(fds, &count))
        return tell(to, "LISTEN_FDS=%.40s: not a number of descriptors", fds);
    if (count > ACTIVATION_MAX)
        return tell(to, "LISTEN_FDS=%ld: %d sockets are the most", count, ACTIVATION_MAX);
    for (uint32_t i = 0; i < (uint32_t)count; i++) {
        int fd = FIRST_FD + (int)i, status = check_socket(fd, to);
        if (status == 0)
            status = make_ours(fd, to);
        if (status < 0)
            return status;
        a->fds[i] = fd;
    }
    a->count = (uint32_t)count;
    return names != NULL && count > 0 ? read_names(a, names, to) : 0;
}

int leat__activation_take(struct activation *a, char *error, size_t error_size)
{
    const struct mistake to = {error, error_size};
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    long whose;
    memset(a, 0, sizeof *a);
    if (error_size > 0)
        error[0] = '\0';
    if (pid == NULL || fds == NULL)
        return 0;
    if (!read_number(pid, &whose))
        return tell(&to, "LISTEN_PID=%.40s: not a process", pid);
    if (whose != getpid())
        return 0;
    int status = take(a, fds, getenv("LISTEN_FDNAMES"), &to);
    if (status < 0) {
        a->count = 0;
        return status;
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    unsetenv("LISTEN_PIDFDID");
    return 0;
}

int leat__activation_find(const struct activation *a, const char *name)
{
    long fd;
    if (read_number(name, &fd))
        return fd >= FIRST_FD && fd < FIRST_FD + (long)a->count ? (int)(fd - FIRST_FD) : -1;
    for (uint32_t i = 0; i < a->count; i++)
        if (strcmp(a->names[i], name) == 0)
            return (int)i;
    return -1;
}
