/* holder.c: a thread that holds quiet connections: a descriptor each, and nothing else, here or in the kernel.
 *
 * Each is opened, asked once, its answer verified, and then left alone: it is in no epoll and has no poll armed. Those that
 * talk at the moment (being opened, or woken) are few and are watched by poll(2), which forgets them at once. So what a quiet
 * connection costs on this machine is its two sockets and what the server spends on it.
 *
 * The wakings have a schedule of their own, on connections chosen at random, and their latency counts from when they were
 * due. Whether the others are still there is looked at once, at the end. */
#include "load/engine.h"
#include "memory/seal.h"
#include <errno.h>
#include <unistd.h>

enum {
    WINDOWS = 512,    /* being opened at once, by all threads together */
    WINDOW_LEAST = 4, /* … by one of them */
    PASSES = 3,       /* over those that could not be opened */
    VAIN_MAX = 200,   /* failures before the first success; then nobody is there any more */
    PIECE = 65536,
    LOOK_MS = 100, /* for timeouts */
    TURN_MS = 10,
    CHOICES_MAX = 64,
    SLICE = 1024,
};

static bool is_stopped(const struct load_holder *h)
{
    return atomic_load_explicit(&h->run->stop, memory_order_relaxed);
}

static bool is_measured_here(const struct load_holder *h, int64_t ns)
{
    return ns >= h->start_ns && ns < h->end_ns;
}

static void read_clock(struct load_holder *h)
{
    h->start_ns = atomic_load_explicit(&h->run->start_ns, memory_order_acquire);
    h->end_ns = atomic_load_explicit(&h->run->end_ns, memory_order_acquire);
    h->now_ns = leat__clock_now_ns();
}

/* ── A talk ───────────────────────────────────────────────────────────────────────────────────────────────── */

static void end_talk(struct load_holder *h, uint32_t place)
{
    h->talking--;
    h->talks[place] = h->talks[h->talking];
    h->watched[place] = h->watched[h->talking];
}

static void let_go(struct load_holder *h, uint32_t index)
{
    close(h->fds[index]);
    h->fds[index] = -1;
}

static void drop(struct load_holder *h, uint32_t place, bool was_up)
{
    let_go(h, h->talks[place].index);
    if (was_up) {
        tally(&h->group.closed, 1);
        tally(&h->up, UINT64_MAX); /* -1 */
    }
    end_talk(h, place);
}

/* One that can't be opened is tried again: only what the last pass could not open has failed. */
static void count_error(struct load_holder *h, bool is_new, enum load_error error)
{
    if (is_new)
        h->not_opened[error]++;
    else
        tally(&h->group.errors[error], 1);
}

static void fail(struct load_holder *h, uint32_t place, enum load_error error, const char *why)
{
    const struct load_talk *t = &h->talks[place];
    leat__load_say(&h->words, "quiet connections: %s: %s", h->o->requests[t->request].name, why);
    count_error(h, t->is_new, error);
    drop(h, place, !t->is_new);
}

static void answered(struct load_holder *h, uint32_t place)
{
    struct load_talk *t = &h->talks[place];
    bool leaves = t->answer.close, was_new = t->is_new;
    if (t->answer.fault != ANSWER_RIGHT) {
        bool content = t->answer.fault == ANSWER_FAULT_CONTENT;
        fail(h, place, content ? LOAD_ERROR_CONTENT : LOAD_ERROR_STATUS,
             content ? "the content is not as expected" : "the status is not as expected");
        return;
    }
    if (was_new) {
        histogram_record(&h->group.connect, (uint64_t)(h->now_ns - t->begun_ns));
        tally(&h->group.opened, 1);
        tally(&h->up, 1);
        t->is_new = false;
    } else if (is_measured_here(h, t->due_ns)) {
        histogram_record(&h->group.latency, (uint64_t)(h->now_ns - t->due_ns));
        histogram_record(&h->group.service, (uint64_t)(h->now_ns - t->begun_ns));
        tally(&h->group.answers, 1);
    }
    if (leaves) {
        leat__load_say(&h->words, "quiet connections: the server closes after its answer");
        tally(&h->group.errors[LOAD_ERROR_CLOSED], 1);
        drop(h, place, true);
    } else {
        end_talk(h, place);
    }
}

