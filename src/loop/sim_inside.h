/* sim_inside.h: what the files of the simulation share: its queue of events, its pipes and connections.
 *
 * An event is a number: a connection's (index * SIM_KINDS + kind), a loop's accept on one listener, or a mail. Each is
 * pending at most once, so the queues are heaps of fixed size; asking again for an event that is pending can only move
 * it forward. Ties in time are broken by a random word, which is the seeded order of what is ready. There is a
 * queue for the network and the clients, served in the turn of any loop, and one per loop for what only its own turn
 * may deliver. */
#ifndef LEAT_SIM_INSIDE_H
#define LEAT_SIM_INSIDE_H

#include "loop/sim.h"

enum {
    SIM_LOOPS_MAX = 8,
    SIM_LISTENERS_MAX = 64,
    SIM_MAILS_MAX = 16,
    SIM_FD_BASE = 1 << 20, /* beyond what any process may open: no stray close hits a real one */
    SIM_LISTENER_BASE = 1 << 28,
};

enum sim_kind {
    SIM_IN,           /* octets, FIN, arrive at the server */
    SIM_OUT,          /* … at the client */
    SIM_CLIENT,       /* on_client */
    SIM_RESET_SERVER, /* a reset arrives at the server */
    SIM_RESET_CLIENT,
    SIM_RECV,      /* here the loops' events begin: a receive is complete */
    SIM_SEND,      /* a pending send moves on */
    SIM_CANCELLED, /* what was out at a slot's closing is complete */
    SIM_KINDS,
};

struct sim_entry {
    int64_t at_us;
    uint32_t tie, event;
};

struct sim_queue {
    struct sim_entry *heap;
    uint32_t *places; /* by event: index in heap + 1; 0: not pending. Shared by all queues */
    uint32_t count;
};

void leat__sim_queue_put(struct sim_queue *q, uint32_t event, int64_t at_us, uint32_t tie);
void leat__sim_queue_remove(struct sim_queue *q, uint32_t event);
uint32_t leat__sim_queue_pop(struct sim_queue *q);

static inline int64_t sim_queue_next_us(const struct sim_queue *q)
{
    return q->count > 0 ? q->heap[0].at_us : INT64_MAX;
}

static inline bool sim_queue_is_before(const struct sim_queue *a, const struct sim_queue *b)
{
    if (a->count == 0 || b->count == 0)
        return a->count != 0;
    const struct sim_entry *x = a->heap, *y = b->heap;
    return x->at_us != y->at_us ? x->at_us < y->at_us : x->tie < y->tie;
}

/* [0, taken) is with the reader, [taken, arrived) waits for it, [arrived, written) is under way. */
struct sim_pipe {
    char *bytes; /* a ring of capacity octets */
    uint64_t written, arrived, taken;
    uint64_t reset_at; /* UINT64_MAX: never */
    uint32_t capacity;
    uint32_t chunk_max; /* octets that arrive at once; grows with arrivals, so that long contents get through */
    uint32_t arrivals;
    uint32_t delay_us_max;
    uint32_t step_max; /* leat__sim_step_max; 0: none */
    bool fin_sent, fin_arrived;
};

struct sim_sum {
    uint64_t plain, weighted;
};

struct sim_connection {
    struct sim_pipe in, out; /* to the server, to the client */
    void *client;
    struct sim_loop *loop;   /* whose it is, once accepted */
    struct slot *slot;       /* NULL: not adopted */
    struct loop_send *send;  /* pending */
    uint64_t send_hash;      /* of what describes it */
    struct sim_sum send_sum; /* of the bytes of its parts that are left */
    uint32_t next;           /* in a listener's queue, or free: index + 1 */
    bool alive, accepted, server_closed, client_closed;
    bool server_reset, client_reset; /* a reset has arrived there */
    bool client_blocked;             /* found its pipe full */
    bool armed;    /* says that its receive is armed, as io_uring does: it is told to be quiet */
    bool disarmed; /* one_shot: waits for loop_arm_recv */
    bool late;     /* one delivery after the pause */
};

struct sim_listener {
    bool open;
    uint32_t first, last, count; /* waiting to be accepted: index + 1 */
};

struct sim_mail {
    struct sim_loop *to; /* NULL: free */
    struct mail mail;
};

