/* million.h: what the two programs of bench/million/run share: many threads, each with a descriptor table of its own.
 *
 * A process may have no more than RLIMIT_NOFILE descriptors in one table, so a million connections need many tables:
 * every thread unshares its own and closes what it inherited. */
#ifndef LEAT_MILLION_H
#define LEAT_MILLION_H

#include <stdint.h>

enum {
    MILLION_PER_THREAD = 18000, /* connections in one table: under the usual limit of 20,000 */
    MILLION_THREADS_MAX = 256,
};

/* Makes the calling thread's descriptors its own and closes all but those up to 2 and keep (-1: none). */
void million_unshare(int keep);

double million_now_s(void);

/* The number that text is, least to most; anything else ends the program. */
uint32_t million_number(const char *text, uint32_t least, uint32_t most);

/* Prints the text and errno, and ends the program. */
_Noreturn void million_die(const char *what);

/* Both take their arguments as main does, from the word that chose them on. */
int million_client(int argc, char **argv);
int million_bare(int argc, char **argv);

#endif
