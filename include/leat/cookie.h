/* cookie.h: cookies (RFC 6265bis), plain and signed.
 *
 *     static void visit(leat_exchange *x)
 *     {
 *         const char *seen = leat_cookie(x, "seen");
 *         leat_cookie_set(x, "seen", "yes", &(leat_cookie_options){.max_age_s = 86400});
 *         leat_text(x, 200, "%s\n", seen ? "Again!" : "Welcome");
 *     }
 *
 * What a client sends as a cookie is its word: it may be made up. A signed cookie can't be (but its client can read it, and
 * keep it for as long as it is valid): its value, its name and its end are under a message authentication code, BLAKE2b of
 * 128 bits with a key of the program's. More than 200 cookies in a request are answered with 431. */
#ifndef LEAT_COOKIE_H
#define LEAT_COOKIE_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The first of that name, as sent; NULL: none. */
LEAT_API const char *leat_cookie(leat_exchange *x, const char *name);
/* The cookies in order: false when there is no i-th. One without a name has the name "". */
LEAT_API bool leat_cookie_at(leat_exchange *x, size_t i, const char **name, const char **value);

typedef enum leat_same_site {
    LEAT_SAME_SITE_LAX, /* comes along when somebody follows a link from elsewhere */
    LEAT_SAME_SITE_STRICT,
    LEAT_SAME_SITE_NONE, /* comes along always: only with secure */
} leat_same_site;

/* Zero means: until the browser ends, for this host alone and all its paths, SameSite=Lax, hidden from scripts. */
typedef struct leat_cookie_options {
    int64_t max_age_s;  /* 0: until the browser ends */
    const char *path;   /* NULL: "/" */
    const char *domain; /* NULL: this host alone; "example.com": its subdomains too */
    leat_same_site same_site;
    bool secure;      /* over TLS alone (and to localhost): what you want wherever there is TLS */
    bool for_scripts; /* scripts may read it: not HttpOnly */
    bool partitioned; /* apart for each site that embeds this one: only with secure */
} leat_cookie_options;

/* Adds a Set-Cookie field; one of the same name, path and domain that this response has already is replaced. options may be
 * NULL. 0; -EINVAL: not a name or value that may be in a cookie (no spaces, commas, semicolons, quotes within, backslashes),
 * name and value over 4096 octets, a bad path or domain, SameSite=None or Partitioned without secure, a name "__Secure-…"
 * without secure, or "__Host-…" that is not secure, for all paths and for this host alone; -EALREADY, -ENOMEM. */
LEAT_API int leat_cookie_set_sized(leat_exchange *x, const char *name, const char *value,
                                   const leat_cookie_options *options, size_t options_size);
static inline int leat_cookie_set(leat_exchange *x, const char *name, const char *value,
                                  const leat_cookie_options *options)
{
    return leat_cookie_set_sized(x, name, value, options, sizeof(leat_cookie_options));
}
/* Has the client forget it: path, domain and secure must be those that it was set with. */
LEAT_API int leat_cookie_delete_sized(leat_exchange *x, const char *name,
                                      const leat_cookie_options *options, size_t options_size);
static inline int leat_cookie_delete(leat_exchange *x, const char *name, const leat_cookie_options *options)
{
    return leat_cookie_delete_sized(x, name, options, sizeof(leat_cookie_options));
}

/* ── Signed ── */

typedef struct leat_cookie_keys leat_cookie_keys; /* the secrets of one app */

/* keys is NULL-terminated; each of 16 to 64 octets that nobody can guess (openssl rand -hex 32). The first one signs, all of
 * them verify: to change keys, put a new one in front and drop the last when its cookies have ended. Before the start; goes
 * with app. NULL and a remembered error of app when a key is not fit. */
LEAT_API leat_cookie_keys *leat_cookie_keys_create(leat_app *app, const char *const *keys);

/* As leat_cookie_set. With max_age_s the signature ends with the cookie, without it never does. */
LEAT_API int leat_cookie_set_signed_sized(leat_exchange *x, const leat_cookie_keys *keys,
                                          const char *name, const char *value,
                                          const leat_cookie_options *options, size_t options_size);
static inline int leat_cookie_set_signed(leat_exchange *x, const leat_cookie_keys *keys, const char *name,
                                         const char *value, const leat_cookie_options *options)
{
    return leat_cookie_set_signed_sized(x, keys, name, value, options, sizeof(leat_cookie_options));
}
/* The value that was set; NULL: none of that name, or forged, or past its end. */
LEAT_API const char *leat_cookie_signed(leat_exchange *x, const leat_cookie_keys *keys, const char *name);

#ifdef __cplusplus
}
#endif

#endif
