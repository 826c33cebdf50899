/* own_metrics.h: what a program counts itself (leat/metrics.h), and how it is read.
 *
 * A metric has a piece of memory for each value of its label: 8 bytes (a counter's number, a gauge's double), or a struct
 * histogram. These pieces lie one behind the other in every shard's memory (struct shard_memory's own_metrics), where only that
 * shard's thread writes, and once more, of all other threads, in `elsewhere`, by atomic additions. A gauge's values that
 * were set are in `set`. Who reads adds up. */
#ifndef LEAT_OWN_METRICS_H
#define LEAT_OWN_METRICS_H

#include "exchange/app.h"
#include "leat/metrics.h"
#include "observe/histogram.h"

enum own_kind { OWN_COUNTER, OWN_GAUGE, OWN_HISTOGRAM };

enum {
    OWN_METRICS_MAX = 256,     /* of an app */
    OWN_VALUES_MAX = 256,      /* of a label */
    OWN_SERIES_MAX = 16384,    /* of an app, as they are told */
    OWN_HISTOGRAM_SERIES = 24, /* of a histogram's value, at most */
    OWN_NAME_MAX = 96,
    OWN_VALUE_MAX = 128,
    OWN_HELP_MAX = 400,
};

struct own_metric {
    const leat_app *root;
    enum own_kind kind;
    leat_unit unit;
    uint32_t value_count; /* at least 1 */
    size_t offset;        /* in a shard's memory */
    char *name, *help;
    char *label;   /* NULL: none */
    char **values; /* value_count, where there is a label */
    char *elsewhere;
    uint64_t *set; /* doubles' bits; NULL: no gauge */
};

struct leat_counter {
    struct own_metric metric;
};
struct leat_gauge {
    struct own_metric metric;
};
struct leat_histogram {
    struct own_metric metric;
};

/* One value's part, from any thread. memory: own_metrics of a shard of this app; NULL: what was counted by other threads, and
 * set. */
double leat__own_number(const struct own_metric *metric, uint32_t value, const char *memory);
void leat__own_add_histogram(const struct own_metric *metric, uint32_t value, const char *memory,
                             struct histogram *sum);

#endif
