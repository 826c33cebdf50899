/* net.h: first and last hop: addresses, listening sockets, accepting, socket options. */
#ifndef LEAT_NET_H
#define LEAT_NET_H

#include "base/base.h"
#include "net/settings.h"
#include <sys/socket.h>

struct net_address {
    struct net_options options;
    struct sockaddr_storage sockaddr;
    socklen_t size;
    char text[128]; /* as given */
};

/* Whom we speak to. 20 bytes, because there may be one for every connection. */
struct net_peer {
    uint8_t address[16]; /* IPv4: the first 4 */
    uint16_t port;       /* host order */
    uint8_t family;      /* 0: not known yet; 4, 6; 1: unix */
    uint8_t proxied;     /* a PROXY header told it */
};

/* Asks the kernel. family stays 0 when it does not know. */
void leat__net_peer(int fd, struct net_peer *peer);

/* "127.0.0.1", "2001:db8::1", "unix:", "-"; mapped addresses as IPv4. No libc locks, no memory. Octets without the NUL. */
enum { NET_PEER_TEXT = 48 };
size_t leat__net_peer_text(const struct net_peer *peer, char out[NET_PEER_TEXT]);

enum { NET_ADDRESSES_MAX = 2 }; /* that one text can stand for */

/* "127.0.0.1:80", "[::1]:80", ":80" (every IPv4 address), "localhost:80" (two: 127.0.0.1 and ::1), "unix:/path".
 * Names other than localhost are not resolved; a mapped address ("[::ffff:127.0.0.1]:80") is the IPv4 address that it
 * stands for. How many of out (NET_ADDRESSES_MAX) were filled, or -EINVAL with a line. */
int leat__net_parse(const char *text, struct net_address *out, char *error, size_t error_size);

/* Gives an address the port that another one of its kind was bound to, so that all shards, and both addresses of
 * localhost, share the port that the kernel chose for 0. Nothing for unix. */
void leat__net_set_port(struct net_address *address, int port);

/* 0: nobody has it; else -errno (-EADDRINUSE, -EADDRNOTAVAIL, -EACCES …). Ask once, before the first listener that
 * shares: SO_REUSEPORT would let us join another program of the same user without a word. */
int leat__net_check_free(const struct net_address *address);

/* An open, bound, listening, non-blocking descriptor, or -errno. share: SO_REUSEPORT (not for unix). A stale unix
 * socket (nobody answers) is replaced; one in use is -EADDRINUSE. [::] is IPv6 only. */
int leat__net_listen(const struct net_address *address, bool share, int backlog);

int leat__net_port(int fd); /* bound port, 0: none */

/* "127.0.0.1:8080", "[::1]:8080", "unix:/path" of a bound descriptor. */
void leat__net_describe(int fd, char *out, size_t size);

/* Accepts one connection: non-blocking, close on exec, with the listener's options (TCP_NODELAY is among them: an
 * accepted socket inherits it, and so does one that io_uring accepts). fd or -errno. */
int leat__net_accept(int listener);

#endif
