/* Stacks: handed out the warmest first, refused and counted when all are in use, given back to the machine when they were
 * not needed, and guarded: what runs over one dies, and its neighbour does not notice. */
#include "memory/stack.h"
#include "memory_test.h"

enum { COUNT = 20, STRIDE = 32768, SIZE = STRIDE - STACK_GUARD };

static struct region region;
static struct stack_pool pool;

static int open_pool(void **state)
{
    (void)state;
    size_t size = align_up(leat__stack_pool_footprint(STRIDE, COUNT), PAGE_SIZE_BYTES);
    if (leat__region_create(&region, size, REGION_RESERVE) < 0)
        return -1;
    return leat__stack_pool_init(&pool, &region, STRIDE, COUNT);
}

static int close_pool(void **state)
{
    (void)state;
    leat__stack_pool_check(&pool);
    leat__region_destroy(&region);
    return 0;
}

static void touch(uint32_t index)
{
    memset(stack_low(&pool, index), (int)index + 1, SIZE);
}

static void test_stacks_are_apart_and_hold_what_is_written(void **state)
{
    (void)state;
    uint32_t taken[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        taken[i] = leat__stack_acquire(&pool);
        assert_true(taken[i] < COUNT);
        assert_int_equal((uintptr_t)stack_top(&pool, taken[i]) % 16, 0);
        assert_int_equal(stack_top(&pool, taken[i]) - stack_low(&pool, taken[i]), SIZE);
        touch(taken[i]);
    }
    for (size_t i = 0; i < COUNT; i++)
        for (const char *at = stack_low(&pool, taken[i]); at < stack_top(&pool, taken[i]); at++)
            assert_int_equal(*at, (int)taken[i] + 1);
    leat__stack_pool_check(&pool);
}

static void test_the_warmest_comes_next(void **state)
{
    (void)state;
    uint32_t a = leat__stack_acquire(&pool), b = leat__stack_acquire(&pool);
    leat__stack_release(&pool, a);
    leat__stack_release(&pool, b);
    assert_int_equal(leat__stack_acquire(&pool), b);
    assert_int_equal(leat__stack_acquire(&pool), a);
    assert_int_equal(pool.touched, 2);
    assert_int_equal(pool.high, 2);
}

static void test_all_in_use_is_refused_and_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        assert_int_not_equal(leat__stack_acquire(&pool), STACK_NONE);
    assert_int_equal(leat__stack_acquire(&pool), STACK_NONE);
    assert_int_equal(leat__stack_acquire(&pool), STACK_NONE);
    assert_int_equal(pool.refused, 2);
    leat__stack_release(&pool, 7);
    assert_int_equal(leat__stack_acquire(&pool), 7);
}

static void test_the_nth_acquisition_fails(void **state)
{
    (void)state;
    leat__stack_pool_fail_at(&pool, 3);
    assert_int_not_equal(leat__stack_acquire(&pool), STACK_NONE);
    uint32_t second = leat__stack_acquire(&pool);
    leat__stack_release(&pool, second);
    assert_int_equal(leat__stack_acquire(&pool), STACK_NONE);
    assert_int_equal(leat__stack_acquire(&pool), second);
    assert_int_equal(pool.refused, 1);
    leat__stack_pool_fail_at(&pool, 1);
    leat__stack_pool_fail_at(&pool, 0);
    assert_int_not_equal(leat__stack_acquire(&pool), STACK_NONE);
}

/* The signal that writing to an address ends a process with; 0: none. */
static int ends_with(char *address)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile char *)address = 1;
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_what_runs_over_meets_a_guard(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++)
        leat__stack_acquire(&pool);
    for (uint32_t i = 0; i < COUNT; i += 3) {
        assert_int_equal(ends_with(stack_low(&pool, i)), 0);
        assert_int_equal(ends_with(stack_top(&pool, i) - 1), 0);
        assert_int_equal(ends_with(stack_low(&pool, i) - 1), SIGSEGV);
        assert_int_equal(ends_with(stack_low(&pool, i) - STACK_GUARD), SIGSEGV);
    }
}

