/* test_codings.c: the coding that an Accept-Encoding field chooses (RFC 9110 12.5.3). */
#include "http/conditions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { ALL = 1 << CODING_BR | 1 << CODING_GZIP | 1 << CODING_IDENTITY };

static enum http_coding choose_of(const char *field, unsigned there)
{
    struct http_conditions c = {0};
    leat__http_conditions_read(&c, "Accept-Encoding", 15, field, strlen(field));
    return leat__http_coding_choose(&c.accept_encoding, there);
}

static const struct {
    const char *field;
    enum http_coding all, gzip; /* with br and gzip there, with gzip alone */
} table[] = {
    {"", CODING_IDENTITY, CODING_IDENTITY},
    {" ", CODING_IDENTITY, CODING_IDENTITY},
    {",", CODING_IDENTITY, CODING_IDENTITY},
    {"br", CODING_BR, CODING_IDENTITY},
    {"gzip", CODING_GZIP, CODING_GZIP},
    {"x-gzip", CODING_GZIP, CODING_GZIP},
    {"GZIP", CODING_GZIP, CODING_GZIP},
    {"X-GZip", CODING_GZIP, CODING_GZIP},
    {"Br", CODING_BR, CODING_IDENTITY},
    {"identity", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip, deflate, br, zstd", CODING_BR, CODING_GZIP},
    {"br, gzip", CODING_BR, CODING_GZIP},
    {"gzip,br", CODING_BR, CODING_GZIP},
    {"deflate", CODING_IDENTITY, CODING_IDENTITY},
    {"zstd;q=1.0, deflate", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip2, bro, xgzip, b", CODING_IDENTITY, CODING_IDENTITY},
    /* weights */
    {"gzip;q=1.0, br;q=0.5", CODING_GZIP, CODING_GZIP},
    {"gzip;q=0.5, br;q=0.501", CODING_BR, CODING_GZIP},
    {"gzip;q=0.5, br;q=0.500", CODING_BR, CODING_GZIP},
    {"gzip;q=0.001", CODING_GZIP, CODING_GZIP},
    {"gzip;q=0", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=0.0, br;q=0.000", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=0.", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=1.", CODING_GZIP, CODING_GZIP},
    {"gzip;q=1.000", CODING_GZIP, CODING_GZIP},
    {"gzip;Q=0.5", CODING_GZIP, CODING_GZIP},
    {"gzip \t;\t q=0.5 , br ; q=0.4", CODING_GZIP, CODING_GZIP},
    {"br;q=0, gzip", CODING_GZIP, CODING_GZIP},
    /* identity */
    {"identity, gzip", CODING_GZIP, CODING_GZIP},
    {"identity;q=0.5, gzip;q=0.4", CODING_IDENTITY, CODING_IDENTITY},
    {"identity;q=0.5, gzip;q=0.4, br;q=0.6", CODING_BR, CODING_IDENTITY},
    {"identity;q=0", CODING_IDENTITY, CODING_IDENTITY},
    {"identity;q=0, gzip;q=0.001", CODING_GZIP, CODING_GZIP},
    {"identity;q=0, br;q=0, gzip;q=0", CODING_IDENTITY, CODING_IDENTITY},
    /* the rest */
    {"*", CODING_BR, CODING_GZIP},
    {"*;q=0.5", CODING_BR, CODING_GZIP},
    {"*;q=0", CODING_IDENTITY, CODING_IDENTITY},
    {"*;q=0, gzip", CODING_GZIP, CODING_GZIP},
    {"gzip, *;q=0", CODING_GZIP, CODING_GZIP},
    {"br;q=0, *", CODING_GZIP, CODING_GZIP},
    {"br;q=0.2, *;q=0.3", CODING_GZIP, CODING_GZIP},
    {"identity, *;q=0.3", CODING_IDENTITY, CODING_IDENTITY},
    {"identity;q=0.1, *;q=0.3", CODING_BR, CODING_GZIP},
    {"gzip;q=1.0, identity; q=0.5, *;q=0", CODING_GZIP, CODING_GZIP}, /* the RFC's own */
    {"compress;q=0.5, gzip;q=1.0", CODING_GZIP, CODING_GZIP},
    {"compress, gzip", CODING_GZIP, CODING_GZIP},
    /* malformed elements are not there */
    {"gzip;q=2", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=1.001", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=1.5", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=0.9999", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=0.0001", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=0,5", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=-1", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=.5", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q =1", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=0.a", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;level=9", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=1;level=9", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip br", CODING_IDENTITY, CODING_IDENTITY},
    {";q=1, gzip", CODING_GZIP, CODING_GZIP},
    {"br;q=x, gzip", CODING_GZIP, CODING_GZIP},
    {",, gzip ,,", CODING_GZIP, CODING_GZIP},
    /* named twice */
    {"gzip, gzip;q=0", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=0, x-gzip", CODING_IDENTITY, CODING_IDENTITY},
    {"br, gzip;q=0.5, br;q=0.1", CODING_GZIP, CODING_GZIP},
};

static void chosen_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        enum http_coding all = choose_of(table[i].field, ALL);
        enum http_coding gzip = choose_of(table[i].field, 1 << CODING_GZIP);
        if (all != table[i].all || gzip != table[i].gzip)
            fail_msg("'%s': %s and %s", table[i].field, leat__http_coding_name(all),
                     leat__http_coding_name(gzip));
        assert_int_equal(choose_of(table[i].field, 0), CODING_IDENTITY);
    }
}

static void absent_is_identity(void **state)
{
    (void)state;
    struct http_lines none = {.count = 0};
    assert_int_equal(leat__http_coding_choose(&none, ALL), CODING_IDENTITY);
}

static void one_list_over_all_lines(void **state)
{
    (void)state;
    struct http_conditions c = {0};
    leat__http_conditions_read(&c, "Accept-Encoding", 15, "br;q=0.5", 8);
    assert_int_equal(leat__http_coding_choose(&c.accept_encoding, ALL), CODING_BR);
    leat__http_conditions_read(&c, "accept-encoding", 15, "gzip", 4);
    assert_int_equal(leat__http_coding_choose(&c.accept_encoding, ALL), CODING_GZIP);
    for (int i = 2; i < CONDITION_LINES_MAX; i++)
        leat__http_conditions_read(&c, "Accept-Encoding", 15, "", 0);
    assert_int_equal(leat__http_coding_choose(&c.accept_encoding, ALL), CODING_GZIP);
    leat__http_conditions_read(&c, "Accept-Encoding", 15, "", 0);
    assert_int_equal(leat__http_coding_choose(&c.accept_encoding, ALL), CODING_IDENTITY);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(leat__http_coding_name(CODING_IDENTITY), "");
    assert_string_equal(leat__http_coding_name(CODING_BR), "br");
    assert_string_equal(leat__http_coding_name(CODING_GZIP), "gzip");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chosen_as_the_table_says),
        cmocka_unit_test(absent_is_identity),
        cmocka_unit_test(one_list_over_all_lines),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests_name("codings", tests, NULL, NULL);
}
