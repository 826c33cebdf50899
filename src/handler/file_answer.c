/* file_answer.c: what a request gets of a file: the whole, a part, several parts, or the word that it has it already.
 * The order is RFC 9110's: conditions (13.2.2), then ranges (14.2). */
#include "handler/file_answer.h"

#include "handler/file_path.h"
#include "leat/leat.h"
#include <stdio.h>

enum {
    RANGE_LINE_MAX = 96, /* "Content-Range: bytes F-L/N\r\n" */
    BOUNDARY_SIZE = 24,
    PART_HEAD_MAX = 128,
};

/* ── Ranges ── */

static size_t write_range(char *out, const struct http_range *range, uint64_t size)
{
    return (size_t)snprintf(out, RANGE_LINE_MAX, "Content-Range: bytes %llu-%llu/%llu\r\n",
                            (unsigned long long)range->first,
                            (unsigned long long)(range->first + range->size - 1),
                            (unsigned long long)size);
}

static void send_part(struct leat_exchange *x, const struct file_view *view, const struct http_range *range)
{
    char *lines = arena_alloc(&x->arena, view->lines_size + RANGE_LINE_MAX);
    if (lines == NULL)
        return; /* which the exchange remembers and answers */
    memcpy(lines, view->lines, view->lines_size);
    size_t size = view->lines_size + write_range(lines + view->lines_size, range, view->size);
    leat__response_borrow(x, 206, lines, size, view->bytes, view->fd, view->offset + range->first,
                          range->size, NULL, NULL);
}

/* Nobody who can choose what a file holds can know it beforehand. */
static void write_boundary(const struct leat_exchange *x, char out[BOUNDARY_SIZE + 1])
{
    static const char letters[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    uint64_t seed = leat_now_ns() ^ (uint64_t)(uintptr_t)x << 20;
    for (unsigned i = 0; i < BOUNDARY_SIZE; i++) {
        seed = (seed ^ seed >> 31) * 0x9e3779b97f4a7c15u + leat_now_ns();
        out[i] = letters[seed >> 58];
    }
    out[BOUNDARY_SIZE] = '\0';
}

/* A part's octets in front of its range: the boundary, the whole's type, the range. */
static bool write_part_head(struct leat_exchange *x, struct response_piece *piece,
                            const struct file_view *view, size_t type_size, const char *boundary,
                            const struct http_range *range, bool is_first)
{
    char *head = arena_alloc(&x->arena, PART_HEAD_MAX + type_size + RANGE_LINE_MAX);
    if (head == NULL)
        return false;
    size_t at = (size_t)snprintf(head, PART_HEAD_MAX, "%s--%s\r\n", is_first ? "" : "\r\n", boundary);
    memcpy(head + at, view->lines, type_size);
    at += type_size;
    at += write_range(head + at, range, view->size);
    memcpy(head + at, "\r\n", 2);
    *piece = (struct response_piece){head, at + 2, view->offset + range->first, range->size};
    return true;
}

static void send_parts(struct leat_exchange *x, const struct file_view *view,
                       const struct http_range *ranges, uint32_t count)
{
    static const char type[] = "Content-Type: multipart/byteranges; boundary=";
    char boundary[BOUNDARY_SIZE + 1];
    const char *type_end = memchr(view->lines, '\n', view->lines_size);
    size_t type_size = type_end != NULL ? (size_t)(type_end + 1 - view->lines) : 0;
    size_t rest_size = view->lines_size - type_size;
    struct response_piece *pieces = arena_alloc(&x->arena, count * sizeof *pieces);
    char *lines = arena_alloc(&x->arena, sizeof type + BOUNDARY_SIZE + 2 + rest_size);
    char *tail = arena_alloc(&x->arena, BOUNDARY_SIZE + 16);
    if (pieces == NULL || lines == NULL || tail == NULL)
        return;
    write_boundary(x, boundary);
    for (uint32_t i = 0; i < count; i++)
        if (!write_part_head(x, &pieces[i], view, type_size, boundary, &ranges[i], i == 0))
            return;
    size_t at = (size_t)snprintf(lines, sizeof type + BOUNDARY_SIZE + 2, "%s%s\r\n", type, boundary);
    memcpy(lines + at, view->lines + type_size, rest_size);
    size_t tail_size = (size_t)snprintf(tail, BOUNDARY_SIZE + 16, "\r\n--%s--\r\n", boundary);
    leat__response_pieces(x, 206, lines, at + rest_size, pieces, count, tail, tail_size, view->fd,
                          view->bytes, NULL, NULL);
}

/* ── The answer ── */

static void send_whole(struct leat_exchange *x, const struct file_view *view)
{
    leat__response_borrow(x, 200, view->lines, view->lines_size, view->bytes, view->fd,
                          view->offset, view->size, NULL, NULL);
}

static void send_ranges(struct leat_exchange *x, const struct file_view *view,
                        const struct http_conditions *conditions)
{
    struct http_range ranges[RANGES_MAX];
    int count = leat__http_ranges(conditions, &view->v, view->size, ranges);
    if (count == 1) {
        send_part(x, view, &ranges[0]);
    } else if (count > 1) {
        send_parts(x, view, ranges, (uint32_t)count);
    } else if (count < 0) {
        leat_field_setf(x, "Content-Range", "bytes */%llu", (unsigned long long)view->size);
        leat_problem(x, 416, NULL);
    } else {
        send_whole(x, view);
    }
}

void leat__file_answer(leat_exchange *x, const struct file_view *view,
                       const struct http_conditions *conditions)
{
    if (LIKELY(conditions == NULL)) {
        send_whole(x, view);
        return;
    }
    enum http_method method = (enum http_method)x->head.method;
    unsigned status = leat__http_conditions_judge(conditions, method, &view->v);
    if (status == 304)
        leat__response_borrow(x, 304, view->validators, view->validators_size, "", -1, 0, 0, NULL, NULL);
    else if (status != 0)
        leat_problem(x, (int)status, NULL);
    else if (method == HTTP_GET)
        send_ranges(x, view, conditions);
    else
        send_whole(x, view);
}

/* ── Redirects ── */

static void redirect(struct leat_exchange *x, leat_slice path, const char *behind)
{
    leat_slice query = leat_query_string(x);
    const char *location = leat_printf(x, "%.*s%s%s%.*s", (int)path.size, path.data, behind,
                                       query.size > 0 ? "?" : "", (int)query.size, query.data);
    if (location != NULL)
        leat_redirect(x, 301, location);
}

void leat__file_add_slash(leat_exchange *x)
{
    redirect(x, leat_path(x), "/");
}

void leat__file_clean(leat_exchange *x, const struct leat_files *files)
{
    leat_slice path = leat_path(x);
    path.size -= leat__file_path_unclean(files, path.data, path.size);
    redirect(x, path, "");
}
