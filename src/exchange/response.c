/* response.c: making a response, and writing it behind what the burst has to send already.
 *
 * Answering functions only say what the response is; it is written once, when the chain has ended, so that middleware
 * can still change it. A content that fits goes into the output beside its head; a larger one is sent from where it
 * lies. Whatever runs out on the way, there is always room for a short error: OUTPUT_RESERVE. */
#define _GNU_SOURCE /* strchrnul */
#include "exchange/exchange.h"
#include "base/copy.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define TYPE_TEXT "Content-Type: text/plain; charset=utf-8\r\n"

void leat__response_let_go(struct leat_exchange *x)
{
    struct response *r = &x->response;
    x->flags &= (uint16_t) ~(X_HOLDS | X_LINES | X_PIECES);
    x->rest.pieces = NULL;
    x->rest.still = NULL;
    x->rest.warm = false;
    if (UNLIKELY(r->release != NULL)) {
        leat_release_function *release = r->release;
        r->release = NULL;
        release(r->argument);
    }
    if (UNLIKELY(r->file >= 0)) {
        if (r->owns_file)
            close(r->file);
        r->file = -1;
    }
    if (UNLIKELY(x->response_block != NULL)) {
        leat__content_release(&x->common->memory->content, x->response_block);
        x->response_block = NULL;
    }
    r->json = NULL;
    r->status = 0; /* should the next answer find no memory, this one can't be given instead */
}

void leat__response_make(struct leat_exchange *x, int status, const char *type_line,
                         size_t type_size, const char *content, uint64_t size)
{
    struct response *r = &x->response;
    if (UNLIKELY(x->way.stream != STREAM_NONE))
        return; /* one is under way already */
    r->status = (uint16_t)(status >= 200 && status <= 599 ? status : 500);
    r->type_line = type_line;
    r->type_size = (uint32_t)type_size;
    r->content = content;
    r->content_size = size;
    r->file_offset = 0;
    r->is_problem = false;
}

int leat_response_status(leat_exchange *x)
{
    return x->way.refused_status != 0 ? x->way.refused_status : x->response.status;
}

/* What the client gets when something did not fit and the handler made no error of it. */
static void settle(struct leat_exchange *x)
{
    if (UNLIKELY(x->arena.overflow == ARENA_POOL_EMPTY)) {
        exchange_count_refusal(x, &x->common->counters->refused_arena, EVENT_REFUSED_ARENA, "arena");
        if (x->response.status < 400)
            leat__response_in_need(x, 503);
    } else if (UNLIKELY(x->arena.overflow == ARENA_TOO_LARGE || (x->flags & X_NO_MEMORY))) {
        if (x->response.status < 400)
            leat__response_in_need(x, 500);
    } else if (UNLIKELY(x->response.status == 0)) {
        leat__response_in_need(x, 0);
    }
}

/* "Date: …", made anew when the second has changed. */
static const char *date_line(struct exchange_common *common)
{
    if (UNLIKELY(common->date_s != *common->now_s)) {
        common->date_s = *common->now_s;
        memcpy(common->date_line, "Date: ", 6);
        leat__http_date_write(common->date_line + 6, common->date_s);
        memcpy(common->date_line + 6 + HTTP_DATE_SIZE, "\r\n", 2);
    }
    return common->date_line;
}

/* Writes the head, into the output or, when it is too long for that, into the arena. */
static bool write_head(struct leat_exchange *x)
{
    struct response *r = &x->response;
    struct http1_response head;
    bool no_content = r->status == 204 || r->status == 304;
    if (UNLIKELY(no_content && !(x->flags & X_LINES)))
        r->type_size = 0;
    head.fields = r->type_size > 0 ? r->type_line : "";
    head.fields_size = r->type_size;
    if (UNLIKELY(r->fields != NULL)) {
        head.fields = leat__response_gather(x, &head.fields_size);
        if (head.fields == NULL)
            return false;
    }
    r->bare = no_content || x->head.method == HTTP_HEAD;
    head.status = r->status;
    head.date = date_line(x->common);
    head.content_length = r->content_size;
    head.has_length = !no_content;
    head.chunked = false;
    head.close = (x->flags & X_CLOSE) != 0;
    head.keep_alive = !head.close && x->head.minor == 0 && (x->head.flags & HTTP1_KEEP_ALIVE_SAID);
    size_t left = PLAN_OUTPUT - x->output_size;
    if (UNLIKELY(x->way.stream != STREAM_NONE)) {
        head.has_length = !no_content && x->way.stream == STREAM_SIZED;
        head.chunked = !no_content && x->way.stream == STREAM_CHUNKED;
        left -= STREAM_RESERVE;
    }
    size_t n = leat__http1_write_head(x->output + x->output_size, left, &head);
    if (LIKELY(n > 0)) {
        x->output_size += (uint32_t)n;
        return true;
    }
    size_t room = HTTP1_HEAD_ROOM + head.fields_size;
    char *long_head = arena_alloc(&x->arena, room);
    if (long_head == NULL)
        return false;
    r->long_head = long_head;
    r->long_head_size = (uint32_t)leat__http1_write_head(long_head, room, &head);
    ASSERT(r->long_head_size > 0);
    return true;
}

