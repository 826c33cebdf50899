/* leat top without a terminal: responses, frames and what is drawn of them. loaded.json is what a server under load
 * once told. */
#include "top.h"
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct top_sheet sheet;
static char error[TOP_ERROR_SIZE];

/* ── Responses ── */

static int read_reply(const char *text, const char **content, size_t *size)
{
    static char *bytes;
    free(bytes);
    bytes = malloc(strlen(text) + 1);
    memcpy(bytes, text, strlen(text)); /* no NUL: whoever reads on is caught */
    return leat__top_reply_read(bytes, strlen(text), content, size, error, sizeof error);
}

static void responses_by_their_framing(void **state)
{
    (void)state;
    static const struct {
        const char *reply, *content;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "{}"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}beyond", "{}"},
        {"HTTP/1.1 200 OK\r\nA: b\r\ntransfer-encoding: "
         "chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
         "{}"},
        {"HTTP/1.0 200 OK\r\n\r\n{}", "{}"},
    };
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        const char *content;
        size_t size;
        assert_int_equal(read_reply(rows[i].reply, &content, &size), 0);
        assert_int_equal(size, strlen(rows[i].content));
        assert_string_equal(content, rows[i].content);
    }
}

static void responses_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        int status;
        const char *says;
    } rows[] = {
        {"", TOP_NOT_THERE, "without an answer"},
        {"SSH-2.0-OpenSSH_9.2\r\n", TOP_NOT_LEAT, "no HTTP"},
        {"HTTP/1.1 200", TOP_NOT_LEAT, "no HTTP"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", TOP_NOT_THERE, "cut off"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", TOP_NOT_THERE, "cut off"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", TOP_NOT_THERE, "cut off"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", TOP_NOT_THERE, "cut off"},
        {"HTTP/1.1 401 Unauthorized\r\n\r\n", TOP_DENIED, "--token-file"},
        {"HTTP/1.1 404 Not Found\r\n\r\n", TOP_NOT_LEAT, "no admin listener"},
        {"HTTP/1.1 503 Busy\r\n\r\n", TOP_NOT_THERE, "503"},
        {"HTTP/1.1 500 Oh\r\n\r\n", TOP_NOT_LEAT, "500"},
    };
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        const char *content;
        size_t size;
        assert_int_equal(read_reply(rows[i].reply, &content, &size), rows[i].status);
        assert_true(strstr(error, rows[i].says) != NULL || strstr(error, "not an admin listener") != NULL);
    }
}

/* ── Frames ── */

static void add(struct top_history *h, const char *text)
{
    json_t *frame = leat__top_frame_read(text, strlen(text), error, sizeof error);
    assert_non_null(frame);
    leat__top_history_add(h, frame);
}

static void what_is_no_frame(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "3",
                                        "{}",
                                        "{\"time\": 1}",
                                        "{\"time\": \"x\", \"metrics\": {}}",
                                        "{\"time\": 1, \"metrics\": []}",
                                        "{\"time\": 1e999, \"metrics\": {}}"};
    for (unsigned i = 0; i < COUNT_OF(texts); i++)
        assert_null(leat__top_frame_read(texts[i], strlen(texts[i]), error, sizeof error));
}

#define FRAME(pid, up, requests, routes, buckets)                                                  \
    "{\"time\": 1, \"pid\": " #pid ", \"uptime_s\": " #up                                          \
    ", \"metrics\": {\"http_requests_answered_total\": " #requests "}, \"routes\": [" routes       \
    "], \"histograms\": {\"duration\": {\"buckets\": [" buckets "]}}}"
#define ROUTE(name, requests, p99)                                                                 \
    "{\"method\": \"GET\", \"route\": \"" name "\", \"requests\": " #requests                      \
    ", \"classes\": {\"5xx\": 2}, \"sum_s\": 4, \"p99_s\": " #p99 "}"

