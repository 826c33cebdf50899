/* main.c: leat_main: flags, plan, server, signals.
 *
 *     parse → create → (print the plan) → start → say where → seal → wait for a signal → drain → stop
 *
 * Signals are blocked before the first thread is made, so that every thread inherits that and only
 * the main one receives them, when it asks. The first SIGTERM, SIGINT or SIGHUP drains: nothing new
 * is accepted, what is under way may end. A second one stops at once.
 *
 * Everything on stdio is said before the seal, because stdio allocates; afterwards lines are made on
 * the stack and written with write(2). */
#define _GNU_SOURCE
#include "server/main.h"

#include "base/clock.h"
#include "memory/seal.h"
#include "server/layout.h"
#include "server/options.h"
#include "server/server.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void write_out(void *to, const char *text, size_t size)
{
    (void)to;
    fwrite(text, 1, size, stdout);
}

/* One line on descriptor fd, without stdio: "name: …\n". */
LEAT_PRINTF(3, 4)
static void say(int fd, const char *name, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    int start = snprintf(line, sizeof line / 2, "%s: ", name);
    size_t used = size_min((size_t)start, sizeof line / 2 - 1);
    va_start(arguments, format);
    int size = vsnprintf(line + used, sizeof line - used - 1, format, arguments);
    va_end(arguments);
    used += size_min(size > 0 ? (size_t)size : 0, sizeof line - used - 2);
    line[used++] = '\n';
    ssize_t written = write(fd, line, used);
    (void)written; /* nobody may be listening */
}

/* Every line of errors behind the program's name. */
static void say_errors(const char *name, const char *errors)
{
    while (*errors != '\0') {
        size_t size = strcspn(errors, "\n");
        if (size > 0)
            say(STDERR_FILENO, name, "%.*s", (int)size, errors);
        errors += size + (errors[size] == '\n');
    }
}

/* ── Printing and leaving ── */

static int flush_output(const char *name)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return MAIN_DONE;
    say(STDERR_FILENO, name, "standard output: %s", strerror(errno));
    return MAIN_SYSTEM;
}

static int print_help(const struct program *program)
{
    printf("Usage: %s\n\n%s\n", program->usage, program->about);
    leat__options_help(write_out, NULL);
    fputs(
        "\nSIGTERM, SIGINT and SIGHUP drain: requests under way may end. A second one stops at "
        "once.\n"
        "Exit status: 0 a clean stop, 64 wrong usage, 69 an address can't be had, 70 a defect of\n"
        "ours, 71 the system refuses, 78 the configuration does not fit.\n",
        stdout);
    return flush_output(program->name);
}

static int print_version(const struct program *program)
{
    if (strcmp(program->name, "leat") == 0)
        puts("leat " LEAT_VERSION);
    else
        printf("%s, on Leat " LEAT_VERSION "\n", program->name);
    return flush_output(program->name);
}

static void print_plan(const struct plan *plan, const struct options *options)
{
    if (options->json)
        leat__plan_print_json(plan, write_out, NULL);
    else
        leat__plan_print(plan, write_out, NULL);
    if (options->layout)
        leat__layout_print(write_out, NULL);
}

/* ── Signals ── */

static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static const char *signal_name(int number)
{
    return number == SIGTERM ? "SIGTERM" : number == SIGINT ? "SIGINT" : "SIGHUP";
}

static int wait_for_signal(const sigset_t *signals)
{
    int number;
    do {
        number = sigwaitinfo(signals, NULL);
    } while (number < 0);
    return number;
}

/* Until all shards have ended: of themselves, by a second signal, or because the time is up. */
static void drain(leat_server *server, const char *name, const sigset_t *signals)
{
    static const struct timespec look = {.tv_nsec = 20000000};
    int64_t timeout_ms = leat__server_config(server)->drain_timeout_ms;
    int64_t start_ms = leat__clock_now_ms();
    bool stopping = false;
    leat__server_drain(server);
    while (!leat__server_ended(server)) {
        bool again = sigtimedwait(signals, NULL, &look) > 0;
        bool late = timeout_ms >= 0 && leat__clock_now_ms() - start_ms >= timeout_ms;
        if (stopping || (!again && !late))
            continue;
        say(STDOUT_FILENO, name, "%s: stopping at once",
            again ? "a second signal" : "the drain's time is up");
        leat__server_stop_now(server);
        stopping = true;
    }
}

