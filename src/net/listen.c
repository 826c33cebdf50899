/* listen.c: listening sockets, and what comes out of them. What is set on them is apply.c's.
 *
 * A unix socket leaves its path behind when its program ends. The path is taken over if what lies there is a socket
 * that nobody answers on; a live one, or a file of another kind, is left alone and the address is in use. */
#define _GNU_SOURCE 1 /* accept4 */
#include "net/net.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int set_option(int fd, int level, int option)
{
    const int on = 1;
    return setsockopt(fd, level, option, &on, sizeof on) < 0 ? -errno : 0;
}

/* Everything but binding and listening. */
static int open_socket(const struct net_address *address, bool share)
{
    int family = address->sockaddr.ss_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (family == AF_UNIX)
        return fd;
    int rc = set_option(fd, SOL_SOCKET, SO_REUSEADDR);
    if (rc == 0 && share)
        rc = set_option(fd, SOL_SOCKET, SO_REUSEPORT);
    if (rc == 0 && family == AF_INET6)
        rc = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
}

/* Whether a socket lies at the path and nobody listens on it any more. */
static bool is_stale(const struct net_address *address)
{
    struct stat status;
    const char *path = ((const struct sockaddr_un *)&address->sockaddr)->sun_path;
    if (lstat(path, &status) < 0 || !S_ISSOCK(status.st_mode))
        return false;
    int fd = open_socket(address, false);
    if (fd < 0)
        return false;
    int rc = connect(fd, (const struct sockaddr *)&address->sockaddr, address->size);
    bool refused = rc < 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static int bind_socket(int fd, const struct net_address *address)
{
    const struct sockaddr *sockaddr = (const struct sockaddr *)&address->sockaddr;
    if (bind(fd, sockaddr, address->size) == 0)
        return 0;
    int rc = -errno;
    if (rc != -EADDRINUSE || sockaddr->sa_family != AF_UNIX || !is_stale(address))
        return rc;
    if (unlink(((const struct sockaddr_un *)&address->sockaddr)->sun_path) < 0 && errno != ENOENT)
        return -errno;
    return bind(fd, sockaddr, address->size) < 0 ? -errno : 0;
}

int leat__net_listen(struct net_address *address, bool share, unsigned shard, char *error, size_t error_size)
{
    if (error_size > 0)
        error[0] = '\0';
    int fd = open_socket(address, share);
    if (fd < 0)
        return fd;
    int rc = leat__net_apply(fd, &address->options, shard, error, error_size);
    if (rc == 0)
        rc = bind_socket(fd, address);
    if (rc == 0)
        rc = leat__net_apply_backlog(fd, &address->options, error, error_size);
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
}

static int check_unix(const struct net_address *address)
{
    struct stat status;
    if (lstat(((const struct sockaddr_un *)&address->sockaddr)->sun_path, &status) < 0)
        return errno == ENOENT ? 0 : -errno;
    return is_stale(address) ? 0 : -EADDRINUSE;
}

int leat__net_check_free(const struct net_address *address)
{
    if (address->sockaddr.ss_family == AF_UNIX)
        return check_unix(address);
    if (net_is_handed(address))
        return 0; /* it is open already, for us */
    int fd = open_socket(address, false);
    if (fd < 0)
        return fd;
    int rc = bind(fd, (const struct sockaddr *)&address->sockaddr, address->size) < 0 ? -errno : 0;
    close(fd);
    return rc;
}

int leat__net_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return fd < 0 ? -errno : fd;
}
