/* test_access_line.c: the lines of both formats to the octet, what clients sent made harmless, and the local time as libc
 * tells it, summer and winter. */
#include "access_test.h"
#include <time.h>

static char line[ACCESS_LINE_MAX + 1];

static const char *line_of(enum access_format format, const struct access_record *record)
{
    struct access_style style;
    leat__access_style_init(&style, format, record->time_s);
    size_t size = leat__access_line_write(line, &style, record);
    assert_in_range(size, 1, ACCESS_LINE_MAX);
    line[size] = '\0';
    return line;
}

static void use_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static void common_is_the_known_line(void **state)
{
    (void)state;
    use_zone("PST7");
    struct access_record r = record_of("GET", "/apache_pb.gif");
    r.time_s += (time_t)7 * 3600;
    r.minor = 0;
    assert_string_equal(
        line_of(ACCESS_COMMON, &r),
        "127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /apache_pb.gif HTTP/1.0\" "
        "200 2326\n");
}

static void combined_adds_referer_and_user_agent(void **state)
{
    (void)state;
    use_zone("IST-5:30");
    struct access_record r = record_of("HEAD", "/a?b=c");
    strcpy(r.host, "2001:db8::1");
    r.octets = UINT64_MAX;
    r.status = 304;
    r.referer = text_of("http://www.example.com/start.html");
    r.user_agent = text_of("Mozilla/4.08 [en] (Win98; I ;Nav)");
    assert_string_equal(line_of(ACCESS_COMBINED, &r),
                        "2001:db8::1 - - [10/Oct/2000:19:25:36 +0530] \"HEAD /a?b=c HTTP/1.1\" 304 "
                        "18446744073709551615 \"http://www.example.com/start.html\" "
                        "\"Mozilla/4.08 [en] (Win98; I ;Nav)\"\n");
}

static void what_is_not_there_is_a_dash(void **state)
{
    (void)state;
    use_zone("UTC");
    struct access_record r = {.time_s = 0, .status = 400};
    assert_string_equal(line_of(ACCESS_COMMON, &r),
                        "- - - [01/Jan/1970:00:00:00 +0000] \"-\" 400 0\n");
    assert_string_equal(line_of(ACCESS_COMBINED, &r),
                        "- - - [01/Jan/1970:00:00:00 +0000] \"-\" 400 0 \"-\" \"-\"\n");
    r.method = text_of("GET"); /* a method alone is no request */
    assert_non_null(strstr(line_of(ACCESS_COMMON, &r), " \"-\" 400 0\n"));
}

static void hostile_octets_are_escaped(void **state)
{
    (void)state;
    use_zone("UTC");
    struct access_record r = record_of("GET", "/\"\\\n\r\t\x1b[2J\x7f\x80\xff");
    r.target = (struct access_text){"/\"\\\0\n\r\t\x1b[2J\x7f\x80\xff~ ", 16};
    r.referer = text_of("\" 200 1\n10.0.0.1 - - forged");
    r.user_agent = text_of("\\");
    assert_string_equal(
        line_of(ACCESS_COMBINED, &r),
        "127.0.0.1 - - [10/Oct/2000:13:55:36 +0000] "
        "\"GET /\\\"\\\\\\x00\\x0a\\x0d\\x09\\x1b[2J\\x7f\\x80\\xff~  HTTP/1.1\" 200 2326 "
        "\"\\\" 200 1\\x0a10.0.0.1 - - forged\" \"\\\\\"\n");
}

static void every_octet_is_plain_or_escaped(void **state)
{
    (void)state;
    for (unsigned octet = 0; octet < 256; octet++) {
        char one = (char)octet, expected[8];
        if (octet == '"' || octet == '\\')
            snprintf(expected, sizeof expected, "\"\\%c\"\n", octet);
        else if (octet < 0x20 || octet >= 0x7f)
            snprintf(expected, sizeof expected, "\"\\x%02x\"\n", octet);
        else
            snprintf(expected, sizeof expected, "\"%c\"\n", octet);
        struct access_record r = record_of("GET", "/");
        r.user_agent = (struct access_text){&one, 1};
        const char *made = line_of(ACCESS_COMBINED, &r);
        assert_string_equal(made + strlen(made) - strlen(expected), expected);
    }
}

static void long_texts_are_cut_and_the_longest_line_fits(void **state)
{
    (void)state;
    static char long_text[ACCESS_TEXT_MAX + 100];
    memset(long_text, 0xfe, sizeof long_text);
    struct access_record r = record_of("", "");
    memset(r.host, 0xfe, sizeof r.host); /* not even ended */
    r.method = r.target = r.referer = r.user_agent = (struct access_text){long_text, sizeof long_text};
    r.octets = UINT64_MAX;
    r.status = UINT16_MAX;
    const char *made = line_of(ACCESS_COMBINED, &r);
    size_t escapes = 0;
    for (const char *at = made; (at = strstr(at, "\\xfe")) != NULL; at += 4)
        escapes++;
    assert_int_equal(escapes, ACCESS_HOST_SIZE + ACCESS_METHOD_MAX + 3 * ACCESS_TEXT_MAX);
}

/* As strftime would, which the writer must not call. */
static void expect_time_as_libc_tells_it(const struct access_zone *zone, time_t t)
{
    char made[ACCESS_TIME_SIZE + 1] = "", expected[64];
    struct tm local;
    localtime_r(&t, &local);
    strftime(expected, sizeof expected, "[%d/%b/%Y:%H:%M:%S %z]", &local);
    leat__access_time_write(made, zone, t);
    assert_string_equal(made, expected);
}

