/* dial.c: connections that cost no port when they are over (closed by reset), from as many addresses of 127.0.0.0/8 as
 * their number needs where the server is on this machine.
 *
 * The first ones are opened by poll(2), before any loop turns: it leaves nothing in the kernel. */
#include "load/dial.h"
#include "base/clock.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SOURCES_PER_BLOCK = 200, PATIENCE_MS = 5000, STEP_MS = 50 };

bool leat__dial_is_local(const struct load_options *o)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&o->to;
    return o->to.ss_family == AF_INET && ntohl(in->sin_addr.s_addr) >> 24 == 127;
}

void leat__dial_init(struct dial *d, const struct load_options *o, uint32_t connections)
{
    d->o = o;
    d->sources = o->sources;
    if (d->sources == 0)
        d->sources = leat__dial_is_local(o) ? (connections + DIAL_PER_SOURCE - 1) / DIAL_PER_SOURCE : 1;
    if (!leat__dial_is_local(o) || d->sources == 0)
        d->sources = 1;
}

/* 127.1.x.y, never the server's own. */
static int choose_source(const struct dial *d, int fd, uint32_t nth)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    int one = 1;
    nth %= d->sources;
    from.sin_addr.s_addr = htonl((127u << 24) + (1u << 16) + (nth / SOURCES_PER_BLOCK << 8) +
                                 nth % SOURCES_PER_BLOCK + 1);
    setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    return bind(fd, (struct sockaddr *)&from, sizeof from);
}

int leat__dial_open(const struct dial *d, uint32_t nth)
{
    const struct load_options *o = d->o;
    int fd = socket(o->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0)
        return -errno;
    if (o->to.ss_family != AF_UNIX) {
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    if (d->sources > 1 && choose_source(d, fd, nth) < 0)
        goto failed;
    if (connect(fd, (const struct sockaddr *)&o->to, o->to_size) < 0 && errno != EINPROGRESS)
        goto failed;
    return fd;
failed:;
    int error = -errno;
    close(fd);
    return error;
}

int leat__dial_outcome(int fd)
{
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
}

uint32_t leat__dial_per_thread(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1024 - DIAL_RESERVE;
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit lifted = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &lifted) == 0)
            limit = lifted;
    }
    uint64_t most = limit.rlim_cur > INT32_MAX ? INT32_MAX : limit.rlim_cur;
    return most > 2 * DIAL_RESERVE ? (uint32_t)most - DIAL_RESERVE : DIAL_RESERVE;
}

/* ThreadSanitizer takes equal numbers in two tables for one descriptor; what is tested under it needs one table only. */
int leat__dial_own_table(void)
{
    if (TALLY_WATCHED)
        return 0;
    return unshare(CLONE_FILES) < 0 || close_range(3, ~0u, 0) < 0 ? -errno : 0;
}

/* ── Many ─────────────────────────────────────────────────────────────────────────────────────────────────── */

struct opening {
    const struct dial *d;
    int *fds;
    struct pollfd watched[DIAL_WINDOW];
    uint32_t at[DIAL_WINDOW]; /* which connections these are */
    uint32_t under_way, opened;
    int error;
};

/* false: the listener's queue is full; later, then. (Only of unix sockets: TCP tries again by itself.) */
static bool start(struct opening *p, uint32_t i, uint32_t source)
{
    int fd = leat__dial_open(p->d, source);
    if (fd < 0) {
        p->error = fd;
        return fd != -EAGAIN;
    }
    p->fds[i] = fd;
    p->at[p->under_way] = i;
    p->watched[p->under_way++] = (struct pollfd){.fd = fd, .events = POLLOUT};
    return true;
}

static void settle(struct opening *p, uint32_t place, int error)
{
    uint32_t i = p->at[place];
    if (error < 0) {
        p->error = error;
        close(p->fds[i]);
        p->fds[i] = -1;
    } else {
        p->opened++;
    }
    p->under_way--;
    p->watched[place] = p->watched[p->under_way];
    p->at[place] = p->at[p->under_way];
}

static void take_ready(struct opening *p)
{
    for (uint32_t place = p->under_way; place-- > 0;)
        if (p->watched[place].revents != 0)
            settle(p, place, leat__dial_outcome(p->watched[place].fd));
}

uint32_t leat__dial_all(const struct dial *d, int *fds, uint32_t count, uint32_t source, int64_t spread_ns,
                        bool (*goes_on)(void *context, uint32_t opened), void *context, int *error)
{
    struct opening p = {.d = d, .fds = fds};
    int64_t begin = leat__clock_now_ns(), heard = begin;
    uint32_t started = 0;
    memset(fds, 0xff, count * sizeof *fds);
    while ((started < count || p.under_way > 0) && goes_on(context, p.opened)) {
        int64_t now = leat__clock_now_ns();
        uint32_t may = spread_ns > 0 && now - begin < spread_ns
                           ? (uint32_t)((double)(now - begin) / (double)spread_ns * count) + 1
                           : count;
        bool full = false;
        while (!full && started < count && started < may && p.under_way < DIAL_WINDOW) {
            full = !start(&p, started, source + started);
            started += !full;
        }
        if (full && now - heard > PATIENCE_MS * INT64_C(1000000))
            break;
        if (poll(p.watched, p.under_way, full || may < count ? 1 : STEP_MS) > 0) {
            take_ready(&p);
            heard = leat__clock_now_ns();
        } else if (p.under_way == 0) {
            heard = full ? heard : now;
        } else if (now - heard > PATIENCE_MS * INT64_C(1000000)) {
            while (p.under_way > 0)
                settle(&p, 0, -ETIMEDOUT);
        }
    }
    while (p.under_way > 0)
        settle(&p, 0, -ECANCELED);
    *error = p.error;
    return p.opened;
}
