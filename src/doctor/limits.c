/* limits.c: what the system lets this process have: processors, descriptors, threads, memory. The plan is held
 * against each. */
#define _GNU_SOURCE 1 /* sched_getaffinity */
#include "doctor/doctor.h"

#include "config/machine.h"
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

enum {
    DESCRIPTORS_COMFORT = 65536,
    MAPS_OF_A_SHARD = 16, /* region, rings, stack and its guard, each twice for good measure */
    MAPS_OF_US = 512,
    THREADS_BESIDE = 4, /* the main one, the log's writer, and two to spare */
};

/* ── Control groups ── */

static uint64_t group_limit(const struct doctor *d, const char *controller, const char *file)
{
    char list[512], mount[512];
    snprintf(list, sizeof list, "%s/proc/self/cgroup", d->root);
    snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", d->root);
    return leat__machine_group_limit(list, mount, controller, file);
}

static uint64_t memory_limit(const struct doctor *d)
{
    uint64_t unified = group_limit(d, "", "memory.max");
    uint64_t old = group_limit(d, "memory", "memory.limit_in_bytes");
    return old < unified ? old : unified;
}

/* ── Processors and threads ── */

static uint32_t allowed_processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
}

static void check_processors(struct doctor *d)
{
    struct finding *f = leat__doctor_begin(d, "processors",
                                           "a shard is a thread with a loop of its own: more of "
                                           "them than processors take turns, and a "
                                           "connection waits for its shard's turn");
    uint32_t shards = d->config->shards, allowed = allowed_processors();
    uint64_t share = group_limit(d, "", "cpu.max");
    uint32_t have = share < allowed ? (uint32_t)share : allowed;
    bool too_many = shards > have && !d->config->private_descriptors;
    leat__doctor_found(f, too_many ? DOCTOR_WARNING : DOCTOR_GOOD, "%u to run on%s, %u shard%s",
                       allowed, share < allowed ? ", and a control group's share of less" : "",
                       shards, shards == 1 ? "" : "s");
    if (too_many)
        leat__doctor_remedy(f, "--shards %u, or leave it away", have);
}

static void check_share(struct doctor *d)
{
    uint64_t share = group_limit(d, "", "cpu.max");
    if (share >= allowed_processors())
        return;
    struct finding *f = leat__doctor_begin(d, "share of time",
                                           "when the share (cpu.max) is used up, all threads stand "
                                           "still until the next period: that is "
                                           "seen as pauses of up to 100 ms");
    leat__doctor_found(f, DOCTOR_NOTE, "the control group may use %llu of %u processors",
                       (unsigned long long)share, allowed_processors());
    leat__doctor_remedy(f,
                        "give whole processors instead (cpuset.cpus, AllowedCPUs=, --cpuset-cpus)");
}

static void check_threads(struct doctor *d)
{
    uint64_t limit = group_limit(d, "", "pids.max"), old = group_limit(d, "pids", "pids.max");
    limit = old < limit ? old : limit;
    if (limit == UINT64_MAX)
        return;
    struct finding *f = leat__doctor_begin(
        d, "threads",
        "the control group counts threads too (pids.max), and without its own no shard starts");
    uint32_t needed = d->config->shards + THREADS_BESIDE;
    leat__doctor_found(f, limit < needed ? DOCTOR_BAD : DOCTOR_GOOD,
                       "%llu at most, about %u needed", (unsigned long long)limit, needed);
    if (limit < needed)
        leat__doctor_remedy(
            f, "TasksMax=%u in the unit, --pids-limit for a container, or fewer --shards", needed);
}

/* ── Descriptors ── */

