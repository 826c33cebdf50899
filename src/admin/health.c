/* health.c: what balancers and orchestrators ask. Health: this process answers. Readiness: it should be sent requests. */
#include "admin/admin.h"

void leat__admin_healthz(leat_exchange *x)
{
    leat_field_set(x, "Cache-Control", "no-store");
    leat_text(x, 200, "ok\n");
}

void leat__admin_readyz(leat_exchange *x)
{
    const struct admin *admin = leat_data(x);
    const struct look *l = leat__look(admin->looker);
    leat_field_set(x, "Cache-Control", "no-store");
    if (l->all.draining != 0)
        leat_text(x, 503, "draining\n");
    else
        leat_text(x, 200, "ready\n");
}
