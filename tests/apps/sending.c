/* sending.c: handlers that answer with files and with parts, for the end-to-end tests. The folder is ./served, or what --files says. */
#include <leat/leat.h>
#include <stdio.h>
#include <string.h>

static leat_files *files;
static char letters[] = "abcdefghijklmnopqrstuvwxyz";

static void send_named(leat_exchange *x)
{
    leat_field_set(x, "Content-Disposition", "attachment");
    int error = leat_send_path(x, files, leat_param(x, "name"));
    if (error < 0)
        leat_text(x, 404, "%d", error);
}

/* The first is forgotten, or not there. */
static void send_second(leat_exchange *x)
{
    leat_send_path(x, files, leat_query(x, "first"));
    if (leat_send_path(x, files, leat_query(x, "second")) < 0)
        leat_text(x, 404, "neither");
}

static void part(leat_exchange *x)
{
    leat_field_set(x, "ETag", "\"letters\"");
    leat_bytes(x, 200, "text/plain", letters, sizeof letters - 1);
    leat_allow_ranges(x);
}

static void part_borrowed(leat_exchange *x)
{
    leat_bytes_borrow(x, 200, "text/plain", letters, sizeof letters - 1, NULL, NULL);
    leat_allow_ranges(x);
}

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    const char *folder = "served";
    if (argc > 2 && strcmp(argv[1], "--files") == 0) {
        folder = argv[2];
        argv[2] = argv[0];
        argv += 2;
        argc -= 2;
    }
    files = leat_files_open(app, folder);
    leat_get(app, "/named/*name", send_named);
    leat_post(app, "/named/*name", send_named);
    leat_get(app, "/second", send_second);
    leat_get(app, "/part", part);
    leat_get(app, "/borrowed", part_borrowed);
    return leat_main(app, argc, argv);
}
