/* metrics.c: what the tests of /metrics talk to: routes of every class, handlers that take a known time, and metrics of its
 * own that are counted on shards and on other threads. */
#include <leat/leat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    leat_counter *orders, *plain;
    leat_gauge *level, *inside;
    leat_histogram *times, *sizes, *numbers;
    leat_blocking *threads;
} own;

static void ok(leat_exchange *x)
{
    leat_text(x, 200, "ok\n");
}

static void status(leat_exchange *x)
{
    leat_status(x, (int)leat_param_int(x, "status", 200));
}

static void sleep_for(leat_exchange *x)
{
    leat_sleep_ms((uint64_t)leat_param_int(x, "ms", 0));
    leat_text(x, 200, "slept\n");
}

static void echo(leat_exchange *x)
{
    leat_slice content = leat_content(x);
    leat_bytes(x, 200, "application/octet-stream", content.data, content.size);
}

static void count_all(void *argument)
{
    size_t way = *(const size_t *)argument;
    leat_counter_add_at(own.orders, way, 1);
    leat_counter_add(own.plain, 2);
    leat_gauge_add(own.inside, 0.5);
    leat_gauge_set(own.level, -3.25);
    leat_histogram_record_at(own.times, way, 20 * 1000 * 1000);
    leat_histogram_record(own.sizes, 5000);
    leat_histogram_record(own.numbers, 7);
}

static void count_here(leat_exchange *x)
{
    size_t way = (size_t)leat_param_int(x, "way", 0);
    count_all(&way);
    leat_text(x, 200, "counted\n");
}

static void count_there(leat_exchange *x)
{
    size_t way = (size_t)leat_param_int(x, "way", 0);
    if (leat_blocking_call(own.threads, count_all, &way) < 0)
        leat_problem(x, 503, NULL);
    else
        leat_text(x, 200, "counted\n");
}

static void add_own(leat_app *app)
{
    static const char *const ways[] = {"card", "bank \"draft\"\\\n", NULL};
    own.orders = leat_counter_create_labelled(app, "orders_total", "Orders taken.", "way", ways);
    own.plain = leat_counter_create(app, "things_total", "Things \"counted\",\nby \\ two.");
    own.level = leat_gauge_create(app, "level_celsius", "How warm it is.");
    own.inside = leat_gauge_create(app, "guests_inside", "Guests that have come and not gone.");
    own.times = leat_histogram_create_labelled(app, "query_seconds", "What queries took.",
                                               LEAT_UNIT_NANOSECONDS, "way", ways);
    own.sizes = leat_histogram_create(app, "upload_bytes", "How large uploads were.", LEAT_UNIT_BYTES);
    own.numbers = leat_histogram_create(app, "basket_items", "Things in a basket.", LEAT_UNIT_NONE);
    own.threads = leat_blocking_create(app, "others",
                                       &(leat_blocking_options){.threads = 2, .queue = 8});
}

/* What a test says is wrong with a name. */
static void add_bad(leat_app *app)
{
    const char *bad = getenv("BAD_METRIC");
    static const char *const twice[] = {"a", "b", "a", NULL};
    static const char *const nothing[] = {NULL};
    if (bad == NULL)
        return;
    if (strcmp(bad, "twice") == 0)
        leat_counter_create_labelled(app, "bad_total", "Bad.", "label", twice);
    else if (strcmp(bad, "nothing") == 0)
        leat_gauge_create_labelled(app, "bad", "Bad.", "label", nothing);
    else if (strcmp(bad, "help") == 0)
        leat_counter_create(app, "bad_total", "");
    else if (strcmp(bad, "same") == 0)
        leat_gauge_create(app, "orders", "The family of orders_total.");
    else if (strcmp(bad, "seconds") == 0)
        leat_histogram_create(app, "bad", "Bad.", LEAT_UNIT_NANOSECONDS);
    else if (strcmp(bad, "label") == 0)
        leat_counter_create_labelled(app, "bad_total", "Bad.", "le", (const char *const[]){"a", NULL});
    else
        leat_counter_create(app, bad, "Bad.");
}

/* So many that the last ones share their figures, with names as long and odd as can be. */
static void add_many(leat_app *app)
{
    const char *many = getenv("MANY_ROUTES");
    long count = many != NULL ? strtol(many, NULL, 10) : 0;
    char pattern[512];
    for (int i = 0; i < count; i++) {
        int at = snprintf(pattern, sizeof pattern, "/many/%d/", i);
        memset(pattern + at, 'x', 199);
        pattern[at + 199] = '"';
        pattern[at + 200] = '\0';
        leat_get(app, pattern, ok);
    }
}

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    leat_get(app, "/", ok);
    leat_get(app, "/status/:status", status);
    leat_get(app, "/sleep/:ms", sleep_for);
    leat_post(app, "/echo", echo);
    leat_get(app, "/here/:way", count_here);
    leat_get(app, "/there/:way", count_there);
    /* The same route for another host: the same series. */
    leat_get(leat_host(app, "other.example"), "/", ok);
    leat_pool_create(app, "exchange", 64, 8); /* a name that is taken */
    leat_pool_create(app, "my \"pool\"", 64, 8);
    add_own(app);
    add_bad(app);
    add_many(app);
    return leat_main(app, argc, argv);
}
