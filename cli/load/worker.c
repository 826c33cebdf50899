/* worker.c: a thread of the active group: a loop, its connections, and in an open loop a schedule.
 *
 * All memory is taken before the first connection. The thread has a descriptor table of its own, so nobody can wake it by
 * its mailbox: it looks at the run's clock once per turn, and a turn sleeps TURN_MS at most.
 *
 * An open loop is punctual by a timerfd: it is set to when the next request is due, and only set anew when it has fired or
 * is set too late. What is due is sent on connections in turn; when none is ready the schedule stands still, and what is due
 * meanwhile is sent as soon as one is, still counted from when it was due. */
#include "load/engine.h"
#include "memory/seal.h"
#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    TURN_MS = 10,
    RECEIVE_STRIDE = 32768,
    RECEIVE_RING_MAX = 256,
    TIMER_INDEX = 0,
    LATE_NS = 100 * LOAD_NS_PER_MS,
};

/* ── What a link asks for ─────────────────────────────────────────────────────────────────────────────────── */

bool leat__worker_takes(struct load_worker *w, int64_t due_ns)
{
    if (UNLIKELY(due_ns >= w->end_ns))
        return false;
    if (due_ns < w->start_ns)
        return w->working;
    if (UNLIKELY(w->may_send == 0))
        return false;
    w->may_send--;
    tally(&w->group.requests, 1);
    return true;
}

static void queue_add(struct load_queue *q, uint32_t index)
{
    uint32_t last = q->first + q->count++;
    q->links[last < q->size ? last : last - q->size] = index;
}

static uint32_t queue_take(struct load_queue *q)
{
    uint32_t index = q->links[q->first++];
    if (q->first == q->size)
        q->first = 0;
    q->count--;
    return index;
}

void leat__worker_ready(struct load_worker *w, struct load_link *link)
{
    if (link->is_ready)
        return;
    link->is_ready = true;
    queue_add(&w->ready, (uint32_t)(link - w->links));
    if (w->starved) {
        w->starved = false;
        w->fed_ns = w->now_ns;
    }
}

void leat__worker_pause(struct load_worker *w, struct load_link *link)
{
    uint32_t index = (uint32_t)(link - w->links);
    if (link->is_paused)
        return;
    link->is_paused = true;
    w->paused_until_ms[index] = w->loop.now_ms + LOAD_PAUSE_MS;
    queue_add(&w->paused, index);
    if (w->loop.alarm_ms == INT64_MAX)
        w->loop.alarm_ms = w->paused_until_ms[index];
}

/* ── The schedule ─────────────────────────────────────────────────────────────────────────────────────────── */

static bool is_usable(const struct load_worker *w, const struct load_link *link)
{
    const struct slot *slot = &w->slots[link - w->links];
    return (link->state == LINK_DOWN && !link->is_paused) ||
           (link->state == LINK_UP && link->count < w->pipeline && !link->leaves &&
            !(slot->loop_flags & (SLOT_SEND_ARMED | SLOT_CLOSING)));
}

/* The next that can be asked; NULL: none. One that is being closed, or pauses, comes back by itself. */
static struct load_link *next_ready(struct load_worker *w)
{
    while (w->ready.count > 0) {
        struct load_link *link = &w->links[queue_take(&w->ready)];
        link->is_ready = false;
        if (is_usable(w, link))
            return link;
    }
    return NULL;
}

static void record_lateness(struct load_worker *w, int64_t due_ns)
{
    int64_t could_ns = due_ns > w->fed_ns ? due_ns : w->fed_ns;
    if (is_measured(w, due_ns))
        histogram_record(&w->lateness, (uint64_t)(w->now_ns - could_ns));
}

void leat__worker_issue(struct load_worker *w)
{
    struct schedule *s = &w->schedule;
    w->now_ns = leat__clock_now_ns();
    while (s->due_ns <= w->now_ns && s->due_ns < w->end_ns && w->may_send > 0) {
        int64_t due_ns = s->due_ns;
        struct load_link *link = next_ready(w);
        if (link == NULL) {
            w->starved = true;
            return;
        }
        if (!leat__worker_takes(w, due_ns))
            return;
        leat__schedule_next(s);
        record_lateness(w, due_ns);
        leat__link_ask(w, link, due_ns);
        w->now_ns = leat__clock_now_ns();
    }
}

/* Sees to it that the turn ends when the next one is due. */
static void arm_timer(struct load_worker *w)
{
    int64_t due_ns = w->schedule.due_ns;
    if (w->starved || due_ns >= w->end_ns || w->may_send == 0)
        return;
    if (w->timer_is_armed && w->timer_ns <= due_ns)
        return;
    struct itimerspec at = {.it_value = {.tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000}};
    timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &at, NULL);
    w->timer_ns = due_ns;
    if (!w->timer_is_armed)
        w->timer_is_armed = loop_arm_poll(&w->loop, w->timer, POLLIN, TIMER_INDEX, 0) == 0;
}

