/* fiber.h: telling the tools that watch a program (address and thread sanitizer, valgrind) that stacks are changed. In
 * other builds TASK_MARKED is 0 and nothing of this is compiled in; valgrind is told once for each stack, which costs
 * nothing worth a thought elsewhere. */
#ifndef LEAT_FIBER_H
#define LEAT_FIBER_H

#include "memory/poison.h"

#if defined(__SANITIZE_THREAD__)
#define TASK_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TASK_TSAN 1
#endif
#endif
#ifndef TASK_TSAN
#define TASK_TSAN 0
#endif

#define TASK_MARKED (MEMORY_ASAN || TASK_TSAN)

#if TASK_TSAN
#include <sanitizer/tsan_interface.h>
/* What changes stacks in its middle. Its beginning and end must not be told either, which no_sanitize alone does not see to:
 * they would be told of two stacks, and the books of both be wrong by one for every task. */
#if defined(__clang__)
#define TASK_UNWATCHED __attribute__((no_sanitize("thread"), disable_sanitizer_instrumentation))
#else
#define TASK_UNWATCHED __attribute__((no_sanitize("thread")))
#endif
#else
#define TASK_UNWATCHED
#endif
#if MEMORY_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

/* What the sanitizers know of one stack. */
struct fiber {
    void *tsan, *asan; /* theirs */
    const void *low;   /* of the stack */
    size_t size;
};

static inline void fiber_open(struct fiber *fiber, const char *low, const char *top)
{
    fiber->low = low;
    fiber->size = (size_t)(top - low);
#if TASK_TSAN
    fiber->tsan = __tsan_create_fiber(0);
#endif
#ifdef VALGRIND_STACK_REGISTER
    (void)VALGRIND_STACK_REGISTER(low, top);
#endif
}

static inline void fiber_close(struct fiber *fiber)
{
#if TASK_TSAN
    if (fiber->tsan != NULL)
        __tsan_destroy_fiber(fiber->tsan);
#endif
    *fiber = (struct fiber){0};
}

/* The thread's own stack; before the first change. */
static inline void fiber_here(struct fiber *fiber)
{
    (void)fiber;
#if TASK_TSAN
    fiber->tsan = __tsan_get_current_fiber();
#endif
}

/* Just before the change; ends: the stack that is left is of no more use. */
static inline TASK_UNWATCHED void fiber_leave(struct fiber *from, const struct fiber *to, bool ends)
{
    (void)from, (void)to, (void)ends;
#if MEMORY_ASAN
    __sanitizer_start_switch_fiber(ends ? NULL : &from->asan, to->low, to->size);
#endif
#if TASK_TSAN
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
}

/* Just behind it. from: the one that was left, NULL: its place is known. */
static inline TASK_UNWATCHED void fiber_arrive(const struct fiber *to, struct fiber *from)
{
    (void)to, (void)from;
#if MEMORY_ASAN
    const void *low;
    size_t size;
    __sanitizer_finish_switch_fiber(to->asan, &low, &size);
    if (from != NULL) {
        from->low = low;
        from->size = size;
    }
#endif
}

#endif
