/* test_metrics.c: ticks are as long as they say, a tally loses nothing to who reads it, and a request is recorded once, in the
 * class of its status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <pthread.h>

#include "base/clock.h"
#include "observe/metrics.h"

static void ticks_go_on_and_are_as_long_as_they_say(void **state)
{
    (void)state;
    leat__ticks_open();
    assert_true(leat__ticks_per_second() >= 1000000);
    assert_int_equal(ticks_of_ms(1000) / 1000, leat__ticks_per_second() / 1000);
    uint64_t per_second = leat__ticks_per_second();
    leat__ticks_open(); /* is not measured twice */
    assert_int_equal(leat__ticks_per_second(), per_second);
    uint64_t ticks = ticks_now(), last = ticks;
    int64_t ns = leat__clock_now_ns(), now_ns;
    do {
        uint64_t now = ticks_now();
        assert_true(now >= last);
        last = now;
        now_ns = leat__clock_now_ns();
    } while (now_ns - ns < 100000000);
    double expected = (double)(now_ns - ns) / 1e9, told = (double)(last - ticks) / (double)per_second;
    assert_true(told > expected * 0.5 && told < expected * 2); /* a busy machine may stand between the two clocks */
}

enum { TALLIES = 1000000 };

static void *tally_many(void *argument)
{
    uint64_t *number = argument;
    for (unsigned i = 0; i < TALLIES; i++)
        tally(number, 1);
    return NULL;
}

static void a_tally_grows_under_who_reads_it_and_loses_nothing(void **state)
{
    (void)state;
    static uint64_t number;
    pthread_t writer;
    uint64_t before = 0, now;
    assert_int_equal(pthread_create(&writer, NULL, tally_many, &number), 0);
    do {
        now = tally_read(&number);
        assert_true(now >= before && now <= TALLIES);
        before = now;
    } while (now < TALLIES);
    pthread_join(writer, NULL);
    assert_int_equal(tally_read(&number), TALLIES);
}

static struct route_metrics *make(void)
{
    struct route_metrics *r = aligned_alloc(_Alignof(struct route_metrics), sizeof *r);
    assert_non_null(r);
    return memset(r, 0, sizeof *r);
}

static void a_request_is_recorded_once_in_its_class(void **state)
{
    (void)state;
    static const struct {
        unsigned status, class;
    } rows[] = {{300, 2}, {304, 2}, {399, 2}, {400, 3}, {404, 3}, {499, 3},
                {500, 4}, {503, 4}, {599, 4}, {600, 4}, {999, 4}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct route_metrics *r = make();
        metrics_request(r, rows[i].status, 5);
        for (unsigned k = 0; k < METRICS_CLASSES; k++)
            assert_int_equal(r->classes[k], k == rows[i].class);
        assert_int_equal(leat__histogram_count(&r->duration), 1);
        assert_int_equal(r->duration.sum, 5);
        free(r);
    }
}

static void a_request_that_went_well_is_all_that_is_in_no_class(void **state)
{
    (void)state;
    struct route_metrics *r = make();
    static const unsigned statuses[] = {200, 201, 204, 206, 299};
    for (unsigned i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        metrics_request(r, statuses[i], 1);
    for (unsigned k = 0; k < METRICS_CLASSES; k++)
        assert_int_equal(r->classes[k], 0);
    assert_int_equal(leat__histogram_count(&r->duration), 5);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_go_on_and_are_as_long_as_they_say),
        cmocka_unit_test(a_tally_grows_under_who_reads_it_and_loses_nothing),
        cmocka_unit_test(a_request_is_recorded_once_in_its_class),
        cmocka_unit_test(a_request_that_went_well_is_all_that_is_in_no_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
