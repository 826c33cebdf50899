/* load.h: a load: what is asked of a server, how, and what came of it. `leat load` makes one, `leat compare` many.
 *
 *     options.c   flags → struct load_options           request.c, mix.c   requests: words, files, weights → octets
 *     run.c       threads, phases, the sum of it all    worker.c   one thread: its loop, its connections, its schedule
 *     answer.c    octets → answers, verified            holder.c   one thread that holds quiet connections
 *     dial.c      where from and where to                probe.c    the first answer, for the others to be compared with
 *     link.c      a connection: what is owed on it       schedule.c when requests are due
 *     watch.c     the server's process, from /proc      progress.c, summary.c, json.c, plot.c   what people see
 *
 * Two groups of connections, counted apart: the active ones work, the quiet ones ("idle") have been answered once and are
 * held; now and then one of them is woken. Each thread has a descriptor table of its own, so descriptors are bounded by
 * thread and not by process, and source addresses of its own in 127.0.0.0/8 where the server is on this machine.
 *
 * Latency is counted from when a request was due: with a rate (an open loop) that is its place in the schedule, however late
 * the server or this program made it; without one (a closed loop) it is when it was sent. So a server that stands still for
 * a second is seen to do so by every request that should have come meanwhile. */
#ifndef LEAT_LOAD_H
#define LEAT_LOAD_H

#include "base/base.h"
#include "loop/loop.h"
#include "observe/histogram.h"
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>

enum {
    LOAD_REQUESTS_MAX = 64, /* different ones in a mix */
    LOAD_THREADS_MAX = 256,
    LOAD_PIPELINE_MAX = 64,
    LOAD_ERROR_SIZE = 512,
    LOAD_NAME_SIZE = 128,
};

/* How the work comes. */
enum load_arrivals {
    LOAD_CLOSED,   /* each connection asks again when it has been answered */
    LOAD_CONSTANT, /* at a rate, evenly */
    LOAD_POISSON,  /* at a rate, as people come */
};

/* What makes an answer right, beside its status. */
enum load_verify {
    LOAD_VERIFY_SAME, /* its content is what the request expects, or else that of the first answer */
    LOAD_VERIFY_LENGTH, /* only its length is */
    LOAD_VERIFY_STATUS, /* nothing more */
};

/* One of the mix. Strings are the options'. */
struct load_request {
    char name[LOAD_NAME_SIZE]; /* "GET /plaintext" */
    char *octets;              /* as it is sent */
    size_t size;
    uint32_t weight;      /* its share of the mix; > 0 */
    uint16_t status;      /* what is expected; 0: any of 200 to 299 */
    bool no_content;      /* HEAD: the answer has none */
    const char *expected; /* content; NULL: whatever the first answer has */
    size_t expected_size;
};

struct load_options {
    char url[512];              /* for people */
    struct sockaddr_storage to; /* where to connect; unix sockets too */
    socklen_t to_size;
    struct load_request requests[LOAD_REQUESTS_MAX];
    uint32_t request_count;

    enum loop_kind loop;
    uint32_t threads;  /* of the active group; 0: chosen */
    uint32_t active;   /* connections; > 0 */
    uint32_t idle;     /* quiet ones; 0: none */
    double idle_rate;  /* wakings of quiet ones a second, in all */
    uint32_t pipeline; /* requests under way on a connection; 1: one at a time */
    uint32_t per_connection; /* requests on a connection before it is closed and opened anew; 0: no bound */

    enum load_arrivals arrivals;
    double rate;         /* requests a second in all; not for LOAD_CLOSED */
    double ramp_s;       /* over which active connections are opened */
    double warmup_s;     /* counted by nobody */
    double duration_s;   /* 0: until count */
    uint64_t count;      /* requests of the active group that are measured; 0: until duration_s */
    uint32_t timeout_ms; /* for one answer; then the connection is given up */
    enum load_verify verify;

    uint32_t sources; /* addresses to come from; 0: chosen (1 when the server is not on this machine) */
    cpu_set_t active_cores; /* empty: chosen */
    cpu_set_t idle_cores;
    pid_t pid; /* the server's; 0: not told */
    uint64_t seed;

    struct load_wording *wording; /* what the requests are made of (request.h); options.c's */
};

/* Why a request, or a connection, failed. */
enum load_error {
    LOAD_ERROR_CONNECT, /* refused, unreachable */
    LOAD_ERROR_CLOSED,  /* the server closed or reset it with answers owing */
    LOAD_ERROR_TIMEOUT,
    LOAD_ERROR_STATUS,  /* not what was expected */
    LOAD_ERROR_CONTENT, /* not what was expected */
    LOAD_ERROR_SYNTAX,  /* no HTTP/1.1 */
    LOAD_ERROR_COUNT
};

