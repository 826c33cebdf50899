/* client.c: the load under which tests/seal counts: keep-alive connections with pipelined bursts, or short-lived ones
 * that are accepted, asked once and closed, in all the ways connections end.
 *
 *     client [-c connections] [-p pipeline] [-b bursts] PORT REQUESTS FILE...
 *
 * A connection sends a burst of -p requests, takes the answers, and after -b bursts (0: never) makes place for a new
 * one: by reset, by a half-close that waits for the server's, or, where a request asks for `Connection: close`, because
 * the server closes. REQUESTS are answered in all. Each FILE holds one whole request; bursts take them in turn.
 *
 * Answers are read whole: a status line, fields, and the content that Content-Length or its chunks tell; interim ones are
 * passed over. Every one must be below
 * 400, or 500 where the request has a field X-May-Fail, or anything where that says 5. Source addresses rotate and nearly all connections end by reset, so no port has to wait out its time.
 * At the end one line: `done REQUESTS CONNECTIONS SECONDS`. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
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
    CONNECTIONS_MAX = 4096,
    PIPELINE_MAX = 64,
    FILES_MAX = 32,
    FILE_SIZE = 65536,
    RECEIVE = 65536,
    ADDRESSES = 60,
    HALF_CLOSE_EACH = 64, /* every so many connections end by half-close, which leaves a port waiting */
};

enum part { HEAD, CHUNK_LINE, TRAILERS };

struct connection {
    int fd;
    enum part part;      /* of an answer, that comes next behind what is skipped */
    uint32_t nth;        /* of all connections */
    uint32_t bursts;     /* sent so far */
    uint32_t burst, due; /* requests of this burst; answers of it still to come */
    bool ending; /* half-closed, or the server was asked to close: the end of the stream is due */
    size_t skip; /* octets of content still to come */
    size_t have; /* octets of a head in text */
    char text[4096];
};

struct request {
    char *text;
    size_t size;
    bool head, closes; /* HEAD: no content comes; Connection: close */
    char worst; /* the first figure of a status that is none: X-May-Fail: 4xx is one too; X-May-Fail: 5: all are */
};

struct load {
    uint16_t port;
    uint32_t connections, pipeline, bursts, file_count;
    uint64_t requests; /* to be answered in all */
    uint64_t asked, answered, opened;
    struct request files[FILES_MAX];
    int epoll;
    uint32_t open;
    struct connection all[CONNECTIONS_MAX];
};

static char received[RECEIVE];

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "client: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

static _Noreturn void complain(const char *what)
{
    errno = 0;
    die(what);
}

static void load_file(struct load *load, const char *path)
{
    struct request *request = &load->files[load->file_count++];
    FILE *file = fopen(path, "rb");
    request->text = calloc(1, FILE_SIZE + 1);
    if (file == NULL || request->text == NULL)
        die(path);
    request->size = fread(request->text, 1, FILE_SIZE, file);
    fclose(file);
    request->worst = strstr(request->text, "\r\nX-May-Fail: 5") != NULL ? '6'
                     : strstr(request->text, "\r\nX-May-Fail:") != NULL ? '5'
                                                                        : '4';
    request->head = strncmp(request->text, "HEAD ", 5) == 0;
    request->closes = strcasestr(request->text, "\r\nConnection: close\r\n") != NULL;
}

static const struct request *request_of(const struct load *load, const struct connection *c, uint32_t i)
{
    return &load->files[(c->nth + i) % load->file_count];
}

static void open_connection(struct load *load, struct connection *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(load->port)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int one = 1;
    *c = (struct connection){.nth = (uint32_t)load->opened++};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from.sin_addr.s_addr = htonl((127u << 24) + (2u << 16) + c->nth % ADDRESSES + 1);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0)
        die("socket");
    setsockopt(c->fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (bind(c->fd, (struct sockaddr *)&from, sizeof from) < 0)
        die("bind");
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0)
        die("connect");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
        die("epoll_ctl");
    load->open++;
}

/* The next burst, or nothing when everything has been asked. */
static void send_burst(struct load *load, struct connection *c)
{
    static char burst[PIPELINE_MAX * FILE_SIZE];
    size_t size = 0;
    c->burst = 0;
    for (uint32_t i = 0; i < load->pipeline && load->asked < load->requests && !c->ending; i++) {
        const struct request *request = request_of(load, c, i);
        memcpy(burst + size, request->text, request->size);
        size += request->size;
        c->ending = request->closes;
        c->burst++;
        load->asked++;
    }
    c->bursts++;
    c->due = c->burst;
    for (size_t at = 0; at < size;) {
        ssize_t n = send(c->fd, burst + at, size - at, MSG_NOSIGNAL);
        if (n <= 0)
            die("send");
        at += (size_t)n;
    }
}

static void start(struct load *load, struct connection *c)
{
    if (load->asked >= load->requests)
        return;
    open_connection(load, c);
    send_burst(load, c);
}

static void close_connection(struct load *load, struct connection *c)
{
    close(c->fd);
    load->open--;
    start(load, c);
}

/* All answers of the burst are here. */
static void after_burst(struct load *load, struct connection *c)
{
    if (c->ending)
        return;
    bool last = load->asked >= load->requests || (load->bursts > 0 && c->bursts >= load->bursts);
    if (!last) {
        send_burst(load, c);
    } else if (c->nth % HALF_CLOSE_EACH == 0) {
        c->ending = true;
        shutdown(c->fd, SHUT_WR);
    } else {
        close_connection(load, c);
    }
}

