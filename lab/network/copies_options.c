/* copies_options.c: the flags of copies. */
#define _GNU_SOURCE
#include "copies.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USAGE = 64, SIZE_MAX_OCTETS = 1 << 26 };

static void refuse(const char *name, const char *value, const char *want)
{
    fprintf(stderr, "copies: --%s %s: %s\n", name, value, want);
    exit(USAGE);
}

static long number(const char *name, const char *value, long low, long high)
{
    char *end, want[80];
    errno = 0;
    long n = strtol(value, &end, 10);
    if (*value == 0 || *end != 0 || errno != 0 || n < low || n > high) {
        snprintf(want, sizeof want, "wants a number of %ld to %ld", low, high);
        refuse(name, value, want);
    }
    return n;
}

static void read_sizes(struct options *o, char *list)
{
    o->size_count = 0;
    for (char *kept, *one = strtok_r(list, ",", &kept); one != NULL; one = strtok_r(NULL, ",", &kept)) {
        if (o->size_count == SIZES_MAX)
            refuse("sizes", one, "is one too many: at most 16");
        o->sizes[o->size_count++] = (size_t)number("sizes", one, 1, SIZE_MAX_OCTETS);
    }
}

static void read_ways(struct options *o, char *list)
{
    o->chosen_count = 0;
    for (char *kept, *one = strtok_r(list, ",", &kept); one != NULL; one = strtok_r(NULL, ",", &kept)) {
        const struct way *way = way_find(one, strlen(one));
        if (way == NULL || o->chosen_count == WAYS_MAX)
            refuse("ways", one, "there are copy, mmap, memory, sendfile, splice, zerocopy");
        o->chosen[o->chosen_count++] = way;
    }
}

static void read_cores(struct options *o, char *list)
{
    char *comma = strchr(list, ',');
    if (comma == NULL)
        refuse("cores", list, "wants the sender's and the receiver's, as in 0,1");
    *comma = 0;
    o->cores[0] = (int)number("cores", list, 0, CPU_SETSIZE - 1);
    o->cores[1] = (int)number("cores", comma + 1, 0, CPU_SETSIZE - 1);
}

static void read_flags(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"folder", required_argument, NULL, 'd'},       {"sizes", required_argument, NULL, 's'},
        {"ways", required_argument, NULL, 'w'},         {"rounds", required_argument, NULL, 'r'},
        {"milliseconds", required_argument, NULL, 'm'}, {"cores", required_argument, NULL, 'c'},
        {"seed", required_argument, NULL, 'e'},         {"check", no_argument, NULL, 'k'},
        {"send", required_argument, NULL, 'n'},         {"file", required_argument, NULL, 'f'},
        {"port", required_argument, NULL, 'p'},         {0},
    };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (c) {
        case 'd':
            o->folder = optarg;
            break;
        case 's':
            read_sizes(o, optarg);
            break;
        case 'w':
            read_ways(o, optarg);
            break;
        case 'r':
            o->rounds = number("rounds", optarg, 1, 10000);
            break;
        case 'm':
            o->milliseconds = number("milliseconds", optarg, 1, 10000);
            break;
        case 'c':
            read_cores(o, optarg);
            break;
        case 'e':
            o->seed = number("seed", optarg, 0, 1L << 30);
            break;
        case 'k':
            o->check = true;
            break;
        case 'n':
            read_ways(o, optarg);
            o->send = true;
            break;
        case 'f':
            o->file = optarg;
            break;
        case 'p':
            o->port = number("port", optarg, 1, 65535);
            break;
        default:
            exit(USAGE);
        }
    }
}

static const char usage[] = "usage: copies --folder DIR [--check] [--sizes N,…] [--ways NAME,…] "
                            "[--rounds N] [--milliseconds N]\n"
                            "              [--cores SENDER,RECEIVER] [--seed N]\n"
                            "       copies --send WAY --file FILE --port PORT\n";

void options_read(struct options *o, int argc, char **argv)
{
    *o = (struct options){.rounds = 5, .milliseconds = 30, .seed = 20, .cores = {0, 1}};
    for (size_t size = 1024; size <= 1 << 24; size *= 4)
        o->sizes[o->size_count++] = size;
    for (size_t i = 0; i < way_count; i++)
        o->chosen[o->chosen_count++] = &ways[i];
    read_flags(o, argc, argv);
    bool complete = o->send ? o->file != NULL && o->port != 0 && o->chosen_count == 1 : o->folder != NULL;
    if (optind != argc || !complete || o->size_count == 0 || o->chosen_count == 0) {
        fputs(usage, stderr);
        exit(USAGE);
    }
}
