/* main_signals.h: the main thread's life once the shards serve: it waits for signals, gives signs of life to a watchdog
 * that wants them, and, as process 1 of a container, takes in the orphans. */
#ifndef LEAT_MAIN_SIGNALS_H
#define LEAT_MAIN_SIGNALS_H

#include "leat/leat.h"
#include <signal.h>

/* Blocks what we wait for, in this thread and all that it makes from now on. */
void leat__signals_block(sigset_t *signals);

const char *leat__signals_name(int number);

/* SIGTERM, SIGINT or SIGHUP; 0: timeout_ms (-1: never) went by. */
int leat__signals_wait(const sigset_t *signals, leat_server *server, int64_t timeout_ms);

/* Between the signal to stop and the drain: /readyz says no already, and everything else goes on for delay_ms (-1: for ever),
 * so that balancers notice before listeners close; or until a second signal. */
void leat__signals_delay(const sigset_t *signals, leat_server *server, const char *name, int64_t delay_ms);

/* Drains; answers when all shards have ended: of themselves, by a second signal, or because timeout_ms (-1: never) is
 * over. */
void leat__signals_drain(const sigset_t *signals, leat_server *server, const char *name,
                         int64_t timeout_ms);

#endif
