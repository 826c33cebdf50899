/* test_guest.c: heaps for libraries as programs know them. */
#include "exchange/app.h"
#include "memory/plan.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdlib.h>

static void before_the_start_it_is_malloc_and_a_free_knows(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_guest *guest = leat_guest_create(app, "tls", 2 << 20);
    char *early = leat_guest_alloc(guest, 100);
    assert_int_equal(leat__guests_open(app, 2, REGION_RESERVE), 0);
    assert_false(guest_holds(&guest->heap, early));
    char *late = leat_guest_calloc(guest, 10, 50);
    assert_true(guest_holds(&guest->heap, late));
    for (int i = 0; i < 500; i++)
        assert_int_equal(late[i], 0);
    memset(early, 7, 100);
    early = leat_guest_realloc(guest, early, 5000);
    assert_int_equal(early[99], 7);
    leat_guest_free(guest, early);
    leat_guest_free(guest, late);
    leat_guest_free(guest, NULL);
    leat_app_destroy(app);
}

static void realloc_keeps_what_was_there(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_guest *guest = leat_guest_create(app, "tls", 4 << 20);
    assert_int_equal(leat__guests_open(app, 1, REGION_RESERVE), 0);
    unsigned char *memory = NULL;
    static const size_t sizes[] = {1, 16, 17, 400, 4096, 4097, 70000, 300, 5};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        size_t keep = i == 0 ? 0 : size_min(sizes[i], sizes[i - 1]);
        memory = leat_guest_realloc(guest, memory, sizes[i]);
        assert_non_null(memory);
        for (size_t at = 0; at < keep; at++)
            assert_int_equal(memory[at], (unsigned char)(at * 7 + i - 1));
        for (size_t at = 0; at < sizes[i]; at++)
            memory[at] = (unsigned char)(at * 7 + i);
    }
    leat_guest_free(guest, memory);
    leat_guest_counts counts;
    leat_guest_count(guest, &counts, sizeof counts);
    assert_int_equal(counts.in_use, 0);
    assert_true(counts.high >= 70000 && counts.allocations >= 6 && counts.refused == 0);
    assert_null(leat_guest_alloc(guest, 64 << 20));
    assert_null(leat_guest_calloc(guest, SIZE_MAX / 2, 3));
    leat_guest_count(guest, &counts, sizeof counts);
    assert_int_equal(counts.refused, 1);
    leat_app_destroy(app);
}

static void a_row_of_the_plan_each(void **state)
{
    (void)state;
    static struct plan plan;
    char error[256];
    struct plan_input input = {
        .shards = 2, .connections = 100, .exchanges = 10, .content_total = 1 << 20, .content_max = 1000};
    assert_int_equal(leat__plan_make(&plan, &input, error, sizeof error), 0);
    uint64_t without = plan.ours;
    input.guests[0] = (struct plan_guest){"tls", 8 << 20};
    input.guests[1] = (struct plan_guest){"json", 1 << 20};
    input.guest_count = 2;
    assert_int_equal(leat__plan_make(&plan, &input, error, sizeof error), 0);
    assert_true(plan.ours - without >= 9 << 20 && plan.ours - without < 10 << 20);
    input.memory = 6 << 20;
    assert_int_equal(leat__plan_make(&plan, &input, error, sizeof error), -E2BIG);
}

static void what_makes_no_sense_is_told(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_guest_create(app, "small", 1000);
    assert_non_null(strstr(leat__app_errors(app), "small"));
    leat_app_destroy(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_start_it_is_malloc_and_a_free_knows),
        cmocka_unit_test(realloc_keeps_what_was_there),
        cmocka_unit_test(a_row_of_the_plan_each),
        cmocka_unit_test(what_makes_no_sense_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