static void check_descriptors(struct doctor *d)
{
    struct finding *f = leat__doctor_begin(
        d, "descriptors",
        "a connection is a descriptor; the soft limit is raised to the hard one at start, and what "
        "the hard one does not allow is not planned");
    uint64_t hard = d->config->descriptor_limit, needed = d->plan != NULL ? d->plan->descriptors : 0;
    char soft[48] = "";
    if (d->soft_descriptors != 0 && d->soft_descriptors != hard)
        snprintf(soft, sizeof soft, " (soft limit %u, raised)", d->soft_descriptors);
    bool bad = needed > hard, few = hard < DESCRIPTORS_COMFORT && !d->config->private_descriptors;
    leat__doctor_found(f,
                       bad   ? DOCTOR_BAD
                       : few ? DOCTOR_NOTE
                             : DOCTOR_GOOD,
                       "%llu allowed%s, %llu planned for %u connections", (unsigned long long)hard,
                       soft, (unsigned long long)needed, d->config->connections);
    if (bad)
        leat__doctor_remedy(f, "LimitNOFILE=%llu in the unit, ulimit -n, or fewer --connections",
                            (unsigned long long)needed + 64);
    else if (few)
        leat__doctor_remedy(f, "more connections: LimitNOFILE= in the unit, --ulimit nofile= for a "
                               "container, /etc/security/limits.conf; or --private-descriptors");
}

static void check_files_of_all(struct doctor *d)
{
    int64_t most = leat__doctor_number(d, "/proc/sys/fs/file-max", 0);
    int64_t open = leat__doctor_number(d, "/proc/sys/fs/file-nr", 0);
    if (most < 0 || open < 0 || d->plan == NULL)
        return;
    struct finding *f = leat__doctor_begin(
        d, "fs.file-max", "it bounds the open files of all processes together; past it accepting fails");
    uint64_t tables = d->config->private_descriptors ? d->config->shards : 1;
    uint64_t needed = (uint64_t)open + tables * d->plan->descriptors;
    bool short_of = needed > (uint64_t)most;
    leat__doctor_found(f, short_of ? DOCTOR_WARNING : DOCTOR_GOOD, "%lld, with %lld open now",
                       (long long)most, (long long)open);
    if (short_of)
        leat__doctor_remedy(f, "sysctl -w fs.file-max=%llu", (unsigned long long)needed * 2);
}

static void check_locked(struct doctor *d)
{
    struct rlimit limit;
    char human[PLAN_HUMAN_SIZE];
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
        return;
    struct finding *f = leat__doctor_begin(
        d, "locked memory",
        "rings count against it before Linux 5.12 only, and nothing else of ours is locked");
    leat__doctor_found(f, DOCTOR_GOOD, "%s (RLIMIT_MEMLOCK)",
                       limit.rlim_cur == RLIM_INFINITY ? "no limit"
                                                       : leat__plan_human(human, limit.rlim_cur));
}

void leat__doctor_limits(struct doctor *d)
{
    d->group = "Limits";
    check_processors(d);
    check_share(d);
    check_threads(d);
    check_descriptors(d);
    check_files_of_all(d);
    check_locked(d);
}

/* ── Memory ── */

static void check_plan(struct doctor *d)
{
    char ours[PLAN_HUMAN_SIZE], kernel[PLAN_HUMAN_SIZE], have[PLAN_HUMAN_SIZE];
    if (d->plan == NULL)
        return; /* the options say why */
    struct finding *f = leat__doctor_begin(d, "memory plan",
                                           "ours can't grow past its sum; the kernel's part "
                                           "(sockets and their buffers) comes on top, and "
                                           "in a control group counts against its limit");
    uint64_t sum = d->plan->ours + d->plan->kernel, machine = d->config->machine_memory;
    bool bad = sum > machine || d->plan->ours > d->config->memory, close = sum > machine / 10 * 9;
    leat__doctor_found(f,
                       bad     ? DOCTOR_BAD
                       : close ? DOCTOR_WARNING
                               : DOCTOR_GOOD,
                       "%s ours, %s the kernel's at most, of %s", leat__plan_human(ours, d->plan->ours),
                       leat__plan_human(kernel, d->plan->kernel), leat__plan_human(have, machine));
    if (bad || close)
        leat__doctor_remedy(f, "fewer --connections or --exchanges; leat plan shows every row");
}

