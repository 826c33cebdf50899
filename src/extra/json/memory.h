/* memory.h: Jansson's memory, while it parses for an exchange: pieces of the exchange's arena. */
#ifndef LEAT_EXTRA_JSON_MEMORY_H
#define LEAT_EXTRA_JSON_MEMORY_H

#include <leat/json_value.h>
#include <setjmp.h>

enum {
    PARSE_BLOCKS = 64,  /* pieces of arena that one parse may take */
    PARSE_CLASSES = 33, /* of freed pieces: by 16 octets, up to 512 */
};

struct parse_block {
    char *begin, *end;
    bool single; /* one piece, without a header */
};

struct parse_memory {
    leat_exchange *x;
    char *at, *end; /* what is left of the newest block of many pieces */
    int error;      /* of leat_reserve, which has answered then: -ENOMEM, -E2BIG */
    jmp_buf out;    /* where Jansson is left when there is no memory */
    unsigned block_count;
    struct parse_block blocks[PARSE_BLOCKS];
    struct parse_free {
        struct parse_free *next;
    } * freed[PARSE_CLASSES];
};

/* Jansson's allocator is ours. */
bool leat__parse_memory_is_used(void);

/* From here to the end Jansson's memory on this thread is m's. What is taken in between stays until the exchange ends. When
 * there is no more, m->error is set and m->out jumped to, which the caller has set (setjmp) before Jansson is called. */
void leat__parse_memory_begin(struct parse_memory *m, leat_exchange *x);
void leat__parse_memory_end(void);

#endif
