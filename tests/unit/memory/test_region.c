/* A region is one reservation: its pieces are zeroed, aligned, apart from each other, and only taken at start. */
#include "memory_test.h"
#include "memory/region.h"
#include "memory/seal.h"
#include <errno.h>

static void reserving_touches_no_page(void **state)
{
    (void)state;
    struct region r;
    assert_int_equal(leat__region_create(&r, 64 << 20, REGION_RESERVE), 0);
    assert_int_equal(r.size, 64 << 20);
    assert_int_equal(resident_pages(r.base, r.size), 0);
    char *piece = leat__region_take(&r, 1 << 20, PAGE_SIZE_BYTES);
    assert_int_equal(resident_pages(r.base, r.size), 0);
    piece[0] = 1;
    assert_int_equal(resident_pages(r.base, r.size), 1);
    leat__region_destroy(&r);
}

static void committing_touches_every_page(void **state)
{
    (void)state;
    struct region r;
    assert_int_equal(leat__region_create(&r, 1 << 20, REGION_COMMIT), 0);
    assert_int_equal(resident_pages(r.base, r.size), (1 << 20) / PAGE_SIZE_BYTES);
    leat__region_destroy(&r);
    assert_null(r.base);
    leat__region_destroy(&r); /* twice is once */
}

static void what_the_machine_refuses_is_an_error(void **state)
{
    (void)state;
    struct region r;
    assert_int_equal(leat__region_create(&r, (size_t)1 << 62, REGION_RESERVE), -ENOMEM);
}

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct region r;
    assert_int_equal(leat__region_create(&r, 5 * PAGE_SIZE_BYTES, REGION_RESERVE), 0);
    char *page = leat__region_take(&r, 1, PAGE_SIZE_BYTES);
    char *small = leat__region_take(&r, 10, 16);
    char *pages = leat__region_take(&r, 2 * PAGE_SIZE_BYTES, PAGE_SIZE_BYTES);
    char *line = leat__region_take(&r, 65, CACHE_LINE);
    assert_ptr_equal(page, r.base);
    assert_ptr_equal(pages, r.base + PAGE_SIZE_BYTES);
    assert_int_equal((uintptr_t)small % 16, 0);
    assert_int_equal((uintptr_t)line % CACHE_LINE, 0);
    assert_true(small + 10 <= r.base + r.size && line + 65 <= small);
    assert_true(line >= pages + 2 * PAGE_SIZE_BYTES);
    for (size_t i = 0; i < r.size; i++)
        assert_int_equal(r.base[i], 0);
    leat__region_destroy(&r);
}

static void a_region_can_be_used_up_to_the_last_byte(void **state)
{
    (void)state;
    struct region r;
    assert_int_equal(leat__region_create(&r, 2 * PAGE_SIZE_BYTES, REGION_RESERVE), 0);
    leat__region_take(&r, PAGE_SIZE_BYTES, PAGE_SIZE_BYTES);
    leat__region_take(&r, PAGE_SIZE_BYTES - 64, 64);
    leat__region_take(&r, 64, 64);
    assert_int_equal(r.used, r.size);
    leat__region_destroy(&r);
}

static void take_a_page(void *argument)
{
    leat__region_take(argument, 1, PAGE_SIZE_BYTES);
}

static void taking_what_is_not_there_or_sealed_is_a_broken_promise(void **state)
{
    (void)state;
    struct region r;
    assert_int_equal(leat__region_create(&r, PAGE_SIZE_BYTES, REGION_RESERVE), 0);
    assert_false(dies(take_a_page, &r, true));
    leat__seal_set(SEAL_SEALED);
    assert_true(dies(take_a_page, &r, true));
    leat__seal_set(SEAL_STOPPING);
    assert_false(dies(take_a_page, &r, true));
    leat__seal_set(SEAL_START);
    leat__region_take(&r, 1, PAGE_SIZE_BYTES);
    assert_true(dies(take_a_page, &r, true));
    leat__region_destroy(&r);
    assert_int_equal(leat__region_create(&r, PAGE_SIZE_BYTES, REGION_RESERVE), 0);
    leat__region_seal(&r);
    assert_true(dies(take_a_page, &r, true));
    leat__region_destroy(&r);
}

static void dropped_pages_are_gone_and_read_zero(void **state)
{
    (void)state;
    struct region r;
    assert_int_equal(leat__region_create(&r, 4 * PAGE_SIZE_BYTES, REGION_RESERVE), 0);
    memset(r.base, 7, r.size);
    leat__region_drop(r.base + PAGE_SIZE_BYTES, 2 * PAGE_SIZE_BYTES);
    assert_int_equal(resident_pages(r.base, r.size), 2);
    assert_int_equal(r.base[PAGE_SIZE_BYTES - 1], 7);
    assert_int_equal(r.base[PAGE_SIZE_BYTES], 0);
    assert_int_equal(r.base[3 * PAGE_SIZE_BYTES - 1], 0);
    assert_int_equal(r.base[3 * PAGE_SIZE_BYTES], 7);
    leat__region_destroy(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserving_touches_no_page),
        cmocka_unit_test(committing_touches_every_page),
        cmocka_unit_test(what_the_machine_refuses_is_an_error),
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_region_can_be_used_up_to_the_last_byte),
        cmocka_unit_test(taking_what_is_not_there_or_sealed_is_a_broken_promise),
        cmocka_unit_test(dropped_pages_are_gone_and_read_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
