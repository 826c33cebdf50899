/* test_guest.c: the heap for guests: sizes, bounds, threads, and what is left at the end. */
#include "memory/guest.h"
#include "memory_test.h"
#include <pthread.h>

static struct region region;
static struct guest_heap heap;

static void open_heap(size_t size, uint32_t parts)
{
    assert_int_equal(leat__region_create(&region, leat__guest_footprint(size, parts) + PAGE_SIZE_BYTES,
                                         REGION_RESERVE),
                     0);
    leat__guest_init(&heap, &region, "guest", size, parts);
}

static void close_heap(void)
{
    struct guest_counts counts;
    leat__guest_check(&heap);
    leat__guest_count(&heap, &counts);
    assert_int_equal(counts.in_use, 0);
    leat__guest_finish(&heap);
    leat__region_destroy(&region);
}

static void a_footprint_is_what_it_takes(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 16384, 100000, 1 << 20, 5000000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (uint32_t parts = 1; parts < 5; parts++) {
            size_t footprint = leat__guest_footprint(sizes[i], parts);
            assert_int_equal(leat__region_create(&region, footprint, REGION_RESERVE), 0);
            leat__guest_init(&heap, &region, "guest", sizes[i], parts);
            assert_true(region.used <= region.size && region.size - region.used < 2 * PAGE_SIZE_BYTES);
            close_heap();
        }
}

static void every_size_is_aligned_and_large_enough(void **state)
{
    (void)state;
    open_heap(8 << 20, 1);
    for (size_t size = 0; size < 40000; size += size < 5000 ? 1 : 777) {
        char *memory = leat__guest_alloc(&heap, 0, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % GUEST_ALIGN, 0);
        size_t usable = leat__guest_size(&heap, memory);
        assert_true(usable >= size);
        if (size > 64 && size <= GUEST_SMALL_MAX)
            assert_true(usable * 4 <= size * 5);
        memset(memory, 0x5a, usable);
        leat__guest_free(&heap, memory);
    }
    close_heap();
}

/* Memory of many sizes, each filled with its own octet, which must still be there when it goes. */
enum { HELD = 2000 };

struct held {
    unsigned char *memory;
    size_t size;
    unsigned char octet;
};

static void drop(struct held *h)
{
    for (size_t i = 0; i < h->size; i++)
        assert_int_equal(h->memory[i], h->octet);
    leat__guest_free(&heap, h->memory);
    h->memory = NULL;
}

static void nothing_overlaps(void **state)
{
    (void)state;
    static struct held held[HELD];
    uint64_t random = 88172645463325252u;
    open_heap(16 << 20, 3);
    for (int step = 0; step < 200000; step++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        struct held *h = &held[random % HELD];
        if (h->memory != NULL) {
            drop(h);
            continue;
        }
        h->size = random >> 20 & 15 ? random >> 32 & 1023 : random >> 32 & 65535;
        h->octet = (unsigned char)random;
        h->memory = leat__guest_alloc(&heap, (uint32_t)(random >> 50), h->size);
        if (h->memory != NULL)
            memset(h->memory, h->octet, h->size);
    }
    leat__guest_check(&heap);
    for (int i = 0; i < HELD; i++)
        if (held[i].memory != NULL)
            drop(&held[i]);
    close_heap();
}

static void full_is_null_and_counted_and_heals(void **state)
{
    (void)state;
    static void *all[5000];
    open_heap(1 << 20, 2);
    size_t count = 0;
    while ((all[count] = leat__guest_alloc(&heap, 0, 1000)) != NULL)
        assert_true(++count < COUNT_OF(all));
    assert_true(count >= (1 << 20) / 1024 * 15 / 16);
    struct guest_counts counts;
    leat__guest_count(&heap, &counts);
    assert_int_equal(counts.refused, 1);
    assert_true(counts.in_use >= count * 1000 && counts.in_use <= 1 << 20);
    assert_null(leat__guest_alloc(&heap, 0, 1 << 20));
    for (size_t i = 0; i < count; i++)
        leat__guest_free(&heap, all[i]);
    void *half = leat__guest_alloc(&heap, 1, 1 << 18);
    assert_non_null(half);
    leat__guest_free(&heap, half);
    close_heap();
}

static void *free_all(void *argument)
{
    void **all = argument;
    for (size_t i = 0; all[i] != NULL; i++)
        leat__guest_free(&heap, all[i]);
    return NULL;
}

static void other_threads_may_free(void **state)
{
    (void)state;
    static void *all[3][1001];
    pthread_t threads[3];
    open_heap(4 << 20, 2);
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < 3000; i++)
            all[i % 3][i / 3] = leat__guest_alloc(&heap, (uint32_t)i, 16 + i % 700);
        for (int i = 0; i < 3; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, free_all, all[i]), 0);
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
    }
    close_heap();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_footprint_is_what_it_takes),
        cmocka_unit_test(every_size_is_aligned_and_large_enough),
        cmocka_unit_test(nothing_overlaps),
        cmocka_unit_test(full_is_null_and_counted_and_heals),
        cmocka_unit_test(other_threads_may_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
