/* test_head.c: what is accepted as a head and what is refused, each whole, octet by octet and cut
 * at every position. */
#include "http1/head.h"
#include "replay.h"
#include <stdio.h>

static struct http1_head head;

struct head_case {
    const char *bytes;
    size_t size;
    unsigned status; /* 0: accepted; 1: unfinished */
};

#define HEAD(text, status)                                                                         \
    {                                                                                              \
        text, sizeof(text) - 1, status                                                             \
    }
/* A request line before a good rest, fields behind a good request line, a Host field's value. */
#define LINE(text, status) HEAD(text "\r\nHost: localhost\r\n\r\n", status)
#define FIELDS(text, status) HEAD("POST / HTTP/1.1\r\nHost: localhost\r\n" text "\r\n\r\n", status)
#define HOST(text, status) HEAD("GET / HTTP/1.1\r\nHost: " text "\r\n\r\n", status)

static unsigned answer(const char *bytes, size_t size, const struct http1_limits *limits)
{
    switch (replay_all(&head, bytes, size, limits)) {
    case HTTP1_DONE:
        assert_int_equal(head.size, size);
        return 0;
    case HTTP1_NEED_MORE:
        return 1;
    default:
        assert_non_null(head.why);
        return head.status;
    }
}

static void check_all(const struct head_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned status = answer(cases[i].bytes, cases[i].size, &replay_limits);
        if (status != cases[i].status)
            fail_msg("%u and not %u (%s): %s", status, cases[i].status, status > 1 ? head.why : "",
                     cases[i].bytes);
    }
}

