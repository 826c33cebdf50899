/* test_report.c: a report tells what stands where: connections by state however many pieces they are looked at in, pools as they
 * are; and who reads it while it is laid down never sees half of it. */
#include "fixture.h"
#include <pthread.h>

enum { MANY = 50000, PIECE = 16384, REPORTS = 3000 };

static const struct loop_backend nothing = {.name = "nothing"};

struct stage {
    struct conns c;
    struct mailbox mailbox;
    struct mail_place mails[MAILBOX_CAPACITY];
};

static struct stage stage;

static int open_stage(void **state)
{
    (void)state;
    static struct plan plan;
    char error[256] = "";
    struct plan_input input = {.shards = 1,
                               .connections = MANY,
                               .exchanges = 8,
                               .content_total = 65536,
                               .content_max = 65536,
                               .listeners = 1};
    assert_int_equal(leat__plan_make(&plan, &input, error, sizeof error), 0);
    memset(&stage, 0, sizeof stage);
    struct conns *c = &stage.c;
    assert_int_equal(leat__shard_memory_open(&c->memory, &plan, REGION_RESERVE), 0);
    assert_int_equal(leat__mailbox_open(&stage.mailbox, stage.mails), 0);
    c->loop.backend = &nothing;
    c->loop.slots = (struct slot *)(void *)c->memory.slots.base;
    c->loop.mailbox = &stage.mailbox;
    c->common.memory = &c->memory;
    c->common.counters = &c->counters;
    c->seats = plan.slots;
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    leat__mailbox_close(&stage.mailbox);
    leat__shard_memory_close(&stage.c.memory);
    return 0;
}

static struct slot *seat(enum conn_state as)
{
    struct slot *s = pool_acquire(&stage.c.memory.slots);
    assert_non_null(s);
    *s = (struct slot){.fd = -1, .generation = 1, .state = (uint8_t)as};
    stage.c.open++;
    return s;
}

static void leave(struct slot *s)
{
    memset(s, 0, sizeof *s);
    pool_release(&stage.c.memory.slots, s);
    stage.c.open--;
}

/* Asks, and turns until the answer is there. Answers the turns it took. */
static unsigned report(struct conn_report *r)
{
    struct mail mail;
    unsigned before = leat__report_read(&stage.c.reported, r), turns = 1;
    leat__conns_report(&stage.c);
    for (; leat__mailbox_take(&stage.mailbox, &mail); turns++) {
        assert_int_equal(mail.kind, MAIL_REPORT);
        leat__conns_report(&stage.c);
    }
    assert_int_equal(leat__report_read(&stage.c.reported, r), before + 1);
    return turns;
}

static void there_is_none_before_the_first(void **state)
{
    (void)state;
    struct conn_report r;
    assert_int_equal(leat__report_read(&stage.c.reported, &r), 0);
    assert_int_equal(report(&r), 1);
    for (unsigned i = CONN_FREE + 1; i < CONN_STATE_COUNT; i++)
        assert_int_equal(r.states[i], 0);
    assert_int_equal(r.open, 0);
    assert_int_equal(r.seats, stage.c.seats);
}

static void connections_are_told_by_their_state(void **state)
{
    (void)state;
    struct conn_report r;
    struct slot *all[CONN_STATE_COUNT * CONN_STATE_COUNT];
    unsigned count = 0;
    for (unsigned i = CONN_FREE + 1; i < CONN_STATE_COUNT; i++)
        for (unsigned n = 0; n < i; n++)
            all[count++] = seat((enum conn_state)i);
    report(&r);
    for (unsigned i = CONN_FREE + 1; i < CONN_STATE_COUNT; i++)
        assert_int_equal(r.states[i], i);
    assert_int_equal(r.open, count);
    assert_int_equal(r.pools[0].in_use, count);
    while (count > 0)
        leave(all[--count]);
    report(&r);
    for (unsigned i = CONN_FREE + 1; i < CONN_STATE_COUNT; i++)
        assert_int_equal(r.states[i], 0);
    assert_int_equal(r.pools[0].in_use, 0);
    assert_true(r.pools[0].high >= CONN_STATE_COUNT);
}

static void many_seats_are_looked_at_in_pieces_and_counted_once(void **state)
{
    (void)state;
    struct conn_report r;
    static struct slot *all[MANY];
    for (unsigned i = 0; i < MANY; i++)
        all[i] = seat(i % 5 == 0 ? CONN_WRITING : CONN_IDLE);
    assert_int_equal(report(&r), (MANY + PIECE - 1) / PIECE);
    assert_int_equal(r.states[CONN_WRITING], MANY / 5);
    assert_int_equal(r.states[CONN_IDLE], MANY - MANY / 5);
    assert_int_equal(r.open, MANY);
    for (unsigned i = 0; i < MANY; i++)
        leave(all[i]);
}

