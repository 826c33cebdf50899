/* What checked builds (LEAT_DEBUG, or an address sanitizer) catch: a double release, a use after release, in every kind
 * of pool. In other builds there is nothing to show but that nothing is paid. */
#include "memory_test.h"
#include "memory/buffer.h"
#include "memory/content.h"
#include "memory/pool.h"

#if MEMORY_CHECKED

struct fixture {
    struct region region;
    struct pool pool;
    struct buffer_pool buffers;
    struct content_store content;
};

static struct fixture f;

static int open_all(void **state)
{
    (void)state;
    size_t size = leat__pool_footprint(64, 200) + leat__buffer_pool_footprint(8192, 8) +
                  leat__content_footprint(16 * CONTENT_BLOCK_MIN);
    if (leat__region_create(&f.region, size, REGION_RESERVE) < 0)
        return -1;
    leat__pool_init(&f.pool, &f.region, "test", 64, 200);
    leat__buffer_pool_init(&f.buffers, &f.region, "test", 8192, 8);
    leat__content_init(&f.content, &f.region, 16 * CONTENT_BLOCK_MIN);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    leat__region_destroy(&f.region);
    return 0;
}

static void release_object(void *object)
{
    pool_release(&f.pool, object);
}

static void release_buffer(void *b)
{
    buffer_release(&f.buffers, b);
}

static void release_content(void *block)
{
    leat__content_release(&f.content, block);
}

static void a_second_release_is_caught(void **state)
{
    (void)state;
    void *object = pool_acquire(&f.pool), *other = pool_acquire(&f.pool);
    struct buffer *b = buffer_acquire(&f.buffers), *another = buffer_acquire(&f.buffers);
    void *block = leat__content_acquire(&f.content, 1);
    assert_false(dies(release_object, object, true));
    assert_false(dies(release_buffer, b, true));
    assert_false(dies(release_content, block, true));
    release_object(object);
    release_object(other);
    release_buffer(b);
    release_buffer(another);
    release_content(block);
    assert_true(dies(release_object, object, true));
    assert_true(dies(release_buffer, b, true));
    assert_true(dies(release_content, block, true));
}

static void release_the_middle_of_an_object(void *object)
{
    pool_release(&f.pool, (char *)object + 16);
}

static void a_release_of_half_an_object_is_caught(void **state)
{
    (void)state;
    void *object = pool_acquire(&f.pool);
    assert_true(dies(release_the_middle_of_an_object, object, true));
    pool_release(&f.pool, object);
}

/* The write itself is trapped by a sanitizer, and else found by the next acquisition. */
static void write_object_after_release(void *object)
{
    ((volatile char *)object)[63] = 1;
    pool_acquire(&f.pool);
}

static void write_buffer_after_release(void *argument)
{
    struct buffer *b = argument;
    ((volatile char *)b->data)[100] = 1;
    buffer_acquire(&f.buffers);
}

static void write_content_after_release(void *block)
{
    ((volatile char *)block)[10] = 1;
    leat__content_acquire(&f.content, 16 * CONTENT_BLOCK_MIN);
}

static void a_use_after_release_is_caught(void **state)
{
    (void)state;
    void *object = pool_acquire(&f.pool);
    struct buffer *b = buffer_acquire(&f.buffers);
    void *block = leat__content_acquire(&f.content, 1);
    pool_release(&f.pool, object);
    buffer_release(&f.buffers, b);
    leat__content_release(&f.content, block);
    assert_true(dies(write_object_after_release, object, !MEMORY_ASAN));
    assert_true(dies(write_buffer_after_release, b, !MEMORY_ASAN));
    assert_true(dies(write_content_after_release, block, !MEMORY_ASAN));
}

static void memory_that_was_trimmed_is_used_again(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        void *objects[200], *block = leat__content_acquire(&f.content, 4 * CONTENT_BLOCK_MIN);
        struct buffer *buffers[8];
        for (int i = 0; i < 200; i++)
            memset(objects[i] = pool_acquire(&f.pool), 1, 64);
        for (int i = 0; i < 8; i++)
            memset((buffers[i] = buffer_acquire(&f.buffers))->data, 1, 8192);
        memset(block, 1, 4 * CONTENT_BLOCK_MIN);
        for (int i = 0; i < 200; i++)
            pool_release(&f.pool, objects[i]);
        for (int i = 0; i < 8; i++)
            buffer_release(&f.buffers, buffers[i]);
        leat__content_release(&f.content, block);
        leat__pool_trim(&f.pool, 0, SIZE_MAX / 2);
        leat__buffer_pool_trim(&f.buffers, 0, SIZE_MAX / 2);
        leat__content_trim(&f.content, 0, SIZE_MAX / 2);
    }
    leat__pool_check(&f.pool);
    leat__buffer_pool_check(&f.buffers);
    leat__content_check(&f.content);
}

static void slots_can_be_read_while_they_are_free(void **state)
{
    (void)state;
    f.pool.readable = true;
    unsigned char *object = pool_acquire(&f.pool);
    memset(object, 9, 64);
    pool_release(&f.pool, object);
    assert_int_equal(object[8], 9);
    assert_int_equal(object[63], 9);
    assert_true(dies(release_object, object, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_second_release_is_caught, open_all, close_all),
        cmocka_unit_test_setup_teardown(a_release_of_half_an_object_is_caught, open_all, close_all),
        cmocka_unit_test_setup_teardown(a_use_after_release_is_caught, open_all, close_all),
        cmocka_unit_test_setup_teardown(memory_that_was_trimmed_is_used_again, open_all, close_all),
        cmocka_unit_test_setup_teardown(slots_can_be_read_while_they_are_free, open_all, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void unchecked_builds_keep_no_map_of_objects(void **state)
{
    (void)state;
    /* a page of objects, three bitmaps and the magazine */
    assert_int_equal(leat__pool_footprint(64, 64),
                     PAGE_SIZE_BYTES + 3 * CACHE_LINE + POOL_MAGAZINE_MIN * sizeof(void *));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unchecked_builds_keep_no_map_of_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
