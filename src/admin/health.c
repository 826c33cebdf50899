/* health.c: the two probes of the admin listener: what the server's own can tell of one shard (handler/health.c), of all of
 * them, and whether they answer at all. */
#include "admin/admin.h"
#include "base/clock.h"
#include "handler/health.h"
#include "leat/health.h"

void leat__admin_healthz(leat_exchange *x)
{
    leat_healthz(x);
}

static uint64_t newest_shortage(const struct look_source *source)
{
    uint64_t newest = 0;
    for (uint32_t i = 0; i < source->shard_count; i++) {
        struct exchange_common *common = &source->shard(source->server, i)->common;
        uint64_t shortage = atomic_load_explicit(&common->shortage, memory_order_relaxed);
        newest = shortage > newest ? shortage : newest;
    }
    return newest;
}

static struct health health_of(const struct look *l)
{
    return (struct health){
        .draining = atomic_load_explicit(l->source->leaving, memory_order_relaxed),
        .shortage = newest_shortage(l->source),
        .silence_ms = l->silence_ms,
        .now_ms = leat__clock_now_ms(),
    };
}

void leat__admin_readyz(leat_exchange *x)
{
    const struct admin *admin = leat_data(x);
    struct health health = health_of(leat__look(admin->looker));
    leat__health_answer(x, &health);
}

bool leat__look_is_ready(const struct look *l)
{
    struct health health = health_of(l);
    return leat__health_is_ready(&health);
}
