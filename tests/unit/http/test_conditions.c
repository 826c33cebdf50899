/* test_conditions.c: which lines are kept, and how the conditions of RFC 9110 13 are judged, each by itself and in the order
 * of 13.2.2. */
#include "http/conditions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define OLD "Sun, 06 Nov 1994 08:49:36 GMT"
#define SAME "Sun, 06 Nov 1994 08:49:37 GMT"
#define NEW "Sun, 06 Nov 1994 08:49:38 GMT"

enum { MODIFIED_S = 784111777, LINES_MAX = 12 };

static struct http_text text_of(const char *text)
{
    return (struct http_text){text, strlen(text)};
}

static const struct http_validators strong = {
    .etag = {"\"abc\"", 5}, .modified_s = MODIFIED_S, .now_s = MODIFIED_S + 1000, .exists = true};
static const struct http_validators weak = {.etag = {"\"abc\"", 5},
                                            .etag_weak = true,
                                            .modified_s = MODIFIED_S,
                                            .now_s = MODIFIED_S + 1000,
                                            .exists = true};
static const struct http_validators dateless = {
    .etag = {"\"abc\"", 5}, .modified_s = INT64_MIN, .now_s = MODIFIED_S, .exists = true};
static const struct http_validators bare = {.modified_s = INT64_MIN, .now_s = MODIFIED_S, .exists = true};
static const struct http_validators absent = {.modified_s = INT64_MIN, .now_s = MODIFIED_S};

struct line {
    const char *name, *value;
};

static void read_all(struct http_conditions *c, const struct line *lines)
{
    memset(c, 0xee, sizeof *c);
    http_conditions_clear(c);
    for (; lines->name != NULL; lines++)
        leat__http_conditions_read(c, lines->name, strlen(lines->name), lines->value,
                                   strlen(lines->value));
}

static void keeps_its_own_lines(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {"If-Match", "a"},
        {"IF-NONE-MATCH", "b"},
        {"if-modified-since", "c"},
        {"If-UnModified-Since", "d"},
        {"iF-rAnGe", "e"},
        {"RANGE", "f"},
        {"Accept-Encoding", "g"},
        {"Range", "h"},
        {NULL, NULL},
    };
    struct http_conditions c;
    read_all(&c, lines);
    assert_true(c.any);
    const struct http_lines *fields[] = {&c.if_match, &c.if_none_match, &c.if_modified_since,
                                         &c.if_unmodified_since, &c.if_range};
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        assert_int_equal(fields[i]->count, 1);
        assert_int_equal(fields[i]->lines[0].size, 1);
        assert_int_equal(fields[i]->lines[0].data[0], 'a' + (int)i);
    }
    assert_int_equal(c.range.count, 2);
    assert_int_equal(c.range.lines[0].data[0], 'f');
    assert_int_equal(c.range.lines[1].data[0], 'h');
    assert_int_equal(c.accept_encoding.count, 1);
}

static void passes_over_others(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "Host",
        "Accept",
        "Cookie",
        "Rangf",
        "Sange",
        "If-Matcg",
        "If-Rangf",
        "Priority",
        "If-None-Matcg",
        "X-None-Match",
        "Cache-Control",
        "Accept-Language",
        "Accept-Encodinh",
        "Bccept-Encoding",
        "If-Modified-Sincf",
        "If-Unmodified-Sincf",
        "If-Modified",
        "Content-Range",
        "I\r-Match",
        "If\rMatch",
        "Proxy-Authenticate",
        "Upgrade-Insecure-Requests",
    };
    struct http_conditions c = {0};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        leat__http_conditions_read(&c, names[i], strlen(names[i]), "x", 1);
        if (c.any)
            fail_msg("%s was kept", names[i]);
    }
}

struct judged {
    const char *what;
    const struct http_validators *v;
    struct line lines[4];
    unsigned get, put;
};

