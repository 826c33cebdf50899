/* floor.h: what both floors share: the answer, made before the first request, and the listening socket.
 *
 * A floor is the cheapest server that still moves the same octets: it receives, divides the length by the size of a
 * request, and sends so many copies of an answer that was ready before. It looks at nothing it receives, so it serves
 * only a client that is known to send requests of one size. What a real server costs above it is parsing, routing and
 * answering; what lies beneath is the kernel's.
 *
 * The answer comes from a file: bench/run puts there what examples/hello answers to GET /, octet by octet. */
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
#include <unistd.h>

enum {
    FLOOR_RECEIVE = 32768, /* bytes: more than 16 pipelined browser heads, so one receive takes a burst */
    FLOOR_COPIES = 256, /* the most answers one send carries */
    FLOOR_DESCRIPTORS = 4096,
    FLOOR_BACKLOG = 4096,
    FLOOR_ANSWER_MAX = 4096,
};

struct floor {
    size_t request_size; /* octets of one request */
    size_t answer_size;  /* octets of one answer */
    char *answers;       /* FLOOR_COPIES of them */
    int listener;
    unsigned rest[FLOOR_DESCRIPTORS]; /* per descriptor: octets of a request that has not come whole */
};

static inline void floor_die(const char *what)
{
    perror(what);
    exit(71);
}

/* Fills floor->answers with copies of the octets in the file. */
static inline void floor_read_answer(struct floor *floor, const char *path)
{
    char answer[FLOOR_ANSWER_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        floor_die(path);
    floor->answer_size = fread(answer, 1, sizeof answer, file);
    fclose(file);
    floor->answers = malloc(FLOOR_COPIES * floor->answer_size);
    if (floor->answer_size == 0 || floor->answers == NULL)
        floor_die(path);
    for (size_t i = 0; i < FLOOR_COPIES; i++)
        memcpy(floor->answers + i * floor->answer_size, answer, floor->answer_size);
}

static inline long floor_number(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);
    return *end == 0 ? n : 0;
}

/* The arguments are PORT REQUEST_SIZE ANSWER_FILE. flags: SOCK_NONBLOCK or 0. */
static inline void floor_open(struct floor *floor, int argc, char **argv, int flags)
{
    long port = argc == 4 ? floor_number(argv[1]) : 0;
    long request_size = argc == 4 ? floor_number(argv[2]) : 0;
    if (port < 1 || port > 65535 || request_size < 1 || request_size > FLOOR_RECEIVE) {
        fprintf(stderr, "usage: %s PORT REQUEST_SIZE ANSWER_FILE\n", argv[0]);
        exit(64);
    }
    floor->request_size = (size_t)request_size;
    floor_read_answer(floor, argv[3]);
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
