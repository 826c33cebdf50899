/* app.c: registration and compiling. All of it happens at start, with the allocator; nothing here is on a request's
 * way but the chains it leaves behind. */
#include "exchange/app.h"
#include "exchange/exchange.h"
#include "memory/seal.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

leat_app *leat_app_create(void)
{
    leat_app *app = leat__start_alloc(sizeof *app);
    app->prefix = leat__start_copy("");
    app->content_max = UINT64_MAX;
    return app;
}

leat_app *leat__app_root(leat_app *app)
{
    while (app->parent != NULL)
        app = app->parent;
    return app;
}

void leat__app_error(leat_app *app, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    leat_app *root = leat__app_root(app);
    size_t old = root->errors ? strlen(root->errors) + 1 : 0;
    size_t size = (old > 0 ? old : 1) + strlen(line) + 1;
    char *errors = leat__start_grow(root->errors, old, size);
    snprintf(errors + (old > 0 ? old - 1 : 0), size - (old > 0 ? old - 1 : 0), "%s\n", line);
    root->errors = errors;
}

const char *leat__app_errors(const leat_app *app)
{
    return app->errors ? app->errors : "";
}

void leat__app_keep(leat_app *app, void *thing, void (*destroy)(void *thing))
{
    leat_app *root = leat__app_root(app);
    size_t size = sizeof *root->guests;
    root->guests = leat__start_grow(root->guests, root->guest_count * size,
                                    (root->guest_count + 1) * size);
    root->guests[root->guest_count++] = (struct app_guest){thing, destroy};
}

void leat__app_keep_descriptor(leat_app *app, int fd)
{
    leat_app *root = leat__app_root(app);
    size_t size = sizeof *root->descriptors;
    root->descriptors = leat__start_grow(root->descriptors, root->descriptor_count * size,
                                         (root->descriptor_count + 1) * size);
    root->descriptors[root->descriptor_count++] = fd;
}

void leat_app_error(leat_app *app, const char *text)
{
    leat__app_error(app, "%s", text);
}

void leat_app_keep(leat_app *app, void *thing, leat_release_function *release)
{
    leat__app_keep(app, thing, release);
}

leat_app *leat_group(leat_app *app, const char *prefix)
{
    leat_app *root = leat__app_root(app);
    leat_app *group = leat__start_alloc(sizeof *group);
    group->parent = app;
    group->host = app->host;
    group->content_max = UINT64_MAX;
    bool is_prefix = prefix != NULL &&
                     (prefix[0] == '\0' || (prefix[0] == '/' && prefix[strlen(prefix) - 1] != '/'));
    if (!is_prefix) {
        leat__app_error(app, "group \"%s\": a prefix is empty, or begins with '/' and does not end with it",
                        prefix ? prefix : "(null)");
        prefix = "";
    }
    size_t size = strlen(app->prefix) + strlen(prefix) + 1;
    group->prefix = leat__start_alloc(size);
    snprintf(group->prefix, size, "%s%s", app->prefix, prefix);
    root->groups = leat__start_grow(root->groups, root->group_count * sizeof(leat_app *),
                                    (root->group_count + 1) * sizeof(leat_app *));
    root->groups[root->group_count++] = group;
    return group;
}

void leat_use_with(leat_app *app, leat_handler *middleware, void *data)
{
    if (middleware == NULL) {
        leat__app_error(app, "leat_use: the middleware is NULL");
        return;
    }
    size_t size = sizeof *app->middleware;
    app->middleware = leat__start_grow(app->middleware, app->middleware_count * size,
                                       (app->middleware_count + 1) * size);
    app->middleware[app->middleware_count++] = (struct chain_link){.handler = middleware, .data = data};
}

void leat_use(leat_app *app, leat_handler *middleware)
{
    leat_use_with(app, middleware, NULL);
}