/* The head in c->text is whole: its status must be good; how much content follows. */
static void take_head(struct load *load, struct connection *c)
{
    const struct request *request = request_of(load, c, c->burst - c->due);
    const char *length = strcasestr(c->text, "\r\nContent-Length:");
    if (strncmp(c->text, "HTTP/1.1 ", 9) != 0)
        complain("an answer does not begin with a status line");
    if (c->text[9] >= request->worst) {
        fprintf(stderr, "client: answered %.40s to\n%.200s\n", c->text, request->text);
        exit(1);
    }
    c->skip = length != NULL && !request->head
                  ? strtoul(length + sizeof "\r\nContent-Length:" - 1, NULL, 10)
                  : 0;
    c->have = 0;
    if (c->text[9] == '1') /* an interim one: the answer is still to come */
        return;
    if (strcasestr(c->text, "\r\nTransfer-Encoding: chunked\r\n") != NULL && !request->head)
        c->part = CHUNK_LINE;
    c->due--;
    load->answered++;
}

/* A line between chunks, or behind the last. */
static void take_line(struct connection *c)
{
    if (c->part == TRAILERS) {
        c->part = c->text[0] == '\r' ? HEAD : TRAILERS;
    } else {
        char *end;
        size_t size = strtoul(c->text, &end, 16);
        if (end == c->text)
            complain("a chunk has no size");
        c->skip = size > 0 ? size + 2 : 0;
        c->part = size > 0 ? CHUNK_LINE : TRAILERS;
    }
    c->have = 0;
}

/* Where what is gathered in c->text ends; NULL: not yet. */
static const char *end_of_text(const struct connection *c)
{
    const char *end = strstr(c->text, c->part == HEAD ? "\r\n\r\n" : "\r\n");
    return end != NULL ? end + (c->part == HEAD ? 4 : 2) : NULL;
}

/* Takes octets of answers; a head is gathered in c->text, content is skipped. */
static void take(struct load *load, struct connection *c, const char *data, size_t size)
{
    while (size > 0) {
        if (c->skip > 0) {
            size_t skipped = size < c->skip ? size : c->skip;
            c->skip -= skipped;
            data += skipped;
            size -= skipped;
            continue;
        }
        if (c->due == 0 && c->part == HEAD)
            complain("more was answered than asked");
        size_t room = sizeof c->text - 1 - c->have, part = size < room ? size : room;
        size_t before = c->have;
        memcpy(c->text + c->have, data, part);
        c->have += part;
        c->text[c->have] = 0;
        const char *end = end_of_text(c);
        if (end == NULL && c->have == sizeof c->text - 1)
            complain("the head of an answer is too long");
        if (end == NULL)
            return;
        size_t used = (size_t)(end - c->text) - before;
        c->text[end - c->text] = 0;
        if (c->part == HEAD)
            take_head(load, c);
        else
            take_line(c);
        data += used;
        size -= used;
    }
}

static void on_readable(struct load *load, struct connection *c)
{
    ssize_t n = recv(c->fd, received, sizeof received, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        if (!c->ending || c->due > 0 || c->skip > 0 || c->part != HEAD)
            complain("the server closed what it should have kept");
        close_connection(load, c);
        return;
    }
    take(load, c, received, (size_t)n);
    if (c->due == 0 && c->skip == 0 && c->part == HEAD)
        after_burst(load, c);
}

static void run(struct load *load)
{
    struct epoll_event events[256];
    for (uint32_t i = 0; i < load->connections; i++)
        start(load, &load->all[i]);
    while (load->open > 0) {
        int count = epoll_wait(load->epoll, events, 256, 10000);
        if (count == 0)
            complain("no answer for 10 seconds");
        for (int i = 0; i < count; i++)
            on_readable(load, events[i].data.ptr);
    }
}

static _Noreturn void usage(void)
{
    fprintf(stderr, "usage: client [-c N] [-p N] [-b N] PORT REQUESTS FILE...\n");
    exit(64);
}

static uint64_t number_of(const char *text, uint64_t least, uint64_t most)
{
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    if (end == text || *end != 0 || n < least || n > most)
        usage();
    return n;
}

int main(int argc, char **argv)
{
    static struct load load = {.connections = 64, .pipeline = 1};
    struct timespec began, ended;
    int option;
    while ((option = getopt(argc, argv, "c:p:b:")) != -1) {
        switch (option) {
        case 'c':
            load.connections = (uint32_t)number_of(optarg, 1, CONNECTIONS_MAX);
            break;
        case 'p':
            load.pipeline = (uint32_t)number_of(optarg, 1, PIPELINE_MAX);
            break;
        case 'b':
            load.bursts = (uint32_t)number_of(optarg, 0, UINT32_MAX);
            break;
        default:
            usage();
        }
    }
    if (argc - optind < 2 || argc - optind - 2 > FILES_MAX)
        usage();
    load.port = (uint16_t)number_of(argv[optind], 1, 65535);
    load.requests = number_of(argv[optind + 1], 1, UINT64_MAX);
    for (int i = optind + 2; i < argc; i++)
        load_file(&load, argv[i]);
    if (load.file_count == 0)
        usage();
    load.epoll = epoll_create1(0);
    if (load.epoll < 0)
        die("epoll_create1");
    clock_gettime(CLOCK_MONOTONIC, &began);
    run(&load);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("done %llu %llu %.3f\n", (unsigned long long)load.answered, (unsigned long long)load.opened,
           (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9);
    return 0;
}
