/* Builds that measure what pools and arenas do: every call is counted at its place, and malloc in place of the pools keeps
 * their bounds. This file is compiled twice with the room beneath it: to time the pools, and with malloc in their place. */
#include "../memory/memory_test.h"
#include "memory/arena.h"
#include "memory/pool.h"
#include <interpose/latency.h>

enum { OBJECT = 64, OBJECTS = 40, STRIDE = 16384, BUFFERS = 8, ARENA = 1024 };

#ifdef LEAT_POOLS_MALLOC
enum { IS_MALLOC = 1 };
#else
enum { IS_MALLOC = 0 };
#endif

struct fixture {
    struct region region;
    struct pool pool;
    struct buffer_pool buffers;
    struct lab_count before[MEASURED_PLACES];
};

static struct fixture f;

static void note_counts(void)
{
    if (lab_mine == NULL)
        memset(f.before, 0, sizeof f.before);
    else
        memcpy(f.before, lab_mine->counts, sizeof f.before);
}

static int open_pools(void **state)
{
    (void)state;
    size_t size = leat__pool_footprint(OBJECT, OBJECTS) + leat__buffer_pool_footprint(STRIDE, BUFFERS);
    memset(&f, 0, sizeof f);
    assert_int_equal(leat__region_create(&f.region, size, REGION_RESERVE), 0);
    leat__pool_init(&f.pool, &f.region, "object", OBJECT, OBJECTS);
    leat__buffer_pool_init(&f.buffers, &f.region, "buffer", STRIDE, BUFFERS);
    note_counts();
    return 0;
}

static int close_pools(void **state)
{
    (void)state;
    leat__region_destroy(&f.region);
    return 0;
}

static uint64_t calls(enum measured_place place)
{
    return lab_mine->counts[place].calls - f.before[place].calls;
}

static uint64_t failures(enum measured_place place)
{
    return lab_mine->counts[place].failures - f.before[place].failures;
}

static bool is_in_region(const void *memory)
{
    return (uintptr_t)memory - (uintptr_t)f.region.base < f.region.size;
}

static void a_pool_is_counted_and_bounded(void **state)
{
    (void)state;
    void *objects[OBJECTS];
    for (int i = 0; i < OBJECTS; i++) {
        objects[i] = pool_acquire(&f.pool);
        assert_non_null(objects[i]);
        assert_int_equal(is_in_region(objects[i]), !IS_MALLOC);
        memset(objects[i], i, OBJECT);
    }
    assert_null(pool_acquire(&f.pool));
    assert_int_equal(f.pool.refused, 1);
    assert_int_equal(f.pool.in_use, OBJECTS);
    assert_int_equal(f.pool.high, OBJECTS);
    for (int i = 0; i < OBJECTS; i++) {
        assert_true(pool_holds(&f.pool, objects[i]));
        assert_int_equal(*(char *)objects[i], i);
        pool_release(&f.pool, objects[i]);
    }
    assert_int_equal(f.pool.in_use, 0);
    assert_int_equal(calls(MEASURED_POOL_ACQUIRE), OBJECTS + 1);
    assert_int_equal(failures(MEASURED_POOL_ACQUIRE), 1);
    assert_int_equal(calls(MEASURED_POOL_RELEASE), OBJECTS);
}

static void buffers_are_counted_and_bounded(void **state)
{
    (void)state;
    struct buffer *first = NULL, *last = NULL;
    for (int i = 0; i < BUFFERS; i++) {
        struct buffer *b = buffer_acquire(&f.buffers);
        assert_non_null(b);
        assert_int_equal(is_in_region(b->data), !IS_MALLOC);
        memset(b->data, i, STRIDE);
        b->next = first;
        last = last != NULL ? last : b;
        first = b;
    }
    assert_null(buffer_acquire(&f.buffers));
    assert_int_equal(f.buffers.refused, 1);
    buffer_release_chain(&f.buffers, first, last, BUFFERS);
    assert_int_equal(f.buffers.in_use, 0);
    leat__buffer_pool_check(&f.buffers);
    /* The table's own refusal comes before there is anything to time. */
    assert_int_equal(calls(MEASURED_BUFFER_ACQUIRE), BUFFERS + !IS_MALLOC);
    assert_int_equal(calls(MEASURED_BUFFER_RELEASE), IS_MALLOC ? BUFFERS : 1);
}

