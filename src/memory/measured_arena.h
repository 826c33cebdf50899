/* measured_arena.h: see measured.h. Arenas stay arenas; their chunks are buffers. */
#ifndef LEAT_MEASURED_ARENA_H
#define LEAT_MEASURED_ARENA_H

#include "memory/measured.h"

static inline void *measured_arena_alloc(struct arena *a, size_t size)
{
    uint64_t from = measured_begin();
    void *piece = arena_alloc(a, size);
    measured_end(MEASURED_ARENA_ALLOC, from, size, piece == NULL);
    return piece;
}

static inline void measured_arena_reset(struct arena *a)
{
    uint64_t from = measured_begin();
    arena_reset(a);
    measured_end(MEASURED_ARENA_RESET, from, 0, false);
}

#define arena_alloc measured_arena_alloc
#define arena_reset measured_arena_reset

#endif
