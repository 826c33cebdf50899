/* fuzz_address.c: any text as an address with settings. What is accepted can be described by its family and size and
 * keeps its text; its settings, completed and written out, are read in again as the same. What is refused says why in
 * one line. */
#include "net/net.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

static void check_accepted(const struct net_address *address, const char *text)
{
    int family = address->sockaddr.ss_family;
    size_t before_path = offsetof(struct sockaddr_un, sun_path), size = strlen(address->text);
    ASSERT(strncmp(address->text, text, size) == 0);
    ASSERT(text[size] == '\0' || text[size] == ' ' || text[size] == ',');
    ASSERT(strchr(address->text, ',') == NULL);
    if (net_is_handed(address)) {
        ASSERT(strncmp(address->text, "fd:", 3) == 0 && net_handed_name(address)[0] != '\0');
        return;
    }
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

static void check_options(const struct net_address *address)
{
    char written[2048] = "", value[NET_VALUE_SIZE], error[256];
    struct net_options o = address->options, again;
    for (unsigned i = 0; i < net_setting_count(); i++) {
        o.wanted = o.said;
        leat__net_setting_write(&o, i, value);
        ASSERT((value[0] != '\0') == net_is_said(&o, i));
        size_t used = strlen(written);
        if (value[0] != '\0')
            snprintf(written + used, sizeof written - used, "%s%s=%s", used > 0 ? "," : "",
                     leat__net_setting_at(i)->name, value);
    }
    leat__net_options_init(&again);
    if (written[0] != '\0')
        ASSERT(leat__net_options_parse(&again, written, error, sizeof error) == 0);
    ASSERT(again.said == o.said && strcmp(again.congestion, o.congestion) == 0);
    ASSERT(memcmp(again.values, o.values, sizeof o.values) == 0);
    bool tcp = address->sockaddr.ss_family != AF_UNIX;
    ASSERT(leat__net_options_complete(&o, 0, tcp, error, sizeof error) == 0);
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
    for (int i = 0; i < count; i++) {
        check_accepted(out + i, text);
        check_options(out + i);
    }
    if (count < 0)
        ASSERT(memchr(error, '\0', sizeof error) != NULL && strstr(error, "\": ") != NULL);
    free(text);
    return 0;
}
