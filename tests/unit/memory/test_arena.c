/* An arena hands out pieces apart from each other, grows by bounded steps, overflows for good, and resets whole. */
#include "memory_test.h"
#include "memory/arena.h"
#include <errno.h>

enum { CHUNK = 4096, LARGE = 65536, CHUNKS = 8, LARGES = 2, FIRST = 1024 };
enum { CHUNK_ROOM = CHUNK - BUFFER_SLACK, LARGE_ROOM = LARGE - BUFFER_SLACK };

struct fixture {
    struct region region;
    struct buffer_pool chunks, larges;
    struct arena arena;
    _Alignas(16) char first[FIRST];
};

static void open_arena(struct fixture *f, uint32_t chunk_max)
{
    size_t size = leat__buffer_pool_footprint(CHUNK, CHUNKS) + leat__buffer_pool_footprint(LARGE, LARGES);
    assert_int_equal(leat__region_create(&f->region, size, REGION_RESERVE), 0);
    leat__buffer_pool_init(&f->chunks, &f->region, "chunk", CHUNK, CHUNKS);
    leat__buffer_pool_init(&f->larges, &f->region, "large", LARGE, LARGES);
    leat__arena_init(&f->arena, f->first, sizeof f->first, &f->chunks, &f->larges, chunk_max);
    leat__arena_check(&f->arena);
}

static void close_arena(struct fixture *f)
{
    leat__arena_check(&f->arena);
    arena_reset(&f->arena);
    leat__arena_check(&f->arena);
    assert_int_equal(f->chunks.in_use, 0);
    assert_int_equal(f->larges.in_use, 0);
    assert_ptr_equal(f->arena.at, f->first);
    leat__buffer_pool_check(&f->chunks);
    leat__buffer_pool_check(&f->larges);
    leat__region_destroy(&f->region);
}

static void pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    static struct fixture f;
    uint64_t seed = 3;
    for (int round = 0; round < 300; round++) {
        open_arena(&f, 100);
        char *pieces[64];
        size_t sizes[64], count = 0;
        while (count < 64) {
            sizes[count] = random_below(&seed, round % 3 == 0 ? 9000 : 500);
            pieces[count] = arena_alloc(&f.arena, sizes[count]);
            if (pieces[count] == NULL)
                break;
            assert_int_equal((uintptr_t)pieces[count] % 16, 0);
            memset(pieces[count], (int)count, sizes[count]);
            leat__arena_check(&f.arena);
            count++;
        }
        for (size_t i = 0; i < count; i++)
            for (size_t byte = 0; byte < sizes[i]; byte++)
                assert_int_equal(pieces[i][byte], (int)i);
        close_arena(&f);
    }
}

static void it_grows_from_the_first_chunk_to_chunks_to_larges(void **state)
{
    (void)state;
    static struct fixture f;
    open_arena(&f, 100);
    char *piece = arena_alloc(&f.arena, FIRST);
    assert_ptr_equal(piece, f.first);
    assert_int_equal(f.chunks.in_use, 0);
    assert_non_null(arena_alloc(&f.arena, 1));
    assert_int_equal(f.chunks.in_use, 1);
    assert_non_null(arena_alloc(&f.arena, CHUNK_ROOM));
    assert_int_equal(f.chunks.in_use, 2);
    assert_non_null(arena_alloc(&f.arena, CHUNK_ROOM + 1));
    assert_int_equal(f.larges.in_use, 1);
    assert_non_null(arena_alloc(&f.arena, CHUNK_ROOM + 1)); /* behind it, in the same one */
    assert_int_equal(f.larges.in_use, 1);
    assert_non_null(arena_alloc(&f.arena, LARGE_ROOM));
    assert_int_equal(f.larges.in_use, 2);
    close_arena(&f);
}

static void a_large_piece_does_not_displace_a_chunk_with_more_room(void **state)
{
    (void)state;
    static struct fixture f;
    open_arena(&f, 100);
    assert_non_null(arena_alloc(&f.arena, LARGE_ROOM - 16));
    assert_ptr_equal(arena_alloc(&f.arena, FIRST), f.first);
    close_arena(&f);
}

static void nothing_is_a_piece_too(void **state)
{
    (void)state;
    static struct fixture f;
    open_arena(&f, 0);
    assert_non_null(arena_alloc(&f.arena, 0));
    assert_non_null(arena_alloc(&f.arena, FIRST));
    assert_non_null(arena_alloc(&f.arena, 0));
    assert_int_equal(f.arena.overflow, ARENA_FINE);
    close_arena(&f);
}

static void an_empty_pool_is_remembered(void **state)
{
    (void)state;
    static struct fixture f;
    open_arena(&f, 100);
    while (arena_alloc(&f.arena, 1000) != NULL)
        ;
    assert_int_equal(f.arena.overflow, ARENA_POOL_EMPTY);
    assert_int_equal(f.chunks.in_use, CHUNKS);
    assert_null(arena_alloc(&f.arena, 1)); /* sticky, though a little is left */
    assert_null(arena_alloc(&f.arena, 100000000));
    assert_int_equal(f.arena.overflow, ARENA_POOL_EMPTY);
    assert_int_equal(leat__arena_reserve(&f.arena, 1), -ENOMEM);
    arena_reset(&f.arena);
    assert_int_equal(f.arena.overflow, ARENA_FINE);
    assert_non_null(arena_alloc(&f.arena, 1000));
    close_arena(&f);
}

