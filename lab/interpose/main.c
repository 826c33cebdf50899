/* main.c: reads what interpose.so, or a Leat that times its memory, has counted; and the clock itself.
 *
 *     latency read FILE       JSON: calls, failures, bytes, and where they were timed how long they took
 *     latency reset FILE      all starts anew; who counts goes on meanwhile
 *     latency floor SECONDS   JSON: the clock with nothing between, and around an empty function, for so long
 *
 * A quantile is the middle of its bucket, a maximum is exact. Exit status: 64 usage, 66 no such file, 71 system. */
#define _GNU_SOURCE
#include "interpose/latency.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A sum over threads. */
struct sum {
    uint64_t calls, failures, large, bytes;
    uint64_t timed, steps, max;
    uint64_t switched, own_steps, own_max;
    uint64_t buckets[LAB_BUCKETS];
};

static double ns_per_step;
static bool switches_are_told;

static _Noreturn void die(int status, const char *what, const char *why)
{
    fprintf(stderr, "latency: %s: %s\n", what, why);
    exit(status);
}

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The longer ago the first look at both clocks was, the finer this is; 100 ms are told to 0.01%. */
static void calibrate(uint64_t clock, uint64_t ns)
{
    while (monotonic_ns() - ns < 100000000)
        usleep(10000);
    uint64_t now_ns = monotonic_ns(), now = clock_end();
    ns_per_step = (double)(now_ns - ns) / (double)(now - clock);
}

/* ── Summing ── */

