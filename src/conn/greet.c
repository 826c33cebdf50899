/* greet.c: a connection that has just been accepted, as a program's hooks see it. */
#include "conn/step.h"

struct leat_connection {
    struct net_peer peer;
    char text[NET_PEER_TEXT];
    unsigned listener;
};

bool leat__conn_is_wanted(const struct conns *c, const struct slot *s)
{
    const struct app_hooks *hooks = c->common.routes->hooks;
    struct leat_connection connection = {.listener = s->listener};
    if (hooks->connect_count == 0)
        return true;
    leat__net_peer(s->fd, &connection.peer);
    leat__net_peer_text(&connection.peer, connection.text);
    for (uint32_t i = 0; i < hooks->connect_count; i++)
        if (!hooks->on_connect[i].function(&connection, hooks->on_connect[i].argument))
            return false;
    return true;
}

const char *leat_connection_peer(const leat_connection *connection)
{
    return connection->text;
}

int leat_connection_port(const leat_connection *connection)
{
    return connection->peer.port;
}

unsigned leat_connection_listener(const leat_connection *connection)
{
    return connection->listener;
}
