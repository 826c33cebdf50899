/* health.c: what balancers and orchestrators ask. Health: this process answers. Readiness: it should be sent requests; not
 * while it drains, nor while it refuses for want of what every request needs, or a shard is held up.
 *
 * A refusal leaves its time with the shard that refused (exchange_note_shortage), and nothing else is kept: whoever asks
 * compares that time with now. */
#include "handler/health.h"
#include "exchange/app.h"
#include "exchange/exchange.h"
#include "leat/health.h"
#include "leat/negotiate.h"

static void answer(leat_exchange *x, int status, const char *state, const char *reason)
{
    static const char *const types[] = {"text/plain", "application/json"};
    bool json = leat_accepts(x, types, COUNT_OF(types)) == 1;
    leat_field_set(x, "Cache-Control", "no-store");
    if (!json && reason == NULL)
        leat_text(x, status, "%s\n", state);
    else if (!json)
        leat_text(x, status, "%s: %s\n", state, reason);
    else if (reason == NULL)
        leat_text(x, status, "{\"status\":\"%s\"}\n", state);
    else
        leat_text(x, status, "{\"status\":\"%s\",\"reason\":\"%s\"}\n", state, reason);
    if (json)
        leat_field_set(x, "Content-Type", "application/json");
}

static void answer_shortage(leat_exchange *x, uint64_t shortage, int64_t passed_ms)
{
    static const char *const wants[] = {
        [SHORT_SLOT] = "a connection was refused for want of a seat (--connections)",
        [SHORT_EXCHANGE] = "a request was refused for want of an exchange (--exchanges)",
        [SHORT_TASK] = "a request was refused for want of a stack (--tasks)",
    };
    const char *reason = leat_printf(x, "%s %d.%d s ago", wants[shortage % SHORTAGE_KINDS],
                                     (int)(passed_ms / 1000), (int)(passed_ms % 1000 / 100));
    answer(x, 503, "overloaded", reason);
}

/* Since the newest refusal. */
static int64_t passed_ms(const struct health *h)
{
    int64_t passed = h->now_ms - (int64_t)(h->shortage / SHORTAGE_KINDS);
    return passed > 0 ? passed : 0; /* the other shard's clock may be ahead of our turn's */
}

static bool is_short(const struct health *h)
{
    return h->shortage != 0 && passed_ms(h) < HEALTH_REFUSED_MS;
}

bool leat__health_is_ready(const struct health *h)
{
    return !h->draining && !is_short(h) && h->silence_ms <= HEALTH_SILENCE_MS;
}

void leat__health_answer(leat_exchange *x, const struct health *h)
{
    if (leat__health_is_ready(h))
        answer(x, 200, "ready", NULL);
    else if (h->draining)
        answer(x, 503, "draining", "it is about to stop");
    else if (is_short(h))
        answer_shortage(x, h->shortage, passed_ms(h));
    else
        answer(x, 503, "overloaded",
               leat_printf(x, "a shard has not answered for %d.%d s", (int)(h->silence_ms / 1000),
                           (int)(h->silence_ms % 1000 / 100)));
}

void leat_healthz(leat_exchange *x)
{
    answer(x, 200, "ok", NULL);
}

void leat_readyz(leat_exchange *x)
{
    const struct exchange_common *common = x->common;
    leat__health_answer(x,
                        &(struct health){
                            .draining = common->draining ||
                                        (common->leaving != NULL &&
                                         atomic_load_explicit(common->leaving, memory_order_relaxed)),
                            .shortage = atomic_load_explicit(&common->shortage, memory_order_relaxed),
                            .now_ms = *common->now_ms,
                        });
}

bool leat__health_is_asked(const leat_exchange *x)
{
    const struct chain_link *link = x->chain->links;
    while (link[1].handler != NULL)
        link++;
    return link->handler == leat_healthz || link->handler == leat_readyz;
}
