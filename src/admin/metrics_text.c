/* metrics_text.c: /metrics: Prometheus' text format, made of metrics.def. */
#include "admin/admin.h"
#include <stdio.h>

static int put(leat_exchange *x, const char *name, const char *type, const char *help, double value)
{
    const char *prefix = strncmp(name, "process_", 8) == 0 ? "" : "leat_";
    return leat_writef(x, "# HELP %s%s %s\n# TYPE %s%s %s\n%s%s %.15g\n", prefix, name, help,
                       prefix, name, type, prefix, name, value);
}

static void metrics(leat_exchange *x)
{
    const struct admin *admin = leat_data(x);
    const struct look *l = leat__look(admin->looker);
    if (leat_begin(x, 200, "text/plain; version=0.0.4; charset=utf-8") < 0)
        return;
#define METRIC(name, type, help, value) put(x, name, #type, help, (double)(value));
#include "admin/metrics.def"
#undef METRIC
}

void leat__admin_add_metrics(struct admin *admin, leat_app *group)
{
    leat_get_with(group, "/metrics", metrics, admin);
}
