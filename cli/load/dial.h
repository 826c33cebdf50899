/* dial.h: making connections: where from, where to, and how many one thread may have. */
#ifndef LEAT_LOAD_DIAL_H
#define LEAT_LOAD_DIAL_H

#include "load/load.h"

enum {
    DIAL_PER_SOURCE = 14000, /* beyond half of an address's ports finding a free one gets slow */
    DIAL_WINDOW = 64,  /* under way at once in a thread: fewer than a listener's queue holds */
    DIAL_RESERVE = 64, /* descriptors of a thread that are not connections */
};

struct dial {
    const struct load_options *o;
    uint32_t sources; /* addresses; 1: none is chosen */
};

/* Connections at once: how many in all. */
void leat__dial_init(struct dial *d, const struct load_options *o, uint32_t connections);
/* A connecting socket, from the nth source; or -errno. */
int leat__dial_open(const struct dial *d, uint32_t nth);
/* What became of one that was connecting and is writable: 0 or -errno. */
int leat__dial_outcome(int fd);
bool leat__dial_is_local(const struct load_options *o);

/* Lifts the soft limit to the hard one; answers how many connections one thread may hold. */
uint32_t leat__dial_per_thread(void);
/* The calling thread gets a descriptor table of its own, with nothing but 0 to 2 in it. 0 or -errno. */
int leat__dial_own_table(void);

/* Opens count connections into fds (-1: it failed), a few at a time, spread over spread_ns. source: of the first one.
 * goes_on is asked now and then; told counts them as they are. Answers how many are open; error: why the last one is not. */
uint32_t leat__dial_all(const struct dial *d, int *fds, uint32_t count, uint32_t source, int64_t spread_ns,
                        bool (*goes_on)(void *context, uint32_t opened), void *context, int *error);

#endif
