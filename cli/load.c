/* load.c: `leat load URL`: asks a server, and says what came. Figures go to standard output, progress and mistakes to standard
 * error. What a load is lies in load/. */
#include "verbs.h"

#include "config/option_values.h"
#include "load/face.h"
#include "load/human.h"
#include "server/main.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { LOAD_DONE = 0, LOAD_HAD_ERRORS = 1, LOAD_UNAVAILABLE = 69 };

static const char usage_before[] =
    "Usage: leat load URL [OPTION]...\n\n"
    "Asks a server for URL (http://HOST[:PORT][/PATH] or unix:/SOCKET[:/PATH]) and says how many\n"
    "requests it answered and how long they took, counted from when they were due; every answer\n"
    "is verified. leat-load(1) and doc/LOAD.md say how to measure rightly.\n\n";
static const char usage_behind[] =
    "  --json                       print one JSON object, and nothing else, on standard output\n"
    "  --report FILE                write a report too: FILE.html, or a plot: FILE.svg, FILE.png\n"
    "  --quiet                      no progress\n"
    "  --help                       print this and exit\n\n"
    "Exit status: 0 all answers were right, 1 some were not, 64 wrong usage, 69 nobody answers,\n"
    "71 the system refuses, 78 a file that is wrong.\n";

struct asked {
    struct load_options o;
    const char *url, *report;
    bool json, quiet;
};

static int complain(int status, const char *line)
{
    char text[LOAD_ERROR_SIZE];
    snprintf(text, sizeof text, "%s", line);
    leat__human_line(text);
    fprintf(stderr, "leat: load: %s\n", text);
    return status;
}

static volatile sig_atomic_t is_interrupted;

static void on_signal(int number)
{
    (void)number;
    is_interrupted = 1;
}

/* ── Flags ── */

static int tell_unknown(const char *name)
{
    static const char *const ours[] = {"json", "report", "quiet", "help"};
    char line[LOAD_ERROR_SIZE];
    const char *nearest = leat__load_options_nearest(name, ours, COUNT_OF(ours));
    if (nearest != NULL)
        snprintf(line, sizeof line, "%.200s: no such option; did you mean %s?", name, nearest);
    else
        snprintf(line, sizeof line, "%.200s: no such option; leat help load lists them", name);
    return complain(MAIN_USAGE, line);
}

/* The verb's own flags: 0: it is none; 1, or 2 with its value; below 0: a mistake that has been told. */
static int take_own(struct asked *a, const char *name, const char *value, bool has_equals)
{
    bool *flag = strcmp(name, "--json") == 0    ? &a->json
                 : strcmp(name, "--quiet") == 0 ? &a->quiet
                                                : NULL;
    char line[LOAD_ERROR_SIZE];
    if (flag != NULL && has_equals) {
        snprintf(line, sizeof line, "%s: takes no value; write it alone", name);
        return -complain(MAIN_USAGE, line);
    }
    if (flag != NULL) {
        *flag = true;
        return 1;
    }
    if (strcmp(name, "--report") != 0)
        return 0;
    const char *fault = value != NULL ? leat__load_report_fault(value)
                                      : "wants a value: --report FILE.html";
    if (fault != NULL) {
        snprintf(line, sizeof line, "--report%s%.200s: %s", value != NULL ? " " : "",
                 value != NULL ? value : "", fault);
        return -complain(MAIN_USAGE, line);
    }
    a->report = value;
    return 2;
}

