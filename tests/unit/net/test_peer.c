/* test_peer.c: who is at the other end, and how that is written. */
#include "net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static void expect_ipv6(const char *given, const char *written)
{
    struct net_peer peer = {.family = NET_PEER_IPV6};
    char text[NET_PEER_TEXT];
    memset(text, 'x', sizeof text);
    assert_int_equal(inet_pton(AF_INET6, given, peer.address), 1);
    assert_int_equal(leat__net_peer_text(&peer, text), strlen(written));
    assert_string_equal(text, written);
}

static void ipv6_is_written_as_rfc_5952_says(void **state)
{
    (void)state;
    expect_ipv6("2001:0DB8:0:0:0:0:0:1", "2001:db8::1");
    expect_ipv6("::", "::");
    expect_ipv6("::1", "::1");
    expect_ipv6("1::", "1::");
    expect_ipv6("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"); /* one group alone is not shortened */
    expect_ipv6("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");          /* the longest run, */
    expect_ipv6("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");    /* and of equal ones the first */
    expect_ipv6("0:0:1:2:3:4:5:6", "::1:2:3:4:5:6");
    expect_ipv6("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::");
    expect_ipv6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    expect_ipv6("a:b0:c00:d000:10:100:1000:f", "a:b0:c00:d000:10:100:1000:f");
}

static void a_mapped_address_is_written_as_ipv4(void **state)
{
    (void)state;
    expect_ipv6("::ffff:203.0.113.7", "203.0.113.7");
    expect_ipv6("::ffff:0.0.0.0", "0.0.0.0");
    expect_ipv6("::fffe:203.0.113.7", "::fffe:cb00:7107");
}

/* Ten thousand addresses with many zeros and few, read back by another hand. */
static void any_ipv6_address_is_read_back_the_same(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (unsigned i = 0; i < 10000; i++) {
        struct net_peer peer = {.family = NET_PEER_IPV6};
        uint8_t read[16];
        char text[NET_PEER_TEXT];
        for (unsigned k = 0; k < 16; k++)
            peer.address[k] = rand_r(&seed) % 3 == 0 ? (uint8_t)rand_r(&seed) : 0;
        peer.address[0] |= 0x20; /* not mapped */
        size_t size = leat__net_peer_text(&peer, text);
        assert_int_equal(size, strlen(text));
        assert_int_equal(inet_pton(AF_INET6, text, read), 1);
        assert_memory_equal(read, peer.address, 16);
    }
}

static void ipv4_and_the_rest_are_written(void **state)
{
    (void)state;
    static const struct {
        struct net_peer peer;
        const char *text;
    } cases[] = {
        {{.family = NET_PEER_IPV4, .address = {127, 0, 0, 1}}, "127.0.0.1"},
        {{.family = NET_PEER_IPV4, .address = {255, 100, 10, 9}}, "255.100.10.9"},
        {{.family = NET_PEER_IPV4}, "0.0.0.0"},
        {{.family = NET_PEER_UNIX}, "unix:"},
        {{.family = NET_PEER_UNKNOWN}, "-"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[NET_PEER_TEXT];
        assert_int_equal(leat__net_peer_text(&cases[i].peer, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

static void the_kernel_tells_address_and_port(void **state)
{
    (void)state;
    struct net_address out[NET_ADDRESSES_MAX];
    struct net_peer peer;
    char error[256];
    assert_int_equal(leat__net_parse("127.0.0.1:0", out, error, sizeof error), 1);
    int listener = leat__net_listen(out, false, 0, error, sizeof error);
    leat__net_set_port(out, leat__net_port(listener));
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(connect(client, (struct sockaddr *)&out->sockaddr, out->size), errno);
    int fd = leat__net_accept(listener);
    leat__net_peer(fd, &peer);
    assert_int_equal(peer.family, NET_PEER_IPV4);
    assert_int_equal(peer.port, leat__net_port(client));
    assert_int_equal(peer.proxied, 0);
    assert_memory_equal(peer.address, "\x7f\0\0\1", 4);
    close(fd);
    close(client);
    close(listener);
    leat__net_peer(fd, &peer);
    assert_int_equal(peer.family, NET_PEER_UNKNOWN);
}

static void a_mapped_client_of_an_ipv6_listener_is_an_ipv4_one(void **state)
{
    (void)state;
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    struct sockaddr_in to = {.sin_family = AF_INET};
    struct net_peer peer;
    const int off = 0;
    int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0)
        skip();
    assert_return_code(setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off), errno);
    assert_return_code(bind(listener, (struct sockaddr *)&any, sizeof any), errno);
    assert_return_code(listen(listener, 1), errno);
    to.sin_port = htons((uint16_t)leat__net_port(listener));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(connect(client, (struct sockaddr *)&to, sizeof to), errno);
    int fd = leat__net_accept(listener);
    leat__net_peer(fd, &peer);
    assert_int_equal(peer.family, NET_PEER_IPV4);
    assert_memory_equal(peer.address, "\x7f\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    close(fd);
    close(client);
    close(listener);
}

static void a_unix_peer_is_one(void **state)
{
    (void)state;
    int pair[2];
    struct net_peer peer;
    assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), errno);
    leat__net_peer(pair[0], &peer);
    assert_int_equal(peer.family, NET_PEER_UNIX);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv6_is_written_as_rfc_5952_says),
        cmocka_unit_test(a_mapped_address_is_written_as_ipv4),
        cmocka_unit_test(any_ipv6_address_is_read_back_the_same),
        cmocka_unit_test(ipv4_and_the_rest_are_written),
        cmocka_unit_test(the_kernel_tells_address_and_port),
        cmocka_unit_test(a_mapped_client_of_an_ipv6_listener_is_an_ipv4_one),
        cmocka_unit_test(a_unix_peer_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