static const struct judged table[] = {
    {"nothing asked", &strong, {{NULL, NULL}}, 0, 0},
    /* 13.1.1 */
    {"If-Match: the tag", &strong, {{"If-Match", "\"abc\""}}, 0, 0},
    {"If-Match: another", &strong, {{"If-Match", "\"abd\""}}, 412, 412},
    {"If-Match: case matters", &strong, {{"If-Match", "\"ABC\""}}, 412, 412},
    {"If-Match: no part of it", &strong, {{"If-Match", "\"ab\""}}, 412, 412},
    {"If-Match: weak sent", &strong, {{"If-Match", "W/\"abc\""}}, 412, 412},
    {"If-Match: weak here", &weak, {{"If-Match", "\"abc\""}}, 412, 412},
    {"If-Match: both weak", &weak, {{"If-Match", "W/\"abc\""}}, 412, 412},
    {"If-Match: weak and strong sent", &strong, {{"If-Match", "W/\"abc\", \"abc\""}}, 0, 0},
    {"If-Match: any", &strong, {{"If-Match", "*"}}, 0, 0},
    {"If-Match: any, spaces around", &strong, {{"If-Match", " \t* "}}, 0, 0},
    {"If-Match: any, nothing there", &absent, {{"If-Match", "*"}}, 412, 412},
    {"If-Match: tag, nothing there", &absent, {{"If-Match", "\"abc\""}}, 412, 412},
    {"If-Match: any, and no tag here", &bare, {{"If-Match", "*"}}, 0, 0},
    {"If-Match: second of a list", &strong, {{"If-Match", "\"x\", \"abc\""}}, 0, 0},
    {"If-Match: list without spaces", &strong, {{"If-Match", "\"x\",\"abc\",\"y\""}}, 0, 0},
    {"If-Match: empty elements", &strong, {{"If-Match", ",, \"abc\" ,\t,"}}, 0, 0},
    {"If-Match: empty", &strong, {{"If-Match", ""}}, 412, 412},
    {"If-Match: only commas", &strong, {{"If-Match", " , ,"}}, 412, 412},
    {"If-Match: second line", &strong, {{"If-Match", "\"x\""}, {"If-Match", "\"abc\""}}, 0, 0},
    {"If-Match: neither line", &strong, {{"If-Match", "\"x\""}, {"If-Match", "\"y\""}}, 412, 412},
    {"If-Match: comma within a tag", &strong, {{"If-Match", "\"x,\"abc\""}}, 412, 412},
    {"If-Match: malformed behind", &strong, {{"If-Match", "\"abc\", x"}}, 412, 412},
    {"If-Match: no quotes", &strong, {{"If-Match", "abc"}}, 412, 412},
    {"If-Match: no comma", &strong, {{"If-Match", "\"x\" \"abc\""}}, 412, 412},
    {"If-Match: open quote", &strong, {{"If-Match", "\"abc"}}, 412, 412},
    {"If-Match: any in a list", &strong, {{"If-Match", "*, \"abc\""}}, 412, 412},
    {"If-Match: any twice", &strong, {{"If-Match", "*"}, {"If-Match", "*"}}, 412, 412},
    {"If-Match: small w", &strong, {{"If-Match", "w/\"abc\""}}, 412, 412},
    {"If-Match: a space in a tag", &strong, {{"If-Match", "\"a bc\", \"abc\""}}, 412, 412},
    /* 13.1.2 */
    {"If-None-Match: the tag", &strong, {{"If-None-Match", "\"abc\""}}, 304, 412},
    {"If-None-Match: another", &strong, {{"If-None-Match", "\"abd\""}}, 0, 0},
    {"If-None-Match: weak sent", &strong, {{"If-None-Match", "W/\"abc\""}}, 304, 412},
    {"If-None-Match: weak here", &weak, {{"If-None-Match", "\"abc\""}}, 304, 412},
    {"If-None-Match: both weak", &weak, {{"If-None-Match", "W/\"abc\""}}, 304, 412},
    {"If-None-Match: any", &strong, {{"If-None-Match", "*"}}, 304, 412},
    {"If-None-Match: any, nothing there", &absent, {{"If-None-Match", "*"}}, 0, 0},
    {"If-None-Match: third", &strong, {{"If-None-Match", "\"\", W/\"x\" , \"abc\""}}, 304, 412},
    {"If-None-Match: third line",
     &strong,
     {{"If-None-Match", "\"x\""}, {"If-None-Match", ","}, {"If-None-Match", "\"abc\""}},
     304,
     412},
    {"If-None-Match: empty", &strong, {{"If-None-Match", ""}}, 0, 0},
    {"If-None-Match: no quotes", &strong, {{"If-None-Match", "abc"}}, 0, 412},
    {"If-None-Match: malformed behind", &strong, {{"If-None-Match", "\"abc\", x"}}, 0, 412},
    {"If-None-Match: two quotes missing", &strong, {{"If-None-Match", "W/abc"}}, 0, 412},
    {"If-None-Match: no tag here", &bare, {{"If-None-Match", "\"abc\", \"\""}}, 0, 0},
    /* 13.1.3 */
    {"If-Modified-Since: the same", &strong, {{"If-Modified-Since", SAME}}, 304, 0},
    {"If-Modified-Since: later", &strong, {{"If-Modified-Since", NEW}}, 304, 0},
    {"If-Modified-Since: earlier", &strong, {{"If-Modified-Since", OLD}}, 0, 0},
    {"If-Modified-Since: far off", &strong, {{"If-Modified-Since", "Fri, 31 Dec 9999 23:59:59 GMT"}}, 304, 0},
    {"If-Modified-Since: RFC 850", &strong, {{"If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"}}, 304, 0},
    {"If-Modified-Since: asctime", &strong, {{"If-Modified-Since", " Sun Nov  6 08:49:37 1994\t"}}, 304, 0},
    {"If-Modified-Since: no date", &strong, {{"If-Modified-Since", "yesterday"}}, 0, 0},
    {"If-Modified-Since: a number", &strong, {{"If-Modified-Since", "784111777"}}, 0, 0},
    {"If-Modified-Since: twice", &strong, {{"If-Modified-Since", SAME}, {"If-Modified-Since", SAME}}, 0, 0},
    {"If-Modified-Since: list", &strong, {{"If-Modified-Since", SAME ", " SAME}}, 0, 0},
    {"If-Modified-Since: none here", &dateless, {{"If-Modified-Since", NEW}}, 0, 0},
    /* 13.1.4 */
    {"If-Unmodified-Since: the same", &strong, {{"If-Unmodified-Since", SAME}}, 0, 0},
    {"If-Unmodified-Since: later", &strong, {{"If-Unmodified-Since", NEW}}, 0, 0},
    {"If-Unmodified-Since: earlier", &strong, {{"If-Unmodified-Since", OLD}}, 412, 412},
    {"If-Unmodified-Since: no date", &strong, {{"If-Unmodified-Since", "x"}}, 0, 0},
    {"If-Unmodified-Since: list", &strong, {{"If-Unmodified-Since", OLD ", " OLD}}, 0, 0},
    {"If-Unmodified-Since: none here", &dateless, {{"If-Unmodified-Since", OLD}}, 0, 0},
    /* 13.2.2 */
    {"If-Match before If-Unmodified-Since",
     &strong,
     {{"If-Unmodified-Since", OLD}, {"If-Match", "\"abc\""}},
     0,
     0},
    {"If-Match fails before If-None-Match",
     &strong,
     {{"If-None-Match", "\"abc\""}, {"If-Match", "\"x\""}},
     412,
     412},
    {"If-Match holds, then If-None-Match", &strong, {{"If-None-Match", "\"abc\""}, {"If-Match", "*"}}, 304, 412},
    {"If-Match holds, then If-Modified-Since", &strong, {{"If-Modified-Since", SAME}, {"If-Match", "*"}}, 304, 0},
    {"If-Unmodified-Since fails first",
     &strong,
     {{"If-None-Match", "\"abc\""}, {"If-Unmodified-Since", OLD}},
     412,
     412},
    {"If-Unmodified-Since holds, then If-None-Match",
     &strong,
     {{"If-None-Match", "\"abc\""}, {"If-Unmodified-Since", SAME}},
     304,
     412},
    {"If-None-Match before If-Modified-Since",
     &strong,
     {{"If-Modified-Since", SAME}, {"If-None-Match", "\"x\""}},
     0,
     0},
    {"If-None-Match, though malformed, before If-Modified-Since",
     &strong,
     {{"If-Modified-Since", SAME}, {"If-None-Match", "x"}},
     0,
     412},
    {"If-None-Match holds where the date does not",
     &strong,
     {{"If-Modified-Since", OLD}, {"If-None-Match", "\"abc\""}},
     304,
     412},
    {"Range changes nothing", &strong, {{"Range", "bytes=0-1"}, {"If-Range", "\"x\""}}, 0, 0},
};

