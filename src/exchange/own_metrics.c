/* own_metrics.c: see own_metrics.h. */
#include "exchange/own_metrics.h"
#include "exchange/exchange.h"
#include "memory/seal.h"
#include "observe/expose.h"

/* ── Registering ── */

static const char *const makers[] = {"leat_counter_create", "leat_gauge_create", "leat_histogram_create"};

static size_t piece_size(enum own_kind kind)
{
    return kind == OWN_HISTOGRAM ? sizeof(struct histogram) : sizeof(uint64_t);
}

static void destroy(void *thing)
{
    struct own_metric *m = thing;
    for (uint32_t i = 0; m->values != NULL && i < m->value_count; i++)
        leat__start_free(m->values[i]);
    leat__start_free(m->values);
    leat__start_free(m->name);
    leat__start_free(m->help);
    leat__start_free(m->label);
    leat__start_free(m->elsewhere);
    leat__start_free(m->set);
    leat__start_free(m);
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool ends_in(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size > end_size && strcmp(text + size - end_size, end) == 0;
}

static bool is_name(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return text[0] != '\0' && strspn(text, letters) == strlen(text) &&
           (text[0] < '0' || text[0] > '9') && strlen(text) <= OWN_NAME_MAX;
}

/* A line on what is wrong with the name; NULL: it is good. */
static const char *complain_of_name(const struct own_metric *m)
{
    static const char *const taken[] = {"_total", "_count", "_sum", "_bucket", "_created", "_info"};
    const char *name = m->name;
    if (!is_name(name))
        return "a name is made of letters, digits and '_', begins with no digit, and has 96 of "
               "them at most";
    if (begins_with(name, "leat_") || begins_with(name, "process_") || begins_with(name, "__"))
        return "names that begin with leat_, process_ or __ are taken";
    if (m->kind == OWN_COUNTER)
        return ends_in(name, "_total") ? NULL : "a counter's name ends in _total";
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (ends_in(name, taken[i]))
            return "_total is for counters, and _count, _sum, _bucket, _created and _info for "
                   "nobody";
    if (m->kind == OWN_HISTOGRAM && m->unit == LEAT_UNIT_NANOSECONDS && !ends_in(name, "_seconds"))
        return "a histogram of nanoseconds is told in seconds: its name ends in _seconds";
    if (m->kind == OWN_HISTOGRAM && m->unit == LEAT_UNIT_BYTES && !ends_in(name, "_bytes"))
        return "a histogram of bytes has a name that ends in _bytes";
    if (m->kind == OWN_HISTOGRAM && (unsigned)m->unit > LEAT_UNIT_NANOSECONDS)
        return "there is no such unit";
    return NULL;
}

static const char *complain_of_label(const struct own_metric *m)
{
    if (m->label == NULL)
        return NULL;
    if (!is_name(m->label) || begins_with(m->label, "__") || strcmp(m->label, "le") == 0 ||
        strcmp(m->label, "quantile") == 0)
        return "a label's name is as a metric's; le, quantile, and what begins with __ are taken";
    if (m->value_count == 0 || m->value_count > OWN_VALUES_MAX)
        return "a label has 1 to 256 values";
    for (uint32_t i = 0; i < m->value_count; i++) {
        if (strlen(m->values[i]) > OWN_VALUE_MAX || !leat__expose_can_tell(m->values[i]))
            return "a label's value is UTF-8, 128 octets at most";
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(m->values[i], m->values[k]) == 0)
                return "a label has a value twice";
    }
    return NULL;
}

/* A counter's name counts without its end: OpenMetrics leaves that away. */
static bool is_same_family(const struct own_metric *a, const struct own_metric *b)
{
    size_t a_size = strlen(a->name) - (a->kind == OWN_COUNTER && ends_in(a->name, "_total") ? 6 : 0);
    size_t b_size = strlen(b->name) - (b->kind == OWN_COUNTER && ends_in(b->name, "_total") ? 6 : 0);
    return a_size == b_size && memcmp(a->name, b->name, a_size) == 0;
}

static uint32_t series_of(const struct own_metric *m)
{
    return m->value_count * (m->kind == OWN_HISTOGRAM ? OWN_HISTOGRAM_SERIES : 1);
}

