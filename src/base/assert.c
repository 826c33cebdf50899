/* assert.c: the end of a process whose promise to itself is broken: one line on stderr, then abort(), so that a core
 * file or a debugger shows the place. Nothing here allocates or takes a lock: the broken thing may be the allocator. */
#include "base/base.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void leat__assert_failed(const char *what, const char *file, int line)
{
    char text[512];
    int size = snprintf(text, sizeof text, "leat: broken promise: %s (%s:%d)\n", what, file, line);
    if (size >= (int)sizeof text) {
        size = sizeof text;
        text[sizeof text - 1] = '\n';
    }
    /* Nobody is left to be told when stderr is gone. */
    ssize_t written = size > 0 ? write(STDERR_FILENO, text, (size_t)size) : 0;
    (void)written;
    abort();
}
