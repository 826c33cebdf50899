/* replay.h: bytes given to the parsers in pieces, each time right before a page that cannot be
 * read.
 *
 * The parser may look HTTP1_SLACK octets behind the end, so the guard page begins there: one octet
 * more ends the test. What lies in the slack is what really follows, or octets that look like the
 * end of a head, or noise: it must not matter. The bytes lie elsewhere at each call, because they
 * may move. */
#ifndef LEAT_TEST_REPLAY_H
#define LEAT_TEST_REPLAY_H

#include "http1/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

enum { REPLAY_ROOM = 128 * 1024 };

typedef enum http1_result replay_parser(struct http1_head *h, const char *bytes, size_t size,
                                        const struct http1_limits *limits);

static const struct http1_limits replay_limits = {8192, 65472, 128};

/* The first octet behind REPLAY_ROOM octets, where the guard page is. */
static inline char *replay_guard(void)
{
    static char *guard;
    if (guard == NULL) {
        char *memory = mmap(NULL, REPLAY_ROOM + PAGE_SIZE_BYTES, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(memory, MAP_FAILED);
        guard = memory + REPLAY_ROOM;
        assert_int_equal(mprotect(guard, PAGE_SIZE_BYTES, PROT_NONE), 0);
    }
    return guard;
}

/* One call with the first size octets of bytes, of which there are whole_size. */
static inline enum http1_result replay_call(replay_parser *parser, struct http1_head *h,
                                            const char *bytes, size_t size, size_t whole_size,
                                            const struct http1_limits *limits)
{
    static unsigned turn;
    static const char ends[HTTP1_SLACK + 1] = "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n: x\r\n"
                                              "a: b\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
    char *slack = replay_guard() - HTTP1_SLACK, *start = slack - size;
    assert_true(size + HTTP1_SLACK <= REPLAY_ROOM);
    memcpy(start, bytes, size);
    switch (turn++ % 3) {
    case 0:
        memset(slack, ' ', HTTP1_SLACK);
        memcpy(slack, bytes + size, size_min(whole_size - size, HTTP1_SLACK));
        break;
    case 1:
        memcpy(slack, ends, HTTP1_SLACK);
        break;
    default:
        memset(slack, 0x5a, HTTP1_SLACK);
    }
    return parser(h, start, size, limits);
}

/* In pieces that end at each of the cuts (ascending), and then with the rest. */
static inline enum http1_result replay(replay_parser *parser, struct http1_head *h,
                                       const char *bytes, size_t size, const size_t *cuts,
                                       size_t cut_count, const struct http1_limits *limits)
{
    http1_head_init(h);
    for (size_t i = 0; i < cut_count; i++) {
        enum http1_result result = replay_call(parser, h, bytes, cuts[i], size, limits);
        if (result != HTTP1_NEED_MORE)
            return result;
    }
    return replay_call(parser, h, bytes, size, size, limits);
}

/* Whether two answers say the same. */
static inline bool replay_same(enum http1_result a_result, const struct http1_head *a,
                               enum http1_result b_result, const struct http1_head *b)
{
    if (a_result != b_result || a->at != b->at || a->phase != b->phase)
        return false;
    if (a_result == HTTP1_BAD)
        return a->status == b->status && strcmp(a->why, b->why) == 0;
    if (a_result == HTTP1_NEED_MORE)
        return true;
    const size_t from = offsetof(struct http1_head, method);
    return memcmp((const char *)a + from, (const char *)b + from,
                  offsetof(struct http1_head, why) - from) == 0 &&
           memcmp(a->fields, b->fields, a->field_count * sizeof a->fields[0]) == 0;
}

/* A small generator of numbers, the same everywhere. */
static inline uint64_t replay_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* The parsers there are on this machine. */
static inline size_t replay_parsers(replay_parser *parsers[2])
{
    size_t count = 0;
    parsers[count++] = leat__http1_parse_head_scalar;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
        parsers[count++] = leat__http1_parse_head_avx2;
#endif
    return count;
}

/* Whole, octet by octet, and cut in two at every position (at some, when there are many), by every
 * parser: one answer. Gives it. */
static inline enum http1_result replay_all(struct http1_head *h, const char *bytes, size_t size,
                                           const struct http1_limits *limits)
{
    static struct http1_head other;
    replay_parser *parsers[2];
    size_t parser_count = replay_parsers(parsers);
    enum http1_result result = replay(parsers[0], h, bytes, size, NULL, 0, limits);
    size_t *every = calloc(size + 1, sizeof *every);
    assert_non_null(every);
    for (size_t i = 0; i < size; i++)
        every[i] = i;
    for (size_t p = 0; p < parser_count; p++) {
        enum http1_result again = replay(parsers[p], &other, bytes, size, NULL, 0, limits);
        if (!replay_same(result, h, again, &other))
            fail_msg("parser %zu differs, whole: %.*s", p, (int)size_min(size, 300), bytes);
        if (size <= 2000) {
            again = replay(parsers[p], &other, bytes, size, every, size, limits);
            if (!replay_same(result, h, again, &other))
                fail_msg("parser %zu differs octet by octet (%s, %s): %.*s", p, h->why, other.why,
                         (int)size, bytes);
        }
        size_t step = size <= 2000 ? 1 : size / 200;
        for (size_t cut = 0; cut < size; cut += step) {
            again = replay(parsers[p], &other, bytes, size, &cut, 1, limits);
            if (!replay_same(result, h, again, &other))
                fail_msg("parser %zu differs when cut at %zu (%s, %s): %.*s", p, cut, h->why,
                         other.why, (int)size_min(size, 300), bytes);
        }
    }
    free(every);
    return result;
}

#endif
