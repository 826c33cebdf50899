/* access_log.c: the writer: one thread that empties the rings into a file.
 *
 *                       a record, a call               MOMENT_MS over, a ring half full, a call
 *     ┌─ SLEEPING ───────────────────────▶ GATHERING ─────────────────────────────────────────┐
 *     └───────────────◀ nothing was there ── AWAKE: takes all, makes lines, writes ◀──────────┘
 *                                             └ something was there: gathers again, without sleeping
 *
 * So under load no shard makes a system call: the writer comes by itself twenty times a second, sooner only when a ring
 * fills. A shard wakes it when it sleeps: it stores the ring's head and then looks at the state; the writer stores the
 * state and then looks at the heads, all in one order, so one of them sees the other.
 *
 * Lines wait in one buffer. A file takes all of it by one write. What is no file (a pipe, a terminal, a socket) is asked
 * by poll first and gets at most PIPE_BUF octets, which it then takes without blocking: so a reader that stands still
 * never keeps the server from stopping. What a short write left is written later, from where it stopped. */
#include "observe/log_file.h"
#include "observe/access_inside.h"

#include "base/clock.h"
#include "memory/seal.h"
#include "observe/events.h"
#include "observe/tally.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    ACCESS_BUFFER = 128 << 10,
    WRITER_STACK = 256 << 10,
    MOMENT_MS = 50,
    OUTAGE_MS = 1000,
};

_Static_assert(ACCESS_BUFFER >= 3 * ACCESS_LINE_MAX, "many lines go out by one write");

enum writer_state { AWAKE, GATHERING, SLEEPING, PAUSING };

struct access_log {
    /* The writer's. */
    char *path;
    int fd;
    bool is_file;      /* and so takes any size at once */
    bool is_troubled;  /* the last write failed, and stderr knows */
    bool has_given_up; /* closing, and the last try failed */
    uint64_t lost;     /* lines that were made and not written */
    uint64_t made;     /* lines in out */
    uint64_t told;     /* lines that were dropped, as the event log knows */
    int64_t told_ms;   /* since when; monotonic */
    char *out, *texts; /* lines, and the texts of the record that becomes one */
    size_t start, end; /* out[start, end) is to be written */
    struct access_style style;
    pthread_t thread;
    /* Everybody's. */
    _Alignas(CACHE_LINE) atomic_uint state; /* enum writer_state; what the writer waits on */
    atomic_int next_fd;                     /* the file to turn to, or -1 */
    atomic_bool closing;
    uint32_t ring_count;
    _Atomic(struct access_ring *) rings[];
};

/* ── Sleeping and waking ── */

static void futex(atomic_uint *word, int what, unsigned value, int64_t timeout_ms)
{
    struct timespec timeout = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000};
    syscall(SYS_futex, word, what, value, timeout_ms > 0 ? &timeout : NULL, NULL, 0);
}

static void rouse(struct access_log *log)
{
    atomic_store(&log->state, AWAKE);
    futex(&log->state, FUTEX_WAKE_PRIVATE, 1, 0);
}

void leat__access_wake(struct access_ring *ring, bool filling)
{
    struct access_log *log = ring->log;
    if (UNLIKELY(log == NULL))
        return;
    unsigned state = atomic_load(&log->state);
    if (LIKELY(state != SLEEPING && !(filling && state == GATHERING)))
        return;
    if (atomic_compare_exchange_strong(&log->state, &state, AWAKE))
        futex(&log->state, FUTEX_WAKE_PRIVATE, 1, 0);
}

/* Whether somebody wants more of the writer than lines. */
static bool is_called(struct access_log *log)
{
    return atomic_load(&log->closing) || atomic_load(&log->next_fd) >= 0;
}

static bool has_records(struct access_log *log)
{
    for (uint32_t i = 0; i < log->ring_count; i++) {
        struct access_ring *ring = atomic_load(&log->rings[i]);
        if (ring != NULL && !access_ring_is_empty(ring))
            return true;
    }
    return false;
}

static void wait_in(struct access_log *log, enum writer_state state, int64_t timeout_ms)
{
    atomic_store(&log->state, state);
    if (!is_called(log) && !(state == SLEEPING && has_records(log)))
        futex(&log->state, FUTEX_WAIT_PRIVATE, state, timeout_ms);
    atomic_store(&log->state, AWAKE);
}