static void judged_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const struct judged *row = &table[i];
        struct http_conditions c;
        read_all(&c, row->lines);
        unsigned get = leat__http_conditions_judge(&c, HTTP_GET, row->v);
        unsigned put = leat__http_conditions_judge(&c, HTTP_PUT, row->v);
        if (get != row->get || put != row->put)
            fail_msg("%s: %u and %u, not %u and %u", row->what, get, put, row->get, row->put);
        assert_int_equal(leat__http_conditions_judge(&c, HTTP_HEAD, row->v), row->get);
        assert_int_equal(leat__http_conditions_judge(&c, HTTP_DELETE, row->v), row->put);
    }
}

/* 13.2.1 */
static void methods_that_select_nothing(void **state)
{
    (void)state;
    static const struct line lines[] = {{"If-Match", "\"x\""}, {"If-None-Match", "*"}, {NULL, NULL}};
    struct http_conditions c;
    read_all(&c, lines);
    assert_int_equal(leat__http_conditions_judge(&c, HTTP_OPTIONS, &strong), 0);
    assert_int_equal(leat__http_conditions_judge(&c, HTTP_CONNECT, &strong), 0);
    assert_int_equal(leat__http_conditions_judge(&c, HTTP_TRACE, &strong), 0);
    assert_int_equal(leat__http_conditions_judge(&c, HTTP_POST, &strong), 412);
}

