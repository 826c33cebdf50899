/* options.c: the flags of `leat compare`: its own, and behind -- those of the load, which are kept as they are and read anew
 * for each measurement, since the port changes. */
#include "compare/compare.h"

#include "config/option_values.h"
#include "server/main.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Measured in pieces so short that the machine has little time to change its mind between two of them. */
static const double WARMUP_S = 0.2, DURATION_S = 0.5;

static const char help[] =
    "Usage: leat compare [OPTION]... A B [MORE]... [-- LOAD-OPTION...]\n"
    "       leat compare --vary NAME=V1,V2... [OPTION]... COMMAND [-- LOAD-OPTION...]\n\n"
    "Measures servers in turns, in rounds of random order, until it is known whether B is better\n"
    "than A, and by how much. Each is a command that starts a server on {port}, in quotes, or\n"
    "the URL of one that runs already, with @PID behind it so that its processor time can be\n"
    "read. With --vary every combination of the settings is a candidate: {NAME} stands in the\n"
    "command. Commands are parted like a shell's, without a shell.\n\n"
    "  --vary NAME=V1,V2    values for {NAME}; can be given again\n"
    "  --url URL            where a command's server is asked, or only the path\n"
    "                       (http://127.0.0.1:{port}/)\n"
    "  --rounds N           so many rounds and one look at the end, instead of looks on the way\n"
    "  --at-most T          the time for all rounds (30s for each candidate)\n"
    "  --detect PERCENT     enough is known when a difference so small would have been seen (1)\n"
    "  --start-within T     in which a server has to answer (10s)\n"
    "  --server-cores LIST  where servers run (0)\n"
    "  --cores LIST         where the load runs (1 where there is one, else 0)\n"
    "  --seed N             of the order, and of the intervals (chosen, and told)\n"
    "  --json               print one JSON object, with every round\n"
    "  --report FILE        draw it too: FILE.svg, FILE.png or FILE.html\n"
    "  --quiet              no progress\n"
    "  --help               print this and exit\n\n"
    "Behind -- stand options of leat load: --active, --idle, --rate, --duration ... A measurement\n"
    "takes 500ms after a warm-up of 200ms unless --duration and --warm-up say otherwise there.\n\n"
    "Exit status: 0 done, whatever the verdict, 64 wrong usage, 69 a server did not start, died\n"
    "or answered wrongly, 71 the system refuses, 78 a file of the load is wrong, 130 "
    "interrupted.\n";

void leat__compare_options_help(FILE *to)
{
    fputs(help, to);
}

/* ── Values ── */

static int fail(char *error, size_t size, const char *name, const char *value, const char *way_out)
{
    snprintf(error, size, "--%s %.100s: %s", name, value, way_out);
    return -EINVAL;
}

static int read_seconds(double *seconds, const char *name, const char *value, char *error, size_t size)
{
    int64_t ms;
    if (leat__option_read_duration(value, &ms) < 0 || ms < 1 || ms > 86400000)
        return fail(error, size, name, value, "give a time up to 24h, like 500ms, 90s, 5m");
    *seconds = (double)ms / 1000;
    return 0;
}

static int read_rounds(uint32_t *rounds, const char *name, const char *value, char *error, size_t size)
{
    int64_t count;
    if (leat__option_read_count(value, &count) < 0 || count < 1 || count > COMPARE_ROUNDS_MAX)
        return fail(error, size, name, value, "give a whole number from 1 to 400");
    *rounds = (uint32_t)count;
    return 0;
}

static int read_percent(double *share, const char *name, const char *value, char *error, size_t size)
{
    char *end = NULL;
    double percent = strtod(value, &end);
    if (!isdigit((unsigned char)value[0]) || (*end != '\0' && strcmp(end, "%") != 0) || percent > 100)
        return fail(error, size, name, value, "give a number from 0 to 100, like 0.5");
    *share = percent / 100;
    return 0;
}

static int read_seed(uint64_t *seed, const char *name, const char *value, char *error, size_t size)
{
    int64_t count;
    if (leat__option_read_count(value, &count) < 0)
        return fail(error, size, name, value, "give a whole number");
    *seed = (uint64_t)count;
    return 0;
}

/* One core, or from one to another; NULL: it is neither. */
static const char *read_range(cpu_set_t *set, const char *at)
{
    char *end;
    if (!isdigit((unsigned char)*at))
        return NULL;
    unsigned long first = strtoul(at, &end, 10), last = first;
    if (*end == '-' && isdigit((unsigned char)end[1]))
        last = strtoul(end + 1, &end, 10);
    if (last < first || last >= CPU_SETSIZE)
        return NULL;
    for (unsigned long core = first; core <= last; core++)
        CPU_SET(core, set);
    return end;
}

