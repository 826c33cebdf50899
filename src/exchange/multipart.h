/* multipart.h: a multipart/form-data on its way through one buffer; what leat_multipart_save needs of it. */
#ifndef LEAT_MULTIPART_H
#define LEAT_MULTIPART_H

#include "exchange/exchange.h"
#include "http/multipart.h"

enum { MULTIPART_HEAD_MAX = 4096, MULTIPART_BUFFER = 32768 };

enum multipart_state {
    MULTIPART_BEFORE,  /* the first delimiter is looked for */
    MULTIPART_CONTENT, /* of a part */
    MULTIPART_BETWEEN, /* at a delimiter */
    MULTIPART_OVER,
};

struct leat_multipart {
    leat_exchange *x;
    leat_multipart_options options;
    struct http_delimiter delimiter;
    uint8_t state;
    bool at_end;         /* a delimiter stands at known */
    int error;           /* remembered; 0: none */
    uint32_t start, end; /* in the buffer: octets that are not used yet */
    uint32_t known;      /* up to there they are the part's content */
    uint32_t parts;
    uint64_t part, total;             /* octets given out of the part, taken of all */
    char strings[MULTIPART_HEAD_MAX]; /* the part's name, file name and media type */
    char buffer[MULTIPART_BUFFER];
};

_Static_assert(sizeof(struct leat_multipart) <= 40 << 10, "as form.h says");
_Static_assert(sizeof(struct leat_multipart) <= PLAN_LARGE, "an arena has it in one piece");

/* The next octets of the part's content, in the buffer until the next call: 1; 0: its end; negative: see form.h. */
int leat__multipart_take(leat_multipart *m, const char **bytes, size_t *size);

#endif
