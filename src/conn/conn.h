/* conn.h: the spine. Here loop, protocol and exchange meet.
 *
 * `struct conns` is all the connections of a shard. A connection is its slot (32 bytes); from the first octet of a
 * request to the last octet of its response it also has an exchange. The states are a table (states.def). The way of a
 * burst of requests:
 *
 *     leat__conn_on_bytes     bytes came: an exchange if there is none yet, the bytes behind what it has
 *       └ conn_advance        as long as there is something to do:
 *            read_head        leat__http1_parse_head, framing, route
 *            read_content     in place when all of it is here, else into reserved memory
 *            run              the handler, then leat__response_send into the output
 *       └ conn_flush          one send for the whole burst, loop_arm_send
 *       └ conn_settle         nothing left to do: everything goes back but the slot
 *
 * What must always be true
 *   - A slot in IDLE or LINGERING has no exchange, one in CLOSED only until the loop (and a work that is under way for
 *     it) has let go; in every other state it has one.
 *   - A send is armed only in WRITING; nothing else of the exchange is touched then but its input queue.
 *   - Whatever runs out is answered: 503 with Retry-After, and counted by pool. */
#ifndef LEAT_CONN_H
#define LEAT_CONN_H

#include "exchange/exchange.h"
#include "loop/loop.h"
#include "conn/report.h"
#include "net/proxy.h"
#include <stdatomic.h>

struct conn_limits {
    struct http1_limits head;
    uint32_t head_timeout_ms, content_timeout_ms, write_timeout_ms, idle_timeout_ms; /* UINT32_MAX: never */
    uint64_t content_max;                                                            /* bytes */
    uint32_t file_check_ms; /* how long what is known of a file is believed */
};

/* Limits on their way to a shard (MAIL_LIMITS). The sender writes them only while none are under way; the shard says
 * that when it has copied them. */
struct conn_next_limits {
    struct conn_limits limits;
    atomic_bool are_under_way;
};

enum {
    CONN_LINGER_MS = 5000, /* how long what a refused peer still sends is read and thrown away */
    CONN_QUIET_MS = 2000,  /* a connection quiet for so long is held at the lowest price */
    CONN_RATE_MIN = 1024, /* octets per second: a content or response that moved faster gets another deadline */
    CONN_ACCEPT_PAUSE_MS = 100, /* after accepting failed for want of descriptors or memory */
    CONN_TRIM_MS = 1000,
    CONN_RETRY_MS = 128, /* when all works are under way */
};

struct conns {
    struct loop loop;
    struct exchange_common common;
    struct counters counters;
    struct conn_limits limits;
    struct buffer *lent; /* the receive buffer of the on_recv under way, while it is neither let go nor kept */
    uint32_t seats; /* connections this shard takes; the slot pool has at least so many */
    uint32_t open;  /* connections seated now */
    bool stopping;  /* everything is being closed */
    uint32_t listener_count;
    int listeners[LOOP_LISTENERS_MAX];
    const struct net_options *listener_options[LOOP_LISTENERS_MAX]; /* NULL: none */
    uint64_t proxy_listeners;    /* a bit each: connections begin with a PROXY header */
    uint64_t accepted_listeners; /* … have options to be set on each connection */
    struct tasks tasks;          /* where handlers may wait */
    uint64_t listeners_paused;   /* a bit each */
    int64_t trim_at_ms;
    struct shard_memory memory; /* it ends with what is touched last, and so does this: */
    struct timer_wheels wheels; /* of tasks */
    struct workers workers;
    struct report_scan scan;
    struct conn_report_box reported;
};

extern const struct loop_events leat__conn_events;
extern const struct exchange_carrier leat__conn_carrier;

/* To be called after c->memory, c->loop, c->common.routes are made. */
void leat__conns_init(struct conns *c, const struct conn_limits *limits);

/* Accept on fd, listener number i, with options that stay (NULL: none). 0 or -errno. */
int leat__conns_listen(struct conns *c, unsigned i, int fd, const struct net_options *options);

/* Takes other limits. What is under way goes on with what it has. */
void leat__conns_limit(struct conns *c, const struct conn_limits *limits);

/* No more accepting (what waits in the queue is taken first), keep-alive ends, idle connections close. */
void leat__conns_drain(struct conns *c);
/* Closes everything now. The slots are buried in the next turns: until c->open is 0. */
void leat__conns_stop(struct conns *c);

const char *leat__conn_state_name(enum conn_state state);
/* The same in small letters, as labels have it. */
enum { CONN_STATE_LABEL = 16 };
const char *leat__conn_state_label(enum conn_state state, char label[static CONN_STATE_LABEL]);

/* Tells in c->reported what stands where. */
void leat__conns_report(struct conns *c);

/* For tests and debug builds: the invariants above, for one slot. */
void leat__conn_check(const struct conns *c, const struct slot *s);

/* The queue of bytes (input.c). The first buffer is the one that is parsed, and it stays until the request is over,
 * because the head lies in it. */
static inline struct leat_exchange *conn_exchange(const struct conns *c, const struct slot *s)
{
    return (struct leat_exchange *)(void *)c->memory.rooms.headers[s->exchange - 1].data;
}

/* Puts b, lent by the loop, behind what x has to read. */
void leat__input_add(struct conns *c, struct leat_exchange *x, struct buffer *b);
/* Between two requests: gives back buffers that are read to the end. false: nothing is left. */
bool leat__input_next(struct conns *c, struct leat_exchange *x);
/* Takes content out of the queue: at most size octets to out. Octets taken. */
size_t leat__input_take(struct conns *c, struct leat_exchange *x, char *out, size_t size);
/* Content's next octets as they lie: NULL and size 0: none here. leat__input_skip lets go of the first n of them. */
char *leat__input_peek(struct leat_exchange *x, size_t *size);
void leat__input_skip(struct conns *c, struct leat_exchange *x, size_t n);
/* The parser needs more than the first buffer has: joins the next one's octets to it. 1: joined; 0: there is no next;
 * -ENOMEM: no large buffer; -E2BIG: more than the largest buffer holds. */
int leat__input_join(struct conns *c, struct leat_exchange *x);
void leat__input_drop(struct conns *c, struct leat_exchange *x);

#endif
