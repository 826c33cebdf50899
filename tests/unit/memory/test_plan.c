/* The plan is the truth: its rows are what the pools take, to the byte, and what does not fit is refused with a line
 * that names the limit, the value and the way out. */
#include "memory_test.h"
#include "memory/plan.h"
#include <errno.h>

static const struct plan_user_pool user_pools[] = {{"order", 90, 10000}, {"big \"one\"", 5000, 3}};

static struct plan_input sane(void)
{
    return (struct plan_input){
        .shards = 2,
        .connections = 10000,
        .exchanges = 1024,
        .content_total = 64 << 20,
        .content_max = 16 << 20,
        .listeners = 2,
        .uring = true,
        .route_bytes = 12345,
        .user_pools = user_pools,
        .user_pool_count = 2,
    };
}

static struct plan plan;
static char error[512];

static int make(struct plan_input input)
{
    return leat__plan_make(&plan, &input, error, sizeof error);
}

static const struct plan_row *row_of(const char *what)
{
    for (uint32_t i = 0; i < plan.row_count; i++)
        if (strcmp(plan.rows[i].what, what) == 0)
            return &plan.rows[i];
    fail_msg("no row %s", what);
    return NULL;
}

static void one_shard_has_a_seat_for_each_connection(void **state)
{
    (void)state;
    struct plan_input in = sane();
    in.shards = 1;
    in.connections = 1280;
    assert_int_equal(make(in), 0);
    assert_int_equal(plan.slots, 1280);
    in.connections = 1281;
    assert_int_equal(make(in), 0);
    assert_int_equal(plan.slots, 1408); /* in whole slabs */
}

static void many_shards_have_six_roots_more(void **state)
{
    (void)state;
    struct plan_input in = sane();
    in.shards = 4;
    in.connections = 4 * 8100;
    assert_int_equal(make(in), 0);
    assert_int_equal(plan.slots, 8704); /* 8,100 + 6 * 90 in whole slabs of 128 */
    in.connections = 4 * 2500 + 1;
    assert_int_equal(make(in), 0);
    assert_int_equal(plan.slots, 2816); /* 2,501 + 6 * 51 = 2,807 */
}

static void counts_follow_the_exchanges(void **state)
{
    (void)state;
    struct plan_input in = sane();
    assert_int_equal(make(in), 0);
    assert_int_equal(plan.rooms, 512);
    assert_int_equal(plan.receive_ring, 256);
    assert_int_equal(plan.receives, 512 + 2 + 256);
    assert_int_equal(plan.larges, 32);
    assert_int_equal(plan.chunks, 256);
    assert_int_equal(plan.queue_entries, 256);
    assert_int_equal(plan.user_counts[0], 5000);
    assert_int_equal(plan.user_counts[1], 2);
    in.exchanges = 1;
    in.private_descriptors = true;
    assert_int_equal(make(in), 0);
    assert_int_equal(plan.rooms, 8);
    assert_int_equal(plan.receive_ring, 8);
    assert_int_equal(plan.larges, 4);
    assert_int_equal(plan.chunks, 16);
    assert_int_equal(plan.queue_entries, 32);
}

/* Many configurations, so that every rounding is met. */
static void the_region_is_exactly_what_the_pools_take(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int i = 0; i < 200; i++) {
        struct plan_input in = sane();
        in.shards = 1 + random_below(&seed, 8);
        in.connections = 1 + random_below(&seed, 20000);
        in.exchanges = 1 + random_below(&seed, 2000);
        in.content_max = random_below(&seed, 1 << 20);
        in.content_total = in.shards * (uint64_t)((1 << 20) + random_below(&seed, 1 << 22));
        const struct plan_user_pool pools[] = {
            {"a", 1 + random_below(&seed, 3000), 1 + random_below(&seed, 3000)},
            {"b", 1 + random_below(&seed, 100), 1 + random_below(&seed, 3000)}};
        in.user_pools = pools;
        in.user_pool_count = random_below(&seed, 3);
        assert_int_equal(make(in), 0);
        static struct shard_memory m;
        assert_int_equal(leat__shard_memory_open(&m, &plan, REGION_RESERVE), 0);
        assert_int_equal(m.region.size, plan.shard_bytes);
        assert_true(m.region.size - m.region.used < PAGE_SIZE_BYTES);
        assert_int_equal(m.slots.count, plan.slots);
        assert_true(m.slots.readable);
        assert_int_equal(m.rooms.count, plan.rooms);
        assert_int_equal(m.user_count, in.user_pool_count);
        leat__shard_memory_check(&m);
        leat__shard_memory_close(&m);
    }
}

