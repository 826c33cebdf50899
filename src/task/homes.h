/* homes.h: where tasks live, for other threads: a number for each shard of the process, which is a part of every handle,
 * and behind it the mailbox of that shard, for as long as the shard is open. */
#ifndef LEAT_HOMES_H
#define LEAT_HOMES_H

#include "loop/mailbox.h"

enum { HOMES_MAX = 1024 }; /* shards in one process: the bits of a handle */

/* A number; -ENFILE: the process has HOMES_MAX open. */
int leat__home_open(struct mailbox *mailbox);
void leat__home_close(int home);

/* From any thread. 0; -ESRCH: nobody lives there any more; -EAGAIN: the mailbox is full. */
int leat__home_post(uint32_t home, const struct mail *mail);

#endif