static void request_lines(void **state)
{
    static const struct head_case cases[] = {
        LINE("GET / HTTP/1.1", 0),
        LINE("\r\nGET / HTTP/1.1", 0),
        LINE("\r\n\r\nGET / HTTP/1.1", 0),
        LINE("\r\n\r\n\r\nGET / HTTP/1.1", 400),
        LINE("\nGET / HTTP/1.1", 400),
        LINE("\rGET / HTTP/1.1", 400),
        LINE(" GET / HTTP/1.1", 400),
        LINE("\tGET / HTTP/1.1", 400),
        LINE("GET  / HTTP/1.1", 400),
        LINE("GET /  HTTP/1.1", 400),
        LINE("GET\t/ HTTP/1.1", 400),
        LINE("GET /\tHTTP/1.1", 400),
        LINE("GET / HTTP/1.1 ", 400),
        LINE("GET / HTTP/1.1\t", 400),
        LINE("GET / HTTP/1.1 x", 400),
        LINE("GET / a HTTP/1.1", 400),
        LINE("GET /a b HTTP/1.1", 400),
        LINE("GET /", 400),
        LINE("GET / ", 400),
        LINE("GET", 400),
        LINE("GET ", 400),
        LINE("GET HTTP/1.1", 400),
        LINE("/ HTTP/1.1", 400),
        LINE("GET / Http/1.1", 400),
        LINE("GET / http/1.1", 400),
        LINE("GET / HTTP/1.", 400),
        LINE("GET / HTTP/.1", 400),
        LINE("GET / HTTP/1", 400),
        LINE("GET / HTTP/11", 400),
        LINE("GET / HTTP/1.1.1", 400),
        LINE("GET / HTTP/1.10", 400),
        LINE("GET / HTTP/01.1", 400),
        LINE("GET / HTTP/1.01", 400),
        LINE("GET / HTTP/11.1", 400),
        LINE("GET / HTTP/1,1", 400),
        LINE("GET / HTTP/-1.1", 400),
        LINE("GET / HTTP/+1.1", 400),
        LINE("GET / HTTP/ 1.1", 400),
        LINE("GET / HTTP/1 .1", 400),
        LINE("GET / HTTP/1. 1", 400),
        LINE("GET / HTTP /1.1", 400),
        LINE("GET / HTTPS/1.1", 400),
        LINE("GET / HTP/1.1", 400),
        LINE("GET / XHTTP/1.1", 400),
        LINE("GET / HTTP/a.1", 400),
        LINE("GET / HTTP/1.a", 400),
        LINE("GET / HTTP/\xb9.1", 400),
        LINE("GET / HTTP/0x1.1", 400),
        LINE("GET / HTTP/2.0", 505),
        LINE("GET / HTTP/3.0", 505),
        LINE("GET / HTTP/0.9", 505),
        LINE("GET / HTTP/9.9", 505),
        LINE("GET / HTTP/1.2", 0),
        LINE("GET / HTTP/1.9", 0),
        LINE("GET / HTTP/1.0", 0),
        LINE("GET / HTTP/1.1\r", 400),
        HEAD("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        HEAD("GET / HTTP/1.1\nHost: localhost\n\n", 400),
        HEAD("GET / HTTP/1.1\rHost: localhost\r\r", 400),
        HEAD("GET / HTTP/1.1\n\rHost: localhost\n\r\n\r", 400),
        HEAD("\x16\x03\x01\x02\x01\x01\xfc\x03\x03", 400),
        HEAD("", 1),
        HEAD("\r", 1),
        HEAD("\r\n", 1),
        HEAD("GET / HTTP/1.1\r\nHost: localhost\r\n", 1),
        HEAD("GET / HTTP/1.1\r\nHost: localhost\r\n\r", 1),
        HEAD("GET / HTTP/1.0\r\n\r\n", 0),
    };
    (void)state;
    check_all(cases, COUNT_OF(cases));
}

static void methods(void **state)
{
    static const struct head_case cases[] = {
        LINE("!#$%&'*+-.^_`|~ / HTTP/1.1", 0),
        LINE("get / HTTP/1.1", 0),
        LINE("GETT / HTTP/1.1", 0),
        LINE("BREW / HTTP/1.1", 0),
        LINE("GE(T / HTTP/1.1", 400),
        LINE("GET/ / HTTP/1.1", 400),
        LINE("G\xc9T / HTTP/1.1", 400),
        LINE("\xef\xbb\xbfGET / HTTP/1.1", 400),
        LINE("GE\0T / HTTP/1.1", 400),
        LINE("GET\x7f / HTTP/1.1", 400),
        LINE("\"GET\" / HTTP/1.1", 400),
        LINE("GET, / HTTP/1.1", 400),
        LINE("GET: / HTTP/1.1", 400),
        LINE("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1", 0),
        LINE("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1", 501),
    };
    (void)state;
    check_all(cases, COUNT_OF(cases));

    for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++) {
        char text[128];
        int size = snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: a\r\n\r\n",
                            leat__http_method_name((enum http_method)m),
                            m == HTTP_CONNECT ? "a:80" : "/");
        assert_int_equal(answer(text, (size_t)size, &replay_limits), 0);
        assert_int_equal(head.method, m);
        assert_int_equal(head.method_size, strlen(leat__http_method_name((enum http_method)m)));
    }
    assert_int_equal(answer(cases[3].bytes, cases[3].size, &replay_limits), 0);
    assert_int_equal(head.method, HTTP_METHOD_UNKNOWN);
    assert_int_equal(head.method_size, 4);
}

