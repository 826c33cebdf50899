/* The server's process as /proc shows it: a child whose doings are known. */
#define _GNU_SOURCE
#include "load/load.h"
#include "observe/tally.h"
#include <errno.h>
#include <setjmp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { TOUCHED = 32 << 20, BUSY_MS = 50 };

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Works for a while, touches memory, says so, and waits. */
static _Noreturn void work(int say)
{
    char *memory = malloc(TOUCHED);
    for (double until = cpu_s() + BUSY_MS * 1e-3; cpu_s() < until;)
        ;
    for (size_t i = 0; memory != NULL && i < TOUCHED; i += 4096)
        ((volatile char *)memory)[i] = 1;
    if (write(say, "x", 1) == 1)
        for (;;)
            pause();
    _exit(1);
}

/* Forks what works, beneath so many processes in between. */
static pid_t begin(int generations, int say)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    if (generations == 0)
        work(say);
    pid_t child = begin(generations - 1, say);
    for (;;)
        if (child > 0)
            pause();
}

static void watch(int generations)
{
    struct load_watch before, after;
    struct load_server s;
    int pipes[2], group[2];
    char octet;
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(pipe(group), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        setpgid(0, 0);
        if (read(group[0], &octet, 1) == 1) {
            if (generations == 0)
                work(pipes[1]);
            begin(generations - 1, pipes[1]);
        }
        for (;;)
            pause();
    }
    assert_int_equal(leat__load_watch(&before, pid), 0);
    assert_int_equal(write(group[1], "x", 1), 1);
    assert_int_equal(read(pipes[0], &octet, 1), 1);
    assert_int_equal(leat__load_watch(&after, pid), 0);
    leat__load_watch_difference(&s, &before, &after);
    kill(pid, SIGKILL);
    kill(-pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_true(s.valid);
    assert_true(s.cpu_s >= BUSY_MS * 1e-3 * 0.9);
    assert_true(s.minor_faults >= TOUCHED / 4096);
    assert_true(s.resident >= TOUCHED && s.resident > s.resident_before && s.peak >= s.resident / 2);
    assert_true(s.switches >= 1);
    /* ThreadSanitizer has a thread of its own in each process */
    assert_int_equal(s.threads, ((unsigned)generations + 1) * (TALLY_WATCHED ? 2 : 1));
}

static void a_process_is_watched(void **state)
{
    (void)state;
    watch(0);
}

static void so_are_its_childrens_children(void **state)
{
    (void)state;
    if (access("/proc/self/task/self/children", F_OK) < 0 &&
        access("/proc/thread-self/children", F_OK) < 0)
        skip(); /* a kernel without lists of children */
    watch(2);
}

static void *burn(void *nothing)
{
    for (double until = cpu_s() + BUSY_MS * 1e-3; cpu_s() < until;)
        ;
    return nothing;
}

static void a_thread_that_ended_is_in_the_account(void **state)
{
    (void)state;
    struct load_watch before, after;
    struct load_server s;
    pthread_t thread;
    assert_int_equal(leat__load_watch(&before, getpid()), 0);
    assert_int_equal(pthread_create(&thread, NULL, burn, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(leat__load_watch(&after, getpid()), 0);
    leat__load_watch_difference(&s, &before, &after);
    assert_true(s.cpu_s >= BUSY_MS * 1e-3);
}

static void a_process_that_ended_took_its_account_along(void **state)
{
    (void)state;
    struct load_server s;
    struct load_watch from = {.cpu_s = 5, .user_s = 2, .system_s = 3, .threads = 3, .switches = 100};
    struct load_watch to = {.cpu_s = 4.5, .user_s = 4, .system_s = 4, .threads = 2, .switches = 90};
    leat__load_watch_difference(&s, &from, &to);
    assert_true(s.cpu_s == 3 && s.user_s == 2 && s.system_s == 1 && s.switches == 0);
}

static void nobody_is_no_process(void **state)
{
    (void)state;
    struct load_watch w;
    assert_int_equal(leat__load_watch(&w, INT32_MAX), -ESRCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_is_watched),
        cmocka_unit_test(so_are_its_childrens_children),
        cmocka_unit_test(a_thread_that_ended_is_in_the_account),
        cmocka_unit_test(a_process_that_ended_took_its_account_along),
        cmocka_unit_test(nobody_is_no_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
