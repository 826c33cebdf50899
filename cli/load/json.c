/* json.c: a load and its result as one JSON object. Its shape is in doc/LOAD.md, and its names stay: seconds end in _s, octets in
 * _bytes, what is not there is null. Histograms are sparse: a bucket is [upper bound in seconds, how many], and buckets are at
 * most 3.2% wide. */
#include "load/load.h"
#include "base/json_text.h"
#include "leat/leat.h"
#include "load/warnings.h"

enum { SHAPE = 1 };
static const double NS = 1e-9;

struct json {
    FILE *to;
    bool is_first; /* in the array or object that is open */
};

/* ── Values ── */

static void write_text(struct json *j, const char *text)
{
    char piece[256];
    const char *end = text + strlen(text);
    fputc('"', j->to);
    while (text < end)
        fwrite(piece, 1, leat__json_escape(piece, sizeof piece, &text, end), j->to);
    fputc('"', j->to);
}

/* Before a value: its comma, and its name in an object (NULL in an array). */
static void begin(struct json *j, const char *name)
{
    if (!j->is_first)
        fputs(", ", j->to);
    j->is_first = false;
    if (name != NULL) {
        write_text(j, name);
        fputs(": ", j->to);
    }
}

static void open(struct json *j, const char *name, char bracket)
{
    begin(j, name);
    fputc(bracket, j->to);
    j->is_first = true;
}

static void close(struct json *j, char bracket)
{
    fputc(bracket, j->to);
    j->is_first = false;
}

static void text(struct json *j, const char *name, const char *value)
{
    begin(j, name);
    write_text(j, value);
}

static void null(struct json *j, const char *name)
{
    begin(j, name);
    fputs("null", j->to);
}

static void count(struct json *j, const char *name, uint64_t value)
{
    char number[JSON_NUMBER_MAX];
    begin(j, name);
    fwrite(number, 1, leat__json_uint(number, value), j->to);
}

static void number(struct json *j, const char *name, double value)
{
    char digits[JSON_NUMBER_MAX];
    size_t size = leat__json_double(digits, value);
    if (size == 0) {
        null(j, name);
        return;
    }
    begin(j, name);
    fwrite(digits, 1, size, j->to);
}

/* Nanoseconds, told in seconds without digits that nobody measured. */
static void seconds(struct json *j, const char *name, uint64_t ns)
{
    begin(j, name);
    fprintf(j->to, "%llu.%09llu", (unsigned long long)(ns / 1000000000),
            (unsigned long long)(ns % 1000000000));
}

/* ── What was asked ── */

static void cores(struct json *j, const char *name, const cpu_set_t *set)
{
    open(j, name, '[');
    for (unsigned core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, set))
            count(j, NULL, core);
    close(j, ']');
}

static void requests_asked(struct json *j, const struct load_options *o)
{
    open(j, "requests", '[');
    for (uint32_t i = 0; i < o->request_count; i++) {
        const struct load_request *r = &o->requests[i];
        open(j, NULL, '{');
        text(j, "name", r->name);
        count(j, "weight", r->weight);
        if (r->status != 0)
            count(j, "status", r->status);
        else
            null(j, "status");
        count(j, "size_bytes", r->size);
        if (r->expected != NULL)
            count(j, "expected_bytes", r->expected_size);
        else
            null(j, "expected_bytes");
        close(j, '}');
    }
    close(j, ']');
}

static void options(struct json *j, const struct load_options *o)
{
    static const char *const loops[] = {"auto", "uring", "epoll", "sim"};
    static const char *const arrivals[] = {"closed", "constant", "poisson"};
    static const char *const verify[] = {"same", "length", "status"};
    open(j, "options", '{');
    text(j, "url", o->url);
    text(j, "loop", loops[o->loop]);
    count(j, "threads", o->threads);
    count(j, "active", o->active);
    count(j, "idle", o->idle);
    number(j, "idle_rate", o->idle_rate);
    count(j, "pipeline", o->pipeline);
    count(j, "requests_per_connection", o->per_connection);
    text(j, "arrivals", arrivals[o->arrivals]);
    number(j, "rate", o->rate);
    number(j, "ramp_s", o->ramp_s);
    number(j, "warmup_s", o->warmup_s);
    number(j, "duration_s", o->duration_s);
    count(j, "count", o->count);
    number(j, "timeout_s", (double)o->timeout_ms / 1000);
    text(j, "verify", verify[o->verify]);
    count(j, "sources", o->sources);
    cores(j, "cores", &o->active_cores);
    cores(j, "idle_cores", &o->idle_cores);
    if (o->pid > 0)
        count(j, "pid", (uint64_t)o->pid);
    else
        null(j, "pid");
    count(j, "seed", o->seed);
    requests_asked(j, o);
    close(j, '}');
}

/* ── What came ── */

