/* test_twins.c: the parser's copies are equal, and equal to themselves however the bytes are split:
 * on heads made at random out of pieces that matter, and on good heads with octets changed, put in,
 * taken out and doubled. The seeds are fixed, so a failure comes again. */
#include "replay.h"

enum { MADE = 20000, MUTATED = 40000, SPLITS = 4 };

static struct http1_head first, other;
static const struct http1_limits tight = {60, 300, 6};

static void compare(const char *bytes, size_t size, uint64_t *state, unsigned number)
{
    const struct http1_limits *limits = replay_random(state) % 4 == 0 ? &tight : &replay_limits;
    replay_parser *parsers[2];
    size_t count = replay_parsers(parsers);
    enum http1_result result = replay(parsers[0], &first, bytes, size, NULL, 0, limits);
    for (unsigned i = 0; i <= SPLITS; i++) {
        for (size_t p = 0; p < count; p++) {
            size_t cuts[SPLITS], at = 0;
            for (unsigned c = 0; c < i; c++)
                cuts[c] = at = at + replay_random(state) % (size - at + 1);
            enum http1_result again = replay(parsers[p], &other, bytes, size, cuts, i, limits);
            if (!replay_same(result, &first, again, &other))
                fail_msg("number %u, parser %zu, %u cuts: %d/%d (%s, %s): %.*s", number, p, i,
                         result, again, first.why, other.why, (int)size, bytes);
        }
    }
}

static const char *const pieces[] = {
    "GET ",
    "POST ",
    "PUT ",
    "OPTIONS ",
    "CONNECT ",
    "DELETE ",
    "BREW ",
    "/",
    "/a/b",
    "?",
    "a=b&c",
    "%41",
    "%zz",
    "*",
    "http://",
    "a.b:80",
    " HTTP/1.1",
    " HTTP/1.0",
    " HTTP/2.0",
    "\r\n",
    "\r\n",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    "Host: ",
    "localhost",
    "[::1]:80",
    "Connection: ",
    "keep-alive",
    "close",
    ", ",
    "upgrade",
    "Upgrade: x",
    "Expect: ",
    "100-continue",
    "Content-Length: ",
    "5",
    "18446744073709551615",
    "Transfer-Encoding: ",
    "chunked",
    "gzip",
    "X-Field: ",
    "value",
    " ",
    "\t",
    ":",
    "\x7f",
    "\x80\xff",
    "(",
    "Cookie: a-rather-long-cookie-value",
    "GET / HTTP/1.1\r\n",
    "Host: localhost\r\n",
    "\r\nA: b",
    "x",
    "a-piece-of-thirty-two-octets----",
    "",
    "Accept: */*\r\n",
};

static void made_heads(void **unused)
{
    uint64_t state = 1;
    (void)unused;
    for (unsigned n = 0; n < MADE; n++) {
        char bytes[4096];
        size_t size = 0;
        unsigned count = 1 + (unsigned)replay_random(&state) % 24;
        if (replay_random(&state) % 2 == 0)
            size = (size_t)sprintf(bytes, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (unsigned i = 0; i < count; i++) {
            const char *piece = pieces[replay_random(&state) % COUNT_OF(pieces)];
            memcpy(bytes + size, piece, strlen(piece));
            size += strlen(piece);
        }
        compare(bytes, size, &state, n);
    }
}

static const char *const heads[] = {
    "GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n",
    "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
    "POST /a/%41?b=c HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 12345\r\nExpect: "
    "100-continue\r\n\r\n",
    "PUT http://example.org/a?b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
    "chunked\r\nX:\ty\t\r\n\r\n",
    "OPTIONS * HTTP/1.0\r\nConnection: close, keep-alive\r\nUpgrade: a\r\nEmpty:\r\n\r\n",
    "GET /index.html?with=a&query=that&is=longer&than=thirty-two&octets=certainly HTTP/1.1\r\n"
    "Host: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "A-name-of-more-than-thirty-two-octets-is-rare: v\r\nCookie: a=b; c=d\r\n"
    "Upgrade-Insecure-Requests: 1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
};

static size_t mutate(char *bytes, size_t size, uint64_t *state)
{
    static const char octets[] = "\r\n \t:,;%?#/*()\0\x7f\x80\xff"
                                 "0aAhH";
    size_t at = replay_random(state) % size;
    char octet = replay_random(state) % 4 == 0 ? (char)replay_random(state)
                                               : octets[replay_random(state) % (sizeof octets - 1)];
    switch (replay_random(state) % 4) {
    case 0:
        bytes[at] = octet;
        return size;
    case 1:
        memmove(bytes + at + 1, bytes + at, size - at);
        bytes[at] = octet;
        return size + 1;
    case 2:
        memmove(bytes + at, bytes + at + 1, size - at - 1);
        return size - 1;
    default: {
        /* a stretch of it once more */
        size_t more = replay_random(state) % (size - at) % 80;
        memmove(bytes + at + more, bytes + at, size - at);
        return size + more;
    }
    }
}

static void mutated_heads(void **unused)
{
    uint64_t state = 2;
    (void)unused;
    for (unsigned n = 0; n < MUTATED; n++) {
        char bytes[4096];
        const char *head = heads[n % COUNT_OF(heads)];
        size_t size = strlen(head);
        memcpy(bytes, head, size);
        for (uint64_t times = replay_random(&state) % 4; times > 0; times--)
            size = mutate(bytes, size, &state);
        compare(bytes, size, &state, n);
    }
}

static void the_chosen_one_is_one_of_them(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        size_t size = strlen(heads[i]);
        enum http1_result result = replay(leat__http1_parse_head_scalar, &first, heads[i], size,
                                          NULL, 0, &replay_limits);
        enum http1_result again = replay(leat__http1_parse_head, &other, heads[i], size, NULL, 0,
                                         &replay_limits);
        assert_int_equal(result, HTTP1_DONE);
        assert_true(replay_same(result, &first, again, &other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_heads),
        cmocka_unit_test(mutated_heads),
        cmocka_unit_test(the_chosen_one_is_one_of_them),
    };
    return cmocka_run_group_tests_name("twins", tests, NULL, NULL);
}
