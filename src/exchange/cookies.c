/* cookies.c: cookies that come (RFC 6265bis 5.8.3 makes them, nobody but us reads them) and cookies that go (4.1).
 *
 * What comes is split at ';' and at the first '='; nothing is decoded, since nothing says how it was encoded. What goes is
 * held to the grammar for servers, which is narrower than what browsers take, and to what the prefixes of its name promise:
 * a field that browsers would throw away without a word is an error here. */
#include "exchange/cookies.h"
#include <errno.h>
#include <stdio.h>
#include <strings.h>

enum { COOKIES_MAX = 200, COOKIE_SIZE_MAX = 4096, COOKIE_ATTRIBUTE_MAX = 1024 };

/* ── Coming ── */

bool leat__cookies_are_few(leat_exchange *x)
{
    struct pair_cursor cursor;
    struct http_pair pair;
    enum { NEW, FEW, MANY };
    if (x->way.cookies_are_seen == NEW) {
        leat__pairs_begin(x, PAIRS_COOKIES, &cursor);
        while (cursor.i <= COOKIES_MAX && leat__pairs_next(x, PAIRS_COOKIES, &cursor, &pair)) {
        }
        x->way.cookies_are_seen = cursor.i > COOKIES_MAX ? MANY : FEW;
        if (cursor.i > COOKIES_MAX)
            leat__exchange_overrule(x, 431, "The request has too many cookies");
    }
    return x->way.cookies_are_seen == FEW;
}

/* One that has no '=' is a value without a name. */
static void read_cookie(const struct http_pair *pair, struct http_text *name, struct http_text *value)
{
    *name = pair->has_value ? pair->name : (struct http_text){pair->name.data, 0};
    *value = pair->has_value ? pair->value : pair->name;
}

bool leat__cookie_find(leat_exchange *x, const char *name, struct pair_cursor *cursor,
                       struct http_text *value)
{
    struct http_pair pair;
    struct http_text found;
    size_t size = strlen(name);
    while (leat__pairs_next(x, PAIRS_COOKIES, cursor, &pair)) {
        read_cookie(&pair, &found, value);
        if (found.size == size && memcmp(found.data, name, size) == 0)
            return true;
    }
    return false;
}

const char *leat_cookie(leat_exchange *x, const char *name)
{
    struct pair_cursor cursor;
    struct http_text value;
    if (!leat__cookies_are_few(x))
        return NULL;
    leat__pairs_begin(x, PAIRS_COOKIES, &cursor);
    return leat__cookie_find(x, name, &cursor, &value) ? leat__exchange_copy(x, value, false, false)
                                                       : NULL;
}

bool leat_cookie_at(leat_exchange *x, size_t i, const char **name, const char **value)
{
    struct http_pair pair;
    struct http_text name_text, value_text;
    if (!leat__cookies_are_few(x) || !leat__pairs_at(x, PAIRS_COOKIES, i, &pair))
        return false;
    read_cookie(&pair, &name_text, &value_text);
    *name = leat__exchange_copy(x, name_text, false, false);
    *value = leat__exchange_copy(x, value_text, false, false);
    return *name != NULL && *value != NULL;
}

/* ── Going ── */

/* 4.1.1: cookie-value, within quotes or without. */
static bool is_cookie_value(const char *value)
{
    size_t size = strlen(value);
    if (size >= 2 && value[0] == '"' && value[size - 1] == '"') {
        value++;
        size -= 2;
    }
    for (size_t i = 0; i < size; i++)
        if (value[i] <= ' ' || value[i] > '~' || strchr("\",;\\", value[i]) != NULL)
            return false;
    return true;
}

static bool is_path(const char *path)
{
    for (const char *at = path; *at != '\0'; at++)
        if (*at < ' ' || *at > '~' || *at == ';')
            return false;
    return path[0] == '/' && strlen(path) <= COOKIE_ATTRIBUTE_MAX;
}

static bool is_domain(const char *domain)
{
    for (const char *at = domain; *at != '\0'; at++)
        if (!(*at >= '0' && *at <= '9') && !(*at >= 'a' && *at <= 'z') &&
            !(*at >= 'A' && *at <= 'Z') && *at != '-' && *at != '.')
            return false;
    return domain[0] != '\0' && strlen(domain) <= COOKIE_ATTRIBUTE_MAX;
}

