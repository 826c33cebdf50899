/* machine.h: what the system gives this process: asked once, at start. Control groups count: in a container the
 * machine is what the container may take. */
#ifndef LEAT_MACHINE_H
#define LEAT_MACHINE_H

#include "base/base.h"

struct machine {
    uint32_t processors; /* that we may run on, and no more than the group's share of time fills */
    uint32_t descriptor_limit; /* RLIMIT_NOFILE */
    uint64_t memory;           /* bytes */
    bool uring;                /* io_uring can be had */
    bool guards_are_mappings;  /* the kernel has no marks for guard pages (memory/region.h) */
};

/* Raises the soft limit on descriptors to the hard one first. Leaves uring alone. */
void leat__machine_ask(struct machine *machine);

/* The least of the limits called file ("memory.max") in our control group and those above it; UINT64_MAX: none.
 * group_list is /proc/self/cgroup; controller is "" for the unified hierarchy, else the old one's name ("memory"),
 * whose folder lies under mount too. */
uint64_t leat__machine_group_limit(const char *group_list, const char *mount,
                                   const char *controller, const char *file);

#endif
