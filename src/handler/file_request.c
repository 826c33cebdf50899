/* file_request.c: what a request's fields say to a file: under which conditions, in which coding, and whether a page would
 * do. One pass over the fields for most requests, which knows by their sizes that none of them matters. */
#define _GNU_SOURCE
#include "handler/file_prepare.h"

#include "leat/leat.h"
#include <strings.h>

/* Range, and the names that begin with If-, by their sizes: most fields of a request are passed by at the price of a shift.
 * Accept-Encoding matters only to a file that has twins, and is read then. */
static bool may_matter(const struct http1_field *f, const char *name)
{
    static const uint32_t sizes = 1u << 5 | 1u << 8 | 1u << 13 | 1u << 17 | 1u << 19;
    if (LIKELY(f->name_size >= 32 || !(sizes >> f->name_size & 1)))
        return false;
    return (*name | 0x20) == 'i' || (*name | 0x20) == 'r';
}

bool leat__prepared_conditions(struct leat_exchange *x, struct http_conditions **conditions)
{
    const struct http1_head *head = &x->head;
    struct http_conditions *c = NULL;
    for (unsigned i = 0; i < head->field_count; i++) {
        const struct http1_field *f = &head->fields[i];
        const char *name = x->bytes + f->name_at;
        if (LIKELY(!may_matter(f, name)))
            continue;
        if (c == NULL) {
            c = arena_alloc(&x->arena, sizeof *c);
            if (c == NULL)
                return false;
            memset(c, 0, sizeof *c);
        }
        leat__http_conditions_read(c, name, f->name_size, x->bytes + f->value_at, f->value_size);
    }
    *conditions = c != NULL && c->any ? c : NULL;
    return true;
}

enum http_coding leat__prepared_choose(const struct leat_exchange *x, unsigned there)
{
    static const char name[] = "accept-encoding";
    const struct http1_head *head = &x->head;
    struct http_lines lines;
    lines.count = 0;
    for (unsigned i = 0; i < head->field_count; i++) {
        const struct http1_field *f = &head->fields[i];
        if (f->name_size != sizeof name - 1 ||
            strncasecmp(x->bytes + f->name_at, name, sizeof name - 1) != 0)
            continue;
        if (lines.count < CONDITION_LINES_MAX)
            lines.lines[lines.count] = (struct http_text){x->bytes + f->value_at, f->value_size};
        lines.count += lines.count <= CONDITION_LINES_MAX;
    }
    return lines.count > 0 ? leat__http_coding_choose(&lines, there) : CODING_IDENTITY;
}

/* "text/html;q=0.5, * / *": whether a list of media ranges takes HTML at all. */
static bool takes_html(leat_slice accept)
{
    struct http_text rest = {accept.data, accept.size}, element;
    struct http_media media;
    while (leat__http_list_next(&rest, &element))
        if (leat__http_media_parse(element, &media) &&
            (leat__http_media_is(&media, "text", "html") ||
             leat__http_media_is(&media, "text", "*") || leat__http_media_is(&media, "*", "*")) &&
            leat__http_weight_of(media.parameters) > 0)
            return true;
    return false;
}

bool leat__prepared_wants_page(leat_exchange *x, const char *path, size_t size)
{
    leat_slice name, value;
    bool said = false;
    if (!leat__file_path_is_page(path, size))
        return false;
    for (size_t i = 0; leat_field_at(x, i, &name, &value); i++) {
        if (name.size != 6 || strncasecmp(name.data, "Accept", 6) != 0)
            continue;
        if (takes_html(value))
            return true;
        said = true;
    }
    return !said; /* who says nothing takes everything */
}
