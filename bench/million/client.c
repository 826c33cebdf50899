/* client.c: holds very many keep-alive connections to one port, told by lines what to do with them.
 *
 *     connect         opens all of them, with one request answered on each
 *     again COUNT     one more request on COUNT of them, chosen at random
 *     alive           how many are neither closed nor broken
 *     close           closes all, by reset, so that no port waits out its time
 *     send            opens all of them and sends a request on each; nobody answers it (bench/wait)
 *     drip            one octet on each: of the content, or of the answer when there is none
 *
 * Each is answered with `done COUNT SECONDS`, COUNT being the answers that were 200 with the right content; while it
 * works, `at COUNT` once a second. The end of stdin ends the program.
 *
 * Every thread has its own descriptor table and two source addresses in 127.0.0.0/8: finding a free port gets slow
 * beyond half of an address's range. In each thread at most WINDOW connections are under way, so listeners' queues
 * never overflow. They are watched by poll(2), which leaves nothing in the kernel: a connection of the client costs its
 * socket and nothing else, so that what is measured beside it is the server's. */
#define _GNU_SOURCE
#include "million/million.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WINDOW = 32, ADDRESSES = 2, ANSWER_MAX = 1024, PATIENCE_MS = 20000 };

enum { RECEIVE_SMALL = 4096 };

enum command {
    COMMAND_CONNECT,
    COMMAND_AGAIN,
    COMMAND_ALIVE,
    COMMAND_CLOSE,
    COMMAND_SEND,
    COMMAND_DRIP
};

struct worker {
    pthread_t thread;
    uint32_t number;
    uint32_t count; /* connections that are this thread's */
    uint32_t again; /* how many of them are asked again */
    int *sockets;   /* count descriptors; -1: not open */
    struct pollfd watched[WINDOW];
    uint32_t watched_at[WINDOW]; /* which connections these are */
    uint32_t under_way;
    uint64_t chance; /* state of the random numbers */
};

static uint16_t port;
static uint32_t threads;
static struct worker workers[MILLION_THREADS_MAX];
static pthread_barrier_t begin, end;
static enum command command;
static _Atomic uint64_t good; /* answers of this command */
static char request[256];
static size_t request_size;
static bool has_content;

static uint32_t random_below(struct worker *w, uint32_t bound)
{
    w->chance ^= w->chance << 13;
    w->chance ^= w->chance >> 7;
    w->chance ^= w->chance << 17;
    return (uint32_t)((w->chance >> 32) * bound >> 32);
}

static struct sockaddr_in source_of(const struct worker *w, uint32_t i)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    uint32_t nth = w->number * ADDRESSES + i % ADDRESSES;
    address.sin_addr.s_addr = htonl((127u << 24) + (1u << 16) + (nth / 200 << 8) + nth % 200 + 1);
    return address;
}

static void start_connection(struct worker *w, uint32_t i)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in from = source_of(w, i);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    if (fd < 0)
        million_die("socket");
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (command == COMMAND_SEND) { /* what is not read is to stay with the server */
        int small = RECEIVE_SMALL;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0)
        million_die("bind");
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        million_die("connect");
    w->sockets[i] = fd;
}

static void watch(struct worker *w, uint32_t i, short events)
{
    w->watched_at[w->under_way] = i;
    w->watched[w->under_way++] = (struct pollfd){.fd = w->sockets[i], .events = events};
}

static void give_up(struct worker *w, uint32_t i)
{
    close(w->sockets[i]);
    w->sockets[i] = -1;
}

static void ask(struct worker *w, uint32_t i)
{
    if (send(w->sockets[i], request, request_size, MSG_NOSIGNAL) != (ssize_t)request_size)
        give_up(w, i);
}

