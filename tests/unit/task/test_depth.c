/* How deep a stack was used is told to the word: a fresh one, one that was used deeper before, one that was used as deep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "task/depth.h"
#include "task/fiber.h"

enum { SIZE = 61440 };

static _Alignas(16) char stack[SIZE];

static char *paint(void)
{
    char *painted = leat__depth_paint(stack, stack + SIZE);
    if (painted == NULL)
        skip(); /* a tool watches */
    return painted;
}

static void use(size_t octets)
{
    memset(stack + SIZE - octets, 1, octets);
}

static void a_fresh_stack_tells_how_far_it_was_used(void **state)
{
    (void)state;
    memset(stack, 0, SIZE);
    char *painted = paint();
    assert_ptr_equal(painted, stack + SIZE);
    assert_int_equal(leat__depth_left(stack, painted, stack + SIZE), SIZE);
    use(1000);
    assert_int_equal(leat__depth_left(stack, painted, stack + SIZE), SIZE - 1000);
}

static void what_was_used_before_does_not_count(void **state)
{
    (void)state;
    memset(stack, 0, SIZE);
    use(8000);
    char *painted = paint();
    assert_ptr_equal(painted, stack + SIZE - 8000);
    use(808);
    assert_int_equal(leat__depth_left(stack, painted, stack + SIZE), SIZE - 808);
    use(8000);
    assert_int_equal(leat__depth_left(stack, painted, stack + SIZE), SIZE - 8000);
    use(24000);
    assert_int_equal(leat__depth_left(stack, painted, stack + SIZE), SIZE - 24000);
}

static void zeros_in_the_painted_part_count(void **state)
{
    (void)state;
    memset(stack, 0, SIZE);
    use(8000);
    char *painted = paint();
    memset(stack + SIZE - 4000, 0, 8);
    assert_int_equal(leat__depth_left(stack, painted, stack + SIZE), SIZE - 4000);
}

static void a_whole_stack_can_be_used(void **state)
{
    (void)state;
    memset(stack, 0, SIZE);
    char *painted = paint();
    use(SIZE);
    assert_int_equal(leat__depth_left(stack, painted, stack + SIZE), 0);
    assert_ptr_equal(paint(), stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_stack_tells_how_far_it_was_used),
        cmocka_unit_test(what_was_used_before_does_not_count),
        cmocka_unit_test(zeros_in_the_painted_part_count),
        cmocka_unit_test(a_whole_stack_can_be_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
