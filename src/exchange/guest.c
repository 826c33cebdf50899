/* guest.c: heaps for libraries (memory/guest.h), as programs know them: named, a row of the plan each, with malloc in
 * their place until the server starts. A heap that a library still holds something of stays when its app goes: libraries
 * clean up as late as at exit. */
#include "leat/guest.h"
#include "exchange/app.h"
#include "exchange/exchange.h"
#include "memory/seal.h"
#include <stdlib.h>

static void destroy(void *thing)
{
    leat_guest *guest = thing;
    struct guest_counts counts = {0};
    if (guest->heap.parts != NULL)
        leat__guest_count(&guest->heap, &counts);
    if (counts.in_use > 0)
        return;
    if (guest->heap.parts != NULL) {
        leat__guest_finish(&guest->heap);
        leat__region_destroy(&guest->region);
    }
    leat__start_free(guest->name);
    leat__start_free(guest);
}

leat_guest *leat_guest_create(leat_app *app, const char *name, uint64_t bytes)
{
    leat_app *root = leat__app_root(app);
    leat_guest *guest = leat__start_alloc(sizeof *guest);
    guest->name = leat__start_copy(name ? name : "guest");
    guest->bytes = bytes;
    leat__app_keep(root, guest, destroy);
    if (root->heap_count == PLAN_GUESTS_MAX)
        leat__app_error(root, "guest \"%s\": an app has at most %d heaps for libraries",
                        guest->name, PLAN_GUESTS_MAX);
    else if (bytes < PLAN_GUEST_MIN || bytes > (uint64_t)1 << 40)
        leat__app_error(root, "guest \"%s\", %llu bytes: give 1 MiB to 1 TiB", guest->name,
                        (unsigned long long)bytes);
    else
        root->heaps[root->heap_count++] = guest;
    return guest;
}

int leat__guests_open(leat_app *app, uint32_t shards, enum region_mode mode)
{
    leat_app *root = leat__app_root(app);
    int error = 0;
    for (uint32_t i = 0; i < root->heap_count && error == 0; i++) {
        leat_guest *guest = root->heaps[i];
        uint32_t parts = leat__plan_guest_parts(guest->bytes, shards);
        if (guest->heap.parts != NULL)
            continue; /* from a server before this one */
        error = leat__region_create(&guest->region, leat__guest_footprint(guest->bytes, parts), mode);
        if (error == 0)
            leat__guest_init(&guest->heap, &guest->region, guest->name, guest->bytes, parts);
    }
    return error;
}

/* A number for this thread's first part: shards by their tasks' home, others by nothing. */
static uint32_t part_here(void)
{
    return leat__tasks_here != NULL ? leat__tasks_here->home : 0;
}

static void *tell_full(const leat_guest *guest, size_t size)
{
    leat__event_with(EVENT_GUEST_FULL, NULL, "the heap \"%s\" has no room for %zu bytes",
                     guest->name, size);
    return NULL;
}

void *leat_guest_alloc(leat_guest *guest, size_t size)
{
    if (guest->heap.parts == NULL)
        return malloc(size);
    void *memory = leat__guest_alloc(&guest->heap, part_here(), size);
    return memory != NULL ? memory : tell_full(guest, size);
}

void *leat_guest_calloc(leat_guest *guest, size_t count, size_t size)
{
    size_t whole;
    if (__builtin_mul_overflow(count, size, &whole))
        return NULL;
    void *memory = leat_guest_alloc(guest, whole);
    return memory != NULL ? memset(memory, 0, whole) : NULL;
}

void leat_guest_free(leat_guest *guest, void *memory)
{
    if (guest->heap.parts != NULL && guest_holds(&guest->heap, memory))
        leat__guest_free(&guest->heap, memory);
    else
        free(memory);
}

void *leat_guest_realloc(leat_guest *guest, void *memory, size_t size)
{
    if (memory == NULL)
        return leat_guest_alloc(guest, size);
    if (guest->heap.parts == NULL || !guest_holds(&guest->heap, memory))
        return realloc(memory, size); /* what began with malloc stays with it */
    size_t had = leat__guest_size(&guest->heap, memory);
    if (size <= had && size > had / 2)
        return memory;
    void *moved = leat__guest_alloc(&guest->heap, part_here(), size);
    if (moved == NULL)
        return size <= had ? memory : tell_full(guest, size);
    memcpy(moved, memory, size_min(had, size));
    leat__guest_free(&guest->heap, memory);
    return moved;
}

void leat_guest_count(leat_guest *guest, leat_guest_counts *counts, size_t counts_size)
{
    struct guest_counts now = {0};
    if (guest->heap.parts != NULL)
        leat__guest_count(&guest->heap, &now);
    leat_guest_counts all = {now.in_use, now.high, now.calls, now.refused};
    memset(counts, 0, counts_size);
    memcpy(counts, &all, size_min(sizeof all, counts_size));
}
