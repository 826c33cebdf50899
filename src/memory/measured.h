/* measured.h: for measuring only. A build with LEAT_TIME_MEMORY times every acquisition and release of pools and buffers and
 * every allocation of an arena, inlined as they are, with the lab's clock (lab/interpose/latency.h), in the file that LAB_MEMORY_OUT
 * names. One with LEAT_POOLS=malloc has malloc and free in place of the pools, and times these at the same places. Neither
 * is anything that anyone should run; without either nothing of this is compiled, and not one instruction is another.
 *
 * The wrappers stand behind what they wrap (measured_pool.h at the end of pool.h, and so on), under its name: so what is
 * timed is what everybody calls, and no caller knows. An arena that needs another chunk acquires a buffer meanwhile, which is
 * counted as that too. */
#ifndef LEAT_MEASURED_H
#define LEAT_MEASURED_H

#include "base/base.h"

enum measured_place {
    MEASURED_POOL_ACQUIRE,
    MEASURED_POOL_RELEASE,
    MEASURED_BUFFER_ACQUIRE,
    MEASURED_BUFFER_RELEASE,
    MEASURED_ARENA_ALLOC,
    MEASURED_ARENA_RESET,
    MEASURED_PLACES,
};

#ifdef LEAT_TIME_MEMORY
#include <interpose/latency.h> /* the lab's, which is no room */

static inline uint64_t measured_begin(void)
{
    return lab_recorder.times != NULL ? lab_begin() : 0;
}

static inline void measured_end(enum measured_place place, uint64_t from, size_t size, bool failed)
{
    lab_record(place, size, failed, from, lab_recorder.times != NULL ? clock_end() : 0);
}
#else
static inline uint64_t measured_begin(void)
{
    return 0;
}

static inline void measured_end(enum measured_place place, uint64_t from, size_t size, bool failed)
{
    (void)place, (void)from, (void)size, (void)failed;
}
#endif

#endif
