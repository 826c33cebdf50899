/* memory_test.h: what the tests of this room share: random numbers from a seed, pages counted, deaths watched. */
#ifndef LEAT_MEMORY_TEST_H
#define LEAT_MEMORY_TEST_H

#include "base/base.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static inline uint32_t random_below(uint64_t *seed, uint32_t n)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (uint32_t)((*seed >> 32) * n >> 32);
}

/* Resident pages of [memory, memory + size), both multiples of the page. */
static inline size_t resident_pages(const void *memory, size_t size)
{
    size_t pages = size / PAGE_SIZE_BYTES, resident = 0;
    if (pages == 0)
        return 0;
    unsigned char *seen = malloc(pages);
    assert_non_null(seen);
    assert_int_equal(mincore((void *)(uintptr_t)memory, size, seen), 0);
    for (size_t i = 0; i < pages; i++)
        resident += seen[i] & 1;
    free(seen);
    return resident;
}

/* Whether body(argument) ends its process; by_assertion: by a broken promise, and no other way. */
static inline bool dies(void (*body)(void *), void *argument, bool by_assertion)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        body(argument);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return by_assertion ? WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT : status != 0;
}

#endif
