/* run.c: a whole load: the calling thread chooses, probes, starts threads, sets the clock of the phases, tells how it stands
 * and adds everything up. It makes no request of the load itself. */
#include "load/engine.h"
#include "memory/seal.h"
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MOMENT_MS = 100, BEGIN_MS = 20, LAST_MS = 500, BURST_MAX = 65536 };

/* ── Choices ──────────────────────────────────────────────────────────────────────────────────────────────── */

void leat__load_pin(const cpu_set_t *cores)
{
    if (CPU_COUNT(cores) > 0)
        pthread_setaffinity_np(pthread_self(), sizeof *cores, cores);
}

int leat__load_own_table(const struct load_run *run)
{
    int error = leat__dial_own_table();
    uint64_t threads = run->worker_count + run->holder_count;
    uint64_t all = (uint64_t)run->o->active + run->o->idle + threads * DIAL_RESERVE;
    return error < 0 && all <= run->per_thread ? 0 : error;
}

uint32_t leat__load_choose(const struct load_run *run, uint64_t *chance)
{
    uint32_t count = run->o->request_count, i = 0;
    if (LIKELY(count == 1))
        return 0;
    uint32_t at = chance_below(chance, run->weights[count - 1]);
    while (at >= run->weights[i])
        i++;
    return i;
}

/* Where there are four cores or more the groups are kept apart, and away from the first ones, where servers tend to be. */
static void choose_cores(struct load_run *run)
{
    enum { ENOUGH = 4 };
    cpu_set_t all;
    run->active_cores = run->o->active_cores;
    run->idle_cores = run->o->idle_cores;
    if (sched_getaffinity(0, sizeof all, &all) < 0 || CPU_COUNT(&all) < ENOUGH)
        return;
    int count = CPU_COUNT(&all), nth = 0;
    bool active = CPU_COUNT(&run->active_cores) == 0, idle = CPU_COUNT(&run->idle_cores) == 0;
    for (int core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, &all))
            continue;
        if (active && nth >= count / 2 && (nth < count - 1 || run->o->idle == 0))
            CPU_SET(core, &run->active_cores);
        if (idle && nth == count - 1)
            CPU_SET(core, &run->idle_cores);
        nth++;
    }
}

static uint32_t at_least(uint32_t wanted, uint32_t connections, uint32_t per_thread)
{
    uint32_t needed = (connections + per_thread - 1) / per_thread;
    return wanted > needed ? wanted : needed;
}

static int choose_threads(struct load_run *run, char *error, size_t error_size)
{
    const struct load_options *o = run->o;
    uint32_t chosen = o->threads;
    if (chosen == 0)
        chosen = CPU_COUNT(&run->active_cores) > 0 ? (uint32_t)CPU_COUNT(&run->active_cores) : 1;
    if (chosen > o->active)
        chosen = o->active;
    run->worker_count = at_least(chosen, o->active, run->per_thread);
    run->holder_count = at_least(0, o->idle, run->per_thread);
    if (run->worker_count <= LOAD_THREADS_MAX && run->holder_count <= LOAD_THREADS_MAX)
        return 0;
    snprintf(
        error, error_size,
        "at most %llu connections of a group fit: a thread may have %u descriptors (ulimit -n)",
        (unsigned long long)run->per_thread * LOAD_THREADS_MAX, run->per_thread);
    return -EMFILE;
}

/* Copies of the only request, so that pipelined ones are one piece. */
static void make_burst(struct load_run *run)
{
    const struct load_options *o = run->o;
    uint32_t total = 0;
    for (uint32_t i = 0; i < o->request_count; i++)
        run->weights[i] = total += o->requests[i].weight;
    if (o->request_count != 1)
        return;
    size_t size = o->requests[0].size, copies = BURST_MAX / (size > 0 ? size : 1);
    run->burst_copies = copies == 0 ? 1 : copies > o->pipeline ? o->pipeline : (uint32_t)copies;
    run->burst = leat__start_alloc_uncleared(size * run->burst_copies);
    for (uint32_t i = 0; i < run->burst_copies; i++)
        memcpy(run->burst + i * size, o->requests[0].octets, size);
}

/* ── Threads ──────────────────────────────────────────────────────────────────────────────────────────────── */

/* Shares that differ by one at most. */
static uint64_t share_of(uint64_t whole, uint32_t nth, uint32_t count)
{
    return whole / count + (nth < whole % count);
}

