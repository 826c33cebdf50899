/* client.c: the load that bench/run measures servers with, and tests/seal counts calls under.
 *
 * A closed loop: every connection sends a burst of requests in one write, waits until all their answers have come,
 * and sends the next. It costs less than any server it drives, so the server is what is busy; it counts what was
 * answered, exactly, and can stop after a given number, which wrk can't: instruction counts need that.
 *
 * The first burst of the run is read with care: status lines and Content-Length are parsed, so the octets of each
 * answer are known. Later bursts must have the same total, with a status line and the same status where each answer
 * must begin. Hence it serves for requests whose answers are always of one length, and anything else is an error,
 * not a figure.
 *
 *     client PORT [-c connections] [-p pipeline] [-s seconds | -n requests] [-w warm-up seconds] FILE...
 *
 * Each FILE holds one whole request; a burst takes them in turn. In lines, flushed:
 *     ready                   every connection is open and has had its first burst answered
 *     done REQUESTS SECONDS
 * Between the two the client waits for a line on stdin if -i is given, so that the caller reads clocks in between. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
    PIPELINE_MAX = 256,
    CONNECTIONS_MAX = 16384,
    RECEIVE = 262144,
    FILES_MAX = 32,
    REQUEST_MAX = 65536
};

struct connection {
    int fd;
    uint32_t received; /* octets of the burst's answers so far */
};

struct run {
    uint16_t port;
    uint32_t connections, pipeline;
    double seconds, warm_up;
    uint64_t requests; /* 0: until the time is over */
    bool asks;         /* wait for a line before the start */
    const char *files[FILES_MAX];
    uint32_t file_count;
    char *burst;
    size_t burst_size;
    uint32_t starts[PIPELINE_MAX + 1]; /* where each answer begins; last: the total */
    char statuses[PIPELINE_MAX][4];
    int epoll;
    struct connection *all;
    uint64_t sent, answered; /* requests since the phase began */
    uint64_t limit;          /* requests to send in this phase; UINT64_MAX: none */
};

static char received[RECEIVE + 1];

