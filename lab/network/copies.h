/* copies.h: what copies.c is asked for; copies_options.c reads it. */
#ifndef LAB_COPIES_H
#define LAB_COPIES_H

#include "ways.h"

enum {
    SIZES_MAX = 16,
    WAYS_MAX = 16,
};

struct options {
    const char *folder; /* where files are made */
    const char *file;   /* to send once; NULL: measure */
    size_t sizes[SIZES_MAX];
    size_t size_count;
    const struct way *chosen[WAYS_MAX];
    size_t chosen_count;
    long rounds, milliseconds, seed, port;
    int cores[2]; /* sender's and receiver's */
    bool check, send;
};

/* Exits with a line on stderr when the flags are not right. */
void options_read(struct options *o, int argc, char **argv);

#endif
