/* overflow.h: what is said when a stack overflows: a line that names the route, and what to do about it. Then the process
 * dies by the signal, as it would have without us: what lay beyond the stack is unharmed, but the handler is in the middle
 * of something, and going on would be a lie. Only leat_main asks for this: signals are a program's own. */
#ifndef LEAT_OVERFLOW_H
#define LEAT_OVERFLOW_H

#include "base/base.h"

/* A stack for the signal's own handler: the one that has overflowed has no room. The kernel puts every register there
 * (2.7 KiB with AVX-512, 11 KiB with AMX). */
enum { OVERFLOW_STACK = 32 * 1024 };

/* name stands before the line, and stays. */
void leat__overflow_watch(const char *name);

/* On a shard's thread, once tasks can run: memory of OVERFLOW_STACK bytes, which stays as long as the thread. Nothing
 * happens when nobody watches. */
void leat__overflow_arm(void *memory);
/* Before the thread ends. */
void leat__overflow_disarm(void);

#endif
