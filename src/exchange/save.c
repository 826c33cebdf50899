/* save.c: a part of a multipart/form-data becomes a file.
 *
 * It is written under a name that nobody uses (O_EXCL) and renamed when it is whole; whatever goes wrong on the way, it is
 * taken away again. What may block is cut into jobs (make, write a piece, rename, unlink), so that between two of them the
 * handler waits for its client on no thread of the pool.
 *
 * A job keeps no descriptor for the next one: a thread of the pool and the shard may have tables of their own
 * (--private-descriptors), and a number of the one means something else in the other. */
#include "base/clock.h"
#include "exchange/multipart.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMPORARY_NAME = 40, TRIES = 16, MODE = 0600 };

struct file_job {
    void (*run)(struct file_job *job);
    int result;
    int dirfd;
    unsigned mode;
    const char *name, *bytes;
    size_t size;
    char temporary[TEMPORARY_NAME];
};

static int open_temporary(const struct file_job *job, int flags)
{
    int fd = openat(job->dirfd, job->temporary, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags,
                    (mode_t)job->mode);
    return fd < 0 ? -errno : fd;
}

/* Some file systems tell only here that they are full. */
static int close_told(int fd)
{
    return close(fd) < 0 ? -errno : 0;
}

static void make_file(struct file_job *job)
{
    static uint64_t count; /* of all threads */
    for (int i = 0; i < TRIES; i++) {
        uint64_t number = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) << 48 ^
                          (uint64_t)leat__clock_now_ns();
        snprintf(job->temporary, sizeof job->temporary, ".leat-%llx.part", (unsigned long long)number);
        int fd = open_temporary(job, O_CREAT | O_EXCL);
        job->result = fd < 0 ? fd : close_told(fd);
        if (job->result != -EEXIST)
            return;
    }
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

static void write_piece(struct file_job *job)
{
    int fd = open_temporary(job, O_APPEND);
    job->result = fd < 0 ? fd : write_all(fd, job->bytes, job->size);
    int closed = fd < 0 ? 0 : close_told(fd);
    job->result = job->result < 0 ? job->result : closed;
}

static void keep_file(struct file_job *job)
{
    job->result = renameat(job->dirfd, job->temporary, job->dirfd, job->name) < 0 ? -errno : 0;
}

static void drop_file(struct file_job *job)
{
    job->result = unlinkat(job->dirfd, job->temporary, 0) < 0 ? -errno : 0;
}

static void run_job(void *argument)
{
    struct file_job *job = argument;
    job->run(job);
}

static int do_job(const leat_multipart *m, struct file_job *job, void (*run)(struct file_job *job))
{
    leat_blocking *pool = m->options.blocking;
    int error = 0;
    job->run = run;
    if (pool != NULL)
        error = leat_blocking_call(pool, run_job, job);
    else
        run_job(job);
    if (error == -EAGAIN)
        leat__exchange_overrule(m->x, 503, "Too many files are being written");
    return error < 0 ? error : job->result;
}

static bool is_component(const char *name)
{
    return name != NULL && name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

int leat_multipart_save(leat_multipart *m, int dirfd, const char *name, uint64_t *size)
{
    uint64_t written = 0;
    size_t n;
    if (m == NULL || !is_component(name))
        return -EINVAL;
    struct file_job job = {.dirfd = dirfd, .name = name};
    job.mode = m->options.mode > 0 ? m->options.mode : MODE;
    int result = do_job(m, &job, make_file);
    if (result < 0)
        return result;
    while ((result = leat__multipart_take(m, &job.bytes, &n)) > 0) {
        job.size = n;
        result = do_job(m, &job, write_piece);
        if (result < 0)
            break;
        written += n;
    }
    if (result == 0)
        result = do_job(m, &job, keep_file);
    if (result < 0) {
        struct file_job drop = job;
        if (do_job(m, &drop, drop_file) < 0) /* a handler that is canceled is given no thread */
            drop_file(&drop);
        return result;
    }
    if (size != NULL)
        *size = written;
    return 0;
}
