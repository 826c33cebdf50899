/* loop.h: completions. arm_* asks, on_* answers.
 *
 * One header, three backends with the same functions (loop_uring.c, loop_epoll.c, loop_sim.c), chosen at run time
 * by the table `struct loop_backend`. Above this header nobody knows which one runs.
 *
 * A turn of the loop, in this order (leat__loop_turn):
 *   1. wait for completions, at most until the next deadline or alarm;
 *   2. read the clock once (loop->now_ms, loop->date);
 *   3. deliver the completions: on_accept, on_recv, on_sent, on_mail …;
 *   4. advance the wheel: on_deadline;
 *   5. on_alarm, if its time has come;
 *   6. on_due, if its time has come: tasks run;
 *   7. bury: slots closed in this turn, with nothing outstanding, get on_closed. Nothing is freed before here,
 *      which is how removal during dispatch is solved, once.
 *
 * What must always be true
 *   - All of it is called on the shard's own thread, but leat__loop_post.
 *   - A buffer, or a struct loop_send, belongs to the loop from arm to completion, cancellations included.
 *   - on_recv lends a receive buffer: the callee may keep it (loop_keep) and then gives it back with loop_give_back.
 *   - After loop_pause_recv a few receives may still be delivered (io_uring: what the kernel had finished).
 *   - After leat__loop_close no on_* but on_closed comes for the slot.
 */
#ifndef LEAT_LOOP_H
#define LEAT_LOOP_H

#include "base/base.h"
#include "loop/slot.h"
#include "loop/wheel.h"
#include "loop/mailbox.h"
#include "memory/buffer.h"
#include "observe/metrics.h"
#include "observe/probes.h"
#include <sys/uio.h>

struct loop;

enum loop_kind { LOOP_AUTO, LOOP_URING, LOOP_EPOLL, LOOP_SIM };

enum { LOOP_SEND_PARTS = 4, LOOP_LISTENERS_MAX = 64 };

/* What is to be sent: parts in memory first, then a piece of a file. The backend consumes it in place. */
struct loop_send {
    struct iovec parts[LOOP_SEND_PARTS];
    uint32_t part_count;
    int32_t file; /* -1: none; else sent by sendfile(2) after the parts */
    uint64_t file_offset;
    uint64_t file_left;
    uint64_t sent; /* bytes with the kernel so far; grows: a deadline can tell progress from none */
    struct iovec *at;       /* backend: first part not wholly sent */
    struct slot *slot;      /* backend: whose it is, while pending */
    struct loop_send *next; /* backend: the next pending one of its list */
    void *message[8];       /* backend: room for a struct msghdr */
};

/* Who is called. context comes back as the first parameter. */
struct loop_events {
    void (*on_accept)(void *context, int fd, unsigned listener);
    /* accept failed: -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS … The listener is paused; leat__loop_listen again resumes. */
    void (*on_accept_failed)(void *context, unsigned listener, int error);
    /* bytes [b->start, b->end) arrived. There are BUFFER_SLACK readable bytes behind b->end. */
    void (*on_recv)(void *context, struct slot *slot, struct buffer *b);
    /* the peer will send no more (error 0), or the connection is broken (-ECONNRESET …); nothing is wanted after it */
    void (*on_recv_end)(void *context, struct slot *slot, int error);
    /* an armed send that was pending is complete (0) or failed (-errno) */
    void (*on_sent)(void *context, struct slot *slot, int error);
    void (*on_deadline)(void *context, struct slot *slot);
    void (*on_closed)(void *context, struct slot *slot);
    void (*on_mail)(void *context, const struct mail *mail);
    void (*on_alarm)(void *context);
    /* due_ms has come: at the end of the turn, when everything has been delivered */
    void (*on_due)(void *context);
    /* a turn took LOOP_SLOW_MS or longer, from waking to sleeping; NULL: nobody wants to know */
    void (*on_slow_turn)(void *context, uint64_t ticks);
    /* what was armed by loop_arm_poll is ready: poll(2)'s events, or -errno */
    void (*on_poll)(void *context, uint32_t index, uint32_t serial, int events);
};

enum { LOOP_SLOW_MS = 100 };

struct loop_options {
    uint32_t receive_ring; /* io_uring: receive buffers lent to the kernel, a power of two */
    uint32_t queue_entries; /* io_uring: submission entries, a power of two; completions: four times that */
    struct slot *slots; /* the shard's slots, an array */
    uint32_t slot_count;
    struct buffer_pool *receive; /* receive buffers; the loop takes its own from here at start */
    struct mailbox *mailbox;     /* already initialised; has the descriptor that wakes us */
    const struct loop_events *events;
    void *context;
    uint32_t send_count; /* sends that may be pending at once, more or less */
    uint32_t poll_count; /* others' descriptors that may be armed at once: their indices are below */
    void *state; /* leat__loop_state_size bytes, from a page's beginning: the backend's own until it is closed */
    void *simulation; /* loop_sim.c: struct simulation * */
};

