/* A pool hands out every object once, the lowest slab first, counts exactly, and gives empty slabs back. */
#include "memory_test.h"
#include "memory/pool.h"

struct fixture {
    struct region region;
    struct pool pool;
};

static void open_pool(struct fixture *f, size_t object_size, size_t count)
{
    size_t size = leat__pool_footprint(object_size, count);
    assert_int_equal(leat__region_create(&f->region, size, REGION_RESERVE), 0);
    leat__pool_init(&f->pool, &f->region, "test", object_size, count);
    assert_int_equal(f->region.used, size);
    leat__pool_check(&f->pool);
}

static void close_pool(struct fixture *f)
{
    leat__pool_check(&f->pool);
    leat__region_destroy(&f->region);
}

static const struct {
    size_t object_size, count;
} shapes[] = {
    {16, 1},    {16, 256},  {16, 257},  {32, 1280}, {48, 1000}, {96, 10000},
    {640, 100}, {1024, 33}, {1040, 50}, {4096, 17}, {5008, 30}, {65536, 5},
};

static void every_object_is_handed_out_once_and_then_it_is_empty(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(shapes); s++) {
        static struct fixture f;
        size_t size = shapes[s].object_size, count = shapes[s].count;
        open_pool(&f, size, count);
        char **objects = calloc(count, sizeof *objects);
        for (size_t i = 0; i < count; i++) {
            objects[i] = pool_acquire(&f.pool);
            assert_non_null(objects[i]);
            assert_true(pool_holds(&f.pool, objects[i]));
            assert_int_equal((uintptr_t)objects[i] % 16, 0);
            memset(objects[i], (int)(i & 0x7f), size);
        }
        assert_null(pool_acquire(&f.pool));
        assert_null(pool_acquire(&f.pool));
        assert_int_equal(f.pool.refused, 2);
        assert_int_equal(f.pool.in_use, count);
        assert_int_equal(f.pool.high, count);
        leat__pool_check(&f.pool);
        for (size_t i = 0; i < count; i++) { /* nobody wrote into a neighbour */
            assert_int_equal(objects[i][0], (int)(i & 0x7f));
            assert_int_equal(objects[i][size - 1], (int)(i & 0x7f));
            pool_release(&f.pool, objects[i]);
        }
        assert_int_equal(f.pool.in_use, 0);
        free(objects);
        close_pool(&f);
    }
}

static void objects_that_fill_a_slab_form_one_array(void **state)
{
    (void)state;
    static struct fixture f;
    open_pool(&f, 32, 1024);
    for (size_t i = 0; i < 1024; i++)
        assert_ptr_equal(pool_acquire(&f.pool), f.pool.base + 32 * i);
    close_pool(&f);
}

static void the_object_released_last_comes_next(void **state)
{
    (void)state;
    static struct fixture f;
    open_pool(&f, 64, 640);
    void *a = pool_acquire(&f.pool), *b = pool_acquire(&f.pool);
    pool_release(&f.pool, a);
    pool_release(&f.pool, b);
    assert_ptr_equal(pool_acquire(&f.pool), b);
    assert_ptr_equal(pool_acquire(&f.pool), a);
    close_pool(&f);
}

/* What was released longest ago lies in the slabs again, and of that the lowest comes next. */
static void the_lowest_slab_with_room_is_used_next(void **state)
{
    (void)state;
    static struct fixture f;
    open_pool(&f, 64, 640);
    char *objects[640];
    for (size_t i = 0; i < 640; i++)
        objects[i] = pool_acquire(&f.pool);
    for (size_t i = 640; i-- > 0;)
        pool_release(&f.pool, objects[i]);
    leat__pool_check(&f.pool);
    size_t warm = (size_t)(f.pool.top - f.pool.magazine);
    for (size_t i = 0; i < warm; i++)
        assert_ptr_equal(pool_acquire(&f.pool), objects[i]);
    for (size_t i = warm; i < 640; i++)
        assert_ptr_equal(pool_acquire(&f.pool), f.pool.base + 64 * i);
    assert_null(pool_acquire(&f.pool));
    close_pool(&f);
}

static void few_slabs_serve_few_objects(void **state)
{
    (void)state;
    static struct fixture f;
    open_pool(&f, 64, 64000);
    uint64_t seed = 17;
    void *out[128];
    for (size_t i = 0; i < 128; i++)
        memset(out[i] = pool_acquire(&f.pool), 1, 64);
    for (uint32_t step = 0; step < 100000; step++) {
        uint32_t i = random_below(&seed, 128), j = random_below(&seed, 128);
        pool_release(&f.pool, out[i]);
        if (i != j)
            pool_release(&f.pool, out[j]);
        memset(out[i] = pool_acquire(&f.pool), 1, 64);
        if (i != j)
            memset(out[j] = pool_acquire(&f.pool), 1, 64);
    }
    /* 128 fill two slabs; checked builds poison what lies in the magazine */
    if (!MEMORY_CHECKED)
        assert_true(resident_pages(f.pool.base, f.pool.slab_size * f.pool.slab_count) <= 3);
    close_pool(&f);
}

