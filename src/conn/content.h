/* content.h: taking the content of a request out of what has been received (content.c). */
#ifndef LEAT_CONN_CONTENT_H
#define LEAT_CONN_CONTENT_H

#include "conn/conn.h"

enum gather {
    GATHER_WHOLE,
    GATHER_MORE,
    GATHER_REFUSED
}; /* refused: x->way.refused_status tells */

/* A head has announced a content. */
void leat__conn_announce_content(struct conns *c, struct leat_exchange *x);
/* Octets that its route takes. */
uint64_t leat__conn_content_max(const struct conns *c, const struct leat_exchange *x);
/* Takes what has come, into memory: in place when all of it is here, else its whole bound is reserved first. */
enum gather leat__conn_gather(struct conns *c, struct leat_exchange *x);
/* Before waiting for more: 100 (Continue) into the output, where it is owed. */
void leat__conn_await_content(struct leat_exchange *x);

/* struct exchange_carrier */
int64_t leat__conn_read(struct leat_exchange *x, void *bytes, size_t size);
bool leat__conn_collect(struct leat_exchange *x);
void leat__conn_leave(struct leat_exchange *x);

#endif