static void check_group(struct doctor *d)
{
    uint64_t limit = memory_limit(d);
    char human[PLAN_HUMAN_SIZE];
    struct finding *f = leat__doctor_begin(
        d, "control group",
        "past its memory limit the kernel ends the process, so the plan is held against it");
    if (limit >= (uint64_t)1 << 60)
        leat__doctor_found(f, DOCTOR_GOOD, "no limit on memory");
    else
        leat__doctor_found(f, DOCTOR_GOOD, "%s of memory", leat__plan_human(human, limit));
}

static void check_available(struct doctor *d)
{
    int64_t available = leat__doctor_named(d, "/proc/meminfo", "MemAvailable", 10);
    char ours[PLAN_HUMAN_SIZE], have[PLAN_HUMAN_SIZE];
    if (available < 0 || d->plan == NULL)
        return;
    struct finding *f = leat__doctor_begin(
        d, "available memory",
        "other programs have the rest now; pages that are not there when they are "
        "touched cost swapping, or a process");
    uint64_t bytes = (uint64_t)available * 1024;
    leat__doctor_found(f, d->plan->ours > bytes ? DOCTOR_WARNING : DOCTOR_GOOD, "%s now, %s ours at most",
                       leat__plan_human(have, bytes), leat__plan_human(ours, d->plan->ours));
    if (d->plan->ours > bytes)
        leat__doctor_remedy(f,
                            "a lower --memory, or --commit, which takes all at start or refuses");
}

/* In mode 2 the kernel hands out no address it could not fill, whatever MAP_NORESERVE says. */
static void check_overcommit(struct doctor *d)
{
    int64_t mode = leat__doctor_number(d, "/proc/sys/vm/overcommit_memory", 0);
    int64_t limit = leat__doctor_named(d, "/proc/meminfo", "CommitLimit", 10);
    int64_t taken = leat__doctor_named(d, "/proc/meminfo", "Committed_AS", 10);
    if (mode < 0)
        return;
    struct finding *f = leat__doctor_begin(
        d, "vm.overcommit_memory", "with 2 the kernel counts reserved addresses as memory, and the plan's sum must fit what is left");
    char left[PLAN_HUMAN_SIZE];
    if (mode != 2 || limit < 0 || taken < 0 || d->plan == NULL) {
        leat__doctor_found(f, DOCTOR_GOOD, "%lld", (long long)mode);
        return;
    }
    uint64_t bytes = limit > taken ? (uint64_t)(limit - taken) * 1024 : 0;
    bool bad = d->plan->ours > bytes;
    leat__doctor_found(f, bad ? DOCTOR_BAD : DOCTOR_NOTE, "2, and %s may still be reserved",
                       leat__plan_human(left, bytes));
    if (bad)
        leat__doctor_remedy(f, "sysctl -w vm.overcommit_memory=0, or a lower --memory");
}

static void check_maps(struct doctor *d)
{
    int64_t most = leat__doctor_number(d, "/proc/sys/vm/max_map_count", 0);
    if (most < 0)
        return;
    struct finding *f = leat__doctor_begin(d, "vm.max_map_count",
                                           "every shard maps a region, a stack and its rings");
    uint32_t needed = MAPS_OF_US + d->config->shards * MAPS_OF_A_SHARD;
    leat__doctor_found(f, needed > most ? DOCTOR_WARNING : DOCTOR_GOOD, "%lld, %u needed at most",
                       (long long)most, needed);
    if (needed > most)
        leat__doctor_remedy(f, "sysctl -w vm.max_map_count=65530");
}

static void check_huge_pages(struct doctor *d)
{
    char text[128];
    if (!leat__doctor_read(d, "/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text))
        return;
    struct finding *f = leat__doctor_begin(
        d, "huge pages",
        "a huge page would make 2 MiB resident for the first byte of it, so our memory "
        "declines them; with --commit they are welcome");
    leat__doctor_found(f, DOCTOR_GOOD, "%s", text);
}

void leat__doctor_memory(struct doctor *d)
{
    d->group = "Memory";
    check_plan(d);
    check_group(d);
    check_available(d);
    check_overcommit(d);
    check_maps(d);
    check_huge_pages(d);
}
