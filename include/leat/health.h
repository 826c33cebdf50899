/* health.h: what balancers and orchestrators ask, as ready-made handlers for the server's own addresses.
 *
 *     leat_get(app, "/healthz", leat_healthz);
 *     leat_get(app, "/readyz", leat_readyz);
 *
 * The admin listener has both already; these are for balancers that reach only the addresses where requests come in, and
 * `leat serve --health` adds them to every site. They wait for nothing and look at nothing but their own shard. */
#ifndef LEAT_HEALTH_H
#define LEAT_HEALTH_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 200 "ok": the process answers. */
LEAT_API void leat_healthz(leat_exchange *x);

/* 200 "ready": send requests. 503 with one line that says why not: "draining: …" from the first signal on, while the server
 * still accepts (--drain-delay) and behind that; "overloaded: …" when a connection or a request was refused within the last
 * 5 s for want of a seat, an exchange or a stack, on this shard. A shard that is full refuses this request too: by 503.
 *
 * Both answer as JSON, {"status": "ready"}, {"status": "draining", "reason": "…"}, when Accept likes that better. Neither
 * may be kept by a cache. */
LEAT_API void leat_readyz(leat_exchange *x);

#ifdef __cplusplus
}
#endif

#endif