static void sums_are_the_sums_of_the_rows(void **state)
{
    (void)state;
    assert_int_equal(make(sane()), 0);
    uint64_t sums[3] = {0};
    for (uint32_t i = 0; i < plan.row_count; i++) {
        const struct plan_row *row = &plan.rows[i];
        sums[row->kind] += row->kind == PLAN_DESCRIPTORS ? row->count : row->bytes;
        assert_true(row->bytes >= row->each * row->count || row->kind == PLAN_DESCRIPTORS);
        assert_non_null(row->option);
        assert_non_null(row->note);
    }
    assert_int_equal(plan.ours, sums[PLAN_OURS]);
    assert_int_equal(plan.kernel, sums[PLAN_KERNEL]);
    assert_int_equal(plan.descriptors, sums[PLAN_DESCRIPTORS]);
    assert_true(plan.ours >= plan.shard_bytes * plan.input.shards + row_of("stack")->bytes +
                                 row_of("routes")->bytes);
}

/* Everything is taken and written to: what is resident then is what the rows say, within 1%. */
static void resident_memory_at_saturation_is_the_plan(void **state)
{
    (void)state;
    struct plan_input in = sane();
    in.shards = 1;
    in.connections = 5000;
    in.exchanges = 256;
    in.content_total = 16 << 20;
    assert_int_equal(make(in), 0);
    static struct shard_memory m;
    assert_int_equal(leat__shard_memory_open(&m, &plan, REGION_RESERVE), 0);
    for (void *o; (o = pool_acquire(&m.slots)) != NULL;)
        memset(o, 1, PLAN_SLOT);
    struct buffer_pool *buffers[] = {&m.rooms, &m.receive, &m.chunks, &m.larges};
    for (size_t i = 0; i < COUNT_OF(buffers); i++)
        for (struct buffer *b; (b = buffer_acquire(buffers[i])) != NULL;)
            memset(b->data, 1, buffers[i]->stride);
    for (void *block; (block = leat__content_acquire(&m.content, CONTENT_BLOCK_MIN)) != NULL;)
        memset(block, 1, CONTENT_BLOCK_MIN);
    for (uint32_t i = 0; i < m.user_count; i++)
        for (void *o; (o = pool_acquire(&m.user[i])) != NULL;)
            memset(o, 1, user_pools[i].object_size);
    size_t resident = resident_pages(m.region.base, m.region.size) * PAGE_SIZE_BYTES;
    assert_true(resident <= plan.shard_bytes);
    assert_true(resident >= plan.shard_bytes / 100 * 99);
    leat__shard_memory_check(&m);
    leat__shard_memory_close(&m);
}

static void nothing_is_resident_that_was_not_used(void **state)
{
    (void)state;
    struct plan_input in = sane();
    in.connections = 1000000;
    in.exchanges = 100000;
    assert_int_equal(make(in), 0);
    static struct shard_memory m;
    assert_int_equal(leat__shard_memory_open(&m, &plan, REGION_RESERVE), 0);
    assert_true(m.region.size > 1u << 30);
    assert_true(resident_pages(m.region.base, m.region.size) <= 4); /* tables */
    leat__shard_memory_close(&m);
}