/* One argument, and its value: how many were taken, or below 0: -status, told. */
static int take_flag(struct asked *a, char *const *argv)
{
    char name[LOAD_NAME_SIZE], error[LOAD_ERROR_SIZE];
    const char *equals = strncmp(argv[0], "--", 2) == 0 ? strchr(argv[0], '=') : NULL;
    int size = equals != NULL ? (int)(equals - argv[0]) : (int)strlen(argv[0]);
    snprintf(name, sizeof name, "%.*s", size, argv[0]);
    const char *value = equals != NULL ? equals + 1 : argv[1];
    if (equals == NULL && value != NULL && strncmp(value, "--", 2) == 0)
        value = NULL; /* the next flag; what does begin so is written --name=--value */
    int taken = take_own(a, name, value, equals != NULL);
    if (taken == 0) {
        taken = leat__load_options_flag(&a->o, name, value, error, sizeof error);
        if (taken == -ENOENT)
            return -tell_unknown(name);
        if (taken < 0)
            return -complain(MAIN_USAGE, error);
        taken++;
    }
    return taken < 0 || equals == NULL ? taken : 1;
}

static int take_operand(struct asked *a, const char *text)
{
    if (a->url != NULL)
        return complain(MAIN_USAGE, "takes one URL; a mix of paths is a file: --mix");
    a->url = text;
    return 0;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int read_arguments(struct asked *a, int argc, char **argv)
{
    char error[LOAD_ERROR_SIZE];
    bool only_operands = false;
    for (int i = 1; i < argc;) {
        bool is_flag = !only_operands && argv[i][0] == '-' && argv[i][1] != '\0';
        if (is_flag && strcmp(argv[i], "--") == 0) {
            only_operands = true;
            i++;
            continue;
        }
        int taken = is_flag ? take_flag(a, argv + i) : 1;
        int status = is_flag ? (taken < 0 ? -taken : 0) : take_operand(a, argv[i]);
        if (status != 0)
            return status;
        i += taken;
    }
    int status = a->url != NULL ? leat__load_options_url(&a->o, a->url, error, sizeof error) : 0;
    if (status == 0)
        status = leat__load_options_check(&a->o, error, sizeof error);
    return status == 0 ? 0 : complain(status, error);
}

/* ── The load ── */

static bool show(void *context, const struct load_moment *moment)
{
    leat__load_progress_show(context, moment);
    return !is_interrupted;
}

/* Of what kept a load from being one. */
static int exit_status(int status)
{
    switch (-status) {
    case ECONNREFUSED:
    case ECONNRESET:
    case ENOENT:
    case EACCES:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ETIMEDOUT:
        return LOAD_UNAVAILABLE;
    case EFBIG: /* contents too large to be compared */
        return MAIN_USAGE;
    default:
        return MAIN_SYSTEM;
    }
}

static int run(const struct asked *a)
{
    struct load_face *face = leat__load_progress_open(&a->o, stderr, a->quiet);
    struct load_result r;
    char error[LOAD_ERROR_SIZE];
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}, before;
    sigaction(SIGINT, &action, &before); /* the second one ends it at once */
    int status = leat__load_run(&a->o, &r, show, face, error, sizeof error);
    sigaction(SIGINT, &before, NULL);
    leat__load_progress_close(face);
    if (status < 0)
        return complain(exit_status(status), error);
    if (a->json)
        leat__load_json(stdout, &a->o, &r);
    else
        leat__load_summary(stdout, &a->o, &r);
    int ended = leat__load_result_is_well(&r) ? LOAD_DONE : LOAD_HAD_ERRORS;
    if (a->report != NULL && leat__load_report(a->report, &a->o, &r, error, sizeof error) < 0)
        ended = complain(MAIN_SYSTEM, error);
    leat__load_result_free(&r);
    return leat__end_output(ended);
}

int leat__verb_load(int argc, char **argv)
{
    static struct asked asked;
    if (wants_help(argc, argv)) {
        fputs(usage_before, stdout);
        leat__load_options_help(stdout);
        fputs(usage_behind, stdout);
        return leat__end_output(LOAD_DONE);
    }
    leat__load_options_init(&asked.o);
    int status = read_arguments(&asked, argc, argv);
    if (status == 0)
        status = run(&asked);
    leat__load_options_free(&asked.o);
    return status;
}
