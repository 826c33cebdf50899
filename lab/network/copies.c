/* copies.c: the ways to send a file (ways.h) side by side, by size.
 *
 *     copies --folder DIR              measures; a JSON object a line
 *     copies --folder DIR --check      only compares what arrives, octet by octet
 *     copies --send WAY --file FILE --port PORT
 *                                      sends FILE once to whoever listens on that port of this machine, for tests
 *
 * Two processes and one TCP connection over loopback. The sender, pinned to one core, is a server reduced to its last
 * step: it takes an octet and sends the file. The receiver, pinned to another, asks with such octets, keeps 16 questions
 * waiting as many clients together would, and takes the files into a buffer. What is counted is the processor time of the
 * sender's thread: the octet, a wake-up where it had to wait, and the file; all but the file is the same for all ways. Before anything is measured every way has delivered every size once,
 * compared with what the file holds. A round measures every way at every size once, in random order; how many transfers
 * make a measurement comes from the time that the check took.
 *
 * Loopback copies what it carries at the receiver's end in any case, and there is no card that could fetch pages by itself.
 * So a way that spares the sender's copy is seen here to do so, and MSG_ZEROCOPY is not: the kernel copies and says so. */
#define _GNU_SOURCE
#include "copies.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PATH_SIZE = 4096,
    RECEIVE_BUFFER = 1 << 18, /* octets */
    TRANSFERS_MAX = 100000,
    ASKS_AHEAD = 16,
    NO_INPUT = 66,
    SYSTEM = 71,
};

/* What the sender tells the receiver, over a socket pair of their own. */
struct order {
    uint32_t size_index, transfers;
    bool compare;
};

struct done {
    double cpu_s;
    int64_t wrong_at; /* the first octet that was not the file's; -1: none */
};

/* One measurement. */
struct sample {
    const struct way *way;
    size_t size_index;
    uint32_t transfers;
    double seconds, sender_s, receiver_s;
    int64_t wrong_at;
};

struct bench {
    const struct options *o;
    struct transfer transfers[SIZES_MAX];
    int orders;                         /* the sender's end */
    uint32_t each[WAYS_MAX][SIZES_MAX]; /* transfers of a measurement */
};

static void die(const char *what, int error)
{
    fprintf(stderr, "copies: %s: %s\n", what, strerror(error));
    exit(SYSTEM);
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        fprintf(stderr, "copies: not pinned to core %d: %s\n", core, strerror(errno));
}

static void transfer_all(int fd, void *object, size_t size, bool out)
{
    for (char *at = object; size > 0;) {
        ssize_t n = out ? write(fd, at, size) : read(fd, at, size);
        if (n < 0)
            die(out ? "write" : "read", errno);
        if (n == 0)
            exit(0); /* the other one has ended */
        at += n;
        size -= (size_t)n;
    }
}

/* ── The receiver ── */

static int64_t take(int from, const struct transfer *t, char *buffer, bool compare)
{
    int64_t wrong_at = -1;
    for (size_t at = 0; at < t->size;) {
        size_t want = t->size - at < RECEIVE_BUFFER ? t->size - at : RECEIVE_BUFFER;
        ssize_t n = recv(from, buffer, want, 0);
        if (n <= 0)
            die("the sender's connection ended", n < 0 ? errno : EPIPE);
        for (ssize_t i = 0; compare && wrong_at < 0 && i < n; i++)
            if (buffer[i] != t->mapped[at + (size_t)i])
                wrong_at = (int64_t)at + i;
        at += (size_t)n;
    }
    return wrong_at;
}

