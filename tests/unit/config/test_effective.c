/* test_effective.c: default < file < environment < flags; who said what; and a configuration that is printed and read in
 * again is the same. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "config/effective.h"

struct own {
    const char *root;
    struct option_texts fields;
    bool listing;
};

static const struct option_row own_rows[] = {
    OPTION_ROW_HEADING("Own"),
    OPTION_ROW(struct own, OPTION_RESTART, "root", TEXT, root, "DIR", 0, 0, 0, NULL, "/srv", "A folder."),
    OPTION_ROW(struct own, OPTION_RESTART, "field", TEXTS, fields, "TEXT", 0, 0, 0, NULL, "A: b", "Fields."),
    OPTION_ROW(struct own, OPTION_RESTART, "listing", FLAG, listing, NULL, 0, 1, 1, NULL, NULL, "A list."),
};
static const struct option_table own_table = {own_rows, COUNT_OF(own_rows), sizeof(struct own), "site"};

static struct effective e, again;
static char error[512];
static char kept[4096]; /* what was said must live */
static size_t kept_size;

struct text {
    char bytes[1 << 16];
    size_t size;
};

static void append(void *to, const char *bytes, size_t size)
{
    struct text *text = to;
    assert_true(text->size + size < sizeof text->bytes);
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = '\0';
}

static void begin(void)
{
    error[0] = '\0';
    kept_size = 0;
    leat__effective_init(&e, &own_table);
}

static char *keep(const char *text)
{
    size_t size = text != NULL ? strlen(text) + 1 : 0;
    assert_true(size <= sizeof kept - kept_size);
    char *copy = kept + kept_size;
    memcpy(copy, text != NULL ? text : "", size);
    kept_size += size;
    return text != NULL ? copy : NULL;
}

static int read_file(const char *text)
{
    return leat__ini_parse(&e, "a.conf", text, strlen(text), error, sizeof error);
}

static int read_environment(const char *one, const char *two)
{
    char *variables[] = {keep("PATH=/bin"), keep(one), keep(two), NULL};
    return leat__environment_read(&e, variables, error, sizeof error);
}

static int read_flags(const char *one, const char *two)
{
    char *argv[] = {keep("leat"), keep(one), keep(two), NULL};
    return leat__flags_read(&e, 1 + (one != NULL) + (two != NULL), argv, error, sizeof error);
}

static struct options filled(void)
{
    struct options options;
    leat__effective_fill(&e, &leat__server_table, 0, &options);
    return options;
}

static void the_stronger_source_counts(void **state)
{
    (void)state;
    begin();
    assert_int_equal(filled().config.idle_timeout_ms, 60000);
    assert_int_equal(
        read_file(
            "idle-timeout = 1s\nhead-timeout = 1s\nwrite-timeout = 1s\nlisten = :1\nlisten = :2\n"),
        0);
    assert_int_equal(read_environment("LEAT_IDLE_TIMEOUT=2s", "LEAT_HEAD_TIMEOUT=2s"), 0);
    assert_true(read_flags("--idle-timeout=3s", "--listen=:3") > 0);
    struct options o = filled();
    assert_int_equal(o.config.idle_timeout_ms, 3000);
    assert_int_equal(o.config.head_timeout_ms, 2000);
    assert_int_equal(o.config.write_timeout_ms, 1000);
    assert_int_equal(o.config.content_timeout_ms, 30000);
    assert_int_equal(o.config.listen.count, 1); /* a list replaces the other whole */
    assert_string_equal(o.config.listen.items[0], ":3");
}

/* Whichever is read first. */
static void the_order_of_reading_is_without_meaning(void **state)
{
    (void)state;
    begin();
    assert_true(read_flags("--shards=3", NULL) > 0);
    assert_int_equal(read_environment("LEAT_SHARDS=2", NULL), 0);
    assert_int_equal(read_file("shards = 1\n"), 0);
    assert_int_equal(filled().config.shards, 3);
    begin();
    assert_true(read_flags("--shards=3", "--shards=4") > 0); /* of flags the last */
    assert_int_equal(filled().config.shards, 4);
}

static void variables_are_options(void **state)
{
    (void)state;
    struct own own;
    begin();
    assert_int_equal(read_environment("LEAT_LISTEN=:1\n  :2 \n\n", "LEAT_ROOT=/srv/www"), 0);
    assert_int_equal(read_environment("LEAT_QUIET=yes", "LEAT_MEMORY="), 0);
    struct options o = filled();
    assert_int_equal(o.config.listen.count, 2);
    assert_string_equal(o.config.listen.items[1], ":2");
    assert_true(o.config.quiet);
    assert_int_equal(o.config.memory, 0);
    leat__effective_fill(&e, &own_table, 0, &own);
    assert_string_equal(own.root, "/srv/www");
    assert_int_equal(read_environment("LEAT_BUILD=build/release", "LEAT_TEST_ANYTHING=1"), 0);
}

