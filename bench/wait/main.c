/* main.c: see bench_wait.h. */
#include "wait/bench_wait.h"
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "serve") == 0)
        return wait_serve(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "switch") == 0)
        return wait_switch();
    if (argc > 3 && strcmp(argv[1], "latency") == 0)
        return wait_latency(argc - 1, argv + 1);
    fprintf(stderr, "usage: %s serve direct|stack FLAGS | switch | latency PORT SECONDS\n", argv[0]);
    return 64;
}
