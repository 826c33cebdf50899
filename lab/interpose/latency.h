/* latency.h: how long each call of an allocator took, counted inside a running program and read from outside.
 *
 *   a file, mapped by all     ┌ head ┐┌ counts of thread 0 │ 1 │ 2 … ┐┌ histograms of thread 0 │ 1 │ 2 …  ┐
 *
 * Who counts writes to what is its thread's own, so a call costs no shared line. Who reads maps the same file (read.c) while
 * the program runs or after it has ended, however it ended: nothing of it is asked, no signal, no thread, no exit. To start
 * anew the reader raises `epoch`; each thread clears what it has when it next sees that. A forked child, or a program started
 * by this one, takes places of its own in the same file.
 *
 * A place is what is counted: malloc, free, an acquisition of a pool. Its histogram is in steps of the processor's clock (TSC;
 * CNTVCT), exact below 128 and then 64 to a doubling, so that a figure is less than 1% off. Each 16th call is followed by two
 * readings with nothing between: the clock's own floor, under the same load, in the same thread, as often preempted.
 *
 * The interposer (interpose.c) and a Leat that was built to time its memory (LEAT_TIME_MEMORY) both count by this. */
#ifndef LAB_LATENCY_H
#define LAB_LATENCY_H

#include "interpose/switched.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LAB_PLACES_MAX = 16,
    LAB_FLOOR = LAB_PLACES_MAX, /* the histogram of nothing */
    LAB_NAME_SIZE = 24,
    LAB_EXACT_BITS = 7,  /* values below 1 << 7 each have a bucket */
    LAB_OCTAVE = 1 << 6, /* buckets to a doubling above */
    LAB_VALUE_BITS = 40, /* longer is counted as that: minutes */
    LAB_BUCKETS = (1 << LAB_EXACT_BITS) + (LAB_VALUE_BITS - LAB_EXACT_BITS) * LAB_OCTAVE,
    LAB_LARGE = 128 * 1024, /* bytes from which glibc's malloc asks the kernel at once */
    LAB_FLOOR_EVERY = 16,
    LAB_HEAD_SIZE = 4096,
    LAB_COUNTING_THREADS = 16384,
    LAB_TIMING_THREADS = 512,
};

#define LAB_MAGIC UINT64_C(0x314e4f495441434f)

/* What a place does. */
enum lab_kind { LAB_ALLOCATES = 'a', LAB_FREES = 'f', LAB_NEITHER = 'n' };

struct lab_place {
    char name[LAB_NAME_SIZE];
    uint32_t kind; /* enum lab_kind */
};

struct lab_head {
    uint64_t magic;
    uint32_t timing;   /* 0: calls are counted, and not timed */
    uint32_t switches; /* 1: those during which somebody else ran on the core are told apart */
    uint32_t thread_max, place_count;
    _Atomic uint32_t threads; /* places taken, ever */
    _Atomic uint64_t epoch;   /* 1 and more: what was counted under another is no more */
    _Atomic uint64_t lost;    /* calls of threads that found no place */
    uint64_t clock, monotonic; /* the processor's clock, and CLOCK_MONOTONIC_RAW in ns, read together at start */
    struct lab_place places[LAB_PLACES_MAX];
};

_Static_assert(sizeof(struct lab_head) <= LAB_HEAD_SIZE, "the head has a page");

struct lab_count {
    _Atomic uint64_t calls, failures;
    _Atomic uint64_t large, bytes; /* of those that did not fail */
};

/* What one thread counts. Only it writes here. */
struct lab_thread {
    _Atomic uint64_t epoch;
    _Atomic uint32_t owner; /* 1: a thread has it; 0: the next one may go on with it */
    uint32_t process;
    uint32_t since_floor; /* calls */
    _Alignas(64) struct lab_count counts[LAB_PLACES_MAX];
};

struct lab_histogram {
    _Atomic uint64_t sum, max; /* steps */
    _Atomic uint64_t own_sum, own_max; /* the same without those during which somebody else ran on the core */
    _Atomic uint64_t switched; /* how many those were */
    _Atomic uint64_t buckets[LAB_BUCKETS];
};

struct lab_times {
    struct lab_histogram of[LAB_PLACES_MAX + 1];
};

/* Where this process's file is mapped; head is NULL when nobody asked for it. */
struct lab_recorder {
    struct lab_head *head;
    struct lab_thread *threads;
    struct lab_times *times; /* NULL: nothing is timed */
};

/* Who counts, and what. Each program that links latency.c defines its own. */
struct lab_user {
    const char *file; /* the environment's variable that names the file; without it nothing is counted */
    const char *mode; /* the one that says "time" where calls are to be timed; NULL: they always are */
    const struct lab_place *places;
    unsigned count;
};

extern const struct lab_user lab_user;
extern struct lab_recorder lab_recorder;
extern _Thread_local struct lab_thread *lab_mine __attribute__((tls_model("initial-exec")));

/* Counts from now on. Called at start by itself, and earlier by who needs it: before there is an environment it does nothing,
 * and once there is a file it does nothing more. Allocates nothing. */
void lab_open(void);

