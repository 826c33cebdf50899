/* apply.c: settings and the kernel: setting them on listeners and accepted sockets, and reading them back.
 *
 * Most of them are set once, on the listener: Linux hands them down to each socket that is accepted, so an accept is one
 * system call, whoever makes it. Where the kernel takes a value and silently makes another of it (buffers above
 * rmem_max, a backlog above somaxconn, Fast Open that the system has switched off) that counts as refused. */
#include "net/settings.h"

#include "net/steer.h"
#include "net/values.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096, /* when nothing is wanted: unix sockets */
    FASTOPEN_SERVER = 2,
};

/* ── What the system says ── */

/* The text of a file in /proc/sys/net without its newline; "" when there is none. */
static void read_sysctl(const char *name, char *out, size_t size)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/sys/net/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, out, size - 1);
    if (fd >= 0)
        close(fd);
    out[got > 0 ? got : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

/* -1: it is not told. */
static long sysctl_number(const char *name)
{
    char text[32];
    read_sysctl(name, text, sizeof text);
    return text[0] == '\0' ? -1 : strtol(text, NULL, 10);
}

/* ── What is said when it refuses ── */

static void write_reason(unsigned index, int error, char *out, size_t size)
{
    char offered[160];
    if (index == NET_CONGESTION && error == -ENOENT) {
        read_sysctl("ipv4/tcp_available_congestion_control", offered, sizeof offered);
        snprintf(out, size, "the kernel offers %s", offered);
    } else if (index == NET_CONGESTION && error == -EPERM) {
        read_sysctl("ipv4/tcp_allowed_congestion_control", offered, sizeof offered);
        snprintf(out, size, "without CAP_NET_ADMIN the sysctl net.ipv4.tcp_allowed_congestion_control offers %s",
                 offered);
    } else if (index == NET_FASTOPEN && error == -EOPNOTSUPP) {
        snprintf(out, size, "servers have it switched off: the sysctl net.ipv4.tcp_fastopen is %ld",
                 sysctl_number("ipv4/tcp_fastopen"));
    } else if (error == -ERANGE) {
        const char *name = index == NET_BACKLOG          ? "core/somaxconn"
                           : index == NET_RECEIVE_BUFFER ? "core/rmem_max"
                                                         : "core/wmem_max";
        snprintf(out, size, "the kernel gives %ld at most", sysctl_number(name));
    } else {
        snprintf(out, size, "the kernel refuses: %s", strerror(-error));
    }
}

void leat__net_setting_why(const struct net_options *o, unsigned index, char *out, size_t size)
{
    char reason[256];
    out[0] = '\0';
    if (o->missed[index] == 0)
        return;
    write_reason(index, o->missed[index], reason, sizeof reason);
    snprintf(out, size, "%s; %s", reason, leat__net_setting_at(index)->way_out);
}

/* A line for what was said; what only the profile wanted is remembered, and 0. */
static int refused(struct net_options *o, unsigned index, int status, char *error, size_t error_size)
{
    char value[NET_VALUE_SIZE], why[320];
    if (status == 0)
        return 0;
    o->missed[index] = (int16_t)status;
    if (!(o->said >> index & 1))
        return 0;
    leat__net_setting_write(o, index, value);
    leat__net_setting_why(o, index, why, sizeof why);
    snprintf(error, error_size, "%s=%s: %s", leat__net_setting_at(index)->name, value, why);
    return status;
}

/* ── Setting ── */

static int set_int(int fd, const struct net_setting *s, int64_t value)
{
    const int number = (int)value; /* above INT32_MAX: the kernel reads 32 bits without a sign */
    return setsockopt(fd, s->level, s->option, &number, sizeof number) < 0 ? -errno : 0;
}

/* The kernel doubles a buffer's size for its own needs, and tells it doubled. */
static int set_buffer(int fd, const struct net_setting *s, int64_t value)
{
    int given = 0, status = set_int(fd, s, value);
    socklen_t size = sizeof given;
    if (status < 0)
        return status;
    if (getsockopt(fd, s->level, s->option, &given, &size) < 0)
        return -errno;
    return given / 2 < value ? -ERANGE : 0;
}

static int set_pacing_rate(int fd, const struct net_setting *s, int64_t value)
{
    const uint64_t rate = (uint64_t)value;
    return setsockopt(fd, s->level, s->option, &rate, sizeof rate) < 0 ? -errno : 0;
}

static int set_incoming_cpu(int fd, const struct net_setting *s, bool on, unsigned shard)
{
    long processors = sysconf(_SC_NPROCESSORS_CONF);
    return on ? set_int(fd, s, shard % (processors > 0 ? processors : 1)) : 0;
}

static int set(int fd, const struct net_options *o, unsigned index, unsigned shard)
{
    const struct net_setting *s = leat__net_setting_at(index);
    int64_t value = o->values[index];
    switch (index) {
    case NET_CONGESTION:
        return setsockopt(fd, s->level, s->option, o->congestion, (socklen_t)strlen(o->congestion)) < 0
                   ? -errno
                   : 0;
    case NET_RECEIVE_BUFFER:
    case NET_SEND_BUFFER:
        return set_buffer(fd, s, value);
    case NET_PACING_RATE:
        return set_pacing_rate(fd, s, value);
    case NET_INCOMING_CPU:
        return set_incoming_cpu(fd, s, value, shard);
    case NET_FASTOPEN:
        return sysctl_number("ipv4/tcp_fastopen") & FASTOPEN_SERVER ? set_int(fd, s, value) : -EOPNOTSUPP;
    default:
        return set_int(fd, s, value);
    }
}

int leat__net_apply(int fd, struct net_options *o, unsigned shard, char *error, size_t error_size)
{
    for (unsigned i = 0; i < NET_SETTINGS; i++) {
        enum net_setting_where where = leat__net_setting_at(i)->where;
        bool here = (where == NET_INHERITED || where == NET_LISTENER) && i != NET_BACKLOG;
        if (!here || !(o->wanted >> i & 1))
            continue;
        int status = refused(o, i, set(fd, o, i, shard), error, error_size);
        if (status < 0)
            return status;
    }
    return 0;
}

int leat__net_apply_backlog(int fd, struct net_options *o, char *error, size_t error_size)
{
    int backlog = BACKLOG, status = 0;
    if (net_is_wanted(o, NET_BACKLOG)) {
        long largest = sysctl_number("core/somaxconn");
        backlog = (int)o->values[NET_BACKLOG];
        if (largest >= 0 && backlog > largest)
            status = refused(o, NET_BACKLOG, -ERANGE, error, error_size);
    }
    if (status < 0)
        return status;
    return listen(fd, backlog) < 0 ? -errno : 0;
}

int leat__net_apply_group(int first_fd, struct net_options *o, unsigned shards, char *error,
                          size_t error_size)
{
    if (!net_is_wanted(o, NET_STEER) || o->values[NET_STEER] == 0 || shards < 2)
        return 0;
    return refused(o, NET_STEER, leat__net_steer_by_cpu(first_fd, shards), error, error_size);
}

/* ── Accepted sockets ── */

bool leat__net_needs_accepted(const struct net_options *o)
{
    return net_is_wanted(o, NET_QUICKACK);
}

void leat__net_accepted(int fd, const struct net_options *o)
{
    if (net_is_wanted(o, NET_QUICKACK))
        set_int(fd, leat__net_setting_at(NET_QUICKACK), o->values[NET_QUICKACK]);
}

/* ── Reading back ── */

static int read_backlog(int fd, char *out, size_t size)
{
    struct tcp_info info;
    socklen_t info_size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_size) < 0 || info.tcpi_state != TCP_LISTEN)
        return -EOPNOTSUPP;
    snprintf(out, size, "%u", info.tcpi_sacked); /* of a listener: its backlog */
    return 0;
}

