/* fuzz_proxy.c: any bytes as the beginning of a connection behind a balancer. The first octet chooses the versions.
 *
 * However the bytes are cut, the answer is the same: every beginning is MORE until it is what the whole is, and then
 * stays so. Only a whole header touches the source, and what it says can be written. */
#include "net/proxy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

struct outcome {
    enum net_proxy_result result;
    size_t used;
    const char *why;
    struct net_peer source;
};

/* In memory of exactly that size, so that one octet more is seen. */
static struct outcome parse(const uint8_t *data, size_t size, unsigned versions)
{
    struct outcome o = {.source = {.family = 99}};
    char *bytes = malloc(size > 0 ? size : 1);
    must(bytes != NULL);
    memcpy(bytes, data, size);
    o.result = leat__net_proxy_parse(bytes, size, versions, &o.used, &o.source, &o.why);
    free(bytes);
    must((o.why != NULL) == (o.result == NET_PROXY_BAD));
    must(o.result == NET_PROXY_DONE ? o.used > 0 && o.used <= size && o.used <= NET_PROXY_SIZE_MAX
                                    : o.used == 0);
    must(o.result == NET_PROXY_DONE || o.source.family == 99);
    return o;
}

static void check_source(const struct net_peer *source)
{
    char text[NET_PEER_TEXT];
    if (source->family == 99)
        return;
    must(source->family == NET_PEER_IPV4 || source->family == NET_PEER_IPV6);
    must(source->proxied == 1);
    size_t size = leat__net_peer_text(source, text);
    must(size >= 2 && size < NET_PEER_TEXT && text[size] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    unsigned versions = 1 + data[0] % 3;
    data++;
    size--;
    struct outcome whole = parse(data, size, versions);
    check_source(&whole.source);
    bool settled = false;
    size_t step = size > 512 ? size / 256 : 1;
    for (size_t cut = 0; cut <= size; cut += step) {
        struct outcome part = parse(data, cut, versions);
        must(part.result == NET_PROXY_MORE ? !settled : part.result == whole.result);
        settled = part.result != NET_PROXY_MORE;
        if (part.result == NET_PROXY_DONE)
            must(part.used == whole.used &&
                 memcmp(&part.source, &whole.source, sizeof whole.source) == 0);
        if (whole.result == NET_PROXY_DONE)
            must((part.result == NET_PROXY_DONE) == (cut >= whole.used));
    }
    return 0;
}
