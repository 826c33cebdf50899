/* compile.c: from routes to the table of table.h, at start.
 *
 * The routes are sorted by shape. Then patterns that begin alike are neighbours, so that a range
 * of the sorted routes and a depth are a node, its children are the sub-ranges whose next segment
 * is equal, and what a route adds to the tree is what it does not have in common with the route
 * before it. That last sentence gives the exact size of the table without building it; measuring
 * and compiling share it, and compiling checks that it was kept.
 *
 * This runs before the seal: the order of the routes is in allocated memory, freed before
 * return. */
#define _GNU_SOURCE 1 /* qsort_r */
#include "router/pattern.h"
#include "router/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct counts {
    uint32_t statics, nodes, edges, leaves, names;
    uint32_t static_max;
    size_t text_size;
};

struct layout {
    uint32_t slot_count;
    size_t slots, nodes, edges, leaves, routes, names, text, end;
};

struct compiler {
    const struct router_route *source;
    const uint32_t *order;
    char *base;
    struct router *router;
    struct slot *slots;
    struct node *nodes;
    struct edge *edges;
    struct leaf *leaves;
    struct route *routes;
    const char **names;
    struct counts used;
    size_t text; /* offset of the free part */
};

/* The same shape and method are the same route, so what was given first is named first. */
static int compare_routes(const void *a, const void *b, void *source)
{
    uint32_t index_a = *(const uint32_t *)a, index_b = *(const uint32_t *)b;
    const struct router_route *route_a = (const struct router_route *)source + index_a;
    const struct router_route *route_b = (const struct router_route *)source + index_b;
    int order = leat__router_pattern_compare(route_a->pattern, route_b->pattern);
    if (order == 0)
        order = (int)route_a->method - (int)route_b->method;
    if (order == 0)
        order = index_a < index_b ? -1 : 1;
    return order;
}

static uint32_t *sort_routes(const struct router_route *routes, uint32_t count)
{
    uint32_t *order = malloc((count + 1) * sizeof *order);
    if (order == NULL)
        return NULL;
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, compare_routes, (void *)(uintptr_t)routes);
    return order;
}

/* What a route adds to the tree, having `common` segments in common with the one before it. */
static void count_route(struct counts *counts, const char *pattern, const char *before)
{
    uint32_t common = before ? leat__router_pattern_common(pattern, before) : 0;
    bool same_shape = before && leat__router_pattern_compare(pattern, before) == 0;
    bool all_static = true;
    const char *at = pattern + 1;
    struct segment segment;
    for (uint32_t i = 0; (segment = leat__router_segment_next(&at)).kind != SEGMENT_END; i++) {
        all_static &= segment.kind == SEGMENT_STATIC;
        counts->names += segment.kind != SEGMENT_STATIC;
        if (i < common)
            continue;
        counts->nodes += segment.kind != SEGMENT_REST;
        counts->edges += segment.kind == SEGMENT_STATIC;
    }
    uint32_t size = (uint32_t)strlen(pattern);
    counts->text_size += size + 1;
    if (same_shape)
        return;
    counts->leaves++;
    if (all_static) {
        counts->statics++;
        counts->static_max = size > counts->static_max ? size : counts->static_max;
    }
}

static struct counts count_routes(const struct router_route *routes, const uint32_t *order, uint32_t count)
{
    struct counts counts = {.nodes = 1, .leaves = 1};
    for (uint32_t i = 0; i < count; i++)
        count_route(&counts, routes[order[i]].pattern, i ? routes[order[i - 1]].pattern : NULL);
    return counts;
}

static struct layout lay_out(const struct counts *counts, uint32_t count)
{
    struct layout layout = {.slot_count = 2};
    while (layout.slot_count < counts->statics * 2)
        layout.slot_count *= 2;
    layout.slots = align_up(sizeof(struct router), 16);
    layout.nodes = layout.slots + layout.slot_count * sizeof(struct slot);
    layout.edges = align_up(layout.nodes + counts->nodes * sizeof(struct node), 16);
    layout.leaves = layout.edges + counts->edges * sizeof(struct edge);
    layout.routes = layout.leaves + counts->leaves * sizeof(struct leaf);
    layout.names = align_up(layout.routes + count * sizeof(struct route), 16);
    layout.text = layout.names + counts->names * sizeof(char *);
    layout.end = align_up(layout.text + counts->text_size, 16);
    return layout;
}

