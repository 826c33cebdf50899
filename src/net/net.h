/* net.h: first and last hop: addresses, listening sockets, accepting, socket options. */
#ifndef LEAT_NET_H
#define LEAT_NET_H

#include "base/base.h"
#include <sys/socket.h>

struct net_address {
    struct sockaddr_storage sockaddr;
    socklen_t size;
    char text[128];             /* as given */
};

/* "127.0.0.1:80", "[::1]:80", ":80" (every IPv4 address), "localhost:80" (two: 127.0.0.1 and ::1), "unix:/path".
 * Names other than localhost are not resolved. How many of out (at least 2) were filled, or -EINVAL with a line. */
int leat__net_parse(const char *text, struct net_address *out, char *error, size_t error_size);

/* An open, bound, listening, non-blocking descriptor, or -errno. share: SO_REUSEPORT (not for unix). A stale unix
 * socket (nobody answers) is replaced; one in use is -EADDRINUSE. [::] is IPv6 only. */
int leat__net_listen(const struct net_address *address, bool share, int backlog);

int leat__net_port(int fd);     /* bound port, 0: none */

/* "127.0.0.1:8080", "[::1]:8080", "unix:/path" of a bound descriptor. */
void leat__net_describe(int fd, char *out, size_t size);

/* Accepts one connection: non-blocking, close on exec, with the listener's options (TCP_NODELAY). fd or -errno. */
int leat__net_accept(int listener);

#endif
