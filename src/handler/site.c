/* site.c: which site answers, and what it does around its files.
 *
 *     request → the site of its host, or 421 → a redirect that fits, or the files → an error's own page → the site's fields
 *
 * That is a middleware, so that it holds for every response of the app, 404 and 405 of the router too; and the route of
 * every path, whose files are prepared unless a redirect answers. Everything was read at start, and is only looked at
 * afterwards. A program with one site that has neither names nor rules has no middleware at all.
 *
 * Names are in one table with open places: "example.org" as it is, "*.example.org" as ".example.org", which is looked for
 * from the host's every dot, the longest first. */
#include "handler/site.h"

#include "exchange/exchange.h"
#include "handler/files.h"
#include "handler/health.h"
#include "handler/site_pages.h"
#include "handler/site_rules.h"
#include "memory/seal.h"
#include <stdio.h>
#include <strings.h>

enum { HOST_MAX = 255 };

struct site {
    leat_files *files; /* NULL: every path is redirected */
    struct site_redirect redirects[SITE_TEXTS_MAX];
    struct site_field fields[SITE_TEXTS_MAX];
    struct site_page pages[SITE_TEXTS_MAX];
    uint32_t redirect_count, field_count, page_count;
};

struct site_name {
    char *name; /* in lower case; NULL: an open place */
    size_t size;
    const struct site *site;
};

struct sites {
    const struct site *otherwise; /* where no name fits; NULL: 421 */
    struct site_name *names;
    uint32_t mask; /* places - 1, at most half of them taken; names NULL: 0 */
    uint32_t count;
    struct site sites[];
};

/* ── Which site ── */

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static uint32_t hash_of(const char *name, size_t size)
{
    uint32_t h = 0x811c9dc5u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ (unsigned char)name[i]) * 0x01000193u;
    return h ^ h >> 15;
}

/* The place of name, or the open one where it belongs. */
static struct site_name *place_of(const struct sites *s, const char *name, size_t size)
{
    uint32_t place = hash_of(name, size) & s->mask;
    while (s->names[place].name != NULL &&
           (s->names[place].size != size || memcmp(s->names[place].name, name, size) != 0))
        place = (place + 1) & s->mask;
    return &s->names[place];
}

/* The host of an authority in lower case, without port and a last dot; its size, 0: none that a site could have. */
static size_t read_host(char host[HOST_MAX], leat_slice authority)
{
    const char *at = authority.data, *end = at + authority.size;
    const char *bracket = at < end && *at == '[' ? memchr(at, ']', authority.size) : NULL;
    const char *colon = memchr(bracket != NULL ? bracket : at, ':',
                               (size_t)(end - (bracket != NULL ? bracket : at)));
    size_t size = (size_t)((colon != NULL ? colon : end) - at);
    if (size > 0 && at[size - 1] == '.')
        size--;
    if (size > HOST_MAX)
        return 0;
    for (size_t i = 0; i < size; i++)
        host[i] = lower(at[i]);
    return size;
}

static const struct site *site_of(const struct sites *s, leat_exchange *x)
{
    char host[HOST_MAX];
    if (s->names == NULL)
        return s->otherwise;
    size_t size = read_host(host, leat_authority(x));
    for (size_t at = 0; at < size; at++) {
        if (at > 0 && host[at] != '.')
            continue;
        const struct site_name *name = place_of(s, host + at, size - at);
        if (name->name != NULL && (at > 0 || host[0] != '.'))
            return name->site;
    }
    return s->otherwise;
}

/* ── On a request ── */

static const struct site_redirect *redirect_of(const struct site *site, leat_exchange *x, leat_slice *rest)
{
    if (site->redirect_count == 0 || (x->head.form != HTTP1_ORIGIN && x->head.form != HTTP1_ABSOLUTE))
        return NULL;
    leat_slice path = leat_path(x);
    for (uint32_t i = 0; i < site->redirect_count; i++) {
        size_t rest_at;
        if (!leat__site_redirect_fits(&site->redirects[i], path.data, path.size, &rest_at))
            continue;
        *rest = (leat_slice){path.data + rest_at, path.size - rest_at};
        return &site->redirects[i];
    }
    return NULL;
}