static void local_time_is_libcs_for_thirty_years(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC", "CET-1CEST,M3.5.0,M10.5.0/3",
                                        "NST3:30NDT,M3.2.0,M11.1.0", "NZST-12NZDT,M9.5.0,M4.1.0/3",
                                        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"};
    uint64_t seed = 20251121;
    for (unsigned i = 0; i < COUNT_OF(zones); i++) {
        use_zone(zones[i]);
        struct access_zone zone;
        time_t since = 1700000000;
        leat__access_zone_init(&zone, since);
        assert_in_range(zone.count, i == 0 ? 1 : 60, i == 0 ? 1 : 62);
        for (unsigned c = 1; c < zone.count; c++)
            for (int around = -2; around <= 2; around++)
                expect_time_as_libc_tells_it(&zone, zone.changes[c].from_s + around);
        for (unsigned n = 0; n < 20000; n++)
            expect_time_as_libc_tells_it(&zone, since + (time_t)random_below(&seed, 30 * 365 * 86400u));
    }
}

static void no_time_leaves_its_place(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC", "CET-1CEST,M3.5.0,M10.5.0/3", "PST8PDT,M3.2.0,M11.1.0"};
    for (unsigned i = 0; i < COUNT_OF(zones); i++) {
        use_zone(zones[i]);
        struct access_zone zone;
        leat__access_zone_init(&zone, 1700000000);
        char made[ACCESS_TIME_SIZE + 1] = "";
        leat__access_time_write(made, &zone, INT64_MIN);
        assert_memory_equal(made, "[01/Jan/1970:00:00:00 ", 22);
        leat__access_time_write(made, &zone, INT64_MAX);
        assert_memory_equal(made, "[31/Dec/9999:23:59:59 ", 22);
    }
}

static void a_second_is_written_anew_when_it_changes(void **state)
{
    (void)state;
    use_zone("UTC");
    struct access_style style;
    struct access_record r = record_of("GET", "/");
    leat__access_style_init(&style, ACCESS_COMMON, r.time_s);
    static const char seconds[] = "6678";
    for (unsigned i = 0; i < 4; i++) {
        r.time_s = 971186130 + (seconds[i] - '0');
        leat__access_line_write(line, &style, &r);
        assert_int_equal(line[strlen("127.0.0.1 - - [10/Oct/2000:13:55:3")], seconds[i]);
    }
}

static const char *json_of(const struct access_record *record)
{
    size_t size = leat__access_json_write(line, record, 1000);
    assert_in_range(size, 1, ACCESS_LINE_MAX);
    line[size] = '\0';
    return line;
}

static void json_tells_all_that_is_known(void **state)
{
    (void)state;
    struct access_record r = record_of("POST", "/orders/7?x=\"y\"");
    r.has_details = true;
    r.time_ms = INT64_C(971186136042);
    r.ticks = 2005;
    r.route = text_of("/orders/:id");
    r.request_id = text_of("abc");
    r.principal = text_of("ann");
    r.referer = text_of("http://a.example/");
    r.user_agent = text_of("t\x01\xff\xc3\xa9\\\n");
    assert_string_equal(
        json_of(&r),
        "{\"time\":\"2000-10-10T13:55:36.042Z\",\"peer\":\"127.0.0.1\",\"method\":\"POST\","
        "\"target\":\"/orders/7?x=\\\"y\\\"\",\"protocol\":\"HTTP/"
        "1.1\",\"status\":200,\"octets\":2326,"
        "\"duration_s\":2.005000,\"route\":\"/orders/"
        ":id\",\"request_id\":\"abc\",\"principal\":\"ann\","
        "\"referer\":\"http://a.example/"
        "\",\"user_agent\":\"t\\u0001\xef\xbf\xbd\xc3\xa9\\\\\\n\"}\n");
}

static void json_leaves_out_what_is_not_known(void **state)
{
    (void)state;
    struct access_record r = {.time_s = 0, .status = 400};
    assert_string_equal(json_of(&r),
                        "{\"time\":\"1970-01-01T00:00:00.000Z\",\"status\":400,\"octets\":0}\n");
    r.time_s = INT64_MAX;
    assert_non_null(strstr(json_of(&r), "\"9999-12-31T23:59:59.999Z\""));
}

static void the_longest_of_json_has_room(void **state)
{
    (void)state;
    static char texts[ACCESS_TEXT_MAX];
    memset(texts, 1, sizeof texts);
    struct access_text all = {texts, sizeof texts};
    struct access_record r = {.time_s = INT64_MAX,
                              .method = all,
                              .target = all,
                              .referer = all,
                              .user_agent = all,
                              .octets = UINT64_MAX,
                              .status = 599,
                              .has_details = true,
                              .time_ms = INT64_MAX,
                              .ticks = UINT64_MAX,
                              .route = all,
                              .request_id = all,
                              .principal = all};
    memset(r.host, 1, sizeof r.host);
    size_t size = leat__access_json_write(line, &r, 1);
    assert_in_range(size, 30000, ACCESS_LINE_MAX);
    assert_int_equal(line[size - 1], '\n');
    assert_null(memchr(line, '\n', size - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(common_is_the_known_line),
        cmocka_unit_test(json_tells_all_that_is_known),
        cmocka_unit_test(json_leaves_out_what_is_not_known),
        cmocka_unit_test(the_longest_of_json_has_room),
        cmocka_unit_test(combined_adds_referer_and_user_agent),
        cmocka_unit_test(what_is_not_there_is_a_dash),
        cmocka_unit_test(hostile_octets_are_escaped),
        cmocka_unit_test(every_octet_is_plain_or_escaped),
        cmocka_unit_test(long_texts_are_cut_and_the_longest_line_fits),
        cmocka_unit_test(local_time_is_libcs_for_thirty_years),
        cmocka_unit_test(no_time_leaves_its_place),
        cmocka_unit_test(a_second_is_written_anew_when_it_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
