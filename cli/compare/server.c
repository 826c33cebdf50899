/* server.c: a server that is started for one measurement, and ended after it.
 *
 * It gets cores and a process group of its own, dies when we do (SIGTERM by PR_SET_PDEATHSIG: so that one with workers can take
 * them along), and what it prints goes to a file in memory, whose last line is told when it fails. It counts as started when
 * it answers: a program that listens before it can answer is waited for. */
#include "compare/compare.h"

#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ASK_EVERY_MS = 10, ANSWER_MS = 2000, END_MS = 3000, LAST_WORDS = 300 };

int leat__compare_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int port = fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
                       getsockname(fd, (struct sockaddr *)&address, &size) < 0
                   ? -errno
                   : ntohs(address.sin_port);
    if (fd >= 0)
        close(fd);
    return port;
}

/* ── Starting ── */

/* In the child: never returns. */
static _Noreturn void become(char *const *words, const cpu_set_t *cores, pid_t parent, int said, int trouble)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(0);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    if (sched_setaffinity(0, sizeof *cores, cores) == 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
        dup2(said, STDOUT_FILENO) >= 0 && dup2(said, STDERR_FILENO) >= 0)
        execvp(words[0], words);
    int why = errno;
    (void)!write(trouble, &why, sizeof why);
    _exit(127);
}

int leat__compare_server_start(struct compare_server *s, const char *name, char *const *words,
                               const cpu_set_t *cores, char *error, size_t error_size)
{
    int trouble[2] = {-1, -1}, why = 0;
    *s = (struct compare_server){.pidfd = -1, .said = memfd_create("said", MFD_CLOEXEC), .name = name};
    pid_t parent = getpid();
    if (s->said >= 0 && pipe2(trouble, O_CLOEXEC) == 0)
        s->pid = fork();
    else
        s->pid = -1;
    if (s->pid == 0)
        become(words, cores, parent, s->said, trouble[1]);
    if (s->pid < 0)
        why = errno;
    if (trouble[1] >= 0)
        close(trouble[1]);
    if (s->pid > 0 && read(trouble[0], &why, sizeof why) != sizeof why) {
        s->pidfd = pidfd_open(s->pid, 0);
        why = s->pidfd < 0 ? errno : 0;
    }
    if (trouble[0] >= 0)
        close(trouble[0]);
    if (why == 0)
        return 0;
    snprintf(error, error_size, "%s: %s: %s", name, words[0], strerror(why));
    leat__compare_server_stop(s);
    return -why;
}

/* ── Ending ── */

/* A server that went into the background is ours all the same: its processes were handed to us (PR_SET_CHILD_SUBREAPER).
 * Besides the server we have no child when it is ended. */
static void end_strays(void)
{
    char list[1024];
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, list, sizeof list - 1) : -1;
    if (fd >= 0)
        close(fd);
    list[size > 0 ? size : 0] = '\0';
    for (char *at = list, *end; *at != '\0'; at = end) {
        long pid = strtol(at, &end, 10);
        if (end == at || pid <= 0)
            return;
        kill((pid_t)pid, SIGKILL);
        waitpid((pid_t)pid, NULL, 0);
    }
}

void leat__compare_adopt_strays(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void leat__compare_server_stop(struct compare_server *s)
{
    if (s->pid > 0) {
        struct pollfd end = {.fd = s->pidfd, .events = POLLIN};
        int64_t until = leat__clock_now_ms() + END_MS, left;
        kill(s->pid, SIGTERM);
        while (s->pidfd >= 0 && (left = until - leat__clock_now_ms()) > 0 &&
               poll(&end, 1, (int)left) < 0) {
        }
        kill(-s->pid, SIGKILL); /* it is not waited for yet: the number is still its own */
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
        end_strays();
    }
    if (s->pidfd >= 0)
        close(s->pidfd);
    if (s->said >= 0)
        close(s->said);
    s->pid = 0;
    s->pidfd = s->said = -1;
}

/* The last line that it printed, without what could disturb a terminal. */
static void read_last_words(const struct compare_server *s, char *out)
{
    char text[4 * LAST_WORDS + 1];
    off_t size = lseek(s->said, 0, SEEK_END), from = size > 4 * LAST_WORDS ? size - 4 * LAST_WORDS : 0;
    ssize_t got = size > 0 ? pread(s->said, text, sizeof text - 1, from) : 0;
    size_t end = got > 0 ? (size_t)got : 0;
    while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == '\r' || text[end - 1] == ' '))
        end--;
    size_t begin = end;
    while (begin > 0 && text[begin - 1] != '\n' && end - begin < LAST_WORDS)
        begin--;
    for (; begin < end; begin++)
        *out++ = (unsigned char)text[begin] < ' ' || text[begin] == 0x7f ? ' ' : text[begin];
    *out = '\0';
}

