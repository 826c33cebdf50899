/* bare.c: a server that does the least a server can: accept, answer one request, hold the socket. No epoll, no ring,
 * no timer. What the kernel spends on its sockets is what any server's sockets cost; what it spends beyond that on
 * Leat's is the price of waiting. Threads wait in accept one connection at a time, each on its own listener. */
#define _GNU_SOURCE
#include "million/million.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                             "Content-Type: text/plain; charset=utf-8\r\n"
                             "Content-Length: 13\r\n\r\nHello, World!";

static uint16_t port;
static pthread_barrier_t listening;

static int open_listener(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4096) < 0)
        million_die("listen");
    return fd;
}

static void *hold(void *unused)
{
    (void)unused;
    million_unshare(-1);
    int listener = open_listener();
    char request[4096];
    pthread_barrier_wait(&listening);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            million_die("accept");
        if (recv(fd, request, sizeof request, 0) <= 0 ||
            send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0)
            close(fd);
    }
}

int million_bare(int argc, char **argv)
{
    if (argc != 3)
        return 64;
    port = (uint16_t)million_number(argv[1], 1, 65535);
    uint32_t threads = million_number(argv[2], 1, MILLION_THREADS_MAX);
    pthread_barrier_init(&listening, NULL, threads + 1);
    for (uint32_t i = 0; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, hold, NULL) != 0)
            million_die("pthread_create");
    }
    pthread_barrier_wait(&listening);
    printf("listening\n");
    fflush(stdout);
    for (;;)
        pause();
}
