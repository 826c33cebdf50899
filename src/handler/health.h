/* health.h: how readiness is judged and told, for the handlers of the server's own addresses (leat/health.h) and for the admin
 * listener's. */
#ifndef LEAT_HANDLER_HEALTH_H
#define LEAT_HANDLER_HEALTH_H

#include "leat/leat.h"

enum {
    HEALTH_REFUSED_MS = 5000, /* so long after a refusal a server is overloaded */
    HEALTH_SILENCE_MS = 2000, /* a shard that is silent longer is held up */
};

/* What is known of a server, or of one shard. */
struct health {
    bool draining;
    uint64_t shortage; /* the newest, as struct exchange_common has it; 0: none yet */
    uint64_t silence_ms;
    int64_t now_ms; /* monotonic */
};

bool leat__health_is_ready(const struct health *health);
void leat__health_answer(leat_exchange *x, const struct health *health);

/* Whether the route that answers x is one of leat/health.h's. */
bool leat__health_is_asked(const leat_exchange *x);

#endif
