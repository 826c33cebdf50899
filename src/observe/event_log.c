/* event_log.c: the writer: one thread that empties the ring, keeps the newest warnings, and writes.
 *
 *                     a record, a call              MOMENT_MS over, the ring half full, a call
 *     ┌─ SLEEPING ──────────────────────▶ GATHERING ──────────────────────────────────────────┐
 *     └──────────────◀ nothing was there ── AWAKE: takes all, makes lines, writes once ◀───────┘
 *
 * It differs from the access log's (access_log.c), which would rather wait than lose what it has taken: this one takes what
 * comes whatever becomes of its lines, for the live page wants to know of trouble also when a disk is full. Lines that are not
 * written yet wait in a buffer, and those that it has no room for are lost and counted. Nothing it writes to can hold it up but
 * a file's own disk: what is no file gets at most PIPE_BUF octets at a time, and only when it has room.
 *
 * It sleeps without an end, unless some kind of event has a period under way (event.c). */
#include "observe/log_file.h"
#include "observe/event_inside.h"

#include "base/clock.h"
#include "memory/seal.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    WRITER_STACK = 256 << 10,
    MOMENT_MS = 50,
    OUTAGE_MS = 1000,
};

_Static_assert(EVENT_OUT >= 2 * EVENT_LINE_MAX, "a line has room when another waits");

enum writer_state { AWAKE, GATHERING, SLEEPING };

atomic_int leat__event_level = LEAT_LOG_INFO;
atomic_bool leat__event_is_open;

static atomic_uint state; /* enum writer_state; what the writer waits on */
static atomic_bool closing;
static atomic_int next_fd = -1; /* the file to turn to, or -1 */
static _Atomic uint64_t lost;   /* lines that were made and not written */

/* Who opens and closes; who writes directly. */
static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;
static unsigned openers;

/* The writer's, and before it runs the opener's. */
static struct {
    pthread_t thread;
    char *path; /* NULL: standard error */
    int fd;
    bool is_file;                        /* and so takes any size at once */
    bool is_default;                     /* text on stderr, because nobody said otherwise */
    bool is_troubled;                    /* and it was told */
    int64_t taken_ms;                    /* when the last octets were taken; monotonic */
    int64_t losses_ms;                   /* when losses were told last */
    uint64_t losses_told, losses_before; /* before it was opened */
    struct event_style style;
    size_t start, end; /* out[start, end) is to be written */
} writer;
static char out[EVENT_OUT], line[EVENT_LINE_MAX], texts[EVENT_MESSAGE_MAX + EVENT_FIELDS_MAX];

static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static struct event_told kept[EVENTS_KEPT];
static uint64_t kept_count; /* ever */

size_t leat__events_footprint(void)
{
    return EVENT_RING + sizeof out + sizeof line + sizeof texts + sizeof kept + 4 * (size_t)PAGE_SIZE_BYTES;
}

uint64_t leat__events_dropped(void)
{
    return leat__event_ring_dropped() + atomic_load_explicit(&lost, memory_order_relaxed);
}

/* ── Sleeping and waking ── */

static void futex(int what, unsigned value, int64_t timeout_ms)
{
    struct timespec timeout = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000};
    syscall(SYS_futex, &state, what, value, timeout_ms > 0 ? &timeout : NULL, NULL, 0);
}

static void rouse(void)
{
    atomic_store(&state, AWAKE);
    futex(FUTEX_WAKE_PRIVATE, 1, 0);
}

void leat__event_wake(bool filling)
{
    unsigned now = atomic_load(&state);
    if (LIKELY(now != SLEEPING && !(filling && now == GATHERING)))
        return;
    if (atomic_compare_exchange_strong(&state, &now, AWAKE))
        futex(FUTEX_WAKE_PRIVATE, 1, 0);
}

static void wait_in(enum writer_state how, int64_t timeout_ms)
{
    bool is_called;
    atomic_store(&state, how);
    is_called = atomic_load(&closing) || atomic_load(&next_fd) >= 0;
    if (!is_called && !(how == SLEEPING && !leat__event_ring_is_empty()))
        futex(FUTEX_WAIT_PRIVATE, how, timeout_ms);
    atomic_store(&state, AWAKE);
}

