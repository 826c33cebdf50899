/* test_ini.c: configuration files become settings, and every mistake is told with its line. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
    OPTION_ROW(struct own, OPTION_RESTART, "field", TEXTS, fields, "TEXT", 0, 0, 0, NULL,
               "\"A: b\"", "Fields."),
    OPTION_ROW(struct own, OPTION_RESTART, "listing", FLAG, listing, NULL, 0, 1, 1, NULL, NULL, "A list."),
};
static const struct option_table own_table = {own_rows, COUNT_OF(own_rows), sizeof(struct own), "site"};

static struct effective e;
static char error[512];

static int read_size(const char *text, size_t size)
{
    error[0] = '\0';
    leat__effective_init(&e, &own_table);
    return leat__ini_parse(&e, "a.conf", text, size, error, sizeof error);
}

static void assert_error(const char *text, const char *expected)
{
    assert_int_equal(read_size(text, strlen(text)), -EINVAL);
    assert_string_equal(error, expected);
}

static struct options read_server(const char *text)
{
    struct options options;
    int status = read_size(text, strlen(text));
    assert_string_equal(error, "");
    assert_int_equal(status, 0);
    leat__effective_fill(&e, &leat__server_table, 0, &options);
    return options;
}

static struct own own_of(uint32_t section)
{
    struct own own;
    leat__effective_fill(&e, &own_table, section, &own);
    return own;
}

static void every_kind_is_read(void **state)
{
    (void)state;
    struct options o = read_server(
        "# a comment\n; another\n\nshards=3\nmemory =256m\nidle-timeout= never\n"
        "loop = epoll\nquiet = on\ncommit = no\naccess-log = /var/log/a b.log\n");
    assert_int_equal(o.config.shards, 3);
    assert_int_equal(o.config.memory, 256 << 20);
    assert_int_equal(o.config.idle_timeout_ms, -1);
    assert_int_equal(o.config.loop, LOOP_EPOLL);
    assert_true(o.config.quiet);
    assert_false(o.config.commit);
    assert_string_equal(o.config.access_log, "/var/log/a b.log");
    assert_int_equal(o.config.head_timeout_ms, 30000);
}

static void lists_keep_their_order(void **state)
{
    (void)state;
    struct options o = read_server("listen = :81\nshards = 1\nlisten = :80\n");
    assert_int_equal(o.config.listen.count, 2);
    assert_string_equal(o.config.listen.items[0], ":81");
    assert_string_equal(o.config.listen.items[1], ":80");
    assert_null(o.config.listen.items[2]);
}

static void sections_have_rows_of_their_own(void **state)
{
    (void)state;
    struct options o = read_server(
        "root = /top\n[site a.example  www.a.example]\nroot = /a\nlisting = no\n"
        "[server]\nshards = 2\n[ site b.example ]\nfield = A: 1\nfield = B: 2\n");
    assert_int_equal(o.config.shards, 2);
    assert_int_equal(e.section_count, 2);
    assert_int_equal(e.sections[0].names.count, 2);
    assert_string_equal(e.sections[0].names.items[1], "www.a.example");
    assert_string_equal(e.sections[1].names.items[0], "b.example");
    struct own top = own_of(0), a = own_of(1), b = own_of(2);
    assert_string_equal(top.root, "/top");
    assert_true(top.listing);
    assert_string_equal(a.root, "/a");
    assert_false(a.listing);
    assert_null(b.root);
    assert_true(b.listing);
    assert_int_equal(b.fields.count, 2);
    assert_string_equal(b.fields.items[1], "B: 2");
}

static void indented_lines_go_on_with_a_value(void **state)
{
    (void)state;
    read_server("field = A: b;\n   c\n\t[d]\n# between\nfield =\n  E: f\n");
    struct own top = own_of(0);
    assert_int_equal(top.fields.count, 2);
    assert_string_equal(top.fields.items[0], "A: b; c [d]");
    assert_string_equal(top.fields.items[1], "E: f");
}

/* inih takes it for a comment when a blank is before it. */
static void a_semicolon_belongs_to_its_value(void **state)
{
    (void)state;
    read_server("field = A: b ; c\nfield = ;d\n  ; this is a comment\n");
    struct own top = own_of(0);
    assert_string_equal(top.fields.items[0], "A: b ; c");
    assert_string_equal(top.fields.items[1], ";d");
    assert_error(
        "shards = 2 ; two\n",
        "a.conf:1: shards 2 ; two: not a number; write it in digits (1 to 1024), for example "
        "shards = 2");
}

