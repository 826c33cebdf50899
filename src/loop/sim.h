/* sim.h: a network, a clock and their faults in one process and thread, all of it from a seed.
 *
 * The backend loop_sim.c serves a shard from a `struct simulation` instead of the kernel; a test plays the clients.
 * Nothing here makes a system call, and nothing happens but in the turns of a loop (and in the calls of the test), so
 * a run is a function of its seed: the same seed gives the same trace (leat__sim_trace), event by event.
 *
 *     client ── sim_client_send ──► pipe to the server ──► on_recv         a pipe is bounded: written, arrived, taken;
 *     client ◄── on_client ──────── pipe to the client ◄── loop_arm_send   what is written arrives in pieces, later
 *
 * The clock stands still while anything runs, and jumps to the next event or deadline when a loop waits. Several loops
 * may live on one simulation: none of them lets the clock pass a moment that another one waits for, so the test turns
 * them in any order it likes.
 *
 * What the backend asserts of its users: a struct loop_send and the bytes it points to are as they were between arm
 * and completion; nothing is asked of a slot that is closed or not adopted; one send at a time, none after FIN; a
 * buffer is given back once, and all are before the loop is closed; a lent buffer that isn't kept is poisoned. */
#ifndef LEAT_SIM_H
#define LEAT_SIM_H

#include "base/base.h"
#include "loop/loop.h"
#include <sys/types.h>

struct simulation;

/* xoshiro256**, seeded by splitmix64. */
struct sim_random {
    uint64_t words[4];
};

void leat__sim_random_init(struct sim_random *r, uint64_t seed);
uint64_t leat__sim_random_next(struct sim_random *r);

/* 0 … n - 1; n is not 0 */
static inline uint32_t sim_below(struct sim_random *r, uint32_t n)
{
    return (uint32_t)(((leat__sim_random_next(r) >> 32) * n) >> 32);
}

static inline bool sim_chance(struct sim_random *r, uint32_t per_mille)
{
    return per_mille != 0 && sim_below(r, 1000) < per_mille;
}

/* How often what goes wrong: per mille, unless the name says otherwise. All zero: a calm network. */
struct sim_faults {
    uint32_t short_receive; /* on_recv is given a piece of what is there */
    uint32_t one_shot; /* after a delivery nothing more comes until loop_arm_recv is called again */
    uint32_t armed;    /* a connection is one of those that loop_quiet is for */
    uint32_t late_receive;   /* one more delivery after loop_pause_recv */
    uint32_t receive_again;  /* a receive that was due goes behind the others (as ENOBUFS does) */
    uint32_t offset_receive; /* the bytes do not begin at the buffer's start */
    uint32_t short_send;     /* a send takes a piece and pends */
    uint32_t late_send;      /* a send that could be done at once pends */
    uint32_t late_cancel;    /* what is out when a slot is closed completes later */
    uint32_t accept_failure; /* -EMFILE and its like */
    uint32_t adopt_failure;
    uint32_t reset; /* per arrival: the connection breaks */
    uint32_t stall; /* per arrival: the pipe stands still for up to stall_ms_max */
    uint32_t stall_ms_max;
    uint32_t clock_jump; /* per wait, of a million: up to clock_jump_ms_max pass at once */
    uint32_t clock_jump_ms_max;
    uint32_t spurious_wake; /* a wait ends early, with nothing */
};

struct sim_options {
    uint64_t seed;
    uint32_t connections;        /* alive at once */
    uint32_t pipe_min, pipe_max; /* bytes a pipe holds: each connection's are drawn from here */
    uint32_t delay_us_max;       /* the slowest link's; each connection draws its own */
    uint32_t jitter_us_max;      /* how late a loop may wake */
    uint32_t backlog;            /* connections waiting to be accepted, per listener */
    int64_t start_ms;            /* the clock's first value; at least 1 */
    struct sim_faults faults;
    /* Something is new for a client: bytes, FIN, a reset, room to send, or its own leat__sim_client_wake. */
    void (*on_client)(void *context, uint32_t connection, void *client);
    void *context;
    /* Octets of a file that a send names; NULL: sim_file_octet. */
    void (*read_file)(void *context, int file, uint64_t offset, char *out, size_t size);
};

