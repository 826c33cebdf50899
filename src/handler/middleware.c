/* middleware.c: what all ready-made middleware does when it is made. */
#include "handler/middleware.h"
#include "http1/http1.h"
#include "memory/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void *leat__middleware_alloc(leat_app *app, size_t size)
{
    void *memory = leat__start_alloc(size);
    leat__app_keep(app, memory, leat__start_free);
    return memory;
}

char *leat__middleware_copy(leat_app *app, const char *text)
{
    char *copy = leat__start_copy(text);
    leat__app_keep(app, copy, leat__start_free);
    return copy;
}

char *leat__middleware_join(leat_app *app, const char *const *list)
{
    size_t size = 1;
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        size += strlen(list[i]) + 2;
    char *text = leat__middleware_alloc(app, size), *at = text;
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        at += snprintf(at, size - (size_t)(at - text), i == 0 ? "%s" : ", %s", list[i]);
    return text;
}

bool leat__middleware_is_value(leat_app *app, const char *who, const char *value)
{
    bool is = leat__http1_is_field_value(value, strlen(value));
    if (!is)
        leat__app_error(app, "%s: \"%s\" can't be the value of a field", who, value);
    return is;
}

bool leat__middleware_is_name(leat_app *app, const char *who, const char *name)
{
    bool is = leat__http1_is_token(name, strlen(name));
    if (!is)
        leat__app_error(app, "%s: \"%s\" can't be the name of a field", who, name);
    return is;
}

char *leat__middleware_quote(leat_app *app, const char *text)
{
    char *quoted = leat__middleware_alloc(app, 2 * strlen(text) + 3), *at = quoted;
    *at++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            *at++ = '\\';
        *at++ = *text;
    }
    *at = '"';
    return quoted;
}

void leat__middleware_random(void *out, size_t size)
{
    ssize_t n = getrandom(out, size, 0);
    if (n != (ssize_t)size) { /* the kernels that Leat runs on always have 256 octets */
        perror("leat: getrandom");
        exit(71);
    }
}
