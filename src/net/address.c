/* address.c: from what people write behind --listen to socket addresses, and back. What stands behind the first comma
 * are settings (settings.c); so no path of a unix socket has one.
 *
 * No name is resolved, so parsing does no I/O and can't wait; localhost alone is known, as its two addresses. Each
 * refusal names the text, what is wrong with it, and how it is written right. */
#include "net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/un.h>

static const char unix_prefix[] = "unix:", handed_prefix[] = "fd:";

struct refusal {
    const char *text;    /* all that was given */
    const char *address; /* without the settings */
    char *error;
    size_t error_size;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct refusal *to, const char *format, ...)
{
    int prefix = snprintf(to->error, to->error_size, "address \"%.100s%s\": ", to->text,
                          strlen(to->text) > 100 ? "..." : "");
    va_list arguments;
    va_start(arguments, format);
    if (prefix > 0 && (size_t)prefix < to->error_size)
        vsnprintf(to->error + prefix, to->error_size - (size_t)prefix, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static struct net_address address_of(const void *sockaddr, size_t size, const char *text)
{
    struct net_address address = {.size = (socklen_t)size};
    leat__net_options_init(&address.options);
    memcpy(&address.sockaddr, sockaddr, size);
    ASSERT(strlen(text) < sizeof address.text);
    memcpy(address.text, text, strlen(text));
    return address;
}

static struct net_address ipv4(struct in_addr in, uint16_t port, const char *text)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = in};
    return address_of(&sin, sizeof sin, text);
}

static struct net_address ipv6(const struct in6_addr *in6, uint16_t port, const char *text)
{
    if (IN6_IS_ADDR_V4MAPPED(in6)) {
        struct in_addr in;
        memcpy(&in, in6->s6_addr + 12, sizeof in);
        return ipv4(in, port, text);
    }
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = *in6};
    return address_of(&sin6, sizeof sin6, text);
}

static int parse_unix(const char *path, struct net_address *out, const struct refusal *to)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (size == 0)
        return refuse(to, "there is no path behind \"unix:\"; write unix:/run/name.sock");
    if (size >= sizeof sun.sun_path)
        return refuse(to, "the path has %zu octets; a unix socket's has at most %zu", size,
                      sizeof sun.sun_path - 1);
    memcpy(sun.sun_path, path, size);
    *out = address_of(&sun, offsetof(struct sockaddr_un, sun_path) + size + 1, to->address);
    return 1;
}

/* A port, or -EINVAL. */
static int parse_port(const char *text, const struct refusal *to)
{
    size_t digits = strspn(text, "0123456789");
    unsigned port = 0;
    for (size_t i = 0; i < digits && port <= UINT16_MAX; i++)
        port = port * 10 + (unsigned)(text[i] - '0');
    if (text[0] == '\0')
        return refuse(to, "there is no port behind \":\"; write one of 0 to 65535");
    if (text[digits] != '\0' || port > UINT16_MAX)
        return refuse(to, "\"%.40s\" is not a port; write one of 0 to 65535", text);
    return (int)port;
}

static int parse_ipv6(const char *host, size_t host_size, int port, struct net_address *out,
                      const struct refusal *to)
{
    char copy[INET6_ADDRSTRLEN] = "";
    struct in6_addr in6;
    if (host_size < sizeof copy)
        memcpy(copy, host, host_size);
    if (inet_pton(AF_INET6, copy, &in6) != 1)
        return refuse(to, "\"%.*s\" is not an IPv6 address", (int)size_min(host_size, 80), host);
    out[0] = ipv6(&in6, (uint16_t)port, to->address);
    return 1;
}

static int parse_host(const char *host, size_t host_size, int port, struct net_address *out,
                      const struct refusal *to)
{
    struct in_addr in = {.s_addr = htonl(INADDR_ANY)};
    if (host_size == strlen("localhost") && memcmp(host, "localhost", host_size) == 0) {
        in.s_addr = htonl(INADDR_LOOPBACK);
        out[0] = ipv4(in, (uint16_t)port, to->address);
        out[1] = ipv6(&in6addr_loopback, (uint16_t)port, to->address);
        return 2;
    }
    char copy[INET_ADDRSTRLEN] = "";
    if (host_size < sizeof copy)
        memcpy(copy, host, host_size);
    if (host_size > 0 && inet_pton(AF_INET, copy, &in) != 1)
        return refuse(to,
                      "\"%.*s\" is not an IPv4 address, and names other than localhost are not "
                      "looked up",
                      (int)size_min(host_size, 80), host);
    out[0] = ipv4(in, (uint16_t)port, to->address);
    return 1;
}

static int parse_bracketed(const char *text, struct net_address *out, const struct refusal *to)
{
    const char *end = strchr(text, ']');
    if (end == NULL)
        return refuse(to, "\"[\" is not closed; write [::1]:8080");
    if (end[1] != ':')
        return refuse(to, "there is no port behind \"]\"; write %.80s:8080",
                      end[1] == '\0' ? text : "[::1]");
    int port = parse_port(end + 2, to);
    return port < 0 ? port : parse_ipv6(text + 1, (size_t)(end - text - 1), port, out, to);
}

