/* The allocator is open at start and when stopping, and shut in between. */
#include "memory_test.h"
#include "memory/seal.h"

static void memory_at_start_is_zeroed_and_aligned(void **state)
{
    (void)state;
    for (size_t size = 0; size < 300; size += 7) {
        unsigned char *memory = leat__start_alloc(size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % CACHE_LINE, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 1, size);
        leat__start_free(memory);
    }
}

static void text_is_copied(void **state)
{
    (void)state;
    char text[] = "leat";
    char *copy = leat__start_copy(text);
    text[0] = 'm';
    assert_string_equal(copy, "leat");
    leat__start_free(copy);
}

static void growing_keeps_what_was_there_and_zeroes_the_rest(void **state)
{
    (void)state;
    unsigned char *memory = leat__start_grow(NULL, 0, 4);
    memset(memory, 5, 4);
    memory = leat__start_grow(memory, 4, 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(memory[i], i < 4 ? 5 : 0);
    memory = leat__start_grow(memory, 1000, 2);
    assert_int_equal(memory[1], 5);
    leat__start_free(memory);
}

static void call_alloc(void *argument)
{
    (void)argument;
    leat__start_free(leat__start_alloc(1));
}

static void call_copy(void *argument)
{
    (void)argument;
    leat__start_copy("x");
}

static void call_grow(void *argument)
{
    leat__start_grow(argument, 1, 2);
}

static void call_free(void *argument)
{
    leat__start_free(argument);
}

static void the_seal_shuts_every_door(void **state)
{
    (void)state;
    void *memory = leat__start_alloc(1);
    void (*const doors[])(void *) = {call_alloc, call_copy, call_grow, call_free};
    for (size_t i = 0; i < COUNT_OF(doors); i++) {
        leat__seal_set(SEAL_START);
        assert_false(dies(doors[i], memory, true));
        leat__seal_set(SEAL_SEALED);
        assert_int_equal(leat__seal_phase(), SEAL_SEALED);
        assert_true(dies(doors[i], memory, true));
        leat__seal_set(SEAL_STOPPING);
        assert_false(dies(doors[i], memory, true));
    }
    leat__seal_set(SEAL_START);
    leat__start_free(memory);
}

static void ask_for_too_much(void *argument)
{
    (void)argument;
    leat__start_alloc(SIZE_MAX);
}

static void no_memory_at_start_ends_the_process(void **state)
{
    (void)state;
    assert_true(dies(ask_for_too_much, NULL, false));
    assert_false(dies(ask_for_too_much, NULL, true)); /* by an exit status, not by an assertion */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_at_start_is_zeroed_and_aligned),
        cmocka_unit_test(text_is_copied),
        cmocka_unit_test(growing_keeps_what_was_there_and_zeroes_the_rest),
        cmocka_unit_test(the_seal_shuts_every_door),
        cmocka_unit_test(no_memory_at_start_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