static int read_cores(cpu_set_t *set, const char *name, const char *value, char *error, size_t size)
{
    cpu_set_t ours, both;
    CPU_ZERO(set);
    for (const char *at = value; at != NULL; at++) {
        at = read_range(set, at);
        if (at == NULL || (*at != ',' && *at != '\0'))
            return fail(error, size, name, value, "give cores by number, like 0 or 0,2-5");
        if (*at == '\0')
            break;
    }
    if (sched_getaffinity(0, sizeof ours, &ours) < 0)
        return 0;
    CPU_AND(&both, &ours, set);
    if (CPU_EQUAL(&both, set))
        return 0;
    return fail(error, size, name, value, "not all of these cores can be used here");
}

/* The n-th core that this program may use, or the last one. */
static void choose_core(cpu_set_t *set, int n)
{
    cpu_set_t ours;
    CPU_ZERO(set);
    if (sched_getaffinity(0, sizeof ours, &ours) < 0)
        CPU_SET(0, &ours);
    for (int core = 0; core < CPU_SETSIZE && n >= 0; core++)
        if (CPU_ISSET(core, &ours)) {
            CPU_ZERO(set);
            CPU_SET(core, set);
            n--;
        }
}

/* ── Flags ── */

static int read_report(struct compare_options *o, const char *value, char *error, size_t size)
{
    const char *dot = strrchr(value, '.');
    if (dot == NULL || dot == value ||
        (strcmp(dot, ".svg") != 0 && strcmp(dot, ".png") != 0 && strcmp(dot, ".html") != 0))
        return fail(error, size, "report", value, "give a file that ends in .svg, .png or .html");
    o->report = value;
    return 0;
}

static int read_vary(struct compare_options *o, const char *value, char *error, size_t size)
{
    if (o->vary_count == COMPARE_VARY_MAX)
        return fail(error, size, "vary", value, "at most 8 settings can be varied");
    return leat__compare_vary_read(&o->vary[o->vary_count++], value, error, size);
}

/* 0, -EINVAL, or -ENOENT: there is no such flag. */
static int read_flag(struct compare_options *o, const char *name, const char *value, char *error,
                     size_t size)
{
    if (strcmp(name, "vary") == 0)
        return read_vary(o, value, error, size);
    if (strcmp(name, "url") == 0)
        o->url = value;
    else if (strcmp(name, "rounds") == 0)
        return read_rounds(&o->rounds, name, value, error, size);
    else if (strcmp(name, "at-most") == 0)
        return read_seconds(&o->at_most_s, name, value, error, size);
    else if (strcmp(name, "detect") == 0)
        return read_percent(&o->detect, name, value, error, size);
    else if (strcmp(name, "start-within") == 0)
        return read_seconds(&o->start_within_s, name, value, error, size);
    else if (strcmp(name, "server-cores") == 0)
        return read_cores(&o->server_cores, name, value, error, size);
    else if (strcmp(name, "cores") == 0)
        return read_cores(&o->cores, name, value, error, size);
    else if (strcmp(name, "seed") == 0)
        return read_seed(&o->seed, name, value, error, size);
    else if (strcmp(name, "report") == 0)
        return read_report(o, value, error, size);
    else
        return -ENOENT;
    return 0;
}

static bool *find_switch(struct compare_options *o, const char *name)
{
    return strcmp(name, "json") == 0    ? &o->json
           : strcmp(name, "quiet") == 0 ? &o->quiet
           : strcmp(name, "help") == 0  ? &o->help
                                        : NULL;
}

static int tell_unknown(const char *name, char *error, size_t size)
{
    static const char *const names[] = {
        "vary",  "url",  "rounds", "at-most", "detect", "start-within", "server-cores",
        "cores", "seed", "json",   "report",  "quiet",  "help"};
    char nothing[LOAD_ERROR_SIZE];
    static struct load_options load;
    leat__load_options_init(&load);
    bool is_loads = leat__load_options_flag(&load, name, "", nothing, sizeof nothing) != -ENOENT;
    leat__load_options_free(&load);
    int nearest = leat__option_nearest(name, names, COUNT_OF(names));
    if (is_loads)
        snprintf(error, size, "--%.100s is the load's: write it behind --", name);
    else if (nearest >= 0)
        snprintf(error, size, "--%.100s: no such option; did you mean --%s?", name, names[nearest]);
    else
        snprintf(error, size, "--%.100s: no such option; leat help compare lists them", name);
    return -EINVAL;
}

