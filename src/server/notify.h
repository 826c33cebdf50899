/* notify.h: the service manager's side (systemd's protocols, which are a few environment variables and datagrams): who
 * started us may hand us sockets, wants to be told when we serve, and may want a sign of life. Nothing here allocates, and
 * nothing happens when nobody asked. */
#ifndef LEAT_NOTIFY_H
#define LEAT_NOTIFY_H

#include "base/base.h"

/* Sends state ("READY=1\nSTATUS=…") to $NOTIFY_SOCKET, a path or an abstract name. 1: sent; 0: nobody asked; -errno. */
int leat__notify(const char *state);
int leat__notifyf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How often a sign of life is to be given, half of $WATCHDOG_USEC when $WATCHDOG_PID is ours or unset, in ms; -1: never. */
int64_t leat__notify_watchdog_ms(void);

#endif
