/* test_settings.c: what people write about a listener, what is said when it is wrong, what profiles bring, and that
 * doc/TCP.md tells every row of the tables. */
#include "net/net.h"
#include "net/proxy.h"
#include "net/values.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct net_options options_of(const char *text)
{
    struct net_address out[NET_ADDRESSES_MAX];
    char error[512] = "";
    if (leat__net_parse(text, out, error, sizeof error) < 1)
        fail_msg("%s", error);
    return out[0].options;
}

static void expect_refused(const char *settings, const char *line)
{
    struct net_options o;
    char error[512] = "";
    leat__net_options_init(&o);
    assert_int_equal(leat__net_options_parse(&o, settings, error, sizeof error), -EINVAL);
    assert_string_equal(error, line);
}

static void complete(struct net_options *o, const char *profile)
{
    char error[256] = "";
    int index = leat__net_profile_find(profile);
    assert_true(index >= 0);
    assert_int_equal(leat__net_options_complete(o, (unsigned)index, true, error, sizeof error), 0);
}

static void expect_written(const struct net_options *o, enum net_setting_id id, const char *value)
{
    char text[NET_VALUE_SIZE];
    leat__net_setting_write(o, id, text);
    assert_string_equal(text, value);
}

static void settings_stand_behind_commas_with_or_without_blanks(void **state)
{
    (void)state;
    struct net_address out[NET_ADDRESSES_MAX];
    char error[256];
    assert_int_equal(leat__net_parse("localhost:80 ,profile=games,\tuser-timeout=20s , nodelay=off",
                                     out, error, sizeof error),
                     2);
    for (unsigned i = 0; i < 2; i++) {
        assert_string_equal(out[i].text, "localhost:80");
        assert_int_equal(out[i].options.profile, leat__net_profile_find("games"));
        assert_int_equal(out[i].options.said, 1u << NET_USER_TIMEOUT | 1u << NET_NODELAY);
        assert_int_equal(out[i].options.values[NET_USER_TIMEOUT], 20000);
        assert_int_equal(out[i].options.values[NET_NODELAY], 0);
    }
}

static void what_is_said_wins_over_the_profile_wherever_it_stands(void **state)
{
    (void)state;
    struct net_options o = options_of(":80, user-timeout=3s, profile=games");
    complete(&o, "many-idle");
    expect_written(&o, NET_USER_TIMEOUT, "3s");
    expect_written(&o, NET_NOTSENT_LOWAT, "16k");
    expect_written(&o, NET_KEEPALIVE_IDLE, "10s");
    expect_written(&o, NET_CONGESTION, "");
    assert_int_equal(o.profile, leat__net_profile_find("games"));
    assert_true(net_is_said(&o, NET_USER_TIMEOUT) && !net_is_said(&o, NET_NODELAY));
}

static void without_a_profile_the_given_one_holds(void **state)
{
    (void)state;
    struct net_options o = options_of(":80");
    complete(&o, "streaming");
    expect_written(&o, NET_CONGESTION, "bbr");
    expect_written(&o, NET_NODELAY, "on");
    o = options_of(":80, congestion=reno");
    complete(&o, "streaming");
    expect_written(&o, NET_CONGESTION, "reno");
}

static void every_profile_is_what_the_option_offers(void **state)
{
    (void)state;
    char names[128] = "";
    for (unsigned i = 0; i < leat__net_profile_count(); i++) {
        struct net_options o;
        leat__net_options_init(&o);
        complete(&o, leat__net_profile_at(i)->name);
        assert_int_equal(o.profile, i);
        expect_written(&o, NET_NODELAY, "on");
        assert_int_equal(o.said, 0);
        assert_true(strlen(leat__net_profile_at(i)->whom) > 20);
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i > 0 ? "|" : "",
                 leat__net_profile_at(i)->name);
    }
    assert_string_equal(names, NET_PROFILE_NAMES);
    assert_int_equal(leat__net_profile_find("ap"), -1);
}

static void every_example_can_be_written_and_comes_out_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < net_setting_count(); i++) {
        const struct net_setting *s = leat__net_setting_at(i);
        char text[96], error[256];
        snprintf(text, sizeof text, "%s=%s", s->name, s->example);
        struct net_options o;
        leat__net_options_init(&o);
        assert_int_equal(leat__net_options_parse(&o, text, error, sizeof error), 0);
        complete(&o, "api");
        expect_written(&o, i, s->example);
        assert_true(strlen(s->purpose) > 20 && strlen(s->way_out) > 4);
        assert_true(strlen(leat__net_where_name(s->where)) > 3);
    }
}

