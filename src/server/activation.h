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
 * close-on-exec. 0 when there is none or it is not for us; -EINVAL with a line naming the variable and the descriptor. */
int leat__activation_take(struct activation *a, char *error, size_t error_size);

#endif
