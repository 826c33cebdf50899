/* steer.c: three instructions of classic BPF that the kernel runs for each new connection of a group. What they answer is
 * the index of a listener; an index that the group does not have falls back to the kernel's own hash, so nothing is
 * lost when a listener is missing. */
#include "net/steer.h"

#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>

int leat__net_steer_by_cpu(int fd, unsigned shards)
{
    struct sock_filter program[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, (unsigned)(SKF_AD_OFF + SKF_AD_CPU)},
        {BPF_ALU | BPF_MOD | BPF_K, 0, 0, shards},
        {BPF_RET | BPF_A, 0, 0, 0},
    };
    struct sock_fprog group = {.len = sizeof program / sizeof program[0], .filter = program};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &group, sizeof group) < 0 ? -errno : 0;
}
