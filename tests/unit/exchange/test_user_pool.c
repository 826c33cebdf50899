/* test_user_pool.c: a program's own pools: objects of a shard are had on its thread alone, and go home from any. */
#include "fixture.h"
#include <pthread.h>

enum { OBJECTS = 10, SIZE = 40 };

static struct bench bench;
static leat_pool *first, *second;
static struct pool *first_homes[1], *second_homes[1];

static int open_pools(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    char name[] = "first";
    first = leat_pool_create(leat_group(app, "/group"), name, SIZE, OBJECTS);
    memset(name, 'x', sizeof name - 1);
    second = leat_pool_create(app, NULL, SIZE * 2, OBJECTS);
    open_bench(&bench, app);
    first_homes[0] = &bench.memory.user[0];
    second_homes[0] = &bench.memory.user[1];
    first->homes = first_homes;
    second->homes = second_homes;
    first->home_count = second->home_count = 1;
    leat__shard_memory_here = &bench.memory;
    return 0;
}

static int close_pools(void **state)
{
    (void)state;
    leat__shard_memory_here = NULL;
    assert_int_equal(bench.memory.user[0].in_use, 0);
    assert_int_equal(bench.memory.user[1].in_use, 0);
    close_bench(&bench);
    return 0;
}

static void a_pool_has_its_objects_and_no_more(void **state)
{
    (void)state;
    char *objects[OBJECTS];
    for (int i = 0; i < OBJECTS; i++) {
        objects[i] = leat_pool_acquire(first);
        assert_non_null(objects[i]);
        assert_int_equal((uintptr_t)objects[i] % 16, 0);
        memset(objects[i], i, SIZE);
    }
    assert_null(leat_pool_acquire(first));
    assert_int_equal(bench.memory.user[0].refused, 1);
    for (int i = 0; i < OBJECTS; i++)
        for (int k = 0; k < SIZE; k++)
            assert_int_equal(objects[i][k], i);
    leat_pool_release(first, NULL);
    for (int i = 0; i < OBJECTS; i++)
        leat_pool_release(first, objects[i]);
    leat_pool_release(first, leat_pool_acquire(first));
}

static void pools_are_rows_of_their_own(void **state)
{
    (void)state;
    assert_string_equal(bench.memory.user[0].name, "first"); /* it was copied */
    assert_string_equal(bench.memory.user[1].name, "pool");
    void *a = leat_pool_acquire(first), *b = leat_pool_acquire(second);
    assert_true(pool_holds(&bench.memory.user[0], a));
    assert_true(pool_holds(&bench.memory.user[1], b));
    leat_pool_release(second, b);
    leat_pool_release(first, a);
}

static void *be_elsewhere(void *objects)
{
    bool had_none = leat_pool_acquire(first) == NULL;
    for (int i = 0; i < OBJECTS; i++)
        leat_pool_release(first, ((void **)objects)[i]);
    return had_none ? objects : NULL;
}

static void another_thread_gives_back_but_gets_nothing(void **state)
{
    (void)state;
    void *objects[OBJECTS], *result;
    for (int i = 0; i < OBJECTS; i++)
        assert_non_null(objects[i] = leat_pool_acquire(first));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, be_elsewhere, objects), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, objects);
    assert_int_equal(bench.memory.user[0].in_use, OBJECTS); /* until the owner looks */
    for (int i = 0; i < OBJECTS; i++)
        assert_non_null(objects[i] = leat_pool_acquire(first));
    assert_null(leat_pool_acquire(first));
    for (int i = 0; i < OBJECTS; i++)
        leat_pool_release(first, objects[i]);
}

/* A second shard of the same app: its objects find their way from the first one's thread. */
static void an_object_of_another_shard_goes_home_to_it(void **state)
{
    (void)state;
    static struct pool there;
    struct region ground;
    size_t size = align_up(leat__pool_footprint(48, OBJECTS), PAGE_SIZE_BYTES);
    assert_int_equal(leat__region_create(&ground, size, REGION_RESERVE), 0);
    leat__pool_init(&there, &ground, "there", 48, OBJECTS);
    struct pool *const homes[] = {&bench.memory.user[0], &there};
    first->homes = homes;
    first->home_count = 2;
    void *object = pool_acquire(&there), *here = leat_pool_acquire(first);
    leat_pool_release(first, object);
    leat_pool_release(first, here);
    assert_int_equal(bench.memory.user[0].in_use, 0);
    assert_int_equal(there.in_use, 1);
    leat__pool_collect(&there);
    assert_int_equal(there.in_use, 0);
    leat__region_destroy(&ground);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pools, close_pools)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pool_has_its_objects_and_no_more),
        TEST(pools_are_rows_of_their_own),
        TEST(another_thread_gives_back_but_gets_nothing),
        TEST(an_object_of_another_shard_goes_home_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
