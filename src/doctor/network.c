/* network.c: the network's settings that a server meets, each with what it does to one. Settings that change
 * nothing for a server are left out, however often they are found in lists of advice. */
#include "doctor/doctor.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SYN_BACKLOG_COMFORT = 1024,
    INPUT_QUEUE_COMFORT = 1000,
    CONNECTION_BUFFER = 16384, /* what a busy connection's two buffers hold at least, in the kernel's count */
};

/* ── Coming in ── */

/* The longest accept queue that a listener asks for; 0: none asks. */
static int64_t wanted_backlog(const struct listeners *l)
{
    int64_t longest = 0;
    for (uint32_t i = 0; i < l->count; i++) {
        const struct net_options *o = listeners_options(l, i);
        if (net_is_wanted(o, NET_BACKLOG) && o->values[NET_BACKLOG] > longest)
            longest = o->values[NET_BACKLOG];
    }
    return longest;
}

static void check_backlog(struct doctor *d)
{
    int64_t wanted = wanted_backlog(d->listeners);
    int64_t most = leat__doctor_number(d, "/proc/sys/net/core/somaxconn", 0);
    if (most < 0)
        return;
    struct finding *f = leat__doctor_begin(d, "somaxconn",
                                           "it cuts every accept queue down without a word; in a "
                                           "full queue new connections are dropped, "
                                           "and clients try again after a second");
    bool small = most < wanted;
    leat__doctor_found(f, small ? DOCTOR_WARNING : DOCTOR_GOOD, "%lld, and we ask for %lld",
                       (long long)most, (long long)wanted);
    if (small)
        leat__doctor_remedy(f, "sysctl -w net.core.somaxconn=%lld", (long long)wanted);
}

static void check_cookies(struct doctor *d)
{
    int64_t cookies = leat__doctor_number(d, "/proc/sys/net/ipv4/tcp_syncookies", 0);
    if (cookies < 0)
        return;
    struct finding *f = leat__doctor_begin(
        d, "tcp_syncookies", "without cookies a flood of SYNs fills the queue of half-open connections, and nobody else comes in");
    leat__doctor_found(f, cookies == 0 ? DOCTOR_WARNING : DOCTOR_GOOD, "%lld%s", (long long)cookies,
                       cookies == 0 ? ", off" : "");
    if (cookies == 0)
        leat__doctor_remedy(f, "sysctl -w net.ipv4.tcp_syncookies=1");
}

static void check_syn_backlog(struct doctor *d)
{
    int64_t most = leat__doctor_number(d, "/proc/sys/net/ipv4/tcp_max_syn_backlog", 0);
    if (most < 0)
        return;
    struct finding *f = leat__doctor_begin(
        d, "tcp_max_syn_backlog", "it bounds half-open connections; past it cookies are sent, which cost some options of TCP");
    bool small = most < SYN_BACKLOG_COMFORT;
    leat__doctor_found(f, small ? DOCTOR_NOTE : DOCTOR_GOOD, "%lld", (long long)most);
    if (small)
        leat__doctor_remedy(f, "sysctl -w net.ipv4.tcp_max_syn_backlog=4096");
}