struct app_route *leat__app_add_route(leat_app *app, const char *method, const char *text,
                                      const struct chain_link *link)
{
    leat_app *root = leat__app_root(app);
    const char *shown = text ? text : "(null)";
    enum http_method found = method ? leat__http_method_find(method, strlen(method))
                                    : HTTP_METHOD_UNKNOWN;
    if (found == HTTP_METHOD_UNKNOWN) {
        leat__app_error(app, "route \"%s\": \"%s\" is not a method Leat knows; see http/methods.def",
                        shown, method ? method : "(null)");
        return NULL;
    }
    if (text == NULL || link->handler == NULL) {
        leat__app_error(app, "route %s \"%s\": needs a pattern and a handler", method, shown);
        return NULL;
    }
    size_t pattern_size = strlen(app->prefix) + strlen(text) + 1;
    size_t size = sizeof *root->routes;
    root->routes = leat__start_grow(root->routes, root->route_count * size,
                                    (root->route_count + 1) * size);
    struct app_route *route = &root->routes[root->route_count++];
    *route = (struct app_route){found, leat__start_alloc(pattern_size), app, *link, NULL, NULL};
    snprintf(route->pattern, pattern_size, "%s%s", app->prefix, text);
    return route;
}

static void add_route(leat_app *app, const char *method, const char *pattern,
                      const struct chain_link *link)
{
    if (pattern != NULL && pattern[0] != '/' && pattern[0] != '\0' && app->parent != NULL)
        leat__app_error(app, "route %s \"%s\" of the group \"%s\": a pattern begins with '/'",
                        method ? method : "(null)", pattern, app->prefix);
    else
        leat__app_add_route(app, method, pattern, link);
}

void leat_route_with(leat_app *app, const char *method, const char *pattern, leat_handler *handler,
                     void *data)
{
    add_route(app, method, pattern, &(struct chain_link){handler, data, .collects = true});
}

void leat_route_stream(leat_app *app, const char *method, const char *pattern,
                       leat_handler *handler, void *data)
{
    add_route(app, method, pattern, &(struct chain_link){handler, data, .collects = false});
}

void leat_route(leat_app *app, const char *method, const char *pattern, leat_handler *handler)
{
    leat_route_with(app, method, pattern, handler, NULL);
}

/* leat_get, leat_get_with, … : one pair per method */
#define ROUTE_FUNCTIONS(name, METHOD)                                                              \
    void leat_##name(leat_app *app, const char *pattern, leat_handler *handler)                    \
    {                                                                                              \
        leat_route_with(app, METHOD, pattern, handler, NULL);                                      \
    }                                                                                              \
    void leat_##name##_with(leat_app *app, const char *pattern, leat_handler *handler, void *data) \
    {                                                                                              \
        leat_route_with(app, METHOD, pattern, handler, data);                                      \
    }
ROUTE_FUNCTIONS(get, "GET")
ROUTE_FUNCTIONS(post, "POST")
ROUTE_FUNCTIONS(put, "PUT")
ROUTE_FUNCTIONS(patch, "PATCH")
ROUTE_FUNCTIONS(delete, "DELETE")

#define STREAM_FUNCTIONS(name, METHOD)                                                                    \
    void leat_##name##_stream(leat_app *app, const char *pattern, leat_handler *handler)                  \
    {                                                                                                     \
        leat_route_stream(app, METHOD, pattern, handler, NULL);                                           \
    }                                                                                                     \
    void leat_##name##_stream_with(leat_app *app, const char *pattern, leat_handler *handler, void *data) \
    {                                                                                                     \
        leat_route_stream(app, METHOD, pattern, handler, data);                                           \
    }
STREAM_FUNCTIONS(post, "POST")
STREAM_FUNCTIONS(put, "PUT")

void leat_limit_content(leat_app *app, uint64_t max)
{
    app->content_max = max;
}

void leat_on_shard(leat_app *app, void *(*open)(void *argument), void (*close)(void *state), void *argument)
{
    leat_app *root = leat__app_root(app);
    size_t size = sizeof *root->states;
    if (open == NULL || app->state != 0) {
        leat__app_error(app, "leat_on_shard of \"%s\": %s", app->prefix,
                        open == NULL ? "open is NULL" : "a group has one state");
        return;
    }
    root->states = leat__start_grow(root->states, root->state_count * size,
                                    (root->state_count + 1) * size);
    root->states[root->state_count++] = (struct app_state){open, close, argument};
    app->state = root->state_count;
}

