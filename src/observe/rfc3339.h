/* rfc3339.h: moments in logs, as RFC 3339 has them: in UTC, to the millisecond. */
#ifndef LEAT_RFC3339_H
#define LEAT_RFC3339_H

#include "base/base.h"

enum { RFC3339_SIZE = 24 }; /* "2026-11-21T17:00:00.123Z" */

/* Without NUL. Years before 1970 and after 9999 are written as the nearest. */
void leat__rfc3339_write(char out[static RFC3339_SIZE], int64_t time_ms);

#endif
