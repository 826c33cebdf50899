/* test_address.c: what may stand behind --listen, and what is said when something else does. */
#include "net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <cmocka.h>

static int parse(const char *text, struct net_address *out)
{
    char error[256] = "";
    int count = leat__net_parse(text, out, error, sizeof error);
    if (count < 0)
        fail_msg("%s", error);
    return count;
}

static void expect_inet(const struct net_address *address, int family, const char *host, int port)
{
    char text[INET6_ADDRSTRLEN];
    assert_int_equal(address->sockaddr.ss_family, family);
    if (family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&address->sockaddr;
        assert_int_equal(address->size, sizeof *in);
        assert_int_equal(ntohs(in->sin_port), port);
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    } else {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->sockaddr;
        assert_int_equal(address->size, sizeof *in6);
        assert_int_equal(ntohs(in6->sin6_port), port);
        inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
    }
    assert_string_equal(text, host);
}

static void expect_one(const char *text, int family, const char *host, int port)
{
    struct net_address out[NET_ADDRESSES_MAX];
    assert_int_equal(parse(text, out), 1);
    expect_inet(out, family, host, port);
    assert_string_equal(out->text, text);
}

static void expect_refused(const char *text, const char *line)
{
    struct net_address out[NET_ADDRESSES_MAX];
    char error[256] = "";
    assert_int_equal(leat__net_parse(text, out, error, sizeof error), -EINVAL);
    assert_string_equal(error, line);
}

static void addresses_with_ports_are_read(void **state)
{
    (void)state;
    expect_one("127.0.0.1:80", AF_INET, "127.0.0.1", 80);
    expect_one("0.0.0.0:0", AF_INET, "0.0.0.0", 0);
    expect_one("255.255.255.255:65535", AF_INET, "255.255.255.255", 65535);
    expect_one("[::1]:8080", AF_INET6, "::1", 8080);
    expect_one("[::]:80", AF_INET6, "::", 80);
    expect_one("[2001:db8::7:8]:443", AF_INET6, "2001:db8::7:8", 443);
}

static void a_port_alone_is_every_ipv4_address(void **state)
{
    (void)state;
    expect_one(":8080", AF_INET, "0.0.0.0", 8080);
    expect_one(":00080", AF_INET, "0.0.0.0", 80);
}

static void localhost_is_two_addresses(void **state)
{
    (void)state;
    struct net_address out[NET_ADDRESSES_MAX];
    assert_int_equal(parse("localhost:8080", out), 2);
    expect_inet(out, AF_INET, "127.0.0.1", 8080);
    expect_inet(out + 1, AF_INET6, "::1", 8080);
    assert_string_equal(out[0].text, "localhost:8080");
    assert_string_equal(out[1].text, "localhost:8080");
}

static void a_mapped_address_is_the_ipv4_one(void **state)
{
    (void)state;
    expect_one("[::ffff:127.0.0.1]:80", AF_INET, "127.0.0.1", 80);
    expect_one("[::ffff:7f00:1]:80", AF_INET, "127.0.0.1", 80);
}

static void a_unix_path_is_read(void **state)
{
    (void)state;
    struct net_address out[NET_ADDRESSES_MAX];
    assert_int_equal(parse("unix:/run/a b:80", out), 1);
    const struct sockaddr_un *sun = (const struct sockaddr_un *)&out->sockaddr;
    assert_int_equal(sun->sun_family, AF_UNIX);
    assert_string_equal(sun->sun_path, "/run/a b:80");
    assert_int_equal(out->size, offsetof(struct sockaddr_un, sun_path) + strlen("/run/a b:80") + 1);
}

static void the_longest_unix_path_is_accepted_and_a_longer_one_refused(void **state)
{
    (void)state;
    struct net_address out[NET_ADDRESSES_MAX];
    char text[5 + 109] = "unix:/", line[256];
    memset(text + 6, 'a', 106);
    assert_int_equal(parse(text, out), 1);
    assert_string_equal(out->text, text);
    text[5 + 107] = 'a';
    snprintf(line, sizeof line,
             "address \"%.100s...\": the path has 108 octets; a unix socket's has at most 107", text);
    expect_refused(text, line);
    expect_refused("unix:", "address \"unix:\": there is no path behind \"unix:\"; write "
                            "unix:/run/name.sock");
}

