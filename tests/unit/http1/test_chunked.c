/* test_chunked.c: the chunked coding: what is taken, what is refused, and that no split of the
 * bytes changes it: whole, octet by octet, cut in two at every position; apart from the input and
 * over it. */
#include "replay.h"

enum { ROOM = 4096 };

struct outcome {
    enum http1_result result;
    unsigned status;
    const char *why;
    size_t used, made;
    char out[ROOM];
};

/* In pieces that end at each of the cuts and at size. Each piece is decoded apart, or over itself
 * and then moved. */
static void decode(struct outcome *o, const char *bytes, size_t size, const size_t *cuts,
                   size_t cut_count, size_t room, bool in_place)
{
    struct http1_chunked c = {.total_max = room};
    static char copy[65536];
    o->used = o->made = 0;
    o->result = HTTP1_NEED_MORE;
    for (size_t i = 0; i <= cut_count && o->result == HTTP1_NEED_MORE; i++) {
        size_t used, made, end = i < cut_count ? cuts[i] : size;
        memcpy(copy, bytes + o->used, end - o->used);
        char *out = in_place ? copy : o->out + o->made;
        o->result = leat__http1_parse_chunked(&c, copy, end - o->used, &used, out,
                                              in_place ? sizeof copy : room - o->made, &made);
        if (in_place)
            memcpy(o->out + o->made, copy, made);
        if (o->result == HTTP1_NEED_MORE)
            assert_int_equal(used, end - o->used);
        o->used += used;
        o->made += made;
        assert_int_equal(c.total, o->made);
    }
    o->status = c.status;
    o->why = c.why;
}

static bool is_same(const struct outcome *a, const struct outcome *b)
{
    if (a->result != b->result || a->used != b->used || a->made != b->made ||
        memcmp(a->out, b->out, a->made) != 0)
        return false;
    return a->result != HTTP1_BAD || (a->status == b->status && strcmp(a->why, b->why) == 0);
}

/* One answer, whatever the split. */
static void decode_all(struct outcome *o, const char *bytes, size_t size)
{
    static struct outcome again;
    static size_t every[65536];
    for (size_t i = 0; i < size; i++)
        every[i] = i;
    decode(o, bytes, size, NULL, 0, ROOM, false);
    for (unsigned in_place = 0; in_place < 2; in_place++) {
        decode(&again, bytes, size, NULL, 0, ROOM, in_place != 0);
        assert_true(is_same(o, &again));
        decode(&again, bytes, size, every, size, ROOM, in_place != 0);
        if (!is_same(o, &again))
            fail_msg("octet by octet: %s, %s: %s", o->why, again.why, bytes);
        size_t step = size < 2000 ? 1 : size / 300;
        for (size_t cut = 0; cut < size; cut += step) {
            decode(&again, bytes, size, &cut, 1, ROOM, in_place != 0);
            if (!is_same(o, &again))
                fail_msg("cut at %zu: %s, %s: %s", cut, o->why, again.why, bytes);
        }
    }
}