static void receive(const struct bench *b, int from, int orders)
{
    pin(b->o->cores[1]);
    char *buffer = malloc(RECEIVE_BUFFER);
    if (buffer == NULL)
        die("memory", ENOMEM);
    for (;;) {
        struct order order;
        transfer_all(orders, &order, sizeof order, false);
        struct done done = {.wrong_at = -1};
        double began = now(CLOCK_THREAD_CPUTIME_ID);
        uint32_t asked = order.transfers < ASKS_AHEAD ? order.transfers : ASKS_AHEAD;
        char asks[ASKS_AHEAD] = {0};
        transfer_all(from, asks, asked, true);
        for (uint32_t i = 0; i < order.transfers; i++) {
            int64_t wrong_at = take(from, &b->transfers[order.size_index], buffer, order.compare);
            if (done.wrong_at < 0)
                done.wrong_at = wrong_at;
            if (asked < order.transfers) {
                transfer_all(from, asks, 1, true);
                asked++;
            }
        }
        done.cpu_s = now(CLOCK_THREAD_CPUTIME_ID) - began;
        transfer_all(orders, &done, sizeof done, true);
    }
}

/* ── The sender ── */

static void measure(struct bench *b, struct sample *s, bool compare)
{
    struct transfer *t = &b->transfers[s->size_index];
    struct order order = {(uint32_t)s->size_index, s->transfers, compare};
    transfer_all(b->orders, &order, sizeof order, true);
    double began = now(CLOCK_MONOTONIC), cpu = now(CLOCK_THREAD_CPUTIME_ID);
    int failed = 0;
    for (uint32_t i = 0; i < s->transfers && !failed; i++) {
        char ask;
        transfer_all(t->to, &ask, 1, false);
        failed = s->way->send(t);
    }
    if (!failed && s->way->finishes)
        failed = transfer_finish(t);
    if (failed)
        die(s->way->name, -failed);
    s->sender_s = now(CLOCK_THREAD_CPUTIME_ID) - cpu;
    struct done done;
    transfer_all(b->orders, &done, sizeof done, false);
    s->seconds = now(CLOCK_MONOTONIC) - began;
    s->receiver_s = done.cpu_s;
    s->wrong_at = done.wrong_at;
}

/* Every way delivers every size, compared; then once more without, for the time it takes. */
static int check(struct bench *b)
{
    int wrong = 0;
    for (size_t w = 0; w < b->o->chosen_count; w++)
        for (size_t i = 0; i < b->o->size_count; i++) {
            struct sample s = {.way = b->o->chosen[w], .size_index = i, .transfers = 1};
            if (b->o->sizes[i] < s.way->size_min)
                continue;
            measure(b, &s, true);
            if (s.wrong_at >= 0) {
                fprintf(stderr, "copies: %s of %zu octets: octet %lld is not the file's\n",
                        s.way->name, b->o->sizes[i], (long long)s.wrong_at);
                wrong++;
            }
            s.transfers = 3;
            measure(b, &s, false);
            double each = s.seconds / 3, want = (double)b->o->milliseconds / 1000 / each;
            b->each[w][i] = want < 2 ? 2 : want > TRANSFERS_MAX ? TRANSFERS_MAX : (uint32_t)want;
            if (b->o->check)
                printf("{\"checked\":\"%s\",\"size\":%zu,\"same\":%s}\n", s.way->name,
                       b->o->sizes[i], s.wrong_at < 0 ? "true" : "false");
        }
    return wrong;
}

static void print_sample(const struct bench *b, long round, const struct sample *s)
{
    printf("{\"round\":%ld,\"way\":\"%s\",\"size\":%zu,\"transfers\":%u,\"seconds\":%.9f,"
           "\"sender_cpu_s\":%.9f,\"receiver_cpu_s\":%.9f}\n",
           round, s->way->name, b->o->sizes[s->size_index], s->transfers, s->seconds, s->sender_s,
           s->receiver_s);
    fflush(stdout);
}

static void run_round(struct bench *b, long round)
{
    struct sample all[SIZES_MAX * WAYS_MAX];
    size_t count = 0;
    for (size_t w = 0; w < b->o->chosen_count; w++)
        for (size_t i = 0; i < b->o->size_count; i++)
            if (b->o->sizes[i] >= b->o->chosen[w]->size_min)
                all[count++] = (struct sample){
                    .way = b->o->chosen[w], .size_index = i, .transfers = b->each[w][i]};
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)random() % i;
        struct sample kept = all[i - 1];
        all[i - 1] = all[other];
        all[other] = kept;
    }
    for (size_t i = 0; i < count; i++) {
        measure(b, &all[i], false);
        print_sample(b, round, &all[i]);
    }
}

