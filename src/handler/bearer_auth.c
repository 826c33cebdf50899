/* bearer_auth.c: tokens in the Authorization field (RFC 6750 2.1), and the errors that its section 3.1 wants told. What a
 * token is worth is the program's to say. */
#include "exchange/exchange.h"
#include "handler/credentials.h"
#include "handler/middleware.h"

#include <errno.h>
#include <stdio.h>

struct bearer_auth {
    int (*check)(leat_exchange *x, const char *token, void *argument);
    void *argument;
    const char *challenge; /* who has no token is told no error (3.1) */
};

static void refuse(leat_exchange *x, const struct bearer_auth *auth, int status, const char *error)
{
    if (error == NULL) {
        leat_field_set(x, "WWW-Authenticate", auth->challenge);
    } else {
        const char *challenge = leat_printf(x, "%s, error=\"%s\"", auth->challenge, error);
        if (challenge != NULL)
            leat_field_set(x, "WWW-Authenticate", challenge);
    }
    leat_problem(x, status, NULL);
}

static unsigned count_fields(leat_exchange *x)
{
    unsigned from = 0, count = 0;
    while (leat__http1_find(&x->head, x->bytes, "Authorization", 13, &from) != NULL)
        count++;
    return count;
}

/* The check's answer told. true: the token is good. */
static bool is_good(leat_exchange *x, const struct bearer_auth *auth, struct http_text text)
{
    const char *token = leat_printf(x, "%.*s", (int)text.size, text.data);
    int error = token != NULL ? auth->check(x, token, auth->argument) : -ENOMEM;
    if (error == -EACCES)
        refuse(x, auth, 401, "invalid_token");
    else if (error == -EPERM)
        refuse(x, auth, 403, "insufficient_scope");
    else if (error != 0)
        leat_fail(x, error);
    return error == 0;
}

void leat_bearer_auth(leat_exchange *x)
{
    const struct bearer_auth *auth = leat_data(x);
    leat_slice field = leat_field(x, "Authorization");
    struct http_text token;
    if (auth == NULL) {
        leat_problem(x, 500, NULL);
    } else if (field.data == NULL ||
               !leat__credentials_have((struct http_text){field.data, field.size}, "Bearer", &token)) {
        refuse(x, auth, 401, NULL);
    } else if (count_fields(x) > 1 || !leat__credentials_is_token(token)) {
        refuse(x, auth, 400, "invalid_request");
    } else if (is_good(x, auth, token)) {
        leat_next(x);
    }
}

void *leat_bearer_auth_create_sized(leat_app *app, const leat_bearer_auth_options *given, size_t given_size)
{
    leat_bearer_auth_options options;
    options_take(&options, sizeof options, given, given_size);
    struct bearer_auth *auth = leat__middleware_alloc(app, sizeof *auth);
    const char *realm = leat__middleware_quote(app, options.realm ? options.realm : "restricted");
    const char *scope = options.scope ? leat__middleware_quote(app, options.scope) : "";
    size_t size = strlen(realm) + strlen(scope) + 64;
    char *challenge = leat__middleware_alloc(app, size);
    snprintf(challenge, size, "Bearer realm=%s%s%s", realm, scope[0] != '\0' ? ", scope=" : "", scope);
    auth->challenge = challenge;
    auth->check = options.check;
    auth->argument = options.argument;
    if (options.check == NULL) {
        leat__app_error(app, "leat_bearer_auth: needs a function that checks tokens");
        return NULL;
    }
    return leat__middleware_is_value(app, "leat_bearer_auth", challenge) ? auth : NULL;
}
