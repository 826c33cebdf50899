/* kernel.c: which kernel this is and which of its calls we can have. A filter (seccomp) may forbid what the
 * kernel has, so each call is made, on something harmless. */
#define _GNU_SOURCE 1 /* preadv2 */
#include "doctor/doctor.h"

#include "loop/loop.h"
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

enum { CACHESTAT = 451, CAPABILITY_SYS_ADMIN = 21, SECCOMP_FILTER = 2 };

static void check_version(struct doctor *d)
{
    struct finding *f = leat__doctor_begin(
        d, "kernel", "epoll is supported from Linux 5.15 on, io_uring from 6.1 on");
    struct utsname name;
    if (uname(&name) < 0)
        return;
    char *end;
    long major = strtol(name.release, &end, 10);
    long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    bool old = major < 5 || (major == 5 && minor < 15);
    bool middle = major < 6 || (major == 6 && minor < 1);
    leat__doctor_found(f,
                       old      ? DOCTOR_WARNING
                       : middle ? DOCTOR_NOTE
                                : DOCTOR_GOOD,
                       "%s %s, %s", name.sysname, name.release, name.machine);
    if (middle)
        leat__doctor_remedy(f, "update the kernel: Debian 12 brings 6.1");
}

/* ── io_uring ── */

/* Who it is that says no; the probe has only the errno. */
static void explain_refusal(struct doctor *d, struct finding *f)
{
    int64_t disabled = leat__doctor_number(d, "/proc/sys/kernel/io_uring_disabled", 0);
    int64_t filter = leat__doctor_named(d, "/proc/self/status", "Seccomp", 10);
    int64_t capabilities = leat__doctor_named(d, "/proc/self/status", "CapEff", 16);
    bool admin = capabilities > 0 && (capabilities >> CAPABILITY_SYS_ADMIN & 1);
    size_t used = strlen(f->found);
    char *rest = f->found + used;
    if (disabled == 2 || (disabled == 1 && !admin)) {
        snprintf(rest, sizeof f->found - used, "; sysctl kernel.io_uring_disabled is %d", (int)disabled);
        leat__doctor_remedy(f, "sysctl -w kernel.io_uring_disabled=0, or =1 and "
                               "kernel.io_uring_group=ID of a group of ours");
    } else if (filter == SECCOMP_FILTER) {
        snprintf(rest, sizeof f->found - used, "; a seccomp filter is upon this process");
        leat__doctor_remedy(
            f, "a container: allow io_uring_setup, io_uring_enter and io_uring_register "
               "in its seccomp profile; a unit: see SystemCallFilter=");
    }
}

static void check_loop(struct doctor *d)
{
    struct finding *f = leat__doctor_begin(d, "loop",
                                           "io_uring takes fewer system calls when connections are "
                                           "busy; epoll serves the same at nearly "
                                           "the same price");
    char why[200];
    if (d->config->loop == LOOP_EPOLL) {
        leat__doctor_found(f, DOCTOR_GOOD, "epoll, as --loop says");
        return;
    }
    if (leat__loop_probe(LOOP_URING, why, sizeof why) == 0) {
        leat__doctor_found(f, DOCTOR_GOOD, "io_uring%s",
                           d->config->loop == LOOP_URING ? ", as --loop says" : ", found by --loop auto");
        return;
    }
    bool demanded = d->config->loop == LOOP_URING;
    leat__doctor_found(f, demanded ? DOCTOR_BAD : DOCTOR_NOTE, "%s%s",
                       demanded ? "--loop uring, but " : "epoll, because ", why);
    leat__doctor_remedy(f, "--loop epoll, if that is well");
    explain_refusal(d, f);
}

static bool opens_ring(unsigned flags)
{
    struct io_uring ring;
    struct io_uring_params params = {.flags = flags};
    if (io_uring_queue_init_params(4, &ring, &params) < 0)
        return false;
    io_uring_queue_exit(&ring);
    return true;
}

