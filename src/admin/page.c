/* page.c: the live page: files that lie in the program, and no outside request: the page's policy forbids the browser any. What is
 * shown comes by live.c. The few files that the form for the token needs are shown to anybody. */
#define _GNU_SOURCE /* memmem */
#include "admin/page.h"
#include "leat/middleware.h"
#include "leat/negotiate.h"
#include <stdio.h>

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

static const char *const of_the_form[] = {"style.css", "icon.svg", "theme.js"};

static bool is_for_all(const struct page_file *file)
{
    for (size_t i = 0; i < sizeof of_the_form / sizeof of_the_form[0]; i++)
        if (strcmp(file->name, of_the_form[i]) == 0)
            return true;
    return false;
}

static const struct page_file *find(const char *name)
{
    for (size_t i = 0; i < leat__page_file_count; i++)
        if (strcmp(leat__page_files[i].name, name) == 0)
            return &leat__page_files[i];
    return NULL;
}

static void send_it(leat_exchange *x)
{
    static const char *const codings[] = {"gzip"};
    const struct page_file *file = leat_data(x);
    leat_vary(x, "Accept-Encoding");
    leat_field_set(x, "Cache-Control", "no-cache"); /* asked again each time; the tag saves the content */
    if (file->gzip != NULL && leat_field(x, "Accept-Encoding").data != NULL &&
        leat_accepts_encoding(x, codings, 1) == 0) {
        leat_field_set(x, "Content-Encoding", "gzip");
        leat_bytes_borrow(x, 200, file->type, file->gzip, file->gzip_size, NULL, NULL);
    } else {
        leat_bytes_borrow(x, 200, file->type, file->plain, file->plain_size, NULL, NULL);
    }
}

static void go_to_page(leat_exchange *x)
{
    leat_redirect(x, 307, "/leat/");
}

/* ── The form for the token ── */

static bool is_browser(leat_exchange *x)
{
    static const char *const types[] = {"application/problem+json", "text/html"};
    return leat_accepts(x, types, 2) == 1;
}

void leat__page_ask_token(leat_exchange *x, int status, const char *why)
{
    static const char mark[] = "{why}";
    const struct page_file *file = find("token.html");
    const char *html = (const char *)file->plain, *at;
    leat_field_set(x, "Cache-Control", "no-store");
    leat_vary(x, "Accept");
    at = memmem(html, file->plain_size, mark, sizeof mark - 1);
    if (at == NULL || !is_browser(x)) {
        leat_problem(x, status, why);
        return;
    }
    size_t before = (size_t)(at - html), after = file->plain_size - before - (sizeof mark - 1);
    char *text = leat_alloc(x, before + strlen(why) + after);
    if (text == NULL)
        return;
    memcpy(text, html, before);
    memcpy(text + before, why, strlen(why));
    memcpy(text + before + strlen(why), at + sizeof mark - 1, after);
    leat_bytes_borrow(x, status, file->type, text, before + strlen(why) + after, NULL, NULL);
}

/* ── Registering ── */

static void add_file(leat_app *group, const struct page_file *file)
{
    char pattern[64];
    const char *name = strcmp(file->name, "index.html") == 0 ? "" : file->name;
    snprintf(pattern, sizeof pattern, "/leat/%s", name);
    leat_get_with(group, pattern, send_it, (void *)(uintptr_t)file);
}

void leat__admin_careful(leat_app *app)
{
    leat_use_with(app, leat_security,
                  leat_security_create(app, &(leat_security_options){
                                                .content_security_policy = policy,
                                                .referrer_policy = "no-referrer",
                                                .cross_origin_resource_policy = "same-origin",
                                            }));
}

void leat__admin_add_page(leat_app *app, leat_app *guarded)
{
    leat_app *for_all = leat_group(app, ""), *others = leat_group(guarded, "");
    const leat_etag_options options = {.strong = true};
    leat_use_with(for_all, leat_etag, leat_etag_create(app, &options));
    leat_use_with(others, leat_etag, leat_etag_create(app, &options));
    leat_get(guarded, "/", go_to_page);
    leat_get(guarded, "/leat", go_to_page);
    for (size_t i = 0; i < leat__page_file_count; i++)
        if (strcmp(leat__page_files[i].name, "token.html") != 0)
            add_file(is_for_all(&leat__page_files[i]) ? for_all : others, &leat__page_files[i]);
}
