/* file.c: cachestat(2) by its number, which is the same on all machines, because glibc 2.36 does not know it. */
#define _GNU_SOURCE /* preadv2 */
#include "loop/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CACHESTAT = 451, SAMPLE_STEP = 256 * 1024, WARM_PIECE = 16 * 1024 };

struct cachestat_range {
    uint64_t offset, size;
};

struct cachestat_answer {
    uint64_t cached, dirty, writeback, evicted, recently_evicted; /* pages */
};

static bool has_octet(int fd, uint64_t at)
{
    char octet;
    struct iovec to = {&octet, 1};
    return preadv2(fd, &to, 1, (off_t)at, RWF_NOWAIT) >= 0;
}

/* Readahead and eviction go by large steps: where a sample is, its surroundings nearly always are. */
static bool samples_are_resident(int fd, uint64_t offset, uint64_t size)
{
    for (uint64_t at = offset; at < offset + size; at += SAMPLE_STEP)
        if (!has_octet(fd, at))
            return false;
    return has_octet(fd, offset + size - 1);
}

bool leat__file_is_resident(int fd, uint64_t offset, uint64_t size)
{
    static atomic_bool is_missing;
    if (size == 0)
        return true;
    if (!atomic_load_explicit(&is_missing, memory_order_relaxed)) {
        struct cachestat_range range = {offset, size};
        struct cachestat_answer answer;
        if (syscall(CACHESTAT, fd, &range, &answer, 0) == 0) {
            uint64_t first = offset / PAGE_SIZE_BYTES, last = (offset + size - 1) / PAGE_SIZE_BYTES;
            return answer.cached >= last - first + 1;
        }
        if (errno == ENOSYS || errno == EPERM)
            atomic_store_explicit(&is_missing, true, memory_order_relaxed);
    }
    return samples_are_resident(fd, offset, size);
}

void leat__file_warm(int fd, uint64_t offset, uint64_t size)
{
    char piece[WARM_PIECE];
    posix_fadvise(fd, (off_t)offset, (off_t)size, POSIX_FADV_WILLNEED);
    for (uint64_t done = 0; done < size;) {
        ssize_t n = pread(fd, piece, size_min(sizeof piece, size - done), (off_t)(offset + done));
        if (n <= 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        done += (uint64_t)n;
    }
}
