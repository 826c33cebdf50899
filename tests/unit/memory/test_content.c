/* The content store cuts by halves and joins again: whatever was held, at the end the stretch is whole. */
#include "memory_test.h"
#include "memory/content.h"

enum { BLOCK = CONTENT_BLOCK_MIN };

struct fixture {
    struct region region;
    struct content_store store;
};

static void open_store(struct fixture *f, size_t blocks)
{
    size_t size = leat__content_footprint(blocks * BLOCK);
    assert_int_equal(leat__region_create(&f->region, size, REGION_RESERVE), 0);
    leat__content_init(&f->store, &f->region, blocks * BLOCK);
    assert_int_equal(f->region.used, size);
    leat__content_check(&f->store);
}

static void close_store(struct fixture *f)
{
    leat__content_check(&f->store);
    leat__region_destroy(&f->region);
}

/* As a fresh store of that many blocks has them: proves that everything joined again. */
static void assert_whole(const struct fixture *f, size_t blocks)
{
    struct fixture fresh;
    open_store(&fresh, blocks);
    assert_int_equal(f->store.in_use, 0);
    assert_memory_equal(f->store.orders, fresh.store.orders, blocks);
    close_store(&fresh);
}

static void a_block_is_the_next_power_of_two(void **state)
{
    (void)state;
    struct fixture f;
    open_store(&f, 16);
    const struct {
        size_t size;
        uint32_t blocks;
    } cases[] = {{0, 1},         {1, 1},         {BLOCK, 1},          {BLOCK + 1, 2},
                 {3 * BLOCK, 4}, {5 * BLOCK, 8}, {8 * BLOCK + 1, 16}, {16 * BLOCK, 16}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *memory = leat__content_acquire(&f.store, cases[i].size);
        assert_non_null(memory);
        memset(memory, 1, (size_t)cases[i].blocks * BLOCK);
        assert_int_equal(f.store.in_use, cases[i].blocks);
        leat__content_check(&f.store);
        leat__content_release(&f.store, memory);
        assert_whole(&f, 16);
    }
    close_store(&f);
}

static void what_is_too_large_is_refused_and_counted(void **state)
{
    (void)state;
    struct fixture f;
    open_store(&f, 11); /* blocks of 8, 2 and 1 */
    assert_null(leat__content_acquire(&f.store, 9 * BLOCK));
    assert_null(leat__content_acquire(&f.store, SIZE_MAX));
    assert_int_equal(f.store.refused, 2);
    assert_non_null(leat__content_acquire(&f.store, 8 * BLOCK));
    assert_non_null(leat__content_acquire(&f.store, 2 * BLOCK));
    assert_null(leat__content_acquire(&f.store, 2 * BLOCK));
    assert_non_null(leat__content_acquire(&f.store, BLOCK));
    assert_null(leat__content_acquire(&f.store, 1));
    assert_int_equal(f.store.in_use, 11);
    assert_int_equal(f.store.refused, 4);
    close_store(&f);
}

static void a_store_of_nothing_refuses_everything(void **state)
{
    (void)state;
    struct fixture f;
    open_store(&f, 0);
    assert_null(leat__content_acquire(&f.store, 1));
    assert_int_equal(leat__content_trim(&f.store, 0, SIZE_MAX / 2), 0);
    close_store(&f);
}

struct held {
    unsigned char *memory;
    size_t size;
    unsigned char mark;
};

static void release_held(struct fixture *f, struct held *h)
{
    assert_int_equal(h->memory[0], h->mark);
    assert_int_equal(h->memory[h->size / 2], h->mark);
    assert_int_equal(h->memory[h->size - 1], h->mark);
    leat__content_release(&f->store, h->memory);
}