static void test_a_guard_tells_its_stack(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        char *low = stack_low(&pool, i);
        assert_int_equal(leat__stack_of_guard(&pool, low - 1), i);
        assert_int_equal(leat__stack_of_guard(&pool, low - STACK_GUARD), i);
        assert_int_equal(leat__stack_of_guard(&pool, low), STACK_NONE);
        assert_int_equal(leat__stack_of_guard(&pool, stack_top(&pool, i) - 1), STACK_NONE);
    }
    assert_int_equal(leat__stack_of_guard(&pool, pool.base - 1), STACK_NONE);
    assert_int_equal(leat__stack_of_guard(&pool, pool.base + (size_t)STRIDE * COUNT), STACK_NONE);
    assert_int_equal(leat__stack_of_guard(&pool, NULL), STACK_NONE);
    assert_int_equal(leat__stack_of_guard(&(struct stack_pool){0}, pool.base), STACK_NONE);
}

static size_t resident(void)
{
    size_t pages = 0;
    for (uint32_t i = 0; i < COUNT; i++)
        pages += resident_pages(stack_low(&pool, i), SIZE);
    return pages;
}

/* A peak is over: all but what is kept goes back, at most a budget at a time, and the guards stay. */
static void test_a_peaks_pages_go_back(void **state)
{
    (void)state;
    uint32_t taken[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        touch(taken[i] = leat__stack_acquire(&pool));
    assert_int_equal(leat__stack_pool_trim(&pool, 4, SIZE_MAX), 0); /* all are in use */
    for (size_t i = 2; i < COUNT; i++)
        leat__stack_release(&pool, taken[i]);
    assert_int_equal(resident(), COUNT * SIZE / PAGE_SIZE_BYTES);
    assert_int_equal(leat__stack_pool_trim(&pool, 5, SIZE - 1), 0); /* not even one */
    assert_int_equal(leat__stack_pool_trim(&pool, 5, 3 * SIZE), 3 * SIZE);
    leat__stack_pool_check(&pool);
    assert_int_equal(leat__stack_pool_trim(&pool, 5, SIZE_MAX), (COUNT - 8) * SIZE);
    assert_int_equal(leat__stack_pool_trim(&pool, 5, SIZE_MAX), 0);
    leat__stack_pool_check(&pool);
    assert_int_equal(pool.warm, 5);
    assert_int_equal(resident(), 5 * SIZE / PAGE_SIZE_BYTES);
    assert_int_equal(stack_low(&pool, taken[0])[0], (char)(taken[0] + 1)); /* in use: untouched */
    assert_int_equal(leat__stack_acquire(&pool), taken[COUNT - 1]); /* the warmest has stayed */
    for (size_t i = 3; i < COUNT; i++)
        touch(leat__stack_acquire(&pool)); /* the cold ones can be had again */
    assert_int_equal(leat__stack_acquire(&pool), STACK_NONE);
    assert_int_equal(ends_with(stack_low(&pool, taken[9]) - 1), SIGSEGV);
}

static void test_none_is_a_pool_too(void **state)
{
    (void)state;
    struct stack_pool none;
    assert_int_equal(leat__stack_pool_footprint(STRIDE, 0), 0);
    assert_int_equal(leat__stack_pool_init(&none, &region, STRIDE, 0), 0);
    assert_int_equal(leat__stack_acquire(&none), STACK_NONE);
    assert_int_equal(leat__stack_pool_trim(&none, 0, SIZE_MAX), 0);
    leat__stack_pool_check(&none);
}

static void release_twice(void *argument)
{
    (void)argument;
    uint32_t index = leat__stack_acquire(&pool);
    leat__stack_release(&pool, index);
    leat__stack_release(&pool, index);
    leat__stack_pool_check(&pool);
}

static void test_a_second_release_is_found(void **state)
{
    (void)state;
    leat__stack_acquire(&pool);
    assert_true(dies(release_twice, NULL, true));
}

int main(void)
{
#define OF_A_POOL(test) cmocka_unit_test_setup_teardown(test, open_pool, close_pool)
    const struct CMUnitTest tests[] = {
        OF_A_POOL(test_stacks_are_apart_and_hold_what_is_written),
        OF_A_POOL(test_the_warmest_comes_next),
        OF_A_POOL(test_all_in_use_is_refused_and_counted),
        OF_A_POOL(test_the_nth_acquisition_fails),
        OF_A_POOL(test_what_runs_over_meets_a_guard),
        OF_A_POOL(test_a_guard_tells_its_stack),
        OF_A_POOL(test_a_peaks_pages_go_back),
        OF_A_POOL(test_none_is_a_pool_too),
        OF_A_POOL(test_a_second_release_is_found),
    };
    return cmocka_run_group_tests_name("memory.stack", tests, NULL, NULL);
}
