/* talk.c: requests and replies of the model clients. */
#define _GNU_SOURCE /* memmem */
#include "sim/talk.h"
#include "sim/app.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* ── The stream ──────────────────────────────────────────────────────────────────────────────────────────────── */

static char *stream_room(struct stream *s, size_t size)
{
    if (s->sent == s->size) {
        s->base += s->sent;
        s->sent = s->size = 0;
    }
    if (s->capacity - s->size < size) {
        s->capacity = (s->size + size) * 2;
        s->data = realloc(s->data, s->capacity);
        ASSERT(s->data != NULL);
    }
    return s->data + s->size;
}

static void put_bytes(struct stream *s, const char *bytes, size_t size)
{
    memcpy(stream_room(s, size), bytes, size);
    s->size += size;
}

static void __attribute__((format(printf, 2, 3))) put(struct stream *s, const char *format, ...)
{
    va_list arguments;
    char *room = stream_room(s, 1024);
    va_start(arguments, format);
    int n = vsnprintf(room, 1024, format, arguments);
    va_end(arguments);
    ASSERT(n >= 0 && n < 1024);
    s->size += (size_t)n;
}

void stream_free(struct stream *s)
{
    free(s->data);
    *s = (struct stream){0};
}

/* ── Requests ────────────────────────────────────────────────────────────────────────────────────────────────── */

enum ask {
    ASK_HELLO,
    ASK_SIZED,
    ASK_BORROW,
    ASK_TEXT,
    ASK_FILE,
    ASK_FIELDS,
    ASK_ALLOC,
    ASK_STATUS,
    ASK_POOL,
    ASK_SILENT,
    ASK_GREEDY,
    ASK_REDIRECT,
    ASK_PROBLEM,
    ASK_MISSING,
    ASK_NOT_ALLOWED,
    ASK_OPTIONS,
    ASK_BREW,
    ASK_KINDS,
};

/* A random size, mostly small. */
static uint32_t some_size(struct sim_random *r, uint32_t max)
{
    uint32_t bound = sim_below(r, 3) > 0 ? 200 : sim_below(r, 4) > 0 ? 5000 : max;
    return sim_below(r, 1 + (bound < max ? bound : max));
}

static void answer_is(struct request *q, uint16_t status, const char *content, uint32_t size)
{
    q->statuses[0] = status;
    q->content = content;
    q->content_size = size;
}

static void answer_is_text(struct request *q, const char *format, uint32_t number)
{
    int n = snprintf(q->text, sizeof q->text, format, number);
    answer_is(q, 200, NULL, (uint32_t)n);
}

static void answer_is_problem(struct request *q, uint16_t status)
{
    answer_is(q, status, NULL, 0);
    q->any_content = true;
}

/* The path, and with it what must be answered. */
static const char *choose_path(struct sim_random *r, const struct talk_limits *limits,
                               struct request *q, uint32_t at, char *path, size_t room)
{
    static const char *const names[] = {"sized", "borrow", "text", "file"};
    static const uint16_t statuses[] = {200, 201, 204, 304, 404, 202};
    uint32_t n = some_size(r, limits->size_max);
    enum ask ask = sim_below(r, 2) == 0 ? ASK_HELLO : (enum ask)sim_below(r, ASK_KINDS);
    const char *method = sim_below(r, 10) == 0 ? "HEAD" : "GET";
    switch (ask) {
    case ASK_SIZED:
    case ASK_BORROW:
    case ASK_TEXT:
    case ASK_FILE:
        snprintf(path, room, "/%s/%u", names[ask - ASK_SIZED], n);
        answer_is(q, 200, sim_table + at, n);
        q->scarce = (ask == ASK_SIZED || ask == ASK_TEXT) && n > 500;
        break;
    case ASK_FIELDS:
        n = sim_below(r, 10) == 0 ? sim_below(r, 200) : sim_below(r, 10);
        snprintf(path, room, "/fields/%u", n);
        answer_is_text(q, "%u\n", n);
        q->scarce = n > 1;
        break;
    case ASK_ALLOC:
        n = sim_below(r, 16);
        snprintf(path, room, "/alloc/%u", n);
        answer_is(q, 200, sim_table + at, n);
        q->scarce = n > 3;
        break;
    case ASK_STATUS:
        n = statuses[sim_below(r, COUNT_OF(statuses))];
        snprintf(path, room, "/status/%u", n);
        answer_is(q, (uint16_t)n, NULL, 0);
        break;
    case ASK_POOL:
        snprintf(path, room, "/pool");
        answer_is_text(q, "pooled\n%.0u", 0);
        break;
    case ASK_SILENT:
        snprintf(path, room, "/silent");
        q->has_token = false;
        answer_is_problem(q, 500);
        break;
    case ASK_GREEDY:
        snprintf(path, room, "/greedy");
        q->has_token = false;
        answer_is_problem(q, 500);
        break;
    case ASK_REDIRECT:
        snprintf(path, room, "/redirect");
        answer_is(q, 303, NULL, 0);
        break;
    case ASK_PROBLEM:
        snprintf(path, room, "/problem");
        answer_is_problem(q, 422);
        break;
    case ASK_MISSING:
        snprintf(path, room, "/missing/%u", n);
        answer_is_problem(q, 404);
        break;
    case ASK_NOT_ALLOWED:
        snprintf(path, room, "/hello");
        answer_is_problem(q, 405);
        return "DELETE";
    case ASK_OPTIONS:
        snprintf(path, room, "/sized/1");
        answer_is(q, 204, NULL, 0);
        q->statuses[1] = 200;
        return "OPTIONS";
    case ASK_BREW:
        snprintf(path, room, "/coffee");
        answer_is_problem(q, 501);
        return "BREW";
    case ASK_HELLO:
    case ASK_KINDS:
        snprintf(path, room, sim_below(r, 20) == 0 ? "/h%%65llo" : "/hello");
        answer_is_text(q, "Hello, %u\n", q->token);
        break;
    }
    return method;
}

