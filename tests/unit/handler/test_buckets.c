/* test_buckets.c: tokens are taken and grow back; the table forgets the fullest; no two threads get the same token. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "handler/buckets.h"

static _Alignas(64) _Atomic uint64_t words[BUCKETS_IN_SET * 4];

/* One token in each_ms, burst at most. */
static struct buckets table(uint32_t sets, uint64_t each_ms, uint64_t burst)
{
    for (size_t i = 0; i < COUNT_OF(words); i++)
        atomic_store(&words[i], 0);
    uint64_t interval = each_ms * BUCKETS_TICKS_PER_MS;
    return (struct buckets){
        .words = words, .set_count = sets, .interval = interval, .window = interval * burst};
}

enum { WHO = 0x123456 };

static uint64_t hash_of(uint64_t tag)
{
    return tag << 40;
}

static bool take(struct buckets *b, uint64_t hash, int64_t now_ms, struct bucket_state *state)
{
    uint64_t ticks;
    bool taken = leat__buckets_take(b, hash, now_ms, &ticks);
    *state = leat__buckets_state(b, ticks, taken);
    return taken;
}

static unsigned take_all(struct buckets *b, uint64_t hash, int64_t now_ms)
{
    struct bucket_state state;
    unsigned count = 0;
    while (take(b, hash, now_ms, &state))
        count++;
    return count;
}

static void a_bucket_holds_its_burst_and_grows_back(void **state)
{
    (void)state;
    struct buckets b = table(1, 100, 5);
    struct bucket_state s;
    assert_true(take(&b, hash_of(WHO), 1000, &s));
    assert_int_equal(s.left, 4);
    assert_int_equal(s.wait_ms, 0);
    assert_int_equal(s.full_ms, 100);
    assert_int_equal(take_all(&b, hash_of(WHO), 1000), 4);
    assert_false(take(&b, hash_of(WHO), 1000, &s));
    assert_int_equal(s.left, 0);
    assert_int_equal(s.wait_ms, 100);
    assert_int_equal(s.full_ms, 500);
    assert_false(take(&b, hash_of(WHO), 1099, &s));
    assert_int_equal(s.wait_ms, 1);
    assert_true(take(&b, hash_of(WHO), 1100, &s));
    assert_false(take(&b, hash_of(WHO), 1100, &s));
    assert_int_equal(take_all(&b, hash_of(WHO), 1350), 2);
    assert_int_equal(take_all(&b, hash_of(WHO), 100000), 5);
}

static void clients_have_their_own(void **state)
{
    (void)state;
    struct buckets b = table(4, 100, 3);
    for (uint64_t set = 0; set < 4; set++)
        for (uint64_t tag = 0; tag < 8; tag++) /* the tag 0 is told as 1 */
            if (tag != 1)
                assert_int_equal(take_all(&b, hash_of(tag) | set, 7), 3);
    assert_int_equal(take_all(&b, hash_of(5) | 2, 7), 0);
}

static void the_fullest_is_forgotten(void **state)
{
    (void)state;
    struct buckets b = table(1, 100, 3);
    struct bucket_state s;
    for (uint64_t tag = 1; tag <= 8; tag++)
        take_all(&b, hash_of(tag), 1000);
    take_all(&b, hash_of(4), 950); /* nothing: the bucket is empty */
    for (uint64_t tag = 1; tag <= 8; tag++)
        if (tag != 4)
            take(&b, hash_of(tag), 1100, &s); /* 4 is now the fullest */
    assert_true(take(&b, hash_of(99), 1100, &s));
    for (uint64_t tag = 1; tag <= 8; tag++)
        if (tag != 4)
            assert_false(take(&b, hash_of(tag), 1100, &s));
}

static void what_is_of_long_ago_is_full(void **state)
{
    (void)state;
    struct buckets b = table(1, 100, 3);
    int64_t wrap_ms = (int64_t)((UINT64_C(1) << 40) / BUCKETS_TICKS_PER_MS);
    take_all(&b, hash_of(WHO), 1000);
    assert_int_equal(take_all(&b, hash_of(WHO), 1000 + wrap_ms / 2), 3);
    assert_int_equal(take_all(&b, hash_of(WHO), 1000 + 2 * wrap_ms), 3);
}

static void sizes_are_powers_of_two(void **state)
{
    (void)state;
    assert_int_equal(leat__buckets_sets(1), 1);
    assert_int_equal(leat__buckets_sets(8), 1);
    assert_int_equal(leat__buckets_sets(9), 2);
    assert_int_equal(leat__buckets_sets(65536), 8192);
}

/* The reference's own vectors. */
static void the_hash_is_siphash(void **state)
{
    (void)state;
    static const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    uint8_t in[15];
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)i;
    assert_true(leat__buckets_hash(key, in, 0) == UINT64_C(0x726fdb47dd0e0e31));
    assert_true(leat__buckets_hash(key, in, 8) == UINT64_C(0x93f5f5799a932462));
    assert_true(leat__buckets_hash(key, in, 15) == UINT64_C(0xa129ca6149be45e5));
}

static void *take_on_a_thread(void *argument)
{
    struct buckets *b = argument;
    return (void *)(uintptr_t)take_all(b, hash_of(WHO), 1000);
}

static void threads_share_the_tokens(void **state)
{
    (void)state;
    enum { THREADS = 4, TOKENS = 20000 };
    struct buckets b = table(1, 1, TOKENS);
    struct bucket_state s;
    pthread_t threads[THREADS];
    uintptr_t sum = take(&b, hash_of(WHO), 1000, &s); /* it has its bucket */
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_on_a_thread, &b), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *count;
        assert_int_equal(pthread_join(threads[i], &count), 0);
        sum += (uintptr_t)count;
    }
    assert_int_equal(sum, TOKENS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_holds_its_burst_and_grows_back),
        cmocka_unit_test(clients_have_their_own),
        cmocka_unit_test(the_fullest_is_forgotten),
        cmocka_unit_test(what_is_of_long_ago_is_full),
        cmocka_unit_test(sizes_are_powers_of_two),
        cmocka_unit_test(the_hash_is_siphash),
        cmocka_unit_test(threads_share_the_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
