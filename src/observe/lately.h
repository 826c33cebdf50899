/* lately.h: a histogram that only grows, seen through a window of the last minute: its state is kept every LATELY_EVERY_S,
 * and the oldest of LATELY_STATES is taken from what it is now. So the window is 50 to 60 seconds long; before it is full it
 * reaches back to the start. */
#ifndef LEAT_LATELY_H
#define LEAT_LATELY_H

#include "observe/histogram.h"

enum { LATELY_EVERY_S = 10, LATELY_STATES = 6 };

struct lately {
    uint64_t count; /* states ever kept */
    struct histogram states[LATELY_STATES];
};

/* Every LATELY_EVERY_S. */
void leat__lately_keep(struct lately *lately, const struct histogram *now);

/* now: a later state, of which what is older than the window is taken away. */
void leat__lately_see(const struct lately *lately, struct histogram *now);

#endif
