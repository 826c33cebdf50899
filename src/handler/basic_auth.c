/* basic_auth.c: names and passwords (RFC 7617).
 *
 * Of each line of the table a digest is kept, under a key of this process; a request's credentials are digested in the
 * same way and held against all of them, whether one has matched or not. So the time it takes tells neither which names
 * there are nor how much of a password was right, and the table in memory tells no password. */
#define _GNU_SOURCE /* explicit_bzero */
#include "exchange/exchange.h"
#include "handler/credentials.h"
#include "base/digest.h"
#include "handler/middleware.h"

#include <stdio.h>

struct basic_auth {
    uint8_t key[32];
    uint8_t (*users)[DIGEST_SIZE];
    size_t user_count;
    bool (*check)(leat_exchange *x, const char *name, const char *password, void *argument);
    void *argument;
    const char *challenge;
};

bool leat_is_same_secret(const void *a, size_t a_size, const void *b, size_t b_size)
{
    return a_size == b_size && leat__digest_same(a, b, a_size);
}

/* Of name, NUL, password: neither holds a NUL. */
static void digest_user(const struct basic_auth *auth, const char *name, size_t name_size,
                        const char *password, uint8_t out[DIGEST_SIZE])
{
    struct digest d;
    leat__digest_init_keyed(&d, auth->key, sizeof auth->key);
    leat__digest_add(&d, name, name_size);
    leat__digest_add(&d, "", 1);
    leat__digest_add(&d, password, strlen(password));
    leat__digest_end(&d, out);
    explicit_bzero(&d, sizeof d);
}

static bool is_listed(const struct basic_auth *auth, const struct credentials *c)
{
    uint8_t sum[DIGEST_SIZE];
    unsigned found = 0;
    digest_user(auth, c->name, strlen(c->name), c->password, sum);
    for (size_t i = 0; i < auth->user_count; i++)
        found |= leat_is_same_secret(auth->users[i], DIGEST_SIZE, sum, DIGEST_SIZE);
    return found != 0;
}

static bool is_known(leat_exchange *x, const struct basic_auth *auth)
{
    struct credentials c;
    struct http_text rest;
    leat_slice field = leat_field(x, "Authorization");
    if (field.data == NULL ||
        !leat__credentials_have((struct http_text){field.data, field.size}, "Basic", &rest) ||
        !leat__credentials_read(&c, rest))
        return false;
    bool known = is_listed(auth, &c) ||
                 (auth->check != NULL && auth->check(x, c.name, c.password, auth->argument));
    known = known && leat_set_principal(x, c.name) == 0;
    explicit_bzero(&c, sizeof c);
    return known;
}

void leat_basic_auth(leat_exchange *x)
{
    const struct basic_auth *auth = leat_data(x);
    if (auth != NULL && is_known(x, auth)) {
        leat_next(x);
        return;
    }
    if (auth != NULL)
        leat_field_set(x, "WWW-Authenticate", auth->challenge);
    leat_problem(x, auth != NULL ? 401 : 500, NULL);
}

/* ── At start ── */

static bool copy_users(leat_app *app, struct basic_auth *auth, const char *const *users)
{
    bool fine = true;
    while (users != NULL && users[auth->user_count] != NULL)
        auth->user_count++;
    auth->users = leat__middleware_alloc(app, (auth->user_count + 1) * sizeof *auth->users);
    for (size_t i = 0; users != NULL && i < auth->user_count; i++) {
        const char *colon = strchr(users[i], ':');
        if (colon != NULL && strlen(users[i]) <= CREDENTIALS_MAX) {
            digest_user(auth, users[i], (size_t)(colon - users[i]), colon + 1, auth->users[i]);
        } else { /* the line is not shown: it may be a password */
            leat__app_error(app, "leat_basic_auth: the user of number %zu is not \"name:password\"", i);
            fine = false;
        }
    }
    return fine;
}

void *leat_basic_auth_create_sized(leat_app *app, const leat_basic_auth_options *given, size_t given_size)
{
    leat_basic_auth_options options;
    options_take(&options, sizeof options, given, given_size);
    struct basic_auth *auth = leat__middleware_alloc(app, sizeof *auth);
    leat__middleware_random(auth->key, sizeof auth->key);
    auth->check = options.check;
    auth->argument = options.argument;
    const char *realm = leat__middleware_quote(app, options.realm ? options.realm : "restricted");
    size_t size = strlen(realm) + 64;
    char *challenge = leat__middleware_alloc(app, size);
    snprintf(challenge, size, "Basic realm=%s, charset=\"UTF-8\"", realm);
    auth->challenge = challenge;
    if (options.users == NULL && options.check == NULL) {
        leat__app_error(app, "leat_basic_auth: needs users, or a function that checks them");
        return NULL;
    }
    bool users_are_fine = copy_users(app, auth, options.users);
    bool realm_is_fine = leat__middleware_is_value(app, "leat_basic_auth", challenge);
    return users_are_fine && realm_is_fine ? auth : NULL;
}
