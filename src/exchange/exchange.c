/* exchange.c: the life of an exchange: opened in a room, begun for each request, routed, run, ended. */
#include "exchange/exchange.h"

struct leat_exchange *leat__exchange_open(struct exchange_common *common, struct buffer *room,
                                          struct slot *slot)
{
    struct leat_exchange *x = (struct leat_exchange *)(void *)room->data;
    struct shard_memory *memory = common->memory;
    x->common = common;
    x->room = room;
    x->slot = slot;
    x->output = room->data + PLAN_EXCHANGE_PAGE;
    x->output_size = 0;
    x->input = x->input_last = NULL;
    x->send.file = -1;
    x->send_began = 0;
    x->rest.still = NULL;
    x->rest.warm = false;
    x->work = NULL;
    x->task = NULL;
    size_t used = align_up(sizeof *x, 16);
    leat__arena_init(&x->arena, room->data + used, PLAN_EXCHANGE_PAGE - used, &memory->chunks,
                     &memory->larges, EXCHANGE_CHUNKS_MAX);
    x->flags = 0;
    leat__exchange_begin(x);
    return x;
}

void leat__exchange_begin(struct leat_exchange *x)
{
    x->flags &= X_EOF;
    x->bytes = NULL;
    x->link = NULL;
    x->head_end = 0;
    x->since_ms = 0;
    x->began = 0;
    x->way = (struct exchange_way){0};
    x->filter = NULL;
    x->source = NULL;
    x->trailers = NULL;
    x->notes = NULL;
    x->content = NULL;
    x->content_size = 0;
    x->content_block = NULL;
    x->response_block = NULL;
    memset(&x->response, 0, sizeof x->response);
    x->response.file = -1;
    http1_head_init(&x->head);
}

static void let_go(struct leat_exchange *x)
{
    const struct leat_filter *filter = x->filter;
    response_forget(x);
    if (filter != NULL && filter->close != NULL)
        filter->close(x, x->filter_state);
    x->filter = NULL;
    const struct leat_source *source = x->source;
    if (source != NULL && source->close != NULL)
        source->close(x, x->source_state);
    x->source = NULL;
    if (x->flags & X_PREPARED) {
        x->flags &= (uint16_t)~X_PREPARED;
        x->let_go(x, x->prepared);
    }
}

void leat__exchange_end(struct leat_exchange *x)
{
    if (UNLIKELY(x->common->log != NULL))
        leat__exchange_log(x);
    if (UNLIKELY((x->flags & (X_HOLDS | X_PREPARED)) || x->filter != NULL || x->source != NULL))
        let_go(x);
    if (UNLIKELY(x->content_block != NULL)) {
        leat__content_release(&x->common->memory->content, x->content_block);
        x->content_block = NULL;
    }
    arena_reset(&x->arena);
}

/* The path as the router wants it: decoded but for %2F and %25, so that a parameter can be decoded once more. */
static unsigned decode_path(struct leat_exchange *x)
{
    char *decoded = arena_alloc(&x->arena, x->path_size);
    if (decoded == NULL)
        return x->arena.overflow == ARENA_POOL_EMPTY ? 503 : 414;
    ptrdiff_t size = leat__http1_percent_decode(decoded, x->path, x->path_size, false, true);
    if (size < 0)
        return 400;
    x->path = decoded;
    x->path_size = (uint32_t)size;
    return 0;
}

/* The routes of the host that the request is for. */
static const struct route_site *find_site(const struct leat_exchange *x)
{
    const struct routes *routes = x->common->routes;
    uint32_t host = leat__hosts_find(routes->hosts, x->bytes + x->head.authority_at,
                                     x->head.authority_size);
    return host != 0 ? &routes->sites[host - 1] : &routes->site;
}

