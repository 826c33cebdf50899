/* fuzz_address.c: any text as an address. What is accepted can be described by its family and size and keeps its
 * text; what is refused says why in one line. */
#include "net/net.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/un.h>

static void check_accepted(const struct net_address *address, const char *text)
{
    int family = address->sockaddr.ss_family;
    size_t before_path = offsetof(struct sockaddr_un, sun_path);
    ASSERT(strcmp(address->text, text) == 0);
    ASSERT(family == AF_INET || family == AF_INET6 || family == AF_UNIX);
    if (family == AF_INET)
        ASSERT(address->size == sizeof(struct sockaddr_in));
    else if (family == AF_INET6)
        ASSERT(address->size == sizeof(struct sockaddr_in6));
    else
        ASSERT(address->size > before_path + 1 && address->size <= sizeof(struct sockaddr_un));
    if (family == AF_INET6)
        ASSERT(!IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)&address->sockaddr)->sin6_addr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096 || memchr(data, '\0', size) != NULL)
        return 0;
    char *text = malloc(size + 1), error[256];
    memcpy(text, data, size);
    text[size] = '\0';
    memset(error, 0x7f, sizeof error);
    struct net_address out[NET_ADDRESSES_MAX];
    int count = leat__net_parse(text, out, error, sizeof error);
    ASSERT(count == -EINVAL || (count > 0 && count <= NET_ADDRESSES_MAX));
    for (int i = 0; i < count; i++)
        check_accepted(out + i, text);
    if (count < 0)
        ASSERT(memchr(error, '\0', sizeof error) != NULL && strstr(error, "\": ") != NULL);
    free(text);
    return 0;
}