static int start_workers(struct load_run *run)
{
    const struct load_options *o = run->o;
    uint32_t first = o->idle, count = run->worker_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t share = (uint32_t)share_of(o->active, i, count);
        struct load_worker *w = leat__worker_create(run, i, share, first);
        first += share;
        if (o->count > 0)
            w->may_send = share_of(o->count, i, count);
        run->workers[i] = w;
    }
    for (; run->workers_started < count; run->workers_started++) {
        int error = leat__worker_start(run->workers[run->workers_started]);
        if (error < 0)
            return error;
    }
    return 0;
}

static int start_holders(struct load_run *run)
{
    uint32_t first = 0, count = run->holder_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t share = (uint32_t)share_of(run->o->idle, i, count);
        run->holders[i] = leat__holder_create(run, i, share, first);
        first += share;
    }
    for (; run->holders_started < count; run->holders_started++) {
        int error = leat__holder_start(run->holders[run->holders_started]);
        if (error < 0)
            return error;
    }
    return 0;
}

static bool workers_are(const struct load_run *run, int state)
{
    for (uint32_t i = 0; i < run->worker_count; i++)
        if (atomic_load(&run->workers[i]->state) < state)
            return false;
    return true;
}

static bool holders_are(const struct load_run *run, int state)
{
    for (uint32_t i = 0; i < run->holder_count; i++)
        if (atomic_load(&run->holders[i]->state) < state)
            return false;
    return true;
}

static int failed_thread(const struct load_run *run)
{
    for (uint32_t i = 0; i < run->worker_count; i++)
        if (atomic_load(&run->workers[i]->state) == THREAD_FAILED)
            return run->workers[i]->error;
    for (uint32_t i = 0; i < run->holder_count; i++)
        if (atomic_load(&run->holders[i]->state) == THREAD_FAILED)
            return run->holders[i]->error;
    return 0;
}

/* ── Telling ──────────────────────────────────────────────────────────────────────────────────────────────── */

struct teller {
    load_progress *progress;
    void *context;
    struct histogram last, now; /* latency, since it was measured */
    uint64_t answers;
    int64_t told_ns;
    bool goes_on;
};

static void add_up(const struct load_run *run, struct load_moment *m, struct histogram *latency)
{
    memset(latency, 0, sizeof *latency);
    for (uint32_t i = 0; i < run->worker_count; i++) {
        struct load_worker *w = run->workers[i];
        m->active += tally_read(&w->up);
        if (atomic_load(&w->state) == THREAD_STARTING)
            continue; /* its memory is not made yet */
        for (unsigned e = 0; e < LOAD_ERROR_COUNT; e++)
            m->errors += tally_read(&w->group.errors[e]);
        for (uint32_t q = 0; w->by_request != NULL && q < run->o->request_count; q++) {
            m->answers += tally_read(&w->by_request[q].answers);
            leat__histogram_add(latency, &w->by_request[q].latency);
        }
    }
    for (uint32_t i = 0; i < run->holder_count; i++)
        m->idle += tally_read(&run->holders[i]->up);
}

static void tell(struct load_run *run, struct teller *t, enum load_phase phase, int64_t since_ns,
                 double length_s)
{
    int64_t now = leat__clock_now_ns();
    if (t->progress == NULL)
        return;
    struct load_moment m = {.phase = phase, .seconds = (double)(now - since_ns) / 1e9};
    m.share = length_s > 0 ? m.seconds / length_s : 0;
    add_up(run, &m, &t->now);
    if (phase == LOAD_CONNECTING)
        m.share = (double)(m.active + m.idle) / ((double)run->o->active + run->o->idle);
    else if (phase == LOAD_MEASURING && run->o->count > 0)
        m.share = (double)(m.answers + m.errors) / (double)run->o->count;
    m.share = m.share > 1 ? 1 : m.share;
    struct histogram since = t->now;
    leat__histogram_subtract(&since, &t->last);
    m.p50_ns = leat__histogram_quantile(&since, 0.5);
    m.p99_ns = leat__histogram_quantile(&since, 0.99);
    if (now > t->told_ns)
        m.per_second = (double)(m.answers - t->answers) * 1e9 / (double)(now - t->told_ns);
    t->last = t->now;
    t->answers = m.answers;
    t->told_ns = now;
    t->goes_on = t->progress(t->context, &m) && t->goes_on;
}

