/* region.c: the only place that maps, unmaps and gives back memory. See region.h. */
#include "memory/region.h"
#include "memory/poison.h"
#include "memory/seal.h"
#include <errno.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

/* Populates at once and says so when the machine can't, where a touched page would end the process. */
static int populate(char *base, size_t size)
{
    if (madvise(base, size, MADV_POPULATE_WRITE) == 0)
        return 0;
    if (errno != EINVAL)
        return -errno;
    for (size_t at = 0; at < size; at += PAGE_SIZE_BYTES)
        ((volatile char *)base)[at] = 0;
    return 0;
}

int leat__region_create(struct region *r, size_t size, enum region_mode mode)
{
    ASSERT(leat__seal_phase() != SEAL_SEALED);
    size = size_max(align_up(size, PAGE_SIZE_BYTES), PAGE_SIZE_BYTES);
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return -errno;
    /* A huge page would make 2 MiB resident for the first byte of it. A kernel without them answers EINVAL. */
    if (mode == REGION_RESERVE)
        (void)madvise(base, size, MADV_NOHUGEPAGE);
    int error = mode == REGION_COMMIT ? populate(base, size) : 0;
    if (error < 0) {
        munmap(base, size);
        return error;
    }
    *r = (struct region){.base = base, .size = size, .high = size, .mode = mode};
    return 0;
}

void leat__region_destroy(struct region *r)
{
    if (r->base == NULL)
        return;
    ASSERT(leat__seal_phase() != SEAL_SEALED);
    poison_open(r->base, r->size); /* what is mapped here next is a stranger's */
    int result = munmap(r->base, r->size);
    ASSERT(result == 0);
    *r = (struct region){0};
}

void *leat__region_take(struct region *r, size_t size, size_t align)
{
    ASSERT(!r->sealed && leat__seal_phase() != SEAL_SEALED);
    ASSERT(align != 0 && (align & (align - 1)) == 0 && align <= PAGE_SIZE_BYTES);
    ASSERT(size <= r->high - r->low);
    char *piece;
    if (align == PAGE_SIZE_BYTES) {
        size = align_up(size, PAGE_SIZE_BYTES);
        piece = r->base + r->low;
        r->low += size;
    } else {
        r->high = (r->high - size) & ~(align - 1);
        piece = r->base + r->high;
    }
    ASSERT(r->low <= r->high && r->high <= r->size);
    r->used = r->low + (r->size - r->high);
    return piece;
}

void leat__region_seal(struct region *r)
{
    r->sealed = true;
}

int leat__region_guard(void *memory, size_t size)
{
    ASSERT(leat__seal_phase() != SEAL_SEALED);
    if (madvise(memory, size, MADV_GUARD_INSTALL) == 0)
        return 0;
    return mprotect(memory, size, PROT_NONE) == 0 ? 0 : -errno;
}

bool leat__region_marks_guards(void)
{
    void *page = mmap(NULL, PAGE_SIZE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return false;
    bool marks = madvise(page, PAGE_SIZE_BYTES, MADV_GUARD_INSTALL) == 0;
    munmap(page, PAGE_SIZE_BYTES);
    return marks;
}

void leat__region_drop(void *memory, size_t size)
{
    ASSERT(((uintptr_t)memory | size) % PAGE_SIZE_BYTES == 0);
    /* Private anonymous memory of our own that is not locked: the kernel has no reason to refuse. */
    int result = madvise(memory, size, MADV_DONTNEED);
    ASSERT(result == 0);
}
