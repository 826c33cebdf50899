/* multipart.c: multipart/form-data as a stream (RFC 7578).
 *
 * One buffer holds what has come and is not used; it is filled by leat_read, so whatever bounds and deadlines a content has
 * hold here too. A delimiter is looked for once in each octet: what is known to be content is given out, and the few octets
 * behind it, that a delimiter may begin with, wait for more. Every fault is remembered: it ends the whole, not the part,
 * because nobody can tell where the next one begins; the client is answered 4xx and the connection closes. */
#include "exchange/multipart.h"
#include <errno.h>

enum {
    PARTS_MAX = 1000,
    FIELD_MAX = 16 << 10,
    FIELD_LARGEST = 56 << 10, /* with its NUL it fits an arena's largest piece */
    AROUND_MAX = 4096,        /* octets before the first delimiter, and behind the last */
};

_Static_assert(FIELD_LARGEST < PLAN_LARGE - BUFFER_SLACK, "a field is one piece of an arena");

leat_multipart *leat_multipart_begin_sized(leat_exchange *x, const leat_multipart_options *options,
                                           size_t options_size)
{
    struct http_media media;
    struct http_delimiter delimiter;
    if (leat_content_need(x, "multipart/form-data") < 0 || !leat__exchange_media(x, &media))
        return NULL;
    if (!leat__http_delimiter_make(&delimiter, media.parameters)) {
        leat__exchange_overrule(x, 400, "The multipart content has no boundary");
        return NULL;
    }
    leat_multipart *m = leat_alloc(x, sizeof *m);
    if (m == NULL)
        return NULL;
    memset(m, 0, offsetof(struct leat_multipart, strings));
    m->x = x;
    m->delimiter = delimiter;
    if (options != NULL)
        memcpy(&m->options, options, size_min(options_size, sizeof m->options));
    leat_multipart_options *o = &m->options;
    o->parts_max = o->parts_max > 0 ? o->parts_max : PARTS_MAX;
    o->field_max = size_min(o->field_max > 0 ? o->field_max : FIELD_MAX, FIELD_LARGEST);
    o->part_max = o->part_max > 0 ? o->part_max : UINT64_MAX;
    o->total_max = o->total_max > 0 ? o->total_max : UINT64_MAX;
    memcpy(m->buffer, "\r\n", 2); /* so that the first delimiter is like the others */
    m->end = 2;
    return m;
}

static int refuse(leat_multipart *m, int error, const char *detail)
{
    leat__exchange_refuse(m->x, error == -EMSGSIZE ? 413 : 400, detail);
    return m->error = error;
}

/* More octets behind those that are there: 0, or an error. There is room: what is waited for is shorter than the buffer. */
static int fill(leat_multipart *m)
{
    if (m->start > 0) {
        memmove(m->buffer, m->buffer + m->start, m->end - m->start);
        m->end -= m->start;
        m->known = m->known > m->start ? m->known - m->start : 0;
        m->start = 0;
    }
    ASSERT(m->end < MULTIPART_BUFFER);
    int64_t n = leat_read(m->x, m->buffer + m->end, MULTIPART_BUFFER - m->end);
    if (n < 0)
        return m->error = (int)n;
    if (n == 0)
        return refuse(m, -EBADMSG, "The multipart content ends before its last delimiter");
    m->end += (uint32_t)n;
    m->total += (uint64_t)n;
    return m->total > m->options.total_max ? refuse(m, -EMSGSIZE, "The multipart content is too long")
                                           : 0;
}

static void look(leat_multipart *m)
{
    uint32_t from = m->known > m->start ? m->known : m->start;
    m->known = from + (uint32_t)leat__http_delimiter_find(&m->delimiter, m->buffer + from,
                                                          m->end - from, &m->at_end);
}

