/* mount.c: a folder at a prefix: what leat_get_with(app, prefix "/" "*path", leat_serve_files, files) is, and a redirect
 * from the prefix itself, whose relative references would otherwise lead elsewhere. */
#include "exchange/app.h"
#include "leat/leat.h"
#include "memory/seal.h"
#include <stdio.h>

/* The path is as it was sent, and begins with one slash: the pattern has a segment behind it that is not empty. */
static void add_slash(leat_exchange *x)
{
    leat_slice path = leat_path(x), query = leat_query_string(x);
    const char *location = leat_printf(x, "%.*s/%s%.*s", (int)path.size, path.data,
                                       query.size > 0 ? "?" : "", (int)query.size, query.data);
    if (location != NULL)
        leat_redirect(x, 301, location);
}

void leat_mount(leat_app *app, const char *prefix, leat_files *files)
{
    bool is_prefix = prefix != NULL &&
                     (prefix[0] == '\0' || (prefix[0] == '/' && prefix[strlen(prefix) - 1] != '/'));
    if (!is_prefix) {
        leat__app_error(app, "mount \"%s\": a prefix is empty, or begins with '/' and does not end with it",
                        prefix ? prefix : "(null)");
        return;
    }
    if (files == NULL) {
        if (leat__app_errors(leat__app_root(app))[0] == '\0')
            leat__app_error(app, "mount \"%s\": files is NULL", prefix);
        return;
    }
    size_t size = strlen(prefix) + sizeof "/*path";
    char *pattern = leat__start_alloc(size);
    snprintf(pattern, size, "%s/*path", prefix);
    leat_get_with(app, pattern, leat_serve_files, files);
    leat__start_free(pattern);
    if (prefix[0] != '\0' || app->prefix[0] != '\0')
        leat_get(app, prefix, add_slash);
}
