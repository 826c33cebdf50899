/* matchers.h: routes that a function says: asked when no pattern answers. */
#ifndef LEAT_MATCHERS_H
#define LEAT_MATCHERS_H

#include "leat/leat.h"
#include "router/router.h"

struct matcher {
    leat_matcher *match;
    void *data;
    const char *prefix; /* its group's, which the path must begin with */
    uint32_t prefix_size;
    uint32_t value; /* the route's number */
    enum http_method method;
};

struct leat_captures {
    const char *path;
    size_t path_size;
    uint16_t status; /* 0: not refused */
    uint8_t count;
    struct router_param params[ROUTER_PARAMS_MAX];
    const char *names[ROUTER_PARAMS_MAX];
};

struct route_site;

/* The site's patterns have not found x's path, or not for its method: its matchers are asked. Changes x->route_result and
 * x->match when one of them has something to say. */
void leat__match_further(struct leat_exchange *x, const struct route_site *site);

/* Which of a matched route's parameters the text is the number of; -1: none. */
int leat__match_number(const struct leat_exchange *x, const char *name);

#endif