void leat_every_ms(leat_app *app, uint64_t interval_ms, void (*function)(void *argument), void *argument)
{
    leat_app *root = leat__app_root(app);
    size_t size = sizeof *root->every;
    if (function == NULL || interval_ms == 0) {
        leat__app_error(app, "leat_every_ms: needs a function and an interval of at least 1 ms");
        return;
    }
    root->every = leat__start_grow(root->every, root->every_count * size, (root->every_count + 1) * size);
    root->every[root->every_count++] = (struct app_every){interval_ms, function, argument};
}

leat_pool *leat_pool_create(leat_app *app, const char *name, size_t size, size_t count)
{
    leat_app *root = leat__app_root(app);
    leat_pool *pool = leat__start_alloc(sizeof *pool);
    leat__app_keep(root, pool, leat__start_free);
    pool->app = root;
    pool->name = leat__start_copy(name ? name : "pool");
    leat__app_keep(root, pool->name, leat__start_free);
    pool->object_size = size;
    pool->count = count;
    if (root->pool_count == PLAN_USER_POOLS_MAX)
        leat__app_error(root, "pool \"%s\": an app has at most %d pools", pool->name, PLAN_USER_POOLS_MAX);
    else if (size == 0 || count == 0)
        leat__app_error(root, "pool \"%s\": size and count must be at least 1", pool->name);
    else {
        pool->index = root->pool_count;
        root->pools[root->pool_count++] = pool;
    }
    return pool;
}

void leat__app_prepare(leat_app *app, leat_handler *handler, leat__prepare_function *prepare)
{
    leat_app *root = leat__app_root(app);
    for (uint32_t i = 0; i < root->prepared_count; i++)
        if (root->prepared[i].handler == handler)
            return;
    ASSERT(root->prepared_count < APP_PREPARED_MAX);
    root->prepared[root->prepared_count++] = (struct app_prepared){handler, prepare};
}

void leat__app_count_table(leat_app *app, uint64_t bytes)
{
    leat__app_root(app)->table_bytes += bytes;
}

void leat__app_knows_peers(leat_app *app)
{
    leat__app_root(app)->knows_peers = true;
}

void leat__app_never_waits(leat_app *app)
{
    leat__app_root(app)->never_waits = true;
}

void leat__app_serves_files(leat_app *app, uint64_t bundle_bytes)
{
    leat_app *root = leat__app_root(app);
    root->serves_files = true;
    root->bundle_bytes += bundle_bytes;
}

uint32_t leat__app_count_middleware(const leat_app *group)
{
    uint32_t count = 0;
    for (; group != NULL; group = group->parent)
        count += group->middleware_count;
    return count;
}

uint64_t leat__app_content_max(const leat_app *group)
{
    while (group != NULL && group->content_max == UINT64_MAX)
        group = group->parent;
    return group != NULL ? group->content_max : UINT64_MAX;
}

/* The patterns of one host as the router wants them, in fresh memory; value is the route's number: 0 is that of no route. */
static struct router_route *list_patterns(const leat_app *root, uint32_t host, uint32_t *count)
{
    struct router_route *list = leat__start_alloc((root->route_count + 1) * sizeof *list);
    *count = 0;
    for (uint32_t i = 0; i < root->route_count; i++) {
        const struct app_route *route = &root->routes[i];
        if (route->match == NULL && route->group->host == host)
            list[(*count)++] = (struct router_route){route->method, route->pattern, i + 1};
    }
    return list;
}

/* The router tells one error at a time: here every route is told that does not go with those before it. */
static void tell_bad_routes(leat_app *root, uint32_t host, struct router_route *list, uint32_t count)
{
    char name[HOST_SIZE_MAX + 16] = "";
    uint32_t good = 0;
    if (host != 0)
        leat__host_write(leat__app_host(root, host), name, sizeof name);
    for (uint32_t i = 0; i < count; i++) {
        char error[512] = "";
        list[good] = list[i];
        if (leat__router_measure(list, good + 1, error, sizeof error) < 0)
            leat__app_error(root, "%s%s%s", error, host != 0 ? "; host " : "", name);
        else
            good++;
    }
}