static const char *complain(const leat_app *root, const struct own_metric *m)
{
    const char *what = complain_of_name(m);
    what = what != NULL ? what : complain_of_label(m);
    if (what == NULL &&
        (m->help[0] == '\0' || strlen(m->help) > OWN_HELP_MAX || !leat__expose_can_tell(m->help)))
        what = "say in help what it is, in UTF-8 and 400 octets at most";
    for (uint32_t i = 0; i < root->own_metric_count && what == NULL; i++)
        if (is_same_family(root->own_metrics[i], m))
            what = "there is one of that name";
    if (what == NULL && root->own_metric_count == OWN_METRICS_MAX)
        what = "an app has at most 256 metrics of its own";
    if (what == NULL && root->own_series + series_of(m) > OWN_SERIES_MAX)
        what = "with it, an app's metrics of its own are told in more than 16384 lines";
    return what;
}

static void copy_values(struct own_metric *m, const char *const *values)
{
    uint32_t count = 0;
    while (values != NULL && values[count] != NULL && count <= OWN_VALUES_MAX)
        count++;
    m->value_count = count;
    m->values = leat__start_alloc((count + 1) * sizeof *m->values);
    for (uint32_t i = 0; i < count; i++)
        m->values[i] = leat__start_copy(values[i]);
}

/* Even one that is no good is there: the program may go on, until it starts. */
static void *add(leat_app *app, enum own_kind kind, leat_unit unit, const char *name,
                 const char *help, bool is_labelled, const char *label, const char *const *values)
{
    leat_app *root = leat__app_root(app);
    struct own_metric *m = leat__start_alloc(sizeof *m);
    *m = (struct own_metric){.root = root, .kind = kind, .unit = unit, .value_count = 1};
    m->name = leat__start_copy(name != NULL ? name : "");
    m->help = leat__start_copy(help != NULL ? help : "");
    if (is_labelled) {
        m->label = leat__start_copy(label != NULL ? label : "");
        copy_values(m, values);
    }
    const char *wrong = complain(root, m);
    size_t size = align_up(piece_size(kind) * (m->value_count > 0 ? m->value_count : 1), CACHE_LINE);
    m->elsewhere = leat__start_alloc(size);
    if (kind == OWN_GAUGE)
        m->set = leat__start_alloc(size);
    leat__app_keep(root, m, destroy);
    if (wrong != NULL) {
        leat__app_error(root, "%s \"%s\": %s", makers[kind], m->name, wrong);
        m->root = NULL;
        return m;
    }
    root->own_series += series_of(m);
    root->own_metrics_shared += size * (kind == OWN_GAUGE ? 2 : 1);
    m->offset = root->own_metrics_size;
    root->own_metrics_size += piece_size(kind) * m->value_count;
    root->own_metrics = leat__start_grow(root->own_metrics, root->own_metric_count * sizeof(void *),
                                         (root->own_metric_count + 1) * sizeof(void *));
    root->own_metrics[root->own_metric_count++] = m;
    return m;
}

leat_counter *leat_counter_create(leat_app *app, const char *name, const char *help)
{
    return add(app, OWN_COUNTER, LEAT_UNIT_NONE, name, help, false, NULL, NULL);
}

leat_counter *leat_counter_create_labelled(leat_app *app, const char *name, const char *help,
                                           const char *label, const char *const *values)
{
    return add(app, OWN_COUNTER, LEAT_UNIT_NONE, name, help, true, label, values);
}

leat_gauge *leat_gauge_create(leat_app *app, const char *name, const char *help)
{
    return add(app, OWN_GAUGE, LEAT_UNIT_NONE, name, help, false, NULL, NULL);
}

leat_gauge *leat_gauge_create_labelled(leat_app *app, const char *name, const char *help,
                                       const char *label, const char *const *values)
{
    return add(app, OWN_GAUGE, LEAT_UNIT_NONE, name, help, true, label, values);
}

leat_histogram *leat_histogram_create(leat_app *app, const char *name, const char *help, leat_unit unit)
{
    return add(app, OWN_HISTOGRAM, unit, name, help, false, NULL, NULL);
}