/* Two ask while seats are being looked at: both get an answer, and nothing goes on for ever. */
static void who_asks_meanwhile_gets_a_report_too(void **state)
{
    (void)state;
    struct conn_report r;
    static struct slot *all[MANY];
    struct mail mail, ask = {.kind = MAIL_REPORT};
    unsigned turns = 0;
    for (unsigned i = 0; i < MANY; i++)
        all[i] = seat(CONN_IDLE);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(leat__loop_post(&stage.mailbox, &ask), 0);
    while (leat__mailbox_take(&stage.mailbox, &mail)) {
        leat__conns_report(&stage.c);
        assert_true(++turns < 100);
    }
    assert_int_equal(leat__report_read(&stage.c.reported, &r), 3);
    assert_int_equal(r.states[CONN_IDLE], MANY);
    for (unsigned i = 0; i < MANY; i++)
        leave(all[i]);
}

/* Pages of seats that nobody needs any more go back in the midst of the looking. */
static void seats_may_be_trimmed_between_two_pieces(void **state)
{
    (void)state;
    struct conn_report r;
    static struct slot *all[MANY];
    struct mail mail;
    for (unsigned i = 0; i < MANY; i++)
        all[i] = seat(CONN_IDLE);
    leat__conns_report(&stage.c); /* the first piece */
    leat__conns_report(&stage.c); /* the second */
    for (unsigned i = 10; i < MANY; i++)
        leave(all[i]);
    int64_t now = 0;
    for (unsigned i = 0; i < 100; i++)
        leat__shard_memory_trim(&stage.c.memory, now += TRIM_AFTER_MS, SIZE_MAX);
    assert_true(stage.c.memory.slots.touched_end * stage.c.memory.slots.per_slab < PIECE);
    for (unsigned turns = 0; leat__mailbox_take(&stage.mailbox, &mail); turns++) {
        leat__conns_report(&stage.c);
        assert_true(turns < 100);
    }
    report(&r);
    assert_int_equal(r.states[CONN_IDLE], 10);
    for (unsigned i = 0; i < 10; i++)
        leave(all[i]);
}

static void every_pool_has_its_name_and_its_refusals(void **state)
{
    (void)state;
    struct conn_report r;
    struct shard_memory *m = &stage.c.memory;
    struct buffer *rooms[8];
    for (unsigned i = 0; i < 8; i++)
        rooms[i] = buffer_acquire(&m->rooms);
    assert_null(buffer_acquire(&m->rooms));
    report(&r);
    assert_true(r.pool_count > 0 && r.pool_count <= REPORT_POOLS_MAX);
    for (uint32_t i = 0; i < r.pool_count; i++) {
        assert_true(strlen(leat__report_pool_name(m, i)) > 0);
        assert_true(r.pools[i].in_use <= r.pools[i].count);
        assert_true(r.pools[i].in_use <= r.pools[i].high);
        assert_true(r.pools[i].resident <= r.pools[i].count * r.pools[i].each + m->slots.slab_size);
    }
    assert_string_equal(leat__report_pool_name(m, 1), "exchange");
    assert_int_equal(r.pools[1].in_use, 8);
    assert_int_equal(r.pools[1].count, 8);
    assert_int_equal(r.pools[1].refused, 1);
    for (unsigned i = 0; i < 8; i++)
        buffer_release(&m->rooms, rooms[i]);
}

static void *read_all_the_time(void *argument)
{
    struct conn_report *r = argument;
    unsigned told = 0;
    while (told < REPORTS) {
        unsigned now = leat__report_read(&stage.c.reported, r);
        assert_true(now >= told);
        told = now;
        /* whoever wrote it set all of these to one number */
        assert_int_equal(r->turns, r->waits);
        assert_int_equal(r->turns, r->counters.requests);
        assert_int_equal(r->turns, r->trimmed_bytes);
        assert_int_equal(r->turns, r->cache_evictions);
    }
    return NULL;
}

static void who_reads_while_it_is_laid_down_sees_a_whole_one(void **state)
{
    (void)state;
    static struct conn_report seen;
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_all_the_time, &seen), 0);
    for (uint64_t i = 1; i <= REPORTS; i++) {
        stage.c.loop.turns = stage.c.loop.waits = stage.c.counters.requests = i;
        stage.c.memory.trimmed_bytes = stage.c.memory.file_cache.evictions = i;
        leat__conns_report(&stage.c);
    }
    pthread_join(reader, NULL);
    assert_int_equal(seen.turns, REPORTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(there_is_none_before_the_first),
        TEST(connections_are_told_by_their_state),
        TEST(many_seats_are_looked_at_in_pieces_and_counted_once),
        TEST(who_asks_meanwhile_gets_a_report_too),
        TEST(seats_may_be_trimmed_between_two_pieces),
        TEST(every_pool_has_its_name_and_its_refusals),
        TEST(who_reads_while_it_is_laid_down_sees_a_whole_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
