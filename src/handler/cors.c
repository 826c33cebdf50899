/* cors.c: what browsers ask before they let a page of another origin read a response (the Fetch standard, 3.2).
 *
 * A simple request is answered as always, with fields that say who may read the answer. A preflight, OPTIONS with
 * Access-Control-Request-Method, asks whether a request may be made at all: it is answered here, and no handler sees it.
 * The fields are set before the handler runs, because a response may begin there. */
#include "exchange/exchange.h"
#include "handler/middleware.h"

#include <stdio.h>
#include <strings.h>

struct cors {
    char **origins; /* NULL-terminated */
    bool any;       /* "*" */
    bool credentials;
    bool (*allow)(leat_exchange *x, leat_slice origin, void *argument);
    void *argument;
    const char *methods, *fields, *expose; /* lists, joined; fields, expose "": not said */
    char max_age[16];                      /* "": not said */
    const char *prefix;
};

/* ── On a request ── */

static bool is_among(const struct cors *cors, leat_slice origin)
{
    for (char *const *known = cors->origins; *known != NULL; known++)
        if (strlen(*known) == origin.size && memcmp(*known, origin.data, origin.size) == 0)
            return true;
    return false;
}

static bool is_allowed(leat_exchange *x, const struct cors *cors, leat_slice origin)
{
    return origin.data != NULL && (cors->any || is_among(cors, origin) ||
                                   (cors->allow != NULL && cors->allow(x, origin, cors->argument)));
}

static void set_slice(leat_exchange *x, const char *name, leat_slice value)
{
    const char *copy = leat_printf(x, "%.*s", (int)value.size, value.data);
    if (copy != NULL)
        leat_field_set(x, name, copy);
}

/* Who may read the answer. With "*" it is the same for all, and so for caches. */
static void say_who(leat_exchange *x, const struct cors *cors, leat_slice origin, bool allowed)
{
    if (cors->any) {
        leat_field_set(x, "Access-Control-Allow-Origin", "*");
        return;
    }
    if (!allowed)
        return;
    set_slice(x, "Access-Control-Allow-Origin", origin);
    if (cors->credentials)
        leat_field_set(x, "Access-Control-Allow-Credentials", "true");
}

static void answer_preflight(leat_exchange *x, const struct cors *cors, bool allowed)
{
    leat_slice asked = leat_field(x, "Access-Control-Request-Headers");
    leat_field_add(x, "Vary", "Access-Control-Request-Method, Access-Control-Request-Headers");
    if (allowed) {
        leat_field_set(x, "Access-Control-Allow-Methods", cors->methods);
        if (cors->fields[0] != '\0')
            leat_field_set(x, "Access-Control-Allow-Headers", cors->fields);
        else if (asked.size > 0)
            set_slice(x, "Access-Control-Allow-Headers", asked);
        if (cors->max_age[0] != '\0')
            leat_field_set(x, "Access-Control-Max-Age", cors->max_age);
    }
    leat_status(x, 204);
}

static bool is_concerned(leat_exchange *x, const struct cors *cors)
{
    size_t size = strlen(cors->prefix);
    leat_slice path = leat_path(x);
    return path.size >= size && memcmp(path.data, cors->prefix, size) == 0;
}

/* A handler may have set a Vary of its own in place of ours. */
static void vary_by_origin(leat_exchange *x)
{
    for (const struct response_field *f = x->response.fields; f != NULL; f = f->next)
        if (f->name_size == 4 && strncasecmp(f->line, "Vary: Origin\r", 13) == 0)
            return;
    leat_field_add(x, "Vary", "Origin");
}

void leat_cors(leat_exchange *x)
{
    const struct cors *cors = leat_data(x);
    if (cors == NULL || !is_concerned(x, cors)) {
        leat_next(x);
        return;
    }
    leat_slice origin = leat_field(x, "Origin");
    bool allowed = is_allowed(x, cors, origin);
    say_who(x, cors, origin, allowed);
    if (!cors->any)
        leat_field_add(x, "Vary", "Origin");
    if (origin.data != NULL && x->head.method == HTTP_OPTIONS &&
        leat_field(x, "Access-Control-Request-Method").data != NULL) {
        answer_preflight(x, cors, allowed);
        return;
    }
    if ((allowed || cors->any) && cors->expose[0] != '\0')
        leat_field_set(x, "Access-Control-Expose-Headers", cors->expose);
    leat_next(x);
    if (!cors->any)
        vary_by_origin(x);
}

/* ── At start ── */

static char **copy_list(leat_app *app, const char *const *list)
{
    size_t count = 0;
    while (list != NULL && list[count] != NULL)
        count++;
    char **copy = leat__middleware_alloc(app, (count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = leat__middleware_copy(app, list[i]);
    return copy;
}

/* "https://www.example.org:8443", or "null": what a browser says of itself has no path. */
static bool is_origin(const char *text)
{
    const char *host = strstr(text, "://");
    return strcmp(text, "null") == 0 || strcmp(text, "*") == 0 ||
           (host != NULL && host > text && host[3] != '\0' && strchr(host + 3, '/') == NULL);
}

static bool check_origins(leat_app *app, const struct cors *cors)
{
    bool fine = true;
    for (char *const *origin = cors->origins; *origin != NULL; origin++) {
        if (!is_origin(*origin)) {
            leat__app_error(app, "leat_cors: \"%s\" is not an origin; one is \"https://www.example.org\"",
                            *origin);
            fine = false;
        }
    }
    if (cors->origins[0] == NULL && cors->allow == NULL) {
        leat__app_error(app,
                        "leat_cors: needs origins (\"*\" is any), or a function that allows them");
        fine = false;
    }
    if (cors->any && cors->credentials) {
        leat__app_error(
            app,
            "leat_cors: with credentials the origins are to be named; \"*\" would let any page act "
            "as its visitor");
        fine = false;
    }
    return fine;
}

void *leat_cors_create_sized(leat_app *app, const leat_cors_options *given, size_t given_size)
{
    static const char *const usual[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", NULL};
    leat_cors_options options;
    options_take(&options, sizeof options, given, given_size);
    struct cors *cors = leat__middleware_alloc(app, sizeof *cors);
    cors->origins = copy_list(app, options.origins);
    for (char *const *origin = cors->origins; *origin != NULL; origin++)
        cors->any = cors->any || strcmp(*origin, "*") == 0;
    cors->allow = options.allow;
    cors->argument = options.argument;
    cors->credentials = options.credentials;
    cors->methods = leat__middleware_join(app, options.methods ? options.methods : usual);
    cors->fields = leat__middleware_join(app, options.fields);
    cors->expose = leat__middleware_join(app, options.expose);
    cors->prefix = leat__middleware_copy(app, options.prefix ? options.prefix : "");
    if (options.max_age_s != 0)
        snprintf(cors->max_age, sizeof cors->max_age, "%u", options.max_age_s);
    const char *const lists[] = {cors->methods, cors->fields, cors->expose};
    bool fine = check_origins(app, cors);
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        fine = leat__middleware_is_value(app, "leat_cors", lists[i]) && fine;
    return fine ? cors : NULL;
}
