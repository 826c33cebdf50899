/* region.h: the ground everything of a shard stands on: one reservation of address space, sized by the plan, taken
 * once at start. `reserve` touches pages when they are first needed; `commit` populates all before the server listens.
 * Pieces are taken at start only; nothing is ever given back but the whole.
 *
 *   base ─ whole pages, upwards → ─ ─ ─ ← small pieces, downwards ─ base + size
 *
 * Pieces aligned to a page (objects, buffers) come from the low end, smaller ones (tables, bitmaps) from the high end,
 * so the small ones share their pages and a shard's bookkeeping is resident in as few as possible. */
#ifndef LEAT_REGION_H
#define LEAT_REGION_H

#include "base/base.h"

enum region_mode { REGION_RESERVE, REGION_COMMIT };

struct region {
    char *base;
    size_t size;      /* bytes, a multiple of the page */
    size_t used;      /* bytes, of both ends together */
    size_t low, high; /* what is free lies in [base + low, base + high) */
    enum region_mode mode;
    bool sealed; /* all pieces are taken */
};

/* 0 or -errno (ENOMEM: the machine refuses that much). */
int leat__region_create(struct region *r, size_t size, enum region_mode mode);
void leat__region_destroy(struct region *r);

/* The next size bytes, zeroed, aligned to align (a power of two). The plan has counted every piece: running out is a
 * defect of the plan and an assertion. Asserts that memory is not sealed. */
void *leat__region_take(struct region *r, size_t size, size_t align);

/* No piece is taken any more. */
void leat__region_seal(struct region *r);

/* Makes whole pages trap every access, for good. 0 or -errno. Guards are marks in the page table (Linux 6.13), or else a
 * mapping each, of which a process has some 65,000 (leat__region_marks_guards tells which). At start only. */
int leat__region_guard(void *memory, size_t size);
bool leat__region_marks_guards(void);

/* Gives the pages of [memory, memory + size), whole ones, back to the machine; they read zero when touched again. */
void leat__region_drop(void *memory, size_t size);

#endif