static void targets(void **state)
{
    static const struct head_case cases[] = {
        LINE("GET /a-._~!$&'()*+,;=:@/b HTTP/1.1", 0),
        LINE("GET /a|[b] HTTP/1.1", 0),
        LINE("GET //a//b HTTP/1.1", 0),
        LINE("GET /? HTTP/1.1", 0),
        LINE("GET /?a=b|[]^`{}\\%zz?/ HTTP/1.1", 0),
        LINE("GET /a#b HTTP/1.1", 400),
        LINE("GET /?a#b HTTP/1.1", 400),
        LINE("GET /# HTTP/1.1", 400),
        LINE("GET #a HTTP/1.1", 400),
        LINE("GET ?a HTTP/1.1", 400),
        LINE("GET a HTTP/1.1", 400),
        LINE("GET a/b HTTP/1.1", 400),
        LINE("GET \\a HTTP/1.1", 400),
        LINE("GET /%7Euser%41 HTTP/1.1", 0),
        LINE("GET /%0d%0aX:1 HTTP/1.1", 0),
        LINE("GET /%zz HTTP/1.1", 400),
        LINE("GET /%4 HTTP/1.1", 400),
        LINE("GET /% HTTP/1.1", 400),
        LINE("GET /%% HTTP/1.1", 400),
        LINE("GET /%4?1 HTTP/1.1", 400),
        LINE("GET /a%00b HTTP/1.1", 400),
        LINE("GET * HTTP/1.1", 400),
        LINE("OPTIONS * HTTP/1.1", 0),
        LINE("OPTIONS *a HTTP/1.1", 400),
        LINE("OPTIONS /a HTTP/1.1", 0),
        LINE("CONNECT localhost:80 HTTP/1.1", 0),
        LINE("CONNECT [::1]:80 HTTP/1.1", 0),
        LINE("CONNECT localhost HTTP/1.1", 400),
        LINE("CONNECT localhost: HTTP/1.1", 400),
        LINE("CONNECT :80 HTTP/1.1", 400),
        LINE("CONNECT / HTTP/1.1", 400),
        LINE("CONNECT a@b:80 HTTP/1.1", 400),
        LINE("GET localhost:80 HTTP/1.1", 400),
        LINE("GET http://localhost/ HTTP/1.1", 0),
        LINE("GET http://localhost HTTP/1.1", 0),
        LINE("GET http://localhost?a HTTP/1.1", 0),
        LINE("GET HTTP://LOCALHOST/ HTTP/1.1", 0),
        LINE("GET https://localhost:443/a?b HTTP/1.1", 0),
        LINE("GET http://[::1]:80/ HTTP/1.1", 0),
        LINE("GET http:///x HTTP/1.1", 400),
        LINE("GET http:// HTTP/1.1", 400),
        LINE("GET http:/x HTTP/1.1", 400),
        LINE("GET http:x HTTP/1.1", 400),
        LINE("GET http://:80/ HTTP/1.1", 400),
        LINE("GET http://a:b/ HTTP/1.1", 400),
        LINE("GET http://a:99999/ HTTP/1.1", 400),
        LINE("GET http://user@localhost/ HTTP/1.1", 400),
        LINE("GET http://user:x@localhost/ HTTP/1.1", 400),
        LINE("GET http://local|host/ HTTP/1.1", 400),
        LINE("GET http://localhost/a{b HTTP/1.1", 400),
        LINE("GET http://localhost/%zz HTTP/1.1", 400),
        LINE("GET ftp://localhost/ HTTP/1.1", 400),
        LINE("GET httpx://localhost/ HTTP/1.1", 400),
        LINE("GET htt://localhost/ HTTP/1.1", 400),
        LINE("GET https:/localhost/ HTTP/1.1", 400),
        HEAD("GET http://localhost/ HTTP/1.1\r\n\r\n", 400),
        HEAD("GET http://localhost/ HTTP/1.1\r\nHost: other.example\r\n\r\n", 0),
        HEAD("GET http://localhost/ HTTP/1.1\r\nHost: o<\r\n\r\n", 400),
        HEAD("GET http://localhost/ HTTP/1.0\r\n\r\n", 0),
    };
    (void)state;
    check_all(cases, COUNT_OF(cases));
}

/* Every octet in a path, a query, a method, a name, a value and a host, against the grammar written
 * out here. */