struct sim_counts {
    uint64_t accepted, refused, accept_failures, receives, sends, pended, bytes_in, bytes_out,
        resets, stalls;
    uint64_t clock_jumps, jumped_ms, starved, late_cancels, waits, events;
};

/* Never NULL (leat__start_alloc). */
struct simulation *leat__sim_create(const struct sim_options *options);
void leat__sim_destroy(struct simulation *s); /* takes NULL; every loop is closed before */

int64_t leat__sim_now_us(const struct simulation *s);
uint64_t leat__sim_trace(const struct simulation *s); /* a hash of everything that happened so far */
const struct sim_counts *leat__sim_counts(const struct simulation *s);
/* The last wait found nothing that could ever happen again: no event, no deadline of any loop. */
bool leat__sim_idle(const struct simulation *s);
/* Connections that either side has not closed yet, or whose last octets are under way. */
uint32_t leat__sim_alive(const struct simulation *s);
/* From now on everything goes well, and the stalled move on. */
void leat__sim_calm(struct simulation *s);
/* The fault settings in force; a test may change them between turns. */
struct sim_faults *leat__sim_faults(struct simulation *s);
/* What was done to the loop outside of a turn may have moved its deadlines: it will wake at once. */
void leat__sim_kick(struct simulation *s, struct loop *loop);
/* A mail for the loop, delivered in its turn after delay_us; up to 16 may be under way. */
void leat__sim_post(struct simulation *s, struct loop *loop, const struct mail *mail, uint32_t delay_us);

/* A descriptor to give to loop_listen; any loop may listen on it. */
int leat__sim_listener(struct simulation *s);
/* Who waits in its queue is reset; new ones are refused. */
void leat__sim_listener_close(struct simulation *s, int listener);

/* ── The client's side ───────────────────────────────────────────────────────────────────────────────────────── */

/* A connection's number, or -ECONNREFUSED (nobody listens), -EAGAIN (the backlog, or the table, is full). */
int leat__sim_connect(struct simulation *s, int listener, void *client);
/* Octets taken, -EAGAIN (full: on_client tells), -EPIPE or -ECONNRESET. */
ssize_t leat__sim_client_send(struct simulation *s, uint32_t connection, const void *bytes, size_t size);
/* Octets, 0 after FIN, -EAGAIN (on_client tells) or -ECONNRESET. */
ssize_t leat__sim_client_receive(struct simulation *s, uint32_t connection, void *out, size_t size);
void leat__sim_client_shutdown(struct simulation *s, uint32_t connection);
/* FIN, or a reset when octets are unread. The number is not the client's any more. */
void leat__sim_client_close(struct simulation *s, uint32_t connection);
void leat__sim_client_reset(struct simulation *s, uint32_t connection); /* and closes */
/* For who reads nothing: has the server closed its end? */
bool leat__sim_server_has_closed(const struct simulation *s, uint32_t connection);
/* on_client after delay_us at the latest. */
void leat__sim_client_wake(struct simulation *s, uint32_t connection, uint32_t delay_us);

/* ── Scripts, for tests that want one fault at one place ─────────────────────────────────────────────────────── */

enum sim_direction { SIM_TO_SERVER, SIM_TO_CLIENT };

/* The connection breaks when the octet-th octet of that direction would pass (0: the first). */
void leat__sim_reset_at(struct simulation *s, uint32_t connection, enum sim_direction direction,
                        uint64_t octet);
/* Each delivery, or each step of a send, has at most that many octets; 0: no such bound. */
void leat__sim_step_max(struct simulation *s, uint32_t connection, enum sim_direction direction,
                        uint32_t octets);
/* The next count attempts to accept fail with error. */
void leat__sim_fail_accepts(struct simulation *s, uint32_t count, int error);

/* The octet of a file of the simulation. */
static inline char sim_file_octet(int file, uint64_t offset)
{
    return (char)('a' + (offset * 7 + (uint64_t)file) % 26);
}

#endif
