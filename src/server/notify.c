/* notify.c: a datagram to the service manager. A socket is made for each, because there are a handful in a process's
 * life and nothing then has to be kept open, kept in step with a fork, or closed. What does not arrive is told to the
 * caller and changes nothing: nobody stops serving because nobody listened. */
#include "server/notify.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { NOTIFY_TEXT_MAX = 512 };

/* "/path", or "@name" for an abstract one. 0, or -errno: virtual machines' sockets (vsock:) are not for us. */
static int read_address(const char *text, struct sockaddr_un *address, socklen_t *size)
{
    size_t length = strlen(text);
    if ((text[0] != '/' && text[0] != '@') || length < 2)
        return -EAFNOSUPPORT;
    if (length >= sizeof address->sun_path)
        return -ENAMETOOLONG;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, text, length);
    if (text[0] == '@')
        address->sun_path[0] = '\0';
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return 0;
}

int leat__notify(const char *state)
{
    struct sockaddr_un address;
    socklen_t size;
    const char *text = getenv("NOTIFY_SOCKET");
    if (text == NULL || text[0] == '\0')
        return 0;
    int error = read_address(text, &address, &size);
    if (error < 0)
        return error;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
                          (const struct sockaddr *)&address, size);
    error = sent < 0 ? -errno : 1;
    close(fd);
    return error;
}

int leat__notifyf(const char *format, ...)
{
    char state[NOTIFY_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(state, sizeof state, format, arguments);
    va_end(arguments);
    return size < 0 || size >= (int)sizeof state ? -EMSGSIZE : leat__notify(state);
}

/* A whole number and nothing else; -1: it is not. */
static int64_t read_number(const char *text)
{
    char *end;
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return -1;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    return *end == '\0' && errno == 0 ? number : -1;
}

int64_t leat__notify_watchdog_ms(void)
{
    const char *whose = getenv("WATCHDOG_PID");
    int64_t every_us = read_number(getenv("WATCHDOG_USEC"));
    if (every_us <= 0 || (whose != NULL && read_number(whose) != getpid()))
        return -1;
    return every_us < 2000 ? 1 : every_us / 2000;
}