/* "fd:3", "fd:NAME": which socket that is, is found out by who was handed them. */
static int parse_handed(const char *name, struct net_address *out, const struct refusal *to)
{
    const struct sockaddr none = {.sa_family = AF_UNSPEC};
    if (name[0] == '\0')
        return refuse(to, "there is no number and no name behind \"fd:\"; write fd:3");
    if (strlen(to->address) >= sizeof out->text)
        return refuse(to, "longer than any name");
    *out = address_of(&none, sizeof none, to->address);
    return 1;
}

static int parse_address(const char *text, struct net_address *out, const struct refusal *to)
{
    size_t unix_size = sizeof unix_prefix - 1, handed_size = sizeof handed_prefix - 1;
    if (strncmp(text, unix_prefix, unix_size) == 0)
        return parse_unix(text + unix_size, out, to);
    if (strncmp(text, handed_prefix, handed_size) == 0)
        return parse_handed(text + handed_size, out, to);
    if (strlen(text) >= sizeof out->text)
        return refuse(to, "longer than any address");
    if (text[0] == '[')
        return parse_bracketed(text, out, to);
    const char *colon = strrchr(text, ':');
    if (colon == NULL)
        return refuse(to, "there is no port; write 127.0.0.1:8080, [::1]:8080, :8080 (every IPv4 "
                          "address), localhost:8080 or unix:/run/name.sock");
    if (strchr(text, ':') != colon)
        return refuse(to, "an IPv6 address stands in brackets; write [::1]:8080");
    int port = parse_port(colon + 1, to);
    return port < 0 ? port : parse_host(text, (size_t)(colon - text), port, out, to);
}

/* Of settings that are right: whether such a socket has them. */
static int check_settings(const struct net_address *address, char *wrong, size_t wrong_size)
{
    struct net_options unix_options = address->options;
    if (address->sockaddr.ss_family == AF_UNIX)
        return leat__net_options_complete(&unix_options, 0, false, wrong, wrong_size);
    bool steers = net_is_said(&address->options, NET_STEER);
    if (!net_is_handed(address) || (!steers && !net_is_said(&address->options, NET_INCOMING_CPU)))
        return 0;
    snprintf(wrong,
             wrong_size, "a socket that was handed to us is one for all shards, and %s chooses between several; leave it out",
             steers ? "steer" : "incoming-cpu");
    return -EINVAL;
}

int leat__net_parse(const char *text, struct net_address *out, char *error, size_t error_size)
{
    char address[256] = "", wrong[256];
    struct refusal to = {text, address, error, error_size};
    if (error_size > 0)
        error[0] = '\0';
    size_t whole = strcspn(text, ","), size = whole;
    while (text[whole] == ',' && size > 0 && text[size - 1] == ' ')
        size--;
    if (size >= sizeof address) {
        to.address = text;
        return refuse(&to, "longer than any address");
    }
    memcpy(address, text, size);
    address[size] = '\0';
    int count = parse_address(address, out, &to);
    if (count < 0 || text[whole] == '\0')
        return count;
    if (leat__net_options_parse(&out[0].options, text + whole + 1, wrong, sizeof wrong) < 0)
        return refuse(&to, "%s", wrong);
    if (check_settings(out, wrong, sizeof wrong) < 0)
        return refuse(&to, "%s", wrong);
    for (int i = 1; i < count; i++)
        out[i].options = out[0].options;
    return count;
}

void leat__net_set_port(struct net_address *address, int port)
{
    ASSERT(port >= 0 && port <= UINT16_MAX);
    if (address->sockaddr.ss_family == AF_INET)
        ((struct sockaddr_in *)&address->sockaddr)->sin_port = htons((uint16_t)port);
    else if (address->sockaddr.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&address->sockaddr)->sin6_port = htons((uint16_t)port);
}

int leat__net_port(int fd)
{
    struct sockaddr_storage sockaddr;
    socklen_t size = sizeof sockaddr;
    if (getsockname(fd, (struct sockaddr *)&sockaddr, &size) < 0)
        return 0;
    if (sockaddr.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&sockaddr)->sin_port);
    if (sockaddr.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&sockaddr)->sin6_port);
    return 0;
}

void leat__net_describe(int fd, char *out, size_t size)
{
    struct sockaddr_storage sockaddr = {.ss_family = AF_UNSPEC};
    socklen_t sockaddr_size = sizeof sockaddr;
    char host[INET6_ADDRSTRLEN] = "";
    int rc = getsockname(fd, (struct sockaddr *)&sockaddr, &sockaddr_size);
    if (rc == 0 && sockaddr.ss_family == AF_INET) {
        inet_ntop(AF_INET, &((struct sockaddr_in *)&sockaddr)->sin_addr, host, sizeof host);
        snprintf(out, size, "%s:%d", host, leat__net_port(fd));
    } else if (rc == 0 && sockaddr.ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&sockaddr)->sin6_addr, host, sizeof host);
        snprintf(out, size, "[%s]:%d", host, leat__net_port(fd));
    } else if (rc == 0 && sockaddr.ss_family == AF_UNIX) {
        /* The path need not be terminated: its size says where it ends. */
        size_t before = offsetof(struct sockaddr_un, sun_path);
        size_t path_max = sockaddr_size > before ? sockaddr_size - before : 0;
        snprintf(out, size, "unix:%.*s", (int)path_max, ((struct sockaddr_un *)&sockaddr)->sun_path);
    } else {
        snprintf(out, size, "?");
    }
}