/* A list on more lines than are kept could hold anything. */
static void too_many_lines_match_nothing(void **state)
{
    (void)state;
    struct http_conditions c = {0};
    for (int i = 0; i < CONDITION_LINES_MAX; i++)
        leat__http_conditions_read(&c, "If-None-Match", 13, "\"abc\"", 5);
    assert_int_equal(leat__http_conditions_judge(&c, HTTP_GET, &strong), 304);
    for (int i = 0; i < LINES_MAX; i++)
        leat__http_conditions_read(&c, "If-None-Match", 13, "\"abc\"", 5);
    assert_int_equal(leat__http_conditions_judge(&c, HTTP_GET, &strong), 0);
    assert_int_equal(leat__http_conditions_judge(&c, HTTP_PUT, &strong), 412);
    assert_int_equal(c.if_none_match.count, CONDITION_LINES_MAX + 1);
}

/* Every octet but the quote, the controls and the space may stand in a tag (8.8.3). */
static void octets_of_a_tag(void **state)
{
    (void)state;
    for (int octet = 0; octet < 256; octet++) {
        char tag[4] = {'"', (char)octet, '"', 0};
        struct http_validators v = strong;
        v.etag = (struct http_text){tag, 3};
        struct http_conditions c = {0};
        leat__http_conditions_read(&c, "If-Match", 8, tag, 3);
        bool allowed = octet == 0x21 || (octet >= 0x23 && octet <= 0x7e) || octet >= 0x80;
        assert_int_equal(leat__http_conditions_judge(&c, HTTP_GET, &v), allowed ? 0 : 412);
    }
}

