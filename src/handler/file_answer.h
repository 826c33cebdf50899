/* file_answer.h: the response for a file that is at hand, whatever it comes from. */
#ifndef LEAT_FILE_ANSWER_H
#define LEAT_FILE_ANSWER_H

#include "exchange/exchange.h"
#include "handler/files.h"
#include "http/conditions.h"

/* A file as it is sent. It stays until the exchange ends. */
struct file_view {
    const char *lines; /* complete field lines; Content-Type first */
    size_t lines_size;
    const char *validators; /* those of them that belong to a 304, one piece */
    size_t validators_size;
    struct http_validators v;
    const char *bytes; /* NULL: fd */
    int fd;
    uint64_t offset, size; /* of its content in bytes or fd */
};

/* conditions NULL: the request asks for nothing special. */
void leat__file_answer(leat_exchange *x, const struct file_view *view,
                       const struct http_conditions *conditions);

/* To the same path with a slash behind it; the query stays. */
void leat__file_add_slash(leat_exchange *x);
/* To the same path in its clean form. */
void leat__file_clean(leat_exchange *x, const struct leat_files *files);

#endif
