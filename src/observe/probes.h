/* probes.h: places where a tracer may look while the server runs (USDT: bpftrace, perf, SystemTap, gdb).
 *
 * A probe is a nop, and a note beside the program that says where the nop stands and in which register, or where in memory, its
 * arguments lie already. While nobody looks that is all; a tracer puts a breakpoint in place of the nop. So an argument must be a
 * value that is at hand: no call, nothing computed for the probe's sake.
 *
 * The notes are made by <sys/sdt.h> (Debian: systemtap-sdt-dev), a header alone. Without it, or with LEAT_PROBES=0, there are no
 * probes, and their arguments are not evaluated. */
#ifndef LEAT_PROBES_H
#define LEAT_PROBES_H

#include "base/base.h"

#ifndef LEAT_PROBES
#define LEAT_PROBES 1
#endif

/* The names that there are: another one does not compile. */
enum {
#define PROBE_ROW(name, arguments, when) PROBE_IS_##name,
#include "observe/probes.def"
#undef PROBE_ROW
    PROBE_COUNT
};

#if LEAT_PROBES && __has_include(<sys/sdt.h>)
#define SDT_USE_VARIADIC 1
#include <sys/sdt.h>
#define PROBE(name, ...)                                                                           \
    do {                                                                                           \
        (void)PROBE_IS_##name;                                                                     \
        STAP_PROBEV(leat, name, __VA_ARGS__);                                                      \
    } while (0)
#else
int leat__probe_is_off(int name, ...); /* is never called, so is nowhere */
#define PROBE(name, ...) ((void)sizeof leat__probe_is_off(PROBE_IS_##name, __VA_ARGS__))
#endif

/* A text of the program's own, for where time is not short: a tracer reads only what is in memory, and of a page of
 * constants that nobody has read yet it would find nothing. */
static inline const char *probe_text(const char *text)
{
    (void)*(const volatile char *)text;
    return text;
}

#endif