/* 4.1.3, 4.1.2.7: what browsers ask of a cookie of that name. */
static bool keeps_promises(const char *name, const leat_cookie_options *o)
{
    if ((o->same_site == LEAT_SAME_SITE_NONE || o->partitioned) && !o->secure)
        return false;
    if (strncasecmp(name, "__Secure-", 9) == 0)
        return o->secure;
    if (strncasecmp(name, "__Host-", 7) == 0)
        return o->secure && o->domain == NULL && strcmp(o->path, "/") == 0;
    return true;
}

static bool is_fit(const char *name, const char *value, const leat_cookie_options *o)
{
    return name != NULL && value != NULL && leat__http1_is_token(name, strlen(name)) &&
           is_cookie_value(value) && strlen(name) + strlen(value) <= COOKIE_SIZE_MAX &&
           is_path(o->path) && (o->domain == NULL || is_domain(o->domain)) &&
           (unsigned)o->same_site <= LEAT_SAME_SITE_NONE && o->max_age_s >= 0 &&
           keeps_promises(name, o);
}

/* Takes the cookie of that name, path and domain out of the response. A line is one that was made below: behind the value
 * stands what tells cookies of one name apart. */
static void forget_cookie(struct leat_exchange *x, const char *name, const char *place)
{
    struct response *r = &x->response;
    struct response_field **link = &r->fields;
    size_t name_size = strlen(name), place_size = strlen(place);
    r->fields_last = NULL;
    while (*link != NULL) {
        struct response_field *f = *link;
        const char *value = f->line + f->name_size + 2, *end = f->line + f->size - 2;
        bool same = f->name_size == 10 && strncasecmp(f->line, "Set-Cookie", 10) == 0 &&
                    (size_t)(end - value) > name_size && memcmp(value, name, name_size) == 0 &&
                    value[name_size] == '=';
        const char *behind = same ? memchr(value, ';', (size_t)(end - value)) : NULL;
        same = behind != NULL && (size_t)(end - behind) >= place_size &&
               memcmp(behind, place, place_size) == 0 &&
               ((size_t)(end - behind) == place_size || behind[place_size] == ';') &&
               !((size_t)(end - behind) > place_size + 8 &&
                 memcmp(behind + place_size, "; Domain", 8) == 0);
        if (same) {
            r->fields_size -= f->size;
            *link = f->next;
        } else {
            r->fields_last = f;
            link = &f->next;
        }
    }
}

static int put_cookie(leat_exchange *x, const char *name, const char *value,
                      const leat_cookie_options *o, bool forget)
{
    static const char *const same_sites[] = {"Lax", "Strict", "None"};
    char age[40] = "";
    if (!is_fit(name, value, o))
        return -EINVAL;
    if (x->flags & X_SENT)
        return -EALREADY;
    if (o->max_age_s > 0)
        snprintf(age, sizeof age, "; Max-Age=%lld", (long long)o->max_age_s);
    const char *place = o->domain ? leat_printf(x, "; Path=%s; Domain=%s", o->path, o->domain)
                                  : leat_printf(x, "; Path=%s", o->path);
    if (place == NULL)
        return -ENOMEM;
    const char *line = leat_printf(x, "%s=%s%s%s; SameSite=%s%s%s%s", name, value, place,
                                   forget ? "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0" : age,
                                   same_sites[o->same_site], o->secure ? "; Secure" : "",
                                   o->for_scripts ? "" : "; HttpOnly",
                                   o->partitioned ? "; Partitioned" : "");
    if (line == NULL)
        return -ENOMEM;
    forget_cookie(x, name, place);
    return leat_field_add(x, "Set-Cookie", line);
}

leat_cookie_options leat__cookie_options(const leat_cookie_options *options, size_t size)
{
    leat_cookie_options o = {0};
    if (options != NULL)
        memcpy(&o, options, size_min(size, sizeof o));
    if (o.path == NULL)
        o.path = "/";
    return o;
}

int leat_cookie_set_sized(leat_exchange *x, const char *name, const char *value,
                          const leat_cookie_options *options, size_t options_size)
{
    leat_cookie_options o = leat__cookie_options(options, options_size);
    return put_cookie(x, name, value, &o, false);
}

int leat_cookie_delete_sized(leat_exchange *x, const char *name, const leat_cookie_options *options,
                             size_t options_size)
{
    leat_cookie_options o = leat__cookie_options(options, options_size);
    return put_cookie(x, name, "", &o, true);
}