static void rates_are_differences(void **state)
{
    (void)state;
    struct top_history h = {0};
    double seconds;
    add(&h, FRAME(7, 10, 100, ROUTE("/a", 40, 1) "," ROUTE("/b", 60, 2), "[0.001, 5], [0.002, 5]"));
    assert_true(leat__top_rate(&h, "http_requests_answered_total") == 0);
    add(&h, FRAME(7, 12, 160, ROUTE("/b", 110, 2) "," ROUTE("/a", 50, 1),
                  "[0.001, 5], [0.0015, 90], [0.002, 15], [1, 0]"));
    assert_true(leat__top_rate(&h, "http_requests_answered_total") == 30);
    assert_true(leat__top_growth(&h, "http_requests_answered_total", &seconds) == 60 && seconds == 2);
    assert_true(leat__top_rate(&h, "no_such_total") == 0);
    struct top_spread spread;
    leat__top_spread_read(&spread, &h, "duration");
    assert_true(spread.count == 100);
    assert_true(leat__top_quantile(&spread, 0.5) == 0.0015);
    assert_true(leat__top_quantile(&spread, 0.9) == 0.0015);
    assert_true(leat__top_quantile(&spread, 0.99) == 0.002);
    assert_true(leat__top_quantile(&spread, 1) == 0.002);
    leat__top_spread_read(&spread, &h, "turn");
    assert_true(leat__top_quantile(&spread, 0.5) < 0);
    struct top_route routes[4];
    assert_int_equal(leat__top_routes(&h, routes, 4, TOP_BY_RATE), 2);
    assert_string_equal(routes[0].route, "/b");
    assert_true(routes[0].rate == 25 && routes[1].rate == 5 && routes[1].errors == 2);
    assert_true(routes[1].mean_s == 0.08);
    assert_int_equal(leat__top_routes(&h, routes, 1, TOP_BY_P99), 1);
    leat__top_history_clear(&h);
}

static void another_run_begins_anew(void **state)
{
    (void)state;
    struct top_history h = {0};
    add(&h, FRAME(7, 10, 100, "", ""));
    add(&h, FRAME(7, 11, 200, "", ""));
    add(&h, FRAME(8, 1, 5, "", ""));
    assert_int_equal(h.count, 1);
    assert_true(leat__top_rate(&h, "http_requests_answered_total") == 0);
    add(&h, FRAME(8, 0.5, 5, "", "")); /* the same number again */
    assert_int_equal(h.count, 1);
    for (unsigned i = 0; i < 3 * TOP_HISTORY; i++)
        add(&h, FRAME(8, 2, 5, "", ""));
    assert_int_equal(h.count, TOP_HISTORY);
    leat__top_history_clear(&h);
    assert_null(leat__top_newest(&h));
}

/* ── Drawing ── */

static char *drawn(const struct top_shown *shown, int rows, int columns)
{
    static char *text;
    size_t size;
    free(text);
    leat__top_sheet_init(&sheet, rows, columns, false);
    leat__top_draw(&sheet, shown);
    FILE *to = open_memstream(&text, &size);
    assert_int_equal(leat__top_sheet_print(&sheet, to), 0);
    fclose(to);
    return text;
}

static void load(struct top_history *h)
{
    static char text[1 << 16];
    FILE *file = fopen("tests/unit/top/loaded.json", "r");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    add(h, text);
}

static void every_view_at_every_size(void **state)
{
    (void)state;
    struct top_history h = {0}, none = {0};
    struct top_shown shown = {
        .history = &h, .address = "http://127.0.0.1:9464", .trouble = "", .is_interactive = true};
    load(&h);
    for (unsigned view = 0; view < TOP_VIEWS; view++) {
        shown.view = (enum top_view)view;
        for (int rows = 1; rows <= TOP_ROWS_MAX + 5; rows += rows < 40 ? 1 : 33)
            for (int columns = 1; columns <= TOP_COLUMNS_MAX + 5; columns += columns < 90 ? 8 : 77)
                drawn(&shown, rows, columns);
        shown.history = &none;
        drawn(&shown, 24, 80);
        shown.history = &h;
    }
    leat__top_history_clear(&h);
}

static void an_ordinary_terminal_has_the_essentials(void **state)
{
    (void)state;
    static const char *const words[] = {"leat top  tour 0.1.0 at there",
                                        "requests",
                                        "processor",
                                        "p99.9",
                                        "turns",
                                        "CONNECTIONS  20 of ",
                                        "lingering",
                                        "POOLS",
                                        "connection slot",
                                        "ROUTES",
                                        "GET /",
                                        "THE DOCTOR SAYS",
                                        "q quit"};
    struct top_history h = {0};
    struct top_shown shown = {.history = &h, .address = "there", .trouble = "", .is_interactive = true};
    load(&h);
    const char *text = drawn(&shown, 24, 80);
    for (unsigned i = 0; i < COUNT_OF(words); i++)
        assert_non_null(strstr(text, words[i]));
    shown.trouble = "gone";
    assert_non_null(strstr(drawn(&shown, 24, 80), "not there any more: gone"));
    shown.view = TOP_MEMORY;
    assert_non_null(strstr(drawn(&shown, 24, 80), "PLAN  "));
    leat__top_history_clear(&h);
}

