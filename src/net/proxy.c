/* proxy.c: not read yet. */
#include "net/proxy.h"

enum net_proxy_result leat__net_proxy_parse(const char *bytes, size_t size, unsigned versions,
                                            size_t *used, struct net_peer *source, const char **why)
{
    (void)bytes;
    (void)size;
    (void)versions;
    (void)source;
    *used = 0;
    *why = "no PROXY header";
    return NET_PROXY_BAD;
}
