/* clock.h: what time it is, by the machine. The loop asks once per turn and everybody else asks the loop (its now_ms
 * and realtime_s), so that a simulated loop can have a time of its own; only what measures itself asks here. All of
 * them are answered without entering the kernel. */
#ifndef LEAT_CLOCK_H
#define LEAT_CLOCK_H

#include "base/base.h"

int64_t leat__clock_now_ns(void);      /* monotonic */
int64_t leat__clock_now_ms(void);      /* the same, rounded down */
int64_t leat__clock_realtime_s(void);  /* since 1970, as fine as Date needs it */
int64_t leat__clock_realtime_ms(void); /* since 1970, for logs */

#endif