static void windows_line_ends_and_marks_are_taken(void **state)
{
    (void)state;
    struct options o = read_server("\xef\xbb\xbfshards = 3\r\nquiet = yes\r\n");
    assert_int_equal(o.config.shards, 3);
    assert_true(o.config.quiet);
    assert_int_equal(read_server("shards = 4").config.shards, 4); /* no newline at the end */
    read_server("");
}

static void wrong_values_name_their_line(void **state)
{
    (void)state;
    assert_error("\nshards = two\n", "a.conf:2: shards two: not a number; write it in digits (1 to "
                                     "1024), for example shards = 2");
    assert_error("shards = 0\n",
                 "a.conf:1: shards 0: out of range; write 1 to 1024, for example shards = 2");
    assert_error(
        "quiet = maybe\n",
        "a.conf:1: quiet maybe: not one of yes|no|on|off|true|false; for example quiet = yes");
    assert_error("root =\n",
                 "a.conf:1: root \"\": is empty; leave it out, or say what it is, for example "
                 "root = /srv");
    assert_error("field = \"A: b\"\n",
                 "a.conf:1: field \"A: b\": begins with a quotation mark; write it "
                 "without, for example field = A: b");
    assert_error(
        "shards = 2\nmemory = 1g\nshards = 3\n",
        "a.conf:3: shards 3: line 1 says shards already, and it has one value; leave one out");
    assert_int_equal(read_size("listen = nowhere\n", 17), -EINVAL);
    assert_ptr_equal(strstr(error, "a.conf:1: listen nowhere: "), error);
}

static void wrong_keys_propose_the_nearest(void **state)
{
    (void)state;
    assert_error("idle_timeout = 5s\n",
                 "a.conf:1: idle_timeout: no such key; did you mean idle-timeout?");
    assert_error("rooot = /\n", "a.conf:1: rooot: no such key; did you mean root?");
    assert_error("frobnicate = 1\n",
                 "a.conf:1: frobnicate: no such key; the names are those of the options, "
                 "--help lists them");
    assert_error("= 1\n", "a.conf:1: no key before the =; write KEY = VALUE");
    assert_error("listen 127.0.0.1:80\n",
                 "a.conf:1: listen 127.0.0.1: no = behind the key; write KEY = VALUE");
    assert_error("plan = yes\n",
                 "a.conf:1: plan: is an order, not a setting; write the flag --plan");
    assert_error(
        "config = b.conf\n",
        "a.conf:1: config: can't be said by a configuration file; write the flag --config");
}

static void wrong_places_are_told(void **state)
{
    (void)state;
    assert_error("[site a]\nshards = 2\n",
                 "a.conf:2: shards: is the server's; write it above the first "
                 "section, or in [server]");
    assert_error("[server]\nroot = /\n",
                 "a.conf:2: root: is not the server's; write it above the first "
                 "section, or in [site NAME]");
    assert_error("[site]\n", "a.conf:1: [site]: has no name; write [site www.example.org]");
    assert_error("[site a b]\n[site B]\n",
                 "a.conf:2: [site B]: line 1 has that name already; leave one out");
    assert_error("[server a]\n", "a.conf:1: [server]: has no names; write [server]");
    assert_error("[sever]\n", "a.conf:1: [sever]: no such section; did you mean [server]?");
    assert_error("[sites a]\n", "a.conf:1: [sites]: no such section; did you mean [site NAME]?");
    assert_error("[server] shards = 2\n",
                 "a.conf:1: [server]: more behind the ]; write it on the next line");
    assert_error("[server] ; that\n",
                 "a.conf:1: [server]: a comment on a section's line; write it on the line before");
}

