/* address.c: where the admin listener is. See top.h. */
#include "top.h"
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

static bool fail(char *error, size_t error_size, const char *url, const char *why)
{
    snprintf(error, error_size, "%.200s: %s; write http://127.0.0.1:9464, HOST:PORT or unix:/path",
             url, why);
    return false;
}

static bool take(char *to, size_t room, const char *from, size_t size)
{
    if (size >= room)
        return false;
    memcpy(to, from, size);
    to[size] = '\0';
    return true;
}

static bool parse_unix(struct top_address *a, const char *path, char *error, size_t error_size)
{
    if (path[0] == '\0' || strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return fail(error, error_size, path, "no path, or one too long for a socket");
    snprintf(a->node, sizeof a->node, "%s", path);
    snprintf(a->text, sizeof a->text, "unix:%s", path);
    snprintf(a->host, sizeof a->host, "localhost");
    return true;
}

/* What goes into a request must be nothing but a name, an address, and a port. */
static bool is_authority(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f ||
            strchr("@\\<>\"", text[i]) != NULL)
            return false;
    return size > 0;
}

bool leat__top_address_parse(struct top_address *a, const char *url, char *error, size_t error_size)
{
    memset(a, 0, sizeof *a);
    if (strncmp(url, "unix:", 5) == 0)
        return parse_unix(a, url + 5, error, error_size);
    const char *at = strncasecmp(url, "http://", 7) == 0 ? url + 7 : url;
    size_t size = strcspn(at, "/?#"), node = size, port = size;
    if (strstr(url, "://") != NULL && at == url)
        return fail(error, error_size, url, "the admin listener speaks HTTP without TLS");
    if (!is_authority(at, size) || size >= sizeof a->host)
        return fail(error, error_size, url, "that is no address");
    const char *behind = at[0] == '[' ? memchr(at, ']', size) : at;
    if (behind == NULL)
        return fail(error, error_size, url, "an address in [brackets] has no end");
    const char *colon = memchr(behind, ':', size - (size_t)(behind - at));
    if (colon != NULL) {
        node = (size_t)(colon - at);
        port = node + 1;
    }
    const char *name = at;
    size_t name_size = node;
    if (at[0] == '[') {
        if (behind + 1 != at + node)
            return fail(error, error_size, url, "behind the ] comes a port, or nothing");
        name++;
        name_size -= 2;
    }
    size_t digits = size - port;
    if ((colon != NULL && (digits == 0 || digits > 5 || strspn(at + port, "0123456789") < digits)) ||
        (colon != NULL && at[0] != '[' && memchr(colon + 1, ':', digits) != NULL))
        return fail(error, error_size, url, "the port is no number");
    take(a->host, sizeof a->host, at, size);
    if (colon == NULL || !take(a->service, sizeof a->service, at + port, digits))
        snprintf(a->service, sizeof a->service, "%s", at == url ? "9464" : "80");
    if (!take(a->node, sizeof a->node, name, name_size))
        return fail(error, error_size, url, "that is no address");
    if (name_size == 0) { /* ":9464", as for --admin */
        snprintf(a->node, sizeof a->node, "127.0.0.1");
        snprintf(a->host, sizeof a->host, "127.0.0.1:%s", a->service);
    }
    bool six = strchr(a->node, ':') != NULL;
    snprintf(a->text, sizeof a->text, "http://%s%s%s:%s", six ? "[" : "", a->node, six ? "]" : "",
             a->service);
    return true;
}

static void find_unix(struct top_address *a)
{
    struct sockaddr_un *un = (struct sockaddr_un *)(void *)&a->found[0];
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, a->node, strlen(a->node) + 1); /* fits: parse_unix */
    a->sizes[0] = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(a->node) + 1);
    a->count = 1;
}

bool leat__top_address_find(struct top_address *a, char *error, size_t error_size)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *all = NULL;
    a->count = 0;
    if (a->service[0] == '\0') {
        find_unix(a);
        return true;
    }
    int why = getaddrinfo(a->node, a->service, &hints, &all);
    if (why != 0) {
        snprintf(error, error_size, "%s: %s", a->text, gai_strerror(why));
        return false;
    }
    for (const struct addrinfo *i = all; i != NULL && a->count < TOP_ADDRESSES_MAX; i = i->ai_next) {
        memcpy(&a->found[a->count], i->ai_addr, i->ai_addrlen);
        a->sizes[a->count++] = i->ai_addrlen;
    }
    freeaddrinfo(all);
    return true;
}
