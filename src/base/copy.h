/* copy.h: copying a few octets without a call. Lengths that are only known at run time, but are nearly always short
 * (a field line, a small content), are copied by two overlapping pieces per size class. */
#ifndef LEAT_COPY_H
#define LEAT_COPY_H

#include "base/base.h"

/* As memcpy; made for n up to 64. */
static inline void copy_short(char *to, const char *from, size_t n)
{
    if (LIKELY(n >= 16 && n <= 64)) {
        char first[16], last[16];
        if (n > 32) {
            char second[16], third[16];
            memcpy(second, from + 16, 16);
            memcpy(third, from + n - 32, 16);
            memcpy(first, from, 16);
            memcpy(last, from + n - 16, 16);
            memcpy(to + 16, second, 16);
            memcpy(to + n - 32, third, 16);
        } else {
            memcpy(first, from, 16);
            memcpy(last, from + n - 16, 16);
        }
        memcpy(to, first, 16);
        memcpy(to + n - 16, last, 16);
    } else if (n >= 8 && n < 16) {
        uint64_t first, last;
        memcpy(&first, from, 8);
        memcpy(&last, from + n - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + n - 8, &last, 8);
    } else if (n < 8) {
        for (size_t i = 0; i < n; i++)
            to[i] = from[i];
    } else {
        memcpy(to, from, n);
    }
}

#endif