static int check_twins(const struct router_route *routes, const uint32_t *order, uint32_t count,
                       char *error, size_t error_size)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct router_route *a = routes + order[i - 1], *b = routes + order[i];
        if (a->method != b->method || leat__router_pattern_compare(a->pattern, b->pattern) != 0)
            continue;
        const char *method = leat__http_method_name(a->method);
        snprintf(error, error_size, "%s %s and %s %s are the same route", method, a->pattern,
                 method, b->pattern);
        return -EINVAL;
    }
    return 0;
}

ptrdiff_t leat__router_measure(const struct router_route *routes, uint32_t count, char *error,
                               size_t error_size)
{
    for (uint32_t i = 0; i < count; i++) {
        int rc = leat__router_pattern_check(routes[i].pattern, error, error_size);
        if (rc < 0)
            return rc;
        if ((unsigned)routes[i].method >= HTTP_METHOD_COUNT) {
            snprintf(error, error_size, "pattern \"%s\": not a method we know", routes[i].pattern);
            return -EINVAL;
        }
    }
    uint32_t *order = sort_routes(routes, count);
    if (order == NULL) {
        snprintf(error, error_size, "no memory to sort %u routes", count);
        return -ENOMEM;
    }
    ptrdiff_t result = check_twins(routes, order, count, error, error_size);
    if (result == 0) {
        struct counts counts = count_routes(routes, order, count);
        result = (ptrdiff_t)lay_out(&counts, count).end;
        if (result > UINT32_MAX) {
            snprintf(error, error_size, "the table of %u routes would pass 4 GiB", count);
            result = -EINVAL;
        }
    }
    free(order);
    return result;
}

/* Copies a pattern, ends its names with NUL where their slash was, and notes them. */
static void copy_pattern(struct compiler *c, struct route *route, const char *pattern)
{
    char *copy = c->base + c->text;
    size_t size = strlen(pattern);
    memcpy(copy, pattern, size + 1);
    c->text += size + 1;
    route->pattern = (uint32_t)(copy - c->base);
    route->names = c->used.names;
    const char *at = pattern + 1;
    struct segment segment;
    while ((segment = leat__router_segment_next(&at)).kind != SEGMENT_END) {
        if (segment.kind == SEGMENT_STATIC)
            continue;
        char *name = copy + (segment.text - pattern);
        name[segment.size] = '\0';
        c->names[c->used.names++] = name;
        route->param_count++;
    }
}

static struct segment segment_at(const char *pattern, uint32_t depth)
{
    const char *at = pattern + 1;
    struct segment segment = leat__router_segment_next(&at);
    while (depth-- > 0)
        segment = leat__router_segment_next(&at);
    return segment;
}

static const char *pattern_of(const struct compiler *c, uint32_t i)
{
    return c->source[c->order[i]].pattern;
}

/* Routes first to last have one shape: a leaf. */
static uint32_t make_leaf(struct compiler *c, uint32_t first, uint32_t end)
{
    uint32_t index = c->used.leaves++;
    struct leaf *leaf = c->leaves + index;
    *leaf = (struct leaf){.routes = first};
    memset(leaf->nth, ROUTE_NONE, sizeof leaf->nth);
    for (uint32_t i = first; i < end; i++) {
        enum http_method method = c->source[c->order[i]].method;
        leaf->nth[method] = (uint8_t)(i - first);
        leaf->methods |= (uint16_t)(1u << method);
    }
    if (leaf->nth[HTTP_HEAD] == ROUTE_NONE && leaf->nth[HTTP_GET] != ROUTE_NONE) {
        leaf->nth[HTTP_HEAD] = leaf->nth[HTTP_GET];
        leaf->methods |= 1u << HTTP_HEAD;
    }
    return index;
}

/* Where the routes from first on stop having the same segment at this depth. */
static uint32_t group_end(const struct compiler *c, uint32_t first, uint32_t end, uint32_t depth)
{
    struct segment segment = segment_at(pattern_of(c, first), depth);
    uint32_t i = first + 1;
    for (; i < end; i++) {
        struct segment other = segment_at(pattern_of(c, i), depth);
        if (leat__router_segment_compare(&segment, &other) != 0)
            break;
    }
    return i;
}

