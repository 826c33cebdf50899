/* pattern.c: taking a pattern apart, and saying what is wrong with it.
 *
 * A segment is a parameter by its first octet alone, so "/a:b" and "/2*3" are static. What is
 * refused is what could never match or was surely meant otherwise: names that are missing, odd or
 * used twice, "*rest" before the end, and an empty segment anywhere but at the end (a group
 * "/api/" with "/x" in it gives "/api//x"). */
#include "router/pattern.h"
#include "router/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

struct segment leat__router_segment_next(const char **at)
{
    const char *text = *at;
    if (text == NULL)
        return (struct segment){.kind = SEGMENT_END};
    size_t size = strcspn(text, "/");
    *at = text[size] == '/' ? text + size + 1 : NULL;
    enum segment_kind kind = SEGMENT_STATIC;
    if (text[0] == ':')
        kind = SEGMENT_PARAM;
    else if (text[0] == '*')
        kind = SEGMENT_REST;
    size_t sign = kind != SEGMENT_STATIC;
    return (struct segment){.kind = kind, .size = (uint16_t)(size - sign), .text = text + sign};
}

int leat__router_segment_compare(const struct segment *a, const struct segment *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind != SEGMENT_STATIC)
        return 0;
    uint64_t key_a = segment_key(a->text, a->size), key_b = segment_key(b->text, b->size);
    if (key_a != key_b)
        return key_a < key_b ? -1 : 1;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return memcmp(a->text, b->text, a->size);
}

__attribute__((format(printf, 4, 5))) static int refuse(char *error, size_t error_size,
                                                        const char *pattern, const char *format, ...)
{
    /* Long patterns are cut, so that the line ends with the reason. */
    int prefix = snprintf(error, error_size, "pattern \"%.200s%s\": ", pattern,
                          strlen(pattern) > 200 ? "..." : "");
    va_list arguments;
    va_start(arguments, format);
    if (prefix > 0 && (size_t)prefix < error_size)
        vsnprintf(error + prefix, error_size - (size_t)prefix, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static bool is_name(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return true;
}

static int check_name(const struct segment *segment, const struct segment *names, uint32_t count,
                      const char *pattern, char *error, size_t error_size)
{
    int size = segment->size;
    const char *sign = segment->text - 1;
    if (size == 0)
        return refuse(error, error_size, pattern, "\"%c\" needs a name behind it", *sign);
    if (!is_name(segment->text, segment->size))
        return refuse(error, error_size, pattern,
                      "\"%.*s\": a name is made of letters, digits, \"_\" and \"-\"", size + 1, sign);
    if (count == ROUTER_PARAMS_MAX)
        return refuse(error, error_size, pattern, "more than %d parameters", ROUTER_PARAMS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        if (names[i].size == segment->size && memcmp(names[i].text, segment->text, segment->size) == 0)
            return refuse(error, error_size, pattern, "the name \"%.*s\" is used twice", size,
                          segment->text);
    }
    return 0;
}

int leat__router_pattern_check(const char *pattern, char *error, size_t error_size)
{
    if (pattern == NULL)
        return refuse(error, error_size, "(null)", "there is none");
    if (pattern[0] != '/')
        return refuse(error, error_size, pattern, "must begin with \"/\"");
    if (strnlen(pattern, ROUTER_PATTERN_MAX + 1) > ROUTER_PATTERN_MAX)
        return refuse(error, error_size, pattern, "longer than %d octets", ROUTER_PATTERN_MAX);
    struct segment names[ROUTER_PARAMS_MAX];
    uint32_t segment_count = 0, name_count = 0;
    const char *at = pattern + 1;
    struct segment segment;
    while ((segment = leat__router_segment_next(&at)).kind != SEGMENT_END) {
        if (++segment_count > ROUTER_SEGMENTS_MAX)
            return refuse(error, error_size, pattern, "more than %d segments", ROUTER_SEGMENTS_MAX);
        if (segment.kind == SEGMENT_STATIC) {
            if (segment.size == 0 && at != NULL)
                return refuse(error, error_size, pattern, "\"//\" has an empty segment in it");
            continue;
        }
        int rc = check_name(&segment, names, name_count, pattern, error, error_size);
        if (rc < 0)
            return rc;
        names[name_count++] = segment;
        if (segment.kind == SEGMENT_REST && at != NULL)
            return refuse(error, error_size, pattern, "\"*%.*s\" must be last", (int)segment.size,
                          segment.text);
    }
    return 0;
}

uint32_t leat__router_pattern_common(const char *a, const char *b)
{
    const char *at_a = a + 1, *at_b = b + 1;
    for (uint32_t count = 0;; count++) {
        struct segment segment_a = leat__router_segment_next(&at_a);
        struct segment segment_b = leat__router_segment_next(&at_b);
        if (segment_a.kind == SEGMENT_END || leat__router_segment_compare(&segment_a, &segment_b))
            return count;
    }
}

int leat__router_pattern_compare(const char *a, const char *b)
{
    const char *at_a = a + 1, *at_b = b + 1;
    for (;;) {
        struct segment segment_a = leat__router_segment_next(&at_a);
        struct segment segment_b = leat__router_segment_next(&at_b);
        int order = leat__router_segment_compare(&segment_a, &segment_b);
        if (order != 0 || segment_a.kind == SEGMENT_END)
            return order;
    }
}
