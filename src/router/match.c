/* match.c: a path in, a route and its parameters out.
 *
 * A path that is a wholly static pattern is found by one hash: static beats everything in every
 * segment, so no other pattern can be better, and if it has the method we are done. All else walks
 * the tree of segments.
 *
 * The walk tries static, then parameter, then rest at each node, and goes on after the first hit,
 * because what a path allows is what all the patterns that match it allow together. Stepping back
 * can't run away: a node is reached only from its one parent and only with as many segments as it
 * is deep, so a match visits each node at most once, and the path is cut into segments once,
 * whatever the number of steps. The work is therefore at most
 *     path octets + nodes × (log2 edges of a node) × longest segment of a pattern,
 * and in depth at most ROUTER_SEGMENTS_MAX, however the path was chosen. A path can make the walk
 * touch no node that its own segments do not fit. */
#include "router/router.h"
#include "router/table.h"

struct walk {
    const struct router *router;
    const char *path;
    size_t size;
    struct router_match *match;
    enum http_method method;
    bool found;
    uint32_t cut; /* segments whose end is known */
    uint16_t ends[ROUTER_SEGMENTS_MAX + 1];
};

static inline const struct route *route_at(const struct router *router, uint32_t index)
{
    return (const struct route *)table_at(router, router->routes) + index;
}

static void visit_leaf(struct walk *w, uint32_t index, uint32_t param_count)
{
    const struct leaf *leaf = (const struct leaf *)table_at(w->router, w->router->leaves) + index;
    w->match->allowed |= leaf->methods;
    if (w->found || leaf->nth[w->method] == ROUTE_NONE)
        return;
    w->found = true;
    w->match->param_count = (uint8_t)param_count;
    const struct route *route = route_at(w->router, leaf->routes + leaf->nth[w->method]);
    w->match->value = route->value;
    w->match->names = (const char *const *)table_at(w->router, w->router->names) + route->names;
}

/* Where the segment that begins at `start` and is preceded by `depth` others ends. */
static size_t segment_end(struct walk *w, uint32_t depth, size_t start)
{
    if (depth == w->cut) {
        const char *slash = memchr(w->path + start, '/', w->size - start);
        w->ends[w->cut++] = (uint16_t)(slash ? (size_t)(slash - w->path) : w->size);
    }
    return w->ends[depth];
}

/* Parameters of the route found stay as they are while the walk goes on. */
static void keep_param(struct walk *w, uint32_t nth, size_t start, size_t end)
{
    if (!w->found)
        w->match->params[nth] = (struct router_param){.at = (uint16_t)start,
                                                      .size = (uint16_t)(end - start)};
}

static int compare_edge(const struct router *router, const struct edge *edge, uint64_t key,
                        const char *text, size_t size)
{
    if (edge->key != key)
        return edge->key < key ? -1 : 1;
    if (edge->size != size)
        return edge->size < size ? -1 : 1;
    if (size <= sizeof key)
        return 0;
    return memcmp((const char *)table_at(router, edge->text) + sizeof key, text + sizeof key,
                  size - sizeof key);
}

/* The node behind a static segment, or NODE_NONE. */
static uint32_t find_edge(const struct router *router, const struct node *node, const char *text,
                          size_t size)
{
    const struct edge *edges = (const struct edge *)table_at(router, router->edges) + node->edges;
    uint32_t low = 0, high = node->edge_count;
    uint64_t key = high ? segment_key(text, size) : 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_edge(router, edges + middle, key, text, size);
        if (order == 0)
            return edges[middle].node;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NODE_NONE;
}

/* The first `depth` segments led to this node; the next begins at `start`, which is behind the end
 * when there is none. */
