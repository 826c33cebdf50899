/* routes.c: registration of what goes beyond patterns: hosts and matchers (leat/routes.h). */
#include "exchange/app.h"
#include "exchange/exchange.h"
#include "memory/seal.h"
#include <stdio.h>

/* The host's number among the root's, from 1; a new one when it was not there. */
static uint32_t find_or_add_host(leat_app *root, const struct host_name *name)
{
    for (uint32_t i = 0; i < root->host_count; i++)
        if (leat__host_is_same(&root->hosts[i], name))
            return i + 1;
    size_t size = sizeof *root->hosts;
    root->hosts = leat__start_grow(root->hosts, root->host_count * size, (root->host_count + 1) * size);
    root->hosts[root->host_count++] = *name;
    return root->host_count;
}

leat_app *leat_host(leat_app *app, const char *host)
{
    struct host_name name;
    const char *why;
    leat_app *group = leat_group(app, "");
    if (leat__host_parse(&name, host != NULL ? host : "", &why) < 0) {
        leat__app_error(app, "host \"%s\": %s", host != NULL ? host : "(null)", why);
        return group;
    }
    uint32_t number = find_or_add_host(leat__app_root(app), &name);
    if (app->host != 0 && app->host != number)
        leat__app_error(app, "host \"%s\": a group that answers for another host can't have it", host);
    group->host = number;
    return group;
}

const struct host_name *leat__app_host(const leat_app *root, uint32_t host)
{
    return host == 0 ? NULL : &root->hosts[host - 1];
}

int leat__host_write(const struct host_name *name, char *text, size_t size)
{
    int written = snprintf(text, size, "%s%s", name->text[0] == '.' ? "*" : "", name->text);
    if (name->port != 0 && written >= 0 && (size_t)written < size)
        written += snprintf(text + written, size - (size_t)written, ":%u", name->port);
    return written;
}

void leat_route_match(leat_app *app, const char *method, const char *name, leat_matcher *match,
                      void *matcher_data, leat_handler *handler, void *data)
{
    const char *shown = name != NULL ? name : "(matcher)";
    if (match == NULL) {
        leat__app_error(app, "route %s \"%s\": the matcher is NULL", method ? method : "(null)", shown);
        return;
    }
    if (strchr(app->prefix, ':') != NULL || strchr(app->prefix, '*') != NULL) {
        leat__app_error(app, "route %s \"%s\": the group \"%s\" has parameters, which a matcher can't have in front of it",
                        method ? method : "(null)", shown, app->prefix);
        return;
    }
    size_t size = strlen(shown) + 2; /* apart from the prefix, where there is one */
    char *text = leat__start_alloc(size);
    snprintf(text, size, "%s%s", app->prefix[0] != '\0' ? " " : "", shown);
    struct app_route *route = leat__app_add_route(
        app, method, text, &(struct chain_link){handler, data, .collects = true});
    leat__start_free(text);
    if (route == NULL)
        return;
    route->match = match;
    route->matcher_data = matcher_data;
}
