/* net.h: first and last hop: addresses, listening sockets, accepting, peers. What may be said of a listener's sockets
 * is in settings.h. */
#ifndef LEAT_NET_H
#define LEAT_NET_H

#include "base/base.h"
#include "net/settings.h"
#include <sys/socket.h>

struct net_address {
    struct sockaddr_storage sockaddr; /* AF_UNSPEC: a socket that was handed to us ("fd:…"), not opened by us */
    socklen_t size;
    struct net_options options;
    char text[128]; /* the address as given, without settings */
};

/* Whom we speak to. 20 bytes, because there may be one for every connection. */
struct net_peer {
    uint8_t address[16]; /* IPv4: the first 4 */
    uint16_t port;       /* host order */
    uint8_t family;      /* 0: not known yet; 4, 6; 1: unix */
    uint8_t proxied;     /* a PROXY header told it */
};

enum { NET_PEER_UNKNOWN = 0, NET_PEER_UNIX = 1, NET_PEER_IPV4 = 4, NET_PEER_IPV6 = 6 }; /* family */

/* Asks the kernel. family stays 0 when it does not know. */
void leat__net_peer(int fd, struct net_peer *peer);

/* A mapped IPv6 address as the IPv4 address that it stands for. */
void leat__net_peer_ipv6(struct net_peer *peer, const uint8_t address[16]);

/* "127.0.0.1", "2001:db8::1", "unix:", "-"; mapped addresses as IPv4. No libc locks, no memory. Octets without the NUL. */
enum { NET_PEER_TEXT = 48 };
size_t leat__net_peer_text(const struct net_peer *peer, char out[NET_PEER_TEXT]);

enum { NET_ADDRESSES_MAX = 2 }; /* that one text can stand for */

/* "127.0.0.1:80", "[::1]:80", ":80" (every IPv4 address), "localhost:80" (two: 127.0.0.1 and ::1), "unix:/path",
 * "fd:3" and "fd:NAME" (a listening socket that was handed to us), each with settings behind commas:
 * "127.0.0.1:80, profile=games, user-timeout=20s". Names other than localhost are not resolved; a mapped address
 * ("[::ffff:127.0.0.1]:80") is the IPv4 address that it stands for. How many of out (NET_ADDRESSES_MAX) were filled,
 * or -EINVAL with a line. The options are what was said, not yet complete (leat__net_options_complete). */
int leat__net_parse(const char *text, struct net_address *out, char *error, size_t error_size);

/* A socket that was handed to us. What is behind "fd:": a number or a name. */
static inline bool net_is_handed(const struct net_address *address)
{
    return address->sockaddr.ss_family == AF_UNSPEC;
}

static inline const char *net_handed_name(const struct net_address *address)
{
    return address->text + 3;
}

/* Gives an address the port that another one of its kind was bound to, so that all shards, and both addresses of
 * localhost, share the port that the kernel chose for 0. Nothing for unix. */
void leat__net_set_port(struct net_address *address, int port);

/* 0: nobody has it; else -errno (-EADDRINUSE, -EADDRNOTAVAIL, -EACCES …). Ask once, before the first listener that
 * shares: SO_REUSEPORT would let us join another program of the same user without a word. */
int leat__net_check_free(const struct net_address *address);

/* An open, bound, listening, non-blocking descriptor with the address's settings, for one shard; or -errno. share:
 * SO_REUSEPORT (not for unix). A stale unix socket (nobody answers) is replaced; one in use is -EADDRINUSE. [::] is
 * IPv6 only. error is a line when the kernel refuses a setting, and "" otherwise. */
int leat__net_listen(struct net_address *address, bool share, unsigned shard, char *error,
                     size_t error_size);

int leat__net_port(int fd); /* bound port, 0: none */

/* "127.0.0.1:8080", "[::1]:8080", "unix:/path" of a bound descriptor. */
void leat__net_describe(int fd, char *out, size_t size);

/* Accepts one connection: non-blocking, close on exec, with what the listener hands down (TCP_NODELAY is among it: an
 * accepted socket inherits it, and so does one that io_uring accepts). fd or -errno. */
int leat__net_accept(int listener);

#endif
