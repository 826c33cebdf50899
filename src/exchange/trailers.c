/* trailers.c: what stands beside a message's head: trailer fields behind the content (RFC 9110 6.5), both ways, and interim
 * responses before the final one (RFC 9110 15.2).
 *
 * A response's trailers go to clients that have said "TE: trailers"; for others leat_trailer_set keeps nothing. Their room
 * in the output is held free from the moment they are set (leat__trailers_size), so they can always be written. Those of a
 * request are kept by the chunked coding's parser, as they came, in the arena. */
#include "exchange/exchange.h"
#include <errno.h>
#include <stdio.h>
#include <strings.h>

enum { TRAILERS_MAX = 4096, NAMES_MAX = 1024, INTERIM_LINE = 64 };

/* Fields that a recipient must know before the content, or that frame, route, modify or authenticate (RFC 9110 6.5.1). */
static bool may_trail(const char *name)
{
    static const char *const first[] = {"Trailer",
                                        "TE",
                                        "Host",
                                        "Content-Encoding",
                                        "Content-Type",
                                        "Content-Range",
                                        "Set-Cookie",
                                        "Cache-Control",
                                        "Expires",
                                        "Age",
                                        "Vary",
                                        "Location",
                                        "Retry-After",
                                        "WWW-Authenticate",
                                        "Authorization",
                                        "Max-Forwards",
                                        "Cookie",
                                        "Expect",
                                        "Range",
                                        "Upgrade",
                                        "Connection",
                                        "Pragma",
                                        "Accept-Ranges",
                                        "Content-Language",
                                        "Content-Location",
                                        "Keep-Alive",
                                        "Proxy-Authorization",
                                        "Proxy-Authenticate"};
    for (size_t i = 0; i < COUNT_OF(first); i++)
        if (strcasecmp(name, first[i]) == 0)
            return false;
    return strncasecmp(name, "If-", 3) != 0 && !leat__field_is_framing(name);
}

/* ── A request's ── */

static leat_slice trimmed(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (leat_slice){at, (size_t)(end - at)};
}

leat_slice leat_trailer(leat_exchange *x, const char *name)
{
    leat_slice none = {NULL, 0};
    const struct http1_chunked *c = &x->chunked;
    bool is_read = x->way.content == CONTENT_READ || x->way.content == CONTENT_WHOLE;
    if (!is_read || !(x->head.flags & HTTP1_CHUNKED) || c->trailers_size == 0 || !may_trail(name))
        return none;
    size_t name_size = strlen(name), size;
    for (const char *line = c->trailers, *end = line + c->trailers_size; line < end; line += size) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        size = (size_t)(line_end - line) + 1;
        if (size > name_size + 1 && line[name_size] == ':' && strncasecmp(line, name, name_size) == 0)
            return trimmed(line + name_size + 1, line_end);
    }
    return none;
}

/* ── A response's ── */

/* Whether a list has "trailers" among its members. */
static bool has_trailers(const char *at, size_t size)
{
    static const char word[] = "trailers";
    const char *end = at + size;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        leat_slice member = trimmed(at, comma != NULL ? comma : end);
        if (member.size == sizeof word - 1 && strncasecmp(member.data, word, member.size) == 0)
            return true;
        at = comma != NULL ? comma + 1 : end;
    }
    return false;
}

static bool takes_trailers(const struct leat_exchange *x)
{
    const struct http1_field *field;
    unsigned from = 0;
    while ((field = leat__http1_find(&x->head, x->bytes, "TE", 2, &from)) != NULL)
        if (has_trailers(x->bytes + field->value_at, field->value_size))
            return true;
    return false;
}

size_t leat__trailers_size(const struct leat_exchange *x)
{
    size_t size = 0;
    for (const struct response_field *f = x->trailers; f != NULL; f = f->next)
        size += f->size;
    return size;
}

int leat_trailer_set(leat_exchange *x, const char *name, const char *value)
{
    struct response_field *f, **link = &x->trailers;
    if (leat__field_is_none(name, value) || !may_trail(name) || x->way.stream == STREAM_SIZED)
        return -EINVAL;
    if ((x->way.stream != STREAM_CHUNKED && x->way.stream != STREAM_NONE) || !takes_trailers(x))
        return 0; /* there is no place for them */
    int error = leat__field_make(x, name, value, &f);
    if (error < 0)
        return error;
    size_t size = leat__trailers_size(x) + f->size;
    if (size > TRAILERS_MAX)
        return -ENOMEM;
    if (x->way.stream == STREAM_CHUNKED && x->output_size + size + OUTPUT_RESERVE > PLAN_OUTPUT) {
        error = leat__stream_flush(x);
        if (error < 0)
            return error;
    }
    while (*link != NULL &&
           ((*link)->name_size != f->name_size || strncasecmp((*link)->line, name, f->name_size) != 0))
        link = &(*link)->next;
    f->next = *link != NULL ? (*link)->next : NULL;
    *link = f;
    return 0;
}

void leat__trailers_announce(struct leat_exchange *x)
{
    char names[NAMES_MAX] = "";
    size_t at = 0;
    for (const struct response_field *f = x->trailers; f != NULL; f = f->next) {
        if (at + f->name_size + 3 > sizeof names)
            break; /* naming them is a courtesy */
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%.*s", at > 0 ? ", " : "",
                               (int)f->name_size, f->line);
    }
    leat_field_set(x, "Trailer", names);
}

/* ── Interim responses ── */

/* Whether text is complete lines "name: value\r\n", none of which frames. */
static bool are_lines(const char *text)
{
    while (*text != '\0') {
        char name[64];
        const char *colon = strchr(text, ':'), *end = strstr(text, "\r\n");
        if (colon == NULL || end == NULL || colon > end || (size_t)(colon - text) >= sizeof name)
            return false;
        size_t size = (size_t)(colon - text);
        memcpy(name, text, size);
        name[size] = '\0';
        leat_slice value = trimmed(colon + 1, end);
        if (!leat__http1_is_token(name, size) ||
            !leat__http1_is_field_value(value.data, value.size) || leat__field_is_framing(name))
            return false;
        text = end + 2;
    }
    return true;
}

int leat_inform(leat_exchange *x, int status, const char *fields)
{
    if (fields == NULL)
        fields = "";
    size_t size = strlen(fields);
    if (status < 102 || status > 199 || !are_lines(fields) ||
        size + INTERIM_LINE + OUTPUT_RESERVE > PLAN_OUTPUT)
        return -EINVAL;
    if (x->flags & X_SENT)
        return -EALREADY;
    if (!leat__exchange_may_wait(x))
        return -EPERM;
    if (x->head.minor == 0)
        return 0;
    int error = 0;
    if (x->output_size + size + INTERIM_LINE + OUTPUT_RESERVE > PLAN_OUTPUT)
        error = leat__stream_flush(x);
    if (error < 0)
        return error;
    x->output_size += (uint32_t)snprintf(x->output + x->output_size, PLAN_OUTPUT - x->output_size,
                                         "HTTP/1.1 %d %s\r\n%s\r\n", status,
                                         leat__http_reason((unsigned)status), fields);
    return leat__stream_flush(x);
}
