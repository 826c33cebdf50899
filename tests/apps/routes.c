/* routes.c: hosts, matchers and mounts, for the end-to-end tests. routes [--files FOLDER | --wrong] FLAGS */
#include <leat/leat.h>
#include <leat/regex.h>
#include <string.h>

static void tell(leat_exchange *x)
{
    leat_text(x, 200, "%s id=%s 1=%s\n", (const char *)leat_data(x), leat_param(x, "id"),
              leat_param(x, "1"));
}

static void mark(leat_exchange *x)
{
    leat_field_set(x, "Marked", "yes");
    leat_next(x);
}

/* "/~name" */
static bool match_home(void *data, const char *path, size_t size, leat_captures *captures)
{
    (void)data;
    return size > 2 && memcmp(path, "/~", 2) == 0 &&
           leat_capture(captures, "id", path + 2, size - 2) == 0;
}

/* What the start must refuse. */
static void register_wrongly(leat_app *app)
{
    leat_route_regex(app, "GET", "^/(a", tell);
    leat_route_regex(app, "GET", "()()()()()()()()()()()()()()()()()", tell);
    leat_host(app, "bad host");
}

int main(int argc, char **argv)
{
    static char others[] = "others", api[] = "api", tenant[] = "tenant", port[] = "port", six[] = "six";
    static char home[] = "home", item[] = "item", bad[] = "bad", year[] = "year",
                upload[] = "upload", slow[] = "slow";
    leat_app *app = leat_app_create();
    leat_app *first = leat_host(app, "api.example");
    leat_app *static_files = leat_group(app, "/assets");
    leat_get_with(app, "/", tell, others);
    leat_get_with(first, "/", tell, api);
    leat_get_with(leat_group(first, "/v1"), "/items/:id", tell, api);
    leat_get_with(leat_host(app, "*.example"), "/", tell, tenant);
    leat_get_with(leat_host(app, "api.example:8443"), "/", tell, port);
    leat_get_with(leat_host(app, "[2001:db8::1]"), "/", tell, six);
    leat_route_match(app, "GET", "/~name", match_home, NULL, tell, home);
    leat_route_regex_with(app, "GET", "^/items/(?<id>[0-9]{1,9})$", tell, item);
    leat_route_regex_with(app, "GET", "^/(x+x+)+[yz]$", tell, bad);
    leat_route_regex_with(app, "GET", "(*NO_JIT)^/slow/(?<id>(?:a+a+)+[bc])$", tell, slow);
    leat_route_regex_with(leat_group(app, "/blog"), "GET", "^/(\\d{4})(?:/(?<id>\\d\\d))?$", tell, year);
    leat_limit_content(static_files, 1000);
    leat_use(static_files, mark);
    leat_post_stream_with(static_files, "/upload", tell, upload);
    if (argc > 2 && strcmp(argv[1], "--files") == 0) {
        leat_mount(static_files, "/static", leat_files_open(app, argv[2]));
        argv[2] = argv[0];
        argv += 2;
        argc -= 2;
    }
    if (argc > 1 && strcmp(argv[1], "--wrong") == 0) {
        register_wrongly(app);
        argv[1] = argv[0];
        argv++;
        argc--;
    }
    return leat_main(app, argc, argv);
}