static void rest(bool found_some)
{
    if (!found_some && writer.start == writer.end) {
        int64_t next_ms = leat__event_kind_next_ms(), now_ms = leat__clock_now_ms();
        wait_in(SLEEPING, next_ms == INT64_MAX ? 0 : next_ms > now_ms ? next_ms - now_ms : 1);
    }
    wait_in(GATHERING, MOMENT_MS);
}

/* ── Writing ── */

static void look_at(int fd)
{
    struct stat status;
    writer.fd = fd;
    writer.is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    writer.taken_ms = leat__clock_now_ms();
}

/* A line of which an old file has the beginning stays whole nowhere. */
static void turn_to_next_file(void)
{
    int fd = atomic_exchange(&next_fd, -1);
    if (fd < 0)
        return;
    if (writer.start > 0 && writer.start < writer.end && out[writer.start - 1] != '\n') {
        const char *line_end = memchr(out + writer.start, '\n', writer.end - writer.start);
        writer.start = (size_t)(line_end - out) + 1;
        atomic_fetch_add_explicit(&lost, 1, memory_order_relaxed);
    }
    close(writer.fd);
    look_at(fd);
}

/* As many octets as are taken at once, waiting at most patience_ms for room, or -errno. */
static ssize_t write_some(int patience_ms)
{
    size_t size = writer.end - writer.start;
    if (!writer.is_file) {
        struct pollfd ready = {.fd = writer.fd, .events = POLLOUT};
        if (poll(&ready, 1, patience_ms) == 0)
            return -EAGAIN;
        size = size_min(size, PIPE_BUF);
    }
    ssize_t written = write(writer.fd, out + writer.start, size);
    return written > 0 ? written : written < 0 ? -errno : -EIO;
}

static void keep(const struct event_record *record)
{
    struct event_told told = {.time_ms = record->time_ms, .level = record->level};
    leat__event_tell(told.text, line, record);
    pthread_mutex_lock(&kept_lock);
    kept[kept_count++ % EVENTS_KEPT] = told;
    pthread_mutex_unlock(&kept_lock);
}

/* One line about the log itself on stderr, which is not the log, without stdio; and one for the page. */
static void tell_trouble(const char *what, const char *more)
{
    char text[512];
    int size = snprintf(text, sizeof text, "leat: log %.300s: %s%s\n",
                        writer.path != NULL ? writer.path : "-", what, more);
    struct event_record record = {
        .time_ms = leat__clock_realtime_ms(),
        .message = text + 6,
        .message_size = (uint32_t)size_min((size_t)size, sizeof text - 1) - 7,
        .level = LEAT_LOG_WARNING,
    };
    keep(&record);
    if (writer.path != NULL) {
        ssize_t written = write(STDERR_FILENO, text, size_min((size_t)size, sizeof text - 1));
        (void)written; /* nobody may be listening */
    }
}

static void note_failure(ssize_t error)
{
    bool is_slow = error == -EAGAIN;
    if (writer.is_troubled || (is_slow && leat__clock_now_ms() - writer.taken_ms < OUTAGE_MS))
        return;
    writer.is_troubled = true;
    tell_trouble(is_slow ? "nobody takes what is written" : strerror((int)-error),
                 "; lines without room are dropped");
}

/* What is taken now. */
static void write_out(int patience_ms)
{
    while (writer.start < writer.end) {
        ssize_t written = write_some(patience_ms);
        if (written == -EINTR)
            continue;
        if (written < 0) {
            note_failure(written);
            return;
        }
        writer.start += (size_t)written;
        writer.taken_ms = leat__clock_now_ms();
        writer.is_troubled = false;
    }
    writer.start = writer.end = 0;
    writer.taken_ms = leat__clock_now_ms();
}

static void make_room(size_t size)
{
    if (EVENT_OUT - writer.end >= size)
        return;
    write_out(0);
    memmove(out, out + writer.start, writer.end - writer.start);
    writer.end -= writer.start;
    writer.start = 0;
}

/* ── Records ── */

