/* guard.c: who may see what the admin listener shows. With a token: who has it, in an Authorization field (Bearer), or in the
 * cookie that the live page was given when it was opened with ?token=. Without one the address is private to this machine, but
 * a browser on it runs the pages of others: so a name is asked for that only we would use (localhost, or the address
 * itself), and a page that had its own name pointed here sees nothing. */
#include "admin/page.h"
#include "handler/credentials.h"
#include "leat/cookie.h"
#include "leat/form.h"
#include "leat/middleware.h"
#include <arpa/inet.h>

static const char cookie_name[] = "leat-admin";

static bool is_token(const struct admin *admin, const char *text, size_t size)
{
    return leat_is_same_secret(text, size, admin->token, strlen(admin->token));
}

static bool has_token(leat_exchange *x, const struct admin *admin)
{
    leat_slice field = leat_field(x, "Authorization");
    struct http_text token;
    if (field.data != NULL &&
        leat__credentials_have((struct http_text){field.data, field.size}, "Bearer", &token))
        return is_token(admin, token.data, token.size);
    const char *cookie = leat_cookie(x, cookie_name);
    return cookie != NULL && is_token(admin, cookie, strlen(cookie));
}

/* A token that came by the page's address, or by the form: it goes into a cookie, and out of the address. */
static bool takes_token(leat_exchange *x, const struct admin *admin, const char *token)
{
    if (token == NULL || !is_token(admin, token, strlen(token)))
        return false;
    leat_cookie_set(x, cookie_name, admin->token,
                    &(leat_cookie_options){.same_site = LEAT_SAME_SITE_STRICT, .max_age_s = 30 * 86400});
    leat_field_set(x, "Cache-Control", "no-store");
    leat_redirect(x, 303, "/leat/");
    return true;
}

/* localhost, or an address: no name that somebody else could have pointed here. */
static bool is_our_name(leat_slice authority)
{
    char host[64];
    struct in_addr in;
    size_t size = authority.size;
    if (size > 0 && authority.data[0] == '[')
        return true;
    for (size_t i = 0; i < size; i++)
        if (authority.data[i] == ':')
            size = i;
    if (size >= sizeof host)
        return false;
    memcpy(host, authority.data, size);
    host[size] = '\0';
    return size == 0 || strcasecmp(host, "localhost") == 0 || inet_pton(AF_INET, host, &in) == 1;
}

void leat__admin_guard(leat_exchange *x)
{
    const struct admin *admin = leat_data(x);
    if (admin->token[0] == '\0') {
        if (is_our_name(leat_authority(x)))
            leat_next(x);
        else
            leat_problem(x, 421, "Ask for this by localhost, or by the address");
    } else if (has_token(x, admin)) {
        leat_next(x);
    } else if (!takes_token(x, admin, leat_query(x, "token"))) {
        leat_field_set(x, "WWW-Authenticate", "Bearer realm=\"leat\"");
        leat__page_ask_token(
            x, 401, "This wants the token of --admin-token-file: Authorization: Bearer, or /leat/?token=");
    }
}

void leat__admin_sign_in(leat_exchange *x)
{
    const struct admin *admin = leat_data(x);
    const char *token = leat_form(x, "token");
    if (leat_form_check(x) < 0)
        return;
    if (admin->token[0] == '\0')
        leat_redirect(x, 303, "/leat/");
    else if (!takes_token(x, admin, token))
        leat__page_ask_token(
            x, 403, "That is not the token. It is the first line of the file that --admin-token-file names.");
}
