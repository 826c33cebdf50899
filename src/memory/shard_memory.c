/* shard_memory.c: the memory of one shard: its region and the pools in it, made from the plan, and the trimmer.
 *
 * The trimmer lets every pool go its own way, because they fall quiet apart: a server may keep all its connections
 * and need a tenth of its exchanges. Time is cut in windows of 5 s; of each pool the high water of the last six is
 * remembered, and their highest is what the pool needs. When that is a quarter less than what may be resident, the
 * rest goes back, call by call, until it is gone. So nothing that was used within 30 s is ever given back, and a use
 * that swings within a quarter never costs a system call. */
#include "memory/plan.h"

int leat__shard_memory_open(struct shard_memory *m, const struct plan *plan, enum region_mode mode)
{
    clear_untouched(m, sizeof *m);
    m->user_count = plan->input.user_pool_count;
    int error = leat__region_create(&m->region, plan->shard_bytes, mode);
    if (error < 0)
        return error;
    /* Tables lie at the region's high end, below each other; so what every shard touches is to lie together. Of the tasks that
     * is the first few, the lowest: they begin it. The tables of the content store touch their last part late, and end it. */
    if (plan->tasks > 0) {
        m->tasks = leat__region_take(&m->region, (size_t)plan->input.task_bytes * plan->tasks, CACHE_LINE);
        m->depths = leat__region_take(&m->region, (size_t)PLAN_ROUTE_DEPTH * plan->input.route_count,
                                      CACHE_LINE);
    }
    leat__pool_init(&m->slots, &m->region, "connection slot", PLAN_SLOT, plan->slots);
    m->slots.readable = true; /* a stale handle is found out by reading the slot's generation */
    leat__buffer_pool_init(&m->rooms, &m->region, "exchange", PLAN_ROOM, plan->rooms);
    leat__buffer_pool_init(&m->receive, &m->region, "receive buffer", PLAN_RECEIVE, plan->receives);
    leat__content_init(&m->content, &m->region, plan->content);
    leat__buffer_pool_init(&m->chunks, &m->region, "arena chunk", PLAN_CHUNK, plan->chunks);
    leat__buffer_pool_init(&m->larges, &m->region, "large buffer", PLAN_LARGE, plan->larges);
    for (uint32_t i = 0; i < m->user_count; i++) {
        const struct plan_user_pool *u = &plan->input.user_pools[i];
        leat__pool_init(&m->user[i], &m->region, u->name, align_up(u->object_size, 16),
                        plan->user_counts[i]);
    }
    leat__cache_init(&m->file_cache, &m->region, plan->file_cache);
    m->file_descriptors = plan->file_descriptors;
    if (plan->works > 0)
        leat__pool_init(&m->works, &m->region, "file work", PLAN_WORK, plan->works);
    if (plan->tasks > 0)
        error = leat__stack_pool_init(&m->stacks, &m->region, plan->input.stack, plan->tasks);
    if (plan->input.peers)
        m->peers = leat__region_take(&m->region, (size_t)PLAN_PEER * plan->slots, CACHE_LINE);
    m->own_metrics_of = plan->input.own_metrics_of;
    if (plan->input.own_metrics > 0)
        m->own_metrics = leat__region_take(&m->region, align_up(plan->input.own_metrics, CACHE_LINE),
                                           CACHE_LINE);
    /* What is whole pages comes last: so nothing is lost between. */
    if (plan->input.log_ring > 0)
        m->log_ring = leat__region_take(&m->region, align_up(plan->input.log_ring, PAGE_SIZE_BYTES),
                                        PAGE_SIZE_BYTES);
    m->metrics = leat__region_take(&m->region, leat__plan_metrics(plan->input.route_count),
                                   PAGE_SIZE_BYTES);
    ASSERT(m->region.size - m->region.used < PAGE_SIZE_BYTES);
    leat__region_seal(&m->region);
    if (error < 0)
        leat__shard_memory_close(m);
    return error;
}

void leat__shard_memory_close(struct shard_memory *m)
{
    leat__region_destroy(&m->region);
    *m = (struct shard_memory){0};
}

/* ── The trimmer ── */

/* The windows that have passed enter the watch, each with the high water since the last look: where several have
 * passed, nobody knows which of them it was. */
static void watch_turn(struct trim_watch *w, uint32_t *recent_high, uint32_t in_use, uint32_t windows)
{
    memmove(w->highs + windows, w->highs, (TRIM_WINDOWS - windows) * sizeof w->highs[0]);
    for (uint32_t i = 0; i < windows; i++)
        w->highs[i] = *recent_high;
    *recent_high = in_use;
    w->keep = 0;
    for (uint32_t i = 0; i < TRIM_WINDOWS; i++)
        w->keep = w->highs[i] > w->keep ? w->highs[i] : w->keep;
}

/* there: what may be resident, in the unit of keep; standing: what of both is never given back. */
static void watch_decide(struct trim_watch *w, uint64_t there, uint32_t standing)
{
    uint64_t keep = w->keep > standing ? w->keep - standing : 0;
    if (there > standing && keep * 4 <= (there - standing) * 3)
        w->trimming = true;
}

