/* What a shard has not needed for 30 seconds goes back to the machine, pool by pool, in small steps, and what it has
 * needed stays. The clock is a number here. */
#include "memory_test.h"
#include "memory/plan.h"

enum { CONNECTIONS = 20000, EXCHANGES = 1024, BUDGET = 16 << 20 };

static struct plan plan;
static struct shard_memory m;
static int64_t now_ms;

static const struct plan_user_pool user_pools[] = {{"order", 96, 10000}};

static void *slots[CONNECTIONS], *orders[10000];
static struct buffer *rooms[EXCHANGES];
static uint32_t slot_count, room_count, order_count;
static void *contents[16];

static int open_memory(void **state)
{
    enum region_mode mode = *state != NULL ? REGION_COMMIT : REGION_RESERVE;
    struct plan_input in = {.shards = 1,
                            .connections = CONNECTIONS,
                            .exchanges = EXCHANGES,
                            .content_total = 16 << 20,
                            .content_max = 1 << 20,
                            .user_pools = user_pools,
                            .user_pool_count = 1};
    char error[512];
    if (leat__plan_make(&plan, &in, error, sizeof error) < 0)
        return -1;
    now_ms = 12345678;
    slot_count = room_count = order_count = 0;
    return leat__shard_memory_open(&m, &plan, mode);
}

static int close_memory(void **state)
{
    (void)state;
    leat__shard_memory_check(&m);
    leat__shard_memory_close(&m);
    return 0;
}

static void hold_slots(uint32_t count)
{
    for (; slot_count < count; slot_count++)
        memset(slots[slot_count] = pool_acquire(&m.slots), 1, PLAN_SLOT);
    for (; slot_count > count; slot_count--)
        pool_release(&m.slots, slots[slot_count - 1]);
}

static void hold_rooms(uint32_t count)
{
    for (; room_count < count; room_count++) {
        rooms[room_count] = buffer_acquire(&m.rooms);
        memset(rooms[room_count]->data, 1, m.rooms.capacity);
    }
    for (; room_count > count; room_count--)
        buffer_release(&m.rooms, rooms[room_count - 1]);
}

static void hold_orders(uint32_t count)
{
    for (; order_count < count; order_count++)
        memset(orders[order_count] = pool_acquire(&m.user[0]), 1, 96);
    for (; order_count > count; order_count--)
        pool_release(&m.user[0], orders[order_count - 1]);
}

static void hold_contents(bool held)
{
    for (size_t i = 0; i < COUNT_OF(contents); i++) {
        if (held)
            memset(contents[i] = leat__content_acquire(&m.content, 1 << 20), 1, 1 << 20);
        else
            leat__content_release(&m.content, contents[i]);
    }
}

static size_t resident(void)
{
    return resident_pages(m.region.base, m.region.size) * PAGE_SIZE_BYTES;
}

/* The shard's idle turns, once a second. Bytes given back. */
static size_t pass_seconds(uint32_t seconds)
{
    size_t given = 0;
    for (uint32_t i = 0; i < seconds; i++) {
        now_ms += 1000;
        size_t step = leat__shard_memory_trim(&m, now_ms, BUDGET);
        assert_true(step <= BUDGET);
        given += step;
    }
    return given;
}

static void nothing_goes_back_before_its_time(void **state)
{
    (void)state;
    hold_rooms(EXCHANGES);
    pass_seconds(100);
    hold_rooms(0);
    assert_int_equal(pass_seconds(29), 0);
    assert_true(pass_seconds(10) > 0);
}

static void a_young_server_gives_nothing_back(void **state)
{
    (void)state;
    pass_seconds(1);
    hold_rooms(EXCHANGES);
    hold_rooms(0);
    assert_int_equal(pass_seconds(29), 0);
    assert_int_equal(m.trim_calls, 0);
}

static void a_tenth_of_the_exchanges_needs_a_tenth_of_the_memory(void **state)
{
    (void)state;
    hold_slots(CONNECTIONS);
    hold_rooms(EXCHANGES / 10);
    hold_contents(true);
    hold_contents(false);
    hold_rooms(EXCHANGES / 10);
    pass_seconds(100);
    size_t idle = resident();
    hold_rooms(EXCHANGES);
    hold_contents(true);
    pass_seconds(100);
    size_t peak = resident();
    hold_rooms(EXCHANGES / 10);
    hold_contents(false);
    size_t given = pass_seconds(60);
    assert_true(resident() <= idle + idle / 10);
    assert_true(resident() + given <= peak + (1 << 20));
    assert_int_equal(m.trimmed_bytes >= given, 1);
    assert_int_equal(m.slots.in_use, CONNECTIONS); /* which stay, and their pages */
    assert_int_equal(resident_pages(m.slots.base, (size_t)CONNECTIONS / 128 * 4096), CONNECTIONS / 128);
}