/* Fields that say nothing, as browsers send them; now and then very many octets of them. */
static void put_filler(struct sim_random *r, const struct talk_limits *limits, struct request *q,
                       struct stream *out)
{
    uint32_t fields = sim_below(r, 3) == 0 ? sim_below(r, 13) : 0;
    for (uint32_t i = 0; i < fields; i++)
        put(out, "X-Filler-%u: %.*s\r\n", i, (int)(1 + sim_below(r, 90)), sim_table + sim_below(r, 9999));
    uint32_t large = sim_below(r, 40) == 0 ? sim_below(r, limits->filler_max) : 0;
    q->scarce = q->scarce || large > 3000;
    for (uint32_t i = 0; large > 0; i++) {
        uint32_t n = large < 4000 ? large : 4000;
        put(out, "X-Large-%u: ", i);
        put_bytes(out, sim_table + sim_below(r, 9999), n);
        put(out, "\r\n");
        large -= n;
    }
}

static void put_chunked(struct sim_random *r, struct stream *out, const char *content, uint32_t size)
{
    static const char *const extensions[] = {"",      "", "", ";a", ";a=b", ";name=\"quo\\\"ted\"",
                                             ";x;y=z"};
    while (size > 0) {
        uint32_t n = 1 + sim_below(r, sim_below(r, 2) == 0 ? 20 : size);
        n = n < size ? n : size;
        put(out, sim_below(r, 2) == 0 ? "%x%s\r\n" : "%X%s\r\n", n,
            extensions[sim_below(r, COUNT_OF(extensions))]);
        put_bytes(out, content, n);
        put(out, "\r\n");
        content += n;
        size -= n;
    }
    put(out, "0\r\n");
    if (sim_below(r, 8) == 0)
        put(out, "X-Trailer: at the end\r\n");
    put(out, "\r\n");
}

/* The request line and the fields about persistence. Answers HTTP/1.'s minor. */
static int put_start(struct sim_random *r, struct stream *out, struct request *q,
                     const char *method, const char *path, uint32_t at)
{
    int minor = sim_below(r, 20) == 0 ? 0 : 1;
    const char *before = sim_below(r, 20) == 0 ? "http://sim.test" : "";
    if (sim_below(r, 50) == 0)
        put(out, "\r\n");
    put(out, "%s %s%s?t=%u&at=%u HTTP/1.%d\r\n", method, before, path, q->token, at, minor);
    if (minor == 1 || sim_below(r, 2) == 0 || before[0] != '\0')
        put(out, "Host: sim.test\r\n");
    bool keeps = sim_below(r, 2) == 0;
    if (minor == 0 && keeps)
        put(out, "Connection: keep-alive\r\n");
    q->closes = minor == 0 && !keeps;
    if (minor == 1 && sim_below(r, 40) == 0) {
        put(out, "Connection: close\r\n");
        q->closes = true;
    }
    return minor;
}

static void put_echo(struct sim_random *r, const struct talk_limits *limits, struct stream *out,
                     struct request *q, uint32_t at)
{
    uint32_t most = limits->content_max < limits->size_max ? limits->content_max : limits->size_max;
    uint32_t size = some_size(r, most);
    const char *content = sim_table + at;
    bool lost = sim_below(r, 15) == 0;
    int minor = put_start(r, out, q, sim_below(r, 4) == 0 ? "PUT" : "POST",
                          lost ? "/nowhere" : "/echo", at);
    bool chunked = minor == 1 && sim_below(r, 2) == 0;
    answer_is(q, 200, content, size);
    if (lost)
        answer_is_problem(q, 404);
    put_filler(r, limits, q, out);
    if (minor == 1 && sim_below(r, 6) == 0 && (chunked || size > 0)) {
        put(out, "Expect: 100-continue\r\n");
        q->expects_continue = true;
    }
    if (chunked)
        put(out, "Transfer-Encoding: chunked\r\n\r\n");
    else
        put(out, "Content-Length: %u\r\n\r\n", size);
    q->head_end = out->base + out->size;
    if (chunked)
        put_chunked(r, out, content, size);
    else
        put_bytes(out, content, size);
}

