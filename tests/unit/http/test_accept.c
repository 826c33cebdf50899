/* test_accept.c: what a client likes of what there is, with the examples of RFC 9110 12.5 and RFC 4647. */
#include "http/accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static uint32_t weigh(enum http_accept kind, const char *field, const char *offer)
{
    struct http_liking l = {0};
    if (field != NULL)
        leat__http_accept_read(&l, kind, offer, (struct http_text){field, strlen(field)});
    return leat__http_accept_weight(&l, kind, offer);
}

struct row {
    const char *field, *offer;
    uint32_t weight; /* thousandths */
};

static void check(enum http_accept kind, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t weight = weigh(kind, rows[i].field, rows[i].offer);
        if (weight != rows[i].weight * 2)
            fail_msg("\"%s\" likes %s with %u halves", rows[i].field, rows[i].offer, weight);
    }
}

#define EXAMPLE                                                                                    \
    "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, "    \
    "*/*;q=0.5"

static void the_most_specific_range_counts(void **state)
{
    (void)state;
    static const struct row rows[] = {
        /* 12.5.1 */
        {EXAMPLE, "text/plain;format=flowed", 1000},
        {EXAMPLE, "text/plain", 700},
        {EXAMPLE, "text/html", 300},
        {EXAMPLE, "image/jpeg", 500},
        {EXAMPLE, "text/plain;format=fixed", 400},
        {EXAMPLE, "text/html;level=3", 300},
        {"audio/*; q=0.2, audio/basic", "audio/basic", 1000},
        {"audio/*; q=0.2, audio/basic", "audio/mpeg", 200},
        {"audio/*; q=0.2, audio/basic", "text/plain", 0},
        {"text/plain; q=0.5, text/html, text/x-dvi; q=0.8, text/x-c", "text/x-dvi", 800},
        /* parameters in another order, quoted, and in other letters */
        {"a/b;x=1;y=2, a/b;q=0.1", "a/b; y=\"2\" ;X=1", 1000},
        {"a/b;x=1, a/b;q=0.1", "a/b;x=2", 100},
        {"a/b;x=1", "a/b", 0},
        {"A/B", "a/b;x=1", 1000},
        {"a/b;q=0.4;x=1", "a/b", 400}, /* what stands behind the weight is no parameter */
        {"a/b;Q=0.4", "a/b", 400},
        /* what is malformed is as good as not there */
        {"a/b;q=2, a/b;q=0.3", "a/b", 300},
        {"a/b;q=\"0.5\", a/*;q=0.3", "a/b", 300},
        {"*/b, a/*;q=0.3", "a/b", 300},
        {"a, /b, a/, a/b c, ;, a/b;q, a/b;q=", "a/b", 1000}, /* nothing is left: as without the field */
        {"", "a/b", 1000},
        {NULL, "a/b", 1000},
        /* twice: the lower */
        {"a/b, a/b;q=0.2, a/b;q=0.8", "a/b", 200},
        {"a/b;q=0", "a/b", 0},
        {"a/b;q=0, */*", "a/b", 0},
        {"a/b;p=\"x,y\", c/d", "c/d", 1000},
        {"a/b", "no media type", 1000}, /* nothing can be said of it */
    };
    check(HTTP_ACCEPT, rows, COUNT_OF(rows));
}

static void languages_match_up_to_a_hyphen(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"da, en-gb;q=0.8, en;q=0.7", "da", 1000}, /* 12.5.4 */
        {"da, en-gb;q=0.8, en;q=0.7", "en-GB", 800},
        {"da, en-gb;q=0.8, en;q=0.7", "en-US", 700},
        {"da, en-gb;q=0.8, en;q=0.7", "en", 700},
        {"da, en-gb;q=0.8, en;q=0.7", "de", 0},
        {"de-de", "de-DE-1996", 1000}, /* RFC 4647 3.3.1 */
        {"de-de", "de-Deva", 0},
        {"de-CH;q=0.9, en;q=0.5", "de", 900}, /* 3.4 */
        {"de-CH;q=0.9, en;q=0.5", "de-DE", 0},
        {"de;q=0, de-CH", "de", 0},
        {"*;q=0.1, fr", "de", 100},
        {"*, de;q=0", "de", 0},
        {"en;level=1, de", "en", 0}, /* no language has a parameter */
        {NULL, "de", 1000},
        {"d", "de", 0},
    };
    check(HTTP_ACCEPT_LANGUAGE, rows, COUNT_OF(rows));
}

static void identity_is_acceptable_behind_all_that_are_named(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"gzip;q=1.0, identity; q=0.5, *;q=0", "gzip", 1000}, /* 12.5.3 */
        {"gzip;q=1.0, identity; q=0.5, *;q=0", "identity", 500},
        {"gzip;q=1.0, identity; q=0.5, *;q=0", "br", 0},
        {"x-gzip", "gzip", 1000},
        {"*;q=0.3", "zstd", 300},
        {"*;q=0", "identity", 0},
        {"identity;q=0", "identity", 0},
        {"gzip", "br", 0},
        {"", "gzip", 0},
        {NULL, "identity", 1000},
    };
    check(HTTP_ACCEPT_ENCODING, rows, COUNT_OF(rows));
    assert_int_equal(weigh(HTTP_ACCEPT_ENCODING, "gzip;q=0.001", "identity"), 1);
    assert_int_equal(weigh(HTTP_ACCEPT_ENCODING, "", "identity"), 1);
    assert_int_equal(weigh(HTTP_ACCEPT_ENCODING, NULL, "gzip"), 1);
}

static void endless_fields_end(void **state)
{
    (void)state;
    char field[4 * HTTP_ACCEPT_ELEMENTS_MAX + 8] = "";
    for (size_t i = 0; i < HTTP_ACCEPT_ELEMENTS_MAX; i++)
        memcpy(field + 4 * i, "c/d,", 4);
    memcpy(field + 4 * (size_t)HTTP_ACCEPT_ELEMENTS_MAX, "a/b", 4);
    assert_int_equal(weigh(HTTP_ACCEPT, field, "a/b"), 0);
    assert_int_equal(weigh(HTTP_ACCEPT, field + 4, "a/b"), HTTP_WEIGHT_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_specific_range_counts),
        cmocka_unit_test(languages_match_up_to_a_hyphen),
        cmocka_unit_test(identity_is_acceptable_behind_all_that_are_named),
        cmocka_unit_test(endless_fields_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
