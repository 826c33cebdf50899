/* cookies.h: what signed cookies need of the plain ones. */
#ifndef LEAT_COOKIES_H
#define LEAT_COOKIES_H

#include "exchange/exchange.h"

/* false: there are too many, and 431 is answered. */
bool leat__cookies_are_few(leat_exchange *x);
/* The next of that name from the cursor on, as sent. */
bool leat__cookie_find(leat_exchange *x, const char *name, struct pair_cursor *cursor,
                       struct http_text *value);
/* The options as they are meant: with the defaults, and zero where the program's are shorter than ours. */
leat_cookie_options leat__cookie_options(const leat_cookie_options *options, size_t size);

#endif
