/* sample.h: what the kernel knows of some connections (TCP_INFO, SO_MEMINFO), summed up: enough of them, and the sums over
 * the count tell of all. */
#ifndef LEAT_SAMPLE_H
#define LEAT_SAMPLE_H

#include "base/base.h"

struct net_sample {
    uint64_t count;           /* connections that answered */
    uint64_t rtt_us;          /* sum of the smoothed round-trip times */
    uint64_t segments, again; /* sent, and sent once more, since each began */
    uint64_t unacked;         /* segments under way */
    uint64_t unsent;          /* octets that the kernel has and has not sent */
    uint64_t memory; /* bytes of the kernel's, for what was received and what is to be sent */
};

void leat__net_sample_add(int fd, struct net_sample *sum);

/* A listening TCP socket's queue of connections that nobody has accepted: how many there are, and may be. false: the kernel
 * does not say (a unix socket). */
bool leat__net_accept_queue(int fd, uint32_t *waiting, uint32_t *most);

#endif
