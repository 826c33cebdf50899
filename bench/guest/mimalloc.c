/* mimalloc.c: whether mimalloc stays within one stretch of memory that it is given: an experiment, on its own.
 *
 *     cc -O2 bench/guest/mimalloc.c -lmimalloc -lpthread -o mimalloc-bounded
 *     ./mimalloc-bounded                  # bounded: mi_option_limit_os_alloc
 *     ./mimalloc-bounded unlimited        # the same without that option
 *     strace -f -e trace=mmap,munmap,madvise,mprotect,brk,write ./mimalloc-bounded   # what it asks of the kernel meanwhile
 *
 * Between the lines SEALED and STOPPING on stderr lies all that a guest would do while a server runs. */
#define _GNU_SOURCE
#include <mimalloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STRETCH = 64 << 20, SEGMENT = 32 << 20, PIECES_MAX = 2000000, MANY = 1000 };

static char *base;
static void *pieces[PIECES_MAX];

static const char *where(const void *piece)
{
    uintptr_t offset = (uintptr_t)piece - (uintptr_t)base;
    return piece == NULL ? "NULL" : offset < STRETCH ? "inside" : "OUTSIDE";
}

static void fill_it(void)
{
    size_t count = 0, outside = 0, bytes = 0;
    unsigned seed = 1;
    while (count < PIECES_MAX && bytes < (size_t)4 * STRETCH) {
        size_t size = 16 + (size_t)(rand_r(&seed) % 4000);
        void *piece = mi_malloc(size);
        if (piece == NULL)
            break;
        memset(piece, 1, size);
        outside += *where(piece) == 'O';
        bytes += size;
        pieces[count++] = piece;
    }
    printf("small pieces: %zu, %zu of them outside, %.1f MiB of %d\n", count, outside,
           (double)bytes / (1 << 20), STRETCH >> 20);
    while (count > 0)
        mi_free(pieces[--count]);
}

static void use_it(unsigned rounds)
{
    unsigned seed = 2;
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < MANY; i++)
            pieces[i] = mi_malloc(16 + (size_t)(rand_r(&seed) % 1000));
        for (unsigned i = 0; i < MANY; i++)
            mi_free(pieces[i]);
    }
}

static void one_piece(const char *what, size_t size)
{
    void *piece = mi_malloc(size);
    printf("%s: %s\n", what, where(piece));
    mi_free(piece);
}

static void *free_all(void *argument)
{
    for (unsigned i = 0; i < MANY; i++)
        mi_free(pieces[i]);
    one_piece("a piece of another thread's", 100);
    return argument;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    mi_arena_id_t arena;
    (void)argv;
    char *memory = mmap(NULL, (size_t)STRETCH + SEGMENT, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return 1;
    base = memory + (SEGMENT - (uintptr_t)memory % SEGMENT) % SEGMENT;
    if (argc == 1)
        mi_option_set(mi_option_limit_os_alloc, 1);
    if (!mi_manage_os_memory_ex(base, STRETCH, true, false, true, -1, false, &arena))
        return 1;
    fputs("SEALED\n", stderr);
    fill_it();
    use_it(500);
    one_piece("20 MiB", (size_t)20 << 20);
    one_piece("100 MiB", (size_t)100 << 20);
    for (unsigned i = 0; i < MANY; i++)
        pieces[i] = mi_malloc(300);
    if (pthread_create(&thread, NULL, free_all, NULL) == 0)
        pthread_join(thread, NULL);
    fputs("STOPPING\n", stderr);
    return 0;
}
