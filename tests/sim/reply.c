/* reply.c: reads what the model clients are answered, octet by octet, and says what is wrong with it. */
#define _GNU_SOURCE /* memmem */
#include "sim/talk.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool field_is(const char *line, const char *end, const char *name, const char **value)
{
    size_t size = strlen(name);
    if ((size_t)(end - line) < size || strncasecmp(line, name, size) != 0)
        return false;
    *value = line + size;
    return true;
}

static const char *read_field(struct reply *p, const char *line, const char *end)
{
    const char *value;
    if (memchr(line, ':', (size_t)(end - line)) == NULL || line[0] == ' ')
        return "a field line is no field line";
    if (memchr(line, '\n', (size_t)(end - line)) != NULL ||
        memchr(line, '\r', (size_t)(end - line)) != NULL)
        return "a bare CR or LF in the head";
    if (field_is(line, end, "Content-Length: ", &value)) {
        if (p->has_length)
            return "two Content-Lengths";
        p->has_length = true;
        p->content_size = strtoull(value, NULL, 10);
    } else if (field_is(line, end, "Connection: close", &value)) {
        p->close = true;
    } else if (field_is(line, end, "X-Token: ", &value)) {
        if (p->has_token)
            return "two tokens";
        p->has_token = true;
        p->token = (uint32_t)strtoul(value, NULL, 10);
    } else if (field_is(line, end, "Date: ", &value)) {
        if (p->has_date || end - value != 29)
            return "two Dates, or a broken one";
        p->has_date = true;
    } else if (field_is(line, end, "Retry-After: ", &value)) {
        p->retry_after = true;
    } else if (field_is(line, end, "Allow: ", &value)) {
        p->has_allow = true;
    } else if (field_is(line, end, "Transfer-Encoding: chunked", &value)) {
        if (p->chunked || value != end)
            return "two transfer codings";
        p->chunked = true;
    } else if (field_is(line, end, "Transfer-Encoding", &value)) {
        return "a transfer coding nobody asked for";
    }
    return NULL;
}

static const char *read_head(struct reply *p, const char *head, const char *end)
{
    if (end - head < 15 || memcmp(head, "HTTP/1.1 ", 9) != 0 || head[12] != ' ')
        return "no status line";
    unsigned status = 0;
    for (int i = 9; i < 12; i++) {
        if (head[i] < '0' || head[i] > '9')
            return "no status code";
        status = status * 10 + (unsigned)(head[i] - '0');
    }
    p->status = (uint16_t)status;
    const char *line = memchr(head, '\r', (size_t)(end - head));
    for (line += 2; line < end - 2;) {
        const char *line_end = memmem(line, (size_t)(end - line), "\r\n", 2);
        const char *why = read_field(p, line, line_end);
        if (why != NULL)
            return why;
        line = line_end + 2;
    }
    return NULL;
}

/* Takes octets up to the end of a head. True when it is complete: *begin to *end. */
static bool collect_head(struct reply *p, const char *bytes, size_t size, size_t *used,
                         const char **begin, const char **end)
{
    const char *found = p->head_size == 0 ? memmem(bytes, size, "\r\n\r\n", 4) : NULL;
    if (found != NULL) {
        *begin = bytes;
        *end = found + 4;
        *used = (size_t)(*end - bytes);
        return true;
    }
    if (p->head_capacity < p->head_size + size) {
        p->head_capacity = (p->head_size + size) * 2;
        p->head = realloc(p->head, p->head_capacity);
        ASSERT(p->head != NULL);
    }
    size_t before = p->head_size, from = before < 3 ? 0 : before - 3;
    memcpy(p->head + before, bytes, size);
    found = memmem(p->head + from, before + size - from, "\r\n\r\n", 4);
    if (found == NULL) {
        p->head_size += size;
        *used = size;
        return false;
    }
    *begin = p->head;
    *end = found + 4;
    *used = (size_t)(*end - p->head) - before;
    p->head_size = 0;
    return true;
}

static const char *check_framing(const struct reply *p, const struct request *q)
{
    bool none = p->status == 204 || p->status == 304 || p->status < 200;
    bool streamed = q != NULL && q->streamed && p->status == q->statuses[0];
    if (streamed != p->chunked || (streamed && p->has_length))
        return streamed ? "a stream is not in chunks" : "chunks that nobody asked for";
    if (none == p->has_length && p->status != 304 && !streamed)
        return none ? "a Content-Length where there is no content" : "no Content-Length";
    if (!p->has_date && p->status >= 200 && p->status != 503)
        return "no Date";
    if (q == NULL && !(p->close && (p->status == 503 || p->status == 408)))
        return "a reply to nothing";
    if (q != NULL && p->status == q->statuses[0] && !q->any_content && !none && !streamed &&
        p->content_size != q->content_size)
        return "the content's size is wrong";
    return NULL;
}

