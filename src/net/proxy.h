/* proxy.h: the PROXY protocol, versions 1 and 2: what a balancer says of the client before the client's own bytes come.
 * Pure: bytes in, an address out. */
#ifndef LEAT_PROXY_H
#define LEAT_PROXY_H

#include "base/base.h"
#include "net/net.h"

enum net_proxy { NET_PROXY_OFF, NET_PROXY_V1 = 1, NET_PROXY_V2 = 2, NET_PROXY_ANY = 3 }; /* bits */
enum net_proxy_result { NET_PROXY_DONE, NET_PROXY_MORE, NET_PROXY_BAD };

/* The longest header that is read: a longer one (version 2 with very long TLVs) is bad. */
enum { NET_PROXY_SIZE_MAX = 4096 };

/* Reads a header at the beginning of bytes. DONE: used octets are the header; source is the client's address, or left as
 * it was (LOCAL, UNKNOWN, unix). MORE: it is not whole. BAD: no header of the versions asked for, with why. */
enum net_proxy_result leat__net_proxy_parse(const char *bytes, size_t size, unsigned versions,
                                            size_t *used, struct net_peer *source, const char **why);

#endif
