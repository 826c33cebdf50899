/* test_options.c: flags become a configuration, and whatever is wrong is told in one line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/effective.h"
#include "config/option_values.h"

enum { WORDS_MAX = 48 };

static char error[512];
static char *words[WORDS_MAX + 1];

/* Reads a command line given as one text, words between spaces; the program's name is put before it. */
static int parse(struct options *options, const char *line)
{
    static char copy[1024];
    int count = 0;
    snprintf(copy, sizeof copy, "leat %s", line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        words[count++] = word;
    words[count] = NULL;
    static struct effective e;
    leat__effective_init(&e, NULL);
    error[0] = '\0';
    int first = leat__flags_read(&e, count, words, error, sizeof error);
    leat__effective_fill(&e, &leat__server_table, 0, options);
    return first >= 0 && leat__flags_check(options, error, sizeof error) < 0 ? -EINVAL : first;
}

static void assert_error(const char *line, const char *expected)
{
    struct options options;
    assert_int_equal(parse(&options, line), -EINVAL);
    assert_string_equal(error, expected);
}

static void defaults_are_those_promised(void **state)
{
    (void)state;
    struct options o;
    assert_int_equal(parse(&o, ""), 1);
    assert_int_equal(o.config.head_timeout_ms, 30000);
    assert_int_equal(o.config.content_timeout_ms, 30000);
    assert_int_equal(o.config.write_timeout_ms, 30000);
    assert_int_equal(o.config.idle_timeout_ms, 60000);
    assert_int_equal(o.config.drain_timeout_ms, 30000);
    assert_int_equal(o.config.drain_delay_ms, 0);
    assert_int_equal(o.config.request_line_max, 8192);
    assert_int_equal(o.config.head_max, 65472);
    assert_int_equal(o.config.fields_max, 128);
    assert_int_equal(o.config.content_max, 1 << 20);
    assert_int_equal(o.config.loop, LOOP_AUTO);
    assert_int_equal(o.config.listen.count, 0);
    assert_false(o.config.commit || o.config.private_descriptors || o.config.quiet);
    assert_false(o.plan || o.json || o.layout || o.help || o.version);
}

static void every_kind_is_read(void **state)
{
    (void)state;
    struct options o;
    int first = parse(
        &o, "--shards 3 --connections=5000 --exchanges 100 --memory 256m "
            "--content-total 64MiB --content-max 2m --head-max 32k --request-line-max 4000 "
            "--fields-max 50 --head-timeout 2s --content-timeout 1m --write-timeout never "
            "--idle-timeout 500ms --drain-timeout 1ms --drain-delay 5s --loop epoll --commit "
            "--private-descriptors --quiet --plan --json");
    assert_string_equal(error, "");
    assert_true(first > 0);
    assert_int_equal(o.config.shards, 3);
    assert_int_equal(o.config.connections, 5000);
    assert_int_equal(o.config.exchanges, 100);
    assert_int_equal(o.config.memory, 256 << 20);
    assert_int_equal(o.config.content_total, 64 << 20);
    assert_int_equal(o.config.content_max, 2 << 20);
    assert_int_equal(o.config.head_max, 32768);
    assert_int_equal(o.config.request_line_max, 4000);
    assert_int_equal(o.config.fields_max, 50);
    assert_int_equal(o.config.head_timeout_ms, 2000);
    assert_int_equal(o.config.content_timeout_ms, 60000);
    assert_int_equal(o.config.write_timeout_ms, -1);
    assert_int_equal(o.config.idle_timeout_ms, 500);
    assert_int_equal(o.config.drain_timeout_ms, 1);
    assert_int_equal(o.config.drain_delay_ms, 5000);
    assert_int_equal(o.config.loop, LOOP_EPOLL);
    assert_true(o.config.commit && o.config.private_descriptors && o.config.quiet);
    assert_true(o.plan && o.json && !o.layout);
}

static void addresses_add_up_in_order(void **state)
{
    (void)state;
    struct options o;
    assert_true(
        parse(&o, "--listen 127.0.0.1:80 --listen [::1]:81 --listen=:82 --listen unix:/tmp/x") > 0);
    assert_int_equal(o.config.listen.count, 4);
    assert_string_equal(o.config.listen.items[0], "127.0.0.1:80");
    assert_string_equal(o.config.listen.items[1], "[::1]:81");
    assert_string_equal(o.config.listen.items[2], ":82");
    assert_string_equal(o.config.listen.items[3], "unix:/tmp/x");
    assert_null(o.config.listen.items[4]);
}

static void too_many_addresses_are_refused(void **state)
{
    (void)state;
    struct options o;
    char line[1024] = "";
    for (int i = 0; i < CONFIG_LISTEN_MAX; i++)
        strcat(line, "--listen :80 ");
    assert_true(parse(&o, line) > 0);
    strcat(line, "--listen :81");
    assert_int_equal(parse(&o, line), -EINVAL);
    assert_string_equal(error, "--listen :81: 16 addresses are the most");
}

static void operands_come_behind_the_flags(void **state)
{
    (void)state;
    struct options o;
    int first = parse(&o, "folder --shards 2 other");
    assert_int_equal(first, 3);
    assert_string_equal(words[3], "folder");
    assert_string_equal(words[4], "other");
    assert_int_equal(parse(&o, "--quiet -- --shards"), 3);
    assert_string_equal(words[3], "--shards");
}

static void letters_and_beginnings_are_understood(void **state)
{
    (void)state;
    struct options o;
    assert_true(parse(&o, "-h") > 0 && o.help && !o.version);
    assert_true(parse(&o, "-V") > 0 && o.version);
    assert_true(parse(&o, "--conn 7") > 0);
    assert_int_equal(o.config.connections, 7);
}

static void a_value_of_the_wrong_kind_is_told(void **state)
{
    (void)state;
    assert_error("--head-timeout 5x",
                 "--head-timeout 5x: not a time; write 500ms, 2s, 1m or never (100ms to "
                 "24h), for example --head-timeout 30s");
    assert_error("--memory lots",
                 "--memory lots: not a size; write 65536, 64k, 16m or 1g (1m to 65536g), for "
                 "example --memory 256m");
    assert_error(
        "--shards two",
        "--shards two: not a number; write it in digits (1 to 1024), for example --shards 2");
    assert_error("--loop kqueue",
                 "--loop kqueue: not one of auto|uring|epoll; for example --loop auto");
    assert_error("--loop aut", "--loop aut: not one of auto|uring|epoll; for example --loop auto");
}

static void a_value_out_of_range_is_told(void **state)
{
    (void)state;
    assert_error("--shards 0", "--shards 0: out of range; write 1 to 1024, for example --shards 2");
    assert_error("--fields-max 129",
                 "--fields-max 129: out of range; write 8 to 128, for example --fields-max 100");
    assert_error("--head-max 1g",
                 "--head-max 1g: out of range; write 1k to 65472, for example --head-max 32k");
    assert_error("--idle-timeout 0s",
                 "--idle-timeout 0s: out of range; write 100ms to 24h or never, for "
                 "example --idle-timeout 1m");
    assert_error(
        "--connections 99999999999999999999",
        "--connections 99999999999999999999: out of range; write 1 to 16777216, for example "
        "--connections 20000");
}

static void a_wrong_address_is_told(void **state)
{
    (void)state;
    struct options o;
    assert_int_equal(parse(&o, "--listen nowhere"), -EINVAL);
    assert_ptr_equal(strstr(error, "--listen nowhere: "), error);
    assert_non_null(strstr(error, "for example --listen 127.0.0.1:8080"));
    assert_null(strchr(error, '\n'));
    assert_null(strstr(error, "address \""));
}

static void an_unknown_option_names_the_nearest(void **state)
{
    (void)state;
    assert_error("--conections 5", "--conections: no such option; did you mean --connections?");
    assert_error("--head-timout=5s", "--head-timout: no such option; did you mean --head-timeout?");
    assert_error("--frobnicate", "--frobnicate: no such option; --help lists them");
    assert_error(
        "--port 80",
        "--port: no such option; did you mean --listen, for example --listen 127.0.0.1:8080?");
    assert_error(
        "--prot=80",
        "--prot: no such option; did you mean --listen, for example --listen 127.0.0.1:8080?");
    assert_error("--threads 2",
                 "--threads: no such option; did you mean --shards, for example --shards 2?");
    assert_error("--log-frmat json", "--log-frmat: no such option; did you mean --log-format?");
    assert_error("-x", "-x: no such option; --help lists them");
    assert_error("--content 5",
                 "--content: begins more than one option: --content-total --content-max "
                 "--content-timeout");
}

static void values_are_where_they_belong(void **state)
{
    (void)state;
    assert_error("--shards", "--shards: needs a value; for example --shards 2");
    assert_error("--plan=1", "--plan=1: --plan takes no value; write --plan");
    assert_error("--quiet=1",
                 "--quiet=1: not one of yes|no|on|off|true|false; for example --quiet=yes");
    assert_error("--json",
                 "--json: goes with --plan, --routes or --print-config; write --plan --json");
    assert_error("--print-config --check",
                 "--print-config: one order at a time; leave --check out");
    assert_error("--layout", "--layout: goes with --plan; write --plan --layout");
    assert_error("--plan --json --layout",
                 "--layout: is for people and has no JSON; leave --json out");
}

/* For every row: the ends of its range are taken, one beyond them is not, and its example is good. */
static void every_row_holds_its_range(void **state)
{
    (void)state;
    struct options o;
    char line[128], value[OPTION_VALUE_SIZE];
    for (unsigned i = 0; i < leat__option_row_count; i++) {
        const struct option_row *row = &leat__option_rows[i];
        bool is_number = row->kind == OPTION_COUNT || row->kind == OPTION_BYTES;
        if (row->example != NULL) {
            snprintf(line, sizeof line, "--%s %s", row->name, row->example);
            assert_true(parse(&o, line) > 0);
        }
        if (!is_number && row->kind != OPTION_DURATION)
            continue;
        const int64_t ends[] = {row->smallest, row->largest, row->smallest - 1, row->largest + 1};
        for (int end = 0; end < 4; end++) {
            if (row->kind == OPTION_DURATION && ends[end] == -1)
                continue; /* never */
            if (row->kind == OPTION_DURATION)
                leat__option_write_duration(value, ends[end]);
            else
                leat__option_write_count(value, ends[end]);
            snprintf(line, sizeof line, "--%s %s", row->name, value);
            assert_int_equal(parse(&o, line) > 0, end < 2);
        }
        assert_true(row->standard == 0 ||
                    (row->standard >= row->smallest && row->standard <= row->largest));
    }
}

struct text {
    char bytes[16384];
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

static void help_shows_every_option_within_100_columns(void **state)
{
    (void)state;
    static struct text text;
    char name[64];
    leat__options_help(NULL, append, &text);
    for (unsigned i = 0; i < leat__option_row_count; i++) {
        const struct option_row *row = &leat__option_rows[i];
        snprintf(name, sizeof name, "%s%s",
                 row->kind != OPTION_HEADING ? "\n  --"
                 : i == 0                    ? "\n"
                                             : "\n\n",
                 row->name);
        assert_non_null(strstr(text.bytes, name));
    }
    assert_non_null(strstr(text.bytes, "[30s]"));
    assert_non_null(strstr(text.bytes, "[8k]"));
    assert_non_null(strstr(text.bytes, "[localhost:8080]"));
    for (const char *line = text.bytes; *line != '\0'; line++) {
        size_t size = strcspn(line, "\n");
        assert_true(size <= 100);
        assert_true(size == 0 || line[size - 1] != ' ');
        line += size;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_promised),
        cmocka_unit_test(every_kind_is_read),
        cmocka_unit_test(addresses_add_up_in_order),
        cmocka_unit_test(too_many_addresses_are_refused),
        cmocka_unit_test(operands_come_behind_the_flags),
        cmocka_unit_test(letters_and_beginnings_are_understood),
        cmocka_unit_test(a_value_of_the_wrong_kind_is_told),
        cmocka_unit_test(a_value_out_of_range_is_told),
        cmocka_unit_test(a_wrong_address_is_told),
        cmocka_unit_test(an_unknown_option_names_the_nearest),
        cmocka_unit_test(values_are_where_they_belong),
        cmocka_unit_test(every_row_holds_its_range),
        cmocka_unit_test(help_shows_every_option_within_100_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
