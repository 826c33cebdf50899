/* seal.c: the phase of the process, and the doors to the allocator that close with it. See seal.h. */
#include "memory/seal.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static _Atomic(enum seal_phase) current_phase;

void leat__seal_set(enum seal_phase phase)
{
    atomic_store_explicit(&current_phase, phase, memory_order_release);
}

enum seal_phase leat__seal_phase(void)
{
    return atomic_load_explicit(&current_phase, memory_order_acquire);
}

static _Noreturn void no_memory(void)
{
    static const char text[] = "leat: the machine has no memory left to start with\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written; /* the exit status says it too */
    _exit(70);
}

/* What is smaller than a page begins SMALL_OFFSET behind a multiple of twice that, so never at a page; what is larger does,
 * for there are structs of whole pages, and where its block begins stands before it. So the place alone says how to free. */
enum { SMALL_OFFSET = CACHE_LINE };

static bool is_small(const void *memory)
{
    return (uintptr_t)memory % PAGE_SIZE_BYTES != 0;
}

static void *begin_small(void *block)
{
    return block != NULL ? (char *)block + SMALL_OFFSET : NULL;
}

static void *begin_large(void *block)
{
    if (block == NULL)
        return NULL;
    void **memory = (void **)align_up((size_t)block + sizeof(void *), PAGE_SIZE_BYTES);
    memory[-1] = block;
    return memory;
}

static void *take_small(size_t size, bool clear)
{
    size_t alignment = (size_t)2 * SMALL_OFFSET;
    void *memory = begin_small(aligned_alloc(alignment, align_up(size + SMALL_OFFSET, alignment)));
    return clear && memory != NULL ? memset(memory, 0, size) : memory;
}

/* Zeros from the kernel are not written again, which would make them resident: calloc knows which those are. */
static void *take_large(size_t size, bool clear)
{
    size_t whole = size + PAGE_SIZE_BYTES + sizeof(void *);
    return begin_large(clear ? calloc(1, whole) : malloc(whole));
}

static void *take(size_t size, bool clear)
{
    ASSERT(leat__seal_phase() != SEAL_SEALED);
    if (size > PTRDIFF_MAX - 2 * PAGE_SIZE_BYTES)
        no_memory();
    void *memory = size < PAGE_SIZE_BYTES ? take_small(size, clear) : take_large(size, clear);
    if (memory == NULL)
        no_memory();
    return memory;
}

void *leat__start_alloc_uncleared(size_t size)
{
    return take(size, false);
}

void *leat__start_alloc(size_t size)
{
    return take(size, true);
}

char *leat__start_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(leat__start_alloc(size), text, size);
}

void *leat__start_grow(void *old, size_t old_size, size_t new_size)
{
    void *memory = leat__start_alloc(new_size);
    if (old != NULL)
        memcpy(memory, old, size_min(old_size, new_size));
    leat__start_free(old);
    return memory;
}

void leat__start_free(void *memory)
{
    ASSERT(leat__seal_phase() != SEAL_SEALED);
    if (memory != NULL)
        free(is_small(memory) ? (char *)memory - SMALL_OFFSET : ((void **)memory)[-1]);
}
