/* site_pages.h: reads a site's error pages at start, out of its folder or its bundle. */
#ifndef LEAT_SITE_PAGES_H
#define LEAT_SITE_PAGES_H

#include "handler/site.h"
#include "handler/site_rules.h"

/* Fills the content of each. false: a line in error. */
bool leat__site_pages_load(struct site_page *pages, uint32_t count,
                           const struct site_options *options, char *error, size_t error_size);

#endif