static int read_congestion(int fd, const struct net_setting *s, char *out, size_t size)
{
    char name[NET_CONGESTION_SIZE] = "";
    socklen_t name_size = sizeof name - 1;
    if (getsockopt(fd, s->level, s->option, name, &name_size) < 0)
        return -errno;
    snprintf(out, size, "%s", name);
    return 0;
}

static int read_pacing_rate(int fd, const struct net_setting *s, char *out, size_t size)
{
    char text[NET_VALUE_SIZE] = "none";
    uint64_t rate = 0;
    socklen_t rate_size = sizeof rate;
    if (getsockopt(fd, s->level, s->option, &rate, &rate_size) < 0)
        return -errno;
    if (rate <= (uint64_t)s->largest)
        leat__net_value_write(s->kind, (int64_t)rate, text);
    snprintf(out, size, "%s", text);
    return 0;
}

static int read_number(int fd, unsigned index, char *out, size_t size)
{
    const struct net_setting *s = leat__net_setting_at(index);
    char text[NET_VALUE_SIZE] = "none";
    int number = 0;
    socklen_t number_size = sizeof number;
    if (getsockopt(fd, s->level, s->option, &number, &number_size) < 0)
        return -errno;
    if (index == NET_INCOMING_CPU && number >= 0)
        snprintf(text, sizeof text, "cpu %d", number);
    else if (s->kind == NET_FLAG)
        snprintf(text, sizeof text, "%s", number > 0 ? "on" : "off");
    else if (index == NET_RECEIVE_BUFFER || index == NET_SEND_BUFFER)
        leat__net_value_write(s->kind, number / 2, text);
    else if (number != 0)
        leat__net_value_write(s->kind, (uint32_t)number, text);
    snprintf(out, size, "%s", text);
    return 0;
}

int leat__net_setting_read(int fd, unsigned index, char *out, size_t size)
{
    const struct net_setting *s = leat__net_setting_at(index);
    out[0] = '\0';
    switch (index) {
    case NET_STEER: /* a program goes in and does not come out */
    case NET_PROXY_PROTOCOL:
        return -EOPNOTSUPP;
    case NET_BACKLOG:
        return read_backlog(fd, out, size);
    case NET_CONGESTION:
        return read_congestion(fd, s, out, size);
    case NET_PACING_RATE:
        return read_pacing_rate(fd, s, out, size);
    default:
        return read_number(fd, index, out, size);
    }
}
