/* test_session_table.c: sessions in memory: found, written by version, ended by time, and what happens when there are more
 * of them than rows. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "handler/session_table.h"

enum { IDLE = 1000, ABSOLUTE = 5000, THREADS = 4, ROUNDS = 20000 };

struct data {
    uint64_t number, again;
};

static struct session_table table;
static void *memory;

static void open_table(uint32_t count, bool refuses)
{
    size_t size = align_up(leat__session_table_footprint(count, sizeof(struct data)), CACHE_LINE);
    memory = aligned_alloc(CACHE_LINE, size);
    assert_non_null(memory);
    memset(memory, 0, size);
    leat__session_table_init(&table, memory, count, sizeof(struct data));
    table.idle_ms = IDLE;
    table.absolute_ms = ABSOLUTE;
    table.refuses = refuses;
}

static void close_table(void)
{
    leat__session_table_finish(&table);
    free(memory);
}

/* Both halves as spread as random ones, and different for every n. */
static struct session_id id_of(uint64_t n)
{
    uint64_t a = (n + 1) * 0x9e3779b97f4a7c15u, b = (a ^ a >> 29) * 0xbf58476d1ce4e5b9u;
    return (struct session_id){{a ^ a >> 31, b ^ b >> 27}};
}

static int add(uint64_t n, int64_t now)
{
    struct data data = {n, n};
    uint64_t version;
    return leat__session_table_add(&table, id_of(n), now, now, &data, &version);
}

static int load(uint64_t n, int64_t now, struct data *data, uint64_t *version)
{
    int64_t created;
    return leat__session_table_load(&table, id_of(n), now, data, version, &created);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct data data;
    uint64_t version;
    open_table(100, false);
    assert_int_equal(load(1, 0, &data, &version), -ENOENT);
    assert_int_equal(add(1, 0), 0);
    assert_int_equal(load(1, 0, &data, &version), 0);
    assert_int_equal(data.number, 1);
    data.number = 7;
    assert_int_equal(leat__session_table_save(&table, id_of(1), &data, &version), 0);
    data.number = 8;
    assert_int_equal(leat__session_table_save(&table, id_of(1), &data, &version), 0);
    uint64_t old = 1;
    data.number = 9;
    assert_int_equal(leat__session_table_save(&table, id_of(1), &data, &old), -EAGAIN);
    assert_int_equal(load(1, 0, &data, &version), 0);
    assert_int_equal(data.number, 8);
    assert_int_equal(table.conflicts, 1);
    assert_int_equal(leat__session_table_remove(&table, id_of(1)), 0);
    assert_int_equal(leat__session_table_remove(&table, id_of(1)), -ENOENT);
    assert_int_equal(leat__session_table_save(&table, id_of(1), &data, &version), -ENOENT);
    assert_int_equal(table.live, 0);
    close_table();
}

static void time_ends_them(void **state)
{
    (void)state;
    struct data data;
    uint64_t version;
    open_table(100, false);
    assert_int_equal(add(1, 0), 0);
    assert_int_equal(add(2, 0), 0);
    for (int64_t now = 0; now <= ABSOLUTE; now += IDLE) /* in use all the time */
        assert_int_equal(load(1, now, &data, &version), 0);
    assert_int_equal(load(1, ABSOLUTE + 1, &data, &version), -ENOENT);
    assert_int_equal(load(2, IDLE + 1, &data, &version), -ENOENT);
    assert_int_equal(table.expired, 2);
    assert_int_equal(table.live, 0);
    close_table();
}

/* As many as were asked for fit without anybody having to go. */
static void the_count_is_kept(void **state)
{
    (void)state;
    struct data data;
    uint64_t version;
    open_table(10000, true);
    for (uint64_t n = 0; n < 10000; n++)
        assert_int_equal(add(n, 0), 0);
    for (uint64_t n = 0; n < 10000; n++) {
        assert_int_equal(load(n, 0, &data, &version), 0);
        assert_int_equal(data.number, n);
    }
    assert_int_equal(table.live, 10000);
    close_table();
}

static void a_full_table_refuses(void **state)
{
    (void)state;
    uint64_t n = 0;
    open_table(64, true);
    while (add(n, 0) == 0)
        n++;
    assert_true(n >= 64);
    assert_int_equal(table.refused, 1);
    assert_int_equal(table.evicted, 0);
    assert_int_equal(add(n, IDLE + 1), 0); /* by then they have expired */
    close_table();
}

static void the_oldest_makes_room(void **state)
{
    (void)state;
    struct data data;
    uint64_t version;
    open_table(64, false);
    int64_t now = 0;
    for (uint64_t n = 0; n < 1000; n++, now = (int64_t)n / 2) {
        assert_int_equal(add(n, now), 0);
        if (n % 8 == 0) /* the first of all is always in use */
            assert_int_equal(load(0, now, &data, &version), 0);
        assert_int_equal(load(n, now, &data, &version), 0);
    }
    assert_true(table.evicted > 500);
    assert_int_equal(table.refused, 0);
    close_table();
}

/* Everybody adds one, by version: none is lost. */
static void *add_one_often(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct data data;
        uint64_t version;
        int error;
        do {
            assert_int_equal(load(1, 0, &data, &version), 0);
            assert_int_equal(data.number, data.again);
            data.number = ++data.again;
            error = leat__session_table_save(&table, id_of(1), &data, &version);
        } while (error == -EAGAIN);
        assert_int_equal(error, 0);
    }
    return unused;
}

static void shards_write_the_same_session(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct data data;
    uint64_t version;
    open_table(16, false);
    assert_int_equal(add(1, 0), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_one_often, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(load(1, 0, &data, &version), 0);
    assert_int_equal(data.number, 1 + THREADS * ROUNDS);
    close_table();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read), cmocka_unit_test(time_ends_them),
        cmocka_unit_test(the_count_is_kept),       cmocka_unit_test(a_full_table_refuses),
        cmocka_unit_test(the_oldest_makes_room),   cmocka_unit_test(shards_write_the_same_session),
    };
    return cmocka_run_group_tests_name("session_table", tests, NULL, NULL);
}
