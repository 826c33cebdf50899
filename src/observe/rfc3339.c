/* rfc3339.c: see rfc3339.h. A day becomes a date by years that begin in March, so that the leap day is the last of its year. */
#include "observe/rfc3339.h"
#include <stdio.h>

enum { DAY_MS = 86400000 };

void leat__rfc3339_write(char out[static RFC3339_SIZE], int64_t time_ms)
{
    static const int64_t last_ms = INT64_C(253402300799999);
    time_ms = time_ms < 0 ? 0 : time_ms > last_ms ? last_ms : time_ms;
    unsigned days = (unsigned)(time_ms / DAY_MS), rest = (unsigned)(time_ms % DAY_MS);
    unsigned shifted = days + 719468; /* from 1 March of the year 0 */
    unsigned era = shifted / 146097, of_era = shifted % 146097;
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153; /* 0 is March */
    char text[64];
    snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year + era * 400 + (month >= 10),
             month >= 10 ? month - 9 : month + 3, of_year - (153 * month + 2) / 5 + 1,
             rest / 3600000, rest / 60000 % 60, rest / 1000 % 60, rest % 1000);
    memcpy(out, text, RFC3339_SIZE);
}
