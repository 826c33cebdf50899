/* count_calls.c: runs a program and counts its memory system calls, those of all its threads and whoever makes them.
 *
 *     LEAT_SEAL_COUNTERS=FILE count_calls [--preload OBJECT] PROGRAM ARGUMENTS...
 *     count_calls --names
 *
 * A seccomp filter hands the counted calls, and only those, to this process, which counts and lets them go on; every
 * other call runs at full speed. SIGTERM and SIGINT are passed on; the program dies with us; we end with its status.
 *
 * Memory calls that a program makes through io_uring (IORING_OP_MADVISE) pass no filter: sources are to be searched
 * for them instead. */
#define _GNU_SOURCE
#include "counters.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

struct counted {
    int number; /* of the system call */
    enum seal_counter counter;
};

#define COUNT_NUMBER(name) {SYS_##name, SEAL_##name},
static const struct counted counted[] = {SEAL_MEMORY_CALLS(COUNT_NUMBER)};

enum { COUNTED = sizeof counted / sizeof counted[0] };

#define NAME(name) #name,
static const char *const names[] = {SEAL_ALLOCATOR_CALLS(NAME) SEAL_MEMORY_CALLS(NAME) "trimming"};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "count_calls: %s: %s\n", what, strerror(errno));
    _exit(71);
}

/* Calls of another machine's numbering are not counted but ended: nothing slips by. The new listener's descriptor. */
static int install_filter(void)
{
    struct sock_filter filter[COUNTED + 6];
    unsigned short n = 0;
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                               offsetof(struct seccomp_data, arch));
    filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                               offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < COUNTED; i++)
        filter[n++] = (struct sock_filter)BPF_JUMP(
            BPF_JMP | BPF_JEQ | BPF_K, (unsigned)counted[i].number, (unsigned char)(COUNTED - i), 0);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    struct sock_fprog program = {.len = n, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        die("no_new_privs");
    long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (fd < 0)
        die("seccomp");
    return (int)fd;
}

static void pass_descriptor(int channel, int fd)
{
    char byte = 0;
    struct iovec part = {&byte, 1};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    control.header = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    if (sendmsg(channel, &message, 0) != 1)
        die("sendmsg");
}

static int take_descriptor(int channel)
{
    char byte;
    int fd;
    struct iovec part = {&byte, 1};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (recvmsg(channel, &message, 0) != 1 || message.msg_controllen < sizeof control.header)
        die("the program did not start");
    memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
    return fd;
}

static _Noreturn void become_program(int channel, const char *preload, char **arguments)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (preload != NULL)
        setenv("LD_PRELOAD", preload, 1);
    int listener = install_filter();
    pass_descriptor(channel, listener);
    close(listener);
    close(channel);
    execvp(arguments[0], arguments);
    die(arguments[0]);
}

/* Giving pages back is what trimming does. */
static enum seal_counter counter_of(const struct seccomp_data *call)
{
    if (call->nr == SYS_madvise && (call->args[2] == MADV_DONTNEED || call->args[2] == MADV_FREE))
        return SEAL_trimming;
    for (unsigned i = 0; i < COUNTED; i++)
        if (call->nr == counted[i].number)
            return counted[i].counter;
    return SEAL_COUNTER_COUNT;
}

static void count_one(int listener, struct seal_counters *counters)
{
    struct seccomp_notif asked = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
        return; /* the thread was killed meanwhile */
    seal_count(counters, counter_of(&asked.data));
    struct seccomp_notif_resp answer = {.id = asked.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

/* Counts until the program has ended; answers its status as a shell would. */
static int count_until_end(pid_t program, int listener, int signals, struct seal_counters *counters)
{
    struct pollfd watched[] = {{.fd = listener, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    struct signalfd_siginfo signal;
    int status;
    for (;;) {
        if (poll(watched, 2, -1) < 0 && errno != EINTR)
            die("poll");
        if (watched[0].revents & POLLIN)
            count_one(listener, counters);
        else if (watched[0].revents != 0)
            watched[0].fd = -1; /* nobody is left to ask */
        if (!(watched[1].revents & POLLIN) || read(signals, &signal, sizeof signal) != sizeof signal)
            continue;
        if (signal.ssi_signo != SIGCHLD)
            kill(program, (int)signal.ssi_signo);
        else if (waitpid(program, &status, WNOHANG) == program)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
}

int main(int argc, char **argv)
{
    const char *preload = NULL;
    int channel[2], first = 1;
    if (argc == 2 && strcmp(argv[1], "--names") == 0) {
        for (unsigned i = 0; i < SEAL_COUNTER_COUNT; i++)
            printf("%s %s\n",
                   i < SEAL_mmap       ? "allocator"
                   : i < SEAL_trimming ? "memory"
                                       : "trimming",
                   names[i]);
        return 0;
    }
    if (argc > 3 && strcmp(argv[1], "--preload") == 0) {
        preload = argv[2];
        first = 3;
    }
    struct seal_counters *counters = seal_map_counters();
    if (first >= argc || counters == NULL) {
        fprintf(stderr,
                "usage: LEAT_SEAL_COUNTERS=FILE count_calls [--preload OBJECT] PROGRAM ...\n");
        return 64;
    }
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGINT);
    sigprocmask(SIG_BLOCK, &watched, NULL);
    int signals = signalfd(-1, &watched, SFD_CLOEXEC);
    if (signals < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
        die("start");
    pid_t program = fork();
    if (program < 0)
        die("fork");
    if (program == 0)
        become_program(channel[1], preload, argv + first);
    close(channel[1]);
    return count_until_end(program, take_descriptor(channel[0]), signals, counters);
}