int leat__response_begin_stream(struct leat_exchange *x)
{
    struct response *r = &x->response;
    x->piece_size = x->piece_tail_size = 0;
    exchange_has_an_end(x);
    if (x->common->draining)
        x->flags |= X_CLOSE | X_LINGER;
    if (x->way.stream == STREAM_TO_CLOSE)
        x->flags |= X_CLOSE | X_LINGER;
    if (!write_head(x)) {
        x->way.stream = STREAM_NONE;
        return -ENOMEM;
    }
    x->flags |= X_SENT;
    x->common->counters->requests++;
    if (r->long_head != NULL) {
        x->piece = r->long_head;
        x->piece_size = r->long_head_size;
    }
    if (r->bare)
        x->way.stream = STREAM_BARE;
    return 0;
}

/* The answer that counts is not the chain's. Nor is it coded, whatever middleware has made of that. */
static void answer_refusal(struct leat_exchange *x)
{
    response_forget(x);
    leat__response_remove_field(x, "Content-Encoding");
    leat_problem(x, x->way.refused_status, x->refused_detail);
}

void leat__response_send(struct leat_exchange *x)
{
    struct response *r = &x->response;
    if (UNLIKELY(x->way.content == CONTENT_PENDING || x->way.content == CONTENT_READING))
        x->common->carrier->leave(x);
    if (UNLIKELY(x->way.stream != STREAM_NONE)) {
        leat__stream_end(x);
        return;
    }
    if (UNLIKELY(x->way.refused_status != 0))
        answer_refusal(x);
    settle(x);
    if (UNLIKELY(r->is_problem))
        leat__response_tell_error(x);
    if (UNLIKELY(x->common->draining))
        x->flags |= X_CLOSE | X_LINGER;
    if (UNLIKELY(!write_head(x))) {
        bool empty = x->arena.overflow == ARENA_POOL_EMPTY;
        if (empty)
            exchange_count_refusal(x, &x->common->counters->refused_arena, EVENT_REFUSED_ARENA, "arena");
        leat__response_in_need(x, empty ? 503 : 500);
        bool written = write_head(x);
        ASSERT(written);
    }
    x->flags |= X_SENT;
    x->common->counters->requests++;
    size_t room = PLAN_OUTPUT - x->output_size;
    if (r->bare) {
        if (r->long_head != NULL)
            x->flags |= X_BY_REFERENCE;
    } else if (LIKELY(r->content_size <= room && r->long_head == NULL && r->file < 0 &&
                      !(x->flags & X_PIECES))) {
        copy_short(x->output + x->output_size, r->content ? r->content : "", r->content_size);
        x->output_size += (uint32_t)r->content_size;
    } else {
        x->flags |= X_BY_REFERENCE;
    }
}

char *leat__response_memory(struct leat_exchange *x, size_t size)
{
    if (size + BUFFER_SLACK <= PLAN_LARGE)
        return arena_alloc(&x->arena, size);
    struct content_store *store = &x->common->memory->content;
    ASSERT(x->response_block == NULL);
    x->response_block = leat__content_acquire(store, size);
    x->flags |= X_HOLDS;
    if (x->response_block == NULL) {
        bool empty = size <= content_largest(store);
        x->arena.overflow = empty ? ARENA_POOL_EMPTY : ARENA_TOO_LARGE;
        if (empty)
            exchange_count_refusal(x, &x->common->counters->refused_content, EVENT_REFUSED_CONTENT,
                                   "content");
    }
    return x->response_block;
}

