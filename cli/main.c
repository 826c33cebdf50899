/* main.c: `leat VERB …`: finds the verb and hands over. */
#include "site.h"
#include "verbs.h"

#include "config/effective.h"
#include "config/option_values.h"
#include "leat/leat.h"
#include "server/main.h"
#include <stdio.h>
#include <sys/stat.h>

static int run_help(int argc, char **argv);

static const struct verb verbs[] = {
    {"serve", "serve [DIR] [OPTION]...", "serve the files of DIR, or a welcome page", leat__verb_serve},
    {"plan", "plan [DIR] [OPTION]...",
     "print what a server with these options would take in memory", leat__verb_plan},
    {"doctor", "doctor [DIR] [OPTION]...",
     "say what such a server would meet here, and what to change", leat__verb_doctor},
    {"bundle", "bundle DIR FILE", "pack a folder into one file, to serve with --bundle", leat__verb_bundle},
    {"top", "top [URL]", "show what a server does, in a terminal", leat__verb_top},
    {"load", "load URL [OPTION]...", "ask a server, and say how long its answers took", leat__verb_load},
    {"compare", "compare [OPTION]... A B", "say which of two servers is better, and by how much",
     leat__verb_compare},
    {"lab", "lab [OPTION]...", "measure Leat and others on this machine, the same way", leat__verb_lab},
    {"help", "help [VERB]", "say what a verb does", run_help},
};

static void print_usage(FILE *to)
{
    fputs("Leat: a web server whose memory is dug before the water comes.\n\nUsage:\n", to);
    for (unsigned i = 0; i < COUNT_OF(verbs); i++)
        fprintf(to, "  leat %-26s %s\n", verbs[i].usage, verbs[i].about);
    fputs("  leat --version\n"
          "\nTo begin with:  leat serve        then open http://localhost:8080\n"
          "All options:    leat help serve\n",
          to);
}

static const struct verb *find_verb(const char *name)
{
    for (unsigned i = 0; i < COUNT_OF(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

/* Whether it was meant as what to serve. */
static bool is_folder(const char *name)
{
    struct stat status;
    return strchr(name, '/') != NULL || (stat(name, &status) == 0 && S_ISDIR(status.st_mode));
}

static int tell_unknown(const char *name)
{
    const char *names[COUNT_OF(verbs)];
    for (unsigned i = 0; i < COUNT_OF(verbs); i++)
        names[i] = verbs[i].name;
    int nearest = leat__option_nearest(name, names, COUNT_OF(verbs));
    if (is_folder(name))
        fprintf(stderr, "leat: %s: no such verb; write leat serve %s\n", name, name);
    else if (nearest >= 0)
        fprintf(stderr, "leat: %s: no such verb; did you mean leat %s?\n", name, names[nearest]);
    else
        fprintf(stderr, "leat: %s: no such verb; leat --help lists them\n", name);
    return MAIN_USAGE;
}

/* An option in a verb's place: what is wrong with the option itself is said first, so that putting it in its place is the
 * last thing to do. */
static int tell_option(int argc, char **argv)
{
    static struct effective e;
    char error[512];
    const char *name = argv[1];
    leat__effective_init(&e, &leat__site_table);
    if (strcmp(name, "-v") == 0)
        fprintf(stderr, "leat: -v: no such option; write leat --version\n");
    else if (leat__flags_read(&e, argc, argv, error, sizeof error) < 0)
        fprintf(stderr, "leat: %s\n", error);
    else
        fprintf(stderr, "leat: %s: options come behind a verb; write leat serve %s\n", name, name);
    return MAIN_USAGE;
}

static int run_help(int argc, char **argv)
{
    char help[] = "--help";
    if (argc < 2 || strcmp(argv[1], argv[0]) == 0) {
        print_usage(stdout);
        return leat__end_output(MAIN_DONE);
    }
    const struct verb *verb = find_verb(argv[1]);
    return verb != NULL ? verb->run(2, (char *[]){argv[1], help, NULL}) : tell_unknown(argv[1]);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return MAIN_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return leat__end_output(MAIN_DONE);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts("leat " LEAT_VERSION);
        return leat__end_output(MAIN_DONE);
    }
    if (argv[1][0] == '-')
        return tell_option(argc, argv);
    const struct verb *verb = find_verb(argv[1]);
    return verb != NULL ? verb->run(argc - 1, argv + 1) : tell_unknown(argv[1]);
}
