/* rate_limit.c: who asks too often is told so, and when to come again. */
#include "exchange/exchange.h"
#include "handler/buckets.h"
#include "handler/middleware.h"

#include <stdio.h>

enum { LIMIT_CLIENTS = 65536, LIMIT_CLIENTS_MAX = 1 << 30 };

struct leat_limiter {
    struct buckets buckets;
    const char *field; /* NULL: by address */
    leat_slice (*key)(leat_exchange *x, void *argument);
    void *argument;
    bool tell;
    uint32_t burst, window_s;
};

/* ── On a request ── */

/* Of IPv6 the first 64 bits: what is behind them costs a client nothing to change. */
static uint64_t hash_address(struct leat_exchange *x, const struct leat_limiter *limiter)
{
    struct net_peer peer;
    leat__exchange_peer(x, &peer);
    size_t size = peer.family == NET_PEER_IPV6 ? 8 : peer.family == NET_PEER_IPV4 ? 4 : 0;
    return leat__buckets_hash(limiter->buckets.key, peer.address, size);
}

/* false: this request is not limited. */
static bool find_hash(leat_exchange *x, const struct leat_limiter *limiter, uint64_t *hash)
{
    leat_slice key = {NULL, 0};
    if (limiter->key != NULL) {
        key = limiter->key(x, limiter->argument);
        if (key.data == NULL)
            return false;
    } else if (limiter->field != NULL) {
        key = leat_field(x, limiter->field);
    }
    *hash = key.data != NULL ? leat__buckets_hash(limiter->buckets.key, key.data, key.size)
                             : hash_address(x, limiter);
    return true;
}

static unsigned long long seconds(uint64_t ms)
{
    return (ms + 999) / 1000;
}

static void tell_state(leat_exchange *x, const struct leat_limiter *limiter,
                       const struct bucket_state *state)
{
    leat_field_setf(x, "RateLimit-Policy", "\"default\";q=%u;w=%u", limiter->burst, limiter->window_s);
    leat_field_setf(x, "RateLimit", "\"default\";r=%llu;t=%llu", (unsigned long long)state->left,
                    seconds(state->wait_ms != 0 ? state->wait_ms : state->full_ms));
}

void leat_rate_limit(leat_exchange *x)
{
    struct leat_limiter *limiter = leat_data(x);
    uint64_t hash, ticks;
    if (limiter == NULL || !find_hash(x, limiter, &hash)) {
        leat_next(x);
        return;
    }
    bool taken = leat__buckets_take(&limiter->buckets, hash, *x->common->now_ms, &ticks);
    if (taken && !limiter->tell) {
        leat_next(x);
        return;
    }
    struct bucket_state state = leat__buckets_state(&limiter->buckets, ticks, taken);
    tell_state(x, limiter, &state);
    if (taken) {
        leat_next(x);
        return;
    }
    leat_field_setf(x, "Retry-After", "%llu", seconds(state.wait_ms));
    leat_problem(x, 429, "There were too many requests; try again later");
}

/* ── At start ── */

static bool check(leat_app *app, const leat_limiter_options *o)
{
    const char *wrong = NULL;
    if (!(o->per_second > 0 && o->per_second <= 1e6))
        wrong = "per_second is more than 0 and at most 1,000,000";
    else if (o->burst / o->per_second > BUCKETS_WINDOW_MAX_S)
        wrong = "burst / per_second is at most 8 hours";
    else if (o->clients > LIMIT_CLIENTS_MAX)
        wrong = "clients are at most 2^30";
    if (wrong != NULL)
        leat__app_error(app, "leat_limiter_create: %s", wrong);
    return wrong == NULL &&
           (o->field == NULL || leat__middleware_is_name(app, "leat_limiter_create", o->field));
}

leat_limiter *leat_limiter_create_sized(leat_app *app, const leat_limiter_options *given, size_t given_size)
{
    leat_limiter_options options;
    options_take(&options, sizeof options, given, given_size);
    if (options.per_second == 0)
        options.per_second = 10;
    if (options.burst == 0 && options.per_second > 0 && options.per_second <= 1e6)
        options.burst = (uint32_t)options.per_second +
                        ((uint32_t)options.per_second < options.per_second);
    if (options.clients == 0)
        options.clients = LIMIT_CLIENTS;
    if (!check(app, &options))
        return NULL;
    struct leat_limiter *limiter = leat__middleware_alloc(app, sizeof *limiter);
    struct buckets *b = &limiter->buckets;
    b->set_count = leat__buckets_sets(options.clients);
    size_t size = (size_t)b->set_count * BUCKETS_IN_SET * sizeof *b->words;
    b->words = leat__middleware_alloc(app, size);
    b->interval = (uint64_t)(1000.0 * BUCKETS_TICKS_PER_MS / options.per_second + 0.5);
    b->window = b->interval * options.burst;
    leat__middleware_random(b->key, sizeof b->key);
    limiter->field = options.field ? leat__middleware_copy(app, options.field) : NULL;
    limiter->key = options.key;
    limiter->argument = options.argument;
    limiter->tell = options.tell;
    limiter->burst = options.burst;
    double window_s = options.burst / options.per_second;
    limiter->window_s = (uint32_t)window_s + ((uint32_t)window_s < window_s);
    leat__app_count_table(app, size);
    if (options.key == NULL)
        leat__app_knows_peers(app);
    return limiter;
}
