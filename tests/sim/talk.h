/* talk.h: the two halves of a model client's HTTP: requests with what must be answered to them, and a reader of
 * replies that takes nothing on trust. No network here. */
#ifndef SIM_TALK_H
#define SIM_TALK_H

#include "loop/sim.h"

/* What is asked of a request maker. */
struct talk_limits {
    uint32_t content_max; /* octets the server takes; more is refused */
    uint32_t size_max;    /* of contents that are asked for or sent */
    uint32_t request_line_max, head_max;
    uint32_t filler_max; /* octets of a large field */
};

enum { REQUEST_STATUSES = 3 };

struct request {
    uint16_t statuses[REQUEST_STATUSES]; /* any of these is right; 0: none */
    uint32_t token;
    bool has_token; /* a handler's answer, or the router's */
    bool head;      /* no content comes with the answer */
    bool closes;    /* the answer is the last */
    bool refused;   /* malformed, or over a limit: the server must close behind its answer */
    bool scarce;    /* needs memory that is scarce by plan: 503 is right too */
    bool expects_continue;
    bool any_content; /* a problem's text */
    bool continued;   /* 100 has come */
    bool streamed;    /* the content comes in chunks, if it is the one that was asked for */
    bool trails;      /* … with a trailer field behind it */
    bool may_close;   /* the server need not read the content: then it closes */
    char text[32];    /* the content, when content is NULL */
    const char *content;
    uint32_t content_size;
    uint64_t head_end, end; /* positions in the client's stream, behind its octets */
};

/* Octets to be sent: [sent, size) of data; base is the stream's position of data[0]. */
struct stream {
    char *data;
    size_t size, sent, capacity;
    uint64_t base;
};

/* Appends a request to the stream. */
void talk_request(struct sim_random *r, const struct talk_limits *limits, uint32_t token,
                  struct stream *out, struct request *q);
/* One that must be refused; more octets may follow it. */
void talk_bad_request(struct sim_random *r, const struct talk_limits *limits, struct stream *out,
                      struct request *q);
/* A head, or a content, that begins and never ends: octets of it for ever. */
void talk_endless_head(struct stream *out, size_t octets, bool first);
void talk_endless_content(struct stream *out, size_t octets, bool first);
void stream_free(struct stream *s);

struct reply {
    /* the one under way */
    uint16_t status; /* 0: its head is not complete */
    bool has_length, close, has_token, has_date, retry_after, has_allow;
    uint32_t token;
    uint64_t content_size, content_at;
    bool chunked, trailed, chunks_end; /* chunks_end: only trailer fields may follow */
    uint64_t chunk_left;               /* octets of the chunk under way, with CRLF */
    char line[64];                     /* of a chunk's size, or a trailer, as far as it has come */
    size_t line_size;
    /* the head's octets so far */
    char *head;
    size_t head_size, head_capacity;
};

enum talk_result {
    TALK_NEED_MORE,
    TALK_INTERIM, /* 100 (Continue) */
    TALK_FINAL,   /* a final reply is complete */
    TALK_WRONG,   /* why says what */
};

/* Reads at most one reply from bytes; used: how many octets were taken. q: the request that this answers (for its
 * content), or NULL, when none is open and any octet is wrong. */
enum talk_result talk_read(struct reply *p, const struct request *q, const char *bytes, size_t size,
                           size_t *used, const char **why);
/* Nothing of a reply has come yet. */
bool talk_is_between(const struct reply *p);
void reply_free(struct reply *p);

#endif
