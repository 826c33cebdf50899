/* site_rules.h: the rules of a site that are told as texts: redirects, fields, error pages. Read once, at start; every
 * error is one line that names the rule and the way out. */
#ifndef LEAT_SITE_RULES_H
#define LEAT_SITE_RULES_H

#include "base/base.h"

enum {
    SITE_PAGE_MAX = 65536,        /* octets of an error page */
    SITE_FIELDS_BYTES_MAX = 8192, /* of all fields of a site */
};

/* "/old/ *" "/new/ *" 301 (without the blanks) */
struct site_redirect {
    char *from;       /* as the router sees paths: decoded but for %2F and %25 */
    size_t from_size; /* without the star */
    bool is_prefix;   /* FROM ended in a star */
    bool has_rest;    /* TO has a star: what the first stood for goes there */
    bool has_query;   /* TO has a query: the request's is appended to it */
    uint16_t status;
    char *before, *behind,
        *fragment; /* TO, around its star, without the fragment, which begins with '#' or is "" */
};

struct site_field {
    char *name, *value;
    bool again; /* there is one of that name before it: both are sent */
};

struct site_page {
    uint16_t status;
    char *path;      /* beneath the root, without its first slash */
    char *type_line; /* "Content-Type: …\r\n" */
    char *content;
    size_t type_size, size;
};

/* false: a line in error, which begins with the rule. What was made goes back by the functions below also then. */
bool leat__site_redirect_read(struct site_redirect *r, const char *rule, char *error, size_t error_size);
bool leat__site_field_read(struct site_field *f, const char *rule, char *error, size_t error_size);
bool leat__site_page_read(struct site_page *p, const char *rule, char *error, size_t error_size);

void leat__site_redirect_free(struct site_redirect *r);
void leat__site_field_free(struct site_field *f);
void leat__site_page_free(struct site_page *p);

/* Whether the redirect is for a path as it was sent; *rest_at: where what the star stands for begins. */
bool leat__site_redirect_fits(const struct site_redirect *r, const char *path, size_t size,
                              size_t *rest_at);

/* Octets of the Location (no NUL), which is written if out is there. */
size_t leat__site_redirect_write(char *out, const struct site_redirect *r, const char *rest,
                                 size_t rest_size, const char *query, size_t query_size);

#endif
