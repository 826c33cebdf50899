/* test_words.c: command lines are parted as a shell parts them, and what only a shell can do is refused. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "compare/compare.h"

static struct compare_words words;

static void assert_words(const char *line, uint32_t count, const char *const *expected)
{
    char error[COMPARE_ERROR_SIZE] = "";
    assert_int_equal(leat__compare_words_split(&words, line, error, sizeof error), 0);
    assert_int_equal(words.count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_string_equal(words.word[i], expected[i]);
    assert_null(words.word[count]);
}

static void blanks_part_words(void **state)
{
    (void)state;
    assert_words("leat", 1, (const char *[]){"leat"});
    assert_words("  leat serve\twww \n", 3, (const char *[]){"leat", "serve", "www"});
}

static void quotes_keep_words_together(void **state)
{
    (void)state;
    assert_words("nginx -g 'daemon off;' ''", 4, (const char *[]){"nginx", "-g", "daemon off;", ""});
    assert_words("a\"b c\"'d\\e'f", 1, (const char *[]){"ab cd\\ef"});
    assert_words("\"say \\\"it\\\" \\n\"", 1, (const char *[]){"say \"it\" \\n"});
    assert_words("a\\ b \\' \\\\", 3, (const char *[]){"a b", "'", "\\"});
    assert_words("sh -c 'exec x >y | $HOME'", 3, (const char *[]){"sh", "-c", "exec x >y | $HOME"});
}

static void assert_refused(const char *line, int status, const char *part)
{
    char error[COMPARE_ERROR_SIZE] = "";
    assert_int_equal(leat__compare_words_split(&words, line, error, sizeof error), status);
    if (strstr(error, part) == NULL)
        fail_msg("%s: %s", line, error);
}

static void what_is_no_command_is_refused(void **state)
{
    (void)state;
    static char longest[COMPARE_TEXT_SIZE + 2], many[2 * COMPARE_WORDS_MAX + 3];
    assert_refused("", -EINVAL, "empty");
    assert_refused(" \t ", -EINVAL, "empty");
    assert_refused("a 'b", -EINVAL, "a ' is never closed");
    assert_refused("a \"b\\\"", -EINVAL, "a \" is never closed");
    assert_refused("a \\", -EINVAL, "at the end");
    for (const char *c = "|&;<>()$`*?"; *c != '\0'; c++)
        assert_refused((char[]){'a', ' ', *c, '\0'}, -EINVAL, "for a shell");
    memset(longest, 'x', sizeof longest - 1);
    assert_refused(longest, -E2BIG, "8192");
    longest[COMPARE_TEXT_SIZE - 1] = '\0';
    assert_words(longest, 1, (const char *[]){longest});
    for (size_t i = 0; i < sizeof many - 1; i++)
        many[i] = i % 2 == 0 ? 'x' : ' ';
    assert_refused(many, -E2BIG, "256 words");
}

static void names_become_values(void **state)
{
    (void)state;
    static struct compare_words filled;
    const struct compare_setting settings[] = {{"port", "8080"}, {"loop", "{port} x"}};
    assert_words("a {port}{port} {loop} '{ports} {' ", 4,
                 (const char *[]){"a", "{port}{port}", "{loop}", "{ports} {"});
    assert_int_equal(leat__compare_words_fill(&filled, &words, settings, 2), 0);
    assert_int_equal(filled.count, 4);
    assert_string_equal(filled.word[1], "80808080");
    assert_string_equal(filled.word[2], "{port} x"); /* once, and one word */
    assert_string_equal(filled.word[3], "{ports} {");
    assert_true(leat__compare_has("x{y}{port}", "port"));
    assert_false(leat__compare_has("x{y}{port", "port"));
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static struct compare_words filled;
    static char line[COMPARE_TEXT_SIZE];
    const struct compare_setting wide = {"wide", "0123456789"};
    char error[COMPARE_ERROR_SIZE], small[11];
    memset(line, 'x', sizeof line - 1);
    memcpy(line, "{wide}", 6);
    assert_int_equal(leat__compare_words_split(&words, line, error, sizeof error), 0);
    assert_int_equal(leat__compare_words_fill(&filled, &words, &wide, 1), -E2BIG);
    assert_int_equal(leat__compare_fill(small, sizeof small, "{wide}", &wide, 1), 0);
    assert_int_equal(leat__compare_fill(small, sizeof small, "{wide}!", &wide, 1), -E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks_part_words),
        cmocka_unit_test(quotes_keep_words_together),
        cmocka_unit_test(what_is_no_command_is_refused),
        cmocka_unit_test(names_become_values),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