/* ── The phases ───────────────────────────────────────────────────────────────────────────────────────────── */

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void read_clock(struct load_worker *w)
{
    w->start_ns = atomic_load_explicit(&w->run->start_ns, memory_order_acquire);
    w->end_ns = atomic_load_explicit(&w->run->end_ns, memory_order_acquire);
    w->now_ns = leat__clock_now_ns();
}

static bool is_stopped(const struct load_worker *w)
{
    return atomic_load_explicit(&w->run->stop, memory_order_relaxed);
}

static void begin(struct load_worker *w, int64_t begin_ns)
{
    w->working = true;
    if (w->o->arrivals != LOAD_CLOSED) {
        w->schedule = (struct schedule){.poisson = w->o->arrivals == LOAD_POISSON,
                                        .begin_ns = begin_ns,
                                        .chance = leat__chance_seed(w->o->seed, w->number)};
        leat__schedule_init(&w->schedule, w->o->rate, w->number, w->run->worker_count);
        for (uint32_t i = 0; i < w->link_count; i++)
            leat__worker_ready(w, &w->links[i]);
        return;
    }
    for (uint32_t i = 0; i < w->link_count; i++) {
        w->now_ns = leat__clock_now_ns();
        leat__link_refill(w, &w->links[i]);
    }
}

/* Turns until ns has come, or the run is stopped. */
static int64_t wait_for_begin(struct load_worker *w)
{
    int64_t begin_ns = INT64_MAX;
    while (!is_stopped(w)) {
        begin_ns = atomic_load_explicit(&w->run->begin_ns, memory_order_acquire);
        read_clock(w);
        if (w->now_ns >= begin_ns)
            break;
        leat__loop_turn(&w->loop, 1);
    }
    return begin_ns;
}

/* Whether there will be no further request. */
static bool is_over(const struct load_worker *w)
{
    return w->now_ns >= w->end_ns || (w->may_send == 0 && w->owing == 0) || is_stopped(w);
}

/* What is due and waits for a connection at the end is still sent when it has not waited for long: a short standstill at the
 * end is seen, but a queue that only grows is not worked off in time that nobody measures. */
static void finish_schedule(struct load_worker *w)
{
    const struct schedule *s = &w->schedule;
    leat__worker_issue(w);
    if (w->end_ns - s->due_ns > LATE_NS)
        return;
    while (s->due_ns < w->end_ns && w->may_send > 0 && w->now_ns < w->end_ns + LATE_NS &&
           !is_stopped(w)) {
        leat__loop_turn(&w->loop, 1);
        leat__worker_issue(w);
    }
}

static void work(struct load_worker *w)
{
    double cpu_from = -1;
    bool open = w->o->arrivals != LOAD_CLOSED;
    while (read_clock(w), !is_over(w)) {
        if (cpu_from < 0 && w->now_ns >= w->start_ns) {
            cpu_from = cpu_s();
            w->words.at_ns = 0; /* what went wrong before does not count, nor what was not sent */
            if (open)
                leat__schedule_pass(&w->schedule, w->start_ns);
        }
        if (open) {
            leat__worker_issue(w);
            arm_timer(w);
        }
        leat__loop_turn(&w->loop, TURN_MS);
    }
    if (open && w->now_ns >= w->end_ns)
        finish_schedule(w);
    w->cpu_s = cpu_from < 0 ? 0 : cpu_s() - cpu_from;
    w->working = false;
    /* What was sent is waited for: each has its deadline. */
    while (w->owing > 0 && !is_stopped(w))
        leat__loop_turn(&w->loop, TURN_MS);
    if (open && w->end_ns != INT64_MAX && w->may_send > 0)
        w->missed = leat__schedule_pass(&w->schedule, w->end_ns);
}

/* ── Memory ───────────────────────────────────────────────────────────────────────────────────────────────── */

static uint32_t receive_ring(const struct load_worker *w)
{
    uint32_t ring = 8;
    while (ring < w->link_count && ring < RECEIVE_RING_MAX)
        ring *= 2;
    return ring;
}

static void *take(struct load_worker *w, size_t size)
{
    return leat__region_take(&w->region, size, CACHE_LINE);
}

static int take_memory(struct load_worker *w)
{
    size_t n = w->link_count, owed = n * (w->ring_mask + 1) * sizeof(struct load_owed);
    size_t known = w->o->request_count * sizeof(struct answer_known), buffers = 2 * receive_ring(w) + 8;
    size_t each = sizeof(struct slot) + sizeof(struct load_link) + 2 * sizeof(uint32_t) +
                  sizeof(int64_t) + sizeof(int);
    size_t size = leat__buffer_pool_footprint(RECEIVE_STRIDE, buffers) + n * each + owed + known +
                  w->o->request_count * sizeof(struct load_by_request) + 16 * PAGE_SIZE_BYTES;
    int error = leat__region_create(&w->region, align_up(size, PAGE_SIZE_BYTES), REGION_RESERVE);
    if (error < 0)
        return error;
    leat__buffer_pool_init(&w->receive, &w->region, "receive", RECEIVE_STRIDE, buffers);
    w->slots = take(w, n * sizeof *w->slots);
    w->links = take(w, n * sizeof *w->links);
    w->ready = (struct load_queue){.links = take(w, n * sizeof(uint32_t)), .size = w->link_count};
    w->paused = (struct load_queue){.links = take(w, n * sizeof(uint32_t)), .size = w->link_count};
    w->paused_until_ms = take(w, n * sizeof(int64_t));
    w->fds = take(w, n * sizeof(int));
    w->by_request = take(w, w->o->request_count * sizeof *w->by_request);
    struct load_owed *rings = take(w, owed);
    for (uint32_t i = 0; i < w->link_count; i++)
        w->links[i].owed = rings + (size_t)i * (w->ring_mask + 1);
    leat__load_want(w->run, w->wanted, take(w, known));
    return 0;
}

