/* test_look.c: what is summed up of several shards is what they recorded, and what is derived never falls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "admin/look.h"
#include "memory/seal.h"

enum { SHARDS = 3, ROUTES = 4 };

static struct stage {
    struct conns *shards[SHARDS];
    struct metrics *metrics[SHARDS];
    struct chain chains[ROUTES];
    struct routes routes;
    struct look_source source;
    struct looker *looker;
} stage;

static struct conns *shard_of(void *server, uint32_t i)
{
    return ((struct stage *)server)->shards[i];
}

static int open_stage(void **state)
{
    (void)state;
    const size_t size = align_up(sizeof(struct metrics) + ROUTES * sizeof(struct route_metrics),
                                 _Alignof(struct metrics));
    memset(&stage, 0, sizeof stage);
    for (unsigned i = 0; i < SHARDS; i++) {
        stage.shards[i] = calloc(1, sizeof *stage.shards[i]);
        stage.metrics[i] = aligned_alloc(_Alignof(struct metrics), size);
        assert_non_null(stage.metrics[i]);
        memset(stage.metrics[i], 0, size);
        stage.shards[i]->common.metrics = stage.metrics[i];
    }
    stage.routes = (struct routes){.all = stage.chains, .count = ROUTES};
    stage.source = (struct look_source){
        .routes = &stage.routes, .shard_count = SHARDS, .shard = shard_of, .server = &stage};
    stage.looker = leat__looker_create();
    leat__looker_begin(stage.looker, &stage.source);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    leat__looker_end(stage.looker);
    leat__start_free(stage.looker);
    for (unsigned i = 0; i < SHARDS; i++) {
        free(stage.shards[i]);
        free(stage.metrics[i]);
    }
    return 0;
}

static void request(unsigned shard, unsigned row, unsigned status, uint64_t ticks)
{
    metrics_request(&stage.metrics[shard]->routes[row], status, ticks);
}

static void assert_classes(uint32_t row, uint64_t well, uint64_t redirected, uint64_t wrong, uint64_t broken)
{
    const struct route_metrics *r = leat__look_route(stage.looker, row);
    assert_int_equal(r->classes[0], 0);
    assert_int_equal(r->classes[1], well);
    assert_int_equal(r->classes[2], redirected);
    assert_int_equal(r->classes[3], wrong);
    assert_int_equal(r->classes[4], broken);
}

static void a_route_is_the_sum_of_the_shards_and_2xx_is_what_is_in_no_other_class(void **state)
{
    (void)state;
    assert_int_equal(leat__look_route_count(stage.looker), ROUTES);
    assert_classes(1, 0, 0, 0, 0);
    for (unsigned i = 0; i < SHARDS; i++) {
        request(i, 1, 200, 10);
        request(i, 1, 206, 10);
        request(i, 1, 404, 10);
        request(i, 2, 304, 1000);
    }
    request(2, 1, 503, 10);
    assert_classes(1, 6, 0, 3, 1);
    assert_classes(2, 0, 3, 0, 0);
    assert_classes(0, 0, 0, 0, 0);
    const struct route_metrics *r = leat__look_route(stage.looker, 1);
    assert_int_equal(leat__histogram_count(&r->duration), 10);
    assert_int_equal(r->duration.sum, 100);
}

/* A shard has written the class of a request, and not yet its duration. */
static void the_2xx_never_fall(void **state)
{
    (void)state;
    request(0, 1, 200, 10);
    request(0, 1, 200, 10);
    assert_classes(1, 2, 0, 0, 0);
    tally(&stage.metrics[0]->routes[1].classes[3], 1);
    assert_classes(1, 2, 0, 1, 0);
    histogram_record(&stage.metrics[0]->routes[1].duration, 10);
    assert_classes(1, 2, 0, 1, 0);
    request(0, 1, 200, 10);
    assert_classes(1, 3, 0, 1, 0);
}

static void the_duration_is_that_of_all_routes_of_all_shards(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SHARDS; i++)
        for (unsigned row = 0; row < ROUTES; row++)
            request(i, row, 200, 100 * (row + 1));
    const struct histogram *h = leat__look_histogram(stage.looker, LOOK_DURATION);
    assert_int_equal(leat__histogram_count(h), SHARDS * ROUTES);
    assert_int_equal(h->sum, SHARDS * (100 + 200 + 300 + 400));
}

static void each_phase_is_its_own(void **state)
{
    (void)state;
    static const enum look_histogram phases[] = {LOOK_TURN, LOOK_LATENESS, LOOK_FIRST_BYTE,
                                                 LOOK_HEAD, LOOK_WRITE};
    for (unsigned i = 0; i < SHARDS; i++) {
        histogram_record(&stage.metrics[i]->turn, 1);
        histogram_record(&stage.metrics[i]->lateness, 2);
        histogram_record(&stage.metrics[i]->first_byte, 3);
        histogram_record(&stage.metrics[i]->head, 4);
        histogram_record(&stage.metrics[i]->write, 5);
    }
    for (unsigned k = 0; k < sizeof phases / sizeof phases[0]; k++) {
        const struct histogram *h = leat__look_histogram(stage.looker, phases[k]);
        assert_int_equal(leat__histogram_count(h), SHARDS);
        uint64_t unit = phases[k] == LOOK_FIRST_BYTE ? ticks_of_ms(1)
                                                     : 1; /* that one is recorded in milliseconds */
        assert_int_equal(h->sum, SHARDS * (k + 1) * unit);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_route_is_the_sum_of_the_shards_and_2xx_is_what_is_in_no_other_class),
        TEST(the_2xx_never_fall),
        TEST(the_duration_is_that_of_all_routes_of_all_shards),
        TEST(each_phase_is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
