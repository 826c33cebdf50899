/* trailers.c: trailer fields and interim responses, for the end-to-end tests. */
#include <leat/leat.h>
#include <stdio.h>
#include <string.h>

static char block[60000];

static void tell_trailers(leat_exchange *x, size_t size)
{
    static const char *const names[] = {"X-Sum", "x-other", "Authorization", "Content-Length", "Absent"};
    char text[4096];
    size_t at = (size_t)snprintf(text, sizeof text, "%zu", size);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        leat_slice value = leat_trailer(x, names[i]);
        at += (size_t)snprintf(text + at, sizeof text - at, "|%.*s",
                               value.data != NULL ? (int)value.size : 4,
                               value.data != NULL ? value.data : "none");
    }
    leat_text(x, 200, "%s", text);
}

static void whole(leat_exchange *x)
{
    tell_trailers(x, leat_content(x).size);
}

static void pieces(leat_exchange *x)
{
    char piece[7];
    int64_t n, total = 0;
    if (leat_trailer(x, "X-Sum").data != NULL)
        fprintf(stderr, "a trailer before its time\n");
    while ((n = leat_read(x, piece, sizeof piece)) > 0)
        total += n;
    if (n == 0)
        tell_trailers(x, (size_t)total);
}

/* One field is known before the head, one comes with the content's end. */
static void respond(leat_exchange *x)
{
    int64_t size = leat_query_int(x, "size", 5);
    int early = leat_trailer_set(x, "X-Early", "known");
    leat_begin(x, 200, "text/plain");
    leat_write(x, block, (size_t)size);
    int late = leat_trailer_set(x, "X-Late", "computed");
    int forbidden = leat_trailer_set(x, "Content-Type", "text/html");
    int split = leat_trailer_set(x, "X-Split", "a\r\nb");
    if (early != 0 || late != 0 || forbidden != -22 || split != -22)
        fprintf(stderr, "answered %d %d %d %d\n", early, late, forbidden, split);
}

static void hints(leat_exchange *x)
{
    int first = leat_inform(x, 103, "Link: </style.css>; rel=preload; as=style\r\n");
    int second = leat_inform(x, 103, "Link: </script.js>; rel=preload; as=script\r\nX-More: 1\r\n");
    leat_sleep_ms(1);
    leat_text(x, 200, "%d %d", first, second);
}

static void bad_hints(leat_exchange *x)
{
    static const char *const lines[] = {"Link: no end", "no colon\r\n",          "A: b\r\n\r\n",
                                        ": empty\r\n",  "Content-Length: 5\r\n", "A: b\nC: d\r\n",
                                        "A b: c\r\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (leat_inform(x, 103, lines[i]) != -22)
            fprintf(stderr, "taken: %s\n", lines[i]);
    if (leat_inform(x, 100, "") != -22 || leat_inform(x, 101, "") != -22 || leat_inform(x, 200, "") != -22)
        fprintf(stderr, "taken: a status\n");
    leat_begin(x, 200, "text/plain");
    leat_writef(x, "%d", leat_inform(x, 103, "A: b\r\n"));
}

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    memset(block, 'x', sizeof block);
    leat_post(app, "/whole", whole);
    leat_post_stream(app, "/pieces", pieces);
    leat_get(app, "/respond", respond);
    leat_get(app, "/hints", hints);
    leat_get(app, "/bad-hints", bad_hints);
    return leat_main(app, argc, argv);
}
