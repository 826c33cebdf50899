/* counters.h: the page of counters that tests/seal shares between processes: interpose.c writes the allocator's half
 * from inside the server, count_calls.c the kernel's half from outside, tests/seal/run reads both. The file lies where
 * LEAT_SEAL_COUNTERS says. `count_calls --names` prints the names in order, so that no reader needs a list of its own.
 */
#ifndef LEAT_SEAL_COUNTERS_H
#define LEAT_SEAL_COUNTERS_H

#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* COUNTER(name): the allocator's entry points. */
#define SEAL_ALLOCATOR_CALLS(COUNTER)                                                              \
    COUNTER(malloc)                                                                                \
    COUNTER(calloc)                                                                                \
    COUNTER(realloc)                                                                               \
    COUNTER(reallocarray)                                                                          \
    COUNTER(free)                                                                                  \
    COUNTER(memalign)                                                                              \
    COUNTER(posix_memalign)                                                                        \
    COUNTER(aligned_alloc)                                                                         \
    COUNTER(valloc)                                                                                \
    COUNTER(pvalloc)

/* COUNTER(name): the system calls that change what memory a process has. */
#define SEAL_MEMORY_CALLS(COUNTER)                                                                 \
    COUNTER(mmap)                                                                                  \
    COUNTER(munmap)                                                                                \
    COUNTER(mremap)                                                                                \
    COUNTER(brk)                                                                                   \
    COUNTER(mprotect)                                                                              \
    COUNTER(pkey_mprotect)                                                                         \
    COUNTER(madvise)                                                                               \
    COUNTER(process_madvise)                                                                       \
    COUNTER(mlock)                                                                                 \
    COUNTER(mlock2)                                                                                \
    COUNTER(munlock)                                                                               \
    COUNTER(mlockall)                                                                              \
    COUNTER(munlockall)                                                                            \
    COUNTER(mbind)                                                                                 \
    COUNTER(remap_file_pages)                                                                      \
    COUNTER(shmat)                                                                                 \
    COUNTER(shmdt)                                                                                 \
    COUNTER(memfd_create)                                                                          \
    COUNTER(userfaultfd)

/* An enumerator for each, prefixed: `malloc` and its like may be macros. */
#define SEAL_ENUMERATE(name) SEAL_##name,
enum seal_counter {
    SEAL_ALLOCATOR_CALLS(SEAL_ENUMERATE) SEAL_MEMORY_CALLS(SEAL_ENUMERATE) SEAL_trimming, /* madvise
                            that gives pages back: counted here and not under madvise */
    SEAL_COUNTER_COUNT,
};

struct seal_counters {
    _Atomic uint64_t of[SEAL_COUNTER_COUNT];
};

static inline void seal_count(struct seal_counters *counters, enum seal_counter which)
{
    if (counters != NULL)
        atomic_fetch_add_explicit(&counters->of[which], 1, memory_order_relaxed);
}

/* NULL when the environment names no file, or it can't be had. */
static inline struct seal_counters *seal_map_counters(void)
{
    const char *path = getenv("LEAT_SEAL_COUNTERS");
    int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return NULL;
    void *page = MAP_FAILED;
    if (ftruncate(fd, sizeof(struct seal_counters)) == 0)
        page = mmap(NULL, sizeof(struct seal_counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return page != MAP_FAILED ? page : NULL;
}

#endif
