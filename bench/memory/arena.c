/* arena.c: pieces of an arena, and its reset with few and many chunks. */
#include "bench_memory.h"
#include <stdio.h>
#include <stdlib.h>

enum { PIECE = 32, CHUNK = 4096, CHUNKS = 512, FIRST = 65536, ARENAS = 8 };

static struct buffer_pool chunks;
static struct arena arenas[ARENAS];
static _Alignas(CACHE_LINE) char firsts[ARENAS][FIRST];

/* As many pieces as the first chunk holds, then a reset. */
static void fill_one(struct arena *a)
{
    for (uint32_t i = 0; i < FIRST / PIECE; i++)
        escape(arena_alloc(a, PIECE));
    arena_reset(a);
}

/* The same from eight arenas in turn, as from eight exchanges: no piece waits for the one before. */
static void fill_in_turn(void)
{
    for (uint32_t i = 0; i < FIRST / PIECE; i++)
        for (uint32_t a = 0; a < ARENAS; a++)
            escape(arena_alloc(&arenas[a], PIECE));
    for (uint32_t a = 0; a < ARENAS; a++)
        arena_reset(&arenas[a]);
}

static double time_alloc(bool in_turn)
{
    double slices[SLICES];
    for (int slice = -4; slice < SLICES; slice++) {
        uint32_t pieces = 0;
        uint64_t start = now_ns();
        while (pieces < SLICE_OPERATIONS) {
            if (in_turn)
                fill_in_turn();
            else
                fill_one(&arenas[0]);
            pieces += FIRST / PIECE * (in_turn ? ARENAS : 1);
        }
        if (slice >= 0)
            slices[slice] = (double)(now_ns() - start) / pieces;
    }
    return median(slices, SLICES);
}

static void fill_chunks(struct arena *a, uint32_t count)
{
    while (a->chunk_count < count)
        if (arena_alloc(a, CHUNK - BUFFER_SLACK) == NULL)
            abort();
}

/* Only the resets are timed, eight at once, less what the timer takes. */
static double time_reset(uint32_t count, double floor)
{
    double slices[SLICES * 8];
    for (size_t slice = 0; slice < COUNT_OF(slices); slice++) {
        for (uint32_t a = 0; a < ARENAS; a++)
            fill_chunks(&arenas[a], count);
        escape(arenas);
        uint64_t start = now_ns();
        for (uint32_t a = 0; a < ARENAS; a++) {
            arena_reset(&arenas[a]);
            escape(&arenas[a]);
        }
        slices[slice] = ((double)(now_ns() - start) - floor) / ARENAS;
    }
    return median(slices, COUNT_OF(slices));
}

void bench_arena(void)
{
    struct region region;
    if (leat__region_create(&region, leat__buffer_pool_footprint(CHUNK, CHUNKS), REGION_RESERVE) < 0)
        abort();
    leat__buffer_pool_init(&chunks, &region, "chunk", CHUNK, CHUNKS);
    for (uint32_t a = 0; a < ARENAS; a++)
        leat__arena_init(&arenas[a], firsts[a], FIRST, &chunks, NULL, CHUNKS);
    double floor = timer_floor();
    printf("alloc %.4f\n", time_alloc(false));
    printf("alloc-in-turn %.4f\n", time_alloc(true));
    printf("reset-0 %.4f\n", time_reset(0, floor));
    printf("reset-4 %.4f\n", time_reset(4, floor));
    printf("reset-64 %.4f\n", time_reset(64, floor));
    leat__region_destroy(&region);
}
