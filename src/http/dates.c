/* dates.c: HTTP's dates (RFC 9110 5.6.7) without libc's time functions, which take locks and read
 * files.
 *
 * Days and dates are turned into each other by counting years from March, so that the day that
 * comes and goes is the last of its year: then a month's first day is (153 m + 2) / 5, and only
 * whole periods of 400 years (146,097 days), 100, 4 and 1 are left to divide by. Proleptic
 * Gregorian, no leap seconds: ":60" is read as ":59", so that what can be read can be written. */
#include "http/http.h"

static const char day_names[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct date {
    int64_t year;
    unsigned month, day; /* from 1 */
    unsigned hour, minute, second;
};

static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned of_era = (unsigned)(y - era * 400);
    unsigned from_march = (month + 9) % 12;
    unsigned of_year = (153 * from_march + 2) / 5 + day - 1;
    unsigned days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * 146097 + (int64_t)days - 719468;
}

static void date_of(struct date *d, int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    unsigned day = (unsigned)(shifted - era * 146097);
    unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    unsigned of_year = day - (365 * year + year / 4 - year / 100);
    unsigned from_march = (5 * of_year + 2) / 153;
    d->day = of_year - (153 * from_march + 2) / 5 + 1;
    d->month = from_march < 10 ? from_march + 3 : from_march - 9;
    d->year = (int64_t)year + era * 400 + (d->month <= 2);
}

static void put_two(char *out, unsigned n)
{
    out[0] = (char)('0' + n / 10 % 10);
    out[1] = (char)('0' + n % 10);
}

void leat__http_date_write(char *out, int64_t unix_seconds)
{
    int64_t days = unix_seconds / 86400;
    int64_t rest = unix_seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    struct date d;
    date_of(&d, days);
    memcpy(out, "Day, 00 Mon 0000 00:00:00 GMT", HTTP_DATE_SIZE);
    memcpy(out, day_names[((days + 4) % 7 + 7) % 7], 3);
    put_two(out + 5, d.day);
    memcpy(out + 8, month_names[d.month - 1], 3);
    put_two(out + 12, (unsigned)(d.year / 100));
    put_two(out + 14, (unsigned)(d.year % 100));
    put_two(out + 17, (unsigned)(rest / 3600));
    put_two(out + 20, (unsigned)(rest / 60 % 60));
    put_two(out + 23, (unsigned)(rest % 60));
}

/* What is left to read. Each taker moves it on and answers whether it found what it wanted. */
struct text {
    const char *at, *end;
};

static bool take(struct text *t, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(t->end - t->at) < size || memcmp(t->at, word, size) != 0)
        return false;
    t->at += size;
    return true;
}

static bool take_number(struct text *t, unsigned digits, unsigned *n)
{
    *n = 0;
    for (; digits > 0; digits--, t->at++) {
        if (t->at == t->end || *t->at < '0' || *t->at > '9')
            return false;
        *n = *n * 10 + (unsigned)(*t->at - '0');
    }
    return true;
}

/* asctime's day: a space stands for a leading zero */
static bool take_padded_day(struct text *t, unsigned *n)
{
    if (take(t, " "))
        return take_number(t, 1, n);
    return take_number(t, 2, n);
}

static bool take_month(struct text *t, unsigned *month)
{
    for (*month = 1; *month <= 12; (*month)++)
        if (take(t, month_names[*month - 1]))
            return true;
    return false;
}

static bool take_time(struct text *t, struct date *d)
{
    return take_number(t, 2, &d->hour) && take(t, ":") && take_number(t, 2, &d->minute) &&
           take(t, ":") && take_number(t, 2, &d->second);
}

/* Sun, 06 Nov 1994 08:49:37 GMT (behind the day's name) */
static bool take_fixdate(struct text *t, struct date *d)
{
    unsigned year;
    bool good = take(t, ", ") && take_number(t, 2, &d->day) && take(t, " ") &&
                take_month(t, &d->month) && take(t, " ") && take_number(t, 4, &year) &&
                take(t, " ") && take_time(t, d) && take(t, " GMT");
    if (good)
        d->year = year;
    return good;
}

/* Sunday, 06-Nov-94 08:49:37 GMT. Two digits of a year: 70 to 99 are of the 20th century, and the
 * rest of the 21st. */
static bool take_rfc850(struct text *t, struct date *d)
{
    unsigned year;
    bool good = take(t, ", ") && take_number(t, 2, &d->day) && take(t, "-") &&
                take_month(t, &d->month) && take(t, "-") && take_number(t, 2, &year) &&
                take(t, " ") && take_time(t, d) && take(t, " GMT");
    if (good)
        d->year = year >= 70 ? 1900 + year : 2000 + year;
    return good;
}

/* Sun Nov  6 08:49:37 1994 */
static bool take_asctime(struct text *t, struct date *d)
{
    unsigned year;
    bool good = take(t, " ") && take_month(t, &d->month) && take(t, " ") &&
                take_padded_day(t, &d->day) && take(t, " ") && take_time(t, d) && take(t, " ") &&
                take_number(t, 4, &year);
    if (good)
        d->year = year;
    return good;
}

static bool is_real(const struct date *d)
{
    static const uint8_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = d->year % 4 == 0 && (d->year % 100 != 0 || d->year % 400 == 0);
    unsigned last = month_days[d->month - 1] + (leap && d->month == 2 ? 1u : 0u);
    return d->day >= 1 && d->day <= last && d->hour < 24 && d->minute < 60 && d->second <= 60;
}

int64_t leat__http_date_parse(const char *text, size_t size)
{
    for (unsigned day = 0; day < 7; day++) {
        char brief[4] = {day_names[day][0], day_names[day][1], day_names[day][2], 0};
        struct text whole = {text, text + size}, t = whole;
        struct date d;
        bool good;
        if (take(&t, day_names[day])) {
            good = take_rfc850(&t, &d);
        } else if (t = whole, take(&t, brief)) {
            good = t.at < t.end && *t.at == ',' ? take_fixdate(&t, &d) : take_asctime(&t, &d);
        } else {
            continue;
        }
        if (!good || t.at != t.end || !is_real(&d))
            return INT64_MIN;
        unsigned second = d.second < 60 ? d.second : 59;
        return days_of(d.year, d.month, d.day) * 86400 + d.hour * 3600 + d.minute * 60 + second;
    }
    return INT64_MIN;
}
