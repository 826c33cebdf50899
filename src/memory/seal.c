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

void *leat__start_alloc_uncleared(size_t size)
{
    ASSERT(leat__seal_phase() != SEAL_SEALED);
    if (size > PTRDIFF_MAX - PAGE_SIZE_BYTES)
        no_memory();
    size_t alignment = size < PAGE_SIZE_BYTES ? CACHE_LINE
                                              : PAGE_SIZE_BYTES; /* there are structs of whole pages */
    void *memory = aligned_alloc(alignment, size_max(align_up(size, alignment), alignment));
    if (memory == NULL)
        no_memory();
    return memory;
}

/* Large pieces come as zeros from the kernel, and writing zeros over them would make them resident. */
void *leat__start_alloc(size_t size)
{
    void *memory = leat__start_alloc_uncleared(size);
    if (size < PAGE_SIZE_BYTES)
        return memset(memory, 0, size);
    __asm__(""
            : "+r"(memory)::"memory"); /* what is in it is read: a compiler must not take it for undefined */
    clear_untouched(memory, align_up(size, sizeof(uint64_t)));
    return memory;
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
    free(memory);
}