static void any_order_of_use_joins_again(void **state)
{
    (void)state;
    const size_t shapes[] = {1, 2, 3, 64, 65, 100, 127, 256};
    for (size_t s = 0; s < COUNT_OF(shapes); s++) {
        struct fixture f;
        open_store(&f, shapes[s]);
        struct held held[300];
        size_t count = 0;
        uint64_t seed = 11 + s;
        for (uint32_t step = 0; step < 6000; step++) {
            if (random_below(&seed, 5) < 3 && count < COUNT_OF(held)) {
                struct held h = {.size = ((size_t)1 << random_below(&seed, 20)) +
                                         random_below(&seed, 5000)};
                h.memory = leat__content_acquire(&f.store, h.size);
                h.mark = (unsigned char)random_below(&seed, 256);
                if (h.memory != NULL) {
                    h.memory[0] = h.memory[h.size / 2] = h.memory[h.size - 1] = h.mark;
                    held[count++] = h;
                }
            } else if (count > 0) {
                size_t i = random_below(&seed, (uint32_t)count);
                release_held(&f, &held[i]);
                held[i] = held[--count];
            }
            if (step % 200 == 0) {
                leat__content_trim(&f.store, random_below(&seed, 30), random_below(&seed, 1 << 20));
                leat__content_check(&f.store);
            }
        }
        while (count > 0)
            release_held(&f, &held[--count]);
        assert_whole(&f, shapes[s]);
        close_store(&f);
    }
}

static void trimming_gives_back_what_is_free(void **state)
{
    (void)state;
    struct fixture f;
    open_store(&f, 64);
    unsigned char *blocks[64];
    for (size_t i = 0; i < 64; i++)
        memset(blocks[i] = leat__content_acquire(&f.store, BLOCK), 9, BLOCK);
    assert_int_equal(resident_pages(f.store.base, f.store.size), 64 * 4);
    for (size_t i = 0; i < 64; i++)
        if (i % 16 != 5)
            leat__content_release(&f.store, blocks[i]);
    assert_int_equal(leat__content_trim(&f.store, 64, SIZE_MAX / 2), 0);
    assert_int_equal(leat__content_trim(&f.store, 4, 3 * BLOCK + 1), 3 * BLOCK);
    leat__content_check(&f.store);
    assert_int_equal(leat__content_trim(&f.store, 20, SIZE_MAX / 2), (64 - 3 - 20) * BLOCK);
    assert_int_equal(resident_pages(f.store.base, f.store.size), 20 * 4);
    leat__content_trim(&f.store, 0, SIZE_MAX / 2);
    assert_int_equal(resident_pages(f.store.base, f.store.size), 4 * 4);
    for (size_t i = 5; i < 64; i += 16) {
        assert_int_equal(blocks[i][BLOCK - 1], 9); /* what is held stays */
        leat__content_release(&f.store, blocks[i]);
    }
    assert_int_equal(leat__content_trim(&f.store, 0, SIZE_MAX / 2), 4 * BLOCK);
    assert_int_equal(resident_pages(f.store.base, f.store.size), 0);
    assert_whole(&f, 64);
    close_store(&f);
}

static void the_nth_acquisition_fails_on_demand(void **state)
{
    (void)state;
    struct fixture f;
    open_store(&f, 64);
    leat__content_fail_at(&f.store, 3);
    for (int i = 1; i <= 10; i++)
        assert_true((leat__content_acquire(&f.store, 1) == NULL) == (i == 3));
    assert_int_equal(f.store.refused, 1);
    close_store(&f);
}

struct wrong {
    struct content_store *store;
    void *block;
};

static void release_wrong(void *argument)
{
    struct wrong *w = argument;
    leat__content_release(w->store, w->block);
}

static void releasing_twice_or_the_wrong_place_is_a_broken_promise(void **state)
{
    (void)state;
    struct fixture f;
    open_store(&f, 16);
    char *block = leat__content_acquire(&f.store, 2 * BLOCK);
    struct wrong right = {&f.store, block};
    struct wrong wrongs[] = {
        {&f.store, block + 1}, {&f.store, block + BLOCK}, {&f.store, block + 2 * BLOCK}, {&f.store, &f}};
    assert_false(dies(release_wrong, &right, true));
    for (size_t i = 0; i < COUNT_OF(wrongs); i++)
        assert_true(dies(release_wrong, &wrongs[i], true));
    leat__content_release(&f.store, block);
    assert_true(dies(release_wrong, &right, true));
    close_store(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_the_next_power_of_two),
        cmocka_unit_test(what_is_too_large_is_refused_and_counted),
        cmocka_unit_test(a_store_of_nothing_refuses_everything),
        cmocka_unit_test(any_order_of_use_joins_again),
        cmocka_unit_test(trimming_gives_back_what_is_free),
        cmocka_unit_test(the_nth_acquisition_fails_on_demand),
        cmocka_unit_test(releasing_twice_or_the_wrong_place_is_a_broken_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
