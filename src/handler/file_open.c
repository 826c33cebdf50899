/* file_open.c: the system calls that serving a folder takes.
 *
 * openat2(2) with RESOLVE_BENEATH does the one thing that must never go wrong: whatever a path holds ("..", absolute
 * links, links that are swapped while we look), the kernel opens nothing outside of the root. Links that stay within it
 * are followed. What is opened is asked what it is only afterwards, on the descriptor, so nobody can change it in
 * between; O_NONBLOCK keeps a named pipe from holding anybody up. RESOLVE_CACHED (Linux 5.12) answers from the kernel's
 * cache of names or not at all, and RWF_NOWAIT reads from its cache of pages or not at all: so the loop never waits.
 *
 * A file's version is its identity. Times of change are as fine as the clock's tick, so two versions written within one
 * could look alike: one that was written within the tick under way counts as still being written (leat__file_is_quiet). */
#define _GNU_SOURCE
#include "handler/file_open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 /* Linux 5.12 */
#endif

enum { OPEN_TRIES = 4, QUIET_TRIES = 16 };

#define SECOND_NS 1000000000ll
#define TWIN_LATE_NS (2 * SECOND_NS)

static atomic_bool cannot_resolve_cached;

static int64_t time_ns(const struct timespec *t)
{
    return (int64_t)t->tv_sec * SECOND_NS + t->tv_nsec;
}

/* ── Opening ── */

/* EAGAIN: something above the path was renamed while the kernel looked, or, when it may not wait, the answer is not in
 * its cache. */
static int open_beneath(int root, const char *path, uint64_t flags, bool may_wait)
{
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    if (!may_wait && !atomic_load_explicit(&cannot_resolve_cached, memory_order_relaxed))
        how.resolve |= RESOLVE_CACHED;
    for (int tries = 0;; tries++) {
        long fd = syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        if (errno == EINVAL && (how.resolve & RESOLVE_CACHED)) {
            atomic_store_explicit(&cannot_resolve_cached, true, memory_order_relaxed);
            how.resolve &= ~(uint64_t)RESOLVE_CACHED;
            continue;
        }
        bool again = errno == EINTR || (errno == EAGAIN && !(how.resolve & RESOLVE_CACHED));
        if (!again || tries == OPEN_TRIES)
            return -errno;
    }
}

static int open_file(int root, const char *path, struct stat *status, bool may_wait)
{
    int fd = open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, may_wait);
    if (fd < 0)
        return fd;
    int error = fstat(fd, status) < 0 ? -errno : 0;
    if (error == 0 && !S_ISREG(status->st_mode) && !S_ISDIR(status->st_mode))
        error = -ENOENT;
    if (error == 0)
        return fd;
    close(fd);
    return error;
}

int leat__files_open_beneath(int root, const char *path, struct stat *status)
{
    return open_file(root, path, status, true);
}

int leat__files_status_of(int error)
{
    switch (error) {
    case -EACCES:
    case -EPERM:
        return 403;
    case -ENOENT:
    case -ENOTDIR:
    case -EISDIR:
    case -EXDEV: /* leaves the root */
    case -ELOOP:
    case -ENAMETOOLONG:
    case -ENXIO: /* a socket, or a device nobody drives */
    case -ENODEV:
        return 404;
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
    case -EAGAIN:
    case -ESTALE: /* never twice the same while we read it */
        return 503;
    default:
        return 500;
    }
}

/* ── Versions ── */

static void identify(const struct stat *status, struct file_identity *identity)
{
    *identity = (struct file_identity){
        .device = status->st_dev,
        .inode = status->st_ino,
        .size = (uint64_t)status->st_size,
        .modified_ns = time_ns(&status->st_mtim),
        .changed_ns = time_ns(&status->st_ctim),
    };
}

int leat__file_identify(int fd, struct file_identity *identity)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    identify(&status, identity);
    return 0;
}

