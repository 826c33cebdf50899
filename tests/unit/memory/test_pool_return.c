/* Other threads give objects back in batches; the owner takes them when its own run dry, and none is lost. */
#include "memory_test.h"
#include "memory/pool.h"
#include <pthread.h>

enum { THREADS = 3, BATCH = 32, COUNT = 1024, ROUNDS = 3000 };

/* A hand-over from the owner to one thread: a batch, or NULL. */
struct lane {
    struct pool *pool;
    _Atomic(void **) batch;
    _Atomic bool stop;
    uint64_t returned;
};

static void link_objects(void **objects, size_t count)
{
    for (size_t i = 0; i + 1 < count; i++)
        memcpy(objects[i], &objects[i + 1], sizeof(void *));
}

static void *give_back(void *argument)
{
    struct lane *lane = argument;
    for (;;) {
        void **batch = atomic_load_explicit(&lane->batch, memory_order_acquire);
        if (batch == NULL) {
            if (atomic_load_explicit(&lane->stop, memory_order_acquire))
                return NULL;
            sched_yield();
            continue;
        }
        if (lane->returned / BATCH % 2 == 0) {
            link_objects(batch, BATCH);
            leat__pool_return(lane->pool, batch[0], batch[BATCH - 1]);
        } else {
            leat__pool_return_batch(lane->pool, batch, BATCH);
        }
        lane->returned += BATCH;
        atomic_store_explicit(&lane->batch, NULL, memory_order_release);
    }
}

static void fill(struct pool *pool, void **batch)
{
    for (size_t i = 0; i < BATCH;) {
        batch[i] = pool_acquire(pool);
        if (batch[i] == NULL) { /* all are with the other threads */
            sched_yield();
            continue;
        }
        memset(batch[i], 0x11, 64);
        i++;
    }
}

static void what_other_threads_give_back_comes_round(void **state)
{
    (void)state;
    struct region region;
    static struct pool pool;
    assert_int_equal(leat__region_create(&region, leat__pool_footprint(64, COUNT), REGION_RESERVE), 0);
    leat__pool_init(&pool, &region, "test", 64, COUNT);
    static struct lane lanes[THREADS];
    static void *batches[THREADS][BATCH];
    pthread_t threads[THREADS];
    for (size_t t = 0; t < THREADS; t++) {
        lanes[t].pool = &pool;
        assert_int_equal(pthread_create(&threads[t], NULL, give_back, &lanes[t]), 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        size_t t = (size_t)round % THREADS;
        while (atomic_load_explicit(&lanes[t].batch, memory_order_acquire) != NULL)
            sched_yield();
        fill(&pool, batches[t]);
        atomic_store_explicit(&lanes[t].batch, batches[t], memory_order_release);
    }
    uint64_t returned = 0;
    for (size_t t = 0; t < THREADS; t++) {
        atomic_store_explicit(&lanes[t].stop, true, memory_order_release);
        pthread_join(threads[t], NULL);
        returned += lanes[t].returned;
    }
    assert_int_equal(returned, (uint64_t)ROUNDS * BATCH);
    leat__pool_collect(&pool);
    assert_int_equal(pool.in_use, 0);
    leat__pool_check(&pool);
    for (int i = 0; i < COUNT; i++)
        assert_non_null(pool_acquire(&pool));
    assert_null(pool_acquire(&pool));
    leat__region_destroy(&region);
}

static void a_returned_object_counts_as_in_use_until_it_is_taken(void **state)
{
    (void)state;
    struct region region;
    static struct pool pool;
    assert_int_equal(leat__region_create(&region, leat__pool_footprint(64, 4), REGION_RESERVE), 0);
    leat__pool_init(&pool, &region, "test", 64, 4);
    void *objects[4];
    for (int i = 0; i < 4; i++)
        objects[i] = pool_acquire(&pool);
    link_objects(objects, 4);
    leat__pool_return(&pool, objects[0], objects[3]);
    assert_int_equal(pool.in_use, 4);
    assert_non_null(pool_acquire(&pool)); /* its own are used up: takes the whole list */
    assert_int_equal(pool.in_use, 1);
    assert_int_equal(pool.refused, 0);
    leat__pool_check(&pool);
    leat__region_destroy(&region);
}

/* A batch is carried by its objects: by one, by some, or by each for itself where they are too small. */
static void batches_of_any_size_of_any_objects_come_back(void **state)
{
    (void)state;
    const size_t sizes[] = {8, 16, 24, 32, 48, 256, 5008};
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        for (size_t count = 1; count <= 100; count += 9) {
            struct region region;
            static struct pool pool;
            void *objects[100];
            assert_int_equal(
                leat__region_create(&region, leat__pool_footprint(sizes[s], 100), REGION_RESERVE), 0);
            leat__pool_init(&pool, &region, "test", sizes[s], 100);
            for (size_t i = 0; i < 100; i++)
                memset(objects[i] = pool_acquire(&pool), 0xff, sizes[s]);
            leat__pool_return_batch(&pool, objects, count);
            leat__pool_return_batch(&pool, objects, 0);
            assert_int_equal(pool.in_use, 100);
            leat__pool_collect(&pool);
            assert_int_equal(pool.in_use, 100 - count);
            leat__pool_check(&pool);
            for (size_t i = 0; i < count; i++)
                assert_non_null(pool_acquire(&pool));
            assert_null(pool_acquire(&pool));
            leat__region_destroy(&region);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_of_any_size_of_any_objects_come_back),
        cmocka_unit_test(what_other_threads_give_back_comes_round),
        cmocka_unit_test(a_returned_object_counts_as_in_use_until_it_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
