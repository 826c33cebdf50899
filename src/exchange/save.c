/* save.c: a part of a multipart/form-data becomes a file.
 *
 * It is written under a name that nobody uses (O_EXCL) and renamed when it is whole; whatever goes wrong on the way, it is
 * taken away again. Each call that may block (open, write, rename, unlink) is a job of its own, so that between two of them
 * the handler waits for its client on no thread of the pool. */
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
    int dirfd, fd;
    unsigned mode;
    const char *name, *bytes;
    size_t size;
    char temporary[TEMPORARY_NAME];
};

static void open_file(struct file_job *job)
{
    static uint64_t count; /* of all threads */
    for (int i = 0; i < TRIES; i++) {
        uint64_t number = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) << 48 ^
                          (uint64_t)leat__clock_now_ns();
        snprintf(job->temporary, sizeof job->temporary, ".leat-%llx.part", (unsigned long long)number);
        job->fd = openat(job->dirfd, job->temporary,
                         O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)job->mode);
        job->result = job->fd < 0 ? -errno : 0;
        if (job->result != -EEXIST)
            return;
    }
}

static void write_piece(struct file_job *job)
{
    job->result = 0;
    while (job->size > 0) {
        ssize_t n = write(job->fd, job->bytes, job->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            job->result = n < 0 ? -errno : -EIO;
            return;
        }
        job->bytes += n;
        job->size -= (size_t)n;
    }
}

static void keep_file(struct file_job *job)
{
    int fd = job->fd;
    job->fd = -1;
    job->result = close(fd) < 0 ? -errno : 0; /* some file systems tell only here that they are full */
    if (job->result == 0 && renameat(job->dirfd, job->temporary, job->dirfd, job->name) < 0)
        job->result = -errno;
}

static void drop_file(struct file_job *job)
{
    if (job->fd >= 0)
        close(job->fd);
    job->fd = -1;
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
    struct file_job job = {.dirfd = dirfd, .fd = -1, .name = name};
    job.mode = m->options.mode > 0 ? m->options.mode : MODE;
    int result = do_job(m, &job, open_file);
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