struct loop_backend {
    const char *name;
    size_t (*state_size)(const struct loop_options *options); /* NULL: it needs none */
    /* fills state, now_ms and realtime_s; loop has everything else already, and options->state is zeroed. On failure it leaves nothing behind. */
    int (*open)(struct loop *loop, const struct loop_options *options);
    void (*close)(struct loop *loop);
    void (*wait)(struct loop *loop, int64_t timeout_ms); /* -1: for ever; fills now_ms, realtime_s; delivers */
    int (*listen)(struct loop *loop, int fd, unsigned listener);
    void (*unlisten)(struct loop *loop, unsigned listener);
    int (*adopt)(struct loop *loop, struct slot *slot, int fd);
    void (*arm_recv)(struct loop *loop, struct slot *slot);
    void (*pause_recv)(struct loop *loop, struct slot *slot);
    int (*arm_send)(struct loop *loop, struct slot *slot, struct loop_send *send);
    void (*shutdown_write)(struct loop *loop, struct slot *slot);
    void (*close_slot)(struct loop *loop, struct slot *slot);
    void (*quiet)(struct loop *loop, struct slot *slot);
    void (*give_back)(struct loop *loop, struct buffer *b);
    /* One attempt to send bytes on fd, without waiting, whatever comes of it. drop: then reads what has come, so that
     * closing does not reset, and closes fd, which no slot has. For answers that must need no memory: 503 at the door. */
    void (*refuse)(struct loop *loop, int fd, const void *bytes, size_t size, bool drop);
    /* Gives pages of receive buffers that the backend holds back when they were little used; NULL: it holds none. */
    size_t (*trim)(struct loop *loop, size_t budget);
    int (*arm_poll)(struct loop *loop, int fd, unsigned events, uint32_t index, uint32_t serial);
    void (*cancel_poll)(struct loop *loop, int fd, uint32_t index, uint32_t serial);
};

extern const struct loop_backend leat__loop_uring, leat__loop_epoll, leat__loop_sim;

struct loop {
    const struct loop_backend *backend;
    const struct loop_events *events;
    void *context;
    struct slot *slots;
    int64_t now_ms;     /* monotonic, of this turn */
    int64_t realtime_s; /* for Date, of this turn */
    int64_t alarm_ms;   /* on_alarm is due at this time; INT64_MAX: not set */
    int64_t due_ms;     /* and on_due */
    struct buffer_pool *receive;
    struct buffer *scratch; /* where receives that are made by hand land (epoll: all of them) */
    struct mailbox *mailbox;
    struct metrics *metrics; /* the shard's; NULL: nothing is recorded */
    uint64_t slow_ticks;     /* LOOP_SLOW_MS */
    uint64_t woke;           /* ticks, when this turn's wait was over */
    struct wheel wheel;
    uint32_t dying; /* slots to bury at the end of the turn, linked by slot->next (index + 1) */
    uint32_t generation;   /* the last one handed out */
    bool keep;             /* loop_keep was called in the on_recv under way */
    void *state;           /* the backend's own */
    uint64_t turns, waits; /* waits: turns that had leave to sleep */
};

/* What options->state must have room for, whole pages; of options it reads counts only. */
size_t leat__loop_state_size(enum loop_kind kind, const struct loop_options *options);

/* Opens the backend in loop->backend's place. kind LOOP_AUTO tries io_uring, then epoll. 0 or -errno.
 * Must be called on the thread that will turn it. */
int leat__loop_open(struct loop *loop, enum loop_kind kind, const struct loop_options *options);
void leat__loop_close_all(struct loop *loop); /* every slot must be closed and buried before */

/* Why a kind can't be had here: 0, or -errno with a sentence of at most size octets in why. Changes nothing. */
int leat__loop_probe(enum loop_kind kind, char *why, size_t size);

/* One turn. wait_max_ms bounds the wait further; -1: no bound of the caller's. */
void leat__loop_turn(struct loop *loop, int64_t wait_max_ms);

static inline uint32_t loop_slot_index(const struct loop *loop, const struct slot *slot)
{
    return (uint32_t)(slot - loop->slots);
}

/* Accept on a listening, non-blocking descriptor until loop_unlisten. listener < LOOP_LISTENERS_MAX. A few on_accept
 * may come after loop_unlisten (io_uring: connections the kernel had taken; they must not be lost). */
static inline int loop_listen(struct loop *loop, int fd, unsigned listener)
{
    return loop->backend->listen(loop, fd, listener);
}

static inline void loop_unlisten(struct loop *loop, unsigned listener)
{
    loop->backend->unlisten(loop, listener);
}

/* Makes slot the seat of fd (non-blocking): sets fd and generation, clears the loop's fields. 0 or -errno. */
static inline int loop_adopt(struct loop *loop, struct slot *slot, int fd)
{
    return loop->backend->adopt(loop, slot, fd);
}

