/* access_zone.c: the local time of a record, from a table of the zone's changes.
 *
 * libc is asked once, at start, when its files may be read and its locks taken: a step of a week at a time through thirty
 * years, and where the offset differs at both ends of a step, the second of the change is found by halving it. Serving,
 * the offset is looked up and the date is counted: a calendar day from years that begin in March, so that the leap day is
 * the last of its year. */
#include "observe/access_inside.h"
#include <time.h>

enum { DAY_S = 86400, STEP_S = 7 * DAY_S, STEPS = 30 * 53 };

static const int64_t year_9999_end_s = INT64_C(253402300799);

static int32_t ask_offset(int64_t time_s)
{
    time_t t = (time_t)time_s;
    struct tm local;
    return localtime_r(&t, &local) != NULL ? (int32_t)local.tm_gmtoff : 0;
}

/* The first second of (before, after] whose offset is not that of before. */
static int64_t find_change(int64_t before, int64_t after, int32_t offset_before)
{
    while (after - before > 1) {
        int64_t middle = before + (after - before) / 2;
        if (ask_offset(middle) == offset_before)
            before = middle;
        else
            after = middle;
    }
    return after;
}

void leat__access_zone_init(struct access_zone *zone, int64_t since_s)
{
    tzset();
    zone->count = 1;
    zone->changes[0].from_s = INT64_MIN;
    zone->changes[0].offset_s = ask_offset(since_s);
    int64_t at = since_s;
    for (unsigned i = 0; i < STEPS && zone->count < ACCESS_ZONE_CHANGES; i++) {
        int64_t next = at + STEP_S;
        int32_t offset = ask_offset(next);
        int32_t before = zone->changes[zone->count - 1].offset_s;
        if (offset != before) {
            zone->changes[zone->count].from_s = find_change(at, next, before);
            zone->changes[zone->count++].offset_s = offset;
        }
        at = next;
    }
}

static int32_t offset_at(const struct access_zone *zone, int64_t time_s)
{
    unsigned i = zone->count - 1;
    while (i > 0 && time_s < zone->changes[i].from_s)
        i--;
    return zone->changes[i].offset_s;
}

static void put_two(char *out, unsigned n)
{
    out[0] = (char)('0' + n / 10 % 10);
    out[1] = (char)('0' + n % 10);
}

/* "10/Oct/2000" of a day counted from 1970. */
static void put_date(char *out, unsigned days)
{
    static const char months[12][4] = {"Mar", "Apr", "May", "Jun", "Jul", "Aug",
                                       "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"};
    unsigned shifted = days + 719468; /* from 1 March of the year 0 */
    unsigned era = shifted / 146097, of_era = shifted % 146097;
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153; /* 0 is March */
    year += era * 400 + (month >= 10);
    put_two(out, of_year - (153 * month + 2) / 5 + 1);
    out[2] = '/';
    memcpy(out + 3, months[month], 3);
    out[6] = '/';
    put_two(out + 7, year / 100);
    put_two(out + 9, year % 100);
}

void leat__access_time_write(char *out, const struct access_zone *zone, int64_t time_s)
{
    int32_t offset = offset_at(zone, time_s);
    if (time_s > year_9999_end_s - offset)
        time_s = year_9999_end_s - offset;
    if (time_s < -(int64_t)offset)
        time_s = -(int64_t)offset;
    int64_t local = time_s + offset;
    unsigned rest = (unsigned)(local % DAY_S);
    memcpy(out, "[00/Mon/0000:00:00:00 +0000]", ACCESS_TIME_SIZE);
    put_date(out + 1, (unsigned)(local / DAY_S));
    put_two(out + 13, rest / 3600);
    put_two(out + 16, rest / 60 % 60);
    put_two(out + 19, rest % 60);
    unsigned minutes = (unsigned)(offset < 0 ? -offset : offset) / 60;
    out[22] = offset < 0 ? '-' : '+';
    put_two(out + 23, minutes / 60);
    put_two(out + 25, minutes % 60);
}