static bool content_is_right(const struct reply *p, const struct request *q, const char *bytes, size_t n)
{
    if (q == NULL || q->any_content || p->status != q->statuses[0])
        return true;
    const char *content = q->content != NULL ? q->content : q->text;
    return memcmp(content + p->content_at, bytes, n) == 0;
}

/* A line of a chunk's size or of the trailers is complete. true: the content has ended. */
static bool end_line(struct reply *p, const struct request *q, const char **why)
{
    char *end;
    p->line[p->line_size - 2] = '\0';
    if (p->chunks_end) {
        if (p->line_size == 2)
            return true;
        if (strcmp(p->line, "X-Trailer: the end") != 0 || p->trailed)
            *why = "a trailer that nobody sent";
        p->trailed = true;
        return false;
    }
    uint64_t size = strtoull(p->line, &end, 16);
    if (end == p->line || *end != '\0' || p->content_at + size > q->content_size)
        *why = "no chunk's size, or more than was asked for";
    p->chunk_left = size + 2;
    p->chunks_end = size == 0;
    return false;
}

/* Octets up to a line's end. true: it is there. */
static bool take_line(struct reply *p, const char *bytes, size_t size, size_t *used, const char **why)
{
    while (*used < size && *why == NULL) {
        if (p->line_size == sizeof p->line - 1)
            *why = "an endless line between chunks";
        else
            p->line[p->line_size++] = bytes[(*used)++];
        if (p->line_size >= 2 && memcmp(p->line + p->line_size - 2, "\r\n", 2) == 0)
            return true;
    }
    return false;
}

static enum talk_result read_chunks(struct reply *p, const struct request *q, const char *bytes,
                                    size_t size, size_t *used, const char **why)
{
    while (*used < size && *why == NULL) {
        if (p->chunk_left > 2 && !p->chunks_end) {
            size_t n = size_min(size - *used, p->chunk_left - 2);
            if (!content_is_right(p, q, bytes + *used, n))
                *why = "the content is wrong";
            *used += n;
            p->content_at += n;
            p->chunk_left -= n;
        } else if (p->chunk_left > 0 && !p->chunks_end) {
            if (bytes[(*used)++] != (p->chunk_left == 2 ? '\r' : '\n'))
                *why = "no line's end behind a chunk";
            p->chunk_left--;
        } else if (take_line(p, bytes, size, used, why)) {
            bool ended = end_line(p, q, why);
            p->line_size = 0;
            if (ended && (p->content_at != q->content_size || p->trailed != q->trails))
                *why = "the chunks end too early, or without their trailer";
            if (ended)
                return *why != NULL ? TALK_WRONG : TALK_FINAL;
        }
    }
    return *why != NULL ? TALK_WRONG : TALK_NEED_MORE;
}

enum talk_result talk_read(struct reply *p, const struct request *q, const char *bytes, size_t size,
                           size_t *used, const char **why)
{
    *used = 0;
    if (p->status == 0) {
        const char *begin, *end;
        if (!collect_head(p, bytes, size, used, &begin, &end))
            return TALK_NEED_MORE;
        struct reply fresh = {.head = p->head, .head_capacity = p->head_capacity};
        *p = fresh;
        *why = read_head(p, begin, end);
        if (*why == NULL && p->status == 100)
            return p->status = 0, TALK_INTERIM;
        if (*why == NULL)
            *why = check_framing(p, q);
        if (*why != NULL)
            return TALK_WRONG;
        if (p->status == 204 || p->status == 304 || (q != NULL && q->head)) {
            p->content_size = 0;
            p->chunked = false;
        }
    }
    if (p->chunked)
        return read_chunks(p, q, bytes, size, used, why);
    size_t n = size_min(size - *used, p->content_size - p->content_at);
    if (!content_is_right(p, q, bytes + *used, n)) {
        *why = "the content is wrong";
        return TALK_WRONG;
    }
    *used += n;
    p->content_at += n;
    return p->content_at == p->content_size ? TALK_FINAL : TALK_NEED_MORE;
}

bool talk_is_between(const struct reply *p)
{
    return p->status == 0 && p->head_size == 0;
}

void reply_free(struct reply *p)
{
    free(p->head);
    *p = (struct reply){0};
}