static void visit_node(struct walk *w, uint32_t index, uint32_t depth, size_t start, uint32_t param_count)
{
    const struct node *node = (const struct node *)table_at(w->router, w->router->nodes) + index;
    if (start > w->size) {
        visit_leaf(w, node->leaf, param_count);
        return;
    }
    if (node->edge_count != 0 || node->param != NODE_NONE) {
        size_t end = segment_end(w, depth, start);
        uint32_t next = find_edge(w->router, node, w->path + start, end - start);
        if (next != NODE_NONE)
            visit_node(w, next, depth + 1, end + 1, param_count);
        if (node->param != NODE_NONE && end > start) {
            keep_param(w, param_count, start, end);
            visit_node(w, node->param, depth + 1, end + 1, param_count + 1);
        }
    }
    if (node->rest != LEAF_NONE) {
        keep_param(w, param_count, start, w->size);
        visit_leaf(w, node->rest, param_count + 1);
    }
}

/* Kept out of the way of the paths that have a slot. */
__attribute__((noinline)) enum router_result leat__router_walk(const struct router *router,
                                                               enum http_method method,
                                                               const char *path, size_t path_size,
                                                               struct router_match *match)
{
    match->allowed = 0;
    match->param_count = 0;
    if (path_size - 1 >= UINT16_MAX || path[0] != '/') /* "*", or CONNECT's authority */
        return ROUTER_NOT_FOUND;
    struct walk w;
    w.router = router;
    w.path = path;
    w.size = path_size;
    w.match = match;
    w.method = method;
    w.found = false;
    w.cut = 0;
    visit_node(&w, 0, 0, 1, 0);
    if (match->allowed == 0)
        return ROUTER_NOT_FOUND;
    match->allowed |= 1u << HTTP_OPTIONS;
    return w.found ? ROUTER_FOUND : ROUTER_NOT_ALLOWED;
}

/* Octets are compared from the left up to the last eight, which the keys have compared. */
static inline bool slot_is(const struct router *router, const struct slot *slot, uint64_t key,
                           const char *path, size_t size)
{
    if (slot->key != key || slot->size != size)
        return false;
    const char *text = table_at(router, slot->text);
    for (size_t at = 8; at < size; at += 8) {
        if (load_64(text + at - 8) != load_64(path + at - 8))
            return false;
    }
    return true;
}

static inline enum router_result take_slot(const struct router *router, const struct slot *slot,
                                           enum http_method method, struct router_match *match)
{
    match->value = route_at(router, slot->routes + slot->nth[method])->value;
    match->allowed = slot->allowed;
    match->param_count = 0;
    match->names = NULL;
    return ROUTER_FOUND;
}

/* For a path whose slot is not where its hash points, or has another method, or that has none. */
__attribute__((noinline)) static enum router_result match_further(const struct router *router,
                                                                  enum http_method method,
                                                                  const char *path, size_t path_size,
                                                                  struct router_match *match)
{
    if (path_size - 1 < router->static_max) {
        const struct slot *slots = table_at(router, router->slots), *slot;
        uint64_t key = path_key(path, path_size);
        uint32_t at = (uint32_t)path_hash(path, path_size, key);
        for (; (slot = slots + (at & router->slot_mask))->size != 0; at++) {
            if (!slot_is(router, slot, key, path, path_size))
                continue;
            if (slot->nth[method] != ROUTE_NONE)
                return take_slot(router, slot, method, match);
            break;
        }
    }
    return leat__router_walk(router, method, path, path_size, match);
}

/* The first probe alone, in few registers; what it does not find is found by the way round. */
enum router_result leat__router_match(const struct router *router, enum http_method method,
                                      const char *path, size_t path_size, struct router_match *match)
{
    ASSERT_DEBUG((unsigned)method <= HTTP_METHOD_UNKNOWN);
    if (LIKELY(path_size - 1 < router->static_max)) {
        uint64_t key = path_key(path, path_size);
        uint32_t at = (uint32_t)path_hash(path, path_size, key) & router->slot_mask;
        const struct slot *slot = (const struct slot *)table_at(router, router->slots) + at;
        if (LIKELY(slot_is(router, slot, key, path, path_size)) && LIKELY(slot->nth[method] != ROUTE_NONE))
            return take_slot(router, slot, method, match);
    }
    return match_further(router, method, path, path_size, match);
}
