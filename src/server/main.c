/* main.c: the whole of a program (leat_main is doctor/program.c): what was said, a server, signals.
 *
 *     flags, environment, file → create → (print the plan, the configuration) → start → say where → seal
 *         → wait for signals → drain → stop
 *
 * Signals are blocked before the first thread is made, so that every thread inherits that and only the main one
 * receives them, when it asks. SIGHUP opens the access log again and reads the configuration anew. The first SIGTERM or
 * SIGINT drains, after --drain-delay: nothing new is accepted, what is under way may end. Another one ends the delay, or
 * stops at once.
 *
 * Everything on stdio is said before the seal, because stdio allocates; afterwards lines are made on the stack and
 * written with write(2). What was said is kept in static memory, so that a reload has where to put what it reads. */
#define _GNU_SOURCE /* environ */
#include "server/main.h"

#include "memory/seal.h"
#include "exchange/exchange.h"
#include "config/effective.h"
#include "observe/events.h"
#include "server/main_print.h"
#include "server/main_signals.h"
#include "server/notify.h"
#include "server/overflow.h"
#include "config/reload.h"
#include "server/server.h"
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct effective running, candidate;

/* ── Serving ── */

static uint64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* SIGHUP. The log is opened again whatever the configuration says: a rotation must not hang on a typing error. */
static void read_anew(leat_server *server, const char *name, struct reload *reload)
{
    char report[768];
    leat__notifyf("RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)monotonic_us());
    int log_error = leat__server_reopen_logs(server);
    if (log_error < 0)
        leat__main_say(STDERR_FILENO, name,
                       "SIGHUP: the access log can't be opened again: %s; the old one goes on",
                       strerror(-log_error));
    log_error = leat__events_reopen();
    if (log_error < 0)
        leat__main_say(STDERR_FILENO, name,
                       "SIGHUP: the log can't be opened again: %s; the old one goes on",
                       strerror(-log_error));
    if (leat__reload_read(reload, environ, report, sizeof report) < 0) {
        leat__main_say(STDERR_FILENO, name, "SIGHUP: %s; nothing was changed", report);
        leat__event_say(LEAT_LOG_ERROR, "server", true, "SIGHUP: %s; nothing was changed", report);
    } else {
        leat__server_apply(server, &reload->live);
        leat__main_say(STDOUT_FILENO, name, "SIGHUP: %s", report);
        leat__event_say(LEAT_LOG_NOTICE, "server", true, "SIGHUP: the logs were opened again; %s", report);
    }
    leat__notify("READY=1");
}

static void tell_deepest(const struct deepest *deepest, const char *name)
{
    char bytes[PLAN_HUMAN_SIZE], of[PLAN_HUMAN_SIZE];
    if (deepest->bytes > 0)
        leat__main_say(STDOUT_FILENO, name, "the deepest handler, %s, used %s of its stack's %s",
                       deepest->route, leat__plan_human(bytes, deepest->bytes),
                       leat__plan_human(of, deepest->of));
}

static void serve(leat_server *server, const char *name, const sigset_t *signals)
{
    struct counters counts;
    struct reload reload = {&running, &candidate, *leat__server_config(server)};
    char text[768];
    int number;
    leat__main_tell_addresses(server, name);
    leat__seal_set(SEAL_SEALED);
    leat__notifyf("READY=1\nSTATUS=Serving with %u shards, loop %s", reload.live.shards,
                  leat__server_loop_name(server));
    while ((number = leat__signals_wait(signals, server, -1)) == SIGHUP)
        read_anew(server, name, &reload);
    if (reload.live.drain_delay_ms != 0) {
        leat__main_say(STDOUT_FILENO, name,
                       "%s: not ready any more, and still accepting; once more drains at once",
                       leat__signals_name(number));
        leat__notify("STOPPING=1\nSTATUS=Not ready any more, still accepting");
        leat__signals_delay(signals, server, name, reload.live.drain_delay_ms);
    }
    leat__main_say(STDOUT_FILENO, name, "%s: draining; once more stops at once",
                   leat__signals_name(number));
    leat__notify("STOPPING=1\nSTATUS=Draining");
    leat__seal_set(SEAL_STOPPING);
    leat__signals_drain(signals, server, name, reload.live.drain_timeout_ms);
    leat_server_stop(server);
    leat__server_counts(server, &counts);
    leat__counters_describe(&counts, text, sizeof text);
    leat__main_say(STDOUT_FILENO, name, "stopped%s%s", text[0] != '\0' ? "; " : "", text);
    tell_deepest(leat__server_deepest(server), name);
}

static int examine(const leat_server *server, const struct program *program, const struct options *options)
{
    int status = program->examine(server, options, program->data);
    int flushed = leat__main_flush(program->name);
    return status != MAIN_DONE ? status : flushed;
}

/* What there is to do besides serving; a configuration that does not fit is shown too when it was asked for: that is when
 * it is wanted most. */
static int print_orders(leat_app *app, const leat_server *server, const struct program *program,
                        const struct options *options, bool failed)
{
    const struct plan *plan = leat__server_plan(server);
    if (options->print_config)
        leat__main_print_effective(&running, options, leat__server_config(server));
    else if (options->routes)
        leat__main_print_routes(app, options, leat__server_config(server));
    else if (options->plan && plan != NULL)
        leat__main_print_plan(plan, options);
    else if (options->check && !failed)
        printf("%s: the configuration is well\n", program->name);
    return leat__main_flush(program->name);
}

/* What the admin listener tells of the doctor, where there is one; NULL: nothing. */
static char *diagnose(const leat_server *server, const struct program *program)
{
    const char *admin = leat__server_config(server)->admin;
    bool is_off = admin != NULL && strcmp(admin, "off") == 0;
    return program->diagnose != NULL && !is_off ? program->diagnose(server) : NULL;
}

static int start_and_serve(leat_server *server, const struct program *program,
                           const struct options *options, const sigset_t *signals)
{
    const struct plan *plan = leat__server_plan(server);
    if (!options->config.quiet)
        leat__main_print_plan(plan, options);
    fflush(stdout);
    if (program->planned != NULL)
        program->planned(plan, program->data);
    leat__overflow_watch(program->name);
    char *words = diagnose(server, program);
    leat__server_set_doctor(server, words);
    int error = leat_server_start(server);
    if (error == 0)
        serve(server, program->name, signals);
    leat_server_stop(server); /* nobody tells the words any more */
    leat__start_free(words);
    return error < 0 ? -1 : MAIN_DONE;
}

/* A server that was told wrong is told so by flags (64), or by the configuration (78): only an address is judged so late. */
static int exit_status_of(const leat_server *server)
{
    const struct setting *listen = leat__effective_get(
        &running, leat__effective_find_row(&running, "listen", NULL), 0, 0);
    int status = leat__server_exit_status(server);
    bool by_flag = listen == NULL || listen->source == SOURCE_FLAG;
    return status == MAIN_USAGE && !by_flag ? MAIN_CONFIG : status;
}

static int run_server(leat_app *app, const struct program *program, const struct options *options)
{
    sigset_t signals;
    int status = MAIN_DONE;
    leat__signals_block(&signals);
    leat_server *server = leat__server_create(app, &options->config);
    bool failed = leat_server_error(server)[0] != '\0' || leat__server_plan(server) == NULL;
    if (program->examine != NULL && options->plan) {
        status = examine(server, program, options);
        failed = false;
    } else if (options->plan || options->routes || options->print_config || options->check) {
        status = print_orders(app, server, program, options, failed);
    } else if (!failed) {
        failed = start_and_serve(server, program, options, &signals) < 0;
    }
    if (failed) {
        leat__main_say_errors(program->name, &running, leat_server_error(server));
        status = exit_status_of(server);
    }
    leat_server_destroy(server);
    return status;
}

/* ── What was said ── */

/* Environment and file, behind the flags. The name of the file is the one thing that they can't say. */
static int read_settings(char *error, size_t error_size)
{
    int status = leat__environment_read(&running, environ, error, error_size);
    const struct setting *file = leat__effective_get(
        &running, leat__effective_find_row(&running, "config", NULL), 0, 0);
    if (status == 0 && file != NULL)
        status = leat__ini_read(&running, file->text, error, error_size);
    return status;
}

static int fill_structs(const struct program *program, struct options *options, char *error,
                        size_t error_size)
{
    leat__effective_fill(&running, &leat__server_table, 0, options);
    if (program->extra == NULL)
        return 0;
    leat__effective_fill(&running, program->extra, 0, program->extra_options);
    for (uint32_t s = 0; s < running.section_count; s++) {
        const struct option_texts *names = &running.sections[s].names;
        void *section = program->open_section(names, program->data);
        if (section == NULL) {
            snprintf(error, error_size, "%s:%u: [%s %s]: too many sections; leave this one out",
                     running.file, running.sections[s].line, program->extra->section, names->items[0]);
            return -EINVAL;
        }
        leat__effective_fill(&running, program->extra, s + 1, section);
    }
    return 0;
}

/* Flags and what stands behind them; the first operand's index, or -EINVAL. */
static int read_arguments(const struct program *program, int argc, char **argv, char *error,
                          size_t error_size)
{
    static const struct option_place as_flag = {.source = SOURCE_FLAG};
    int first = leat__flags_read(&running, argc, argv, error, error_size);
    if (first < 0 || first == argc || program->operand_option == NULL)
        return first;
    const struct option_row *row = leat__effective_find_row(&running, program->operand_option, NULL);
    int status = leat__effective_add(&running, row, 0, &as_flag, argv[first], error, error_size);
    return status < 0 ? status : first;
}

static int run(leat_app *app, const struct program *program, int argc, char **argv)
{
    struct options options;
    char error[768];
    leat__effective_init(&running, program->extra);
    int first = read_arguments(program, argc, argv, error, sizeof error);
    leat__effective_fill(&running, &leat__server_table, 0, &options);
    if (!options.print_config && !options.check && !options.routes) /* so --json may go with either */
        options.plan |= program->plan_only || program->examine != NULL;
    if (first >= 0 && !options.help && !options.version &&
        leat__flags_check(&options, error, sizeof error) < 0)
        first = -EINVAL;
    if (first < 0) {
        leat__main_say(STDERR_FILENO, program->name, "%s", error);
        return MAIN_USAGE;
    }
    if (options.help)
        return leat__main_print_help(program);
    if (options.version)
        return leat__main_print_version(program);
    int excess = first + (program->takes_operand && first < argc ? 1 : 0);
    if (excess < argc) {
        leat__main_say(STDERR_FILENO, program->name,
                       "%s: one argument too many; --help says what is possible", argv[excess]);
        return MAIN_USAGE;
    }
    bool plan = options.plan;
    if (read_settings(error, sizeof error) < 0 ||
        fill_structs(program, &options, error, sizeof error) < 0) {
        leat__main_say(STDERR_FILENO, program->name, "%s", error);
        return MAIN_CONFIG;
    }
    options.plan = plan; /* filling has cleared it */
    int status = program->prepare == NULL
                     ? 0
                     : program->prepare(app, first < argc ? argv[first] : NULL, program->data);
    return status != 0 ? status : run_server(app, program, &options);
}

void leat__main_complain(const char *name, const char *line)
{
    leat__main_say_errors(name, &running, line);
}

int leat__main_run(leat_app *app, const struct program *program, int argc, char **argv)
{
    int status = run(app, program, argc, argv);
    leat_app_destroy(app);
    return status;
}
