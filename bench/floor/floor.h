/* floor.h: what both floors share: the answer, made before the first request, and the listening socket.
 *
 * A floor is the cheapest server that still moves the same octets: it receives, divides the length by the size of a
 * request, and sends so many copies of an answer that was ready before. It looks at nothing it receives, so it serves
 * only a client that is known to send requests of one size. What a real server costs above it is parsing, routing and
 * answering; what lies beneath is the kernel's.
 *
 * What must always be true: the answer has as many octets as the answer of examples/hello to GET /. */
#ifndef LEAT_FLOOR_H
#define LEAT_FLOOR_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    FLOOR_RECEIVE =
        32768, /* bytes: more than 16 pipelined browser heads, so one receive takes a burst */
    FLOOR_COPIES = 256, /* the most answers one send carries */
    FLOOR_DESCRIPTORS = 4096,
    FLOOR_BACKLOG = 4096,
};

struct floor {
    size_t request_size; /* octets of one request */
    size_t answer_size;  /* octets of one answer */
    char *answers;       /* FLOOR_COPIES of them */
    int listener;
    unsigned
        rest[FLOOR_DESCRIPTORS]; /* per descriptor: octets of a request that has not come whole */
};

static inline void floor_die(const char *what)
{
    perror(what);
    exit(71);
}

/* Fills floor->answers with copies of one answer, dated with the start. */
static inline void floor_make_answers(struct floor *floor)
{
    char date[64], answer[512];
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    int size = snprintf(answer, sizeof answer,
                        "HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                        "Content-Length: 13\r\n\r\nHello, World!",
                        date);
    floor->answer_size = (size_t)size;
    floor->answers = malloc(FLOOR_COPIES * floor->answer_size);
    if (floor->answers == NULL)
        floor_die("malloc");
    for (size_t i = 0; i < FLOOR_COPIES; i++)
        memcpy(floor->answers + i * floor->answer_size, answer, floor->answer_size);
}

/* The arguments are PORT REQUEST_SIZE. flags: SOCK_NONBLOCK or 0. */
static inline void floor_open(struct floor *floor, int argc, char **argv, int flags)
{
    long port = argc == 3 ? atol(argv[1]) : 0;
    long request_size = argc == 3 ? atol(argv[2]) : 0;
    if (port < 1 || port > 65535 || request_size < 1 || request_size > FLOOR_RECEIVE) {
        fprintf(stderr, "usage: %s PORT REQUEST_SIZE\n", argv[0]);
        exit(64);
    }
    floor->request_size = (size_t)request_size;
    floor_make_answers(floor);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    floor->listener = socket(AF_INET, SOCK_STREAM | flags, 0);
    int one = 1;
    setsockopt(floor->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    /* Accepted sockets inherit it: nothing is to be set per connection. */
    setsockopt(floor->listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(floor->listener, (struct sockaddr *)&address, sizeof address) < 0)
        floor_die("bind");
    if (listen(floor->listener, FLOOR_BACKLOG) < 0)
        floor_die("listen");
    printf("listening on 127.0.0.1:%ld\n", port);
    fflush(stdout);
}

/* How many octets of answers size received octets are worth. */
static inline size_t floor_owed(struct floor *floor, int fd, size_t size)
{
    size_t have = floor->rest[fd] + size;
    size_t whole = have / floor->request_size;
    floor->rest[fd] = (unsigned)(have - whole * floor->request_size);
    if (whole > FLOOR_COPIES)
        whole = FLOOR_COPIES;
    return whole * floor->answer_size;
}

#endif