static void a_missing_port_is_told(void **state)
{
    (void)state;
    static const char *const texts[] = {"foo", "1.2.3.4", "", "localhost", "8080"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char line[256];
        snprintf(line, sizeof line,
                 "address \"%s\": there is no port; write 127.0.0.1:8080, [::1]:8080, :8080 (every "
                 "IPv4 address), localhost:8080 or unix:/run/name.sock",
                 texts[i]);
        expect_refused(texts[i], line);
    }
    expect_refused("[::1]", "address \"[::1]\": there is no port behind \"]\"; write [::1]:8080");
    expect_refused("[::1]80",
                   "address \"[::1]80\": there is no port behind \"]\"; write [::1]:8080");
    expect_refused("1.2.3.4:", "address \"1.2.3.4:\": there is no port behind \":\"; write one of "
                               "0 to 65535");
}

static void a_port_that_is_none_is_told(void **state)
{
    (void)state;
    expect_refused(":99999",
                   "address \":99999\": \"99999\" is not a port; write one of 0 to 65535");
    expect_refused(":65536",
                   "address \":65536\": \"65536\" is not a port; write one of 0 to 65535");
    expect_refused(":4294967376", "address \":4294967376\": \"4294967376\" is not a port; write "
                                  "one of 0 to 65535");
    expect_refused(":http", "address \":http\": \"http\" is not a port; write one of 0 to 65535");
    expect_refused(":+80", "address \":+80\": \"+80\" is not a port; write one of 0 to 65535");
    expect_refused("[::1]: 80",
                   "address \"[::1]: 80\": \" 80\" is not a port; write one of 0 to 65535");
}

static void a_host_that_is_no_address_is_told(void **state)
{
    (void)state;
    expect_refused("example.com:80", "address \"example.com:80\": \"example.com\" is not an IPv4 "
                                     "address, and names other than localhost are not looked up");
    expect_refused("1.2.3:80", "address \"1.2.3:80\": \"1.2.3\" is not an IPv4 address, and names "
                               "other than localhost are not looked up");
    expect_refused("[1.2.3.4]:80", "address \"[1.2.3.4]:80\": \"1.2.3.4\" is not an IPv6 address");
    expect_refused("[]:80", "address \"[]:80\": \"\" is not an IPv6 address");
    expect_refused("[::1", "address \"[::1\": \"[\" is not closed; write [::1]:8080");
    expect_refused("::1:80",
                   "address \"::1:80\": an IPv6 address stands in brackets; write [::1]:8080");
}

static void very_long_texts_are_cut_in_the_line(void **state)
{
    (void)state;
    char text[400], line[256];
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 4, ":80", 4);
    snprintf(line, sizeof line, "address \"%.100s...\": longer than any address", text);
    expect_refused(text, line);
}

static void a_port_can_be_given_afterwards(void **state)
{
    (void)state;
    struct net_address out[NET_ADDRESSES_MAX];
    parse("localhost:0", out);
    leat__net_set_port(out, 7000);
    leat__net_set_port(out + 1, 7000);
    expect_inet(out, AF_INET, "127.0.0.1", 7000);
    expect_inet(out + 1, AF_INET6, "::1", 7000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_with_ports_are_read),
        cmocka_unit_test(a_port_alone_is_every_ipv4_address),
        cmocka_unit_test(localhost_is_two_addresses),
        cmocka_unit_test(a_mapped_address_is_the_ipv4_one),
        cmocka_unit_test(a_unix_path_is_read),
        cmocka_unit_test(the_longest_unix_path_is_accepted_and_a_longer_one_refused),
        cmocka_unit_test(a_missing_port_is_told),
        cmocka_unit_test(a_port_that_is_none_is_told),
        cmocka_unit_test(a_host_that_is_no_address_is_told),
        cmocka_unit_test(very_long_texts_are_cut_in_the_line),
        cmocka_unit_test(a_port_can_be_given_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
