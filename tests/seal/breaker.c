/* breaker.c: a program that breaks the seal in every way there is, to prove that the counting sees it. It says
 * `listening`, as a server does, waits for a line on stdin, makes each call once on a thread of its own, says `broken`
 * and waits for the end of stdin. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *volatile escaped; /* so that no call is optimised away */

static void keep(void *memory)
{
    escaped = memory;
    free(memory);
}

static void call_allocator(void)
{
    void *memory = NULL;
    escaped = malloc(100);
    keep(realloc(escaped, 200));
    keep(calloc(3, 50));
    keep(reallocarray(NULL, 4, 25));
    keep(memalign(64, 100));
    keep(posix_memalign(&memory, 64, 100) == 0 ? memory : NULL);
    keep(aligned_alloc(64, 128));
    keep(valloc(100));
    keep(pvalloc(100));
}

/* Whether they succeed does not matter: they are counted when they are asked. */
static void call_kernel(void)
{
    size_t page = 4096;
    char *at = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(at, page, PROT_READ);
    syscall(SYS_pkey_mprotect, at, page, PROT_READ | PROT_WRITE, -1);
    madvise(at, page, MADV_WILLNEED);
    madvise(at, page, MADV_DONTNEED);
    syscall(SYS_process_madvise, -1, NULL, 0, MADV_WILLNEED, 0);
    mlock(at, page);
    syscall(SYS_mlock2, at, page, 0);
    munlock(at, page);
    syscall(SYS_mlockall, 0);
    munlockall();
    syscall(SYS_mbind, at, page, 0, NULL, 0, 0);
    syscall(SYS_remap_file_pages, at, page, 0, 0, 0);
    syscall(SYS_shmat, -1, NULL, 0);
    syscall(SYS_shmdt, NULL);
    close((int)syscall(SYS_memfd_create, "seal", 0));
    syscall(SYS_userfaultfd, -1);
    at = mremap(at, 4 * page, 8 * page, MREMAP_MAYMOVE);
    munmap(at, 8 * page);
    syscall(SYS_brk, 0);
}

static void *break_seal(void *unused)
{
    call_allocator();
    call_kernel();
    return unused;
}

int main(void)
{
    pthread_t thread;
    write(STDOUT_FILENO, "listening\n", 10);
    if (getchar() == EOF || pthread_create(&thread, NULL, break_seal, NULL) != 0)
        return 1;
    pthread_join(thread, NULL);
    write(STDOUT_FILENO, "broken\n", 7);
    while (getchar() != EOF)
        continue;
    return 0;
}