static void sleep_until(int64_t ns)
{
    struct timespec at = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static int64_t next_moment(int64_t until_ns)
{
    int64_t moment = leat__clock_now_ns() + MOMENT_MS * LOAD_NS_PER_MS;
    return moment < until_ns ? moment : until_ns;
}

/* ── Phases ───────────────────────────────────────────────────────────────────────────────────────────────── */

static int wait_for_connections(struct load_run *run, struct teller *t)
{
    int64_t since = leat__clock_now_ns();
    while (!(holders_are(run, THREAD_READY) && workers_are(run, THREAD_READY)) && t->goes_on) {
        if (holders_are(run, THREAD_READY))
            atomic_store_explicit(&run->may_connect, true, memory_order_release);
        sleep_until(leat__clock_now_ns() + 2 * LOAD_NS_PER_MS);
        if (leat__clock_now_ns() - t->told_ns >= MOMENT_MS * LOAD_NS_PER_MS)
            tell(run, t, LOAD_CONNECTING, since, 0);
    }
    return failed_thread(run);
}

static void set_clock(struct load_run *run)
{
    int64_t begin = leat__clock_now_ns() + BEGIN_MS * LOAD_NS_PER_MS;
    int64_t start = begin + (int64_t)(run->o->warmup_s * 1e9);
    int64_t end = run->o->duration_s > 0 ? start + (int64_t)(run->o->duration_s * 1e9) : INT64_MAX;
    atomic_store(&run->start_ns, start);
    atomic_store(&run->end_ns, end);
    atomic_store_explicit(&run->begin_ns, begin, memory_order_release);
}

static void measure(struct load_run *run, struct teller *t)
{
    struct load_watch before, after;
    pid_t pid = run->o->pid;
    int64_t begin = atomic_load(&run->begin_ns), start = atomic_load(&run->start_ns);
    int64_t end = atomic_load(&run->end_ns);
    while (t->goes_on && leat__clock_now_ns() < start) {
        sleep_until(next_moment(start));
        tell(run, t, LOAD_WARMING, begin, run->o->warmup_s);
    }
    bool watched = pid != 0 && leat__load_watch(&before, pid) == 0;
    while (t->goes_on && leat__clock_now_ns() < end && !workers_are(run, THREAD_DONE)) {
        sleep_until(next_moment(end));
        tell(run, t, LOAD_MEASURING, start, run->o->duration_s);
    }
    if (watched && leat__load_watch(&after, pid) == 0)
        leat__load_watch_difference(&run->r->server, &before, &after);
    if (leat__clock_now_ns() < end) {
        end = leat__clock_now_ns();
        atomic_store(&run->end_ns, end);
    }
    while (!(workers_are(run, THREAD_DONE) && holders_are(run, THREAD_DONE))) {
        if (!t->goes_on && leat__clock_now_ns() - end > LAST_MS * (int64_t)LOAD_NS_PER_MS)
            return; /* ended early: what is not answered soon is let go */
        sleep_until(leat__clock_now_ns() + 2 * LOAD_NS_PER_MS);
        if (leat__clock_now_ns() - t->told_ns >= MOMENT_MS * LOAD_NS_PER_MS)
            tell(run, t, LOAD_ENDING, end, run->o->timeout_ms / 1e3);
    }
}

/* ── The sum ──────────────────────────────────────────────────────────────────────────────────────────────── */

static void add_group(struct load_group *to, const struct load_group *from)
{
    to->connections += from->connections;
    to->opened += from->opened;
    to->closed += from->closed;
    to->requests += from->requests;
    to->answers += from->answers;
    for (unsigned e = 0; e < LOAD_ERROR_COUNT; e++)
        to->errors[e] += from->errors[e];
    to->octets_in += from->octets_in;
    to->octets_out += from->octets_out;
    leat__histogram_add(&to->latency, &from->latency);
    leat__histogram_add(&to->service, &from->service);
    leat__histogram_add(&to->connect, &from->connect);
}

static void add_words(struct load_failure *first, const struct load_failure *words)
{
    if (words->at_ns != 0 && (first->at_ns == 0 || words->at_ns < first->at_ns))
        *first = *words;
}

static uint64_t own_resident(void)
{
    char line[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    const char *second = fgets(line, sizeof line, file) != NULL ? strchr(line, ' ') : NULL;
    fclose(file);
    return second != NULL ? strtoul(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void add_holders(struct load_run *run)
{
    for (uint32_t i = 0; i < run->holder_count; i++) {
        const struct load_holder *h = run->holders[i];
        add_group(&run->r->idle, &h->group);
        leat__histogram_add(&run->r->lateness, &h->lateness);
        run->r->missed += h->missed;
        add_words(&run->words, &h->words);
    }
    uint64_t errors = 0;
    for (unsigned e = 0; e < LOAD_ERROR_COUNT; e++)
        errors += run->r->active.errors[e] + run->r->idle.errors[e];
    if (errors > 0)
        memcpy(run->r->first_error, run->words.text, sizeof run->r->first_error);
}

static void add_workers(struct load_run *run)
{
    struct load_result *r = run->r;
    int64_t last = 0;
    for (uint32_t i = 0; i < run->worker_count; i++) {
        const struct load_worker *w = run->workers[i];
        add_group(&r->active, &w->group);
        leat__histogram_add(&r->lateness, &w->lateness);
        r->own_cpu_s += w->cpu_s;
        r->missed += w->missed;
        last = w->last_ns > last ? w->last_ns : last;
        add_words(&run->words, &w->words);
        for (uint32_t q = 0; q < run->o->request_count; q++) {
            struct load_by_request *by = &r->by_request[q];
            by->answers += w->by_request[q].answers;
            by->errors += w->by_request[q].errors;
            leat__histogram_add(&by->latency, &w->by_request[q].latency);
        }
    }
    for (uint32_t q = 0; q < run->o->request_count; q++) {
        r->active.answers += r->by_request[q].answers;
        leat__histogram_add(&r->active.latency, &r->by_request[q].latency);
    }
    if (run->o->arrivals == LOAD_CLOSED)
        r->active.service = r->active.latency;
    int64_t start = atomic_load(&run->start_ns), end = atomic_load(&run->end_ns);
    if (run->o->count > 0 && last > start && last < end)
        end = last;
    r->seconds = end > start && end != INT64_MAX ? (double)(end - start) / 1e9 : 0;
}

/* ── The whole ────────────────────────────────────────────────────────────────────────────────────────────── */

static int carry_out(struct load_run *run, struct teller *t, char *error, size_t error_size)
{
    int result = start_holders(run);
    if (result == 0)
        result = start_workers(run);
    if (result == 0)
        result = wait_for_connections(run, t);
    if (result == 0 && t->goes_on) {
        run->r->loop = run->workers[0]->loop.backend->name;
        set_clock(run);
        measure(run, t);
    }
    if (result < 0)
        snprintf(error, error_size, "a thread of the load could not start: %s", strerror(-result));
    run->r->own_resident = own_resident();
    atomic_store(&run->stop, true);
    for (uint32_t i = 0; i < run->workers_started; i++)
        leat__worker_join(run->workers[i]);
    for (uint32_t i = 0; i < run->holders_started; i++)
        leat__holder_join(run->holders[i]);
    if (result == 0) {
        add_workers(run);
        add_holders(run);
    }
    return result;
}

static struct load_run *create_run(const struct load_options *o, struct load_result *r)
{
    struct load_run *run = leat__start_alloc(sizeof *run);
    memset(r, 0, sizeof *r);
    r->by_request = leat__start_alloc(o->request_count * sizeof *r->by_request);
    r->loop = "";
    run->o = o;
    run->r = r;
    run->begin_ns = run->start_ns = run->end_ns = INT64_MAX;
    run->per_thread = leat__dial_per_thread();
    leat__dial_init(&run->dial, o, o->active + o->idle);
    choose_cores(run);
    make_burst(run);
    return run;
}

static void destroy_run(struct load_run *run)
{
    for (uint32_t i = 0; i < LOAD_THREADS_MAX; i++)
        if (run->workers[i] != NULL)
            leat__worker_destroy(run->workers[i]);
    for (uint32_t i = 0; i < LOAD_THREADS_MAX; i++)
        if (run->holders[i] != NULL)
            leat__holder_destroy(run->holders[i]);
    leat__probe_free(run);
    if (run->burst != NULL)
        leat__start_free(run->burst);
    leat__start_free(run);
}

int leat__load_run(const struct load_options *o, struct load_result *r, load_progress *progress,
                   void *context, char *error, size_t error_size)
{
    struct load_run *run = create_run(o, r);
    struct teller *t = leat__start_alloc(sizeof *t);
    t->progress = progress;
    t->context = context;
    t->goes_on = true;
    int result = choose_threads(run, error, error_size);
    if (result == 0)
        result = leat__probe_all(run, error, error_size);
    if (result == 0)
        result = carry_out(run, t, error, error_size);
    r->threads = run->worker_count;
    r->idle_threads = run->holder_count;
    r->sources = run->dial.sources;
    leat__start_free(t);
    destroy_run(run);
    if (result < 0)
        leat__load_result_free(r);
    return result;
}

void leat__load_result_free(struct load_result *r)
{
    if (r->by_request != NULL)
        leat__start_free(r->by_request);
    r->by_request = NULL;
}