static bool holds(const char *if_range, const struct http_validators *v)
{
    const struct line lines[] = {{"If-Range", if_range}, {NULL, NULL}};
    struct http_conditions c;
    read_all(&c, lines);
    return leat__http_if_range_holds(&c, v);
}

static void if_range_by_tag(void **state)
{
    (void)state;
    assert_true(holds("\"abc\"", &strong));
    assert_true(holds(" \"abc\"\t", &strong));
    assert_false(holds("\"abd\"", &strong));
    assert_false(holds("W/\"abc\"", &strong));
    assert_false(holds("\"abc\"", &weak));
    assert_false(holds("W/\"abc\"", &weak));
    assert_false(holds("\"abc\", \"abc\"", &strong));
    assert_false(holds("\"abc\",", &strong));
    assert_false(holds("*", &strong));
    assert_false(holds("abc", &strong));
    assert_false(holds("", &strong));
    assert_false(holds("\"\"", &bare));
}

static void if_range_by_date(void **state)
{
    (void)state;
    assert_true(holds(SAME, &strong));
    assert_true(holds("Sunday, 06-Nov-94 08:49:37 GMT", &strong));
    assert_true(holds("Sun Nov  6 08:49:37 1994", &strong));
    assert_true(holds(SAME, &weak)); /* the date is strong by itself */
    assert_false(holds(OLD, &strong));
    assert_false(holds(NEW, &strong)); /* exactly, not since */
    assert_false(holds(SAME ", " SAME, &strong));
    assert_false(holds(SAME, &dateless));
    assert_false(holds("yesterday", &dateless)); /* no date equals no date */
}

/* 8.8.2.2: while its second is not safely over, a file may change again and keep its date. */
static void if_range_by_a_fresh_date(void **state)
{
    (void)state;
    struct http_validators v = strong;
    static const struct {
        int64_t after_s;
        bool holds;
    } ages[] = {{-1000, false}, {-1, false}, {0, false}, {1, false}, {2, true}, {3, true}};
    for (size_t i = 0; i < COUNT_OF(ages); i++) {
        v.now_s = MODIFIED_S + ages[i].after_s;
        assert_int_equal(holds(SAME, &v), ages[i].holds);
    }
}

static void if_range_on_two_lines(void **state)
{
    (void)state;
    static const struct line lines[] = {{"If-Range", "\"abc\""}, {"If-Range", "\"abc\""}, {NULL, NULL}};
    struct http_conditions c;
    read_all(&c, lines);
    assert_false(leat__http_if_range_holds(&c, &strong));
}

static void trims_both_ends(void **state)
{
    (void)state;
    struct http_text text = http_text_trim(text_of(" \t a\tb \t"));
    assert_int_equal(text.size, 3);
    assert_memory_equal(text.data, "a\tb", 3);
    assert_int_equal(http_text_trim(text_of(" \t ")).size, 0);
    assert_int_equal(http_text_trim(text_of("\r")).size, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_its_own_lines),
        cmocka_unit_test(passes_over_others),
        cmocka_unit_test(judged_as_the_table_says),
        cmocka_unit_test(methods_that_select_nothing),
        cmocka_unit_test(too_many_lines_match_nothing),
        cmocka_unit_test(octets_of_a_tag),
        cmocka_unit_test(if_range_by_tag),
        cmocka_unit_test(if_range_by_date),
        cmocka_unit_test(if_range_by_a_fresh_date),
        cmocka_unit_test(if_range_on_two_lines),
        cmocka_unit_test(trims_both_ends),
    };
    return cmocka_run_group_tests_name("conditions", tests, NULL, NULL);
}