struct sim_loop {
    struct simulation *simulation;
    struct loop *loop; /* NULL: free */
    struct sim_queue queue;
    int64_t wake_us; /* its next deadline, as told by its last wait */
    struct {
        uint32_t listener; /* index + 1; 0: none */
        bool paused;
    } listening[LOOP_LISTENERS_MAX];
    struct buffer *ring; /* receive buffers of our own */
    uint32_t ring_count, ring_size;
    uint32_t kept;  /* buffers that the callee holds */
    uint32_t seats; /* slots adopted and not buried */
};

struct simulation {
    struct sim_options options;
    struct sim_faults faults;
    struct sim_random random;
    struct sim_counts counts;
    int64_t now_us;
    uint64_t trace;
    bool idle;
    struct sim_queue network;
    struct sim_loop loops[SIM_LOOPS_MAX];
    struct sim_listener listeners[SIM_LISTENERS_MAX];
    uint32_t listener_count;
    struct sim_mail mails[SIM_MAILS_MAX];
    uint32_t fail_accepts;
    int fail_accepts_error;
    struct sim_connection *connections;
    uint32_t free, alive; /* free: index + 1 */
    char *pipes;
    uint32_t *places;
    uint32_t accepts_at, mails_at; /* first event numbers of these */
};

static inline uint32_t sim_index(const struct simulation *s, const struct sim_connection *c)
{
    return (uint32_t)(c - s->connections);
}

static inline struct sim_loop *sim_loop_of(const struct loop *loop)
{
    return loop->state;
}

/* The connection that sits in a slot; nothing may be asked of a slot that has none. */
static inline struct sim_connection *sim_connection_of(const struct loop *loop, const struct slot *slot)
{
    struct simulation *s = sim_loop_of(loop)->simulation;
    uint32_t index = (uint32_t)(slot->fd - SIM_FD_BASE);
    ASSERT(slot->fd >= SIM_FD_BASE && index < s->options.connections);
    struct sim_connection *c = &s->connections[index];
    ASSERT(c->alive && c->slot == slot && !c->server_closed);
    return c;
}

static inline void sim_note(struct simulation *s, uint64_t what)
{
    uint64_t h = (s->trace ^ what) * 0x9e3779b97f4a7c15u;
    s->trace = h ^ h >> 29;
}

static inline bool sim_fault(struct simulation *s, uint32_t per_mille)
{
    return sim_chance(&s->random, per_mille);
}

/* 1 … max: nothing is answered within the moment it was asked in, so a turn comes to its end. */
static inline uint32_t sim_delay(struct simulation *s, uint32_t max_us)
{
    return 1 + sim_below(&s->random, max_us + 1);
}

static inline uint32_t sim_pipe_room(const struct sim_pipe *p)
{
    return p->capacity - (uint32_t)(p->written - p->taken);
}

static inline uint32_t sim_pipe_waiting(const struct sim_pipe *p)
{
    return (uint32_t)(p->arrived - p->taken);
}

void leat__sim_schedule(struct simulation *s, struct sim_connection *c, enum sim_kind kind,
                        uint32_t delay_us);
void leat__sim_unschedule(struct simulation *s, struct sim_connection *c, enum sim_kind kind);
void leat__sim_pipe_write(struct sim_pipe *p, const char *bytes, uint32_t size);
void leat__sim_pipe_read(struct sim_pipe *p, char *out, uint32_t size);

/* One of the network's events has come. */
void leat__sim_network_event(struct simulation *s, uint32_t event);

/* The server's end is closed; what the kernel would do then. */
void leat__sim_server_close(struct simulation *s, struct sim_connection *c);
/* The server has taken octets: there is room again. */
void leat__sim_server_took(struct simulation *s, struct sim_connection *c);
/* The server has written octets, or FIN. */
void leat__sim_server_wrote(struct simulation *s, struct sim_connection *c);
/* First of a listener's queue, or NULL. */
struct sim_connection *leat__sim_queue_accept(struct simulation *s, uint32_t listener);

/* sim_send.c: two functions of the backend, a pending send that moves on, and the check that nobody touched it. */
int leat__sim_arm_send(struct loop *loop, struct slot *slot, struct loop_send *send);
void leat__sim_shutdown_write(struct loop *loop, struct slot *slot);
void leat__sim_send_due(struct sim_loop *l, struct sim_connection *c);
void leat__sim_send_check(const struct sim_connection *c);

/* loop_sim.c and sim_send.c: something is new for the server's side of an adopted connection. */
void leat__sim_server_readable(struct simulation *s, struct sim_connection *c);
void leat__sim_server_writable(struct simulation *s, struct sim_connection *c);
/* Somebody waits at the listener. */
void leat__sim_server_knock(struct simulation *s, uint32_t listener);

#endif