static void histogram(struct json *j, const char *name, const struct histogram *h)
{
    static const struct {
        const char *name;
        double share;
    } shares[] = {{"p50_s", 0.5},  {"p90_s", 0.9},    {"p95_s", 0.95},
                  {"p99_s", 0.99}, {"p999_s", 0.999}, {"p9999_s", 0.9999}};
    uint64_t all = leat__histogram_count(h);
    open(j, name, '{');
    count(j, "count", all);
    if (all > 0)
        number(j, "mean_s", (double)h->sum / (double)all * NS);
    else
        null(j, "mean_s");
    for (unsigned i = 0; i < COUNT_OF(shares); i++)
        if (all > 0)
            seconds(j, shares[i].name, leat__histogram_quantile(h, shares[i].share));
        else
            null(j, shares[i].name);
    if (all > 0)
        seconds(j, "max_s", leat__histogram_max(h));
    else
        null(j, "max_s");
    open(j, "buckets", '[');
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (h->buckets[i] == 0)
            continue;
        open(j, NULL, '[');
        seconds(j, NULL, leat__histogram_last(i));
        count(j, NULL, h->buckets[i]);
        close(j, ']');
    }
    close(j, ']');
    close(j, '}');
}

static void group(struct json *j, const char *name, const struct load_group *g, double measured_s)
{
    uint64_t errors = 0;
    open(j, name, '{');
    count(j, "connections", g->connections);
    count(j, "opened", g->opened);
    count(j, "closed", g->closed);
    count(j, "requests", g->requests);
    count(j, "answers", g->answers);
    number(j, "answers_per_second", measured_s > 0 ? (double)g->answers / measured_s : 0);
    open(j, "errors", '{');
    for (enum load_error e = 0; e < LOAD_ERROR_COUNT; e++) {
        count(j, leat__load_error_name(e), g->errors[e]);
        errors += g->errors[e];
    }
    count(j, "all", errors);
    close(j, '}');
    count(j, "received_bytes", g->octets_in);
    count(j, "sent_bytes", g->octets_out);
    histogram(j, "latency", &g->latency);
    histogram(j, "service", &g->service);
    histogram(j, "connect", &g->connect);
    close(j, '}');
}

static void by_request(struct json *j, const struct load_options *o, const struct load_result *r)
{
    open(j, "requests", '[');
    for (uint32_t i = 0; r->by_request != NULL && i < o->request_count; i++) {
        open(j, NULL, '{');
        text(j, "name", o->requests[i].name);
        count(j, "answers", r->by_request[i].answers);
        count(j, "errors", r->by_request[i].errors);
        histogram(j, "latency", &r->by_request[i].latency);
        close(j, '}');
    }
    close(j, ']');
}

static void server(struct json *j, const struct load_server *s, uint64_t answers)
{
    if (!s->valid) {
        null(j, "server");
        return;
    }
    open(j, "server", '{');
    number(j, "cpu_s", s->cpu_s);
    number(j, "user_s", s->user_s);
    number(j, "system_s", s->system_s);
    if (answers > 0)
        number(j, "cpu_per_answer_s", s->cpu_s / (double)answers);
    else
        null(j, "cpu_per_answer_s");
    count(j, "resident_bytes", s->resident);
    count(j, "resident_before_bytes", s->resident_before);
    count(j, "peak_bytes", s->peak);
    count(j, "minor_faults", s->minor_faults);
    count(j, "major_faults", s->major_faults);
    count(j, "switches", s->switches);
    count(j, "switches_forced", s->switches_forced);
    count(j, "threads", s->threads);
    close(j, '}');
}

static void ran(struct json *j, const struct load_result *r)
{
    open(j, "ran", '{');
    text(j, "loop", r->loop != NULL ? r->loop : "");
    count(j, "threads", r->threads);
    count(j, "idle_threads", r->idle_threads);
    count(j, "sources", r->sources);
    close(j, '}');
    open(j, "own", '{');
    number(j, "cpu_s", r->own_cpu_s);
    count(j, "resident_bytes", r->own_resident);
    histogram(j, "lateness", &r->lateness);
    count(j, "missed", r->missed);
    close(j, '}');
}

static void warn(void *context, const char *line)
{
    text(context, NULL, line);
}

void leat__load_json(FILE *to, const struct load_options *o, const struct load_result *r)
{
    struct json j = {to, true};
    open(&j, NULL, '{');
    text(&j, "leat", LEAT_VERSION);
    count(&j, "shape", SHAPE);
    options(&j, o);
    ran(&j, r);
    number(&j, "measured_s", r->seconds);
    group(&j, "active", &r->active, r->seconds);
    group(&j, "idle", &r->idle, r->seconds);
    by_request(&j, o, r);
    server(&j, &r->server, r->active.answers + r->idle.answers);
    if (r->first_error[0] != '\0')
        text(&j, "first_error", r->first_error);
    else
        null(&j, "first_error");
    open(&j, "warnings", '[');
    leat__load_warnings(o, r, warn, &j);
    close(&j, ']');
    close(&j, '}');
    fputc('\n', to);
}
