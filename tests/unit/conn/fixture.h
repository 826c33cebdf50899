/* fixture.h: a shard's connections without a loop: memory as it is, and a backend that only counts what comes back. */
#ifndef LEAT_TEST_CONN_FIXTURE_H
#define LEAT_TEST_CONN_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "conn/conn.h"

struct bench {
    struct conns c;
    struct leat_exchange *x;
    struct slot *slot;
    unsigned given_back; /* buffers that went back to the loop */
};

static struct bench bench;

static inline void take_back(struct loop *loop, struct buffer *b)
{
    (void)loop;
    bench.given_back++;
    buffer_release(&bench.c.memory.receive, b);
}

static inline int open_bench(void **state)
{
    (void)state;
    static const struct loop_backend backend = {.name = "counting", .give_back = take_back};
    static struct plan plan;
    char error[256] = "";
    struct plan_input input = {.shards = 1,
                               .connections = 64,
                               .exchanges = 8,
                               .content_total = 65536,
                               .content_max = 65536,
                               .listeners = 1};
    assert_int_equal(leat__plan_make(&plan, &input, error, sizeof error), 0);
    memset(&bench, 0, sizeof bench);
    struct conns *c = &bench.c;
    assert_int_equal(leat__shard_memory_open(&c->memory, &plan, REGION_RESERVE), 0);
    c->loop.backend = &backend;
    c->common.memory = &c->memory;
    c->common.counters = &c->counters;
    c->common.metrics = (struct metrics *)(void *)c->memory.metrics;
    c->loop.slots = (struct slot *)(void *)c->memory.slots.base;
    struct buffer *room = buffer_acquire(&c->memory.rooms);
    bench.slot = pool_acquire(&c->memory.slots);
    *bench.slot = (struct slot){.fd = 5, .generation = 1, .state = CONN_HEAD, .exchange = room->index + 1};
    bench.x = leat__exchange_open(&c->common, room, bench.slot);
    return 0;
}

/* Everything that was lent must be back. */
static inline int close_bench(void **state)
{
    (void)state;
    struct conns *c = &bench.c;
    leat__exchange_end(bench.x);
    leat__input_drop(c, bench.x);
    if (c->lent != NULL)
        fail_msg("a buffer is lent still");
    assert_null(bench.x->input_last);
    buffer_release(&c->memory.rooms, bench.x->room);
    pool_release(&c->memory.slots, bench.slot);
    assert_int_equal(c->memory.receive.in_use, 0);
    assert_int_equal(c->memory.larges.in_use, 0);
    leat__shard_memory_check(&c->memory);
    leat__shard_memory_close(&c->memory);
    return 0;
}

#endif
