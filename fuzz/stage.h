/* stage.h: one exchange without a server, for harnesses of what handlers ask: its head is a text, its content comes in
 * pieces of a size that the harness says, its memory is the stage's. */
#ifndef LEAT_FUZZ_STAGE_H
#define LEAT_FUZZ_STAGE_H

#include "exchange/exchange.h"

#include <stdlib.h>

enum { STAGE_MEMORY = 4 << 20, STAGE_HEAD = 60000 };

struct stage {
    struct leat_exchange x;
    struct exchange_common common;
    struct counters counters;
    int64_t now_s;
    const uint8_t *content;
    size_t content_size, content_at, step;
    char head[STAGE_HEAD + HTTP1_SLACK];
};

static struct stage *stage;
static char *stage_memory;

static inline void must(bool holds)
{
    if (!holds)
        abort();
}

static inline int64_t stage_read(struct leat_exchange *x, void *bytes, size_t size)
{
    size_t n = size_min(size_min(size, stage->step), stage->content_size - stage->content_at);
    (void)x;
    if (n > 0)
        memcpy(bytes, stage->content + stage->content_at, n);
    stage->content_at += n;
    return (int64_t)n;
}

/* A request with these octets behind the request line; false: it is none. */
static inline bool stage_begin(const char *head, size_t size)
{
    static const struct exchange_carrier carrier = {.read = stage_read};
    static const struct http1_limits limits = {STAGE_HEAD, STAGE_HEAD, HTTP1_FIELDS_MAX};
    if (stage == NULL) {
        stage = malloc(sizeof *stage);
        stage_memory = aligned_alloc(64, STAGE_MEMORY);
        must(stage != NULL && stage_memory != NULL);
    }
    memset(stage, 0, offsetof(struct stage, head));
    struct leat_exchange *x = &stage->x;
    stage->now_s = 1784111777;
    stage->common = (struct exchange_common){
        .counters = &stage->counters, .now_s = &stage->now_s, .carrier = &carrier};
    x->common = &stage->common;
    x->response.file = -1;
    leat__arena_init(&x->arena, stage_memory, STAGE_MEMORY, NULL, NULL, 0);
    must(size <= STAGE_HEAD);
    memcpy(stage->head, head, size);
    x->bytes = stage->head;
    return leat__http1_parse_head(&x->head, x->bytes, size, &limits) == HTTP1_DONE;
}

/* The content that leat_read gives, at most step octets at a time. */
static inline void stage_content(const uint8_t *content, size_t size, size_t step)
{
    stage->content = content;
    stage->content_size = size;
    stage->content_at = 0;
    stage->step = step;
    stage->x.way.content = CONTENT_READING;
}

#endif