static void every_octet(void **state)
{
    static const struct {
        const char *before, *after;
        const char *legal; /* beside letters and digits */
        bool above;        /* 0x80 up are legal */
    } places[] = {
        {"GET /a", "b HTTP/1.1\r\nHost: a\r\n\r\n", "-._~!$&'()*+,;=:@/|[]?", false},
        {"GET /?a", "b HTTP/1.1\r\nHost: a\r\n\r\n", "-._~!$&'()*+,;=:@/|[]?%\\^`{}", false},
        {"GE", "T / HTTP/1.1\r\nHost: a\r\n\r\n", "!#$%&'*+-.^_`|~", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nX", "Y: v\r\n\r\n", "!#$%&'*+-.^_`|~:", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: v", "w\r\n\r\n", "\t !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", true},
        {"GET / HTTP/1.1\r\nHost: a", "b\r\n\r\n", "-._~!$&'()*+,;=", false},
        {"GET http://a", "b/ HTTP/1.1\r\nHost: a\r\n\r\n", "-._~!$&'()*+,;=/?", false},
    };
    (void)state;
    for (size_t p = 0; p < COUNT_OF(places); p++) {
        for (unsigned octet = 0; octet < 256; octet++) {
            char text[128];
            size_t before = strlen(places[p].before), after = strlen(places[p].after);
            memcpy(text, places[p].before, before);
            text[before] = (char)octet;
            memcpy(text + before + 1, places[p].after, after);
            bool legal = (octet >= '0' && octet <= '9') || (octet >= 'A' && octet <= 'Z') ||
                         (octet >= 'a' && octet <= 'z') || (octet >= 0x80 && places[p].above) ||
                         (octet != 0 && octet < 0x80 && strchr(places[p].legal, (int)octet) != NULL);
            /* a space in a method only ends it: then the rest is no target */
            unsigned status = answer(text, before + 1 + after, &replay_limits);
            if (status != (legal ? 0 : 400))
                fail_msg("place %zu, octet %02x: %u", p, octet, status);
        }
    }
}

static void parts_of_targets(void **state)
{
    (void)state;
    const char *bytes = "GET https://example.org:8443/a/%41?x=1&y=2 HTTP/1.1\r\nHost: b\r\n\r\n";
    assert_int_equal(answer(bytes, strlen(bytes), &replay_limits), 0);
    assert_int_equal(head.form, HTTP1_ABSOLUTE);
    assert_int_equal(head.authority_size, 16);
    assert_memory_equal(bytes + head.authority_at, "example.org:8443", 16);
    assert_int_equal(head.path_size, 6);
    assert_memory_equal(bytes + head.path_at, "/a/%41", 6);
    assert_int_equal(head.query_size, 7);
    assert_memory_equal(bytes + head.query_at, "x=1&y=2", 7);
    assert_int_equal(head.target_size, 38);
    assert_true((head.flags & HTTP1_PERCENT) != 0);

    bytes = "GET http://example.org?q HTTP/1.1\r\nHost: b\r\n\r\n";
    assert_int_equal(answer(bytes, strlen(bytes), &replay_limits), 0);
    assert_int_equal(head.path_size, 0);
    assert_int_equal(head.query_size, 1);

    bytes = "\r\nDELETE /p%20q?r%20s HTTP/1.1\r\nA: b\r\nHost:  c:8080 \r\n\r\n";
    assert_int_equal(answer(bytes, strlen(bytes), &replay_limits), 0);
    assert_int_equal(head.form, HTTP1_ORIGIN);
    assert_int_equal(head.method, HTTP_DELETE);
    assert_int_equal(head.method_at, 2);
    assert_int_equal(head.target_size, 12);
    assert_int_equal(head.path_size, 6);
    assert_int_equal(head.query_size, 5);
    assert_int_equal(head.authority_size, 6);
    assert_memory_equal(bytes + head.authority_at, "c:8080", 6);
    assert_int_equal(head.field_count, 2);
    assert_int_equal(head.minor, 1);

    bytes = "GET /?a%41 HTTP/1.1\r\nHost: b\r\n\r\n";
    assert_int_equal(answer(bytes, strlen(bytes), &replay_limits), 0);
    assert_true((head.flags & HTTP1_PERCENT) == 0);

    bytes = "CONNECT a:1 HTTP/1.1\r\nHost: b\r\n\r\n";
    assert_int_equal(answer(bytes, strlen(bytes), &replay_limits), 0);
    assert_int_equal(head.form, HTTP1_AUTHORITY);
    assert_int_equal(head.authority_size, 3);
    bytes = "OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n";
    assert_int_equal(answer(bytes, strlen(bytes), &replay_limits), 0);
    assert_int_equal(head.form, HTTP1_ASTERISK);
}

static void hosts(void **state)
{
    static const struct head_case cases[] = {
        HOST("localhost", 0),
        HOST("localhost:8080", 0),
        HOST("localhost:", 0),
        HOST("localhost:0", 0),
        HOST("localhost:65535", 0),
        HOST("localhost:00080", 0),
        HOST("LOCALHOST", 0),
        HOST("a_b.example", 0),
        HOST("127.0.0.1:80", 0),
        HOST("[::1]", 0),
        HOST("[::1]:8080", 0),
        HOST("[::]", 0),
        HOST("[1:2:3:4:5:6:7:8]", 0),
        HOST("[1:2:3:4:5:6:7::]", 0),
        HOST("[::ffff:127.0.0.1]", 0),
        HOST("[1::8]", 0),
        HOST("[fe80::1:2:3:4]", 0),
        HOST("b%C3%BCcher.example", 0),
        HOST("", 0),
        HEAD("GET / HTTP/1.1\r\nHost:\r\n\r\n", 0),
        HEAD("GET / HTTP/1.1\r\nHost:localhost\r\n\r\n", 0),
        HEAD("GET / HTTP/1.1\r\nhOsT:\t localhost \t\r\n\r\n", 0),
        HEAD("GET / HTTP/1.1\r\n\r\n", 400),
        HEAD("GET / HTTP/1.1\r\nHosts: a\r\n\r\n", 400),
        HEAD("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        HEAD("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhost: b\r\n\r\n", 400),
        HEAD("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        HEAD("GET / HTTP/1.1\r\nHost:\r\nHost:\r\n\r\n", 400),
        HOST("a b", 400),
        HOST("a, b", 400),
        HOST("a/b", 400),
        HOST("a?b", 400),
        HOST("a#b", 400),
        HOST("a\\b", 400),
        HOST("a@b", 400),
        HOST("user:x@b", 400),
        HOST("local<host", 400),
        HOST("http://a", 400),
        HOST("a\xc3\xa9", 400),
        HOST("a%zz", 400),
        HOST("a%4", 400),
        HOST("a%00", 400),
        HOST(":80", 400),
        HOST(":", 400),
        HOST("a:b", 400),
        HOST("a:8a", 400),
        HOST("a:-1", 400),
        HOST("a:+1", 400),
        HOST("a: 80", 400),
        HOST("a:80:80", 400),
        HOST("localhost:65536", 400),
        HOST("localhost:99999", 400),
        HOST("localhost:100000", 400),
        HOST("localhost:18446744073709551696", 400),
        HOST("::1", 400),
        HOST("[::1", 400),
        HOST("::1]", 400),
        HOST("[::1]x", 400),
        HOST("[::1]:x", 400),
        HOST("[]", 400),
        HOST("[:]", 400),
        HOST("[:::]", 400),
        HOST("[:1]", 400),
        HOST("[1:]", 400),
        HOST("[1::2::3]", 400),
        HOST("[1:2:3:4:5:6:7]", 400),
        HOST("[1:2:3:4:5:6:7:8:9]", 400),
        HOST("[1::2:3:4:5:6:7:8]", 400),
        HOST("[12345::]", 400),
        HOST("[g::]", 400),
        HOST("[::1%25eth0]", 400),
        HOST("[::1.2.3]", 400),
        HOST("[::1.2.3.256]", 400),
        HOST("[::1.2.3.4.5]", 400),
        HOST("[::1.2..4]", 400),
        HOST("[1.2.3.4]", 400),
        HOST("[v1.a]", 400),
    };
    (void)state;
    check_all(cases, COUNT_OF(cases));
}

static void field_lines(void **state)
{
    static const struct head_case cases[] = {
        FIELDS("X: y", 0),
        FIELDS("X:y", 0),
        FIELDS("X:", 0),
        FIELDS("X: \t ", 0),
        FIELDS("X:\t y\t z\t ", 0),
        FIELDS("X: \x80\xc3\xa9\xff", 0),
        FIELDS("!#$%&'*+-.^_`|~09azAZ: v", 0),
        FIELDS("A-name-of-thirty-one-octets----: v", 0),
        FIELDS("A-name-of-thirty-two-octets-----: v", 0),
        FIELDS("A-name-of-thirty-three-octets----: v", 0),
        FIELDS("A-name-of-many-more-octets-than-are-looked-at-in-one-step-or-in-two-: v", 0),
        FIELDS("Content-Type: a/b\r\nContent-Type: c/d", 0),
        FIELDS("NoColonHere", 400),
        FIELDS(": v", 400),
        FIELDS(":", 400),
        FIELDS("X : v", 400),
        FIELDS("X\t: v", 400),
        FIELDS(" X: v", 400),
        FIELDS("\tX: v", 400),
        FIELDS("X: a\r\n b", 400),
        FIELDS("X: a\r\n\tb", 400),
        FIELDS("X: a\r\n \r\nY: b", 400),
        FIELDS("X: a\rb", 400),
        FIELDS("X: a\nb", 400),
        FIELDS("X: a\n", 400),
        FIELDS("X: a\r", 400),
        FIELDS("X: a\0b", 400),
        FIELDS("X: a\x7f", 400),
        FIELDS("\0: a", 400),
        FIELDS("X\0Y: a", 400),
        FIELDS("X\xebY: a", 400),
        FIELDS("X\x7fY: a", 400),
        FIELDS("\"X\": a", 400),
        FIELDS("X@: a", 400),
        FIELDS("X: a\x01", 400),
        FIELDS("X: a value whose forbidden octet lies far behind the first step of 32 octets\x0b", 400),
        HEAD("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
        HEAD("GET / HTTP/1.1\r\nHost: a\n\n", 400),
        HEAD("GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
        HEAD("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", 400),
        HEAD("GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n", 400),
    };
    (void)state;
    check_all(cases, COUNT_OF(cases));
}

static void values_without_blanks(void **state)
{
    (void)state;
    const char *bytes =
        "GET / HTTP/1.1\r\nHost: a\r\nFirst: \t b c \t\r\nSecond:\r\nThird:d\r\n\r\n";
    assert_int_equal(answer(bytes, strlen(bytes), &replay_limits), 0);
    static const char *const values[] = {"a", "b c", "", "d"};
    static const char *const names[] = {"Host", "First", "Second", "Third"};
    assert_int_equal(head.field_count, COUNT_OF(values));
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        assert_int_equal(head.fields[i].name_size, strlen(names[i]));
        assert_memory_equal(bytes + head.fields[i].name_at, names[i], strlen(names[i]));
        assert_int_equal(head.fields[i].value_size, strlen(values[i]));
        assert_memory_equal(bytes + head.fields[i].value_at, values[i], strlen(values[i]));
    }
    unsigned from = 0;
    assert_ptr_equal(leat__http1_find(&head, bytes, "sECOND", 6, &from), &head.fields[2]);
    assert_int_equal(from, 3);
    assert_null(leat__http1_find(&head, bytes, "second", 6, &from));
}

/* A host that was found good before is remembered: every other one, however like it, is looked at. */
static void hosts_beside_a_good_one(void **state)
{
    static const char good[] = "a1.example:8080";
    char bytes[128];
    (void)state;
    for (size_t place = 0; place < sizeof good - 1; place++) {
        for (unsigned octet = 1; octet < 256; octet += 1) {
            int size = snprintf(bytes, sizeof bytes, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", good);
            char *host = strstr(bytes, good);
            assert_int_equal(answer(bytes, (size_t)size, &replay_limits), 0);
            host[place] = (char)octet;
            host[sizeof good - 1] = '\0';
            bool fine = leat__http1_is_authority(host, sizeof good - 1, false);
            host[sizeof good - 1] = '\r';
            if (fine)
                assert_int_equal(answer(bytes, (size_t)size, &replay_limits), 0);
            else if (octet != ' ' && octet != '\t')
                assert_int_equal(answer(bytes, (size_t)size, &replay_limits), 400);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_lines),
        cmocka_unit_test(methods),
        cmocka_unit_test(targets),
        cmocka_unit_test(every_octet),
        cmocka_unit_test(parts_of_targets),
        cmocka_unit_test(hosts),
        cmocka_unit_test(field_lines),
        cmocka_unit_test(values_without_blanks),
        cmocka_unit_test(hosts_beside_a_good_one),
    };
    return cmocka_run_group_tests_name("heads", tests, NULL, NULL);
}
