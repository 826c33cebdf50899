/* guest.h: bounded memory for libraries that want some of any size, at any time, by an allocator hook of their own.
 *
 *     static leat_guest *tls;
 *     static void *tls_alloc(size_t size) { return leat_guest_alloc(tls, size); }
 *     …
 *     tls = leat_guest_create(app, "tls", 64 << 20);       // a row of the plan
 *     library_set_allocator(tls_alloc, …);                 // before the library's first allocation
 *
 * What a guest gets, once the server runs, comes from its row and from nowhere else; when that is full it gets NULL.
 * Before the start, when there is no row yet, it comes from malloc; a free knows by the address. Nothing of this makes a
 * system call. A library without a hook takes its memory behind the plan's back: it is not bounded. */
#ifndef LEAT_GUEST_PUBLIC_H
#define LEAT_GUEST_PUBLIC_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leat_guest leat_guest; /* a heap of bounded size */

/* bytes in all, shared by all shards; the largest piece is a power of two that fits an eighth of it. Before the start.
 * Goes with app, but for what the library still holds then. */
LEAT_API leat_guest *leat_guest_create(leat_app *app, const char *name, uint64_t bytes);

/* As malloc, calloc, realloc and free; from any thread. NULL: the row is full, counted. Aligned to 16. */
LEAT_API void *leat_guest_alloc(leat_guest *guest, size_t size);
LEAT_API void *leat_guest_calloc(leat_guest *guest, size_t count, size_t size);
LEAT_API void *leat_guest_realloc(leat_guest *guest, void *memory, size_t size);
LEAT_API void leat_guest_free(leat_guest *guest, void *memory);

typedef struct leat_guest_counts {
    uint64_t in_use, high; /* bytes of the row, with what rounding takes */
    uint64_t allocations, refused;
} leat_guest_counts;

/* What holds at this moment; counts_size is sizeof *counts. From any thread. */
LEAT_API void leat_guest_count(leat_guest *guest, leat_guest_counts *counts, size_t counts_size);

#ifdef __cplusplus
}
#endif

#endif