static void answer_redirect(leat_exchange *x, const struct site_redirect *r, leat_slice rest)
{
    leat_slice query = leat_query_string(x);
    size_t size = leat__site_redirect_write(NULL, r, rest.data, rest.size, query.data, query.size);
    char *location = leat_alloc(x, size + 1);
    if (location == NULL)
        return; /* remembered */
    leat__site_redirect_write(location, r, rest.data, rest.size, query.data, query.size);
    location[size] = '\0';
    leat_redirect(x, r->status, location);
}

/* The page takes the place of the error's content; its status and fields stay. */
static void put_page(leat_exchange *x, const struct site *site)
{
    int status = leat_response_status(x);
    if (status < 400)
        return;
    for (uint32_t i = 0; i < site->page_count; i++) {
        const struct site_page *page = &site->pages[i];
        if (page->status != status)
            continue;
        response_forget(x);
        leat__response_make(x, status, page->type_line, page->type_size, page->content, page->size);
        return;
    }
}

static void put_fields(leat_exchange *x, const struct site *site)
{
    for (uint32_t i = 0; i < site->field_count; i++) {
        const struct site_field *f = &site->fields[i];
        if (f->again)
            leat_field_add(x, f->name, f->value);
        else
            leat_field_set(x, f->name, f->value);
    }
}

static void tend(leat_exchange *x)
{
    const struct site *site = site_of(leat_data(x), x);
    leat_slice rest;
    if (UNLIKELY(leat__health_is_asked(x))) { /* who probes knows no host, and wants no page */
        leat_next(x);
        return;
    }
    if (site == NULL) {
        leat_problem(x, 421, "No site of this server answers for this host");
        return;
    }
    const struct site_redirect *redirect = redirect_of(site, x, &rest);
    if (redirect != NULL)
        answer_redirect(x, redirect, rest);
    else
        leat_next(x);
    put_page(x, site);
    put_fields(x, site);
}

static void serve(leat_exchange *x)
{
    const struct site *site = site_of(leat_data(x), x);
    if (site != NULL && site->files != NULL)
        leat__files_serve(x, site->files);
    else
        leat_problem(x, 404, NULL);
}

static enum prepare_result prepare(leat_exchange *x, void *data)
{
    const struct site *site = site_of(data, x);
    leat_slice rest;
    if (site == NULL || site->files == NULL || redirect_of(site, x, &rest) != NULL)
        return PREPARE_READY;
    return leat__files_prepare_path(x, site->files, leat_param(x, "path"));
}

/* ── At start ── */

static void destroy_site(struct site *site)
{
    for (uint32_t i = 0; i < SITE_TEXTS_MAX; i++) {
        leat__site_redirect_free(&site->redirects[i]);
        leat__site_field_free(&site->fields[i]);
        leat__site_page_free(&site->pages[i]);
    }
}

static void destroy_sites(void *thing)
{
    struct sites *s = thing;
    for (uint32_t i = 0; i < s->count; i++)
        destroy_site(&s->sites[i]);
    for (uint32_t i = 0; s->names != NULL && i <= s->mask; i++)
        leat__start_free(s->names[i].name);
    leat__start_free(s->names);
    leat__start_free(s);
}

static bool takes_all(const struct site *site)
{
    for (uint32_t i = 0; i < site->redirect_count; i++)
        if (site->redirects[i].is_prefix && site->redirects[i].from_size == 1)
            return true;
    return false;
}

