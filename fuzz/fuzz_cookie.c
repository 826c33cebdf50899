/* fuzz_cookie.c: any octets as Cookie fields, and as a cookie to set. What comes is found by number and by name alike, and
 * never holds for signed; what can be set and signed is one field line, and comes back as it was.
 *
 * Input: octets of a name, its value, then field lines; each up to a newline. */
#include "stage.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static leat_app *app;
static leat_cookie_keys *keys;

/* The text up to the next newline, as a copy. */
static char *take_line(const uint8_t **data, size_t *size)
{
    const uint8_t *end = *size > 0 ? memchr(*data, '\n', *size) : NULL;
    size_t length = end ? (size_t)(end - *data) : *size;
    char *line = malloc(length + 1);
    must(line != NULL);
    if (length > 0)
        memcpy(line, *data, length);
    line[length] = '\0';
    *data += end ? length + 1 : length;
    *size -= end ? length + 1 : length;
    return line;
}

static void read_all(leat_exchange *x)
{
    const char *name, *value;
    for (size_t i = 0; leat_cookie_at(x, i, &name, &value); i++) {
        const char *first = leat_cookie(x, name);
        must(first != NULL && leat_cookie_signed(x, keys, name) == NULL);
        must(i > 0 || strcmp(first, value) == 0);
        must(i < 200);
    }
    must(x->way.refused_status == 0 || x->way.refused_status == 431);
}

/* A name and value that may be set come back. */
static void set_and_read(const char *name, const char *value)
{
    static const char get[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    static char head[STAGE_HEAD];
    must(stage_begin(get, sizeof get - 1));
    leat_exchange *x = &stage->x;
    leat_cookie_set(x, name, value, NULL);
    bool is_set = leat_cookie_set_signed(x, keys, name, value,
                                         &(leat_cookie_options){.max_age_s = 1}) == 0;
    if (!is_set)
        return;
    const struct response_field *f = x->response.fields;
    must(f != NULL && f->next == NULL); /* the second has taken the place of the first */
    must(memchr(f->line, '\n', f->size) == f->line + f->size - 1 &&
         memchr(f->line, '\0', f->size) == NULL);
    const char *semicolon = memchr(f->line, ';', f->size);
    must(semicolon != NULL);
    int size = snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: a\r\nCookie: %.*s\r\n\r\n",
                        (int)(semicolon - f->line - 12), f->line + 12);
    must(size > 0 && (size_t)size < sizeof head && stage_begin(head, (size_t)size));
    const char *back = leat_cookie_signed(&stage->x, keys, name);
    must(back != NULL && strcmp(back, value) == 0);
    stage->now_s++;
    must(leat_cookie_signed(&stage->x, keys, name) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const secrets[] = {"a key that nobody has guessed", NULL};
    static char head[STAGE_HEAD];
    if (app == NULL) {
        app = leat_app_create();
        keys = leat_cookie_keys_create(app, secrets);
    }
    char *name = take_line(&data, &size), *value = take_line(&data, &size);
    set_and_read(name, value);
    free(name);
    free(value);
    size_t at = (size_t)snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: a\r\n");
    while (size > 0 && at < sizeof head / 2) {
        char *line = take_line(&data, &size);
        at += (size_t)snprintf(head + at, sizeof head / 2, "Cookie: %.20000s\r\n", line);
        free(line);
    }
    at += (size_t)snprintf(head + at, sizeof head - at, "\r\n");
    if (at < sizeof head && stage_begin(head, at))
        read_all(&stage->x);
    return 0;
}
