/* worker.h: the threads beside a shard that do what would hold its loop up: opening and reading files that are not in
 * memory. They are made by the shard's thread and share its descriptors, and of its memory what a work says.
 *
 * A work is a piece of memory that belongs to the workers from leat__workers_submit until it comes back by a mail
 * (MAIL_WORK, value: the work's address). Works are begun in the order of submitting. */
#ifndef LEAT_WORKER_H
#define LEAT_WORKER_H

#include "base/base.h"
#include "loop/mailbox.h"
#include <pthread.h>

struct leat_exchange;

enum { WORKERS_MAX = 16 };

struct work {
    void (*run)(struct work *work);                           /* on a worker's thread */
    void (*done)(struct leat_exchange *x, struct work *work); /* on the shard's, by whoever reads the mail */
    struct work *next;
    uint32_t slot; /* index of the one it is for */
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct work *first, *last; /* submitted, not begun */
    struct mailbox *mailbox;   /* where finished works go */
    uint32_t count; /* threads; 0: works are run at once, by the submitter, and come back by mail as well */
    bool stopping;
    pthread_t threads[WORKERS_MAX];
};

/* On the shard's thread. 0 or -errno, with nothing left running. Signals are blocked in the workers. */
int leat__workers_open(struct workers *w, uint32_t count, struct mailbox *mailbox);
void leat__workers_submit(struct workers *w, struct work *work);
/* Ends the threads. Every work must have come back. */
void leat__workers_close(struct workers *w);

#endif
