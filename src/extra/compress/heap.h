/* heap.h: a little heap in memory of fixed size, for libraries that want to allocate while they work.
 *
 * Blocks stand one behind the other, each with its size in front; the first that is free and large enough is cut.
 * Free neighbours are joined on the way. There are few blocks at a time, so walking over them is quick. reach is how
 * far into the memory anything has ever been put: what such a heap must have at least. */
#ifndef LEAT_COMPRESS_HEAP_H
#define LEAT_COMPRESS_HEAP_H

#include <stddef.h>

struct heap {
    char *memory; /* aligned to 16 */
    size_t size, reach;
};

void heap_init(struct heap *h, void *memory, size_t size);
/* As their libraries want them: opaque is a struct heap. NULL: it is full. */
void *heap_acquire(void *opaque, size_t size);
void *heap_acquire_items(void *opaque, unsigned count, unsigned size);
void heap_release(void *opaque, void *memory);

#endif
