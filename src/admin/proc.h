/* proc.h: numbers out of the kernel's texts: /proc/self/stat, /proc/net/sockstat, snmp and netstat. Texts in, numbers out; 0 for
 * what is not there, however the text is broken or cut off. */
#ifndef LEAT_PROC_H
#define LEAT_PROC_H

#include "base/base.h"

/* The n-th field (20, 21 …) of proc(5)'s stat, counted as there; the second one, a name in brackets, may have anything in it. */
uint64_t leat__proc_stat(const char *text, unsigned n);

/* Of a line "group name number name number …": the number behind the name. */
uint64_t leat__proc_sockstat(const char *text, const char *group, const char *name);

/* Of two lines "group name name …" and "group number number …": the number below the name. */
uint64_t leat__proc_column(const char *text, const char *group, const char *name);

#endif