/* Bytes of one host's table; 0: it can't be, and the errors are told. */
static size_t measure_site(leat_app *root, uint32_t host)
{
    uint32_t count;
    struct router_route *list = list_patterns(root, host, &count);
    ptrdiff_t size = leat__router_measure(list, count, NULL, 0);
    if (size < 0)
        tell_bad_routes(root, host, list, count);
    leat__start_free(list);
    return size < 0 ? 0 : align_up((size_t)size, 16);
}

/* Of the chains, the patterns and the matchers they refer to. */
static size_t chains_size(const leat_app *root)
{
    size_t text = 0, links = root->middleware_count + 2; /* the handler and the chain's end */
    for (uint32_t i = 0; i < root->route_count; i++) {
        text += strlen(root->routes[i].pattern) + 1;
        links += leat__app_count_middleware(root->routes[i].group) + 2;
    }
    return align_up((root->route_count + 1) * sizeof(struct chain) +
                        root->route_count * sizeof(struct matcher) +
                        links * sizeof(struct chain_link) + text,
                    16);
}

static size_t hosts_size(const leat_app *root)
{
    if (root->host_count == 0)
        return 0;
    return leat__hosts_size(root->host_count) +
           align_up(root->host_count * sizeof(struct route_site), 16);
}

uint32_t leat__app_route_count(leat_app *app)
{
    return leat__app_root(app)->route_count + 1;
}

ptrdiff_t leat__app_measure(leat_app *app)
{
    leat_app *root = leat__app_root(app);
    size_t sites = 0;
    for (uint32_t host = 0; host <= root->host_count; host++)
        sites += measure_site(root, host);
    if (root->errors != NULL)
        return -EINVAL;
    return (ptrdiff_t)(sites + chains_size(root) + hosts_size(root));
}

/* Writes the middleware of group, outermost app first, at link; answers where it ends. */
static struct chain_link *write_middleware(struct chain_link *link, const leat_app *group)
{
    if (group == NULL)
        return link;
    link = write_middleware(link, group->parent);
    for (uint32_t i = 0; i < group->middleware_count; i++)
        *link++ = group->middleware[i];
    return link;
}

/* The middleware, the handler, the end; answers where that is. */
static struct chain_link *write_chain(struct chain_link *first, const leat_app *group,
                                      const struct chain_link *handler)
{
    struct chain_link *link = write_middleware(first, group);
    *link++ = *handler;
    *link++ = (struct chain_link){0};
    return link;
}

/* What is said of a route by its groups: the innermost counts. */
static void describe(struct chain *chain, const leat_app *root, const leat_app *group,
                     const struct chain_link *handler)
{
    chain->content_max = leat__app_content_max(group);
    chain->collects = handler->collects;
    for (; group != NULL && chain->state == 0; group = group->parent)
        chain->state = group->state;
    for (uint32_t i = 0; i < root->prepared_count; i++) {
        if (root->prepared[i].handler == handler->handler) {
            chain->prepare = root->prepared[i].prepare;
            chain->prepare_data = handler->data;
        }
    }
}

static char *write_text(char *at, const char *text)
{
    size_t size = strlen(text) + 1;
    memcpy(at, text, size);
    return at + size;
}

/* Chain and pattern of every route, and of none. */
static void write_chains(leat_app *root, struct chain *all, struct chain_link *link, char *text)
{
    static const struct chain_link unrouted = {.handler = leat__answer_unrouted, .collects = true};
    all[0] = (struct chain){
        .links = link, .metrics_at = leat__plan_metrics_at(0), .pattern = "", .method = ""};
    describe(&all[0], root, root, &unrouted);
    link = write_chain(link, root, &unrouted);
    for (uint32_t i = 0; i < root->route_count; i++) {
        const struct app_route *from = &root->routes[i];
        all[i + 1] = (struct chain){.links = link,
                                    .number = i + 1,
                                    .metrics_at = leat__plan_metrics_at(i + 1),
                                    .pattern = text,
                                    .method = leat__http_method_name(from->method),
                                    .captures = from->match != NULL};
        describe(&all[i + 1], root, from->group, &from->link);
        link = write_chain(link, from->group, &from->link);
        text = write_text(text, from->pattern);
    }
}