static uint64_t load(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void sum_histogram(struct sum *to, const struct lab_histogram *h)
{
    to->steps += load(&h->sum);
    to->max = greater(to->max, load(&h->max));
    to->switched += load(&h->switched);
    to->own_steps += load(&h->own_sum);
    to->own_max = greater(to->own_max, load(&h->own_max));
    for (unsigned i = 0; i < LAB_BUCKETS; i++) {
        uint64_t n = load(&h->buckets[i]);
        to->buckets[i] += n;
        to->timed += n;
    }
}

static void sum_count(struct sum *to, const struct lab_count *count)
{
    to->calls += load(&count->calls);
    to->failures += load(&count->failures);
    to->large += load(&count->large);
    to->bytes += load(&count->bytes);
}

static void sum_sum(struct sum *to, const struct sum *from)
{
    to->calls += from->calls;
    to->failures += from->failures;
    to->large += from->large;
    to->bytes += from->bytes;
    to->timed += from->timed;
    to->steps += from->steps;
    to->max = greater(to->max, from->max);
    to->switched += from->switched;
    to->own_steps += from->own_steps;
    to->own_max = greater(to->own_max, from->own_max);
    for (unsigned i = 0; i < LAB_BUCKETS; i++)
        to->buckets[i] += from->buckets[i];
}

/* The middle of a bucket, in steps. */
static double bucket_middle(unsigned bucket)
{
    if (bucket < 1 << LAB_EXACT_BITS)
        return bucket;
    unsigned above = bucket - (1 << LAB_EXACT_BITS), shift = above / LAB_OCTAVE + 1;
    double low = (double)((uint64_t)(above % LAB_OCTAVE + LAB_OCTAVE) << shift);
    return low + (double)((UINT64_C(1) << shift) - 1) / 2;
}

/* In nanoseconds. */
static double quantile(const struct sum *s, double q)
{
    uint64_t rank = (uint64_t)(q * (double)s->timed), seen = 0;
    for (unsigned i = 0; i < LAB_BUCKETS; i++) {
        seen += s->buckets[i];
        if (seen > rank) {
            double middle = bucket_middle(i), max = (double)s->max;
            return (middle < max ? middle : max) * ns_per_step;
        }
    }
    return (double)s->max * ns_per_step;
}

/* The mean of the quickest 99.9%, in nanoseconds: without what was preempted meanwhile. */
static double calm_mean(const struct sum *s)
{
    uint64_t left = (uint64_t)(0.999 * (double)s->timed), count = left;
    double steps = 0;
    for (unsigned i = 0; i < LAB_BUCKETS && left > 0; i++) {
        uint64_t n = s->buckets[i] < left ? s->buckets[i] : left;
        steps += (double)n * bucket_middle(i);
        left -= n;
    }
    return count > 0 ? steps / (double)count * ns_per_step : 0;
}

/* What the calls took during which nobody else ran on the core; null where the kernel does not tell. */
static void print_own(const struct sum *s)
{
    if (!switches_are_told || s->switched >= s->timed)
        printf("\"switched\": null, \"own_mean_ns\": null, \"own_max_ns\": null}");
    else
        printf("\"switched\": %llu, \"own_mean_ns\": %.3f, \"own_max_ns\": %.2f}",
               (unsigned long long)s->switched,
               (double)s->own_steps / (double)(s->timed - s->switched) * ns_per_step,
               (double)s->own_max * ns_per_step);
}

static void print_latency(const struct sum *s)
{
    if (s->timed == 0) {
        printf("null");
        return;
    }
    printf("{\"count\": %llu, \"mean_ns\": %.3f, \"calm_mean_ns\": %.3f, \"p50_ns\": %.2f, "
           "\"p99_ns\": %.2f, \"p999_ns\": %.2f, \"max_ns\": %.2f, ",
           (unsigned long long)s->timed, (double)s->steps / (double)s->timed * ns_per_step,
           calm_mean(s), quantile(s, 0.5), quantile(s, 0.99), quantile(s, 0.999),
           (double)s->max * ns_per_step);
    print_own(s);
}

static void print_sum(const char *name, const struct sum *s, const char *after)
{
    printf("\"%s\": {\"calls\": %llu, \"failures\": %llu, \"large\": %llu, \"bytes\": %llu, "
           "\"latency\": ",
           name, (unsigned long long)s->calls, (unsigned long long)s->failures,
           (unsigned long long)s->large, (unsigned long long)s->bytes);
    print_latency(s);
    printf("}%s", after);
}

/* ── Reading ── */

static struct lab_head *map_head(const char *path, struct lab_recorder *out)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct stat about;
    if (fd < 0 || fstat(fd, &about) < 0)
        die(66, path, strerror(errno));
    if (about.st_size < LAB_HEAD_SIZE)
        die(66, path, "nobody has counted into it");
    struct lab_head *head = mmap(NULL, (size_t)about.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (head == MAP_FAILED)
        die(71, path, strerror(errno));
    if (head->magic != LAB_MAGIC || head->place_count > LAB_PLACES_MAX ||
        head->thread_max > LAB_COUNTING_THREADS || (size_t)about.st_size < lab_file_size(head))
        die(66, path, "it is no file of counted calls");
    lab_lay_out(head, out);
    return head;
}

static void sum_threads(const struct lab_recorder *r, struct sum sums[LAB_PLACES_MAX + 1], unsigned *threads)
{
    uint64_t epoch = load(&r->head->epoch);
    uint32_t count = atomic_load(&r->head->threads);
    for (uint32_t i = 0; i < count && i < r->head->thread_max; i++) {
        const struct lab_thread *t = &r->threads[i];
        if (atomic_load_explicit(&t->epoch, memory_order_acquire) != epoch)
            continue;
        ++*threads;
        for (unsigned place = 0; place < r->head->place_count; place++) {
            sum_count(&sums[place], &t->counts[place]);
            if (r->times != NULL && load(&t->counts[place].calls) > 0)
                sum_histogram(&sums[place], &r->times[i].of[place]);
        }
        if (r->times != NULL)
            sum_histogram(&sums[LAB_FLOOR], &r->times[i].of[LAB_FLOOR]);
    }
}

static int read_file(const char *path)
{
    static struct sum sums[LAB_PLACES_MAX + 1], allocates, frees, all;
    struct lab_recorder r;
    const struct lab_head *head = map_head(path, &r);
    unsigned threads = 0;
    sum_threads(&r, sums, &threads);
    calibrate(head->clock, head->monotonic);
    switches_are_told = head->switches != 0;
    printf("{\"clock\": \"%s\", \"ns_per_step\": %.6f, \"timing\": %s, \"threads\": %u, \"lost\": "
           "%llu,\n"
           "\"places\": {",
           LAB_CLOCK_NAME, ns_per_step, head->timing ? "true" : "false", threads,
           (unsigned long long)load(&head->lost));
    for (unsigned i = 0; i < head->place_count; i++) {
        print_sum(head->places[i].name, &sums[i], i + 1 < head->place_count ? ",\n  " : "},\n");
        if (head->places[i].kind == LAB_ALLOCATES)
            sum_sum(&allocates, &sums[i]);
        else if (head->places[i].kind == LAB_FREES)
            sum_sum(&frees, &sums[i]);
    }
    sum_sum(&all, &allocates);
    sum_sum(&all, &frees);
    print_sum("allocates", &allocates, ",\n");
    print_sum("frees", &frees, ",\n");
    print_sum("all", &all, ",\n\"floor\": ");
    print_latency(&sums[LAB_FLOOR]);
    printf("}\n");
    return 0;
}

static int reset_file(const char *path)
{
    struct lab_recorder r;
    struct lab_head *head = map_head(path, &r);
    atomic_store(&head->lost, 0);
    atomic_fetch_add(&head->epoch, 1);
    return 0;
}

/* ── The clock itself ── */

static void nothing(void)
{
}

static int tell_floor(double seconds)
{
    static struct lab_histogram readings, calls;
    static struct sum of_readings, of_calls;
    void (*volatile call)(void) = nothing; /* nobody knows that it does nothing */
    uint64_t start_ns = monotonic_ns(), start = clock_begin();
    while ((double)(monotonic_ns() - start_ns) < seconds * 1e9) {
        for (unsigned i = 0; i < 1000; i++) {
            uint64_t from = lab_begin(), to = clock_end();
            lab_time(&readings, to - from, lab_was_switched());
            from = lab_begin();
            call();
            to = clock_end();
            lab_time(&calls, to - from, lab_was_switched());
        }
    }
    calibrate(start, start_ns);
    switches_are_told = switched_is_told();
    sum_histogram(&of_readings, &readings);
    sum_histogram(&of_calls, &calls);
    printf("{\"clock\": \"%s\", \"ns_per_step\": %.6f,\n\"floor\": ", LAB_CLOCK_NAME, ns_per_step);
    print_latency(&of_readings);
    printf(",\n\"empty\": ");
    print_latency(&of_calls);
    printf("}\n");
    return 0;
}

int main(int count, char **words)
{
    const char *verb = count == 3 ? words[1] : "";
    if (strcmp(verb, "read") == 0)
        return read_file(words[2]);
    if (strcmp(verb, "reset") == 0)
        return reset_file(words[2]);
    char *end = words[0];
    double seconds = strcmp(verb, "floor") == 0 ? strtod(words[2], &end) : 0;
    if (seconds > 0 && seconds <= 3600 && *end == '\0')
        return tell_floor(seconds);
    fprintf(stderr, "usage: latency read FILE | latency reset FILE | latency floor SECONDS\n");
    return 64;
}
