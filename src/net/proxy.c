/* proxy.c: the PROXY protocol, versions 1 and 2, as its text says ("The PROXY protocol", 2.1 and 2.2).
 *
 * Version 1 is a line of at most 107 octets, CR LF included; nothing in it is judged before all of it is there.
 * Version 2 begins with twelve octets that no request begins with, and says its own length.
 *
 * What must always be true: the answer does not depend on how the octets were cut. MORE for a beginning stays MORE or
 * becomes the answer for the whole; BAD stays BAD. Only a whole header touches source. */
#define _GNU_SOURCE 1 /* memmem */
#include "net/proxy.h"

#include <arpa/inet.h>
#include <sys/socket.h>

enum {
    V1_LINE_MAX = 107,
    V2_FIXED = 16, /* octets before the addresses */
    V2_LOCAL = 0x20,
    V2_PROXY = 0x21,
    V2_TCP4 = 0x11,
    V2_TCP6 = 0x21,
    V2_IPV4_SIZE = 12,
    V2_IPV6_SIZE = 36,
    V2_UNIX_SIZE = 216,
    TLV_FIXED = 3,
    TLV_CRC32C = 0x03,
};

static const char v1_prefix[] = "PROXY ";
static const char v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";

static enum net_proxy_result bad(const char **why, const char *sentence)
{
    *why = sentence;
    return NET_PROXY_BAD;
}

/* ── Version 1 ── */

/* Takes the word at *at, which ends at a space or, the last one, at end. false: it is empty, or stands elsewhere. */
static bool take_word(const char **at, const char *end, bool is_last, const char **word, size_t *size)
{
    const char *space = memchr(*at, ' ', (size_t)(end - *at));
    if ((space == NULL) != is_last)
        return false;
    *word = *at;
    *size = (size_t)((is_last ? end : space) - *at);
    *at = is_last ? end : space + 1;
    return *size > 0;
}

/* inet_pton refuses leading zeros in IPv4. A dotted tail in IPv6 is taken: it is how mapped addresses are written. */
static bool read_address(int family, const char *word, size_t size, uint8_t out[16])
{
    char copy[INET6_ADDRSTRLEN];
    if (size >= sizeof copy || memchr(word, '\0', size) != NULL)
        return false;
    memcpy(copy, word, size);
    copy[size] = '\0';
    return inet_pton(family, copy, out) == 1;
}

static bool read_port(const char *word, size_t size, uint16_t *out)
{
    unsigned port = 0;
    if (size > 5 || (size > 1 && word[0] == '0'))
        return false;
    for (size_t i = 0; i < size; i++) {
        if (word[i] < '0' || word[i] > '9')
            return false;
        port = port * 10 + (unsigned)(word[i] - '0');
    }
    *out = (uint16_t)port;
    return port <= UINT16_MAX;
}

static void tell(struct net_peer *source, bool is_ipv6, const uint8_t address[16], uint16_t port)
{
    memset(source, 0, sizeof *source);
    if (is_ipv6) {
        leat__net_peer_ipv6(source, address);
    } else {
        memcpy(source->address, address, 4);
        source->family = NET_PEER_IPV4;
    }
    source->port = port;
    source->proxied = 1;
}

/* The line's octets behind "PROXY ", without CR LF. NULL, or what is wrong. */
static const char *read_line(const char *at, const char *end, struct net_peer *source)
{
    static const char unknown[] = "UNKNOWN";
    size_t unknown_size = sizeof unknown - 1, line_size = (size_t)(end - at), size;
    if (line_size >= unknown_size && memcmp(at, unknown, unknown_size) == 0 &&
        (line_size == unknown_size || at[unknown_size] == ' '))
        return NULL; /* what follows is to be ignored */
    const char *word;
    if (!take_word(&at, end, false, &word, &size) || size != 4 || memcmp(word, "TCP", 3) != 0 ||
        (word[3] != '4' && word[3] != '6'))
        return "a version 1 header says TCP4, TCP6 or UNKNOWN";
    bool is_ipv6 = word[3] == '6';
    uint8_t addresses[2][16] = {{0}};
    uint16_t ports[2];
    for (unsigned i = 0; i < 2; i++)
        if (!take_word(&at, end, false, &word, &size) ||
            !read_address(is_ipv6 ? AF_INET6 : AF_INET, word, size, addresses[i]))
            return "a version 1 header has an address that is none";
    for (unsigned i = 0; i < 2; i++)
        if (!take_word(&at, end, i == 1, &word, &size) || !read_port(word, size, &ports[i]))
            return "a version 1 header has a port that is none";
    tell(source, is_ipv6, addresses[0], ports[0]);
    return NULL;
}

static enum net_proxy_result parse_v1(const char *bytes, size_t size, size_t *used,
                                      struct net_peer *source, const char **why)
{
    size_t looked = size_min(size, V1_LINE_MAX);
    const char *end = memmem(bytes, looked, "\r\n", 2);
    if (end == NULL && size >= V1_LINE_MAX)
        return bad(why, "a version 1 header has at most 107 octets");
    if (end == NULL)
        return NET_PROXY_MORE;
    const char *wrong = read_line(bytes + sizeof v1_prefix - 1, end, source);
    if (wrong != NULL)
        return bad(why, wrong);
    *used = (size_t)(end - bytes) + 2;
    return NET_PROXY_DONE;
}

