/* compress.c: responses that are compressed, and requests that were, for the end-to-end tests. */
#include <leat/compress.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_MAX_ASKED = 2 << 20 };

static char text[SIZE_MAX_ASKED];

/* Words that come again and again, and some that don't. */
static void fill_text(void)
{
    static const char *const words[] = {"water ",  "channel ",   "leat ", "<p>",
                                        "field\n", "\"name\": ", "42, "};
    uint32_t seed = 7;
    size_t at = 0;
    while (at < sizeof text) {
        seed = seed * 1664525 + 1013904223;
        const char *word = words[(seed >> 24) % 7];
        size_t size = strlen(word);
        if (seed & 0x10000)
            text[at++] = (char)('a' + (seed >> 20) % 26);
        for (size_t i = 0; i < size && at < sizeof text; i++)
            text[at++] = word[i];
    }
}

static size_t asked_size(leat_exchange *x)
{
    int64_t n = leat_query_int(x, "n", 5000);
    return n < 0 || n > SIZE_MAX_ASKED ? SIZE_MAX_ASKED : (size_t)n;
}

static const char *asked_type(leat_exchange *x)
{
    const char *type = leat_query(x, "type");
    return type ? type : "text/html";
}

/* The fields that the query names. */
static void set_asked_fields(leat_exchange *x)
{
    static const char *const fields[][2] = {{"cc", "Cache-Control"},    {"etag", "ETag"},
                                            {"ce", "Content-Encoding"}, {"vary", "Vary"},
                                            {"ar", "Accept-Ranges"},    {"cr", "Content-Range"},
                                            {"cd", "Content-Digest"}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *value = leat_query(x, fields[i][0]);
        if (value != NULL)
            leat_field_set(x, fields[i][1], value);
    }
}

static void whole(leat_exchange *x)
{
    set_asked_fields(x);
    leat_bytes(x, (int)leat_query_int(x, "status", 200), asked_type(x), text, asked_size(x));
}

static void borrowed(leat_exchange *x)
{
    leat_bytes_borrow(x, 200, asked_type(x), text, asked_size(x), NULL, NULL);
}

static void random_octets(leat_exchange *x)
{
    size_t size = asked_size(x);
    char *bytes = leat_alloc(x, size);
    uint32_t seed = 1;
    for (size_t i = 0; bytes != NULL && i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        bytes[i] = (char)(seed >> 24);
    }
    leat_bytes(x, 200, "text/plain", bytes, bytes != NULL ? size : 0);
}

/* n octets in pieces of step; flush: behind each. ms: a nap behind each. */
static void stream(leat_exchange *x)
{
    size_t left = asked_size(x), step = (size_t)leat_query_int(x, "step", 777), at = 0;
    int64_t ms = leat_query_int(x, "ms", 0);
    bool flush = leat_query_int(x, "flush", 0) != 0;
    set_asked_fields(x);
    int error = leat_query_int(x, "sized", 0) ? leat_begin_sized(x, 200, asked_type(x), left)
                                              : leat_begin(x, 200, asked_type(x));
    while (error == 0 && left > 0) {
        size_t n = left < step ? left : step;
        error = leat_write(x, text + at, n);
        if (error == 0 && flush)
            error = leat_flush(x);
        if (ms > 0)
            leat_sleep_ms((uint64_t)ms);
        at += n;
        left -= n;
    }
    if (error < 0)
        fprintf(stderr, "stream: %d\n", error);
}

/* Server-Sent Events: one, and the next when somebody has asked for /go. */
static leat_task waiting;

static void events(leat_exchange *x)
{
    leat_begin(x, 200, "text/event-stream");
    leat_write(x, "data: first\n\n", 13);
    leat_flush(x);
    waiting = leat_task_self();
    leat_park(30000);
    leat_write(x, "data: second\n\n", 14);
}

static void go(leat_exchange *x)
{
    leat_text(x, 200, "%d\n", leat_unpark(waiting));
}

static void counters(leat_exchange *x)
{
    const leat_compress *c = leat_data(x);
    leat_text(x, 200, "%llu %llu %llu %llu %zu\n",
              (unsigned long long)leat_compress_count(c, LEAT_COMPRESS_RESPONSES),
              (unsigned long long)leat_compress_count(c, LEAT_COMPRESS_NO_CONTEXT),
              (unsigned long long)leat_compress_count(c, LEAT_COMPRESS_NO_GAIN),
              (unsigned long long)leat_compress_count(c, LEAT_COMPRESS_HIGH),
              leat_compress_context_size(c));
}

static void not_modified(leat_exchange *x)
{
    leat_field_set(x, "ETag", "\"strong\"");
    leat_slice asked = leat_field(x, "If-None-Match");
    if (asked.size == 10 && memcmp(asked.data, "W/\"strong\"", 10) == 0)
        leat_status(x, 304);
    else
        leat_bytes(x, 200, "text/html", text, 5000);
}

/* ── Requests ── */

static void echo(leat_exchange *x)
{
    leat_slice content = leat_content(x);
    leat_bytes(x, 200, "application/octet-stream", content.data, content.size);
}

static void measure(leat_exchange *x)
{
    char piece[3000];
    int64_t n, total = 0;
    uint32_t sum = 0;
    while ((n = leat_read(x, piece, sizeof piece)) > 0) {
        for (int64_t i = 0; i < n; i++)
            sum = sum * 31 + (unsigned char)piece[i];
        total += n;
    }
    if (n < 0) /* what is answered here does not count: but it is large enough to be compressed */
        leat_bytes(x, 200, "text/html", text, 5000);
    else
        leat_text(x, 200, "%lld %u\n", (long long)total, sum);
}

static leat_compress *create_compress(leat_app *app)
{
    leat_compress_options options = {0};
    const char *contexts = getenv("CONTEXTS"), *only = getenv("ONLY"), *level = getenv("LEVEL");
    options.contexts = contexts ? (uint32_t)strtoul(contexts, NULL, 10) : 0;
    options.prefer[0] = only;
    if (level != NULL)
        options.gzip_level = options.brotli_quality = options.zstd_level = (int)strtol(level, NULL, 10);
    return leat_compress_create(app, &options);
}

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    leat_compress *compress = create_compress(app);
    leat_decompress *decompress = leat_decompress_create(app, &(leat_decompress_options){.contexts = 2});
    const char *folder = getenv("FOLDER");
    fill_text();
    leat_get_with(app, "/counters", counters, compress);
    leat_app *small = leat_group(app, "");
    leat_use_with(small, leat_compress_responses, compress);
    leat_get(small, "/whole", whole);
    leat_get(small, "/borrowed", borrowed);
    leat_get(small, "/random", random_octets);
    leat_get(small, "/stream", stream);
    leat_get(small, "/events", events);
    leat_get(small, "/go", go);
    leat_get(small, "/conditional", not_modified);
    if (folder != NULL)
        leat_get_with(small, "/files/*path", leat_serve_files, leat_files_open(app, folder));
    leat_app *coded = leat_group(small, "");
    leat_use_with(coded, leat_decompress_requests, decompress);
    leat_post(coded, "/echo", echo);
    leat_post_stream(coded, "/measure", measure);
    leat_app *limited = leat_group(coded, "/limited");
    leat_limit_content(limited, 10000);
    leat_post(limited, "/echo", echo);
    leat_post_stream(limited, "/measure", measure);
    return leat_main(app, argc, argv);
}
