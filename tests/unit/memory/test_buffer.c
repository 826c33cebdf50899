/* Buffers are lent once each, the warmest first, go back by the chain, and give their pages back when they are cold. */
#include "memory_test.h"
#include "memory/buffer.h"

struct fixture {
    struct region region;
    struct buffer_pool pool;
};

static void open_buffers(struct fixture *f, size_t stride, size_t count)
{
    size_t size = leat__buffer_pool_footprint(stride, count);
    assert_int_equal(leat__region_create(&f->region, size, REGION_RESERVE), 0);
    leat__buffer_pool_init(&f->pool, &f->region, "test", stride, count);
    assert_int_equal(f->region.used, size);
    leat__buffer_pool_check(&f->pool);
}

static void close_buffers(struct fixture *f)
{
    leat__buffer_pool_check(&f->pool);
    leat__region_destroy(&f->region);
}

static void every_buffer_is_lent_once_and_then_it_is_empty(void **state)
{
    (void)state;
    struct fixture f;
    open_buffers(&f, 8192, 50);
    struct buffer *buffers[50];
    for (uint32_t i = 0; i < 50; i++) {
        buffers[i] = buffer_acquire(&f.pool);
        assert_non_null(buffers[i]);
        assert_int_equal(buffers[i]->start, 0);
        assert_int_equal(buffers[i]->end, 0);
        assert_ptr_equal(buffers[i], &f.pool.headers[buffers[i]->index]);
        assert_int_equal((uintptr_t)buffers[i]->data % PAGE_SIZE_BYTES, 0);
        memset(buffers[i]->data, (int)i, f.pool.capacity + BUFFER_SLACK);
        buffers[i]->end = 10;
    }
    assert_null(buffer_acquire(&f.pool));
    assert_int_equal(f.pool.refused, 1);
    assert_int_equal(f.pool.in_use, 50);
    for (uint32_t i = 0; i < 50; i++) {
        assert_int_equal(buffers[i]->data[0], (int)i);
        assert_int_equal(buffers[i]->data[8191], (int)i);
        buffer_release(&f.pool, buffers[i]);
    }
    assert_int_equal(f.pool.in_use, 0);
    assert_int_equal(f.pool.high, 50);
    assert_ptr_equal(buffer_acquire(&f.pool), buffers[49]);
    assert_int_equal(buffers[49]->end, 0);
    close_buffers(&f);
}

static void a_chain_goes_back_in_one_step(void **state)
{
    (void)state;
    struct fixture f;
    open_buffers(&f, 4096, 20);
    struct buffer *first = NULL, *last = NULL;
    for (int i = 0; i < 20; i++) {
        struct buffer *b = buffer_acquire(&f.pool);
        b->next = first;
        first = b;
        last = last == NULL ? b : last;
    }
    buffer_release_chain(&f.pool, first, last, 20);
    assert_int_equal(f.pool.in_use, 0);
    leat__buffer_pool_check(&f.pool);
    assert_ptr_equal(buffer_acquire(&f.pool), first);
    close_buffers(&f);
}

static void trimming_keeps_the_warmest(void **state)
{
    (void)state;
    struct fixture f;
    open_buffers(&f, 16384, 100);
    struct buffer *buffers[100];
    for (int i = 0; i < 100; i++) {
        buffers[i] = buffer_acquire(&f.pool);
        memset(buffers[i]->data, 1, f.pool.capacity);
    }
    size_t size = (size_t)16384 * 100;
    assert_int_equal(resident_pages(f.pool.base, size), 400);
    for (int i = 0; i < 90; i++)
        buffer_release(&f.pool, buffers[i]);
    assert_int_equal(leat__buffer_pool_trim(&f.pool, 100, SIZE_MAX / 2), 0);
    assert_int_equal(leat__buffer_pool_trim(&f.pool, 30, 7 * 16384 + 5), 7 * 16384);
    assert_int_equal(resident_pages(f.pool.base, size), 400 - 28);
    leat__buffer_pool_check(&f.pool);
    assert_int_equal(leat__buffer_pool_trim(&f.pool, 30, SIZE_MAX / 2), 63 * 16384);
    assert_int_equal(resident_pages(f.pool.base, size), 120);
    assert_int_equal(f.pool.warm, 30);
    for (int i = 0; i < 20; i++) /* the kept ones are those that were released last */
        assert_ptr_equal(buffer_acquire(&f.pool), buffers[89 - i]);
    for (int i = 0; i < 70; i++) /* and the trimmed ones come back */
        assert_non_null(buffer_acquire(&f.pool));
    assert_null(buffer_acquire(&f.pool));
    close_buffers(&f);
}

static void any_order_of_use_keeps_the_pool_whole(void **state)
{
    (void)state;
    struct fixture f;
    open_buffers(&f, 4096, 64);
    struct buffer *out[64];
    uint64_t seed = 7;
    uint32_t held = 0;
    for (uint32_t step = 0; step < 20000; step++) {
        uint32_t target = step / 2500 % 2 ? 6 : 64;
        if (held < target ? random_below(&seed, 3) != 0 : random_below(&seed, 3) == 0) {
            struct buffer *b = buffer_acquire(&f.pool);
            assert_true((b != NULL) == (held < 64));
            if (b != NULL) {
                memset(b->data, 3, f.pool.capacity);
                out[held++] = b;
            }
        } else if (held > 0) {
            uint32_t i = random_below(&seed, held);
            buffer_release(&f.pool, out[i]);
            out[i] = out[--held];
        }
        if (step % 100 == 0) {
            leat__buffer_pool_trim(&f.pool, random_below(&seed, 65), 32768);
            leat__buffer_pool_check(&f.pool);
        }
    }
    close_buffers(&f);
}

static void the_nth_acquisition_fails_on_demand(void **state)
{
    (void)state;
    for (uint32_t n = 1; n < 60; n++) {
        struct fixture f;
        open_buffers(&f, 4096, 64);
        struct buffer *warm = buffer_acquire(&f.pool);
        buffer_release(&f.pool, warm);
        leat__buffer_pool_fail_at(&f.pool, n);
        for (uint32_t i = 1; i <= 60; i++) {
            struct buffer *b = buffer_acquire(&f.pool);
            assert_true((b == NULL) == (i == n));
            if (b != NULL && i % 3 == 0)
                buffer_release(&f.pool, b);
            leat__buffer_pool_check(&f.pool);
        }
        assert_int_equal(f.pool.refused, 1);
        close_buffers(&f);
    }
}

static void a_failure_can_be_called_off(void **state)
{
    (void)state;
    struct fixture f;
    open_buffers(&f, 4096, 4);
    buffer_release(&f.pool, buffer_acquire(&f.pool));
    leat__buffer_pool_fail_at(&f.pool, 2);
    leat__buffer_pool_fail_at(&f.pool, 0);
    for (int i = 0; i < 4; i++)
        assert_non_null(buffer_acquire(&f.pool));
    assert_null(buffer_acquire(&f.pool));
    close_buffers(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_buffer_is_lent_once_and_then_it_is_empty),
        cmocka_unit_test(a_chain_goes_back_in_one_step),
        cmocka_unit_test(trimming_keeps_the_warmest),
        cmocka_unit_test(any_order_of_use_keeps_the_pool_whole),
        cmocka_unit_test(the_nth_acquisition_fails_on_demand),
        cmocka_unit_test(a_failure_can_be_called_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