/* ── Version 2 ── */

static uint32_t crc32c(uint32_t crc, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
    }
    return crc;
}

/* The header's sum, with zeros where it stands itself (four octets at `at`). */
static bool is_sum_right(const uint8_t *header, size_t size, size_t at)
{
    static const uint8_t zeros[4];
    uint32_t said = (uint32_t)header[at] << 24 | (uint32_t)header[at + 1] << 16 |
                    (uint32_t)header[at + 2] << 8 | header[at + 3];
    uint32_t crc = crc32c(UINT32_MAX, header, at);
    crc = crc32c(crc, zeros, sizeof zeros);
    crc = crc32c(crc, header + at + 4, size - at - 4);
    return ~crc == said;
}

/* What stands behind the addresses: type, length, value. NULL, or what is wrong. */
static const char *check_tlvs(const uint8_t *header, size_t size, size_t at)
{
    bool summed = false;
    while (at < size) {
        if (size - at < TLV_FIXED)
            return "a version 2 header ends within a TLV";
        size_t length = (size_t)header[at + 1] << 8 | header[at + 2];
        if (size - at - TLV_FIXED < length)
            return "a version 2 header has a TLV that is longer than the header";
        if (header[at] == TLV_CRC32C) {
            if (length != 4 || summed)
                return "a version 2 header has a checksum that is none";
            if (!is_sum_right(header, size, at + TLV_FIXED))
                return "a version 2 header's checksum does not match";
            summed = true;
        }
        at += TLV_FIXED + length;
    }
    return NULL;
}

/* Octets of addresses that a family and protocol have; -1: there is no such. 0: nothing is said of the client. */
static int address_size(uint8_t family)
{
    switch (family) {
    case 0x00:
        return 0;
    case V2_TCP4:
    case 0x12: /* UDP */
        return V2_IPV4_SIZE;
    case V2_TCP6:
    case 0x22:
        return V2_IPV6_SIZE;
    case 0x31: /* unix */
    case 0x32:
        return V2_UNIX_SIZE;
    default:
        return -1;
    }
}

/* A whole header. NULL, or what is wrong. */
static const char *read_header(const uint8_t *header, size_t size, struct net_peer *source)
{
    uint8_t command = header[12], family = header[13];
    if (command != V2_LOCAL && command != V2_PROXY)
        return "a version 2 header says neither LOCAL nor PROXY";
    if (command == V2_LOCAL)
        return NULL; /* the balancer speaks for itself; the block is to be discarded */
    int addresses_size = address_size(family);
    if (addresses_size < 0)
        return "a version 2 header has a family that there is not";
    if (addresses_size == 0)
        return NULL; /* not told; what stands behind it has no known place */
    if (size - V2_FIXED < (size_t)addresses_size)
        return "a version 2 header is too short for its addresses";
    const char *wrong = check_tlvs(header, size, V2_FIXED + (size_t)addresses_size);
    if (wrong != NULL)
        return wrong;
    const uint8_t *at = header + V2_FIXED;
    uint8_t address[16] = {0};
    if (family == V2_TCP4) {
        memcpy(address, at, 4);
        tell(source, false, address, (uint16_t)(at[8] << 8 | at[9]));
    } else if (family == V2_TCP6) {
        memcpy(address, at, 16);
        tell(source, true, address, (uint16_t)(at[32] << 8 | at[33]));
    }
    return NULL;
}

static enum net_proxy_result parse_v2(const char *bytes, size_t size, size_t *used,
                                      struct net_peer *source, const char **why)
{
    const uint8_t *header = (const uint8_t *)bytes;
    if (size < V2_FIXED)
        return NET_PROXY_MORE;
    size_t whole = V2_FIXED + ((size_t)header[14] << 8 | header[15]);
    if (whole > NET_PROXY_SIZE_MAX)
        return bad(why, "a version 2 header has more than 4096 octets");
    if (size < whole)
        return NET_PROXY_MORE;
    const char *wrong = read_header(header, whole, source);
    if (wrong != NULL)
        return bad(why, wrong);
    *used = whole;
    return NET_PROXY_DONE;
}

/* ── Either ── */

static bool may_begin(const char *bytes, size_t size, const char *with, size_t with_size)
{
    return memcmp(bytes, with, size_min(size, with_size)) == 0;
}

enum net_proxy_result leat__net_proxy_parse(const char *bytes, size_t size, unsigned versions,
                                            size_t *used, struct net_peer *source, const char **why)
{
    size_t v1_size = sizeof v1_prefix - 1, v2_size = sizeof v2_signature;
    bool is_v1 = may_begin(bytes, size, v1_prefix, v1_size);
    bool is_v2 = may_begin(bytes, size, v2_signature, v2_size);
    *used = 0;
    *why = NULL;
    if (size == 0)
        return NET_PROXY_MORE;
    if (is_v1 && !(versions & NET_PROXY_V1))
        return bad(why, "no version 1 header is expected here");
    if (is_v2 && !(versions & NET_PROXY_V2))
        return bad(why, "no version 2 header is expected here");
    if (is_v1)
        return size < v1_size ? NET_PROXY_MORE : parse_v1(bytes, size, used, source, why);
    if (is_v2)
        return size < v2_size ? NET_PROXY_MORE : parse_v2(bytes, size, used, source, why);
    return bad(why, "there is no PROXY header");
}
