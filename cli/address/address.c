/* address.c: see address.h. Nothing is guessed: what is no address is said to be none, with the forms that are. */
#include "address/address.h"
#include <netdb.h>
#include <stdio.h>
#include <strings.h>
#include <sys/un.h>

/* Where something was wrong. */
struct complaint {
    const char *url;
    const struct address_manner *manner;
    char *error;
    size_t size;
};

static bool fail(const struct complaint *c, const char *why)
{
    snprintf(c->error, c->size, "%.200s: %s; %s", c->url, why, c->manner->write);
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

/* What goes into a request must be nothing but a name, an address, and a port. */
static bool is_authority(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f ||
            strchr("@\\<>\"", text[i]) != NULL)
            return false;
    return size > 0;
}

/* Path and query; a fragment is nobody's business but the browser's. */
static bool parse_target(struct address *a, const char *text, const struct complaint *c)
{
    size_t size = strcspn(text, "#");
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f)
            return fail(c, "spaces and other than ASCII are written %20 in a path");
    const char *slash = size > 0 && text[0] != '/' ? "/" : "";
    if ((size_t)snprintf(a->target, sizeof a->target, "%s%.*s", slash, (int)size, text) >= sizeof a->target)
        return fail(c, "its path is longer than 2047 octets");
    return true;
}

static bool parse_unix(struct address *a, const char *path, const struct complaint *c)
{
    const char *target = strstr(path, ":/");
    size_t size = target != NULL ? (size_t)(target - path) : strlen(path);
    if (size == 0 || size >= sizeof((struct sockaddr_un *)0)->sun_path)
        return fail(c, "no path, or one too long for a socket (107 octets)");
    take(a->node, sizeof a->node, path, size);
    snprintf(a->text, sizeof a->text, "unix:%s", a->node);
    snprintf(a->host, sizeof a->host, "localhost");
    return target == NULL || parse_target(a, target + 1, c);
}

/* at: HOST[:PORT], of size octets. */
static bool parse_authority(struct address *a, const char *at, size_t size, const char *port,
                            const struct complaint *c)
{
    if (!is_authority(at, size) || size >= sizeof a->host)
        return fail(c, "that is no address");
    bool bracket = at[0] == '[';
    const char *behind = bracket ? memchr(at, ']', size) : at;
    if (behind == NULL)
        return fail(c, "an address in [brackets] has no end");
    const char *colon = memchr(behind, ':', size - (size_t)(behind - at));
    size_t name_size = colon != NULL ? (size_t)(colon - at) : size;
    if (bracket && behind + 1 != at + name_size)
        return fail(c, "behind the ] comes a port, or nothing");
    if (colon != NULL) {
        size_t digits = size - name_size - 1;
        if (digits == 0 || digits > 5 || strspn(colon + 1, "0123456789") < digits)
            return fail(c, "the port is no number");
        take(a->service, sizeof a->service, colon + 1, digits);
    } else {
        snprintf(a->service, sizeof a->service, "%s", port);
    }
    take(a->host, sizeof a->host, at, size);
    take(a->node, sizeof a->node, at + bracket, name_size - 2 * bracket);
    if (name_size == 0) { /* ":9464", as for --listen */
        snprintf(a->node, sizeof a->node, "127.0.0.1");
        snprintf(a->host, sizeof a->host, "127.0.0.1:%s", a->service);
    }
    return true;
}

bool leat__address_parse(struct address *a, const char *url, const struct address_manner *manner,
                         char *error, size_t error_size)
{
    struct complaint c = {.url = url, .manner = manner, .size = error_size};
    c.error = error;
    memset(a, 0, sizeof *a);
    if (strncmp(url, "unix:", 5) == 0)
        return parse_unix(a, url + 5, &c);
    bool has_scheme = strncasecmp(url, "http://", 7) == 0;
    const char *at = has_scheme ? url + 7 : url;
    size_t size = strcspn(at, "/?#");
    if (strncasecmp(url, "https://", 8) == 0)
        return fail(&c, manner->no_tls);
    if (!has_scheme && size > 0 && strncmp(at + size - 1, "://", 3) == 0)
        return fail(&c, "it speaks HTTP, and nothing else");
    if (!parse_authority(a, at, size, has_scheme ? "80" : manner->port, &c) ||
        !parse_target(a, at + size, &c))
        return false;
    bool six = strchr(a->node, ':') != NULL;
    snprintf(a->text, sizeof a->text, "http://%s%s%s:%s", six ? "[" : "", a->node, six ? "]" : "",
             a->service);
    return true;
}

static void find_unix(struct address *a)
{
    struct sockaddr_un *un = (struct sockaddr_un *)(void *)&a->found[0];
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, a->node, strlen(a->node) + 1); /* fits: parse_unix */
    a->sizes[0] = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(a->node) + 1);
    a->count = 1;
}

bool leat__address_find(struct address *a, char *error, size_t error_size)
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
    for (const struct addrinfo *i = all; i != NULL && a->count < ADDRESS_MAX; i = i->ai_next) {
        memcpy(&a->found[a->count], i->ai_addr, i->ai_addrlen);
        a->sizes[a->count++] = i->ai_addrlen;
    }
    freeaddrinfo(all);
    return true;
}