/* Sends what it can. */
static void push(struct load_holder *h, uint32_t place)
{
    struct load_talk *t = &h->talks[place];
    const struct load_request *q = &h->o->requests[t->request];
    while (t->sent < q->size) {
        ssize_t n = send(h->fds[t->index], q->octets + t->sent, q->size - t->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            h->watched[place].events = POLLIN | POLLOUT;
            return;
        }
        if (n < 0) {
            fail(h, place, LOAD_ERROR_CLOSED, strerror(errno));
            return;
        }
        t->sent += (size_t)n;
        if (is_measured_here(h, h->now_ns))
            tally(&h->group.octets_out, (uint64_t)n);
    }
    h->watched[place].events = POLLIN;
}

static void take(struct load_holder *h, uint32_t place)
{
    struct load_talk *t = &h->talks[place];
    const struct answer_wanted *wanted = &h->wanted[t->request];
    enum answer_result result = ANSWER_MORE;
    while (result == ANSWER_MORE) {
        size_t used = 0;
        ssize_t n = recv(h->fds[t->index], h->piece, PIECE, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            if (n == 0 && leat__answer_end(&t->answer, wanted) == ANSWER_DONE)
                break;
            fail(h, place, LOAD_ERROR_CLOSED, n < 0 ? strerror(errno) : "closed by the server");
            return;
        }
        if (is_measured_here(h, h->now_ns))
            tally(&h->group.octets_in, (uint64_t)n);
        result = leat__answer_feed(&t->answer, wanted, h->piece, (size_t)n, &used);
        if (result == ANSWER_DONE && used < (size_t)n)
            result = ANSWER_BAD;
    }
    if (result == ANSWER_BAD)
        fail(h, place, LOAD_ERROR_SYNTAX, t->answer.why != NULL ? t->answer.why : "too many octets");
    else
        answered(h, place);
}

static void advance(struct load_holder *h, uint32_t place)
{
    struct load_talk *t = &h->talks[place];
    short events = h->watched[place].revents;
    if (t->connecting) {
        int error = leat__dial_outcome(h->fds[t->index]);
        if (error < 0) {
            fail(h, place, LOAD_ERROR_CONNECT, strerror(-error));
            return;
        }
        t->connecting = false;
        push(h, place);
    } else if ((events & (POLLIN | POLLOUT)) == POLLOUT) {
        push(h, place);
    } else {
        take(h, place); /* tells what broke, too */
    }
}

static void look_for_timeouts(struct load_holder *h)
{
    if (h->now_ns - h->looked_ns < LOOK_MS * (int64_t)LOAD_NS_PER_MS)
        return;
    h->looked_ns = h->now_ns;
    for (uint32_t place = h->talking; place-- > 0;)
        if (h->now_ns - h->talks[place].begun_ns > h->o->timeout_ms * (int64_t)LOAD_NS_PER_MS)
            fail(h, place, LOAD_ERROR_TIMEOUT, "no answer in time");
}

/* Waits for what is said, until ns at most. */
static void turn(struct load_holder *h, int64_t until_ns)
{
    int64_t wait_ns = until_ns - leat__clock_now_ns(), most_ns = TURN_MS * (int64_t)LOAD_NS_PER_MS;
    wait_ns = wait_ns < 0 ? 0 : wait_ns > most_ns ? most_ns : wait_ns;
    struct timespec wait = {.tv_nsec = wait_ns};
    int ready = ppoll(h->watched, h->talking, &wait, NULL);
    h->now_ns = leat__clock_now_ns();
    for (uint32_t place = h->talking; ready > 0 && place-- > 0;)
        if (h->watched[place].revents != 0)
            advance(h, place);
    look_for_timeouts(h);
}

static uint32_t begin_talk(struct load_holder *h, uint32_t index, int64_t due_ns)
{
    uint32_t place = h->talking++;
    struct load_talk *t = &h->talks[place];
    h->watched[place] = (struct pollfd){.fd = h->fds[index], .events = POLLOUT};
    t->index = index;
    t->request = leat__load_choose(h->run, &h->chance);
    t->is_new = t->connecting = false;
    t->sent = 0;
    t->due_ns = due_ns;
    t->begun_ns = h->now_ns;
    answer_begin(&t->answer);
    return place;
}

/* ── Opening ──────────────────────────────────────────────────────────────────────────────────────────────── */

