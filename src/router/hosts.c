/* hosts.c: see hosts.h.
 *
 * A name is hashed from its end, so that one walk over an authority has the hash of each of its suffixes at the moment
 * it passes that suffix's dot: "www.api.example" asks for ".example" and ".api.example" on its way to itself. The last
 * of them that is there is the longest. The work is at most one probe for each label (two, where names have ports), over
 * at most HOST_SIZE_MAX octets. */
#include "router/hosts.h"

#include <arpa/inet.h>
#include <errno.h>

struct entry {
    struct host_name name; /* size 0: free */
    uint32_t hash;
    uint32_t number;
};

struct hosts {
    uint32_t mask;
    bool have_ports;
    struct entry entries[];
};

enum { HASH_START = 5381, HASH_PRIME = 16777619 };

static inline char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline uint32_t hash_more(uint32_t hash, char c)
{
    return (hash ^ (uint8_t)c) * HASH_PRIME;
}

static uint32_t hash_backwards(const char *text, size_t size)
{
    uint32_t hash = HASH_START;
    while (size > 0)
        hash = hash_more(hash, text[--size]);
    return hash;
}

/* An IPv6 address between brackets, in its one form (RFC 5952), with them. Its size; 0: it is none. */
static size_t write_literal(char to[static HOST_SIZE_MAX + 3], const char *text, size_t size)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr binary;
    if (size >= sizeof address)
        return 0;
    memcpy(address, text, size);
    address[size] = '\0';
    if (inet_pton(AF_INET6, address, &binary) != 1 ||
        inet_ntop(AF_INET6, &binary, address, sizeof address) == NULL)
        return 0;
    size = strlen(address);
    to[0] = '[';
    memcpy(to + 1, address, size);
    to[size + 1] = ']';
    to[size + 2] = '\0';
    return size + 2;
}

/* 0 to 65535; -1: it is no such number. */
static int32_t read_port(const char *text, size_t size)
{
    int32_t port = 0;
    if (size == 0 || size > 5)
        return -1;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        port = port * 10 + (text[i] - '0');
    }
    return port <= UINT16_MAX ? port : -1;
}

/* An authority's two parts. */
struct parts {
    const char *host;
    size_t host_size;
    const char *port; /* behind the colon; NULL: there is no colon */
    size_t port_size;
};

static struct parts split(const char *text, size_t size)
{
    struct parts parts = {.host = text, .host_size = size};
    size_t at = size;
    while (at > 0 && text[at - 1] != ':' && text[at - 1] != ']')
        at--;
    if (at > 0 && text[at - 1] == ':') {
        parts.host_size = at - 1;
        parts.port = text + at;
        parts.port_size = size - at;
    }
    return parts;
}

