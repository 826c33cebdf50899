/* health.c: a program that answers its balancer itself, and has a handler that holds its shard up until a file is there:
 * the one thing a handler must not do. */
#include <leat/leat.h>
#include <unistd.h>

static void hold(leat_exchange *x)
{
    const char *until = leat_query(x, "until");
    while (until != NULL && access(until, F_OK) < 0)
        usleep(1000);
    leat_text(x, 200, "at last\n");
}

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    leat_get(app, "/healthz", leat_healthz);
    leat_get(app, "/readyz", leat_readyz);
    leat_get(app, "/hold", hold);
    return leat_main(app, argc, argv);
}
