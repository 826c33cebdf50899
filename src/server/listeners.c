/* listeners.c: opening and closing them. With SO_REUSEPORT a second server on the same port would silently take half
 * of the connections, so each TCP address is bound once without it first: in use is an error, as people expect. */
#include "server/listeners.h"
#include "memory/seal.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

int leat__listeners_parse(struct listeners *l, const struct config *config, char *error, size_t error_size)
{
    static const char *const otherwise[] = {"localhost:8080"};
    const char *const *texts = config->listen_count > 0 ? config->listen : otherwise;
    uint32_t text_count = config->listen_count > 0 ? config->listen_count : 1;
    memset(l, 0, sizeof *l);
    for (uint32_t i = 0; i < text_count; i++) {
        struct net_address found[2];
        int n = leat__net_parse(texts[i], found, error, error_size);
        if (n < 0)
            return n;
        for (int k = 0; k < n; k++) {
            if (l->count == LOOP_LISTENERS_MAX) {
                snprintf(error, error_size, "--listen: %d addresses are the most", LOOP_LISTENERS_MAX);
                return -EINVAL;
            }
            l->addresses[l->count++] = found[k];
        }
    }
    return 0;
}

static bool is_unix(const struct net_address *a)
{
    return a->sockaddr.ss_family == AF_UNIX;
}

/* 0 when nobody has the address, else -errno. */
static int check_free(const struct net_address *a)
{
    int on = 1, error = 0;
    int fd = socket(a->sockaddr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->sockaddr.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&a->sockaddr, a->size) < 0)
        error = -errno;
    close(fd);
    return error;
}

static void set_port(struct net_address *a, int port)
{
    if (a->sockaddr.ss_family == AF_INET)
        ((struct sockaddr_in *)(void *)&a->sockaddr)->sin_port = htons((uint16_t)port);
    else if (a->sockaddr.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)&a->sockaddr)->sin6_port = htons((uint16_t)port);
}

static int open_address(struct listeners *l, uint32_t i)
{
    struct net_address *a = &l->addresses[i];
    bool share = !is_unix(a) && l->shards > 1;
    int error = is_unix(a) ? 0 : check_free(a);
    if (error < 0)
        return error;
    for (uint32_t shard = 0; shard < l->shards; shard++) {
        int *fd = &l->fds[shard * l->count + i];
        if (shard > 0 && is_unix(a)) {
            *fd = l->fds[i];
            continue;
        }
        *fd = leat__net_listen(a, share, BACKLOG);
        if (*fd < 0)
            return *fd;
        if (shard == 0 && !is_unix(a))
            set_port(a, leat__net_port(*fd));   /* port 0: the others get the same one */
    }
    return 0;
}

int leat__listeners_open(struct listeners *l, uint32_t shards, char *error, size_t error_size)
{
    l->shards = shards;
    l->fds = leat__start_alloc((size_t)shards * l->count * sizeof *l->fds);
    for (uint32_t i = 0; i < shards * l->count; i++)
        l->fds[i] = -1;
    for (uint32_t i = 0; i < l->count; i++) {
        int failed = open_address(l, i);
        if (failed == 0)
            continue;
        const char *way_out = failed == -EADDRINUSE ? "; another program has it: stop that, or choose another port"
                              : failed == -EACCES   ? "; ports below 1024 need CAP_NET_BIND_SERVICE"
                                                    : "";
        snprintf(error, error_size, "--listen %s: %s%s", l->addresses[i].text, strerror(-failed), way_out);
        leat__listeners_close(l);
        return failed;
    }
    return 0;
}

void leat__listeners_close(struct listeners *l)
{
    if (l->fds == NULL)
        return;
    for (uint32_t shard = 0; shard < l->shards; shard++) {
        for (uint32_t i = 0; i < l->count; i++) {
            int fd = listeners_fd(l, shard, i);
            if (fd >= 0 && (shard == 0 || !is_unix(&l->addresses[i])))
                close(fd);
        }
    }
    for (uint32_t i = 0; i < l->count; i++)
        if (is_unix(&l->addresses[i]) && l->fds[i] >= 0)
            unlink(((const struct sockaddr_un *)(const void *)&l->addresses[i].sockaddr)->sun_path);
    leat__start_free(l->fds);
    l->fds = NULL;
}
