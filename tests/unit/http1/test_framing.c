/* test_framing.c: what decides where a message ends and whether the connection stays: each head
 * whole, octet by octet and cut at every position. And the limits, which must fall at the same
 * octet however the bytes come. */
#include "replay.h"

static struct http1_head head;

static unsigned answer(const char *bytes, size_t size, const struct http1_limits *limits)
{
    switch (replay_all(&head, bytes, size, limits)) {
    case HTTP1_DONE:
        return 0;
    case HTTP1_NEED_MORE:
        return 1;
    default:
        return head.status;
    }
}

/* A POST with these fields in HTTP/1.minor. */
static unsigned post(unsigned minor, const char *fields, size_t size)
{
    static char bytes[4096];
    size_t at = (size_t)snprintf(bytes, sizeof bytes, "POST / HTTP/1.%u\r\nHost: a\r\n", minor);
    memcpy(bytes + at, fields, size);
    memcpy(bytes + at + size, "\r\n\r\n", 4);
    return answer(bytes, at + size + 4, &replay_limits);
}

struct value_case {
    const char *fields;
    size_t size;
    unsigned status;
};

#define FIELDS(text, status)                                                                       \
    {                                                                                              \
        text, sizeof(text) - 1, status                                                             \
    }

static void check_all(unsigned minor, const struct value_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned status = post(minor, cases[i].fields, cases[i].size);
        if (status != cases[i].status)
            fail_msg("%u and not %u (%s): %s", status, cases[i].status, status > 1 ? head.why : "",
                     cases[i].fields);
    }
}

static void content_lengths(void **state)
{
    static const struct value_case bad[] = {
        FIELDS("Content-Length:", 400),
        FIELDS("Content-Length: ", 400),
        FIELDS("Content-Length: -0", 400),
        FIELDS("Content-Length: -5", 400),
        FIELDS("Content-Length: +5", 400),
        FIELDS("Content-Length: 5.0", 400),
        FIELDS("Content-Length: 5e0", 400),
        FIELDS("Content-Length: 0x5", 400),
        FIELDS("Content-Length: 0o5", 400),
        FIELDS("Content-Length: 5 5", 400),
        FIELDS("Content-Length: 5\t5", 400),
        FIELDS("Content-Length: 5,5", 400),
        FIELDS("Content-Length: 5, 5", 400),
        FIELDS("Content-Length: ,5", 400),
        FIELDS("Content-Length: 5,", 400),
        FIELDS("Content-Length: 5, x", 400),
        FIELDS("Content-Length: \"5\"", 400),
        FIELDS("Content-Length: 5;", 400),
        FIELDS("Content-Length: 5_0", 400),
        FIELDS("Content-Length: five", 400),
        FIELDS("Content-Length:\x0b"
               "5",
               400),
        FIELDS("Content-Length: 5\x0c", 400),
        FIELDS("Content-Length: 5\0", 400),
        FIELDS("Content-Length: \xb2", 400),
        FIELDS("Content-Length: \xd9\xa5", 400),
        FIELDS("Content-Length : 5", 400),
        FIELDS("Content-Length: 18446744073709551616", 400),
        FIELDS("Content-Length: 18446744073709551621", 400),
        FIELDS("Content-Length: 99999999999999999999999999999999", 400),
        FIELDS("Content-Length: 5\r\nContent-Length: 5", 400),
        FIELDS("Content-Length: 5\r\nContent-Length: 6", 400),
        FIELDS("Content-Length: 5\r\nX: y\r\ncontent-length:", 400),
        FIELDS("Content-Length: 5\r\nTransfer-Encoding: chunked", 400),
        FIELDS("Transfer-Encoding: chunked\r\nContent-Length: 5", 400),
        FIELDS("Transfer-Encoding: chunked\r\nContent-Length: 0", 400),
    };
    static const struct {
        const char *field;
        uint64_t length;
    } good[] = {
        {"Content-Length: 5", 5},
        {"Content-Length:5", 5},
        {"cONTENT-lENGTH: \t 5 \t", 5},
        {"Content-Length: 0", 0},
        {"Content-Length: 0005", 5},
        {"Content-Length: 9223372036854775807", INT64_MAX},
        {"Content-Length: 18446744073709551615", UINT64_MAX},
        {"Content-Length: 00000000000000000000000000000000000000000000042", 42},
    };
    (void)state;
    check_all(1, bad, COUNT_OF(bad));
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_int_equal(post(1, good[i].field, strlen(good[i].field)), 0);
        assert_int_equal(head.content_length, good[i].length);
        assert_true((head.flags & HTTP1_HAS_LENGTH) != 0 && (head.flags & HTTP1_CHUNKED) == 0);
    }
    assert_int_equal(post(1, "X: y", 4), 0);
    assert_true((head.flags & (HTTP1_HAS_LENGTH | HTTP1_CHUNKED)) == 0);
    assert_int_equal(post(1, "Content_Length: 5", 17), 0);
    assert_true((head.flags & HTTP1_HAS_LENGTH) == 0);
}

