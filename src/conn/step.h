/* step.h: the steps of a connection that has an exchange, and what conn.c and step.c need of each other. */
#ifndef LEAT_STEP_H
#define LEAT_STEP_H

#include "conn/conn.h"

/* Bytes came (loop_events.on_recv): the second stop of a request's way. */
void leat__conn_on_bytes(void *context, struct slot *s, struct buffer *b);

/* Goes on with what has been received, as far as that goes; sends; settles. The slot may be closed afterwards. */
void leat__conn_advance(struct conns *c, struct slot *s, struct leat_exchange *x);

/* Answers in the server's own name, and closes with a linger. */
void leat__conn_refuse(struct conns *c, struct slot *s, struct leat_exchange *x, unsigned status,
                       const char *detail);

/* What was armed has been sent: goes on with the response, or with the next request. */
void leat__conn_on_sent(struct conns *c, struct slot *s, struct leat_exchange *x);

/* What a connection in WAITING waited for may be there. */
void leat__conn_go_on(struct conns *c, struct slot *s, struct leat_exchange *x);

/* A handler has come to its end behind its connection's: the request counts if it had begun to answer. */
void leat__conn_note_broken(struct leat_exchange *x);

/* While a handler waits for something else than the client. */
void leat__conn_listen_on(struct conns *c, struct slot *s, struct leat_exchange *x);

/* A content or a send has a window of timeout_ms to move at CONN_RATE_MIN on the average; who did gets another. What
 * lies in the kernel's buffers has moved, but only once. */
bool leat__conn_moved_enough(uint64_t *moved, uint64_t octets, uint32_t timeout_ms);

/* Of a connection just accepted, where there are hooks: whether they want to keep it (greet.c). */
bool leat__conn_is_wanted(const struct conns *c, const struct slot *s);

void leat__conn_idle_deadline(struct conns *c, struct slot *s);
void leat__conn_give_room_back(struct conns *c, struct slot *s);
void leat__conn_linger(struct conns *c, struct slot *s);
void leat__conn_close(struct conns *c, struct slot *s);

#endif