/* What one group did in the measured time. Histograms are in nanoseconds. */
struct load_group {
    uint64_t connections;    /* open at the end of the measured time */
    uint64_t opened, closed; /* in all */
    uint64_t requests;       /* sent */
    uint64_t answers;        /* right ones */
    uint64_t errors[LOAD_ERROR_COUNT];
    uint64_t octets_in, octets_out;
    struct histogram latency; /* of right answers, from when they were due */
    struct histogram service; /* the same from when they were sent */
    struct histogram connect; /* from connect(2) to the first answer on a new connection */
};

struct load_by_request {
    uint64_t answers, errors;
    struct histogram latency;
};

/* The server's process over the measured time; valid false: no pid, or it could not be read. */
struct load_server {
    bool valid;
    double cpu_s, user_s, system_s;           /* cpu_s is the finer one (its clock) */
    uint64_t resident, resident_before, peak; /* bytes */
    uint64_t minor_faults, major_faults;
    uint64_t switches, switches_forced;
    uint32_t threads;
};

struct load_result {
    double seconds; /* measured time */
    struct load_group active, idle;
    struct load_by_request *by_request; /* request_count of them; load_result_free */
    struct histogram lateness; /* how late this program itself was in sending (ns): what it can't tell from the server's */
    double own_cpu_s; /* of this program, in the measured time, the active group's threads */
    uint64_t own_resident;
    uint64_t missed; /* requests of the schedule that were still owing at the end */
    struct load_server server;
    uint32_t threads, idle_threads, sources; /* what was chosen */
    const char *loop;                        /* which one ran */
    char first_error[LOAD_ERROR_SIZE];       /* what the first failure was, in words; "" */
};

enum load_phase { LOAD_CONNECTING, LOAD_WARMING, LOAD_MEASURING, LOAD_ENDING };

/* How it stands: once a tenth of a second or so. */
struct load_moment {
    enum load_phase phase;
    double seconds;           /* in this phase */
    double share;             /* of this phase that is done; 0 to 1 */
    uint64_t active, idle;    /* connections open */
    uint64_t answers, errors; /* of the active group, since it was measured */
    double per_second;        /* answers, since the last moment */
    uint64_t p50_ns, p99_ns;  /* since the last moment; 0: none */
};

/* Tells how it stands; NULL: nobody wants to know. Answers whether to go on: false ends the load early and well. */
typedef bool load_progress(void *context, const struct load_moment *moment);

/* The whole of it: opens, warms up, measures, closes. 0; else -errno, and error is one line. The result is valid when 0 is
 * answered, however many requests failed. */
int leat__load_run(const struct load_options *o, struct load_result *r, load_progress *progress,
                   void *context, char *error, size_t error_size);
void leat__load_result_free(struct load_result *r);

/* ── Options ── (options.c, mix.c) */

/* Defaults: 64 active connections, a closed loop, a warm-up of 1 s, 10 s, 5 s for an answer, contents verified. */
void leat__load_options_init(struct load_options *o); /* owns memory: no copy of it may be freed too */
/* URL is http://HOST[:PORT][/PATH] or unix:/PATH[:/PATH]; becomes the only request. 0 or an exit status, and error. */
int leat__load_options_url(struct load_options *o, const char *url, char *error, size_t error_size);
/* One flag ("--active", "active", "-c") and its value, for `leat load` and for `leat compare`, which hands its load's flags
 * on. 1: it took the value too; 0: it took the flag alone; -ENOENT: no such flag; -EINVAL: error says what is wrong. */
int leat__load_options_flag(struct load_options *o, const char *name, const char *value,
                            char *error, size_t error_size);
/* After the last flag and the URL: reads files, makes the requests, refuses what does not go together. 0 or an exit status, and
 * error. */
int leat__load_options_check(struct load_options *o, char *error, size_t error_size);
void leat__load_options_free(struct load_options *o);
/* The flag that was meant, with its dashes; NULL: none is near. more: the caller's own names, without dashes; may be NULL. */
const char *leat__load_options_nearest(const char *name, const char *const *more, unsigned count);
/* A line each, as in --help: "  --active N, -c N       connections that work (64)" */
void leat__load_options_help(FILE *to);

/* ── The server's process ── (watch.c) */

struct load_watch {
    pid_t pid;
    double cpu_s, user_s, system_s;
    uint64_t resident, peak, minor_faults, major_faults, switches, switches_forced;
    uint32_t threads;
};
/* Now; 0 or -errno. Children of pid count too. */
int leat__load_watch(struct load_watch *w, pid_t pid);
void leat__load_watch_difference(struct load_server *out, const struct load_watch *from,
                                 const struct load_watch *to);

/* ── Telling ── */

const char *leat__load_error_name(enum load_error error);
/* For a terminal or a file; wide: columns. */
void leat__load_summary(FILE *to, const struct load_options *o, const struct load_result *r);
/* One JSON object and a newline; its shape is in doc/LOAD.md. */
void leat__load_json(FILE *to, const struct load_options *o, const struct load_result *r);

#endif
