/* uring.h: what the files of the io_uring backend share: the state of a ring, and what its completions carry.
 *
 *   loop_uring.c     receiving, closing, the turn, opening: begin there
 *   uring_send.c     sending
 *   uring_accept.c   listening
 *
 * What a completion carries (user_data), bits 63..60 the kind, and then
 *   POLL, RECV         bits 59..28 generation of the slot, bits 27..0 its index
 *   SEND, ROOM         bits 59..0 address of the struct loop_send, which is ours until then and knows its slot
 *   ACCEPT, DOOR       bits 39..8 count of loop_listen calls for that listener, bits 7..0 the listener
 *   OTHER              bits 59..28 serial, bits 27..0 index of what somebody else's descriptor is polled for
 *   WAKE, NOBODY       nothing
 * The completion of a cancellation itself interests NOBODY. */
#ifndef LEAT_LOOP_URING_H
#define LEAT_LOOP_URING_H

#include "loop/loop.h"
#include "loop/machine.h"
#include <errno.h>
#include <liburing.h>

enum tag_kind {
    TAG_NOBODY,
    TAG_WAKE,
    TAG_ACCEPT,
    TAG_DOOR,
    TAG_POLL,
    TAG_RECV,
    TAG_SEND,
    TAG_ROOM,
    TAG_OTHER
};

enum {
    TAG_KIND_SHIFT = 60,
    TAG_GENERATION_SHIFT = 28,
    TAG_EPOCH_SHIFT = 8,
};

_Static_assert(LOOP_LISTENERS_MAX <= 1 << TAG_EPOCH_SHIFT, "a listener fits its bits");

struct uring_listener {
    int fd;         /* -1: none */
    uint32_t epoch; /* loop_listen calls so far */
};

struct uring_state {
    struct io_uring ring;
    struct io_uring_buf_ring *lent_ring;
    uint32_t lent_max, lent; /* buffers the ring holds when full, and those it has, as far as we have heard */
    uint64_t deliveries, trim_deliveries; /* from the ring: so far, and when it was last trimmed */
    int64_t trim_ms;                      /* when that was */
    uint32_t sends, sends_max; /* slots with a send out, and how many there may be before sending by hand */
    struct uring_listener listeners[LOOP_LISTENERS_MAX];
};

static inline struct uring_state *uring_of(const struct loop *loop)
{
    return loop->state;
}

static inline uint64_t uring_tag_slot(const struct loop *loop, enum tag_kind kind, const struct slot *slot)
{
    return (uint64_t)kind << TAG_KIND_SHIFT | (uint64_t)slot->generation << TAG_GENERATION_SHIFT |
           loop_slot_index(loop, slot);
}

static inline uint64_t uring_tag_send(enum tag_kind kind, const struct loop_send *send)
{
    return (uint64_t)kind << TAG_KIND_SHIFT | (uintptr_t)send;
}

static inline uint64_t uring_tag_listener(const struct uring_state *u, enum tag_kind kind, unsigned listener)
{
    return (uint64_t)kind << TAG_KIND_SHIFT |
           (uint64_t)u->listeners[listener].epoch << TAG_EPOCH_SHIFT | listener;
}

struct io_uring_sqe *leat__uring_entry_slow(struct uring_state *u);

/* The next submission. It is with the kernel at the end of the turn, or earlier when the queue is full. */
static inline struct io_uring_sqe *uring_entry(struct uring_state *u)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
    return LIKELY(sqe != NULL) ? sqe : leat__uring_entry_slow(u);
}

/* Cancels what carries that tag. */
static inline void uring_cancel(struct uring_state *u, uint64_t tag)
{
    struct io_uring_sqe *sqe = uring_entry(u);
    io_uring_prep_cancel64(sqe, tag, 0);
    sqe->user_data = (uint64_t)TAG_NOBODY << TAG_KIND_SHIFT;
}

/* The last step of closing, taken when the last completion has come. */
void leat__uring_finish_closing(struct loop *loop, struct slot *slot);

/* uring_send.c */
int leat__uring_arm_send(struct loop *loop, struct slot *slot, struct loop_send *send);
void leat__uring_shutdown_write(struct loop *loop, struct slot *slot);
/* A send has completed with result, or its poll for room has: 0. */
void leat__uring_on_send(struct loop *loop, struct loop_send *send, int result);

/* uring_accept.c */
int leat__uring_listen(struct loop *loop, int fd, unsigned listener);
void leat__uring_unlisten(struct loop *loop, unsigned listener);
void leat__uring_on_accept(struct loop *loop, uint64_t tag, int result, uint32_t completion_flags);
void leat__uring_on_door(struct loop *loop, uint64_t tag);

#endif
