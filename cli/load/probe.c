/* probe.c: one answer of each request, taken before the load: it tells at once whether anybody is there, and it is what the
 * answers of the load are compared with where no content was given. Only a right answer can be a model; when there is none
 * after a few attempts the load goes on and its contents are not compared.
 *
 * A content is kept whole, in memory that grows by mapping anew, since nothing compares octets better than memcmp. */
#include "load/engine.h"
#include "memory/seal.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <unistd.h>

enum { ATTEMPTS = 3, PIECE = 65536, CONTENT_FIRST = 65536 };

struct probe {
    const struct load_run *run;
    const struct load_request *request;
    int64_t deadline_ns;
    int fd;
    size_t sent;
    char *content; /* mapped */
    size_t size, room;
    bool too_large;
    struct answer answer;
    struct answer_wanted wanted;
};

void leat__load_target(const struct load_options *o, char *text, size_t size)
{
    char address[INET6_ADDRSTRLEN] = "?";
    if (o->to.ss_family == AF_UNIX) {
        snprintf(text, size, "%s", ((const struct sockaddr_un *)&o->to)->sun_path);
    } else if (o->to.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&o->to;
        inet_ntop(AF_INET6, &in6->sin6_addr, address, sizeof address);
        snprintf(text, size, "[%s]:%u", address, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&o->to;
        inet_ntop(AF_INET, &in->sin_addr, address, sizeof address);
        snprintf(text, size, "%s:%u", address, ntohs(in->sin_port));
    }
}

static bool keep(void *context, const char *bytes, size_t size)
{
    struct probe *p = context;
    if (p->too_large || size == 0)
        return true;
    if (p->size + size > LOAD_CONTENT_MAX) {
        p->too_large = true;
        return true;
    }
    size_t room = p->room != 0 ? p->room : CONTENT_FIRST;
    while (room < p->size + size)
        room *= 2;
    if (room != p->room) {
        void *grown = p->room != 0 ? mremap(p->content, p->room, room, MREMAP_MAYMOVE)
                                   : mmap(NULL, room, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (grown == MAP_FAILED) {
            p->too_large = true;
            return true;
        }
        p->content = grown;
        p->room = room;
    }
    memcpy(p->content + p->size, bytes, size);
    p->size += size;
    return true;
}

/* Waits for events; 0 or -ETIMEDOUT. */
static int await(const struct probe *p, short events)
{
    struct pollfd watched = {.fd = p->fd, .events = events};
    for (;;) {
        int64_t left_ms = (p->deadline_ns - leat__clock_now_ns()) / LOAD_NS_PER_MS;
        if (left_ms <= 0)
            return -ETIMEDOUT;
        int ready = poll(&watched, 1, left_ms > 1000 ? 1000 : (int)left_ms);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return -errno;
    }
}

/* Sends what can be sent; 0 or -errno. */
static int push(struct probe *p)
{
    while (p->sent < p->request->size) {
        ssize_t n = send(p->fd, p->request->octets + p->sent, p->request->size - p->sent, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        p->sent += (size_t)n;
    }
    return 0;
}

/* DONE: answered. Else MORE with *error, or BAD. */
static enum answer_result converse(struct probe *p, int *error)
{
    char *piece = leat__start_alloc_uncleared(PIECE + BUFFER_SLACK);
    enum answer_result result = ANSWER_MORE;
    while (result == ANSWER_MORE && (*error = push(p)) == 0) {
        short events = POLLIN;
        size_t used = 0;
        if (p->sent < p->request->size)
            events |= POLLOUT;
        if ((*error = await(p, events)) < 0)
            break;
        ssize_t n = recv(p->fd, piece, PIECE, MSG_DONTWAIT);
        if (n > 0) {
            result = leat__answer_feed(&p->answer, &p->wanted, piece, (size_t)n, &used);
        } else if (n == 0) {
            result = leat__answer_end(&p->answer, &p->wanted);
        } else if (errno != EAGAIN && errno != EINTR) {
            *error = -errno;
            break;
        }
    }
    leat__start_free(piece);
    return result;
}

static bool is_absent(int error)
{
    return error == -ECONNREFUSED || error == -ENOENT || error == -EHOSTUNREACH ||
           error == -ENETUNREACH || error == -EACCES || error == -ENOTSOCK ||
           error == -EADDRNOTAVAIL || error == -EPROTOTYPE;
}

enum { RIGHT, WRONG, SILENT };

/* One attempt: RIGHT; WRONG: another answer, or none; SILENT: no answer in time; -errno: nobody is there. */
static int attempt(struct probe *p)
{
    int error = 0;
    p->sent = p->size = 0;
    p->too_large = false;
    answer_begin(&p->answer);
    p->deadline_ns = leat__clock_now_ns() + (int64_t)p->run->o->timeout_ms * LOAD_NS_PER_MS;
    p->fd = leat__dial_open(&p->run->dial, 0);
    if (p->fd < 0)
        return p->fd;
    error = await(p, POLLOUT);
    if (error == 0)
        error = leat__dial_outcome(p->fd);
    if (error < 0) {
        close(p->fd);
        return error;
    }
    enum answer_result result = converse(p, &error);
    close(p->fd);
    if (result == ANSWER_DONE && p->answer.fault == ANSWER_RIGHT)
        return RIGHT;
    return error == -ETIMEDOUT ? SILENT : WRONG;
}

static int probe_one(struct load_run *run, uint32_t index)
{
    struct load_reference *reference = &run->references[index];
    const struct load_request *q = &run->o->requests[index];
    struct probe p = {.run = run, .request = q};
    p.wanted = (struct answer_wanted){
        .status = q->status, .no_content = q->no_content, .take = keep, .context = &p};
    int result = WRONG;
    for (unsigned i = 0; i < ATTEMPTS && result == WRONG; i++)
        result = attempt(&p);
    if (q->expected != NULL) {
        *reference = (struct load_reference){.known = true, .bytes = q->expected, .size = q->expected_size};
    } else if (result == RIGHT && !p.too_large) {
        *reference = (struct load_reference){.known = true,
                                             .bytes = p.content != NULL ? p.content : "",
                                             .size = p.size,
                                             .mapped = p.content,
                                             .mapped_size = p.room};
        p.content = NULL;
    }
    if (p.content != NULL)
        munmap(p.content, p.room);
    if (p.too_large && run->o->verify == LOAD_VERIFY_SAME)
        return -EFBIG;
    return is_absent(result) || result == -ETIMEDOUT ? result : 0;
}

int leat__probe_all(struct load_run *run, char *error, size_t error_size)
{
    char target[160];
    leat__load_target(run->o, target, sizeof target);
    for (uint32_t i = 0; i < run->o->request_count; i++) {
        int result = probe_one(run, i);
        if (result == -EFBIG)
            snprintf(error,
                     error_size, "%s: a content of more than %d MiB can't be compared octet by octet: verify its length",
                     run->o->requests[i].name, LOAD_CONTENT_MAX >> 20);
        else if (result < 0)
            snprintf(error, error_size, "no connection to %s: %s", target, strerror(-result));
        if (result < 0)
            return result;
    }
    return 0;
}

void leat__probe_free(struct load_run *run)
{
    for (uint32_t i = 0; i < run->o->request_count; i++)
        if (run->references[i].mapped != NULL)
            munmap(run->references[i].mapped, run->references[i].mapped_size);
}

void leat__load_want(const struct load_run *run, struct answer_wanted *wanted, struct answer_known *known)
{
    for (uint32_t i = 0; i < run->o->request_count; i++) {
        const struct load_request *q = &run->o->requests[i];
        const struct load_reference *reference = &run->references[i];
        bool knows = reference->known && !q->no_content && run->o->verify != LOAD_VERIFY_STATUS;
        wanted[i] = (struct answer_wanted){
            .status = q->status,
            .no_content = q->no_content,
            .checks_size = knows,
            .size = reference->size,
            .content = knows && run->o->verify == LOAD_VERIFY_SAME ? reference->bytes : NULL,
            .known = known != NULL ? &known[i] : NULL,
        };
    }
}