static bool lends_buffers(void)
{
    struct io_uring ring;
    if (io_uring_queue_init(4, &ring, 0) < 0)
        return false;
    void *page = mmap(NULL, PAGE_SIZE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct io_uring_buf_reg registration = {.ring_addr = (uintptr_t)page, .ring_entries = 1};
    bool lent = page != MAP_FAILED && io_uring_register_buf_ring(&ring, &registration, 0) == 0;
    io_uring_queue_exit(&ring);
    if (page != MAP_FAILED)
        munmap(page, PAGE_SIZE_BYTES);
    return lent;
}

static void check_features(struct doctor *d)
{
    struct finding *f = leat__doctor_begin(
        d, "io_uring features", "all of these must be there for --loop auto to take io_uring");
    char why[200];
    bool all = leat__loop_probe(LOOP_URING, why, sizeof why) == 0;
    const struct {
        const char *name;
        bool here;
    } features[] = {
        {"rings", all || opens_ring(0)},
        {"one issuer", all || opens_ring(IORING_SETUP_SINGLE_ISSUER)},
        {"deferred task work", all || opens_ring(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)},
        {"rings of buffers", all || lends_buffers()},
        {"multishot receive and accept", all},
    };
    char text[DOCTOR_FOUND_SIZE] = "";
    size_t used = 0;
    for (size_t i = 0; i < COUNT_OF(features); i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s", i > 0 ? ", " : "",
                                 features[i].here ? "" : "no ", features[i].name);
    leat__doctor_found(f, all || d->config->loop == LOOP_EPOLL ? DOCTOR_GOOD : DOCTOR_NOTE, "%s", text);
}

/* ── Calls for files ── */

/* A filter may say EPERM, or act like a kernel that never had it. */
static void tell_no_openat2(struct doctor *d, struct finding *f, int error)
{
    bool filtered = error != ENOSYS ||
                    leat__doctor_named(d, "/proc/self/status", "Seccomp", 10) == SECCOMP_FILTER;
    leat__doctor_found(f, d->folder_count > 0 ? DOCTOR_BAD : DOCTOR_NOTE, "%s",
                       filtered ? "taken away by a seccomp filter" : "this kernel lacks it");
    leat__doctor_remedy(
        f, "%s",
        filtered ? "a unit: neither RestrictSUIDSGID= nor DynamicUser=; a container: allow "
                   "openat2 in its seccomp profile"
                 : "Linux 5.6 or later");
}

static void check_openat2(struct doctor *d)
{
    struct finding *f = leat__doctor_begin(
        d, "openat2",
        "what a request names is opened beneath the folder, whatever links say, by this call");
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
    long fd = syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how);
    if (fd < 0 && errno != EACCES) {
        tell_no_openat2(d, f, errno);
        return;
    }
    if (fd >= 0)
        close((int)fd);
    how.resolve |= RESOLVE_CACHED;
    fd = syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how);
    bool cached = fd >= 0 || errno == EAGAIN;
    if (fd >= 0)
        close((int)fd);
    leat__doctor_found(f, DOCTOR_GOOD, "here, %s RESOLVE_CACHED", cached ? "with" : "without");
}

/* A small file on the folder's file system, or -1. */
static int open_sample(const struct doctor *d)
{
    char path[4200];
    const char *folder = d->folder_count > 0 ? d->folders[0].path : ".";
    snprintf(path, sizeof path, "%s/index.html", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd >= 0 ? fd : open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static void check_residence(struct doctor *d)
{
    struct finding *f = leat__doctor_begin(d, "what is in memory",
                                           "files that are in memory are sent by the loop itself, "
                                           "others are fetched by a thread first; "
                                           "without an answer every file counts as not in memory");
    struct {
        uint64_t offset, size;
    } range = {0, 1};
    uint64_t answer[5];
    char octet;
    struct iovec to = {&octet, 1};
    int fd = open_sample(d);
    if (fd < 0) {
        leat__doctor_found(f, DOCTOR_NOTE, "no file to try it with");
        return;
    }
    bool cachestat = syscall(CACHESTAT, fd, &range, answer, 0) == 0;
    bool nowait = preadv2(fd, &to, 1, 0, RWF_NOWAIT) >= 0 || errno == EAGAIN;
    close(fd);
    leat__doctor_found(f, cachestat || nowait ? DOCTOR_GOOD : DOCTOR_NOTE, "%s, %s",
                       cachestat ? "cachestat" : "no cachestat (Linux 6.5)",
                       nowait ? "reads without waiting (RWF_NOWAIT)"
                              : "no reads without waiting on this file system");
    if (!cachestat && !nowait)
        leat__doctor_remedy(f, "a file system like ext4, xfs or btrfs, or Linux 6.5");
}

static void check_guards(struct doctor *d)
{
    struct finding *f = leat__doctor_begin(
        d, "light guard pages",
        "guards within a mapping cost no mapping of their own; nothing depends on them");
    void *page = mmap(NULL, PAGE_SIZE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool here = page != MAP_FAILED && madvise(page, PAGE_SIZE_BYTES, MADV_GUARD_INSTALL) == 0;
    if (page != MAP_FAILED)
        munmap(page, PAGE_SIZE_BYTES);
    leat__doctor_found(f, DOCTOR_GOOD, here ? "MADV_GUARD_INSTALL" : "no MADV_GUARD_INSTALL (Linux 6.13)");
}

static void check_clock(struct doctor *d)
{
    static const char *const quick[] = {"tsc", "kvm-clock", "arch_sys_counter",
                                        "hyperv_clocksource_tsc_page"};
    char source[64];
    if (!leat__doctor_read(d, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
                           source, sizeof source))
        return;
    struct finding *f = leat__doctor_begin(
        d, "clock source",
        "the loop asks for the time on every turn, and of a slow source by a system call");
    bool is_quick = false;
    for (size_t i = 0; i < COUNT_OF(quick); i++)
        is_quick |= strcmp(source, quick[i]) == 0;
    leat__doctor_found(f, is_quick ? DOCTOR_GOOD : DOCTOR_WARNING, "%s", source);
    if (!is_quick)
        leat__doctor_remedy(
            f, "boot with clocksource=tsc, if cat "
               "/sys/devices/system/clocksource/clocksource0/available_clocksource lists it");
}

void leat__doctor_kernel(struct doctor *d)
{
    d->group = "Kernel";
    check_version(d);
    check_loop(d);
    check_features(d);
    check_openat2(d);
    check_residence(d);
    check_guards(d);
    check_clock(d);
}