static void lines_that_are_none_are_told(void **state)
{
    (void)state;
    char text[400];
    assert_error("shards\n", "a.conf:1: shards: no = in it; write KEY = VALUE");
    assert_error("shards = 2\n\n[server\n",
                 "a.conf:3: [server: a section without its ]; write [server]");
    assert_error("shards = 2\n  listen = :80\n", "a.conf:2: listen = :80: is indented, so it goes "
                                                 "on with shards of line 1; write it without "
                                                 "the blanks");
    assert_int_equal(read_size("a\0b = 1\n", 8), -EINVAL);
    assert_string_equal(error,
                        "a.conf:1: a control octet, such as NUL, that no text has; take it away");
    memset(text, 'x', sizeof text);
    memcpy(text, "root = ", 7);
    assert_int_equal(read_size(text, 199), -EINVAL);
    assert_string_equal(
        error, "a.conf:1: longer than 198 octets; break it: an indented line goes on with the "
               "value before");
    assert_int_equal(read_size(text, 198), 0);
    assert_int_equal(strlen(own_of(0).root), 191);
}

/* A value ends where the next line begins: the mistake that stands first is told. */
static void the_first_mistake_is_told(void **state)
{
    (void)state;
    assert_error("shards = two\nnonsense\n",
                 "a.conf:1: shards two: not a number; write it in digits (1 to "
                 "1024), for example shards = 2");
    assert_error("nonsense\nshards = two\n", "a.conf:1: nonsense: no = in it; write KEY = VALUE");
}

static void too_much_is_refused(void **state)
{
    (void)state;
    static char text[300 << 10];
    size_t used = 0;
    for (int i = 0; i < SECTIONS_MAX + 1; i++)
        used += (size_t)sprintf(text + used, "[site s%d]\n", i);
    assert_int_equal(read_size(text, used), -EINVAL);
    assert_string_equal(error,
                        "a.conf:65: [site]: 64 such sections are the most; leave this one out");
    used = 0;
    for (int i = 0; i < CONFIG_LISTEN_MAX + 1; i++)
        used += (size_t)sprintf(text + used, "listen = :80\n");
    assert_int_equal(read_size(text, used), -EINVAL);
    assert_string_equal(error, "a.conf:17: listen :80: 16 addresses are the most");
    used = 0;
    for (int i = 0; i < SETTINGS_MAX + 1; i++)
        used += (size_t)sprintf(
            text + used, i % OPTION_TEXTS_MAX == 0 ? "[site s%d]\nfield = A: b\n" : "field = A: b\n", i);
    assert_int_equal(read_size(text, used), -EINVAL);
}

static void files_that_are_none_are_told(void **state)
{
    (void)state;
    char path[] = "/tmp/leat-test-XXXXXX";
    static char text[257 << 10];
    leat__effective_init(&e, NULL);
    assert_int_equal(leat__ini_read(&e, "/nowhere/a.conf", error, sizeof error), -EINVAL);
    assert_string_equal(
        error, "configuration file /nowhere/a.conf: No such file or directory; name one that "
               "can be read, or none");
    assert_int_equal(leat__ini_read(&e, "/", error, sizeof error), -EINVAL);
    assert_string_equal(error, "configuration file /: is a folder; name the file in it");
    int fd = mkstemp(path);
    memset(text, '\n', sizeof text);
    assert_int_equal(write(fd, text, 256 << 10), 256 << 10);
    assert_int_equal(leat__ini_read(&e, path, error, sizeof error), 0);
    assert_int_equal(write(fd, text, 1), 1);
    assert_int_equal(leat__ini_read(&e, path, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, ": longer than 256 KiB; a configuration is shorter"));
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read),
        cmocka_unit_test(lists_keep_their_order),
        cmocka_unit_test(sections_have_rows_of_their_own),
        cmocka_unit_test(indented_lines_go_on_with_a_value),
        cmocka_unit_test(a_semicolon_belongs_to_its_value),
        cmocka_unit_test(windows_line_ends_and_marks_are_taken),
        cmocka_unit_test(wrong_values_name_their_line),
        cmocka_unit_test(wrong_keys_propose_the_nearest),
        cmocka_unit_test(wrong_places_are_told),
        cmocka_unit_test(lines_that_are_none_are_told),
        cmocka_unit_test(the_first_mistake_is_told),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(files_that_are_none_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