static void good_content(void **state)
{
    static const struct {
        const char *bytes, *content;
    } cases[] = {
        {"0\r\n\r\n", ""},
        {"5\r\nhello\r\n0\r\n\r\n", "hello"},
        {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"},
        {"a\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
        {"A\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
        {"0005\r\nhello\r\n000\r\n\r\n", "hello"},
        {"00000000000000000000000000000005\r\nhello\r\n0\r\n\r\n", "hello"},
        {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n"},
        {"5;n\r\nhello\r\n0\r\n\r\n", "hello"},
        {"5;n=v\r\nhello\r\n0\r\n\r\n", "hello"},
        {"5;n=v;m;o=p\r\nhello\r\n0;last\r\n\r\n", "hello"},
        {"5;n=\"a;\\\"b\"\r\nhello\r\n0\r\n\r\n", "hello"},
        {"5;n=\"\"\r\nhello\r\n0\r\n\r\n", "hello"},
        {"5;n=\"\t \x80\\\t\"\r\nhello\r\n0\r\n\r\n", "hello"},
        {"5 ;n\r\nhello\r\n0\r\n\r\n", "hello"},
        {"5 \t; n = v ; m=\"x\" ;o\r\nhello\r\n0\r\n\r\n", "hello"},
        {"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n", "hello"},
        {"5\r\nhello\r\n0\r\nX-T:\r\nY: \x80 \t\r\n\r\n", "hello"},
        {"5\r\nhello\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: gzip\r\n\r\n", "hello"},
    };
    static struct outcome o;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        decode_all(&o, cases[i].bytes, strlen(cases[i].bytes));
        if (o.result != HTTP1_DONE)
            fail_msg("%s: %s", o.why, cases[i].bytes);
        assert_int_equal(o.used, strlen(cases[i].bytes));
        assert_int_equal(o.made, strlen(cases[i].content));
        assert_memory_equal(o.out, cases[i].content, o.made);
    }
}

struct bad_case {
    const char *bytes;
    size_t size;
    unsigned status;
};

#define BAD(text, status)                                                                          \
    {                                                                                              \
        text, sizeof(text) - 1, status                                                             \
    }

static void bad_content(void **state)
{
    static const struct bad_case cases[] = {
        BAD(" 5\r\nhello\r\n0\r\n\r\n", 400),
        BAD("\t5\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5 \r\nhello\r\n0\r\n\r\n", 400),
        BAD("5\t\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5 5\r\nhello\r\n0\r\n\r\n", 400),
        BAD("+5\r\nhello\r\n0\r\n\r\n", 400),
        BAD("-5\r\nhello\r\n0\r\n\r\n", 400),
        BAD("-0\r\n\r\n", 400),
        BAD("0x5\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5h\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5_0\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5.0\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5,5\r\nhello\r\n0\r\n\r\n", 400),
        BAD("\"5\"\r\nhello\r\n0\r\n\r\n", 400),
        BAD("\r\nhello\r\n0\r\n\r\n", 400),
        BAD(";n\r\nhello\r\n0\r\n\r\n", 400),
        BAD("g\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5\0\r\nhello\r\n0\r\n\r\n", 400),
        BAD("\0005\r\nhello\r\n0\r\n\r\n", 400),
        BAD("\xb5\r\nhello\r\n0\r\n\r\n", 400),
        BAD("10000000000000005\r\nhello\r\n0\r\n\r\n", 413),
        BAD("FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", 413),
        BAD("8000000000000000\r\nhello\r\n0\r\n\r\n", 413),
        BAD("FFFFFFFFFFFFFFFFFFFFFFFF5\r\nhello\r\n0\r\n\r\n", 413),
        BAD("100000005\r\nhello\r\n0\r\n\r\n", 413),
        BAD("5\nhello\r\n0\r\n\r\n", 400),
        BAD("5\rhello\r\n0\r\n\r\n", 400),
        BAD("5\r\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5\n\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5\r\nhello0\r\n\r\n", 400),
        BAD("5\r\nhello\n0\r\n\r\n", 400),
        BAD("5\r\nhello\r0\r\n\r\n", 400),
        BAD("5\r\nhello!\r\n0\r\n\r\n", 400),
        BAD("5\r\nhello\r\n\r\n0\r\n\r\n", 400),
        BAD("5\r\nhell\r\n0\r\n\r\n", 400),
        BAD("5;\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5; \r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;;\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;n;\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;=v\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;n=\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;n \r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;n=v \r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;n=v w\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;n=v=w\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;n m\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5=v\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5 =v\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;a[=x\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;a=[x\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;a=x\x80\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;a=\0x\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;a=\nx\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;a=\rx\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;a\nhello\r\n0\r\n\r\n", 400),
        BAD("5;a=\"b\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;a=\"b\nc\"\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;a=\"b\\\r\n\"\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;a=\"b\\\x7f\"\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;a=\"\0\"\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;a=\"b\"c\r\nhello\r\n0\r\n\r\n", 400),
        BAD("5;a=b\"c\"\r\nhello\r\n0\r\n\r\n", 400),
        BAD("0\n\r\n", 400),
        BAD("0\r\n\n", 400),
        BAD("0\r\n\rx", 400),
        BAD("0\r\nNoColon\r\n\r\n", 400),
        BAD("0\r\n: v\r\n\r\n", 400),
        BAD("0\r\nX : v\r\n\r\n", 400),
        BAD("0\r\n X: v\r\n\r\n", 400),
        BAD("0\r\nX: v\r\n w\r\n\r\n", 400),
        BAD("0\r\nX: a\0b\r\n\r\n", 400),
        BAD("0\r\nX: a\rb\r\n\r\n", 400),
        BAD("0\r\nX: a\n\r\n", 400),
        BAD("0\r\nX\x80: a\r\n\r\n", 400),
        BAD("0\r\nX(: a\r\n\r\n", 400),
        BAD("0\r\nX: \x7f\r\n\r\n", 400),
        BAD("0\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    };
    static struct outcome o;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        decode_all(&o, cases[i].bytes, cases[i].size);
        if (o.result != HTTP1_BAD || o.status != cases[i].status)
            fail_msg("%d, %u (%s): %s", o.result, o.status, o.why, cases[i].bytes);
    }
}

static void unfinished_content(void **state)
{
    static const char bytes[] = "5;n=\"v\"\r\nhello\r\n0\r\nX-T: 1\r\n\r\n";
    static struct outcome o;
    (void)state;
    for (size_t size = 0; size < sizeof bytes - 1; size++) {
        decode_all(&o, bytes, size);
        assert_int_equal(o.result, HTTP1_NEED_MORE);
    }
}

static void what_follows_is_not_touched(void **state)
{
    static const char bytes[] = "5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
    static struct outcome o;
    (void)state;
    decode_all(&o, bytes, sizeof bytes - 1);
    assert_int_equal(o.result, HTTP1_DONE);
    assert_int_equal(o.used, 15);
}

static void content_that_does_not_fit(void **state)
{
    static const char bytes[] = "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    struct http1_chunked c = {0};
    char out[16];
    size_t used, made;
    (void)state;
    assert_int_equal(leat__http1_parse_chunked(&c, bytes, sizeof bytes - 1, &used, out, 11, &made),
                     HTTP1_DONE);
    assert_int_equal(made, 11);
    c = (struct http1_chunked){0};
    memset(out, '.', sizeof out);
    assert_int_equal(leat__http1_parse_chunked(&c, bytes, sizeof bytes - 1, &used, out, 10, &made),
                     HTTP1_BAD);
    assert_int_equal(c.status, 413);
    assert_int_equal(made, 10);
    assert_int_equal(out[10], '.');
    /* a bound on the whole is told at the size line, before an octet too many is sent */
    c = (struct http1_chunked){.total_max = 10};
    assert_int_equal(leat__http1_parse_chunked(&c, bytes, 13, &used, out, 16, &made), HTTP1_BAD);
    assert_int_equal(c.status, 413);
    assert_int_equal(made, 5);
    c = (struct http1_chunked){.total_max = 11};
    assert_int_equal(leat__http1_parse_chunked(&c, bytes, 13, &used, out, 16, &made), HTTP1_NEED_MORE);
}

/* before, then count times again, then after */
static unsigned status_of(const char *before, const char *again, size_t count, const char *after)
{
    static char bytes[65536];
    static struct outcome o;
    size_t size = strlen(before), step = strlen(again);
    memcpy(bytes, before, size);
    for (; count > 0; count--, size += step)
        memcpy(bytes + size, again, step);
    memcpy(bytes + size, after, strlen(after));
    decode_all(&o, bytes, size + strlen(after));
    assert_int_not_equal(o.result, HTTP1_NEED_MORE);
    return o.result == HTTP1_DONE ? 200 : o.status;
}

static void bounds_of_the_rest(void **state)
{
    (void)state;
    /* one line */
    assert_int_equal(status_of("1;", "n", 4000, "\r\nx\r\n0\r\n\r\n"), 200);
    assert_int_equal(status_of("1;", "n", 4100, "\r\nx\r\n0\r\n\r\n"), 400);
    assert_int_equal(status_of("", "0", 4000, "\r\n\r\n"), 200);
    assert_int_equal(status_of("", "0", 4100, "\r\n\r\n"), 400);
    assert_int_equal(status_of("0\r\nX: ", "v", 4000, "\r\n\r\n"), 200);
    assert_int_equal(status_of("0\r\nX: ", "v", 4100, "\r\n\r\n"), 431);
    assert_int_equal(status_of("0\r\n", "n", 4100, ": v\r\n\r\n"), 431);
    /* many lines: chunks themselves are no overhead, all else is bounded in sum */
    assert_int_equal(status_of("", "1\r\nx\r\n", 4000, "0\r\n\r\n"), 200);
    assert_int_equal(status_of("", "1;n=vvvv\r\nx\r\n", 2000, "0\r\n\r\n"), 200);
    assert_int_equal(status_of("", "1;n=vvvv\r\nx\r\n", 2500, "0\r\n\r\n"), 400);
    assert_int_equal(status_of("0\r\n", "X: v\r\n", 2500, "\r\n"), 200);
    assert_int_equal(status_of("0\r\n", "X: v\r\n", 4000, "\r\n"), 431);
    static const char zeros[] = "00000000000000000000000000000000000000000000001\r\nx\r\n";
    assert_int_equal(status_of("", zeros, 500, "0\r\n\r\n"), 200);
    assert_int_equal(status_of("", zeros, 600, "0\r\n\r\n"), 400);
}

/* Pieces that matter in any order: only that the answer is one. */
static void random_content(void **state)
{
    static const char *const pieces[] = {"0",
                                         "5",
                                         "\r\n",
                                         "\r\n",
                                         "hello",
                                         ";",
                                         "n",
                                         "=",
                                         "\"",
                                         "\\",
                                         " ",
                                         "\t",
                                         "\r",
                                         "\n",
                                         "X",
                                         ":",
                                         "5\r\nhello\r\n",
                                         "0\r\n",
                                         "1;a=\"b\"\r\nx\r\n",
                                         "\x80"};
    static struct outcome o;
    uint64_t random = 3;
    (void)state;
    for (unsigned n = 0; n < 5000; n++) {
        char bytes[512];
        size_t size = 0;
        for (uint64_t i = 1 + replay_random(&random) % 12; i > 0; i--) {
            const char *piece = pieces[replay_random(&random) % COUNT_OF(pieces)];
            memcpy(bytes + size, piece, strlen(piece));
            size += strlen(piece);
        }
        bytes[size] = 0;
        decode_all(&o, bytes, size);
    }
}

/* Kept trailers are the same however the bytes are split, and room is asked for once, when there are some. */
static void kept_trailers(void **state)
{
    (void)state;
    static const char with[] = "1\r\na\r\n0\r\nA: b\r\nC:\td \r\n\r\n",
                      without[] = "1\r\na\r\n0\r\n\r\n";
    static const char kept[] = "A: b\nC:\td \n";
    for (size_t step = 1; step < sizeof with; step++) {
        struct http1_chunked c = {.keeps_trailers = true};
        char room[HTTP1_TRAILERS_MAX], out[8];
        enum http1_result result = HTTP1_NEED_MORE;
        size_t at = 0, used, made, asked = 0;
        while (result == HTTP1_NEED_MORE && at < sizeof with - 1) {
            result = leat__http1_parse_chunked(&c, with + at, size_min(step, sizeof with - 1 - at),
                                               &used, out, sizeof out, &made);
            at += used;
            asked += c.wants_room;
            if (c.wants_room)
                c.trailers = room;
        }
        assert_int_equal(result, HTTP1_DONE);
        assert_int_equal(asked, 1);
        assert_int_equal(c.trailers_size, sizeof kept - 1);
        assert_memory_equal(room, kept, sizeof kept - 1);
    }
    struct http1_chunked c = {.keeps_trailers = true};
    char out[8];
    size_t used, made;
    assert_int_equal(
        leat__http1_parse_chunked(&c, without, sizeof without - 1, &used, out, sizeof out, &made),
        HTTP1_DONE);
    assert_false(c.wants_room);
}

static void too_many_kept_trailers(void **state)
{
    (void)state;
    char room[HTTP1_TRAILERS_MAX], out[8], line[128];
    struct http1_chunked c = {.keeps_trailers = true, .trailers = room};
    size_t used, made, lines = 0;
    enum http1_result result = leat__http1_parse_chunked(&c, "0\r\n", 3, &used, out, sizeof out, &made);
    while (result == HTTP1_NEED_MORE) {
        int n = snprintf(line, sizeof line, "X-%zu: %090d\r\n", ++lines, 0);
        result = leat__http1_parse_chunked(&c, line, (size_t)n, &used, out, sizeof out, &made);
    }
    assert_int_equal(result, HTTP1_BAD);
    assert_int_equal(c.status, 431);
    assert_true(lines > HTTP1_TRAILERS_MAX / 128 && lines < HTTP1_TRAILERS_MAX / 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_content),
        cmocka_unit_test(bad_content),
        cmocka_unit_test(unfinished_content),
        cmocka_unit_test(what_follows_is_not_touched),
        cmocka_unit_test(content_that_does_not_fit),
        cmocka_unit_test(bounds_of_the_rest),
        cmocka_unit_test(random_content),
        cmocka_unit_test(kept_trailers),
        cmocka_unit_test(too_many_kept_trailers),
    };
    return cmocka_run_group_tests_name("chunked", tests, NULL, NULL);
}
