/* seal.h: the three phases of a server's memory: start → sealed → stopping. After the seal the program's own
 * allocator entry points assert, and a region hands out no more. Counted per process: two servers can live in one, and
 * a seal holds for the region that was sealed; the program-wide phase is what leat_main sets. */
#ifndef LEAT_SEAL_H
#define LEAT_SEAL_H

#include "base/base.h"

enum seal_phase { SEAL_START, SEAL_SEALED, SEAL_STOPPING };

void leat__seal_set(enum seal_phase phase);
enum seal_phase leat__seal_phase(void);

/* The project's only ways to the allocator: they assert that nothing is sealed. Never NULL: they end the process with
 * a line on stderr (exit 70) when the machine has none, which can only happen at start. */
void *leat__start_alloc(size_t size);           /* zeroed, aligned to a cache line */
void *leat__start_alloc_uncleared(size_t size); /* … whose pages are touched when it is used */
char *leat__start_copy(const char *text);       /* strdup */
void *leat__start_grow(void *old, size_t old_size, size_t new_size);
void leat__start_free(void *memory); /* at start or when stopping */

#endif