void talk_request(struct sim_random *r, const struct talk_limits *limits, uint32_t token,
                  struct stream *out, struct request *q)
{
    char path[64];
    uint32_t at = sim_below(r, TABLE_START_MAX);
    *q = (struct request){.token = token, .has_token = true};
    if (sim_below(r, 3) == 0) {
        put_echo(r, limits, out, q, at);
    } else {
        const char *method = choose_path(r, limits, q, at, path, sizeof path);
        q->head = strcmp(method, "HEAD") == 0;
        put_start(r, out, q, method, path, at);
        put_filler(r, limits, q, out);
        bool content = sim_below(r, 30) == 0;
        put(out, content ? "Content-Length: 5\r\n\r\n" : "\r\n");
        q->head_end = out->base + out->size;
        if (content)
            put(out, "hello");
    }
    q->end = out->base + out->size;
}

/* ── Requests that must be refused ───────────────────────────────────────────────────────────────────────────── */

static const struct bad_request {
    const char *text;
    uint16_t statuses[REQUEST_STATUSES];
} bad_requests[] = {
    {"GET / HTTP/1.1\nHost: sim.test\r\n\r\n", {400}},
    {"GET / HTTP/1.1\r\n\r\n", {400}},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}},
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", {400}},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n", {400}},
    {"GET / HTTP/1.1\r\nHost: a\r\nX 1\r\n\r\n", {400}},
    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
    {"GET / HTTP/9.1\r\nHost: a\r\n\r\n", {505, 400}},
    {"GET / HTTX/1.1\r\nHost: a\r\n\r\n", {400, 505}},
    {"GET hello HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
    {"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", {400}},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", {400}},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", {400, 413}},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\nhello", {413}},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: "
     "chunked\r\n\r\n0\r\n\r\n",
     {400}},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nhello", {501, 400}},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", {400}},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n", {400}},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", {400}},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nmuch",
     {413, 400, 408}},
    {"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\nContent-Length: 2\r\n\r\nhi", {417}},
    {"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", {405, 501, 400}},
    {"\x16\x03\x01\x02garbage\r\n\r\n", {400}},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x01z\r\n\r\n", {400}},
};

void talk_bad_request(struct sim_random *r, const struct talk_limits *limits, struct stream *out,
                      struct request *q)
{
    *q = (struct request){.closes = true, .refused = true, .any_content = true};
    uint32_t choice = sim_below(r, COUNT_OF(bad_requests) + 2);
    if (choice < COUNT_OF(bad_requests)) {
        const struct bad_request *bad = &bad_requests[choice];
        put(out, "%s", bad->text);
        memcpy(q->statuses, bad->statuses, sizeof q->statuses);
    } else if (choice == COUNT_OF(bad_requests)) {
        put(out, "GET /");
        put_bytes(out, sim_table, limits->request_line_max);
        put(out, " HTTP/1.1\r\nHost: a\r\n\r\n");
        q->statuses[0] = 414;
        q->statuses[1] = 400; /* not a target, as it happens */
        q->statuses[2] = 408; /* many octets, and a slow sender */
        q->scarce = true;
    } else {
        put(out, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (uint32_t size = 0; size <= limits->head_max; size += 3000) {
            put(out, "X-%u: ", size);
            put_bytes(out, sim_table, 3000);
            put(out, "\r\n");
        }
        put(out, "\r\n");
        q->statuses[0] = 431;
        q->statuses[1] = 408;
        q->scarce = true;
    }
    if (sim_below(r, 3) == 0)
        put_bytes(out, sim_table, sim_below(r, 3000));
    q->head_end = q->end = out->base + out->size;
}

void talk_endless_head(struct stream *out, size_t octets, bool first)
{
    if (first)
        put(out, "GET /hello HTTP/1.1\r\nHost: sim.test\r\nX-Endless: ");
    put_bytes(out, sim_table, octets);
}

void talk_endless_content(struct stream *out, size_t octets, bool first)
{
    if (first)
        put(out, "POST /echo HTTP/1.1\r\nHost: sim.test\r\nContent-Length: 4000\r\n\r\n");
    put_bytes(out, sim_table, octets);
}

/* ── Replies ─────────────────────────────────────────────────────────────────────────────────────────────────── */

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
    if (none == p->has_length && p->status != 304)
        return none ? "a Content-Length where there is no content" : "no Content-Length";
    if (!p->has_date && p->status >= 200 && p->status != 503)
        return "no Date";
    if (q == NULL && !(p->close && (p->status == 503 || p->status == 408)))
        return "a reply to nothing";
    if (q != NULL && p->status == q->statuses[0] && !q->any_content && !none &&
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
        if (p->status == 204 || p->status == 304 || (q != NULL && q->head))
            p->content_size = 0;
    }
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
