/* fixture.h: a shard in small, without a loop, for the tests of this room: an app's routes compiled, a shard's memory,
 * one exchange in a room of it. A test hands over a request's octets and looks at what would be sent. */
#ifndef LEAT_TEST_EXCHANGE_FIXTURE_H
#define LEAT_TEST_EXCHANGE_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "exchange/exchange.h"

enum { BENCH_SENT = 512 * 1024, BENCH_CONTENT = 256 * 1024 };

struct bench {
    leat_app *app;
    struct region ground; /* of the routes */
    struct routes routes;
    struct shard_memory memory;
    struct counters counters;
    struct exchange_common common;
    int64_t now_s;
    struct slot slot;
    struct leat_exchange *x;
    char input[PLAN_LARGE];
    char sent[BENCH_SENT + 1]; /* what the exchange would have the loop send, NUL-terminated */
    size_t sent_size;
};

static const char bench_date[] = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

/* app goes with the bench. */
static inline void open_bench(struct bench *b, leat_app *app)
{
    static struct plan_user_pool pools[PLAN_USER_POOLS_MAX];
    static struct plan plan;
    char error[256] = "";
    b->app = app;
    ptrdiff_t size = leat__app_measure(app);
    assert_string_equal(leat__app_errors(app), "");
    assert_true(size > 0);
    assert_int_equal(
        leat__region_create(&b->ground, align_up((size_t)size, PAGE_SIZE_BYTES), REGION_RESERVE), 0);
    leat__app_compile(app, &b->ground, &b->routes);
    for (uint32_t i = 0; i < app->pool_count; i++)
        pools[i] = (struct plan_user_pool){app->pools[i]->name, app->pools[i]->object_size,
                                           app->pools[i]->count};
    struct plan_input input = {.shards = 1,
                               .connections = 64,
                               .exchanges = 8,
                               .content_total = BENCH_CONTENT,
                               .content_max = BENCH_CONTENT,
                               .listeners = 1,
                               .route_bytes = (uint64_t)size,
                               .user_pools = pools,
                               .user_pool_count = app->pool_count};
    leat__app_own_metrics_plan(app, &input);
    assert_int_equal(leat__plan_make(&plan, &input, error, sizeof error), 0);
    assert_int_equal(leat__shard_memory_open(&b->memory, &plan, REGION_RESERVE), 0);
    b->counters = (struct counters){0};
    b->now_s = 784111777; /* RFC 9110's own example of a date */
    b->common = (struct exchange_common){.memory = &b->memory,
                                         .routes = &b->routes,
                                         .counters = &b->counters,
                                         .metrics = (struct metrics *)(void *)b->memory.metrics,
                                         .content_max = BENCH_CONTENT,
                                         .now_s = &b->now_s,
                                         .date_s = INT64_MIN};
    b->x = leat__exchange_open(&b->common, buffer_acquire(&b->memory.rooms), &b->slot);
}

/* Everything that was borrowed must be back. */
static inline void close_bench(struct bench *b)
{
    leat__exchange_end(b->x);
    leat__arena_check(&b->x->arena);
    buffer_release(&b->memory.rooms, b->x->room);
    assert_int_equal(b->memory.rooms.in_use, 0);
    assert_int_equal(b->memory.chunks.in_use, 0);
    assert_int_equal(b->memory.larges.in_use, 0);
    assert_int_equal(b->memory.content.in_use, 0);
    leat__shard_memory_check(&b->memory);
    leat__shard_memory_close(&b->memory);
    leat__region_destroy(&b->ground);
    leat_app_destroy(b->app);
}

/* The next request: its head is read, and what stands behind it is its content. */
static inline void begin(struct bench *b, const char *request)
{
    static const struct http1_limits limits = {60000, 65000, HTTP1_FIELDS_MAX};
    struct leat_exchange *x = b->x;
    size_t size = strlen(request);
    assert_true(size + HTTP1_SLACK <= sizeof b->input);
    leat__exchange_end(x);
    leat__exchange_begin(x);
    memcpy(b->input, request, size);
    x->bytes = b->input;
    assert_int_equal(leat__http1_parse_head(&x->head, x->bytes, size, &limits), HTTP1_DONE);
    if (size > x->head.size) {
        x->way.content = CONTENT_WHOLE;
        x->content = b->input + x->head.size;
        x->content_size = size - x->head.size;
        x->content_read = 0;
        x->way.content = CONTENT_WHOLE;
    }
}

/* Writes the response, and gathers what is to be sent. */
static inline const char *send_out(struct bench *b)
{
    struct leat_exchange *x = b->x;
    leat__response_send(x);
    leat__exchange_to_send(x);
    b->sent_size = 0;
    for (uint32_t i = 0; i < x->send.part_count; i++) {
        const struct iovec *part = &x->send.parts[i];
        assert_true(b->sent_size + part->iov_len <= BENCH_SENT);
        memcpy(b->sent + b->sent_size, part->iov_base, part->iov_len);
        b->sent_size += part->iov_len;
    }
    b->sent[b->sent_size] = '\0';
    x->output_size = 0;
    return b->sent;
}

/* The whole way of a request. What it holds stays until the next begins. */
static inline const char *answer(struct bench *b, const char *request)
{
    begin(b, request);
    assert_int_equal(leat__exchange_route(b->x), 0);
    leat__exchange_run(b->x);
    return send_out(b);
}

#define GET(target) "GET " target " HTTP/1.1\r\nHost: leat\r\n\r\n"
#define HEAD(target) "HEAD " target " HTTP/1.1\r\nHost: leat\r\n\r\n"

/* A bench whose every path is answered by the handler that the test names: act(b, handler, request). */
static leat_handler *bench_handler;

static inline void perform(leat_exchange *x)
{
    bench_handler(x);
}

static inline void open_stage(struct bench *b)
{
    leat_app *app = leat_app_create();
    leat_get(app, "/*rest", perform);
    leat_post(app, "/*rest", perform);
    open_bench(b, app);
}

static inline const char *act(struct bench *b, leat_handler *handler, const char *request)
{
    bench_handler = handler;
    return answer(b, request);
}

static inline int status_of(const char *sent)
{
    assert_memory_equal(sent, "HTTP/1.1 ", 9);
    return (int)strtol(sent + 9, NULL, 10);
}

static inline const char *content_of(const char *sent)
{
    const char *end = strstr(sent, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

/* How often the head has this whole line. */
static inline unsigned count_line(const char *sent, const char *line)
{
    unsigned count = 0;
    size_t size = strlen(line);
    const char *end = content_of(sent) - 2;
    for (const char *at = sent; at < end; at = strstr(at, "\r\n") + 2)
        count += strncmp(at, line, size) == 0 && strncmp(at + size, "\r\n", 2) == 0;
    return count;
}

/* How many lines of the head begin so. */
static inline unsigned count_field(const char *sent, const char *name)
{
    unsigned count = 0;
    size_t size = strlen(name);
    const char *end = content_of(sent) - 2;
    for (const char *at = sent; at < end; at = strstr(at, "\r\n") + 2)
        count += strncmp(at, name, size) == 0 && at[size] == ':';
    return count;
}

static inline void assert_slice(leat_slice slice, const char *text)
{
    assert_int_equal(slice.size, strlen(text));
    assert_non_null(slice.data);
    assert_memory_equal(slice.data, text, slice.size);
}

#endif
