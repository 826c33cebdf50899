/* Answers: every case is fed whole, octet by octet and cut in two at every place, with and without a memory of the head, and
 * must come out the same. */
#include "load/answer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct expected {
    const char *octets;
    enum answer_result result; /* MORE: then the connection ends, and at_end is what comes of it */
    enum answer_result at_end;
    enum answer_fault fault;
    unsigned status;
    bool close;
    uint64_t size; /* of the content */
    size_t behind; /* octets that belong to the next one */
};

struct outcome {
    enum answer_result result;
    struct answer answer;
    size_t used;
};

/* Feeds [0, cut) and then the rest; cut 0: octet by octet. */
static struct outcome feed(const char *octets, size_t size, size_t cut, const struct answer_wanted *wanted)
{
    struct outcome out = {.result = ANSWER_MORE};
    while (out.used < size && out.result == ANSWER_MORE) {
        size_t piece = cut == 0 ? 1 : out.used < cut ? cut - out.used : size - out.used, used = 0;
        char *copy = malloc(piece + 1);
        assert_non_null(copy);
        memcpy(copy, octets + out.used, piece);
        out.result = leat__answer_feed(&out.answer, wanted, copy, piece, &used);
        assert_true(used <= piece);
        if (out.result == ANSWER_MORE)
            assert_int_equal(used, piece);
        free(copy);
        out.used += used;
    }
    return out;
}

static void check_outcome(const struct expected *e, struct outcome *out, const struct answer_wanted *wanted)
{
    assert_int_equal(out->result, e->result);
    if (out->result == ANSWER_MORE)
        out->result = leat__answer_end(&out->answer, wanted);
    if (e->result == ANSWER_MORE)
        assert_int_equal(out->result, e->at_end);
    if (out->result == ANSWER_BAD) {
        assert_non_null(out->answer.why);
        return;
    }
    assert_int_equal(out->answer.fault, e->fault);
    assert_int_equal(out->answer.status, e->status);
    assert_int_equal(out->answer.close, e->close);
    assert_int_equal(out->answer.size, e->size);
    if (e->result == ANSWER_DONE)
        assert_int_equal(strlen(e->octets) - out->used, e->behind);
}

static void check(const struct expected *e, struct answer_wanted wanted)
{
    size_t size = strlen(e->octets);
    for (size_t cut = 0; cut <= size; cut++) {
        struct answer_known known = {0};
        struct outcome out = feed(e->octets, size, cut, &wanted);
        check_outcome(e, &out, &wanted);
        wanted.known = &known;
        for (unsigned again = 0; again < 3; again++) {
            out = feed(e->octets, size, again == 1 ? size : cut, &wanted);
            check_outcome(e, &out, &wanted);
        }
        wanted.known = NULL;
    }
}

static const struct answer_wanted hello = {.content = "Hello, World!", .size = 13, .checks_size = true};

static void by_length(void **state)
{
    (void)state;
    const struct expected cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!", ANSWER_DONE, .status = 200,
         .size = 13},
        {"HTTP/1.1 200 OK\r\ncontent-length:13 \t\r\n\r\nHello, World!HTTP/1.1", ANSWER_DONE,
         .status = 200, .size = 13, .behind = 8},
        {"HTTP/1.1 200\r\nContent-Length: 13\r\nContent-Length: 13\r\n\r\nHello, World!",
         ANSWER_DONE, .status = 200, .size = 13},
        {"HTTP/1.1 206 \r\nX: \x80\tb\r\nContent-Length: 13\r\nConnection: a, Close\r\n\r\nHello, "
         "World!",
         ANSWER_DONE, .status = 206, .size = 13, .close = true},
        {"HTTP/1.0 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!", ANSWER_DONE, .status = 200,
         .size = 13, .close = true},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 13\r\n\r\nHello, World!",
         ANSWER_DONE, .status = 200, .size = 13},
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++)
        check(&cases[i], hello);
}

