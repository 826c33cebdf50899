/* site.h: what `leat serve` serves: the same for `leat plan`, which only counts it. */
#ifndef LEAT_SITE_H
#define LEAT_SITE_H

#include "leat/leat.h"
#include "memory/plan.h"

struct site {
    struct welcome *welcome; /* NULL: a folder is served */
};

/* As struct program wants them; data is a struct site. */
int leat__site_prepare(leat_app *app, const char *directory, void *data);
void leat__site_planned(const struct plan *plan, void *data);

#endif
