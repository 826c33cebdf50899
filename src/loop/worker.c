/* worker.c: a queue, a lock, and threads that take from it. The lock is the only one that a shard ever takes, and only
 * when a file is not in memory; what it guards is two pointers. */
#include "loop/worker.h"
#include "loop/loop.h"
#include "memory/plan.h"
#include <errno.h>
#include <signal.h>
#include <time.h>

/* The mailbox holds more than there can be works (memory/plan.h), but not for ever: others write into it too. */
static void send_back(struct workers *w, struct work *work)
{
    static const struct timespec moment = {.tv_nsec = 1000000};
    struct mail mail = {.kind = MAIL_WORK, .value = (uint64_t)(uintptr_t)work};
    while (leat__loop_post(w->mailbox, &mail) < 0)
        nanosleep(&moment, NULL);
}

static void *worker_main(void *argument)
{
    struct workers *w = argument;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (w->first == NULL && !w->stopping)
            pthread_cond_wait(&w->wake, &w->lock);
        struct work *work = w->first;
        if (work == NULL)
            break;
        w->first = work->next;
        pthread_mutex_unlock(&w->lock);
        work->run(work);
        send_back(w, work);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static int start_threads(struct workers *w, uint32_t count)
{
    pthread_attr_t attributes;
    sigset_t all, old;
    int error = 0;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, PLAN_WORKER_STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (w->count < count && error == 0) {
        error = -pthread_create(&w->threads[w->count], &attributes, worker_main, w);
        w->count += error == 0;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

int leat__workers_open(struct workers *w, uint32_t count, struct mailbox *mailbox)
{
    *w = (struct workers){.mailbox = mailbox};
    ASSERT(count <= WORKERS_MAX);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    int error = start_threads(w, count);
    if (error < 0)
        leat__workers_close(w);
    return error;
}

void leat__workers_submit(struct workers *w, struct work *work)
{
    if (w->count == 0) {
        work->run(work);
        send_back(w, work);
        return;
    }
    work->next = NULL;
    pthread_mutex_lock(&w->lock);
    if (w->first == NULL)
        w->first = work;
    else
        w->last->next = work;
    w->last = work;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void leat__workers_close(struct workers *w)
{
    if (w->mailbox == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
    for (uint32_t i = 0; i < w->count; i++)
        pthread_join(w->threads[i], NULL);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    *w = (struct workers){0};
}
