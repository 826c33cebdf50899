/* look.c: asking the shards, the kernel and the clocks. See look.h. The files of /proc are opened once, before the seal, and
 * read again by pread. */
#include "admin/look.h"
#include "admin/proc.h"
#include "base/clock.h"
#include "memory/seal.h"
#include "task/blocking.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PROC_TEXT = 4096, NETSTAT_TEXT = 16384, LOOK_SHARDS_MAX = PLAN_SHARDS_MAX };

struct looker {
    const struct look_source *source;
    struct look look;
    bool is_looking;    /* a handler is at it: others wait for what it finds */
    unsigned *fillings; /* of each shard's reports, when they were asked last */
    int64_t *silent_since_ms; /* … when the first of those was asked that it has not answered; 0: it answers */
    struct conn_report report;
    struct histogram sum;
    struct route_metrics row;
    /* Counts that are found by taking one from another, which was counted a moment before or behind: what was told once is
     * never told smaller again. */
    uint64_t told_2xx[PLAN_METRICS_ROUTES];
    uint64_t told_at_once[LOOK_HISTOGRAMS];
    int64_t began_ms;
    int stat, netstat, snmp, sockstat; /* -1: this machine has none */
    char text[NETSTAT_TEXT];
};

struct looker *leat__looker_create(void)
{
    struct looker *l = leat__start_alloc(sizeof *l);
    l->stat = l->netstat = l->snmp = l->sockstat = -1;
    return l;
}

