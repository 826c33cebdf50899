/* addresses.c: can each address be had, and if not, who has it. Bound for a moment and let go of at once, so a
 * running server is not disturbed; that it runs already is no fault. */
#define _GNU_SOURCE 1
#include "doctor/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CAPABILITY_NET_BIND_SERVICE = 10, STATE_LISTEN = 10 };

static int port_of(const struct net_address *a)
{
    if (a->sockaddr.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)&a->sockaddr)->sin_port);
    if (a->sockaddr.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)&a->sockaddr)->sin6_port);
    return -1;
}

/* ── Who has a port ── */

/* A row of a table like /proc/net/tcp: the inode of the socket, if it listens on port; else 0. */
static unsigned long read_row(char *row, int port)
{
    enum { ROW_LOCAL = 1, ROW_STATE = 3, ROW_INODE = 9, ROW_COLUMNS };
    const char *columns[ROW_COLUMNS];
    char *left;
    unsigned count = 0;
    for (char *column = strtok_r(row, " \n", &left); column != NULL && count < ROW_COLUMNS;
         column = strtok_r(NULL, " \n", &left))
        columns[count++] = column;
    const char *colon = count == ROW_COLUMNS ? strrchr(columns[ROW_LOCAL], ':') : NULL;
    if (colon == NULL || strtoul(colon + 1, NULL, 16) != (unsigned long)port ||
        strtoul(columns[ROW_STATE], NULL, 16) != STATE_LISTEN)
        return 0;
    return strtoul(columns[ROW_INODE], NULL, 10);
}

static unsigned long find_listening(const char *table, int port)
{
    char row[512];
    unsigned long inode = 0;
    FILE *file = fopen(table, "re");
    if (file == NULL)
        return 0;
    while (inode == 0 && fgets(row, sizeof row, file) != NULL)
        inode = read_row(row, port);
    fclose(file);
    return inode;
}

static bool has_socket(const char *process, unsigned long inode)
{
    char path[320], link[64], wanted[64];
    bool has = false;
    snprintf(path, sizeof path, "/proc/%s/fd", process);
    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return false;
    for (struct dirent *entry; !has && (entry = readdir(folder)) != NULL;) {
        ssize_t size = readlinkat(dirfd(folder), entry->d_name, link, sizeof link - 1);
        link[size > 0 ? size : 0] = '\0';
        has = strcmp(link, wanted) == 0;
    }
    closedir(folder);
    return has;
}

