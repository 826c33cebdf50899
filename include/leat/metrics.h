/* metrics.h: a program's own counters, gauges and histograms, told at /metrics beside Leat's.
 *
 *     static leat_counter *orders;        // "orders_total", by how they were paid
 *     static leat_histogram *queries;     // "query_seconds"
 *
 *     static const char *const ways[] = {"card", "transfer", NULL};
 *     orders = leat_counter_create_labelled(app, "orders_total", "Orders taken.", "way", ways);
 *     queries = leat_histogram_create(app, "query_seconds", "What the database took.", LEAT_UNIT_NANOSECONDS);
 *     …
 *     leat_counter_add_at(orders, 1, 1);             // in a handler: one more by transfer
 *     leat_histogram_record(queries, leat_now_ns() - began_ns);
 *
 * Everything is registered before the start, labels' values too: memory is a row of the plan. Counting costs a few
 * nanoseconds: every shard has cells of its own, so no lock and no cache line is shared; other threads (leat_blocking_call)
 * share one cell, which is atomic. They count from any thread; a server that starts anew begins with what those other
 * threads have counted.
 *
 * Names follow Prometheus' conventions, or the server does not start: letters, digits and '_'; a counter's ends in "_total",
 * a histogram's in its unit ("_seconds", "_bytes"), none begins with "leat_" or "process_"; no two are alike. A label has at
 * most 256 values, which are UTF-8. A function with _at takes the place of a value in that list, from 0; what is not in
 * the list is not counted. */
#ifndef LEAT_METRICS_PUBLIC_H
#define LEAT_METRICS_PUBLIC_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leat_counter leat_counter;     /* only rises */
typedef struct leat_gauge leat_gauge;         /* stands somewhere */
typedef struct leat_histogram leat_histogram; /* how values are spread: each within 2% */

/* None of these answers NULL; they go with app. values: NULL-terminated. */
LEAT_API leat_counter *leat_counter_create(leat_app *app, const char *name, const char *help);
LEAT_API leat_counter *leat_counter_create_labelled(leat_app *app, const char *name, const char *help,
                                                    const char *label, const char *const *values);
LEAT_API void leat_counter_add(leat_counter *counter, uint64_t more);
LEAT_API void leat_counter_add_at(leat_counter *counter, size_t value, uint64_t more);

/* A gauge is what it was last set to, and all that was added (less than 0: taken) since the start. */
LEAT_API leat_gauge *leat_gauge_create(leat_app *app, const char *name, const char *help);
LEAT_API leat_gauge *leat_gauge_create_labelled(leat_app *app, const char *name, const char *help,
                                                const char *label, const char *const *values);
LEAT_API void leat_gauge_set(leat_gauge *gauge, double value);
LEAT_API void leat_gauge_set_at(leat_gauge *gauge, size_t value, double number);
LEAT_API void leat_gauge_add(leat_gauge *gauge, double more);
LEAT_API void leat_gauge_add_at(leat_gauge *gauge, size_t value, double more);

/* What a histogram's numbers are. */
typedef enum leat_unit {
    LEAT_UNIT_NONE,        /* things: told as they are */
    LEAT_UNIT_BYTES,       /* told in bytes */
    LEAT_UNIT_NANOSECONDS, /* told in seconds */
} leat_unit;

/* Takes 10 KiB for each shard and value. */
LEAT_API leat_histogram *leat_histogram_create(leat_app *app, const char *name, const char *help,
                                               leat_unit unit);
LEAT_API leat_histogram *leat_histogram_create_labelled(leat_app *app, const char *name,
                                                        const char *help, leat_unit unit,
                                                        const char *label, const char *const *values);
LEAT_API void leat_histogram_record(leat_histogram *histogram, uint64_t number);
LEAT_API void leat_histogram_record_at(leat_histogram *histogram, size_t value, uint64_t number);

#ifdef __cplusplus
}
#endif

#endif