static void values_are_read_in_the_kernels_units(void **state)
{
    (void)state;
    static const struct {
        enum net_setting_kind kind;
        const char *text;
        int status;
        int64_t value;
    } cases[] = {
        {NET_BYTES, "128k", 0, 131072},
        {NET_BYTES, "1g", 0, 1 << 30},
        {NET_BYTES, "7", 0, 7},
        {NET_BYTES, "7s", -EINVAL, 0},
        {NET_BYTES, "", -EINVAL, 0},
        {NET_BYTES, "-1", -EINVAL, 0},
        {NET_BYTES, "1 k", -EINVAL, 0},
        {NET_BYTES, "9223372036854775808", -ERANGE, 0},
        {NET_BYTES, "9007199254740992k", -ERANGE, 0},
        {NET_SECONDS, "2m", 0, 120},
        {NET_SECONDS, "3000ms", 0, 3},
        {NET_SECONDS, "500ms", -EINVAL, 0},
        {NET_SECONDS, "5", -EINVAL, 0},
        {NET_MILLISECONDS, "20s", 0, 20000},
        {NET_MILLISECONDS, "7us", -EINVAL, 0},
        {NET_MICROSECONDS, "50us", 0, 50},
        {NET_MICROSECONDS, "1ms", 0, 1000},
        {NET_COUNT, "12", 0, 12},
        {NET_COUNT, "12k", -EINVAL, 0},
        {NET_COUNT, "0x1", -EINVAL, 0},
        {NET_RATE, "10m", 0, 10 << 20},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t value = 0;
        char text[NET_VALUE_SIZE];
        assert_int_equal(leat__net_value_read(cases[i].kind, cases[i].text, &value), cases[i].status);
        if (cases[i].status < 0)
            continue;
        assert_int_equal(value, cases[i].value);
        leat__net_value_write(cases[i].kind, value, text);
        assert_int_equal(leat__net_value_read(cases[i].kind, text, &value), 0);
        assert_int_equal(value, cases[i].value);
    }
}

static void a_wrong_setting_is_told_with_the_way_out(void **state)
{
    (void)state;
    expect_refused("user-timout=3s",
                   "there is no setting \"user-timout\"; did you mean user-timeout?");
    expect_refused("profil=api", "there is no setting \"profil\"; did you mean profile?");
    expect_refused("keepalive-i=3s",
                   "there is no setting \"keepalive-i\"; did you mean keepalive-idle?");
    expect_refused("zzzzzzzzz=1",
                   "there is no setting \"zzzzzzzzz\"; they are profile, nodelay, user-timeout ... "
                   "(leat doctor lists them)");
    expect_refused("nodelay",
                   "\"nodelay\" is no setting; write name=value, for example nodelay=on");
    expect_refused("nodelay=on,",
                   "there is nothing between two commas, or behind the last; write name=value");
    expect_refused("", "there is nothing between two commas, or behind the last; write name=value");
    expect_refused("nodelay=yes", "nodelay=yes: neither on nor off");
    expect_refused("nodelay=on, nodelay=on", "nodelay is said twice");
    expect_refused("profile=api, profile=api", "profile is said twice");
    expect_refused("profile=game",
                   "profile=game: not one of api|streaming|games|trading|many-idle; did you mean "
                   "games?");
    expect_refused("profile=", "profile=: not one of api|streaming|games|trading|many-idle");
    expect_refused("user-timeout=3",
                   "user-timeout=3: not a time in whole milliseconds: digits, and ms, s, m or h; "
                   "for example user-timeout=20s");
    expect_refused("keepalive-idle=500ms",
                   "keepalive-idle=500ms: not a time in whole seconds: digits, and s, m or "
                   "h; for example keepalive-idle=1m");
    expect_refused("keepalive-count=128",
                   "keepalive-count=128: out of range; write 1 to 127, for example "
                   "keepalive-count=4");
    expect_refused("backlog=0",
                   "backlog=0: out of range; write 1 to 1048576, for example backlog=4096");
    expect_refused("congestion=../x",
                   "congestion=../x: not the name of a congestion control; for example "
                   "congestion=bbr");
    expect_refused("congestion=aaaaaaaaaaaaaaaa",
                   "congestion=aaaaaaaaaaaaaaaa: not the name of a congestion "
                   "control; for example congestion=bbr");
    expect_refused("steer=hash", "steer=hash: neither none nor cpu");
    expect_refused("proxy-protocol=v3", "proxy-protocol=v3: not one of off|v1|v2|any");
}

static void a_refused_setting_names_the_whole_text(void **state)
{
    (void)state;
    struct net_address out[NET_ADDRESSES_MAX];
    char error[256];
    assert_int_equal(leat__net_parse(":80, nodelay=no", out, error, sizeof error), -EINVAL);
    assert_string_equal(error, "address \":80, nodelay=no\": nodelay=no: neither on nor off");
    assert_int_equal(leat__net_parse("80, nodelay=on", out, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "there is no port"));
}