static void turn_pool(struct pool *p, struct trim_watch *w, uint32_t windows)
{
    leat__pool_collect(p);
    watch_turn(w, &p->recent_high, p->in_use, windows);
    leat__pool_forget_high(p);
    /* In whole slabs: that is how a pool gives back. */
    uint64_t needed = (w->keep + (uint64_t)p->per_slab - 1) / p->per_slab;
    w->trimming = w->trimming ||
                  (needed * 4 <= (uint64_t)p->slabs_touched * 3 && needed < p->slabs_touched);
}

static void turn_buffers(struct buffer_pool *p, struct trim_watch *w, uint32_t windows)
{
    watch_turn(w, &p->recent_high, p->in_use, windows);
    watch_decide(w, p->warm, p->standing);
}

static void turn_all(struct shard_memory *m, uint32_t windows)
{
    turn_pool(&m->slots, &m->slots_watch, windows);
    turn_buffers(&m->rooms, &m->rooms_watch, windows);
    turn_buffers(&m->receive, &m->receive_watch, windows);
    turn_buffers(&m->chunks, &m->chunks_watch, windows);
    turn_buffers(&m->larges, &m->larges_watch, windows);
    watch_turn(&m->content_watch, &m->content.recent_high, m->content.in_use, windows);
    watch_decide(&m->content_watch, m->content.warm, 0);
    watch_turn(&m->stacks_watch, &m->stacks.recent_high, m->stacks.in_use, windows);
    watch_decide(&m->stacks_watch, m->stacks.warm, 0);
    for (uint32_t i = 0; i < m->user_count; i++)
        turn_pool(&m->user[i], &m->user_watch[i], windows);
}

/* What is needed may have risen since the window's end. */
static uint32_t keep_now(const struct trim_watch *w, uint32_t recent_high)
{
    return w->keep > recent_high ? w->keep : recent_high;
}

static size_t trim_pool(struct pool *p, struct trim_watch *w, size_t budget)
{
    if (!w->trimming)
        return 0;
    size_t given = leat__pool_trim(p, keep_now(w, p->recent_high), budget);
    w->trimming = p->trim_at != 0;
    return given;
}

static size_t trim_buffers(struct buffer_pool *p, struct trim_watch *w, size_t budget)
{
    if (!w->trimming)
        return 0;
    uint32_t keep = keep_now(w, p->recent_high);
    size_t given = leat__buffer_pool_trim(p, keep, budget);
    w->trimming = p->warm > keep;
    return given;
}

static size_t trim_content(struct content_store *c, struct trim_watch *w, size_t budget)
{
    if (!w->trimming)
        return 0;
    uint32_t keep = keep_now(w, c->recent_high);
    size_t given = leat__content_trim(c, keep, budget);
    w->trimming = c->warm > keep;
    return given;
}

static size_t trim_stacks(struct stack_pool *p, struct trim_watch *w, size_t budget)
{
    if (!w->trimming)
        return 0;
    uint32_t keep = keep_now(w, p->recent_high);
    size_t given = leat__stack_pool_trim(p, keep, budget);
    w->trimming = p->warm > keep;
    return given;
}

static size_t trim_all(struct shard_memory *m, size_t budget)
{
    size_t left = budget;
    left -= trim_content(&m->content, &m->content_watch, left);
    left -= trim_buffers(&m->rooms, &m->rooms_watch, left);
    left -= trim_buffers(&m->receive, &m->receive_watch, left);
    left -= trim_buffers(&m->larges, &m->larges_watch, left);
    left -= trim_buffers(&m->chunks, &m->chunks_watch, left);
    left -= trim_stacks(&m->stacks, &m->stacks_watch, left);
    left -= trim_pool(&m->slots, &m->slots_watch, left);
    for (uint32_t i = 0; i < m->user_count; i++)
        left -= trim_pool(&m->user[i], &m->user_watch[i], left);
    return budget - left;
}

size_t leat__shard_memory_trim(struct shard_memory *m, int64_t now_ms, size_t budget)
{
    if (m->region.mode == REGION_COMMIT)
        return 0;
    if (m->window_since_ms == 0)
        m->window_since_ms = now_ms != 0 ? now_ms : 1;
    int64_t passed = (now_ms - m->window_since_ms) / TRIM_WINDOW_MS;
    if (passed > 0) {
        uint32_t windows = passed < TRIM_WINDOWS ? (uint32_t)passed : TRIM_WINDOWS;
        m->window_since_ms += passed * TRIM_WINDOW_MS;
        turn_all(m, windows);
    }
    size_t given = trim_all(m, budget);
    m->trimmed_bytes += given;
    m->trim_calls += given != 0;
    return given;
}

void leat__shard_memory_check(const struct shard_memory *m)
{
    leat__pool_check(&m->slots);
    leat__buffer_pool_check(&m->rooms);
    leat__buffer_pool_check(&m->receive);
    leat__buffer_pool_check(&m->chunks);
    leat__buffer_pool_check(&m->larges);
    leat__content_check(&m->content);
    leat__stack_pool_check(&m->stacks);
    for (uint32_t i = 0; i < m->user_count; i++)
        leat__pool_check(&m->user[i]);
    ASSERT(m->region.sealed && m->region.used <= m->region.size);
}
