/* fuzz_router.c: a set of routes and paths from the input; the compiled table must agree with the model of the tests.
 *
 * The input is lines. A digit begins a route: its method, then the pattern. Anything else begins a path: its method
 * (A is the first of methods.def), then the path. A route that is refused beside those before it is left out, so
 * everything that measuring says yes to is compiled and matched. */
#include "router/router.h"
#include "../tests/unit/router/model.h"

#include <stdlib.h>

enum { ROUTES_MAX = 32, PATHS_MAX = 64 };

struct path {
    const char *text;
    size_t size;
    enum http_method method;
};

struct input {
    struct router_route routes[ROUTES_MAX];
    struct path paths[PATHS_MAX];
    uint32_t route_count, path_count;
};

/* Returns what must be freed when the lines are done with. */
static char *read_lines(struct input *input, const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    char error[256];
    for (char *line = text, *end; line < text + size; line = end + 1) {
        end = memchr(line, '\n', (size_t)(text + size - line));
        end = end ? end : text + size;
        *end = '\0';
        if (line == end)
            continue;
        uint32_t n = input->route_count;
        if (*line >= '0' && *line <= '9' && n < ROUTES_MAX) {
            input->routes[n] = (struct router_route){(enum http_method)(*line - '0'), line + 1, n};
            input->route_count += leat__router_measure(input->routes, n + 1, error, sizeof error) > 0;
        } else if (input->path_count < PATHS_MAX) {
            unsigned method = (uint8_t)*line % (HTTP_METHOD_COUNT + 1u);
            input->paths[input->path_count++] = (struct path){line + 1, (size_t)(end - line - 1), method};
        }
    }
    return text;
}

static void compare(const struct router *router, const struct input *input, const struct path *path)
{
    struct router_match match, model;
    uint32_t found = 0;
    char *exact = malloc(path->size ? path->size : 1); /* no octet behind the path */
    memcpy(exact, path->text, path->size);
    enum router_result result = leat__router_match(router, path->method, exact, path->size, &match);
    ASSERT(model_match(input->routes, input->route_count, path->method, exact, path->size, &model,
                       &found) == result);
    ASSERT(match.allowed == model.allowed && match.param_count == model.param_count);
    if (result == ROUTER_FOUND) {
        ASSERT(match.value == found);
        const char *name = input->routes[found].pattern;
        for (uint32_t i = 0; i < match.param_count; i++) {
            ASSERT(match.params[i].at == model.params[i].at);
            ASSERT(match.params[i].size == model.params[i].size);
            name += strcspn(name, ":*") + 1;
            while (name[-2] != '/')
                name += strcspn(name, ":*") + 1;
            ASSERT(strncmp(name, match.names[i], strlen(match.names[i])) == 0);
        }
    }
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 8192)
        return 0;
    struct input input = {.route_count = 0};
    char *text = read_lines(&input, data, size), error[256];
    ptrdiff_t bytes = leat__router_measure(input.routes, input.route_count, error, sizeof error);
    ASSERT(bytes > 0);
    void *memory = aligned_alloc(16, (size_t)bytes);
    const struct router *router = leat__router_compile(memory, (size_t)bytes, input.routes,
                                                       input.route_count);
    ASSERT(router != NULL);
    for (uint32_t i = 0; i < input.path_count; i++)
        compare(router, &input, input.paths + i);
    free(memory);
    free(text);
    return 0;
}
