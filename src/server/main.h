/* main.h: what every program that serves does, with the few places where the `leat` command's verbs
 * differ from leat_main. */
#ifndef LEAT_MAIN_H
#define LEAT_MAIN_H

#include "leat/leat.h"
#include "memory/plan.h"
#include "config/options.h"

enum { MAIN_DONE = 0, MAIN_USAGE = 64, MAIN_SYSTEM = 71, MAIN_CONFIG = 78 };

struct program {
    const char *name;  /* in front of every message */
    const char *usage; /* behind "Usage: " */
    const char *about; /* lines for --help */
    bool takes_operand;
    const char *operand_option; /* the operand is this option's value ("root"); NULL: it is none's */
    bool plan_only;             /* --plan goes without saying */
    /* Options of the program's own (NULL: none), and what they fill: the table's struct, of the file's top, the
     * environment and the flags. It is full when prepare runs; its texts live until leat__main_run returns. */
    const struct option_table *extra;
    void *extra_options;
    /* A section of the file, [site NAME …] when extra->section is "site": answers the struct that its rows fill, which
     * is given the defaults first. In the order of the file, before prepare; NULL when there are too many. names live
     * as long as the texts. Never called by a reload. */
    void *(*open_section)(const struct option_texts *names, void *data);
    /* Registers what depends on the operand (NULL: none was given); NULL: nothing does. 0, or the exit status after a
     * line on stderr. */
    int (*prepare)(leat_app *app, const char *operand, void *data);
    /* The plan is made and nothing is sealed yet; may be NULL. */
    void (*planned)(const struct plan *plan, void *data);
    /* What is amiss on this system, for the admin listener: an array of JSON, in memory of leat__start_alloc's; just before
     * the start. NULL: nobody looks. */
    char *(*diagnose)(const leat_server *server);
    /* Instead of serving: looks at what would be served. The server is made and never started, and leat_server_error
     * tells what keeps it from starting. Answers the exit status; may be NULL. */
    int (*examine)(const leat_server *server, const struct options *options, void *data);
    void *data;
};

/* A program's own line on standard error (from prepare), that begins with its name and, when it is about a text
 * of the file or the environment, says where that was written. */
void leat__main_complain(const char *name, const char *line);

/* The whole of a program; answers its exit status (leat.h, leat_main). Destroys app. */
int leat__main_run(leat_app *app, const struct program *program, int argc, char **argv);

#endif