void leat_text(leat_exchange *x, int status, const char *format, ...)
{
    response_forget(x);
    if (exchange_lacks_stack(x, TASK_STACK_LEFT))
        return;
    char *text = x->arena.at;
    size_t room = (size_t)(x->arena.end - x->arena.at), size;
    va_list arguments;
    const char *percent = strchrnul(format, '%');
    if (*percent == '\0') { /* nothing to format: the format is the text */
        size = (size_t)(percent - format);
        if (size < room)
            copy_short(text, format, size);
    } else {
        va_start(arguments, format);
        int n = vsnprintf(text, room, format, arguments);
        va_end(arguments);
        if (n < 0) {
            x->flags |= X_NO_MEMORY;
            return;
        }
        size = (size_t)n;
    }
    if (LIKELY(size < room)) {
        arena_alloc(&x->arena, size);
    } else if ((text = leat__response_memory(x, size + 1)) != NULL) {
        va_start(arguments, format);
        vsnprintf(text, size + 1, format, arguments);
        va_end(arguments);
    } else {
        return;
    }
    leat__response_make(x, status, TYPE_TEXT, sizeof TYPE_TEXT - 1, text, size);
}

/* "Content-Type: …\r\n" in the arena; an empty line for no type; NULL: no memory. */
static const char *type_line_of(leat_exchange *x, const char *media_type, size_t *size)
{
    static const char name[] = "Content-Type: ";
    *size = 0;
    if (media_type == NULL || media_type[0] == '\0')
        return "";
    size_t type_size = strlen(media_type);
    if (!leat__http1_is_field_value(media_type, type_size)) {
        x->flags |= X_NO_MEMORY;
        return NULL;
    }
    char *line = arena_alloc(&x->arena, sizeof name - 1 + type_size + 2);
    if (line == NULL)
        return NULL;
    memcpy(line, name, sizeof name - 1);
    memcpy(line + sizeof name - 1, media_type, type_size);
    memcpy(line + sizeof name - 1 + type_size, "\r\n", 2);
    *size = sizeof name - 1 + type_size + 2;
    return line;
}

void leat_bytes_borrow(leat_exchange *x, int status, const char *media_type, const void *bytes,
                       size_t size, leat_release_function *release, void *argument)
{
    response_forget(x);
    size_t type_size;
    const char *type_line = type_line_of(x, media_type, &type_size);
    x->response.release = release;
    x->response.argument = argument;
    x->flags |= X_HOLDS;
    if (type_line != NULL)
        leat__response_make(x, status, type_line, type_size, bytes, size);
}

/* What lies in the exchange's own memory lives as long as the response: it need not be copied. */
static bool is_content_of(const leat_exchange *x, const char *bytes, size_t size)
{
    return x->content != NULL && bytes >= x->content && bytes + size <= x->content + x->content_size;
}

void leat_bytes(leat_exchange *x, int status, const char *media_type, const void *bytes, size_t size)
{
    response_forget(x);
    size_t type_size;
    const char *type_line = type_line_of(x, media_type, &type_size);
    if (type_line == NULL)
        return;
    const char *content = bytes;
    if (size > 0 && !is_content_of(x, bytes, size)) {
        char *copy = leat__response_memory(x, size);
        if (copy == NULL)
            return;
        memcpy(copy, bytes, size);
        content = copy;
    }
    leat__response_make(x, status, type_line, type_size, content, size);
}

void leat_status(leat_exchange *x, int status)
{
    response_forget(x);
    leat__response_make(x, status, NULL, 0, NULL, 0);
}

void leat_send_file(leat_exchange *x, int status, const char *media_type, int fd, uint64_t offset,
                    uint64_t size)
{
    response_forget(x);
    size_t type_size;
    const char *type_line = type_line_of(x, media_type, &type_size);
    if (type_line == NULL) {
        close(fd);
        return;
    }
    leat__response_make(x, status, type_line, type_size, NULL, size);
    x->response.file = fd;
    x->response.owns_file = true;
    x->flags |= X_HOLDS;
    x->response.file_offset = offset;
}

void leat_send_file_borrow(leat_exchange *x, int status, const char *media_type, int fd, uint64_t offset,
                           uint64_t size, leat_release_function *release, void *argument)
{
    response_forget(x);
    size_t type_size;
    const char *type_line = type_line_of(x, media_type, &type_size);
    x->response.release = release;
    x->response.argument = argument;
    x->flags |= X_HOLDS;
    if (type_line == NULL)
        return;
    leat__response_make(x, status, type_line, type_size, NULL, size);
    x->response.file = fd;
    x->response.owns_file = false;
    x->response.file_offset = offset;
}

void leat_redirect(leat_exchange *x, int status, const char *location)
{
    if (leat_field_set(x, "Location", location) == -EINVAL) {
        leat_problem(x, 500, "The redirect's location is not a field value");
        return;
    }
    leat_status(x, status);
}
