/* file.h: is a stretch of a file in memory, so that sending it will not wait for the disk; and bringing it there, which
 * does wait and is a worker's job. */
#ifndef LEAT_FILE_H
#define LEAT_FILE_H

#include "base/base.h"

/* Asks the kernel, without touching the disk: cachestat(2) (Linux 6.5), or else a read without waiting of an octet here and
 * there. What it can't tell counts as not in memory. */
bool leat__file_is_resident(int fd, uint64_t offset, uint64_t size);

/* Reads the stretch, to nowhere. */
void leat__file_warm(int fd, uint64_t offset, uint64_t size);

#endif