static void transfer_codings(void **state)
{
    static const struct value_case cases[] = {
        FIELDS("Transfer-Encoding: chunked", 0),
        FIELDS("Transfer-Encoding:chunked", 0),
        FIELDS("Transfer-Encoding:\tcHuNkEd \t", 0),
        FIELDS("Transfer-Encoding: chunk", 501),
        FIELDS("Transfer-Encoding: chunkedd", 501),
        FIELDS("Transfer-Encoding: xchunked", 501),
        FIELDS("Transfer-Encoding: gzip", 501),
        FIELDS("Transfer-Encoding: identity", 501),
        FIELDS("Transfer-Encoding: 'chunked'", 501),
        FIELDS("Transfer-Encoding: gzip, chunked", 501),
        FIELDS("Transfer-Encoding: gzip,chunked", 501),
        FIELDS("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", 501),
        FIELDS("Transfer-Encoding: chunked, gzip", 400),
        FIELDS("Transfer-Encoding: chunked, identity", 400),
        FIELDS("Transfer-Encoding: chunked, chunked", 400),
        FIELDS("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
        FIELDS("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400),
        FIELDS("Transfer-Encoding: chunked\r\nTransfer-Encoding:", 400),
        FIELDS("Transfer-Encoding:", 400),
        FIELDS("Transfer-Encoding: ,", 400),
        FIELDS("Transfer-Encoding: , chunked", 400),
        FIELDS("Transfer-Encoding: chunked,", 400),
        FIELDS("Transfer-Encoding: \"chunked\"", 400),
        FIELDS("Transfer-Encoding: chunked;q=1", 400),
        FIELDS("Transfer-Encoding: chunked ;", 400),
        FIELDS("Transfer-Encoding: chun ked", 400),
        FIELDS("Transfer-Encoding: \xff"
               "chunked",
               400),
        FIELDS("Transfer-Encoding: ch\x96nked", 400),
        FIELDS("Transfer-Encoding:\x0b"
               "chunked",
               400),
        FIELDS("Transfer-Encoding: chunked\x0c", 400),
        FIELDS("Transfer-Encoding: chunked\0", 400),
        FIELDS("Transfer-Encoding : chunked", 400),
        FIELDS("Transfer-Encoding\r\n: chunked", 400),
        FIELDS("X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 5", 400),
        FIELDS("X: a\rTransfer-Encoding: chunked\r\nContent-Length: 5", 400),
        FIELDS("X: a\nTransfer-Encoding: chunked\r\nContent-Length: 5", 400),
    };
    (void)state;
    check_all(1, cases, COUNT_OF(cases));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(post(1, cases[i].fields, cases[i].size), 0);
        assert_true((head.flags & HTTP1_CHUNKED) != 0);
        assert_int_equal(post(0, cases[i].fields, cases[i].size), 400);
    }
    assert_int_equal(post(1, "Transfer_Encoding: chunked", 26), 0);
    assert_true((head.flags & HTTP1_CHUNKED) == 0);
    assert_int_equal(post(1, "TE: chunked", 11), 0);
    assert_true((head.flags & HTTP1_CHUNKED) == 0);
}

static void persistence(void **state)
{
    enum { ALL = HTTP1_KEEP_ALIVE | HTTP1_CLOSE_SAID | HTTP1_KEEP_ALIVE_SAID | HTTP1_UPGRADE };
    static const struct {
        unsigned minor;
        const char *fields;
        unsigned flags; /* of ALL */
    } cases[] = {
        {1, "X: y", HTTP1_KEEP_ALIVE},
        {2, "X: y", HTTP1_KEEP_ALIVE},
        {0, "X: y", 0},
        {1, "Connection: close", HTTP1_CLOSE_SAID},
        {1, "Connection: CLOSE", HTTP1_CLOSE_SAID},
        {1, "connection:close", HTTP1_CLOSE_SAID},
        {1, "Connection: a, close ,b", HTTP1_CLOSE_SAID},
        {1, "Connection: a\r\nConnection: close", HTTP1_CLOSE_SAID},
        {1, "Connection: ,,close,", HTTP1_CLOSE_SAID},
        {1, "Connection: closed", HTTP1_KEEP_ALIVE},
        {1, "Connection: xclose", HTTP1_KEEP_ALIVE},
        {1, "Connection: clo se", HTTP1_KEEP_ALIVE},
        {1, "Connection:", HTTP1_KEEP_ALIVE},
        {1, "Connections: close", HTTP1_KEEP_ALIVE},
        {1, "Connection: keep-alive", HTTP1_KEEP_ALIVE | HTTP1_KEEP_ALIVE_SAID},
        {0, "Connection: keep-alive", HTTP1_KEEP_ALIVE | HTTP1_KEEP_ALIVE_SAID},
        {0, "Connection: Keep-Alive, x", HTTP1_KEEP_ALIVE | HTTP1_KEEP_ALIVE_SAID},
        {0, "Connection: keep-alive, close", HTTP1_KEEP_ALIVE_SAID | HTTP1_CLOSE_SAID},
        {1, "Connection: close\r\nConnection: keep-alive", HTTP1_KEEP_ALIVE_SAID | HTTP1_CLOSE_SAID},
        {1, "Connection: upgrade\r\nUpgrade: websocket", HTTP1_KEEP_ALIVE | HTTP1_UPGRADE},
        {1, "Upgrade: websocket\r\nConnection: keep-alive, Upgrade",
         HTTP1_KEEP_ALIVE | HTTP1_KEEP_ALIVE_SAID | HTTP1_UPGRADE},
        {1, "Upgrade: websocket", HTTP1_KEEP_ALIVE},
        {1, "Connection: upgrade", HTTP1_KEEP_ALIVE},
        {0, "Connection: upgrade\r\nUpgrade: websocket", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(post(cases[i].minor, cases[i].fields, strlen(cases[i].fields)), 0);
        if ((head.flags & ALL) != cases[i].flags)
            fail_msg("%s: %x and not %x", cases[i].fields, head.flags & ALL, cases[i].flags);
    }
}

static void expectations(void **state)
{
    (void)state;
    static const char wanted[] = "Expect: 100-Continue", other[] = "Expect: 200-ok",
                      more[] = "Expect: 100-continue, x", none[] = "Expect:";
    assert_int_equal(post(1, wanted, sizeof wanted - 1), 0);
    assert_true((head.flags & HTTP1_EXPECT_CONTINUE) != 0);
    assert_int_equal(post(0, wanted, sizeof wanted - 1), 0);
    assert_true((head.flags & HTTP1_EXPECT_CONTINUE) == 0);
    assert_int_equal(post(1, other, sizeof other - 1), 417);
    assert_int_equal(post(0, other, sizeof other - 1), 0);
    assert_int_equal(post(1, more, sizeof more - 1), 417);
    assert_int_equal(post(1, none, sizeof none - 1), 417);
}

/* "GET /aaa… HTTP/1.1" of size octets, and a good rest. */
static size_t long_line(char *bytes, size_t size, char middle)
{
    static const char rest[] = " HTTP/1.1\r\nHost: a\r\n\r\n";
    memcpy(bytes, "GET /", 5);
    memset(bytes + 5, 'a', size - 14);
    bytes[size / 2] = middle;
    memcpy(bytes + size - 9, rest, sizeof rest - 1);
    return size - 9 + sizeof rest - 1;
}

static void limit_of_the_request_line(void **state)
{
    static char bytes[40000];
    const struct http1_limits small = {100, 4000, 128};
    (void)state;
    assert_int_equal(answer(bytes, long_line(bytes, 100, 'a'), &small), 0);
    assert_int_equal(answer(bytes, long_line(bytes, 101, 'a'), &small), 414);
    assert_int_equal(answer(bytes, long_line(bytes, 102, 'a'), &small), 414);
    assert_int_equal(answer(bytes, long_line(bytes, 3000, 'a'), &small), 414);
    /* what a line holds is looked at when the line is there, and the limit comes before */
    assert_int_equal(answer(bytes, long_line(bytes, 100, '{'), &small), 400);
    assert_int_equal(answer(bytes, long_line(bytes, 101, '{'), &small), 414);
    /* but its end is its first control octet */
    assert_int_equal(answer(bytes, long_line(bytes, 180, '\0'), &small), 400);
    assert_int_equal(answer(bytes, 101, &small), 400);
    assert_int_equal(answer(bytes, 90, &small), 1);
    long_line(bytes, 3000, 'a');
    assert_int_equal(answer(bytes, 100, &small), 1);
    assert_int_equal(answer(bytes, 101, &small), 414);
    assert_int_equal(answer(bytes, long_line(bytes, 8000, 'a'), &replay_limits), 0);
    assert_int_equal(answer(bytes, long_line(bytes, 30000, 'a'), &replay_limits), 414);
    memset(bytes, 'A', 30000);
    assert_int_equal(answer(bytes, 30000, &replay_limits), 501);
    memset(bytes, '<', 30000);
    assert_int_equal(answer(bytes, 30000, &replay_limits), 400);
    /* a request line may have all of the head, but no more */
    const struct http1_limits all = {60000, 200, 128};
    assert_int_equal(answer(bytes, long_line(bytes, 187, 'a'), &all), 0);
    assert_int_equal(answer(bytes, long_line(bytes, 188, 'a'), &all), 431);
    assert_int_equal(answer(bytes, long_line(bytes, 198, 'a'), &all), 431);
    assert_int_equal(answer(bytes, long_line(bytes, 199, 'a'), &all), 414);
}

static void limit_of_the_head(void **state)
{
    static char bytes[80000];
    const char *start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    size_t at = strlen(start);
    (void)state;
    memcpy(bytes, start, at);
    memset(bytes + at, 'v', sizeof bytes - at);
    memcpy(bytes + 296, "\r\n\r\n", 4);
    for (uint32_t head_max = 290; head_max < 310; head_max++) {
        const struct http1_limits limits = {8192, head_max, 128};
        assert_int_equal(answer(bytes, 300, &limits), head_max < 300 ? 431 : 0);
        assert_int_equal(answer(bytes, 296, &limits), head_max < 298 ? 431 : 1);
    }
    /* a defect before the limit is told first, behind it never */
    const struct http1_limits limits = {8192, 200, 128};
    bytes[20] = '\0';
    assert_int_equal(answer(bytes, 300, &limits), 400);
    bytes[20] = ':';
    bytes[202] = '\0';
    assert_int_equal(answer(bytes, 300, &limits), 431);
    memset(bytes + 28, 'v', 70000);
    assert_int_equal(answer(bytes, 70000, &replay_limits), 431);
    const struct http1_limits beyond = {8192, UINT32_MAX, UINT32_MAX};
    assert_int_equal(answer(bytes, 70000, &beyond), 431);
}

static void limit_of_the_fields(void **state)
{
    static char bytes[200000];
    (void)state;
    for (unsigned count = 98; count <= 129; count++) {
        size_t at = (size_t)sprintf(bytes, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (unsigned i = 1; i < count; i++)
            at += (size_t)sprintf(bytes + at, "X-%u: v\r\n", i);
        at += (size_t)sprintf(bytes + at, "\r\n");
        const struct http1_limits hundred = {8192, 65472, 100}, beyond = {8192, 65472, 500};
        assert_int_equal(answer(bytes, at, &hundred), count <= 100 ? 0 : 431);
        assert_int_equal(answer(bytes, at, &beyond), count <= HTTP1_FIELDS_MAX ? 0 : 431);
    }
    size_t at = (size_t)sprintf(bytes, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (unsigned i = 1; i < 10000; i++)
        at += (size_t)sprintf(bytes + at, "X-%u: v\r\n", i);
    assert_int_equal(answer(bytes, 100000, &replay_limits), 431);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_lengths),
        cmocka_unit_test(transfer_codings),
        cmocka_unit_test(persistence),
        cmocka_unit_test(expectations),
        cmocka_unit_test(limit_of_the_request_line),
        cmocka_unit_test(limit_of_the_head),
        cmocka_unit_test(limit_of_the_fields),
    };
    return cmocka_run_group_tests_name("framing", tests, NULL, NULL);
}
