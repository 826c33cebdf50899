/* watch.c: the server's process, and the processes beneath it, at one moment. Processor time is each process' own clock: in
 * nanoseconds, to the moment, running threads and those that have ended included (a thread's schedstat is brought up to date at
 * a tick only, and goes with it). User and system time are told by /proc in ticks of a hundredth of a second. Only the
 * difference of two looks means anything; where a process that ended in between has taken its time along, the ticks are used. */
#include "load/load.h"
#include "admin/proc.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 96, TEXT_SIZE = 4096, DEPTH_MAX = 8 };

/* A small file of /proc as a text; its size or -errno. */
static int read_text(char text[static TEXT_SIZE], const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, text, TEXT_SIZE - 1) : -1;
    int status = size >= 0 ? (int)size : -errno;
    if (fd >= 0)
        close(fd);
    text[size > 0 ? size : 0] = '\0';
    return status;
}

/* Of "Name:\t123 kB": the number; 0: it is not there. */
static uint64_t line(const char *text, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = text; (at = strstr(at, name)) != NULL; at += size)
        if ((at == text || at[-1] == '\n') && at[size] == ':')
            return strtoull(at + size + 1, NULL, 10);
    return 0;
}

static int look(struct load_watch *w, pid_t pid, unsigned depth);

static void look_at_children(struct load_watch *w, char *list, unsigned depth)
{
    char *end;
    for (char *at = list; depth < DEPTH_MAX; at = end) {
        long child = strtol(at, &end, 10);
        if (end == at || child <= 0)
            return;
        (void)look(w, (pid_t)child, depth + 1); /* one that is gone is none */
    }
}

static void look_at_thread(struct load_watch *w, pid_t pid, const char *thread, unsigned depth)
{
    char path[PATH_SIZE], text[TEXT_SIZE];
    snprintf(path, sizeof path, "/proc/%d/task/%.16s/status", (int)pid, thread);
    if (read_text(text, path) > 0) {
        w->threads++;
        w->switches += line(text, "voluntary_ctxt_switches") +
                       line(text, "nonvoluntary_ctxt_switches");
        w->switches_forced += line(text, "nonvoluntary_ctxt_switches");
    }
    snprintf(path, sizeof path, "/proc/%d/task/%.16s/children", (int)pid, thread);
    if (read_text(text, path) > 0)
        look_at_children(w, text, depth);
}

static void look_at_clock(struct load_watch *w, pid_t pid)
{
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &time) == 0)
        w->cpu_s += (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int look_at_threads(struct load_watch *w, pid_t pid, unsigned depth)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return -errno;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.')
            look_at_thread(w, pid, entry->d_name, depth);
    closedir(folder);
    return 0;
}

static int look(struct load_watch *w, pid_t pid, unsigned depth)
{
    enum { MINOR_FAULTS = 10, MAJOR_FAULTS = 12, USER = 14, SYSTEM = 15 };
    char path[PATH_SIZE], text[TEXT_SIZE];
    double tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int status = read_text(text, path);
    if (status < 0)
        return status == -ENOENT ? -ESRCH : status;
    w->user_s += (double)leat__proc_stat(text, USER) * tick_s;
    w->system_s += (double)leat__proc_stat(text, SYSTEM) * tick_s;
    w->minor_faults += leat__proc_stat(text, MINOR_FAULTS);
    w->major_faults += leat__proc_stat(text, MAJOR_FAULTS);
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    status = read_text(text, path);
    if (status < 0)
        return status;
    w->resident += line(text, "VmRSS") * 1024;
    w->peak += line(text, "VmHWM") * 1024;
    look_at_clock(w, pid);
    return look_at_threads(w, pid, depth);
}

int leat__load_watch(struct load_watch *w, pid_t pid)
{
    *w = (struct load_watch){.pid = pid};
    return look(w, pid, 0);
}

static uint64_t growth(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0;
}

void leat__load_watch_difference(struct load_server *out, const struct load_watch *from,
                                 const struct load_watch *to)
{
    double user = to->user_s - from->user_s, system = to->system_s - from->system_s;
    double cpu = to->cpu_s - from->cpu_s;
    *out = (struct load_server){
        .valid = true,
        .user_s = user > 0 ? user : 0,
        .system_s = system > 0 ? system : 0,
        .resident = to->resident,
        .resident_before = from->resident,
        .peak = to->peak,
        .minor_faults = growth(from->minor_faults, to->minor_faults),
        .major_faults = growth(from->major_faults, to->major_faults),
        .switches = growth(from->switches, to->switches),
        .switches_forced = growth(from->switches_forced, to->switches_forced),
        .threads = to->threads,
    };
    out->cpu_s = cpu > 0 ? cpu : out->user_s + out->system_s;
}
