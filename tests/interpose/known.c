/* known.c: a program whose calls of the allocator are known, for tests/e2e/test_interposer.py.
 *
 * Each line of its input is "THREADS N": it starts so many threads one generation after the other, twice, each of which
 * calls everything N times; then a child of a fork does so, alone; then it says "done". So each call is made
 * (2 THREADS + 1) N times in all. Any other line makes it ask for SLOW bytes once. First of all it says how large a block
 * of 100 bytes really is: that tells who gave it. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS_MAX = 64, LARGE = 200000, SLOW = 12345 };

/* Nobody may leave a call out because nothing comes of it. */
static void *seen(void *memory)
{
    static _Thread_local void *volatile last;
    last = memory;
    return last;
}

/* malloc 4, of which one fails; calloc, realloc, posix_memalign, aligned_alloc, memalign 1; free 7; free(NULL) 1. */
static void once(void)
{
    volatile size_t too_much = PTRDIFF_MAX;
    void *aligned = NULL;
    free(seen(malloc(64)));
    free(seen(malloc(LARGE)));
    free(seen(malloc(too_much)));
    void *grown = seen(malloc(10));
    grown = seen(realloc(grown, 1000));
    free(grown);
    free(seen(calloc(10, 10)));
    if (posix_memalign(&aligned, 64, 256) == 0)
        free(seen(aligned));
    void *two[] = {seen(aligned_alloc(64, 128)), seen(memalign(32, 96))};
    free(two[0]);
    free(two[1]);
}

static void *repeat(void *argument)
{
    const long *n = argument;
    for (long i = 0; i < *n; i++)
        once();
    return NULL;
}

static void generation(unsigned threads, long *n)
{
    pthread_t of[THREADS_MAX];
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&of[i], NULL, repeat, n) != 0)
            exit(71);
    for (unsigned i = 0; i < threads; i++)
        pthread_join(of[i], NULL);
}

static void in_child(long *n)
{
    pid_t child = fork();
    if (child == 0) {
        repeat(n);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(void)
{
    char line[64];
    void *block = malloc(100);
    printf("%zu\n", malloc_usable_size(block));
    fflush(stdout);
    free(block);
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *rest;
        unsigned long threads = strtoul(line, &rest, 10);
        long n = strtol(rest, NULL, 10);
        if (rest == line) {
            free(seen(malloc(SLOW)));
        } else if (threads <= THREADS_MAX) {
            generation((unsigned)threads, &n);
            generation((unsigned)threads, &n);
            in_child(&n);
        }
        printf("done\n");
        fflush(stdout);
    }
    return 0;
}
