/* listeners.c: opening and closing them. With SO_REUSEPORT a second server on the same port would silently take half
 * of the connections, so each TCP address is bound once without it first: in use is an error, as people expect. */
#include "server/listeners.h"
#include "memory/seal.h"
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

int leat__listeners_parse(struct listeners *l, const struct config *config, char *error, size_t error_size)
{
    static const char *const otherwise[] = {"localhost:8080"};
    const char *const *texts = config->listen.count > 0 ? config->listen.items : otherwise;
    uint32_t text_count = config->listen.count > 0 ? config->listen.count : 1;
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

/* Port 0 was asked for: the kernel's choice holds for the other shards, and for the other address of the same text
 * (localhost is two). */
static void share_port(struct listeners *l, uint32_t i, int port)
{
    leat__net_set_port(&l->addresses[i], port);
    for (uint32_t next = i + 1; next < l->count; next++)
        if (l->addresses[next].sockaddr.ss_family != l->addresses[i].sockaddr.ss_family &&
            strcmp(l->addresses[next].text, l->addresses[i].text) == 0)
            leat__net_set_port(&l->addresses[next], port);
}

static int open_address(struct listeners *l, uint32_t i)
{
    struct net_address *a = &l->addresses[i];
    bool share = !is_unix(a) && l->shards > 1;
    int error = is_unix(a) ? 0 : leat__net_check_free(a);
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
        if (shard == 0)
            share_port(l, i, leat__net_port(*fd));
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
        const char *way_out = failed == -EADDRINUSE
                                  ? "; another program has it: stop that, or choose another port"
                              : failed == -EACCES ? "; ports below 1024 need CAP_NET_BIND_SERVICE"
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
