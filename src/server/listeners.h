/* listeners.h: all listening sockets of a server. The main thread opens them before the shards start and keeps them:
 * one per shard and address with SO_REUSEPORT, so that the kernel spreads the connections; a unix socket is one for
 * all, and so is a socket that was handed to us (activation.h). */
#ifndef LEAT_LISTENERS_H
#define LEAT_LISTENERS_H

#include "base/base.h"
#include "loop/loop.h"
#include "net/net.h"
#include "server/activation.h"
#include "config/config.h"

struct listeners {
    struct net_address addresses[LOOP_LISTENERS_MAX];
    uint32_t count; /* addresses */
    uint32_t shards;
    int *fds; /* [shard * count + address] */
    struct activation activation;
    int16_t handed[LOOP_LISTENERS_MAX]; /* index in activation, or -1: we open it ourselves */
};

/* Parses the texts of config and completes their settings. Without a text the sockets that were handed to us are taken,
 * and without those localhost:8080. 0 or -EINVAL with a line. */
int leat__listeners_parse(struct listeners *l, const struct config *config, char *error,
                          size_t error_size);

/* Opens all. 0 or -errno with a line that names the address, and the setting if it was one. */
int leat__listeners_open(struct listeners *l, uint32_t shards, char *error, size_t error_size);
void leat__listeners_close(struct listeners *l);

/* Whoever started us keeps this socket too and will hand it to our successor: connections that wait there when we drain
 * are the successor's, and shutdown(2) would end it for both. */
bool leat__listeners_is_kept(const struct listeners *l, uint32_t i);

static inline int listeners_fd(const struct listeners *l, uint32_t shard, uint32_t address)
{
    return l->fds[shard * l->count + address];
}

static inline const struct net_options *listeners_options(const struct listeners *l, uint32_t i)
{
    return &l->addresses[i].options;
}

#endif
