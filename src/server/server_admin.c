/* server_admin.c: the admin listener is a server beside the server: made with it, started when its shards serve. See
 * admin/admin.h. */
#define _GNU_SOURCE /* program_invocation_short_name */
#include "base/clock.h"
#include "memory/seal.h"
#include "server/server_inside.h"
#include <errno.h>
#include <sysexits.h>

/* The admin listener: a server of its own, whose config says that it has none. */
void leat__server_make_admin(leat_server *server)
{
    char line[512];
    server->admin = leat__admin_create(&server->config, leat__app_root(server->app),
                                       program_invocation_short_name, line, sizeof line);
    if (server->admin == NULL) {
        if (line[0] != '\0')
            leat__server_add_error(server, EX_CONFIG, line);
        return;
    }
    server->admin_server = leat__server_create(server->admin->app, &server->admin->config);
    if (leat_server_error(server->admin_server)[0] != '\0')
        leat__server_add_error(server, EX_CONFIG, leat_server_error(server->admin_server));
}

static struct conns *conns_of_shard(void *argument, uint32_t i)
{
    leat_server *server = argument;
    return &server->threads[i].shard.conns;
}

/* Behind the shards. Where nobody said where, any port will do. */
int leat__server_start_admin(leat_server *server)
{
    uint32_t listeners = server->listeners.count;
    if (server->admin == NULL)
        return 0;
    server->admin_listeners = leat__start_alloc(listeners * sizeof(int));
    for (uint32_t i = 0; i < listeners; i++)
        server->admin_listeners[i] = listeners_fd(&server->listeners, 0, i);
    server->source = (struct look_source){
        .name = server->admin->name,
        .config = &server->config,
        .plan = &server->plan,
        .routes = &server->routes,
        .app = leat__app_root(server->app),
        .shard_count = server->config.shards,
        .shard = conns_of_shard,
        .server = server,
        .loop = leat__server_loop_name(server),
        .listeners = server->admin_listeners,
        .listener_count = listeners,
        .started_s = leat__clock_realtime_s(),
        .leaving = &server->leaving,
        .doctor = server->doctor,
    };
    leat__admin_begin(server->admin, &server->source);
    int error = leat_server_start(server->admin_server);
    if (error == -EADDRINUSE && server->admin->is_default) {
        leat_server_destroy(server->admin_server);
        server->admin->config.listen.items[0] = "localhost:0";
        server->admin_server = leat__server_create(server->admin->app, &server->admin->config);
        error = leat_server_start(server->admin_server);
    }
    return error;
}

void leat__server_stop_admin(leat_server *server)
{
    if (server->admin == NULL || server->admin_listeners == NULL)
        return;
    leat__server_stop_now(server->admin_server);
    leat_server_stop(server->admin_server);
    leat__start_free(server->admin_listeners);
    server->admin_listeners = NULL;
}
