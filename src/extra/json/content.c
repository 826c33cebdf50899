/* content.c: a request's content becomes a value, or an answer that says what was wrong with it.
 *
 * In this order: the media type, the depth (scan.h), and only then Jansson, which recurses on the handler's stack: 80 octets
 * for each level, 7 KiB in all at a depth of 64 (measured on x86-64, with a long number at the bottom). */
#include "memory.h"
#include "scan.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MAX = 64 };

/* application/json, and what is made of it (RFC 6839 3.1); parameters are for others. */
static bool is_json(leat_slice type)
{
    size_t size = 0;
    while (size < type.size && type.data[size] != ';')
        size++;
    while (size > 0 && (type.data[size - 1] == ' ' || type.data[size - 1] == '\t'))
        size--;
    if (size == 16 && strncasecmp(type.data, "application/json", 16) == 0)
        return true;
    return size > 6 && memchr(type.data, '/', size - 6) != NULL &&
           strncasecmp(type.data + size - 5, "+json", 5) == 0;
}

static void refuse(leat_exchange *x, const char *text, size_t at, const char *what)
{
    size_t line, column;
    json_place(text, at, &line, &column);
    leat_problem(x, 400, leat_printf(x, "Line %zu, column %zu: %s", line, column, what));
}

static bool is_shallow(leat_exchange *x, leat_slice content, unsigned depth_max)
{
    size_t at;
    switch (json_scan(content.data, content.size, depth_max, &at)) {
    case JSON_SCAN_FINE:
        return true;
    case JSON_SCAN_TOO_DEEP:
        refuse(x, content.data, at, leat_printf(x, "nested deeper than %u levels", depth_max));
        return false;
    case JSON_SCAN_NUL:
        refuse(x, content.data, at, "an octet that is NUL");
        return false;
    }
    return false;
}

/* NULL: error tells why, or memory->error does. A function of its own: nothing of it is changed behind the setjmp. */
static json_t *load(struct parse_memory *memory, leat_slice content, size_t flags, json_error_t *error)
{
    if (setjmp(memory->out) != 0)
        return NULL;
    return json_loadb(content.data, content.size, flags, error);
}

static const json_t *parse(leat_exchange *x, leat_slice content, size_t flags)
{
    struct parse_memory memory;
    json_error_t error = {.position = 0};
    leat__parse_memory_begin(&memory, x);
    json_t *value = load(&memory, content, flags, &error);
    leat__parse_memory_end();
    if (value != NULL) {
        if (value->refcount != (size_t)-1) /* true, false and null are everybody's */
            value->refcount = (size_t)-1;  /* a json_decref out of habit does nothing */
        return value;
    }
    size_t at = error.position > 0 ? (size_t)error.position : 0;
    if (memory.error == -E2BIG)
        leat_problem(x, 413, "The content takes more memory than one request may have");
    else if (memory.error == 0) /* else 503 is the answer already */
        refuse(x, content.data, at < content.size ? at : content.size, error.text);
    return NULL;
}

const json_t *leat_content_json_sized(leat_exchange *x, const leat_json_options *options,
                                      size_t options_size)
{
    static const char unused[] =
        "leat_json_use() has not been called: call it in main, before the start";
    leat_json_options given = {0};
    if (options != NULL)
        memcpy(&given, options, options_size < sizeof given ? options_size : sizeof given);
    if (given.depth_max == 0 || given.depth_max > DEPTH_MAX)
        given.depth_max = DEPTH_MAX;
    leat_slice content = leat_content(x);
    if (!leat__parse_memory_is_used()) {
        fprintf(stderr, "leat-json: %s\n", unused);
        leat_problem(x, 500, unused);
    } else if (content.size == 0) {
        leat_problem(x, 400, "The content is empty, and should be JSON");
    } else if (!given.any_media_type && !is_json(leat_field(x, "Content-Type"))) {
        leat_field_set(x, "Accept", "application/json"); /* RFC 9110 15.5.16 */
        leat_problem(x, 415, "The content's type should be application/json");
    } else if (is_shallow(x, content, given.depth_max)) {
        size_t duplicates = given.duplicates ? 0 : JSON_REJECT_DUPLICATES;
        return parse(x, content, JSON_DECODE_ANY | JSON_ALLOW_NUL | duplicates);
    }
    return NULL;
}

const json_t *leat_content_json(leat_exchange *x)
{
    return leat_content_json_sized(x, NULL, 0);
}
