/* machine.c: processors from the affinity mask and the group's quota, memory from sysinfo and the group's limit.
 * A file that is missing says nothing; nothing here fails. */
#define _GNU_SOURCE
#include "config/machine.h"
#include "memory/region.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

enum { GROUP_PATH_MAX = 1024 };

/* Our group's path in the hierarchy of controller: a line "0::/a/b", or "4:memory:/a/b". */
static bool find_group(const char *group_list, const char *controller, char *path)
{
    char line[GROUP_PATH_MAX];
    bool found = false;
    FILE *file = fopen(group_list, "re");
    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        char *names = strchr(line, ':');
        char *at = names ? strchr(names + 1, ':') : NULL;
        if (at == NULL)
            continue;
        *at = '\0';
        at[strcspn(at + 1, "\n") + 1] = '\0';
        if (strcmp(names + 1, controller) == 0) {
            memcpy(path, at + 1, strlen(at + 1) + 1);
            found = true;
        }
    }
    fclose(file);
    return found;
}

/* One limit file: a number, "max", or "quota period" (cpu.max), which comes to whole processors, rounded up. */
static uint64_t read_limit(const char *path)
{
    char text[64] = "";
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return UINT64_MAX;
    if (fgets(text, sizeof text, file) == NULL)
        text[0] = '\0';
    fclose(file);
    char *end;
    uint64_t limit = strtoull(text, &end, 10);
    if (end == text)
        return UINT64_MAX;
    uint64_t period = *end == ' ' ? strtoull(end, NULL, 10) : 0;
    return period > 0 ? (limit + period - 1) / period : limit;
}

uint64_t leat__machine_group_limit(const char *group_list, const char *mount,
                                   const char *controller, const char *file)
{
    char group[GROUP_PATH_MAX], path[2 * GROUP_PATH_MAX];
    uint64_t least = UINT64_MAX;
    if (!find_group(group_list, controller, group))
        return least;
    for (;;) {
        int size = snprintf(path, sizeof path, "%s/%s%s%s/%s", mount, controller,
                            group[0] == '/' ? "" : "/", group, file);
        uint64_t limit = size < (int)sizeof path ? read_limit(path) : UINT64_MAX;
        least = limit < least ? limit : least;
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

static uint32_t ask_processors(void)
{
    cpu_set_t set;
    uint64_t count = 1;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        count = (uint64_t)CPU_COUNT(&set);
    uint64_t share = leat__machine_group_limit("/proc/self/cgroup", "/sys/fs/cgroup", "", "cpu.max");
    count = share < count ? share : count;
    return count > 0 ? (uint32_t)count : 1;
}

static uint64_t ask_memory(void)
{
    struct sysinfo info;
    uint64_t memory = sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : UINT64_MAX;
    uint64_t limit = leat__machine_group_limit("/proc/self/cgroup", "/sys/fs/cgroup", "", "memory.max");
    memory = limit < memory ? limit : memory;
    limit = leat__machine_group_limit("/proc/self/cgroup", "/sys/fs/cgroup", "memory",
                                      "memory.limit_in_bytes");
    return limit < memory ? limit : memory;
}

static uint32_t ask_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1024;
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {limit.rlim_max, limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit = raised;
    }
    return limit.rlim_cur < INT_MAX ? (uint32_t)limit.rlim_cur : INT_MAX;
}

void leat__machine_ask(struct machine *machine)
{
    machine->processors = ask_processors();
    machine->descriptor_limit = ask_descriptors();
    machine->memory = ask_memory();
    machine->guards_are_mappings = !leat__region_marks_guards();
}
