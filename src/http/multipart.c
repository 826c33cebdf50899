/* multipart.c: see multipart.h. */
#include "http/multipart.h"

/* RFC 2046 5.1.1: bchars; a space not at the end. */
static bool is_boundary(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i], small = (char)(c | 0x20);
        bool is_fit = (c >= '0' && c <= '9') || (small >= 'a' && small <= 'z' && c >= 'A') ||
                      (c != '\0' && strchr("'()+_,-./:=? ", c) != NULL);
        if (!is_fit)
            return false;
    }
    return size > 0 && text[size - 1] != ' ';
}

bool leat__http_delimiter_make(struct http_delimiter *d, struct http_text parameters)
{
    struct http_parameter p;
    enum http_parameter_result result;
    d->size = 0;
    while ((result = leat__http_parameter_next(&parameters, &p)) == HTTP_PARAMETER) {
        char boundary[2 * MULTIPART_BOUNDARY_MAX];
        if (!leat__http_text_is(p.name, "boundary"))
            continue;
        if (d->size > 0 || p.value.size > sizeof boundary)
            return false;
        size_t size = leat__http_parameter_unquote(boundary, &p);
        if (size > MULTIPART_BOUNDARY_MAX || !is_boundary(boundary, size))
            return false;
        memcpy(d->octets, "\r\n--", 4);
        memcpy(d->octets + 4, boundary, size);
        d->size = (uint8_t)(4 + size);
    }
    return result == HTTP_PARAMETERS_DONE && d->size > 0;
}

size_t leat__http_delimiter_find(const struct http_delimiter *d, const char *bytes, size_t size,
                                 bool *found)
{
    const char *at = bytes, *end = bytes + size;
    *found = false;
    while (at < end && (at = memchr(at, '\r', (size_t)(end - at))) != NULL) {
        size_t here = size_min((size_t)(end - at), d->size);
        if (memcmp(at, d->octets, here) == 0) {
            *found = here == d->size;
            return (size_t)(at - bytes);
        }
        at++;
    }
    return size;
}

enum http_multipart_result leat__http_delimiter_end(const char *bytes, size_t size, size_t *used)
{
    size_t at = 0;
    if (size >= 2 && memcmp(bytes, "--", 2) == 0) {
        *used = 2;
        return MULTIPART_LAST;
    }
    if (size == 1 && bytes[0] == '-')
        return MULTIPART_MORE;
    while (at < size && (bytes[at] == ' ' || bytes[at] == '\t')) /* transport-padding */
        at++;
    if (at > MULTIPART_PADDING_MAX || (at < size && bytes[at] != '\r') ||
        (at + 1 < size && bytes[at + 1] != '\n'))
        return MULTIPART_BAD;
    *used = at + 2;
    return at + 1 < size ? MULTIPART_PART : MULTIPART_MORE;
}

/* ── A part's head ── */

/* Content-Disposition: form-data; name="…"; filename="…" (RFC 7578 4.2). filename* must not be sent, and is not read. */
static bool read_disposition(struct http_part *part, struct http_text value, bool *has_name)
{
    struct http_parameter p;
    enum http_parameter_result result;
    const char *semicolon = memchr(value.data, ';', value.size);
    size_t size = semicolon ? (size_t)(semicolon - value.data) : value.size;
    struct http_text kind = http_text_trim((struct http_text){value.data, size});
    struct http_text rest = {value.data + size, value.size - size};
    if (*has_name || !leat__http_text_is(kind, "form-data"))
        return false;
    while ((result = leat__http_parameter_next(&rest, &p)) == HTTP_PARAMETER) {
        if (leat__http_text_is(p.name, "name")) {
            if (*has_name)
                return false;
            part->name = p;
            *has_name = true;
        } else if (leat__http_text_is(p.name, "filename")) {
            if (part->has_filename)
                return false;
            part->filename = p;
            part->has_filename = true;
        }
    }
    return result == HTTP_PARAMETERS_DONE && *has_name;
}

static bool read_line(struct http_part *part, struct http_text line, bool *has_name)
{
    const char *colon = memchr(line.data, ':', line.size);
    if (colon == NULL)
        return false;
    struct http_text name = {line.data, (size_t)(colon - line.data)};
    struct http_text value = {colon + 1, line.size - name.size - 1};
    for (size_t i = 0; i < value.size; i++)
        if (((unsigned char)value.data[i] < ' ' && value.data[i] != '\t') || value.data[i] == 0x7f)
            return false;
    value = http_text_trim(value);
    if (!leat__http_is_token_text(name))
        return false;
    if (leat__http_text_is(name, "Content-Disposition"))
        return read_disposition(part, value, has_name);
    if (leat__http_text_is(name, "Content-Type"))
        part->media_type = value;
    return true;
}

enum http_multipart_result leat__http_part_parse(struct http_part *part, const char *bytes, size_t size)
{
    const char *at = bytes, *end = bytes + size, *line_end;
    bool has_name = false;
    *part = (struct http_part){0};
    while (at < end && (line_end = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (line_end == at || line_end[-1] != '\r')
            return MULTIPART_BAD;
        struct http_text line = {at, (size_t)(line_end - 1 - at)};
        at = line_end + 1;
        if (line.size == 0) {
            part->size = (size_t)(at - bytes);
            return has_name ? MULTIPART_PART : MULTIPART_BAD;
        }
        if (!read_line(part, line, &has_name))
            return MULTIPART_BAD;
    }
    return MULTIPART_MORE;
}

size_t leat__http_part_text(char *out, const struct http_parameter *p)
{
    size_t made = 0;
    for (size_t i = 0; i < p->value.size; i++) {
        const char *c = p->value.data + i;
        if (p->quoted && *c == '\\' && i + 1 < p->value.size && (c[1] == '"' || c[1] == '\\'))
            c = p->value.data + ++i;
        out[made++] = *c;
    }
    return made;
}