static bool add_fields(struct site *site, const struct option_texts *rules, char *error, size_t error_size)
{
    size_t size = 0;
    for (uint32_t i = 0; i < rules->count; i++) {
        struct site_field *f = &site->fields[site->field_count++];
        if (!leat__site_field_read(f, rules->items[i], error, error_size))
            return false;
        for (const struct site_field *before = site->fields; before < f; before++)
            f->again |= strcasecmp(before->name, f->name) == 0;
        size += strlen(rules->items[i]) + 4;
    }
    if (size <= SITE_FIELDS_BYTES_MAX)
        return true;
    snprintf(error, error_size, "field: all fields of a site take %zu octets; %d are allowed: drop some",
             size, SITE_FIELDS_BYTES_MAX);
    return false;
}

static bool add_pages(struct site *site, const struct site_options *options, char *error, size_t error_size)
{
    const struct option_texts *rules = &options->error_pages;
    for (uint32_t i = 0; i < rules->count; i++) {
        struct site_page *p = &site->pages[site->page_count++];
        if (!leat__site_page_read(p, rules->items[i], error, error_size))
            return false;
        for (const struct site_page *before = site->pages; before < p; before++) {
            if (before->status != p->status)
                continue;
            snprintf(error, error_size,
                     "error-page \"%.120s\": there is one for %u already; leave one out",
                     rules->items[i], p->status);
            return false;
        }
    }
    return leat__site_pages_load(site->pages, site->page_count, options, error, error_size);
}

static bool add_rules(struct site *site, const struct site_options *options, char *error, size_t error_size)
{
    for (uint32_t i = 0; i < options->redirects.count; i++)
        if (!leat__site_redirect_read(&site->redirects[site->redirect_count++],
                                      options->redirects.items[i], error, error_size))
            return false;
    return add_fields(site, &options->fields, error, error_size) &&
           add_pages(site, options, error, error_size);
}

/* The files' own error is the app's last line. */
static void take_app_error(const leat_app *app, char *error, size_t error_size)
{
    const char *line = leat__app_errors(app);
    for (const char *next; (next = strchr(line, '\n')) != NULL && next[1] != '\0';)
        line = next + 1;
    snprintf(error, error_size, "%.*s", (int)strcspn(line, "\n"), line);
}

static bool open_files(leat_app *app, struct site *site, const struct site_options *options,
                       char *error, size_t error_size)
{
    const leat_files_options wanted = {
        .index = options->index,
        .fallback = options->fallback,
        .cache_control = options->cache_control.count > 0 ? options->cache_control.items : NULL,
        .listing = options->listing,
        .clean_urls = options->clean_urls,
        .plain = !options->coded,
    };
    if (options->root != NULL && options->bundle != NULL) {
        snprintf(error, error_size, "there is a folder (%s) and a bundle (%s); a site serves one of them",
                 options->root, options->bundle);
        return false;
    }
    if (options->root == NULL && options->bundle == NULL) {
        if (takes_all(site))
            return true;
        snprintf(error, error_size,
                 "there is nothing to serve; give it a root or a bundle, or a redirect of /*");
        return false;
    }
    size_t told = strlen(leat__app_errors(app));
    site->files = options->root != NULL
                      ? leat_files_open_sized(app, options->root, &wanted, sizeof wanted)
                      : leat_bundle_open_sized(app, options->bundle, &wanted, sizeof wanted);
    if (strlen(leat__app_errors(app)) == told)
        return true;
    take_app_error(app, error, error_size);
    return false;
}

static const char *why_not_name(const char *name)
{
    const char *host = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
    size_t size = strlen(host);
    if (size == 0 || size > HOST_MAX - 1)
        return "a host has 1 to 254 octets, like www.example.org";
    if (strchr(host, '*') != NULL)
        return "a * stands for the first labels only, like *.example.org";
    if (host[0] == '[' && host[size - 1] == ']')
        return strspn(host + 1, "0123456789abcdefABCDEF:.") == size - 2 ? NULL : "that is no address";
    if (strchr(host, ':') != NULL)
        return "a site's name has no port and no scheme, like www.example.org";
    for (size_t i = 0; i < size; i++)
        if (!((lower(host[i]) >= 'a' && lower(host[i]) <= 'z') || strchr("0123456789-._", host[i]) != NULL))
            return "a host is made of letters, digits, dots and dashes (international ones in "
                   "their form xn--…)";
    return host[0] == '.' ? "a host does not begin with a dot; write *.example.org" : NULL;
}