static void after_everything_is_released_slots_go_too(void **state)
{
    (void)state;
    size_t idle = resident();
    hold_slots(CONNECTIONS);
    hold_rooms(EXCHANGES);
    hold_orders(10000);
    hold_contents(true);
    pass_seconds(40);
    hold_slots(0);
    hold_rooms(0);
    hold_orders(0);
    hold_contents(false);
    pass_seconds(60);
    /* tables that were touched, and the slab or two that each pool keeps warm */
    assert_true(resident() <= idle + 48 * PAGE_SIZE_BYTES);
    assert_int_equal(pass_seconds(60), 0);
}

static void use_that_swings_costs_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        hold_rooms(EXCHANGES);
        hold_slots(CONNECTIONS);
        assert_int_equal(pass_seconds(4), 0);
        hold_rooms(0);
        hold_slots(0);
        assert_int_equal(pass_seconds(4), 0);
    }
    assert_int_equal(m.trim_calls, 0);
}

/* A peak of a moment between two looks of the trimmer counts as much as a long one. */
static void a_short_peak_is_remembered(void **state)
{
    (void)state;
    pass_seconds(40);
    for (int i = 0; i < 20; i++) {
        hold_rooms(EXCHANGES);
        hold_rooms(0);
        assert_int_equal(pass_seconds(20), 0);
    }
}

static void scattered_survivors_keep_their_pages(void **state)
{
    (void)state;
    hold_slots(CONNECTIONS);
    for (uint32_t i = 0; i < CONNECTIONS; i++)
        if (i % 1280 != 7)
            pool_release(&m.slots, slots[i]);
    pass_seconds(60);
    leat__shard_memory_check(&m);
    assert_true(resident_pages(m.slots.base, m.slots.slab_size * m.slots.slab_count) <= 20);
    for (uint32_t i = 7; i < CONNECTIONS; i += 1280) {
        assert_int_equal(((unsigned char *)slots[i])[31], 1);
        pool_release(&m.slots, slots[i]);
    }
    slot_count = 0;
}

static void a_shard_that_slept_long_waits_for_new_windows(void **state)
{
    (void)state;
    pass_seconds(40);
    hold_rooms(EXCHANGES);
    hold_rooms(0);
    now_ms += 3600 * 1000; /* nobody knows when in this hour the peak was */
    assert_int_equal(leat__shard_memory_trim(&m, now_ms, BUDGET), 0);
    assert_int_equal(pass_seconds(25), 0);
    assert_true(pass_seconds(10) > 0);
}

static void committed_memory_stays(void **state)
{
    (void)state;
    size_t all = resident();
    assert_int_equal(all, m.region.size);
    hold_rooms(EXCHANGES);
    hold_rooms(0);
    assert_int_equal(pass_seconds(200), 0);
    assert_int_equal(resident(), all);
}

static void what_other_threads_gave_back_is_counted_first(void **state)
{
    (void)state;
    hold_orders(10000);
    for (uint32_t i = 0; i + 1 < 10000; i++)
        memcpy(orders[i], &orders[i + 1], sizeof(void *));
    leat__pool_return(&m.user[0], orders[0], orders[9999]);
    order_count = 0;
    assert_true(pass_seconds(60) > 200 * PAGE_SIZE_BYTES);
    assert_int_equal(m.user[0].in_use, 0);
}

int main(void)
{
    static int commit;
#define TRIM_TEST(test) cmocka_unit_test_setup_teardown(test, open_memory, close_memory)
    const struct CMUnitTest tests[] = {
        TRIM_TEST(nothing_goes_back_before_its_time),
        TRIM_TEST(a_young_server_gives_nothing_back),
        TRIM_TEST(a_tenth_of_the_exchanges_needs_a_tenth_of_the_memory),
        TRIM_TEST(after_everything_is_released_slots_go_too),
        TRIM_TEST(use_that_swings_costs_nothing),
        TRIM_TEST(a_short_peak_is_remembered),
        TRIM_TEST(scattered_survivors_keep_their_pages),
        TRIM_TEST(a_shard_that_slept_long_waits_for_new_windows),
        cmocka_unit_test_prestate_setup_teardown(committed_memory_stays, open_memory, close_memory, &commit),
        TRIM_TEST(what_other_threads_gave_back_is_counted_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