static void add_line(const struct event_record *record)
{
    if (record->is_quiet || (record->is_said && writer.is_default))
        return;
    size_t size = leat__event_line_write(line, &writer.style, record);
    make_room(size);
    if (EVENT_OUT - writer.end < size) {
        atomic_fetch_add_explicit(&lost, 1, memory_order_relaxed);
        return;
    }
    memcpy(out + writer.end, line, size);
    writer.end += size;
}

static void add(const struct event_record *record)
{
    if (record->level <= LEAT_LOG_WARNING)
        keep(record);
    add_line(record);
}

static bool empty_ring(int64_t now_ms)
{
    struct event_record record;
    bool found_some = false;
    /* a ring's worth at most, so that other things have their turn while it is filled */
    for (size_t taken = 0; taken < EVENT_RING && leat__event_ring_take(&record, texts);) {
        taken += 64 + record.message_size + record.fields_size;
        if (record.kind < EVENT_KINDS)
            leat__event_kind_written((enum event_kind)record.kind, now_ms);
        add(&record);
        found_some = true;
    }
    return found_some;
}

static void tell_more(enum event_kind kind, uint64_t more)
{
    char text[256];
    int size = snprintf(text, sizeof text, "%s: %llu more in %d s", leat__event_kind_text(kind),
                        (unsigned long long)more, EVENT_PERIOD_MS / 1000);
    struct event_record record = {
        .time_ms = leat__clock_realtime_ms(),
        .area = leat__event_kind_area(kind),
        .message = text,
        .message_size = (uint32_t)size_min((size_t)size, sizeof text - 1),
        .level = (uint8_t)leat__event_kind_level(kind),
    };
    record.is_quiet = event_is_quiet(leat__event_kind_level(kind));
    add(&record);
}

static void tell_losses(int64_t now_ms, bool at_once)
{
    char text[128];
    uint64_t dropped = leat__events_dropped();
    if (dropped == writer.losses_told || writer.is_troubled ||
        (!at_once && now_ms - writer.losses_ms < EVENT_PERIOD_MS && writer.losses_ms != 0))
        return;
    int size = snprintf(text, sizeof text,
                        "%llu lines were dropped: they came faster than they were taken",
                        (unsigned long long)(dropped - writer.losses_told));
    writer.losses_told = dropped;
    writer.losses_ms = now_ms;
    struct event_record record = {
        .time_ms = leat__clock_realtime_ms(),
        .area = "log",
        .message = text,
        .message_size = (uint32_t)size,
        .level = LEAT_LOG_WARNING,
        .is_quiet = event_is_quiet(LEAT_LOG_WARNING),
    };
    add(&record);
}

/* Everything that is there; what nobody takes for OUTAGE_MS is let go. */
static void finish(void)
{
    char number[24];
    while (empty_ring(leat__clock_now_ms())) {
    }
    enum event_kind kind;
    uint64_t more;
    while (leat__event_kind_over(INT64_MAX - EVENT_PERIOD_MS, &kind, &more))
        tell_more(kind, more);
    writer.is_troubled = false;
    tell_losses(0, true);
    write_out(OUTAGE_MS);
    for (; writer.start < writer.end; writer.start++)
        if (out[writer.start] == '\n')
            atomic_fetch_add_explicit(&lost, 1, memory_order_relaxed);
    snprintf(number, sizeof number, "%llu",
             (unsigned long long)(leat__events_dropped() - writer.losses_before));
    if (leat__events_dropped() > writer.losses_told)
        tell_trouble("lines that were dropped: ", number);
}

static void *writer_main(void *argument)
{
    (void)argument;
    while (!atomic_load(&closing)) {
        enum event_kind kind;
        uint64_t more;
        int64_t now_ms = leat__clock_now_ms();
        turn_to_next_file();
        bool found_some = empty_ring(now_ms);
        while (leat__event_kind_over(now_ms, &kind, &more))
            tell_more(kind, more);
        tell_losses(now_ms, false);
        write_out(0);
        rest(found_some);
    }
    turn_to_next_file();
    finish();
    return NULL;
}

/* ── Without a writer ── */

