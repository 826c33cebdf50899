/* main.c: two programs in one file: `client` holds the connections, `bare` is the server of the baseline. */
#define _GNU_SOURCE
#include "million/million.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void million_die(const char *what)
{
    fprintf(stderr, "million: %s: %s\n", what, strerror(errno));
    exit(1);
}

void million_unshare(int keep)
{
    if (unshare(CLONE_FILES) < 0)
        million_die("unshare");
    if (keep > 3)
        close_range(3, (unsigned)keep - 1, 0);
    if (keep >= 3)
        close_range((unsigned)keep + 1, ~0u, 0);
    else
        close_range(3, ~0u, 0);
}

double million_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

uint32_t million_number(const char *text, uint32_t least, uint32_t most)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (end == text || n < least || n > most) {
        fprintf(stderr, "million: a number from %u to %u, not %s\n", least, most, text);
        exit(64);
    }
    return (uint32_t)n;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "client") == 0)
        return million_client(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "bare") == 0)
        return million_bare(argc - 1, argv + 1);
    fprintf(stderr, "usage: %s client PORT CONNECTIONS [PATH [CONTENT_LENGTH]] | bare PORT THREADS\n",
            argv[0]);
    return 64;
}
