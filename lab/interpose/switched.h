/* switched.h: whether the kernel has let anybody else run on this core between two moments. A call that was interrupted so
 * takes as long as the others liked to: milliseconds, which say nothing of an allocator.
 *
 * Linux offers restartable sequences (rseq): a thread points at a piece of code, and the kernel sends it back when it is
 * interrupted there. When it is interrupted elsewhere the kernel clears the pointer, and that is all that is used here: the
 * piece of code that we point at is never run. glibc registers each thread for it. Interrupts that end where they began, and
 * what a hypervisor does, are not seen. What is asked about must not be nested: the inner question answers the outer too. */
#ifndef LAB_SWITCHED_H
#define LAB_SWITCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RSEQ_POINTER = 8 }; /* its place in struct rseq */

/* struct rseq_cs of <linux/rseq.h>. */
struct lab_sequence {
    uint32_t version, flags;
    uint64_t start, length, abort;
} __attribute__((aligned(32)));

extern const struct lab_sequence lab_nowhere;

/* glibc's, since 2.35. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

static inline bool switched_is_told(void)
{
    return &__rseq_size != NULL && __rseq_size > 0;
}

static inline volatile uint64_t *rseq_pointer(void)
{
    char *thread;
#if defined(__x86_64__)
    __asm__("mov %%fs:0, %0" : "=r"(thread));
#else
    __asm__("mrs %0, tpidr_el0" : "=r"(thread));
#endif
    return (volatile uint64_t *)(void *)(thread + __rseq_offset + RSEQ_POINTER);
}

/* From now on; where switched_is_told. */
static inline void switched_watch(void)
{
    *rseq_pointer() = (uintptr_t)&lab_nowhere;
}

/* Since switched_watch. */
static inline bool switched_was(void)
{
    return *rseq_pointer() == 0;
}

#endif