/* Answers where its matchers end. */
static struct matcher *write_site(leat_app *root, uint32_t host, struct region *region,
                                  const struct chain *all, struct matcher *matcher,
                                  struct route_site *site)
{
    uint32_t count;
    struct router_route *list = list_patterns(root, host, &count);
    ptrdiff_t size = leat__router_measure(list, count, NULL, 0);
    ASSERT(size >= 0);
    void *table = leat__region_take(region, (size_t)size, 16);
    *site = (struct route_site){.router = leat__router_compile(table, (size_t)size, list, count),
                                .matchers = matcher};
    leat__start_free(list);
    for (uint32_t i = 0; i < root->route_count; i++) {
        const struct app_route *route = &root->routes[i];
        if (route->match == NULL || route->group->host != host)
            continue;
        *matcher++ = (struct matcher){.match = route->match,
                                      .data = route->matcher_data,
                                      .prefix = all[i + 1].pattern,
                                      .prefix_size = (uint32_t)strlen(route->group->prefix),
                                      .value = i + 1,
                                      .method = route->method};
        site->matcher_count++;
    }
    return matcher;
}

static bool has_routes_for_all_hosts(const leat_app *root)
{
    for (uint32_t i = 0; i < root->route_count; i++)
        if (root->routes[i].group->host == 0)
            return true;
    return false;
}

void leat__app_compile(leat_app *app, struct region *region, struct routes *routes)
{
    leat_app *root = leat__app_root(app);
    uint32_t links = root->middleware_count + 2;
    for (uint32_t i = 0; i < root->route_count; i++)
        links += leat__app_count_middleware(root->routes[i].group) + 2;
    struct chain *all = leat__region_take(region, chains_size(root), 16);
    struct matcher *matchers = (struct matcher *)(void *)(all + root->route_count + 1);
    struct chain_link *link = (struct chain_link *)(void *)(matchers + root->route_count);
    *routes = (struct routes){.hooks = root->hooks, .all = all, .count = root->route_count + 1};
    write_chains(root, all, link, (char *)(link + links));
    matchers = write_site(root, 0, region, all, matchers, &routes->site);
    if (root->host_count == 0)
        return;
    struct route_site *sites = leat__region_take(region, root->host_count * sizeof *sites, 16);
    void *table = leat__region_take(region, leat__hosts_size(root->host_count), 16);
    for (uint32_t host = 1; host <= root->host_count; host++)
        matchers = write_site(root, host, region, all, matchers, &sites[host - 1]);
    routes->sites = sites;
    routes->hosts = leat__hosts_compile(table, root->hosts, root->host_count);
    routes->misdirects = !has_routes_for_all_hosts(root);
}

static void destroy_group(leat_app *group)
{
    leat__start_free(group->prefix);
    leat__start_free(group->middleware);
    leat__start_free(group);
}

void leat_app_destroy(leat_app *app)
{
    if (app == NULL)
        return;
    app = leat__app_root(app);
    for (uint32_t i = 0; i < app->route_count; i++)
        leat__start_free(app->routes[i].pattern);
    for (uint32_t i = 0; i < app->group_count; i++)
        destroy_group(app->groups[i]);
    for (uint32_t i = app->guest_count; i-- > 0;)
        app->guests[i].destroy(app->guests[i].thing);
    leat__start_free(app->routes);
    leat__start_free(app->groups);
    leat__start_free(app->hosts);
    leat__start_free(app->guests);
    leat__start_free(app->states);
    leat__start_free(app->own_metrics);
    leat__start_free(app->every);
    leat__start_free(app->descriptors);
    leat__start_free(app->errors);
    destroy_group(app);
}
