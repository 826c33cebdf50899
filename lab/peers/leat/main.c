/* main.c: Leat as a peer of the lab: the same five routes that every peer serves, on the public API, and nothing tuned.
 *
 * Flags and settings are leat_main's; lab/peers/leat-epoll and leat-uring name the loop. */
#include <leat/json.h>
#include <leat/leat.h>
#include <leat/stream.h>

#include <inttypes.h>
#include <stdlib.h>

enum { UPLOAD_MAX = 20 << 20, PIECE = 16384 };

static void plaintext(leat_exchange *x)
{
    leat_text(x, 200, "Hello, World!");
}

static void json(leat_exchange *x)
{
    leat_json *j = leat_json_begin(x, 200);
    leat_json_string(j, "message", "Hello, World!");
}

/* Reads the content as it comes, and answers how many octets it had. */
static void upload(leat_exchange *x)
{
    char piece[PIECE];
    int64_t n, total = 0;
    while ((n = leat_read(x, piece, sizeof piece)) > 0)
        total += n;
    if (n == 0)
        leat_text(x, 200, "%" PRId64, total);
}

int main(int argc, char **argv)
{
    const char *files = getenv("LAB_FILES");
    leat_app *app = leat_app_create();
    leat_limit_content(app, UPLOAD_MAX);
    leat_get(app, "/plaintext", plaintext);
    leat_get(app, "/json", json);
    leat_post_stream(app, "/upload", upload);
    leat_get_with(app, "/files/*path", leat_serve_files, leat_files_open(app, files ? files : "."));
    return leat_main(app, argc, argv);
}
