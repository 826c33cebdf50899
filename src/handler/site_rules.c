/* site_rules.c: reads the rules of a site. See site_rules.h.
 *
 * A redirect's FROM is held against the path as it was sent, decoded on the way, so that "/%6fld" is "/old"; what its star
 * stands for goes on as it was sent. That rest is the client's, so it must never choose the host: an absolute TO has a
 * slash before its star, and behind a slash the rest's own slashes are dropped ("//evil.example" would be a host). */
#define _GNU_SOURCE
#include "handler/site_rules.h"

#include "http/http.h"
#include "http1/http1.h"
#include "memory/seal.h"
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

enum { WORDS_MAX = 4 };

/* The words of a rule, in one piece of memory. */
struct words {
    char *text, *words[WORDS_MAX];
    unsigned count; /* up to WORDS_MAX; that many: too many */
};

static struct words split(const char *rule)
{
    static const char blanks[] = " \t";
    struct words w = {.text = leat__start_copy(rule)};
    for (char *at = w.text + strspn(w.text, blanks); *at != '\0' && w.count < WORDS_MAX;) {
        w.words[w.count++] = at;
        at += strcspn(at, blanks);
        if (*at != '\0')
            *at++ = '\0';
        at += strspn(at, blanks);
    }
    return w;
}

