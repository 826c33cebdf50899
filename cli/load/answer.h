/* answer.h: a server's octets become answers: head, framing and content, judged as they come.
 *
 * What arrives is fed piece by piece, however it was split; the outcome is the same. Nothing is kept but a few words of a
 * field of interest, so an answer under way costs its struct and no buffer. Contents are compared where they lie, octet by
 * octet, with what is wanted.
 *
 * The quick way: servers say the same head again and again. The last whole head is remembered (per thread and request), and
 * one that is equal octet by octet is not read but recognised. Once a second, when Date moves on, one is read again. */
#ifndef LEAT_LOAD_ANSWER_H
#define LEAT_LOAD_ANSWER_H

#include "base/base.h"
#include "http1/http1.h"

enum { ANSWER_HEAD_MAX = 65536, ANSWER_TEXT_MAX = 64, ANSWER_KNOWN_MAX = 1024 };

enum answer_result { ANSWER_MORE, ANSWER_DONE, ANSWER_BAD };

/* What is wrong with an answer that was read to its end. */
enum answer_fault { ANSWER_RIGHT, ANSWER_FAULT_STATUS, ANSWER_FAULT_CONTENT };

/* A head that came before, and what it meant. */
struct answer_known {
    uint32_t size; /* 0: none */
    uint16_t status;
    uint8_t framing; /* answer.c's */
    bool close;
    uint64_t length;
    char head[ANSWER_KNOWN_MAX];
};

struct answer_wanted {
    const char *content;        /* NULL: any */
    uint64_t size;              /* of the content */
    uint16_t status;            /* 0: any of 200 to 299 */
    bool no_content;            /* HEAD */
    bool checks_size;           /* size is to be so */
    struct answer_known *known; /* of this thread; NULL: none */
    /* who wants the content itself; NULL: nobody. false: no more */
    bool (*take)(void *context, const char *bytes, size_t size);
    void *context;
};

/* All zero before an answer; leat__answer_begin does that. */
struct answer {
    uint8_t state;   /* answer.c's */
    uint8_t framing; /* answer.c's */
    uint8_t fault;   /* enum answer_fault */
    uint8_t minor;   /* HTTP/1.minor */
    uint16_t status;
    bool close;                                       /* after it the server closes */
    bool has_close, has_keep, has_length, has_coding; /* what fields said */
    uint8_t text_size;   /* of text, at most ANSWER_TEXT_MAX; more is cut off and of no interest */
    uint8_t field;       /* which one of interest the line is; answer.c's */
    uint32_t head_size;  /* octets of the head so far */
    uint64_t left;       /* of the content, or all of it while the head is read */
    uint64_t size;       /* content so far */
    uint64_t differs_at; /* first octet that was not as wanted, when fault is CONTENT */
    const char *why;     /* after ANSWER_BAD */
    char text[ANSWER_TEXT_MAX];
    struct http1_chunked chunked;
};

static inline void answer_begin(struct answer *a)
{
    memset(a, 0, offsetof(struct answer, text));
}

/* Whether anything of it has come. */
static inline bool answer_has_begun(const struct answer *a)
{
    return a->state != 0 || a->head_size != 0;
}

/* Reads on. used: octets taken. MORE: all were. Chunked contents are decoded in place. */
enum answer_result leat__answer_feed(struct answer *a, const struct answer_wanted *wanted,
                                     char *bytes, size_t size, size_t *used);

/* Nothing more will come: DONE where that is how the content ends. */
enum answer_result leat__answer_end(struct answer *a, const struct answer_wanted *wanted);

#endif