static void route_path(struct leat_exchange *x)
{
    const struct routes *routes = x->common->routes;
    const struct route_site *site = &routes->site;
    if (UNLIKELY(routes->hosts != NULL)) {
        site = find_site(x);
        if (routes->misdirects && site == &routes->site) {
            x->route_result = ROUTE_REFUSED;
            x->match.value = 421;
            return;
        }
    }
    x->route_result = (uint8_t)leat__router_match(site->router, x->head.method, x->path,
                                                  x->path_size, &x->match);
    if (UNLIKELY(x->route_result != ROUTER_FOUND) && site->matcher_count > 0)
        leat__match_further(x, site);
}

unsigned leat__exchange_route(struct leat_exchange *x)
{
    const struct http1_head *head = &x->head;
    const struct routes *routes = x->common->routes;
    x->match.param_count = 0;
    x->match.allowed = 0;
    x->path = "/";
    x->path_size = 1;
    x->route_result = ROUTER_NOT_ALLOWED;
    if (LIKELY(head->form == HTTP1_ORIGIN || head->form == HTTP1_ABSOLUTE)) {
        if (LIKELY(head->path_size > 0)) {
            x->path = x->bytes + head->path_at;
            x->path_size = head->path_size;
        }
        if (UNLIKELY(head->flags & HTTP1_PERCENT)) {
            unsigned status = decode_path(x);
            if (status != 0)
                return status;
        }
        if (LIKELY(head->method != HTTP_METHOD_UNKNOWN))
            route_path(x);
    }
    x->chain = &routes->all[x->route_result == ROUTER_FOUND ? x->match.value : 0];
    x->link = x->chain->links;
    return 0;
}

/* What a handler began that ends with it: a JSON text, a stream. */
static void finish(struct leat_exchange *x)
{
    if (x->response.json != NULL)
        leat__json_finish(x);
    if (x->way.stream != STREAM_NONE)
        leat__stream_finish(x);
}

/* Behind a handler that has begun such a thing, that somebody knows of, or whose depth is measured; on its stack. */
static void __attribute__((noinline)) end_specially(struct tasks *tasks)
{
    struct task *task = tasks->current;
    finish(task->exchange);
    if (task == tasks->warm) { /* one that has waited is cleaned at its end */
        if (task->painted != NULL)
            leat__depth_ends(task->exchange, task);
        leat__task_clean(task);
    }
    task_leaves(tasks);
}

/* The chain, on its stack. What comes behind it is done here too, so that nothing has to be kept on the loop's. */
static void run_chain(struct leat_exchange *x, struct tasks *tasks)
{
    x->link->handler(x);
    if (UNLIKELY(tasks->current->marked))
        end_specially(tasks);
    else
        task_leaves(tasks);
}

static bool __attribute__((noinline)) run_specially(struct leat_exchange *x, struct tasks *tasks)
{
    if (!leat__tasks_warm_up(tasks)) {
        exchange_count_refusal(x, &x->common->counters->refused_task, EVENT_REFUSED_TASK, "task");
        exchange_note_shortage(x->common, SHORT_TASK);
        leat_problem(x, 503, "All stacks of handlers that wait are in use");
        return true;
    }
    if (x->common->depths[x->chain->number].until_measured == 0)
        leat__depth_begins(x, tasks->warm);
    return task_run_handler(tasks, run_chain, x);
}

static bool __attribute__((noinline)) run_directly(struct leat_exchange *x)
{
    x->link->handler(x);
    finish(x);
    return true;
}

bool leat__exchange_run(struct leat_exchange *x)
{
    struct tasks *tasks = x->common->tasks;
    if (UNLIKELY(tasks == NULL))
        return run_directly(x);
    if (UNLIKELY(--x->common->depths[x->chain->number].until_measured == 0 || tasks->warm == NULL))
        return run_specially(x, tasks);
    return task_run_handler(tasks, run_chain, x);
}

