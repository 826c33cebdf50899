/* Probing: it changes nothing, it tells why, and where io_uring is forbidden, auto takes epoll. The forbidding is done
 * as container runtimes do it, by a filter of system calls, in a process of its own. */
#include "fixture.h"
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void probing_changes_nothing(void **state)
{
    (void)state;
    char why[128];
    int before = open_descriptors();
    for (int kind = LOOP_AUTO; kind <= LOOP_SIM; kind++) {
        int error = leat__loop_probe((enum loop_kind)kind, why, sizeof why);
        assert_true(error <= 0);
        assert_int_equal(error == 0, why[0] == '\0');
    }
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(leat__loop_probe(LOOP_EPOLL, NULL, 0), 0);
}

/* From now on that system call fails with error, if its second argument is argument (ANY: in any case). */
enum { ANY = -1 };

static void forbid(uint32_t call, int argument, uint32_t error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | (argument == ANY ? BPF_JGE : BPF_JEQ) | BPF_K,
                 argument == ANY ? 0 : (uint32_t)argument, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = COUNT_OF(code), .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        _exit(100);
}

struct prohibition {
    uint32_t call;
    int argument;
    uint32_t error;
    const char *word; /* of the sentence that tells why */
};

/* In a child; its exit status is which expectation did not hold, 0: none. */
static int without(const struct prohibition *p)
{
    forbid(p->call, p->argument, p->error);
    char why[128];
    if (leat__loop_probe(LOOP_URING, why, sizeof why) >= 0)
        return 1;
    if (strstr(why, "io_uring") == NULL || strstr(why, p->word) == NULL)
        return 2;
    void *state = NULL;
    if (p->argument == ANY) {
        if (fixture_open(&state, LOOP_URING) != -(int)p->error)
            return 3;
        struct fixture *refused = state;
        if (refused == NULL || refused->receive.in_use != 0)
            return 4;
    }
    if (fixture_open(&state, LOOP_AUTO) != 0)
        return 5;
    struct fixture *f = state;
    return f->loop.backend == &leat__loop_epoll ? fixture_close(&state) : 6;
}

/* The last ones let io_uring be opened but not trusted. */
static void where_it_is_forbidden_auto_takes_epoll(void **state)
{
    (void)state;
    static const struct prohibition cases[] = {
        {SYS_io_uring_setup, ANY, EPERM, "not permitted here"},
        {SYS_io_uring_setup, ANY, ENOSYS, "no io_uring_setup"},
        {SYS_io_uring_setup, ANY, EINVAL, "6.1"},
        {SYS_io_uring_setup, ANY, ENOMEM, "no memory"},
        {SYS_io_uring_setup, ANY, EIO, "error 5"},
        {SYS_io_uring_register, IORING_REGISTER_PBUF_RING, EINVAL, "provided buffers"},
        {SYS_io_uring_register, IORING_REGISTER_PROBE, EINVAL, "operations"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(without(&cases[i]));
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

static void where_it_is_allowed_auto_takes_it(void **state)
{
    char why[128];
    bool allowed = leat__loop_probe(LOOP_URING, why, sizeof why) == 0;
    assert_int_equal(fixture_open(state, LOOP_AUTO), 0);
    struct fixture *f = *state;
    assert_ptr_equal(f->loop.backend, allowed ? &leat__loop_uring : &leat__loop_epoll);
    assert_int_equal(fixture_close(state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probing_changes_nothing),
        cmocka_unit_test(where_it_is_forbidden_auto_takes_epoll),
        cmocka_unit_test(where_it_is_allowed_auto_takes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
