/* report.c: see report.h. Looking at a million seats at once would hold the loop up: they are looked at in pieces of
 * SCAN_SLOTS, with a turn of the loop between. What moves meanwhile may be counted in neither state or in both. */
#include "conn/conn.h"

enum { SCAN_SLOTS = 16384, SAMPLE_SOCKETS = 16, SAMPLE_LOOKS = 256 };

_Static_assert(sizeof(struct conn_report) == REPORT_WORDS * sizeof(uint64_t), "a report is words");

static const char *const fixed_pools[] = {"connection slot", "exchange",     "receive buffer",
                                          "arena chunk",     "large buffer", "content",
                                          "task stack",      "file work",    "file cache"};

enum { FIXED_POOLS = COUNT_OF(fixed_pools) };

_Static_assert(FIXED_POOLS + PLAN_USER_POOLS_MAX == REPORT_POOLS_MAX, "all pools have a place");

const char *leat__report_pool_name(const struct shard_memory *m, uint32_t i)
{
    return i < FIXED_POOLS ? fixed_pools[i] : m->user[i - FIXED_POOLS].name;
}

static struct report_pool of_pool(const struct pool *p)
{
    return (struct report_pool){.in_use = p->in_use,
                                .high = p->high,
                                .count = p->count,
                                .refused = p->refused,
                                .each = p->object_size,
                                .resident = (uint64_t)p->slabs_touched * p->slab_size};
}

static struct report_pool of_buffers(const struct buffer_pool *p)
{
    return (struct report_pool){.in_use = p->in_use,
                                .high = p->high,
                                .count = p->count,
                                .refused = p->refused,
                                .each = p->stride,
                                .resident = (uint64_t)p->warm * p->stride};
}

static struct report_pool of_content(const struct content_store *store)
{
    return (struct report_pool){.in_use = store->in_use,
                                .high = store->high,
                                .count = store->block_count,
                                .refused = store->refused,
                                .each = CONTENT_BLOCK_MIN,
                                .resident = (uint64_t)store->warm * CONTENT_BLOCK_MIN};
}

static struct report_pool of_stacks(const struct stack_pool *p)
{
    return (struct report_pool){.in_use = p->in_use,
                                .high = p->high,
                                .count = p->count,
                                .refused = p->refused,
                                .each = p->stride,
                                .resident = (uint64_t)p->warm * PAGE_SIZE_BYTES};
}

static void tell_pools(const struct conns *c, struct conn_report *r)
{
    const struct shard_memory *m = &c->memory;
    const struct cache *cache = &m->file_cache;
    struct report_pool *to = r->pools;
    *to++ = of_pool(&m->slots);
    *to++ = of_buffers(&m->rooms);
    *to++ = of_buffers(&m->receive);
    *to++ = of_buffers(&m->chunks);
    *to++ = of_buffers(&m->larges);
    *to++ = of_content(&m->content);
    *to++ = of_stacks(&m->stacks);
    *to++ = of_pool(&m->works);
    *to++ = (struct report_pool){.in_use = cache->filled,
                                 .high = cache->filled,
                                 .count = cache->size,
                                 .refused = cache->refusals,
                                 .each = 1,
                                 .resident = cache->filled};
    for (uint32_t i = 0; i < m->user_count; i++)
        *to++ = of_pool(&m->user[i]);
    r->pool_count = (uint64_t)(to - r->pools);
    r->cache_entries = cache->count;
    r->cache_hits = cache->hits;
    r->cache_misses = cache->misses;
    r->cache_evictions = cache->evictions;
}

/* Those that may ever have been taken lie in front. */
static uint32_t slots_touched(const struct conns *c)
{
    uint64_t count = (uint64_t)c->memory.slots.touched_end * c->memory.slots.per_slab;
    return count < c->memory.slots.count ? (uint32_t)count : c->memory.slots.count;
}

/* A few open connections, others each time. */
static void sample_sockets(struct conns *c, struct conn_report *r)
{
    uint32_t count = slots_touched(c), looks = 0;
    for (; looks < SAMPLE_LOOKS && looks < count && r->sockets.count < SAMPLE_SOCKETS; looks++) {
        uint32_t at = (c->scan.socket_at + looks) % count;
        const struct slot *s = &c->loop.slots[at];
        if (s->state != CONN_FREE && s->state != CONN_CLOSED && s->fd >= 0)
            leat__net_sample_add(s->fd, &r->sockets);
    }
    c->scan.socket_at = count > 0 ? (c->scan.socket_at + looks) % count : 0;
}

static void lay_down(struct conn_report_box *box, const struct conn_report *report)
{
    uint64_t words[REPORT_WORDS];
    memcpy(words, report, sizeof words);
    unsigned before = atomic_load_explicit(&box->fillings, memory_order_relaxed);
    atomic_store_explicit(&box->fillings, before + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (unsigned i = 0; i < REPORT_WORDS; i++)
        atomic_store_explicit(&box->words[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&box->fillings, before + 2, memory_order_release);
}

static void __attribute__((noinline)) tell(struct conns *c)
{
    struct conn_report r = {
        .at_ms = (uint64_t)c->loop.now_ms,
        .turns = c->loop.turns,
        .waits = c->loop.waits,
        .early_visits = c->loop.wheel.early_visits,
        .counters = c->counters,
        .open = c->open,
        .seats = c->seats,
        .draining = c->common.draining,
        .tasks = c->tasks.live,
        .log_dropped = c->common.log != NULL ? c->common.log->dropped : 0,
        .trimmed_bytes = c->memory.trimmed_bytes,
        .trim_calls = c->memory.trim_calls,
    };
    memcpy(r.states, c->scan.states, sizeof r.states);
    tell_pools(c, &r);
    sample_sockets(c, &r);
    lay_down(&c->reported, &r);
}

/* The next seats. true: that was all of them. The end may have come nearer since the last piece, by trimming. */
static bool scan_on(struct conns *c)
{
    uint32_t end = slots_touched(c);
    uint32_t piece = end > c->scan.at + SCAN_SLOTS ? c->scan.at + SCAN_SLOTS : end;
    for (; c->scan.at < piece; c->scan.at++)
        c->scan.states[c->loop.slots[c->scan.at].state]++;
    return c->scan.at >= end;
}

void leat__conns_report(struct conns *c)
{
    static const struct mail again = {.kind = MAIL_REPORT};
    if (!c->scan.under_way) {
        c->scan.under_way = true;
        c->scan.at = 0;
        memset(c->scan.states, 0, sizeof c->scan.states);
    }
    bool is_whole = scan_on(c);
    if (!is_whole && leat__loop_post(c->loop.mailbox, &again) == 0)
        return;
    tell(c);
    c->scan.under_way = false;
}

unsigned leat__report_read(const struct conn_report_box *box, struct conn_report *report)
{
    uint64_t words[REPORT_WORDS];
    unsigned before, behind;
    do {
        before = atomic_load_explicit(&box->fillings, memory_order_acquire);
        for (unsigned i = 0; i < REPORT_WORDS; i++)
            words[i] = atomic_load_explicit(&box->words[i], memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire);
        behind = atomic_load_explicit(&box->fillings, memory_order_relaxed);
    } while (before != behind || (before & 1));
    memcpy(report, words, sizeof words);
    return before / 2;
}
