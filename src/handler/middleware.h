/* middleware.h: what all ready-made middleware does when it is made: options of any version, and memory that goes with the
 * app. Errors are remembered with the app's. */
#ifndef LEAT_HANDLER_MIDDLEWARE_H
#define LEAT_HANDLER_MIDDLEWARE_H

#include "exchange/app.h"

/* The options as this version knows them: what the caller's version did not know is zero. */
static inline void options_take(void *options, size_t size, const void *given, size_t given_size)
{
    memset(options, 0, size);
    if (given != NULL)
        memcpy(options, given, size_min(given_size, size));
}

/* Zeroed; goes with app. */
void *leat__middleware_alloc(leat_app *app, size_t size);
/* A copy; goes with app. */
char *leat__middleware_copy(leat_app *app, const char *text);
/* "a, b, c" of a NULL-terminated list; "" of NULL. */
char *leat__middleware_join(leat_app *app, const char *const *list);
/* Remembers an error, naming who has made the mistake, unless value can be a field's. */
bool leat__middleware_is_value(leat_app *app, const char *who, const char *value);
/* The same for a field's name. */
bool leat__middleware_is_name(leat_app *app, const char *who, const char *name);
/* text as a quoted-string (RFC 9110 5.6.4). */
char *leat__middleware_quote(leat_app *app, const char *text);
/* Octets that nobody can guess; at start. */
void leat__middleware_random(void *out, size_t size);

#endif