static void print_head(const struct bench *b)
{
    printf("{\"buffer\":%d,\"pipe\":%zu,\"seed\":%ld}\n", WAYS_BUFFER, b->transfers[0].pipe_size,
           b->o->seed);
}

static void print_zerocopy(const struct bench *b)
{
    uint64_t sends = 0, copied = 0;
    for (size_t i = 0; i < b->o->size_count; i++) {
        sends += b->transfers[i].zero_done;
        copied += b->transfers[i].zero_copied;
    }
    printf("{\"zerocopy_sends\":%llu,\"zerocopy_copied\":%llu}\n", (unsigned long long)sends,
           (unsigned long long)copied);
}

/* ── What they need ── */

static int listen_here(struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET};
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)address, size) < 0 || listen(fd, 1) < 0 ||
        getsockname(fd, (struct sockaddr *)address, &size) < 0)
        die("listening on 127.0.0.1", errno);
    return fd;
}

static int connect_to(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) < 0)
        die("connecting", errno);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* A file of that size in the folder, of octets that don't repeat. */
static void make_file(const struct options *o, size_t size, char *path)
{
    snprintf(path, PATH_SIZE, "%s/copies-%zu.bin", o->folder, size);
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        die(path, errno);
    uint64_t state = (uint64_t)o->seed * 2654435761u + size;
    for (size_t at = 0; at < size; at++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        putc((int)(state >> 56), file);
    }
    if (ferror(file) || fclose(file) != 0)
        die(path, errno);
}

static void open_all(struct bench *b, int to)
{
    for (size_t i = 0; i < b->o->size_count; i++) {
        char path[PATH_SIZE];
        make_file(b->o, b->o->sizes[i], path);
        int failed = transfer_open(&b->transfers[i], path, to);
        unlink(path);
        if (failed)
            die(path, -failed);
    }
}

static int run_bench(const struct options *o)
{
    struct bench b = {.o = o};
    struct sockaddr_in address;
    int orders[2], listener = listen_here(&address), from = connect_to(&address);
    int to = accept(listener, NULL, NULL), one = 1;
    if (to < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, orders) < 0)
        die("a connection to myself", errno);
    setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    close(listener);
    open_all(&b, to);
    b.orders = orders[0];
    pid_t sender = getpid(), child = fork();
    if (child < 0)
        die("fork", errno);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != sender)
            _exit(SYSTEM);
        close(orders[0]);
        close(to);
        receive(&b, from, orders[1]);
        _exit(0);
    }
    close(orders[1]);
    close(from);
    pin(o->cores[0]);
    if (!o->check)
        print_head(&b);
    int wrong = check(&b);
    for (long round = 0; !o->check && !wrong && round < o->rounds; round++)
        run_round(&b, round);
    print_zerocopy(&b);
    close(orders[0]);
    waitpid(child, NULL, 0);
    for (size_t i = 0; i < o->size_count; i++)
        transfer_close(&b.transfers[i]);
    close(to);
    return wrong ? 1 : 0;
}

static int send_once(const struct options *o)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct transfer t;
    int to = connect_to(&address), failed = transfer_open(&t, o->file, to);
    if (failed) {
        fprintf(stderr, "copies: %s: %s\n", o->file, strerror(-failed));
        transfer_close(&t);
        return NO_INPUT;
    }
    const struct way *way = o->chosen[0];
    failed = way->send(&t);
    if (!failed && way->finishes)
        failed = transfer_finish(&t);
    if (failed)
        die(way->name, -failed);
    transfer_close(&t);
    close(to);
    return 0;
}

int main(int argc, char **argv)
{
    struct options o;
    options_read(&o, argc, argv);
    srandom((unsigned)o.seed);
    return o.send ? send_once(&o) : run_bench(&o);
}