/* Routes first to end have their first `depth` segments in common: a node. */
static uint32_t make_node(struct compiler *c, uint32_t first, uint32_t end, uint32_t depth)
{
    uint32_t index = c->used.nodes++;
    struct node *node = c->nodes + index;
    *node = (struct node){.edges = c->used.edges};
    for (uint32_t i = first; i < end; i = group_end(c, i, end, depth))
        node->edge_count += segment_at(pattern_of(c, i), depth).kind == SEGMENT_STATIC;
    c->used.edges += node->edge_count;
    struct edge *edge = c->edges + node->edges;
    for (uint32_t i = first, next; i < end; i = next) {
        next = group_end(c, i, end, depth);
        struct segment segment = segment_at(pattern_of(c, i), depth);
        if (segment.kind == SEGMENT_END) {
            node->leaf = make_leaf(c, i, next);
        } else if (segment.kind == SEGMENT_REST) {
            node->rest = make_leaf(c, i, next);
        } else if (segment.kind == SEGMENT_PARAM) {
            node->param = make_node(c, i, next, depth + 1);
        } else {
            *edge = (struct edge){.key = segment_key(segment.text, segment.size), .size = segment.size};
            edge->text = c->routes[i].pattern + (uint32_t)(segment.text - pattern_of(c, i));
            edge->node = make_node(c, i, next, depth + 1);
            edge++;
        }
    }
    return index;
}

/* Every wholly static shape gets a slot. What its path allows is asked of the finished tree. */
static void fill_slots(struct compiler *c)
{
    for (uint32_t leaf = LEAF_NONE + 1; leaf < c->used.leaves; leaf++) {
        const struct route *route = c->routes + c->leaves[leaf].routes;
        if (route->param_count > 0)
            continue;
        const char *text = c->base + route->pattern;
        size_t size = strlen(text);
        struct router_match match;
        leat__router_walk(c->router, HTTP_METHOD_UNKNOWN, text, size, &match);
        uint64_t key = path_key(text, size);
        uint32_t at = (uint32_t)path_hash(text, size, key) & c->router->slot_mask;
        while (c->slots[at].size != 0)
            at = (at + 1) & c->router->slot_mask;
        struct slot *slot = c->slots + at;
        *slot = (struct slot){.key = key,
                              .text = route->pattern,
                              .size = (uint16_t)size,
                              .allowed = match.allowed,
                              .routes = c->leaves[leaf].routes};
        memcpy(slot->nth, c->leaves[leaf].nth, sizeof slot->nth);
    }
}

static struct compiler begin(char *base, const struct layout *layout, const struct counts *counts)
{
    memset(base, 0, layout->text);
    struct compiler c = {.base = base, .router = (struct router *)(void *)base, .text = layout->text};
    *c.router = (struct router){.slot_mask = layout->slot_count - 1,
                                .static_max = counts->static_max,
                                .slots = (uint32_t)layout->slots,
                                .nodes = (uint32_t)layout->nodes,
                                .edges = (uint32_t)layout->edges,
                                .leaves = (uint32_t)layout->leaves,
                                .routes = (uint32_t)layout->routes,
                                .names = (uint32_t)layout->names};
    c.slots = (void *)(base + layout->slots);
    c.nodes = (void *)(base + layout->nodes);
    c.edges = (void *)(base + layout->edges);
    c.leaves = (void *)(base + layout->leaves);
    c.routes = (void *)(base + layout->routes);
    c.names = (void *)(base + layout->names);
    return c;
}

const struct router *leat__router_compile(void *memory, size_t size,
                                          const struct router_route *routes, uint32_t count)
{
    uint32_t *order = sort_routes(routes, count);
    if (order == NULL)
        return NULL;
    struct counts counts = count_routes(routes, order, count);
    struct layout layout = lay_out(&counts, count);
    ASSERT(size >= layout.end && (uintptr_t)memory % 16 == 0);
    struct compiler c = begin(memory, &layout, &counts);
    c.source = routes;
    c.order = order;
    for (uint32_t i = 0; i < count; i++) {
        c.routes[i].value = routes[order[i]].value;
        copy_pattern(&c, c.routes + i, routes[order[i]].pattern);
    }
    memset(c.leaves[c.used.leaves++].nth, ROUTE_NONE, sizeof c.leaves->nth);
    make_node(&c, 0, count, 0);
    fill_slots(&c);
    ASSERT(c.used.nodes == counts.nodes && c.used.edges == counts.edges);
    ASSERT(c.used.leaves == counts.leaves && c.used.names == counts.names);
    ASSERT(c.text == layout.text + counts.text_size);
    free(order);
    return c.router;
}
