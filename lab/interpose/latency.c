/* latency.c: the file that calls are counted in, and who has which place in it. See latency.h.
 *
 * What must always be true: a thread's place is written by that thread only, from when it took it until it ended; nothing here
 * allocates, for it is called by who stands in an allocator's place. (pthread_setspecific may, of a thread with many keys: by
 * then the thread has its place, so that call is counted like any other.) */
#define _GNU_SOURCE
#include "interpose/latency.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct lab_recorder lab_recorder;
_Thread_local struct lab_thread *lab_mine;

static pthread_key_t at_end;
static bool has_key;
static _Thread_local struct lab_thread *left
    __attribute__((tls_model("initial-exec"))); /* this thread's place, once */

/* The thread ends: another may go on with its place. What it counted stays. The C library frees some more behind this: for
 * each of these calls a place is taken and left again. */
static void leave(void *place)
{
    left = place;
    lab_mine = NULL;
    lab_leave(left);
}

void lab_leave(struct lab_thread *t)
{
    atomic_store_explicit(&t->owner, 0, memory_order_release);
}

/* The child of a fork has one thread, and that one's place is the parent's. */
static void forked(void)
{
    lab_mine = left = NULL;
    if (has_key)
        pthread_setspecific(at_end, NULL);
}

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Whoever comes first writes the head; all of one file write the same. */
static struct lab_head *map_file(int fd, const struct lab_head *wanted)
{
    struct lab_head head;
    size_t size = lab_file_size(wanted);
    ssize_t had = pread(fd, &head, sizeof head, 0);
    bool is_new = had == 0 || (had == sizeof head && head.magic == 0);
    if (!is_new && (had != sizeof head || head.magic != LAB_MAGIC ||
                    head.timing != wanted->timing || head.thread_max != wanted->thread_max ||
                    memcmp(head.places, wanted->places, sizeof head.places) != 0))
        return NULL;
    if (is_new &&
        (ftruncate(fd, (off_t)size) < 0 || pwrite(fd, wanted, sizeof *wanted, 0) != sizeof *wanted))
        return NULL;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

static bool is_timing(void)
{
    const char *mode = lab_user.mode != NULL ? getenv(lab_user.mode) : "time";
    return mode != NULL && strcmp(mode, "time") == 0;
}

__attribute__((constructor)) void lab_open(void)
{
    const char *path = lab_recorder.head == NULL ? getenv(lab_user.file) : NULL;
    if (path == NULL)
        return;
    int error = errno;
    bool timing = is_timing();
    struct lab_head wanted = {
        .magic = LAB_MAGIC,
        .timing = timing,
        .switches = switched_is_told(),
        .thread_max = timing ? LAB_TIMING_THREADS : LAB_COUNTING_THREADS,
        .place_count = lab_user.count,
        .epoch = 1,
        .clock = clock_begin(),
        .monotonic = monotonic_ns(),
    };
    memcpy(wanted.places, lab_user.places, lab_user.count * sizeof wanted.places[0]);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct lab_head *head = fd >= 0 ? map_file(fd, &wanted) : NULL;
    if (fd >= 0)
        close(fd);
    if (head != NULL) {
        has_key = pthread_key_create(&at_end, leave) == 0;
        pthread_atfork(NULL, NULL, forked);
        lab_lay_out(head, &lab_recorder);
    }
    errno = error;
}

static bool take(struct lab_thread *t)
{
    uint32_t nobody = 0;
    return atomic_compare_exchange_strong(&t->owner, &nobody, 1);
}

/* One that an ended thread has left, or the next that nobody has had. */
static struct lab_thread *find_place(void)
{
    struct lab_head *head = lab_recorder.head;
    uint32_t had = atomic_load(&head->threads);
    for (uint32_t i = 0; i < had && i < head->thread_max; i++)
        if (atomic_load_explicit(&lab_recorder.threads[i].owner, memory_order_relaxed) == 0 &&
            take(&lab_recorder.threads[i]))
            return &lab_recorder.threads[i];
    while (had < head->thread_max) {
        if (atomic_compare_exchange_weak(&head->threads, &had, had + 1) &&
            take(&lab_recorder.threads[had]))
            return &lab_recorder.threads[had];
    }
    return NULL;
}

static void clear(struct lab_thread *t)
{
    for (unsigned i = 0; i < LAB_PLACES_MAX; i++) {
        bool was_used = atomic_load_explicit(&t->counts[i].calls, memory_order_relaxed) != 0;
        if (was_used && lab_recorder.times != NULL)
            memset(&lab_recorder.times[t - lab_recorder.threads].of[i], 0, sizeof(struct lab_histogram));
    }
    if (lab_recorder.times != NULL)
        memset(&lab_recorder.times[t - lab_recorder.threads].of[LAB_FLOOR], 0,
               sizeof(struct lab_histogram));
    memset(t->counts, 0, sizeof t->counts);
}

struct lab_thread *lab_thread_slow(void)
{
    uint64_t epoch = atomic_load_explicit(&lab_recorder.head->epoch, memory_order_acquire);
    struct lab_thread *t = lab_mine;
    if (t == NULL) {
        t = left != NULL && take(left) ? left : find_place();
        if (t == NULL) {
            atomic_fetch_add_explicit(&lab_recorder.head->lost, 1, memory_order_relaxed);
            return NULL;
        }
        t->process = (uint32_t)getpid();
    }
    if (lab_mine == NULL && left == NULL) {
        lab_mine = t;
        if (has_key)
            pthread_setspecific(at_end, t);
    }
    if (atomic_load_explicit(&t->epoch, memory_order_relaxed) != epoch) {
        clear(t);
        atomic_store_explicit(&t->epoch, epoch, memory_order_release);
    }
    return t;
}
