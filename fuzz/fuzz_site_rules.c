/* fuzz_site_rules.c: any text as a rule of a site; the first octet says of which kind, and behind a NUL stand a path and a
 * query, as a client could send them. Wherever a redirect leads, it is the host of the rule and never the client's. */
#include "handler/site_rules.h"

#include <stdlib.h>

static bool is_target(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

/* Octets of the scheme and host that a URL begins with; 0: it is a path. */
static size_t host_size(const char *url)
{
    const char *slashes = strstr(url, "://");
    if (url[0] == '/' || slashes == NULL)
        return 0;
    return (size_t)(slashes + 3 - url) + strcspn(slashes + 3, "/?#");
}

static void check_location(const struct site_redirect *r, const char *path, const char *query)
{
    size_t rest_at, path_size = strlen(path);
    if (path[0] != '/' || !is_target(path) || !is_target(query) ||
        !leat__site_redirect_fits(r, path, path_size, &rest_at))
        return;
    ASSERT(rest_at <= path_size && (r->is_prefix || rest_at == path_size));
    size_t size = leat__site_redirect_write(NULL, r, path + rest_at, path_size - rest_at, query,
                                            strlen(query));
    char *location = malloc(size + 1);
    ASSERT(leat__site_redirect_write(location, r, path + rest_at, path_size - rest_at, query,
                                     strlen(query)) == size);
    location[size] = '\0';
    ASSERT(strlen(location) == size && is_target(location));
    size_t host = host_size(r->before);
    if (host > 0)
        ASSERT(strncmp(location, r->before, host) == 0 && host_size(location) == host);
    else
        ASSERT(location[0] == '/' && location[1] != '/' && location[1] != '\\');
    free(location);
}

static void check_redirect(const char *rule, const char *path, const char *query, char error[512])
{
    struct site_redirect r;
    if (leat__site_redirect_read(&r, rule, error, 512))
        check_location(&r, path, query);
    else
        ASSERT(strncmp(error, "redirect \"", 10) == 0);
    leat__site_redirect_free(&r);
}

static void check_other(bool is_field, const char *rule, char error[512])
{
    struct site_field f;
    struct site_page p;
    if (is_field) {
        if (leat__site_field_read(&f, rule, error, 512))
            ASSERT(f.name[0] != '\0' && strpbrk(f.name, "\r\n: ") == NULL &&
                   strpbrk(f.value, "\r\n") == NULL);
        leat__site_field_free(&f);
    } else {
        if (leat__site_page_read(&p, rule, error, 512))
            ASSERT(p.status >= 400 && p.status <= 599 && p.path[0] != '\0');
        leat__site_page_free(&p);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char none[] = "";
    char error[512] = "";
    if (size == 0 || size > 4096)
        return 0;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    const char *rule = text + 1, *end = text + size;
    const char *path = rule + strlen(rule) < end ? rule + strlen(rule) + 1 : none;
    const char *query = path != none && path + strlen(path) < end ? path + strlen(path) + 1 : none;
    if (data[0] % 4 < 2)
        check_redirect(rule, path, query, error);
    else
        check_other(data[0] % 4 == 2, rule, error);
    ASSERT(memchr(error, '\0', sizeof error) != NULL);
    free(text);
    return 0;
}