static void by_chunks(void **state)
{
    (void)state;
    const struct expected cases[] = {
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\nHello, World!\r\n0\r\n\r\nnext",
         ANSWER_DONE, .status = 200, .size = 13, .behind = 4},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nHello\r\n8;a=b\r\n, "
         "World!\r\n0\r\nT: x\r\n\r\n",
         ANSWER_DONE, .status = 200, .size = 13},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\nHello, World?\r\n0\r\n\r\n",
         ANSWER_DONE, .status = 200, .size = 13, .fault = ANSWER_FAULT_CONTENT},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\nHello, World!\r\n", ANSWER_MORE,
         .at_end = ANSWER_BAD},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx", ANSWER_BAD, .status = 0},
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++)
        check(&cases[i], hello);
}

static void by_the_end(void **state)
{
    (void)state;
    const struct expected cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\nHello, World!", ANSWER_MORE, ANSWER_DONE, .status = 200,
         .size = 13, .close = true},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nHello, World!", ANSWER_MORE, ANSWER_DONE,
         .status = 200, .size = 13, .close = true},
        {"HTTP/1.1 200 OK\r\n\r\nHello, Wor", ANSWER_MORE, ANSWER_DONE,
         .fault = ANSWER_FAULT_CONTENT, .status = 200, .close = true, .size = 10},
        {"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, Wor", ANSWER_MORE, .at_end = ANSWER_BAD},
        {"HTTP/1.1 200 OK\r\nContent-Len", ANSWER_MORE, .at_end = ANSWER_BAD},
        {"", ANSWER_MORE, .at_end = ANSWER_BAD},
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++)
        check(&cases[i], hello);
}

static void without_content(void **state)
{
    (void)state;
    const struct expected head = {"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHTTP/1.1",
                                  ANSWER_DONE, .status = 200, .behind = 8};
    const struct expected none[] = {
        {"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 ", ANSWER_DONE, .status = 204, .behind = 9},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ANSWER_DONE, .status = 200},
    };
    const struct expected not_modified = {"HTTP/1.1 304 Not Modified\r\nContent-Length: 13\r\n\r\n",
                                          ANSWER_DONE, .status = 304};
    check(&head, (struct answer_wanted){.no_content = true});
    for (unsigned i = 0; i < COUNT_OF(none); i++)
        check(&none[i], (struct answer_wanted){.content = "", .checks_size = true});
    check(&not_modified, (struct answer_wanted){.status = 304, .checks_size = true});
}

static void interim_ones_are_read_over(void **state)
{
    (void)state;
    const struct expected cases[] = {
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\nContent-Length: "
         "5\r\n\r\n"
         "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!",
         ANSWER_DONE, .status = 200, .size = 13},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", ANSWER_BAD, .status = 0},
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++)
        check(&cases[i], hello);
}

static void faults(void **state)
{
    (void)state;
    const struct expected status = {"HTTP/1.1 503 No\r\nContent-Length: 3\r\n\r\nno!", ANSWER_DONE,
                                    .fault = ANSWER_FAULT_STATUS, .status = 503, .size = 3};
    const struct expected redirect = {"HTTP/1.1 302 There\r\nContent-Length: 0\r\n\r\n",
                                      ANSWER_DONE, .status = 302};
    const struct expected content[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World?", ANSWER_DONE, .status = 200,
         .size = 13},
        {"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nHello, World", ANSWER_DONE, .status = 200,
         .size = 12},
        {"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nHello, World!!", ANSWER_DONE, .status = 200,
         .size = 14},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ANSWER_DONE, .status = 200},
    };
    check(&status, hello);
    check(&redirect, (struct answer_wanted){.status = 302});
    for (unsigned i = 0; i < COUNT_OF(content); i++) {
        struct expected e = content[i];
        e.fault = ANSWER_FAULT_CONTENT;
        check(&e, hello);
        e.fault = e.size == 13 ? ANSWER_RIGHT : ANSWER_FAULT_CONTENT;
        check(&e, (struct answer_wanted){.size = 13, .checks_size = true}); /* the length only */
        e.fault = ANSWER_RIGHT;
        check(&e, (struct answer_wanted){.size = 13}); /* the status only */
    }
}