/* Content that lies in the buffer from start to known: 1; 0: here is its end. */
static int find_content(leat_multipart *m)
{
    for (;;) {
        if (m->known > m->start)
            return 1;
        if (!m->at_end)
            look(m);
        if (m->known > m->start)
            return 1;
        if (m->at_end)
            return 0;
        int error = fill(m);
        if (error < 0)
            return error;
    }
}

static int pass(leat_multipart *m, size_t size)
{
    m->start += (uint32_t)size;
    m->part += size;
    if (m->state == MULTIPART_BEFORE)
        return m->part > AROUND_MAX ? refuse(m, -EBADMSG, "The multipart content does not begin") : 0;
    return m->part > m->options.part_max ? refuse(m, -EMSGSIZE, "A part is too long") : 0;
}

int leat__multipart_take(leat_multipart *m, const char **bytes, size_t *size)
{
    if (m == NULL)
        return -EINVAL;
    if (m->error < 0)
        return m->error;
    if (m->state != MULTIPART_CONTENT && m->state != MULTIPART_BEFORE)
        return 0;
    int found = find_content(m);
    if (found == 0)
        m->state = MULTIPART_BETWEEN;
    if (found <= 0)
        return found;
    *bytes = m->buffer + m->start;
    *size = m->known - m->start;
    int error = pass(m, *size);
    return error < 0 ? error : 1;
}

int64_t leat_multipart_read(leat_multipart *m, void *bytes, size_t size)
{
    if (m == NULL)
        return -EINVAL;
    if (m->error < 0)
        return m->error;
    if (m->state != MULTIPART_CONTENT || size == 0)
        return 0;
    int found = find_content(m);
    if (found == 0)
        m->state = MULTIPART_BETWEEN;
    if (found <= 0)
        return found;
    size_t n = size_min(size, m->known - m->start);
    memcpy(bytes, m->buffer + m->start, n);
    int error = pass(m, n);
    return error < 0 ? error : (int64_t)n;
}

/* ── Between the parts ── */

/* Behind the last delimiter nothing counts, but the next request begins behind it. */
static int end(leat_multipart *m)
{
    uint64_t behind = 0;
    int64_t n;
    m->state = MULTIPART_OVER;
    while ((n = leat_read(m->x, m->buffer, MULTIPART_BUFFER)) > 0 && behind <= AROUND_MAX)
        behind += (uint64_t)n;
    return n < 0 ? m->error = (int)n : 0;
}

/* Over the delimiter. 1: a part's head comes; 0: that was the last. */
static int pass_delimiter(leat_multipart *m)
{
    m->start += m->delimiter.size;
    m->at_end = false;
    for (;;) {
        size_t used;
        int error;
        switch (leat__http_delimiter_end(m->buffer + m->start, m->end - m->start, &used)) {
        case MULTIPART_PART:
            m->start += (uint32_t)used;
            return 1;
        case MULTIPART_LAST:
            return end(m);
        case MULTIPART_BAD:
            return refuse(m, -EBADMSG, "A delimiter of the multipart content is malformed");
        case MULTIPART_MORE:
            error = fill(m);
            if (error < 0)
                return error;
        }
    }
}

static int read_head(leat_multipart *m, struct http_part *head)
{
    for (;;) {
        size_t here = m->end - m->start;
        enum http_multipart_result result = leat__http_part_parse(head, m->buffer + m->start, here);
        if (result == MULTIPART_BAD)
            return refuse(m, -EBADMSG, "The head of a part is malformed");
        if ((result == MULTIPART_PART ? head->size : here) >= MULTIPART_HEAD_MAX)
            return refuse(m, -EMSGSIZE, "The head of a part is too long");
        if (result == MULTIPART_PART)
            return 0;
        int error = fill(m);
        if (error < 0)
            return error;
    }
}

/* What stands behind the last slash of either kind, as a name of its own. */
static const char *last_component(const char *filename)
{
    const char *last = filename;
    for (const char *at = filename; *at != '\0'; at++)
        if (*at == '/' || *at == '\\')
            last = at + 1;
    return strcmp(last, ".") == 0 || strcmp(last, "..") == 0 ? "" : last;
}