static bool has_style(enum top_style style, const char *text)
{
    for (int r = 0; r < sheet.rows; r++)
        for (int c = 0; c + (int)strlen(text) <= sheet.columns; c++) {
            size_t i = 0;
            while (text[i] != '\0' && sheet.cells[r][c + (int)i].text[0] == text[i] &&
                   sheet.cells[r][c + (int)i].style == style)
                i++;
            if (text[i] == '\0')
                return true;
        }
    return false;
}

static void what_is_wrong_is_red(void **state)
{
    (void)state;
    struct top_history h = {0};
    struct top_shown shown = {.history = &h, .address = "there", .trouble = ""};
    add(&h, "{\"time\": 1, \"uptime_s\": 1, \"metrics\": {\"shards\": 4}, "
            "\"pools\": [{\"name\": \"full\", \"in_use\": 9, \"high\": 9, \"limit\": 9, "
            "\"refused\": 3}]}");
    add(&h, "{\"time\": 2, \"uptime_s\": 2, \"silent_shards\": 1, \"metrics\": {\"shards\": 4, "
            "\"shard_silence_seconds\": 7}, "
            "\"pools\": [{\"name\": \"full\", \"in_use\": 9, \"high\": 9, \"limit\": 9, "
            "\"refused\": 5}]}");
    drawn(&shown, 24, 80);
    assert_true(has_style(TOP_ALARM, "1 of 4 shards silent for 7 s"));
    assert_true(has_style(TOP_ALARM, "full"));
    assert_true(has_style(TOP_ALARM, "refused 5"));
    leat__top_history_clear(&h);
}

static void names_can_not_write_on_the_terminal(void **state)
{
    (void)state;
    struct top_history h = {0};
    struct top_shown shown = {.history = &h, .address = "there", .trouble = ""};
    add(&h,
        "{\"time\": 1, \"name\": \"a\\u001b[31mb\", \"metrics\": {}, \"events\": "
        "[{\"time\": 1, \"level\": \"error\", \"text\": \"c\\r\\n\\td\\u0007 \\u202e\\u4e16\"}]}");
    const char *text = drawn(&shown, 40, 80);
    assert_non_null(strstr(text, "a?[31mb"));
    assert_non_null(strstr(text, "c???d? ??\n"));
    for (const char *c = text; *c != '\0'; c++)
        assert_true(*c == '\n' || (*c >= ' ' && *c < 0x7f));
    leat__top_history_clear(&h);
}

static void numbers_are_short(void **state)
{
    (void)state;
    char out[TOP_HUMAN_SIZE];
    assert_string_equal(leat__top_count(out, 0), "0");
    assert_string_equal(leat__top_count(out, 99999), "99999");
    assert_string_equal(leat__top_count(out, 123456), "123k");
    assert_string_equal(leat__top_count(out, 1.25e6), "1.25M");
    assert_string_equal(leat__top_bytes(out, 512), "512 B");
    assert_string_equal(leat__top_bytes(out, 1536), "1.50 KiB");
    assert_string_equal(leat__top_bytes(out, 300 << 20), "300 MiB");
    assert_string_equal(leat__top_duration(out, -1), "-");
    assert_string_equal(leat__top_duration(out, 5e-7), "500 ns");
    assert_string_equal(leat__top_duration(out, 0.00001234), "12.3 us");
    assert_string_equal(leat__top_duration(out, 0.25), "250 ms");
    assert_string_equal(leat__top_duration(out, 2), "2 s");
    assert_string_equal(leat__top_long_duration(out, 59), "59s");
    assert_string_equal(leat__top_long_duration(out, 3 * 86400 + 4 * 3600), "3d 4h");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_by_their_framing),
        cmocka_unit_test(responses_that_are_none),
        cmocka_unit_test(what_is_no_frame),
        cmocka_unit_test(rates_are_differences),
        cmocka_unit_test(another_run_begins_anew),
        cmocka_unit_test(every_view_at_every_size),
        cmocka_unit_test(an_ordinary_terminal_has_the_essentials),
        cmocka_unit_test(what_is_wrong_is_red),
        cmocka_unit_test(names_can_not_write_on_the_terminal),
        cmocka_unit_test(numbers_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
