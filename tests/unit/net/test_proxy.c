/* test_proxy.c: headers of the PROXY protocol: right ones, wrong ones, and cut ones. Each case is also given in all its
 * beginnings, each right before a page that cannot be read. */
#include "net/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <cmocka.h>

static const struct net_peer untouched = {.family = 99, .port = 99};

/* The parser's answer for size octets that lie at the very end of what can be read. */
static enum net_proxy_result call(const char *bytes, size_t size, unsigned versions, size_t *used,
                                  struct net_peer *source, const char **why)
{
    static char *guard;
    enum { ROOM = 2 * PAGE_SIZE_BYTES };
    if (guard == NULL) {
        char *memory = mmap(NULL, ROOM + PAGE_SIZE_BYTES, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(memory, MAP_FAILED);
        guard = memory + ROOM;
        assert_int_equal(mprotect(guard, PAGE_SIZE_BYTES, PROT_NONE), 0);
    }
    memcpy(guard - size, bytes, size);
    return leat__net_proxy_parse(guard - size, size, versions, used, source, why);
}

/* All beginnings: MORE, or what the whole says from some length on, for good. */
static enum net_proxy_result parse(const char *bytes, size_t size, unsigned versions, size_t *used,
                                   struct net_peer *source)
{
    const char *why;
    *source = untouched;
    enum net_proxy_result whole = call(bytes, size, versions, used, source, &why), part = NET_PROXY_MORE;
    assert_int_equal(why != NULL, whole == NET_PROXY_BAD);
    if (whole != NET_PROXY_DONE)
        assert_memory_equal(source, &untouched, sizeof untouched);
    for (size_t cut = 0; cut < size; cut++) {
        size_t part_used;
        struct net_peer part_source = untouched;
        enum net_proxy_result before = part;
        part = call(bytes, cut, versions, &part_used, &part_source, &why);
        assert_true(part == NET_PROXY_MORE || part == whole);
        assert_true(before == NET_PROXY_MORE || part == before);
        if (part == NET_PROXY_DONE)
            assert_int_equal(part_used, *used);
        assert_memory_equal(&part_source, part == NET_PROXY_DONE ? source : &untouched, sizeof untouched);
        assert_int_equal(part == NET_PROXY_DONE, whole == NET_PROXY_DONE && cut >= *used);
    }
    return whole;
}

static void expect_source(const char *bytes, size_t size, const char *address, unsigned port)
{
    size_t used;
    struct net_peer source;
    char text[NET_PEER_TEXT], followed[1024];
    assert_true(size + 18 < sizeof followed);
    memcpy(followed, bytes, size);
    memcpy(followed + size, "GET / HTTP/1.1\r\n\r\n", 18);
    assert_int_equal(parse(followed, size + 18, NET_PROXY_ANY, &used, &source), NET_PROXY_DONE);
    assert_int_equal(used, size);
    if (address == NULL) {
        assert_memory_equal(&source, &untouched, sizeof untouched);
        return;
    }
    leat__net_peer_text(&source, text);
    assert_string_equal(text, address);
    assert_int_equal(source.port, port);
    assert_int_equal(source.proxied, 1);
}

static void expect_bad(const char *bytes, size_t size)
{
    size_t used;
    struct net_peer source;
    if (parse(bytes, size, NET_PROXY_ANY, &used, &source) != NET_PROXY_BAD)
        fail_msg("taken: %.*s", (int)size, bytes);
}

static void version_1_lines_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *line, *address;
        unsigned port;
    } cases[] = {
        {"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", "192.0.2.7", 56324},
        {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255", 65535},
        {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0", 0},
        {"PROXY TCP6 2001:DB8::7 2001:db8::1 4242 443\r\n", "2001:db8::7", 4242},
        {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535},
        {"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", "192.0.2.7", 1},
        {"PROXY UNKNOWN\r\n", NULL, 0},
        {"PROXY UNKNOWN anything, \x01 even this\r\n", NULL, 0},
        {"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
         "65535\r\n",
         NULL, 0}, /* 107 octets: the longest there is */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_source(cases[i].line, strlen(cases[i].line), cases[i].address, cases[i].port);
    assert_int_equal(strlen(cases[COUNT_OF(cases) - 1].line), 107);
}

static void version_1_lines_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "GET / HTTP/1.1\r\n\r\n",
        "PROXY  TCP4 192.0.2.7 198.51.100.1 56324 443\r\n",
        "proxy TCP4 192.0.2.7 198.51.100.1 56324 443\r\n",
        "PROXY\tTCP4 192.0.2.7 198.51.100.1 56324 443\r\n",
        "PROXY TCP5 192.0.2.7 198.51.100.1 56324 443\r\n",
        "PROXY tcp4 192.0.2.7 198.51.100.1 56324 443\r\n",
        "PROXY UDP4 192.0.2.7 198.51.100.1 56324 443\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY \r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP4 192.0.2.7\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 \r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 1\r\n",
        "PROXY TCP4 192.0.2.7  198.51.100.1 56324 443\r\n",
        "PROXY TCP4 192.0.2.07 198.51.100.1 56324 443\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.1 56324 443\r\n",
        "PROXY TCP4 192.0.2 198.51.100.1 56324 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100 56324 443\r\n",
        "PROXY TCP4 ::1 ::1 56324 443\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 56324 443\r\n",
        "PROXY TCP6 2001:db8::1::2 ::1 1 2\r\n",
        "PROXY TCP6 2001:db8::12345 ::1 1 2\r\n",
        "PROXY TCP6 [::1] ::1 1 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 056 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 +56 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56 443x\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56 -1\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56 443\n\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56 443\r\r\n",
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        expect_bad(lines[i], strlen(lines[i]));
    static const char with_nul[] = "PROXY TCP4 192.0.2.7\0 198.51.100.1 1 2\r\n";
    expect_bad(with_nul, sizeof with_nul - 1);
}

static void a_version_1_line_ends_within_107_octets(void **state)
{
    (void)state;
    size_t used;
    struct net_peer source;
    char line[110] = "PROXY UNKNOWN ";
    memset(line + 14, 'x', sizeof line - 14);
    assert_int_equal(parse(line, 106, NET_PROXY_ANY, &used, &source), NET_PROXY_MORE);
    memcpy(line + 106, "\r\n", 2); /* the line feed is octet 108 */
    expect_bad(line, 108);
    line[105] = '\r';
    line[106] = '\n';
    assert_int_equal(parse(line, 107, NET_PROXY_ANY, &used, &source), NET_PROXY_DONE);
}

/* ── Version 2 ── */

static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";

struct header {
    char bytes[8192];
    size_t size;
};

static struct header begin(unsigned command, unsigned family)
{
    struct header h = {.size = 16};
    memcpy(h.bytes, signature, 12);
    h.bytes[12] = (char)command;
    h.bytes[13] = (char)family;
    return h;
}

static void add(struct header *h, const void *bytes, size_t size)
{
    memcpy(h->bytes + h->size, bytes, size);
    h->size += size;
    h->bytes[14] = (char)((h->size - 16) >> 8);
    h->bytes[15] = (char)(h->size - 16);
}

static struct header tcp4(void)
{
    struct header h = begin(0x21, 0x11);
    add(&h, "\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xbb", 12); /* 192.0.2.7:56324 → 198.51.100.1:443 */
    return h;
}

static struct header tcp6(void)
{
    struct header h = begin(0x21, 0x21);
    add(&h, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7", 16);
    add(&h, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x10\x92\1\xbb", 20);
    return h;
}

static void add_tlv(struct header *h, unsigned type, const void *value, size_t size)
{
    const char fixed[3] = {(char)type, (char)(size >> 8), (char)size};
    add(h, fixed, 3);
    add(h, value, size);
}

static void version_2_headers_are_read(void **state)
{
    (void)state;
    struct header h = tcp4();
    expect_source(h.bytes, h.size, "192.0.2.7", 56324);
    h = tcp6();
    expect_source(h.bytes, h.size, "2001:db8::7", 4242);
    h = begin(0x21, 0x21);
    add(&h, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\7\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0\2", 36);
    expect_source(h.bytes, h.size, "192.0.2.7", 1);
}

static void what_a_balancer_says_of_nobody_leaves_the_source_alone(void **state)
{
    (void)state;
    char path[216] = "/run/client";
    struct header h = begin(0x20, 0x00);
    expect_source(h.bytes, h.size, NULL, 0);
    h = begin(0x20, 0xff); /* LOCAL: the family is ignored, and so is the block */
    add(&h, "whatever", 8);
    expect_source(h.bytes, h.size, NULL, 0);
    h = begin(0x21, 0x00);
    add(&h, "x", 1);
    expect_source(h.bytes, h.size, NULL, 0);
    h = begin(0x21, 0x31);
    add(&h, path, 216);
    expect_source(h.bytes, h.size, NULL, 0);
    h = tcp4();
    h.bytes[13] = 0x12; /* UDP comes through no stream */
    expect_source(h.bytes, h.size, NULL, 0);
}

static void tlvs_are_passed_over_when_they_fit(void **state)
{
    (void)state;
    struct header h = tcp4();
    add_tlv(&h, 0x01, "h2", 2);
    add_tlv(&h, 0x04, "", 0);
    add_tlv(&h, 0xee, "0123456789", 10);
    expect_source(h.bytes, h.size, "192.0.2.7", 56324);
    struct header cut = h;
    cut.bytes[15]--; /* the last TLV is one octet longer than the header */
    cut.size--;
    expect_bad(cut.bytes, cut.size);
    cut = tcp4();
    add(&cut, "\1\0", 2);
    expect_bad(cut.bytes, cut.size);
}

/* The sum as the text of the protocol computes it, written another way than the parser does: by a table. */
static uint32_t crc32c_of(const char *bytes, size_t size)
{
    uint32_t table[256], crc = 0xffffffff;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] & 1 ? table[i] >> 1 ^ 0x82f63b78 : table[i] >> 1;
    }
    for (size_t i = 0; i < size; i++)
        crc = crc >> 8 ^ table[(crc ^ (uint8_t)bytes[i]) & 0xff];
    return ~crc;
}

static void add_sum(struct header *h, const char *behind)
{
    add_tlv(h, 0x03, "\0\0\0\0", 4);
    size_t at = h->size - 4;
    add_tlv(h, 0x04, behind, strlen(behind));
    uint32_t sum = crc32c_of(h->bytes, h->size);
    for (unsigned i = 0; i < 4; i++)
        h->bytes[at + i] = (char)(sum >> (24 - 8 * i));
}

static void a_checksum_is_verified(void **state)
{
    (void)state;
    assert_int_equal(crc32c_of("123456789", 9), 0xe3069283); /* the check value that everyone gives */
    struct header h = tcp6();
    add_tlv(&h, 0x01, "http/1.1", 8);
    size_t type = h.size; /* changed, that is no checksum any more */
    add_sum(&h, "padding");
    expect_source(h.bytes, h.size, "2001:db8::7", 4242);
    for (size_t i = 16; i < h.size; i++) { /* any octet of the block, whatever it is */
        struct header changed = h;
        if (i == type)
            continue;
        changed.bytes[i] ^= 0x10;
        expect_bad(changed.bytes, changed.size);
    }
    h = tcp4();
    add_tlv(&h, 0x03, "\0\0\0", 3);
    expect_bad(h.bytes, h.size);
    h = tcp4();
    add_sum(&h, "");
    add_sum(&h, "");
    expect_bad(h.bytes, h.size);
}

static void version_2_headers_that_are_none_are_refused(void **state)
{
    (void)state;
    static const unsigned char commands[] = {0x01, 0x11, 0x22, 0x2f, 0x31, 0x00};
    static const unsigned char families[] = {0x01, 0x02, 0x10, 0x13, 0x20,
                                             0x23, 0x30, 0x33, 0x41, 0xff};
    for (size_t i = 0; i < sizeof commands; i++) {
        struct header h = tcp4();
        h.bytes[12] = (char)commands[i];
        expect_bad(h.bytes, h.size);
    }
    for (size_t i = 0; i < sizeof families; i++) {
        struct header h = tcp6();
        h.bytes[13] = (char)families[i];
        expect_bad(h.bytes, h.size);
    }
    struct header h = tcp4();
    h.bytes[15] = 11; /* no room for the addresses */
    expect_bad(h.bytes, h.size - 1);
    h = tcp6();
    h.bytes[15] = 35;
    expect_bad(h.bytes, h.size - 1);
    for (unsigned i = 0; i < 12; i++) {
        h = tcp4();
        h.bytes[i] ^= 0x01;
        expect_bad(h.bytes, h.size);
    }
}

static void a_version_2_header_has_at_most_4096_octets(void **state)
{
    (void)state;
    static char filling[NET_PROXY_SIZE_MAX];
    size_t used;
    struct net_peer source;
    const char *why;
    struct header h = tcp4();
    add_tlv(&h, 0xee, filling, NET_PROXY_SIZE_MAX - h.size - 3);
    assert_int_equal(h.size, NET_PROXY_SIZE_MAX);
    assert_int_equal(parse(h.bytes, h.size, NET_PROXY_ANY, &used, &source), NET_PROXY_DONE);
    h = tcp4();
    add_tlv(&h, 0xee, filling, NET_PROXY_SIZE_MAX - h.size - 2);
    assert_int_equal(call(h.bytes, 16, NET_PROXY_ANY, &used, &source, &why), NET_PROXY_BAD);
    expect_bad(h.bytes, h.size);
}

static void only_the_versions_asked_for_are_taken(void **state)
{
    (void)state;
    static const char line[] = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
    size_t used;
    struct net_peer source;
    struct header h = tcp4();
    assert_int_equal(parse(line, sizeof line - 1, NET_PROXY_V1, &used, &source), NET_PROXY_DONE);
    assert_int_equal(parse(line, sizeof line - 1, NET_PROXY_V2, &used, &source), NET_PROXY_BAD);
    assert_int_equal(parse(h.bytes, h.size, NET_PROXY_V2, &used, &source), NET_PROXY_DONE);
    assert_int_equal(parse(h.bytes, h.size, NET_PROXY_V1, &used, &source), NET_PROXY_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_lines_are_read),
        cmocka_unit_test(version_1_lines_that_are_none_are_refused),
        cmocka_unit_test(a_version_1_line_ends_within_107_octets),
        cmocka_unit_test(version_2_headers_are_read),
        cmocka_unit_test(what_a_balancer_says_of_nobody_leaves_the_source_alone),
        cmocka_unit_test(tlvs_are_passed_over_when_they_fit),
        cmocka_unit_test(a_checksum_is_verified),
        cmocka_unit_test(version_2_headers_that_are_none_are_refused),
        cmocka_unit_test(a_version_2_header_has_at_most_4096_octets),
        cmocka_unit_test(only_the_versions_asked_for_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
