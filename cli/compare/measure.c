/* measure.c: one measurement: a fresh server, and a load in a process of its own.
 *
 *     us ── starts ──▶ server (its cores)      The load's process hands back what it counted through a pipe, in one piece, and
 *      └── forks ────▶ load   (its cores)      ends; so no measurement finds what another one left behind: no warm
 *                                              memory, no thread, no descriptor. Dies the server meanwhile, then the
 * load is ended at once and the server's last words are told. An answer that is wrong spoils the measurement: a server is
 * not fast by answering wrongly. */
#include "compare/compare.h"

#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GRACE_S = 60 }; /* that a load may take beside its times, before it is taken for hung */

/* What comes through the pipe. */
struct report {
    int status;
    struct compare_measure m;
    char error[COMPARE_ERROR_SIZE];
};

/* ── In the load's process ── */

static double seconds_at(const struct histogram *h, double share)
{
    return leat__histogram_count(h) > 0 ? (double)leat__histogram_quantile(h, share) / 1e9 : NAN;
}

static uint64_t count_errors(const struct load_group *g)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < LOAD_ERROR_COUNT; i++)
        all += g->errors[i];
    return all;
}

static void fill(struct report *report, const struct load_result *r)
{
    unsigned long long errors = count_errors(&r->active) + count_errors(&r->idle);
    unsigned long long requests = r->active.requests + r->idle.requests;
    double answers = (double)r->active.answers, all = answers + (double)r->idle.answers;
    double *figure = report->m.figure;
    if (errors > 0 || r->active.answers == 0) {
        report->status = -EPROTO;
        if (errors == 0)
            snprintf(report->error, sizeof report->error, "no request was answered in the measured time");
        else
            snprintf(report->error, sizeof report->error, "%llu of %llu requests failed%s%s",
                     errors, requests, r->first_error[0] != '\0' ? ": " : "", r->first_error);
        return;
    }
    for (unsigned i = 0; i < FIGURE_COUNT; i++)
        figure[i] = NAN;
    if (r->server.valid && r->server.cpu_s > 0)
        figure[FIGURE_CPU] = r->server.cpu_s / all;
    if (r->server.valid && r->server.resident > 0)
        figure[FIGURE_RESIDENT] = (double)r->server.resident;
    figure[FIGURE_RATE] = answers / r->seconds;
    figure[FIGURE_P50] = seconds_at(&r->active.latency, 0.5);
    figure[FIGURE_P99] = seconds_at(&r->active.latency, 0.99);
    figure[FIGURE_P999] = seconds_at(&r->active.latency, 0.999);
    report->m.answers = answers;
    report->m.octets_per_answer = (double)r->active.octets_in / answers;
}

static _Noreturn void load_and_end(const struct load_options *load, const cpu_set_t *cores,
                                   pid_t parent, int out)
{
    static struct load_result result;
    static struct report report;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    sched_setaffinity(0, sizeof *cores, cores);
    report.status = leat__load_run(load, &result, NULL, NULL, report.error, sizeof report.error);
    if (report.status == 0)
        fill(&report, &result);
    const char *at = (const char *)&report;
    for (size_t left = sizeof report; left > 0;) {
        ssize_t n = write(out, at, left);
        if (n < 0)
            _exit(1);
        at += n;
        left -= (size_t)n;
    }
    _exit(0);
}

/* ── In ours ── */

/* Reads the report; the server's end, an interruption and the time cut it short. 0 or -errno, and error without a name. */
static int await_report(int in, const struct compare_server *s, double within_s,
                        struct report *report, char *error, size_t error_size)
{
    size_t got = 0;
    struct pollfd two[] = {{.fd = in, .events = POLLIN}, {.fd = s->pidfd, .events = POLLIN}};
    int64_t until = leat__clock_now_ms() + (int64_t)(within_s * 1000), left;
    while (got < sizeof *report) {
        if (leat__compare_interrupted)
            return -EINTR;
        if ((left = until - leat__clock_now_ms()) <= 0) {
            snprintf(error, error_size, "the load did not end within %.0f s", within_s);
            return -ETIMEDOUT;
        }
        if (poll(two, 2, (int)left) < 0)
            continue;
        if (two[1].revents != 0)
            return -ECHILD;
        ssize_t n = two[0].revents != 0 ? read(in, (char *)report + got, sizeof *report - got) : -1;
        if (n == 0) {
            snprintf(error, error_size, "the load's process ended early");
            return -EPIPE;
        }
        got += n > 0 ? (size_t)n : 0;
    }
    if (report->status != 0)
        snprintf(error, error_size, "%s", report->error);
    return report->status;
}

