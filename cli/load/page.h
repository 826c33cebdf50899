/* page.h: a load as one page of HTML that needs nothing beside it: no script, no other file. */
#ifndef LEAT_LOAD_PAGE_H
#define LEAT_LOAD_PAGE_H

#include "load/load.h"

/* svg: the drawing. */
void leat__load_page(FILE *to, const char *svg, const struct load_options *o,
                     const struct load_result *r);

#endif