/* NULL: there is no place left, and that is counted. */
struct lab_thread *lab_thread_slow(void);
void lab_leave(struct lab_thread *t);

/* ── The file ── */

static inline size_t lab_threads_size(const struct lab_head *head)
{
    return ((size_t)head->thread_max * sizeof(struct lab_thread) + 4095) & ~(size_t)4095;
}

static inline size_t lab_file_size(const struct lab_head *head)
{
    size_t times = head->timing ? (size_t)head->thread_max * sizeof(struct lab_times) : 0;
    return LAB_HEAD_SIZE + lab_threads_size(head) + times;
}

static inline void lab_lay_out(struct lab_head *head, struct lab_recorder *out)
{
    char *at = (char *)head + LAB_HEAD_SIZE;
    *out = (struct lab_recorder){.head = head, .threads = (struct lab_thread *)(void *)at};
    if (head->timing)
        out->times = (struct lab_times *)(void *)(at + lab_threads_size(head));
}

/* ── The clock ── */

#if defined(__x86_64__)
#define LAB_CLOCK_NAME "rdtsc between lfences, rdtscp and lfence"

static inline uint64_t clock_join(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

/* All before it has ended when it is read, and nothing behind it has begun. */
static inline uint64_t clock_begin(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high)::"memory");
    return clock_join(low, high);
}

static inline uint64_t clock_end(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtscp\n\tlfence" : "=a"(low), "=d"(high)::"rcx", "memory");
    return clock_join(low, high);
}
#else
#define LAB_CLOCK_NAME "cntvct_el0 between isbs"

static inline uint64_t clock_begin(void)
{
    uint64_t count;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(count)::"memory");
    return count;
}

static inline uint64_t clock_end(void)
{
    return clock_begin();
}
#endif

/* ── Counting ── */

static inline unsigned lab_bucket(uint64_t steps)
{
    if (steps < 1 << LAB_EXACT_BITS)
        return (unsigned)steps;
    if (steps >> LAB_VALUE_BITS != 0)
        return LAB_BUCKETS - 1;
    unsigned shift = 64 - LAB_EXACT_BITS - (unsigned)__builtin_clzll(steps);
    return (1 << LAB_EXACT_BITS) + (shift - 1) * LAB_OCTAVE + (unsigned)(steps >> shift) - LAB_OCTAVE;
}

/* One writer, and readers who don't care which moment they see. */
static inline void lab_add(_Atomic uint64_t *number, uint64_t more)
{
    atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

static inline void lab_raise(_Atomic uint64_t *number, uint64_t to)
{
    if (to > atomic_load_explicit(number, memory_order_relaxed))
        atomic_store_explicit(number, to, memory_order_relaxed);
}

static inline void lab_time(struct lab_histogram *h, uint64_t steps, bool switched)
{
    lab_add(&h->buckets[lab_bucket(steps)], 1);
    lab_add(&h->sum, steps);
    lab_raise(&h->max, steps);
    if (switched) {
        lab_add(&h->switched, 1);
    } else {
        lab_add(&h->own_sum, steps);
        lab_raise(&h->own_max, steps);
    }
}

/* Before what is timed, and behind it. */
static inline uint64_t lab_begin(void)
{
    if (switched_is_told())
        switched_watch();
    return clock_begin();
}

static inline bool lab_was_switched(void)
{
    return switched_is_told() && switched_was();
}

static inline struct lab_thread *lab_thread(void)
{
    struct lab_thread *t = lab_mine;
    if (t != NULL && atomic_load_explicit(&t->epoch, memory_order_relaxed) ==
                         atomic_load_explicit(&lab_recorder.head->epoch, memory_order_relaxed))
        return t;
    return lab_thread_slow();
}

static inline void lab_count(struct lab_thread *t, unsigned place, size_t bytes, bool failed)
{
    struct lab_count *count = &t->counts[place];
    lab_add(&count->calls, 1);
    if (failed) {
        lab_add(&count->failures, 1);
        return;
    }
    lab_add(&count->bytes, bytes);
    if (bytes >= LAB_LARGE)
        lab_add(&count->large, 1);
}

static inline void lab_time_call(struct lab_thread *t, unsigned place, uint64_t steps, bool switched)
{
    struct lab_times *times = &lab_recorder.times[t - lab_recorder.threads];
    lab_time(&times->of[place], steps, switched);
    if (++t->since_floor >= LAB_FLOOR_EVERY) {
        t->since_floor = 0;
        uint64_t from = lab_begin(), to = clock_end();
        lab_time(&times->of[LAB_FLOOR], to - from, lab_was_switched());
    }
}

/* A call from `from` (lab_begin) to `to` (clock_end); both 0 where nothing is timed. */
static inline void lab_record(unsigned place, size_t bytes, bool failed, uint64_t from, uint64_t to)
{
    bool switched = from != 0 && lab_was_switched();
    struct lab_thread *t = lab_recorder.head != NULL ? lab_thread() : NULL;
    if (t == NULL)
        return;
    lab_count(t, place, bytes, failed);
    if (lab_recorder.times != NULL)
        lab_time_call(t, place, to - from, switched);
    if (__builtin_expect(lab_mine != t, false))
        lab_leave(t); /* the thread is ending */
}

#endif
