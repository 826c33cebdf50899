/* activation.h: listening sockets that whoever started us opened already (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES: socket
 * activation). They are shared by all shards, as unix sockets are, and never closed before we end. */
#ifndef LEAT_ACTIVATION_H
#define LEAT_ACTIVATION_H

#include "base/base.h"

enum { ACTIVATION_MAX = 16 };

struct activation {
    uint32_t count;
    int fds[ACTIVATION_MAX];
    char names[ACTIVATION_MAX][64]; /* "" when none was given */
};

/* Takes what the environment tells: each descriptor checked (a listening stream socket), made non-blocking and
 * close-on-exec, and the variables taken out of the environment. 0 when there is none or it is not for us; -EINVAL with a
 * line naming the variable and the descriptor. At start only: it changes the environment. */
int leat__activation_take(struct activation *a, char *error, size_t error_size);

/* Index of the socket that is meant by a descriptor's number ("3") or a name; the first of several. -1: none. */
int leat__activation_find(const struct activation *a, const char *name);

#endif
