/* compare.c: `leat compare A B`: which of them is better, and by how much. How is in compare/. What came of it goes to standard
 * output; progress, rounds that were repeated and mistakes go to standard error. */
#define _GNU_SOURCE
#include "verbs.h"

#include "compare/compare.h"
#include "server/main.h"
#include <stdio.h>

static int complain(int status, const char *line)
{
    fprintf(stderr, "leat: compare: %s\n", line);
    return status;
}

static void on_signal(int number)
{
    (void)number;
    leat__compare_interrupted = 1;
}

static void listen_to_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal}; /* without SA_RESTART: waiting ends */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* What is wrong with the load's flags is told before a server is started. 0 or an exit status. */
static int check_load(const struct compare_options *o, char *error, size_t error_size)
{
    static struct load_options load;
    int status = leat__compare_options_load(o, "http://127.0.0.1:9/", &load, error, error_size);
    if (status == 0)
        leat__load_options_free(&load);
    return status;
}

/* What was measured, whether or not it came to its end. */
static int tell(const struct compare_run *run, int status, const char *error)
{
    char trouble[COMPARE_ERROR_SIZE];
    if (run->done > 0 || status == 0) {
        if (run->options->json)
            leat__compare_json(stdout, run);
        else
            leat__compare_tell(stdout, run);
        status = leat__end_output(status);
    }
    if (status == COMPARE_INTERRUPTED)
        return complain(status, "interrupted");
    if (status != 0)
        return error[0] != '\0' ? complain(status, error) : status;
    if (run->options->report == NULL)
        return status;
    if (leat__compare_draw(run, run->options->report, trouble, sizeof trouble) < 0)
        return complain(MAIN_SYSTEM, trouble);
    return status;
}

int leat__verb_compare(int argc, char **argv)
{
    static struct compare_options options;
    static struct compare_run run;
    char error[COMPARE_ERROR_SIZE] = "";
    int status = leat__compare_options_read(&options, argc, argv, error, sizeof error);
    if (status != 0)
        return complain(status, error);
    if (options.help) {
        leat__compare_options_help(stdout);
        return leat__end_output(MAIN_DONE);
    }
    int count = leat__compare_candidates(run.candidates, &options, error, sizeof error);
    if (count < 0)
        return complain(MAIN_USAGE, error);
    status = check_load(&options, error, sizeof error);
    if (status != 0)
        return complain(status, error);
    run.options = &options;
    run.count = (uint32_t)count;
    listen_to_signals();
    leat__compare_adopt_strays();
    status = leat__compare_run(&run, error, sizeof error);
    status = tell(&run, status, error);
    leat__compare_run_free(&run);
    return status;
}