bool leat__compare_server_ended(const struct compare_server *s, const char *when, char *error,
                                size_t error_size)
{
    char words[LAST_WORDS + 1], how[64];
    siginfo_t info = {0};
    if (s->pid <= 0 || waitid(P_PID, (id_t)s->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
        info.si_pid == 0)
        return false;
    read_last_words(s, words);
    if (info.si_code == CLD_EXITED)
        snprintf(how, sizeof how, "ended with status %d", info.si_status);
    else
        snprintf(how, sizeof how, "was ended by signal %d (%s)", info.si_status,
                 strsignal(info.si_status));
    bool hides = info.si_code == CLD_EXITED && info.si_status == 0;
    snprintf(error, error_size, "%s: its server %s %s%s%s%s", s->name, how, when,
             hides ? " (it has to stay in the foreground)" : "",
             words[0] != '\0' ? "; its last words: " : ", without a word", words);
    return true;
}

/* ── Waiting for its first answer ── */

/* Up to ms for an event; false: it did not come. */
static bool await(int fd, short events, int ms)
{
    struct pollfd one = {.fd = fd, .events = events};
    return poll(&one, 1, ms) == 1;
}

static bool is_connected(int fd, const struct load_options *load)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (connect(fd, (const struct sockaddr *)&load->to, load->to_size) == 0)
        return true;
    return errno == EINPROGRESS && await(fd, POLLOUT, ANSWER_MS) &&
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

/* Whether one request is answered by the beginning of an HTTP response. */
static bool answers(const struct load_options *load)
{
    char begin[9];
    const struct load_request *r = &load->requests[0];
    int fd = socket(load->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_answered = false;
    if (fd >= 0 && is_connected(fd, load)) {
        size_t sent = 0;
        while (sent < r->size && await(fd, POLLOUT, ANSWER_MS)) {
            ssize_t n = send(fd, r->octets + sent, r->size - sent, MSG_NOSIGNAL);
            if (n < 0 && errno != EAGAIN)
                break;
            sent += n > 0 ? (size_t)n : 0;
        }
        is_answered = sent == r->size && await(fd, POLLIN, ANSWER_MS) &&
                      recv(fd, begin, sizeof begin, 0) == sizeof begin &&
                      memcmp(begin, "HTTP/1.1 ", sizeof begin) == 0;
    }
    if (fd >= 0)
        close(fd);
    return is_answered;
}

int leat__compare_server_wait(const struct compare_server *s, const struct load_options *load,
                              double within_s, char *error, size_t error_size)
{
    int64_t until = leat__clock_now_ms() + (int64_t)(within_s * 1000);
    char words[LAST_WORDS + 1] = "";
    while (!answers(load)) {
        if (leat__compare_interrupted) {
            snprintf(error, error_size, "interrupted");
            return -EINTR;
        }
        if (leat__compare_server_ended(s, "before it answered", error, error_size))
            return -ECHILD;
        if (leat__clock_now_ms() >= until) {
            if (s->pid > 0)
                read_last_words(s, words);
            snprintf(error, error_size, "%s: no HTTP/1.1 answer from %s within %g s%s%s", s->name,
                     load->url, within_s, words[0] != '\0' ? "; its last words: " : "", words);
            return -ETIMEDOUT;
        }
        poll(NULL, 0, ASK_EVERY_MS);
    }
    return 0;
}