static void die(const char *what)
{
    fprintf(stderr, "client: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void read_burst(struct run *run)
{
    run->burst = malloc((size_t)run->pipeline * REQUEST_MAX);
    if (run->burst == NULL)
        die("malloc");
    for (uint32_t i = 0; i < run->pipeline; i++) {
        const char *path = run->files[i % run->file_count];
        FILE *file = fopen(path, "rb");
        if (file == NULL)
            die(path);
        run->burst_size += fread(run->burst + run->burst_size, 1, REQUEST_MAX, file);
        fclose(file);
    }
    if (run->burst_size == 0)
        die("the files are empty");
}

/* The whole burst at once: the socket's buffer has room for it, for nothing is in flight. */
static void send_burst(struct run *run, struct connection *c)
{
    size_t at = 0;
    while (at < run->burst_size) {
        ssize_t n = send(c->fd, run->burst + at, run->burst_size - at, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            continue;
        if (n <= 0)
            die("send");
        at += (size_t)n;
    }
    c->received = 0;
    run->sent += run->pipeline;
}

/* Octets of the answer that starts at text (NUL-terminated); 0: not whole yet. */
static size_t answer_size(const char *text, size_t have)
{
    const char *end = strstr(text, "\r\n\r\n");
    if (end == NULL)
        return 0;
    size_t size = (size_t)(end + 4 - text);
    const char *length = strcasestr(text, "\r\nContent-Length:");
    if (length != NULL && length < end)
        size += strtoul(length + sizeof "\r\nContent-Length:" - 1, NULL, 10);
    return size <= have ? size : 0;
}

/* Reads the first burst's answers and learns where each begins. */
static void learn(struct run *run, struct connection *c)
{
    size_t have = 0, at = 0;
    for (uint32_t i = 0; i < run->pipeline;) {
        received[have] = 0;
        size_t size = answer_size(received + at, have - at);
        if (size > 0) {
            if (strncmp(received + at, "HTTP/1.", 7) != 0)
                die("an answer does not start with a status line");
            memcpy(run->statuses[i], received + at + 9, 3);
            run->starts[i++] = (uint32_t)at;
            at += size;
            continue;
        }
        ssize_t n = recv(c->fd, received + have, RECEIVE - have, 0);
        if (n < 0 && errno == EAGAIN)
            continue;
        if (n <= 0)
            die("the first burst was not answered whole");
        have += (size_t)n;
    }
    if (have != at)
        die("more octets came than were asked for");
    run->starts[run->pipeline] = (uint32_t)at;
}

/* size octets came: the answers that begin among them must begin with the status line they had. */
static void verify(const struct run *run, const struct connection *c, size_t size)
{
    size_t from = c->received, to = c->received + size;
    if (to > run->starts[run->pipeline])
        die("more octets came than were asked for");
    for (uint32_t i = 0; i < run->pipeline; i++) {
        size_t at = run->starts[i];
        if (at < from || at + 12 > to)
            continue;
        const char *answer = received + (at - from);
        if (memcmp(answer, "HTTP/1.", 7) != 0 || memcmp(answer + 9, run->statuses[i], 3) != 0)
            die("an answer differs from the first of its kind");
    }
}

static void on_readable(struct run *run, struct connection *c)
{
    ssize_t n;
    do {
        n = recv(c->fd, received, RECEIVE, 0);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            die("a connection was closed");
        verify(run, c, (size_t)n);
        c->received += (uint32_t)n;
    } while (n == RECEIVE);
    if (c->received < run->starts[run->pipeline])
        return;
    run->answered += run->pipeline;
    if (run->sent < run->limit)
        send_burst(run, c);
}

static void turn(struct run *run)
{
    struct epoll_event events[256];
    int count = epoll_wait(run->epoll, events, 256, 5000);
    if (count == 0) {
        errno = 0;
        die("no answer for 5 seconds");
    }
    for (int i = 0; i < count; i++)
        on_readable(run, events[i].data.ptr);
}

/* One phase: a burst on every connection, until the time is over or the limit is sent; then until all is answered. */
static void phase(struct run *run, double seconds, uint64_t requests)
{
    double end = now_s() + seconds;
    run->sent = run->answered = 0;
    run->limit = requests > 0 ? requests : UINT64_MAX;
    for (uint32_t i = 0; i < run->connections && run->sent < run->limit; i++)
        send_burst(run, &run->all[i]);
    while (run->answered < run->sent) {
        turn(run);
        if (requests == 0 && now_s() >= end)
            run->limit = 0;
    }
}

static void open_connection(struct run *run, struct connection *c)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(run->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0)
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = c};
    if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
        die("epoll_ctl");
}

static _Noreturn void usage(void)
{
    fprintf(stderr, "usage: client [-c N] [-p N] [-s S | -n N] [-w S] [-i] PORT FILE...\n");
    exit(64);
}

static double number_of(const char *text, double least, double most)
{
    char *end;
    double n = strtod(text, &end);
    if (end == text || *end != 0 || !(n >= least && n <= most))
        usage();
    return n;
}

static void read_arguments(struct run *run, int argc, char **argv)
{
    int option;
    *run = (struct run){.connections = 64, .pipeline = 1, .seconds = 2};
    while ((option = getopt(argc, argv, "c:p:s:n:w:i")) != -1) {
        switch (option) {
        case 'c':
            run->connections = (uint32_t)number_of(optarg, 1, CONNECTIONS_MAX);
            break;
        case 'p':
            run->pipeline = (uint32_t)number_of(optarg, 1, PIPELINE_MAX);
            break;
        case 's':
            run->seconds = number_of(optarg, 0, 3600);
            break;
        case 'n':
            run->requests = (uint64_t)number_of(optarg, 1, 1e12);
            break;
        case 'w':
            run->warm_up = number_of(optarg, 0, 3600);
            break;
        case 'i':
            run->asks = true;
            break;
        default:
            usage();
        }
    }
    if (optind + 2 > argc || argc - optind - 1 > FILES_MAX)
        usage();
    run->port = (uint16_t)number_of(argv[optind], 1, 65535);
    for (int i = optind + 1; i < argc; i++)
        run->files[run->file_count++] = argv[i];
}

int main(int argc, char **argv)
{
    static struct run run;
    read_arguments(&run, argc, argv);
    read_burst(&run);
    run.epoll = epoll_create1(0);
    run.all = calloc(run.connections, sizeof run.all[0]);
    if (run.epoll < 0 || run.all == NULL)
        die("start");
    for (uint32_t i = 0; i < run.connections; i++)
        open_connection(&run, &run.all[i]);
    send_burst(&run, &run.all[0]);
    learn(&run, &run.all[0]);
    phase(&run, 0, (uint64_t)run.connections * run.pipeline);
    if (run.warm_up > 0)
        phase(&run, run.warm_up, 0);
    printf("ready\n");
    fflush(stdout);
    if (run.asks && getchar() == EOF)
        exit(1);
    double start = now_s();
    phase(&run, run.seconds, run.requests);
    printf("done %llu %.6f\n", (unsigned long long)run.answered, now_s() - start);
    return 0;
}
