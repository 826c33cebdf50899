/* mailbox.h: how one shard (or the main thread) speaks to another: a bounded ring, many writers, one reader, and a
 * descriptor (eventfd) that wakes the reader. A mail holds no pointer into another shard's memory but through a handle
 * (slot, generation), which goes stale safely. */
#ifndef LEAT_MAILBOX_H
#define LEAT_MAILBOX_H

#include "base/base.h"
#include <stdatomic.h>

enum mail_kind {
    MAIL_NONE,
    MAIL_DRAIN,
    MAIL_STOP,
    MAIL_WAKE,   /* the connection of the handle goes on */
    MAIL_WORK,   /* value: address of a struct work that has been done (loop/worker.h) */
    MAIL_LIMITS, /* value: address of limits to apply, which stay */
    MAIL_UNPARK, /* value: handle of a task (task/task.h) */
    MAIL_REPORT, /* tell what stands where (conn/report.h) */
    MAIL_DONE, /* value: address of what a thread of a pool has done for a task (task/blocking.h) */
};

struct mail {
    uint32_t kind;             /* enum mail_kind */
    uint32_t slot, generation; /* a handle, where the kind has one */
    uint64_t value;
};

enum { MAILBOX_CAPACITY = 64 };

struct mail_place {
    atomic_uint turn; /* whose turn it is on this place (Vyukov's bounded queue), less the place's index: begins as 0 */
    struct mail mail;
};

struct mailbox {
    int wake_fd; /* eventfd, non-blocking */
    _Alignas(CACHE_LINE) atomic_uint tail;
    _Alignas(CACHE_LINE) uint32_t head;
    struct mail_place *places;
};

/* places: as many as MAILBOX_CAPACITY, which lie apart because mails are rare. 0 or -errno. */
int leat__mailbox_open(struct mailbox *m, struct mail_place *places);
void leat__mailbox_close(struct mailbox *m);
bool leat__mailbox_take(struct mailbox *m, struct mail *mail); /* reader only */
bool leat__mailbox_has_mail(const struct mailbox *m);          /* reader only */
void leat__mailbox_drain_wake(struct mailbox *m); /* reader only: empties the eventfd */

#endif