/* The head holds no NUL and is longer than what is copied of it, with the NULs: two quotes go for each. */
static void tell_part(leat_multipart *m, const struct http_part *head, leat_part *part)
{
    char *at = m->strings;
    part->name = at;
    at += leat__http_part_text(at, &head->name);
    *at++ = '\0';
    part->filename = NULL;
    if (head->has_filename) {
        part->filename = at;
        at += leat__http_part_text(at, &head->filename);
        *at++ = '\0';
        part->filename = last_component(part->filename);
    }
    part->media_type = "text/plain";
    if (head->media_type.size > 0) {
        part->media_type = at;
        memcpy(at, head->media_type.data, head->media_type.size);
        at[head->media_type.size] = '\0';
    }
}

int leat_multipart_next(leat_multipart *m, leat_part *part)
{
    const char *bytes;
    size_t size;
    struct http_part head;
    int result;
    while ((result = leat__multipart_take(m, &bytes, &size)) > 0) { /* the rest of the part before */
    }
    if (result < 0 || m->state == MULTIPART_OVER)
        return result;
    result = pass_delimiter(m);
    if (result <= 0)
        return result;
    if (++m->parts > m->options.parts_max)
        return refuse(m, -EMSGSIZE, "The multipart content has too many parts");
    result = read_head(m, &head);
    if (result < 0)
        return result;
    tell_part(m, &head, part);
    m->start += (uint32_t)head.size;
    m->known = m->start;
    m->part = 0;
    m->state = MULTIPART_CONTENT;
    return 1;
}

/* ── Fields ── */

/* The part is longer than the buffer: its pieces gather in memory for the longest field there may be. */
static char *gather(leat_multipart *m, size_t *size)
{
    char *text = leat_alloc(m->x, (size_t)m->options.field_max + 1);
    const char *bytes;
    size_t n;
    int more;
    *size = 0;
    if (text == NULL)
        m->error = -ENOMEM;
    while ((more = leat__multipart_take(m, &bytes, &n)) > 0) {
        if (n > m->options.field_max - *size) {
            refuse(m, -EMSGSIZE, "A field is too long");
            return NULL;
        }
        memcpy(text + *size, bytes, n);
        *size += n;
    }
    return more == 0 ? text : NULL;
}

/* Until the end of the part is in the buffer, or the buffer is full of it. */
static int fill_up(leat_multipart *m)
{
    int error = 0;
    while (error == 0 && !m->at_end && m->end - m->start < MULTIPART_BUFFER) {
        look(m);
        error = m->at_end ? 0 : m->known - m->start > m->options.field_max ? -EMSGSIZE : fill(m);
    }
    return error == -EMSGSIZE && m->error == 0 ? refuse(m, error, "A field is too long") : error;
}

const char *leat_multipart_text(leat_multipart *m, size_t *size)
{
    size_t n = 0;
    char *text;
    const char *bytes = "";
    if (m == NULL || m->error < 0 || m->state == MULTIPART_BEFORE || m->state == MULTIPART_OVER)
        return NULL;
    if (m->state == MULTIPART_CONTENT && fill_up(m) < 0)
        return NULL;
    if (m->at_end && m->known - m->start <= m->options.field_max) {
        if (leat__multipart_take(m, &bytes, &n) < 0 || (text = leat_alloc(m->x, n + 1)) == NULL)
            return NULL;
        memcpy(text, bytes, n);
    } else if (m->at_end) {
        refuse(m, -EMSGSIZE, "A field is too long");
        return NULL;
    } else {
        text = gather(m, &n);
    }
    if (text == NULL)
        return NULL;
    text[n] = '\0';
    if (size != NULL) {
        *size = n;
    } else if (memchr(text, '\0', n) != NULL) {
        refuse(m, -EBADMSG, "A field has a NUL in it");
        return NULL;
    }
    return text;
}
