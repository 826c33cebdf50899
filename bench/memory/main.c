/* bench_memory WHAT: one measurement of one thing, as lines "name nanoseconds"; bench/memory/run asks for them in
 * random order, round by round, malloc's under other libraries too. */
#include "bench_memory.h"
#include <stdio.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    if (strcmp(what, "pool") == 0)
        bench_objects(KIND_POOL);
    else if (strcmp(what, "outline") == 0)
        bench_objects(KIND_POOL_OUTLINE);
    else if (strcmp(what, "malloc") == 0)
        bench_objects(KIND_MALLOC);
    else if (strcmp(what, "arena") == 0)
        bench_arena();
    else if (strcmp(what, "floor") == 0)
        bench_floor();
    else {
        fprintf(stderr, "usage: bench_memory pool|outline|malloc|arena|floor\n");
        return 64;
    }
    return 0;
}
