/* talk.c: what the model clients ask, and what must be answered to it. */
#include "sim/talk.h"
#include "sim/app.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

/* What is asked with a number in its path, or has an answer that depends on something. */
enum ask {
    ASK_SIZED,
    ASK_BORROW,
    ASK_TEXT,
    ASK_FILE,
    ASK_PIECES,
    ASK_FILED,
    ASK_PREPARED,
    ASK_FIELDS,
    ASK_ALLOC,
    ASK_STATUS,
    ASK_NAP,
    ASK_STREAM,
    ASK_SIZED_STREAM,
    ASK_FAMILY,
    ASK_HELLO,
    ASK_KINDS,
};

/* What is always answered in the same way. */
static const struct fixed_ask {
    const char *method, *path;
    uint16_t statuses[REQUEST_STATUSES];
    bool has_token, any_content;
    const char *text;
} fixed_asks[] = {
    {"GET", "/pool", {200}, true, false, "pooled\n"},
    {"GET", "/silent", {500}, false, true, NULL},
    {"GET", "/greedy", {500}, false, true, NULL},
    {"GET", "/redirect", {303}, true, false, NULL},
    {"GET", "/problem", {422}, true, true, NULL},
    {"GET", "/missing", {404}, true, true, NULL},
    {"HEAD", "/missing", {404}, true, true, NULL},
    {"DELETE", "/hello", {405}, true, true, NULL},
    {"OPTIONS", "/sized/1", {204, 200}, true, false, NULL},
    {"BREW", "/coffee", {501}, true, true, NULL},
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

static const char *choose_fixed(struct sim_random *r, struct request *q, char *path, size_t room)
{
    const struct fixed_ask *ask = &fixed_asks[sim_below(r, COUNT_OF(fixed_asks))];
    snprintf(path, room, "%s", ask->path);
    if (ask->text != NULL)
        q->content_size = (uint32_t)snprintf(q->text, sizeof q->text, "%s", ask->text);
    memcpy(q->statuses, ask->statuses, sizeof q->statuses);
    q->has_token = ask->has_token;
    q->any_content = ask->any_content;
    return ask->method;
}

/* The path, and with it what must be answered. */
static const char *choose_path(struct sim_random *r, const struct talk_limits *limits,
                               struct request *q, uint32_t at, char *path, size_t room)
{
    static const char *const names[] = {"sized",  "borrow", "text",    "file",
                                        "pieces", "filed",  "prepared"};
    static const uint16_t statuses[] = {200, 201, 204, 304, 404, 202};
    uint32_t n = some_size(r, limits->size_max);
    enum ask ask = sim_below(r, 2) == 0 ? ASK_HELLO : (enum ask)sim_below(r, ASK_KINDS);
    if (sim_below(r, 4) == 0)
        return choose_fixed(r, q, path, room);
    switch (ask) {
    case ASK_SIZED:
    case ASK_BORROW:
    case ASK_TEXT:
    case ASK_FILE:
    case ASK_PIECES:
    case ASK_FILED:
    case ASK_PREPARED:
        snprintf(path, room, "/%s/%u", names[ask - ASK_SIZED], n);
        answer_is(q, 200, sim_table + at, n);
        q->scarce = ask == ASK_PREPARED || (n > 500 && ask != ASK_BORROW && ask != ASK_FILE);
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
    case ASK_NAP:
        n = sim_below(r, 300);
        snprintf(path, room, "/nap/%u", n);
        answer_is_text(q, "napped %u\n", n);
        break;
    case ASK_STREAM:
    case ASK_SIZED_STREAM:
        q->streamed = ask == ASK_STREAM;
        q->trails = q->streamed && at % 3 == 0;
        snprintf(path, room, "/%s/%u", q->streamed ? "stream" : "sized-stream", n);
        answer_is(q, 200, sim_table + at, n);
        break;
    case ASK_FAMILY:
        n = sim_below(r, 4);
        snprintf(path, room, "/family/%u", n);
        answer_is_text(q, "family\n%.0u", 0);
        q->scarce = n > 0;
        break;
    case ASK_HELLO:
    case ASK_KINDS:
        snprintf(path, room, sim_below(r, 20) == 0 ? "/h%%65llo" : "/hello");
        answer_is_text(q, "Hello, %u\n", q->token);
        break;
    }
    return sim_below(r, 10) == 0 ? "HEAD" : "GET";
}

/* Fields that say nothing, as browsers send them; now and then very many octets of them. */
static void put_filler(struct sim_random *r, const struct talk_limits *limits, struct request *q,
                       struct stream *out)
{
    uint32_t fields = sim_below(r, 3) == 0 ? sim_below(r, 13) : 0;
    for (uint32_t i = 0; i < fields; i++) {
        int n = 1 + (int)sim_below(r, 90);
        put(out, "X-Filler-%u: %.*s\r\n", i, n, sim_table + sim_below(r, 9999));
    }
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
        const char *extension = extensions[sim_below(r, COUNT_OF(extensions))];
        put(out, sim_below(r, 2) == 0 ? "%x%s\r\n" : "%X%s\r\n", n, extension);
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
    int minor = sim_below(r, 20) == 0 && !q->streamed ? 0 : 1;
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

enum post { POST_ECHO, POST_NOWHERE, POST_RECEIVE, POST_PIPE, POST_CLOSED };

static const char *const post_paths[] = {"/echo", "/nowhere", "/receive", "/pipe", "/closed/echo"};

static enum post choose_post(struct sim_random *r)
{
    uint32_t choice = sim_below(r, 30);
    return choice < 2    ? POST_NOWHERE
           : choice < 10 ? POST_RECEIVE
           : choice < 16 ? POST_PIPE
           : choice < 18 ? POST_CLOSED
                         : POST_ECHO;
}

static void put_echo(struct sim_random *r, const struct talk_limits *limits, struct stream *out,
                     struct request *q, uint32_t at)
{
    uint32_t most = limits->content_max < limits->size_max ? limits->content_max : limits->size_max;
    uint32_t size = some_size(r, most);
    const char *content = sim_table + at;
    enum post post = choose_post(r);
    if (post == POST_RECEIVE || post == POST_PIPE) /* bounded by nothing */
        size = some_size(r, limits->size_max);
    q->streamed = post == POST_PIPE;
    int minor = put_start(r, out, q, sim_below(r, 4) == 0 ? "PUT" : "POST", post_paths[post], at);
    bool chunked = minor == 1 && sim_below(r, 2) == 0;
    answer_is(q, 200, content, size);
    if (post == POST_NOWHERE)
        answer_is_problem(q, 404);
    if (post == POST_CLOSED)
        answer_is_problem(q, 401);
    q->may_close = post == POST_CLOSED;
    if (post == POST_RECEIVE)
        answer_is_text(q, "%u\n", sim_sum(0, content, size));
    put_filler(r, limits, q, out);
    /* A stream's answer begins before its content is asked for. */
    if (minor == 1 && sim_below(r, 6) == 0 && (chunked || size > 0) && post <= POST_RECEIVE) {
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
        q->trails = q->trails && sim_below(r, 2) == 0;
        if (q->trails)
            put(out, "TE: trailers\r\n");
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
