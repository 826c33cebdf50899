/* welcome.h: the page that `leat serve` shows when it is given nothing to serve: what Leat is, and the
 * memory plan of the very process that sends the page. */
#ifndef LEAT_WELCOME_H
#define LEAT_WELCOME_H

#include "leat/leat.h"
#include "memory/plan.h"

struct welcome;

/* Goes with app. Empty until it is filled. */
struct welcome *leat__welcome_create(leat_app *app);
/* Makes the page: once, at start. */
void leat__welcome_fill(struct welcome *welcome, const struct plan *plan);

/* The handler; its data is the struct welcome. */
void leat__welcome_show(leat_exchange *x);

/* The page's text; size leaves the NUL out. */
const char *leat__welcome_page(const struct welcome *welcome, size_t *size);

/* welcome_page.c: what stands before the plan and behind it. */
extern const char leat__welcome_head[], leat__welcome_foot[];

#endif