static bool add_name(struct sites *s, const struct site *site, const char *name, char *error,
                     size_t error_size)
{
    const char *why = why_not_name(name);
    if (why != NULL) {
        snprintf(error, error_size, "site %.260s: %s", name, why);
        return false;
    }
    char *key = leat__start_copy(name[0] == '*' ? name + 1 : name);
    size_t size = strlen(key);
    if (size > 1 && key[size - 1] == '.')
        key[--size] = '\0';
    for (size_t i = 0; i < size; i++)
        key[i] = lower(key[i]);
    struct site_name *place = place_of(s, key, size);
    if (place->name != NULL) {
        snprintf(error, error_size, "site %s: two sites have this name; take it from one of them", name);
        leat__start_free(key);
        return false;
    }
    *place = (struct site_name){key, size, site};
    return true;
}

static bool add_names(struct sites *s, const struct site *site, const struct option_texts *names,
                      char *error, size_t error_size)
{
    for (uint32_t i = 0; i < names->count; i++)
        if (!add_name(s, site, names->items[i], error, error_size))
            return false;
    if (names->count > 0)
        return true;
    if (s->otherwise != NULL) {
        snprintf(error, error_size, "two sites have no name; only one can answer where no name fits");
        return false;
    }
    s->otherwise = site;
    return true;
}

static void make_table(struct sites *s, const struct site_options *options, uint32_t count)
{
    uint32_t names = 0, places = 2;
    for (uint32_t i = 0; i < count; i++)
        names += options[i].names.count;
    if (names == 0)
        return;
    while (places < 2 * names)
        places *= 2;
    s->names = leat__start_alloc(places * sizeof *s->names);
    s->mask = places - 1;
}

static bool add_site(leat_app *app, struct sites *s, const struct site_options *options,
                     char *error, size_t error_size)
{
    char why[512];
    struct site *site = &s->sites[s->count++];
    if (!add_names(s, site, &options->names, error, error_size))
        return false;
    if (add_rules(site, options, why, sizeof why) && open_files(app, site, options, why, sizeof why))
        return true;
    if (options->names.count > 0)
        snprintf(error, error_size, "site %s: %s", options->names.items[0], why);
    else
        snprintf(error, error_size, "%s", why);
    return false;
}

/* What somebody wrote may hold line ends; an error is one line all the same. */
static void make_one_line(char *error)
{
    for (; *error != '\0'; error++)
        if ((unsigned char)*error < ' ' || *error == 0x7f)
            *error = '?';
}

struct sites *leat__sites_create(leat_app *app, const struct site_options *options, uint32_t count,
                                 char *error, size_t error_size)
{
    if (count > SITES_MAX) {
        snprintf(error, error_size, "%u sites; a server has %d at most", count, SITES_MAX);
        return NULL;
    }
    struct sites *s = leat__start_alloc(sizeof *s + count * sizeof s->sites[0]);
    leat__app_keep(app, s, destroy_sites);
    make_table(s, options, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!add_site(app, s, &options[i], error, error_size)) {
            make_one_line(error);
            return NULL;
        }
    }
    return s;
}

void leat__sites_mount(leat_app *app, struct sites *s)
{
    bool has_rules = s->names != NULL;
    for (uint32_t i = 0; i < s->count; i++)
        has_rules |= s->sites[i].redirect_count + s->sites[i].field_count + s->sites[i].page_count > 0;
    if (has_rules)
        leat_use_with(app, tend, s);
    leat_get_with(app, "/*path", serve, s);
    leat__app_prepare(app, serve, prepare);
}