/* The fast path does not look at the high water: against a model that does. */
static void high_water_is_exact(void **state)
{
    (void)state;
    static struct fixture f;
    open_pool(&f, 64, 640);
    uint64_t seed = 23;
    void *out[640];
    uint32_t held = 0, high = 0, recent = 0;
    for (uint32_t step = 0; step < 50000; step++) {
        if (held > 0 && random_below(&seed, 1000) < 480 + step / 1000) {
            pool_release(&f.pool, out[--held]);
        } else if (held < 640) {
            out[held++] = pool_acquire(&f.pool);
            recent = held > recent ? held : recent;
            high = held > high ? held : high;
        }
        if (step % 3000 == 0) { /* as the trimmer does */
            leat__pool_forget_high(&f.pool);
            recent = held;
        }
        assert_int_equal(f.pool.in_use, held);
        assert_int_equal(f.pool.high, high);
        assert_int_equal(f.pool.recent_high, recent);
    }
    assert_true(high > 100);
    close_pool(&f);
}

/* Against a model: a table of what is out. */
static void any_order_of_use_keeps_the_pool_whole(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(shapes); s++) {
        static struct fixture f;
        uint32_t count = (uint32_t)shapes[s].count;
        open_pool(&f, shapes[s].object_size, count);
        void **out = calloc(count, sizeof *out);
        uint64_t seed = 0x9e3779b97f4a7c15u + s;
        uint32_t held = 0;
        for (uint32_t step = 0; step < 20000; step++) {
            uint32_t target = step / 2500 % 2 ? count / 10 : count; /* swells and falls */
            if (held < target ? random_below(&seed, 3) != 0 : random_below(&seed, 3) == 0) {
                void *object = pool_acquire(&f.pool);
                assert_true((object != NULL) == (held < count));
                if (object != NULL) {
                    memset(object, 0x55, shapes[s].object_size);
                    out[held++] = object;
                }
            } else if (held > 0) {
                uint32_t i = random_below(&seed, held);
                pool_release(&f.pool, out[i]);
                out[i] = out[--held];
            }
            assert_int_equal(f.pool.in_use, held);
            if (step % 500 == 0) {
                leat__pool_trim(&f.pool, random_below(&seed, count + 1), random_below(&seed, 1 << 20));
                leat__pool_check(&f.pool);
            }
        }
        free(out);
        close_pool(&f);
    }
}

static void trimming_gives_empty_slabs_back_from_the_top(void **state)
{
    (void)state;
    static struct fixture f;
    open_pool(&f, 64, 6400); /* 100 slabs */
    static void *objects[6400];
    for (size_t i = 0; i < 6400; i++)
        memset(objects[i] = pool_acquire(&f.pool), 1, 64);
    size_t size = f.pool.slab_size * f.pool.slab_count;
    assert_int_equal(resident_pages(f.pool.base, size), 100);
    for (size_t i = 640; i < 6400; i++)
        pool_release(&f.pool, objects[i]);
    assert_int_equal(leat__pool_trim(&f.pool, 1280, 8 * PAGE_SIZE_BYTES), 8 * PAGE_SIZE_BYTES);
    assert_true(f.pool.trim_at != 0);
    leat__pool_check(&f.pool);
    assert_int_equal(resident_pages(f.pool.base, size), 92);
    while (f.pool.trim_at != 0)
        leat__pool_trim(&f.pool, 1280, 16 * PAGE_SIZE_BYTES);
    assert_int_equal(resident_pages(f.pool.base, size), 20); /* room for 1280 is kept */
    assert_int_equal(leat__pool_trim(&f.pool, 1280, SIZE_MAX / 2), 0);
    leat__pool_trim(&f.pool, 0, SIZE_MAX / 2);
    assert_int_equal(resident_pages(f.pool.base, size), 10); /* what is in use */
    for (size_t i = 0; i < 640; i++)
        pool_release(&f.pool, objects[i]);
    leat__pool_trim(&f.pool, 0, SIZE_MAX / 2);
    assert_int_equal(resident_pages(f.pool.base, size), 0);
    for (size_t i = 0; i < 6400; i++) /* and all of it can be had again */
        assert_ptr_equal(pool_acquire(&f.pool), f.pool.base + 64 * i);
    assert_null(pool_acquire(&f.pool));
    close_pool(&f);
}

static void a_slab_with_one_object_in_use_stays(void **state)
{
    (void)state;
    static struct fixture f;
    open_pool(&f, 64, 6400);
    static void *objects[6400];
    for (size_t i = 0; i < 6400; i++)
        memset(objects[i] = pool_acquire(&f.pool), 1, 64);
    memset(objects[50 * 64], 0x77, 64);
    for (size_t i = 0; i < 6400; i++)
        if (i != 50 * 64)
            pool_release(&f.pool, objects[i]);
    leat__pool_trim(&f.pool, 0, SIZE_MAX / 2);
    assert_int_equal(resident_pages(f.pool.base, f.pool.slab_size * 100), 1);
    assert_int_equal(((unsigned char *)objects[50 * 64])[63], 0x77);
    pool_release(&f.pool, objects[50 * 64]);
    close_pool(&f);
}

