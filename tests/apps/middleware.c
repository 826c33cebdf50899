/* middleware.c: ready-made middleware and hooks, for the end-to-end tests. */
#include <errno.h>
#include <leat/leat.h>
#include <stdio.h>
#include <string.h>

static void hello(leat_exchange *x)
{
    const char *who = leat_principal(x);
    leat_text(x, 200, "Hello, %s\n", who != NULL ? who : "nobody");
}

static void id(leat_exchange *x)
{
    leat_text(x, 200, "%s", leat_request_id(x));
}

static void page(leat_exchange *x)
{
    leat_bytes(x, 200, "text/html", "<p>", 3);
}

static void own_fields(leat_exchange *x)
{
    leat_field_set(x, "Content-Security-Policy", "default-src 'none'");
    leat_field_set(x, "Vary", "Cookie");
    page(x);
}

static void nap(leat_exchange *x)
{
    int error = leat_sleep_ms((uint64_t)leat_query_int(x, "ms", 0));
    fprintf(stderr, "nap: %d\n", error);
    leat_text(x, 200, "%d\n", error);
}

/* A response that has begun, and never ends by itself. */
static void drip(leat_exchange *x)
{
    leat_begin(x, 200, "text/plain");
    while (leat_writef(x, "drop\n") == 0 && leat_flush(x) == 0 && leat_sleep_ms(10) == 0) {
    }
}

static void stream(leat_exchange *x)
{
    leat_begin(x, 200, "text/html");
    leat_writef(x, "<p>");
}

static void count(leat_exchange *x)
{
    char piece[1000];
    int64_t n, total = 0;
    while ((n = leat_read(x, piece, sizeof piece)) > 0)
        total += n;
    if (n == 0)
        leat_text(x, 200, "%lld\n", (long long)total);
}

static void fail(leat_exchange *x)
{
    leat_fail(x, -(int)leat_query_int(x, "errno", EIO));
}

static void tagged(leat_exchange *x)
{
    leat_field_set(x, "ETag", "\"mine\"");
    leat_text(x, 200, "tagged\n");
}

/* ── Checks, which may wait ── */

static bool check_password(leat_exchange *x, const char *name, const char *password, void *argument)
{
    (void)x;
    leat_sleep_ms(1);
    return strcmp(name, "eve") == 0 &&
           leat_is_same_secret(password, strlen(password), argument, strlen(argument));
}

static int check_token(leat_exchange *x, const char *token, void *argument)
{
    (void)argument;
    leat_sleep_ms(1);
    if (strcmp(token, "good") == 0)
        return leat_set_principal(x, "token's owner");
    return strcmp(token, "narrow") == 0 ? -EPERM : strcmp(token, "busy") == 0 ? -EAGAIN : -EACCES;
}

static bool allow_origin(leat_exchange *x, leat_slice origin, void *argument)
{
    (void)x;
    const char *end = argument;
    size_t size = strlen(end);
    return origin.size >= size && memcmp(origin.data + origin.size - size, end, size) == 0;
}

static leat_slice key_of(leat_exchange *x, void *argument)
{
    (void)argument;
    const char *who = leat_query(x, "who");
    return (leat_slice){who, who != NULL ? strlen(who) : 0};
}

/* ── Hooks ── */

static bool keep(const leat_connection *connection, void *argument)
{
    (void)argument;
    fprintf(stderr, "connected: %s listener %u port %d\n", leat_connection_peer(connection),
            leat_connection_listener(connection), leat_connection_port(connection) > 0);
    return strcmp(leat_connection_peer(connection), "127.0.0.66") != 0;
}

static void on_error(leat_exchange *x, int status, void *argument)
{
    (void)argument;
    leat_slice path = leat_path(x);
    fprintf(stderr, "error: %d %.*s\n", status, (int)path.size, path.data);
    if (status == 404)
        leat_text(x, 404, "mine\n");
}

static void on_deadline(leat_exchange *x, void *argument)
{
    (void)argument;
    leat_slice path = leat_path(x);
    fprintf(stderr, "late: %.*s\n", (int)path.size, path.data);
}

static void add_auth(leat_app *app)
{
    static const char *const users[] = {"ada:lovelace", "grace:hop:per", NULL};
    static char password[] = "apple";
    leat_app *basic = leat_group(app, "/basic");
    leat_use_with(basic, leat_basic_auth,
                  leat_basic_auth_create(basic, &(leat_basic_auth_options){.users = users,
                                                                           .check = check_password,
                                                                           .argument = password,
                                                                           .realm = "a \"b\""}));
    leat_get(basic, "/hello", hello);
    leat_app *bearer = leat_group(app, "/bearer");
    leat_use_with(bearer, leat_bearer_auth,
                  leat_bearer_auth_create(
                      bearer, &(leat_bearer_auth_options){.check = check_token, .scope = "read"}));
    leat_get(bearer, "/hello", hello);
}