leat_histogram *leat_histogram_create_labelled(leat_app *app, const char *name, const char *help,
                                               leat_unit unit, const char *label,
                                               const char *const *values)
{
    return add(app, OWN_HISTOGRAM, unit, name, help, true, label, values);
}

/* ── Counting ── */

/* The metric's piece of this shard's memory; NULL: this is no thread of a shard of its app. */
static inline void *piece_here(const struct own_metric *m, size_t value)
{
    struct shard_memory *memory = leat__shard_memory_here;
    if (UNLIKELY(memory == NULL || memory->own_metrics_of != m->root || memory->own_metrics == NULL))
        return NULL;
    return memory->own_metrics + m->offset + value * piece_size(m->kind);
}

static inline void *piece_elsewhere(const struct own_metric *m, size_t value)
{
    return m->elsewhere + value * piece_size(m->kind);
}

void leat_counter_add_at(leat_counter *counter, size_t value, uint64_t more)
{
    const struct own_metric *m = &counter->metric;
    if (UNLIKELY(value >= m->value_count))
        return;
    uint64_t *here = piece_here(m, value);
    if (LIKELY(here != NULL))
        tally(here, more);
    else
        __atomic_fetch_add((uint64_t *)piece_elsewhere(m, value), more, __ATOMIC_RELAXED);
}

void leat_counter_add(leat_counter *counter, uint64_t more)
{
    leat_counter_add_at(counter, 0, more);
}

static double of_bits(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

void leat_gauge_set_at(leat_gauge *gauge, size_t value, double number)
{
    if (value < gauge->metric.value_count)
        __atomic_store_n(&gauge->metric.set[value], bits_of(number), __ATOMIC_RELAXED);
}

void leat_gauge_set(leat_gauge *gauge, double value)
{
    leat_gauge_set_at(gauge, 0, value);
}

void leat_gauge_add_at(leat_gauge *gauge, size_t value, double more)
{
    const struct own_metric *m = &gauge->metric;
    if (UNLIKELY(value >= m->value_count))
        return;
    uint64_t *here = piece_here(m, value);
    if (LIKELY(here != NULL)) {
        __atomic_store_n(here, bits_of(of_bits(tally_read(here)) + more), __ATOMIC_RELAXED);
        return;
    }
    uint64_t *shared = piece_elsewhere(m, value), before = tally_read(shared);
    while (!__atomic_compare_exchange_n(shared, &before, bits_of(of_bits(before) + more), true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
}

void leat_gauge_add(leat_gauge *gauge, double more)
{
    leat_gauge_add_at(gauge, 0, more);
}

void leat_histogram_record_at(leat_histogram *histogram, size_t value, uint64_t number)
{
    const struct own_metric *m = &histogram->metric;
    if (UNLIKELY(value >= m->value_count))
        return;
    struct histogram *here = piece_here(m, value);
    if (LIKELY(here != NULL))
        histogram_record(here, number);
    else
        leat__histogram_record_shared(piece_elsewhere(m, value), number);
}

void leat_histogram_record(leat_histogram *histogram, uint64_t number)
{
    leat_histogram_record_at(histogram, 0, number);
}

/* ── Reading ── */

void leat__app_own_metrics_plan(leat_app *app, struct plan_input *input)
{
    const leat_app *root = leat__app_root(app);
    input->own_metrics = root->own_metrics_size;
    input->own_metrics_shared = root->own_metrics_shared;
    input->own_metrics_of = root;
}

static const void *piece_of(const struct own_metric *m, uint32_t value, const char *memory)
{
    return (memory != NULL ? memory + m->offset : m->elsewhere) + value * piece_size(m->kind);
}

double leat__own_number(const struct own_metric *m, uint32_t value, const char *memory)
{
    uint64_t word = tally_read(piece_of(m, value, memory));
    if (m->kind != OWN_GAUGE)
        return (double)word;
    return of_bits(word) + (memory == NULL ? of_bits(tally_read(&m->set[value])) : 0);
}

void leat__own_add_histogram(const struct own_metric *m, uint32_t value, const char *memory,
                             struct histogram *sum)
{
    leat__histogram_add(sum, piece_of(m, value, memory));
}