static void where_it_differs(void **state)
{
    (void)state;
    const char octets[] = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, Wurld!";
    for (size_t cut = 0; cut < sizeof octets; cut++) {
        struct outcome out = feed(octets, sizeof octets - 1, cut, &hello);
        assert_int_equal(out.result, ANSWER_DONE);
        assert_int_equal(out.answer.differs_at, 8);
    }
}

static void no_http(void **state)
{
    (void)state;
    const char *cases[] = {
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n",
        "HTTP/1.1200 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 200 OK\n\r\n",
        "HTTP/1.1 200 OK\r\rA: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\x01\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        const struct expected e = {cases[i], ANSWER_BAD, .status = 0};
        check(&e, hello);
    }
}

static void heads_are_bounded(void **state)
{
    (void)state;
    size_t size = ANSWER_HEAD_MAX + 100;
    char *octets = malloc(size + 1);
    assert_non_null(octets);
    memset(octets, 'a', size);
    octets[size] = '\0';
    memcpy(octets, "HTTP/1.1 200 OK\r\nX: ", 20);
    struct outcome out = feed(octets, size, 1000, &hello);
    assert_int_equal(out.result, ANSWER_BAD);
    /* and so are interim ones, however many */
    size = 0;
    out = (struct outcome){.result = ANSWER_MORE};
    while (out.result == ANSWER_MORE && size < 2 * ANSWER_HEAD_MAX) {
        char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
        size_t used;
        out.result = leat__answer_feed(&out.answer, &hello, interim, sizeof interim - 1, &used);
        size += used;
    }
    assert_int_equal(out.result, ANSWER_BAD);
    free(octets);
}

/* What is remembered is only ever the same head: a changed Date, status or length is read. */
static void heads_are_recognised(void **state)
{
    (void)state;
    struct answer_known known = {0};
    struct answer_wanted wanted = hello;
    wanted.known = &known;
    const struct expected cases[] = {
        {"HTTP/1.1 200 OK\r\nDate: 1\r\nContent-Length: 13\r\n\r\nHello, World!", ANSWER_DONE,
         .status = 200, .size = 13},
        {"HTTP/1.1 200 OK\r\nDate: 2\r\nContent-Length: 13\r\n\r\nHello, World!", ANSWER_DONE,
         .status = 200, .size = 13},
        {"HTTP/1.1 200 OK\r\nDate: 2\r\nContent-Length: 12\r\n\r\nHello, World!", ANSWER_DONE,
         .status = 200, .size = 12, .behind = 1, .fault = ANSWER_FAULT_CONTENT},
        {"HTTP/1.1 404 OK\r\nDate: 2\r\nContent-Length: 13\r\n\r\nHello, World!", ANSWER_DONE,
         .status = 404, .size = 13, .fault = ANSWER_FAULT_STATUS},
        {"HTTP/1.1 200 OK\r\nDate: 2\r\nContent-Length: 13\r\nConnection: close\r\n\r\nHello, "
         "World!",
         ANSWER_DONE, .status = 200, .size = 13, .close = true},
    };
    for (unsigned i = 0; i < 4 * COUNT_OF(cases); i++) {
        const struct expected *e = &cases[i * 3 % COUNT_OF(cases)];
        for (unsigned again = 0; again < 2; again++) {
            struct outcome out = feed(e->octets, strlen(e->octets), strlen(e->octets), &wanted);
            check_outcome(e, &out, &wanted);
            assert_int_equal(known.status, e->status);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_length),
        cmocka_unit_test(by_chunks),
        cmocka_unit_test(by_the_end),
        cmocka_unit_test(without_content),
        cmocka_unit_test(interim_ones_are_read_over),
        cmocka_unit_test(faults),
        cmocka_unit_test(where_it_differs),
        cmocka_unit_test(no_http),
        cmocka_unit_test(heads_are_bounded),
        cmocka_unit_test(heads_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
