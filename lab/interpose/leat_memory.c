/* leat_memory.c: what a Leat built with LEAT_TIME_MEMORY counts: its pools, buffers and arenas, in the file that LAB_MEMORY_OUT
 * names, always timed. src/memory/measured.h says where. */
#include "interpose/latency.h"
#include "memory/measured.h"

static const struct lab_place places[MEASURED_PLACES] = {
    [MEASURED_POOL_ACQUIRE] = {"pool_acquire", LAB_ALLOCATES},
    [MEASURED_POOL_RELEASE] = {"pool_release", LAB_FREES},
    [MEASURED_BUFFER_ACQUIRE] = {"buffer_acquire", LAB_ALLOCATES},
    [MEASURED_BUFFER_RELEASE] = {"buffer_release", LAB_FREES},
    [MEASURED_ARENA_ALLOC] = {"arena_alloc", LAB_ALLOCATES},
    [MEASURED_ARENA_RESET] = {"arena_reset", LAB_FREES},
};

const struct lab_user lab_user = {"LAB_MEMORY_OUT", NULL, places, MEASURED_PLACES};
