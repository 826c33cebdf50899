/* access_test.h: what the tests of the access log share: records from texts, rings, and random numbers from a seed. */
#ifndef LEAT_ACCESS_TEST_H
#define LEAT_ACCESS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "observe/access_inside.h"

static inline uint32_t random_below(uint64_t *seed, uint32_t n)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (uint32_t)((*seed >> 32) * n >> 32);
}

static inline struct access_text text_of(const char *text)
{
    return (struct access_text){text, text != NULL ? strlen(text) : 0};
}

static inline struct access_record record_of(const char *method, const char *target)
{
    struct access_record r = {
        .time_s = 971186136, /* Tue, 10 Oct 2000 13:55:36 GMT */
        .host = "127.0.0.1",
        .method = text_of(method),
        .target = text_of(target),
        .octets = 2326,
        .status = 200,
        .minor = 1,
    };
    return r;
}

static inline void make_rings(struct region *region, struct access_ring *rings, unsigned count, size_t size)
{
    assert_int_equal(leat__region_create(region, count * size, REGION_RESERVE), 0);
    for (unsigned i = 0; i < count; i++)
        leat__access_ring_init(&rings[i], region, size);
}

#endif
