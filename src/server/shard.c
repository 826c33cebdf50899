/* shard.c: puts a shard together from the plan, and takes it apart. */
#include "server/shard.h"

static uint32_t timeout_of(int64_t ms)
{
    return ms < 0 || ms >= INT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

void leat__shard_limits(const struct config *config, struct conn_limits *limits)
{
    *limits = (struct conn_limits){
        .head = {config->request_line_max, config->head_max, config->fields_max},
        .head_timeout_ms = timeout_of(config->head_timeout_ms),
        .content_timeout_ms = timeout_of(config->content_timeout_ms),
        .write_timeout_ms = timeout_of(config->write_timeout_ms),
        .idle_timeout_ms = timeout_of(config->idle_timeout_ms),
        .content_max = config->content_max,
        .file_check_ms = timeout_of(config->file_check_ms),
    };
}

/* Its counts. */
static struct loop_options loop_options(const struct plan *plan)
{
    return (struct loop_options){
        .receive_ring = plan->receive_ring,
        .queue_entries = plan->queue_entries,
        .send_count = plan->rooms,
        .poll_count = plan->tasks,
    };
}

size_t leat__shard_loop_state_size(const struct plan *plan, enum loop_kind kind)
{
    const struct loop_options options = loop_options(plan);
    return leat__loop_state_size(kind, &options);
}

int leat__shard_open(struct shard *shard, const struct config *config, const struct plan *plan,
                     const struct routes *routes, enum loop_kind kind, void *simulation)
{
    struct conns *c = &shard->conns;
    struct conn_limits limits;
    int error = leat__shard_memory_open(&c->memory, plan, config->commit ? REGION_COMMIT : REGION_RESERVE);
    if (error < 0)
        return error;
    c->common.routes = routes;
    c->seats = plan->slots;
    struct loop_options options = loop_options(plan);
    options.slots = (struct slot *)(void *)c->memory.slots.base;
    options.slot_count = c->memory.slots.count;
    options.receive = &c->memory.receive;
    options.mailbox = &shard->mailbox;
    options.events = &leat__conn_events;
    options.context = c;
    options.state = shard->loop_state;
    options.simulation = simulation;
    error = leat__loop_open(&c->loop, kind, &options);
    if (error < 0) {
        leat__shard_memory_close(&c->memory);
        return error;
    }
    leat__shard_limits(config, &limits);
    leat__conns_init(c, &limits);
    if (plan->tasks > 0) {
        leat__tasks_open(&c->tasks, c->memory.tasks, &c->wheels, &c->memory.stacks, &c->loop,
                         (uint32_t)shard->home);
        c->common.tasks = &c->tasks;
        ASSERT(plan->input.route_count == routes->count);
        leat__depths_open(&c->common, (struct route_depth *)(void *)c->memory.depths);
    }
    return 0;
}

void leat__shard_close(struct shard *shard)
{
    if (shard->conns.common.tasks != NULL)
        leat__tasks_close(&shard->conns.tasks);
    leat__loop_close_all(&shard->conns.loop);
    leat__shard_memory_close(&shard->conns.memory);
}