__attribute__((format(printf, 5, 6))) static bool fail(const char *kind, const char *rule, char *error,
                                                       size_t error_size, const char *format, ...)
{
    char why[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    snprintf(error, error_size, "%s \"%.120s\": %s", kind, rule, why);
    return false;
}

/* Three digits; 0: not a status. */
static uint16_t read_status(const char *word)
{
    if (strlen(word) != 3 || strspn(word, "0123456789") != 3)
        return 0;
    return (uint16_t)((word[0] - '0') * 100 + (word[1] - '0') * 10 + (word[2] - '0'));
}

/* ── Redirects ── */

static bool is_redirect_status(uint16_t status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* What a URL may hold (RFC 3986 2); the rest is percent-encoded by who writes it. */
static bool is_url_text(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~' || strchr("\"<>\\^`{|}", *text) != NULL)
            return false;
    return true;
}

static const char *why_not_from(const char *from)
{
    const char *star = strchr(from, '*');
    if (from[0] != '/')
        return "FROM begins with a slash, like /old/*";
    if (star != NULL && star[1] != '\0')
        return "FROM has a * at its end only, like /old/*";
    if (strpbrk(from, "?#") != NULL)
        return "FROM is a path: a query is kept, and can't be asked for";
    return NULL;
}

static const char *why_not_to(const char *to, bool from_has_star)
{
    const char *star = strchr(to, '*'), *scheme_end = strstr(to, "://");
    const char *host = scheme_end != NULL ? scheme_end + 3 : to;
    bool is_absolute = strncmp(to, "http://", 7) == 0 || strncmp(to, "https://", 8) == 0;
    if (!is_absolute && (to[0] != '/' || to[1] == '/'))
        return "TO is a path like /new/* or a URL like https://www.example.org/*";
    if (!is_url_text(to))
        return "TO holds a character that no URL has; write it percent-encoded, like %20";
    if (star != NULL && !from_has_star)
        return "TO has a *, and FROM has none to take it from; write FROM as /old/*";
    if (star != NULL && strchr(star + 1, '*') != NULL)
        return "TO has one * at most";
    if (star != NULL && strpbrk(to, "?#") != NULL && strpbrk(to, "?#") < star)
        return "the * of TO stands in its path, before ? and #";
    if (is_absolute && (host[0] == '/' || host[0] == '\0' || host[0] == '*'))
        return "TO has no host; write https://www.example.org/*";
    if (is_absolute && star != NULL && memchr(host, '/', (size_t)(star - host)) == NULL)
        return "the * of TO would be part of the host; write a slash before it, like "
               "https://www.example.org/*";
    return NULL;
}

static void take_from(struct site_redirect *r, const char *from)
{
    size_t size = strcspn(from, "*");
    r->is_prefix = from[size] == '*';
    r->from = leat__start_copy(from);
    ptrdiff_t decoded = leat__http1_percent_decode(r->from, from, size, false, true);
    r->from_size = decoded < 0 ? size : (size_t)decoded; /* a lone % stands for itself, and fits nothing */
}

static void take_to(struct site_redirect *r, const char *to)
{
    size_t end = strcspn(to, "#"), star = strcspn(to, "*#");
    r->has_rest = to[star] == '*';
    r->has_query = memchr(to, '?', end) != NULL;
    r->fragment = leat__start_copy(to + end);
    r->before = leat__start_copy(to);
    r->before[star] = '\0';
    r->behind = leat__start_copy(r->has_rest ? to + star + 1 : "");
    r->behind[strcspn(r->behind, "#")] = '\0';
}

/* Whether where it leads is redirected by it again, without an end. */
static bool leads_to_itself(const struct site_redirect *r)
{
    size_t rest_at, size = leat__site_redirect_write(NULL, r, "x", 1, "", 0);
    char *location = leat__start_alloc(size + 1);
    leat__site_redirect_write(location, r, "x", 1, "", 0);
    bool fits = location[0] == '/' &&
                leat__site_redirect_fits(r, location, strcspn(location, "?#"), &rest_at);
    leat__start_free(location);
    return fits;
}

bool leat__site_redirect_read(struct site_redirect *r, const char *rule, char *error, size_t error_size)
{
    struct words w = split(rule);
    const char *why = NULL;
    *r = (struct site_redirect){.status = 301};
    if (w.count < 2 || w.count > 3)
        why = "a redirect is FROM TO [STATUS], like /old/* /new/* 301";
    else if ((why = why_not_from(w.words[0])) == NULL)
        why = why_not_to(w.words[1], strchr(w.words[0], '*') != NULL);
    if (why == NULL && w.count == 3)
        r->status = read_status(w.words[2]);
    if (why == NULL && !is_redirect_status(r->status))
        why = "the status of a redirect is 301, 302, 303, 307 or 308";
    if (why == NULL) {
        take_from(r, w.words[0]);
        take_to(r, w.words[1]);
        if (leads_to_itself(r))
            why = "it leads to itself for ever; let TO be no path that FROM fits, or a URL";
    }
    leat__start_free(w.text);
    return why == NULL || fail("redirect", rule, error, error_size, "%s", why);
}

void leat__site_redirect_free(struct site_redirect *r)
{
    leat__start_free(r->from);
    leat__start_free(r->before);
    leat__start_free(r->behind);
    leat__start_free(r->fragment);
}

static int hex_of(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

/* The octet that path begins with, and how much of it that takes; a coded slash or % is not decoded. */
static char octet_at(const char *path, size_t left, size_t *step)
{
    *step = 1;
    if (path[0] != '%' || left < 3 || hex_of(path[1]) < 0 || hex_of(path[2]) < 0)
        return path[0];
    char octet = (char)(hex_of(path[1]) << 4 | hex_of(path[2]));
    if (octet == '/' || octet == '%' || octet == '\0')
        return path[0];
    *step = 3;
    return octet;
}

bool leat__site_redirect_fits(const struct site_redirect *r, const char *path, size_t size, size_t *rest_at)
{
    size_t at = 0, step;
    for (size_t i = 0; i < r->from_size; i++, at += step)
        if (at >= size || octet_at(path + at, size - at, &step) != r->from[i])
            return false;
    *rest_at = at;
    return r->is_prefix || at == size;
}

static void put(char *out, size_t *at, const char *text, size_t size)
{
    if (out != NULL)
        memcpy(out + *at, text, size);
    *at += size;
}

size_t leat__site_redirect_write(char *out, const struct site_redirect *r, const char *rest,
                                 size_t rest_size, const char *query, size_t query_size)
{
    size_t at = 0, before = strlen(r->before);
    const char *behind = r->behind;
    bool after_slash = before > 0 && r->before[before - 1] == '/';
    put(out, &at, r->before, before);
    if (r->has_rest) {
        for (; after_slash && rest_size > 0 && (rest[0] == '/' || rest[0] == '\\'); rest_size--)
            rest++;
        put(out, &at, rest, rest_size);
        if (after_slash && rest_size == 0)
            behind += strspn(behind, "/");
    }
    put(out, &at, behind, strlen(behind));
    if (query_size > 0) {
        put(out, &at, r->has_query ? "&" : "?", 1);
        put(out, &at, query, query_size);
    }
    put(out, &at, r->fragment, strlen(r->fragment));
    return at;
}

/* ── Fields ── */

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static const char *why_not_field(const char *name, const char *value)
{
    static const char *const framing[] = {
        "Content-Length", "Transfer-Encoding", "Connection", "Date",
        "Keep-Alive",     "Upgrade",           "Trailer",    "TE"};
    static const char *const ours[] = {
        "Content-Type",  "Content-Encoding", "Content-Range", "ETag",
        "Last-Modified", "Accept-Ranges",    "Location",      "Allow"};
    if (!leat__http1_is_token(name, strlen(name)))
        return "that is no field name; write NAME: VALUE, like X-Frame-Options: DENY";
    if (!leat__http1_is_field_value(value, strlen(value)))
        return "its value holds an octet that no field may have (a line end, a control)";
    if (is_one_of(name, framing, COUNT_OF(framing)))
        return "that field frames the message, and the server alone knows what is true; leave it "
               "out";
    if (strcasecmp(name, "Cache-Control") == 0)
        return "say it with cache-control, like \"/* public, max-age=60\"";
    if (is_one_of(name, ours, COUNT_OF(ours)))
        return "that field depends on the file, and Leat makes it; leave it out";
    return NULL;
}

bool leat__site_field_read(struct site_field *f, const char *rule, char *error, size_t error_size)
{
    const char *colon = strchr(rule, ':');
    *f = (struct site_field){0};
    if (colon == NULL)
        return fail("field", rule, error, error_size,
                    "it has no colon; write NAME: VALUE, like X-Frame-Options: DENY");
    const char *value = colon + 1 + strspn(colon + 1, " \t");
    size_t value_size = strlen(value);
    while (value_size > 0 && (value[value_size - 1] == ' ' || value[value_size - 1] == '\t'))
        value_size--;
    f->name = leat__start_copy(rule);
    f->name[colon - rule] = '\0';
    f->value = leat__start_copy(value);
    f->value[value_size] = '\0';
    const char *why = why_not_field(f->name, f->value);
    return why == NULL || fail("field", rule, error, error_size, "%s", why);
}

void leat__site_field_free(struct site_field *f)
{
    leat__start_free(f->name);
    leat__start_free(f->value);
}

/* ── Error pages ── */

bool leat__site_page_read(struct site_page *p, const char *rule, char *error, size_t error_size)
{
    struct words w = split(rule);
    const char *why = NULL;
    *p = (struct site_page){0};
    if (w.count != 2)
        why = "an error page is STATUS PATH, like 404 /404.html";
    else if ((p->status = read_status(w.words[0])) < 400 || p->status > 599)
        why = "its status is that of an error, 400 to 599, like 404 /404.html";
    else if (w.words[1][0] != '/' || w.words[1][1] == '\0')
        why = "its path begins with a slash and names a file of the site, like 404 /404.html";
    else
        p->path = leat__start_copy(w.words[1] + 1);
    leat__start_free(w.text);
    return why == NULL || fail("error-page", rule, error, error_size, "%s", why);
}

void leat__site_page_free(struct site_page *p)
{
    leat__start_free(p->path);
    leat__start_free(p->type_line);
    leat__start_free(p->content);
}