static void a_unix_socket_has_a_proxy_header_and_nothing_else(void **state)
{
    (void)state;
    struct net_address out[NET_ADDRESSES_MAX];
    char error[256];
    struct net_options o = options_of("unix:/s, proxy-protocol=v1");
    assert_int_equal(leat__net_options_complete(&o, 0, false, error, sizeof error), 0);
    assert_int_equal(net_proxy_versions(&o), NET_PROXY_V1);
    assert_false(net_is_wanted(&o, NET_NODELAY));
    assert_int_equal(leat__net_parse("unix:/s, keepalive=on", out, error, sizeof error), -EINVAL);
    assert_string_equal(
        error, "address \"unix:/s, keepalive=on\": a unix socket has no keepalive; leave it out");
    assert_int_equal(leat__net_parse("unix:/s, profile=api", out, error, sizeof error), -EINVAL);
    assert_string_equal(
        error, "address \"unix:/s, profile=api\": a unix socket has no profile; leave it out");
}

static void a_handed_socket_is_named_and_not_steered(void **state)
{
    (void)state;
    struct net_address out[NET_ADDRESSES_MAX];
    char error[256];
    assert_int_equal(leat__net_parse("fd:web, nodelay=off", out, error, sizeof error), 1);
    assert_true(net_is_handed(out));
    assert_string_equal(net_handed_name(out), "web");
    assert_int_equal(leat__net_parse("fd:", out, error, sizeof error), -EINVAL);
    assert_string_equal(
        error, "address \"fd:\": there is no number and no name behind \"fd:\"; write fd:3");
    assert_int_equal(leat__net_parse("fd:3, steer=cpu", out, error, sizeof error), -EINVAL);
    assert_non_null(
        strstr(error, "one for all shards, and steer chooses between several; leave it out"));
    assert_int_equal(leat__net_parse("fd:3, incoming-cpu=on", out, error, sizeof error), -EINVAL);
    assert_int_equal(leat__net_parse("127.0.0.1:80", out, error, sizeof error), 1);
    assert_false(net_is_handed(out));
}

static void proxy_versions_are_the_bits_of_the_parser(void **state)
{
    (void)state;
    struct net_options o = options_of(":80, proxy-protocol=any");
    complete(&o, "api");
    assert_int_equal(net_proxy_versions(&o), NET_PROXY_ANY);
    o = options_of(":80, proxy-protocol=v2");
    complete(&o, "api");
    assert_int_equal(net_proxy_versions(&o), NET_PROXY_V2);
    o = options_of(":80, proxy-protocol=off");
    complete(&o, "api");
    assert_int_equal(net_proxy_versions(&o), NET_PROXY_OFF);
}

/* Whether a line of the document begins as a row of its table with the name. */
static bool has_row(const char *document, const char *name)
{
    char row[64];
    snprintf(row, sizeof row, "\n| `%s` |", name);
    return strstr(document, row) != NULL;
}

static unsigned count_rows(const char *document)
{
    unsigned count = 0;
    for (const char *at = document; (at = strstr(at, "\n| `")) != NULL; at++)
        count++;
    return count;
}

static void the_document_tells_every_row_and_no_other(void **state)
{
    (void)state;
    static char document[65536];
    FILE *file = fopen("doc/TCP.md", "r");
    if (file == NULL)
        skip(); /* not run from the root */
    size_t size = fread(document, 1, sizeof document - 1, file);
    fclose(file);
    document[size] = '\0';
    for (unsigned i = 0; i < net_setting_count(); i++)
        if (!has_row(document, leat__net_setting_at(i)->name) ||
            strstr(document, leat__net_setting_at(i)->purpose) == NULL)
            fail_msg("doc/TCP.md lacks %s, or does not say what tcp.def says of it",
                     leat__net_setting_at(i)->name);
    for (unsigned i = 0; i < leat__net_profile_count(); i++)
        if (!has_row(document, leat__net_profile_at(i)->name) ||
            strstr(document, leat__net_profile_at(i)->settings) == NULL)
            fail_msg("doc/TCP.md lacks %s, or does not say what profiles.def says of it",
                     leat__net_profile_at(i)->name);
    assert_int_equal(count_rows(document), net_setting_count() + leat__net_profile_count());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_stand_behind_commas_with_or_without_blanks),
        cmocka_unit_test(what_is_said_wins_over_the_profile_wherever_it_stands),
        cmocka_unit_test(without_a_profile_the_given_one_holds),
        cmocka_unit_test(every_profile_is_what_the_option_offers),
        cmocka_unit_test(every_example_can_be_written_and_comes_out_again),
        cmocka_unit_test(values_are_read_in_the_kernels_units),
        cmocka_unit_test(a_wrong_setting_is_told_with_the_way_out),
        cmocka_unit_test(a_refused_setting_names_the_whole_text),
        cmocka_unit_test(a_unix_socket_has_a_proxy_header_and_nothing_else),
        cmocka_unit_test(a_handed_socket_is_named_and_not_steered),
        cmocka_unit_test(proxy_versions_are_the_bits_of_the_parser),
        cmocka_unit_test(the_document_tells_every_row_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
