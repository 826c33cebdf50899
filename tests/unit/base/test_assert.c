/* A broken promise ends the process with one line that says which and where. */
#include "base/base.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs body in a child; what it wrote on stderr goes to text. Answers wait's status. */
static int in_child(void (*body)(void), char *text, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        body();
        _exit(0);
    }
    close(ends[1]);
    size_t used = 0;
    ssize_t got;
    while (used + 1 < size && (got = read(ends[0], text + used, size - used - 1)) > 0)
        used += (size_t)got;
    text[used] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void break_promise(void)
{
    int two = 2;
    ASSERT(two == 3);
}

static void keep_promise(void)
{
    int two = 2;
    ASSERT(two == 2);
}

static void break_long_promise(void)
{
    char promise[2000];
    memset(promise, 'x', sizeof promise - 1);
    promise[sizeof promise - 1] = '\0';
    leat__assert_failed(promise, "file.c", 1);
}

static void break_dear_promise(void)
{
    ASSERT_DEBUG(sizeof(int) == 1);
}

static void a_broken_promise_aborts_with_one_line(void **state)
{
    (void)state;
    char text[1024];
    int status = in_child(break_promise, text, sizeof text);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, "two == 3"));
    assert_non_null(strstr(text, "test_assert.c:"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void a_kept_promise_says_nothing(void **state)
{
    (void)state;
    char text[1024];
    assert_int_equal(in_child(keep_promise, text, sizeof text), 0);
    assert_string_equal(text, "");
}

static void a_long_promise_is_cut_and_still_a_line(void **state)
{
    (void)state;
    char text[4096];
    int status = in_child(break_long_promise, text, sizeof text);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_true(strlen(text) > 100 && strlen(text) <= 512);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void dear_assertions_hold_in_debug_builds_only(void **state)
{
    (void)state;
    char text[1024];
    int status = in_child(break_dear_promise, text, sizeof text);
#ifdef LEAT_DEBUG
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
#else
    assert_int_equal(status, 0);
#endif
}

static void sizes_are_rounded_up_to_powers_of_two(void **state)
{
    (void)state;
    assert_int_equal(align_up(0, 16), 0);
    assert_int_equal(align_up(1, 16), 16);
    assert_int_equal(align_up(16, 16), 16);
    assert_int_equal(align_up(17, 16), 32);
    assert_int_equal(align_up(5, 1), 5);
    assert_int_equal(align_up(((size_t)1 << 40) + 1, 4096), ((size_t)1 << 40) + 4096);
    assert_int_equal(size_min(3, 4), 3);
    assert_int_equal(size_max(3, 4), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_promise_aborts_with_one_line),
        cmocka_unit_test(a_kept_promise_says_nothing),
        cmocka_unit_test(a_long_promise_is_cut_and_still_a_line),
        cmocka_unit_test(dear_assertions_hold_in_debug_builds_only),
        cmocka_unit_test(sizes_are_rounded_up_to_powers_of_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