/* One flag at argv: how many arguments it took, or -EINVAL. */
static int take_flag(struct compare_options *o, char *const *argv, char *error, size_t size)
{
    char name[64];
    const char *equals = strchr(argv[0], '=');
    bool is_short = strcmp(argv[0], "-h") == 0;
    int length = (int)(equals != NULL ? (size_t)(equals - argv[0]) : strlen(argv[0])) - 2;
    snprintf(name, sizeof name, "%.*s", is_short ? 4 : length, is_short ? "help" : argv[0] + 2);
    bool *one = find_switch(o, name);
    if (one != NULL && equals != NULL)
        return fail(error, size, name, equals + 1, "it takes no value");
    if (one != NULL) {
        *one = true;
        return 1;
    }
    const char *value = equals != NULL ? equals + 1 : argv[1];
    int status = read_flag(o, name, value != NULL ? value : "", error, size);
    if (status == -ENOENT)
        return tell_unknown(name, error, size);
    if (value == NULL)
        return fail(error, size, name, "", "a value is missing");
    return status < 0 ? status : equals != NULL ? 1 : 2;
}

static int keep_load_flags(struct compare_options *o, int argc, char **argv, char *error, size_t size)
{
    for (int i = 0; i < argc; i++) {
        if (o->flag_count == COMPARE_FLAGS_MAX) {
            snprintf(error, size, "behind -- at most %d words can stand", COMPARE_FLAGS_MAX);
            return -EINVAL;
        }
        o->flags[o->flag_count++] = argv[i];
    }
    return 0;
}

static int take_operand(struct compare_options *o, const char *text, char *error, size_t size)
{
    if (o->operand_count == COMPARE_CANDIDATES_MAX) {
        snprintf(error, size, "more than %d candidates can't be compared at once", COMPARE_CANDIDATES_MAX);
        return -EINVAL;
    }
    o->operands[o->operand_count++] = text;
    return 0;
}

int leat__compare_options_read(struct compare_options *o, int argc, char **argv, char *error,
                               size_t error_size)
{
    *o = (struct compare_options){.detect = 0.01, .start_within_s = 10, .seed = (uint64_t)getpid()};
    choose_core(&o->server_cores, 0);
    choose_core(&o->cores, 1);
    for (int i = 1; i < argc && !o->help;) {
        int taken = 1;
        if (strcmp(argv[i], "--") == 0) {
            taken = keep_load_flags(o, argc - i - 1, argv + i + 1, error, error_size);
            i = argc;
        } else if (strncmp(argv[i], "--", 2) == 0 || strcmp(argv[i], "-h") == 0) {
            taken = take_flag(o, argv + i, error, error_size);
        } else if (argv[i][0] == '-') {
            taken = tell_unknown(argv[i] + 1, error, error_size);
        } else {
            taken = take_operand(o, argv[i], error, error_size) < 0 ? -EINVAL : 1;
        }
        if (taken < 0)
            return MAIN_USAGE;
        i += taken;
    }
    if (!o->help && o->rounds > 0 && o->at_most_s > 0) {
        snprintf(
            error, error_size,
            "--rounds and --at-most don't go together: rounds are fixed, or fitted into a time");
        return MAIN_USAGE;
    }
    return 0;
}

/* ── The load's ── */

/* argv[0] is a flag of the load's, argv[1] its value or the end. How many were taken; or -EINVAL. */
static int take_load_flag(struct load_options *load, const char *const *argv, uint32_t left,
                          char *error, size_t size)
{
    char name[LOAD_NAME_SIZE], why[LOAD_ERROR_SIZE];
    const char *equals = strncmp(argv[0], "--", 2) == 0 ? strchr(argv[0], '=') : NULL;
    snprintf(name, sizeof name, "%.*s",
             (int)(equals != NULL ? (size_t)(equals - argv[0]) : strlen(argv[0])), argv[0]);
    const char *value = equals != NULL ? equals + 1 : left > 1 ? argv[1] : NULL;
    int taken = argv[0][0] == '-' ? leat__load_options_flag(load, name, value, why, sizeof why) : -ENOENT;
    if (taken == -ENOENT)
        snprintf(why, sizeof why, "%.100s: no such option of the load; leat help load lists them",
                 argv[0]);
    if (taken < 0) {
        snprintf(error, size, "behind --: %s", why);
        return -EINVAL;
    }
    return equals != NULL ? 1 : 1 + taken;
}

int leat__compare_options_load(const struct compare_options *o, const char *url,
                               struct load_options *load, char *error, size_t error_size)
{
    leat__load_options_init(load);
    load->warmup_s = WARMUP_S;
    load->duration_s = DURATION_S;
    load->active_cores = o->cores;
    int status = leat__load_options_url(load, url, error, error_size);
    for (uint32_t i = 0; status == 0 && i < o->flag_count;) {
        int taken = take_load_flag(load, o->flags + i, o->flag_count - i, error, error_size);
        status = taken < 0 ? MAIN_USAGE : 0;
        i += taken > 0 ? (uint32_t)taken : 0;
    }
    if (status == 0)
        status = leat__load_options_check(load, error, error_size);
    if (status != 0)
        leat__load_options_free(load);
    return status;
}
