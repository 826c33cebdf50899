/* steer.h: which shard's listener takes a connection. */
#ifndef LEAT_NET_STEER_H
#define LEAT_NET_STEER_H

/* Of a group of listeners (SO_REUSEPORT) that joined in the order of their shards, and of which fd is any: connections
 * whose packets arrive on processor i go to shard i modulo shards. 0 or -errno. */
int leat__net_steer_by_cpu(int fd, unsigned shards);

#endif
