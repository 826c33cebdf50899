/* listeners.c: opening and closing them. With SO_REUSEPORT a second server on the same port would silently take half
 * of the connections, so each TCP address is bound once without it first: in use is an error, as people expect.
 *
 * A socket that was handed to us is one for all shards. It is never closed, shut down or unlinked here: whoever handed
 * it over holds it too, and our successor will get it with what waits in its queue. */
#include "server/listeners.h"
#include "memory/seal.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct mistake {
    char *error;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static int tell(const struct mistake *to, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(to->error, to->size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static bool is_unix(const struct net_address *a)
{
    return a->sockaddr.ss_family == AF_UNIX;
}

/* ── Parsing ── */

/* Whether the socket is of TCP: only that has the settings. */
static bool is_tcp(int fd)
{
    struct sockaddr_storage sockaddr = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof sockaddr;
    return getsockname(fd, (struct sockaddr *)&sockaddr, &size) == 0 && sockaddr.ss_family != AF_UNIX;
}

/* What was handed over, as people tell it in a refusal: "fd:3 (http), fd:4". */
static void list_handed(const struct activation *a, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < a->count && used < size; i++) {
        bool named = a->names[i][0] != '\0';
        int wrote = snprintf(out + used, size - used, "%sfd:%d%s%s%s", i > 0 ? ", " : "", a->fds[i],
                             named ? " (" : "", a->names[i], named ? ")" : "");
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}

/* Finds the handed socket that an address names. */
static int take_handed(struct listeners *l, const struct net_address *address, int *index,
                       const struct mistake *to)
{
    char handed[256];
    *index = -1;
    if (!net_is_handed(address))
        return 0;
    *index = leat__activation_find(&l->activation, net_handed_name(address));
    list_handed(&l->activation, handed, sizeof handed);
    if (l->activation.count == 0)
        return tell(to,
                    "--listen %s: no socket was handed to us (LISTEN_FDS); start it by its socket "
                    "unit, or write "
                    "an address",
                    address->text);
    if (*index < 0)
        return tell(to, "--listen %s: no such socket was handed to us; there is %s", address->text,
                    handed);
    for (uint32_t i = 0; i < l->count; i++)
        if (l->handed[i] == *index)
            return tell(to, "--listen %s: the same socket as --listen %s; leave one out",
                        address->text, l->addresses[i].text);
    return 0;
}

/* Whether a kernel would refuse the second because of the first: the same port of the same address, or of all. Port 0 is
 * never the same one. [::] is IPv6 only, so the families don't meet. */
static bool do_collide(const struct net_address *a, const struct net_address *b)
{
    if (a->sockaddr.ss_family != b->sockaddr.ss_family || net_is_handed(a))
        return false;
    const void *one = &a->sockaddr, *other = &b->sockaddr;
    if (is_unix(a))
        return strcmp(((const struct sockaddr_un *)one)->sun_path,
                      ((const struct sockaddr_un *)other)->sun_path) == 0;
    if (a->sockaddr.ss_family == AF_INET) {
        const struct sockaddr_in *x = one, *y = other;
        bool overlap = x->sin_addr.s_addr == y->sin_addr.s_addr ||
                       x->sin_addr.s_addr == htonl(INADDR_ANY) ||
                       y->sin_addr.s_addr == htonl(INADDR_ANY);
        return overlap && x->sin_port == y->sin_port && x->sin_port != 0;
    }
    const struct sockaddr_in6 *x = one, *y = other;
    bool same = memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) == 0 &&
                x->sin6_scope_id == y->sin6_scope_id;
    bool overlap = same || IN6_IS_ADDR_UNSPECIFIED(&x->sin6_addr) ||
                   IN6_IS_ADDR_UNSPECIFIED(&y->sin6_addr);
    return overlap && x->sin6_port == y->sin6_port && x->sin6_port != 0;
}

/* Opened, the second would find its port taken, and we would blame another program for it. */
static int check_apart(const struct listeners *l, const struct net_address *address,
                       const struct mistake *to)
{
    for (uint32_t i = 0; i < l->count; i++) {
        const struct net_address *other = &l->addresses[i];
        if (!do_collide(other, address))
            continue;
        if (strcmp(other->text, address->text) == 0)
            return tell(to, "--listen %s: given twice; leave one out", address->text);
        return tell(to,
                    "--listen %s: takes the same port as %s, given before it; leave one out, or "
                    "choose another port",
                    address->text, other->text);
    }
    return 0;
}

static int add(struct listeners *l, const struct net_address *address, const struct config *config,
               const struct mistake *to)
{
    int handed;
    char wrong[256];
    if (l->count == LOOP_LISTENERS_MAX)
        return tell(to, "--listen: %d addresses are the most", LOOP_LISTENERS_MAX);
    int status = take_handed(l, address, &handed, to);
    if (status == 0)
        status = check_apart(l, address, to);
    if (status < 0)
        return status;
    struct net_address *own = &l->addresses[l->count];
    *own = *address;
    bool tcp = handed >= 0 ? is_tcp(l->activation.fds[handed]) : !is_unix(own);
    if (leat__net_options_complete(&own->options, config->tcp_profile, tcp, wrong, sizeof wrong) < 0)
        return tell(to, "--listen %s: %s", own->text, wrong);
    l->handed[l->count++] = (int16_t)handed;
    return 0;
}

static int add_text(struct listeners *l, const char *text, const struct config *config,
                    const struct mistake *to)
{
    struct net_address found[NET_ADDRESSES_MAX];
    int n = leat__net_parse(text, found, to->error, to->size), status = n < 0 ? n : 0;
    for (int k = 0; k < n && status == 0; k++)
        status = add(l, &found[k], config, to);
    return status;
}

static bool names_handed(const struct config *config)
{
    for (uint32_t i = 0; i < config->listen.count; i++)
        if (strncmp(config->listen.items[i], "fd:", 3) == 0)
            return true;
    return false;
}

int leat__listeners_parse(struct listeners *l, const struct config *config, char *error, size_t error_size)
{
    const struct mistake to = {error, error_size};
    int status = 0;
    clear_untouched(l, sizeof *l);
    if (config->listen.count == 0 || names_handed(config))
        status = leat__activation_take(&l->activation, error, error_size);
    for (uint32_t i = 0; i < config->listen.count && status == 0; i++)
        status = add_text(l, config->listen.items[i], config, &to);
    if (config->listen.count > 0 || status < 0)
        return status;
    for (uint32_t i = 0; i < l->activation.count && status == 0; i++) {
        char text[16];
        snprintf(text, sizeof text, "fd:%d", l->activation.fds[i]);
        status = add_text(l, text, config, &to);
    }
    return l->activation.count > 0 || status < 0 ? status : add_text(l, "localhost:8080", config, &to);
}

/* ── Opening ── */

/* Port 0 was asked for: the kernel's choice holds for the other shards, and for the other address of the same text
 * (localhost is two). */
static void share_port(struct listeners *l, uint32_t i, int port)
{
    leat__net_set_port(&l->addresses[i], port);
    for (uint32_t next = i + 1; next < l->count; next++)
        if (l->addresses[next].sockaddr.ss_family != l->addresses[i].sockaddr.ss_family &&
            strcmp(l->addresses[next].text, l->addresses[i].text) == 0)
            leat__net_set_port(&l->addresses[next], port);
}

/* The settings reach even a socket that listens already; its backlog is its owner's unless we were told one. */
static int open_handed(struct listeners *l, uint32_t i, char *error, size_t error_size)
{
    struct net_options *options = &l->addresses[i].options;
    int fd = l->activation.fds[l->handed[i]];
    int status = leat__net_apply(fd, options, 0, error, error_size);
    if (status == 0 && net_is_said(options, NET_BACKLOG))
        status = leat__net_apply_backlog(fd, options, error, error_size);
    for (uint32_t shard = 0; shard < l->shards; shard++)
        l->fds[shard * l->count + i] = fd;
    return status;
}

static int open_address(struct listeners *l, uint32_t i, char *error, size_t error_size)
{
    struct net_address *a = &l->addresses[i];
    if (leat__listeners_is_kept(l, i))
        return open_handed(l, i, error, error_size);
    bool share = !is_unix(a) && l->shards > 1;
    int status = is_unix(a) ? 0 : leat__net_check_free(a);
    if (status < 0)
        return status;
    for (uint32_t shard = 0; shard < l->shards; shard++) {
        int *fd = &l->fds[shard * l->count + i];
        if (shard > 0 && is_unix(a)) {
            *fd = l->fds[i];
            continue;
        }
        *fd = leat__net_listen(a, share, shard, error, error_size);
        if (*fd < 0)
            return *fd;
        if (shard == 0)
            share_port(l, i, leat__net_port(*fd));
    }
    return leat__net_apply_group(l->fds[i], &a->options, share ? l->shards : 1, error, error_size);
}

static const char *way_out(int status)
{
    return status == -EADDRINUSE ? "; another program has it: stop that, or choose another port"
           : status == -EACCES   ? "; ports below 1024 need CAP_NET_BIND_SERVICE"
                                 : "";
}

int leat__listeners_open(struct listeners *l, uint32_t shards, char *error, size_t error_size)
{
    char setting[400] = "";
    l->shards = shards;
    l->fds = leat__start_alloc((size_t)shards * l->count * sizeof *l->fds);
    for (uint32_t i = 0; i < shards * l->count; i++)
        l->fds[i] = -1;
    for (uint32_t i = 0; i < l->count; i++) {
        int failed = open_address(l, i, setting, sizeof setting);
        if (failed == 0)
            continue;
        if (setting[0] != '\0')
            snprintf(error, error_size, "--listen %s, %s", l->addresses[i].text, setting);
        else
            snprintf(error, error_size, "--listen %s: %s%s", l->addresses[i].text,
                     strerror(-failed), way_out(failed));
        leat__listeners_close(l);
        return failed;
    }
    return 0;
}

/* ── Closing ── */

bool leat__listeners_is_kept(const struct listeners *l, uint32_t i)
{
    return l->handed[i] >= 0;
}

void leat__listeners_close(struct listeners *l)
{
    if (l->fds == NULL)
        return;
    for (uint32_t i = 0; i < l->count; i++) {
        bool shared = is_unix(&l->addresses[i]);
        for (uint32_t shard = 0; shard < l->shards && !leat__listeners_is_kept(l, i); shard++) {
            int fd = listeners_fd(l, shard, i);
            if (fd >= 0 && (shard == 0 || !shared))
                close(fd);
        }
        if (shared && l->fds[i] >= 0)
            unlink(((const struct sockaddr_un *)(const void *)&l->addresses[i].sockaddr)->sun_path);
    }
    leat__start_free(l->fds);
    l->fds = NULL;
}
