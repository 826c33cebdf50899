/* engine.h: what the files of the engine share: the run, its workers and its holders.
 *
 *   run.c      the calling thread: probes, starts threads, sets the clock of the phases, adds everything up
 *   worker.c   a thread of the active group: its loop and its schedule
 *   link.c     one of its connections: what is owed on it, and what it says
 *   holder.c   a thread that holds quiet connections
 *   probe.c    one answer of each request before the load: what the others are compared with
 *   dial.c, schedule.c, answer.c   see there
 *
 * The threads share nothing that is written while they measure but numbers with one writer (tally.h) and the phases' clock:
 *
 *     begin_ns ── warm-up ── start_ns ── measured ── end_ns ── answers that are still owed
 *
 * What is measured is every request that was due in [start_ns, end_ns), whenever its answer came. */
#ifndef LEAT_LOAD_ENGINE_H
#define LEAT_LOAD_ENGINE_H

#include "base/clock.h"
#include "load/answer.h"
#include "load/dial.h"
#include "load/load.h"
#include "load/schedule.h"
#include "memory/region.h"
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

enum { LOAD_CONTENT_MAX = 256 << 20, LOAD_PAUSE_MS = 100, LOAD_NS_PER_MS = 1000000 };

/* A content that others are compared with. */
struct load_reference {
    bool known;
    const char *bytes;
    size_t size;
    void *mapped; /* ours, of mapped_size; NULL: somebody else's */
    size_t mapped_size;
};

/* The first failure of a thread, in words. */
struct load_failure {
    int64_t at_ns; /* 0: none */
    char text[LOAD_ERROR_SIZE];
};

enum load_thread_state {
    THREAD_STARTING,
    THREAD_READY,  /* connections are open */
    THREAD_FAILED, /* could not start; error says why */
    THREAD_DONE,
};

struct load_run {
    const struct load_options *o;
    struct load_result *r;
    struct dial dial;
    struct load_reference references[LOAD_REQUESTS_MAX];
    uint32_t weights[LOAD_REQUESTS_MAX]; /* added up */
    char *burst;                         /* of one request, copies of it one behind the other */
    uint32_t burst_copies;
    uint32_t per_thread; /* connections in one descriptor table */
    struct load_worker *workers[LOAD_THREADS_MAX];
    struct load_holder *holders[LOAD_THREADS_MAX];
    uint32_t worker_count, holder_count;
    uint32_t workers_started, holders_started;
    cpu_set_t active_cores, idle_cores;         /* empty: not pinned */
    _Atomic int64_t begin_ns, start_ns, end_ns; /* INT64_MAX: not known yet */
    _Atomic bool may_connect;                   /* the active group: after the quiet one */
    _Atomic bool stop;                          /* let go of everything now */
    struct load_failure words;                  /* of all threads */
};

/* ── The active group ── */

/* A request that was sent, in the order of a connection's. */
struct load_owed {
    int64_t due_ns, sent_ns;
    uint32_t request;
};

enum link_state { LINK_DOWN, LINK_UP, LINK_CLOSING };

/* A connection. The slot of the same index is its seat. */
struct load_link {
    struct loop_send send;
    struct answer answer;
    struct load_owed *owed;   /* a ring of worker->ring_size */
    uint32_t first, count;    /* of owed */
    uint32_t asked;           /* on this connection */
    int64_t opened_ns;        /* connect(2); 0: its first answer has come */
    uint8_t state;            /* enum link_state */
    bool is_ready, is_paused; /* in these queues */
    bool failed;              /* so it pauses before it is opened again */
    bool leaves;              /* the server closes behind this answer */
};

/* Indices of links, first come first served; each is in it once at most. */
struct load_queue {
    uint32_t *links;
    uint32_t first, count, size;
};

struct load_worker {
    struct load_run *run;
    const struct load_options *o;
    uint32_t number, link_count, first_link; /* of all */
    uint32_t pipeline, ring_mask;
    pthread_t thread;
    _Atomic int state; /* enum load_thread_state */
    int error;
    /* the loop and its memory */
    struct region region;
    struct buffer_pool receive;
    struct mailbox mailbox;
    struct mail_place mails[MAILBOX_CAPACITY];
    void *loop_state;
    struct loop loop;
    struct slot *slots;
    struct load_link *links;
    int *fds; /* as they were opened first */
    struct load_queue ready, paused;
    int64_t *paused_until_ms; /* by link */
    int timer;                /* punctual waking */
    bool timer_is_armed;
    int64_t timer_ns; /* what it is set to */
    /* the work */
    struct answer_wanted wanted[LOAD_REQUESTS_MAX];
    struct schedule schedule;
    uint64_t chance;
    bool working;
    int64_t now_ns, start_ns, end_ns; /* copies of the run's */
    uint64_t may_send;                /* measured requests that are left; UINT64_MAX: no bound */
    uint64_t owing;                   /* answers, in all */
    uint32_t seated;                  /* slots that are in use */
    bool starved;                     /* something is due, and no connection was ready */
    int64_t fed_ns;                   /* when one was again */
    uint32_t dials;
    /* what came of it: tallies */
    struct load_group group;
    struct load_by_request *by_request;
    struct histogram lateness;
    uint64_t up; /* connections now */
    uint64_t missed;
    int64_t last_ns; /* the last measured answer */
    double cpu_s;
    struct load_failure words;
};

