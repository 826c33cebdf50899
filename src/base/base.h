/* base.h: the words every room uses. No system calls, no allocation.
 *
 * Two tiers of assertion: ASSERT is cheap and stays in release builds, ASSERT_DEBUG is for what costs.
 * Neither is ever about what the outside world may do: that is handled. */
#ifndef LEAT_BASE_H
#define LEAT_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define CACHE_LINE 64
#define PAGE_SIZE_BYTES 4096

/* Prints the broken promise and ends the process; in clock.c's neighbour assert.c. */
_Noreturn void leat__assert_failed(const char *what, const char *file, int line);

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (UNLIKELY(!(condition)))                                                                \
            leat__assert_failed(#condition, __FILE__, __LINE__);                                   \
    } while (0)

#ifdef LEAT_DEBUG
#define ASSERT_DEBUG(condition) ASSERT(condition)
#else
#define ASSERT_DEBUG(condition) ((void)0)
#endif

/* align is a power of two */
static inline size_t align_up(size_t n, size_t align)
{
    return (n + align - 1) & ~(align - 1);
}

static inline size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* memset(memory, 0, size) that leaves alone what is zero already: pages that nobody has touched stay untouched. memory is
 * aligned to 8, size a multiple of it. */
static inline void clear_untouched(void *memory, size_t size)
{
    for (uint64_t *word = memory, *end = word + size / sizeof *word; word < end; word++)
        if (*word != 0)
            *word = 0;
}

/* memcpy(to, from, size) in the same way. */
static inline void copy_untouched(void *to, const void *from, size_t size)
{
    const uint64_t *source = from;
    for (uint64_t *word = to, *end = word + size / sizeof *word; word < end; word++, source++)
        if (*word != *source)
            *word = *source;
}

#endif