/* false: not now. */
static bool open_one(struct load_holder *h, uint32_t index)
{
    int fd = leat__dial_open(&h->run->dial, h->first + index);
    if (fd == -EAGAIN)
        return false;
    if (fd < 0) {
        leat__load_say(&h->words, "quiet connections: connecting: %s", strerror(-fd));
        count_error(h, true, LOAD_ERROR_CONNECT);
        return true;
    }
    h->fds[index] = fd;
    uint32_t place = begin_talk(h, index, h->now_ns);
    h->talks[place].is_new = h->talks[place].connecting = true;
    return true;
}

static uint64_t not_opened(const struct load_holder *h)
{
    uint64_t sum = 0;
    for (unsigned e = 0; e < LOAD_ERROR_COUNT; e++)
        sum += h->not_opened[e];
    return sum;
}

/* Those that are not open, once each. false: it is in vain. */
static bool open_missing(struct load_holder *h, uint32_t window)
{
    uint64_t before = h->up;
    for (uint32_t i = 0; (i < h->count || h->talking > 0) && !is_stopped(h);) {
        bool full = false;
        h->now_ns = leat__clock_now_ns();
        while (!full && i < h->count && h->talking < window) {
            full = h->fds[i] < 0 && !open_one(h, i);
            i += !full;
        }
        if (h->up == before && not_opened(h) > VAIN_MAX)
            i = h->count;
        turn(h, full ? h->now_ns + LOAD_NS_PER_MS : INT64_MAX);
    }
    return h->up > before;
}

static void open_all(struct load_holder *h)
{
    uint32_t window = WINDOWS / h->run->holder_count;
    window = window > DIAL_WINDOW ? DIAL_WINDOW : window < WINDOW_LEAST ? WINDOW_LEAST : window;
    bool goes_on = true;
    for (unsigned pass = 0; pass < PASSES && goes_on && h->up < h->count && !is_stopped(h); pass++) {
        memset(h->not_opened, 0, sizeof h->not_opened);
        goes_on = open_missing(h, window);
    }
    for (unsigned e = 0; e < LOAD_ERROR_COUNT; e++)
        tally(&h->group.errors[e], h->not_opened[e]);
    if (h->up == h->count)
        h->words.at_ns = 0; /* all went well in the end */
}

/* ── Waking ───────────────────────────────────────────────────────────────────────────────────────────────── */

static bool is_talking(const struct load_holder *h, uint32_t index)
{
    for (uint32_t place = 0; place < h->talking; place++)
        if (h->talks[place].index == index)
            return true;
    return false;
}

/* One that is open and quiet, at random; count: there is none. */
static uint32_t choose(struct load_holder *h)
{
    for (unsigned i = 0; i < CHOICES_MAX && h->up > h->talking; i++) {
        uint32_t index = chance_below(&h->chance, h->count);
        if (h->fds[index] >= 0 && !is_talking(h, index))
            return index;
    }
    return h->count;
}

static void wake_what_is_due(struct load_holder *h)
{
    while (h->schedule.due_ns <= h->now_ns && h->schedule.due_ns < h->end_ns && h->talking < HOLDER_TALKS) {
        int64_t due_ns = h->schedule.due_ns;
        uint32_t index = choose(h);
        if (index == h->count)
            return;
        leat__schedule_next(&h->schedule);
        if (is_measured_here(h, due_ns)) {
            tally(&h->group.requests, 1);
            histogram_record(&h->lateness, (uint64_t)(h->now_ns - due_ns));
        }
        push(h, begin_talk(h, index, due_ns));
        h->now_ns = leat__clock_now_ns();
    }
}

static void wait_for_begin(struct load_holder *h, int64_t *begin_ns)
{
    for (;;) {
        *begin_ns = atomic_load_explicit(&h->run->begin_ns, memory_order_acquire);
        read_clock(h);
        if (h->now_ns >= *begin_ns || is_stopped(h))
            return;
        turn(h, *begin_ns);
    }
}

