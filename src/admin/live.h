/* live.h: what the live page is shown: everything that a look tells, as one JSON text, a frame. A frame is written into memory
 * made at the start, once for all who watch, and copied from there piece by piece: a watcher costs its exchange and no more.
 *
 *     { "time" … "pid", "metrics": {…}, "states": {…}, "refused": {…}, "pools": […], "plan": {…},
 *       "histograms": {…}, "events": […], "doctor": […], "routes": […] }           (doc/LIVE.md has all of it)
 *
 * What does not fit is left out in whole items from the lists' ends, so a frame is always JSON. */
#ifndef LEAT_LIVE_H
#define LEAT_LIVE_H

#include "admin/admin.h"

enum {
    LIVE_FRAME = 256 << 10, /* octets of one at most: 256 routes with long patterns */
    LIVE_RING = 4,     /* frames of the streams; who takes longer than some 2 s for one is let go */
    LIVE_STREAMS = 24, /* who watches at once: the other exchanges are for what asks once */
    LIVE_PERIOD_MS = 1000,         /* a frame each */
    LIVE_FRESH_MS = LOOK_FRESH_MS, /* an older one is no answer to who asks once */
    LIVE_BYTES = (LIVE_RING + 1) * LIVE_FRAME,
};

struct frame {
    uint64_t number; /* of all that were ever written here or beside it; 0: none yet */
    int64_t at_ms;   /* monotonic */
    size_t size;
    char text[LIVE_FRAME];
};

/* Writes *f from a look just taken. Waits for nothing. */
void leat__frame_write(struct frame *f, struct looker *looker, const struct look *look);

#endif
