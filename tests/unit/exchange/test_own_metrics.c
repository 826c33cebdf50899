/* test_own_metrics.c: what a program counts: on its shard's thread, on others, all at once; and what names are refused. */
#include "exchange/own_metrics.h"
#include "fixture.h"
#include <pthread.h>

enum { THREADS = 4, TIMES = 20000, HALF = THREADS * TIMES / 2 };

static struct bench bench;
static leat_counter *counter, *ways;
static leat_gauge *gauge;
static leat_histogram *times;

static const char *const values[] = {"card", "transfer", NULL};

static int open_it(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    counter = leat_counter_create(app, "a_total", "A.");
    times = leat_histogram_create_labelled(leat_group(app, "/group"), "b_seconds", "B.",
                                           LEAT_UNIT_NANOSECONDS, "way", values);
    gauge = leat_gauge_create(app, "c", "C.");
    ways = leat_counter_create_labelled(app, "d_total", "D.", "way", values);
    open_bench(&bench, app);
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    leat__shard_memory_here = NULL;
    close_bench(&bench);
    return 0;
}

static const char *shard(void)
{
    return bench.memory.own_metrics;
}

static double number(const struct own_metric *m, uint32_t value)
{
    return leat__own_number(m, value, shard()) + leat__own_number(m, value, NULL);
}

static uint64_t count(const struct own_metric *m, uint32_t value, const char *memory)
{
    static struct histogram h;
    memset(&h, 0, sizeof h);
    leat__own_add_histogram(m, value, memory, &h);
    return leat__histogram_count(&h);
}

static void a_shard_counts_in_its_own_memory(void **state)
{
    (void)state;
    assert_non_null(shard());
    leat__shard_memory_here = &bench.memory;
    leat_counter_add(counter, 3);
    leat_counter_add(counter, 4);
    leat_counter_add_at(ways, 1, 5);
    leat_gauge_add(gauge, 2.5);
    leat_gauge_add(gauge, -4);
    leat_gauge_set(gauge, 10);
    leat_histogram_record_at(times, 1, 1000);
    leat__shard_memory_here = NULL;
    assert_true(leat__own_number(&counter->metric, 0, shard()) == 7);
    assert_true(leat__own_number(&counter->metric, 0, NULL) == 0);
    assert_true(number(&ways->metric, 0) == 0 && number(&ways->metric, 1) == 5);
    assert_true(number(&gauge->metric, 0) == 8.5);
    assert_int_equal(count(&times->metric, 0, shard()), 0);
    assert_int_equal(count(&times->metric, 1, shard()), 1);
    assert_int_equal(count(&times->metric, 1, NULL), 0);
}

/* Another app's shard (the admin listener's is one) has no place for it, and it is counted beside. */
static void a_shard_of_another_app_counts_elsewhere(void **state)
{
    (void)state;
    struct shard_memory other = {.own_metrics_of = &other, .own_metrics = bench.memory.own_metrics};
    leat__shard_memory_here = &other;
    leat_counter_add(counter, 1);
    leat__shard_memory_here = NULL;
    assert_true(leat__own_number(&counter->metric, 0, NULL) == 1);
}

static void what_is_not_in_the_list_is_not_counted(void **state)
{
    (void)state;
    double before = number(&ways->metric, 0) + number(&ways->metric, 1),
           level = number(&gauge->metric, 0);
    leat_counter_add_at(ways, 2, 1);
    leat_counter_add_at(counter, SIZE_MAX, 1);
    leat_gauge_add_at(gauge, 1, 1);
    leat_gauge_set_at(gauge, 7, 1);
    leat_histogram_record_at(times, 2, 1);
    assert_true(number(&ways->metric, 0) + number(&ways->metric, 1) == before);
    assert_true(number(&gauge->metric, 0) == level);
}

static void *count_elsewhere(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < TIMES; i++) {
        leat_counter_add_at(ways, i % 2, 1);
        leat_gauge_add(gauge, i % 2 == 0 ? 1 : -0.5);
        leat_histogram_record(times, i);
    }
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    double before = number(&gauge->metric, 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_elsewhere, NULL), 0);
    leat__shard_memory_here = &bench.memory;
    for (unsigned i = 0; i < TIMES; i++)
        leat_counter_add_at(ways, 0, 1);
    leat__shard_memory_here = NULL;
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_true(number(&ways->metric, 0) == HALF + TIMES);
    assert_true(leat__own_number(&ways->metric, 1, NULL) == HALF);
    assert_true(number(&gauge->metric, 0) == before + 0.5 * HALF);
    assert_int_equal(count(&times->metric, 0, NULL), THREADS * TIMES);
}

