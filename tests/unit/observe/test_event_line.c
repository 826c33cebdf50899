/* test_event_line.c: lines to the octet: text, journal, JSON; what is in a message never makes a second line, and no name of a
 * field takes one of the line's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "observe/event_inside.h"
#include "observe/rfc3339.h"
#include <time.h>

static char line[EVENT_LINE_MAX + 1], scratch[EVENT_LINE_MAX];
static struct event_fields fields;

static struct event_record record_of(const char *area, const char *message)
{
    return (struct event_record){
        .time_ms = INT64_C(971186136042), /* Tue, 10 Oct 2000 13:55:36.042 GMT */
        .area = area,
        .message = message,
        .message_size = (uint32_t)strlen(message),
        .fields = fields.bytes,
        .fields_size = fields.size,
        .level = LEAT_LOG_WARNING,
        .kind = EVENT_UNLIMITED,
    };
}

static const char *line_of(enum event_format format, bool is_journal, const struct event_record *record)
{
    struct event_style style = {format, is_journal};
    size_t size = leat__event_line_write(line, &style, record);
    line[size] = '\0';
    assert_int_equal(line[size - 1], '\n');
    assert_null(memchr(line, '\n', size - 1));
    return line;
}

static void text_has_time_and_level(void **state)
{
    (void)state;
    event_fields_init(&fields);
    struct event_record r = record_of("exchange", "it says \"no\"");
    assert_string_equal(line_of(EVENT_TEXT, false, &r),
                        "2000-10-10T13:55:36.042Z warning exchange: it says \"no\"\n");
    r = record_of(NULL, "mine");
    r.level = LEAT_LOG_DEBUG;
    assert_string_equal(line_of(EVENT_TEXT, false, &r), "2000-10-10T13:55:36.042Z debug mine\n");
}

static void a_journal_gets_priorities(void **state)
{
    (void)state;
    event_fields_init(&fields);
    struct event_record r = record_of("server", "started");
    static const char *const expected[] = {"<3>", "<4>", "<5>", "<6>", "<7>"};
    for (unsigned level = LEAT_LOG_ERROR; level <= LEAT_LOG_DEBUG; level++) {
        r.level = (uint8_t)level;
        assert_memory_equal(line_of(EVENT_TEXT, true, &r), expected[level - 1], 3);
        assert_string_equal(line + 3, "server: started\n");
    }
}

static void fields_come_behind(void **state)
{
    (void)state;
    event_fields_init(&fields);
    leat__event_field_text(&fields, "route", "/a/:b", 5);
    leat__event_field_text(&fields, "bank", "two words\n", 10);
    leat__event_field_text(&fields, "empty", "", 0);
    leat__event_field_int(&fields, "cents", INT64_MIN);
    leat__event_field_text(&fields, "a b=\"", "x", 1);
    leat__event_field_text(&fields, "level", "x", 1);
    struct event_record r = record_of("handler", "failed");
    assert_string_equal(
        line_of(EVENT_TEXT, false, &r),
        "2000-10-10T13:55:36.042Z warning handler: failed route=/a/:b "
        "bank=\"two words\\n\" empty=\"\" cents=-9223372036854775808 a_b__=x level_=x\n");
    assert_string_equal(
        line_of(EVENT_JSON, false, &r),
        "{\"time\":\"2000-10-10T13:55:36.042Z\",\"level\":\"warning\",\"area\":\"handler\","
        "\"message\":\"failed\",\"route\":\"/a/:b\",\"bank\":\"two words\\n\",\"empty\":\"\","
        "\"cents\":-9223372036854775808,\"a_b__\":\"x\",\"level_\":\"x\"}\n");
}

static void nothing_makes_a_second_line(void **state)
{
    (void)state;
    event_fields_init(&fields);
    struct event_record r = record_of(NULL, "a\nb\rc\x1b[2J\x7f\xc2\x9b\xff\xc3\xa9");
    assert_string_equal(
        line_of(EVENT_TEXT, false, &r),
        "2000-10-10T13:55:36.042Z warning a\\nb\\x0dc\\x1b[2J\\x7f\\xc2\\x9b\\xff\xc3\xa9\n");
    assert_non_null(strstr(line_of(EVENT_JSON, false, &r), "\"a\\nb\\rc\\u001b[2J"));
    leat__event_field_text(&fields, "value", "\n\x1b\x7f\xc2\x9b\xff\xc3\xa9\"", 9);
    r = record_of(NULL, "text");
    assert_string_equal(line_of(EVENT_TEXT, false, &r),
                        "2000-10-10T13:55:36.042Z warning text "
                        "value=\"\\n\\u001b\\x7f\\xc2\\x9b\xef\xbf\xbd\xc3\xa9\\\"\"\n");
}

static void the_longest_has_room(void **state)
{
    (void)state;
    static char controls[EVENT_MESSAGE_MAX + 1];
    memset(controls, 1, EVENT_MESSAGE_MAX);
    event_fields_init(&fields);
    for (int i = 0; i < 1000; i++) /* what does not fit is left out */
        leat__event_field_text(&fields, "", controls, i % 300);
    assert_in_range(fields.size, EVENT_FIELDS_MAX - 300, EVENT_FIELDS_MAX);
    struct event_record r = record_of("area", controls);
    line_of(EVENT_TEXT, false, &r);
    line_of(EVENT_JSON, false, &r);
    char told[EVENT_TOLD_MAX];
    leat__event_tell(told, scratch, &r);
    assert_in_range(strlen(told), EVENT_TOLD_MAX - 8, EVENT_TOLD_MAX - 1);
    assert_string_equal(told + strlen(told) - 3, "\xe2\x80\xa6");
}

static void fields_that_are_broken_end_the_line(void **state)
{
    (void)state;
    event_fields_init(&fields);
    leat__event_field_text(&fields, "name", "value", 5);
    for (uint32_t size = 0; size < fields.size; size++) {
        struct event_record r = record_of("area", "text");
        r.fields_size = size;
        assert_string_equal(line_of(EVENT_TEXT, false, &r),
                            "2000-10-10T13:55:36.042Z warning area: text\n");
    }
}

static void times_are_those_of_libc(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 366 * 8029; day += 13) {
        char mine[RFC3339_SIZE + 1] = {0}, theirs[64];
        time_t t = (time_t)(day * 86400 + day % 86400);
        struct tm parts;
        if (t > 253402300799)
            break;
        leat__rfc3339_write(mine, (int64_t)t * 1000 + 7);
        gmtime_r(&t, &parts);
        strftime(theirs, sizeof theirs, "%Y-%m-%dT%H:%M:%S.007Z", &parts);
        assert_string_equal(mine, theirs);
    }
    char mine[RFC3339_SIZE];
    leat__rfc3339_write(mine, INT64_MIN);
    assert_memory_equal(mine, "1970-01-01T00:00:00.000Z", RFC3339_SIZE);
    leat__rfc3339_write(mine, INT64_MAX);
    assert_memory_equal(mine, "9999-12-31T23:59:59.999Z", RFC3339_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_has_time_and_level),
        cmocka_unit_test(a_journal_gets_priorities),
        cmocka_unit_test(fields_come_behind),
        cmocka_unit_test(nothing_makes_a_second_line),
        cmocka_unit_test(the_longest_has_room),
        cmocka_unit_test(fields_that_are_broken_end_the_line),
        cmocka_unit_test(times_are_those_of_libc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
