/* switched.c: the piece of code that is never run. See switched.h. The kernel wants its signature before the place where it
 * would send us. */
#include "interpose/switched.h"

#if defined(__x86_64__)
__asm__(".pushsection .text\n"
        ".balign 8\n"
        ".long 0x53053053\n"
        "lab_nowhere_abort: ud2\n"
        "lab_nowhere_start: nop\n"
        ".popsection\n");
#else
__asm__(".pushsection .text\n"
        ".balign 8\n"
        ".inst 0xd428bc00\n"
        "lab_nowhere_abort: brk #0\n"
        "lab_nowhere_start: nop\n"
        ".popsection\n");
#endif

extern const char lab_nowhere_abort[] __attribute__((visibility("hidden")));
extern const char lab_nowhere_start[] __attribute__((visibility("hidden")));

const struct lab_sequence lab_nowhere = {
    .start = (uintptr_t)lab_nowhere_start,
    .length = 1,
    .abort = (uintptr_t)lab_nowhere_abort,
};
