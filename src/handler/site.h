/* site.h: sites as a configuration describes them: a folder or a bundle, and the rules around it; which site answers is
 * told by the request's host (RFC 9110 7.2), without its port and without regard to case. The first site in the list that
 * has no names answers where no name fits ("*.example.org" fits every name that ends so). */
#ifndef LEAT_SITE_H
#define LEAT_SITE_H

#include "base/base.h"
#include "base/texts.h"
#include "leat/leat.h"

enum { SITE_TEXTS_MAX = OPTION_TEXTS_MAX, SITES_MAX = 64 };

struct site_options {
    struct option_texts names; /* none: the site for all other hosts */
    const char *root, *bundle; /* one of them */
    const char *index, *fallback;
    struct option_texts cache_control, redirects, fields, error_pages;
    bool listing, clean_urls, coded, health;
};

struct sites;

/* At start: opens folders and bundles, checks every rule. NULL with a line in error that names the rule and the way out.
 * Goes with app. The texts are copied. */
struct sites *leat__sites_create(leat_app *app, const struct site_options *options, uint32_t count,
                                 char *error, size_t error_size);

/* Registers the handler for every path, with its prepare. */
void leat__sites_mount(leat_app *app, struct sites *sites);

#endif