static void use_moves_to_the_low_end_after_trimming(void **state)
{
    (void)state;
    static struct fixture f;
    open_pool(&f, 64, 640);
    void *objects[640];
    for (size_t i = 0; i < 640; i++)
        objects[i] = pool_acquire(&f.pool);
    for (size_t i = 0; i < 640; i++) /* the highest ones last: they would be next */
        pool_release(&f.pool, objects[i]);
    leat__pool_trim(&f.pool, 64, SIZE_MAX / 2);
    assert_true((char *)pool_acquire(&f.pool) < f.pool.base + f.pool.slab_size);
    close_pool(&f);
}

static void trimmed_objects_read_zero(void **state)
{
    (void)state;
    static struct fixture f;
    open_pool(&f, 32, 256);
    f.pool.readable = true; /* as the slots are */
    unsigned char *objects[256];
    for (size_t i = 0; i < 256; i++)
        memset(objects[i] = pool_acquire(&f.pool), 0xff, 32);
    for (size_t i = 0; i < 256; i++)
        pool_release(&f.pool, objects[i]);
    assert_int_equal(objects[200][8], 0xff); /* it keeps what it held */
    leat__pool_trim(&f.pool, 0, SIZE_MAX / 2);
    for (size_t i = 0; i < 256; i++) {
        unsigned char *object = pool_acquire(&f.pool);
        for (size_t byte = 0; byte < 32; byte++)
            assert_int_equal(object[byte], 0);
    }
    close_pool(&f);
}

static void the_nth_acquisition_fails_on_demand(void **state)
{
    (void)state;
    for (uint32_t n = 1; n < 200; n++) {
        static struct fixture f;
        open_pool(&f, 64, 400);
        void *warm = pool_acquire(&f.pool);
        leat__pool_fail_at(&f.pool, n);
        pool_release(&f.pool, warm);
        for (uint32_t i = 1; i <= 300; i++) {
            void *object = pool_acquire(&f.pool);
            assert_true((object == NULL) == (i == n));
            if (object != NULL && i % 3 == 0) /* a release must not open the fast path */
                pool_release(&f.pool, object);
            if (n % 50 == 1)
                leat__pool_check(&f.pool);
        }
        assert_int_equal(f.pool.refused, n <= 300);
        close_pool(&f);
    }
}

static void a_failure_can_be_called_off(void **state)
{
    (void)state;
    static struct fixture f;
    open_pool(&f, 64, 400);
    leat__pool_fail_at(&f.pool, 3);
    assert_non_null(pool_acquire(&f.pool));
    leat__pool_fail_at(&f.pool, 0);
    for (int i = 0; i < 399; i++)
        assert_non_null(pool_acquire(&f.pool));
    assert_null(pool_acquire(&f.pool));
    close_pool(&f);
}

/* Noticed at once in checked builds, else when it leaves the magazine. */
static void release_a_stranger(void *argument)
{
    static char stranger[64];
    pool_release(argument, stranger);
    leat__pool_trim(argument, 0, 0);
}

static void release_twice(void *argument)
{
    void *object = pool_acquire(argument);
    pool_release(argument, object);
    pool_release(argument, object);
    leat__pool_trim(argument, 0, 0);
}

static void a_strangers_object_or_a_second_release_is_a_broken_promise(void **state)
{
    (void)state;
    static struct fixture f;
    open_pool(&f, 64, 64);
    pool_acquire(&f.pool);
    assert_true(dies(release_a_stranger, &f.pool, true));
    assert_true(dies(release_twice, &f.pool, true));
    close_pool(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_object_is_handed_out_once_and_then_it_is_empty),
        cmocka_unit_test(objects_that_fill_a_slab_form_one_array),
        cmocka_unit_test(the_object_released_last_comes_next),
        cmocka_unit_test(the_lowest_slab_with_room_is_used_next),
        cmocka_unit_test(few_slabs_serve_few_objects),
        cmocka_unit_test(high_water_is_exact),
        cmocka_unit_test(any_order_of_use_keeps_the_pool_whole),
        cmocka_unit_test(trimming_gives_empty_slabs_back_from_the_top),
        cmocka_unit_test(a_slab_with_one_object_in_use_stays),
        cmocka_unit_test(use_moves_to_the_low_end_after_trimming),
        cmocka_unit_test(trimmed_objects_read_zero),
        cmocka_unit_test(the_nth_acquisition_fails_on_demand),
        cmocka_unit_test(a_failure_can_be_called_off),
        cmocka_unit_test(a_strangers_object_or_a_second_release_is_a_broken_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
