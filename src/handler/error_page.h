/* error_page.h: the errors of files and sites, told to whoever asks: a person's browser gets a small page, everybody else
 * the problem details that a program reads. */
#ifndef LEAT_ERROR_PAGE_H
#define LEAT_ERROR_PAGE_H

#include "leat/leat.h"

/* Answers 403, 404, 421, 500 or 503 (any other error: as a problem) with a page where the request's Accept names text/html
 * with a weight above 0, else with leat_problem. What a browser sends names it; a star alone, which is what programs send,
 * does not count. Vary says that Accept chose. */
void leat__error_page(leat_exchange *x, int status);

#endif
