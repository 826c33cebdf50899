/* events.c: Server-Sent Events, for the end-to-end tests. */
#include <leat/leat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char block[100000];

static void tell(const char *what, int64_t result)
{
    fprintf(stderr, "%s: %lld\n", what, (long long)result);
}

static void shapes(leat_exchange *x)
{
    static const leat_event events[] = {
        {.data = "plain"},
        {.id = "1", .event = "kind", .data = "two\nlines", .retry_ms = 250},
        {.data = "CRLF\r\nCR\rLF\nend"},
        {.data = ""},
        {.data = "ends with a line end\n"},
        {.data = " keeps its blank", .id = " 2"},
        {.data = ": no comment"},
        {.id = "3"},
        {.id = "", .data = "id is gone"},
        {.data = "gr\xc3\xbc\xc3\x9f dich", .event = "\xc3\xa4"},
    };
    leat_sse_begin(x);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        leat_sse_send(x, &events[i]);
    leat_sse_comment(x, "nobody\ndata: reads this");
    leat_sse_comment(x, NULL);
}

static void refused(leat_exchange *x)
{
    static const leat_event good = {.data = "good"};
    static const leat_event bad[] = {
        {.id = "a\nb"}, {.id = "a\rdata: b"}, {.event = "a\nb"}, {.event = "\r"}, {.retry_ms = -1}};
    int before = leat_sse_send(x, &good);
    leat_sse_begin(x);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (leat_sse_send(x, &bad[i]) != -22)
            tell("taken", (int64_t)i);
    if (before != -1)
        tell("sent before its beginning", before);
    leat_sse_send(x, &good);
}

/* Counts on from what the client has seen, until it goes. */
static void count(leat_exchange *x)
{
    long long at = strtoll(leat_sse_last_id(x), NULL, 10);
    char id[32];
    int result = leat_sse_begin(x);
    while (result == 0) {
        snprintf(id, sizeof id, "%lld", ++at);
        leat_event event = {.id = id, .data = id};
        result = leat_sse_send(x, &event);
        if (result == 0)
            result = leat_sleep_ms(5);
    }
    tell("count ended", result);
}

/* As fast as the client takes them. */
static void flood(leat_exchange *x)
{
    leat_event event = {.data = block};
    int result = leat_sse_begin(x);
    while (result == 0)
        result = leat_sse_send(x, &event);
    tell("flood ended", result);
}

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    memset(block, 'x', sizeof block - 1);
    leat_get(app, "/shapes", shapes);
    leat_get(app, "/refused", refused);
    leat_get(app, "/count", count);
    leat_get(app, "/flood", flood);
    return leat_main(app, argc, argv);
}