static void hold(struct load_holder *h)
{
    int64_t begin_ns;
    bool wakes = h->o->idle_rate > 0;
    wait_for_begin(h, &begin_ns);
    if (wakes) {
        h->schedule = (struct schedule){.poisson = h->o->arrivals == LOAD_POISSON,
                                        .begin_ns = begin_ns,
                                        .chance = leat__chance_seed(h->o->seed, h->chance)};
        leat__schedule_init(&h->schedule, h->o->idle_rate, h->number, h->run->holder_count);
    }
    while (read_clock(h), h->now_ns < h->end_ns && !is_stopped(h)) {
        if (wakes && h->now_ns >= h->start_ns)
            leat__schedule_pass(&h->schedule, h->start_ns); /* nobody counts what was due before */
        if (wakes)
            wake_what_is_due(h);
        bool waits = wakes && h->schedule.due_ns > h->now_ns;
        turn(h, waits ? h->schedule.due_ns : INT64_MAX);
    }
    if (wakes)
        wake_what_is_due(h); /* what became due in the last turn */
    while (h->talking > 0 && !is_stopped(h))
        turn(h, INT64_MAX);
    if (wakes && h->end_ns != INT64_MAX)
        h->missed = leat__schedule_pass(&h->schedule, h->end_ns);
}

/* ── The end ──────────────────────────────────────────────────────────────────────────────────────────────── */

/* Of [from, from + n): those that the server has closed, or that have something to say. */
static void look_at(struct load_holder *h, uint32_t from, uint32_t n, struct pollfd *slice)
{
    for (uint32_t i = 0; i < n; i++)
        slice[i] = (struct pollfd){.fd = h->fds[from + i], .events = POLLIN | POLLRDHUP};
    if (poll(slice, n, 0) <= 0)
        return;
    for (uint32_t i = 0; i < n; i++) {
        if (slice[i].revents == 0)
            continue;
        leat__load_say(&h->words, "quiet connections: closed by the server while they were held");
        tally(&h->group.errors[LOAD_ERROR_CLOSED], 1);
        tally(&h->group.closed, 1);
        tally(&h->up, UINT64_MAX); /* -1 */
        let_go(h, from + i);
    }
}

static void look_at_all(struct load_holder *h)
{
    struct pollfd slice[SLICE];
    for (uint32_t i = 0; i < h->count && !is_stopped(h); i += SLICE)
        look_at(h, i, h->count - i < SLICE ? h->count - i : SLICE, slice);
}

static void close_all(struct load_holder *h)
{
    for (uint32_t i = 0; i < h->count; i++)
        if (h->fds[i] >= 0) {
            let_go(h, i);
            tally(&h->group.closed, 1);
        }
}

/* ── The thread ───────────────────────────────────────────────────────────────────────────────────────────── */

static void *run_holder(void *context)
{
    struct load_holder *h = context;
    h->error = leat__load_own_table(h->run);
    leat__load_pin(&h->run->idle_cores);
    if (h->error < 0) {
        atomic_store(&h->state, THREAD_FAILED);
        return NULL;
    }
    memset(h->fds, 0xff, h->count * sizeof *h->fds);
    open_all(h);
    atomic_store(&h->state, THREAD_READY);
    hold(h);
    look_at_all(h);
    h->group.connections = h->up;
    close_all(h);
    atomic_store(&h->state, THREAD_DONE);
    return NULL;
}

struct load_holder *leat__holder_create(struct load_run *run, uint32_t number, uint32_t count,
                                        uint32_t first)
{
    struct load_holder *h = leat__start_alloc(sizeof *h);
    h->run = run;
    h->o = run->o;
    h->number = number;
    h->count = count;
    h->first = first;
    h->chance = leat__chance_seed(run->o->seed, UINT64_C(2000) + number);
    h->fds = leat__start_alloc_uncleared(count * sizeof *h->fds);
    h->piece = leat__start_alloc_uncleared(PIECE + BUFFER_SLACK);
    h->known = leat__start_alloc(run->o->request_count * sizeof *h->known);
    h->start_ns = h->end_ns = INT64_MAX;
    leat__load_want(run, h->wanted, h->known);
    return h;
}

int leat__holder_start(struct load_holder *h)
{
    return -pthread_create(&h->thread, NULL, run_holder, h);
}

void leat__holder_join(struct load_holder *h)
{
    pthread_join(h->thread, NULL);
}

void leat__holder_destroy(struct load_holder *h)
{
    leat__start_free(h->fds);
    leat__start_free(h->piece);
    leat__start_free(h->known);
    leat__start_free(h);
}
