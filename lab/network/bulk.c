/* bulk.c: takes one large file over and over, and counts.
 *
 *     bulk PORT TARGET CONNECTIONS MILLISECONDS
 *
 * A client that does as little as a client can: each connection asks for TARGET of 127.0.0.1:PORT, reads the length in the
 * answer's head, takes as many octets into a buffer that it never looks at, and asks again. It prints one JSON object when
 * its time is over. An answer other than 200 with a length ends it; whether the octets are right is for who calls it to
 * ask beforehand. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 256,
    BUFFER = 1 << 18, /* octets */
    HEAD_MAX = 8192,
    QUIET_MS = 10000, /* with nothing for so long, the server is stuck */
    USAGE = 64,
    UNAVAILABLE = 69,
    SYSTEM = 71,
    PROTOCOL = 76,
};

struct connection {
    int fd;
    uint64_t left; /* octets of the content that are still to come; 0: the head is */
    size_t head_size;
    char head[HEAD_MAX + 1];
};

struct count {
    uint64_t octets, answers;
};

static struct connection connection[CONNECTIONS_MAX];
static char buffer[BUFFER];
static char request[1024];
static size_t request_size;

static void fail(int status, const char *what, const char *why)
{
    fprintf(stderr, "bulk: %s: %s\n", what, why);
    exit(status);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void ask(struct connection *c)
{
    c->head_size = 0;
    /* Its window is empty and the request is small: it goes as a whole. */
    if (send(c->fd, request, request_size, MSG_NOSIGNAL) != (ssize_t)request_size)
        fail(UNAVAILABLE, "sending a request", strerror(errno));
}

static void open_connection(struct connection *c, int events, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail(UNAVAILABLE, "connecting", strerror(errno));
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = c}};
    if (epoll_ctl(events, EPOLL_CTL_ADD, c->fd, &event) < 0)
        fail(SYSTEM, "epoll", strerror(errno));
    ask(c);
}

/* The content's length out of a whole head. */
static uint64_t read_head(char *head)
{
    static const char name[] = "\r\nContent-Length:";
    const char *length = strcasestr(head, name);
    if (strncmp(head, "HTTP/1.1 200 ", 13) != 0 || length == NULL)
        fail(PROTOCOL, "an answer that is not 200 with a length", strtok(head, "\r\n"));
    uint64_t size = strtoull(length + sizeof name - 1, NULL, 10);
    if (size == 0)
        fail(PROTOCOL, "an answer", "without content");
    return size;
}

/* Takes octets of a head that is not whole; answers how many. */
static size_t take_head(struct connection *c, const char *octets, size_t size)
{
    size_t before = c->head_size, room = HEAD_MAX - before;
    size_t taken = size < room ? size : room;
    memcpy(c->head + before, octets, taken);
    c->head[before + taken] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (end == NULL) {
        c->head_size += taken;
        if (c->head_size == HEAD_MAX)
            fail(PROTOCOL, "a head", "without an end");
        return taken;
    }
    end[2] = 0;
    size_t head_size = (size_t)(end - c->head) + 4;
    c->left = read_head(c->head);
    return head_size - before;
}

static void take(struct connection *c, struct count *count)
{
    ssize_t n = recv(c->fd, buffer, BUFFER, 0);
    if (n <= 0)
        fail(UNAVAILABLE, "the server closed", n < 0 ? strerror(errno) : "within an answer");
    size_t at = c->left == 0 ? take_head(c, buffer, (size_t)n) : 0;
    if (c->left == 0)
        return;
    uint64_t content = (uint64_t)n - at;
    if (content > c->left)
        fail(PROTOCOL, "an answer", "is longer than its length");
    c->left -= content;
    count->octets += content;
    if (c->left == 0) {
        count->answers++;
        ask(c);
    }
}

static unsigned long number(const char *text, unsigned long high)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    return *end == 0 && n <= high ? n : 0;
}

static void run(unsigned long connections, uint16_t port, double seconds)
{
    int events = epoll_create1(EPOLL_CLOEXEC);
    if (events < 0)
        fail(SYSTEM, "epoll", strerror(errno));
    double began = now();
    for (unsigned long i = 0; i < connections; i++)
        open_connection(&connection[i], events, port);
    struct count count = {0};
    while (now() < began + seconds) {
        struct epoll_event ready[64];
        int n = epoll_wait(events, ready, 64, QUIET_MS);
        if (n <= 0)
            fail(UNAVAILABLE, "waiting", n < 0 ? strerror(errno) : "nothing came for 10 s");
        for (int i = 0; i < n; i++)
            take(ready[i].data.ptr, &count);
    }
    printf("{\"octets\":%llu,\"answers\":%llu,\"seconds\":%.6f}\n",
           (unsigned long long)count.octets, (unsigned long long)count.answers, now() - began);
}

int main(int argc, char **argv)
{
    unsigned long port = argc == 5 ? number(argv[1], 65535) : 0;
    unsigned long connections = argc == 5 ? number(argv[3], CONNECTIONS_MAX) : 0;
    unsigned long milliseconds = argc == 5 ? number(argv[4], 600000) : 0;
    int size = port ? snprintf(request, sizeof request,
                               "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%lu\r\n\r\n", argv[2], port)
                    : 0;
    if (!port || !connections || !milliseconds || size >= (int)sizeof request) {
        fprintf(stderr, "usage: bulk PORT TARGET CONNECTIONS MILLISECONDS\n");
        return USAGE;
    }
    request_size = (size_t)size;
    run(connections, (uint16_t)port, (double)milliseconds / 1000);
    return 0;
}