static void wrong_variables_are_told(void **state)
{
    (void)state;
    begin();
    assert_int_equal(read_environment("LEAT_IDLE_TIMOUT=1s", NULL), -EINVAL);
    assert_string_equal(error,
                        "LEAT_IDLE_TIMOUT: no such variable; did you mean LEAT_IDLE_TIMEOUT?");
    assert_int_equal(read_environment("LEAT_PORT=80", NULL), -EINVAL);
    assert_string_equal(error, "LEAT_PORT: no such variable; did you mean LEAT_LISTEN?");
    assert_int_equal(read_environment("LEAT_DOCROOT=/srv", NULL), -EINVAL);
    assert_string_equal(error, "LEAT_DOCROOT: no such variable; did you mean LEAT_ROOT?");
    assert_int_equal(read_environment("LEAT_FROBNICATE=1", NULL), -EINVAL);
    assert_ptr_equal(strstr(error, "LEAT_FROBNICATE: no such variable; "), error);
    assert_int_equal(read_environment("LEAT_SHARDS=two", NULL), -EINVAL);
    assert_string_equal(
        error, "LEAT_SHARDS=two: not a number; write it in digits (1 to 1024), for example "
               "LEAT_SHARDS=2");
    assert_int_equal(read_environment("LEAT_PLAN=yes", NULL), -EINVAL);
    assert_string_equal(
        error, "LEAT_PLAN: is an order, not a setting; take it away, and write the flag --plan");
}

static void messages_name_what_was_written(void **state)
{
    (void)state;
    static const char line[] = "--exchanges 8: more than --connections 4\nanother";
    char out[512];
    begin();
    leat__effective_respell(&e, line, strcspn(line, "\n"), out, sizeof out);
    assert_string_equal(out, "--exchanges 8: more than --connections 4");
    read_file("\nexchanges = 8\n");
    leat__effective_respell(&e, line, strcspn(line, "\n"), out, sizeof out);
    assert_string_equal(out, "a.conf:2: exchanges 8: more than --connections 4");
    read_environment("LEAT_EXCHANGES=8", NULL);
    leat__effective_respell(&e, line, strcspn(line, "\n"), out, sizeof out);
    assert_string_equal(out, "LEAT_EXCHANGES 8: more than --connections 4");
    leat__effective_respell(&e, "--no-such 1: x", 14, out, sizeof out);
    assert_string_equal(out, "--no-such 1: x");
    leat__effective_respell(&e, "plain", 5, out, sizeof out);
    assert_string_equal(out, "plain");
}

static void lines_about_a_text_begin_with_its_place(void **state)
{
    (void)state;
    static const char about_a[] = "redirect \"/a\": wrong",
                      about_b[] = "site b: field \"X: y\": wrong";
    static const char about_address[] = "--listen fd:x: no socket was handed to us";
    char out[512];
    begin();
    assert_int_equal(read_file("listen = :80\nlisten = fd:x, nodelay=on\naccess-log = /a\n"
                               "[site a]\nfield = X: y\n[site b]\nfield = X: y\n"),
                     0);
    leat__effective_respell(&e, about_a, sizeof about_a - 1, out, sizeof out);
    assert_string_equal(out, "a.conf:3: redirect \"/a\": wrong");
    leat__effective_respell(&e, about_b, sizeof about_b - 1, out, sizeof out);
    assert_string_equal(out, "a.conf:7: site b: field \"X: y\": wrong");
    leat__effective_respell(&e, about_address, sizeof about_address - 1, out, sizeof out);
    assert_string_equal(out, "a.conf:2: listen fd:x: no socket was handed to us");
    leat__effective_respell(&e, "", 0, out, sizeof out);
    assert_string_equal(out, "");
}

static void control_characters_are_never_printed(void **state)
{
    (void)state;
    begin();
    assert_int_equal(read_flags("--shards=1\n2\033[31m", NULL), -EINVAL);
    assert_string_equal(
        error, "--shards 1?2?[31m: not a number; write it in digits (1 to 1024), for example "
               "--shards 2");
    assert_int_equal(read_flags("--access-log=a\nb", NULL), -EINVAL);
    assert_null(strchr(error, '\n'));
}

/* ── Printing ── */

static void print(struct text *text)
{
    struct options completed = filled();
    completed.config.shards = 7;
    text->size = 0;
    leat__effective_print(&e, &completed, append, text);
}