static void the_plan_has_a_row_for_it(void **state)
{
    (void)state;
    struct plan_input input = {0};
    leat__app_own_metrics_plan(bench.app, &input);
    assert_int_equal(input.own_metrics, 8 + 2 * sizeof(struct histogram) + 8 + 2 * 8);
    assert_true(input.own_metrics_shared >= input.own_metrics + 8);
    assert_ptr_equal(input.own_metrics_of, bench.app);
}

/* ── Names ── */

/* A counter of that name is refused, with these words; NULL: it is not. */
static void check_counter(const char *name, const char *help, const char *label,
                          const char *const *of_label, const char *says)
{
    leat_app *app = leat_app_create();
    leat_counter *bad = label != NULL ? leat_counter_create_labelled(app, name, help, label, of_label)
                                      : leat_counter_create(app, name, help);
    assert_non_null(bad);
    leat_counter_add(bad, 1); /* before it is told, nothing breaks */
    leat_counter_add_at(bad, 3, 1);
    if (says != NULL)
        assert_non_null(strstr(leat__app_errors(app), says));
    else
        assert_string_equal(leat__app_errors(app), "");
    leat_app_destroy(app);
}

static void names_are_looked_at(void **state)
{
    (void)state;
    static const char *const many[] = {"a", "b", "c", "d", NULL}, *const broken[] = {"\xff", NULL};
    static const char *const good[] = {"", "é\n\"", NULL};
    check_counter("a_total", "A.", NULL, NULL, NULL);
    check_counter("a_b9_total", "A.", "label_1", good, NULL);
    check_counter("a", "A.", NULL, NULL, "leat_counter_create \"a\"");
    check_counter(NULL, NULL, NULL, NULL, "letters, digits");
    check_counter("a:b_total", "A.", NULL, NULL, "letters, digits");
    check_counter("ä_total", "A.", NULL, NULL, "letters, digits");
    check_counter("a_total", "", NULL, NULL, "say in help");
    check_counter("a_total", "\xc3", NULL, NULL, "say in help");
    check_counter("a_total", "A.", "l", NULL, "1 to 256 values");
    check_counter("a_total", "A.", "__l", many, "a label's name");
    check_counter("a_total", "A.", "quantile", many, "a label's name");
    check_counter("a_total", "A.", "", many, "a label's name");
    check_counter("a_total", "A.", "l", broken, "UTF-8");
}

static void an_app_has_so_many_and_no_more(void **state)
{
    (void)state;
    static char texts[OWN_VALUES_MAX + 1][8];
    static const char *all[OWN_VALUES_MAX + 2];
    char name[32];
    leat_app *app = leat_app_create();
    for (unsigned i = 0; i <= OWN_VALUES_MAX; i++) {
        snprintf(texts[i], sizeof texts[i], "v%u", i);
        all[i] = texts[i];
    }
    leat_gauge_create_labelled(app, "too_many", "G.", "l", all);
    assert_non_null(strstr(leat__app_errors(app), "1 to 256 values"));
    leat_app_destroy(app);
    app = leat_app_create();
    all[OWN_VALUES_MAX] = NULL;
    leat_histogram_create_labelled(app, "one", "H.", LEAT_UNIT_NONE, "l", all);
    leat_histogram_create_labelled(app, "two", "H.", LEAT_UNIT_NONE, "l", all);
    assert_string_equal(leat__app_errors(app), "");
    leat_histogram_create_labelled(app, "three", "H.", LEAT_UNIT_NONE, "l", all);
    assert_non_null(strstr(leat__app_errors(app), "more than 16384 lines"));
    leat_app_destroy(app);
    app = leat_app_create();
    for (unsigned i = 0; i < OWN_METRICS_MAX; i++) {
        snprintf(name, sizeof name, "m%u", i);
        leat_gauge_create(app, name, "G.");
    }
    assert_string_equal(leat__app_errors(app), "");
    leat_gauge_create(app, "one_more", "G.");
    assert_non_null(strstr(leat__app_errors(app), "at most 256 metrics"));
    leat_app_destroy(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shard_counts_in_its_own_memory),
        cmocka_unit_test(a_shard_of_another_app_counts_elsewhere),
        cmocka_unit_test(what_is_not_in_the_list_is_not_counted),
        cmocka_unit_test(threads_lose_nothing),
        cmocka_unit_test(the_plan_has_a_row_for_it),
        cmocka_unit_test(names_are_looked_at),
        cmocka_unit_test(an_app_has_so_many_and_no_more),
    };
    return cmocka_run_group_tests(tests, open_it, close_it);
}
