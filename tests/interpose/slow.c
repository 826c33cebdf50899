/* slow.c: loaded behind the interposer, an allocator that takes 20 ms for blocks of 12345 bytes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

enum { SLOW = 12345, SLOW_NS = 20000000 };

/* Parameters are named as the C library names them. */
__attribute__((visibility("default"))) void *malloc(size_t size)
{
    static void *(*next)(size_t);
    if (next == NULL)
        next = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    if (size == SLOW)
        nanosleep(&(struct timespec){.tv_nsec = SLOW_NS}, NULL);
    return next(size);
}
