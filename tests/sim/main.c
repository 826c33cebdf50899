/* test_sim: whole shards on the simulated loop, with seeds.
 *
 *     test_sim [--seed N] [--seconds N] [--clients N] [--verbose]
 *
 * First every seed of tests/sim/seeds.txt (those that failed once), then fresh ones for some seconds. Each seed runs in
 * a process of its own, so a broken assertion is one failure and not the end; the first one is run twice, and both
 * histories must be the same. With --seed N, that one runs here, twice: what it prints is what it printed before. */
#define _GNU_SOURCE
#include "sim/app.h"
#include "sim/world.h"
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct run {
    uint32_t seconds, clients;
    bool verbose;
    const char *program;
    struct world_result *result; /* shared with the process that runs a seed */
    uint64_t passed, failed, calm, requests, connections, virtual_ms;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void tell_failure(const struct run *run, uint64_t seed)
{
    fprintf(stderr, "FAILED: seed %llu; again: %s --seed %llu", (unsigned long long)seed,
            run->program, (unsigned long long)seed);
    if (run->clients != 0)
        fprintf(stderr, " --clients %u", run->clients);
    fprintf(stderr, "\n");
}

/* Runs a seed times times in a process of its own. */
static void run_seed(struct run *run, uint64_t seed, int times)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct world_result first = world_run(seed, run->clients, run->verbose);
        for (int i = 1; i < times; i++)
            if (world_run(seed, run->clients, run->verbose).trace != first.trace) {
                fprintf(stderr, "seed %llu has two histories\n", (unsigned long long)seed);
                _exit(1);
            }
        *run->result = first;
        fflush(stdout);
        _exit(0);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        if (pid > 0 && WIFSIGNALED(status))
            fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, strsignal(WTERMSIG(status)));
        tell_failure(run, seed);
        run->failed++;
        return;
    }
    run->passed++;
    run->calm += run->result->calm;
    run->requests += run->result->requests;
    run->connections += run->result->connections;
    run->virtual_ms += run->result->virtual_ms;
}

/* One seed a line, then why; '#' begins a comment. */
static void run_known_seeds(struct run *run)
{
    static const char *const paths[] = {"tests/sim/seeds.txt", "seeds.txt"};
    FILE *file = NULL;
    for (size_t i = 0; i < COUNT_OF(paths) && file == NULL; i++)
        file = fopen(paths[i], "re");
    if (file == NULL) {
        printf("tests/sim/seeds.txt is not here: only fresh seeds\n");
        return;
    }
    char line[256];
    while (fgets(line, sizeof line, file) != NULL) {
        char *end;
        uint64_t seed = strtoull(line, &end, 10);
        if (end != line)
            run_seed(run, seed, 1);
    }
    fclose(file);
}

static uint64_t fresh_seed(void)
{
    uint64_t seed = 0;
    FILE *file = fopen("/dev/urandom", "re");
    if (file == NULL || fread(&seed, sizeof seed, 1, file) != 1)
        seed = (uint64_t)time(NULL);
    if (file != NULL)
        fclose(file);
    return seed >> 24; /* short enough to be typed */
}

static int run_one(const struct run *run, uint64_t seed)
{
    struct world_result first = world_run(seed, run->clients, true);
    struct world_result second = world_run(seed, run->clients, false);
    bool same = first.trace == second.trace;
    printf("%s\n%d passed, %d failed\n",
           same ? "the same history twice" : "two histories: NOT the same", same, !same);
    return same ? 0 : 1;
}

static int run_all(struct run *run)
{
    run->result = mmap(NULL, sizeof *run->result, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run->result == MAP_FAILED)
        return 1;
    double start = now_s();
    run_known_seeds(run);
    uint64_t seed = fresh_seed();
    printf("fresh seeds from %llu\n", (unsigned long long)seed);
    int times = 2;
    for (double begun = now_s(); now_s() - begun < run->seconds; times = 1)
        run_seed(run, seed++, times);
    double took = now_s() - start;
    printf("%llu requests answered on %llu connections in %.1f s (%.1f million a minute), %.0f "
           "virtual "
           "hours, %llu worlds calm\n",
           (unsigned long long)run->requests, (unsigned long long)run->connections, took,
           (double)run->requests / took * 60 / 1e6, (double)run->virtual_ms / 3.6e6,
           (unsigned long long)run->calm);
    printf("%llu passed, %llu failed\n", (unsigned long long)run->passed, (unsigned long long)run->failed);
    return run->failed == 0 && run->passed > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},
        {"seconds", required_argument, NULL, 't'},
        {"clients", required_argument, NULL, 'c'},
        {"verbose", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    struct run run = {.seconds = 5, .program = argv[0]};
    const char *seed = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's')
            seed = optarg;
        else if (option == 't')
            run.seconds = (uint32_t)strtoul(optarg, NULL, 10);
        else if (option == 'c')
            run.clients = (uint32_t)strtoul(optarg, NULL, 10);
        else if (option == 'v')
            run.verbose = true;
        else
            return 64;
    }
    sim_table_fill();
    return seed != NULL ? run_one(&run, strtoull(seed, NULL, 10)) : run_all(&run);
}