struct load_worker *leat__worker_create(struct load_run *run, uint32_t number, uint32_t link_count,
                                        uint32_t first_link)
{
    struct load_worker *w = leat__start_alloc(sizeof *w);
    uint32_t ring = 1;
    while (ring < run->o->pipeline)
        ring *= 2;
    w->run = run;
    w->o = run->o;
    w->number = number;
    w->link_count = link_count;
    w->first_link = first_link;
    w->pipeline = run->o->pipeline;
    w->ring_mask = ring - 1;
    w->chance = leat__chance_seed(run->o->seed, UINT64_C(1000) + number);
    w->start_ns = w->end_ns = INT64_MAX;
    w->may_send = UINT64_MAX;
    w->timer = -1;
    return w;
}

void leat__worker_destroy(struct load_worker *w)
{
    if (w->region.base != NULL)
        leat__region_destroy(&w->region);
    leat__start_free(w->loop_state);
    leat__start_free(w);
}

/* ── The thread ───────────────────────────────────────────────────────────────────────────────────────────── */

static int open_loop(struct load_worker *w)
{
    int error = leat__mailbox_open(&w->mailbox, w->mails);
    if (error < 0)
        return error;
    w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (w->timer < 0)
        return -errno;
    struct loop_options options = {
        .receive_ring = receive_ring(w),
        .queue_entries = 512,
        .slots = w->slots,
        .slot_count = w->link_count,
        .receive = &w->receive,
        .mailbox = &w->mailbox,
        .events = &leat__link_events,
        .context = w,
        .send_count = w->link_count,
        .poll_count = 1,
    };
    options.state = w->loop_state = leat__start_alloc(leat__loop_state_size(w->o->loop, &options));
    return leat__loop_open(&w->loop, w->o->loop, &options);
}

static bool goes_on(void *context, uint32_t opened)
{
    struct load_worker *w = context;
    __atomic_store_n(&w->up, opened, __ATOMIC_RELAXED);
    return !is_stopped(w);
}

/* Before the work: all connections, and what failed is tried again when there is a request for it. */
static void connect_all(struct load_worker *w)
{
    int error = 0;
    while (!atomic_load_explicit(&w->run->may_connect, memory_order_acquire) && !is_stopped(w))
        usleep(1000);
    leat__dial_all(&w->run->dial, w->fds, w->link_count, w->first_link,
                   (int64_t)(w->o->ramp_s * 1e9), goes_on, w, &error);
    __atomic_store_n(&w->up, 0, __ATOMIC_RELAXED);
    if (error < 0)
        leat__load_say(&w->words, "connecting: %s", strerror(-error));
    for (uint32_t i = 0; i < w->link_count; i++)
        if (w->fds[i] >= 0)
            leat__link_adopt(w, &w->links[i], w->fds[i]);
}

static void close_all(struct load_worker *w)
{
    for (uint32_t i = 0; i < w->link_count; i++)
        leat__link_close(w, &w->links[i]);
    while (w->seated > 0)
        leat__loop_turn(&w->loop, 1);
    leat__loop_close_all(&w->loop);
    leat__mailbox_close(&w->mailbox);
    close(w->timer);
}

static void *run_worker(void *context)
{
    struct load_worker *w = context;
    w->error = leat__load_own_table(w->run);
    leat__load_pin(&w->run->active_cores);
    if (w->error == 0)
        w->error = take_memory(w);
    if (w->error == 0)
        w->error = open_loop(w);
    if (w->error < 0) {
        atomic_store(&w->state, THREAD_FAILED);
        return NULL;
    }
    connect_all(w);
    atomic_store(&w->state, THREAD_READY);
    int64_t begin_ns = wait_for_begin(w);
    if (!is_stopped(w)) {
        begin(w, begin_ns);
        work(w);
    }
    w->group.connections = w->up;
    close_all(w);
    atomic_store(&w->state, THREAD_DONE);
    return NULL;
}

int leat__worker_start(struct load_worker *w)
{
    return -pthread_create(&w->thread, NULL, run_worker, w);
}

void leat__worker_join(struct load_worker *w)
{
    pthread_join(w->thread, NULL);
}