/* The process that has the socket, as far as we may look; 0: not found. */
static long find_holder(unsigned long inode)
{
    long holder = 0;
    DIR *folder = inode != 0 ? opendir("/proc") : NULL;
    if (folder == NULL)
        return 0;
    for (struct dirent *entry; holder == 0 && (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && has_socket(entry->d_name, inode))
            holder = strtol(entry->d_name, NULL, 10);
    closedir(folder);
    return holder;
}

static bool is_our_program(long process)
{
    char path[64];
    struct stat theirs, ours;
    snprintf(path, sizeof path, "/proc/%ld/exe", process);
    return stat(path, &theirs) == 0 && stat("/proc/self/exe", &ours) == 0 &&
           theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

static void tell_holder(struct doctor *d, struct finding *f, const struct net_address *a)
{
    char path[64], name[64] = "another program";
    bool six = a->sockaddr.ss_family == AF_INET6;
    unsigned long inode = find_listening(six ? "/proc/net/tcp6" : "/proc/net/tcp", port_of(a));
    if (inode == 0)
        inode = find_listening(six ? "/proc/net/tcp" : "/proc/net/tcp6", port_of(a));
    long holder = find_holder(inode);
    if (holder == 0) {
        leat__doctor_found(f, DOCTOR_BAD, "another program has it");
        leat__doctor_remedy(f, "as root, ss -ltnp says which; stop that, or choose another port");
        return;
    }
    snprintf(path, sizeof path, "/proc/%ld/comm", holder);
    const struct doctor real = {.root = "", .report = d->report};
    leat__doctor_read(&real, path, name, sizeof name);
    if (is_our_program(holder)) {
        leat__doctor_found(f, DOCTOR_NOTE, "served already by %s, process %ld", name, holder);
        leat__doctor_remedy(f, "nothing, if that is the server; a second one needs another port");
        return;
    }
    leat__doctor_found(f, DOCTOR_BAD, "%s has it, process %ld", name, holder);
    leat__doctor_remedy(f, "stop that, or choose another port with --listen");
}

/* ── One address ── */

static bool needs_privilege(const struct doctor *d, int port)
{
    int64_t first = leat__doctor_number(d, "/proc/sys/net/ipv4/ip_unprivileged_port_start", 0);
    return port > 0 && port < (first >= 0 ? first : 1024);
}

static bool may_bind_low(const struct doctor *d)
{
    int64_t capabilities = leat__doctor_named(d, "/proc/self/status", "CapEff", 16);
    return capabilities > 0 && (capabilities >> CAPABILITY_NET_BIND_SERVICE & 1);
}

/* In a list like "9000-9010,18473". */
static bool is_reserved(const char *list, int port)
{
    while (*list != '\0') {
        char *end;
        long first = strtol(list, &end, 10);
        long last = *end == '-' ? strtol(end + 1, &end, 10) : first;
        if (end != list && port >= first && port <= last)
            return true;
        list = end + strcspn(end, ",");
        list += *list == ',';
    }
    return false;
}

/* Outgoing connections take their ports from a range; one that took ours keeps us from starting again. */
static void tell_free(struct doctor *d, struct finding *f, int port)
{
    int64_t first = leat__doctor_number(d, "/proc/sys/net/ipv4/ip_local_port_range", 0);
    int64_t last = leat__doctor_number(d, "/proc/sys/net/ipv4/ip_local_port_range", 1);
    char reserved[256] = "";
    leat__doctor_read(d, "/proc/sys/net/ipv4/ip_local_reserved_ports", reserved, sizeof reserved);
    if (port == 0) {
        leat__doctor_found(f, DOCTOR_GOOD, "free, the kernel chooses the port");
    } else if (port >= first && port <= last && !is_reserved(reserved, port)) {
        f->why =
            "outgoing connections take their ports from net.ipv4.ip_local_port_range; one that has "
            "ours at the time keeps the server from starting";
        leat__doctor_found(f, DOCTOR_NOTE, "free, but within the range of outgoing ports");
        leat__doctor_remedy(f, "sysctl -w net.ipv4.ip_local_reserved_ports=%s%s%d", reserved,
                            reserved[0] != '\0' ? "," : "", port);
    } else {
        leat__doctor_found(f, DOCTOR_GOOD, "free%s",
                           needs_privilege(d, port) ? ", and we may have it (CAP_NET_BIND_SERVICE)" : "");
    }
}

static void tell_refused(struct doctor *d, struct finding *f, const struct net_address *a, int error)
{
    bool is_unix = a->sockaddr.ss_family == AF_UNIX;
    switch (error) {
    case -EADDRINUSE:
        if (!is_unix) {
            tell_holder(d, f, a);
            return;
        }
        leat__doctor_found(f, DOCTOR_NOTE,
                           "somebody answers on it, or a file that is no socket lies there");
        leat__doctor_remedy(
            f, "nothing, if that is the server; else remove it, or choose another path");
        return;
    case -EADDRNOTAVAIL:
        leat__doctor_found(f, DOCTOR_BAD, "this machine has no such address");
        leat__doctor_remedy(f, "ip address lists those it has; :%d takes all of IPv4", port_of(a));
        return;
    case -EACCES:
        leat__doctor_found(f, DOCTOR_BAD, "not permitted%s",
                           needs_privilege(d, port_of(a)) && !may_bind_low(d)
                               ? ": ports so low need CAP_NET_BIND_SERVICE"
                               : "");
        leat__doctor_remedy(f,
                            "AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit, or sysctl -w "
                            "net.ipv4.ip_unprivileged_port_start=%d",
                            port_of(a));
        return;
    default:
        leat__doctor_found(f, DOCTOR_BAD, "%s", strerror(-error));
    }
}

/* The folder of a unix socket must be there and be ours to write in; looking at the path alone does not tell. */
static int check_socket_folder(const struct net_address *a)
{
    char path[sizeof((struct sockaddr_un *)0)->sun_path + 1];
    snprintf(path, sizeof path, "%s", ((const struct sockaddr_un *)(const void *)&a->sockaddr)->sun_path);
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return access(".", W_OK | X_OK) < 0 ? -errno : 0;
    slash[slash == path] = '\0';
    return access(path, W_OK | X_OK) < 0 ? -errno : 0;
}

static void check_socket(struct doctor *d, struct finding *f, const struct net_address *a)
{
    int error = check_socket_folder(a);
    if (error < 0) {
        leat__doctor_found(f, DOCTOR_BAD, "its folder: %s", strerror(-error));
        leat__doctor_remedy(f, "RuntimeDirectory= in the unit makes one below /run that is ours");
        return;
    }
    error = leat__net_check_free(a);
    if (error < 0)
        tell_refused(d, f, a, error);
    else
        leat__doctor_found(f, DOCTOR_GOOD, "can be had");
}

void leat__doctor_name(const struct net_address *a, char *out, size_t size)
{
    if (strncmp(a->text, "localhost", 9) == 0)
        snprintf(out, size, "%s:%d", a->sockaddr.ss_family == AF_INET6 ? "[::1]" : "127.0.0.1",
                 port_of(a));
    else
        snprintf(out, size, "%s", a->text);
}

static void check_address(struct doctor *d, const struct net_address *a, struct finding *f)
{
    if (net_is_handed(a)) {
        leat__doctor_found(f, DOCTOR_GOOD, "handed to us, open");
        return;
    }
    if (a->sockaddr.ss_family == AF_UNIX) {
        check_socket(d, f, a);
        return;
    }
    int error = leat__net_check_free(a);
    if (error < 0)
        tell_refused(d, f, a, error);
    else
        tell_free(d, f, port_of(a));
}

void leat__doctor_addresses(struct doctor *d)
{
    static char names[LOOP_LISTENERS_MAX][sizeof((struct net_address *)0)->text];
    d->group = "Addresses";
    for (uint32_t i = 0; i < d->listeners->count; i++) {
        const struct net_address *a = &d->listeners->addresses[i];
        leat__doctor_name(a, names[i], sizeof names[i]);
        check_address(
            d, a, leat__doctor_begin(d, names[i], "without its address the server does not start"));
    }
}