static void touch_what_was_released(void *nothing)
{
    (void)nothing;
    struct buffer *b = buffer_acquire(&f.buffers);
    uintptr_t data = (uintptr_t)b->data;
    __asm__ volatile("" : "+r"(data)); /* nobody is to see by reading what is seen by running */
    buffer_release(&f.buffers, b);
    *(volatile char *)(data + STRIDE - 1) = 1;
}

/* What malloc's build is good for beside measuring. */
static void a_sanitizer_sees_what_is_touched_too_late(void **state)
{
    (void)state;
    if (!MEMORY_ASAN)
        skip();
    assert_true(dies(touch_what_was_released, NULL, false));
}

static void an_arena_is_counted_with_its_chunks(void **state)
{
    (void)state;
    static _Alignas(16) char memory[ARENA];
    struct arena arena;
    leat__arena_init(&arena, memory, sizeof memory, &f.buffers, NULL, 4);
    for (int i = 0; i < 10; i++)
        assert_non_null(arena_alloc(&arena, ARENA / 4));
    assert_null(arena_alloc(&arena, 2 * STRIDE));
    arena_reset(&arena);
    leat__arena_check(&arena);
    assert_int_equal(f.buffers.in_use, 0);
    assert_int_equal(calls(MEASURED_ARENA_ALLOC), 11);
    assert_int_equal(failures(MEASURED_ARENA_ALLOC), 1);
    assert_int_equal(calls(MEASURED_ARENA_RESET), 1);
    assert_int_equal(calls(MEASURED_BUFFER_ACQUIRE), 1);
    assert_int_equal(calls(MEASURED_BUFFER_RELEASE), 1);
}

static void every_call_is_timed(void **state)
{
    (void)state;
    const struct lab_times *times = &lab_recorder.times[lab_mine - lab_recorder.threads];
    for (unsigned place = 0; place < MEASURED_PLACES; place++) {
        uint64_t timed = 0;
        for (unsigned i = 0; i < LAB_BUCKETS; i++)
            timed += times->of[place].buckets[i];
        assert_true(timed > 0);
        assert_int_equal(timed, lab_mine->counts[place].calls);
        assert_true(times->of[place].max <= times->of[place].sum);
    }
}

static void buckets_are_in_order_and_narrow(void **state)
{
    (void)state;
    unsigned before = 0;
    uint64_t first = 0; /* of its bucket */
    for (uint64_t steps = 0; steps < UINT64_C(1) << LAB_VALUE_BITS; steps += 1 + steps / 1000) {
        unsigned bucket = lab_bucket(steps);
        assert_in_range(bucket, before, LAB_BUCKETS - 1);
        first = bucket != before ? steps : first;
        assert_true((steps - first) * 50 < steps || steps == first);
        before = bucket;
    }
    assert_int_equal(lab_bucket(UINT64_MAX), LAB_BUCKETS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pool_is_counted_and_bounded, open_pools, close_pools),
        cmocka_unit_test_setup_teardown(buffers_are_counted_and_bounded, open_pools, close_pools),
        cmocka_unit_test_setup_teardown(a_sanitizer_sees_what_is_touched_too_late, open_pools, close_pools),
        cmocka_unit_test_setup_teardown(an_arena_is_counted_with_its_chunks, open_pools, close_pools),
        cmocka_unit_test(every_call_is_timed),
        cmocka_unit_test(buckets_are_in_order_and_narrow),
    };
    char path[] = "/tmp/leat-measured-XXXXXX";
    close(mkstemp(path));
    setenv("LAB_MEMORY_OUT", path, 1);
    lab_open();
    unlink(path);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