/* Labels of letters, digits, '-' and '_' (RFC 1123 2.1, and what is in use), none of them empty or long. */
static bool is_labels(const char *text, size_t size)
{
    size_t label = 0;
    for (size_t i = 0; i < size; i++) {
        char c = lower(text[i]);
        bool is_dot = c == '.';
        if (!is_dot && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
        if (is_dot ? label == 0 : label == HOST_LABEL_MAX)
            return false;
        label = is_dot ? 0 : label + 1;
    }
    return label > 0;
}

static bool parse_name(struct host_name *name, const char *text, size_t size)
{
    bool is_star = size > 2 && text[0] == '*' && text[1] == '.';
    text += is_star;
    size -= is_star;
    if (size > 1 && text[size - 1] == '.')
        size--;
    if (size > HOST_SIZE_MAX || !is_labels(text + is_star, size - is_star))
        return false;
    for (size_t i = 0; i < size; i++)
        name->text[i] = lower(text[i]);
    name->text[size] = '\0';
    name->size = (uint16_t)size;
    return true;
}

int leat__host_parse(struct host_name *name, const char *host, const char **why)
{
    *name = (struct host_name){.port = 0};
    struct parts parts = split(host, strlen(host));
    *why = "a port is 1 to 65535";
    if (parts.port != NULL) {
        int32_t port = read_port(parts.port, parts.port_size);
        if (port <= 0)
            return -EINVAL;
        name->port = (uint16_t)port;
    }
    size_t size = parts.host_size;
    *why = "a host is \"api.example\", \"*.example\", \"192.0.2.1\" or \"[2001:db8::1]\", with a "
           "port or without";
    if (size > 2 && parts.host[0] == '[' && parts.host[size - 1] == ']')
        name->size = (uint16_t)write_literal(name->text, parts.host + 1, size - 2);
    else if (!parse_name(name, parts.host, size))
        return -EINVAL;
    return name->size > 0 ? 0 : -EINVAL;
}

bool leat__host_is_same(const struct host_name *a, const struct host_name *b)
{
    return a->port == b->port && strcmp(a->text, b->text) == 0;
}

static uint32_t entry_count(uint32_t count)
{
    uint32_t entries = 4;
    while (entries < count * 2)
        entries *= 2;
    return entries;
}

size_t leat__hosts_size(uint32_t count)
{
    return align_up(sizeof(struct hosts) + entry_count(count) * sizeof(struct entry), 16);
}

const struct hosts *leat__hosts_compile(void *memory, const struct host_name *names, uint32_t count)
{
    struct hosts *hosts = memory;
    memset(memory, 0, leat__hosts_size(count));
    hosts->mask = entry_count(count) - 1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t hash = hash_backwards(names[i].text, names[i].size), at = hash;
        while (hosts->entries[at & hosts->mask].name.size != 0)
            at++;
        hosts->entries[at & hosts->mask] = (struct entry){names[i], hash, i + 1};
        hosts->have_ports |= names[i].port != 0;
    }
    return hosts;
}

/* port 0: the one that stands for every port. */
static uint32_t probe(const struct hosts *hosts, uint32_t hash, const char *text, size_t size,
                      uint16_t port)
{
    const struct entry *entry;
    for (uint32_t at = hash; (entry = &hosts->entries[at & hosts->mask])->name.size != 0; at++) {
        if (entry->hash == hash && entry->name.port == port && entry->name.size == size &&
            memcmp(entry->name.text, text, size) == 0)
            return entry->number;
    }
    return 0;
}

static uint32_t find(const struct hosts *hosts, uint32_t hash, const char *text, size_t size, int32_t port)
{
    uint32_t number = 0;
    if (hosts->have_ports && port > 0)
        number = probe(hosts, hash, text, size, (uint16_t)port);
    return number != 0 ? number : probe(hosts, hash, text, size, 0);
}

uint32_t leat__hosts_find(const struct hosts *hosts, const char *authority, size_t size)
{
    char text[HOST_SIZE_MAX + 3];
    struct parts parts = split(authority, size);
    int32_t port = parts.port_size == 0 ? HOST_PORT_STANDARD : read_port(parts.port, parts.port_size);
    size = parts.host_size;
    if (size > 2 && parts.host[0] == '[' && parts.host[size - 1] == ']') {
        size = write_literal(text, parts.host + 1, size - 2);
        return size == 0 ? 0 : find(hosts, hash_backwards(text, size), text, size, port);
    }
    if (size > 1 && parts.host[size - 1] == '.')
        size--;
    if (size == 0 || size > HOST_SIZE_MAX || parts.host[0] == '.')
        return 0;
    uint32_t hash = HASH_START, best = 0;
    for (size_t at = size; at-- > 0;) {
        text[at] = lower(parts.host[at]);
        hash = hash_more(hash, text[at]);
        if (text[at] != '.')
            continue;
        uint32_t longer = find(hosts, hash, text + at, size - at, port);
        best = longer != 0 ? longer : best;
    }
    uint32_t itself = find(hosts, hash, text, size, port);
    return itself != 0 ? itself : best;
}
