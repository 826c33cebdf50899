/* routes_print.c: see routes_print.h.
 *
 * The order is the one a reader looks things up in: the app's own routes and then each host's; the patterns by their
 * text, GET first among those of one path; behind them the matchers, in the order in which they are asked. */
#define _GNU_SOURCE /* dladdr, qsort_r */
#include "server/routes_print.h"

#include "config/option_values.h"
#include "memory/seal.h"
#include <dlfcn.h>
#include <stdlib.h>

enum { NAME_SIZE = HOST_SIZE_MAX + 16, COLUMNS = 7 };

struct line {
    const char *cells[COLUMNS];
    char host[NAME_SIZE], middleware[OPTION_VALUE_SIZE], content[OPTION_VALUE_SIZE];
};

static const char *const titles[COLUMNS] = {"method",      "pattern", "host",   "middleware",
                                            "content max", "content", "handler"};

static int compare_hosts(const leat_app *root, uint32_t a, uint32_t b)
{
    if (a == b || a == 0 || b == 0)
        return (a > b) - (a < b);
    int order = strcmp(leat__app_host(root, a)->text, leat__app_host(root, b)->text);
    return order != 0 ? order : (a > b) - (a < b);
}

static int compare(const void *a, const void *b, void *argument)
{
    const leat_app *root = argument;
    const struct app_route *left = *(const struct app_route *const *)a,
                           *right = *(const struct app_route *const *)b;
    int order = compare_hosts(root, left->group->host, right->group->host);
    if (order == 0)
        order = (left->match != NULL) - (right->match != NULL);
    if (order == 0 && left->match == NULL)
        order = strcmp(left->pattern, right->pattern);
    if (order == 0 && left->match == NULL)
        order = (int)left->method - (int)right->method;
    return order != 0 ? order : (left > right) - (left < right);
}

static const struct app_route **sorted(const leat_app *root)
{
    const struct app_route **list = leat__start_alloc((root->route_count + 1) * sizeof *list);
    for (uint32_t i = 0; i < root->route_count; i++)
        list[i] = &root->routes[i];
    qsort_r(list, root->route_count, sizeof(void *), compare, (void *)(uintptr_t)root);
    return list;
}

/* The name that the dynamic linker knows the function by; NULL: it is static, or the program does not export it. */
static const char *handler_name(leat_handler *handler)
{
    Dl_info info;
    void *address;
    memcpy(&address, &handler, sizeof address);
    return dladdr(address, &info) != 0 && info.dli_saddr == address ? info.dli_sname : NULL;
}

/* UINT64_MAX: nothing bounds it. */
static uint64_t content_max_of(const struct app_route *route, uint64_t content_max)
{
    uint64_t own = leat__app_content_max(route->group);
    return route->link.collects && own > content_max ? content_max : own;
}

static void fill(struct line *line, const leat_app *root, const struct app_route *route,
                 uint64_t content_max)
{
    uint64_t max = content_max_of(route, content_max);
    const struct host_name *host = leat__app_host(root, route->group->host);
    const char *name = handler_name(route->link.handler);
    line->host[0] = '\0';
    if (host != NULL)
        leat__host_write(host, line->host, sizeof line->host);
    snprintf(line->middleware, sizeof line->middleware, "%u", leat__app_count_middleware(route->group));
    line->content[0] = '\0';
    if (max <= INT64_MAX)
        leat__option_write_bytes(line->content, (int64_t)max);
    line->cells[0] = leat__http_method_name(route->method);
    line->cells[1] = route->pattern[0] != '\0' ? route->pattern : "/";
    line->cells[2] = line->host[0] != '\0' ? line->host : root->host_count > 0 ? "(others)" : "";
    line->cells[3] = line->middleware;
    line->cells[4] = line->content[0] != '\0' ? line->content : "none";
    line->cells[5] = route->link.collects ? "whole" : "stream";
    line->cells[6] = name != NULL ? name : "";
}

static void put_line(FILE *file, const char *const cells[COLUMNS], const int widths[COLUMNS])
{
    int spaces = 0;
    for (int i = 0; i < COLUMNS; i++) {
        if (widths[i] == 0)
            continue;
        if (cells[i][0] != '\0')
            fprintf(file, "%*s%s", spaces, "", cells[i]);
        spaces = cells[i][0] != '\0' ? 0 : spaces;
        spaces += widths[i] + 2 - (int)strlen(cells[i]);
    }
    fputc('\n', file);
}

void leat__routes_print(FILE *file, const leat_app *root, uint64_t content_max)
{
    const struct app_route **list = sorted(root);
    struct line line;
    int widths[COLUMNS] = {0};
    for (uint32_t i = 0; i < root->route_count; i++) {
        fill(&line, root, list[i], content_max);
        for (int k = 0; k < COLUMNS; k++)
            if ((int)strlen(line.cells[k]) > widths[k])
                widths[k] = (int)strlen(line.cells[k]);
    }
    for (int k = 0; k < COLUMNS; k++) /* a column in which nothing stands is left out */
        if (widths[k] > 0 && widths[k] < (int)strlen(titles[k]))
            widths[k] = (int)strlen(titles[k]);
    if (root->route_count > 0)
        put_line(file, titles, widths);
    for (uint32_t i = 0; i < root->route_count; i++) {
        fill(&line, root, list[i], content_max);
        put_line(file, line.cells, widths);
    }
    fprintf(file, "%u route%s\n", root->route_count, root->route_count == 1 ? "" : "s");
    leat__start_free(list);
}

/* NULL is null. */
static void put_json(FILE *file, const char *text)
{
    if (text == NULL) {
        fputs("null", file);
        return;
    }
    fputc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(file, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            fprintf(file, "\\u%04x", (unsigned)*text);
        else
            fputc(*text, file);
    }
    fputc('"', file);
}

void leat__routes_print_json(FILE *file, const leat_app *root, uint64_t content_max)
{
    const struct app_route **list = sorted(root);
    struct line line;
    fputs("{\"routes\": [", file);
    for (uint32_t i = 0; i < root->route_count; i++) {
        uint64_t max = content_max_of(list[i], content_max);
        fill(&line, root, list[i], content_max);
        fprintf(file, "%s\n  {\"method\": \"%s\", \"%s\": ", i > 0 ? "," : "", line.cells[0],
                list[i]->match != NULL ? "matcher" : "pattern");
        put_json(file, line.cells[1]);
        fputs(", \"host\": ", file);
        put_json(file, line.host[0] != '\0' ? line.host : NULL);
        fprintf(file, ", \"middleware\": %s, \"content_max\": ", line.middleware);
        if (max == UINT64_MAX)
            fputs("null", file);
        else
            fprintf(file, "%llu", (unsigned long long)max);
        fprintf(file, ", \"content\": \"%s\", \"handler\": ", line.cells[5]);
        put_json(file, handler_name(list[i]->link.handler));
        fputc('}', file);
    }
    fputs("\n]}\n", file);
    leat__start_free(list);
}
