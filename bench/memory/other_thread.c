/* other_thread.c: objects that are acquired on one thread and come back from another, batch by batch.
 *
 * The two take turns, and each times its own turn, so neither waiting nor waking is counted: only what the allocator
 * and the caches make the two of them do. */
#define _GNU_SOURCE
#include "bench_memory.h"
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 400, WARM_UP = 50 };

struct exchange {
    enum kind kind;
    struct pool *pool;
    void *objects[BATCH_MAX];
    atomic_uint turn;     /* even: the owner's, odd: the other's */
    double spent[ROUNDS]; /* of the other */
};

static void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set); /* fails on one core, where nothing is shown anyway */
}

/* Spins for longer than a turn takes before it lets others run: they would empty the caches. */
static void await(struct exchange *x, unsigned turn)
{
    for (unsigned spins = 1; atomic_load_explicit(&x->turn, memory_order_acquire) != turn; spins++)
        if (spins % 100000 == 0)
            sched_yield();
}

static void pass_on(struct exchange *x, unsigned turn)
{
    atomic_store_explicit(&x->turn, turn + 1, memory_order_release);
}

/* Either side works on an array of its own: handing the pointers over is not the allocator's work, and not timed. */
static void take_all(const struct exchange *x, void **objects)
{
    for (uint32_t i = 0; i < BATCH_MAX; i++) {
        objects[i] = x->kind == KIND_MALLOC         ? malloc(OBJECT_SIZE)
                     : x->kind == KIND_POOL_OUTLINE ? outline_acquire(x->pool)
                                                    : pool_acquire(x->pool);
        escape(objects[i]);
    }
}

static void give_all(struct exchange *x, void **objects)
{
    if (x->kind == KIND_MALLOC) {
        for (uint32_t i = 0; i < BATCH_MAX; i++)
            free(objects[i]);
        return;
    }
    leat__pool_return_batch(x->pool, objects, BATCH_MAX);
}

static void *other(void *argument)
{
    struct exchange *x = argument;
    pin(1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        await(x, 2 * round + 1);
        void *objects[BATCH_MAX];
        memcpy(objects, x->objects, sizeof objects);
        escape(objects);
        uint64_t start = now_ns();
        give_all(x, objects);
        x->spent[round] = (double)(now_ns() - start);
        pass_on(x, 2 * round + 1);
    }
    return NULL;
}

double bench_other_thread(enum kind kind, struct pool *pool)
{
    static struct exchange x;
    x.kind = kind;
    x.pool = pool;
    pthread_t thread;
    if (pthread_create(&thread, NULL, other, &x) != 0)
        abort();
    pin(0);
    static double spent[ROUNDS];
    for (unsigned round = 0; round < ROUNDS; round++) {
        await(&x, 2 * round);
        void *objects[BATCH_MAX];
        uint64_t start = now_ns();
        take_all(&x, objects);
        spent[round] = (double)(now_ns() - start);
        memcpy(x.objects, objects, sizeof objects);
        pass_on(&x, 2 * round);
    }
    pthread_join(thread, NULL);
    for (unsigned round = 0; round < ROUNDS; round++)
        spent[round] = (spent[round] + x.spent[round]) / BATCH_MAX;
    return median(spent + WARM_UP, ROUNDS - WARM_UP);
}
