/* form.c: what a request says, for the end-to-end tests: forms, uploads into the working directory, cookies, and what the
 * client takes. */
#include <fcntl.h>
#include <inttypes.h>
#include <leat/leat.h>
#include <stdio.h>
#include <string.h>

static leat_cookie_keys *keys;
static leat_blocking *files;

/* Every pair of the query, then of the form. */
static void pairs(leat_exchange *x)
{
    const char *name, *value;
    leat_begin(x, 200, "text/plain");
    for (size_t i = 0; leat_query_at(x, i, &name, &value); i++)
        leat_writef(x, "?%s=%s\n", name, value);
    for (size_t i = 0; leat_form_at(x, i, &name, &value); i++)
        leat_writef(x, "%s=%s\n", name, value);
}

static void form(leat_exchange *x)
{
    const char *name, *value;
    size_t count = 0;
    while (leat_form_at(x, count, &name, &value))
        count++;
    leat_text(x, 200, "%zu %" PRId64 "\n", count, leat_form_int(x, "n", -1));
}

/* Files go to files named "N.saved", fields are told. */
static void upload(leat_exchange *x, const leat_multipart_options *options)
{
    leat_multipart *m = leat_multipart_begin(x, options);
    leat_part part;
    char name[32], told[3000] = "";
    size_t at = 0, number = 0;
    int more;
    while ((more = leat_multipart_next(m, &part)) == 1) {
        if (part.filename != NULL) {
            uint64_t size;
            snprintf(name, sizeof name, "%zu.saved", number++);
            int error = leat_multipart_save(m, AT_FDCWD, name, &size);
            if (error < 0)
                continue;
            at += (size_t)snprintf(told + at, sizeof told - at, "%.99s: %.99s %s %" PRIu64 "\n",
                                   part.name, part.filename, part.media_type, size);
        } else {
            const char *text = leat_multipart_text(m, NULL);
            at += (size_t)snprintf(told + at, sizeof told - at, "%.99s = %.99s\n", part.name,
                                   text ? text : "?");
        }
        if (at > sizeof told - 512)
            at = sizeof told - 512;
    }
    if (more == 0)
        leat_text(x, 200, "%s", told);
}

static void upload_by_pool(leat_exchange *x)
{
    upload(x, &(leat_multipart_options){.blocking = files});
}

static void upload_bounded(leat_exchange *x)
{
    upload(x, &(leat_multipart_options){
                  .parts_max = 3, .field_max = 10, .part_max = 1000, .total_max = 2000});
}

/* Counts the octets of all parts. */
static void count(leat_exchange *x)
{
    leat_multipart *m = leat_multipart_begin(x, NULL);
    leat_part part;
    char piece[1000];
    int64_t n, octets = 0;
    int parts = 0;
    while (leat_multipart_next(m, &part) == 1) {
        parts++;
        while ((n = leat_multipart_read(m, piece, sizeof piece)) > 0)
            octets += n;
    }
    leat_text(x, 200, "%d %" PRId64 "\n", parts, octets);
}

/* Reads one part, and leaves the others where they are. */
static void first(leat_exchange *x)
{
    leat_part part;
    int more = leat_multipart_next(leat_multipart_begin(x, NULL), &part);
    leat_text(x, 200, "%s\n", more == 1 ? part.name : "none");
}

static void cookies(leat_exchange *x)
{
    const char *user = leat_cookie_signed(x, keys, "user"), *plain = leat_cookie(x, "plain");
    leat_text(x, 200, "%s %s\n", user ? user : "nobody", plain ? plain : "none");
}

static void enter(leat_exchange *x)
{
    leat_cookie_set_signed(x, keys, "user", leat_param(x, "name"),
                           &(leat_cookie_options){.max_age_s = 60});
    leat_cookie_set(x, "plain", "yes", NULL);
    leat_status(x, 204);
}

static void leave(leat_exchange *x)
{
    leat_cookie_delete(x, "user", NULL);
    leat_status(x, 204);
}

static void negotiate(leat_exchange *x)
{
    static const char *const types[] = {"application/json", "text/html", "text/plain"};
    static const char *const tags[] = {"en", "de"};
    int type = leat_accepts(x, types, 3), tag = leat_accepts_language(x, tags, 2);
    if (type < 0)
        leat_problem(x, 406, NULL);
    else
        leat_bytes(x, 200, types[type], tag == 1 ? "Hallo\n" : "Hello\n", 6);
}

int main(int argc, char **argv)
{
    static const char *const secrets[] = {"0123456789abcdef0123456789abcdef", NULL};
    leat_app *app = leat_app_create();
    keys = leat_cookie_keys_create(app, secrets);
    files = leat_blocking_create(app, "files", NULL);
    leat_post(app, "/pairs", pairs);
    leat_post(app, "/form", form);
    leat_post_stream(app, "/upload", upload_by_pool);
    leat_post_stream(app, "/bounded", upload_bounded);
    leat_post_stream(app, "/count", count);
    leat_post(app, "/whole", count);
    leat_post_stream(app, "/first", first);
    leat_get(app, "/cookies", cookies);
    leat_post(app, "/enter/:name", enter);
    leat_post(app, "/leave", leave);
    leat_get(app, "/negotiate", negotiate);
    return leat_main(app, argc, argv);
}
