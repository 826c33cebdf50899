/* sample.c: see sample.h. The kernel's struct tcp_info grows at its end; the C library's has what is asked for here. */
#include "net/sample.h"
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

static bool ask(int fd, struct tcp_info *info)
{
    socklen_t size = sizeof *info;
    memset(info, 0, sizeof *info);
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size) == 0;
}

void leat__net_sample_add(int fd, struct net_sample *sum)
{
    struct tcp_info info;
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof memory;
    if (!ask(fd, &info))
        return;
    sum->count++;
    sum->rtt_us += info.tcpi_rtt;
    sum->segments += info.tcpi_segs_out;
    sum->again += info.tcpi_total_retrans;
    sum->unacked += info.tcpi_unacked;
    sum->unsent += info.tcpi_notsent_bytes;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size) == 0)
        sum->memory += (uint64_t)memory[SK_MEMINFO_RMEM_ALLOC] + memory[SK_MEMINFO_WMEM_QUEUED];
}

bool leat__net_accept_queue(int fd, uint32_t *waiting, uint32_t *most)
{
    struct tcp_info info;
    if (!ask(fd, &info))
        return false;
    *waiting = info.tcpi_unacked; /* of a listener these two mean the queue */
    *most = info.tcpi_sacked;
    return true;
}
