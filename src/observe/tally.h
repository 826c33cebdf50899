/* tally.h: a number with one writer, which others read while it grows: one instruction here, a relaxed load there. */
#ifndef LEAT_TALLY_H
#define LEAT_TALLY_H

#include "base/base.h"

#if defined(__SANITIZE_THREAD__)
#define TALLY_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TALLY_WATCHED 1
#endif
#endif
#ifndef TALLY_WATCHED
#define TALLY_WATCHED 0
#endif

/* Of the writer's thread. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the instruction writes to it */
static inline void tally(uint64_t *number, uint64_t more)
{
#if defined(__x86_64__) && !TALLY_WATCHED
    __asm__("addq %1, %0" : "+m"(*number) : "er"(more));
#else
    __atomic_store_n(number, __atomic_load_n(number, __ATOMIC_RELAXED) + more, __ATOMIC_RELAXED);
#endif
}

/* From any thread. */
static inline uint64_t tally_read(const uint64_t *number)
{
    return __atomic_load_n(number, __ATOMIC_RELAXED);
}

#endif