/* The whole answer comes in one segment: it is one send of a few hundred octets. */
static void take_answer(struct worker *w, uint32_t i)
{
    char answer[ANSWER_MAX + 1];
    ssize_t n = recv(w->sockets[i], answer, ANSWER_MAX, 0);
    answer[n > 0 ? n : 0] = 0;
    if (n > 0 && strncmp(answer, "HTTP/1.1 200 ", 13) == 0 &&
        strstr(answer, "\r\n\r\nHello, World!") != NULL)
        atomic_fetch_add_explicit(&good, 1, memory_order_relaxed);
    else
        give_up(w, i);
}

/* Whether what is watched there goes on: connected → ask → answered. */
static bool advance(struct worker *w, uint32_t place)
{
    uint32_t i = w->watched_at[place];
    if (w->watched[place].events == POLLIN) {
        take_answer(w, i);
        return false;
    }
    ask(w, i);
    if (command == COMMAND_SEND) {
        atomic_fetch_add_explicit(&good, w->sockets[i] >= 0, memory_order_relaxed);
        return false;
    }
    w->watched[place].events = POLLIN;
    return w->sockets[i] >= 0;
}

static void turn(struct worker *w)
{
    if (poll(w->watched, w->under_way, PATIENCE_MS) == 0) {
        fprintf(stderr, "million: no answer for %d s\n", PATIENCE_MS / 1000);
        exit(1);
    }
    for (uint32_t place = w->under_way; place-- > 0;) {
        if (w->watched[place].revents == 0 || advance(w, place))
            continue;
        w->under_way--;
        w->watched[place] = w->watched[w->under_way];
        w->watched_at[place] = w->watched_at[w->under_way];
    }
}

static void connect_all(struct worker *w)
{
    uint32_t started = 0;
    while (started < w->count || w->under_way > 0) {
        while (started < w->count && w->under_way < WINDOW) {
            start_connection(w, started);
            watch(w, started++, POLLOUT);
        }
        turn(w);
    }
}

/* w->again different ones, in random order: the front of a shuffled list of all. */
static void ask_again(struct worker *w)
{
    uint32_t *order = malloc(w->count * sizeof *order);
    if (order == NULL)
        million_die("malloc");
    for (uint32_t i = 0; i < w->count; i++)
        order[i] = i;
    uint32_t started = 0;
    while (started < w->again || w->under_way > 0) {
        while (started < w->again && w->under_way < WINDOW) {
            uint32_t other = started + random_below(w, w->count - started), chosen = order[other];
            order[other] = order[started++];
            if (w->sockets[chosen] >= 0)
                ask(w, chosen);
            if (w->sockets[chosen] >= 0)
                watch(w, chosen, POLLIN);
        }
        if (w->under_way > 0)
            turn(w);
    }
    free(order);
}

static void count_alive(struct worker *w)
{
    char octet;
    for (uint32_t i = 0; i < w->count; i++)
        if (w->sockets[i] >= 0) {
            ssize_t n = recv(w->sockets[i], &octet, 1, MSG_DONTWAIT | MSG_PEEK);
            if (n > 0 || (n < 0 && errno == EAGAIN))
                atomic_fetch_add_explicit(&good, 1, memory_order_relaxed);
        }
}

static void drip_all(struct worker *w)
{
    char octet = 'x';
    for (uint32_t i = 0; i < w->count; i++)
        if (w->sockets[i] >= 0) {
            ssize_t n = has_content ? send(w->sockets[i], &octet, 1, MSG_NOSIGNAL | MSG_DONTWAIT)
                                    : recv(w->sockets[i], &octet, 1, MSG_DONTWAIT);
            if (n == 1)
                atomic_fetch_add_explicit(&good, 1, memory_order_relaxed);
        }
}

static void close_all(struct worker *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->sockets[i] < 0)
            continue;
        close(w->sockets[i]);
        w->sockets[i] = -1;
        atomic_fetch_add_explicit(&good, 1, memory_order_relaxed);
    }
}