/* worker.c */
int leat__worker_start(struct load_worker *w);
void leat__worker_join(struct load_worker *w);
void leat__worker_destroy(struct load_worker *w);
struct load_worker *leat__worker_create(struct load_run *run, uint32_t number, uint32_t link_count,
                                        uint32_t first_link);
/* A request that is due at due_ns may be sent; counts it where it is measured. */
bool leat__worker_takes(struct load_worker *w, int64_t due_ns);
/* A link may be given work. */
void leat__worker_ready(struct load_worker *w, struct load_link *link);
void leat__worker_pause(struct load_worker *w, struct load_link *link);
/* What is due and can be, is sent. */
void leat__worker_issue(struct load_worker *w);

/* link.c */
extern const struct loop_events leat__link_events;
void leat__link_adopt(struct load_worker *w, struct load_link *link, int fd);
/* Closed loop: sends what may be sent now, connecting first where need be. */
void leat__link_refill(struct load_worker *w, struct load_link *link);
/* Open loop: sends one request. */
void leat__link_ask(struct load_worker *w, struct load_link *link, int64_t due_ns);
void leat__link_close(struct load_worker *w, struct load_link *link);
/* The first failure is kept. format as printf's. */
void leat__load_say(struct load_failure *words, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline struct slot *slot_of(struct load_worker *w, const struct load_link *link)
{
    return &w->slots[link - w->links];
}

static inline bool is_measured(const struct load_worker *w, int64_t ns)
{
    return ns >= w->start_ns && ns < w->end_ns;
}

/* ── The quiet group ── */

enum { HOLDER_TALKS = 256 };

/* A quiet connection that is being opened, or has been woken. */
struct load_talk {
    struct answer answer;
    uint32_t index, request;
    bool is_new, connecting;
    size_t sent;
    int64_t due_ns, begun_ns;
};

struct load_holder {
    struct load_run *run;
    const struct load_options *o;
    uint32_t number, count, first;
    pthread_t thread;
    _Atomic int state;
    int error;
    int *fds;    /* -1: not open. All that a quiet connection costs here */
    char *piece; /* what is received */
    struct answer_known *known;
    struct answer_wanted wanted[LOAD_REQUESTS_MAX];
    struct load_talk talks[HOLDER_TALKS];
    struct pollfd watched[HOLDER_TALKS]; /* of the same place */
    uint32_t talking;
    int64_t now_ns, start_ns, end_ns, looked_ns;
    uint64_t chance;
    struct schedule schedule;
    uint64_t not_opened[LOAD_ERROR_COUNT]; /* by the pass under way */
    /* tallies */
    struct load_group group;
    struct histogram lateness;
    uint64_t up, missed;
    struct load_failure words;
};

struct load_holder *leat__holder_create(struct load_run *run, uint32_t number, uint32_t count,
                                        uint32_t first);
int leat__holder_start(struct load_holder *h);
void leat__holder_join(struct load_holder *h);
void leat__holder_destroy(struct load_holder *h);

/* ── Before ── */

/* Asks for one answer of each request. 0; -errno when nobody is there, and error says so. */
int leat__probe_all(struct load_run *run, char *error, size_t error_size);
void leat__probe_free(struct load_run *run);
/* Fills wanted for a thread. known: whether it may have a memory of heads, which it then owns. */
void leat__load_want(const struct load_run *run, struct answer_wanted *wanted, struct answer_known *known);
uint32_t leat__load_choose(const struct load_run *run, uint64_t *chance);
/* Pins the calling thread where cores is not empty. */
void leat__load_pin(const cpu_set_t *cores);
/* The calling thread gets a descriptor table of its own, or does without where one is enough. 0 or -errno. */
int leat__load_own_table(const struct load_run *run);
/* Where the load goes, for people. */
void leat__load_target(const struct load_options *o, char *text, size_t size);

#endif
