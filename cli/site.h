/* site.h: what `leat serve` serves: the same for `leat plan` and `leat doctor`, which only look at it. */
#ifndef LEAT_CLI_SITE_H
#define LEAT_CLI_SITE_H

#include "handler/site.h"
#include "server/main.h"

struct serving {
    struct site_options sites[SITES_MAX]; /* the first: of the top of the file, the environment and the flags */
    const struct option_texts *names[SITES_MAX]; /* of the sections [site NAME …], which are behind the first */
    uint32_t section_count;
    struct welcome *welcome; /* NULL: sites are served */
};

/* The options that describe a site: handler/site.def. */
extern const struct option_table leat__site_table;

/* A program that serves what its options say; data is serving. The caller gives it usage, about and what it does
 * otherwise. */
struct program leat__site_program(struct serving *serving);

/* As struct program wants them; data is a struct serving. */
void *leat__site_open_section(const struct option_texts *names, void *data);
int leat__site_prepare(leat_app *app, const char *directory, void *data);
void leat__site_planned(const struct plan *plan, void *data);

#endif
