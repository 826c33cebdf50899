/* test_parameters.c: the grammar that field values share: lists with quoted commas, parameters quoted and not, weights,
 * media types, and the pairs of queries and cookies. What is malformed is told, and nothing is read past an end. */
#include "http/parameters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct http_text text_of(const char *text)
{
    return (struct http_text){text, strlen(text)};
}

static void assert_text(struct http_text text, const char *expected)
{
    assert_int_equal(text.size, strlen(expected));
    assert_memory_equal(text.data, expected, text.size);
}

static void lists_are_split_outside_of_quotes(void **state)
{
    (void)state;
    struct http_text rest = text_of(" a ,, b;x=\"1,2\\\",3\" ,\t, \"c,d\", e"), element;
    static const char *const expected[] = {"a", "b;x=\"1,2\\\",3\"", "\"c,d\"", "e"};
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_true(leat__http_list_next(&rest, &element));
        assert_text(element, expected[i]);
    }
    assert_false(leat__http_list_next(&rest, &element));
    rest = text_of("\"never closed, a");
    assert_true(leat__http_list_next(&rest, &element));
    assert_text(element, "\"never closed, a");
    assert_false(leat__http_list_next(&rest, &element));
    rest = text_of("\"ends in \\");
    assert_true(leat__http_list_next(&rest, &element));
    assert_false(leat__http_list_next(&rest, &element));
}

static void parameters_come_one_by_one(void **state)
{
    (void)state;
    struct http_text rest = text_of(" ; a=1;;B=\"x \\\"y\\\" ; z\" ;c=\"\" ; ");
    struct http_parameter p;
    char out[32];
    assert_int_equal(leat__http_parameter_next(&rest, &p), HTTP_PARAMETER);
    assert_text(p.name, "a");
    assert_text(p.value, "1");
    assert_false(p.quoted);
    assert_int_equal(leat__http_parameter_next(&rest, &p), HTTP_PARAMETER);
    assert_true(leat__http_text_is(p.name, "b"));
    assert_true(p.quoted);
    size_t size = leat__http_parameter_unquote(out, &p);
    assert_text((struct http_text){out, size}, "x \"y\" ; z");
    assert_int_equal(leat__http_parameter_next(&rest, &p), HTTP_PARAMETER);
    assert_int_equal(p.value.size, 0);
    assert_int_equal(leat__http_parameter_next(&rest, &p), HTTP_PARAMETERS_DONE);
}

static void what_is_no_parameter_is_told(void **state)
{
    (void)state;
    static const char *const bad[] = {"a=1",   ";a",    ";=1",         ";a=",        ";a =1",
                                      ";a= 1", ";a=\"", ";a=\"b",      ";a=\"b\\\"", "; \"a\"=1",
                                      ";a=/",  "x",     ";a=\xc3\xa9", ";\x01=2"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct http_text rest = text_of(bad[i]);
        struct http_parameter p;
        assert_int_equal(leat__http_parameter_next(&rest, &p), HTTP_PARAMETERS_BAD);
    }
    struct http_text rest = text_of(";a=\"b\"c");
    struct http_parameter p;
    assert_int_equal(leat__http_parameter_next(&rest, &p), HTTP_PARAMETER);
    assert_int_equal(leat__http_parameter_next(&rest, &p), HTTP_PARAMETERS_BAD);
}

static void quoted_or_not_a_value_is_the_same(void **state)
{
    (void)state;
    struct http_parameter plain = {.value = text_of("utf-8")},
                          quoted = {.value = text_of("U\\TF-8"), .quoted = true};
    assert_true(leat__http_parameter_same(&plain, &quoted));
    quoted.value = text_of("utf-8x");
    assert_false(leat__http_parameter_same(&plain, &quoted));
    quoted.value = text_of("utf-");
    assert_false(leat__http_parameter_same(&plain, &quoted));
}

static void weights_have_three_digits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int weight;
    } table[] = {{"0", 0},     {"1", 1000},  {"0.", 0},     {"1.", 1000},    {"0.5", 500},
                 {"0.05", 50}, {"0.005", 5}, {"1.0", 1000}, {"1.000", 1000}, {"", -1},
                 {"2", -1},    {"1.1", -1},  {".5", -1},    {"0.0000", -1},  {"0,5", -1},
                 {"-0", -1},   {"0.x", -1},  {"1.001", -1}, {"00", -1}};
    for (size_t i = 0; i < COUNT_OF(table); i++)
        assert_int_equal(leat__http_weight_parse(text_of(table[i].text)), table[i].weight);
}

static void a_weight_stands_among_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *parameters;
        int weight;
    } table[] = {
        {"", 1000},         {";a=b", 1000},  {" ; Q=0.5", 500}, {";a=\"q=0\";q=0.2;q=0.9", 200},
        {";q=\"0.5\"", -1}, {";q=high", -1}, {";;q=0", 0},      {";a b;q=0", -1},
        {";q=", -1}};
    for (size_t i = 0; i < COUNT_OF(table); i++)
        assert_int_equal(leat__http_weight_of(text_of(table[i].parameters)), table[i].weight);
}

static void media_types_have_two_names(void **state)
{
    (void)state;
    struct http_media media;
    assert_true(leat__http_media_parse(text_of(" Text/HTML ; charset=utf-8"), &media));
    assert_true(leat__http_media_is(&media, "text", "html"));
    assert_false(leat__http_media_is(&media, "text", "htm"));
    assert_text(media.parameters, " ; charset=utf-8");
    assert_true(leat__http_media_parse(text_of("*/*"), &media));
    static const char *const bad[] = {"",           "text",        "text/",      "/html",
                                      "text /html", "text/html x", "te xt/html", "text/html,"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(leat__http_media_parse(text_of(bad[i]), &media));
}

static void pairs_are_split_at_the_first_equals_sign(void **state)
{
    (void)state;
    struct http_text rest = text_of("a=1&&b&=c&d==&");
    struct http_pair pair;
    static const struct {
        const char *name, *value;
        bool has_value;
    } query[] = {{"a", "1", true}, {"b", "", false}, {"", "c", true}, {"d", "=", true}},
      cookies[] = {{"a", "1 2", true}, {"b", "", false}, {"c", "\"x\"", true}};
    for (size_t i = 0; i < COUNT_OF(query); i++) {
        assert_true(leat__http_pair_next(&rest, '&', &pair));
        assert_text(pair.name, query[i].name);
        assert_text(pair.value, query[i].value);
        assert_int_equal(pair.has_value, query[i].has_value);
    }
    assert_false(leat__http_pair_next(&rest, '&', &pair));
    rest = text_of(" a = 1 2;; b ;c=\"x\" ; ");
    for (size_t i = 0; i < COUNT_OF(cookies); i++) {
        assert_true(leat__http_pair_next(&rest, ';', &pair));
        assert_text(pair.name, cookies[i].name);
        assert_text(pair.value, cookies[i].value);
        assert_int_equal(pair.has_value, cookies[i].has_value);
    }
    assert_false(leat__http_pair_next(&rest, ';', &pair));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_split_outside_of_quotes),
        cmocka_unit_test(parameters_come_one_by_one),
        cmocka_unit_test(what_is_no_parameter_is_told),
        cmocka_unit_test(quoted_or_not_a_value_is_the_same),
        cmocka_unit_test(weights_have_three_digits),
        cmocka_unit_test(a_weight_stands_among_parameters),
        cmocka_unit_test(media_types_have_two_names),
        cmocka_unit_test(pairs_are_split_at_the_first_equals_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
