/* worker.h: the threads beside a shard that do what would hold its loop up: opening and reading files that are not in
 * memory. They share the shard's descriptors (they are made by its thread), and its memory only as far as a work says.
 *
 * A work is a piece of memory that belongs to the worker from leat__workers_submit until it comes back by a mail
 * (MAIL_WORK, value: the work's address). Nobody waits for it: whom it was for is named by slot and generation, and may
 * have gone in the meantime; a work that comes back is finished and let go of all the same. */
#ifndef LEAT_WORKER_H
#define LEAT_WORKER_H

#include "base/base.h"
#include "loop/mailbox.h"
#include <pthread.h>

enum { WORKERS_MAX = 16, WORKER_STACK = 64 * 1024 };

struct work {
    void (*run)(struct work *work); /* on a worker's thread */
    struct work *next;
    uint32_t slot, generation; /* whom it is for; generation 0: for nobody any more */
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct work *first, *last; /* submitted, not begun */
    struct mailbox *mailbox;   /* where finished works go */
    uint32_t count;            /* threads; 0: works are run at once, by the submitter, and come back by mail as well */
    bool stopping;
    pthread_t threads[WORKERS_MAX];
};

/* On the shard's thread. 0 or -errno, with nothing left running. Signals are blocked in the workers. */
int leat__workers_open(struct workers *w, uint32_t count, struct mailbox *mailbox);
void leat__workers_submit(struct workers *w, struct work *work);
/* Ends the threads when they have run what was submitted; what came back lies in the mailbox. */
void leat__workers_close(struct workers *w);

#endif