/* systemd says which stream is its journal's: device and inode. */
static bool is_journal(int fd)
{
    struct stat status;
    char mine[64];
    const char *theirs = getenv("JOURNAL_STREAM");
    if (theirs == NULL || fstat(fd, &status) < 0)
        return false;
    snprintf(mine, sizeof mine, "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    return strcmp(mine, theirs) == 0;
}

void leat__event_write_directly(const struct event_record *record)
{
    static char direct[EVENT_LINE_MAX];
    if (record->is_quiet)
        return;
    pthread_mutex_lock(&door);
    struct event_style style = {.is_journal = is_journal(STDERR_FILENO)};
    ssize_t written = write(STDERR_FILENO, direct, leat__event_line_write(direct, &style, record));
    (void)written; /* nobody may be listening */
    pthread_mutex_unlock(&door);
}

/* ── Looking ── */

bool leat__events_newest(uint32_t i, struct event_told *told)
{
    pthread_mutex_lock(&kept_lock);
    bool is_there = i < EVENTS_KEPT && i < kept_count;
    if (is_there)
        *told = kept[(kept_count - 1 - i) % EVENTS_KEPT];
    pthread_mutex_unlock(&kept_lock);
    return is_there;
}

/* ── Opening and closing ── */

static int start_writer(void)
{
    pthread_attr_t attributes;
    sigset_t all, old;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, WRITER_STACK);
    sigfillset(&all); /* SIGPIPE and SIGXFSZ too: what they say, write(2) says */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = -pthread_create(&writer.thread, &attributes, writer_main, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

static void forget(void)
{
    int never_used = atomic_exchange(&next_fd, -1);
    if (never_used >= 0)
        close(never_used);
    if (writer.path != NULL)
        close(writer.fd);
    leat__start_free(writer.path);
    writer.path = NULL;
}

static int open_first(const char *path, enum event_format format, char *error, size_t error_size)
{
    bool is_stderr = path == NULL || strcmp(path, "-") == 0;
    int fd = is_stderr ? STDERR_FILENO : leat__log_open_file(path);
    if (fd < 0) {
        snprintf(error, error_size, "log %s: %s%s", path, strerror(-fd), leat__log_way_out(fd));
        return fd;
    }
    writer.path = is_stderr ? NULL : leat__start_copy(path);
    writer.is_default = path == NULL && format == EVENT_TEXT;
    writer.is_troubled = false;
    writer.losses_ms = 0;
    writer.losses_told = writer.losses_before = leat__events_dropped();
    writer.start = writer.end = 0;
    writer.style = (struct event_style){format, is_stderr && is_journal(fd)};
    look_at(fd);
    atomic_store(&state, AWAKE);
    atomic_store(&closing, false);
    leat__event_kinds_begin();
    int failed = start_writer();
    if (failed < 0) {
        snprintf(error, error_size, "the log's thread could not be started: %s", strerror(-failed));
        forget();
    }
    return failed;
}

int leat__events_open(const char *path, enum event_format format, enum leat_log_level level,
                      char *error, size_t error_size)
{
    int status = 0;
    pthread_mutex_lock(&door);
    if (openers == 0) {
        status = open_first(path, format, error, error_size);
        if (status == 0) {
            atomic_store(&leat__event_level, (int)level);
            atomic_store(&leat__event_is_open, true);
        }
    }
    openers += status == 0;
    pthread_mutex_unlock(&door);
    return status;
}

void leat__events_set_level(enum leat_log_level level)
{
    atomic_store(&leat__event_level, (int)level);
}

int leat__events_reopen(void)
{
    int status = 0;
    pthread_mutex_lock(&door);
    if (openers > 0 && writer.path != NULL) {
        int fd = leat__log_open_file(writer.path);
        int never_used = fd >= 0 ? atomic_exchange(&next_fd, fd) : -1;
        if (never_used >= 0)
            close(never_used);
        if (fd >= 0)
            rouse();
        status = fd < 0 ? fd : 0;
    }
    pthread_mutex_unlock(&door);
    return status;
}

void leat__events_close(void)
{
    pthread_mutex_lock(&door);
    ASSERT(openers > 0);
    if (--openers == 0) {
        atomic_store(&leat__event_is_open, false);
        atomic_store(&closing, true);
        rouse();
        pthread_join(writer.thread, NULL);
        forget();
    }
    pthread_mutex_unlock(&door);
}