bool leat__file_is_same(const struct file_identity *a, const struct file_identity *b)
{
    return a->inode == b->inode && a->device == b->device && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

/* File times are taken from the coarse clock. */
bool leat__file_is_quiet(const struct file_identity *identity)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    int64_t now_ns = time_ns(&now);
    bool ahead = identity->modified_ns > now_ns + SECOND_NS; /* set by hand: the clock says nothing about it */
    return (ahead || identity->modified_ns < now_ns) && identity->changed_ns < now_ns;
}

void leat__file_await_quiet(int fd)
{
    static const struct timespec moment = {.tv_nsec = 2000000};
    struct file_identity identity = {0};
    for (int i = 0; i < QUIET_TRIES; i++) {
        if (leat__file_identify(fd, &identity) < 0 || leat__file_is_quiet(&identity))
            return;
        nanosleep(&moment, NULL);
    }
}

/* ── Reading ── */

/* 0: size octets are there; else -errno, -ESTALE for fewer. */
static int read_all(int fd, void *to, size_t size, int flags)
{
    for (size_t done = 0; done < size;) {
        struct iovec piece = {(char *)to + done, size - done};
        ssize_t n = preadv2(fd, &piece, 1, (off_t)done, flags);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0)
            return -ESTALE;
        else if (errno == EOPNOTSUPP || errno == ENOSYS)
            return -EAGAIN;
        else if (errno != EINTR)
            return -errno;
    }
    return 0;
}

int leat__file_read(int fd, char *to, const struct file_identity *identity, bool may_wait)
{
    struct file_identity before = {0}, after = {0};
    if (may_wait)
        leat__file_await_quiet(fd);
    int error = leat__file_identify(fd, &before);
    if (error != 0)
        return error;
    if (!leat__file_is_same(&before, identity))
        return -ESTALE;
    if (!leat__file_is_quiet(&before))
        return may_wait ? -ESTALE : -EAGAIN;
    error = read_all(fd, to, identity->size, may_wait ? 0 : RWF_NOWAIT);
    if (error != 0)
        return error;
    error = leat__file_identify(fd, &after);
    if (error != 0)
        return error;
    return leat__file_is_same(&before, &after) ? 0 : -ESTALE;
}

/* ── Looking up ── */

static int open_named(struct lookup *l, enum file_how how, enum http_coding coding, struct stat *status)
{
    char name[FILE_PATH_MAX];
    if (leat__file_path_write(name, l->files, l->path, l->path_size, how, coding) == 0)
        return -ENAMETOOLONG;
    return open_file(l->files->root, name, status, l->may_wait);
}

static void fail(struct lookup *l, int error)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    l->result = LOOKUP_FAILED;
    l->error = error;
}

/* Twins that are as new as the file. One that is older than the file by more than a moment was made of another version. */
static void look_for_twins(struct lookup *l)
{
    static const enum http_coding twins[] = {CODING_BR, CODING_GZIP};
    l->there = 1u << CODING_IDENTITY;
    for (size_t i = 0; i < COUNT_OF(twins) && !l->files->plain; i++) {
        struct stat status;
        int fd = open_named(l, l->how, twins[i], &status);
        if (fd == -EAGAIN) {
            fail(l, -EAGAIN);
            return;
        }
        if (fd < 0)
            continue;
        close(fd);
        if (S_ISREG(status.st_mode) && time_ns(&status.st_mtim) >= l->identity.modified_ns - TWIN_LATE_NS)
            l->there |= 1u << twins[i];
    }
}

/* What the path without its end names is what the redirect would lead to: nothing else may be there. */
static bool has_clean_place(struct lookup *l)
{
    static const char html[] = ".html";
    char name[FILE_PATH_MAX];
    size_t size = l->path_size - (sizeof html - 1);
    size_t index_size = strlen(l->files->index);
    bool is_index = l->path_size >= index_size &&
                    memcmp(l->path + l->path_size - index_size, l->files->index, index_size) == 0 &&
                    (l->path_size == index_size || l->path[l->path_size - index_size - 1] == '/');
    if (is_index)
        return true;
    memcpy(name, l->path, size);
    name[size] = '\0';
    int fd = open_beneath(l->files->root, name, O_PATH, l->may_wait);
    if (fd >= 0)
        close(fd);
    else if (fd == -EAGAIN)
        fail(l, -EAGAIN);
    return fd < 0 && fd != -EAGAIN;
}