/* ── Serving ── */

static void tell_addresses(const leat_server *server, const char *name)
{
    char address[160];
    const char *why = leat__server_loop_why(server);
    uint32_t shards = leat__server_config(server)->shards;
    if (why[0] != '\0')
        printf("%s: epoll instead of io_uring: %s\n", name, why);
    printf("%s: listening on", name);
    for (size_t i = 0; leat__server_address(server, i, address, sizeof address); i++)
        printf(" %s", address);
    printf(", loop %s, %u shard%s\n", leat__server_loop_name(server), shards, shards == 1 ? "" : "s");
    fflush(stdout);
}

static void serve(leat_server *server, const char *name, const sigset_t *signals)
{
    struct counters counts;
    char text[768];
    tell_addresses(server, name);
    leat__seal_set(SEAL_SEALED);
    int number = wait_for_signal(signals);
    say(STDOUT_FILENO, name, "%s: draining; once more stops at once", signal_name(number));
    leat__seal_set(SEAL_STOPPING);
    drain(server, name, signals);
    leat_server_stop(server);
    leat__server_counts(server, &counts);
    leat__counters_describe(&counts, text, sizeof text);
    say(STDOUT_FILENO, name, "stopped%s%s", text[0] != '\0' ? "; " : "", text);
}

static int examine(const leat_server *server, const struct program *program, const struct options *options)
{
    int status = program->examine(server, options, program->data);
    int flushed = flush_output(program->name);
    return status != MAIN_DONE ? status : flushed;
}

static int run_server(leat_app *app, const struct program *program, const struct options *options)
{
    sigset_t signals;
    int status = MAIN_DONE;
    block_signals(&signals);
    leat_server *server = leat__server_create(app, &options->config);
    if (program->examine != NULL) {
        status = examine(server, program, options);
        leat_server_destroy(server);
        return status;
    }
    const struct plan *plan = leat__server_plan(server);
    bool failed = leat_server_error(server)[0] != '\0' || plan == NULL;
    /* a plan that does not fit is shown too when it was asked for: that is when it is wanted most */
    if (plan != NULL && (options->plan || (!failed && !options->config.quiet)))
        print_plan(plan, options);
    if (options->plan) {
        status = flush_output(program->name);
    } else if (!failed) {
        fflush(stdout);
        if (program->planned != NULL)
            program->planned(plan, program->data);
        failed = leat_server_start(server) < 0;
        if (!failed)
            serve(server, program->name, &signals);
    }
    if (failed) {
        say_errors(program->name, leat_server_error(server));
        status = leat__server_exit_status(server);
    }
    leat_server_destroy(server);
    return status;
}

static int run(leat_app *app, const struct program *program, int argc, char **argv)
{
    struct options options;
    char error[512];
    leat__options_default(&options);
    options.plan = program->plan_only || program->examine != NULL; /* so --json may go with either */
    int first = leat__options_parse(&options, argc, argv, error, sizeof error);
    if (first < 0) {
        say(STDERR_FILENO, program->name, "%s", error);
        return MAIN_USAGE;
    }
    if (options.help)
        return print_help(program);
    if (options.version)
        return print_version(program);
    int excess = first + (program->takes_operand && first < argc ? 1 : 0);
    if (excess < argc) {
        say(STDERR_FILENO, program->name, "%s: one argument too many; --help says what is possible",
            argv[excess]);
        return MAIN_USAGE;
    }
    int status = program->prepare == NULL
                     ? 0
                     : program->prepare(app, first < argc ? argv[first] : NULL, program->data);
    return status != 0 ? status : run_server(app, program, &options);
}

int leat__main_run(leat_app *app, const struct program *program, int argc, char **argv)
{
    int status = run(app, program, argc, argv);
    leat_app_destroy(app);
    return status;
}

int leat_main(leat_app *app, int argc, char **argv)
{
    char usage[256];
    const char *name = argc > 0 ? argv[0] : "leat";
    const char *slash = strrchr(name, '/');
    snprintf(usage, sizeof usage, "%s [OPTION]...", slash != NULL ? slash + 1 : name);
    return leat__main_run(app,
                          &(struct program){
                              .name = slash != NULL ? slash + 1 : name,
                              .usage = usage,
                              .about = "A server made with Leat: its memory is planned, shown and "
                                       "taken before the first request.",
                          },
                          argc, argv);
}
