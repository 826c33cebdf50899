/* test_dates.c: HTTP's dates, written and read in all three forms, beside libc's own calendar. */
#include "http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

static const struct {
    int64_t seconds;
    const char *fixdate, *rfc850, *asctime; /* NULL: that form cannot say it */
} table[] = {
    {784111777, "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
     "Sun Nov  6 08:49:37 1994"},
    {0, "Thu, 01 Jan 1970 00:00:00 GMT", "Thursday, 01-Jan-70 00:00:00 GMT", "Thu Jan  1 00:00:00 1970"},
    {951782400, "Tue, 29 Feb 2000 00:00:00 GMT", "Tuesday, 29-Feb-00 00:00:00 GMT",
     "Tue Feb 29 00:00:00 2000"},
    {951868799, "Tue, 29 Feb 2000 23:59:59 GMT", "Tuesday, 29-Feb-00 23:59:59 GMT",
     "Tue Feb 29 23:59:59 2000"},
    {1709164800, "Thu, 29 Feb 2024 00:00:00 GMT", "Thursday, 29-Feb-24 00:00:00 GMT",
     "Thu Feb 29 00:00:00 2024"},
    {1735689599, "Tue, 31 Dec 2024 23:59:59 GMT", "Tuesday, 31-Dec-24 23:59:59 GMT",
     "Tue Dec 31 23:59:59 2024"},
    {2147483648, "Tue, 19 Jan 2038 03:14:08 GMT", "Tuesday, 19-Jan-38 03:14:08 GMT",
     "Tue Jan 19 03:14:08 2038"},
    {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT", NULL, "Mon Mar  1 00:00:00 2100"},
    {-1, "Wed, 31 Dec 1969 23:59:59 GMT", NULL, "Wed Dec 31 23:59:59 1969"},
    {-2203891200, "Thu, 01 Mar 1900 00:00:00 GMT", NULL, "Thu Mar  1 00:00:00 1900"},
    {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT", NULL, "Fri Dec 31 23:59:59 9999"},
};

static void all_three_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        char out[HTTP_DATE_SIZE];
        leat__http_date_write(out, table[i].seconds);
        assert_memory_equal(out, table[i].fixdate, HTTP_DATE_SIZE);
        const char *forms[] = {table[i].fixdate, table[i].rfc850, table[i].asctime};
        for (size_t f = 0; f < COUNT_OF(forms); f++)
            if (forms[f] != NULL)
                assert_int_equal(leat__http_date_parse(forms[f], strlen(forms[f])), table[i].seconds);
    }
}

static void refused(void **state)
{
    static const char *const bad[] = {
        "",
        "0",
        "Sun",
        "Sunday",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 29 Feb 2023 08:49:37 GMT",
        "Sun, 30 Feb 2024 08:49:37 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT",
        "Sux, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun, 06 Nov 1994 08:49:3\xb9 GMT",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (leat__http_date_parse(bad[i], strlen(bad[i])) != INT64_MIN)
            fail_msg("taken: %s", bad[i]);
    /* nothing is read behind its end */
    assert_int_equal(leat__http_date_parse(table[0].fixdate, HTTP_DATE_SIZE - 1), INT64_MIN);
}

/* The last leap second that can be said must not begin a year that cannot. */
static void leap_seconds(void **state)
{
    static const char last[] = "Fri, 31 Dec 9999 23:59:60 GMT";
    (void)state;
    assert_int_equal(leat__http_date_parse(last, sizeof last - 1), 253402300799);
}

/* Every day of 400 years, and every second of one, against gmtime. */
static void as_libc_counts(void **state)
{
    (void)state;
    for (int64_t day = -135140; day < 146097; day++) {
        time_t seconds = day * 86400 + (day * 7919 % 86400 + 86400) % 86400;
        struct tm tm;
        char expected[64], out[HTTP_DATE_SIZE];
        assert_non_null(gmtime_r(&seconds, &tm));
        strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        leat__http_date_write(out, seconds);
        if (memcmp(out, expected, HTTP_DATE_SIZE) != 0)
            fail_msg("%.29s and not %s", out, expected);
        assert_int_equal(leat__http_date_parse(out, HTTP_DATE_SIZE), seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_three_forms),
        cmocka_unit_test(refused),
        cmocka_unit_test(leap_seconds),
        cmocka_unit_test(as_libc_counts),
    };
    return cmocka_run_group_tests_name("dates", tests, NULL, NULL);
}
