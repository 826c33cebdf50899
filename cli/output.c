/* output.c: the end of what a verb prints. */
#include "verbs.h"

#include "server/main.h"
#include <stdio.h>

int leat__end_output(int status)
{
    if (fflush(stdout) == 0)
        return status;
    perror("leat: standard output");
    return MAIN_SYSTEM;
}
