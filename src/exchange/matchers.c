/* matchers.c: see matchers.h. What captures call their parameters is kept in the exchange's arena, because the router's own
 * match points to names in its table, which matchers have none of. */
#include "exchange/matchers.h"

#include "exchange/exchange.h"
#include <errno.h>

/* What a parameter without a name is called. */
static const char *const numbers[] = {"1", "2",  "3",  "4",  "5",  "6",  "7",  "8",
                                      "9", "10", "11", "12", "13", "14", "15", "16"};
_Static_assert(COUNT_OF(numbers) == ROUTER_PARAMS_MAX, "each has its number");

int leat_capture(leat_captures *captures, const char *name, const char *from, size_t size)
{
    if (captures->count == ROUTER_PARAMS_MAX)
        return -E2BIG;
    if (from == NULL) {
        from = captures->path;
        size = 0;
    }
    const char *end = captures->path + captures->path_size;
    if (from < captures->path || from > end || size > (size_t)(end - from))
        return -ERANGE;
    captures->names[captures->count] = name != NULL ? name : numbers[captures->count];
    captures->params[captures->count++] = (struct router_param){
        .at = (uint16_t)(from - captures->path), .size = (uint16_t)size};
    return 0;
}

void leat_capture_refuse(leat_captures *captures, int status)
{
    captures->status = (uint16_t)(status >= 400 && status <= 599 ? status : 500);
}

static void refuse(struct leat_exchange *x, uint32_t status)
{
    x->route_result = ROUTE_REFUSED;
    x->match.value = status;
    x->match.param_count = 0;
}

static void take(struct leat_exchange *x, const struct matcher *matcher,
                 const struct leat_captures *captures)
{
    const char **names = NULL;
    if (captures->count > 0) {
        names = arena_alloc(&x->arena, captures->count * sizeof *names);
        if (names == NULL) {
            refuse(x, 503);
            return;
        }
        memcpy(names, captures->names, captures->count * sizeof *names);
    }
    x->route_result = ROUTER_FOUND;
    x->match.value = matcher->value;
    x->match.names = names;
    x->match.param_count = captures->count;
    memcpy(x->match.params, captures->params, captures->count * sizeof *captures->params);
}

/* A prefix ends where a segment does. */
static bool is_beneath(const struct leat_exchange *x, const struct matcher *matcher)
{
    size_t size = matcher->prefix_size;
    return x->path_size >= size && memcmp(x->path, matcher->prefix, size) == 0 &&
           (x->path_size == size || x->path[size] == '/');
}

void leat__match_further(struct leat_exchange *x, const struct route_site *site)
{
    struct leat_captures captures = {.path = x->path, .path_size = x->path_size};
    enum http_method method = x->head.method;
    if (x->path_size > UINT16_MAX || x->path[0] != '/')
        return;
    for (const struct matcher *m = site->matchers; m < site->matchers + site->matcher_count; m++) {
        bool is_asked = m->method == method || (method == HTTP_HEAD && m->method == HTTP_GET);
        captures.count = 0;
        if (!is_beneath(x, m))
            continue;
        bool fits = m->match(m->data, x->path + m->prefix_size, x->path_size - m->prefix_size, &captures);
        if (captures.status != 0) {
            refuse(x, captures.status);
            return;
        }
        if (fits && is_asked) {
            take(x, m, &captures);
            return;
        }
        if (fits) {
            x->match.allowed |= (uint16_t)(1u << m->method | 1u << HTTP_OPTIONS);
            x->match.allowed |= (uint16_t)(m->method == HTTP_GET ? 1u << HTTP_HEAD : 0);
            x->route_result = ROUTER_NOT_ALLOWED;
        }
    }
}

int leat__match_number(const struct leat_exchange *x, const char *name)
{
    unsigned number = 0;
    for (const char *at = name; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || number > ROUTER_PARAMS_MAX)
            return -1;
        number = number * 10 + (unsigned)(*at - '0');
    }
    return x->chain->captures && number >= 1 && number <= x->match.param_count ? (int)number - 1 : -1;
}
