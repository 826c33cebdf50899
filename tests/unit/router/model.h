/* model.h: the router once more, as slow and as plain as it can be: every route is asked whether it matches, and the
 * best is chosen by comparing, segment by segment from the left, what each used. The tests and the fuzz harness hold
 * the compiled table against it. */
#ifndef ROUTER_MODEL_H
#define ROUTER_MODEL_H

#include "router/router.h"

struct model_match {
    bool fits;
    uint32_t count;
    char kinds[ROUTER_SEGMENTS_MAX + 2]; /* per segment: 's' static, 'p' parameter, 'r' rest */
    struct router_param params[ROUTER_PARAMS_MAX];
};

static inline struct model_match model_fit(const char *pattern, const char *path, size_t path_size)
{
    struct model_match m = {.fits = false};
    size_t at = 0, segment = 0;
    const char *p = pattern;
    while (*p == '/') {
        if (at >= path_size || path[at] != '/')
            return m;
        p++;
        at++;
        size_t pattern_segment = strcspn(p, "/"), end = at;
        while (end < path_size && path[end] != '/')
            end++;
        if (*p == '*') {
            m.params[m.count++] = (struct router_param){(uint16_t)at, (uint16_t)(path_size - at)};
            m.kinds[segment] = 'r';
            m.fits = true;
            return m;
        }
        if (*p == ':') {
            if (end == at)
                return m;
            m.params[m.count++] = (struct router_param){(uint16_t)at, (uint16_t)(end - at)};
            m.kinds[segment++] = 'p';
        } else {
            if (end - at != pattern_segment || memcmp(p, path + at, pattern_segment) != 0)
                return m;
            m.kinds[segment++] = 's';
        }
        p += pattern_segment;
        at = end;
    }
    m.fits = at == path_size;
    return m;
}

/* Static before parameter before rest. */
static inline int model_rank(char kind)
{
    return kind == 's' ? 0 : kind == 'p' ? 1 : 2;
}

static inline bool model_is_better(const struct model_match *a, const struct model_match *b)
{
    for (size_t i = 0; a->kinds[i] != '\0' && b->kinds[i] != '\0'; i++) {
        if (a->kinds[i] != b->kinds[i])
            return model_rank(a->kinds[i]) < model_rank(b->kinds[i]);
    }
    return false;
}

/* Fills match as leat__router_match does, all but the names; *found is the index of the route. */
static inline enum router_result model_match(const struct router_route *routes, uint32_t count,
                                             enum http_method method, const char *path, size_t path_size,
                                             struct router_match *match, uint32_t *found)
{
    struct model_match best = {.fits = false};
    bool best_is_exact = false;
    *match = (struct router_match){.allowed = 0};
    for (uint32_t i = 0; i < count; i++) {
        struct model_match m = model_fit(routes[i].pattern, path, path_size);
        if (!m.fits)
            continue;
        match->allowed |= (uint16_t)(1u << routes[i].method | 1u << HTTP_OPTIONS);
        if (routes[i].method == HTTP_GET)
            match->allowed |= 1u << HTTP_HEAD;
        bool exact = routes[i].method == method;
        if (!exact && !(method == HTTP_HEAD && routes[i].method == HTTP_GET))
            continue;
        bool same_shape = best.fits && strcmp(best.kinds, m.kinds) == 0;
        if (best.fits && !(same_shape ? exact && !best_is_exact : model_is_better(&m, &best)))
            continue;
        best = m;
        best_is_exact = exact;
        *found = i;
    }
    if (!best.fits)
        return match->allowed ? ROUTER_NOT_ALLOWED : ROUTER_NOT_FOUND;
    match->value = routes[*found].value;
    match->param_count = (uint8_t)best.count;
    memcpy(match->params, best.params, sizeof best.params);
    return ROUTER_FOUND;
}

#endif
