/* listeners.h: all listening sockets of a server. The main thread opens them before the shards start and keeps them:
 * one per shard and address with SO_REUSEPORT, so that the kernel spreads the connections; a unix socket is one for
 * all. */
#ifndef LEAT_LISTENERS_H
#define LEAT_LISTENERS_H

#include "base/base.h"
#include "loop/loop.h"
#include "net/net.h"
#include "server/config.h"

struct listeners {
    struct net_address addresses[LOOP_LISTENERS_MAX];
    uint32_t count; /* addresses */
    uint32_t shards;
    int *fds; /* [shard * count + address] */
};

/* Parses the texts of config. 0 or -EINVAL with a line. */
int leat__listeners_parse(struct listeners *l, const struct config *config, char *error,
                          size_t error_size);

/* Opens all. 0 or -errno with a line that names the address. */
int leat__listeners_open(struct listeners *l, uint32_t shards, char *error, size_t error_size);
void leat__listeners_close(struct listeners *l);

static inline int listeners_fd(const struct listeners *l, uint32_t shard, uint32_t address)
{
    return l->fds[shard * l->count + address];
}

/* Whether somebody else keeps the listener: it is not shut down when we drain. */
static inline bool leat__listeners_is_kept(const struct listeners *l, uint32_t i)
{
    (void)l;
    (void)i;
    return false;
}

#endif
