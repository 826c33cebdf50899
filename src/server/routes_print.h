/* routes_print.h: what a program answers, told by --routes: a table for people, JSON for programs. */
#ifndef LEAT_ROUTES_PRINT_H
#define LEAT_ROUTES_PRINT_H

#include "exchange/app.h"
#include <stdio.h>

/* content_max: the server's own bound. At start: allocates. */
void leat__routes_print(FILE *file, const leat_app *root, uint64_t content_max);
void leat__routes_print_json(FILE *file, const leat_app *root, uint64_t content_max);

#endif
