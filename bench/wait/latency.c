/* latency.c: one connection with one request at a time, as a person's browser has it: prints how many answers came, and
 * the median and the 99th percentile of their times, in nanoseconds. */
#define _GNU_SOURCE
#include "wait/bench_wait.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TIMES_MAX = 4000000, RECONNECT_AFTER = 64 };

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* A new one now and then: another shard's turn. */
static int connect_to(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        perror("bench_wait: connect");
        exit(69);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    return fd;
}

static void ask(int fd)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char answer[4096];
    size_t size = sizeof request - 1;
    if (write(fd, request, size) != (ssize_t)size || read(fd, answer, sizeof answer) < 13 ||
        memcmp(answer, "HTTP/1.1 200 ", 13) != 0) {
        fprintf(stderr, "bench_wait: an answer that is not 200\n");
        exit(1);
    }
}

static int by_time(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int wait_latency(int argc, char **argv)
{
    (void)argc;
    uint16_t port = (uint16_t)atoi(argv[1]);
    uint64_t end = now_ns() + (uint64_t)(atof(argv[2]) * 1e9), now = now_ns();
    uint32_t *times = malloc(sizeof *times * TIMES_MAX);
    size_t n = 0;
    if (times == NULL)
        return 69;
    while (now < end && n < TIMES_MAX) {
        int fd = connect_to(port);
        ask(fd); /* not counted */
        for (int i = 0; i < RECONNECT_AFTER && n < TIMES_MAX; i++) {
            uint64_t start = now_ns();
            ask(fd);
            now = now_ns();
            times[n++] = (uint32_t)(now - start < UINT32_MAX ? now - start : UINT32_MAX);
        }
        close(fd);
    }
    qsort(times, n, sizeof *times, by_time);
    printf("%zu %u %u\n", n, times[n / 2], times[n - 1 - n / 100]);
    free(times);
    return 0;
}
