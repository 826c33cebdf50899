/* peer.c: who is at the other end, asked of the kernel, and written as RFC 5952 wants it: lower case, no leading
 * zeros, the longest run of at least two zero groups as "::". By hand: what libc has formats with stdio. */
#include "net/net.h"

#include <netinet/in.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void leat__net_peer_ipv6(struct net_peer *peer, const uint8_t address[16])
{
    if (memcmp(address, mapped, sizeof mapped) == 0) {
        memset(peer->address, 0, sizeof peer->address);
        memcpy(peer->address, address + sizeof mapped, 4);
        peer->family = NET_PEER_IPV4;
    } else {
        memcpy(peer->address, address, 16);
        peer->family = NET_PEER_IPV6;
    }
}

void leat__net_peer(int fd, struct net_peer *peer)
{
    struct sockaddr_storage sockaddr;
    socklen_t size = sizeof sockaddr;
    memset(peer, 0, sizeof *peer);
    if (getpeername(fd, (struct sockaddr *)&sockaddr, &size) < 0)
        return;
    if (sockaddr.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&sockaddr;
        memcpy(peer->address, &in->sin_addr, 4);
        peer->port = ntohs(in->sin_port);
        peer->family = NET_PEER_IPV4;
    } else if (sockaddr.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&sockaddr;
        leat__net_peer_ipv6(peer, in6->sin6_addr.s6_addr);
        peer->port = ntohs(in6->sin6_port);
    } else if (sockaddr.ss_family == AF_UNIX) {
        peer->family = NET_PEER_UNIX;
    }
}

static char *write_ipv4(char *to, const uint8_t *address)
{
    for (unsigned i = 0; i < 4; i++) {
        uint8_t octet = address[i];
        if (i > 0)
            *to++ = '.';
        if (octet >= 100)
            *to++ = (char)('0' + octet / 100);
        if (octet >= 10)
            *to++ = (char)('0' + octet / 10 % 10);
        *to++ = (char)('0' + octet % 10);
    }
    return to;
}

static char *write_group(char *to, unsigned group)
{
    static const char digits[] = "0123456789abcdef";
    bool begun = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
        unsigned digit = group >> shift & 0xf;
        begun = begun || digit != 0 || shift == 0;
        if (begun)
            *to++ = digits[digit];
    }
    return to;
}

/* The first of the longest runs of zero groups: where it begins, and how long it is (0 or at least 2). */
static unsigned longest_run(const uint16_t groups[8], unsigned *size)
{
    unsigned best = 0, best_size = 1;
    for (unsigned i = 0; i < 8;) {
        unsigned end = i;
        while (end < 8 && groups[end] == 0)
            end++;
        if (end - i > best_size) {
            best = i;
            best_size = end - i;
        }
        i = end + 1;
    }
    *size = best_size > 1 ? best_size : 0;
    return best;
}

static char *write_ipv6(char *to, const uint8_t *address)
{
    uint16_t groups[8];
    unsigned run_size;
    for (unsigned i = 0; i < 8; i++)
        groups[i] = (uint16_t)(address[2 * i] << 8 | address[2 * i + 1]);
    unsigned run = longest_run(groups, &run_size);
    for (unsigned i = 0; i < 8;) {
        if (run_size > 0 && i == run) {
            *to++ = ':';
            if (i == 0)
                *to++ = ':';
            i += run_size;
            continue;
        }
        to = write_group(to, groups[i]);
        if (++i < 8)
            *to++ = ':';
    }
    return to;
}

size_t leat__net_peer_text(const struct net_peer *peer, char out[NET_PEER_TEXT])
{
    char *end = out;
    struct net_peer plain = *peer;
    if (peer->family == NET_PEER_IPV6)
        leat__net_peer_ipv6(&plain, peer->address);
    if (plain.family == NET_PEER_IPV4) {
        end = write_ipv4(out, plain.address);
    } else if (plain.family == NET_PEER_IPV6) {
        end = write_ipv6(out, plain.address);
    } else if (plain.family == NET_PEER_UNIX) {
        memcpy(out, "unix:", 5);
        end = out + 5;
    } else {
        *end++ = '-';
    }
    *end = '\0';
    return (size_t)(end - out);
}
