/* site.c: a folder's files, or the welcome page. */
#include "site.h"

#include "exchange/app.h"
#include "handler/welcome.h"
#include "server/main.h"
#include <stdio.h>

int leat__site_prepare(leat_app *app, const char *directory, void *data)
{
    struct site *site = data;
    if (directory == NULL) {
        site->welcome = leat__welcome_create(app);
        leat_get_with(app, "/", leat__welcome_show, site->welcome);
        return 0;
    }
    leat_files *files = leat_files_open(app, directory);
    if (files == NULL) {
        fprintf(stderr, "leat: %s", leat__app_errors(app));
        return MAIN_USAGE;
    }
    leat_get_with(app, "/*path", leat_serve_files, files);
    return 0;
}

void leat__site_planned(const struct plan *plan, void *data)
{
    const struct site *site = data;
    if (site->welcome != NULL)
        leat__welcome_fill(site->welcome, plan);
}