static void rest(struct access_log *log, bool found_some)
{
    if (!found_some)
        wait_in(log, SLEEPING, 0);
    wait_in(log, GATHERING, MOMENT_MS);
}

/* ── Writing ── */

static _Atomic uint64_t written_lines; /* of all logs that there ever were */

uint64_t leat__access_lines(void)
{
    return atomic_load_explicit(&written_lines, memory_order_relaxed);
}

/* One line on stderr, without stdio; and an event, which a log on stderr does not tell once more. */
static void say(const struct access_log *log, const char *what, const char *more)
{
    leat__event_say(LEAT_LOG_WARNING, "access log", true, "%.700s: %s%s", log->path, what, more);
    char line[1024];
    int size = snprintf(line, sizeof line - 1, "leat: access log %.700s: %s%s", log->path, what, more);
    size_t used = size_min((size_t)size, sizeof line - 2);
    line[used++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written; /* nobody may be listening */
}

static void look_at(struct access_log *log, int fd)
{
    struct stat status;
    log->fd = fd;
    log->is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* The old file has whole lines, or at its end the beginning of one that no disk had room for: the new one begins with the
 * next. */
static void turn_to_next_file(struct access_log *log)
{
    int fd = atomic_exchange(&log->next_fd, -1);
    if (fd < 0)
        return;
    if (log->start > 0 && log->start < log->end && log->out[log->start - 1] != '\n') {
        const char *line_end = memchr(log->out + log->start, '\n', log->end - log->start);
        log->start = (size_t)(line_end - log->out) + 1;
        log->lost++;
        log->made--;
    }
    close(log->fd);
    look_at(log, fd);
}

/* As many octets as it takes without blocking for long, or -errno. */
static ssize_t write_some(struct access_log *log)
{
    size_t size = log->end - log->start;
    if (!log->is_file) {
        struct pollfd ready = {.fd = log->fd, .events = POLLOUT};
        if (poll(&ready, 1, OUTAGE_MS) == 0)
            return -EAGAIN;
        size = size_min(size, PIPE_BUF);
    }
    ssize_t written = write(log->fd, log->out + log->start, size);
    return written > 0 ? written : written < 0 ? -errno : -EIO;
}

static void count_lost(struct access_log *log)
{
    for (; log->start < log->end; log->start++)
        log->lost += log->out[log->start] == '\n';
}

static void tell_trouble(struct access_log *log, ssize_t error)
{
    if (log->is_troubled)
        return;
    log->is_troubled = true;
    const char *what = error == -EAGAIN ? "nobody takes what is written" : strerror((int)-error);
    say(log, what, "; lines wait until it can be written again, and those without room are dropped");
}

/* Writes the buffer, however long that takes; only who closes the log waits no longer than one try. */
static void write_out(struct access_log *log)
{
    while (log->start < log->end && !log->has_given_up) {
        bool is_last_try = atomic_load(&log->closing);
        ssize_t written = write_some(log);
        if (written > 0) {
            log->start += (size_t)written;
            continue;
        }
        if (written == -EINTR)
            continue;
        tell_trouble(log, written);
        if (is_last_try) {
            log->has_given_up = true;
            break;
        }
        wait_in(log, PAUSING, OUTAGE_MS);
        turn_to_next_file(log);
    }
    uint64_t lost_before = log->lost;
    count_lost(log);
    atomic_fetch_add_explicit(&written_lines, log->made - (log->lost - lost_before), memory_order_relaxed);
    log->made = 0;
    if (log->is_troubled && !log->has_given_up) {
        log->is_troubled = false;
        say(log, "can be written again", "");
    }
    log->start = log->end = 0;
}

/* ── Emptying the rings ── */

/* Until where it was filled when we came, so that a busy shard does not keep the others waiting. */
static bool empty_ring(struct access_log *log, struct access_ring *ring)
{
    struct access_record record;
    size_t until = atomic_load_explicit(&ring->head, memory_order_acquire);
    bool found_some = false;
    while (leat__access_take(ring, until, &record, log->texts)) {
        if (ACCESS_BUFFER - log->end < ACCESS_LINE_MAX)
            write_out(log);
        log->end += leat__access_line_write(log->out + log->end, &log->style, &record);
        log->made++;
        found_some = true;
    }
    return found_some;
}

static uint64_t count_dropped(const struct access_log *log)
{
    uint64_t lines = log->lost;
    for (uint32_t i = 0; i < log->ring_count; i++) {
        struct access_ring *ring = atomic_load(&log->rings[i]);
        lines += ring != NULL ? tally_read(&ring->dropped) : 0;
    }
    return lines;
}

/* The event log hears of them now and then. */
static void tell_drops(struct access_log *log)
{
    uint64_t dropped = count_dropped(log);
    int64_t now_ms = leat__clock_now_ms();
    if (dropped == log->told || (log->told_ms != 0 && now_ms - log->told_ms < EVENT_PERIOD_MS))
        return;
    leat__event_say(LEAT_LOG_WARNING, "access log", false, "%llu lines were dropped: it is too slow",
                    (unsigned long long)(dropped - log->told));
    log->told = dropped;
    log->told_ms = now_ms;
}

static void *writer_main(void *argument)
{
    struct access_log *log = argument;
    for (;;) {
        bool closing = atomic_load(&log->closing);
        bool found_some = false;
        turn_to_next_file(log);
        for (uint32_t i = 0; i < log->ring_count; i++) {
            struct access_ring *ring = atomic_load(&log->rings[i]);
            if (ring != NULL)
                found_some |= empty_ring(log, ring);
        }
        write_out(log);
        tell_drops(log);
        if (closing)
            return NULL;
        rest(log, found_some);
    }
}

/* ── Opening and closing ── */

static int start_writer(struct access_log *log)
{
    pthread_attr_t attributes;
    sigset_t all, old;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, WRITER_STACK);
    sigfillset(&all); /* SIGPIPE and SIGXFSZ too: what they say, write(2) says */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = -pthread_create(&log->thread, &attributes, writer_main, log);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

static bool is_standard_output(const char *path)
{
    return strcmp(path, "-") == 0;
}

static void forget(struct access_log *log)
{
    int never_used = atomic_load(&log->next_fd);
    if (never_used >= 0)
        close(never_used);
    if (!is_standard_output(log->path))
        close(log->fd);
    leat__start_free(log->texts);
    leat__start_free(log->out);
    leat__start_free(log->path);
    leat__start_free(log);
}

struct access_log *leat__access_log_open(const char *path, enum access_format format,
                                         uint32_t ring_count, char *error, size_t error_size)
{
    int fd = is_standard_output(path) ? STDOUT_FILENO : leat__log_open_file(path);
    if (fd < 0) {
        snprintf(error, error_size, "access log %s: %s%s", path, strerror(-fd), leat__log_way_out(fd));
        return NULL;
    }
    struct access_log *log = leat__start_alloc(sizeof *log + ring_count * sizeof log->rings[0]);
    log->path = leat__start_copy(path);
    log->out = leat__start_alloc(ACCESS_BUFFER);
    log->texts = leat__start_alloc(ACCESS_RECORD_MAX);
    log->ring_count = ring_count;
    leat__access_style_init(&log->style, format, leat__clock_realtime_s());
    look_at(log, fd);
    atomic_init(&log->state, AWAKE);
    atomic_init(&log->next_fd, -1);
    atomic_init(&log->closing, false);
    for (uint32_t i = 0; i < ring_count; i++)
        atomic_init(&log->rings[i], NULL);
    int failed = start_writer(log);
    if (failed < 0) {
        snprintf(error, error_size, "access log %s: its thread could not be started: %s", path,
                 strerror(-failed));
        forget(log);
        return NULL;
    }
    return log;
}

void leat__access_log_attach(struct access_log *log, uint32_t index, struct access_ring *ring)
{
    ASSERT(index < log->ring_count);
    ring->log = log;
    ring->wants_details = log->style.format == ACCESS_JSON;
    atomic_store(&log->rings[index], ring);
}

int leat__access_log_reopen(struct access_log *log)
{
    if (is_standard_output(log->path))
        return 0;
    int fd = leat__log_open_file(log->path);
    if (fd < 0)
        return fd;
    int never_used = atomic_exchange(&log->next_fd, fd);
    if (never_used >= 0)
        close(never_used);
    rouse(log);
    return 0;
}

static void tell_losses(const struct access_log *log)
{
    char number[24];
    uint64_t lines = count_dropped(log);
    snprintf(number, sizeof number, "%llu", (unsigned long long)lines);
    if (lines > 0)
        say(log, "lines that were dropped: ", number);
}

void leat__access_log_close(struct access_log *log)
{
    if (log == NULL)
        return;
    atomic_store(&log->closing, true);
    rouse(log);
    pthread_join(log->thread, NULL);
    tell_losses(log);
    forget(log);
}