void leat__looker_begin(struct looker *l, const struct look_source *source)
{
    l->source = l->look.source = source;
    l->look.shards = source->shard_count;
    memset(l->told_2xx, 0, sizeof l->told_2xx);
    memset(l->told_at_once, 0, sizeof l->told_at_once);
    l->fillings = leat__start_alloc(source->shard_count * sizeof *l->fillings);
    l->silent_since_ms = leat__start_alloc(source->shard_count * sizeof *l->silent_since_ms);
    l->began_ms = leat__clock_now_ms();
    l->stat = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    l->netstat = open("/proc/self/net/netstat", O_RDONLY | O_CLOEXEC);
    l->snmp = open("/proc/self/net/snmp", O_RDONLY | O_CLOEXEC);
    l->sockstat = open("/proc/self/net/sockstat", O_RDONLY | O_CLOEXEC);
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void leat__looker_end(struct looker *l)
{
    leat__start_free(l->fillings);
    leat__start_free(l->silent_since_ms);
    l->fillings = NULL;
    l->silent_since_ms = NULL;
    close_one(&l->stat);
    close_one(&l->netstat);
    close_one(&l->snmp);
    close_one(&l->sockstat);
}

/* ── The shards ── */

static struct conns *shard(const struct looker *l, uint32_t i)
{
    return l->source->shard(l->source->server, i);
}

/* How many reports it has laid down. */
static unsigned fillings_of(const struct looker *l, uint32_t i)
{
    return atomic_load_explicit(&shard(l, i)->reported.fillings, memory_order_relaxed) / 2;
}

static void ask_shards(struct looker *l, int64_t now_ms)
{
    static const struct mail ask = {.kind = MAIL_REPORT};
    for (uint32_t i = 0; i < l->source->shard_count; i++) {
        unsigned fillings = fillings_of(l, i);
        if (fillings != l->fillings[i] || l->silent_since_ms[i] == 0)
            l->silent_since_ms[i] = now_ms; /* nothing was asked before that it has not answered */
        l->fillings[i] = fillings;
        leat__loop_post(shard(l, i)->loop.mailbox, &ask); /* full: it is not being read */
    }
}

static uint32_t count_silent(struct looker *l)
{
    uint32_t silent = 0;
    for (uint32_t i = 0; i < l->source->shard_count; i++) {
        if (fillings_of(l, i) == l->fillings[i])
            silent++;
        else
            l->silent_since_ms[i] = 0;
    }
    return silent;
}

/* false: who asked has gone; that says nothing about the shards. */
static bool wait_for_shards(struct looker *l, struct look *look)
{
    int64_t began_ms = leat__clock_now_ms(), now_ms = began_ms;
    uint32_t silent;
    ask_shards(l, began_ms);
    while ((silent = count_silent(l)) > 0 && now_ms - began_ms < LOOK_PATIENCE_MS) {
        if (leat_sleep_ms(1) < 0)
            return false;
        now_ms = leat__clock_now_ms();
    }
    look->silent = silent;
    look->silence_ms = 0;
    for (uint32_t i = 0; i < l->source->shard_count; i++) {
        int64_t since_ms = l->silent_since_ms[i];
        uint64_t silence = since_ms != 0 ? (uint64_t)(now_ms - since_ms) : 0;
        look->silence_ms = silence > look->silence_ms ? silence : look->silence_ms;
    }
    return true;
}

static void add_words(void *to, const void *from, size_t size)
{
    uint64_t *sums = to;
    const uint64_t *numbers = from;
    for (size_t i = 0; i < size / sizeof(uint64_t); i++)
        sums[i] += numbers[i];
}

/* Everything in a report is a number that can be added up, but for what is the same in all. */
static void add_report(struct conn_report *all, const struct conn_report *one)
{
    uint64_t each[REPORT_POOLS_MAX];
    uint64_t count = one->pool_count;
    for (uint64_t i = 0; i < count; i++)
        each[i] = one->pools[i].each;
    add_words(all, one, sizeof *all);
    all->pool_count = count;
    for (uint64_t i = 0; i < count; i++)
        all->pools[i].each = each[i];
}

static void sum_shards(struct looker *l, struct look *look)
{
    memset(&look->all, 0, sizeof look->all);
    look->received = look->sent = look->sse = 0;
    for (uint32_t i = 0; i < l->source->shard_count; i++) {
        const struct conns *c = shard(l, i);
        const struct metrics *m = c->common.metrics;
        if (leat__report_read(&c->reported, &l->report) > 0)
            add_report(&look->all, &l->report);
        look->received += tally_read(&m->received);
        look->sent += tally_read(&m->sent);
        uint64_t ended = tally_read(&m->sse_ended); /* first: so it is never more than those begun */
        look->sse += tally_read(&m->sse_begun) - ended;
    }
    look->log_dropped = look->all.log_dropped;
}

static void sum_blocking(const struct leat_app *app, struct look *look)
{
    look->blocking_threads = look->blocking_busy = look->blocking_queued = 0;
    for (uint32_t i = 0; i < app->blocking_count; i++) {
        struct leat_blocking *pool = app->blocking[i];
        pthread_mutex_lock(&pool->lock);
        look->blocking_threads += pool->running;
        look->blocking_busy += pool->busy;
        look->blocking_queued += pool->queued;
        pthread_mutex_unlock(&pool->lock);
    }
}

/* ── The kernel ── */

/* "" when there is no such file. */
static const char *read_again(struct looker *l, int fd)
{
    ssize_t size = fd >= 0 ? pread(fd, l->text, sizeof l->text - 1, 0) : 0;
    l->text[size > 0 ? size : 0] = '\0';
    return l->text;
}

static void ask_network(struct looker *l, struct look_network *n)
{
    const char *text = read_again(l, l->sockstat);
    n->tcp_memory = leat__proc_sockstat(text, "TCP:", "mem") * PAGE_SIZE_BYTES;
    n->listen_overflows = leat__proc_column(read_again(l, l->netstat), "TcpExt:", "ListenOverflows");
    n->tcp_retransmits = leat__proc_column(read_again(l, l->snmp), "Tcp:", "RetransSegs");
    n->accept_waiting = n->accept_most = 0;
    for (uint32_t i = 0; i < l->source->listener_count; i++) {
        uint32_t waiting, most;
        if (leat__net_accept_queue(l->source->listeners[i], &waiting, &most)) {
            n->accept_waiting += waiting;
            n->accept_most += most;
        }
    }
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void ask_process(struct looker *l, struct look_process *p)
{
    struct rusage usage;
    struct rlimit limit;
    struct stat descriptors;
    getrusage(RUSAGE_SELF, &usage);
    p->cpu_user_s = seconds(usage.ru_utime);
    p->cpu_system_s = seconds(usage.ru_stime);
    p->faults_minor = (uint64_t)usage.ru_minflt;
    p->faults_major = (uint64_t)usage.ru_majflt;
    p->switches_voluntary = (uint64_t)usage.ru_nvcsw;
    p->switches_involuntary = (uint64_t)usage.ru_nivcsw;
    const char *text = read_again(l, l->stat);
    p->threads = leat__proc_stat(text, 20);
    p->virtual_size = leat__proc_stat(text, 23);
    p->resident = leat__proc_stat(text, 24) * PAGE_SIZE_BYTES;
    p->descriptors_max = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
    bool is_told = stat("/proc/self/fd", &descriptors) == 0 && descriptors.st_size > 0; /* since Linux 6.2 */
    p->descriptors = is_told ? (uint64_t)descriptors.st_size
                             : l->look.all.open + l->source->listener_count;
}

/* ── Looking ── */

const struct look *leat__look(struct looker *l)
{
    struct look *look = &l->look;
    struct timespec now;
    while (l->is_looking)
        if (leat_sleep_ms(1) < 0)
            return look;
    if (look->at_ms != 0 && leat__clock_now_ms() - look->at_ms < LOOK_FRESH_MS)
        return look;
    l->is_looking = true;
    bool waited = wait_for_shards(l, look);
    l->is_looking = false;
    if (!waited)
        return look; /* as it was before: nobody reads it */
    sum_shards(l, look);
    sum_blocking(l->source->app, look);
    ask_process(l, &look->process);
    ask_network(l, &look->network);
    clock_gettime(CLOCK_REALTIME, &now);
    look->realtime_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    look->uptime_s = (double)(leat__clock_now_ms() - l->began_ms) / 1000;
    look->at_ms = leat__clock_now_ms();
    return look;
}

static const struct histogram *of_phase(const struct metrics *m, enum look_histogram which)
{
    switch (which) {
    case LOOK_TURN:
        return &m->turn;
    case LOOK_LATENESS:
        return &m->lateness;
    case LOOK_FIRST_BYTE:
        return &m->first_byte;
    case LOOK_HEAD:
        return &m->head;
    case LOOK_WRITE:
        return &m->write;
    case LOOK_DURATION:
    case LOOK_HISTOGRAMS:
        break;
    }
    return NULL;
}

uint32_t leat__look_route_count(const struct looker *l)
{
    uint32_t count = l->source->routes->count;
    return count < PLAN_METRICS_ROUTES ? count : PLAN_METRICS_ROUTES;
}

const struct chain *leat__look_chain(const struct looker *l, uint32_t row)
{
    return &l->source->routes->all[row];
}

/* The larger of what is now and what was told before. */
static uint64_t never_less(uint64_t *told, uint64_t all, uint64_t others)
{
    if (all > others && all - others > *told)
        *told = all - others;
    return *told;
}

const struct histogram *leat__look_histogram(struct looker *l, enum look_histogram which)
{
    memset(&l->sum, 0, sizeof l->sum);
    for (uint32_t i = 0; i < l->source->shard_count; i++) {
        const struct metrics *m = shard(l, i)->common.metrics;
        if (which == LOOK_DURATION)
            for (uint32_t row = 0; row < leat__look_route_count(l); row++)
                leat__histogram_add(&l->sum, &m->routes[row].duration);
        else
            leat__histogram_add_scaled(&l->sum, of_phase(m, which),
                                       which == LOOK_FIRST_BYTE ? ticks_of_ms(1) : 1);
        if (which == LOOK_FIRST_BYTE)
            l->sum.buckets[0] += tally_read(&m->first_bytes_at_once);
    }
    if (which == LOOK_HEAD || which == LOOK_WRITE) /* the others took no time */
        l->sum.buckets[0] += never_less(&l->told_at_once[which], l->look.all.counters.requests,
                                        leat__histogram_count(&l->sum));
    return &l->sum;
}

const struct route_metrics *leat__look_route(struct looker *l, uint32_t row)
{
    enum { CLASS_2XX = 1 };
    uint64_t others = 0;
    memset(&l->row, 0, sizeof l->row);
    for (uint32_t i = 0; i < l->source->shard_count; i++) {
        const struct route_metrics *r = &shard(l, i)->common.metrics->routes[row];
        leat__histogram_add(&l->row.duration, &r->duration);
        for (unsigned k = 0; k < METRICS_CLASSES; k++)
            l->row.classes[k] += tally_read(&r->classes[k]);
    }
    uint64_t all = leat__histogram_count(&l->row.duration);
    for (unsigned k = 0; k < METRICS_CLASSES; k++)
        others += k != CLASS_2XX ? l->row.classes[k] : 0;
    l->row.classes[CLASS_2XX] = never_less(&l->told_2xx[row], all, others);
    return &l->row;
}

/* ── What the program counts ── */

uint32_t leat__look_own_count(const struct looker *l)
{
    return l->source->app->own_metric_count;
}

const struct own_metric *leat__look_own(const struct looker *l, uint32_t i)
{
    return l->source->app->own_metrics[i];
}

double leat__look_own_number(const struct looker *l, const struct own_metric *metric, uint32_t value)
{
    double sum = leat__own_number(metric, value, NULL);
    for (uint32_t i = 0; i < l->source->shard_count; i++)
        sum += leat__own_number(metric, value, shard(l, i)->memory.own_metrics);
    return sum;
}

const struct histogram *leat__look_own_histogram(struct looker *l, const struct own_metric *metric,
                                                 uint32_t value)
{
    memset(&l->sum, 0, sizeof l->sum);
    leat__own_add_histogram(metric, value, NULL, &l->sum);
    for (uint32_t i = 0; i < l->source->shard_count; i++)
        leat__own_add_histogram(metric, value, shard(l, i)->memory.own_metrics, &l->sum);
    return &l->sum;
}
