/* ways.c: the ways of ways.h. Each sends the whole file and answers 0, or -errno; a peer that reads less than that is an
 * error. No way does work that another is spared but its own: the descriptor is open, the pages are in the page cache. */
#define _GNU_SOURCE
#include "ways.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int send_all(int to, const char *octets, size_t size, int flags)
{
    while (size > 0) {
        ssize_t n = send(to, octets, size, flags | MSG_NOSIGNAL);
        if (n < 0)
            return -errno;
        octets += n;
        size -= (size_t)n;
    }
    return 0;
}

static int send_copy(struct transfer *t)
{
    for (size_t at = 0; at < t->size;) {
        ssize_t n = pread(t->file, t->buffer, WAYS_BUFFER, (off_t)at);
        if (n <= 0)
            return n < 0 ? -errno : -ENODATA;
        at += (size_t)n;
        int failed = send_all(t->to, t->buffer, (size_t)n, at < t->size ? MSG_MORE : 0);
        if (failed)
            return failed;
    }
    return 0;
}

static int send_mmap(struct transfer *t)
{
    char *mapping = mmap(NULL, t->size, PROT_READ, MAP_SHARED | MAP_POPULATE, t->file, 0);
    if (mapping == MAP_FAILED)
        return -errno;
    int failed = send_all(t->to, mapping, t->size, 0);
    munmap(mapping, t->size);
    return failed;
}

static int send_memory(struct transfer *t)
{
    return send_all(t->to, t->mapped, t->size, 0);
}

static int send_sendfile(struct transfer *t)
{
    for (off_t at = 0; at < (off_t)t->size;) {
        ssize_t n = sendfile(t->to, t->file, &at, t->size - (size_t)at);
        if (n <= 0)
            return n < 0 ? -errno : -ENODATA;
    }
    return 0;
}

static int send_splice(struct transfer *t)
{
    for (off_t at = 0; at < (off_t)t->size;) {
        ssize_t in = splice(t->file, &at, t->pipe[1], NULL, t->size - (size_t)at, 0);
        if (in <= 0)
            return in < 0 ? -errno : -ENODATA;
        unsigned more = at < (off_t)t->size ? SPLICE_F_MORE : 0;
        while (in > 0) {
            ssize_t out = splice(t->pipe[0], NULL, t->to, NULL, (size_t)in, more);
            if (out <= 0)
                return out < 0 ? -errno : -EPIPE;
            in -= out;
        }
    }
    return 0;
}

/* Takes what the kernel has told of sends with MSG_ZEROCOPY; 0, -EAGAIN when it has told nothing, or -errno. */
static int hear_of_zerocopy(struct transfer *t)
{
    char space[CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in))];
    struct msghdr message = {.msg_control = space, .msg_controllen = sizeof space};
    if (recvmsg(t->to, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return -errno;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        struct sock_extended_err told;
        memcpy(&told, CMSG_DATA(c), sizeof told);
        if (told.ee_origin != SO_EE_ORIGIN_ZEROCOPY || told.ee_errno != 0)
            return -EPROTO;
        uint32_t sends = told.ee_data - told.ee_info + 1;
        t->zero_done += sends;
        if (told.ee_code & SO_EE_CODE_ZEROCOPY_COPIED)
            t->zero_copied += sends;
    }
    return 0;
}

static int wait_for_zerocopy(struct transfer *t)
{
    struct pollfd one = {.fd = t->to}; /* POLLERR is always waited for */
    if (poll(&one, 1, 10000) <= 0)
        return -ETIMEDOUT;
    int failed = hear_of_zerocopy(t);
    return failed == -EAGAIN && !(one.revents & POLLHUP) ? 0 : failed;
}

static int send_zerocopy(struct transfer *t)
{
    for (size_t at = 0; at < t->size;) {
        ssize_t n = send(t->to, t->own + at, t->size - at, MSG_ZEROCOPY | MSG_NOSIGNAL);
        int failed = n < 0 ? -errno : 0;
        if (failed == -ENOBUFS && t->zero_done != t->zero_asked)
            failed = wait_for_zerocopy(t); /* as many as may be outstanding are */
        if (failed)
            return failed;
        if (n > 0) {
            at += (size_t)n;
            t->zero_asked++;
        }
    }
    int heard;
    while ((heard = hear_of_zerocopy(t)) == 0)
        continue;
    return heard == -EAGAIN ? 0 : heard;
}

int transfer_finish(struct transfer *t)
{
    int failed = 0;
    while (!failed && t->zero_done != t->zero_asked)
        failed = wait_for_zerocopy(t);
    return failed;
}

const struct way ways[] = {
    {"copy", 1, false, send_copy},     {"mmap", 1, false, send_mmap},
    {"memory", 1, false, send_memory}, {"sendfile", 1, false, send_sendfile},
    {"splice", 1, false, send_splice}, {"zerocopy", 16384, true, send_zerocopy},
};
const size_t way_count = sizeof ways / sizeof *ways;

const struct way *way_find(const char *name, size_t size)
{
    for (size_t i = 0; i < way_count; i++)
        if (strlen(ways[i].name) == size && memcmp(ways[i].name, name, size) == 0)
            return &ways[i];
    return NULL;
}

/* The mapping that is kept, and a copy in memory of our own. */
static int read_in(struct transfer *t)
{
    struct stat found;
    if (fstat(t->file, &found) < 0)
        return -errno;
    t->size = (size_t)found.st_size;
    if (t->size == 0)
        return -ENODATA;
    void *mapped = mmap(NULL, t->size, PROT_READ, MAP_SHARED | MAP_POPULATE, t->file, 0);
    if (mapped == MAP_FAILED)
        return -errno;
    t->mapped = mapped;
    void *own = mmap(NULL, t->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (own == MAP_FAILED)
        return -errno;
    t->own = own;
    memcpy(t->own, t->mapped, t->size);
    return 0;
}

int transfer_open(struct transfer *t, const char *path, int to)
{
    *t = (struct transfer){.to = to, .pipe = {-1, -1}, .buffer = malloc(WAYS_BUFFER)};
    t->file = open(path, O_RDONLY | O_CLOEXEC);
    int failed = t->file < 0 ? -errno : t->buffer == NULL ? -ENOMEM : read_in(t);
    if (failed)
        return failed;
    if (pipe2(t->pipe, O_CLOEXEC) < 0)
        return -errno;
    for (int size = WAYS_PIPE_MAX; size > WAYS_BUFFER; size /= 2)
        if (fcntl(t->pipe[1], F_SETPIPE_SZ, size) >= 0)
            break;
    t->pipe_size = (size_t)fcntl(t->pipe[1], F_GETPIPE_SZ);
    int one = 1;
    return setsockopt(to, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof one) < 0 ? -errno : 0;
}

void transfer_close(struct transfer *t)
{
    if (t->mapped != NULL)
        munmap((void *)(uintptr_t)t->mapped, t->size);
    if (t->own != NULL)
        munmap(t->own, t->size);
    for (int i = 0; i < 2; i++)
        if (t->pipe[i] >= 0)
            close(t->pipe[i]);
    if (t->file >= 0)
        close(t->file);
    free(t->buffer);
}
