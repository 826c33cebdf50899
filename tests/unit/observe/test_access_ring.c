/* test_access_ring.c: what is put is what is taken, around the end of the ring too; what finds no room is dropped whole
 * and counted; and a writer thread sees whole records only. */
#include "access_test.h"
#include <pthread.h>
#include <sched.h>
#include <time.h>

enum { RING = ACCESS_RING_MIN };

static struct region region;
static struct access_ring ring;
static char memory[ACCESS_RECORD_MAX];
static char source[4 * ACCESS_TEXT_MAX];

static int make_ring(void **state)
{
    (void)state;
    make_rings(&region, &ring, 1, RING);
    for (size_t i = 0; i < sizeof source; i++)
        source[i] = (char)(i * 7 + i / 251);
    return 0;
}

static int destroy_ring(void **state)
{
    (void)state;
    leat__region_destroy(&region);
    return 0;
}

static struct access_text any_text(uint64_t *seed, uint32_t most)
{
    uint32_t size = random_below(seed, most + 1);
    return (struct access_text){source + random_below(seed, ACCESS_TEXT_MAX), size};
}

/* The n-th record: the same whoever asks. */
static struct access_record random_record(uint32_t n)
{
    uint64_t seed = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t most = random_below(&seed, 8) == 0 ? ACCESS_TEXT_MAX : 100;
    struct access_record r = {.time_s = n, .octets = n * UINT64_C(1000003)};
    r.status = (uint16_t)random_below(&seed, 600);
    r.minor = (uint8_t)random_below(&seed, 2);
    size_t host_size = random_below(&seed, ACCESS_HOST_SIZE);
    memset(r.host, 'a' + (int)(n % 26), host_size);
    r.method = any_text(&seed, ACCESS_METHOD_MAX);
    r.target = any_text(&seed, most);
    r.referer = any_text(&seed, most);
    r.user_agent = any_text(&seed, most);
    r.has_details = n % 2 == 1;
    if (r.has_details) {
        r.time_ms = n * INT64_C(1001);
        r.ticks = n * UINT64_C(77);
        r.route = any_text(&seed, ACCESS_ROUTE_MAX);
        r.request_id = any_text(&seed, ACCESS_NAME_MAX);
        r.principal = any_text(&seed, ACCESS_NAME_MAX);
    }
    return r;
}

static void expect_text(struct access_text got, struct access_text expected)
{
    assert_int_equal(got.size, expected.size);
    if (got.size > 0)
        assert_memory_equal(got.data, expected.data, got.size);
}

static void expect_record(const struct access_record *got, const struct access_record *expected)
{
    assert_int_equal(got->time_s, expected->time_s);
    assert_int_equal(got->octets, expected->octets);
    assert_int_equal(got->status, expected->status);
    assert_int_equal(got->minor, expected->minor);
    assert_string_equal(got->host, expected->host);
    expect_text(got->method, expected->method);
    expect_text(got->target, expected->target);
    expect_text(got->referer, expected->referer);
    expect_text(got->user_agent, expected->user_agent);
    assert_int_equal(got->has_details, expected->has_details);
    assert_int_equal(got->time_ms, expected->time_ms);
    assert_int_equal(got->ticks, expected->ticks);
    expect_text(got->route, expected->route);
    expect_text(got->request_id, expected->request_id);
    expect_text(got->principal, expected->principal);
}

static bool take_any(struct access_record *record)
{
    size_t until = atomic_load_explicit(&ring.head, memory_order_acquire);
    return leat__access_take(&ring, until, record, memory);
}

static void records_come_out_as_they_went_in(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 20000; n++) { /* some hundred times around */
        struct access_record r = random_record(n), got;
        assert_true(leat__access_put(&ring, &r));
        assert_false(access_ring_is_empty(&ring));
        assert_true(take_any(&got));
        expect_record(&got, &r);
        assert_false(take_any(&got));
        assert_true(access_ring_is_empty(&ring));
    }
    assert_int_equal(ring.dropped, 0);
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    struct access_record r = random_record(1), got;
    r.method = (struct access_text){source, ACCESS_METHOD_MAX + 1};
    r.target = r.referer = r.user_agent = (struct access_text){source, sizeof source};
    memset(r.host, 'h', sizeof r.host - 1);
    assert_true(leat__access_put(&ring, &r));
    assert_in_range(atomic_load(&ring.head), 1, ACCESS_RECORD_MAX);
    r.method.size = ACCESS_METHOD_MAX;
    r.target.size = r.referer.size = r.user_agent.size = ACCESS_TEXT_MAX;
    assert_true(take_any(&got));
    expect_record(&got, &r);
}

static void a_full_ring_drops_whole_records_and_counts_them(void **state)
{
    (void)state;
    uint32_t put = 0, dropped = 0;
    struct access_record r, got;
    static bool is_in[400];
    for (uint32_t n = 0; n < COUNT_OF(is_in); n++) {
        r = random_record(n);
        is_in[n] = leat__access_put(&ring, &r);
        *(is_in[n] ? &put : &dropped) += 1;
    }
    assert_in_range(put, 1, COUNT_OF(is_in) - 1);
    assert_int_equal(ring.dropped, dropped);
    for (uint32_t n = 0; n < COUNT_OF(is_in); n++) {
        if (!is_in[n])
            continue;
        r = random_record(n);
        assert_true(take_any(&got));
        expect_record(&got, &r);
    }
    assert_false(take_any(&got));
    r = random_record(0);
    assert_true(leat__access_put(&ring, &r)); /* and there is room again */
}

/* ── Two threads ── */

enum { MANY = 100000 };

static uint32_t taken_count;
static atomic_bool all_are_put;

static void *take_all(void *argument)
{
    (void)argument;
    struct access_record got;
    int64_t last = -1;
    for (;;) {
        bool was_last = atomic_load(&all_are_put);
        while (take_any(&got)) {
            assert_true(got.time_s > last); /* in order, none twice */
            last = got.time_s;
            struct access_record expected = random_record((uint32_t)got.time_s);
            expect_record(&got, &expected);
            taken_count++;
        }
        if (was_last)
            return NULL;
        sched_yield();
    }
}

static void nothing_is_torn_between_threads(void **state)
{
    (void)state;
    pthread_t thread;
    uint32_t put = 0;
    taken_count = 0;
    atomic_store(&all_are_put, false);
    assert_int_equal(pthread_create(&thread, NULL, take_all, NULL), 0);
    for (uint32_t n = 0; n < MANY; n++) {
        static const struct timespec moment = {.tv_nsec = 100000};
        struct access_record r = random_record(n);
        put += leat__access_put(&ring, &r);
        if (n % 16 != 0)
            continue;
        if (n - put > 8 * put) /* the reader has no processor: it shall not be a test of dropping alone */
            nanosleep(&moment, NULL);
        else
            sched_yield();
    }
    atomic_store(&all_are_put, true);
    pthread_join(thread, NULL);
    assert_int_equal(taken_count, put);
    assert_int_equal(put + ring.dropped, MANY);
    assert_true(put > MANY / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_come_out_as_they_went_in, make_ring, destroy_ring),
        cmocka_unit_test_setup_teardown(long_texts_are_cut, make_ring, destroy_ring),
        cmocka_unit_test_setup_teardown(a_full_ring_drops_whole_records_and_counts_them, make_ring,
                                        destroy_ring),
        cmocka_unit_test_setup_teardown(nothing_is_torn_between_threads, make_ring, destroy_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