static void what_is_printed_names_its_source(void **state)
{
    (void)state;
    static struct text text;
    begin();
    read_file("\nidle-timeout = 1000ms\n[site a b]\nlisting = no\n");
    read_environment("LEAT_MEMORY=1024m", NULL);
    read_flags("--quiet", NULL);
    print(&text);
    assert_non_null(strstr(text.bytes, "\n# a.conf:2\nidle-timeout = 1s\n"));
    assert_non_null(strstr(text.bytes, "\n# environment LEAT_MEMORY\nmemory = 1g\n"));
    assert_non_null(strstr(text.bytes, "\n# flag --quiet\nquiet = yes\n"));
    assert_non_null(strstr(text.bytes, "\n# default: one per processor\n#shards = 7\n"));
    assert_non_null(strstr(text.bytes, "\n# default\n#head-timeout = 30s\n"));
    assert_non_null(strstr(text.bytes, "\n[site a b]\n"));
    assert_non_null(strstr(text.bytes, "\n# a.conf:4\nlisting = no\n"));
    assert_null(strstr(text.bytes, "print-config"));
}

static void assert_same(uint32_t section, const struct option_row *row)
{
    for (uint32_t i = 0;; i++) {
        const struct setting *a = leat__effective_get(&e, row, section, i);
        const struct setting *b = leat__effective_get(&again, row, section, i);
        assert_true((a == NULL) == (b == NULL));
        if (a == NULL || b == NULL)
            return;
        assert_int_equal(a->number, b->number);
        if (option_is_text(row))
            assert_string_equal(a->text, b->text);
    }
}

/* Every row set to its example, in the file and in a section, and values longer than a line. */
static void what_is_printed_can_be_read_in_again(void **state)
{
    (void)state;
    static struct text text, second;
    char line[64], long_value[1200] = "Content-Security-Policy: default-src self ;";
    begin();
    for (unsigned i = 0; i < leat__option_row_count; i++) {
        const struct option_row *row = &leat__option_rows[i];
        struct option_place place = {SOURCE_FLAG, NULL, 0};
        if (row->kind == OPTION_HEADING || row->when >= OPTION_OUTSIDE)
            continue;
        const char *value = row->example != NULL ? row->example : "yes";
        assert_int_equal(leat__effective_add(&e, row, 0, &place, value, error, sizeof error), 0);
    }
    for (int i = 0; i < 40; i++) {
        snprintf(line, sizeof line, " word%d shards = %d # ;", i, i);
        strcat(long_value, line);
    }
    assert_true(read_flags("--field", long_value) > 0);
    read_file("root = /a\n[site a b]\nfield = X: y ; z\nfield = Z: 1\nlisting = off\n[site "
              "c]\nroot = /c\n");
    print(&text);
    leat__effective_init(&again, &own_table);
    assert_int_equal(leat__ini_parse(&again, "b.conf", text.bytes, text.size, error, sizeof error), 0);
    assert_string_equal(error, "");
    assert_int_equal(again.section_count, 2);
    for (unsigned i = 0; i < leat__option_row_count; i++)
        assert_same(0, &leat__option_rows[i]);
    for (uint32_t section = 0; section <= 2; section++)
        for (unsigned i = 0; i < own_table.count; i++)
            assert_same(section, &own_rows[i]);
    /* and what is printed of that, and of that again, is the same to the octet */
    e = again;
    print(&second);
    leat__effective_init(&again, &own_table);
    assert_int_equal(leat__ini_parse(&again, "b.conf", second.bytes, second.size, error, sizeof error), 0);
    e = again;
    print(&text);
    assert_string_equal(text.bytes, second.bytes);
}

static void a_value_that_no_line_can_hold_is_a_comment(void **state)
{
    (void)state;
    static struct text text;
    char long_value[300];
    memset(long_value, 'x', sizeof long_value - 1);
    long_value[sizeof long_value - 1] = '\0';
    begin();
    assert_true(read_flags("--access-log", long_value) > 0);
    print(&text);
    assert_non_null(strstr(text.bytes, "# no line of a file can hold this\n#access-log = xxx"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stronger_source_counts),
        cmocka_unit_test(the_order_of_reading_is_without_meaning),
        cmocka_unit_test(variables_are_options),
        cmocka_unit_test(wrong_variables_are_told),
        cmocka_unit_test(messages_name_what_was_written),
        cmocka_unit_test(lines_about_a_text_begin_with_its_place),
        cmocka_unit_test(control_characters_are_never_printed),
        cmocka_unit_test(what_is_printed_names_its_source),
        cmocka_unit_test(what_is_printed_can_be_read_in_again),
        cmocka_unit_test(a_value_that_no_line_can_hold_is_a_comment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