/* Wants bytes: on_recv or on_recv_end will come. Cheap when wanted and armed already. conn calls it whenever it is
 * ready for more: after adopting, and after each delivery once it has dealt with it (perhaps in a later turn, when a
 * send has completed): a one-shot poll that has fired is armed again here. */
static inline void loop_arm_recv(struct loop *loop, struct slot *slot)
{
    loop->backend->arm_recv(loop, slot);
}

/* Wants no bytes for now. */
static inline void loop_pause_recv(struct loop *loop, struct slot *slot)
{
    loop->backend->pause_recv(loop, slot);
}

/* Sends all of it; one send per slot at a time. 1: done at once (no on_sent comes); 0: pending, on_sent follows; -errno: failed at once. */
static inline int loop_arm_send(struct loop *loop, struct slot *slot, struct loop_send *send)
{
    return loop->backend->arm_send(loop, slot, send);
}

/* Sends FIN; receiving goes on. */
static inline void loop_shutdown_write(struct loop *loop, struct slot *slot)
{
    loop->backend->shutdown_write(loop, slot);
}

/* On a closing slot arm_recv, pause_recv, shutdown_write, quiet and set_deadline do nothing, arm_send is -ECANCELED.
 * Closes: unlinks from the wheel, cancels what is out, closes the descriptor when nothing is; then on_closed. */
void leat__loop_close(struct loop *loop, struct slot *slot);

/* The connection has been quiet for a while: hold it at the lowest price (io_uring: from receive to poll). */
static inline void loop_quiet(struct loop *loop, struct slot *slot)
{
    loop->backend->quiet(loop, slot);
}

/* In on_alarm, about once a second: bytes given back, at most budget. */
static inline size_t loop_trim(struct loop *loop, size_t budget)
{
    return loop->backend->trim != NULL ? loop->backend->trim(loop, budget) : 0;
}

/* Somebody else's descriptor: on_poll once, when one of events (of poll(2)) is there. index and serial are the caller's to
 * know it by. 0; -EBUSY: it is armed already; -EPERM: it is always ready (a file); -errno. */
static inline int loop_arm_poll(struct loop *loop, int fd, unsigned events, uint32_t index, uint32_t serial)
{
    return loop->backend->arm_poll(loop, fd, events, index, serial);
}

/* One that has not come: it will not. fd may be closed then. */
static inline void loop_cancel_poll(struct loop *loop, int fd, uint32_t index, uint32_t serial)
{
    loop->backend->cancel_poll(loop, fd, index, serial);
}

static inline void loop_refuse(struct loop *loop, int fd, const void *bytes, size_t size, bool drop)
{
    loop->backend->refuse(loop, fd, bytes, size, drop);
}

/* Only within on_recv: the buffer stays with the callee. */
static inline void loop_keep(struct loop *loop)
{
    loop->keep = true;
}

static inline void loop_give_back(struct loop *loop, struct buffer *b)
{
    loop->backend->give_back(loop, b);
}

/* Deadline in ms from now; at least that, at most a tick later. Lazy: a later one costs a store. UINT32_MAX: none.
 * A deadline that has come is taken away before on_deadline is called. */
static inline void loop_set_deadline(struct loop *loop, struct slot *slot, uint32_t ms)
{
    if (LIKELY(!(slot->loop_flags & SLOT_CLOSING)))
        wheel_set(&loop->wheel, loop->slots, slot, loop->now_ms, ms);
}

/* For backends: the part of adopt that is the same everywhere. */
static inline void loop_seat(struct loop *loop, struct slot *slot, int fd)
{
    if (UNLIKELY(++loop->generation == 0))
        loop->generation = 1;
    slot->next = slot->prev = 0;
    slot->fd = fd;
    slot->generation = loop->generation;
    slot->deadline = 0;
    slot->bucket = 0;
    slot->loop_flags = 0;
}

/* For backends: a slot with CLOSING set and nothing outstanding, its descriptor closed, goes to its grave. At the end
 * of the turn its fd becomes -1, its generation 0, its loop_flags 0, and then on_closed is called. */
void leat__loop_bury(struct loop *loop, struct slot *slot);

/* For backends: the wait is over. */
static inline void loop_woke(struct loop *loop)
{
    loop->woke = metrics_ticks();
    PROBE(turn_begin, loop);
}

/* For backends: the wake-up of the mailbox was seen: empties both. */
void leat__loop_take_mail(struct loop *loop);

/* For backends: hands the bytes in b over; answers whether the callee kept b. */
static inline bool loop_deliver(struct loop *loop, struct slot *slot, struct buffer *b)
{
    loop->keep = false;
    loop->events->on_recv(loop->context, slot, b);
    return loop->keep;
}

/* From any thread. 0, or -EAGAIN when the mailbox is full. */
int leat__loop_post(struct mailbox *mailbox, const struct mail *mail);

#endif
