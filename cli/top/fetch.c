/* fetch.c: one request for /leat/live.json over a connection of its own, step by step, so that keys are answered while a
 * server is slow. */
#include "top.h"
#include "base/clock.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool leat__top_fetch_init(struct top_fetch *f, const struct address *address, const char *token)
{
    memset(f, 0, sizeof *f);
    f->address = address;
    f->fd = -1;
    f->bytes = malloc(TOP_REPLY_MAX + 1);
    int size = snprintf(f->request, sizeof f->request,
                        "GET /leat/live.json HTTP/1.1\r\nHost: %s\r\nUser-Agent: leat-top\r\n"
                        "Accept: application/json\r\nConnection: close\r\n%s%s%s\r\n",
                        address->host, token[0] != '\0' ? "Authorization: Bearer " : "", token,
                        token[0] != '\0' ? "\r\n" : "");
    f->request_size = (size_t)size;
    return f->bytes != NULL && size > 0 && (size_t)size < sizeof f->request;
}

static void hang_up(struct top_fetch *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

void leat__top_fetch_finish(struct top_fetch *f)
{
    hang_up(f);
    free(f->bytes);
    f->bytes = NULL;
}

static enum top_progress give_up(struct top_fetch *f, int status, const char *why)
{
    hang_up(f);
    f->status = status;
    snprintf(f->error, sizeof f->error, "%s: %s", f->address->text, why);
    return TOP_FAILED;
}

static enum top_progress tell_refused(struct top_fetch *f, int error)
{
    char why[256];
    snprintf(why, sizeof why,
             "%s; is the server running? Its first lines say where its live page is: leat top URL",
             strerror(error));
    return give_up(f, TOP_NOT_THERE, why);
}

/* Connects to the next address that can be; false: there is none, and errno tells of the last. */
static bool connect_next(struct top_fetch *f)
{
    for (; f->at < f->address->count; f->at++) {
        const struct sockaddr *to = (const struct sockaddr *)(const void *)&f->address->found[f->at];
        f->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (f->fd < 0)
            continue;
        f->is_connecting = true;
        if (connect(f->fd, to, f->address->sizes[f->at]) == 0 || errno == EINPROGRESS || errno == EAGAIN)
            return true;
        int error = errno;
        hang_up(f);
        errno = error;
    }
    return false;
}

void leat__top_fetch_begin(struct top_fetch *f)
{
    hang_up(f);
    f->at = 0;
    f->sent = f->size = f->content_size = 0;
    f->content = NULL;
    f->error[0] = '\0';
    f->status = 0;
    f->until_ms = leat__clock_now_ms() + TOP_PATIENCE_MS;
    errno = EADDRNOTAVAIL;
    if (!connect_next(f))
        f->status = errno; /* told by going on */
}

/* 1: connected; 0: not yet; -errno. */
static int end_connecting(struct top_fetch *f)
{
    struct pollfd one = {.fd = f->fd, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof error;
    if (poll(&one, 1, 0) == 0)
        return 0;
    if (getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    f->is_connecting = error != 0;
    return error == 0 ? 1 : -error;
}

/* 1: all is sent; 0: not yet; -errno. */
static int send_request(struct top_fetch *f)
{
    while (f->sent < f->request_size) {
        ssize_t n = send(f->fd, f->request + f->sent, f->request_size - f->sent, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN ? 0 : -errno;
        f->sent += (size_t)n;
    }
    return 1;
}

/* 1: the end has come; 0: not yet; -errno. */
static int receive(struct top_fetch *f)
{
    for (;;) {
        ssize_t n = recv(f->fd, f->bytes + f->size, TOP_REPLY_MAX - f->size, 0);
        if (n == 0)
            return f->size < TOP_REPLY_MAX ? 1 : -EFBIG;
        if (n < 0)
            return errno == EAGAIN ? 0 : errno == ECONNRESET && f->size > 0 ? 1 : -errno;
        f->size += (size_t)n;
    }
}

enum top_progress leat__top_fetch_go_on(struct top_fetch *f)
{
    char why[256];
    if (f->fd < 0)
        return tell_refused(f, f->status);
    int step = f->is_connecting ? end_connecting(f) : 1;
    if (step < 0) {
        hang_up(f);
        f->at++;
        errno = -step;
        return connect_next(f) ? TOP_PENDING : tell_refused(f, errno);
    }
    if (step > 0)
        step = send_request(f);
    if (step > 0)
        step = receive(f);
    if (step < 0)
        return tell_refused(f, -step);
    if (step == 0 && leat__clock_now_ms() < f->until_ms)
        return TOP_PENDING;
    if (step == 0)
        return give_up(f, TOP_NOT_THERE, "no answer within 4 s");
    hang_up(f);
    int status = leat__top_reply_read(f->bytes, f->size, &f->content, &f->content_size, why, sizeof why);
    return status == 0 ? TOP_ANSWERED : give_up(f, status, why);
}

short leat__top_fetch_events(const struct top_fetch *f)
{
    return f->is_connecting || f->sent < f->request_size ? POLLOUT : POLLIN;
}

int leat__top_fetch_wait_ms(const struct top_fetch *f)
{
    int64_t left = f->until_ms - leat__clock_now_ms();
    return left > 0 ? (int)left : 0;
}
