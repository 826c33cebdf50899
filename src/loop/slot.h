/* slot.h: the seat of a connection: 32 bytes, and all the user memory that a quiet one holds.
 *
 * A slot lies in the shard's slot pool (an array, so a slot has an index). Two rooms write it: the loop owns the
 * fields of the descriptor, the wheel and loop_flags; conn/ owns state, exchange, listener, fresh and since. A slot that
 * is given back must have no operation of the loop outstanding. generation comes from a counter of the shard and is
 * 0 in a free slot, so a handle (shard, index, generation) goes stale safely, and trimmed pages (all zero) are free
 * slots without a further word. */
#ifndef LEAT_SLOT_H
#define LEAT_SLOT_H

#include "base/base.h"

enum slot_loop_flags {
    SLOT_RECV_ARMED = 1,  /* uring: a multishot receive is out */
    SLOT_POLL_ARMED = 2,  /* uring: a one-shot poll for input is out */
    SLOT_SEND_ARMED = 4,  /* a send is in progress; its loop_send belongs to the loop */
    SLOT_WANTED = 8,      /* conn wants bytes: loop_arm_recv was called, loop_pause_recv was not */
    SLOT_READABLE = 16,   /* epoll: an edge came while nobody wanted bytes */
    SLOT_SERVED = 16,     /* uring (the same bit): bytes came once since it was parked */
    SLOT_WARM = 32,       /* uring: bytes came a second time: worth an armed receive */
    SLOT_CANCELLING = 64, /* uring: a cancellation is on its way */
    SLOT_CLOSING = 128,   /* loop_close was called; on_closed follows */
};

struct slot {
    uint32_t next, prev; /* wheel links (slot index + 1; 0: none); the pool's free link lies here too */
    int32_t fd;          /* -1: none */
    uint32_t generation;   /* 0: the slot is free */
    uint32_t deadline;     /* ticks of the wheel; 0: none */
    uint16_t bucket;       /* the wheel's bucket it lies in + 1; 0: in none */
    uint8_t state;         /* enum conn_state */
    uint8_t loop_flags;    /* enum slot_loop_flags */
    uint32_t exchange;     /* index of its exchange + 1; 0: none */
    uint32_t listener : 7; /* which listener it came by */
    uint32_t fresh : 1;    /* it has not said anything yet */
    uint32_t since : 24;   /* when it was accepted: the loop's ms, cut off */
};

_Static_assert(sizeof(struct slot) == 32, "a seat costs 32 bytes");
_Static_assert(offsetof(struct slot, fd) == 8, "the pool's free link lies before the descriptor");

#endif