/* The number under name in a file of pairs of lines, "Title: name name …" and "Title: number number …"; -1: none. */
static int64_t read_counter(const struct doctor *d, const char *path, const char *title, const char *name)
{
    char text[8192], names[4096];
    char *names_left, *values_left;
    size_t length = strlen(title);
    if (!leat__doctor_read(d, path, text, sizeof text))
        return -1;
    char *line = text;
    while (line != NULL && strncmp(line, title, length) != 0) {
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    char *values = line != NULL ? strchr(line, '\n') : NULL;
    if (values == NULL || strncmp(values + 1, title, length) != 0)
        return -1;
    snprintf(names, sizeof names, "%.*s", (int)(values - line), line);
    values[1 + strcspn(values + 1, "\n")] = '\0';
    char *value = strtok_r(values + 1, " ", &values_left);
    char *each = strtok_r(names, " ", &names_left);
    for (; each != NULL && value != NULL;
         each = strtok_r(NULL, " ", &names_left), value = strtok_r(NULL, " ", &values_left))
        if (strcmp(each, name) == 0)
            return strtoll(value, NULL, 10);
    return -1;
}

static void check_overflows(struct doctor *d)
{
    int64_t overflows = read_counter(d, "/proc/net/netstat", "TcpExt:", "ListenOverflows");
    int64_t drops = read_counter(d, "/proc/net/netstat", "TcpExt:", "ListenDrops");
    if (overflows < 0 || drops < 0)
        return;
    struct finding *f = leat__doctor_begin(
        d, "full accept queues", "counted since the boot, for all programs: whoever accepted was too slow, or its queue too short");
    leat__doctor_found(f, overflows > 0 ? DOCTOR_NOTE : DOCTOR_GOOD,
                       "%lld times, %lld connections dropped", (long long)overflows, (long long)drops);
    if (overflows > 0)
        leat__doctor_remedy(
            f, "see whether it grows: nstat -az TcpExtListenOverflows; then more --shards");
}

/* The second column of /proc/net/softnet_stat, in base 16, over all processors; -1: none. */
static int64_t count_dropped(const struct doctor *d)
{
    char text[16384];
    int64_t dropped = 0;
    if (!leat__doctor_read(d, "/proc/net/softnet_stat", text, sizeof text))
        return -1;
    for (char *line = text; line != NULL && *line != '\0';) {
        char *end;
        strtoull(line, &end, 16);
        dropped += (int64_t)strtoull(end, NULL, 16);
        line = strchr(end, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return dropped;
}

static void check_input_queue(struct doctor *d)
{
    int64_t most = leat__doctor_number(d, "/proc/sys/net/core/netdev_max_backlog", 0);
    int64_t dropped = count_dropped(d);
    if (most < 0)
        return;
    struct finding *f = leat__doctor_begin(d, "netdev_max_backlog",
                                           "packets wait here for their processor, those of "
                                           "loopback and of containers' interfaces too; "
                                           "what does not fit is lost");
    bool lost = dropped > 0 || most < INPUT_QUEUE_COMFORT;
    leat__doctor_found(f, lost ? DOCTOR_NOTE : DOCTOR_GOOD, "%lld, %lld packets dropped since the boot",
                       (long long)most, (long long)(dropped > 0 ? dropped : 0));
    if (lost)
        leat__doctor_remedy(f, "sysctl -w net.core.netdev_max_backlog=%lld",
                            (long long)(most < INPUT_QUEUE_COMFORT ? INPUT_QUEUE_COMFORT : most * 2));
}

static void check_tracking(struct doctor *d)
{
    int64_t most = leat__doctor_number(d, "/proc/sys/net/netfilter/nf_conntrack_max", 0);
    int64_t now = leat__doctor_number(d, "/proc/sys/net/netfilter/nf_conntrack_count", 0);
    if (most < 0)
        return;
    struct finding *f = leat__doctor_begin(d, "connection tracking",
                                           "the firewall's table has a row for every connection, "
                                           "and for some time after its end; when it "
                                           "is full, new connections are dropped");
    bool full = now > most / 10 * 9, small = most < (int64_t)d->config->connections;
    leat__doctor_found(f, full || small ? DOCTOR_WARNING : DOCTOR_GOOD,
                       "room for %lld, %lld in use, and %u connections are planned",
                       (long long)most, (long long)(now > 0 ? now : 0), d->config->connections);
    if (full || small)
        leat__doctor_remedy(
            f, "sysctl -w net.netfilter.nf_conntrack_max=%lld, or a notrack rule for our ports",
            (long long)most > d->config->connections ? (long long)most * 2
                                                     : (long long)d->config->connections * 2);
}

/* ── Buffers ── */

static void check_buffers_of(struct doctor *d, const char *name, const char *path, const char *why)
{
    int64_t least = leat__doctor_number(d, path, 0), standard = leat__doctor_number(d, path, 1);
    int64_t most = leat__doctor_number(d, path, 2);
    char text[3][PLAN_HUMAN_SIZE];
    if (least < 0 || standard < 0 || most < 0)
        return;
    struct finding *f = leat__doctor_begin(d, name, why);
    bool small = most < 1 << 20;
    leat__doctor_found(f, small ? DOCTOR_NOTE : DOCTOR_GOOD, "at least %s, %s to begin with, at most %s",
                       leat__plan_human(text[0], (uint64_t)least),
                       leat__plan_human(text[1], (uint64_t)standard),
                       leat__plan_human(text[2], (uint64_t)most));
    if (small)
        leat__doctor_remedy(f, "sysctl -w net.ipv4.%s='%lld %lld 4194304'", name, (long long)least,
                            (long long)standard);
}

static void check_buffers(struct doctor *d)
{
    check_buffers_of(
        d, "tcp_rmem", "/proc/sys/net/ipv4/tcp_rmem",
        "a sender on a long way can have so much under way to us; large uploads are slow with less "
        "than 1 MiB");
    check_buffers_of(
        d, "tcp_wmem", "/proc/sys/net/ipv4/tcp_wmem",
        "we can have so much under way to a client; large downloads over long ways are slow "
        "with less than 1 MiB");
}

static void check_all_buffers(struct doctor *d)
{
    int64_t pressure = leat__doctor_number(d, "/proc/sys/net/ipv4/tcp_mem", 1);
    int64_t most = leat__doctor_number(d, "/proc/sys/net/ipv4/tcp_mem", 2);
    char have[PLAN_HUMAN_SIZE], needed[PLAN_HUMAN_SIZE];
    if (pressure < 0 || most < 0)
        return;
    struct finding *f = leat__doctor_begin(d, "tcp_mem",
                                           "it bounds the buffers of all connections together, in "
                                           "pages; past it the kernel shrinks windows "
                                           "and drops what arrives");
    uint64_t bytes = (uint64_t)most * PAGE_SIZE_BYTES;
    uint64_t busy = (uint64_t)d->config->exchanges * CONNECTION_BUFFER;
    bool small = busy > bytes;
    leat__doctor_found(f, small ? DOCTOR_WARNING : DOCTOR_GOOD,
                       "%s for all, %s when all %u exchanges are busy", leat__plan_human(have, bytes),
                       leat__plan_human(needed, busy), d->config->exchanges);
    if (small)
        leat__doctor_remedy(f, "sysctl -w net.ipv4.tcp_mem='%llu %llu %llu'",
                            (unsigned long long)busy / PAGE_SIZE_BYTES,
                            (unsigned long long)busy / PAGE_SIZE_BYTES * 3 / 2,
                            (unsigned long long)busy / PAGE_SIZE_BYTES * 2);
}

/* ── Going out ── */

static void check_idle_restart(struct doctor *d)
{
    int64_t restarts = leat__doctor_number(d, "/proc/sys/net/ipv4/tcp_slow_start_after_idle", 0);
    if (restarts < 0)
        return;
    struct finding *f = leat__doctor_begin(
        d, "tcp_slow_start_after_idle",
        "with 1 a kept connection that was quiet sends its next response as slowly as a new one");
    leat__doctor_found(f, restarts != 0 ? DOCTOR_NOTE : DOCTOR_GOOD, "%lld", (long long)restarts);
    if (restarts != 0)
        leat__doctor_remedy(
            f, "sysctl -w net.ipv4.tcp_slow_start_after_idle=0, if responses are large and "
               "ways are long");
}

static void check_congestion(struct doctor *d)
{
    char now[64], all[256];
    if (!leat__doctor_read(d, "/proc/sys/net/ipv4/tcp_congestion_control", now, sizeof now) ||
        !leat__doctor_read(d, "/proc/sys/net/ipv4/tcp_available_congestion_control", all, sizeof all))
        return;
    struct finding *f = leat__doctor_begin(d, "congestion control",
                                           "bbr keeps its pace on ways that lose packets, where "
                                           "cubic slows down: of use for downloads and "
                                           "streams over the internet, not within a house");
    bool has_bbr = strstr(all, "bbr") != NULL;
    leat__doctor_found(f, has_bbr ? DOCTOR_GOOD : DOCTOR_NOTE, "%s; to be had: %s", now, all);
    if (!has_bbr)
        leat__doctor_remedy(f, "modprobe tcp_bbr");
}

static void check_pacing(struct doctor *d)
{
    char queue[64];
    if (!leat__doctor_read(d, "/proc/sys/net/core/default_qdisc", queue, sizeof queue))
        return;
    struct finding *f = leat__doctor_begin(
        d, "default_qdisc", "fq spaces the packets of a paced connection itself; without it TCP does, with a timer for each");
    leat__doctor_found(f, DOCTOR_GOOD, "%s%s", queue,
                       strcmp(queue, "fq") == 0 ? "" : "; fq is the better one where pacing is used");
}

static void check_busy_poll(struct doctor *d)
{
    int64_t poll = leat__doctor_number(d, "/proc/sys/net/core/busy_poll", 0);
    int64_t receive = leat__doctor_number(d, "/proc/sys/net/core/busy_read", 0);
    if (poll < 0 || receive < 0)
        return;
    struct finding *f = leat__doctor_begin(d, "busy_poll",
                                           "microseconds that every poll on the machine spins "
                                           "before it sleeps: less delay for all the "
                                           "processor's time; a listener can have it for itself");
    bool on = poll > 0 || receive > 0;
    leat__doctor_found(f, on ? DOCTOR_NOTE : DOCTOR_GOOD, "%lld, and net.core.busy_read %lld",
                       (long long)poll, (long long)receive);
    if (on)
        leat__doctor_remedy(
            f, "sysctl -w net.core.busy_poll=0 net.core.busy_read=0, unless it is meant");
}

static void check_client_ports(struct doctor *d)
{
    int64_t first = leat__doctor_number(d, "/proc/sys/net/ipv4/ip_local_port_range", 0);
    int64_t last = leat__doctor_number(d, "/proc/sys/net/ipv4/ip_local_port_range", 1);
    if (first < 0 || last < first)
        return;
    struct finding *f = leat__doctor_begin(d, "ip_local_port_range",
                                           "so many connections can one client, or one proxy "
                                           "before us, have to one of our addresses; it "
                                           "does not bound us");
    leat__doctor_found(f, DOCTOR_GOOD, "%lld to %lld: %lld from one address", (long long)first,
                       (long long)last, (long long)last - (long long)first + 1);
}

void leat__doctor_network(struct doctor *d)
{
    d->group = "Network";
    check_backlog(d);
    check_cookies(d);
    check_syn_backlog(d);
    check_overflows(d);
    check_input_queue(d);
    check_tracking(d);
    check_buffers(d);
    check_all_buffers(d);
    check_idle_restart(d);
    check_congestion(d);
    check_pacing(d);
    check_busy_poll(d);
    check_client_ports(d);
}