static int run_load(struct compare_measure *m, const struct compare_server *s,
                    const struct load_options *load, const struct compare_options *o, char *error,
                    size_t error_size)
{
    static struct report report;
    char why[COMPARE_ERROR_SIZE / 2] = "";
    int pipes[2];
    pid_t parent = getpid();
    if (pipe2(pipes, O_CLOEXEC) < 0) {
        snprintf(error, error_size, "%s: pipe: %s", s->name, strerror(errno));
        return -errno;
    }
    pid_t child = fork();
    if (child == 0)
        load_and_end(load, &o->cores, parent, pipes[1]);
    close(pipes[1]);
    double within_s = load->ramp_s + load->warmup_s + load->duration_s + load->timeout_ms / 1e3 + GRACE_S;
    if (load->duration_s <= 0)
        within_s += 86400; /* it is the count that ends it */
    int status = child < 0 ? -errno : await_report(pipes[0], s, within_s, &report, why, sizeof why);
    close(pipes[0]);
    if (child > 0) {
        if (status != 0)
            kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    if (status == 0)
        *m = report.m;
    else if (!leat__compare_server_ended(s, "midway", error, error_size))
        snprintf(error, error_size, "%s: %s", s->name,
                 status == -EINTR ? "interrupted"
                 : why[0] != '\0' ? why
                                  : strerror(-status));
    return status;
}

/* The command with the settings and a port of its own. 0 or -errno. */
static int start(struct compare_server *s, const struct compare_options *o,
                 const struct compare_candidate *c, char *url, size_t url_size, char *error,
                 size_t error_size)
{
    static struct compare_words words;
    struct compare_setting settings[COMPARE_VARY_MAX + 1];
    uint32_t count = c->setting_count;
    int port = leat__compare_free_port();
    if (port < 0) {
        snprintf(error, error_size, "%s: there is no free port: %s", c->name, strerror(-port));
        return port;
    }
    memcpy(settings, c->settings, sizeof settings);
    settings[count] = (struct compare_setting){.name = "port"};
    snprintf(settings[count].value, sizeof settings[count].value, "%d", port);
    if (leat__compare_words_fill(&words, &c->command, settings, count + 1) < 0 ||
        leat__compare_fill(url, url_size, c->url, settings, count + 1) < 0) {
        snprintf(error, error_size, "%s: with its settings the command is too long", c->name);
        return -E2BIG;
    }
    return leat__compare_server_start(s, c->name, words.word, &o->server_cores, error, error_size);
}

int leat__compare_measure(struct compare_measure *m, const struct compare_options *o,
                          const struct compare_candidate *c, char *error, size_t error_size)
{
    static struct load_options load;
    struct compare_server server = {.pidfd = -1, .said = -1, .name = c->name};
    char url[sizeof c->url], why[COMPARE_ERROR_SIZE / 2];
    snprintf(url, sizeof url, "%s", c->url);
    if (c->pid > 0 && kill(c->pid, 0) < 0 && errno == ESRCH) {
        snprintf(error, error_size, "%s: there is no process %d", c->name, (int)c->pid);
        return -ESRCH;
    }
    int status = c->command.count > 0 ? start(&server, o, c, url, sizeof url, error, error_size) : 0;
    if (status < 0)
        return status;
    if (leat__compare_options_load(o, url, &load, why, sizeof why) != 0) {
        snprintf(error, error_size, "%s: %s", c->name, why);
        leat__compare_server_stop(&server);
        return -EINVAL;
    }
    load.pid = server.pid > 0 ? server.pid : c->pid;
    status = leat__compare_server_wait(&server, &load, o->start_within_s, error, error_size);
    if (status == 0)
        status = run_load(m, &server, &load, o, error, error_size);
    leat__load_options_free(&load);
    leat__compare_server_stop(&server);
    return status;
}