static void what_is_over_the_bound_is_remembered(void **state)
{
    (void)state;
    const size_t sizes[] = {LARGE_ROOM + 1, LARGE * 10, SIZE_MAX - 20, SIZE_MAX - 3, SIZE_MAX};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        static struct fixture f;
        open_arena(&f, 100);
        assert_null(arena_alloc(&f.arena, sizes[i]));
        assert_int_equal(f.arena.overflow, ARENA_TOO_LARGE);
        assert_null(arena_alloc(&f.arena, 1));
        assert_int_equal(leat__arena_reserve(&f.arena, 1), -E2BIG);
        close_arena(&f);
    }
}

static void one_exchange_holds_no_more_than_its_share(void **state)
{
    (void)state;
    static struct fixture f;
    open_arena(&f, 3);
    assert_non_null(arena_alloc(&f.arena, CHUNK_ROOM));
    assert_non_null(arena_alloc(&f.arena, CHUNK_ROOM));
    assert_non_null(arena_alloc(&f.arena, LARGE_ROOM));
    assert_null(arena_alloc(&f.arena, CHUNK_ROOM));
    assert_int_equal(f.arena.overflow, ARENA_TOO_LARGE);
    close_arena(&f);
}

static void what_is_reserved_is_certain(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 500, FIRST, FIRST + 1, CHUNK_ROOM, CHUNK_ROOM + 1, 8192, LARGE_ROOM};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        static struct fixture f;
        open_arena(&f, 100);
        assert_non_null(arena_alloc(&f.arena, 100));
        assert_int_equal(leat__arena_reserve(&f.arena, sizes[i]), 0);
        leat__arena_check(&f.arena);
        leat__buffer_pool_fail_at(&f.chunks, 1); /* nothing more can be had */
        leat__buffer_pool_fail_at(&f.larges, 1);
        for (size_t left = sizes[i]; left > 0;) {
            size_t piece = size_min(left, 48);
            char *memory = arena_alloc(&f.arena, piece);
            assert_non_null(memory);
            memset(memory, 1, piece);
            left -= piece;
        }
        leat__buffer_pool_fail_at(&f.chunks, 0);
        leat__buffer_pool_fail_at(&f.larges, 0);
        close_arena(&f);
    }
}

static void a_reservation_that_fails_leaves_the_arena_as_it_was(void **state)
{
    (void)state;
    static struct fixture f;
    open_arena(&f, 100);
    assert_int_equal(leat__arena_reserve(&f.arena, LARGE_ROOM + 1), -E2BIG);
    assert_int_equal(leat__arena_reserve(&f.arena, SIZE_MAX), -E2BIG);
    leat__buffer_pool_fail_at(&f.chunks, 1);
    assert_int_equal(leat__arena_reserve(&f.arena, 2000), -ENOMEM);
    assert_int_equal(f.arena.overflow, ARENA_FINE);
    assert_ptr_equal(arena_alloc(&f.arena, FIRST), f.first);
    close_arena(&f);
}

static void every_failure_of_a_pool_leaves_it_whole(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= CHUNKS; n++) {
        static struct fixture f;
        open_arena(&f, 100);
        leat__buffer_pool_fail_at(&f.chunks, n);
        uint32_t chunks = 0;
        while (arena_alloc(&f.arena, CHUNK_ROOM) != NULL)
            chunks++;
        assert_int_equal(chunks, n - 1);
        assert_int_equal(f.arena.overflow, ARENA_POOL_EMPTY);
        close_arena(&f);
    }
}

static void an_arena_may_do_without_pools(void **state)
{
    (void)state;
    struct arena a;
    _Alignas(16) char first[100];
    leat__arena_init(&a, first, sizeof first, NULL, NULL, 100);
    assert_non_null(arena_alloc(&a, 96));
    assert_null(arena_alloc(&a, 1));
    assert_int_equal(a.overflow, ARENA_TOO_LARGE);
    arena_reset(&a);
    assert_int_equal(leat__arena_reserve(&a, 97), -E2BIG);
    assert_ptr_equal(arena_alloc(&a, 1), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(it_grows_from_the_first_chunk_to_chunks_to_larges),
        cmocka_unit_test(a_large_piece_does_not_displace_a_chunk_with_more_room),
        cmocka_unit_test(nothing_is_a_piece_too),
        cmocka_unit_test(an_empty_pool_is_remembered),
        cmocka_unit_test(what_is_over_the_bound_is_remembered),
        cmocka_unit_test(one_exchange_holds_no_more_than_its_share),
        cmocka_unit_test(what_is_reserved_is_certain),
        cmocka_unit_test(a_reservation_that_fails_leaves_the_arena_as_it_was),
        cmocka_unit_test(every_failure_of_a_pool_leaves_it_whole),
        cmocka_unit_test(an_arena_may_do_without_pools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