static void found(struct lookup *l, int fd, const struct stat *status, enum file_how how)
{
    l->fd = fd;
    l->how = how;
    l->result = LOOKUP_FILE;
    identify(status, &l->identity);
    if (l->coding != CODING_IDENTITY)
        return;
    if (l->may_clean && l->path_size > 5 && how == FILE_AS_NAMED && has_clean_place(l)) {
        close(fd);
        l->fd = -1;
        l->result = LOOKUP_CLEAN;
    } else if (l->fd >= 0) {
        look_for_twins(l);
    }
}

static void look_for_listing(struct lookup *l, int error)
{
    char name[FILE_PATH_MAX];
    if (error != -ENOENT || !l->files->listing) {
        fail(l, error);
        return;
    }
    if (l->path_size == 0)
        memcpy(name, ".", 2);
    else if (leat__file_path_write(name, l->files, l->path, l->path_size, FILE_AS_NAMED,
                                   CODING_IDENTITY) == 0) {
        fail(l, -ENAMETOOLONG);
        return;
    }
    int fd = open_beneath(l->files->root, name, O_RDONLY | O_DIRECTORY, l->may_wait);
    if (fd < 0) {
        fail(l, fd);
        return;
    }
    l->fd = fd;
    l->result = LOOKUP_LIST;
}

static void look_for_folder(struct lookup *l)
{
    struct stat status;
    int fd = open_named(l, FILE_INDEX, CODING_IDENTITY, &status);
    if (fd >= 0 && S_ISREG(status.st_mode)) {
        found(l, fd, &status, FILE_INDEX);
        return;
    }
    if (fd >= 0)
        close(fd);
    look_for_listing(l, fd < 0 ? fd : -ENOENT);
}

static void look_for_original(struct lookup *l)
{
    struct stat status;
    if (l->path_size == 0 || l->path[l->path_size - 1] == '/') {
        look_for_folder(l);
        return;
    }
    int fd = open_named(l, FILE_AS_NAMED, CODING_IDENTITY, &status);
    if (fd >= 0 && S_ISREG(status.st_mode)) {
        found(l, fd, &status, FILE_AS_NAMED);
        return;
    }
    if (fd >= 0) {
        close(fd);
        l->result = LOOKUP_FOLDER;
        return;
    }
    if (fd == -ENOENT && l->files->clean_urls) {
        fd = open_named(l, FILE_HTML, CODING_IDENTITY, &status);
        if (fd >= 0 && S_ISREG(status.st_mode)) {
            found(l, fd, &status, FILE_HTML);
            return;
        }
        if (fd >= 0) {
            close(fd);
            fd = -ENOENT;
        }
    }
    fail(l, fd);
}

static void look_for_twin(struct lookup *l)
{
    struct stat status;
    int fd = open_named(l, l->how, l->coding, &status);
    if (fd >= 0 && S_ISREG(status.st_mode)) {
        l->there = 1u << l->coding | 1u << CODING_IDENTITY;
        found(l, fd, &status, l->how);
        return;
    }
    if (fd >= 0)
        close(fd);
    fail(l, fd < 0 ? fd : -ENOENT);
}

int leat__file_confirm(const struct lookup *l, enum file_how how, struct file_identity *identity)
{
    char name[FILE_PATH_MAX];
    if (leat__file_path_write(name, l->files, l->path, l->path_size, how, l->coding) == 0)
        return -ENAMETOOLONG;
    int fd = open_beneath(l->files->root, name, O_PATH, l->may_wait);
    if (fd < 0)
        return fd;
    int error = leat__file_identify(fd, identity);
    close(fd);
    return error;
}

void leat__file_lookup(struct lookup *l)
{
    l->fd = -1;
    l->error = 0;
    if (l->coding == CODING_IDENTITY)
        look_for_original(l);
    else
        look_for_twin(l);
}
