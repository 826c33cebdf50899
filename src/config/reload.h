/* reload.h: what SIGHUP makes of the configuration while we serve: file and environment are read anew (flags stay what
 * they were), rows that may change do, and those that need a restart are named. A configuration with a mistake changes
 * nothing. Nothing here allocates. */
#ifndef LEAT_RELOAD_H
#define LEAT_RELOAD_H

#include "config/effective.h"

struct reload {
    const struct effective *running; /* of the start: what needs a restart is compared with it */
    struct effective *candidate;     /* room for what is read */
    struct config live;              /* what holds now; of a completed configuration */
};

/* environment: as the process has it. 0: live is what is to be applied, and report says what changed and what needs a
 * restart; -EINVAL: nothing changed, and report says what is wrong. */
int leat__reload_read(struct reload *reload, char *const *environment, char *report, size_t report_size);

#endif
