/* poison.h: what checked builds (LEAT_DEBUG, or an address sanitizer) do to memory that nobody holds.
 *
 * It is filled with one byte, which the next acquisition must find untouched, and the sanitizer is told to trap every
 * access. In other builds MEMORY_CHECKED is 0 and nothing of this is compiled in. */
#ifndef LEAT_POISON_H
#define LEAT_POISON_H

#include "base/base.h"

#if defined(__SANITIZE_ADDRESS__)
#define MEMORY_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY_ASAN 1
#endif
#endif
#ifndef MEMORY_ASAN
#define MEMORY_ASAN 0
#endif

#if defined(LEAT_DEBUG) || MEMORY_ASAN
#define MEMORY_CHECKED 1
#else
#define MEMORY_CHECKED 0
#endif

#if MEMORY_ASAN
#include <sanitizer/asan_interface.h>
#endif

enum { POISON_BYTE = 0xDB };

/* Traps accesses to [memory, memory + size) from now on, where a sanitizer is there to trap them. */
static inline void poison_close(void *memory, size_t size)
{
#if MEMORY_ASAN
    ASAN_POISON_MEMORY_REGION(memory, size);
#else
    (void)memory, (void)size;
#endif
}

static inline void poison_open(void *memory, size_t size)
{
#if MEMORY_ASAN
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
#else
    (void)memory, (void)size;
#endif
}

static inline void poison_fill(void *memory, size_t size)
{
    poison_open(memory, size);
    memset(memory, POISON_BYTE, size);
}

/* Whether nobody has written since poison_fill. */
static inline bool poison_is_whole(const void *memory, size_t size)
{
    const unsigned char *byte = memory;
    for (size_t i = 0; i < size; i++)
        if (byte[i] != POISON_BYTE)
            return false;
    return true;
}

#endif
