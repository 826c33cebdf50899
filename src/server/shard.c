/* shard.c: puts a shard together from the plan, and takes it apart. */
#include "server/shard.h"

static uint32_t timeout_of(int64_t ms)
{
    return ms < 0 || ms >= INT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

int leat__shard_open(struct shard *shard, const struct config *config, const struct plan *plan,
                     const struct routes *routes, enum loop_kind kind, void *simulation)
{
    struct conns *c = &shard->conns;
    int error = leat__shard_memory_open(&c->memory, plan, config->commit ? REGION_COMMIT : REGION_RESERVE);
    if (error < 0)
        return error;
    c->limits.head = (struct http1_limits){config->request_line_max, config->head_max, config->fields_max};
    c->limits.head_timeout_ms = timeout_of(config->head_timeout_ms);
    c->limits.content_timeout_ms = timeout_of(config->content_timeout_ms);
    c->limits.write_timeout_ms = timeout_of(config->write_timeout_ms);
    c->limits.idle_timeout_ms = timeout_of(config->idle_timeout_ms);
    c->common.routes = routes;
    c->common.content_max = config->content_max;
    c->seats = plan->slots;
    struct loop_options options = {
        .receive_ring = plan->receive_ring,
        .queue_entries = plan->queue_entries,
        .slots = (struct slot *)(void *)c->memory.slots.base,
        .slot_count = c->memory.slots.count,
        .receive = &c->memory.receive,
        .mailbox = &shard->mailbox,
        .events = &leat__conn_events,
        .context = c,
        .simulation = simulation,
    };
    error = leat__loop_open(&c->loop, kind, &options);
    if (error < 0) {
        leat__shard_memory_close(&c->memory);
        return error;
    }
    leat__conns_init(c);
    return 0;
}

void leat__shard_close(struct shard *shard)
{
    leat__loop_close_all(&shard->conns.loop);
    leat__shard_memory_close(&shard->conns.memory);
}