static void add_limits(leat_app *app)
{
    leat_app *field = leat_group(app, "/limited/field");
    leat_use_with(field, leat_rate_limit,
                  leat_limiter_create(
                      field, &(leat_limiter_options){
                                 .per_second = 0.001, .burst = 3, .field = "X-Api-Key", .tell = true}));
    leat_get(field, "", hello);
    leat_app *key = leat_group(app, "/limited/key");
    leat_use_with(key, leat_rate_limit,
                  leat_limiter_create(
                      key, &(leat_limiter_options){.per_second = 0.001, .burst = 2, .key = key_of}));
    leat_get(key, "", hello);
    leat_app *address = leat_group(app, "/limited/address");
    leat_use_with(address, leat_rate_limit,
                  leat_limiter_create(address, &(leat_limiter_options){.per_second = 0.001, .burst = 4}));
    leat_get(address, "", hello);
}

static void add_times(leat_app *app)
{
    leat_app *timed = leat_group(app, "/timed");
    leat_use_with(timed, leat_timeout,
                  leat_timeout_create(timed, &(leat_timeout_options){.ms = 1000, .status = 504}));
    leat_get(timed, "/nap", nap);
    leat_get(timed, "/drip", drip);
    leat_post_stream(timed, "/count", count);
    leat_app *longer = leat_group(timed, "/longer");
    leat_use_with(longer, leat_timeout,
                  leat_timeout_create(longer, &(leat_timeout_options){.ms = 60000}));
    leat_get(longer, "/nap", nap);
    leat_app *shorter = leat_group(timed, "/shorter");
    leat_use_with(shorter, leat_timeout,
                  leat_timeout_create(shorter, &(leat_timeout_options){.ms = 20}));
    leat_get(shorter, "/nap", nap);
}

static void add_tags(leat_app *app)
{
    leat_app *weak = leat_group(app, "/weak"), *strong = leat_group(app, "/strong");
    leat_use(weak, leat_etag);
    leat_use_with(strong, leat_etag,
                  leat_etag_create(strong, &(leat_etag_options){.strong = true, .max = 100}));
    leat_get(weak, "/hello", hello);
    leat_get(weak, "/tagged", tagged);
    leat_get(weak, "/stream", stream);
    leat_get(strong, "/hello", hello);
    leat_get(strong, "/fail", fail);
}

static void add_origins(leat_app *app)
{
    static const char *const named[] = {"https://a.example", "null", NULL}, *const any[] = {"*", NULL};
    static const char *const expose[] = {"X-One", "X-Two", NULL}, *const methods[] = {"GET", "PUT", NULL};
    static char end[] = ".b.example";
    leat_use_with(app, leat_cors,
                  leat_cors_create(app, &(leat_cors_options){.origins = named,
                                                             .allow = allow_origin,
                                                             .argument = end,
                                                             .credentials = true,
                                                             .expose = expose,
                                                             .methods = methods,
                                                             .max_age_s = 600,
                                                             .prefix = "/cors/named"}));
    leat_use_with(app, leat_cors,
                  leat_cors_create(app, &(leat_cors_options){.origins = any, .prefix = "/cors/any"}));
    leat_get(app, "/cors/named/own", own_fields);
    leat_get(app, "/cors/named/stream", stream);
    leat_get(app, "/cors/any/hello", hello);
}

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    leat_on_connect(app, keep, NULL);
    leat_on_error(app, on_error, NULL);
    leat_on_deadline(app, on_deadline, NULL);
    leat_use(app, leat_request_ids);
    leat_use(app, leat_security);
    add_origins(app);
    leat_get(app, "/hello", hello);
    leat_get(app, "/id", id);
    leat_get(app, "/page", page);
    leat_get(app, "/stream", stream);
    leat_get(app, "/own", own_fields);
    leat_get(app, "/fail", fail);
    leat_app *strict = leat_group(app, "/strict");
    leat_use_with(
        strict, leat_security,
        leat_security_create(
            strict, &(leat_security_options){.strict_transport_security = "max-age=31536000",
                                             .referrer_policy = "",
                                             .content_security_policy = "default-src 'none'"}));
    leat_use_with(strict, leat_request_ids,
                  leat_request_ids_create(strict, &(leat_request_ids_options){.field = "Request-Id",
                                                                              .ignore_given = true}));
    leat_get(strict, "/page", page);
    leat_get(strict, "/id", id);
    add_auth(app);
    add_limits(app);
    add_times(app);
    add_tags(app);
    return leat_main(app, argc, argv);
}