static void *work(void *argument)
{
    struct worker *w = argument;
    million_unshare(-1);
    w->sockets = malloc(w->count * sizeof w->sockets[0]);
    if (w->sockets == NULL)
        million_die("start");
    memset(w->sockets, 0xff, w->count * sizeof w->sockets[0]);
    for (;;) {
        pthread_barrier_wait(&begin);
        switch (command) {
        case COMMAND_CONNECT:
        case COMMAND_SEND:
            connect_all(w);
            break;
        case COMMAND_DRIP:
            drip_all(w);
            break;
        case COMMAND_AGAIN:
            ask_again(w);
            break;
        case COMMAND_ALIVE:
            count_alive(w);
            break;
        case COMMAND_CLOSE:
            close_all(w);
            break;
        }
        pthread_barrier_wait(&end);
    }
}

static _Atomic bool working;

static void *tell_progress(void *unused)
{
    for (;;) {
        sleep(1);
        if (atomic_load(&working)) {
            printf("at %llu\n", (unsigned long long)atomic_load(&good));
            fflush(stdout);
        }
    }
    return unused;
}

static bool understand(const char *line)
{
    uint32_t count = 0;
    if (strncmp(line, "connect", 7) == 0)
        command = COMMAND_CONNECT;
    else if (strncmp(line, "again ", 6) == 0)
        command = COMMAND_AGAIN;
    else if (strncmp(line, "alive", 5) == 0)
        command = COMMAND_ALIVE;
    else if (strncmp(line, "close", 5) == 0)
        command = COMMAND_CLOSE;
    else if (strncmp(line, "send", 4) == 0)
        command = COMMAND_SEND;
    else if (strncmp(line, "drip", 4) == 0)
        command = COMMAND_DRIP;
    else
        return false;
    if (command == COMMAND_AGAIN)
        count = million_number(line + 6, 1, UINT32_MAX);
    for (uint32_t i = 0; i < threads; i++) {
        uint32_t share = count / threads + (i < count % threads);
        workers[i].again = share < workers[i].count ? share : workers[i].count;
    }
    return true;
}

static void start_threads(uint32_t connections)
{
    pthread_t teller;
    threads = (connections + MILLION_PER_THREAD - 1) / MILLION_PER_THREAD;
    pthread_barrier_init(&begin, NULL, threads + 1);
    pthread_barrier_init(&end, NULL, threads + 1);
    for (uint32_t i = 0; i < threads; i++) {
        struct worker *w = &workers[i];
        w->number = i;
        w->count = connections / threads + (i < connections % threads);
        if (getrandom(&w->chance, sizeof w->chance, 0) < 0 || w->chance == 0)
            w->chance = i + 1;
        if (pthread_create(&w->thread, NULL, work, w) != 0)
            million_die("pthread_create");
    }
    if (pthread_create(&teller, NULL, tell_progress, NULL) != 0)
        million_die("pthread_create");
}

int million_client(int argc, char **argv)
{
    char line[64];
    if (argc < 3 || argc > 5)
        return 64;
    port = (uint16_t)million_number(argv[1], 1, 65535);
    uint32_t connections = million_number(argv[2], 1, MILLION_PER_THREAD * MILLION_THREADS_MAX);
    has_content = argc == 5;
    if (has_content)
        request_size = (size_t)snprintf(
            request, sizeof request,
            "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: %u\r\n\r\n", argv[3], port,
            million_number(argv[4], 1, UINT32_MAX));
    else
        request_size = (size_t)snprintf(request, sizeof request,
                                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
                                        argc > 3 ? argv[3] : "/", port);
    if (request_size >= sizeof request)
        return 64;
    start_threads(connections);
    while (fgets(line, sizeof line, stdin) != NULL && understand(line)) {
        double start = million_now_s();
        atomic_store(&good, 0);
        atomic_store(&working, true);
        pthread_barrier_wait(&begin);
        pthread_barrier_wait(&end);
        atomic_store(&working, false);
        printf("done %llu %.3f\n", (unsigned long long)atomic_load(&good), million_now_s() - start);
        fflush(stdout);
    }
    exit(0);
}