static void assert_refused(struct plan_input in, int expected, const char *limit, const char *value,
                           const char *way_out)
{
    assert_int_equal(make(in), expected);
    const char *const parts[] = {limit, value, way_out};
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (strstr(error, parts[i]) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", error, parts[i]);
    assert_null(strchr(error, '\n'));
}

static void a_content_must_fit_into_a_shards_share(void **state)
{
    (void)state;
    struct plan_input in = sane();
    in.shards = 8;
    assert_refused(in, -E2BIG, "--content-max 16.0 MiB", "8.0 MiB", "raise --content-total to 128.0 MiB");
    in.content_total = 128 << 20;
    assert_int_equal(make(in), 0);
    in.content_max++; /* the next block is twice as large */
    assert_refused(in, -E2BIG, "32.0 MiB", "16.0 MiB", "lower --content-max to 16.0 MiB");
    in.content_max = in.content_total = 0;
    assert_int_equal(make(in), 0);
    assert_int_equal(plan.content, 0);
}

static void our_rows_are_held_against_memory(void **state)
{
    (void)state;
    struct plan_input in = sane();
    assert_int_equal(make(in), 0);
    in.memory = plan.ours;
    assert_int_equal(make(in), 0);
    in.memory--;
    assert_refused(in, -E2BIG, "--memory", "content", "lower --content-total or raise --memory");
}

static void the_sum_is_held_against_the_machine(void **state)
{
    (void)state;
    struct plan_input in = sane();
    in.connections = 1000000;
    assert_int_equal(make(in), 0);
    in.machine_memory = plan.ours + plan.kernel;
    assert_int_equal(make(in), 0);
    in.machine_memory--;
    assert_refused(in, -E2BIG, "the machine", "socket", "lower --connections");
}

static void descriptors_are_held_against_their_limit(void **state)
{
    (void)state;
    struct plan_input in = sane();
    assert_int_equal(make(in), 0);
    uint64_t together = plan.descriptors;
    in.descriptor_limit = (uint32_t)together;
    assert_int_equal(make(in), 0);
    in.descriptor_limit--;
    assert_refused(in, -E2BIG, "RLIMIT_NOFILE", "descriptors", "--private-descriptors");
    in.private_descriptors = true;
    assert_int_equal(make(in), 0);
    assert_true(plan.descriptors < together / 2 + 100);
    in.descriptor_limit = 100;
    assert_refused(in, -E2BIG, "RLIMIT_NOFILE 100", "a shard's table", "lower --connections");

    in = (struct plan_input){.shards = 1, .connections = 70000, .exchanges = 70000, .uring = true};
    assert_refused(in, -EINVAL, "--exchanges 70000", "65000", "--loop epoll");
    in.uring = false;
    assert_int_equal(make(in), 0);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct plan_input in = sane();
    in.shards = 0;
    assert_refused(in, -EINVAL, "--shards", "0", "give 1 to");
    in.shards = PLAN_SHARDS_MAX + 1;
    assert_refused(in, -EINVAL, "--shards", "1025", "give 1 to 1024");
    in = sane();
    in.connections = 0;
    assert_refused(in, -EINVAL, "--connections", "0", "give 1");
    in = sane();
    in.exchanges = UINT32_MAX;
    assert_refused(in, -EINVAL, "--exchanges", "4294967295", "give 1");
    in = sane();
    in.content_max = UINT64_MAX;
    assert_refused(in, -EINVAL, "--content-max", "18446744073709551615", "give at most");
    in = sane();
    in.content_total = UINT64_MAX;
    assert_refused(in, -EINVAL, "--content-total", "18446744073709551615", "for each shard");
    in = sane();
    const struct plan_user_pool pools[] = {
        {"order", 0, 5}, {"order", SIZE_MAX, 5}, {"order", 8, 0}, {"order", 8, SIZE_MAX}};
    for (size_t i = 0; i < COUNT_OF(pools); i++) {
        in.user_pools = &pools[i];
        in.user_pool_count = 1;
        assert_refused(in, -EINVAL, "pool \"order\"", "", "give 1");
    }
    in.user_pool_count = PLAN_USER_POOLS_MAX + 1;
    assert_refused(in, -EINVAL, "pools", "33", "join some");
}

/* The largest numbers that are allowed must not overflow into a small plan. */
static void the_largest_plan_is_large(void **state)
{
    (void)state;
    static struct plan_user_pool pools[PLAN_USER_POOLS_MAX];
    for (size_t i = 0; i < COUNT_OF(pools); i++)
        pools[i] = (struct plan_user_pool){"huge", 1 << 30, 1 << 28};
    struct plan_input in = {.shards = 1,
                            .connections = 1 << 28,
                            .exchanges = 1 << 28,
                            .content_total = (uint64_t)CONTENT_BLOCK_MIN << (CONTENT_ORDERS - 1),
                            .listeners = 64,
                            .memory = (uint64_t)1 << 60,
                            .user_pools = pools,
                            .user_pool_count = PLAN_USER_POOLS_MAX};
    assert_refused(in, -E2BIG, "--memory 1.0 EiB", "huge", "leat_pool_create");
    assert_true(plan.ours > (uint64_t)1 << 63);
}

static char told[2][32768];

static void tell(void *to, const char *text, size_t size)
{
    char *end = (char *)to + strlen(to);
    assert_true(end + size < (char *)to + sizeof told[0]);
    memcpy(end, text, size);
}

static void the_same_input_gives_the_same_plan(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        memset(&plan, i, sizeof plan);
        assert_int_equal(make(sane()), 0);
        leat__plan_print_json(&plan, tell, told[i]);
    }
    assert_string_equal(told[0], told[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shard_has_a_seat_for_each_connection),
        cmocka_unit_test(many_shards_have_six_roots_more),
        cmocka_unit_test(counts_follow_the_exchanges),
        cmocka_unit_test(the_region_is_exactly_what_the_pools_take),
        cmocka_unit_test(sums_are_the_sums_of_the_rows),
        cmocka_unit_test(resident_memory_at_saturation_is_the_plan),
        cmocka_unit_test(nothing_is_resident_that_was_not_used),
        cmocka_unit_test(a_content_must_fit_into_a_shards_share),
        cmocka_unit_test(our_rows_are_held_against_memory),
        cmocka_unit_test(the_sum_is_held_against_the_machine),
        cmocka_unit_test(descriptors_are_held_against_their_limit),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(the_largest_plan_is_large),
        cmocka_unit_test(the_same_input_gives_the_same_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