void leat__exchange_waits(struct leat_exchange *x)
{
    x->task = leat__tasks_keep_warm_one(x->common->tasks, x->common->carrier->go);
    leat__depth_waits(x, x->task);
    if (UNLIKELY(x->flags & X_EOF) && x->way.wants == WANT_NOTHING)
        leat__task_cancel(x->task); /* its client had gone before it was its turn */
}

bool leat__exchange_go_on(struct leat_exchange *x)
{
    struct task *task = x->task;
    bool ended = leat__task_go_on(task);
    if (!ended) {
        leat__depth_waits(x, task);
        return false;
    }
    if (task->painted != NULL)
        leat__depth_ends(x, task);
    x->task = NULL;
    return true;
}

bool leat__exchange_may_wait(const struct leat_exchange *x)
{
    const struct tasks *tasks = x->common->tasks;
    return tasks != NULL && tasks->current != NULL && tasks->current->exchange == x;
}

void leat__exchange_refuse(struct leat_exchange *x, unsigned status, const char *detail)
{
    x->way.content = CONTENT_BROKEN;
    x->way.refused_status = (uint16_t)status;
    x->refused_detail = detail;
    x->common->counters->bad_requests += status != 408 && status != 503;
    x->flags |= X_CLOSE | X_LINGER;
}

/* Collected, where its link wants that; unless middleware has begun to read it in pieces: then it is leat_read's. */
static bool content_is_there(struct leat_exchange *x)
{
    if (LIKELY(x->way.content == CONTENT_NONE) || !x->link->collects)
        return true;
    if (x->way.content == CONTENT_BROKEN)
        return false;
    if (x->source != NULL)
        return leat__source_collect(x);
    return x->way.content != CONTENT_PENDING || x->common->carrier->collect(x);
}

void leat__exchange_overrule(struct leat_exchange *x, unsigned status, const char *detail)
{
    if (x->way.refused_status != 0)
        return;
    x->way.refused_status = (uint16_t)status;
    x->refused_detail = detail;
    x->common->counters->bad_requests += status < 500;
}

/* The next link, once the content is there that it wants. */
static void run_link(struct leat_exchange *x)
{
    if (LIKELY(content_is_there(x)))
        x->link->handler(x);
    else if (x->way.refused_status != 0)
        leat_problem(x, x->way.refused_status, x->refused_detail);
    else
        leat_problem(x, 400, "The content did not come whole");
}

void leat_next(leat_exchange *x)
{
    const struct chain_link *mine = x->link;
    if (mine[1].handler == NULL || (x->flags & X_NEXT_ENDED))
        return;
    x->link = mine + 1;
    run_link(x);
    if (UNLIKELY(x->response.json != NULL))
        leat__json_finish(x);
    x->link = mine;
    x->flags |= X_NEXT_ENDED; /* from here outwards every leat_next has had its run */
}

static void add_allow(leat_exchange *x)
{
    char allow[128] = "";
    size_t at = 0;
    for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++) {
        if (!(x->match.allowed & (1u << m)))
            continue;
        const char *name = leat__http_method_name((enum http_method)m);
        size_t size = strlen(name);
        if (at > 0) {
            memcpy(allow + at, ", ", 2);
            at += 2;
        }
        memcpy(allow + at, name, size);
        at += size;
    }
    allow[at] = '\0';
    leat_field_set(x, "Allow", allow);
}

void leat__answer_unrouted(leat_exchange *x)
{
    if (x->head.method == HTTP_METHOD_UNKNOWN) {
        leat_problem(x, 501, "Leat does not know this method");
    } else if (x->head.form == HTTP1_ASTERISK) {
        leat_status(x, 204);
    } else if (x->route_result == ROUTE_REFUSED) {
        leat_problem(x, (int)x->match.value, NULL);
    } else if (x->route_result == ROUTER_NOT_FOUND) {
        leat_problem(x, 404, NULL);
    } else if (x->head.method == HTTP_OPTIONS) {
        add_allow(x);
        leat_status(x, 204);
    } else {
        add_allow(x);
        leat_problem(x, 405, NULL);
    }
}
